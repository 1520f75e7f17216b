"""Borrow, repay, and move collateral."""

from __future__ import annotations

import pytest

from support.lending_desk import BAND, DOLLAR, DOLLAR_ID, MAX, PRICE, STOCK_ID, WAD, LendingDesk

LIMIT = 1_000 * (WAD - BAND) * PRICE * DOLLAR // WAD * 55 // 100
CLOSED, STALE, HALTED = 1, 2, 3


def test_borrow_pays_out_and_books_the_debt(lending):
    receipt = lending.borrow(100_000 * DOLLAR, to=lending.holder)
    shares = 100_000 * DOLLAR * 10**6
    assert receipt.return_value == shares
    assert lending.dollar.balanceOf(lending.holder) == 100_000 * DOLLAR
    assert (lending.debt(), lending.market.debtSharesOf(lending.borrower)) == (100_000 * DOLLAR, shares)
    event = receipt.event("Borrow").args
    assert (event["owner"], event["to"], event["assets"]) == (lending.borrower, lending.holder, 100_000 * DOLLAR)


def test_the_limit_is_at_the_bands_low_end(lending):
    assert lending.health().borrowLimit == LIMIT
    with lending.refused("LendingMarket_InsufficientCollateral", LIMIT + 1, LIMIT):
        lending.borrow(LIMIT + 1)
    lending.borrow(LIMIT)
    assert lending.health().liquidationLimit == 1_000 * PRICE * DOLLAR * 65 // 100


