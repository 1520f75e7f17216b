"""What the page of the options' mechanics reads, and that its checks can fail."""

from __future__ import annotations

from decimal import Decimal

import pytest

from everstock.chain.base import START_TIME
from everstock.chain.evm import EvmChain
from everstock.deploy import deploy_system
from everstock.lab.experiment import Setting
from everstock.lab.experiments import mechanics
from everstock.params import load
from everstock.scenarios.world import align


@pytest.fixture(scope="module")
def measured():
    """The two short acts, in process."""
    chain, params = EvmChain(), load("local")
    align(chain, START_TIME)
    hour = mechanics.an_hour(deploy_system(chain, params))
    return params, hour, mechanics.the_walk(chain, params, quick=True, progress=lambda done: None)


def fortnight(**changes):
    pools = mechanics.Pools([0.0, 86_400.0], [0.0, 86_400.0], [0, 20], [0, 10], [1, 0.99], [1, 1.01], 2.0)
    for name, value in changes.items():
        setattr(pools, name, value)
    return pools


def test_the_walk_passes_the_strike_and_both_ends(measured):
    _, _, curves = measured
    assert list(curves) == ["BTC-7D", "ETH-7D", "BTC-30D", "TSLA-7D"]
    for curve in curves.values():
        assert curve.moneyness[0] == pytest.approx(0.6, abs=0.01)
        assert curve.moneyness[-1] == pytest.approx(1.6, abs=0.02)
        assert min(abs(x - 1) for x in curve.moneyness) < 1e-9
        assert curve.call[-1] > 0.58
        assert curve.put[0] > 0.4


def test_everything_holds(measured):
    params, hour, curves = measured
    page = mechanics.report(params, hour, curves, fortnight(), True, Setting())
    assert page.holds, [check for check in page.checks if not check.held]
    assert "2.94% of notional and 0.50% a day" in page.finding
    assert "lost 1.00%" in page.finding


def test_each_check_can_fail(measured):
    params, hour, curves = measured
    good = (params, hour, curves, fortnight(), True, Setting())

    def failed(*changed):
        return [i for i, check in enumerate(mechanics.report(*changed).checks) if not check.held]

    assert failed(*good) == []
    wrong_funding = mechanics.Hour(hour.funding, hour.spread, 1e-6)
    assert failed(params, wrong_funding, *good[2:]) == [1]
    off = mechanics.Curve([1.0], [0.03], [0.03 + 1e-11], 1e-11)
    assert failed(params, hour, curves | {"BTC-30D": off}, *good[3:]) == [0, 2]
    assert failed(*good[:3], fortnight(worst_cover=0.999), True, Setting()) == [3]
    assert failed(*good[:4], False, Setting()) == [4]


def test_the_exact_model_is_not_asked_about_what_the_chain_says():
    """Other parameters than those deployed: funding no longer fits."""
    chain, params = EvmChain(), load("local")
    align(chain, START_TIME)
    system = deploy_system(chain, params)
    spec = params.markets["BTC-7D"].model_copy(update={"loading": Decimal("0.21")})
    system.params = params.model_copy(update={"markets": params.markets | {"BTC-7D": spec}})
    assert mechanics.an_hour(system).worst == pytest.approx(0.01 / 1.21, rel=0.01)
