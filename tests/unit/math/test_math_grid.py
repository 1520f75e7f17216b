"""StrikeGrid: strikes, cells and bitmaps, each against something simpler."""

from __future__ import annotations

import random
from bisect import bisect_right
from functools import cache

import mpmath
import pytest

from support.market_bench import WAD

LIMIT = 164
STEP = 19_802627296179713
REFERENCES = [10**12, 10**12 + 1, 123_456_789_012_345, WAD, 250 * WAD, 60_000 * WAD, 3 * 10**24 + 7, 10**25]

mp = mpmath.MPContext()
mp.dps = 60


@pytest.fixture(scope="module")
def strikes_of(kit):
    return cache(lambda reference: [kit.math.strikePriceOf(reference, j) for j in range(-LIMIT, LIMIT + 1)])


@pytest.mark.parametrize("reference", REFERENCES)
def test_strikes_are_powers_of_1_02(strikes_of, reference):
    """Within a unit of rounding, two of exp, and what ln 1.02 loses by its 18 decimals."""
    for j, strike in zip(range(-LIMIT, LIMIT + 1), strikes_of(reference), strict=True):
        exact = reference * mp.mpf("1.02") ** j
        assert abs(strike - exact) <= 1 + mp.mpf(reference) * 2 / WAD + exact * abs(j) / WAD, j


def test_strike_zero_is_the_reference_price(kit):
    for reference in REFERENCES:
        assert kit.math.strikePriceOf(reference, 0) == reference


@pytest.mark.parametrize("reference", REFERENCES)
def test_cells_at_every_strike_and_its_neighbours(kit, strikes_of, reference):
    strikes = strikes_of(reference)
    assert strikes == sorted(set(strikes)), "no two strikes share a price"
    for j, strike in zip(range(-LIMIT, LIMIT + 1), strikes, strict=True):
        assert kit.math.cellOf(strike - 1, reference) == j - 1
        assert kit.math.cellOf(strike, reference) == j
        assert kit.math.cellOf(strike + 1, reference) == j


@pytest.mark.parametrize("reference", REFERENCES)
def test_cells_of_any_price(kit, strikes_of, reference):
    strikes = strikes_of(reference)
    draw = random.Random(f"cells {reference}")
    prices = [int(reference * 40.0 ** draw.uniform(-1, 1)) for _ in range(400)]
    for strike in draw.sample(strikes, 60):  # within and just beyond the distance at which a logarithm decides alone
        prices += [strike + sign * strike // 10**power for sign in (-1, 1) for power in (8, 9, 10, 12)]
    for price in prices:
        assert kit.math.cellOf(price, reference) == bisect_right(strikes, price) - LIMIT - 1, price


@pytest.mark.parametrize("reference", REFERENCES)
def test_cells_far_outside_the_grid(kit, reference):
    for price in (0, 1, 10**5, reference // 10**6, reference // 27, reference * 10 // 258):
        assert kit.math.cellOf(price, reference) == -LIMIT - 1, price
    for price in (reference * 26, reference * 27, reference * 10**6, 2**88 - 1 if reference < 10**24 else 10**28):
        assert kit.math.cellOf(price, reference) == LIMIT, price


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_cell_that_is_beyond_doubt_is_the_cell(kit, strikes_of, reference):
    strikes = strikes_of(reference)
    draw = random.Random(f"sure {reference}")
    for strike in draw.sample(strikes, 60):
        for price in (strike - 1, strike, strike + 1, strike + strike // 10**10, strike + strike // 100):
            cell = kit.math.cellOf(price, reference)
            sure = [j for j in (cell - 1, cell, cell + 1) if kit.math.surelyIn(j, price, reference)]
            assert sure == ([cell] if price == strike + strike // 100 else []), (
                "in doubt at a strike, sure within a cell"
            )
    outside = reference // 27
    assert not kit.math.surelyIn(-LIMIT - 1, outside, reference), "far below the grid `cellOf` decides"


# ---------------------------------------------------------------------------------------------- bitmaps

BORDERS = [-164, -163, -130, -129, -128, -127, -1, 0, 1, 126, 127, 128, 129, 163, 164]


@pytest.fixture
def bitmap(kit):
    """Toggle strikes on chain and in a set beside it; all undone afterwards."""
    members: set[int] = set()

    def toggle(*strikes: int) -> set[int]:
        for strike in strikes:
            kit.math.toggle(strike, sender=kit.chain.account("keeper"))
            members.symmetric_difference_update({strike})
        return members

    with kit.chain.anchor():
        yield toggle


def test_an_empty_bitmap_has_no_members(kit):
    assert kit.math.members(0) == kit.math.members(64) == kit.math.membersBetween(-165, 164, 64) == []
    assert not kit.math.contains(0)


@pytest.mark.parametrize("strike", BORDERS)
def test_one_member_is_found_by_exactly_the_ranges_that_hold_it(kit, bitmap, strike):
    bitmap(strike)
    assert kit.math.contains(strike)
    assert not kit.math.contains(strike - 1)
    assert not kit.math.contains(strike + 1)
    for above in {-165, *BORDERS, strike - 1, strike}:
        for up_to in {*BORDERS, strike - 1, strike}:
            found = kit.math.membersBetween(above, up_to, 64)
            assert found == ([strike] if above < strike <= up_to else []), (above, up_to)
    bitmap(strike)
    assert kit.math.members(64) == []


def test_members_and_ranges_are_those_of_a_set(kit, bitmap):
    draw = random.Random("bitmap")
    strikes: set[int] = set()
    for _ in range(60):
        strikes = bitmap(*draw.sample(range(-LIMIT, LIMIT + 1), draw.randint(0, 12)), draw.choice(BORDERS))
        assert kit.math.members(400) == sorted(strikes)
        assert kit.math.members(len(strikes)) == sorted(strikes)
        for _ in range(12):
            above, up_to = (
                draw.choice([-165, *BORDERS, draw.randint(-165, 164)]),
                draw.choice([*BORDERS, draw.randint(-164, 164)]),
            )
            inside = sorted(strike for strike in strikes if above < strike <= up_to)
            assert kit.math.membersBetween(above, up_to, 400) == inside
            count = draw.randint(0, len(inside) + 1)
            assert kit.math.membersBetween(above, up_to, count) == inside[:count]
        probe = draw.randint(-LIMIT, LIMIT)
        assert kit.math.contains(probe) == (probe in strikes)


def test_a_full_bitmap(kit, bitmap):
    bitmap(*range(-LIMIT, LIMIT + 1))
    assert kit.math.members(329) == list(range(-LIMIT, LIMIT + 1))
    assert kit.math.membersBetween(-129, 127, 400) == list(range(-128, 128)), "word 1, whole"
    assert kit.math.membersBetween(-165, -129, 400) == list(range(-164, -128)), "word 0 alone"
    assert kit.math.membersBetween(127, 164, 400) == list(range(128, 165)), "word 2 alone"
    assert kit.math.membersBetween(-130, 128, 400) == list(range(-129, 129)), "all three words"


@pytest.mark.parametrize(("above", "up_to"), [(5, 5), (6, 5), (164, -164)])
def test_empty_ranges_hold_nothing(kit, bitmap, above, up_to):
    bitmap(5, 6)
    assert kit.math.membersBetween(above, up_to, 64) == []
