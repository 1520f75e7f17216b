"""Anvil lost a transaction sent right after a revert, about once in ten thousand.

It had the sender and nonce of one that Anvil had mined before the revert and had not taken out of its pool yet.
Its block was empty, and its sender waited for 30 seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from everstock.chain.anvil import AnvilNode
from everstock.chain.rpc import RpcChain
from everstock.chain.transport import Request, Rpc


class SlowPool:
    """A node whose pool holds the last transaction a little longer."""

    def __init__(self, uri: str) -> None:
        self.rpc, self.lingers, self.asked = Rpc(uri), 0, list[str]()

    def __call__(self, method: str, *params: Any) -> Any:
        self.asked.append(method)
        if method == "txpool_status" and self.lingers:
            self.lingers -= 1
            return {"pending": "0x1", "queued": "0x0"}
        return self.rpc(method, *params)

    def batch(self, calls: Sequence[Request], keep_errors: bool = False) -> list[Any]:
        return self.rpc.batch(calls, keep_errors)

    def close(self) -> None:
        self.rpc.close()


@pytest.fixture
def slow() -> Iterator[SlowPool]:
    with AnvilNode() as node:
        yield SlowPool(node.uri)


@pytest.mark.parametrize("lingers", [0, 1, 5])
def test_a_revert_waits_until_the_pool_is_empty(slow: SlowPool, lingers: int) -> None:
    with RpcChain(slow.rpc.uri, rpc=slow, exclusive=True) as chain:
        payer, payee = chain.account("payer"), chain.account("payee")
        snapshot = chain.snapshot()
        chain.send(payer, payee)
        slow.asked, slow.lingers = [], lingers
        chain.revert(snapshot)
        *waiting, last = slow.asked
        assert last == "evm_revert"
        assert set(waiting) == {"txpool_status"}
        assert len(waiting) > lingers, "once more, or more often: Anvil's own pool may linger too"
        assert chain.send(payer, payee).block_number == chain.block_number == 1


def test_what_others_left_in_the_pool_does_not_hold_up_a_revert(
    slow: SlowPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("everstock.chain.rpc._POOL_PATIENCE_SECONDS", 0.01)
    with RpcChain(slow.rpc.uri, rpc=slow, exclusive=True) as chain:
        snapshot = chain.snapshot()
        chain.send(chain.account("payer"), chain.account("payee"))
        slow.lingers = 1_000_000
        chain.revert(snapshot)
        assert chain.block_number == 0
