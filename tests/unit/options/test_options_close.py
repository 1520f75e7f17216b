"""PerpetualOptions.close, branch by branch."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from support.desk import (
    BID,
    CLOSED,
    DAY,
    HALTED,
    HOUR,
    INSURANCE,
    MAIN,
    MARGIN,
    ONE,
    STALE,
    UINT112_MAX,
    VOLUNTARY,
    WAD,
    Desk,
    add_session_market,
    fee_of,
    up,
)

N = 10 * ONE


@pytest.fixture
def holder(desk: Desk) -> Desk:
    """`trader` holds ten calls at the money."""
    desk.open(0, True, N)
    return desk


def proceeds_of(desk: Desk, notional: int, strike: int = 0, is_call: bool = True) -> int:
    return notional * desk.quote(strike, is_call, BID).value // WAD


# ---------------------------------------------------------------------------------------------- what it does


@pytest.mark.parametrize("notional", [N, UINT112_MAX])
def test_close_of_everything_pays_the_bid_less_the_fee(holder, notional):
    desk = holder
    balance, main, insurance = desk.balance(desk.who.trader), desk.cash(MAIN), desk.cash(INSURANCE)
    treasury = desk.fees
    proceeds = proceeds_of(desk, N)
    fee = fee_of(N, proceeds)
    receipt = desk.close(0, True, notional)
    closed = (N, proceeds, 0, fee, 0)
    assert receipt.return_value == closed
    assert desk.balance(desk.who.trader) == balance + proceeds - fee
    assert desk.cash(INSURANCE) == insurance + fee // 5
    assert desk.fees == treasury + fee * 3 // 10
    assert desk.cash(MAIN) == main - proceeds + fee - fee // 5 - fee * 3 // 10
    assert desk.positions() == []
    assert desk.position() == (0, 0, 0)
    book = desk.book
    assert (book.callNotional, book.putNotional, book.rentIndex, book.marketIds) == (0, 0, 0, [])
    assert not desk.market.contract.isLive(0)
    assert desk.event(receipt, "Close").args == {
        "owner": desk.who.trader,
        "token": desk.token.address,
        "marketId": desk.market.id,
        "id": desk.id(),
        "reason": VOLUNTARY,
        "closed": closed,
    }


def test_close_pays_the_layers_above_three_quarters_from_insurance(holder):
    desk = holder
    desk.move(60_000 * 18 // 10)
    proceeds = proceeds_of(desk, N)
    assert N * 3 // 4 < proceeds < N
    closed = desk.close().return_value
    assert closed.payoutMain == N * 3 // 4
    assert closed.payoutMain + closed.payoutInsurance in (proceeds, proceeds - 1)


def test_close_never_pays_more_than_the_notional(holder):
    """X2"""
    desk = holder
    desk.move(150_000)
    assert desk.quote(0, True, BID).value > WAD
    closed = desk.close().return_value
    assert (closed.payoutMain, closed.payoutInsurance) == (N * 3 // 4, N // 4)


def test_open_and_close_at_once_costs_premium_spread_and_two_fees(desk):
    """X6"""
    for strike in (-11, -1, 0, 9):
        for is_call in (True, False):
            desk.open(strike, is_call, N)
            desk.close(strike, is_call)
            assert desk.balance(desk.who.trader) < MARGIN


def test_close_of_a_part_leaves_the_rest_settled_and_the_strike_live(holder):
    desk = holder
    desk.pass_time(6 * HOUR)
    receipt = desk.close(0, True, 4 * ONE)
    assert receipt.return_value.notional == 4 * ONE
    assert desk.position() == (6 * ONE, desk.funding_index(0), desk.book.rentIndex)
    assert desk.event(receipt, "Settle")["funding"] == up(N * desk.funding_index(0), 10**27)  # of all ten
    assert desk.sold() == {0: (6 * ONE, 0)}
    assert desk.market.contract.isLive(0)


def test_close_of_a_part_does_not_ask_for_initial_margin(holder):
    desk = holder
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(12 * HOUR)
    health = desk.health()
    assert health.equity < health.initialMargin
    desk.close(0, True, ONE)


def test_close_of_one_side_leaves_the_other(holder):
    desk = holder
    desk.open(0, False, 2 * N)
    desk.close(0, True)
    assert desk.positions() == [desk.id(0, False)]
    assert desk.sold() == {0: (0, 2 * N)}
    desk.close(0, False)
    assert desk.sold() == {}


def test_close_takes_the_last_position_to_the_closed_ones_place(desk):
    strikes = range(-8, 8)
    for strike in strikes:
        desk.open(strike, strike % 2 == 0, ONE)
    held = [desk.id(s, s % 2 == 0) for s in strikes]
    for index in (0, 11, 9, 5, -1, 3):  # in both words, at their borders, and the last
        _, strike, is_call = held[index]
        desk.close(strike, is_call)
        last = held.pop()
        if (last[1], last[2]) != (strike, is_call):
            held[held.index(desk.id(strike, is_call))] = last
        assert desk.positions() == held
    for _, strike, is_call in list(held):
        assert desk.position(strike, is_call).notional == ONE
        desk.close(strike, is_call)
    assert desk.positions() == []


def test_a_closed_market_leaves_the_books_list_from_anywhere(desk):
    names = ["BTC-7D", "ETH-7D", "BTC-30D", "TSLA-7D"]
    for name in names:
        desk.with_market(name).open(0, True, ONE)
    assert desk.book.marketIds == [0, 1, 2, 3]
    desk.with_market("ETH-7D").close()
    assert sorted(desk.book.marketIds) == [0, 2, 3]
    desk.with_market("TSLA-7D").close()
    desk.with_market("BTC-7D").close()
    assert desk.book.marketIds == [2]


def test_close_charges_at_most_an_eighth_of_small_proceeds(desk):
    desk.open(9, True, N)
    proceeds = proceeds_of(desk, N, 9)
    closed = desk.close(9).return_value
    assert closed.fee == up(proceeds, 8) < N // 2000


def test_close_of_what_is_worth_nothing_works(desk):
    desk.open(-11, False, N)
    desk.move(60_000 * 25)
    closed = desk.close(-11, False).return_value
    assert closed == (N, 0, 0, 0, 0)


def test_close_by_an_operator_pays_the_owner(holder):
    desk = holder
    desk.options.setOperator(desk.who.operator, True, sender=desk.who.trader)
    before = desk.balance(desk.who.trader)
    desk.close(sender=desk.who.operator)
    assert desk.balance(desk.who.trader) > before
    assert desk.balance(desk.who.operator) == desk.free(desk.who.operator) == 0


# ---------------------------------------------------------------------------------------------- what it refuses


def test_close_at_the_deadline_works_and_a_second_later_expires(holder):
    desk = holder
    deadline = desk.chain.now
    desk.close(0, True, ONE, deadline=deadline)
    desk.chain.warp(1)
    with desk.refused("PerpetualOptions_Expired", deadline, deadline + 1):
        desk.close(deadline=deadline)


def test_close_by_a_stranger_is_refused(holder):
    with holder.refused("PerpetualOptions_NotOperator", holder.who.trader, holder.who.stranger):
        holder.close(sender=holder.who.stranger)


def test_close_of_nothing_is_refused(holder):
    with holder.refused("PerpetualOptions_ZeroNotional"):
        holder.close(0, True, 0)


def test_close_on_an_unlisted_token_is_refused(holder):
    with holder.refused("PerpetualOptions_UnknownToken", ZERO_ADDRESS):
        holder.options.close(holder.order(limit=0) | {"token": ZERO_ADDRESS}, sender=holder.who.trader)


def test_close_in_an_unknown_market_is_refused(holder):
    with holder.refused("PerpetualOptions_UnknownMarket", 9):
        holder.close(market=9)


def test_close_of_a_position_one_does_not_have_is_refused(holder):
    desk = holder
    for strike, is_call, market in ((1, True, 0), (0, False, 0), (0, True, 1)):
        position = desk.id(strike, is_call, market)
        with desk.refused("PerpetualOptions_NoPosition", desk.who.trader, desk.token.address, position):
            desk.close(strike, is_call, market=market)


def test_close_of_ones_own_is_not_a_claim_on_somebody_elses(holder):
    desk = holder
    with desk.refused("PerpetualOptions_NoPosition", desk.who.rival, desk.token.address, desk.id()):
        desk.close(owner=desk.who.rival)


def test_close_of_more_than_is_open_is_refused(holder):
    with holder.refused("PerpetualOptions_CloseTooLarge", N + 1, N):
        holder.close(0, True, N + 1)
    with holder.refused("PerpetualOptions_CloseTooLarge", UINT112_MAX - 1, N):
        holder.close(0, True, UINT112_MAX - 1)


def test_close_twice_is_refused(holder):
    holder.close()
    with holder.refused("PerpetualOptions_NoPosition", holder.who.trader, holder.token.address, holder.id()):
        holder.close()


def test_close_that_leaves_the_minimum_works_and_a_unit_less_is_refused(holder):
    desk = holder
    with desk.refused("PerpetualOptions_BelowMinimum", ONE - 1, ONE):
        desk.close(0, True, N - ONE + 1)
    with desk.refused("PerpetualOptions_BelowMinimum", 1, ONE):
        desk.close(0, True, N - 1)
    desk.close(0, True, N - ONE)
    with desk.refused("PerpetualOptions_BelowMinimum", ONE - 1, ONE):
        desk.close(0, True, 1)
    desk.close(0, True, ONE)


def test_close_at_the_proceeds_limit_works_and_a_unit_above_it_is_refused(holder):
    desk = holder
    proceeds = proceeds_of(desk, N)
    with desk.refused("PerpetualOptions_ProceedsBelowLimit", proceeds, proceeds + 1):
        desk.close(limit=proceeds + 1)
    desk.close(limit=proceeds)


def test_close_on_a_stale_price_is_refused(holder):
    holder.chain.warp(4_201)
    with holder.refused("OptionMarket_NotOpen", STALE):
        holder.close()


def test_close_while_the_breaker_halts_is_refused_until_a_second_print_confirms(holder):
    desk = holder
    desk.publish(70_000)
    desk.poke()
    with desk.refused("OptionMarket_NotOpen", HALTED):
        desk.close()
    desk.chain.warp(300)
    desk.publish(70_000)
    desk.close()


def test_close_outside_the_session_is_refused(desk):
    closing = desk.with_market(add_session_market(desk.system).name)
    closing.open(0, True, N)
    desk.pass_time(6 * HOUR + HOUR // 2)
    with closing.refused("OptionMarket_NotOpen", CLOSED):
        closing.close()


def test_close_works_on_a_close_only_token_and_while_opening_is_paused(holder):
    desk = holder
    desk.options.setToken(desk.token.address, ONE, True, sender=desk.who.governor)
    desk.options.pauseOpening(desk.market.id, desk.chain.now + HOUR, sender=desk.who.governor)
    desk.close()


# ---------------------------------------------------------------------------------------------- keys of other positions

OFF_GRID = (165, -165, 256, -257, 511, 512, 513, -512, 2**15 - 1, -(2**15))


@pytest.mark.parametrize("market", ["BTC-7D", "ETH-7D"])
def test_a_strike_off_the_grid_is_no_other_positions_name(desk, market):
    """Keys hold nine bits of strike: strike 512 of market 0 must not stand for strike 0 of market 1."""
    desk.with_market("ETH-7D").open(0, False, N)
    desk.open(0, False, N, owner=desk.who.rival)
    there = desk.with_market(market)
    account = (desk.who.trader, desk.token.address)
    for strike in OFF_GRID:
        with desk.refused("PerpetualOptions_NoPosition", *account, there.id(strike, False)):
            there.close(strike, False)
        assert there.position(strike, False) == (0, 0, 0)


def test_a_strike_off_the_grid_is_nothing_for_a_keeper(desk):
    """Liquidation, exercise and eviction name positions the same way."""
    desk.with_market("ETH-7D").open(0, True, N)
    desk.open(0, True, N, owner=desk.who.rival)
    for strike in OFF_GRID:
        for market in ("BTC-7D", "ETH-7D"):
            there = desk.with_market(market)
            for act in (there.liquidate, there.exercise, there.evict):
                with desk.refused("PerpetualOptions_NoPosition", ..., ..., there.id(strike, True)):
                    act(strike, True)


def test_a_strike_off_the_grid_is_no_position_of_a_frozen_market(desk):
    """Its payoff would be that of a strike of 25,000 times the price."""
    desk.with_market("ETH-7D").open(0, False, N)
    desk.open(0, False, N, owner=desk.who.rival)
    desk.wind_down(60_000)
    desk.pass_time(3 * DAY)
    for strike in OFF_GRID:
        with desk.refused("PerpetualOptions_NoPosition", ..., ..., desk.id(strike, False)):
            desk.close_frozen(strike, False)
