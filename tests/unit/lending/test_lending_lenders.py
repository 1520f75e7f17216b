"""The lenders' side: ERC-4626 over cash and debt."""

from __future__ import annotations

from everstock.chain.testing import reverts
from support.lending_desk import DOLLAR, WAD, LendingDesk

MILLION = 1_000_000 * DOLLAR
YEAR = 365 * 86_400


def test_the_share_is_named_after_both_tokens(lending):
    assert lending.market.name() == "Everstock USDX against TSLA.M"
    assert lending.market.symbol() == "esUSDX-TSLA.M"
    assert (lending.market.decimals(), lending.market.asset()) == (12, lending.dollar.address)


def test_deposit_mints_a_million_shares_per_unit_at_first(lending):
    assert lending.market.balanceOf(lending.lender) == MILLION * 10**6
    assert lending.market.totalAssets() == MILLION


def test_mint_takes_what_the_shares_cost(lending):
    lending.give_dollars(lending.stranger, MILLION)
    receipt = lending.market.mint(10**12, lending.stranger, sender=lending.stranger)
    assert receipt.return_value == 10**6
    assert lending.market.balanceOf(lending.stranger) == 10**12


def test_withdraw_and_redeem_pay_out(lending):
    market, lender = lending.market, lending.lender
    assert market.withdraw(MILLION // 2, lender, lender, sender=lender).return_value == MILLION // 2 * 10**6
    assert market.redeem(market.maxRedeem(lender), lender, lender, sender=lender).return_value == MILLION // 2
    assert (market.totalSupply(), market.totalAssets(), lending.dollar.balanceOf(market)) == (0, 0, 0)


def test_somebody_else_withdraws_with_an_allowance_only(lending):
    market, lender, stranger = lending.market, lending.lender, lending.stranger
    with lending.refused("ERC20InsufficientAllowance", stranger, 0, DOLLAR * 10**6):
        market.withdraw(DOLLAR, stranger, lender, sender=stranger)
    market.approve(stranger, DOLLAR * 10**6, sender=lender)
    market.withdraw(DOLLAR, stranger, lender, sender=stranger)
    assert lending.dollar.balanceOf(stranger) == DOLLAR


def test_previews_foresee_what_happens_with_interest_pending(lending):
    lending.borrow(130_000 * DOLLAR)
    lending.warp(30 * 86_400)
    market, lender = lending.market, lending.lender
    lending.give_dollars(lender, MILLION)
    for preview, act in (
        (market.previewDeposit(DOLLAR), lambda: market.deposit(DOLLAR, lender, sender=lender)),
        (market.previewMint(10**13), lambda: market.mint(10**13, lender, sender=lender)),
        (market.previewWithdraw(DOLLAR), lambda: market.withdraw(DOLLAR, lender, lender, sender=lender)),
        (market.previewRedeem(10**13), lambda: market.redeem(10**13, lender, lender, sender=lender)),
    ):
        with lending.chain.anchor():
            assert act().return_value == preview


def test_nothing_is_refused(lending):
    market, lender = lending.market, lending.lender
    for act in (
        lambda: market.deposit(0, lender, sender=lender),
        lambda: market.mint(0, lender, sender=lender),
        lambda: market.withdraw(0, lender, lender, sender=lender),
        lambda: market.redeem(0, lender, lender, sender=lender),
    ):
        with lending.refused("LendingMarket_ZeroAmount"):
            act()


def test_what_is_lent_cannot_be_withdrawn(lending):
    lending.borrow(130_000 * DOLLAR)
    market, lender = lending.market, lending.lender
    assert market.maxWithdraw(lender) == 870_000 * DOLLAR
    with lending.refused("LendingMarket_InsufficientCash", 870_000 * DOLLAR, 870_000 * DOLLAR + 1):
        market.withdraw(870_000 * DOLLAR + 1, lender, lender, sender=lender)
    with lending.refused("LendingMarket_InsufficientCash", 870_000 * DOLLAR, MILLION):
        market.redeem(market.balanceOf(lender), lender, lender, sender=lender)
    market.withdraw(870_000 * DOLLAR, lender, lender, sender=lender)
    assert market.maxWithdraw(lender) == market.maxRedeem(lender) == 0


def test_deposits_stop_where_the_fields_would_be_full(lending):
    market, lender = lending.market, lending.lender
    room = 2**112 - 1 - MILLION
    assert market.maxDeposit(lender) == room
    assert market.maxMint(lender) == room * 10**6
    with lending.refused("ERC4626ExceededMaxDeposit", lender, room + 1, room):
        market.deposit(room + 1, lender, sender=lender)


def test_a_donation_belongs_to_nobody(lending):
    lending.give_dollars(lending.stranger, MILLION)
    before = lending.market.convertToAssets(10**12)
    lending.dollar.transfer(lending.market, MILLION, sender=lending.stranger)
    assert lending.market.convertToAssets(10**12) == before
    assert lending.market.state().cash == MILLION


def test_the_first_depositor_cannot_take_from_the_second(system):
    desk = LendingDesk.open(system)
    attacker, victim = desk.stranger, desk.lender
    desk.give_dollars(attacker, MILLION)
    desk.market.deposit(1, attacker, sender=attacker)
    desk.dollar.transfer(desk.market, MILLION - 1, sender=attacker)
    desk.supply(1_000 * DOLLAR, victim)
    assert desk.market.maxWithdraw(victim) == 1_000 * DOLLAR


def test_interest_goes_to_lenders_and_reserve(lending):
    lending.borrow(130_000 * DOLLAR)
    lending.warp(YEAR)
    state = lending.market.state()
    interest = state.debtAssets - 130_000 * DOLLAR
    assert interest > 0
    assert state.reserve == interest // 10
    assert state.supplyAssets == MILLION + interest - state.reserve
    receipt = lending.market.accrue(sender=lending.stranger)
    assert receipt.event("Accrue").args["interest"] == interest
    assert lending.market.accrue(sender=lending.stranger).events == []


def test_the_reserve_stops_at_its_cap(system):
    desk = LendingDesk.open(system, reserveCap=WAD // 1000).funded()
    desk.borrow(130_000 * DOLLAR)
    desk.warp(3 * YEAR)
    state = desk.market.state()
    assert state.reserve == state.debtAssets // 1000
    desk.market.accrue(sender=desk.stranger)
    desk.repay()
    supply = desk.market.totalAssets()
    desk.warp(YEAR)
    assert desk.market.totalAssets() == supply


def test_a_market_that_nobody_touches_for_centuries_can_be_repaid(lending):
    lending.borrow(130_000 * DOLLAR)
    for _ in range(3):
        lending.warp(200 * YEAR)
        lending.market.accrue(sender=lending.stranger)
    lending.repay()
    assert lending.debt() == 0


def test_a_token_that_takes_a_fee_is_refused(system):
    hostile = system.chain.deploy(system.artifacts["HostileToken"], 6, sender=system.governor)
    assert hostile is not None
    desk = LendingDesk.open(system)
    with reverts("Empty"):  # it has no symbol to name the share after
        LendingDesk.create(system, desk.market.config(), loanToken=hostile.address)


def test_only_the_guardian_pauses_and_not_for_long(lending):
    market, now, guardian = lending.market, lending.chain.now, lending.system.governor
    with lending.refused("AccessManagedUnauthorized", lending.stranger):
        market.pauseBorrowing(now, sender=lending.stranger)
    latest = now + 7 * 86_400
    with lending.refused("LendingMarket_OutOfBounds", b"until".ljust(32, b"\0"), latest + 1, 0, latest):
        market.pauseBorrowing(latest + 1, sender=guardian)
    receipt = market.pauseBorrowing(now + 60, sender=guardian)
    assert receipt.event("PauseBorrowing").args["until"] == now + 60
    with lending.refused("LendingMarket_BorrowingPaused", now + 60):
        lending.borrow(DOLLAR)
    lending.warp(60)
    lending.borrow(1_000 * DOLLAR)
