"""`ape run scenario NAME`: play a story, or an experiment of the liquidity lab. `--list` names them, and says where."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from ape.cli import ConnectedProviderCommand
from ape.logging import LogLevel, logger
from rich.console import Console

from everstock.chain.ape import chain_id_of, light_anvil
from everstock.chain.base import LOCAL_CHAIN_ID
from everstock.chain.errors import ChainError
from everstock.chain.rpc import RpcChain
from everstock.chain.signer import signer_for
from everstock.deploy.record import Store
from everstock.deploy.terminal import confirm, in_one_line, unlock
from everstock.lab.command import command as experiment_command
from everstock.lab.registry import EXPERIMENTS
from everstock.params import named_for
from everstock.scenarios import SCENARIOS, Scenario
from everstock.scenarios.first_trade import TRANSACTIONS
from everstock.scenarios.prices import PriceDataError, Window
from everstock.scenarios.stage import PATIENCE_SECONDS, NotPlayable, network_stage

ANYWHERE = "On a local chain, or on any network with a recorded deployment and funded accounts."
NETWORK_OPTIONS = ("aliases", "deployment", "patience", "yes")
ON_NETWORKS = [scenario.name for scenario in SCENARIOS.values() if not scenario.needs_time_travel]


class ScenarioCommand(ConnectedProviderCommand):
    """Connects quietly, to an Anvil that does not record every step of every transaction."""

    def invoke(self, ctx: click.Context) -> Any:
        logger.set_level(LogLevel.WARNING)
        with light_anvil():
            return super().invoke(ctx)


def describe(name: str, title: str, description: str) -> None:
    click.echo(f"{click.style(name, bold=True)}  {title}")
    click.echo(click.wrap_text(description, 100, "  ", "  "))


def list_scenarios(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        click.secho("Stories\n", underline=True)
        for scenario in SCENARIOS.values():
            describe(scenario.name, scenario.title, scenario.description)
            click.echo("  " + ("On a local chain: it lets days pass." if scenario.needs_time_travel else ANYWHERE))
        click.secho("\nExperiments of the liquidity lab, on local chains of their own\n", underline=True)
        for experiment in EXPERIMENTS.values():
            describe(experiment.name, experiment.title, experiment.description)
        ctx.exit()


def window_of(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Window | None:
    try:
        return Window.parse(value) if value else None
    except PriceDataError as error:
        raise click.BadParameter(str(error)) from None


@click.group()
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=list_scenarios, help="List them.")
def cli() -> None:
    """Play a story, and print a ledger that adds up; or an experiment, and print what it found."""


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
    def play(provider: Any, prices: Path | None, window: Window | None, seed: int, **others: Any) -> None:
        network = {name: others[name] for name in others if name in NETWORK_OPTIONS}  # ape adds its own
        console = Console()
        # Tables need this much; a file has no width of its own.
        console = Console(width=max(console.width, 118) if sys.stdout.isatty() else 140)
        try:
            if network and (network["deployment"] or chain_id_of(provider) != LOCAL_CHAIN_ID):
                outcome = play_on_network(scenario, provider, console, **network)
            else:
                chain = RpcChain.from_ape(provider, exclusive=True)
                if not chain.is_local:
                    raise click.ClickException(
                        f"{scenario.name} lets days pass: it needs a local chain. On networks: {', '.join(ON_NETWORKS)}"
                    )
                outcome = scenario.play(chain, console, prices=prices, window=window, seed=seed)
        except (PriceDataError, ChainError, NotPlayable) as error:
            raise click.ClickException(str(error)) from error
        if not outcome.adds_up:
            sys.exit(1)

    return play if scenario.needs_time_travel else on_networks(play)


def on_networks(play: click.Command) -> click.Command:
    """The options of a story that needs no time travel."""
    for option in (
        click.Option(["--account", "aliases"], multiple=True, metavar="NAME", help="Of ape's; up to four, in turn."),
        click.Option(["--deployment"], help="File below deployments/. Default: the one of the connected network."),
        click.Option(["--patience"], default=PATIENCE_SECONDS, show_default=True, help="Seconds to wait for a print."),
        click.Option(["--yes"], is_flag=True, help="Do not ask, on a testnet."),
    ):
        play.params.append(option)
    return play


def play_on_network(
    scenario: Scenario,
    provider: Any,
    console: Console,
    *,
    aliases: tuple[str, ...],
    deployment: str | None,
    patience: int,
    yes: bool,
) -> Any:
    """With the recorded deployment of the connected network, and accounts that sign for themselves."""
    assert scenario.on_network is not None
    with in_one_line():
        record = Store().load(deployment or named_for(chain_id_of(provider)))
        confirm(record.chain_id, record.network, TRANSACTIONS, yes)
        accounts = [load_account(alias) for alias in aliases]
        for account in accounts:
            unlock(account)
        uri = str(getattr(provider, "http_uri", None) or provider.uri)
        signers = [signer_for(account, provider) for account in accounts]
        return scenario.on_network(network_stage(uri, record, signers, patience=patience), console)


def load_account(alias: str) -> Any:
    from ape import accounts

    try:
        return accounts.load(alias)
    except KeyError:
        raise click.ClickException(f"ape knows no account {alias!r}: `ape accounts list` names them") from None


for _scenario in SCENARIOS.values():
    cli.add_command(command(_scenario))
for _experiment in EXPERIMENTS.values():
    cli.add_command(experiment_command(_experiment))
