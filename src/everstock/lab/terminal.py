"""A page on the terminal: tables, the finding, and the checks."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from everstock.lab.charts import label, number
from everstock.lab.page import Check, Figure, Grid, Mark, Page
from everstock.lab.runner import Played


def show(page: Page, console: Console) -> None:
    console.print()
    console.print(Text(page.title, "bold"))
    console.print(Text(page.question, "dim"))
    for part in (*map(grid_table, page.grids), *map(figure_table, page.figures)):
        console.print()
        console.print(part, highlight=False)
    console.print()
    console.print(checks_table(page.checks), highlight=False)
    for note in page.notes:
        console.print(Text(f"· {note}", "dim"))
    console.print()
    console.print(Padding(Text(page.finding, "bold"), (0, 0, 1, 0)))


def grid_table(grid: Grid) -> RenderableType:
    table = _table(grid.title)
    for i, column in enumerate(grid.columns):
        table.add_column(escape(column), justify="left" if i == 0 else "right")
    for row in grid.rows:
        table.add_row(*map(escape, row))
    return Group(table, Text(grid.note, "dim")) if grid.note else table


def figure_table(figure: Figure) -> RenderableType:
    """Where each curve begins and ends, and between what; the browser shows the rest."""
    table = _table(f"{figure.title}: {figure.y_title}, by {figure.x_title}")
    for column in ("series", "points", "from", "first", "lowest", "highest", "last", "to"):
        table.add_column(column, justify="left" if column == "series" else "right")
    for series in figure.series:
        if series.mark is Mark.HISTOGRAM:
            ys = sorted(float(x) for x in series.x)
            ends = ("", "")
        else:
            ys = list(series.y)
            ends = (label(figure, series.x[0]), label(figure, series.x[-1])) if len(series.x) else ("", "")
        if not len(ys):
            continue
        low, high = min(ys), max(ys)
        cells = (number(ys[0]), number(low), number(high), number(ys[-1]))
        table.add_row(escape(series.name), number(len(ys)), ends[0], *cells, ends[1])
    return table


def checks_table(checks: Sequence[Check]) -> RenderableType:
    table = _table("Checks")
    table.add_column("")
    table.add_column("claim", overflow="fold")
    table.add_column("measured", overflow="fold")
    for check in checks:
        sign = "[green]✓[/green]" if check.held else "[bold red]✗ NOT HELD[/bold red]"
        table.add_row(sign, Text(check.claim, "" if check.held else "bold red"), escape(check.figure))
    return table


def summary(played: Sequence[Played]) -> RenderableType:
    """One line an experiment: what it found, what held, how long it took."""
    table = _table("")
    table.add_column("experiment", no_wrap=True)
    table.add_column("finding", overflow="fold")
    table.add_column("checks", justify="right", no_wrap=True)
    table.add_column("seconds", justify="right")
    for each in played:
        held, count = sum(check.held for check in each.page.checks), len(each.page.checks)
        style = "green" if held == count else "bold red"
        table.add_row(
            each.page.slug, escape(each.page.finding), f"[{style}]{held} of {count}[/{style}]", f"{each.seconds:.0f}"
        )
    broken = [(each.page, check) for each in played for check in each.page.checks if not check.held]
    lines = [Text(f"✗ {page.slug}: {check.claim} — measured: {check.figure}", "bold red") for page, check in broken]
    return Group(table, *lines)


def _table(title: str) -> Table:
    return Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
