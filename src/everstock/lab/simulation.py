"""A year of the pools, for thousands of price paths at once, in floats: the mechanism without a chain.

Written from `docs/mechanism.md`. One main and one insurance pool of one margin token sell one market's options to a
book of buyers, a part of which is renewed every day: options that are a week old are sold back at the bid, and new ones
are bought at the money, so many that the same part of the pool is used. The buyers hold enough margin and are never
liquidated. Steps are hours: each charges what fell due at the old price and variance, and then takes the new price.

What it leaves out: rounding, the cost of gas, more than one market. `everstock.lab.experiments.lp_year` replays some of
its paths through the contracts and compares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOURS_PER_DAY, DAYS_PER_YEAR = 24, 365
HOURS_PER_YEAR = HOURS_PER_DAY * DAYS_PER_YEAR

MAIN_LAYER, INSURANCE_LAYER = 0.75, 0.25
FUNDING_TO_INSURANCE, RENT_TO_INSURANCE = 0.01, 0.10
FEE, FEE_OF_PREMIUM = 0.0005, 0.125
FEE_TO_MAIN, FEE_TO_INSURANCE = 0.5, 0.2
SPREAD = 0.01
EXERCISE_REWARD = 0.0005
LARGEST_SIDE = 0.6
RENT = ((0.0, 0.05), (0.8, 0.12), (1.0, 0.60))  # a year, by utilisation
HALF_LIFE_HOURS = 24.0
CLIP, CLIP_DEVIATIONS = 0.05, 5.0
GRID = math.log(1.02)

TWO_STEP_BAND, INSTANT_BAND = 0.0005, 0.002


@dataclass(frozen=True)
class Terms:
    """One market. `band` is the half-width within which a trade takes the worse price."""

    sigma_ref: float = 0.60
    tenor_days: float = 7.0
    loading: float = 0.20
    sigma_min: float = 0.20
    sigma_max: float = 2.00
    band: float = TWO_STEP_BAND

    @property
    def budget(self) -> float:
        """c: the variance that one unit of the clock stands for."""
        return self.sigma_ref**2 * self.tenor_days / DAYS_PER_YEAR

    @property
    def root(self) -> float:
        """u"""
        return math.sqrt(1 + 8 / self.budget)


@dataclass(frozen=True)
class Book:
    """What is held. `used`: how much of the main pool's cash is reserved; `puts`: their part of the notional."""

    used: float = 0.7
    puts: float = 0.5
    held_days: int = 7

    @property
    def allowed(self) -> bool:
        """One side may lock at most 60% of the main pool's cash."""
        return self.used * max(self.puts, 1 - self.puts) <= LARGEST_SIDE


@dataclass(frozen=True)
class Trade:
    """An option bought or sold back, of one path: notional in margin tokens."""

    hour: int
    opened: bool
    is_call: bool
    strike: int
    notional: float


@dataclass
class Outcome:
    """Per path. Pools in tokens, at the mark; the flows are of the year, in parts of the main pool's first cash."""

    main: Floats
    insurance: Floats
    flows: dict[str, Floats]
    lowest_cover: Floats  # least cash above reserves of either pool, in parts of the first cash
    gap: Floats  # what insurance paid above the main pool's layer
    exercised: Floats  # how many positions
    trades: list[Trade] = field(default_factory=list)
    history: list[tuple[float, float]] = field(default_factory=list)  # of the first path, by day: both pools

    def main_result(self, start: float) -> Floats:
        return self.main / start - 1


def gbm(rng: np.random.Generator, paths: int, hours: int, sigma: float) -> Floats:
    """Hourly log returns of a martingale."""
    step = sigma / math.sqrt(HOURS_PER_YEAR)
    return rng.standard_normal((hours, paths)) * step - step**2 / 2


def with_jumps(rng: np.random.Generator, returns: Floats, size: float, per_year: float) -> Floats:
    """Add jumps of ±`size`, up and down alike, at random hours; the price stays a martingale."""
    hours, paths = returns.shape
    struck = rng.random((hours, paths)) < per_year / HOURS_PER_YEAR
    up = rng.random((hours, paths)) < 0.5
    jumps = np.where(up, math.log1p(size), math.log1p(-size))
    jumped: Floats = returns + struck * jumps
    return jumped


