"""JSON-RPC over one connection that is kept alive."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlsplit

import requests

from everstock.chain.errors import NodeUnreachable, RpcError

Request = tuple[str, Sequence[Any]]
Post = Callable[[bytes], bytes]


class Client(Protocol):
    """What speaks JSON-RPC to a node."""

    def __call__(self, method: str, *params: Any) -> Any:
        """One request."""

    def batch(self, calls: Sequence[Request], keep_errors: bool = False) -> list[Any]:
        """Several requests in one message."""

    def close(self) -> None:
        """Free the connection."""


_HEADERS = {"Content-Type": "application/json"}


class Rpc:
    """A JSON-RPC client. Not for several threads at once."""

    def __init__(self, uri: str, timeout: float = 60.0) -> None:
        self.uri = uri
        parts = urlsplit(uri)
        if parts.scheme not in ("http", "https"):
            raise NodeUnreachable(uri, "only http and https are spoken")
        # The plain path is three times faster, which local runs feel; the other knows proxies and certificates.
        self._post, self.close = _plain(uri, timeout) if parts.scheme == "http" else _secure(uri, timeout)
        self._line = _Line(uri, timeout) if parts.scheme == "http" else None

    def __call__(self, method: str, *params: Any) -> Any:
        """One request.

        Raises:
            RpcError: the node answered with an error; ``data`` holds what came with it.
            NodeUnreachable: no answer.
        """
        return _result(method, self._exchange({"jsonrpc": "2.0", "id": 0, "method": method, "params": params}))

    def batch(self, calls: Sequence[Request], keep_errors: bool = False) -> list[Any]:
        """Several requests in one message; the node may work on them in any order.

        Fails on the first error, or answers with the :class:`RpcError` in its place.
        """
        if not calls:
            return []
        body = [
            {"jsonrpc": "2.0", "id": index, "method": method, "params": params}
            for index, (method, params) in enumerate(calls)
        ]
        answers = self._exchange(body)
        if isinstance(answers, dict):  # the node refused the batch as a whole
            raise _error("batch", answers)
        by_id = {answer["id"]: answer for answer in answers}
        read = _result_or_error if keep_errors else _result
        return [read(method, by_id[index]) for index, (method, _) in enumerate(calls)]

    def in_order(self, calls: Sequence[Request]) -> list[Any]:
        """Several requests, each answered before the node turns to the next. Fails on the first error.

        Over plain http they follow each other without waiting for answers: a node handles one connection's messages in
        their order, while it may do those within one message in any.
        """
        if self._line is None or len(calls) < _WORTH_A_LINE:
            return [self(method, *params) for method, params in calls]
        bodies = [
            json.dumps({"jsonrpc": "2.0", "id": 0, "method": method, "params": params}).encode()
            for method, params in calls
        ]
        try:
            answers = [json.loads(answer) for answer in self._line.post_all(bodies)]
        except (OSError, HTTPException, ValueError) as error:
            raise NodeUnreachable(self.uri, str(error) or type(error).__name__) from error
        return [_result(method, answer) for (method, _), answer in zip(calls, answers, strict=True)]

    def _exchange(self, body: Any) -> Any:
        try:
            return json.loads(self._post(json.dumps(body).encode()))
        except (OSError, HTTPException, ValueError) as error:
            raise NodeUnreachable(self.uri, str(error) or type(error).__name__) from error


def in_order(client: Client, calls: Sequence[Request]) -> list[Any]:
    """Several requests, each answered before the node turns to the next; fails on the first error."""
    if isinstance(client, Rpc):
        return client.in_order(calls)
    return [client(method, *params) for method, params in calls]


def _result(method: str, answer: dict[str, Any]) -> Any:
    if "error" in answer:
        raise _error(method, answer)
    return answer["result"]


def _result_or_error(method: str, answer: dict[str, Any]) -> Any:
    return _error(method, answer) if "error" in answer else answer["result"]


def _error(method: str, answer: dict[str, Any]) -> RpcError:
    error = answer.get("error") or {}
    return RpcError(method, error.get("code", 0), str(error.get("message", answer)), error.get("data"))


def _plain(uri: str, timeout: float) -> tuple[Post, Callable[[], None]]:
    parts = urlsplit(uri)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = HTTPConnection(parts.hostname or "localhost", parts.port or 80, timeout=timeout)

    def post(body: bytes) -> bytes:
        connection.request("POST", target, body, _HEADERS)
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise HTTPException(f"HTTP {response.status}: {content[:200]!r}")
        return content

    def post_or_close(body: bytes) -> bytes:
        try:
            return post(body)
        except BaseException:
            connection.close()  # a half-read connection must not answer the next request; it reopens by itself
            raise

    return post_or_close, connection.close


_WORTH_A_LINE = 4
"""Fewer requests are quicker on the connection that is open."""

_IN_FLIGHT = 256
"""Answers that may wait to be read, so that neither side waits for the other's full buffer."""


class _Line:
    """One connection on which requests follow each other without waiting for answers (HTTP/1.1 pipelining)."""

    def __init__(self, uri: str, timeout: float) -> None:
        parts = urlsplit(uri)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._where = (parts.hostname or "localhost", parts.port or 80)
        self._head = f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n".encode()
        self._timeout = timeout

    def post_all(self, bodies: Sequence[bytes]) -> list[bytes]:
        with socket.create_connection(self._where, self._timeout) as line, line.makefile("rb") as answers:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            found: list[bytes] = []
            for start in range(0, len(bodies), _IN_FLIGHT):
                some = bodies[start : start + _IN_FLIGHT]
                line.sendall(b"".join(b"%bContent-Length: %d\r\n\r\n%b" % (self._head, len(b), b) for b in some))
                found += [_answer(answers) for _ in some]
            return found


def _answer(answers: BinaryIO) -> bytes:
    """The next response's body."""
    status = answers.readline()
    length = None
    while header := answers.readline().strip():
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    content = b"" if length is None else answers.read(length)
    if status.split(b" ", 2)[1:2] != [b"200"] or length is None or len(content) != length:
        raise HTTPException(f"{status.strip()!r}: {content[:200]!r}")
    return content


def _secure(uri: str, timeout: float) -> tuple[Post, Callable[[], None]]:
    session = requests.Session()

    def post(body: bytes) -> bytes:
        response = session.post(uri, data=body, headers=_HEADERS, timeout=timeout)
        response.raise_for_status()
        return response.content

    return post, session.close
