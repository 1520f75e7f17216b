"""A line to a node that can be cut: a proxy which kills a process at its n-th transaction."""

from __future__ import annotations

import json
import os
import signal
import threading
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SEND = "eth_sendRawTransaction"


class Wire:
    """Passes JSON-RPC on to `uri`. What it has seen is in `methods`. With `client` it says that it is that program.

    `kill(process)` ends a process at its `at`-th transaction from now: just before that arrives, or just after.
    """

    def __init__(self, uri: str, client: str | None = None) -> None:
        self.target, self.client = uri, client
        self.methods: set[str] = set()
        self.seen = 0
        self._at, self._arrives = 0, False
        self._end: Callable[[], None] = lambda: None
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body in one packet: the other side waits for neither
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = wire._pass(body)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def kill(self, pid: int, at: int, *, arrives: bool) -> None:
        self.seen, self._at, self._arrives = 0, at, arrives
        self._end = lambda: os.kill(pid, signal.SIGKILL)

    def spare(self) -> None:
        """Kill nobody any more."""
        self.seen, self._at = 0, 0

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _pass(self, body: bytes) -> bytes | None:
        request = json.loads(body)
        methods = [each["method"] for each in (request if isinstance(request, list) else [request])]
        self.methods.update(methods)
        if self.client is not None and methods == ["web3_clientVersion"]:
            return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": self.client}).encode()
        if SEND in methods:
            self.seen += 1
            if self.seen == self._at:
                if self._arrives:
                    self._forward(body)
                self._end()
                return None
        return self._forward(body)

    def _forward(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.target, body, headers), timeout=60) as answer:
            return bytes(answer.read())
