"""2,000 orders and 200 liquidations through nodes that fail, reorganisations and keepers that die."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from everstock.chain.anvil import AnvilNode
from everstock.chain.base import Chain
from everstock.report.ledger import TokenLedger
from everstock.scenarios.prices import Window
from everstock.testing.chaos import Chaos, ChaosFailed, ChaosWorld, Tally

TITLE = "Orders and liquidations, with keepers that die, nodes that fail and blocks that vanish"
DESCRIPTION = (
    "Two keepers work against a node of the scenario's own. One request in five fails, half of those after it was "
    "done; keepers are killed at random requests and begin again from the chain alone; every few blocks up to three "
    "are undone. In the end each order was executed once, each exhausted account liquidated once, each fee paid once."
)


@dataclass
class Outcome:
    """What happened. The check is of events and balances, not of a ledger by owner."""

    tally: Tally
    fault: str = ""
    ledgers: list[TokenLedger] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        return not self.fault


def play(
    chain: Chain,
    console: Console,
    *,
    prices: Path | None = None,
    window: Window | None = None,
    seed: int = 1,
    chaos: Chaos | None = None,
) -> Outcome:
    """Prices wander by themselves here: `chain`, `prices` and `window` are not used."""
    chaos = chaos or Chaos(seed=seed)
    columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        AnvilNode() as node,
        node.chain() as own,
        Progress(*columns, console=console, transient=True) as bar,
    ):
        task = bar.add_task("deploy")
        world = ChaosWorld(
            own,
            node.uri,
            chaos,
            lambda what, done, total: bar.update(task, description=what, completed=done, total=total),
        )
        fault = ""
        try:
            world.prepare()
            world.run()
        except ChaosFailed as error:
            fault = str(error)
    console.print(_table(chaos, world.tally))
    console.print(f"[red]{fault}[/red]" if fault else "Every order, liquidation, fee and reward happened exactly once.")
    return Outcome(world.tally, fault)


def _table(chaos: Chaos, tally: Tally) -> Table:
    table = Table(title=f"Chaos, seed {chaos.seed}", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column("what")
    table.add_column("count", justify="right")
    rows = {
        "orders executed, liquidations": f"{tally.executed:,}, {tally.liquidated:,}",
        "requests": f"{tally.requests:,}",
        "of which failed": f"{tally.failures:,} ({tally.failures / max(tally.requests, 1):.0%})",
        "keepers killed": f"{tally.kills:,}",
        "reorganisations (blocks undone)": f"{tally.reorganisations:,} ({tally.blocks_undone:,})",
        "passes that a failure ended": f"{tally.failed_passes:,}",
        **{f"refused on chain: {name}": f"{count:,}" for name, count in sorted(tally.refused.items())},
    }
    for what, count in rows.items():
        table.add_row(what, count)
    return table
