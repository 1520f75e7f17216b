"""PerpetualOptions.evict: dust at far strikes makes room, at the mark, while a cap is reached."""

from __future__ import annotations

from decimal import Decimal

import pytest

from support.desk import (
    EVICTION,
    HALTED,
    INSURANCE,
    INSURANCE_CASH,
    MAIN,
    MAIN_CASH,
    MARGIN,
    MARK,
    ONE,
    WAD,
    Desk,
    add_market,
    add_token,
)

STRIKES = range(-11, 21)
BIG = 200 * ONE


@pytest.fixture
def full(desk: Desk) -> Desk:
    """32 strikes are live, of one token each but for strike 20, which holds much more. The price is 90,000."""
    desk.at_thirty_two_strikes()
    desk.open(20, True, BIG, owner=desk.who.keeper)
    return desk


def refused(desk: Desk, strike: int = -11, **by):
    return desk.refused("PerpetualOptions_NotEvictable", desk.token.address, desk.id(strike), **by)


def test_evict_pays_the_mark_without_fee_or_reward(full):
    desk = full
    mark = min(desk.quote(-11, True, MARK).value, WAD)
    desk.settle()
    balance, main, insurance = desk.balance(desk.who.trader), desk.cash(MAIN), desk.cash(INSURANCE)
    receipt = desk.evict(-11)
    payout_main = min(mark, WAD * 3 // 4)
    payout = (payout_main * ONE // WAD, (mark - payout_main) * ONE // WAD)
    assert receipt.return_value == (ONE, *payout, 0, 0)
    assert desk.balance(desk.who.trader) == balance + sum(payout)
    assert (desk.cash(MAIN), desk.cash(INSURANCE)) == (main - payout[0], insurance - payout[1])
    assert desk.free(desk.who.keeper) == 0
    assert desk.event(receipt, "Close")["reason"] == EVICTION
    assert desk.events(receipt, "Reward") == []


def test_evict_makes_room_for_another_strike(full):
    desk = full
    desk.add_margin(desk.who.lp, MARGIN)
    with desk.refused("PerpetualOptions_TooManyStrikes", 32):
        desk.open(21, True, ONE, owner=desk.who.lp)
    desk.evict(-11)
    desk.open(21, True, ONE, owner=desk.who.lp)


def test_evict_is_refused_while_no_cap_is_reached(full):
    desk = full
    desk.close(-10)
    with refused(desk):
        desk.evict(-11)


def test_evict_at_the_cap_of_markets(desk):
    names = list(desk.system.markets) + [add_market(desk.system, f"extra-{i}").name for i in range(4)]
    desk.open(-11, True, ONE)
    for name in names[1:7]:
        desk.with_market(name).open(0, True, ONE)
    desk.open(0, True, BIG)
    desk.move(90_000)
    with refused(desk):
        desk.evict(-11)
    desk.with_market(names[7]).open(20, True, ONE)
    assert len(desk.book.marketIds) == 8
    desk.evict(-11)


def test_evict_at_the_cap_of_live_strikes_of_a_market(desk):
    """64 over all tokens, and only 31 of one's own."""
    other = desk.with_token(desk.system.token("CRCL.M"))
    other.fund_pool(MAIN, MAIN_CASH)
    other.fund_pool(INSURANCE, INSURANCE_CASH)
    third = desk.chain.account("third")
    for owner in (desk.who.trader, desk.who.rival, third):
        other.add_margin(owner, MARGIN)
    desk.add_margin(third, 3 * MARGIN)
    desk.fund_pool(MAIN, MAIN_CASH)
    for strike in range(-11, 10):
        desk.open(strike, True, ONE, owner=desk.who.trader if strike < 4 else desk.who.rival)
    desk.move(90_000)
    for strike in range(10, 20):
        desk.open(strike, True, ONE, owner=third)
    desk.open(19, True, BIG, owner=third)
    owners = iter([desk.who.trader] * 16 + [desk.who.rival] * 16 + [third] * 2)
    for strike in range(20, 28):
        other.open(strike, True, 2 * ONE, owner=next(owners))
    desk.move(125_000)
    for strike in range(28, 45):
        other.open(strike, True, 2 * ONE, owner=next(owners))
    desk.move(160_000)
    for strike in range(45, 52):
        other.open(strike, True, 2 * ONE, owner=next(owners))
    assert (len(desk.sold()), len(other.sold()), desk.market.contract.liveCount()) == (31, 32, 63)
    with refused(desk):
        desk.evict(-11)
    another = desk.with_token(add_token(desk.system, "THIRD.M"))
    another.fund_pool(MAIN, MAIN_CASH)
    another.fund_pool(INSURANCE, INSURANCE_CASH)
    another.add_margin(third, MARGIN)
    another.open(53, True, ONE, owner=third)
    assert (len(desk.sold()), desk.market.contract.liveCount()) == (31, 64)
    desk.evict(-11)


def tick(desk: Desk, answer: int) -> None:
    desk.move(Decimal(answer) / 10**8)


def test_evict_below_three_quarters_of_the_index_and_not_a_tick_before(full):
    desk = full
    strike_price = desk.market.contract.strikePrice(-4)
    answer = strike_price * 4 // 3 // 10**10
    while answer * 10**10 * 3 // 4 <= strike_price:
        answer += 1
    tick(desk, answer - 1)
    with refused(desk, -4):
        desk.evict(-4)
    tick(desk, answer)
    desk.evict(-4)


def test_evict_above_five_quarters_of_the_index_and_not_a_tick_before(full):
    desk = full
    strike_price = desk.market.contract.strikePrice(15)
    answer = strike_price * 4 // 5 // 10**10 + 1
    while -(-answer * 10**10 * 5 // 4) >= strike_price:
        answer -= 1
    tick(desk, answer + 1)
    with refused(desk, 15):
        desk.evict(15, owner=desk.who.rival)
    tick(desk, answer)
    desk.evict(15, owner=desk.who.rival)


def test_evict_a_strike_of_less_than_a_hundredth_and_not_of_a_hundredth(desk):
    desk.at_thirty_two_strikes()
    desk.open(20, True, 100 * ONE - 32 * ONE, owner=desk.who.keeper)
    assert desk.book.callNotional == 100 * ONE
    with refused(desk):
        desk.evict(-11)
    desk.open(20, True, 1, owner=desk.who.keeper)
    desk.evict(-11)


def test_both_sides_of_a_strike_count_towards_its_hundredth(full):
    desk = full
    desk.move(60_000)
    desk.add_margin(desk.who.lp, MARGIN)
    desk.open(-11, False, 2 * ONE, owner=desk.who.lp)
    desk.move(90_000)
    with refused(desk):
        desk.evict(-11)
    with refused(desk):
        desk.evict(-11, owner=desk.who.trader)
    desk.open(20, False, BIG, owner=desk.who.keeper)
    desk.evict(-11)


def test_evict_pays_debt_first(full):
    desk = full
    spare = desk.health().equity - desk.health().initialMargin
    desk.withdraw(spare)
    desk.pass_time(120 * 86_400)
    desk.poke()
    desk.settle()
    debt = sum(desk.debt())
    assert debt > 0
    closed = desk.evict(-11).return_value
    assert closed.debtPaid == min(debt, closed.payoutMain + closed.payoutInsurance) > 0


def test_evict_is_refused_without_a_position_or_an_open_market(full):
    desk = full
    with desk.refused("PerpetualOptions_NoPosition", desk.who.stranger, desk.token.address, desk.id(-11)):
        desk.evict(-11, owner=desk.who.stranger)
    with desk.refused("PerpetualOptions_UnknownToken", desk.who.stranger):
        desk.options.evict(desk.who.trader, desk.who.stranger, desk.id(-11), sender=desk.who.keeper)
    with desk.refused("PerpetualOptions_UnknownMarket", 55):
        desk.evict(-11, True, 55)
    desk.publish(150_000)
    with desk.refused("OptionMarket_NotOpen", HALTED):
        desk.evict(-11)
