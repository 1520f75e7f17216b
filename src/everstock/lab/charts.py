"""A figure as the browser draws it, and as a table of numbers. What a chart shows and what its table says are one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from everstock.lab.page import Figure, Mark, Series

MOST_POINTS = 1_200
"""Points drawn of a curve. A longer one is thinned, and keeps the extremes of what it leaves out."""

Edges = NDArray[np.float64]

MOST_ROWS = 60
MOST_BINS = 40


@dataclass(frozen=True)
class Table:
    """Rows that are written out; `left_out` says how many are not."""

    columns: list[str]
    rows: list[list[str]]
    left_out: int = 0


def number(value: float) -> str:
    """Six significant digits, thousands apart, a real minus sign."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    if size and (size >= 1e15 or size < 1e-6):
        return f"{value:.4g}".replace("-", "−")
    if value == round(value):
        return f"{round(value):,}".replace("-", "−")
    digits = max(0, 5 - math.floor(math.log10(size)))
    text = f"{value:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def label(figure: Figure, x: float | str) -> str:
    if isinstance(x, str):
        return x
    return moment(x)[:16] if figure.x_is_time else number(x)


# ── for the browser ───────────────────────────────────────────────────────────────────────────────────────────────────
def spec(figure: Figure) -> dict[str, Any]:
    """What `report.js` needs to draw it: data and axes, no colours."""
    samples = [series for series in figure.series if series.mark is Mark.HISTOGRAM]
    edges = bin_edges(samples) if samples else None
    traces = [_trace(figure, series, edges) for series in figure.series]
    labels = any(isinstance(x, str) for series in figure.series for x in series.x[:1])
    x: dict[str, Any] = {"title": figure.x_title, "type": _kind(figure.x_is_time, labels, figure.log_x)}
    y: dict[str, Any] = {"title": figure.y_title, "type": "log" if figure.log_y else "linear"}
    if x["type"] == "log":
        x |= log_ticks(value for trace in traces for value in trace["x"])
    if figure.log_y:
        y |= log_ticks(value for trace in traces for value in trace["y"])
    return {"traces": traces, "x": x, "y": y}


def _kind(time: bool, labels: bool, log: bool) -> str:
    if labels:
        return "category"
    return "date" if time else "log" if log else "linear"


def _trace(figure: Figure, series: Series, edges: Edges | None) -> dict[str, Any]:
    trace: dict[str, Any] = {"name": series.name, "mark": series.mark.value}
    if series.mark is Mark.HISTOGRAM:
        assert edges is not None
        counts, _ = np.histogram([float(x) for x in series.x], edges)
        centres = (edges[:-1] + edges[1:]) / 2
        return trace | {
            "x": [finite(x) for x in centres],
            "y": [int(count) for count in counts],
            "width": finite(edges[1] - edges[0]),
        }
    kept = thinned(series) if series.mark in (Mark.LINE, Mark.STEP) else range(len(series.x))
    xs = [series.x[i] for i in kept]
    if figure.x_is_time:
        xs = [moment(x) if not isinstance(x, str) else x for x in xs]
    return trace | {
        "x": [x if isinstance(x, str) else finite(x) for x in xs],
        "y": [finite(series.y[i]) for i in kept],
    }


def finite(value: float) -> float | None:
    """JSON knows no infinity; ten digits are more than a screen shows."""
    return float(f"{value:.10g}") if math.isfinite(value) else None


def log_ticks(values: Iterable[float | str | None]) -> dict[str, Any]:
    """Powers of ten when there are enough of them, else 1, 2 and 5 times those."""
    positive = [float(value) for value in values if isinstance(value, int | float) and value > 0]
    if not positive:
        return {}
    low, high = math.log10(min(positive)), math.log10(max(positive))
    powers = range(math.floor(low), math.ceil(high) + 1)
    factors = (1,) if high - low >= 3 else (1, 2, 5)
    ticks = [factor * 10.0**power for power in powers for factor in factors]
    return {"ticks": ticks, "labels": [number(float(f"{tick:.3g}")) for tick in ticks]}


def bin_edges(samples: Sequence[Series]) -> Edges:
    """One set of bins for all the samples of a figure, so that bars can be compared."""
    values = np.array([float(x) for series in samples for x in series.x if math.isfinite(float(x))])
    if values.size == 0:
        return np.array([0.0, 1.0])
    edges = np.histogram_bin_edges(values, bins="auto")
    if len(edges) - 1 > MOST_BINS:
        edges = np.histogram_bin_edges(values, bins=MOST_BINS)
    return edges


def thinned(series: Series) -> list[int]:
    """Indices that are kept: the lowest and the highest of each bucket."""
    count = len(series.x)
    if count <= MOST_POINTS:
        return list(range(count))
    kept = {0, count - 1}
    buckets = MOST_POINTS // 2
    for bucket in range(buckets):
        start, end = bucket * count // buckets, (bucket + 1) * count // buckets
        kept.add(min(range(start, end), key=lambda i: series.y[i]))
        kept.add(max(range(start, end), key=lambda i: series.y[i]))
    return sorted(kept)


# ── in numbers ────────────────────────────────────────────────────────────────────────────────────────────────────────
def table(figure: Figure) -> Table:
    """The figures of a chart. A sample is told by its quantiles."""
    if any(series.mark is Mark.HISTOGRAM for series in figure.series):
        return _sample_table(figure)
    first = figure.series[0] if figure.series else None
    if first is not None and all(list(series.x) == list(first.x) for series in figure.series):
        columns = [figure.x_title, *(series.name for series in figure.series)]
        rows = [[label(figure, x), *(number(series.y[i]) for series in figure.series)] for i, x in enumerate(first.x)]
        if len(figure.series) == 1:
            columns = [figure.x_title, f"{first.name} ({figure.y_title})"]
        return _short(columns, rows)
    columns = ["series", figure.x_title, figure.y_title]
    rows, left_out = [], 0
    share = max(8, MOST_ROWS // max(1, len(figure.series)))
    for series in figure.series:
        part = _short(
            columns, [[series.name, label(figure, x), number(series.y[i])] for i, x in enumerate(series.x)], share
        )
        rows += part.rows
        left_out += part.left_out
    return Table(columns, rows, left_out)


def _short(columns: list[str], rows: list[list[str]], most: int = MOST_ROWS) -> Table:
    """At most so many rows, evenly spread, the first and the last among them."""
    if len(rows) <= most:
        return Table(columns, rows)
    kept = sorted({round(i * (len(rows) - 1) / (most - 1)) for i in range(most)})
    return Table(columns, [rows[i] for i in kept], len(rows) - len(kept))


def _sample_table(figure: Figure) -> Table:
    columns = [figure.x_title, "number", "mean", "lowest", "5th percentile", "median", "95th percentile", "highest"]
    rows = []
    for series in figure.series:
        values = np.array([float(x) for x in series.x])
        if values.size == 0:
            rows.append([series.name, "0", *["–"] * 6])
            continue
        quantiles = [float(np.quantile(values, q)) for q in (0, 0.05, 0.5, 0.95, 1)]
        rows.append([series.name, number(values.size), *(number(x) for x in (float(values.mean()), *quantiles))])
    return Table(columns, rows)
