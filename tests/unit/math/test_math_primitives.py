"""expWad and lnWad against multiple precision: what docs/arithmetic.md says of them."""

from __future__ import annotations

import random

import mpmath
import pytest
from eth_utils.crypto import keccak

from everstock.chain.testing import reverts
from everstock.model.primitives import EXP_OVERFLOW_AT_WAD, EXP_ZERO_AT_WAD
from support.market_bench import WAD

mp = mpmath.MPContext()
mp.prec = 512

UNITS = 2
SHARE = mp.mpf(2) / 10**20  # of the value: the larger allowance above e^4.6
SEED = 20_260_105


def exact_exp(x: int):
    return mp.exp(mp.mpf(x) / WAD) * WAD


def exact_ln(x: int):
    return mp.ln(mp.mpf(x) / WAD) * WAD


EXP_EDGES = [
    *range(-3, 4),
    *(sign * n * WAD + nudge for sign in (-1, 1) for n in (1, 2, 5, 41, 60, 119, 135) for nudge in (-1, 0, 1)),
    EXP_OVERFLOW_AT_WAD - 1,
    EXP_ZERO_AT_WAD - 1,
    EXP_ZERO_AT_WAD,
    EXP_ZERO_AT_WAD + 1,
    119 * WAD,
    124_500000000000000000,
    -5_500000000000000000,
    164 * 19802627296179713,
    -164 * 19802627296179713,
]


@pytest.mark.parametrize(("low", "high"), [(-135, -41), (-42, -5), (-6, 6), (0, 5), (5, 60), (54, 65), (60, 135)])
def test_exp_is_within_two_units_or_two_parts_in_10_to_the_20(kit, low, high):
    draw = random.Random(f"{SEED} exp {low} {high}")
    worst_units, worst_share = mp.mpf(0), mp.mpf(0)
    for x in [edge for edge in EXP_EDGES if low * WAD <= edge <= high * WAD] + [
        draw.randint(low * WAD, high * WAD) for _ in range(2_000)
    ]:
        value = exact_exp(x)
        error = abs(kit.math.expWad(x) - value)
        assert error <= max(UNITS, SHARE * value), f"exp({x})"
        if value <= UNITS / SHARE:
            worst_units = max(worst_units, error)
        else:
            worst_share = max(worst_share, error / value)
    print(f"exp in [{low}, {high}]: {mp.nstr(worst_units, 3)} units, {mp.nstr(worst_share, 3)} of larger values")


LN_EDGES = [1, 2, 10**6, WAD - 1, WAD, WAD + 1, 26 * WAD, WAD // 26, 10**16, 10**20, 2**255 - 1]


@pytest.mark.parametrize("low_exponent", [0, 8, 16, 17.5, 18, 20, 40, 60])
def test_ln_is_within_two_units(kit, low_exponent):
    draw = random.Random(f"{SEED} ln {low_exponent}")
    points = [int(10 ** draw.uniform(low_exponent, low_exponent + 3)) for _ in range(1_500)]
    points += [WAD + draw.randint(-(10**9), 10**9) for _ in range(200)] + LN_EDGES
    worst = mp.mpf(0)
    for x in points:
        error = abs(kit.math.lnWad(x) - exact_ln(x))
        assert error <= UNITS, f"ln({x})"
        worst = max(worst, error)
    print(f"ln from 1e{low_exponent - 18:g}: {mp.nstr(worst, 3)} units")


def test_exp_and_ln_of_the_neutral_elements_are_exact(kit):
    assert kit.math.expWad(0) == WAD
    assert kit.math.lnWad(WAD) == 0


def test_exp_never_falls_between_neighbours(kit):
    draw = random.Random(f"{SEED} monotone")
    for _ in range(500):
        x = draw.randint(-40 * WAD, 135 * WAD)
        assert kit.math.expWad(x) <= kit.math.expWad(x + 1)


def test_beyond_their_domains_they_are_zero_or_refuse(kit):
    assert kit.math.expWad(-(2**255)) == 0
    # Solady reverts from within: no ABI of ours names the errors
    with reverts("Unknown", keccak(text="ExpOverflow()")[:4]):
        kit.math.expWad(EXP_OVERFLOW_AT_WAD)
    for x in (0, -1, -(2**255)):
        with reverts("Unknown", keccak(text="LnWadUndefined()")[:4]):
            kit.math.lnWad(x)
