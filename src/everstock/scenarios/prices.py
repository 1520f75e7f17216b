"""Price paths for scenarios: from daily bars, or from a seeded model.

A path gives every asset a price at every step of a window. Crypto trades around the clock in UTC days; a stock trades
in the New York session of its days and keeps its last price in between. `Feed` turns a path into prints as Chainlink
does: a new round when the price has moved by the threshold, and at the heartbeat.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from random import Random

STEP_SECONDS = 300
DAY_SECONDS = 86_400
STEPS_PER_DAY = DAY_SECONDS // STEP_SECONDS
SESSION_STEPS = 78  # 6.5 hours
YEAR_SECONDS = 365 * DAY_SECONDS
CENT_E8 = Decimal("0.00000001")
COLUMNS = ("date", "asset", "open", "high", "low", "close")


class PriceDataError(Exception):
    """The price data cannot be used; the message says where and why."""


class PriceFileMissing(PriceDataError):
    """There is no file at that path."""


class MissingColumns(PriceDataError):
    """The header lacks a column."""


class BadRow(PriceDataError):
    """A row cannot be read: not a date, or not a number."""


class BadPrice(PriceDataError):
    """A price is zero, negative or not finite."""


class BadRange(PriceDataError):
    """A day's high is under its low, or its open or close lies outside them."""


class DuplicateDay(PriceDataError):
    """An asset has two rows for one day."""


class UnknownAsset(PriceDataError):
    """The data holds no rows for an asset that is needed."""


class BadWindow(PriceDataError):
    """The window is not FROM:TO, or ends before it begins."""


class EmptyWindow(PriceDataError):
    """The window is not covered: an asset has no row on a day that it needs."""


@dataclass(frozen=True)
class Bar:
    """One asset's day, in USD."""

    day: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


@dataclass(frozen=True)
class Window:
    """Whole UTC days, both ends included."""

    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> Window:
        """`2025-04-01:2025-04-14`."""
        try:
            first, last = (date.fromisoformat(part.strip()) for part in text.split(":"))
        except ValueError:
            raise BadWindow(f"window {text!r} is not YYYY-MM-DD:YYYY-MM-DD") from None
        if last < first:
            raise BadWindow(f"window {text!r} ends before it begins")
        return cls(first, last)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(n) for n in range((self.last - self.first).days + 1)]

    @property
    def start(self) -> int:
        return midnight(self.first)

    def __str__(self) -> str:
        return f"{self.first:%d %b %Y} to {self.last:%d %b %Y}"


@dataclass(frozen=True)
class Paths:
    """`prices[asset][k]` is the price in USD at `start + k · STEP_SECONDS`, for all steps of the window."""

    window: Window
    source: str
    prices: Mapping[str, Sequence[Decimal]]

    @property
    def start(self) -> int:
        return self.window.start

    @property
    def steps(self) -> int:
        return len(self.window.days) * STEPS_PER_DAY

    def time(self, step: int) -> int:
        return self.start + step * STEP_SECONDS


@dataclass
class Feed:
    """When a Chainlink feed prints: on a move of `deviation`, or `heartbeat_seconds` after the last print."""

    deviation: Decimal
    heartbeat_seconds: int
    price: Decimal
    printed_at: int
    round: int = 1

    def observe(self, time: int, price: Decimal) -> bool:
        """Take the price at `time`; true when it makes a new round."""
        moved = abs(price - self.price) >= self.deviation * self.price
        if not moved and time - self.printed_at < self.heartbeat_seconds:
            return False
        self.price, self.printed_at = price, time
        self.round += 1
        return True


