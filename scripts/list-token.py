"""`ape run list-token --network base:mainnet:node …`: check a token, rehearse its listing, prepare the calls."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from ape.cli import ConnectedProviderCommand

from everstock.chain.codec import address_of
from everstock.deploy.listing import NotListable, examine, write_batches
from everstock.deploy.record import Store
from everstock.deploy.release import connect
from everstock.deploy.terminal import Terminal, in_one_line, open_chain
from everstock.params import Token, named_for


@click.command(cls=ConnectedProviderCommand)
@click.option("--record", "name", help="File below deployments/. Default: the one of the connected chain.")
@click.option("--symbol", required=True, help="As the token itself says.")
@click.option("--token", "address", required=True, metavar="ADDRESS", help="The token.")
@click.option("--decimals", default=18, show_default=True, help="Of the token, 6 to 18.")
@click.option("--min-notional", required=True, type=Decimal, help="Smallest position: about 250 USD's worth.")
@click.option("--price-usd", required=True, type=Decimal, help="Of one token, to see what the minimum is worth.")
@click.option("--holder", required=True, metavar="ADDRESS", help="Whose tokens the rehearsal uses, on a fork.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("deployments"), help="Folder for the batches.")
def cli(
    provider: Any,
    name: str | None,
    symbol: str,
    address: str,
    decimals: int,
    min_notional: Decimal,
    price_usd: Decimal,
    holder: str,
    out: Path,
) -> None:
    """Check a margin token, rehearse its listing on a fork, and write the governor's calls."""
    terminal = Terminal()
    with in_one_line():
        spec = Token(
            name=symbol, decimals=decimals, min_notional=min_notional, price_usd=price_usd, address=address_of(address)
        )
        chain = open_chain(provider)
        record = Store().load(name or named_for(chain.chain_id))
        with terminal.console.status("Rehearsing on a fork"):
            examination = examine(chain, record, spec, symbol, address_of(holder))
        if not terminal.findings(examination.findings):
            raise click.ClickException(str(NotListable(f"{symbol} may not be listed as asked")))
        paths = write_batches(examination, record, connect(chain, record), symbol, out)
        files = ", ".join(str(path) for path in paths)
        count, delay = len(examination.calls), examination.delay_seconds
        terminal.console.print(f"\n{count} calls for the governor, after a delay of {delay} seconds: {files}")
