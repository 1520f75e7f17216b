"""Who comes to the venues, and the prices that they see. A seed decides all; every venue meets the same orders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import numpy as np

from everstock.lab.experiment import Setting
from everstock.lab.venues.town import HOUR
from everstock.scenarios.prices import STEP_SECONDS, Window, bars_to_paths, read_bars

STEPS_AN_HOUR = HOUR // STEP_SECONDS
HOURS_A_YEAR = 365 * 24
SESSION_HOURS = range(14, 21)  # in UTC, winter: in the model only, to give a stock most of its variance then


@dataclass(frozen=True)
class Course:
    """What the share and bitcoin are worth at each hour. While New York is closed, nobody is told the share's."""

    start: int
    share: Sequence[float]
    bitcoin: Sequence[float]
    source: str

    @property
    def hours(self) -> int:
        return len(self.share)

    def at(self, hour: int) -> int:
        return self.start + hour * HOUR


@dataclass(frozen=True)
class Dynamics:
    """Annual volatilities, their correlation, and jumps: how many a week, and the size of one (in log price)."""

    share_usd: float = 250.0
    bitcoin_usd: float = 60_000.0
    share_volatility: float = 0.55
    bitcoin_volatility: float = 0.60
    correlation: float = 0.4
    jumps_a_week: float = 0.5
    jump_size: float = 0.03
    shared_jumps: float = 0.5  # of the jumps, how many hit both
    closed_weight: float = 0.2


def course(setting: Setting, days: int, start: int, asset: str = "TSLA", dynamics: Dynamics | None = None) -> Course:
    """A replay of the setting's daily bars, or the model from `start` (midnight UTC) on.

    A replay is `days` long, too: it begins with the window, or earlier when the bars end too soon.
    """
    if setting.prices is None:
        return modelled(dynamics or Dynamics(), days, start, setting.seed)
    window = setting.window
    if window is not None:
        bars = read_bars(setting.prices)
        last = min((max(bars[name]) for name in ("BTC", asset) if name in bars), default=window.last)
        first = min(window.first, last - timedelta(days - 1))
        window = Window(first, first + timedelta(days - 1))
    paths = bars_to_paths(setting.prices, ["BTC"], [asset], window, setting.seed, days)
    hours = range(0, min(paths.steps, days * 24 * STEPS_AN_HOUR), STEPS_AN_HOUR)
    share, bitcoin = ([float(paths.prices[name][k]) for k in hours] for name in (asset, "BTC"))
    return Course(paths.start, share, bitcoin, f"{paths.source}, {paths.window}")