def with_crash(rng: np.random.Generator, returns: Floats, fall: float) -> Floats:
    """Add one day, at random, over which the price loses `fall` in even hours."""
    hours, paths = returns.shape
    days = hours // HOURS_PER_DAY
    day = rng.integers(0, days, paths)
    hour = np.arange(hours)[:, None]
    fallen: Floats = returns + (hour // HOURS_PER_DAY == day[None, :]) * (math.log1p(-fall) / HOURS_PER_DAY)
    return fallen


class _State:
    """The book by day of opening and side: index 0 are calls, 1 puts."""

    def __init__(self, terms: Terms, book: Book, paths: int, main: float, insurance: float) -> None:
        self.terms, self.book = terms, book
        self.u = terms.root
        self.b = (1 + self.u) / 2
        self.log_strike = np.zeros((book.held_days, 2, paths))
        self.notional = np.zeros((book.held_days, 2, paths))
        self.main, self.insurance = np.full(paths, float(main)), np.full(paths, float(insurance))
        self.start = main
        self.flows = {name: np.zeros(paths) for name in ("premium", "payout", "funding", "rent", "fees")}
        self.gap, self.exercised = np.zeros(paths), np.zeros(paths)
        self.cover = np.full(paths, np.inf)

    def time_value(self, log_x: Floats) -> Floats:
        value: Floats = np.exp(np.where(log_x < 0, self.b, 1 - self.b) * log_x) / self.u
        return value

    def value(self, log_x: Floats, side: int) -> Floats:
        intrinsic = np.maximum(np.expm1(log_x) if side == 0 else -np.expm1(log_x), 0.0)
        return intrinsic + self.time_value(log_x)

    def ends(self, log_x: Floats, side: int) -> tuple[Floats, Floats]:
        """Lowest and highest value within the band: values are monotone in the price."""
        below = self.value(log_x + math.log1p(-self.terms.band), side)
        above = self.value(log_x + math.log1p(self.terms.band), side)
        return (below, above) if side == 0 else (above, below)

    def used(self) -> Floats:
        total = self.notional.sum((0, 1))
        larger = np.maximum(MAIN_LAYER * total / self.main, INSURANCE_LAYER * total / self.insurance)
        used: Floats = np.minimum(larger, 1.0)
        return used

    def charge(self, log_price: Floats, variance: Floats) -> None:
        """An hour's funding and rent, at the price and variance as they stood."""
        rate = np.interp(self.used(), [u for u, _ in RENT], [r for _, r in RENT])
        rent = rate * self.notional.sum((0, 1)) / HOURS_PER_YEAR
        clock = variance * (1 + self.terms.loading) / HOURS_PER_YEAR / self.terms.budget
        funding = (self.notional * self.time_value(log_price - self.log_strike)).sum((0, 1)) * clock
        self.main += (1 - FUNDING_TO_INSURANCE) * funding + (1 - RENT_TO_INSURANCE) * rent
        self.insurance += FUNDING_TO_INSURANCE * funding + RENT_TO_INSURANCE * rent
        self.flows["funding"] += (1 - FUNDING_TO_INSURANCE) * funding
        self.flows["rent"] += (1 - RENT_TO_INSURANCE) * rent

    def _fee(self, notional: Floats, paid: Floats) -> None:
        fee = np.minimum(FEE * notional, FEE_OF_PREMIUM * paid)
        self.main += FEE_TO_MAIN * fee
        self.insurance += FEE_TO_INSURANCE * fee
        self.flows["fees"] += FEE_TO_MAIN * fee

    def _pay(self, notional: Floats, value: Floats) -> None:
        main = notional * np.minimum(value, MAIN_LAYER)
        insurance = notional * np.clip(value - MAIN_LAYER, 0.0, INSURANCE_LAYER)
        self.main -= main
        self.insurance -= insurance
        self.flows["payout"] -= main
        self.gap += insurance

    def close(self, age: int, log_price: Floats) -> None:
        for side in (0, 1):
            notional = self.notional[age, side]
            low, _ = self.ends(log_price - self.log_strike[age, side], side)
            bid = np.maximum(low - SPREAD * np.minimum(low, 1 / self.u), 0.0)
            self._pay(notional, bid)
            self._fee(notional, notional * np.minimum(bid, 1.0))
            self.notional[age, side] = 0.0

    def open(self, age: int, log_price: Floats, parts: int = 1) -> None:
        """Fill the book up, at the strike of the grid that is nearest to the price; `parts`: of what is missing.

        Where older options lock more than their share, because the pool has shrunk, fewer or none are bought.
        """
        strike = np.round(log_price / GRID) * GRID
        both = np.minimum(self.main / MAIN_LAYER, self.insurance / INSURANCE_LAYER)
        each = np.maximum(self.book.used * both - self.notional.sum((0, 1)), 0.0) / parts
        most = LARGEST_SIDE * self.main / MAIN_LAYER
        for side, part in ((0, 1 - self.book.puts), (1, self.book.puts)):
            notional = np.minimum(part * each, np.maximum(most - self.notional[:, side].sum(0), 0.0))
            _, high = self.ends(log_price - strike, side)
            ask = high + SPREAD * np.minimum(high, 1 / self.u)
            self.log_strike[age, side], self.notional[age, side] = strike, notional
            self.main += ask * notional
            self.flows["premium"] += ask * notional
            self._fee(notional, ask * notional)

    def exercise(self, log_price: Floats) -> None:
        """Whoever sees a mark at the main pool's layer closes the position at the mark, out of its payout."""
        for side in (0, 1):
            log_x = log_price - self.log_strike[:, side]
            # A put that far in the money needs x < 1/4, a call x > 7/4, less time value: most hours nobody is near.
            near = (log_x > 0.4) if side == 0 else (log_x < -0.8)
            if not (near & (self.notional[:, side] > 0)).any():
                continue
            value = self.value(log_x, side)
            due = (value >= MAIN_LAYER) & (self.notional[:, side] > 0)
            for age in range(self.book.held_days):
                notional = np.where(due[age], self.notional[age, side], 0.0)
                self._pay(notional, value[age])
                self.exercised += due[age]
                self.notional[age, side] -= notional

    def note_cover(self) -> None:
        total = self.notional.sum((0, 1))
        free = np.minimum(self.main - MAIN_LAYER * total, self.insurance - INSURANCE_LAYER * total)
        self.cover = np.minimum(self.cover, free / self.start)

    def marked(self, log_price: Floats) -> tuple[Floats, Floats]:
        """Both pools' worth: cash less what the book is worth, by layer."""
        main, insurance = self.main.copy(), self.insurance.copy()
        for side in (0, 1):
            value = self.value(log_price - self.log_strike[:, side], side)
            main -= (self.notional[:, side] * np.minimum(value, MAIN_LAYER)).sum(0)
            insurance -= (self.notional[:, side] * np.clip(value - MAIN_LAYER, 0.0, INSURANCE_LAYER)).sum(0)
        return main, insurance


def simulate(
    returns: Floats,
    terms: Terms,
    book: Book,
    *,
    main: float = 1.0,
    insurance: float = 1 / 3,
    variance_now: float | None = None,
    record: bool = False,
    note: Callable[[float], None] = lambda part: None,
) -> Outcome:
    """Let the hours of `returns` (hours × paths) pass. `record` keeps the trades and days of the first path.

    `variance_now`: what the market's estimate starts from; by default the reference variance.
    """
    hours, paths = returns.shape
    state = _State(terms, book, paths, main, insurance)
    log_price = np.zeros(paths)
    variance = np.full(paths, terms.sigma_ref**2 if variance_now is None else variance_now)
    sampled = np.zeros(paths)
    weight = 1 - 2 ** (-1 / HALF_LIFE_HOURS)
    trades: list[Trade] = []
    history: list[tuple[float, float]] = []
    bounds = (terms.sigma_min**2, terms.sigma_max**2)

    def trade(hour: int, age: int, *, opened: bool) -> None:
        if record:
            for side in (0, 1):
                strike = round(float(state.log_strike[age, side, 0]) / GRID)
                notional = float(state.notional[age, side, 0])
                if notional:
                    trades.append(Trade(hour, opened, side == 0, strike, notional))

    for age in range(book.held_days):
        state.open(age, log_price, parts=book.held_days - age)
        trade(0, age, opened=True)
    for hour in range(1, hours + 1):
        used = np.clip(variance, *bounds)
        state.charge(log_price, used)
        log_price = log_price + returns[hour - 1]
        clip = np.maximum(CLIP, CLIP_DEVIATIONS * np.sqrt(used / HOURS_PER_YEAR))
        seen = np.clip(log_price - sampled, -clip, clip)
        variance = (1 - weight) * variance + weight * seen**2 * HOURS_PER_YEAR
        sampled = sampled + seen
        state.exercise(log_price)
        if hour % HOURS_PER_DAY == 0 and hour < hours:
            age = hour // HOURS_PER_DAY % book.held_days
            trade(hour, age, opened=False)
            state.close(age, log_price)
            state.open(age, log_price)
            trade(hour, age, opened=True)
            state.note_cover()
            note(hour / hours)
        if record and hour % HOURS_PER_DAY == 0:
            now = state.marked(log_price)
            history.append((float(now[0][0]), float(now[1][0])))
    marked = state.marked(log_price)
    flows = {name: flow / main for name, flow in state.flows.items()}
    return Outcome(marked[0], marked[1], flows, state.cover, state.gap / main, state.exercised, trades, history)


def summary(results: Floats) -> tuple[float, float, float]:
    """Mean, 5th percentile, and part of the paths that lost."""
    return float(results.mean()), float(np.percentile(results, 5)), float((results < 0).mean())