def midnight(day: date) -> int:
    """Unix time of a UTC day's beginning."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def new_york_open(day: date) -> int:
    """Unix time of 9:30 in New York: daylight saving from the second Sunday of March to the first of November."""
    march, november = date(day.year, 3, 8), date(day.year, 11, 1)
    begins = march + timedelta((6 - march.weekday()) % 7)
    ends = november + timedelta((6 - november.weekday()) % 7)
    return midnight(day) + (13 if begins <= day < ends else 14) * 3600 + 1800


# ── daily bars ───────────────────────────────────────────────────────────────────────────────────────────────────────
def read_bars(path: Path) -> dict[str, dict[date, Bar]]:
    """Daily bars by asset and day from a CSV file with the columns date, asset, open, high, low, close.

    Raises:
        PriceDataError: a subclass that names the fault and its line.
    """
    if not path.is_file():
        raise PriceFileMissing(f"no price file at {path}")
    bars: dict[str, dict[date, Bar]] = {}
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise MissingColumns(f"{path.name}: no column {', '.join(missing)}: it needs {', '.join(COLUMNS)}")
        for row in reader:
            bar = _bar(f"{path.name} line {reader.line_num}", row)
            days = bars.setdefault(row["asset"].strip(), {})
            if bar.day in days:
                raise DuplicateDay(f"{path.name} line {reader.line_num}: {row['asset']} has a second row for {bar.day}")
            days[bar.day] = bar
    return bars


def _bar(where: str, row: Mapping[str, str]) -> Bar:
    try:
        day = date.fromisoformat(row["date"].strip())
        values = {name: Decimal(row[name].strip()) for name in COLUMNS[2:]}
    except (ValueError, InvalidOperation, AttributeError):
        raise BadRow(f"{where}: not a date and four prices") from None
    for name, value in values.items():
        if not value.is_finite() or value <= 0:
            raise BadPrice(f"{where}: {name} is {value}: prices are positive")
    bar = Bar(day, values["open"], values["high"], values["low"], values["close"])
    if bar.high < bar.low:
        raise BadRange(f"{where}: high {bar.high} is under low {bar.low}")
    for name in ("open", "close"):
        if not bar.low <= values[name] <= bar.high:
            raise BadRange(f"{where}: {name} {values[name]} is outside {bar.low} to {bar.high}")
    return bar


def bars_to_paths(
    path: Path, crypto: Sequence[str], stocks: Sequence[str], window: Window | None, seed: int, default_days: int = 14
) -> Paths:
    """Paths through every day's open, high, low and close. Without a window: the last `default_days` that all cover."""
    bars = read_bars(path)
    for asset in (*crypto, *stocks):
        if asset not in bars:
            raise UnknownAsset(f"{path.name} holds no rows for {asset}: it has {', '.join(sorted(bars)) or 'none'}")
    if window is None:
        last = min(max(bars[asset]) for asset in (*crypto, *stocks))
        window = Window(last - timedelta(default_days - 1), last)
    for asset in crypto:
        for day in window.days:
            if day not in bars[asset]:
                covers = f"{min(bars[asset])} to {max(bars[asset])}"
                raise EmptyWindow(f"{path.name}: {asset} has no row for {day} (it has {covers}, days may be missing)")
    prices = {asset: _crypto_path(asset, [bars[asset][day] for day in window.days], seed) for asset in crypto}
    for asset in stocks:
        prices[asset] = _stock_path(path.name, asset, bars[asset], window, seed)
    return Paths(window, f"{path.name}, within the day by seed {seed}", prices)


def _crypto_path(asset: str, bars: Sequence[Bar], seed: int) -> list[Decimal]:
    path: list[Decimal] = []
    for bar in bars:
        path += bridge(bar, STEPS_PER_DAY, Random(f"{seed}:{asset}:{bar.day}"))
    return path


def _stock_path(file: str, asset: str, bars: Mapping[date, Bar], window: Window, seed: int) -> list[Decimal]:
    within = [day for day in window.days if day in bars]
    if not within:
        raise EmptyWindow(f"{file}: {asset} has no row from {window.first} to {window.last}")
    before = [day for day in bars if day < window.first]
    price = bars[max(before)].close if before else bars[within[0]].open
    path: list[Decimal] = []
    for day in window.days:
        if day not in bars:
            path += [price] * STEPS_PER_DAY
            continue
        opens = (new_york_open(day) - midnight(day)) // STEP_SECONDS
        session = bridge(bars[day], SESSION_STEPS + 1, Random(f"{seed}:{asset}:{day}"))
        rest = STEPS_PER_DAY - opens - len(session)
        path += [price] * opens + session + [session[-1]] * rest
        price = session[-1]
    return path


