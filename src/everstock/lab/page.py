"""What an experiment finds: figures, tables and one plain sentence, as data. `everstock.lab.html` draws it.

Everything here is computed by the experiment that returns it; nothing is written by hand but words. Quantities are
floats: pages are for the eye. What must be exact is checked before, in integers, by the experiment itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Mark(StrEnum):
    """How a series is drawn."""

    LINE = "line"
    STEP = "step"
    POINTS = "points"
    BARS = "bars"
    HISTOGRAM = "histogram"  # `x` holds the sample, `y` is empty


@dataclass(frozen=True)
class Series:
    """One curve. `x` are numbers, labels, or Unix seconds where the figure's `x_is_time`."""

    name: str
    x: Sequence[float | str]
    y: Sequence[float] = ()
    mark: Mark = Mark.LINE


@dataclass(frozen=True)
class Figure:
    """One chart. Axis titles carry the unit: `price, USD`."""

    title: str
    x_title: str
    y_title: str
    series: Sequence[Series]
    log_x: bool = False
    log_y: bool = False
    x_is_time: bool = False
    note: str = ""


@dataclass(frozen=True)
class Grid:
    """One table. Cells are shown as they are: the experiment writes numbers with their digits."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Check:
    """Something that the data must bear out, or the experiment has failed: `held` is computed, never assumed."""

    claim: str
    held: bool
    figure: str  # what was measured, with its unit


@dataclass(frozen=True)
class Page:
    """The result of one experiment."""

    slug: str
    title: str
    question: str
    finding: str  # one plain sentence, built from the figures
    command: str  # that makes this page again
    figures: Sequence[Figure] = ()
    grids: Sequence[Grid] = ()
    checks: Sequence[Check] = ()
    notes: Sequence[str] = field(default_factory=tuple)  # what was assumed, and where a rival does better

    @property
    def holds(self) -> bool:
        return all(check.held for check in self.checks)
