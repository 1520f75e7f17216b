"""`ape run issuer COMMAND --network base:sepolia:node --account NAME`: an issuer's duties, on a recorded deployment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import click
from ape.cli import ConnectedProviderCommand, account_option
from rich.console import Console
from rich.table import Table

from everstock.chain.receipt import Receipt
from everstock.client.issuer import Issuer, SettlementSide, record_day
from everstock.deploy.record import Store
from everstock.deploy.release import connect
from everstock.deploy.terminal import in_one_line, open_chain, unlock
from everstock.params import named_for


class DecimalType(click.ParamType):
    """A decimal number, exactly as written."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            return Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is no number", param, ctx)


class Ratio(click.ParamType):
    """`3:1`: three shares for one."""

    name = "ratio"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        new, colon, old = str(value).partition(":")
        if not (colon and new.isdigit() and old.isdigit() and int(new) and int(old) and new != old):
            self.fail(f"{value!r} is no ratio: write new:old, as 3:1, or 1:10 for a reverse split", param, ctx)
        return int(new), int(old)


NUMBER, RATIO = DecimalType(), Ratio()
DAY = click.DateTime(["%Y-%m-%d"])
INSTANT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d"])


@click.group()
def cli() -> None:
    """Corporate actions, custody, settlement, dividends and ballots of a stock token."""


def command(name: str, *options: Callable[[Any], Any]) -> Callable[[Callable[..., None]], click.Command]:
    """A command that gets the issuer of `--token` first."""

    def wrap(act: Callable[..., None]) -> click.Command:
        def run(provider: Any, account: Any, symbol: str, record: str | None, **arguments: Any) -> None:
            with in_one_line():
                chain = open_chain(provider, account)
                system = connect(chain, Store().load(record or named_for(chain.chain_id)))
                unlock(account)
                act(Issuer(system.token(symbol), chain.sender_of(None)), **arguments)

        decorated: Callable[..., None] = run
        for option in reversed(options):
            decorated = option(decorated)
        decorated = click.option("--record", help="File below deployments/. Default: the connected chain's.")(decorated)
        decorated = click.option("--token", "symbol", required=True, metavar="SYMBOL", help="As TSLA.M.")(decorated)
        decorated = account_option()(decorated)
        made = click.command(name, cls=ConnectedProviderCommand, help=act.__doc__)(decorated)
        cli.add_command(made)
        return made

    return wrap


def tell(text: str, receipt: Receipt | None = None) -> None:
    Console(highlight=False).print(text + (f"  [dim]{receipt.tx_hash}[/dim]" if receipt else ""))


