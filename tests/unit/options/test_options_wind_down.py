"""A market's end: what still works until it freezes, and how everybody is paid after that."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from support.desk import (
    DAY,
    FROZEN,
    HALTED,
    HOUR,
    INSURANCE,
    MAIN,
    ONE,
    WAD,
    Desk,
    up,
)

N = 10 * ONE
FINAL = 66_000


@pytest.fixture
def ending(desk: Desk) -> Desk:
    """`trader` holds a call and `rival` a put at 60,000 in a market that freezes in three days at 66,000."""
    desk.open(0, True, N)
    desk.open(0, False, 2 * N, owner=desk.who.rival)
    desk.wind_down(FINAL)
    return desk


@pytest.fixture
def ended(ending: Desk) -> Desk:
    """The same at the second of the freeze, poked half an hour before it."""
    ending.pass_time(3 * DAY - HOUR // 2)
    ending.poke()
    ending.chain.warp(HOUR // 2)
    return ending


def payoff(desk: Desk, strike: int, is_call: bool, final: int = FINAL) -> int:
    x = final * WAD * WAD // desk.market.contract.strikePrice(strike)
    return max(x - WAD, 0) if is_call else max(WAD - x, 0)


# ---------------------------------------------------------------------------------------------- until the freeze


def test_until_the_freeze_everybody_may_leave_at_the_bid(ending):
    desk = ending
    desk.close(0, True, 5 * ONE)
    desk.pass_time(3 * DAY - 1)
    desk.close()
    desk.close(0, False, owner=desk.who.rival)
    assert desk.sold() == {}


def test_until_the_freeze_nobody_is_paid_the_final_price(ending):
    desk = ending
    desk.pass_time(3 * DAY - 1)
    with desk.refused("OptionMarket_NotFrozen"):
        desk.close_frozen()
    with desk.refused("PerpetualOptions_NotFreezable", desk.token.address, desk.market.id):
        desk.options.freeze(desk.token.address, desk.market.id, sender=desk.who.keeper)


def test_until_the_freeze_keepers_work(ending):
    desk = ending
    desk.move(120_000)
    desk.exercise()


def test_a_wind_down_that_is_called_off_leaves_a_market_like_any_other(ending):
    desk = ending
    desk.market.contract.cancelWindDown(sender=desk.who.governor)
    desk.pass_time(4 * DAY)
    desk.open(0, True, N)
    with desk.refused("OptionMarket_NotFrozen"):
        desk.close_frozen()


# ---------------------------------------------------------------------------------------------- from the freeze on


def test_a_frozen_market_trades_no_more(ended):
    desk = ended
    desk.publish()
    for trade in (desk.open, desk.close, desk.liquidate, desk.exercise, desk.evict):
        with desk.refused("OptionMarket_NotOpen", HALTED):
            trade()


def test_anyone_closes_a_frozen_position_at_its_payoff_without_fee(ended):
    desk = ended
    desk.settle()
    balance, main, insurance = desk.balance(desk.who.trader), desk.cash(MAIN), desk.cash(INSURANCE)
    treasury = desk.fees
    receipt = desk.close_frozen(sender=desk.who.stranger)
    paid = N * payoff(desk, 0, True) // WAD
    assert paid == N // 10
    assert receipt.return_value == (N, paid, 0, 0, 0)
    assert desk.balance(desk.who.trader) == balance + paid
    assert (desk.cash(MAIN), desk.cash(INSURANCE)) == (main - paid, insurance)
    assert desk.fees == treasury
    assert desk.free(desk.who.stranger) == 0
    assert desk.event(receipt, "Close")["reason"] == FROZEN


def test_the_losing_side_of_a_frozen_market_is_paid_nothing_and_leaves(ended):
    desk = ended
    closed = desk.close_frozen(0, False, owner=desk.who.rival).return_value
    assert closed == (2 * N, 0, 0, 0, 0)
    assert desk.positions(desk.who.rival) == []
    desk.withdraw(desk.balance(desk.who.rival), desk.who.rival)


@pytest.mark.parametrize(("final", "is_call"), [(150_000, True), (110_000, True), (1, False)])
def test_a_frozen_payoff_is_paid_by_layers_and_never_above_the_notional(desk, final, is_call):
    desk.open(0, is_call, N)
    desk.wind_down(final)
    desk.pass_time(3 * DAY)
    value = min(payoff(desk, 0, is_call, final), WAD)
    closed = desk.close_frozen(0, is_call).return_value
    assert closed.payoutMain == N * 3 // 4
    assert closed.payoutInsurance == N * (value - WAD * 3 // 4) // WAD > 0


def test_a_frozen_close_pays_what_is_owed_first(desk):
    notional = 100 * ONE
    desk.open(0, True, notional)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(10 * DAY)
    desk.poke()
    desk.settle()
    debt = sum(desk.debt())
    assert debt > 0
    desk.wind_down(FINAL)
    desk.pass_time(3 * DAY)
    closed = desk.close_frozen().return_value
    assert closed.debtPaid > debt
    assert desk.debt() == (0, 0)
    assert desk.balance(desk.who.trader) == closed.payoutMain - closed.debtPaid > 0
    assert desk.book.forgiven == 0


def test_a_frozen_close_of_a_worthless_position_forgives_the_rest(desk):
    desk.open(0, False, 100 * ONE)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.wind_down(FINAL)
    desk.pass_time(3 * DAY)
    desk.chain.warp(100 * DAY)
    desk.close_frozen(0, False)
    assert desk.debt() == (0, 0)
    assert desk.book.forgiven > 0


def test_a_frozen_close_is_refused_twice_and_without_a_position(ended):
    desk = ended
    desk.close_frozen()
    with desk.refused("PerpetualOptions_NoPosition", desk.who.trader, desk.token.address, desk.id()):
        desk.close_frozen()
    with desk.refused("PerpetualOptions_UnknownToken", ZERO_ADDRESS):
        desk.options.closeFrozen(desk.who.trader, ZERO_ADDRESS, desk.id(), sender=desk.who.keeper)
    with desk.refused("PerpetualOptions_UnknownMarket", 44):
        desk.close_frozen(0, True, 44)


# ---------------------------------------------------------------------------------------------- funding and rent


def test_funding_ends_at_the_freeze(ended):
    desk = ended
    index = desk.funding_index(0)
    desk.pass_time(10 * DAY)
    desk.poke()
    assert desk.funding_index(0) == index
    desk.settle()
    assert desk.position().fundingIndex == index


def test_funding_of_a_market_nobody_poked_ends_with_its_last_price(ending):
    desk = ending
    market = desk.market.contract
    stored = market.state()
    desk.chain.warp(3 * DAY)
    desk.settle()
    assert market.state() == stored, "the interval stays pending"
    market.accrue(sender=desk.who.stranger)
    assert market.state().accruedAt == stored.updatedAt + 4_200
    assert desk.position().fundingIndex == desk.funding_index(0) > 0


def test_rent_ends_with_the_first_operation_after_the_freeze(ended):
    desk = ended
    desk.chain.warp(HOUR)
    receipt = desk.options.freeze(desk.token.address, desk.market.id, sender=desk.who.stranger)
    frozen_index = desk.book.rentIndex
    assert desk.event(receipt, "Freeze").args == {
        "token": desk.token.address,
        "marketId": desk.market.id,
        "rentIndex": frozen_index,
    }
    state = desk.options.marketState(desk.token.address, desk.market.id)
    assert (state.frozen, state.frozenRentIndex) == (True, frozen_index)
    before = desk.position().rentIndex
    owed = desk.health().owed
    desk.chain.warp(100 * DAY)
    assert desk.health().owed == owed
    event = desk.event(desk.close_frozen(), "Settle")
    assert event["rent"] == up(N * (frozen_index - before), WAD)
    assert desk.book.rentIndex > frozen_index
    event = desk.event(desk.close_frozen(0, False, owner=desk.who.rival), "Settle")
    assert event["rent"] == up(2 * N * (frozen_index - before), WAD)


@pytest.mark.parametrize("first", ["settle", "close_frozen", "deposit"])
def test_any_first_operation_records_the_freeze(ended, first):
    desk = ended
    {"settle": desk.settle, "close_frozen": desk.close_frozen, "deposit": lambda: desk.fund_pool(MAIN, ONE)}[first]()
    state = desk.options.marketState(desk.token.address, desk.market.id)
    assert (state.frozen, state.frozenRentIndex) == (True, desk.book.rentIndex)
    with desk.refused("PerpetualOptions_NotFreezable", desk.token.address, desk.market.id):
        desk.options.freeze(desk.token.address, desk.market.id, sender=desk.who.keeper)


def test_freeze_is_refused_where_there_is_nothing_to_freeze(ended):
    desk = ended
    other = desk.system.token("CRCL.M").address
    with desk.refused("PerpetualOptions_NotFreezable", other, desk.market.id):
        desk.options.freeze(other, desk.market.id, sender=desk.who.keeper)
    with desk.refused("PerpetualOptions_UnknownToken", ZERO_ADDRESS):
        desk.options.freeze(ZERO_ADDRESS, desk.market.id, sender=desk.who.keeper)
    with desk.refused("PerpetualOptions_UnknownMarket", 12):
        desk.options.freeze(desk.token.address, 12, sender=desk.who.keeper)


def test_each_token_freezes_for_itself(ended):
    """P6"""
    desk = ended
    desk.options.freeze(desk.token.address, desk.market.id, sender=desk.who.keeper)
    state = desk.options.marketState(desk.system.token("CRCL.M").address, desk.market.id)
    assert not state.frozen


# ---------------------------------------------------------------------------------------------- everybody leaves


def test_a_frozen_position_keeps_its_initial_margin_and_the_rest_may_go(ended):
    desk = ended
    health = desk.health()
    assert health.initialMargin == up(N * desk.market.contract.constants().initialMargin, WAD)
    desk.withdraw(health.equity - health.initialMargin)
    with desk.refused("PerpetualOptions_InsufficientMargin"):
        desk.withdraw(1)
    desk.close_frozen()
    desk.withdraw(desk.balance(desk.who.trader))


def test_other_markets_of_the_account_go_on(ended):
    desk = ended
    other = desk.with_market("ETH-7D")
    other.publish()
    other.open(0, True, N)
    desk.close_frozen()
    other.close()
    assert desk.positions() == []


def test_the_last_to_leave_a_frozen_market_takes_it_off_the_books_list(ended):
    desk = ended
    desk.close_frozen()
    assert desk.book.marketIds == [desk.market.id]
    desk.close_frozen(0, False, owner=desk.who.rival)
    assert desk.book.marketIds == []
    state = desk.options.marketState(desk.token.address, desk.market.id)
    assert (state.strikes, state.fundingEntry, state.rentEntry) == ([], 0, 0)
    assert desk.options.poolState(desk.token.address, MAIN).reserved == 0
