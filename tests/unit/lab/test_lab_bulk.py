"""Bulk runs: every receipt is looked at, and what fails is named. How fast they are is measured, not tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest

from everstock.chain.anvil import anvil_chain
from everstock.chain.errors import ChainError, RpcError
from everstock.chain.receipt import Receipt, Tx
from everstock.chain.rpc import RpcChain
from everstock.client import System
from everstock.deploy import deploy_system
from everstock.lab.bulk import BulkFailed, Crowd, Job, WrongReceipt, measure, run
from everstock.params import load


@pytest.fixture(scope="module")
def town() -> Iterator[System]:
    with anvil_chain() as chain:
        yield deploy_system(chain, load("local"))


@pytest.fixture
def system(town: System) -> Iterator[System]:
    with town.chain.anchor():
        yield town


def transfers(system: System, amounts: Sequence[int]) -> list[Job]:
    """Each by a payer of its own, who holds 10 units."""
    token, chain = system.token("TSLA.M").contract, system.chain
    jobs = []
    for number, amount in enumerate(amounts):
        payer = chain.account(f"payer {number}")
        token.mint(payer, 10, sender=system.governor)
        jobs.append(Job(f"transfer {number}", token.transfer.tx(chain.account("payee"), amount, sender=payer)))
    return jobs


def test_a_crowd_of_agents_is_done_to_the_last_transaction(system: System) -> None:
    crowd = Crowd(system, system.token("TSLA.M"), 12, seed=3)
    crowd.prepare()
    for number in range(4):
        jobs = crowd.round(number)
        tally = run(system.chain, jobs, block=5)
        receipts = tally.require()
        assert (len(receipts), tally.blocks) == (12, 3)
        assert [(receipt.sender, receipt.to) for receipt in receipts] == [(job.tx.sender, job.tx.to) for job in jobs]
    opened = sum(len(system.token("TSLA.M").trader(agent).positions) for agent in crowd.agents)
    assert opened == sum(len(held) for held in crowd.held.values()) > 0


def test_the_same_seed_does_the_same(system: System) -> None:
    first, second = (Crowd(system, system.token("TSLA.M"), 8, seed=3) for _ in range(2))
    assert [first.round(n) for n in range(3)] == [second.round(n) for n in range(3)]
    other = Crowd(system, system.token("TSLA.M"), 8, seed=4)
    assert first.round(3) != other.round(0)


def test_a_failing_transaction_is_named_and_the_others_stand(system: System) -> None:
    jobs = transfers(system, [10, 11, 9, 12, 10])
    tally = run(system.chain, jobs, block=2)
    assert [(name, why.name) for name, why in tally.failures] == [
        ("transfer 1", "ERC20InsufficientBalance"),
        ("transfer 3", "ERC20InsufficientBalance"),
    ]
    assert [receipt is None for receipt in tally.receipts] == [False, True, False, True, False]
    assert system.token("TSLA.M").contract.balanceOf(system.chain.account("payee")) == 29
    with pytest.raises(
        BulkFailed, match=r"2 of 5 transactions failed: transfer 1: ERC20InsufficientBalance.*transfer 3"
    ):
        tally.require()


def test_a_long_list_of_failures_is_cut(system: System) -> None:
    with pytest.raises(BulkFailed, match=r"12 of 12 .*transfer 9: .*; and 2 more$"):
        run(system.chain, transfers(system, [11] * 12)).require()


def test_they_are_mined_in_the_order_given(system: System) -> None:
    """Each payer can only pay what the one before has paid it."""
    token, chain = system.token("TSLA.M").contract, system.chain
    people = [chain.account(f"link {number}") for number in range(300)]
    token.mint(people[0], 10, sender=system.governor)
    jobs = [Job(f"link {n}", token.transfer.tx(to, 10, sender=payer)) for n, (payer, to) in enumerate(pairwise(people))]
    tally = run(chain, jobs, block=300)
    assert (len(tally.require()), tally.blocks) == (299, 1)
    assert token.balanceOf(people[-1]) == 10


def test_a_foreign_receipt_is_noticed(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = transfers(system, [1, 2])
    plain = system.chain.send_many
    monkeypatch.setattr(system.chain, "send_many", lambda txs: plain(txs)[::-1])
    with pytest.raises(WrongReceipt, match="transfer 0: its receipt is of"):
        run(system.chain, jobs)


def test_a_missing_receipt_is_noticed(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(txs: Sequence[Tx]) -> list[Receipt]:
        return plain(txs)[:-1]

    jobs = transfers(system, [1, 2])
    plain = system.chain.send_many
    monkeypatch.setattr(system.chain, "send_many", forgetful)
    with pytest.raises(ChainError, match="2 transactions were sent, 1 receipts came back"):
        run(system.chain, jobs)


def test_a_status_of_zero_is_a_failure_whatever_else_the_receipt_says(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = system.chain
    assert isinstance(chain, RpcChain)
    plain = chain._receipts_of

    def tampered(hashes: Sequence[str]) -> list[dict[str, Any] | None]:
        raws = plain(hashes)
        assert raws[1] is not None
        raws[1]["status"] = "0x0"
        return raws

    jobs = transfers(system, [1, 2, 3])
    monkeypatch.setattr(chain, "_receipts_of", tampered)
    assert [name for name, _ in run(chain, jobs).failures] == ["transfer 1"]


def test_what_does_not_fit_the_block_is_an_error(system: System) -> None:
    greedy = [job._replace(tx=job.tx._replace(gas=999_990_000)) for job in transfers(system, [1, 2, 3])]
    with pytest.raises(ChainError, match="2 of 3 transactions did not fit the block"):
        run(system.chain, greedy)


def test_an_unknown_method_in_a_line_of_requests_is_an_error(system: System) -> None:
    chain = system.chain
    assert isinstance(chain, RpcChain)
    assert chain.rpc.in_order([("eth_chainId", [])] * 3) == [hex(chain.chain_id)] * 3  # type: ignore[attr-defined]
    with pytest.raises(RpcError, match="eth_nonsense"):
        chain.rpc.in_order([("eth_chainId", []), ("eth_nonsense", [])])  # type: ignore[attr-defined]


def test_the_measurement_counts_every_transaction() -> None:
    with anvil_chain() as chain:
        found = measure(chain, agents=10, rounds=2, block=4)
    assert (found.transactions, found.blocks, found.kinds.total()) == (20, 6, 20)
    assert found.gas_used > 20 * 21_000
