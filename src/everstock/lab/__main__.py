"""`python -m everstock.lab`: play every experiment, and write build/report/index.html and report.json."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from rich.console import Console

from everstock.artifacts import find_root
from everstock.lab import command, runner, terminal
from everstock.lab.experiment import Setting
from everstock.lab.registry import EXPERIMENTS
from everstock.scenarios.prices import Window


@click.command()
@command.PRICES
@command.WINDOW
@command.SEED
@click.option("--only", multiple=True, metavar="NAME", help="Only these experiments (commas, or several times).")
@command.QUICK
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder. Default: build/report.")
def main(
    prices: Path | None, window: Window | None, seed: int, only: tuple[str, ...], quick: bool, out: Path | None
) -> None:
    """Play the experiments of the liquidity lab, each on a chain of its own, and write the report."""
    names = list(dict.fromkeys(name for part in only for name in part.split(","))) or list(EXPERIMENTS)
    for name in names:
        if name not in EXPERIMENTS:
            raise click.BadParameter(f"no experiment {name!r}: there are {', '.join(EXPERIMENTS)}", param_hint="--only")
    setting = Setting(seed, prices, window, quick)
    console = command.console()
    began = time.monotonic()
    played = _played(names, setting, console)
    for each in played:
        if each.error:
            console.print(each.error, style="red", highlight=False, markup=False)
    console.print(terminal.summary(played), highlight=False)
    pages = [each.page for each in played]
    target = runner.write(pages, setting, out or find_root() / runner.REPORT)
    console.print(f"{time.monotonic() - began:.0f} seconds in all. Open {target}", highlight=False, soft_wrap=True)
    sys.exit(not all(page.holds for page in pages))


def _played(names: list[str], setting: Setting, console: Console) -> list[runner.Played]:
    with command.progress(console) as bar:
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
