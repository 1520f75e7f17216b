"""`python -m everstock.lab`: play every experiment, and write build/report/index.html and report.json."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from everstock.artifacts import find_root
from everstock.lab import runner, terminal
from everstock.lab.experiment import Setting
from everstock.lab.registry import EXPERIMENTS
from everstock.scenarios.prices import PriceDataError, Window

WIDTH = 140


@click.command()
@click.option("--prices", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Daily bars to replay.")
@click.option("--window", metavar="FROM:TO", help="Days (YYYY-MM-DD) of those bars, both included.")
@click.option("--seed", default=1, show_default=True)
@click.option("--only", multiple=True, metavar="NAME", help="Only these experiments (commas, or several times).")
@click.option("--quick", is_flag=True, help="Fewer agents, days and paths.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Default: build/report.")
def main(
    prices: Path | None, window: str | None, seed: int, only: tuple[str, ...], quick: bool, out: Path | None
) -> None:
    """Play the experiments of the liquidity lab, each on a chain of its own, and write the report."""
    names = [name for part in only for name in part.split(",")] or list(EXPERIMENTS)
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        raise click.BadParameter(f"no experiment {unknown[0]!r}: there are {', '.join(EXPERIMENTS)}")
    try:
        days = Window.parse(window) if window else None
    except PriceDataError as error:
        raise click.BadParameter(str(error)) from None
    setting = Setting(seed, prices.resolve() if prices else None, days, quick)
    console = Console()
    console = Console(width=max(console.width, WIDTH) if sys.stdout.isatty() else WIDTH)
    began = time.monotonic()
    played = _played(names, setting, console)
    for each in played:
        if each.error:
            console.print(each.error, style="red", highlight=False, markup=False)
    console.print(terminal.summary(played), highlight=False)
    pages = [each.page for each in played]
    target = runner.write(pages, setting, out or find_root() / runner.REPORT)
    console.print(f"{time.monotonic() - began:.0f} seconds in all. Open {target}", highlight=False)
    sys.exit(not all(page.holds for page in pages))


def _played(names: list[str], setting: Setting, console: Console) -> list[runner.Played]:
    columns = (TextColumn("{task.description}"), BarColumn(40), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        overall = bar.add_task("[bold]all experiments[/bold]", total=float(len(names)))
        tasks = {name: bar.add_task(name, total=1.0, start=False) for name in names}
        parts = dict.fromkeys(names, 0.0)

        def told(name: str, done: float) -> None:
            if not parts[name]:
                bar.start_task(tasks[name])
            parts[name] = max(parts[name], min(1.0, done))
            bar.update(tasks[name], completed=parts[name])
            bar.update(overall, completed=sum(parts.values()))

        return runner.play_all([EXPERIMENTS[name] for name in names], setting, told)


if __name__ == "__main__":
    main()
