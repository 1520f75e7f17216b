"""The rules of a chain, the same on both backends: clock, height, failure, snapshots, money, separate transactions."""

from __future__ import annotations

import pytest

from everstock.artifacts import Artifact
from everstock.chain import (
    LOCAL_CHAIN_ID,
    BatchFailed,
    Chain,
    Contract,
    Rejected,
    Reverted,
    TimeBackwards,
    Tx,
    UnknownContract,
    UnknownSnapshot,
)
from everstock.chain.testing import reverts

LIMIT = 24_576


# ---------------------------------------------------------------------------------------------- clock and height


def test_transactions_and_calls_see_now(chain: Chain, probe: Contract, trader: str) -> None:
    assert probe.time() == chain.now
    receipt = probe.stamp(sender=trader)
    assert receipt.timestamp == receipt.return_value == probe.stored() == chain.now


def test_transactions_share_a_timestamp(chain: Chain, probe: Contract, trader: str) -> None:
    chain.warp(10)
    now = chain.now
    assert [probe.stamp(sender=trader).timestamp for _ in range(3)] == [now] * 3
    assert chain.now == now


def test_warp_moves_calls_before_any_block_is_mined(chain: Chain, probe: Contract) -> None:
    before, height = chain.now, chain.block_number
    chain.warp(3_600)
    assert probe.time() == chain.now == before + 3_600
    assert chain.block_number == probe.height() == height


def test_warp_moves_the_next_transaction_exactly(chain: Chain, probe: Contract, trader: str) -> None:
    for seconds in (0, 1, 86_400 * 365):
        expected = chain.now + seconds
        chain.warp(seconds)
        assert probe.stamp(sender=trader).timestamp == expected
        assert probe.stored() == expected


def test_set_time_refuses_to_go_back(chain: Chain) -> None:
    chain.warp(100)
    chain.set_time(chain.now)
    with pytest.raises(TimeBackwards):
        chain.set_time(chain.now - 1)


def test_every_transaction_has_its_own_block(chain: Chain, probe: Contract, trader: str) -> None:
    height = chain.block_number
    assert probe.store(1, sender=trader).block_number == height + 1
    with reverts("ChainProbe_BeyondLimit"):
        probe.storeAndFail(1, sender=trader)
    assert chain.block_number == probe.height() == height + 2


def test_mining_moves_the_height_and_not_the_clock(chain: Chain, probe: Contract, trader: str) -> None:
    chain.warp(50)
    now, height = chain.now, chain.block_number
    chain.mine(5)
    assert (chain.now, chain.block_number) == (now, height + 5)
    assert probe.time() == now
    assert probe.stamp(sender=trader).block_number == height + 6


def test_chain_id(chain: Chain, probe: Contract) -> None:
    assert chain.chain_id == probe.chainId() == LOCAL_CHAIN_ID


# ---------------------------------------------------------------------------------------------- snapshots


def test_revert_restores_state_clock_and_height(chain: Chain, probe: Contract, trader: str) -> None:
    probe.store(1, sender=trader)
    chain.warp(5)
    before = (chain.now, chain.block_number, chain.balance(trader))
    taken = chain.snapshot()
    chain.warp(1_000)
    probe.store(2, sender=trader)
    chain.fund(trader, 10)
    chain.mine(3)
    chain.revert(taken)
    assert (chain.now, chain.block_number, chain.balance(trader)) == before
    assert probe.stored() == 1
    assert probe.stamp(sender=trader).timestamp == before[0]


def test_snapshots_nest_and_an_older_one_uses_up_the_newer(chain: Chain, probe: Contract, trader: str) -> None:
    outer = chain.snapshot()
    probe.store(1, sender=trader)
    inner = chain.snapshot()
    probe.store(2, sender=trader)
    chain.revert(inner)
    assert probe.stored() == 1
    newest = chain.snapshot()
    chain.revert(outer)
    assert probe.stored() == 0
    for used in (outer, inner, newest):
        with pytest.raises(UnknownSnapshot):
            chain.revert(used)


def test_snapshot_survives_failures_inside(chain: Chain, probe: Contract, trader: str) -> None:
    taken = chain.snapshot()
    probe.store(3, sender=trader)
    for fail in (probe.failBare, probe.failInvalid, probe.failSilently):
        with pytest.raises(Reverted):
            fail(sender=trader)
        with pytest.raises(Reverted):
            fail.send(sender=trader)
    with pytest.raises(Rejected):
        probe.pay(sender=trader, value=1)
    assert probe.stored() == 3
    chain.revert(taken)
    assert probe.stored() == 0


