"""Two accumulators for all strikes against ∫ tv dΛ of each strike, added up step by step in real numbers."""

from __future__ import annotations

import random
from dataclasses import replace

import mpmath
import pytest

from everstock.model.exact import ExactOption, real
from everstock.model.pricing import DESCALE, LN_GRID_STEP_WAD
from support.market_bench import (
    BID,
    BTC_7D,
    LISTINGS,
    MARK,
    MAX_AGE,
    OPEN,
    WAD,
    YEAR,
    Listing,
    MarketBench,
)

mp = mpmath.MPContext()
mp.dps = 50

RELATIVE = mp.mpf(10) ** -12
INDEX = 10**27


class Ledger:
    """Per strike, what it should have gathered since it went live."""

    def __init__(self, bench: MarketBench) -> None:
        self.bench = bench
        self.exact = ExactOption(real(bench.listing.c) / WAD)
        self.gathered: dict[int, mpmath.mpf] = {}

    def live(self, *strikes: int) -> None:
        self.bench.live(*strikes)
        self.gathered.update(dict.fromkeys(strikes, real(0)))

    def strike(self, j: int) -> mpmath.mpf:
        return real(self.bench.listing.reference) * mp.exp(mp.mpf(j * LN_GRID_STEP_WAD) / WAD)

    def follow(self, act) -> None:
        """Run what moves the clock, and charge every strike at the price and variance of before."""
        before = self.bench.state
        act()
        after = self.bench.state
        if not before.running or after.accruedAt == before.accruedAt:
            return
        listing = self.bench.listing
        v = max(listing.min_variance, min(listing.max_variance, before.variance))
        seconds = self.bench.sessions.weighted_seconds_wad(before.accruedAt, after.accruedAt)
        step = (
            real(v) * (WAD + listing.loading) / WAD * seconds / (real(listing.c) * self.bench.sessions.year_seconds_wad)
        )
        for j in self.gathered:
            self.gathered[j] += self.exact.time_value(real(before.price) / self.strike(j)) * step

    def worst(self) -> mpmath.mpf:
        """The largest relative error over the strikes; all within the bound."""
        errors = [mp.mpf(0)]
        for j, exact in self.gathered.items():
            if exact > 0:
                errors.append(abs(self.bench.funding(j) / (exact * INDEX) - 1))
                # what is below a few thousand units of the index is rounding, not funding
                assert errors[-1] <= RELATIVE or exact * INDEX * RELATIVE < 2, (j, mp.nstr(errors[-1], 3))
                if exact * INDEX * RELATIVE < 2:
                    errors.pop()
        return max(errors)


def walk(ledger: Ledger, draw: random.Random, steps: int, drift: float) -> None:
    bench = ledger.bench
    for _ in range(steps):
        seconds = draw.choice([30, 300, 599, 600, 650, 900, 1_800])
        bench.chain.warp(seconds)
        if draw.random() < 0.25:
            ledger.follow(bench.accrue)
            continue
        price = int(bench.state.price * (1 + draw.uniform(-0.022, 0.022) + drift))
        bench.print(price)
        ledger.follow(bench.poke)
        if draw.random() < 0.1 and bench.market.peek()[1] == OPEN:
            strike, is_call, kind = draw.randint(-20, 20), draw.random() < 0.5, draw.choice([BID, MARK])
            quote = bench.market.quote(strike, is_call, kind)
            assert bench.trade(strike, is_call, kind) == quote


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.name)
def test_separable_funding_is_the_integral_of_time_value(kit, listing: Listing):
    """Up across the strikes, down again, and up: every strike near the path is crossed several times."""
    draw = random.Random(f"funding {listing.name}")
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, listing)
        ledger = Ledger(bench)
        bench.tick(listing.reference)
        ledger.live(-20, -5, -1, 0, 1, 2, 10, 25)
        crossings, cell = 0, bench.state.cell
        for part, drift in enumerate((0.008, -0.012, 0.008, -0.004)):
            for _ in range(6):
                walk(ledger, draw, 10, drift)
                crossings += sum(
                    min(cell, bench.state.cell) < j <= max(cell, bench.state.cell) for j in ledger.gathered
                )
                cell = bench.state.cell
            if part == 1:
                ledger.live(4, -8)
        worst = ledger.worst()
        print(f"{listing.name}: F off by {mp.nstr(worst, 3)} at most, {crossings} crossings")
        assert crossings >= 8
        assert bench.funding(0) > 0


