"""The outbox against a node that mines when it is told: stuck, dropped, replaced and superseded transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from eth_account import Account

from everstock.artifacts import load
from everstock.chain import accounts
from everstock.chain.anvil import AnvilNode
from everstock.chain.errors import Rejected, Reverted, TransactionTimeout
from everstock.chain.receipt import Tx
from everstock.chain.rpc import RpcChain
from everstock.keeper.sender import DirectSender, DrySender, Outbox, Superseded

GAS = 100_000


@pytest.fixture(scope="module")
def node() -> Iterator[AnvilNode]:
    with AnvilNode() as node:
        yield node


@pytest.fixture
def chain(node: AnvilNode) -> Iterator[RpcChain]:
    """Signs for `keeper`; whatever a test leaves in the pool is dropped."""
    with RpcChain(node.uri, signer=Account.from_key(accounts.key("keeper"))) as chain:
        chain.fund(chain.account("keeper"), 10**18)
        yield chain
        chain.rpc("evm_setAutomine", True)
        chain.rpc("anvil_dropAllTransactions")


class Clock:
    """Time passes while the outbox sleeps; at each sleep something may happen to the node."""

    def __init__(self, step: float = 10.0) -> None:
        self.now, self.step = 0.0, step
        self.happenings: dict[int, Callable[[], object]] = {}
        self.sleeps = 0

    def __call__(self) -> float:
        return self.now

    def sleep(self, _seconds: float) -> None:
        self.sleeps += 1
        self.now += self.step
        self.happenings.get(self.sleeps, lambda: None)()


def outbox(chain: RpcChain, clock: Clock, **rest: object) -> tuple[Outbox, list[str]]:
    heard: list[str] = []
    box = Outbox(chain, stuck_after=25, clock=clock, sleep=clock.sleep, on_event=heard.append, **rest)
    return box, heard


def pay(chain: RpcChain, to: str, wei: int = 1) -> Tx:
    return Tx(chain.account("keeper"), chain.account(to), b"", wei, GAS)


def test_several_are_under_way_at_once_and_land_in_order(chain: RpcChain) -> None:
    chain.rpc("evm_setAutomine", False)
    clock = Clock()
    clock.happenings[2] = lambda: chain.rpc("evm_mine")
    clock.happenings[4] = lambda: chain.rpc("evm_mine")
    box, heard = outbox(chain, clock, window=3)
    outcomes = box.send_all([pay(chain, f"payee {i}") for i in range(5)])
    assert all(outcome.receipt is not None and outcome.error is None for outcome in outcomes)
    blocks = [outcome.receipt.block_number for outcome in outcomes if outcome.receipt]
    assert blocks == [blocks[0]] * 3 + [blocks[3]] * 2, "two windows, a block each"
    assert heard == []


def test_a_stuck_one_is_replaced_at_higher_fees(chain: RpcChain) -> None:
    chain.rpc("evm_setAutomine", False)
    clock = Clock()
    pool = []

    def look() -> None:
        content = chain.rpc("txpool_content")["pending"]
        pool.extend(tx["maxFeePerGas"] for each in content.values() for tx in each.values())

    clock.happenings[1] = look
    clock.happenings[4] = lambda: (look(), chain.rpc("evm_mine"))
    box, heard = outbox(chain, clock)
    before = chain.balance(chain.account("payee of the stuck"))
    (outcome,) = box.send_all([pay(chain, "payee of the stuck")])
    assert outcome.receipt is not None
    assert heard == ["replaced"]
    assert int(pool[-1], 16) > int(pool[0], 16)
    assert chain.balance(chain.account("payee of the stuck")) == before + 1


def test_after_the_last_replacement_it_gives_up_until_the_next_pass(chain: RpcChain) -> None:
    chain.rpc("evm_setAutomine", False)
    box, heard = outbox(chain, Clock(), max_bumps=2)
    (outcome,) = box.send_all([pay(chain, "payee")])
    assert isinstance(outcome.error, TransactionTimeout)
    assert heard == ["replaced", "replaced"]


def test_one_that_the_pool_forgot_is_sent_again(chain: RpcChain) -> None:
    chain.rpc("evm_setAutomine", False)
    clock = Clock(step=1)
    clock.happenings[1] = lambda: chain.rpc("anvil_dropAllTransactions")
    clock.happenings[4] = lambda: chain.rpc("evm_mine")
    box, heard = outbox(chain, clock)
    (outcome,) = box.send_all([pay(chain, "payee")])
    assert outcome.receipt is not None
    assert heard == []


def test_what_an_earlier_life_left_in_the_pool_is_replaced(chain: RpcChain) -> None:
    chain.rpc("evm_setAutomine", False)
    chain.broadcast(chain.sign(pay(chain, "payee of the dead"), fees=(10, 1_000)))
    clock = Clock(step=1)
    clock.happenings[2] = lambda: chain.rpc("evm_mine")
    box, _ = outbox(chain, clock)
    before = chain.balance(chain.account("payee of the dead"))
    tx = pay(chain, "payee of the living")
    (outcome,) = box.send_all([tx])
    assert outcome.receipt is not None
    assert outcome.receipt.to == tx.to
    assert chain.balance(chain.account("payee of the dead")) == before


def test_a_nonce_that_somebody_else_used_is_told(chain: RpcChain) -> None:
    chain.rpc("evm_setAutomine", False)
    clock = Clock(step=1)

    def steal() -> None:
        chain.rpc("anvil_dropAllTransactions")
        chain.broadcast(chain.sign(pay(chain, "thief"), nonce=chain.nonce(chain.account("keeper")), fees=(1, 10**9)))
        chain.rpc("evm_mine")

    clock.happenings[1] = steal
    box, heard = outbox(chain, clock)
    (outcome,) = box.send_all([pay(chain, "payee")])
    assert isinstance(outcome.error, Superseded)
    assert heard == ["superseded"]


def test_a_failure_on_chain_carries_its_name_and_stops_nobody(chain: RpcChain) -> None:
    probe = chain.deploy(load()["ChainProbe"], 1, sender=chain.account("keeper"))
    bad = probe.failWith.tx(2, 1, sender=chain.account("keeper"), gas=GAS)
    box, _ = outbox(chain, Clock(step=1))
    first, second, third = box.send_all([pay(chain, "payee"), bad, pay(chain, "payee")])
    assert first.receipt is not None
    assert third.receipt is not None
    assert isinstance(second.error, Reverted)
    assert second.error.values == (2, 1)


def test_one_that_cannot_start_takes_no_nonce(chain: RpcChain) -> None:
    box, _ = outbox(chain, Clock(step=1))
    poor = pay(chain, "payee", 10**30)
    first, second = box.send_all([poor, pay(chain, "payee")])
    assert isinstance(first.error, Rejected)
    assert second.receipt is not None


def test_it_needs_a_signer(node: AnvilNode) -> None:
    with node.chain() as chain, pytest.raises(ValueError, match="give the chain its signer"):
        Outbox(chain)


# ── the others ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_directly_in_one_block_even_if_one_fails(chain: RpcChain) -> None:
    sender = DirectSender(chain)
    payer = chain.account("payer")
    chain.fund(payer, 10**18)
    good = Tx(payer, chain.account("payee"), b"", 1, GAS)
    into_code = Tx(payer, chain.deploy(load()["ChainProbe"], 1, sender=payer).address, b"\xff" * 4, 0, GAS)
    first, second = sender.send_all([good, into_code])
    assert first.receipt is not None
    assert isinstance(second.error, Reverted)
    (alone,) = sender.send_all([into_code])
    assert isinstance(alone.error, Reverted)


def test_dry(chain: RpcChain) -> None:
    said: list[Tx] = []
    number = chain.block_number
    (outcome,) = DrySender(said.append).send_all([pay(chain, "payee")])
    assert (outcome.receipt, outcome.error) == (None, None)
    assert (said, chain.block_number) == ([pay(chain, "payee")], number)
