"""PoolMath: edges computed by hand. Against the model: tests/differential."""

from __future__ import annotations

import pytest

from support.market_bench import WAD, YEAR

PERCENT = WAD // 100
INDEX = 10**27


@pytest.mark.parametrize(
    ("notional", "main", "insurance"),
    [(0, 0, 0), (1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 3, 1), (5, 4, 2), (100, 75, 25), (2**112 - 1, None, None)],
)
def test_reserves_are_rounded_up(kit, notional, main, insurance):
    if main is None:
        main, insurance = -(-3 * notional // 4), -(-notional // 4)
    assert kit.math.reserved(notional, True) == main
    assert kit.math.reserved(notional, False) == insurance


@pytest.mark.parametrize(
    ("value", "main", "insurance"),
    [
        (0, 0, 0),
        (75 * PERCENT, 75 * PERCENT, 0),
        (75 * PERCENT + 1, 75 * PERCENT, 1),
        (WAD, 75 * PERCENT, 25 * PERCENT),
        (WAD + 1, 75 * PERCENT, 25 * PERCENT),
        (10**30, 75 * PERCENT, 25 * PERCENT),
    ],
)
def test_a_value_is_split_at_the_cap_of_main_and_cut_at_one(kit, value, main, insurance):
    assert tuple(kit.math.layers(value)) == (main, insurance)


@pytest.mark.parametrize(
    ("reserved", "cash", "utilisation"),
    [
        (0, 0, 0),
        (1, 0, 0),
        (0, 1, 0),
        (1, 3, WAD // 3),
        (80, 100, 80 * PERCENT),
        (1, 1, WAD),
        (2, 1, WAD),
        (10**33, 1, WAD),
    ],
)
def test_utilisation_is_floored_at_most_one_and_zero_without_cash(kit, reserved, cash, utilisation):
    assert kit.math.utilisation(reserved, cash) == utilisation


@pytest.mark.parametrize(
    ("utilisation", "rate"),
    [
        (0, 5 * PERCENT),
        (40 * PERCENT, 85 * PERCENT // 10),
        (80 * PERCENT - 1, 12 * PERCENT - 1),
        (80 * PERCENT, 12 * PERCENT),
        (80 * PERCENT + 1, 12 * PERCENT + 2),  # 2.4 units a unit
        (90 * PERCENT, 36 * PERCENT),
        (WAD - 1, 60 * PERCENT - 3),
        (WAD, 60 * PERCENT),
    ],
)
def test_rent_is_linear_between_its_three_points(kit, utilisation, rate):
    assert kit.math.rentRate(utilisation) == rate


def test_rent_grows_with_the_fuller_pool_and_with_wall_time(kit):
    notional = 80 * 10**18
    cases = {
        (10**30, 10**30): 5 * PERCENT,  # all but idle: the utilisation of either is below one part in 10^10
        (75 * 10**18, 10**30): 12 * PERCENT,  # main at 80%
        (10**30, 25 * 10**18): 12 * PERCENT,  # insurance at 80%
        (60 * 10**18, 10**30): 60 * PERCENT,  # main full
        (10**30, 20 * 10**18): 60 * PERCENT,
        (0, 0): 5 * PERCENT,  # no cash counts as idle
    }
    for (main, insurance), rate in cases.items():
        assert kit.math.rentGrowth(notional, main, insurance, 0) == 0
        assert abs(kit.math.rentGrowth(notional, main, insurance, YEAR) - rate) <= 10**9
        if rate != 5 * PERCENT or not main:
            assert kit.math.rentGrowth(notional, main, insurance, YEAR) == rate
            assert kit.math.rentGrowth(notional, main, insurance, 1) == rate // YEAR


@pytest.mark.parametrize(("owed_by", "scale"), [("fundingOwed", INDEX), ("rentOwed", WAD)])
def test_owed_is_rounded_up(kit, owed_by, scale):
    """Funding indices count in 1e27, the rent index in WAD."""
    owed = getattr(kit.math, owed_by)
    assert [owed(0, 5), owed(5, 0), owed(1, 1)] == [0, 0, 1]
    assert [owed(1, scale), owed(1, scale + 1)] == [1, 2]
    assert [owed(10, scale // 10), owed(10, scale // 10 + 1)] == [1, 2]


@pytest.mark.parametrize(
    ("notional", "consideration", "fee"),
    [
        (0, 0, 0),
        (1, 1, 1),
        (1, 0, 0),
        (2_000, 10**9, 1),
        (2_001, 10**9, 2),
        (10**9, 8, 1),
        (10**9, 9, 2),
        (2_000_000, 8_000, 1_000),
        (2_000_000, 7_999, 1_000),
        (2_000_000, 7_992, 999),
    ],
)
def test_the_fee_is_the_smaller_of_both_each_rounded_up(kit, notional, consideration, fee):
    assert kit.math.fee(notional, consideration) == fee


@pytest.mark.parametrize(
    ("amount", "main", "insurance", "treasury"),
    [
        (0, 0, 0, 0),
        (1, 1, 0, 0),
        (3, 3, 0, 0),
        (4, 3, 0, 1),
        (5, 3, 1, 1),
        (9, 6, 1, 2),
        (10, 5, 2, 3),
        (99, 51, 19, 29),
    ],
)
def test_a_fee_is_split_with_the_rest_to_main(kit, amount, main, insurance, treasury):
    assert tuple(kit.math.splitFee(amount)) == (main, insurance, treasury)


@pytest.mark.parametrize(
    ("payment", "main", "insurance", "to_main", "to_insurance"),
    [
        (0, 0, 0, 0, 0),
        (5, 5, 0, 5, 0),
        (5, 0, 5, 0, 5),
        (10, 9, 1, 9, 1),
        (9, 9, 1, 9, 0),
        (1, 1, 1, 1, 0),
        (3, 1, 1, 2, 1),
        (2**127, 2**127, 2**127, 2**126, 2**126),
    ],
)
def test_a_payment_is_shared_pro_rata_rounded_to_main(kit, payment, main, insurance, to_main, to_insurance):
    assert tuple(kit.math.split(payment, main, insurance)) == (to_main, to_insurance)