def test_anchor_undoes_even_on_failure(chain: Chain, probe: Contract, trader: str) -> None:
    def store_and_fail() -> None:
        with chain.anchor():
            probe.store(4, sender=trader)
            probe.failBare(sender=trader)

    with reverts("ChainProbe_Bare"):
        store_and_fail()
    assert probe.stored() == 0


def test_revert_of_a_deployment(chain: Chain, probe_artifact: Artifact, trader: str) -> None:
    with chain.anchor():
        fresh = chain.deploy(probe_artifact, 1, sender=trader)
        assert chain.code(fresh)
    assert not chain.code(fresh)


# ---------------------------------------------------------------------------------------------- separate transactions


def test_transient_storage_ends_with_the_transaction(probe: Contract, trader: str) -> None:
    for _ in range(2):
        probe.lockForGood(sender=trader)
        probe.lockForGood.call(sender=trader)
    with reverts("ChainProbe_Reentered"):
        probe.lockTwice(sender=trader)


def test_transient_storage_stays_clean_after_a_revert(chain: Chain, probe: Contract, trader: str) -> None:
    with chain.anchor():
        probe.lockForGood(sender=trader)
    probe.lockForGood(sender=trader)


def test_failed_transaction_leaves_nothing(probe: Contract, trader: str) -> None:
    probe.store(5, sender=trader)
    with reverts("ChainProbe_BeyondLimit", asked=9):
        probe.storeAndFail(9, sender=trader)
    assert probe.stored() == 5
    assert probe.swallow(sender=trader).return_value is False
    assert probe.stored() == 77


def test_call_keeps_nothing(probe: Contract, trader: str) -> None:
    assert probe.store.call(8, sender=trader) == 0
    assert probe.bump.call(sender=trader) == probe.bump.call(sender=trader) == 1
    assert probe.stored() == probe.counts(trader) == 0


# ---------------------------------------------------------------------------------------------- money and limits


def test_fund_adds_without_running_the_receivers_code(chain: Chain, probe: Contract, trader: str) -> None:
    before = chain.balance(probe)
    chain.fund(probe, 100)
    chain.fund(probe, 11)
    assert chain.balance(probe) == before + 111


def test_value_travels_and_plain_transfers_reach_receive(chain: Chain, probe: Contract, trader: str) -> None:
    chain.fund(trader, 10)
    paid = probe.pay(sender=trader, value=4)
    assert paid.return_value == 4
    assert paid.event("Paid").args == {"from": trader, "amount": 4}
    assert chain.send(trader, probe.address, value=5).event("Paid")["amount"] == 5
    assert (chain.balance(probe), chain.balance(trader)) == (9, 1)


def test_value_without_balance_is_rejected(chain: Chain, probe: Contract, trader: str) -> None:
    height = chain.block_number
    with pytest.raises(Rejected):
        probe.pay(sender=trader, value=1)
    with pytest.raises(Rejected):
        probe.pay.call(sender=trader, value=1)
    assert chain.block_number == height


def test_value_to_a_function_that_takes_none_reverts_empty(chain: Chain, probe: Contract, trader: str) -> None:
    chain.fund(trader, 1)
    with reverts("Empty"):
        probe.store(1, sender=trader, value=1)


def test_gas_limit_is_kept(probe: Contract, trader: str) -> None:
    with reverts("Halt", "out of gas"):
        probe.burn(10_000, sender=trader, gas=200_000)
    with reverts("Halt", "out of gas"):
        probe.burn.call(10_000, sender=trader, gas=200_000)
    with pytest.raises(Rejected):
        probe.burn(1, sender=trader, gas=20_000)


def _creation(size: int) -> bytes:
    """Code that deploys ``size`` zero bytes."""
    return bytes.fromhex(f"62{size:06x}5ff3")


def test_code_size_limit_holds_for_transactions_and_inner_creations(chain: Chain, probe: Contract, trader: str) -> None:
    created = chain.send(trader, None, _creation(LIMIT)).contract_address
    assert chain.code(created) == bytes(LIMIT)
    with reverts("Halt", "max code size exceeded"):
        chain.send(trader, None, _creation(LIMIT + 1))
    probe.spawn(LIMIT, sender=trader)
    with reverts("ChainProbe_Bare"):
        probe.spawn(LIMIT + 1, sender=trader)


