"""What a market may be made of, and what it is before its first price."""

from __future__ import annotations

from dataclasses import replace

import pytest

from everstock.chain import ZERO_ADDRESS
from everstock.chain.testing import reverts
from support.market_bench import ACTIVE, BTC_7D, SESSION_YEAR, WAD, MarketBench

FIELDS = ["referencePrice", "varianceBudget", "initialVariance", "minVariance", "maxVariance", "loading"]
BOUNDS = [
    ("referencePrice", 10**12, 10**25),
    ("varianceBudget", 25 * WAD // 10**4, WAD),
    ("minVariance", WAD // 10**4, 36 * WAD // 100),  # up to the initial variance, see below
    ("maxVariance", 36 * WAD // 100, 4 * WAD),
    ("initialVariance", 4 * WAD // 100, 4 * WAD),
    ("loading", 0, WAD // 2),
]


def config(**changes: int) -> tuple:
    values = list(BTC_7D.config)
    for name, value in changes.items():
        values[1 + FIELDS.index(name)] = value
    return tuple(values)


@pytest.mark.parametrize(("name", "low", "high"), BOUNDS)
def test_both_bounds_are_inside(crypto, name, low, high):
    for value in (low, high):
        market = crypto.deploy_config(config(**{name: value}))
        assert getattr(market.config(), name) == value


@pytest.mark.parametrize(("name", "low", "high"), [bound for bound in BOUNDS if "Variance" not in bound[0]])
def test_beyond_a_bound_is_refused(crypto, name, low, high):
    for value in [low - 1] * (low > 0) + [high + 1, 2**256 - 1]:
        with reverts("OptionMarket_OutOfBounds", name.encode().ljust(32, b"\0"), value, low, high):
            crypto.deploy_config(config(**{name: value}))


@pytest.mark.parametrize(
    ("changes", "name", "low", "high"),
    [
        ({"minVariance": WAD // 10**4 - 1}, "minVariance", WAD // 10**4, 4 * WAD),
        ({"minVariance": 4 * WAD + 1}, "minVariance", WAD // 10**4, 4 * WAD),
        ({"maxVariance": 9 * WAD + 1}, "maxVariance", 4 * WAD // 100, 4 * WAD),
        ({"maxVariance": 4 * WAD // 100 - 1}, "minVariance", WAD // 10**4, 4 * WAD // 100 - 1),
        ({"initialVariance": 4 * WAD // 100 - 1}, "initialVariance", 4 * WAD // 100, 4 * WAD),
        ({"initialVariance": 4 * WAD + 1}, "initialVariance", 4 * WAD // 100, 4 * WAD),
    ],
)
def test_variances_bound_each_other(crypto, changes, name, low, high):
    with reverts("OptionMarket_OutOfBounds", name.encode().ljust(32, b"\0"), ..., low, high):
        crypto.deploy_config(config(**changes))


def test_an_asset_that_the_oracle_does_not_know_is_refused(crypto):
    unknown = replace(BTC_7D, name="NONE")
    with reverts("PriceOracle_UnknownAsset", unknown.asset):
        crypto.deploy(unknown)


def test_it_says_what_it_was_made_of(crypto, stock):
    for bench, calendar in ((crypto, ZERO_ADDRESS), (stock, stock.calendar.address)):
        market = bench.market
        assert tuple(market.config()) == bench.listing.config
        assert market.oracle() == bench.oracle.address
        assert market.calendar() == calendar
        assert market.book() == bench.book
        assert market.authority() == bench.authority.address


def test_constants_follow_from_the_budget(crypto, pricing_of):
    pricing, constants = pricing_of(BTC_7D), crypto.market.constants()
    assert constants.u == pricing.u_wad == 2 * constants.b - WAD
    assert constants.b == pricing.b_wad
    assert constants.peak == pricing.peak_wad
    assert constants.maxLn == pricing.max_ln_wad
    assert constants.initialMargin == pricing.initial_rate_wad == 45 * WAD**2 // 100 // constants.u
    assert constants.maintenanceMargin == pricing.maintenance_rate_wad == 15 * WAD**2 // 100 // constants.u
    assert round(constants.peak / WAD, 5) == 0.02936


def test_before_the_first_price_it_stands_still(crypto):
    s = crypto.state
    assert (s.price, s.updatedAt, s.accruedAt, s.a, s.b, s.sampledAt) == (0, 0, 0, 0, 0, 0)
    assert (s.running, s.resetAnchor, s.variance) == (False, True, BTC_7D.initial_variance)
    crypto.chain.warp(10_000)
    receipt = crypto.accrue()
    assert crypto.state == s
    assert receipt.events == []
    assert crypto.market.phase() == ACTIVE
    assert (crypto.market.liveCount(), crypto.market.events(), tuple(crypto.market.windDown())) == (0, [], (0, 0))


def test_the_first_price_starts_clock_and_sampling(crypto, pricing_of):
    price = BTC_7D.reference * 103 // 100
    crypto.chain.warp(77)
    receipt = crypto.tick(price, age=7)
    s, now = crypto.state, crypto.chain.now
    assert receipt.return_value == (0, now - 7)
    assert (s.price, s.updatedAt, s.maxAge, s.accruedAt) == (price, now - 7, 4_200, now)
    assert (s.running, s.resetAnchor, s.samplePrice, s.sampledAt) == (True, False, price, now)
    assert (s.a, s.b, s.variance, s.band) == (0, 0, BTC_7D.initial_variance, 2 * WAD // 1_000)
    assert s.cell == pricing_of(BTC_7D).cell(price) == 1
    taken = receipt.event("TakePrice")
    assert taken.args == {"price": price, "updatedAt": now - 7, "variance": BTC_7D.initial_variance}


@pytest.mark.parametrize("closed", [False, True])
def test_a_market_that_never_saw_an_open_price_does_not_start(stock, closed):
    """Closed and halted answers alone: no price, no clock."""
    if closed:
        stock.chain.warp(8 * 3_600)
    else:
        stock.break_feed()
    assert stock.status() == (1 if closed else 3)
    assert not stock.state.running
    assert stock.state.price == 0
    stock.chain.warp(60)
    assert stock.status() == (1 if closed else 3)
    assert (stock.state.a, stock.state.accruedAt) == (0, 0)


def test_the_calendars_year_is_taken(kit, stock):
    """ΔΛ of an open second: v·(1 + loading)/(c·11,024,640)."""
    stock.tick(stock.listing.reference)
    stock.chain.warp(1)
    stock.accrue()
    shifted = kit.math.powers(0, stock.market.constants().b)[0]
    loaded = stock.listing.initial_variance * 13 // 10
    assert stock.state.a == stock.state.b == shifted * loaded * WAD // (stock.listing.c * SESSION_YEAR)
    assert isinstance(stock, MarketBench)
