"""`ape run attacks`: play the attacks of docs/attacks.md against the contracts, on a local chain."""

from __future__ import annotations

import sys
from typing import Any

import click
from ape.cli import ConnectedProviderCommand
from ape.logging import LogLevel, logger
from rich.console import Console
from rich.progress import Progress

from everstock.attacks import ATTACKS, Stage, play
from everstock.attacks.page import table
from everstock.chain.ape import light_anvil
from everstock.chain.rpc import RpcChain

WIDTH = 160


class AttacksCommand(ConnectedProviderCommand):
    """Connects quietly, to an Anvil that does not record every step of every transaction."""

    def invoke(self, ctx: click.Context) -> Any:
        logger.set_level(LogLevel.WARNING)
        with light_anvil(prune=False):
            return super().invoke(ctx)


@click.command(cls=AttacksCommand)
@click.option(
    "--only", multiple=True, type=click.Choice([str(number) for number in ATTACKS]), help="Number; repeatable."
)
def cli(provider: Any, only: tuple[str, ...]) -> None:
    """Play the attacks that earlier drafts fell to. Fails if one of them pays. A few minutes."""
    console = Console()
    console = Console(width=max(console.width, WIDTH) if sys.stdout.isatty() else WIDTH)
    chain = RpcChain.from_ape(provider, exclusive=True)
    if not chain.is_local:
        raise click.ClickException("attacks let days pass: they need a local chain")
    stage, results = Stage(chain), []
    numbers = sorted(int(number) for number in only) or sorted(ATTACKS)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Attacks", total=len(numbers))
        for number in numbers:
            progress.update(task, description=ATTACKS[number].title)
            results.append((ATTACKS[number], list(play(stage, ATTACKS[number]))))
            progress.advance(task)
    console.print(table(results))
    sys.exit(not all(line.holds for _, lines in results for line in lines))
