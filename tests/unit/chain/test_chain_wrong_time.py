"""Anvil that mines at the last block's time: the block is undone, and mined again at the time that was promised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from everstock.chain.anvil import AnvilNode
from everstock.chain.errors import WrongTime
from everstock.chain.receipt import Tx
from everstock.chain.rpc import RpcChain
from everstock.chain.transport import Request, Rpc


class Forgetful:
    """A node that forgets the next ``slips`` times it is told."""

    def __init__(self, uri: str) -> None:
        self.rpc, self.slips = Rpc(uri), 0

    def __call__(self, method: str, *params: Any) -> Any:
        if method == "evm_setNextBlockTimestamp" and self.slips:
            self.slips -= 1
            return None
        return self.rpc(method, *params)

    def batch(self, calls: Sequence[Request], keep_errors: bool = False) -> list[Any]:
        return self.rpc.batch(calls, keep_errors)

    def close(self) -> None:
        self.rpc.close()


@pytest.fixture(scope="module")
def node() -> Iterator[AnvilNode]:
    with AnvilNode() as node:
        yield node


@pytest.fixture
def chain(node: AnvilNode) -> Iterator[RpcChain]:
    with RpcChain(node.uri, rpc=Forgetful(node.uri), exclusive=True) as chain:
        chain.fund(chain.account("payer"), 10**18)
        yield chain


def slip(chain: RpcChain, times: int) -> None:
    assert isinstance(chain.rpc, Forgetful)
    chain.rpc.slips = times


@pytest.mark.parametrize("slips", [1, 2])
def test_a_transaction_is_mined_once_and_on_time(chain: RpcChain, slips: int) -> None:
    payer, payee = chain.account("payer"), chain.account(f"payee {slips}")
    chain.warp(60)
    due, number = chain.now, chain.block_number
    slip(chain, slips)
    receipt = chain.send(payer, payee, value=7)
    assert (receipt.timestamp, receipt.block_number, chain.balance(payee)) == (due, number + 1, 7)
    assert (chain.now, chain.block_number) == (due, number + 1)


def test_several_in_one_block_are_mined_once_and_on_time(chain: RpcChain) -> None:
    payer, payee = chain.account("payer"), chain.account("payee of many")
    chain.warp(60)
    due, number = chain.now, chain.block_number
    slip(chain, 1)
    receipts = chain.send_many([Tx(payer, payee, value=1, gas=100_000) for _ in range(5)])
    assert [each.timestamp for each in receipts] == [due] * 5
    assert (chain.balance(payee), chain.block_number) == (5, number + 1)


def test_a_node_that_never_listens_is_reported_and_nothing_is_left_behind(chain: RpcChain) -> None:
    payer, payee = chain.account("payer"), chain.account("payee of none")
    before = chain.now
    chain.warp(60)
    slip(chain, 3)
    with pytest.raises(WrongTime) as caught:
        chain.send(payer, payee, value=7)
    assert (caught.value.mined_at, caught.value.due) == (before, before + 60)
    assert chain.balance(payee) == 0


def test_without_a_promise_any_time_will_do(chain: RpcChain) -> None:
    slip(chain, 1)
    assert chain.send(chain.account("payer"), chain.account("payee"), value=1).timestamp == chain.now