def utc(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value else None


at = click.option("--at", type=INSTANT, help="UTC, as 2026-08-25T04:00. Default: as soon as the notice allows.")


@command("announce-split", click.argument("ratio", type=RATIO), at)
def announce_split(issuer: Issuer, ratio: tuple[int, int], at: datetime | None) -> None:
    """Announce a split (3:1) or a reverse split (1:10). It takes effect by itself."""
    receipt = issuer.announce_split(*ratio, at=utc(at))
    _announced(issuer, receipt)


@command("announce-reinvestment", click.argument("part", type=NUMBER), at)
def announce_reinvestment(issuer: Issuer, part: Decimal, at: datetime | None) -> None:
    """Announce that a dividend of PART of the share's price (0.004 is 0.4%) goes into more shares."""
    _announced(issuer, issuer.announce_reinvestment(part, at=utc(at)))


def _announced(issuer: Issuer, receipt: Receipt) -> None:
    event = receipt.event("AnnounceAction")
    when = datetime.fromtimestamp(event["effectiveAt"], UTC)
    new = Decimal(event["newMultiplier"]).scaleb(-18)
    tell(f"From {when:%Y-%m-%d %H:%M} UTC one {issuer.token.symbol} stands for {new:f} shares.", receipt)


@command("cancel-action")
def cancel_action(issuer: Issuer) -> None:
    """Take back what was announced and is not in force yet."""
    tell("Cancelled.", issuer.cancel_action())


@command("announce-record-date", click.argument("day", type=DAY))
def announce_record_date(issuer: Issuer, day: datetime) -> None:
    """Balances will be known at the midnight UTC that begins DAY (YYYY-MM-DD), a day ahead at least."""
    number = issuer.announce_record_date(day.date())
    tell(f"Record day {number}: {day:%Y-%m-%d} 00:00 UTC.")


@command(
    "attest",
    click.argument("shares", type=NUMBER),
    click.option("--as-of", type=INSTANT, help="When they were counted, UTC. Default: now."),
    click.option("--report", default="0x" + "00" * 32, help="Hash of the custodian's statement."),
)
def attest(issuer: Issuer, shares: Decimal, as_of: datetime | None, report: str) -> None:
    """State that so many SHARES are in custody."""
    receipt = issuer.attest(shares, utc(as_of), bytes.fromhex(report.removeprefix("0x")))
    supply = issuer.token.amount(issuer.contract.totalSupply())
    tell(f"{issuer.backed:,f} {issuer.token.symbol} are backed, {supply:,f} issued.", receipt)


@command("requests")
def requests(issuer: Issuer) -> None:
    """List what holders have asked for and not got yet."""
    table = Table("request", "side", "controller", "pending", "reclaimable from (UTC)", box=None)
    for each in issuer.requests():
        unit = "cash" if each.side is SettlementSide.MINT else issuer.token.symbol
        row = (str(each.id), each.side.name.lower(), each.controller, f"{each.pending:,f} {unit}")
        table.add_row(*row, f"{each.deadline:%Y-%m-%d %H:%M}")
    Console().print(table)


@command(
    "settle-batch",
    click.argument("side", type=click.Choice(["mint", "redeem"])),
    click.argument("price", type=NUMBER),
    click.option("--request", "numbers", type=int, multiple=True, help="Repeatable. Default: all that are pending."),
)
def settle_batch(issuer: Issuer, side: str, price: Decimal, numbers: tuple[int, ...]) -> None:
    """Settle requests in full at PRICE, in cash per token. Redemptions are paid from the account."""
    receipt = issuer.settle_batch(SettlementSide[side.upper()], price, numbers or None)
    for event in receipt.events:
        if event.name == "Skip":
            tell(f"Request {event['requestId']} was skipped: reason {event['reason']}.")
    settled = sum(event.name == "Fulfil" for event in receipt.events)
    tell(f"{settled} requests settled at {price:f}.", receipt)


@command(
    "declare-dividend",
    click.argument("day", type=DAY),
    click.argument("amount", type=NUMBER),
    click.option("--withholding", type=NUMBER, default="0", help="As 0.3 for 30%."),
    click.option("--tax-account", help="Receives what is withheld."),
)
def declare_dividend(
    issuer: Issuer, day: datetime, amount: Decimal, withholding: Decimal, tax_account: str | None
) -> None:
    """Fund a cash dividend of AMOUNT for an announced record date."""
    terms = {"withholding": withholding, "tax_account": tax_account}
    number = issuer.declare_dividend(record_day(day.date()), amount, **terms)  # type: ignore[arg-type]
    tell(f"Dividend {number}: {amount:,f} for those behind {issuer.token.symbol} at {day:%Y-%m-%d} 00:00 UTC.")


@command("pay-dividend", click.argument("dividend", type=int), click.argument("holders", nargs=-1, required=True))
def pay_dividend(issuer: Issuer, dividend: int, holders: tuple[str, ...]) -> None:
    """Deliver a dividend to HOLDERS, who need do nothing."""
    receipts = issuer.pay_dividend(dividend, holders)
    events = [event for receipt in receipts for event in receipt.events]
    paid = [event for event in events if event.name == "Claim"]
    skipped = [event["holder"] for event in events if event.name == "SkipClaim"]
    tell(f"{len(paid)} paid, {len(skipped)} skipped{': ' + ', '.join(skipped) if skipped else ''}.")


@command(
    "post-ballot",
    click.argument("day", type=DAY),
    click.argument("closes", type=INSTANT),
    click.argument("items", type=click.IntRange(1, 64)),
    click.option("--documents", default="0x" + "00" * 32, help="Hash of the meeting's papers."),
)
def post_ballot(issuer: Issuer, day: datetime, closes: datetime, items: int, documents: str) -> None:
    """Open a ballot of ITEMS questions for an announced record date."""
    closing = int(closes.replace(tzinfo=UTC).timestamp())
    papers = bytes.fromhex(documents.removeprefix("0x"))
    number = issuer.post_ballot(record_day(day.date()), closing, items, papers)
    tell(f"Ballot {number} closes at {closes:%Y-%m-%d %H:%M} UTC.")


@command("tally", click.argument("ballot", type=int))
def tally(issuer: Issuer, ballot: int) -> None:
    """Show a ballot's votes, in tokens."""
    table = Table("item", "for", "against", "abstained", box=None)
    for item in range(issuer.system.voting.ballotOf(ballot).items):
        votes = issuer.system.voting.tallyOf(ballot, item)
        table.add_row(str(item), *(f"{issuer.token.amount(each):,f}" for each in votes))
    Console().print(table)
