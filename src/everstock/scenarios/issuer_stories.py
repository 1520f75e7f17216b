"""Four stories of an issuer: a missed settlement, a split amid open options, a dividend, and a shareholders' vote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from textwrap import wrap

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from everstock.chain.base import Chain
from everstock.client import Side
from everstock.client.issuer import Issuer, SettlementSide
from everstock.deploy import deploy_system
from everstock.params import load
from everstock.report import TokenLedger
from everstock.scenarios.prices import Window
from everstock.scenarios.world import align

HOUR, DAY = 3_600, 86_400
MONDAY_OPENING = 1_767_623_400
"""5 January 2026, 14:30 UTC: New York opens."""
PRICE = Decimal(250)
FREE = "0x" + "00" * 20


@dataclass(frozen=True)
class Check:
    """What must be so at the end, in smallest units."""

    name: str
    expected: int
    found: int

    @property
    def ok(self) -> bool:
        return self.expected == self.found


@dataclass
class IssuerOutcome:
    """A story's end: every check, and whether all hold."""

    checks: list[Check] = field(default_factory=list)
    ledgers: list[TokenLedger] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        return bool(self.checks) and all(check.ok for check in self.checks)


class Stage:
    """A local chain with a clock of the story, an issuer, and a console."""

    def __init__(self, chain: Chain, console: Console, title: str, about: str) -> None:
        self.chain, self.console = chain, console
        self.shift = align(chain, MONDAY_OPENING)
        self.system = deploy_system(chain, load("local"))
        self.token = self.system.token("TSLA.M")
        self.issuer = Issuer(self.token, self.system.governor)
        self.cash = self.issuer.cash
        self.outcome = IssuerOutcome()
        self.publish()
        console.print(Panel.fit(f"[bold]{title}[/bold]\n[dim]{about} Times are UTC.[/dim]", border_style="dim"))

    def account(self, name: str) -> str:
        return self.chain.account(name)

    def say(self, text: str) -> None:
        when = datetime.fromtimestamp(self.chain.now - self.shift, UTC)
        lines = wrap(text, self.console.width - 18, break_on_hyphens=False)
        self.console.print(f"[dim]{when:%a %d %b %H:%M}[/dim]  ", Text(lines[0]), sep="")
        for line in lines[1:]:
            self.console.print(" " * 18, Text(line), sep="")

    def until(self, timestamp: int) -> None:
        self.chain.set_time(timestamp)
        self.publish()

    def publish(self) -> None:
        """Feeds print again, at the same per-token prices."""
        for asset in self.system.assets.values():
            answer = asset.aggregator.latestAnswer()
            asset.aggregator.updateAnswer(answer, sender=self.system.governor)

    def record(self) -> int:
        """Announce the next record day that the notice allows, and let its midnight come."""
        day = (self.chain.now + DAY) // DAY + 1
        self.issuer.announce_record_date(day)
        self.say("The issuer announces a record date, a day ahead at least: the midnight that begins it counts.")
        self.until(day * DAY)
        return day

    def pay(self, who: str, dollars: int, spender: str) -> int:
        """Dollars in a wallet, approved."""
        units = self.issuer.cash_units(dollars)
        self.cash.mint(self.account(who), units, sender=self.system.governor)
        self.cash.approve(spender, units, sender=self.account(who))
        return units

    def give(self, who: str, tokens: int, spender: str) -> int:
        """Tokens in a wallet, approved."""
        self.token.mint(self.account(who), tokens)
        self.token.contract.approve(spender, self.token.units(tokens), sender=self.account(who))
        return self.token.units(tokens)

    def check(self, name: str, expected: int, found: int) -> None:
        self.outcome.checks.append(Check(name, int(expected), int(found)))

    def table(self, title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for number, column in enumerate(columns):
            table.add_column(column, justify="left" if number == 0 else "right")
        for row in rows:
            table.add_row(*row)
        self.console.print()
        self.console.print(table)

    def end(self) -> IssuerOutcome:
        rows = [
            (check.name, f"{check.expected:,}", f"{check.found:,}", "✓" if check.ok else "✗")
            for check in self.outcome.checks
        ]
        self.table("Checks, in smallest units", ("what", "expected", "found", ""), rows)
        return self.outcome

    def dollars(self, units: int) -> str:
        return f"{self.issuer.cash_amount(units):,.2f}"

    def tokens(self, units: int) -> str:
        return f"{self.token.amount(units):,.4f}"


ISSUE_AND_REDEEM = "Issue and redeem at T+1, with a settlement that is missed"


def issue_and_redeem(
    chain: Chain, console: Console, *, prices: Path | None, window: Window | None, seed: int
) -> IssuerOutcome:
    """Escrow until settled; one redemption is settled, the other reclaimed by its holder alone, with a penalty."""
    stage = Stage(chain, console, ISSUE_AND_REDEEM, "Escrow until settled. Nothing is burned before its cash has come.")
    desk, issuer, token = stage.issuer.desk, stage.issuer, stage.token
    buyer, patient, unlucky = (stage.account(name) for name in ("buyer", "patient", "unlucky"))
    stage.give("issuer's treasury", 10, desk.address)
    desk.postBond(token.address, token.units(10), sender=stage.account("issuer's treasury"))
    stage.say("The issuer posts a bond of 10 TSLA.M for late redemptions.")
    units = stage.pay("buyer", 25_000, desk.address)
    minting = desk.requestMint(units, issuer.price(260), buyer, buyer, sender=buyer).event("RequestMint")["requestId"]
    stage.say("The buyer puts 25,000 USD in escrow to mint, at 260 USD a token at most.")
    asked = {}
    for name, who in (("patient", patient), ("unlucky", unlucky)):
        amount = stage.give(name, 40, desk.address)
        asked[name] = desk.requestRedeem(amount, issuer.price(240), who, who, sender=who).event("RequestRedeem")[
            "requestId"
        ]
    deadline = desk.requestOf(asked["unlucky"]).deadline
    stage.say("Two holders put 40 TSLA.M each in escrow to redeem, at 240 USD at least.")
    supply = token.contract.totalSupply()

    stage.until(chain.now + DAY + HOUR)
    issuer.settle_batch(SettlementSide.MINT, PRICE)
    stage.cash.mint(stage.system.governor, issuer.cash_units(10_000), sender=stage.system.governor)
    issuer.settle_batch(SettlementSide.REDEEM, PRICE, [asked["patient"]])
    stage.say("T+1: the issuer settles the mint and the first redemption at 250 USD, and forgets the second.")
    desk.claim(minting, buyer, sender=buyer)
    desk.claim(asked["patient"], patient, sender=stage.account("a stranger"))
    stage.say("The buyer claims. The patient holder's cash is delivered by a stranger: it can go nowhere else.")

    stage.until(deadline)
    receipt = desk.reclaim(asked["unlucky"], unlucky, sender=unlucky)
    penalty = receipt.event("Reclaim")["penalty"]
    stage.say(f"The window has passed. The third reclaims 40 TSLA.M and {stage.tokens(penalty)} of penalty, alone.")

    stage.check("minted for 25,000 USD less 0.1% at 250", token.units(Decimal("99.9")), token.contract.balanceOf(buyer))
    stage.check("cash of the redemption, less 0.1%", issuer.cash_units(9_990), stage.cash.balanceOf(patient))
    stage.check("reclaimed, with 1%", token.units(Decimal("40.4")), token.contract.balanceOf(unlucky))
    found = token.contract.totalSupply() - supply
    stage.check("change of supply: minted less redeemed", token.units(Decimal("59.9")), found)
    paid = stage.cash.balanceOf(stage.system.treasury)
    stage.check("cash of the mint, and both fees, at the treasury", units + issuer.cash_units(10), paid)
    stage.check("cash left at the desk", 0, stage.cash.balanceOf(desk))
    stage.check(
        "tokens left at the desk: the rest of the bond", token.units(10) - penalty, token.contract.balanceOf(desk)
    )
    return stage.end()


SPLIT_MID_POSITION = "A 3:1 split in the middle of open options"


def split_mid_position(
    chain: Chain, console: Console, *, prices: Path | None, window: Window | None, seed: int
) -> IssuerOutcome:
    """Announced a day ahead, in force by time alone; balances, margins and pools do not notice."""
    about = "Announced a day ahead, in force by time alone. Per-token prices go on without a jump."
    stage = Stage(chain, console, SPLIT_MID_POSITION, about)
    token, system = stage.token, stage.system
    for name, amount in (("lp", 3_000), ("trader", 200), ("rival", 200)):
        token.mint(stage.account(name), amount)
    token.main.deposit(stage.account("lp"), 2_000)
    token.insurance.deposit(stage.account("lp"), 700)
    accounts = {name: token.trader(stage.account(name)) for name in ("trader", "rival")}
    for account in accounts.values():
        account.deposit(100)
    accounts["trader"].open(system.market("BTC-7D"), 0, Side.PUT, 80)
    accounts["rival"].open(system.market("TSLA-7D"), 0, Side.CALL, 60)
    stage.say("TSLA.M is margin for a BTC put, and margin and underlying of a TSLA call.")
    event = stage.issuer.announce_split(3).event("AnnounceAction")
    stage.say("The issuer announces a 3:1 split, 24 hours ahead.")

    def rows() -> dict[str, int]:
        found = {f"{name}: margin": token.units(account.balance) for name, account in accounts.items()}
        found |= {"lp: main shares": token.main.shares_of(stage.account("lp"))}
        found |= {f"{pool}: cash": token.units(each.cash) for pool, each in pools.items()}
        return found | {
            "supply": token.contract.totalSupply(),
            "lp: wallet": token.contract.balanceOf(stage.account("lp")),
        }

    pools = {"main pool": token.main, "insurance pool": token.insurance}
    stage.until(event["effectiveAt"] - 1)
    before, shares_before = rows(), token.contract.balanceOfUI(stage.account("lp"))
    stage.until(event["effectiveAt"])
    after, shares_after = rows(), token.contract.balanceOfUI(stage.account("lp"))
    token.contract.activate(sender=stage.account("a stranger"))
    stage.say("It is in force. A stranger has its event emitted; nothing depends on it.")
    accounts["trader"].close(system.market("BTC-7D"), 0, Side.PUT)
    stage.say("The trader closes in the same minute, as on any other day.")
    shown = [(name, stage.tokens(before[name]), stage.tokens(after[name])) for name in before if "shares" not in name]
    shown.append(("lp: wallet, in shares", stage.tokens(shares_before), stage.tokens(shares_after)))
    stage.table("A second before the split, and at it", ("TSLA.M", "before", "at it"), shown)
    for name in before:
        stage.check(name, before[name], after[name])
    stage.check("lp: wallet, in shares", 3 * shares_before, shares_after)
    return stage.end()


DIVIDEND_SEASON = "A dividend finds everybody: in wallets, as margin, in the pools, at the desk"


def dividend_season(
    chain: Chain, console: Console, *, prices: Path | None, window: Window | None, seed: int
) -> IssuerOutcome:
    """By record date, through vault, pools and desk, with withholding and reinvestment; to the unit."""
    stage = Stage(
        chain, console, DIVIDEND_SEASON, "By record date. What is paid adds up to what was funded, to the unit."
    )
    token, system, issuer, desk = stage.token, stage.system, stage.issuer, stage.issuer.desk
    names = ("wallet holder", "margin holder", "LP", "leaving LP", "redeemer", "reinvestor")
    where = dict(
        zip(names, ("wallet", "vault, as margin", "main pool", "pool, in escrow", "desk", "wallet"), strict=True)
    )
    who = {name: stage.account(name) for name in names}
    for name in ("wallet holder", "reinvestor"):
        token.mint(who[name], 400)
    stage.give("margin holder", 300, system.vault.address)
    token.trader(who["margin holder"]).deposit(300)
    for name, amount in (("LP", 700), ("leaving LP", 333)):
        token.mint(who[name], amount)
        token.main.deposit(who[name], amount)
    token.main.request_redeem(who["leaving LP"])
    amount = stage.give("redeemer", 55, desk.address)
    desk.requestRedeem(amount, 0, who["redeemer"], who["redeemer"], sender=who["redeemer"])
    system.dividends.setWithholding(who["wallet holder"], 1_500, sender=system.governor)
    system.dividends.elect(token.address, desk.address, issuer.price(300), sender=who["reinvestor"])
    stage.say("Six holders: in a wallet, as margin, in the main pool, leaving it, redeeming, and one who reinvests.")
    day = stage.record()
    funded = issuer.cash_units(Decimal("1234.567891"))
    stage.cash.mint(system.governor, funded, sender=system.governor)
    tax = stage.account("tax office")
    dividend = issuer.declare_dividend(day, issuer.cash_amount(funded), withholding=Decimal("0.3"), tax_account=tax)
    stage.say(f"The issuer funds {stage.dollars(funded)} USD. Without a treaty 30% is withheld.")
    token.contract.transfer(stage.account("buyer"), token.units(400), sender=who["wallet holder"])
    stage.say("The wallet holder sells everything after the record date, and keeps the dividend.")
    issuer.pay_dividend(dividend, list(who.values()))
    stage.say("One transaction delivers all of it: nobody had to ask.")
    rows, gross = [], 0
    for name, account in who.items():
        payment = system.dividends.paymentOf(dividend, account)
        held = token.amount(system.holdings.holdingOf(token.address, account, day))
        gross += payment.gross
        amounts = (payment.gross, payment.withheld, payment.gross - payment.withheld)
        rows.append((name, where[name], f"{held:,.4f}", *(stage.dollars(each) for each in amounts)))
    stage.table("The dividend", ("holder", "where", "TSLA.M", "gross USD", "withheld", "net"), rows)
    withheld = system.dividends.payWithheld(dividend, sender=tax).event("PayWithheld")["amount"]
    pending = [each for each in issuer.requests(SettlementSide.MINT) if each.controller == who["reinvestor"]]
    stage.check("all parts together: the dividend", funded, gross)
    stage.check("left at the distributor", 0, stage.cash.balanceOf(system.dividends))
    stage.check("withheld, at the tax office", withheld, stage.cash.balanceOf(tax))
    payment = system.dividends.paymentOf(dividend, who["reinvestor"])
    stage.check(
        "the reinvestor's mint request", payment.gross - payment.withheld, issuer.cash_units(pending[0].pending)
    )
    return stage.end()


PROXY_VOTE = "A shareholders' vote, from wallets, margin and pools"


def proxy_vote(
    chain: Chain, console: Console, *, prices: Path | None, window: Window | None, seed: int
) -> IssuerOutcome:
    """A ballot by record date; the tally tells the custodian how to vote its shares."""
    stage = Stage(chain, console, PROXY_VOTE, "One share, one vote, wherever the token is.")
    token, system, issuer = stage.token, stage.system, stage.issuer
    holder, margin, lp = (stage.account(name) for name in ("holder", "margin holder", "LP"))
    for account, amount in ((holder, 500), (margin, 200), (lp, 300)):
        token.mint(account, amount)
    token.trader(margin).deposit(200)
    token.main.deposit(lp, 200)
    token.insurance.deposit(lp, 100)
    stage.say("500 TSLA.M in a wallet, 200 as margin, 300 in the two pools.")
    day = stage.record()
    ballot = issuer.post_ballot(day, chain.now + 10 * DAY, 2, b"\1" * 32)
    stage.say("The issuer posts a ballot of two items, open for ten days.")
    token.contract.transfer(stage.account("buyer"), token.units(500), sender=holder)
    votes = {"holder": (holder, (1, 1)), "margin holder": (margin, (2, 1)), "LP": (lp, (1, 3))}
    rows = []
    for name, (account, choices) in votes.items():
        weight = system.voting.cast(ballot, list(choices), sender=account).event("Cast")["weight"]
        rows.append((name, stage.tokens(weight), *(("", "for", "against", "abstains")[choice] for choice in choices)))
    stage.say("All vote; the holder has sold since the record date, and votes what it held then.")
    stage.table("Votes", ("holder", "TSLA.M", "item 1", "item 2"), rows)
    shares = token.contract.totalSupplyUI()
    instructed = [system.voting.instruct(ballot, item, shares) for item in range(2)]
    told = [(f"item {n + 1}", *(stage.tokens(each) for each in parts)) for n, parts in enumerate(instructed)]
    stage.table("The custodian votes its shares in proportion", ("", "for", "against", "abstains"), told)
    for item, expected in enumerate(((800, 200, 0), (700, 0, 300))):
        tally = system.voting.tallyOf(ballot, item)
        for name, amount, found in zip(("for", "against", "abstains"), expected, tally, strict=True):
            stage.check(f"item {item + 1}: {name}", token.units(amount), found)
    return stage.end()
