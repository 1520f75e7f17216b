"""The interval since the clock was last written: whoever reads an index counts it, what else changes writes it."""

from __future__ import annotations

import pytest

from support.market_bench import (
    ASK,
    BTC_7D,
    CLOSED,
    DEVIATION,
    HALTED,
    MARK,
    MAX_AGE,
    OPEN,
    STALE,
    TSLA_7D,
    MarketBench,
)

R = BTC_7D.reference
DAY = 86_400
CLOSE = 23_400  # seconds from the opening
STRIKES = (-4, 0, 6)


@pytest.fixture
def waiting(crypto: MarketBench) -> MarketBench:
    """Three live strikes; 500 seconds have passed since the only print, and the poke at their end wrote nothing."""
    crypto.tick(R)
    crypto.live(*STRIKES)
    written = crypto.state
    crypto.chain.warp(500)
    assert crypto.poke().events == []
    assert crypto.state == written
    return crypto


def indices(bench: MarketBench) -> list[int]:
    return [bench.funding(strike) for strike in STRIKES]


# ---------------------------------------------------------------------------------------------- who reads it


def test_every_reader_counts_what_accrue_would_write(waiting):
    bench = waiting
    market, stamp = bench.market, bench.state.accruedAt
    book = [((strike % 2**16) << 224) + (5 << 112) + 7 for strike in STRIKES]  # 7 calls and 5 puts

    def reading():
        return (
            [market.fundingAndMargin(strike) for strike in STRIKES],
            [market.quote(strike, True, MARK) for strike in STRIKES],
            [bench.trade(strike, True, ASK) for strike in STRIKES],
            market.marks(list(STRIKES), True),
            market.valueBook(book, False),
            market.peek(),
        )

    pending = reading()
    assert min(indices(bench)) > 0
    assert pending[4].funding == sum(12 * index for index in indices(bench))
    assert bench.state.accruedAt == stamp
    bench.accrue()
    assert bench.state.accruedAt == stamp + 500
    assert bench.state == bench.now
    assert reading() == pending


def test_any_number_of_pokes_is_one_interval_to_the_bit(crypto):
    """Nothing is rounded until something is written."""
    crypto.tick(R)
    with crypto.chain.anchor():
        crypto.chain.warp(599)
        crypto.accrue()
        once = (crypto.state.a, crypto.state.b)
    for _ in range(30):
        crypto.chain.warp(19)
        crypto.poke()
    crypto.chain.warp(29)
    crypto.accrue()
    assert (crypto.state.a, crypto.state.b) == once


def test_accrue_writes_it_and_nothing_when_nothing_is_pending(waiting):
    bench = waiting
    bench.accrue()
    written = bench.state
    assert written.accruedAt == bench.chain.now
    bench.accrue()
    assert bench.state == written


