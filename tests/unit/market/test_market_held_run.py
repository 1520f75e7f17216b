"""The run that the variance word holds for A and B: what stands in the word, and that each second is charged once."""

from __future__ import annotations

import pytest

from support.market_bench import BTC_7D, DAY, WAD, YEAR, MarketBench

SLOTS = range(32)


def words(bench) -> dict[int, int]:
    """The market's own storage."""
    return {slot: int(bench.chain._evm.storage(bench.market.address, slot)) for slot in SLOTS}


def changed(before: dict[int, int], after: dict[int, int]) -> dict[int, int]:
    return {slot: after[slot] for slot in SLOTS if after[slot] != before[slot]}


def fields(word: int) -> tuple[int, int, int, int, bool]:
    """Raw variance, run or sample's price, time of the sample, band, and whether it is a run."""
    return word % 2**72, (word >> 72) % 2**88, (word >> 160) % 2**32, (word >> 192) % 2**63, bool(word >> 255)


def loaded(bench, variance: int) -> int:
    listing = bench.listing
    return max(listing.min_variance, min(listing.max_variance, variance)) * (WAD + listing.loading) // WAD


def charged(bench, pricing_of, price: int, run: int) -> tuple[int, int]:
    """A and B after a run of variance seconds at one price, rounded once."""
    return tuple(e * run // (bench.listing.c * YEAR) for e in pricing_of(bench.listing).price_powers(price))


def test_a_sample_at_the_price_that_stands_writes_one_word_which_holds_the_run(crypto, pricing_of):
    crypto.poke()
    first, start = crypto.state, crypto.chain.now
    crypto.chain.warp(700)
    before = words(crypto)
    crypto.poke()
    (word,) = changed(before, words(crypto)).values()
    run = 700 * loaded(crypto, first.variance)
    state = crypto.state
    assert fields(word) == (state.variance, run, start + 700, state.band, True)
    assert state.variance != first.variance
    assert (state.a, state.b) == charged(crypto, pricing_of, first.price, run), "readers see it charged"
    assert state.samplePrice == first.price, "the clock's own"


def test_a_held_run_is_charged_once_whatever_comes_next(crypto, pricing_of):
    crypto.poke()
    price, rate = crypto.state.price, loaded(crypto, crypto.state.variance)
    crypto.chain.warp(700)
    crypto.poke()
    run = 700 * rate
    rate = loaded(crypto, crypto.state.variance)
    crypto.chain.warp(900)
    crypto.poke()  # another sample: the word holds both intervals
    run += 900 * rate
    rate = loaded(crypto, crypto.state.variance)
    crypto.chain.warp(100)
    crypto.tick(price * 101 // 100)  # another price: now A and B take all of it, rounded once
    run += 100 * rate
    assert (crypto.state.a, crypto.state.b) == charged(crypto, pricing_of, price, run)
    stored = words(crypto)
    assert not any(fields(word)[4] and fields(word)[2] == crypto.state.sampledAt for word in stored.values())
    crypto.poke()
    crypto.accrue()
    assert (crypto.state.a, crypto.state.b) == charged(crypto, pricing_of, price, run), "and never again"


@pytest.mark.parametrize("held", [False, True])
def test_accrual_takes_what_is_held_and_the_rest_of_the_interval(crypto, pricing_of, held):
    crypto.poke()
    price, rate = crypto.state.price, loaded(crypto, crypto.state.variance)
    wait = 600 if held else 599  # ten minutes make a sample
    crypto.chain.warp(wait)
    crypto.poke()
    run = wait * rate
    rate = loaded(crypto, crypto.state.variance)
    crypto.chain.warp(50)
    crypto.accrue()
    assert (crypto.state.a, crypto.state.b) == charged(crypto, pricing_of, price, run + 50 * rate)


def test_the_longest_run_at_the_dearest_rate_fits(kit, pricing_of):
    """A price is good for three days at most, the loaded variance is at most 4 · 1.5."""
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, BTC_7D)
        bench.configure(max_age=3 * DAY)
        bench.market = bench.deploy(BTC_7D, loading=WAD // 2, sigma_percent=200, c_override=BTC_7D.c)
        bench.print(BTC_7D.reference)
        bench.poke()
        price = bench.state.price
        bench.chain.warp(3 * DAY)
        before = words(bench)
        bench.poke()
        (word,) = changed(before, words(bench)).values()
        run = 3 * DAY * 6 * WAD
        assert fields(word) == (bench.state.variance, run, bench.chain.now, bench.state.band, True)
        assert run < 2**81
        e_a, e_b = pricing_of(BTC_7D).price_powers(price)
        assert (bench.state.a, bench.state.b) == tuple(e * run // (BTC_7D.c * YEAR) for e in (e_a, e_b))
