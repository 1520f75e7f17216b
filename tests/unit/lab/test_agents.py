"""Prices, orders and LPs of the lab: seeded, correlated, and as described."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from everstock.lab.agents import Crowd, Dynamics, Kind, Provider, course, modelled, orders, providers
from everstock.lab.experiment import Setting
from everstock.scenarios.prices import Window, midnight

MONDAY = 1_767_571_200


def returns(prices):
    return np.diff(np.log(np.array(prices)))


def test_the_model_repeats_itself_for_a_seed_and_not_for_another():
    first, again, other = (modelled(Dynamics(), 5, MONDAY, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.share != other.share
    assert (first.hours, first.at(0), first.at(3)) == (120, MONDAY, MONDAY + 3 * 3600)
    assert (first.share[0], first.bitcoin[0]) == (250.0, 60_000.0)


def test_volatility_and_correlation_are_those_asked_for():
    path = modelled(Dynamics(jumps_a_week=0), 3 * 365, MONDAY, 3)
    share, bitcoin = returns(path.share), returns(path.bitcoin)
    year = math.sqrt(365 * 24)
    assert bitcoin.std() * year == pytest.approx(0.60, rel=0.03)
    assert share.std() * year == pytest.approx(0.55, rel=0.05)
    assert np.corrcoef(share, bitcoin)[0, 1] == pytest.approx(0.4, abs=0.05)


def test_jumps_come_as_often_as_told_and_some_hit_both():
    calm = modelled(Dynamics(jumps_a_week=0), 3 * 365, MONDAY, 4)
    wild = modelled(Dynamics(jumps_a_week=2, jump_size=0.2), 3 * 365, MONDAY, 4)
    moved = {
        name: abs(returns(getattr(wild, name)) - returns(getattr(calm, name))) > 1e-9 for name in ("share", "bitcoin")
    }
    weeks = 3 * 365 / 7
    assert moved["bitcoin"].sum() / weeks == pytest.approx(2, rel=0.15)
    both = (moved["share"] & moved["bitcoin"]).sum()
    assert both / moved["bitcoin"].sum() == pytest.approx(0.5, abs=0.1)


def test_daily_bars_are_replayed(tmp_path: Path):
    file = tmp_path / "bars.csv"
    rows = ["date,asset,open,high,low,close"]
    for day in range(1, 8):
        rows.append(f"2025-04-0{day},BTC,80000,90000,70000,85000")
        if day not in (5, 6):
            rows.append(f"2025-04-0{day},TSLA,250,270,240,260")
    file.write_text("\n".join(rows) + "\n")
    window = Window(date(2025, 4, 1), date(2025, 4, 7))
    path = course(Setting(prices=file, window=window), 7, MONDAY)
    assert path.start == midnight(date(2025, 4, 1))
    assert path.hours == 7 * 24
    assert all(240 <= price <= 270 for price in path.share)
    assert all(70_000 <= price <= 90_000 for price in path.bitcoin)
    assert len(set(path.share[4 * 24 : 6 * 24])) == 1, "a weekend has one price"
    late = course(Setting(prices=file, window=Window(date(2025, 4, 6), date(2025, 4, 7))), 5, MONDAY)
    assert (late.start, late.hours) == (midnight(date(2025, 4, 3)), 5 * 24), (
        "as long as asked for, as late as there are bars"
    )
    early = course(Setting(prices=file, window=Window(date(2025, 4, 1), date(2025, 4, 7))), 3, MONDAY)
    assert (early.start, early.hours) == (midnight(date(2025, 4, 1)), 3 * 24)


def test_orders_are_the_same_for_a_seed_and_as_many_as_told():
    path = modelled(Dynamics(), 40, MONDAY, 1)
    found = orders(path, Crowd(), 1)
    assert found == orders(path, Crowd(), 1)
    noise = [order for order in found if order.kind is Kind.NOISE]
    assert len(noise) / 40 == pytest.approx(40, rel=0.1)
    assert sum(order.buy for order in noise) / len(noise) == pytest.approx(0.5, abs=0.05)
    assert sorted(order.hour for order in found) == [order.hour for order in found]


def test_trend_followers_follow_and_hedgers_fear():
    path = modelled(Dynamics(), 60, MONDAY, 5)
    found = orders(path, Crowd(), 5)
    for order in found:
        past = max(0, order.hour - 24)
        if order.kind is Kind.TREND:
            assert order.buy == (path.share[order.hour] > path.share[past])
        if order.kind is Kind.HEDGE:
            assert not order.buy
            assert path.bitcoin[order.hour] < path.bitcoin[past] * 0.99
    assert {order.kind for order in found} == set(Kind)


def test_mercenaries_come_and_go_by_their_hurdle_and_the_loyal_stay():
    mercenary, loyal = Provider("m", 1_000, 0.3), Provider("l", 1_000, 0.0, loyal=True)
    assert not mercenary.wants(0.3)
    assert mercenary.wants(0.31)
    mercenary.inside = True
    assert mercenary.wants(0.26)
    assert not mercenary.wants(0.25)
    assert loyal.wants(-1)
    them = providers(5, 2, 1)
    assert [lp.loyal for lp in them] == [False] * 5 + [True] * 2
    assert all(0.15 <= lp.hurdle <= 0.8 for lp in them[:5])
    assert them == providers(5, 2, 1)
