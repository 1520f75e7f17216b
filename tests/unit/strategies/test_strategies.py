"""Strategies: legs, costs, break-evens, pictures, and one order for all of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from everstock.client import OrderDesk, Side
from everstock.client.system import QuoteKind
from everstock.strategies import STRATEGIES, Request, chart, figure, summary_table
from everstock.strategies.strategy import Value
from support.desk import ONE


@pytest.fixture
def request_(desk):
    return Request(desk.token, desk.market, Decimal(10), against=desk.system.market("TSLA-7D"))


def made(request_, name):
    return STRATEGIES[name].make(request_)


@pytest.mark.parametrize(
    ("name", "sides", "markets"),
    [
        ("straddle", ["call", "put"], ["BTC-7D"]),
        ("strangle", ["call", "put"], ["BTC-7D"]),
        ("protective-put", ["put"], ["BTC-7D"]),
        ("ratio", ["call", "put"], ["BTC-7D"]),
        ("seller-buyer", ["call"], ["BTC-7D"]),
        ("hedge", ["put"], ["TSLA-7D"]),
        ("pair", ["call", "put"], ["BTC-7D", "TSLA-7D"]),
    ],
)
def test_what_each_consists_of(request_, name, sides, markets):
    strategy = made(request_, name)
    assert [leg.side.value for leg in strategy.legs] == sides
    assert [market.name for market in strategy.markets] == markets


def test_strikes_and_sizes(request_):
    strangle = made(request_, "strangle")
    call, put = (float(leg.strike_usd) for leg in strangle.legs)
    assert call == pytest.approx(63_000, rel=0.01)
    assert put == pytest.approx(57_000, rel=0.01)
    assert [leg.notional for leg in made(request_, "ratio").legs] == [10, 20]
    assert made(request_, "seller-buyer").lent == 10


def test_one_of_two_markets_needs_the_second(request_):
    for name in ("hedge", "pair"):
        with pytest.raises(ValueError, match="name it with --against"):
            made(Request(request_.token, request_.market, request_.notional), name)


def test_the_value_is_the_markets_own_mark(desk):
    value = Value(desk.market)
    for strike in (-5, -1, 0, 1, 5):
        for side in Side:
            mark = desk.market.quote(strike, side, QuoteKind.MARK).value / 10**18
            strike_usd = float(desk.market.strike_price_usd(strike))
            assert value(60_000, strike_usd, side) == pytest.approx(mark, abs=1e-9)
    assert value(10**9, 60_000, Side.CALL) == 1.0, "what the pools lock"


def test_costs_are_the_contracts(desk, request_):
    valuation = made(request_, "straddle").value(desk.who.trader)
    trader = desk.token.trader(desk.who.trader)
    previews = [trader.preview_open(desk.market, 0, side, 10) for side in (Side.CALL, Side.PUT)]
    assert valuation.premium == sum(p.premium for p in previews)
    assert valuation.fee == sum(p.fee for p in previews)
    assert valuation.margin == sum(p.initial_margin_after for p in previews)
    assert valuation.funding_per_day == sum(p.funding_per_day + p.rent_per_day for p in previews)
    assert valuation.needed == valuation.premium + valuation.fee + valuation.margin
    assert valuation.refusals == []


def test_a_straddle_breaks_even_on_both_sides(desk, request_):
    valuation = made(request_, "straddle").value(desk.who.trader)
    low, high = valuation.break_evens("BTC-7D")
    assert low < 60_000 < high
    for price in (low, high):
        assert valuation.profit({"BTC-7D": price / 60_000}) == pytest.approx(0, abs=1e-9)
    later_low, later_high = valuation.break_evens("BTC-7D", days=7)
    assert later_low < low
    assert later_high > high


def test_a_protective_put_limits_the_loss_of_what_it_protects(desk, request_):
    valuation = made(request_, "protective-put").value(desk.who.trader)
    assert valuation.profit({"BTC-7D": 0.6}) > -10 * 0.12
    assert valuation.profit({"BTC-7D": 1.3}) > 10 * 0.25


def test_without_margin_the_cost_is_still_told(desk, request_):
    valuation = made(request_, "straddle").value(desk.who.stranger)
    assert valuation.premium > 0
    assert valuation.refusals == []


def test_what_the_pools_refuse_is_named(desk, request_):
    large = Request(request_.token, request_.market, Decimal(2_000))
    (first, *_) = made(large, "straddle").value(desk.who.trader).refusals
    assert "BTC-7D call 60,000: PerpetualOptions_" in first


def test_the_table_and_the_pictures(desk, request_):
    from io import StringIO

    from rich.console import Console

    for name in STRATEGIES:
        valuation = made(request_, name).value(desk.who.trader)
        console = Console(file=StringIO(), width=140)
        console.print(summary_table(valuation))
        text = console.file.getvalue()
        assert "margin to bring" in text
        assert "break-even" in text
        lines = str(chart(valuation)).splitlines()
        assert len(lines) == 17
        assert sum("●" in line for line in lines) > 1
        picture = figure(valuation)
        assert len(picture.data) == 2 * len(valuation.spots)


def test_all_legs_are_one_order(desk, request_):
    strategy = made(request_, "straddle")
    owner = desk.who.trader
    orders = OrderDesk(desk.token, owner)
    orders.authorise()
    order = strategy.order(owner, strategy.value(owner))
    orders.commit(order)
    desk.chain.warp(5)
    desk.publish()
    orders.execute(order, desk.who.keeper)
    assert desk.position(0, True).notional == desk.position(0, False).notional == 10 * ONE


def test_part_seller_part_buyer_lends_three_to_one(desk, request_):
    desk.give(desk.who.trader, 10 * ONE)
    strategy = made(request_, "seller-buyer")
    strategy.lend(desk.who.trader)
    assert desk.wallet(desk.who.trader) == 0
    assert desk.main.balanceOf(desk.who.trader) // desk.insurance.balanceOf(desk.who.trader) == 3


def test_a_market_that_never_traded_is_refused_by_name(desk):
    """A stock's, deployed at night: its first price comes with the opening."""
    market = replace(desk.market, contract=SimpleNamespace(state=lambda: SimpleNamespace(price=0)))
    with pytest.raises(ValueError, match="BTC-7D has had no price yet"):
        STRATEGIES["straddle"].make(Request(desk.token, market, Decimal(10)))
