"""Rule 2 of docs/mechanism.md §9, rules 1 and 3 with it: to when a poke charges, and when the clock stands."""

from __future__ import annotations

import pytest

from everstock.model.primitives import LN2_WAD
from support.market_bench import BTC_7D, CLOSED, HALTED, MAX_AGE, OPEN, STALE, TSLA_7D, WAD, YEAR, MarketBench

R = BTC_7D.reference
CLOSE = 23_400  # seconds from the opening


def growth(pricing, bench: MarketBench, price: int, start: int, end: int, variance: int | None = None):
    """What A and B gain from start to end at a price and a variance."""
    listing = bench.listing
    v = listing.initial_variance if variance is None else variance
    loaded = max(listing.min_variance, min(listing.max_variance, v)) * (WAD + listing.loading) // WAD
    run = loaded * bench.sessions.weighted_seconds_wad(start, end)
    return tuple(e * run // (listing.c * bench.sessions.year_seconds_wad) for e in pricing.price_powers(price))


# ---------------------------------------------------------------------------------------------- every transition


def stopped_by_staleness(bench):
    bench.chain.warp(MAX_AGE + 100)
    assert bench.status() == STALE


def stopped_by_the_feed(bench):
    bench.chain.warp(100)
    bench.break_feed()
    assert bench.status() == HALTED
    bench.mend_feed()


def stopped_by_the_breaker(bench):
    bench.chain.warp(100)
    bench.print(bench.listing.reference * 3 // 2)
    assert bench.status() == HALTED


def still_running(bench):
    bench.chain.warp(100)


def find_open(bench, since):
    bench.chain.warp(60)
    bench.print(bench.listing.reference * 101 // 100)
    return OPEN, bench.chain.now


def find_closed(bench, since):
    bench.chain.set_time(bench.chain.now - (bench.chain.now - since) + CLOSE + 500)
    return CLOSED, bench.chain.now


def find_stale(bench, since):
    """A print newer than the stored one that has aged out: charged to its own age."""
    bench.chain.warp(200)
    bench.print(bench.listing.reference)
    printed = bench.chain.now
    bench.chain.warp(MAX_AGE + 1)
    return STALE, printed + MAX_AGE


def find_halt_with_a_stamp(bench, since):
    """Price 0 is no price, but it says when: charged to now."""
    bench.chain.warp(60)
    bench.print(0, age=10)
    return HALTED, bench.chain.now


def find_halt_with_an_old_stamp(bench, since):
    """Charged to where that stamp's age ends."""
    bench.chain.warp(MAX_AGE + 50)
    bench.print(0, age=MAX_AGE + 20)
    return HALTED, bench.chain.now - 20


def find_halt_without_a_stamp(bench, since):
    """Nothing to go by but the stored print, whose age has not ended: charged to now."""
    bench.chain.warp(60)
    bench.break_feed()
    return HALTED, bench.chain.now


def find_halt_without_a_stamp_when_the_stored_print_has_aged(bench, since):
    """Charged to where the stored print's age ends."""
    aged = bench.state.updatedAt + MAX_AGE
    bench.chain.warp(MAX_AGE + 300)
    bench.break_feed()
    return HALTED, aged


def find_stale_by_a_shorter_age(bench, since):
    """The asset's prints are good for a minute only now, but the stored one has been charged on as long as it was."""
    bench.configure(max_age=60)
    bench.chain.warp(1_000)
    return STALE, bench.chain.now


def find_halt_by_the_breaker(bench, since):
    bench.chain.warp(60)
    bench.print(bench.listing.reference * 5 // 4)
    return HALTED, bench.chain.now


FINDS = [
    find_open,
    find_closed,
    find_stale,
    find_halt_with_a_stamp,
    find_halt_with_an_old_stamp,
    find_halt_without_a_stamp,
    find_halt_without_a_stamp_when_the_stored_print_has_aged,
    find_stale_by_a_shorter_age,
    find_halt_by_the_breaker,
]
FEED_SIDE = {*FINDS} - {find_open, find_closed, find_halt_by_the_breaker}


@pytest.mark.parametrize("find", FINDS, ids=lambda find: find.__name__)
@pytest.mark.parametrize(
    "prepare",
    [still_running, stopped_by_staleness, stopped_by_the_feed, stopped_by_the_breaker],
    ids=lambda prepare: prepare.__name__,
)
def test_rule_2(stock, pricing_of, prepare, find):
    pricing, start, reference = pricing_of(TSLA_7D), stock.chain.now, TSLA_7D.reference
    stock.tick(reference)
    prepare(stock)
    before = stock.state
    assert before.running == (prepare is still_running)
    status, until = find(stock, start)
    receipt = stock.poke()
    after, now = stock.state, stock.chain.now
    assert receipt.return_value == (status, after.updatedAt)

    if before.running:
        assert after.accruedAt == max(before.accruedAt, until)
        gained = growth(pricing, stock, reference, before.accruedAt, after.accruedAt)
    else:
        gained = (0, 0)
        assert after.accruedAt == (now if status in (OPEN, CLOSED) else before.accruedAt)
    assert (after.a - before.a, after.b - before.b) == gained

    assert after.running == (status in (OPEN, CLOSED))
    if find in FEED_SIDE:
        assert after.resetAnchor
    else:
        assert after.resetAnchor == (before.resetAnchor and status != OPEN)
    stops = receipt.events_named("StopClock")
    if before.running and not after.running:
        assert stops[0].args == {"status": status, "breakerHalt": find not in FEED_SIDE}
    else:
        assert stops == []
    if status == OPEN:
        assert (after.price, after.updatedAt) == (reference * 101 // 100, now)
    else:
        assert (after.price, after.updatedAt, after.cell) == (before.price, before.updatedAt, before.cell)
        assert (after.variance, after.samplePrice, after.sampledAt, after.band) == (
            before.variance,
            before.samplePrice,
            before.sampledAt,
            before.band,
        )


def test_a_restart_charges_nothing_for_the_time_it_stood(stock):
    stock.tick(TSLA_7D.reference)
    stopped_by_staleness(stock)
    before = stock.state
    stock.chain.warp(1_000)
    stock.tick(TSLA_7D.reference)
    assert (stock.state.a, stock.state.b, stock.state.accruedAt) == (before.a, before.b, stock.chain.now)


def test_a_stale_print_that_lies_before_the_last_accrual_charges_nothing(crypto):
    """`max(last accrual, …)`: the clock had already been charged past that stamp's age."""
    crypto.tick(R)
    crypto.chain.warp(MAX_AGE)
    crypto.poke()  # a repeated round, still fresh: charged to now
    before = crypto.state
    crypto.chain.warp(500)
    crypto.configure(max_age=60)
    assert crypto.status() == STALE
    assert (crypto.state.a, crypto.state.accruedAt, crypto.state.running) == (before.a, before.accruedAt, False)


# ---------------------------------------------------------------------------------------------- accrue alone


def test_accrue_runs_to_now_at_the_stored_price_and_variance(crypto, pricing_of):
    price = R * 107 // 100
    crypto.tick(price)
    start = crypto.chain.now
    crypto.chain.warp(1_234)
    crypto.print(R)  # never asked for
    receipt = crypto.accrue()
    assert (crypto.state.a, crypto.state.b) == growth(pricing_of(BTC_7D), crypto, price, start, start + 1_234)
    assert (crypto.state.accruedAt, crypto.state.price, crypto.state.updatedAt) == (start + 1_234, price, start)
    assert receipt.events_named("TakePrice") == []


@pytest.mark.parametrize("late", [0, 1, 5_000])
def test_accrue_never_runs_past_the_stored_prices_age(crypto, pricing_of, late):
    crypto.tick(R, age=100)
    start = crypto.chain.now
    end = start - 100 + MAX_AGE
    crypto.chain.set_time(end + late)
    crypto.accrue()
    crypto.accrue()
    assert (crypto.state.a, crypto.state.accruedAt) == (
        growth(pricing_of(BTC_7D), crypto, R, start, end)[0],
        end,
    )
    assert crypto.state.running, "only a poke stops the clock"


def test_the_next_good_poke_charges_what_accrue_left(crypto, pricing_of):
    crypto.tick(R)
    start = crypto.chain.now
    crypto.chain.warp(MAX_AGE + 3_000)
    crypto.accrue()
    crypto.tick(R * 102 // 100)
    pricing = pricing_of(BTC_7D)
    halves = [growth(pricing, crypto, R, start, start + MAX_AGE), growth(pricing, crypto, R, 0, 3_000)]
    assert crypto.state.a == halves[0][0] + halves[1][0]
    assert crypto.state.b == halves[0][1] + halves[1][1]
    assert crypto.state.accruedAt == crypto.chain.now


def test_accrue_does_nothing_while_the_clock_stands(crypto):
    crypto.tick(R)
    stopped_by_the_breaker(crypto)
    before = crypto.state
    crypto.chain.warp(500)
    crypto.accrue()
    assert crypto.state == before


def test_accruing_twice_in_a_second_changes_nothing(crypto):
    crypto.tick(R)
    crypto.chain.warp(60)
    crypto.accrue()
    before = crypto.state
    crypto.accrue()
    assert crypto.state == before


def test_the_interval_is_charged_at_the_old_price(crypto, pricing_of):
    crypto.tick(R)
    start = crypto.chain.now
    crypto.chain.warp(300)
    crypto.tick(R * 109 // 100)
    assert (crypto.state.a, crypto.state.b) == growth(pricing_of(BTC_7D), crypto, R, start, start + 300)


def test_fresh_terms_of_the_asset_are_taken_with_the_price(crypto):
    crypto.tick(R)
    crypto.configure(max_age=900, deviation=WAD // 100)
    assert (crypto.state.maxAge, crypto.state.band) == (MAX_AGE, 2 * WAD // 1_000)
    crypto.poke()
    assert (crypto.state.maxAge, crypto.state.band) == (900, 11 * WAD // 1_000)


def test_the_widest_band_that_the_oracle_allows_is_stored(kit):
    """Deviation 5%, confidence 5%: a poke must never revert."""
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, BTC_7D, hostile=True)
        bench.configure(deviation=WAD // 20)
        bench.feed.set((R, 1, kit.chain.now, WAD // 20, False), sender=bench.governor)
        assert bench.status() == OPEN
        assert bench.state.band == 101 * WAD // 1_000


# ---------------------------------------------------------------------------------------------- samples


def sampled(kit, bench, price: int, elapsed: int) -> tuple[int, int]:
    s, v = bench.state, bench.state.variance
    clamped = max(bench.listing.min_variance, min(bench.listing.max_variance, v))
    return tuple(kit.math.sample(v, clamped, s.samplePrice, price, elapsed * WAD, bench.sessions.year_seconds_wad))


@pytest.mark.parametrize("seconds", [1, 599])
def test_no_sample_before_ten_minutes(crypto, seconds):
    crypto.tick(R)
    before = crypto.state
    crypto.chain.warp(seconds)
    receipt = crypto.tick(R * 103 // 100)
    s = crypto.state
    assert (s.variance, s.samplePrice, s.sampledAt) == (before.variance, R, before.sampledAt)
    assert receipt.event("TakePrice")["variance"] == before.variance


@pytest.mark.parametrize("seconds", [600, 601, 3_600])
def test_a_sample_from_ten_minutes_on_after_the_accrual(kit, crypto, pricing_of, seconds):
    crypto.tick(R)
    start, price = crypto.chain.now, R * 103 // 100
    crypto.chain.warp(seconds)
    expected = sampled(kit, crypto, price, seconds)
    receipt = crypto.tick(price)
    s = crypto.state
    assert (s.variance, s.samplePrice, s.sampledAt) == (*expected, start + seconds)
    assert s.variance != BTC_7D.initial_variance
    assert s.a == growth(pricing_of(BTC_7D), crypto, R, start, start + seconds)[0], "at the old variance"
    assert receipt.event("TakePrice").args == {"price": price, "updatedAt": start + seconds, "variance": expected[0]}


def test_a_repeated_round_is_a_sample_too(crypto):
    crypto.tick(R)
    crypto.chain.warp(600)
    crypto.poke()
    weight_kept = 2 ** (-600 / 86_400)
    assert crypto.state.sampledAt == crypto.chain.now
    assert crypto.state.variance / WAD == pytest.approx(0.36 * weight_kept, rel=1e-12)


def test_a_sample_counts_from_the_last_sample_not_from_the_last_poke(crypto):
    crypto.tick(R)
    start = crypto.chain.now
    for _ in range(2):
        crypto.chain.warp(250)
        crypto.tick(R * 101 // 100)
    assert crypto.state.sampledAt == start
    crypto.chain.warp(100)
    crypto.tick(R * 101 // 100)
    assert crypto.state.sampledAt == start + 600


def test_a_jump_beyond_the_clip_moves_the_anchor_by_the_clip_only(kit, crypto):
    crypto.tick(R)
    crypto.chain.warp(600)
    expected = sampled(kit, crypto, R * 109 // 100, 600)
    crypto.tick(R * 109 // 100)
    assert (crypto.state.variance, crypto.state.samplePrice) == expected
    assert crypto.state.samplePrice / R == pytest.approx(2.718281828459045**0.05)
    assert crypto.state.price == R * 109 // 100


def test_stale_or_a_feed_side_halt_resets_the_anchor_without_a_sample(crypto):
    for stop in (stopped_by_staleness, stopped_by_the_feed):
        crypto.tick(R)
        stop(crypto)
        assert crypto.state.resetAnchor
        variance = crypto.state.variance
        crypto.chain.warp(700)
        crypto.tick(R * 105 // 100)
        s = crypto.state
        assert (s.variance, s.samplePrice, s.sampledAt, s.resetAnchor) == (
            variance,
            R * 105 // 100,
            crypto.chain.now,
            False,
        )
        crypto.chain.warp(1_300)


def test_a_breaker_halt_keeps_the_anchor_so_that_the_jump_counts(kit, crypto):
    crypto.tick(R)
    start = crypto.chain.now
    stopped_by_the_breaker(crypto)
    crypto.chain.warp(600)
    expected = sampled(kit, crypto, R * 3 // 2, 700)
    assert crypto.tick(R * 3 // 2).return_value[0] == OPEN
    assert crypto.state.sampledAt == start + 700
    assert (crypto.state.variance, crypto.state.samplePrice) == expected
    assert crypto.state.variance > BTC_7D.initial_variance


def test_an_anchor_reset_in_the_second_of_the_last_sample_is_stored(crypto):
    """Sample, halt and restart within one second: the anchor is the newest price."""
    crypto.tick(R)
    crypto.chain.warp(600)
    crypto.tick(R * 101 // 100)
    assert crypto.state.sampledAt == crypto.chain.now
    crypto.break_feed()
    assert crypto.status() == HALTED
    crypto.mend_feed()
    crypto.tick(R * 104 // 100)
    assert crypto.state.sampledAt == crypto.chain.now
    assert crypto.state.samplePrice == R * 104 // 100


def test_variance_is_kept_raw_and_bounded_on_use(crypto, pricing_of):
    """Ten quiet days leave 0.36/1024 raw; the clock runs at 0.04."""
    crypto.tick(R)
    crypto.chain.warp(10 * 86_400)
    crypto.tick(R)
    raw = crypto.state.variance
    assert raw / WAD == pytest.approx(0.36 / 1_024)
    before = crypto.state
    crypto.chain.warp(300)
    crypto.accrue()
    gained = growth(pricing_of(BTC_7D), crypto, R, 0, 300, raw)
    assert gained == growth(pricing_of(BTC_7D), crypto, R, 0, 300, 4 * WAD // 100)
    assert crypto.state.a - before.a == gained[0]


def test_the_upper_bound_of_variance(kit, pricing_of):
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, BTC_7D)
        bench.tick(R)
        price = R
        for _ in range(20):
            bench.chain.warp(600)
            price = R * 105 // 100 if price == R else R
            assert bench.tick(price).return_value[0] == OPEN
        assert bench.state.variance > BTC_7D.max_variance
        before = bench.state
        bench.chain.warp(300)
        bench.accrue()
        gained = growth(pricing_of(BTC_7D), bench, price, 0, 300, BTC_7D.max_variance)
        assert (bench.state.a - before.a, bench.state.b - before.b) == gained


# ---------------------------------------------------------------------------------------------- sessions


def test_closed_hours_weigh_a_fifth(stock, pricing_of):
    pricing, start, price = pricing_of(TSLA_7D), stock.chain.now, TSLA_7D.reference
    stock.tick(price)
    stock.chain.set_time(start + CLOSE - 100)
    stock.tick(price)  # a sample: the variance falls
    before = stock.state
    stock.chain.set_time(start + CLOSE + 400)
    assert stock.status() == CLOSED
    assert stock.state == before, "pending"
    weighted = 100 * WAD + 400 * WAD // 5
    assert stock.sessions.weighted_seconds_wad(start + CLOSE - 100, start + CLOSE + 400) == weighted
    assert (
        stock.now.a - before.a == growth(pricing, stock, price, before.accruedAt, stock.chain.now, before.variance)[0]
    )


def test_the_ten_minutes_are_weighted_seconds(stock):
    """From 100 s before the close: 599.8 weighted seconds by one instant, 600 at the next; the session opens anew."""
    start, price = stock.chain.now, TSLA_7D.reference
    stock.chain.set_time(start + CLOSE - 100)
    stock.tick(price)
    stock.chain.set_time(start + 86_400)  # Tuesday's opening: 100 + 63,000/5 weighted seconds
    stock.tick(price * 102 // 100)
    assert stock.state.sampledAt == stock.chain.now
    deviation = stock.sessions.weighted_seconds_wad(start + CLOSE - 100, stock.chain.now)
    assert deviation == (100 + 63_000 // 5) * WAD
    weight = 1 - 2 ** (-deviation / WAD / 86_400)
    instant = 0.0198026273**2 * 11_024_640 / (deviation / WAD)
    assert stock.state.variance / WAD == pytest.approx((1 - weight) * 0.3025 + weight * instant, rel=1e-6)


@pytest.mark.parametrize(("seconds", "taken"), [(599, False), (600, True)])
def test_ten_minutes_within_a_session(stock, seconds, taken):
    stock.tick(TSLA_7D.reference)
    stock.chain.warp(seconds)
    stock.tick(TSLA_7D.reference)
    assert (stock.state.sampledAt == stock.chain.now) == taken


def test_closed_takes_no_price_no_sample_and_no_band(stock):
    stock.tick(TSLA_7D.reference)
    before = stock.state
    stock.chain.warp(CLOSE + 1_000)
    stock.print(TSLA_7D.reference * 2)
    assert stock.status() == CLOSED
    s = stock.state
    assert (s.price, s.updatedAt, s.variance, s.samplePrice, s.sampledAt) == (
        before.price,
        before.updatedAt,
        before.variance,
        before.samplePrice,
        before.sampledAt,
    )


def test_before_a_sessions_first_print_it_is_closed_and_then_stale(stock):
    start = stock.chain.now
    stock.tick(TSLA_7D.reference)
    stock.chain.set_time(start + CLOSE - 10)
    stock.print(TSLA_7D.reference)
    stock.poke()
    stock.chain.set_time(start + 86_400 + MAX_AGE)
    assert stock.status() == CLOSED
    assert stock.state.running
    charged = stock.state
    stock.chain.warp(1)
    assert stock.status() == STALE
    assert (stock.state.running, stock.state.a) == (False, charged.a), "the last print's age ended yesterday"
    stock.chain.warp(1)
    assert stock.tick(TSLA_7D.reference * 115 // 100).return_value[0] == OPEN


def test_the_weight_of_a_sample_halves_in_a_day():
    """LN2 as the contract has it."""
    assert abs(LN2_WAD / WAD - 0.6931471805599453) < 1e-16
    assert YEAR == 365 * 86_400
