"""The bulk simulation of the pools against the exact model, by hand-made paths, and against its own books."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from everstock.lab.simulation import (
    HOURS_PER_DAY,
    HOURS_PER_YEAR,
    Book,
    Terms,
    _State,
    gbm,
    simulate,
    with_crash,
    with_jumps,
)
from everstock.model.exact import ExactOption, variance_budget

WEEK = 7 * HOURS_PER_DAY
TERMS = Terms()


def state(book: Book | None = None) -> _State:
    return _State(TERMS, book or Book(), 1, 1.0, 1 / 3)


@pytest.mark.parametrize("x", ["0.25", "0.8", "0.999", "1", "1.001", "1.3", "4"])
def test_values_are_the_exact_ones(x: str) -> None:
    exact = ExactOption(variance_budget(Decimal("0.6"), Decimal(7)))
    log_x = np.array([math.log(float(x))])
    assert state().time_value(log_x)[0] == pytest.approx(float(exact.time_value(Decimal(x))), rel=1e-12)
    assert state().value(log_x, 0)[0] == pytest.approx(float(exact.call(Decimal(x))), rel=1e-12)
    assert state().value(log_x, 1)[0] == pytest.approx(float(exact.put(Decimal(x))), rel=1e-12)


@pytest.mark.parametrize(("used", "rate"), [(0.0, 0.05), (0.4, 0.085), (0.8, 0.12), (0.9, 0.36), (1.0, 0.60)])
def test_rent_is_the_curve(used: float, rate: float) -> None:
    it = state(Book(held_days=1))
    it.notional[0, 0] = used * it.main / 0.75
    notional = float(it.notional.sum())
    it.charge(np.zeros(1), np.zeros(1))
    assert it.flows["rent"][0] == pytest.approx(0.9 * rate * notional / HOURS_PER_YEAR, rel=1e-12)


def test_an_hour_at_a_standstill_costs_what_the_clock_says() -> None:
    outcome = simulate(np.zeros((1, 1)), TERMS, Book(), record=True)
    notional = sum(trade.notional for trade in outcome.trades)
    clock = 0.36 * 1.2 / HOURS_PER_YEAR / (0.36 * 7 / 365)
    assert outcome.flows["funding"][0] == pytest.approx(0.99 * notional * clock / TERMS.root, rel=1e-12)


def test_variance_is_the_average_with_a_half_life_of_a_day() -> None:
    """At a standstill it halves in a day, down to its bound: funding of the last hour tells."""
    hours = 10 * HOURS_PER_DAY
    total = simulate(np.zeros((hours, 1)), TERMS, Book(held_days=30)).flows["funding"][0]
    before = simulate(np.zeros((hours - 1, 1)), TERMS, Book(held_days=30)).flows["funding"][0]
    first = simulate(np.zeros((1, 1)), TERMS, Book(held_days=30)).flows["funding"][0]
    bound = TERMS.sigma_min**2 / TERMS.sigma_ref**2
    assert (total - before) / first == pytest.approx(bound, rel=0.05)


def test_cash_is_what_flowed() -> None:
    """The pools' worth is cash less marks; without positions at the end it is the flows alone."""
    rng = np.random.default_rng(1)
    outcome = simulate(gbm(rng, 20, WEEK, 0.6), TERMS, Book(held_days=1), record=True)
    state_cash = 1 + sum(outcome.flows.values())
    assert np.all(outcome.main < state_cash)  # what is still held is owed
    assert np.allclose(outcome.main, state_cash, atol=0.2)


def test_the_pool_is_used_as_asked_and_never_over_its_cash() -> None:
    rng = np.random.default_rng(2)
    returns = with_crash(rng, with_jumps(rng, gbm(rng, 50, 4 * WEEK, 0.6), 0.1, 60), 0.4)
    outcome = simulate(returns, TERMS, Book(used=0.7))
    assert outcome.lowest_cover.min() >= 0
    assert outcome.lowest_cover.max() <= 0.35


def test_a_doubling_exercises_calls_and_insurance_pays_the_gap() -> None:
    returns = np.zeros((3, 1))
    returns[1, 0] = math.log(2)
    outcome = simulate(returns, TERMS, Book(held_days=2), record=True)
    calls = sum(trade.notional for trade in outcome.trades if trade.is_call)
    assert outcome.exercised[0] == 2
    assert outcome.gap[0] == pytest.approx(0.25 * calls, rel=1e-9)
    assert outcome.flows["payout"][0] == pytest.approx(-0.75 * calls, rel=1e-9)


def test_jumps_leave_the_price_a_martingale_and_a_crash_takes_what_it_says() -> None:
    rng = np.random.default_rng(3)
    ends = np.exp(with_jumps(rng, gbm(rng, 40_000, 1, 0.6), 0.1, HOURS_PER_YEAR / 2).sum(0))
    assert ends.mean() == pytest.approx(1, abs=4 * ends.std() / 200)
    fallen = with_crash(rng, np.zeros((WEEK, 10)), 0.4)
    assert np.allclose(np.exp(fallen.sum(0)), 0.6)
    assert np.all((fallen != 0).sum(0) == HOURS_PER_DAY)


@pytest.mark.parametrize(("used", "puts", "allowed"), [(0.7, 0.8, True), (0.9, 0.5, True), (0.9, 0.8, False)])
def test_one_side_locks_sixty_percent_at_most(used: float, puts: float, allowed: bool) -> None:
    assert Book(used=used, puts=puts).allowed is allowed