@pytest.mark.parametrize(("low", "high"), [(1, 26), (26, 1)])
def test_funding_stays_exact_at_the_ends_of_the_range(kit, low, high):
    """Strikes gather near 25·R and then near R/25, or the other way round: what one end loses, the other shows."""
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, BTC_7D)
        ledger = Ledger(bench)
        reference = BTC_7D.reference
        bench.tick(reference)
        ledger.live(-162, -150, -80, 0, 80, 150, 162)
        for factor in (low, high):
            price = reference * 25 if factor == 26 else reference // 25
            for _ in range(2):
                bench.print(price)
                ledger.follow(bench.poke)
                bench.chain.warp(300)
            bench.print(price)
            ledger.follow(bench.poke)
            assert bench.state.price == price
            for _ in range(30):
                bench.chain.warp(900)
                price = price * (99 if factor == 26 else 101) // 100  # inwards: beyond 26 accrual clamps
                bench.print(price)
                ledger.follow(bench.poke)
            ledger.live(*({-163, 163} - ledger.gathered.keys() if factor == high else ()))
        print(f"ends of the range: F off by {mp.nstr(ledger.worst(), 3)} at most")


@pytest.mark.parametrize("strike", [-30, -3, 0, 1, 40])
@pytest.mark.parametrize("pokes", [2, 7, 59, 599])
def test_X4_pokes_between_samples_change_nothing_but_the_last_digit(kit, strike, pokes):
    """n pokes and one poke: within one unit of the index per poke, and never more than the single one charges."""
    draw = random.Random(f"pokes {strike} {pokes}")
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, BTC_7D)
        bench.tick(BTC_7D.reference * 1_003 // 1_000)
        bench.live(strike)
        start = bench.chain.now
        with kit.chain.anchor():
            bench.chain.warp(599)
            bench.market.poke(sender=bench.stranger)
            single = bench.funding(strike)
        for at in sorted(draw.sample(range(1, 599), pokes - 1)):
            bench.chain.set_time(start + at)
            poke = draw.choice([bench.market.poke, bench.market.accrue])
            before = bench.funding(strike)
            poke(sender=bench.stranger)
            assert bench.funding(strike) == before, "a view accrues as a poke does"
        bench.chain.set_time(start + 599)
        bench.market.poke(sender=bench.stranger)
        assert 0 <= single - bench.funding(strike) <= pokes


@pytest.mark.parametrize("j", [-160, 160])
def test_X4_at_the_ends_of_the_range(kit, j):
    """Where a unit of A or B is worth many units of the index, one unit of each is what a poke may lose."""
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, BTC_7D)
        price = bench.market.strikePrice(j) * 101 // 100
        bench.tick(price)
        strikes = [j, j + 2 if j < 0 else j - 2]
        bench.live(*strikes)
        constants = bench.market.constants()
        with kit.chain.anchor():
            bench.chain.warp(590)
            bench.market.accrue(sender=bench.stranger)
            single = [bench.funding(strike) for strike in strikes]
        for _ in range(590):
            bench.chain.warp(1)
            bench.market.accrue(sender=bench.stranger)
        for strike, once in zip(strikes, single, strict=True):
            powers = kit.math.strikePowers(strike * LN_GRID_STEP_WAD, constants.b)
            unit = 1 + max(powers) * WAD // (DESCALE * constants.u)
            lost = once - bench.funding(strike)
            assert 0 <= lost <= 590 * unit + 2
            assert mp.mpf(lost) <= RELATIVE * once


def test_a_million_seconds_without_a_keeper(kit):
    """The next print finds the clock running: the whole gap is charged at the last price and variance, once."""
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, BTC_7D)
        ledger = Ledger(bench)
        bench.tick(BTC_7D.reference)
        ledger.live(-10, 0, 10)
        start = bench.chain.now
        bench.chain.warp(1_000_000)
        views = [bench.market.fundingAndMargin(j)[0] for j in (-10, 0, 10)]
        ledger.follow(bench.accrue)
        assert bench.state.accruedAt == start + MAX_AGE
        assert views == [bench.funding(j) for j in (-10, 0, 10)]
        bench.print(BTC_7D.reference * 109 // 100)
        foreseen = bench.market.quote(0, True, MARK)
        ledger.follow(lambda: bench.trade(0))
        assert foreseen == bench.market.quote(0, True, MARK)
        assert bench.state.accruedAt == bench.chain.now
        assert ledger.worst() <= RELATIVE
        clock = mp.mpf("0.36") * mp.mpf("1.2") * 10**6 / YEAR / (mp.mpf(BTC_7D.c) / WAD)
        assert abs(bench.funding(0) / (clock / ledger.exact.u * INDEX) - 1) < RELATIVE


def test_a_gap_of_a_year_keeps_its_digits(kit):
    listing = replace(BTC_7D, max_variance=4 * WAD)
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, listing)
        ledger = Ledger(bench)
        bench.tick(listing.reference * 2)
        ledger.live(0, 35, 70)
        bench.chain.warp(YEAR)
        bench.print(listing.reference * 2)
        ledger.follow(bench.poke)
        ledger.worst()
