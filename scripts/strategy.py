"""`ape run strategy NAME`: what an option strategy costs and pays, and, unless it is a dry run, trade it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from everstock.chain.ape import QuietCommand
from everstock.chain.base import START_TIME
from everstock.chain.errors import ChainError
from everstock.chain.rpc import RpcChain
from everstock.client import MarginToken, OrderDesk, System
from everstock.client.system import UnknownName
from everstock.deploy import deploy_system
from everstock.deploy.record import NoRecord, Store
from everstock.deploy.release import connect
from everstock.params import UnknownNetwork, load, named_for
from everstock.scenarios.world import align
from everstock.strategies import STRATEGIES, Recipe, Request, Strategy, chart, figure, summary_table


class Amount(click.ParamType):
    """A decimal number above 0."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value} is not a number", param, ctx)
        if not found > 0:
            self.fail(f"{value} is not above 0", param, ctx)
        return found


OPENING = START_TIME + 86_400
"""A Tuesday's: exchanges close on many a Monday."""


@click.group()
def cli() -> None:
    """Cost, break-evens, margin, funding and picture of a strategy; then trade it in one order, all legs or none.

    On a local chain a system with liquidity is deployed to try on; on a network the recorded deployment is used.
    """


def command(recipe: Recipe) -> click.Command:
    @click.command(recipe.name, cls=QuietCommand, help=f"{recipe.name}: {recipe.purpose}.", short_help=recipe.purpose)
    @click.option("--margin", default="TSLA.M", show_default=True, help="Margin token.")
    @click.option("--market", default="BTC-7D", show_default=True, help="Market of the first leg.")
    @click.option("--against", help="Second market, for strategies of two.")
    @click.option("--notional", type=Amount(), default="100", show_default=True, help="Of each leg, in margin tokens.")
    @click.option("--width", type=Amount(), default="0.05", show_default=True, help="Outer strikes, share of spot.")
    @click.option("--deployment", help="Name of the recorded deployment; default: the network's.")
    @click.option("--owner", help="Address to trade for; an account of ape's on a public network.")
    @click.option("--picture", type=click.Path(path_type=Path), help="Also write the payoff to this HTML file.")
    @click.option("--dry-run", is_flag=True, help="Show, and trade nothing.")
    def run(
        provider: Any,
        margin: str,
        market: str,
        against: str | None,
        notional: Decimal,
        width: Decimal,
        deployment: str | None,
        owner: str | None,
        picture: Path | None,
        dry_run: bool,
    ) -> None:
        console = Console()
        try:
            chain = RpcChain.from_ape(provider)
            local = chain.is_local and deployment is None
            system = (
                playground(chain, margin, notional) if local else opened(chain, deployment or named_for(chain.chain_id))
            )
            token = system.token(margin)
            second = None if against is None else system.market(against)
            strategy = recipe.make(Request(token, system.market(market), notional, width, second))
            trader = owner or chain.account("strategist")
            valuation = strategy.value(trader)
            console.print(summary_table(valuation))
            console.print(chart(valuation))
            if picture is not None:
                figure(valuation).write_html(picture, include_plotlyjs="cdn")
                console.print(f"Wrote {picture}.")
            if valuation.refusals:
                raise click.ClickException("; ".join(valuation.refusals))
            if dry_run:
                console.print("A dry run: nothing was traded.")
            else:
                trade(console, system, strategy, trader, token, local)
        except (ChainError, UnknownName, NoRecord, UnknownNetwork, ValueError) as error:
            raise click.ClickException(str(error)) from error

    return run


def playground(chain: RpcChain, margin: str, notional: Decimal) -> System:
    """A system with pools that can sell a hundred times the notional, and a strategist who can pay.

    It begins at an opening of New York, so that stocks have a price at any hour.
    """
    align(chain, OPENING)
    system = deploy_system(chain, load("strategies"))
    token, lp, strategist = system.token(margin), chain.account("lp"), chain.account("strategist")
    size = notional * 100
    token.mint(lp, size * 4)
    token.main.deposit(lp, size * 3)
    token.insurance.deposit(lp, size)
    token.mint(strategist, notional * 4)
    token.trader(strategist).deposit(notional * 2)
    return system


def opened(chain: RpcChain, name: str) -> System:
    return connect(chain, Store().load(name))


def trade(console: Console, system: System, strategy: Strategy, owner: str, token: MarginToken, local: bool) -> None:
    """Commit the order; on a local chain also let the next price arrive and a keeper execute it."""
    valuation = strategy.value(owner)
    desk = OrderDesk(token, owner)
    desk.authorise()
    strategy.lend(owner)
    order = strategy.order(owner, valuation)
    desk.commit(order)
    console.print(f"Committed order 0x{order.digest(system.orders).hex()}: it executes at the next price.")
    if not local:
        return
    system.chain.warp(5)
    for market in strategy.markets:
        market.asset.publish(market.price_usd)
    receipt = desk.execute(order, system.chain.account("keeper"))
    for event in receipt.events_named("Open"):
        paid, fee = token.amount(event["premium"]), token.amount(event["fee"])
        console.print(
            f"Opened {token.amount(event['notional']):,} at a premium of {paid:,.4f} and a fee of {fee:,.4f}."
        )


for _recipe in STRATEGIES.values():
    cli.add_command(command(_recipe))