def test_last_print_is_the_stored_one(crypto):
    assert crypto.market.lastPrint() == (0, 0, crypto.state.cell)
    crypto.tick(R * 103 // 100, age=7)
    stamp = crypto.chain.now - 7
    assert crypto.market.lastPrint() == (R * 103 // 100, stamp, 1)
    crypto.chain.warp(100)
    crypto.print(R)
    assert crypto.market.lastPrint() == (R * 103 // 100, stamp, 1), "not what the feed says now"


# ---------------------------------------------------------------------------------------------- who writes it


def new_price(bench):
    bench.print(R * 101 // 100)
    return OPEN


def new_stamp(bench):
    bench.print(R)
    return OPEN


def new_band(bench):
    bench.configure(deviation=2 * DEVIATION)
    return OPEN


def new_age(bench):
    bench.configure(max_age=MAX_AGE + 1)
    return OPEN


def shorter_age_that_lasts(bench):
    bench.configure(max_age=600)
    return OPEN


def shorter_age_that_has_passed(bench):
    bench.configure(max_age=60)
    return STALE


def sample_due(bench):
    bench.chain.warp(100)
    return OPEN


def feed_breaks(bench):
    bench.break_feed()
    return HALTED


def breaker_halts(bench):
    bench.print(R * 3 // 2)
    return HALTED


CHANGES = [
    new_price,
    new_stamp,
    new_band,
    new_age,
    shorter_age_that_lasts,
    shorter_age_that_has_passed,
    sample_due,
    feed_breaks,
    breaker_halts,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_poke_that_changes_anything_writes_the_whole_interval_at_the_old_price(waiting, change):
    """Also one that finds the asset's prints good for less long than when it began: what was read stays owed."""
    bench = waiting
    before = indices(bench)
    status = change(bench)
    with bench.chain.anchor():
        bench.accrue()
        accrued = bench.state
    assert bench.status() == status
    assert bench.state.accruedAt == bench.chain.now == accrued.accruedAt
    assert (bench.state.a, bench.state.b) == (accrued.a, accrued.b)
    assert [after >= index for after, index in zip(indices(bench), before, strict=True)] == [True] * 3


def test_an_event_that_falls_due_writes_it(crypto):
    crypto.tick(R)
    at = crypto.chain.now + 2 * DAY
    crypto.schedule(at)
    crypto.chain.set_time(at - 300)
    crypto.tick(R)
    crypto.chain.warp(299)
    crypto.poke()
    assert crypto.state.accruedAt == at - 300
    crypto.chain.warp(1)
    assert crypto.poke().event("FallDue").args["at"] == at
    assert (crypto.state.accruedAt, crypto.market.events()) == (at, [])


@pytest.mark.parametrize("strike", [-7, 9])
def test_a_strike_that_goes_live_writes_it_and_gathers_from_there(waiting, strike):
    bench = waiting
    foreseen = bench.now
    bench.live(strike)
    assert bench.state == foreseen
    assert bench.funding(strike) == 0
    bench.chain.warp(50)
    assert bench.funding(strike) > 0


def test_a_strike_that_dies_leaves_it_pending(waiting):
    bench, (dying, *others) = waiting, STRIKES
    stored, gathered = bench.state, [bench.funding(strike) for strike in others]
    bench.die(dying)
    assert bench.state == stored
    assert (bench.funding(dying), [bench.funding(strike) for strike in others]) == (0, gathered)


def test_a_second_pool_at_a_live_strike_leaves_it_pending(waiting):
    stored = waiting.state
    waiting.live(STRIKES[0])
    assert waiting.state == stored


def test_the_freeze_of_a_wind_down_writes_it(crypto):
    crypto.tick(R)
    crypto.live(0)
    at = crypto.chain.now + 3 * DAY
    crypto.wind_down(R, at)
    crypto.chain.set_time(at - 100)
    crypto.tick(R)
    crypto.chain.warp(90)
    crypto.poke()
    before = crypto.funding(0)
    assert crypto.state.accruedAt == at - 100
    crypto.chain.warp(1_000)
    assert crypto.status() == HALTED
    assert (crypto.state.accruedAt, crypto.state.running) == (at, False)
    assert crypto.funding(0) > before


def test_what_a_closed_market_runs_past_its_last_prints_age_is_written_each_time(stock):
    """Readers count no further than that age: an interval beyond it may not wait."""
    start = stock.chain.now
    stock.tick(TSLA_7D.reference)
    stock.live(0)
    stock.chain.set_time(start + CLOSE - 10)
    stock.tick(TSLA_7D.reference)
    carried = stock.chain.now + MAX_AGE
    stock.chain.set_time(carried)
    assert stock.status() == CLOSED
    assert stock.state.accruedAt == start + CLOSE - 10, "pending"
    for seconds in (1, 10_000):
        stock.chain.warp(seconds)
        read = stock.funding(0)
        assert stock.status() == CLOSED
        assert stock.state.accruedAt == stock.chain.now
        assert stock.funding(0) > read


# ---------------------------------------------------------------------------------------------- X4: indices never fall


def stale(bench):
    """Nothing is printed any more."""


def without_a_stamp(bench):
    bench.break_feed()


def with_an_old_stamp(bench):
    bench.print(0, age=MAX_AGE - 1)


def shorter_age(bench):
    bench.configure(max_age=60)


def another_feed(bench):
    """Prints of its own, and an age of its own."""
    bench.aggregator = bench.chain.deploy(bench.built["MockAggregator"], 18, R, sender=bench.governor)
    bench.feed = bench.chain.deploy(bench.built["ChainlinkFeed"], bench.aggregator, sender=bench.governor)
    bench.configure(max_age=60)
    bench.round = 1


def another_feed_that_is_down(bench):
    another_feed(bench)
    bench.break_feed()


@pytest.mark.parametrize("late", [0, 1, 60, 2_000, MAX_AGE, 3 * MAX_AGE])
@pytest.mark.parametrize(
    "death",
    [stale, without_a_stamp, with_an_old_stamp, shorter_age, another_feed, another_feed_that_is_down],
    ids=lambda death: death.__name__,
)
def test_no_index_falls_when_the_feed_dies_while_an_interval_is_pending(waiting, death, late):
    """A position settled at the pending index must not find a smaller one, whenever the next poke comes."""
    bench = waiting
    settled_at = indices(bench)
    quoted = [bench.trade(strike).fundingIndex for strike in STRIKES]
    assert quoted == settled_at
    death(bench)
    for _ in range(2):
        assert min(b - a for a, b in zip(settled_at, indices(bench), strict=True)) >= 0
        settled_at = indices(bench)
        bench.chain.warp(late)
        bench.poke()
    assert min(b - a for a, b in zip(settled_at, indices(bench), strict=True)) >= 0
    bench.chain.warp(10)
    bench.print(R * 102 // 100)
    bench.poke()
    assert min(b - a for a, b in zip(settled_at, indices(bench), strict=True)) >= 0
