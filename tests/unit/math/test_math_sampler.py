"""VarianceSampler: hand-computed samples. Against the model bit for bit: tests/differential."""

from __future__ import annotations

from math import isqrt

import mpmath
import pytest

from support.market_bench import DAY, SESSION_YEAR, WAD, YEAR

mp = mpmath.MPContext()
mp.dps = 50

YEARW = YEAR * WAD
V = 36 * WAD // 100


def sample(kit, price, *, anchor=100 * WAD, v=V, clamped=None, elapsed=600, year=YEARW):
    return kit.math.sample(v, v if clamped is None else clamped, anchor, price, elapsed * WAD, year)


@pytest.mark.parametrize(("elapsed", "kept"), [(DAY, (1, 2)), (2 * DAY, (1, 4)), (10 * DAY, (1, 1024))])
def test_a_still_price_halves_the_variance_every_day(kit, elapsed, kept):
    variance, anchor = sample(kit, 100 * WAD, elapsed=elapsed)
    assert anchor == 100 * WAD
    assert abs(variance - V * kept[0] // kept[1]) <= 1


def test_a_small_return_is_not_clipped(kit):
    """4% in 600 s, below the floor of the clip."""
    price = 104 * WAD
    variance, anchor = sample(kit, price)
    weight = 1 - mp.mpf(2) ** (mp.mpf(-600) / DAY)
    exact = (1 - weight) * mp.mpf("0.36") + weight * mp.ln(mp.mpf("1.04")) ** 2 * YEAR / 600
    assert anchor == price
    assert abs(variance - exact * WAD) < 1_000


@pytest.mark.parametrize(("price", "clipped"), [(200 * WAD, "0.05"), (50 * WAD, "-0.05")])
def test_a_jump_is_clipped_at_five_per_cent_and_the_anchor_moves_by_no_more(kit, price, clipped):
    """5·sqrt(0.36 · 600 s) = 1.3%: the floor of 5% is the larger."""
    variance, anchor = sample(kit, price)
    weight = 1 - mp.mpf(2) ** (mp.mpf(-600) / DAY)
    exact = (1 - weight) * mp.mpf("0.36") + weight * mp.mpf("0.0025") * YEAR / 600
    assert abs(anchor - 100 * mp.exp(mp.mpf(clipped)) * WAD) < 300
    assert abs(variance - exact * WAD) < 1_000


def test_the_clip_grows_to_five_deviations(kit):
    """5·sqrt(0.36 · 1/365) = 15.7% after a day; a doubling is clipped there, 15% is not."""
    limit = 5 * isqrt(V * DAY * WAD // YEARW * WAD)
    assert abs(limit - 5 * mp.sqrt(mp.mpf("0.36") / 365) * WAD) < 10**4
    variance, anchor = sample(kit, 200 * WAD, elapsed=DAY)
    assert abs(anchor - 100 * mp.exp(mp.mpf(limit) / WAD) * WAD) < 300
    assert abs(variance - (mp.mpf(V) / 2 + mp.mpf(25 * V) / 2)) < 10**7, "25 times the variance, weighed by half"
    assert sample(kit, 115 * WAD, elapsed=DAY)[1] == 115 * WAD


def test_the_rest_of_a_jump_counts_in_the_samples_that_follow(kit):
    """A doubling is ln 2 = 69.3%: thirteen clips of 5% and a rest. v clamped to its start, so the clip stays 5%."""
    anchor, moved = 100 * WAD, []
    for _ in range(20):
        _, following = sample(kit, 200 * WAD, anchor=anchor, clamped=V)
        moved.append(float(mp.ln(mp.mpf(following) / anchor)))
        anchor = following
    assert [round(step, 9) for step in moved[:13]] == [0.05] * 13
    assert round(moved[13], 9) == round(float(mp.ln(2)) - 0.65, 9)
    assert moved[14:] == [0] * 6
    assert anchor == 200 * WAD


def test_the_clamped_variance_sets_the_clip_and_the_raw_one_is_kept(kit):
    """Raw v below the bound: clipped as the bound says, weighed into the raw one."""
    low = WAD // 10**6
    wide, anchor_wide = sample(kit, 200 * WAD, v=low, clamped=4 * WAD, elapsed=DAY)
    narrow, anchor_narrow = sample(kit, 200 * WAD, v=low, elapsed=DAY)
    assert anchor_wide > anchor_narrow
    assert wide > narrow
    assert abs(anchor_narrow - 100 * mp.exp(mp.mpf("0.05")) * WAD) < 300


def test_a_shorter_year_annualises_less(kit):
    over_year, _ = sample(kit, 103 * WAD)
    over_sessions, _ = sample(kit, 103 * WAD, year=SESSION_YEAR)
    weight = 1 - mp.mpf(2) ** (mp.mpf(-600) / DAY)
    gap = weight * mp.ln(mp.mpf("1.03")) ** 2 * (mp.mpf(YEARW) - SESSION_YEAR) / 600
    assert abs(over_year - over_sessions - gap) < 1_000


@pytest.mark.parametrize("elapsed", [600, DAY, YEAR, 100 * YEAR])
@pytest.mark.parametrize("price", [10**12, WAD, 309_485_009 * WAD])
@pytest.mark.parametrize("anchor", [10**12, 309_485_009 * WAD])
def test_extremes_neither_revert_nor_outgrow_their_slot(kit, elapsed, price, anchor):
    variance, following = sample(kit, price, anchor=anchor, v=9 * WAD, elapsed=elapsed)
    assert variance <= 225 * WAD < 2**72
    assert min(anchor, price) <= following <= max(anchor, price) < 2**88
