"""A loan token with bad habits: it is refused, or it hurts nobody."""

from __future__ import annotations

import pytest

from everstock.chain.testing import reverts
from support.hostile import hostile_contract
from support.lending_desk import DOLLAR, WAD, LendingDesk

THOUSAND = 1_000 * DOLLAR
NOTHING, FALSE = 2, 1


@pytest.fixture
def hostile(system) -> LendingDesk:
    """Its dollar behaves until it is told not to."""
    desk = LendingDesk.open(system, dollar=hostile_contract(system, 6)).funded()
    desk.borrow(50_000 * DOLLAR)
    desk.give_dollars(desk.lender, 10**12)
    desk.give_dollars(desk.borrower, 10**12)
    return desk


def test_a_fee_on_transfer_is_refused(hostile):
    market, lender, borrower = hostile.market, hostile.lender, hostile.borrower
    hostile.dollar.setFees(100, 0, sender=lender)
    with hostile.refused("LendingMarket_TransferMismatch", THOUSAND, THOUSAND * 99 // 100):
        market.deposit(THOUSAND, lender, sender=lender)
    with hostile.refused("LendingMarket_TransferMismatch", THOUSAND, THOUSAND * 99 // 100):
        market.repay(THOUSAND, borrower, sender=borrower)


def test_a_transfer_that_does_not_happen_is_refused(hostile):
    hostile.dollar.setIdle(True, sender=hostile.lender)
    with hostile.refused("LendingMarket_TransferMismatch", THOUSAND, 0):
        hostile.market.deposit(THOUSAND, hostile.lender, sender=hostile.lender)


def test_a_token_that_answers_false_is_refused_and_one_that_answers_nothing_works(hostile):
    market, lender = hostile.market, hostile.lender
    hostile.dollar.setReturns(FALSE, sender=lender)
    with hostile.refused("SafeERC20FailedOperation", hostile.dollar):
        market.deposit(THOUSAND, lender, sender=lender)
    with hostile.refused("SafeERC20FailedOperation", hostile.dollar):
        market.withdraw(THOUSAND, lender, lender, sender=lender)
    hostile.dollar.setReturns(NOTHING, sender=lender)
    market.deposit(THOUSAND, lender, sender=lender)
    market.withdraw(THOUSAND, lender, lender, sender=lender)


def calls(desk: LendingDesk) -> list[bytes]:
    market, who = desk.market, desk.dollar.address
    order = (desk.borrower, 1, 0, 0, who)
    return [
        market["deposit(uint256,address)"].encode(1, who),
        market["mint(uint256,address)"].encode(1, who),
        market["withdraw(uint256,address,address)"].encode(1, who, who),
        market["redeem(uint256,address,address)"].encode(1, who, who),
        market.borrow.encode(1, who, who),
        market.repay.encode(1, desk.borrower),
        market.withdrawCollateral.encode(1, who, who),
        market.releaseCollateral.encode(1, who, who),
        market.liquidate.encode(order, b""),
        market.realisePledge.encode(desk.borrower, [], 0),
        market.releasePledge.encode(who),
        market.accrue.encode(),
    ]


@pytest.mark.parametrize("index", range(12))
def test_no_function_can_be_entered_from_a_transfer(hostile, index):
    guard = bytes.fromhex("3ee5aeb5")  # ReentrancyGuardReentrantCall()
    hostile.dollar.setHook(hostile.market, calls(hostile)[index], False, sender=hostile.lender)
    hostile.market.deposit(THOUSAND, hostile.lender, sender=hostile.lender)
    assert hostile.dollar.hookCount() == 1
    assert not hostile.dollar.hookSucceeded()
    assert hostile.dollar.hookResult() == guard


def test_views_inside_a_transfer_tell_the_state_after_it(hostile):
    """Read-only reentrancy: shares and cash move before the tokens do."""
    market = hostile.market
    before = market.convertToAssets(10**12)
    hostile.dollar.setHook(market, market.convertToAssets.encode(10**12), True, sender=hostile.lender)
    market.deposit(THOUSAND, hostile.lender, sender=hostile.lender)
    assert int.from_bytes(hostile.dollar.hookResult(), "big") == before
    market.withdraw(THOUSAND, hostile.lender, hostile.lender, sender=hostile.lender)
    assert int.from_bytes(hostile.dollar.hookResult(), "big") == before


def test_a_blocked_lender_blocks_nobody_else(hostile):
    hostile.dollar.setBlocked(hostile.lender, True, sender=hostile.stranger)
    with reverts("HostileToken_Blocked", hostile.lender):
        hostile.market.withdraw(THOUSAND, hostile.lender, hostile.lender, sender=hostile.lender)
    hostile.market.withdraw(THOUSAND, hostile.stranger, hostile.lender, sender=hostile.lender)
    hostile.repay()
    hostile.withdraw_collateral(1_000 * WAD)
