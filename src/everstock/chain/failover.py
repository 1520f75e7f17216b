"""JSON-RPC that survives its nodes: back-off, and the next endpoint when one fails.

Only what may be repeated is repeated. Reads may; so may a *signed* transaction, which a chain executes once
however often it arrives. A request to create a transaction, to mine or to move a local chain's clock may have been done
although its answer was lost: it fails at once, and its caller has to look.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from everstock.chain.errors import ChainError, NodeUnreachable, RpcError
from everstock.chain.transport import Client, Request, Rpc

T = TypeVar("T")

RATE_LIMITED = -32005
"""EIP-1474: a request exceeds a defined limit."""

_REPEATABLE = ("eth_sendRawTransaction", "evm_setNextBlockTimestamp", "debug_traceTransaction")
_NOT_REPEATABLE = ("eth_sendTransaction", "eth_sendTransactionSync")


def repeatable(method: str) -> bool:
    """Whether doing it twice is the same as doing it once."""
    if method in _NOT_REPEATABLE:
        return False
    return method in _REPEATABLE or method.startswith(("eth_", "net_", "web3_"))


class FailoverRpc:
    """A client over several endpoints of one network, the first that answers. ``on_failure`` hears of each failure.

    ``attempts`` requests are made in all, with pauses that double from ``pause`` to at most ``longest_pause`` seconds,
    and vary by half so that several clients do not knock together.
    """

    def __init__(
        self,
        uris: Sequence[str] = (),
        *,
        clients: Sequence[Client] = (),
        attempts: int = 8,
        pause: float = 0.05,
        longest_pause: float = 5.0,
        timeout: float = 20.0,
        on_failure: Callable[[str, ChainError], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clients = list(clients) or [Rpc(uri, timeout) for uri in uris]
        if not self.clients:
            raise ValueError("give at least one endpoint")
        self.attempts, self.pause, self.longest_pause = attempts, pause, longest_pause
        self.on_failure = on_failure
        self._sleep = sleep
        self._current = 0

    def __call__(self, method: str, *params: Any) -> Any:
        """One request, repeated where it may be.

        Raises:
            RpcError: a node answered with an error.
            NodeUnreachable: none answered.
        """
        return self._insist(method, repeatable(method), lambda client: client(method, *params))

    def batch(self, calls: Sequence[Request], keep_errors: bool = False) -> list[Any]:
        """Several requests in one message, repeated together if each of them may be."""
        may_repeat = all(repeatable(method) for method, _ in calls)
        return self._insist("batch", may_repeat, lambda client: client.batch(calls, keep_errors))

    def close(self) -> None:
        """Free all connections."""
        for client in self.clients:
            client.close()

    def _insist(self, method: str, may_repeat: bool, ask: Callable[[Client], T]) -> T:
        pause = self.pause
        for attempt in range(1, self.attempts + 1):
            try:
                return ask(self.clients[self._current])
            except (NodeUnreachable, RpcError) as error:
                if isinstance(error, RpcError) and error.code != RATE_LIMITED:
                    raise
                if self.on_failure is not None:
                    self.on_failure(method, error)
                self._current = (self._current + 1) % len(self.clients)
                if attempt == self.attempts or not may_repeat:
                    raise
            self._sleep(pause * random.uniform(0.5, 1.5))
            pause = min(2 * pause, self.longest_pause)
        raise AssertionError("the loop returns or raises")
