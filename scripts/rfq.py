"""`ape run rfq`: quote a stock token around the oracle's price, over HTTP and WebSocket."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import click
from aiohttp import web

from everstock.chain.ape import QuietCommand
from everstock.chain.errors import ChainError
from everstock.chain.rpc import RpcChain
from everstock.deploy.record import NoRecord, Store
from everstock.deploy.release import connect
from everstock.params import UnknownNetwork, named_for
from everstock.rfq import Maker, MakerPolicy, Server

KEY = "EVERSTOCK_MAKER_KEY"


@click.command(cls=QuietCommand)
@click.option("--deployment", help="Name of the recorded deployment; default: the connected chain's.")
@click.option("--endpoint", multiple=True, help="More nodes of the network, for when the first fails. May be repeated.")
@click.option("--pay-token", default="USDX", show_default=True, help="Name of the pay token in the parameters.")
@click.option("--issuance", is_flag=True, help="Quote as the issuer: mint what is sold, burn what is bought.")
@click.option("--half-spread", default="0.001", show_default=True, help="Share of the price, each way.")
@click.option("--max-value-usd", default="100000", show_default=True, help="Of one quote.")
@click.option("--validity-seconds", default=15, show_default=True, help="How long a quote is good.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True)
def cli(
    provider: Any,
    deployment: str | None,
    endpoint: tuple[str, ...],
    pay_token: str,
    issuance: bool,
    half_spread: str,
    max_value_usd: str,
    validity_seconds: int,
    host: str,
    port: int,
) -> None:
    """Serve signed quotes. The signing key is read from the environment variable EVERSTOCK_MAKER_KEY.

    The key signs thousands of quotes a day, so it is a hot one: it should hold one day's inventory, and governance's
    limit for it is what its theft can cost.
    """
    key = os.environ.get(KEY)
    if not key:
        raise click.ClickException(f"set {KEY} to the signer's private key, in hexadecimal")
    try:
        uri = str(getattr(provider, "http_uri", None) or provider.uri)
        chain = RpcChain([uri, *endpoint], public=True)
        system = connect(chain, Store().load(deployment or named_for(chain.chain_id))).on(chain)
        policy = MakerPolicy(
            half_spread=Decimal(half_spread), max_value_usd=Decimal(max_value_usd), validity_seconds=validity_seconds
        )
        maker = Maker(system, bytes.fromhex(key.removeprefix("0x")), pay_token, policy, issuance=issuance)
    except (ChainError, NoRecord, UnknownNetwork, ValueError, KeyError, ArithmeticError) as error:
        raise click.ClickException(str(error)) from error
    server = Server(maker)
    click.echo(f"Quotes as {maker.address} in {pay_token} at http://{host}:{port}, until Ctrl-C.")
    web.run_app(server.app, host=host, port=port, print=None)
