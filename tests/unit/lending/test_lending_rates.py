"""The adaptive curve: against its model to the unit, and what it is for."""

from __future__ import annotations

from random import Random

import pytest

from everstock import artifacts
from everstock.chain.base import START_TIME
from everstock.chain.evm import EvmChain
from everstock.chain.testing import reverts
from everstock.model.lending import Curve
from everstock.params import load
from support.market_bench import math_harness

WAD = 10**18
YEAR = 365 * 86_400


@pytest.fixture(scope="module")
def bench():
    harness = math_harness(EvmChain(start=START_TIME))
    params = load("local").lending
    assert params is not None
    config = params.rate_model.config
    model = harness.chain.deploy(artifacts.load()["AdaptiveCurveRateModel"], config, sender=harness.chain.account("d"))
    return harness, model, Curve(*config)


def test_rates_are_the_models_to_the_unit(bench):
    harness, contract, curve = bench
    random = Random(6)
    edges = (0, 1, 9 * WAD // 10 - 1, 9 * WAD // 10, 9 * WAD // 10 + 1, WAD - 1, WAD)
    for i in range(2_000):
        used = edges[i % 7] if i % 3 == 0 else random.randint(0, WAD)
        start = random.choice((WAD // 1000, 2 * WAD, random.randint(WAD // 1000, 2 * WAD)))
        elapsed = random.choice((0, 1, 12, 3_600, 86_400, YEAR, 10 * YEAR, 1_000 * YEAR))
        assert contract.rates(used, start, elapsed) == curve.rates(harness.primitives, used, start, elapsed)


def test_utilisation_above_one_counts_as_one(bench):
    _, contract, _ = bench
    assert contract.rates(2**255, WAD // 25, 3600) == contract.rates(WAD, WAD // 25, 3600)


def test_at_target_nothing_moves(bench):
    _, contract, _ = bench
    assert contract.rates(9 * WAD // 10, WAD // 25, YEAR) == (WAD // 25, WAD // 25)


def test_the_curve_is_four_times_up_and_down(bench):
    _, contract, _ = bench
    assert contract.rates(WAD, WAD // 25, 0)[0] == 4 * WAD // 25
    assert contract.rates(0, WAD // 25, 0)[0] == WAD // 100


def test_all_lent_doubles_the_rate_in_five_days_up_to_the_bound(bench):
    _, contract, _ = bench
    assert contract.rates(WAD, WAD // 25, 5 * 86_400)[1] == pytest.approx(2 * WAD // 25, rel=0.02)
    assert contract.rates(WAD, WAD // 25, YEAR)[1] == 2 * WAD
    assert contract.rates(0, WAD // 25, YEAR)[1] == WAD // 1000


def test_the_configuration_is_as_given(bench):
    _, contract, curve = bench
    assert tuple(contract.config()) == (
        curve.target_utilisation_wad,
        curve.steepness_wad,
        curve.adjustment_speed_wad,
        curve.initial_rate_wad,
        curve.min_rate_wad,
        curve.max_rate_wad,
    )
    assert contract.initialRateAtTarget() == curve.initial_rate_wad


@pytest.mark.parametrize(
    ("index", "name", "value", "low", "high"),
    [
        (0, "targetUtilisation", WAD // 2 - 1, WAD // 2, 95 * WAD // 100),
        (0, "targetUtilisation", 95 * WAD // 100 + 1, WAD // 2, 95 * WAD // 100),
        (1, "steepness", 15 * WAD // 10 - 1, 15 * WAD // 10, 10 * WAD),
        (1, "steepness", 10 * WAD + 1, 15 * WAD // 10, 10 * WAD),
        (2, "adjustmentSpeed", 100 * WAD + 1, 0, 100 * WAD),
        (3, "initialRate", WAD // 1000 - 1, WAD // 1000, 2 * WAD),
        (3, "initialRate", 2 * WAD + 1, WAD // 1000, 2 * WAD),
        (4, "minRate", 10**14 - 1, 10**14, 2 * WAD),
        (5, "maxRate", 2 * WAD + 1, WAD // 1000, 2 * WAD),
        (5, "maxRate", WAD // 1000 - 1, WAD // 1000, 2 * WAD),
    ],
)
def test_bounds(bench, index, name, value, low, high):
    harness, contract, _ = bench
    config = list(contract.config())
    config[index] = value
    with reverts("AdaptiveCurveRateModel_OutOfBounds", name.encode().ljust(32, b"\0"), value, low, high):
        harness.chain.deploy(
            artifacts.load()["AdaptiveCurveRateModel"], tuple(config), sender=harness.chain.account("d")
        )
