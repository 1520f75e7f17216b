"""JSON-RPC over one connection that is kept alive."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any, Protocol
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

    def _exchange(self, body: Any) -> Any:
        try:
            return json.loads(self._post(json.dumps(body).encode()))
        except (OSError, HTTPException, ValueError) as error:
            raise NodeUnreachable(self.uri, str(error) or type(error).__name__) from error


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


def _secure(uri: str, timeout: float) -> tuple[Post, Callable[[], None]]:
    session = requests.Session()

    def post(body: bytes) -> bytes:
        response = session.post(uri, data=body, headers=_HEADERS, timeout=timeout)
        response.raise_for_status()
        return response.content

    return post, session.close