def modelled(dynamics: Dynamics, days: int, start: int, seed: int) -> Course:
    """Correlated Brownian motion with jumps, some of them common to both. A stock has its variance in its sessions."""
    rng = np.random.default_rng([seed, 8])
    d, hours = dynamics, days * 24
    first = rng.standard_normal(hours)
    second = d.correlation * first + math.sqrt(1 - d.correlation**2) * rng.standard_normal(hours)
    hourly = math.sqrt(1 / HOURS_A_YEAR)
    # Weekdays count as sessions for seven hours, everything else at the closed weight; normalised to a year's variance.
    weights = np.full(hours, d.closed_weight)
    for hour in range(hours):
        at = start + hour * HOUR
        weekday = (at // 86_400 + 3) % 7  # 1 January 1970 was a Thursday
        if weekday < 5 and (at // HOUR) % 24 in SESSION_HOURS:
            weights[hour] = 1.0
    mean = (5 * len(SESSION_HOURS) * (1 - d.closed_weight) + 168 * d.closed_weight) / 168
    share = d.share_volatility * hourly * np.sqrt(weights / mean) * second
    bitcoin = d.bitcoin_volatility * hourly * first
    chance = d.jumps_a_week / 168
    for hour in range(hours):
        hit, size, common = rng.random(), rng.normal(0.0, d.jump_size), rng.random()
        if hit < chance:
            bitcoin[hour] += size
            if common < d.shared_jumps:
                share[hour] += size
        elif hit < 2 * chance:
            share[hour] += size
    share[0] = bitcoin[0] = 0.0
    paths = [[float(v) for v in p * np.exp(np.cumsum(r))] for p, r in ((d.share_usd, share), (d.bitcoin_usd, bitcoin))]
    return Course(start, paths[0], paths[1], f"model, seed {seed}")


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────
class Kind(StrEnum):
    NOISE = "noise trader"
    TREND = "trend follower"
    HEDGE = "hedger"


@dataclass(frozen=True)
class Order:
    """Somebody wants to trade `usd` at this hour, and walks away if it costs more than `patience` (a share of it).

    `days` is how long an option on the same view would be kept.
    """

    hour: int
    kind: Kind
    number: int
    usd: float
    buy: bool
    patience: float
    days: float

    @property
    def who(self) -> str:
        return f"{self.kind} {self.number}"


@dataclass(frozen=True)
class Crowd:
    """How many of whom. Sizes are medians in USD; noise comes around the clock, a third as often by night."""

    noise_a_day: float = 40.0
    noise_usd: float = 400.0
    trend_usd: float = 4_000.0
    hedge_usd: float = 10_000.0
    trend_followers: int = 3
    hedgers: int = 3
    trigger: float = 0.02  # a move over a day that trend followers follow and hedgers fear


def orders(path: Course, crowd: Crowd, seed: int) -> list[Order]:
    """All orders of a course, in order of time: the same for every venue."""
    rng = np.random.default_rng([seed, 9])
    found: list[Order] = []
    followed = np.zeros(crowd.trend_followers, dtype=int)
    feared = -24 * np.ones(crowd.hedgers, dtype=int)
    for hour in range(path.hours):
        by_day = 12 <= (path.at(hour) // HOUR) % 24 < 24
        rate = crowd.noise_a_day / 24 * (1.5 if by_day else 0.5)
        for _ in range(int(rng.poisson(rate))):
            usd = float(crowd.noise_usd * math.exp(rng.normal(0.0, 0.8)))
            patience = float(rng.uniform(0.002, 0.03))
            days = float(rng.uniform(0.5, 3))
            found.append(
                Order(hour, Kind.NOISE, int(rng.integers(0, 8)), usd, bool(rng.random() < 0.5), patience, days)
            )
        past = max(0, hour - 24)
        trend = path.share[hour] / path.share[past] - 1
        for number in range(crowd.trend_followers):
            sign = (trend > crowd.trigger * (1 + 0.3 * number)) - (trend < -crowd.trigger * (1 + 0.3 * number))
            if sign != followed[number]:
                if sign:
                    found.append(Order(hour, Kind.TREND, number, crowd.trend_usd, sign > 0, 0.02, 2.0))
                followed[number] = sign
        fall = path.bitcoin[hour] / path.bitcoin[past] - 1
        for number in range(crowd.hedgers):
            if fall < -crowd.trigger * (1 + 0.2 * number) / 2 and hour - feared[number] >= 24:
                found.append(Order(hour, Kind.HEDGE, number, crowd.hedge_usd, False, 0.03, 3.0))
                feared[number] = hour
    return found


# ── liquidity providers ──────────────────────────────────────────────────────────────────────────────────────────────
@dataclass
class Provider:
    """Comes for a yield above its hurdle and leaves below it; a loyal one stays whatever it earns."""

    name: str
    usd: float
    hurdle: float
    loyal: bool = False
    inside: bool = False

    def wants(self, yearly: float, slack: float = 0.05) -> bool:
        """Whether it wants to be in, at this yield a year."""
        if self.loyal:
            return True
        return yearly > (self.hurdle - slack if self.inside else self.hurdle)


def providers(mercenaries: int, loyal: int, seed: int, usd: float = 50_000.0) -> list[Provider]:
    """Hurdles between 15% and 80% a year, sizes around `usd`."""
    rng = np.random.default_rng([seed, 10])
    them = [
        Provider(f"mercenary {n}", float(usd * rng.uniform(0.5, 2.0)), float(rng.uniform(0.15, 0.8)))
        for n in range(mercenaries)
    ]
    return them + [Provider(f"loyal {n}", usd / 2, 0.0, loyal=True) for n in range(loyal)]
