"""`ape run scenario NAME`: play a story, or an experiment of the liquidity lab. `--list` names them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from ape.cli import ConnectedProviderCommand
from ape.logging import LogLevel, logger
from rich.console import Console

from everstock.chain.ape import light_anvil
from everstock.chain.errors import ChainError
from everstock.chain.rpc import RpcChain
from everstock.lab.command import command as experiment_command
from everstock.lab.registry import EXPERIMENTS
from everstock.scenarios import SCENARIOS, Scenario
from everstock.scenarios.prices import PriceDataError, Window


class ScenarioCommand(ConnectedProviderCommand):
    """Connects quietly, to an Anvil that does not record every step of every transaction."""

    def invoke(self, ctx: click.Context) -> Any:
        logger.set_level(LogLevel.WARNING)
        with light_anvil():
            return super().invoke(ctx)


def list_scenarios(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        for heading, items in (("Stories", SCENARIOS), ("Experiments of the liquidity lab", EXPERIMENTS)):
            click.secho(f"{heading}\n", underline=True)
            for item in items.values():
                click.echo(f"{click.style(item.name, bold=True)}  {item.title}")
                click.echo(click.wrap_text(item.description, 100, "  ", "  "))
            click.echo()
        ctx.exit()


def window_of(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Window | None:
    try:
        return Window.parse(value) if value else None
    except PriceDataError as error:
        raise click.BadParameter(str(error)) from None


@click.group()
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=list_scenarios, help="List them.")
def cli() -> None:
    """Play a story on a local chain, and print a ledger that adds up; or an experiment, and print what it found."""


def command(scenario: Scenario) -> click.Command:
    @click.command(scenario.name, cls=ScenarioCommand, help=scenario.description, short_help=scenario.title)
    @click.option(
        "--prices",
        type=click.Path(path_type=Path),
        help="CSV file of daily bars: date, asset, open, high, low, close. Without it: a seeded model.",
    )
    @click.option(
        "--window", callback=window_of, metavar="FROM:TO", help="Days (YYYY-MM-DD), both included. Default: 14."
    )
    @click.option("--seed", default=1, show_default=True, help="Of the prices within a day, or of the model.")
    def play(provider: Any, prices: Path | None, window: Window | None, seed: int) -> None:
        console = Console()
        # Tables need this much; a file has no width of its own.
        console = Console(width=max(console.width, 118) if sys.stdout.isatty() else 140)
        try:
            chain = RpcChain.from_ape(provider, exclusive=True)
            if not chain.is_local:
                raise click.ClickException("a scenario lets days pass: it needs a local chain")
            outcome = scenario.play(chain, console, prices=prices, window=window, seed=seed)
        except (PriceDataError, ChainError) as error:
            raise click.ClickException(str(error)) from error
        if not outcome.adds_up:
            sys.exit(1)

    return play


for _scenario in SCENARIOS.values():
    cli.add_command(command(_scenario))
for _experiment in EXPERIMENTS.values():
    cli.add_command(experiment_command(_experiment))