def bridge(bar: Bar, points: int, random: Random) -> list[Decimal]:
    """A path of `points` prices that opens and closes as the bar does, touches its high and its low, and stays within.

    Which extreme comes first, and when, is drawn; between these four points runs a Brownian bridge in logarithms,
    folded back where it would leave the day's range.
    """
    extremes = [bar.high, bar.low] if random.random() < 0.5 else [bar.low, bar.high]
    gap = max(1, points // 12)  # a day's range is not crossed in a moment
    first = random.randrange(gap, points - 1 - 2 * gap)
    second = random.randrange(first + gap, points - 1 - gap)
    anchors = [(0, bar.open), (first, extremes[0]), (second, extremes[1]), (points - 1, bar.close)]
    low, high = math.log(bar.low), math.log(bar.high)
    # Parkinson: a day's log range is about 1.67 of its standard deviation.
    noise = (high - low) / 1.67 / math.sqrt(points)
    path = [bar.open]
    for (start, price), (end, target) in pairwise(anchors):
        value, goal = math.log(price), math.log(target)
        for step in range(start + 1, end):
            left = end - step + 1
            spread = noise * math.sqrt((left - 1) / left)
            value = _fold(value + (goal - value) / left + random.gauss(0.0, spread), low, high)
            path.append(min(max(_usd(math.exp(value)), bar.low), bar.high))
        path.append(target)
    return path


def _fold(value: float, low: float, high: float) -> float:
    """Reflect a value into [low, high]."""
    width = high - low
    if width <= 0.0:
        return low
    offset = (value - low) % (2 * width)
    return low + (offset if offset <= width else 2 * width - offset)


def _usd(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(CENT_E8)


# ── the model ────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True)
class Stretch:
    """A drift in log price, spread evenly over part of the window (shares of it, 0 to 1)."""

    begin: float
    end: float
    log_move: float


@dataclass(frozen=True)
class Dynamics:
    """Geometric Brownian motion with jumps and a plot. Volatility is annualised, jumps are per week, in log price."""

    price_usd: Decimal
    volatility: float
    jumps_per_week: float = 0.0
    jump_size: float = 0.0
    trading_hours_only: bool = False
    plot: Sequence[Stretch] = field(default=())

    def drift(self, begin: float, end: float) -> float:
        """Log move that the plot asks for between two moments."""
        total = 0.0
        for stretch in self.plot:
            overlap = min(end, stretch.end) - max(begin, stretch.begin)
            if overlap > 0:
                total += stretch.log_move * overlap / (stretch.end - stretch.begin)
        return total


def synthetic_paths(dynamics: Mapping[str, Dynamics], window: Window, seed: int) -> Paths:
    """Seeded paths: the same seed gives the same prices."""
    prices = {asset: _simulate(spec, window, Random(f"{seed}:{asset}")) for asset, spec in dynamics.items()}
    return Paths(window, f"synthetic, seed {seed}", prices)


def _simulate(spec: Dynamics, window: Window, random: Random) -> list[Decimal]:
    steps = len(window.days) * STEPS_PER_DAY
    weekly_steps = 7 * STEPS_PER_DAY
    # A stock's whole variance falls into its sessions, 252 a year.
    yearly = 252 * SESSION_STEPS if spec.trading_hours_only else 365 * STEPS_PER_DAY
    sigma = spec.volatility / math.sqrt(yearly)
    value = math.log(spec.price_usd)
    path = [spec.price_usd]
    pending = 0.0  # the plot goes on while a stock is closed: it opens with a gap
    for step in range(1, steps):
        pending += spec.drift((step - 1) / steps, step / steps)
        shock = random.gauss(0.0, sigma)
        jump = random.gauss(0.0, spec.jump_size) if random.random() < spec.jumps_per_week / weekly_steps else 0.0
        if spec.trading_hours_only and not _in_session(window.start + step * STEP_SECONDS):
            path.append(path[-1])
            continue
        value += shock + jump + pending
        pending = 0.0
        path.append(_usd(math.exp(value)))
    return path


def _in_session(time: int) -> bool:
    day = datetime.fromtimestamp(time, UTC).date()
    return day.weekday() < 5 and 0 <= time - new_york_open(day) <= SESSION_STEPS * STEP_SECONDS
