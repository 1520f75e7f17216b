"""Options-aware health: long options in the borrower's own account count when it pledges them."""

from __future__ import annotations

import pytest

from everstock.chain.errors import Reverted
from everstock.chain.testing import reverts
from support.desk import ONE, Desk
from support.lending_desk import DOLLAR, MAX, PRICE, STOCK_ID, WAD, LendingDesk

HAIRCUT = 80 * WAD // 100
PUT_NOTIONAL = 100 * ONE
MARGIN = 40 * ONE


@pytest.fixture
def options(desk: Desk) -> Desk:
    """TSLA puts, in TSLA.M."""
    return desk.with_market("TSLA-7D")


@pytest.fixture
def pledged(options: Desk) -> LendingDesk:
    """100 tokens of collateral, and an account of 40 tokens with an at-the-money put on 100."""
    lending = LendingDesk.open(options.system)
    lending.supply(1_000_000 * DOLLAR)
    lending.top_up(100 * WAD)
    options.add_margin(lending.borrower, MARGIN)
    options.open(0, False, PUT_NOTIONAL, owner=lending.borrower)
    options.options.pledge(options.token.address, lending.market, sender=lending.borrower)
    return lending


def valuer(desk: LendingDesk):
    return desk.chain.contract(desk.system.artifacts["OptionsValuer"], desk.market.config().pledges)


