"""`ape run keeper`: do what needs doing on a live network, for the fees the contracts pay."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from ape.logging import LogLevel, logger

from everstock.chain.ape import QuietCommand, chain_id_of
from everstock.chain.errors import ChainError
from everstock.chain.signer import signer_for
from everstock.deploy.record import NoRecord, Store
from everstock.keeper import Runner
from everstock.keeper.config import KeeperConfig
from everstock.keeper.live import live_keeper, set_up_logging
from everstock.params import UnknownNetwork, named_for


@click.command(cls=QuietCommand)
@click.option("--deployment", help="Name of the recorded deployment; default: the connected chain's.")
@click.option("--account", help="Alias of the ape account that pays the gas and earns the fees.")
@click.option("--endpoint", multiple=True, help="More nodes of the network, for when the first fails. May be repeated.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.option("--once", is_flag=True, help="One pass, then end.")
@click.option("--poll-seconds", default=1.0, show_default=True, help="Between looks for a new block.")
@click.option("--idle-seconds", default=15.0, show_default=True, help="A pass at least this often, new block or not.")
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Settings, in YAML.")
@click.option("--min-profit-usd", type=str, help="Do a paid duty only for this much more than its gas.")
@click.option("--paid-only", is_flag=True, help="Leave duties that pay nobody to others; pokes excepted.")
@click.option("--metrics-port", type=int, help="Serve Prometheus metrics on this port of the loopback interface.")
@click.option("--json-logs", is_flag=True, help="One JSON object a line.")
def cli(
    provider: Any,
    deployment: str | None,
    account: str | None,
    endpoint: tuple[str, ...],
    dry_run: bool,
    once: bool,
    poll_seconds: float,
    idle_seconds: float,
    config: Path | None,
    min_profit_usd: str | None,
    paid_only: bool,
    metrics_port: int | None,
    json_logs: bool,
) -> None:
    """Poke, execute orders, liquidate options and loans, exercise, settle, execute redemptions, pay out ended markets,
    evict dust, collect fees; with a venue in its configuration also arbitrage between a token's and its share's price.

    It keeps no database: kill it, restart it, run several. The deployment is read from its record, the rest from the
    chain. Stops after the pass under way on SIGTERM or Ctrl-C.
    """
    set_up_logging(json_logs)
    try:
        record = Store().load(deployment or named_for(chain_id_of(provider)))
        settings = KeeperConfig() if config is None else KeeperConfig.read(config)
        profit = None if min_profit_usd is None else Decimal(min_profit_usd)
        settings = settings.but(min_profit_usd=profit, unpaid=False if paid_only else None)
        keeper = live_keeper(
            [getattr(provider, "http_uri", None) or provider.uri, *endpoint],
            record,
            _signer(account, provider),
            config=settings,
            dry_run=dry_run,
        )
        if metrics_port is not None:
            keeper.metrics.serve(metrics_port)
        runner = Runner(keeper, poll_seconds=poll_seconds, idle_seconds=idle_seconds)
        if once:
            runner.once()
        else:
            runner.run()
    except (ChainError, NoRecord, UnknownNetwork, ValueError, ArithmeticError) as error:
        raise click.ClickException(str(error)) from error


def _signer(alias: str | None, provider: Any) -> Any:
    if alias is None:
        return None
    from ape import accounts

    account = accounts.load(alias)
    logger.set_level(LogLevel.ERROR)  # that it signs by itself is what a keeper is for
    account.set_autosign(True)
    return signer_for(account, provider)