def test_debt_counts_at_the_high_end_of_a_loan_token_with_a_feed(system):
    desk = LendingDesk.open(system, loan_feed=True).funded()
    low = (WAD - BAND) * PRICE * 10**24 // (WAD + BAND)
    limit = 1_000 * WAD * low // 10**36 * 55 // 100
    assert desk.health().borrowLimit == limit
    desk.warp(1_300)
    desk.publish(PRICE, dollar=98 * 10**6)
    assert desk.health().liquidationLimit == pytest.approx(1_000 * PRICE * DOLLAR * 65 // 98, abs=1)


@pytest.mark.parametrize(
    ("amount", "error"), [(0, "LendingMarket_ZeroAmount"), (MAX, "LendingMarket_InsufficientCash")]
)
def test_borrow_refuses_nothing_and_everything(lending, amount, error):
    with lending.refused(error):
        lending.borrow(amount)


def test_borrow_refuses_the_zero_address(lending):
    with lending.refused("LendingMarket_ZeroAddress"):
        lending.borrow(DOLLAR, to="0x" + "00" * 20)


def test_borrow_refuses_more_than_there_is(lending):
    lending.top_up(9_000 * WAD)
    with lending.refused("LendingMarket_InsufficientCash", 1_000_000 * DOLLAR, 1_000_000 * DOLLAR + 1):
        lending.borrow(1_000_000 * DOLLAR + 1)
    lending.borrow(1_000_000 * DOLLAR)


def test_borrow_refuses_a_debt_under_the_minimum(lending):
    with lending.refused("LendingMarket_BelowMinimumDebt", 100 * DOLLAR - 1, 100 * DOLLAR):
        lending.borrow(100 * DOLLAR - 1)
    lending.borrow(100 * DOLLAR)
    lending.borrow(1)


def test_only_owner_and_operator_borrow_and_withdraw(lending):
    market, borrower, operator = lending.market, lending.borrower, lending.operator
    for act in (
        lambda: lending.borrow(100 * DOLLAR, sender=operator, to=operator),
        lambda: market.withdrawCollateral(WAD, borrower, operator, sender=operator),
        lambda: market.releaseCollateral(WAD, borrower, operator, sender=operator),
    ):
        with lending.refused("LendingMarket_NotOperator", borrower, operator):
            act()
    receipt = market.setOperator(operator, True, sender=borrower)
    assert receipt.event("SetOperator").args == {"owner": borrower, "operator": operator, "approved": True}
    lending.borrow(100 * DOLLAR, sender=operator, to=operator)
    assert lending.dollar.balanceOf(operator) == 100 * DOLLAR
    market.setOperator(operator, False, sender=borrower)
    with lending.refused("LendingMarket_NotOperator", borrower, operator):
        lending.borrow(100 * DOLLAR, sender=operator)


# ── repay ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_anybody_repays_part_and_all(lending):
    lending.borrow(100_000 * DOLLAR)
    lending.warp(86_400)
    debt = lending.debt()
    assert debt > 100_000 * DOLLAR
    assert lending.repay(40_000 * DOLLAR, payer=lending.stranger).return_value == 40_000 * DOLLAR
    assert lending.debt() == pytest.approx(debt - 40_000 * DOLLAR, abs=1)
    left = lending.debt()
    assert lending.repay().return_value == left
    assert (lending.debt(), lending.market.state().debtShares) == (0, 0)
    assert lending.market.state().cash == lending.dollar.balanceOf(lending.market)


def test_repay_refuses_to_leave_less_than_the_minimum(lending):
    lending.borrow(1_000 * DOLLAR)
    lending.give_dollars(lending.borrower, 10**15)
    with lending.refused("LendingMarket_BelowMinimumDebt", 100 * DOLLAR - 1, 100 * DOLLAR):
        lending.market.repay(900 * DOLLAR + 1, lending.borrower, sender=lending.borrower)
    lending.repay(900 * DOLLAR)


def test_repay_refuses_nothing_and_without_a_debt(lending):
    with lending.refused("LendingMarket_ZeroAmount"):
        lending.repay(0)
    with lending.refused("LendingMarket_NoDebt", lending.borrower):
        lending.repay(DOLLAR)


def test_a_unit_rounded_up_is_the_reserves(lending):
    lending.borrow(100 * DOLLAR)
    lending.top_up(10 * WAD, lending.holder)
    lending.borrow(100 * DOLLAR + 1, lending.holder)
    lending.warp(12_345)
    lending.repay()
    lending.repay(owner=lending.holder)
    state = lending.market.state()
    assert (state.debtAssets, state.debtShares) == (0, 0)
    assert state.cash == state.supplyAssets + state.reserve == lending.dollar.balanceOf(lending.market)


# ── collateral ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_debt_collateral_leaves_at_any_price(lending):
    lending.aggregator.updateAnswer(0, sender=lending.system.governor)
    receipt = lending.withdraw_collateral(1_000 * WAD)
    assert receipt.event("WithdrawCollateral").args["amount"] == 1_000 * WAD
    assert lending.stock.balanceOf(lending.borrower) == 1_000 * WAD


def test_with_a_debt_collateral_leaves_down_to_the_limit(lending):
    lending.borrow(LIMIT // 2)
    with lending.refused("LendingMarket_InsufficientCollateral", LIMIT // 2, ...):
        lending.withdraw_collateral(500 * WAD + 10**16)
    with lending.refused("LendingMarket_InsufficientCollateral", LIMIT // 2, 0):
        lending.withdraw_collateral(1_001 * WAD)
    lending.withdraw_collateral(500 * WAD)
    assert lending.collateral() == 500 * WAD


def test_collateral_released_is_free_balance_and_can_be_locked_again(lending):
    lending.market.releaseCollateral(400 * WAD, lending.borrower, lending.borrower, sender=lending.borrower)
    free = lending.vault.balanceOf(lending.stock.address, "0x" + "00" * 20, lending.borrower)
    assert free == 400 * WAD
    options = lending.system.options
    lending.vault.lock(lending.stock.address, options, 150 * WAD, sender=lending.borrower)
    lending.vault.lock(lending.stock.address, lending.market, 250 * WAD, sender=lending.borrower)
    assert lending.collateral() == 850 * WAD
    assert lending.vault.balanceOf(lending.stock.address, options, lending.borrower) == 150 * WAD


@pytest.mark.parametrize("amount", [0, 1_001 * WAD])
def test_collateral_that_is_not_there_cannot_leave(lending, amount):
    error = "CollateralVault_InsufficientBalance" if amount else "CollateralVault_ZeroAmount"
    with lending.refused(error):
        lending.withdraw_collateral(amount)


# ── prices that cannot be traded on ──────────────────────────────────────────────────────────────────────────────────


def halted(desk: LendingDesk) -> int:
    desk.publish(PRICE * 2)
    return HALTED


def stale(desk: LendingDesk) -> int:
    desk.warp(4_201)
    return STALE


def closed(desk: LendingDesk) -> int:
    desk.warp(7 * 3600)
    return CLOSED


@pytest.mark.parametrize("spoil", [halted, stale, closed])
def test_O5_without_an_open_price_only_repaying_and_topping_up_work(session, spoil):
    session.borrow(50_000 * DOLLAR)
    status = spoil(session)
    assert session.health().status == status
    for act in (
        lambda: session.borrow(DOLLAR),
        lambda: session.withdraw_collateral(WAD),
        lambda: session.liquidate(),
    ):
        with session.refused("LendingMarket_NotOpen", STOCK_ID, status):
            act()
    session.top_up(WAD)
    session.repay(10_000 * DOLLAR)
    session.repay()
    session.withdraw_collateral(1_001 * WAD)


def test_a_loan_token_without_a_price_stops_borrowing_too(system):
    desk = LendingDesk.open(system, loan_feed=True).funded()
    desk.warp(4_201)
    desk.aggregator.updateAnswer(PRICE * 10**8, sender=system.governor)
    assert desk.health().status == STALE
    with desk.refused("LendingMarket_NotOpen", DOLLAR_ID, STALE):
        desk.borrow(1_000 * DOLLAR)
