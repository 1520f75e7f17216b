"""Events and winding down."""

from __future__ import annotations

import pytest

from everstock.chain import Reverted
from everstock.chain.testing import reverts
from everstock.model.pricing import Side, intrinsic_wad
from support.market_bench import (
    ACTIVE,
    ASK,
    BID,
    BTC_7D,
    DAY,
    FROZEN,
    HALTED,
    MARK,
    MAX_AGE,
    TSLA_7D,
    WAD,
    WINDING_DOWN,
    YEAR,
    MarketBench,
)

R = BTC_7D.reference
NOTICE = 2 * DAY


def lump_of(pricing, price: int, lump: int) -> tuple[int, int]:
    return tuple(power * lump // WAD for power in pricing.price_powers(price))


def keep_alive(bench: MarketBench, until: int, price: int = R) -> None:
    """Print and poke often enough that the clock never stops."""
    while bench.chain.now + 3_600 < until:
        bench.chain.warp(3_600)
        bench.tick(price)
    bench.chain.set_time(until)


# ---------------------------------------------------------------------------------------------- who may


def test_governance_is_restricted(crypto):
    now = crypto.chain.now
    for call in (
        lambda who: crypto.market.scheduleEvent((now + NOTICE, WAD, WAD // 10), sender=who),
        lambda who: crypto.market.cancelEvent(now + NOTICE, sender=who),
        lambda who: crypto.market.announceWindDown(R, now + 3 * DAY, sender=who),
        lambda who: crypto.market.cancelWindDown(sender=who),
    ):
        for who in (crypto.stranger, crypto.book):
            with reverts("AccessManagedUnauthorized", who):
                call(who)


# ---------------------------------------------------------------------------------------------- scheduling


def test_an_event_needs_48_hours_notice_to_the_second(crypto):
    now = crypto.chain.now
    with reverts("OptionMarket_NoticeTooShort", now + NOTICE - 1, now + NOTICE):
        crypto.schedule(now + NOTICE - 1)
    receipt = crypto.schedule(now + NOTICE, lump=3, move=WAD // 200)
    assert receipt.event("ScheduleEvent").args == {"at": now + NOTICE, "lump": 3, "move": WAD // 200}


@pytest.mark.parametrize(
    ("field", "low", "high"), [("lump", 1, 100 * WAD), ("move", 5 * WAD // 1_000, WAD // 2), ("at", 0, None)]
)
def test_bounds_of_an_event(crypto, field, low, high):
    now = crypto.chain.now
    high = now + YEAR if high is None else high
    name = field.encode().ljust(32, b"\0")
    for value in {low, high} - {0}:
        crypto.schedule(**{"at": now + NOTICE, field: value})
    for value in [high + 1] + [low - 1] * (low > 0):
        with reverts("OptionMarket_OutOfBounds", name, value, low, high):
            crypto.schedule(**{"at": now + NOTICE, field: value})


def test_events_are_kept_in_order_of_time_and_at_most_16(crypto):
    now = crypto.chain.now
    order = [5, 3, 9, 1, 7, 3, 16, 2, 15, 4, 14, 6, 13, 8, 12, 10]
    for rank, hours in enumerate(order):
        crypto.schedule(now + NOTICE + hours * 3_600, lump=rank + 1)
    events = crypto.market.events()
    assert [event.at for event in events] == [now + NOTICE + hours * 3_600 for hours in sorted(order)]
    assert [event.lump for event in events if event.at == now + NOTICE + 3 * 3_600] == [2, 6], "first come, first"
    with reverts("OptionMarket_TooManyEvents", 16):
        crypto.schedule(now + NOTICE)


def test_cancelling_an_event(crypto):
    now = crypto.chain.now
    for hours in (1, 2, 3):
        crypto.schedule(now + NOTICE + hours * 3_600, lump=hours)
    receipt = crypto.market.cancelEvent(now + NOTICE + 3_600, sender=crypto.governor)
    assert receipt.event("CancelEvent").args == {"at": now + NOTICE + 3_600}
    assert [event.lump for event in crypto.market.events()] == [2, 3]
    crypto.market.cancelEvent(now + NOTICE + 3 * 3_600, sender=crypto.governor)
    crypto.market.cancelEvent(now + NOTICE + 2 * 3_600, sender=crypto.governor)
    assert crypto.market.events() == []


def test_of_two_events_of_one_time_the_first_is_cancelled(crypto):
    at = crypto.chain.now + NOTICE
    crypto.schedule(at, lump=1)
    crypto.schedule(at, lump=2)
    crypto.market.cancelEvent(at, sender=crypto.governor)
    assert [event.lump for event in crypto.market.events()] == [2]


def test_an_unknown_or_due_event_cannot_be_cancelled(crypto):
    crypto.tick(R)
    at = crypto.chain.now + NOTICE
    crypto.schedule(at)
    with reverts("OptionMarket_UnknownEvent", at + 1):
        crypto.market.cancelEvent(at + 1, sender=crypto.governor)
    crypto.chain.set_time(at)
    with reverts("OptionMarket_UnknownEvent", at):
        crypto.market.cancelEvent(at, sender=crypto.governor)
    crypto.accrue()
    with reverts("OptionMarket_UnknownEvent", at):
        crypto.market.cancelEvent(at, sender=crypto.governor)


def test_a_cancelled_first_event_is_never_added(crypto):
    crypto.tick(R)
    at = crypto.chain.now + NOTICE
    crypto.schedule(at)
    crypto.schedule(at + 3_600)
    crypto.market.cancelEvent(at, sender=crypto.governor)
    crypto.chain.set_time(at + 10)
    before = crypto.accrue() and crypto.state
    crypto.chain.set_time(at + 3_600)
    crypto.accrue()
    assert (before.a < crypto.state.a, crypto.market.events()) == (True, [])


# ---------------------------------------------------------------------------------------------- falling due


@pytest.mark.parametrize("by_accrue", [False, True])
def test_a_lump_is_added_once_at_the_old_price_and_without_loading(crypto, pricing_of, by_accrue):
    pricing, lump, price = pricing_of(BTC_7D), 3 * WAD // 10, R * 104 // 100
    crypto.tick(price)
    at = crypto.chain.now + NOTICE
    crypto.schedule(at, lump=lump)
    keep_alive(crypto, at - 1, price)
    crypto.tick(price)
    before = crypto.state
    crypto.chain.set_time(at)
    crypto.print(R)
    receipt = crypto.accrue() if by_accrue else crypto.poke()
    run = before.variance * 12 // 10 * WAD
    grown = [
        power * run // (BTC_7D.c * YEAR * WAD) + added
        for power, added in zip(pricing.price_powers(price), lump_of(pricing, price, lump), strict=True)
    ]
    assert [crypto.state.a - before.a, crypto.state.b - before.b] == grown
    assert receipt.event("FallDue").args == {"at": at, "lump": lump}
    assert crypto.market.events() == []
    after = crypto.state
    crypto.accrue()
    crypto.poke()
    assert (crypto.state.a, crypto.state.b) == (after.a, after.b)


def test_lumps_of_several_events_one_by_one_and_only_those_due(crypto, pricing_of):
    pricing = pricing_of(BTC_7D)
    crypto.tick(R)
    at = crypto.chain.now + NOTICE
    for index, lump in enumerate((7, WAD // 3, 11, WAD)):
        crypto.schedule(at + index * 60, lump=lump)
    crypto.chain.set_time(at - 1)
    crypto.accrue()
    before = crypto.state
    crypto.chain.set_time(at + 2 * 60)
    receipt = crypto.accrue()
    added = [lump_of(pricing, R, lump) for lump in (7, WAD // 3, 11)]
    assert crypto.state.a - before.a == sum(a for a, _ in added)
    assert crypto.state.b - before.b == sum(b for _, b in added)
    assert [event.args["lump"] for event in receipt.events_named("FallDue")] == [7, WAD // 3, 11]
    assert [event.lump for event in crypto.market.events()] == [WAD]


@pytest.mark.parametrize("stop", ["stale", "feed", "breaker"])
def test_a_lump_is_added_while_the_clock_stands(crypto, pricing_of, stop):
    crypto.tick(R)
    at = crypto.chain.now + NOTICE
    crypto.schedule(at, lump=WAD)
    keep_alive(crypto, at - 5_000)
    crypto.tick(R)
    if stop == "stale":
        crypto.chain.warp(MAX_AGE + 1)
    elif stop == "feed":
        crypto.break_feed()
    else:
        crypto.print(R * 2)
    crypto.poke()
    before = crypto.state
    assert not before.running
    crypto.chain.set_time(at + 10)
    crypto.accrue()
    assert (crypto.state.a - before.a, crypto.state.b - before.b) == lump_of(pricing_of(BTC_7D), R, WAD)
    assert crypto.state.accruedAt == before.accruedAt


@pytest.mark.parametrize("by_accrue", [False, True])
def test_events_wait_for_the_first_price(crypto, by_accrue):
    at = crypto.chain.now + NOTICE
    crypto.schedule(at)
    crypto.chain.set_time(at + 5)
    crypto.accrue()
    crypto.break_feed()
    crypto.poke()
    assert (crypto.state.a, len(crypto.market.events())) == (0, 1)
    crypto.mend_feed()
    crypto.poke()
    assert (crypto.state.a, len(crypto.market.events())) == (0, 1), "added at the price before a poke: there was none"
    crypto.accrue() if by_accrue else crypto.poke()
    assert (crypto.state.a > 0, len(crypto.market.events())) == (True, 0)


def test_the_smallest_lump_reaches_both_accumulators(kit):
    """Where s^b is so small that A gains nothing, B must still be written."""
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, BTC_7D)
        bench.market = bench.deploy(BTC_7D, c_override=25 * 10**14)
        bench.tick(R)
        at = bench.chain.now + NOTICE
        bench.schedule(at, lump=1)
        bench.tick(R // 9)
        bench.chain.warp(300)
        bench.tick(R // 9)
        bench.chain.set_time(at - 1)
        bench.accrue()
        before = bench.state
        bench.chain.warp(1)
        bench.accrue()
        assert bench.market.events() == []
        assert bench.state.a == before.a
        assert bench.state.b > before.b


def test_opening_before_an_event_is_limited_to_its_move(crypto):
    """From 48 hours before to the instant it falls due; the smallest move of those pending counts."""
    crypto.tick(R)
    first = crypto.chain.now + 3 * DAY
    crypto.schedule(first, move=WAD // 20)
    crypto.schedule(first + 3_600, move=WAD // 10)
    crypto.schedule(first + 10 * DAY, move=WAD // 200)

    def opens(strike: int) -> bool:
        """Whether the strike may be opened: view and trade must agree."""
        try:
            foreseen = crypto.market.quote(strike, True, ASK)
        except Reverted:
            with reverts("OptionMarket_StrikeOutOfBand"):
                crypto.trade(strike, True, ASK)
            return False
        assert crypto.trade(strike, True, ASK) == foreseen
        return True

    def widths() -> list[bool]:
        crypto.tick(R)
        return [opens(strike) for strike in (2, 4, 9)]

    keep_alive(crypto, first - NOTICE - 1)
    assert widths() == [True, True, True]
    keep_alive(crypto, first - NOTICE)
    assert widths() == [True, False, False]
    with reverts("OptionMarket_StrikeOutOfBand", crypto.market.strikePrice(4), R * 95 // 100, R * 105 // 100):
        crypto.trade(4, True, ASK)
    assert crypto.trade(4, True, BID).value > 0
    keep_alive(crypto, first - 1)
    assert widths() == [True, False, False]
    crypto.chain.warp(1)
    crypto.print(R)
    assert [opens(strike) for strike in (4, 2, 9)] == [True, True, False], "due, though not yet dropped"
    keep_alive(crypto, first + 3_600)
    assert widths() == [True, True, True]


@pytest.mark.parametrize("move", [WAD // 2, WAD // 5])
def test_a_large_move_does_not_widen_the_band(crypto, move):
    crypto.tick(R)
    crypto.schedule(crypto.chain.now + NOTICE, move=move)
    with reverts("OptionMarket_StrikeOutOfBand", crypto.market.strikePrice(10), R * 8 // 10, R * 12 // 10):
        crypto.trade(10, True, ASK)


# ---------------------------------------------------------------------------------------------- winding down


def test_a_wind_down_needs_three_days_notice_and_has_bounds(crypto):
    now = crypto.chain.now
    with reverts("OptionMarket_NoticeTooShort", now + 3 * DAY - 1, now + 3 * DAY):
        crypto.wind_down(R, now + 3 * DAY - 1)
    for name, price, at, low, high in (
        ("freezeAt", R, now + YEAR + 1, 0, now + YEAR),
        ("finalPrice", 10**12 - 1, now + 3 * DAY, 10**12, 2**88 - 1),
        ("finalPrice", 2**88, now + 3 * DAY, 10**12, 2**88 - 1),
    ):
        value = at if name == "freezeAt" else price
        with reverts("OptionMarket_OutOfBounds", name.encode().ljust(32, b"\0"), value, low, high):
            crypto.wind_down(price, at)
    for price, at in ((10**12, now + YEAR), (2**88 - 1, now + 3 * DAY)):
        receipt = crypto.wind_down(price, at)
        assert receipt.event("AnnounceWindDown").args == {"finalPrice": price, "freezeAt": at}
        assert tuple(crypto.market.windDown()) == (price, at), "announced again, the last one counts"


def test_phases(crypto):
    crypto.tick(R)
    assert crypto.market.phase() == ACTIVE
    at = crypto.chain.now + 3 * DAY
    crypto.wind_down(R, at)
    assert crypto.market.phase() == WINDING_DOWN
    crypto.chain.set_time(at - 1)
    assert crypto.market.phase() == WINDING_DOWN
    crypto.chain.warp(1)
    assert crypto.market.phase() == FROZEN


def test_opening_ends_with_the_announcement_and_closing_does_not(crypto):
    crypto.tick(R)
    at = crypto.chain.now + 3 * DAY
    crypto.wind_down(R, at)
    with reverts("OptionMarket_WindingDown", at):
        crypto.trade(0, True, ASK)
    with reverts("OptionMarket_WindingDown", at):
        crypto.market.quote(0, True, ASK)
    assert crypto.trade(0, True, BID).value > 0
    assert crypto.trade(0, True, MARK).value > 0


def test_cancelling_a_wind_down_restores_opening(crypto):
    crypto.tick(R)
    crypto.wind_down(R, crypto.chain.now + 3 * DAY)
    receipt = crypto.market.cancelWindDown(sender=crypto.governor)
    assert [event.name for event in receipt.events] == ["CancelWindDown"]
    assert (crypto.market.phase(), tuple(crypto.market.windDown())) == (ACTIVE, (0, 0))
    assert crypto.trade(0, True, ASK).value > 0
    crypto.chain.warp(5 * DAY)
    crypto.tick(R)
    assert (crypto.market.phase(), crypto.state.accruedAt) == (ACTIVE, crypto.chain.now)


def test_a_frozen_market_stays_frozen(crypto):
    crypto.tick(R)
    at = crypto.chain.now + 3 * DAY
    crypto.wind_down(R, at)
    crypto.chain.set_time(at)
    with reverts("OptionMarket_Frozen", at):
        crypto.market.cancelWindDown(sender=crypto.governor)
    with reverts("OptionMarket_Frozen", at):
        crypto.wind_down(R, at + 10 * DAY)


@pytest.mark.parametrize("by_accrue", [False, True])
def test_indices_freeze_at_the_announced_second(crypto, pricing_of, by_accrue):
    """Neither time after the freeze nor an event after it is charged; an event at it is."""
    pricing = pricing_of(BTC_7D)
    crypto.tick(R)
    crypto.live(0)
    at = crypto.chain.now + 3 * DAY
    crypto.wind_down(R * 2, at)
    crypto.schedule(at, lump=WAD)
    crypto.schedule(at + 1, lump=2 * WAD)
    keep_alive(crypto, at - 100)
    crypto.tick(R)
    before = crypto.state
    crypto.chain.set_time(at + 500)
    crypto.print(R * 9 // 10)
    crypto.accrue() if by_accrue else crypto.poke()
    run = max(before.variance, BTC_7D.min_variance) * 12 // 10 * 100 * WAD
    grown = [
        power * run // (BTC_7D.c * YEAR * WAD) + added
        for power, added in zip(pricing.price_powers(R), lump_of(pricing, R, WAD), strict=True)
    ]
    after = crypto.state
    assert [after.a - before.a, after.b - before.b] == grown
    assert (after.accruedAt, after.price) == (at, R)
    assert [event.lump for event in crypto.market.events()] == [2 * WAD]
    frozen = crypto.funding(0)
    crypto.chain.warp(100 * DAY)
    crypto.accrue()
    crypto.poke()
    assert crypto.funding(0) == crypto.market.frozenPayoff(0, True)[1] == frozen
    assert len(crypto.market.events()) == 1


def test_a_frozen_market_does_not_ask_the_oracle_and_stops_its_clock(crypto):
    crypto.tick(R)
    at = crypto.chain.now + 3 * DAY
    crypto.wind_down(R, at)
    crypto.chain.set_time(at)
    crypto.print(R * 101 // 100)
    receipt = crypto.poke()
    assert receipt.return_value == (HALTED, crypto.state.updatedAt)
    assert (crypto.state.price, crypto.state.running) == (R, False)
    assert receipt.event("StopClock").args == {"status": HALTED, "breakerHalt": False}
    assert crypto.state.accruedAt == crypto.state.updatedAt + MAX_AGE, "no farther than the last price carries"
    for kind in (BID, MARK):
        with reverts("OptionMarket_NotOpen", HALTED):
            crypto.trade(0, True, kind)
    with reverts("OptionMarket_NotOpen", HALTED):
        crypto.market.quote(0, True, ASK)


@pytest.mark.parametrize("final", [10**12, R // 2, R, R + 1, 3 * R])
def test_a_frozen_position_is_worth_its_intrinsic_value(crypto, pricing_of, final):
    pricing, strikes = pricing_of(BTC_7D), [-30, -1, 0, 1, 30]
    crypto.tick(R)
    crypto.live(*strikes)
    at = crypto.chain.now + 3 * DAY
    crypto.wind_down(final, at)
    with reverts("OptionMarket_NotFrozen"):
        crypto.market.frozenPayoff(0, True)
    crypto.chain.set_time(at)
    for asks in (True, False):
        for strike, mark in zip(strikes, crypto.market.marks(strikes, asks), strict=True):
            for side, value in ((Side.CALL, mark.call), (Side.PUT, mark.put)):
                payoff, funding = crypto.market.frozenPayoff(strike, side is Side.CALL)
                assert payoff == value == intrinsic_wad(side, final, pricing.strike_wad(strike))
                assert funding == mark.fundingIndex == crypto.funding(strike) > 0


def test_a_frozen_stock_market_keeps_its_margin_rates(stock):
    stock.tick(TSLA_7D.reference)
    at = stock.chain.now + 4 * DAY + 5 * 3_600
    stock.wind_down(TSLA_7D.reference, at)
    stock.chain.set_time(at - 1)
    constants = stock.market.constants()
    assert stock.market.fundingAndMargin(0)[1] > constants.initialMargin
    stock.chain.warp(1)
    assert stock.market.fundingAndMargin(0)[1:] == (constants.initialMargin, constants.maintenanceMargin)


def test_a_market_that_never_had_a_price_can_be_wound_down(crypto):
    at = crypto.chain.now + 3 * DAY
    crypto.wind_down(2 * R, at)
    crypto.chain.set_time(at)
    assert crypto.poke().return_value == (HALTED, 0)
    assert crypto.market.frozenPayoff(0, True) == (WAD, 0)
    assert crypto.market.phase() == FROZEN
