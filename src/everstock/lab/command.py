"""An experiment as a command: `ape run scenario NAME`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from everstock.lab import html, runner, terminal
from everstock.lab.experiment import Experiment, Setting
from everstock.scenarios.prices import PriceDataError, Window

WIDTH = 140


def console() -> Console:
    """Tables need a width; a file has none of its own."""
    own = Console()
    return Console(width=max(own.width, 118) if sys.stdout.isatty() else WIDTH)


def progress(on: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(40), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=on, transient=True)


def window_of(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Window | None:
    try:
        return Window.parse(value) if value else None
    except PriceDataError as error:
        raise click.BadParameter(str(error)) from None


PRICES = click.option(
    "--prices",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV file of daily bars: date, asset, open, high, low, close. Without it: a seeded model.",
)
WINDOW = click.option("--window", callback=window_of, metavar="FROM:TO", help="Days (YYYY-MM-DD), both included.")
SEED = click.option("--seed", default=1, show_default=True, help="Of the agents, and of the prices or the model.")
QUICK = click.option("--quick", is_flag=True, help="Fewer agents, days and paths.")


def command(experiment: Experiment) -> click.Command:
    """Plays it on an Anvil of its own, and shows its page; fails when a check does not hold."""

    @click.command(experiment.name, help=experiment.description, short_help=experiment.title)
    @PRICES
    @WINDOW
    @SEED
    @QUICK
    @click.option("--html", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write the page there, too.")
    def play(prices: Path | None, window: Window | None, seed: int, quick: bool, file: Path | None) -> None:
        setting = Setting(seed, prices, window, quick)
        on = console()
        with progress(on) as bar:
            task = bar.add_task(experiment.name, total=1.0)
            played = runner.play(experiment, setting, lambda done: bar.update(task, completed=done))
        if played.error:
            on.print(played.error, style="red", highlight=False, markup=False)
        terminal.show(played.page, on)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(html.render([played.page], runner.about(setting)), encoding="utf-8")
            on.print(f"Open {file}", highlight=False)
        on.print(f"[dim]{played.seconds:.0f} seconds[/dim]", highlight=False)
        if not played.page.holds:
            sys.exit(1)

    return play