def test_initcode_limit_holds(chain: Chain, trader: str) -> None:
    with pytest.raises(Rejected):
        chain.send(trader, None, bytes.fromhex("5f5ff3") + bytes(2 * LIMIT))


def test_any_sender_may_send(probe: Contract) -> None:
    sender = "0x" + "11" * 20
    probe.bump(sender=sender)
    assert probe.counts(sender) == 1


def test_a_contract_may_send_and_stays_itself(chain: Chain, probe: Contract, probe_artifact: Artifact) -> None:
    code = chain.code(probe)
    chain.fund(probe, 10)
    with chain.anchor():
        assert probe.bump(sender=probe).return_value == 1
        assert probe.whoAmI(sender=probe) == probe.address
        assert probe.pay(sender=probe, value=4).return_value == 4
        assert chain.send(probe.address, chain.account("trader"), value=3).gas_used
        with reverts("ChainProbe_Bare"):
            probe.failBare.send(sender=probe)
        assert probe.swallow(sender=probe).return_value is False  # calls itself, so its code must be there meanwhile
        assert chain.deploy(probe_artifact, 2, sender=probe).seed() == 2
        assert (probe.stored(), probe.counts(probe), chain.balance(probe)) == (77, 1, 7)
        assert chain.code(probe) == code
    assert (probe.stored(), probe.counts(probe), chain.balance(probe)) == (0, 0, 10)
    assert chain.code(probe) == code


def test_code_is_the_runtime_code_before_and_after_it_ran(chain: Chain, probe_artifact: Artifact, trader: str) -> None:
    fresh = chain.deploy(probe_artifact, 1, sender=trader)
    sizes = [len(chain.code(fresh))]
    fresh.bump(sender=trader)
    sizes.append(len(chain.code(fresh)))
    assert sizes == [probe_artifact.runtime_size] * 2
    assert chain.code(trader) == b""


def test_nonce_foretells_the_next_creation(chain: Chain, probe_artifact: Artifact) -> None:
    maker = chain.account("maker")
    nonce = chain.nonce(maker)
    first = chain.deploy(probe_artifact, 1, sender=maker)
    assert chain.nonce(maker) == nonce + 1
    assert chain.deploy(probe_artifact, 1, sender=maker) != first


def test_interface_cannot_be_deployed(chain: Chain, trader: str) -> None:
    with pytest.raises(UnknownContract, match="interface"):
        chain.deploy(Artifact("IProbe", []), sender=trader)


# ---------------------------------------------------------------------------------------------- batches


def test_batch_shares_a_block_and_keeps_its_order(chain: Chain, probe: Contract) -> None:
    senders = chain.accounts(3)
    chain.warp(7)
    now, height = chain.now, chain.block_number
    txs = [probe.store.tx(index, sender=senders[index % 3]) for index in range(20)]
    receipts = chain.send_many(txs)
    assert [receipt.sender for receipt in receipts] == [tx.sender for tx in txs]
    assert {(receipt.block_number, receipt.timestamp) for receipt in receipts} == {(height + 1, now)}
    assert probe.stored() == 19
    assert chain.block_number == height + 1
    assert probe.bump(sender=senders[0]).block_number == height + 2


def test_batch_tells_which_failed_and_keeps_the_rest(chain: Chain, probe: Contract, trader: str) -> None:
    txs = [probe.bump.tx(sender=trader), probe.storeAndFail.tx(3, sender=trader), probe.bump.tx(sender=trader)]
    with pytest.raises(BatchFailed, match="1 of 3 transactions failed; number 1 with ChainProbe_BeyondLimit") as caught:
        chain.send_many(txs)
    assert caught.value.failures[1].args_ == {"asked": 3, "limit": 0}
    assert sorted(caught.value.receipts) == [0, 2]
    assert probe.counts(trader) == 2


def test_batch_with_a_rejected_transaction_mines_none(chain: Chain, probe: Contract, trader: str) -> None:
    height = chain.block_number
    with pytest.raises(Rejected):
        chain.send_many([probe.bump.tx(sender=trader), Tx(trader, probe.address, value=1)])
    assert (probe.counts(trader), chain.block_number) == (0, height)
    probe.bump(sender=trader)
    assert probe.counts(trader) == 1


def test_empty_batch_mines_nothing(chain: Chain) -> None:
    height = chain.block_number
    assert chain.send_many([]) == []
    assert chain.block_number == height