def test_a_pledge_is_worth_its_bid_after_fees_and_what_is_owed(pledged, options):
    quote = options.market.contract.quote(0, False, 1)
    paid = PUT_NOTIONAL * quote.value // WAD
    fee = min(-(-PUT_NOTIONAL // 2000), -(-paid // 8))
    equity = options.health(pledged.borrower).equity
    assert valuer(pledged).valueOf(pledged.borrower, options.token.address) == (equity + paid - fee, 1)
    assert valuer(pledged).options() == options.options.address


def test_a_pledge_is_worth_what_a_close_pays(pledged, options):
    value, _ = valuer(pledged).valueOf(pledged.borrower, options.token.address)
    options.close(0, False, owner=pledged.borrower)
    assert options.balance(pledged.borrower) == value
    assert valuer(pledged).valueOf(pledged.borrower, options.token.address) == (value, 0)


def test_a_position_without_a_price_counts_for_nothing_and_debts_count_against_it(pledged, options):
    pledged.warp(86_401)
    equity = options.health(pledged.borrower).equity
    assert 0 < equity < MARGIN
    assert valuer(pledged).valueOf(pledged.borrower, options.token.address) == (equity, 1)


def test_too_little_gas_cannot_make_a_pledge_worthless(pledged, options):
    """The oracle refuses to read a feed with little gas: that refusal is passed on, and taken for no missing price."""
    whole = valuer(pledged).valueOf(pledged.borrower, options.token.address)
    refused = set()
    for gas in range(60_000, 900_000, 20_000):
        try:
            assert valuer(pledged).valueOf.call(pledged.borrower, options.token.address, gas=gas) == whole
        except Reverted as error:
            refused.add(error.name)
    assert "PriceOracle_GasTooLow" in refused


def test_in_a_market_that_has_ended_a_position_is_worth_its_payoff(pledged, options):
    options.chain.set_time(options.wind_down(200))
    equity = options.health(pledged.borrower).equity
    value, count = valuer(pledged).valueOf(pledged.borrower, options.token.address)
    assert (value, count) == (equity + PUT_NOTIONAL // 5, 1)


def test_an_account_that_owes_more_than_it_has_is_worth_nothing(pledged, options):
    """Funding and rent of years."""
    pledged.warp(86_400 * 365 * 20)
    assert options.health(pledged.borrower).equity < 0
    assert valuer(pledged).valueOf(pledged.borrower, options.token.address) == (0, 1)


def test_TSLA_and_a_TSLA_put_borrow_more_than_TSLA(pledged, options):
    before = pledged.health()
    assert before.pledged == 0
    receipt = pledged.market.countPledge(sender=pledged.borrower)
    assert receipt.event("CountPledge").args == {"owner": pledged.borrower, "counted": True}
    value, _ = valuer(pledged).valueOf(pledged.borrower, options.token.address)
    after = pledged.health()
    assert after.pledged == value * HAIRCUT // WAD
    assert after.borrowLimit > before.borrowLimit
    assert pledged.market.isPledged(pledged.borrower)
    pledged.borrow(after.borrowLimit)
    with pledged.refused("LendingMarket_InsufficientCollateral", after.borrowLimit + 1, after.borrowLimit):
        pledged.borrow(1)


def test_the_put_gains_what_the_stock_loses(pledged, options):
    """At −20% the put pays a fifth of its notional, in tokens, instead of its premium."""
    pledged.market.countPledge(sender=pledged.borrower)
    before = pledged.health().pledged
    for price in (230, 210, 200):
        options.move(price)
        pledged.move(price)
    options.move(200)
    gained = pledged.health().pledged - before
    assert gained > PUT_NOTIONAL * 16 // 100 * HAIRCUT // WAD


def test_only_what_is_pledged_here_counts(pledged, options):
    with reverts("LendingMarket_NotPledged", pledged.stranger):
        pledged.market.countPledge(sender=pledged.stranger)
    bare = LendingDesk.create(pledged.system, pledged.market.config(), pledges="0x" + "00" * 20)
    with reverts("LendingMarket_NotPledged", pledged.borrower):
        bare.countPledge(sender=pledged.borrower)
    with reverts("LendingMarket_NotPledged", pledged.borrower):
        bare.releasePledge(options.token.address, sender=pledged.borrower)


def test_L2_the_options_ask_after_every_operation(pledged, options):
    market, borrower = pledged.market, pledged.borrower
    market.countPledge(sender=borrower)
    options.withdraw(ONE, owner=borrower)
    pledged.borrow(pledged.health().borrowLimit)
    debt = pledged.debt()
    with reverts("LendingMarket_InsufficientCollateral", debt, ...):
        options.withdraw(ONE, owner=borrower)
    with reverts("LendingMarket_InsufficientCollateral", debt, ...):
        options.open(0, True, 10 * ONE, owner=borrower)
    options.add_margin(borrower, 5 * ONE)
    options.withdraw(4 * ONE, owner=borrower)
    options.close(0, False, 50 * ONE, owner=borrower)
    pledged.repay()
    options.withdraw(10 * ONE, owner=borrower)


def test_L2_an_executors_fee_cannot_carry_the_pledge_away(pledged, options):
    market, borrower, executor = pledged.market, pledged.borrower, pledged.operator
    options.options.setExecutor(executor, True, sender=pledged.system.governor)
    options.options.setOperator(executor, True, sender=borrower)
    market.countPledge(sender=borrower)
    pledged.borrow(pledged.health().borrowLimit)
    pay = options.options.payExecutor
    with reverts("LendingMarket_InsufficientCollateral", pledged.debt(), ...):
        pay(borrower, options.token.address, 10 * ONE, executor, sender=executor)
    pledged.repay()
    pay(borrower, options.token.address, 10 * ONE, executor, sender=executor)
    assert options.free(executor) == 10 * ONE


def test_without_an_open_price_a_pledge_with_a_debt_stands_still(pledged, options):
    pledged.market.countPledge(sender=pledged.borrower)
    pledged.borrow(1_000 * DOLLAR)
    pledged.publish(PRICE * 2)
    with reverts("LendingMarket_NotOpen", STOCK_ID, 3):
        options.withdraw(ONE, owner=pledged.borrower)
    options.add_margin(pledged.borrower, ONE)


def test_a_pledge_is_released_within_the_limit_only(pledged, options):
    market, borrower, token = pledged.market, pledged.borrower, options.token.address
    market.countPledge(sender=borrower)
    pledged.borrow(pledged.health().borrowLimit)
    with pledged.refused("LendingMarket_InsufficientCollateral"):
        market.releasePledge(token, sender=borrower)
    pledged.repay(pledged.debt() - 1_000 * DOLLAR)
    market.releasePledge(token, sender=borrower)
    assert not market.isPledged(borrower)
    assert options.options.pledgeeOf(borrower, token) == "0x" + "00" * 20
    options.withdraw(10 * ONE, owner=borrower)


def test_an_account_of_another_token_is_released_at_once(pledged, options):
    other = pledged.system.token("CRCL.M").address
    options.options.pledge(other, pledged.market, sender=pledged.borrower)
    pledged.market.checkPledge(pledged.borrower, other)
    pledged.market.releasePledge(other, sender=pledged.borrower)
    assert options.options.pledgeeOf(pledged.borrower, other) == "0x" + "00" * 20


# ── liquidation ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sunk(pledged: LendingDesk, options: Desk) -> LendingDesk:
    """Borrowed to the limit; the put's clock has run and the stock has fallen far, the put's own feed has not."""
    pledged.market.countPledge(sender=pledged.borrower)
    pledged.borrow(pledged.health().borrowLimit)
    for price in (225, 203, 183, 165, 149, 135):
        pledged.warp(1_300)
        pledged.move(price)
    return pledged


def test_a_pledge_is_touched_last(sunk, options):
    ids = [options.id(0, False)]
    with sunk.refused("LendingMarket_CollateralLeft", 100 * WAD):
        sunk.market.realisePledge(sunk.borrower, ids, 0, sender=sunk.liquidator)
    sunk.liquidate()
    assert sunk.collateral() == 0
    assert sunk.debt() > 0
    counted = sunk.health().pledged
    with sunk.refused("LendingMarket_PledgeLeft", counted, 1):
        sunk.liquidate()
    sunk.market.realisePledge(sunk.borrower, ids, 0, sender=sunk.liquidator)
    margin = options.balance(sunk.borrower)
    assert sunk.health().pledged == margin * HAIRCUT // WAD
    assert options.positions(sunk.borrower) == []
    receipt = sunk.market.realisePledge(sunk.borrower, [], margin, sender=sunk.liquidator)
    assert receipt.event("RealisePledge").args["amount"] == margin
    assert sunk.collateral() == margin
    receipt = sunk.liquidate()
    assert sunk.collateral() == sunk.debt() == 0
    assert receipt.event("BookBadDebt").args["assets"] > 0
    sunk.market.releasePledge(options.token.address, sender=sunk.borrower)


def test_a_pledge_is_realised_only_of_who_can_be_liquidated(pledged, options):
    market, borrower = pledged.market, pledged.borrower
    with pledged.refused("LendingMarket_NotPledged", borrower):
        market.realisePledge(borrower, [], 0, sender=pledged.liquidator)
    market.countPledge(sender=borrower)
    with pledged.refused("LendingMarket_NoDebt", borrower):
        market.realisePledge(borrower, [], 0, sender=pledged.liquidator)
    pledged.withdraw_collateral(100 * WAD)
    pledged.borrow(1_000 * DOLLAR)
    with pledged.refused("LendingMarket_Healthy", 1_000 * DOLLAR, ...):
        market.realisePledge(borrower, [], 0, sender=pledged.liquidator)


def test_a_pledge_of_nothing_lets_bad_debt_be_booked(pledged, options):
    """An empty account that counts does not keep a debt alive."""
    options.close(0, False, owner=pledged.borrower)
    pledged.market.countPledge(sender=pledged.borrower)
    options.withdraw(options.balance(pledged.borrower), owner=pledged.borrower)
    pledged.borrow(pledged.health().borrowLimit)
    for price in (225, 203, 183, 165, 149, 135, 125):
        pledged.warp(1_300)
        pledged.move(price)
    assert pledged.liquidate(MAX).event("BookBadDebt").args["borrower"] == pledged.borrower
