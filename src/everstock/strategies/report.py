"""A strategy on paper: a table with units, a chart of lines for the terminal, a figure for the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from everstock.strategies.strategy import Valuation

if TYPE_CHECKING:
    import plotly.graph_objects as go

WIDTH, HEIGHT = 72, 15
REACH = 0.25
LATER_DAYS = 7


def summary_table(valuation: Valuation) -> Table:
    """Legs, cost, margin, funding and break-evens."""
    strategy = valuation.strategy
    symbol = strategy.token.symbol
    table = Table(title=f"{strategy.name} on {symbol}", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column("what")
    table.add_column(symbol, justify="right")
    for cost in valuation.costs:
        table.add_row(f"buy {cost.leg} on {cost.leg.notional:,}: premium", f"{cost.premium:,.4f}")
    if strategy.lent:
        table.add_row("lent to the pools, main 3 : 1 insurance", f"{strategy.lent:,.4f}")
    for market, held in strategy.exposure.items():
        table.add_row(f"exposure to {market} held elsewhere", f"{held:,.4f}")
    table.add_row("fees", f"{valuation.fee:,.4f}")
    table.add_row("margin that stays locked", f"{valuation.margin:,.4f}")
    table.add_row("margin to bring", f"{valuation.needed:,.4f}")
    table.add_row("funding and rent per day, at today's speed", f"{valuation.funding_per_day:,.4f}")
    for market in valuation.spots:
        for days, when in ((0, "now"), (LATER_DAYS, f"after {LATER_DAYS} days of funding")):
            prices = (
                ", ".join(f"{price:,.2f} USD" for price in valuation.break_evens(market, days)) or "none within ±50%"
            )
            table.add_row(f"break-even in {market} {when}", prices)
    return table


def chart(valuation: Valuation, width: int = WIDTH, height: int = HEIGHT) -> Text:
    """Profit and loss against the first market's price: now (●) and after a week of funding (·)."""
    market = next(iter(valuation.spots))
    factors = [1 - REACH + 2 * REACH * column / (width - 1) for column in range(width)]
    lines = [
        (days, mark, [valuation.profit({market: f}, days) for f in factors])
        for days, mark in ((LATER_DAYS, "·"), (0, "●"))
    ]
    top = max(max(points) for _, _, points in lines)
    bottom = min(min(points) for _, _, points in lines)
    top, bottom = max(top, 0.0), min(bottom, 0.0)
    span = (top - bottom) or 1.0

    def row_of(value: float) -> int:
        return round((top - value) / span * (height - 1))

    zero = row_of(0.0)
    grid = [["─" if row == zero else " "] * width for row in range(height)]
    for _, mark, points in lines:
        for column, value in enumerate(points):
            grid[row_of(value)][column] = mark
    label = max(len(f"{top:,.2f}"), len(f"{bottom:,.2f}"))
    text = Text()
    for row, cells in enumerate(grid):
        edge = {0: f"{top:,.2f}", height - 1: f"{bottom:,.2f}", zero: "0"}.get(row, "")
        text.append(f"{edge:>{label}} │{''.join(cells)}\n", "green" if row < zero else "red" if row > zero else "")
    spot = valuation.spots[market]
    left, middle, right = (f"{spot * f:,.0f}" for f in (1 - REACH, 1, 1 + REACH))
    gap = width - len(left) - len(right) - len(middle)
    text.append(f"{'':>{label}}  {left}{' ' * (gap // 2)}{middle}{' ' * (gap - gap // 2)}{right}\n")
    symbol = valuation.strategy.token.symbol
    text.append(
        f"{symbol} won or lost, by the price of {market} in USD: ● now, · after {LATER_DAYS} days of funding\n", "dim"
    )
    return text


def figure(valuation: Valuation) -> go.Figure:
    """The same for a browser: one line a market, now and after a week."""
    import plotly.graph_objects as go

    picture = go.Figure()
    factors = [1 - REACH + 2 * REACH * i / 200 for i in range(201)]
    for market in valuation.spots:
        for days, dash in ((0, "solid"), (LATER_DAYS, "dot")):
            points = [valuation.profit({market: factor}, days) for factor in factors]
            name = f"{market}, {'now' if not days else f'after {days} days'}"
            picture.add_scatter(x=[100 * (f - 1) for f in factors], y=points, name=name, line={"dash": dash})
    symbol = valuation.strategy.token.symbol
    picture.update_layout(
        title=f"{valuation.strategy.name} on {symbol}",
        xaxis_title="move of the underlying, %",
        yaxis_title=f"profit and loss, {symbol}",
        template="plotly_white",
    )
    return picture
