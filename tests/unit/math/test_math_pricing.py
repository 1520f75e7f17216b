"""EverlastingMath on chain against the same formulas at fifty digits."""

from __future__ import annotations

import itertools
import random
from math import isqrt

import mpmath
import pytest

from everstock.model.exact import ExactOption, real
from everstock.model.exact import variance_budget as exact_budget
from everstock.model.pricing import DESCALE, SHIFT_WAD, Pricing
from support.market_bench import LISTINGS, WAD, Listing, variance_budget

mp = mpmath.MPContext()
mp.dps = 50

ABSOLUTE = mp.mpf(10) ** -17  # of notional
RELATIVE = mp.mpf(10) ** -12  # where the value exceeds 1e-5
NAMES = [listing.name for listing in LISTINGS]


@pytest.fixture(params=LISTINGS, ids=NAMES)
def listing(request) -> Listing:
    return request.param


def roots(kit, listing: Listing) -> tuple[int, int]:
    return kit.math.roots(listing.c)


def price_points(count: int, strike: int, seed: object) -> list[int]:
    """Prices from a quarter of the strike to four times it, evenly in the logarithm, with the strike's neighbours."""
    draw = random.Random(f"pricing {seed}")
    even = [int(strike * 4.0 ** (2 * i / count - 1)) for i in range(count + 1)]
    drawn = [int(strike * 4.0 ** draw.uniform(-1, 1)) for _ in range(count)]
    return sorted({*even, *drawn, strike - 1, strike, strike + 1, strike // 4, strike * 4})


def test_the_budgets_are_sigma_squared_times_T(listing):
    assert variance_budget(60, 7) == 6_904109589041095
    assert listing.c == mp.floor(mp.mpf(listing.sigma_percent) ** 2 / 10**4 * listing.days / 365 * WAD)


def test_the_roots_are_those_of_the_budget(kit, listing):
    u, b = roots(kit, listing)
    exact = ExactOption(real(listing.c) / WAD)
    assert u == 2 * b - WAD
    assert b == (isqrt(WAD**2 + 8 * 10**54 // listing.c) + WAD) // 2
    assert abs(real(u) / WAD - exact.u) <= real(2) / WAD
    assert abs(real(b) / WAD - exact.b) <= real(1) / WAD


@pytest.mark.parametrize(
    ("name", "premium"), [("BTC-7D", 2.936), ("ETH-7D", 3.914), ("BTC-30D", 6.070), ("TSLA-7D", 2.692)]
)
def test_the_premium_at_the_money_is_the_published_one(kit, name, premium):
    listing = LISTINGS[NAMES.index(name)]
    u, b = roots(kit, listing)
    for is_call in (True, False):
        value = kit.math.value(listing.reference, listing.reference, is_call, u, b)
        assert value == WAD**2 // u
        assert round(value / WAD * 100, 3) == premium


def test_calls_and_puts_are_exact_to_the_last_digits(kit, listing):
    """Absolute and relative error against the exact option at the *integer* S, K and c."""
    u, b = roots(kit, listing)
    exact = ExactOption(real(listing.c) / WAD)
    strike = listing.reference
    worst_absolute = worst_relative = mp.mpf(0)
    for price in price_points(300, strike, listing.name):
        x = real(price) / strike
        for is_call, value in ((True, exact.call(x)), (False, exact.put(x))):
            error = abs(mp.mpf(kit.math.value(price, strike, is_call, u, b)) / WAD - value)
            assert error <= ABSOLUTE, (price, is_call)
            worst_absolute = max(worst_absolute, error)
            if value > mp.mpf(10) ** -5:
                assert error <= RELATIVE * value, (price, is_call)
                worst_relative = max(worst_relative, error / value)
    print(
        f"{listing.name}: worst error {mp.nstr(worst_absolute, 3)} of notional, {mp.nstr(worst_relative, 3)} relative"
    )


def test_the_errors_stay_when_strikes_differ_from_the_reference(kit, listing):
    u, b = roots(kit, listing)
    exact = ExactOption(real(listing.c) / WAD)
    draw = random.Random(f"strikes {listing.name}")
    for _ in range(300):
        strike = kit.math.strikePriceOf(listing.reference, draw.randint(-164, 164))
        price = int(strike * 4.0 ** draw.uniform(-1, 1))
        x = real(price) / strike
        assert abs(mp.mpf(kit.math.value(price, strike, True, u, b)) / WAD - exact.call(x)) <= ABSOLUTE
        assert abs(mp.mpf(kit.math.value(price, strike, False, u, b)) / WAD - exact.put(x)) <= ABSOLUTE


# S, K in USD, σ in %, T in days, and time value, call (USD for one underlying), delta, gamma: mechanism.md §8
CHECKS = [
    (60_000, 60_000, 60, 7, "1761.86559462", "1761.86559462", "0.514682213289", "1.41772694453e-4"),
    (54_000, 60_000, 60, 7, "277.947441631", "277.947441631", "0.0902166209332", "2.76119755796e-5"),
    (60_000, 50_000, 100, 7, "415.267344601", "10415.2673446", "0.932697131142", "1.20295699031e-5"),
    (250, 245, 55, 1, "0.933607330681", "5.93360733068", "0.818405486800", "0.0360480450326"),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check[0]}/{check[1]}")
def test_the_check_table_on_chain(kit, check):
    price, strike, sigma, days, time_value, call, delta, gamma = check
    u, b = kit.math.roots(variance_budget(sigma, days))
    step = real(price) / 10**5

    def value(at) -> mpmath.mpf:
        """K · call: the value of an option on one underlying."""
        return mp.mpf(strike) * kit.math.value(int(at * WAD), strike * WAD, True, u, b) / WAD

    # 12 digits printed, and c floored in its 18th decimal
    def near(actual, printed, tolerance) -> bool:
        return abs(actual / mp.mpf(printed) - 1) <= mp.mpf(tolerance)

    intrinsic = max(price - strike, 0)
    assert near(value(price), call, "1e-11")
    assert near(value(price) - intrinsic, time_value, "1e-11")
    if price != strike:  # differences of integers: at the strike gamma jumps
        assert near((value(price + step) - value(price - step)) / (2 * step), delta, "1e-6")
        assert near((value(price + step) - 2 * value(price) + value(price - step)) / step**2, gamma, "1e-6")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check[0]}/{check[1]}")
def test_the_check_table_in_real_numbers(check):
    price, strike, sigma, days, time_value, call, delta, gamma = check
    exact = ExactOption(exact_budget(real(sigma) / 100, days))
    x = real(price) / strike
    for actual, printed in (
        (strike * exact.time_value(x), time_value),
        (strike * exact.call(x), call),
        (exact.call_delta(price, strike), delta),
        (exact.gamma(price, strike), gamma),
    ):
        assert abs(actual / real(printed) - 1) < real("1e-11")


def test_X5_parity_and_bounds_are_exact_and_values_monotone_and_convex_in_the_strike(kit, listing):
    u, b = roots(kit, listing)
    peak = WAD**2 // u
    reference = listing.reference
    strikes = [kit.math.strikePriceOf(reference, j) for j in range(-60, 61)]
    for price in [reference, reference * 7 // 10, reference * 13 // 10, strikes[40], strikes[80] - 1]:
        calls, puts = [], []
        for strike in strikes:
            x = price * WAD // strike
            call, put = (kit.math.value(price, strike, is_call, u, b) for is_call in (True, False))
            assert call - put == x - WAD
            time_value = call - max(x - WAD, 0)
            assert 0 <= time_value <= peak
            assert time_value == put - max(WAD - x, 0)
            assert call == kit.math.intrinsic(price, strike, True) + time_value
            # per unit of underlying (K · value): what monotone and convex are said of
            calls.append(call * strike)
            puts.append(put * strike)
        unit = 3 * max(strikes)  # three units of value at the highest strike
        for left, right in itertools.pairwise(calls):
            assert right <= left + unit
        for left, right in itertools.pairwise(puts):
            assert right >= left - unit
        for values in (calls, puts):
            for i in range(1, len(strikes) - 1):
                below, above = strikes[i] - strikes[i - 1], strikes[i + 1] - strikes[i]
                assert values[i] * (below + above) <= values[i - 1] * above + values[i + 1] * below + 3 * unit * above


def test_values_never_exceed_their_bounds(kit, listing):
    """A call is worth at most its underlying, x; a put at most 1 + 1/u."""
    u, b = roots(kit, listing)
    strike = listing.reference
    for price in [1, 10**6, strike // 10**6, *price_points(60, strike, "bounds"), strike * 10**3, strike * 10**4]:
        assert kit.math.value(price, strike, True, u, b) <= price * WAD // strike + 1
        assert kit.math.value(price, strike, False, u, b) <= WAD + WAD**2 // u
    assert kit.math.value(0, strike, True, u, b) == 0
    assert kit.math.value(0, strike, False, u, b) == WAD


def test_values_are_the_models(kit, listing):
    pricing = Pricing(kit.primitives, listing.c, listing.reference)
    u, b = roots(kit, listing)
    assert (pricing.u_wad, pricing.b_wad) == (u, b)
    assert pricing.max_ln_wad == kit.math.maxLn(b)
    assert abs(mp.exp(mp.mpf(2 * SHIFT_WAD) / WAD) * 10**9 / DESCALE - 1) < mp.mpf("3e-18")
    assert kit.math.powers(0, b) == (kit.primitives.exp_wad(SHIFT_WAD),) * 2
    draw = random.Random(f"model {listing.name}")
    for _ in range(300):
        j = draw.randint(-164, 164)
        strike = kit.math.strikePriceOf(listing.reference, j)
        price = int(listing.reference * 30.0 ** draw.uniform(-1, 1))
        assert kit.math.value(price, strike, False, u, b) == pricing.time_value_wad(price, strike) + max(
            0, WAD - price * WAD // strike
        )
        assert tuple(kit.math.strikePowers(j * 19_802627296179713, b)) == pricing.strike_powers(j)
        ln = kit.math.lnWad(price * WAD // listing.reference)
        if abs(ln) <= pricing.max_ln_wad:
            assert tuple(kit.math.powers(ln, b)) == pricing.price_powers(price)


def test_the_spread_is_one_per_cent_of_the_value_up_to_the_peak_rounded_up(kit):
    peak = 29_364426577
    assert kit.math.spread(0, peak) == 0
    assert kit.math.spread(1, peak) == 1
    assert kit.math.spread(100, peak) == 1
    assert kit.math.spread(101, peak) == 2
    assert kit.math.spread(peak, peak) == kit.math.spread(10 * peak, peak) == -(-peak // 100)


@pytest.mark.parametrize("c", [2_500000000000000, 6_904109589041095, WAD])
def test_the_range_of_prices_keeps_every_power_within_a_word(kit, c):
    _u, b = kit.math.roots(c)
    max_ln = kit.math.maxLn(b)
    assert max_ln == min(65 * 10**36 // b, kit.math.lnWad(26 * WAD))
    for ln in (-max_ln, 0, max_ln):
        for power in (*kit.math.powers(ln, b), *kit.math.strikePowers(ln, b)):
            assert 0 < power < 2**256
    # Ten years at the farthest price fit the accumulator even at the highest rate: vL ≤ 18, 1/c ≤ 400.
    assert max(kit.math.powers(max_ln, b)) * 18 * 400 * 10 < 2**256
