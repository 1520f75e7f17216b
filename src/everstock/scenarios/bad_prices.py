"""Prices that nobody should believe: the AMZNX print, a stale weekend, a halt, a split on one side only.

Each arrives at the feed. What things are worth is read just before and just after, in the same second: not a unit may
differ. Then everybody tries everything, each attempt from the same state, and the table says what went.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from everstock.chain.base import Chain
from everstock.chain.errors import Reverted
from everstock.chain.rpc import RpcChain
from everstock.client import LendingMarket, Side, System
from everstock.client.system import PriceStatus
from everstock.deploy import deploy_system
from everstock.params import Params, load
from everstock.report import TokenLedger
from everstock.scenarios.prices import Window

TITLE = "Prices that nobody should believe"
DESCRIPTION = (
    "In July 2025 AMZNX printed 891.58 and then 23,781.22 USD against a share at 223. Those prints arrive at the "
    "feed of a stock token; then a weekend without prints, a halt, and a split on one side only. A table shows what "
    "each user could do meanwhile, and that no option, loan or LP share moved by a unit."
)

SHARE_USD = Decimal(223)
HOUR = 3_600
CONFIRMATION_SECONDS = 600
WAD = 10**18

Attempt = Callable[[], object]


@dataclass(frozen=True)
class Finding:
    """One bad price: what the oracle made of it, by how many units anything moved, and who could do what."""

    name: str
    status: PriceStatus
    moved: dict[str, int]
    leaving: Decimal
    """What a redemption would pay for a main pool share now, against an Open market, less 1."""
    attempts: dict[str, str]

    @property
    def harmless(self) -> bool:
        always = [said for name, said in self.attempts.items() if name in ALWAYS]
        return not any(self.moved.values()) and all(said == "yes" for said in always)


YES = "[green]yes[/green]"
# A node that keeps no traces tells that a call failed, and not why.
SHORT = {"NotOpen": "no", "Halt": "no"}

ALWAYS = ("trader adds margin", "borrower repays", "bitcoin trader buys", "bitcoin trader closes")
"""What no price of the stock may stop: top-ups, repayments, trades in another underlying on the same margin token."""


@dataclass
class Outcome:
    """What happened, for whoever checks. Nothing is earned or lost here, so there are no ledgers."""

    findings: list[Finding]
    ledgers: list[TokenLedger] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        return all(finding.harmless for finding in self.findings)


def play(
    chain: Chain, console: Console, *, prices: Path | None = None, window: Window | None = None, seed: int = 1
) -> Outcome:
    """Play on `chain`, print the table, return the findings. Prices are the story's own: the options change nothing."""
    story = Story(chain, console)
    story.tell()
    return Outcome(story.findings)


class Story:
    """The stock token TSLA.M with its share at 223 USD, and everybody who could be hurt."""

    def __init__(self, chain: Chain, console: Console) -> None:
        self.chain, self.console = chain, console
        self.system: System = deploy_system(chain, at_share_price(load("local")))
        self.findings: list[Finding] = []
        self.token = self.system.token("TSLA.M")
        self.stock, self.bitcoin = self.system.market("TSLA-7D"), self.system.market("BTC-7D")
        self.calendar = self.system.calendars["NYSE"]
        self.loans: LendingMarket | None = next(iter(self.system.lending.values()), None)
        names = ("lp", "call holder", "bitcoin trader", "borrower", "lender", "keeper")
        self.lp, self.holder, self.trader, self.borrower, self.lender, self.keeper = map(chain.account, names)

    def tell(self) -> None:
        self.console.print(Panel.fit(f"[bold]{TITLE}[/bold]\n[dim]{DESCRIPTION}[/dim]", border_style="dim"))
        self.go_to_session()
        self.seed()
        self.session_events()
        self.split_on_one_side()
        self.weekend()
        self.console.print(self.prices_table())
        self.console.print(self.attempts_table())

    # ── before ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def go_to_session(self) -> None:
        """An hour into the first session from now that is not the last of its week."""
        day = self.chain.now // 86_400
        while True:
            opens, closes = self.calendar.sessionOf(day)
            if opens + HOUR > self.chain.now and closes - opens > 6 * HOUR and self.calendar.sessionOf(day + 1)[0]:
                break
            day += 1
        self.chain.set_time(opens + HOUR)
        self.publish_all()

    def publish_all(self, stock_usd: Decimal | None = SHARE_USD) -> None:
        """Fresh prints of everything; of the stock only when a price is given."""
        for name, asset in self.system.assets.items():
            if name != "TSLA":
                asset.publish(Decimal(asset.aggregator.latestAnswer()).scaleb(-asset.feed_decimals))
            elif stock_usd is not None:
                asset.publish(stock_usd)
        for market in self.system.markets.values():
            market.poke(sender=self.keeper)

    def seed(self) -> None:
        token = self.token
        for owner, amount in ((self.lp, 9_000), (self.holder, 200), (self.trader, 200), (self.borrower, 2_000)):
            token.mint(owner, amount)
        token.main.deposit(self.lp, 5_000)
        token.insurance.deposit(self.lp, 2_000)
        token.trader(self.holder).deposit(50)
        token.trader(self.holder).open(self.stock, 0, Side.CALL, 100)
        token.trader(self.trader).deposit(50)
        token.trader(self.trader).open(self.bitcoin, 0, Side.PUT, 100)
        self.open_redemption = self.redemption
        if self.loans is not None:
            self.loans.loan.contract.mint(self.lender, self.loans.loan.units(500_000), sender=self.system.governor)
            self.loans.supply(self.lender, 400_000)
            account = self.loans.borrower(self.borrower)
            account.deposit(1_000)
            account.borrow(Decimal(90_000))

    # ── the bad prices ───────────────────────────────────────────────────────────────────────────────────────────────
    def session_events(self) -> None:
        """In a session: each leaves no trace."""
        for name, usd in (("print of 891.58", "891.58"), ("print of 23,781.22", "23781.22")):
            with self.chain.anchor():
                self.find(name, lambda usd=usd: self.print_stock(usd))  # type: ignore[misc]
                for _ in range(6):  # an hour of it, each print confirming the last
                    self.pass_time(CONFIRMATION_SECONDS)
                    self.print_stock(usd)
                self.find(f"{name}, for an hour", lambda usd=usd: self.print_stock(usd))  # type: ignore[misc]
        with self.chain.anchor():
            self.find("halt: the feed answers 0", lambda: self.print_stock("0"))
        with self.chain.anchor():
            self.find("halt: rounds from the future", self.print_from_the_future)

    def split_on_one_side(self) -> None:
        """Ten for one in the feed; the token has announced nothing."""
        split = str(SHARE_USD / 10)
        with self.chain.anchor():
            self.find("split in the feed only", lambda: self.print_stock(split))
            for _ in range(6):
                self.pass_time(CONFIRMATION_SECONDS)
                self.print_stock(split)
            self.find("split in the feed only, for an hour", lambda: self.print_stock(split))

    def weekend(self) -> None:
        """Friday's price on Saturday, and at the next opening before any print."""
        reopening = self.calendar.nextOpenAfterClose(self.chain.now)
        while reopening - self.chain.now < 2 * 86_400:  # the last session of the week
            self.chain.set_time(reopening + HOUR)
            self.publish_all()
            reopening = self.calendar.nextOpenAfterClose(self.chain.now)
        for name, at in (("stale weekend", reopening - 40 * HOUR), ("opening without a print", reopening + HOUR // 2)):
            self.chain.set_time(at)
            self.publish_all(None)
            self.find(name, lambda: None)
        self.find("a wild print on the weekend's price", lambda: self.print_stock("23781.22"))

    def pass_time(self, seconds: int) -> None:
        self.chain.warp(seconds)
        self.publish_all(None)

    def print_stock(self, usd: str) -> None:
        self.system.asset("TSLA").publish(usd)
        self.stock.poke(sender=self.keeper)

    def print_from_the_future(self) -> None:
        asset = self.system.asset("TSLA")
        at = self.chain.now + 10 * HOUR
        answer = int(SHARE_USD * 10**asset.feed_decimals)
        asset.aggregator.updateRoundData(2**32, answer, at, at, sender=self.system.governor)
        self.stock.poke(sender=self.keeper)

    # ── what came of it ──────────────────────────────────────────────────────────────────────────────────────────────
    def find(self, name: str, strike: Callable[[], object]) -> None:
        """Let a bad price strike, and compare with the same second without it."""
        self.chain.mine()
        before = self.worth()
        strike()
        after = self.worth()
        status = PriceStatus(self.system.oracle.read(self.system.asset("TSLA").id).status)
        moved = {thing: after[thing] - before[thing] for thing in before}
        moved["stock price against the share"] = after["stock price"] - int(SHARE_USD * WAD)
        attempts = {what: self.attempt(act) for what, act in self.attempts().items()}
        self.findings.append(Finding(name, status, moved, self.redemption / self.open_redemption - 1, attempts))

    @property
    def redemption(self) -> Decimal:
        """What executing a redemption would pay: a market that is not Open counts there at the whole of its reserve."""
        pool = self.token.main_contract
        return Decimal(10**30) * Decimal(pool.nav(False).nav + 1) / Decimal(pool.totalSupply() + 10**6)

    def worth(self) -> dict[str, int]:
        """What options, LP shares and loans are worth now, in smallest units, time taken out: rates per unit."""
        token, asset = self.token, self.system.asset("TSLA")
        it = {
            "funding of the stock strike": int(self.stock.contract.fundingAndMargin(0)[0]),
            "stock price": int(self.system.oracle.read(asset.id).price),
            "price in the market": int(self.stock.contract.state().price),
            "bitcoin price": int(self.bitcoin.contract.state().price),
            "main pool cash": int(token.main.cash * 10**token.decimals),
            "insurance pool cash": int(token.insurance.cash * 10**token.decimals),
        }
        for name, pool in (("main", token.main), ("insurance", token.insurance)):
            it[f"{name} pool shares"] = int(pool.contract.convertToAssets(10**30))
        call, put = self.stock.contract.marks([0], False)[0][1:]
        it |= {"value of the stock call": int(call), "value of the stock put": int(put)}
        for name, owner in (("call holder", self.holder), ("bitcoin trader", self.trader)):
            it[f"margin of the {name}"] = int(token.trader(owner).balance * 10**token.decimals)
        if self.loans is not None:
            health = self.loans.borrower(self.borrower).health
            it["collateral of the borrower"] = int(health.collateral * 10**token.decimals)
            it["debt of the borrower"] = int(self.loans.contract.debtOf(self.borrower))
            it["shares of the lender"] = int(self.loans.contract.balanceOf(self.lender))
        return it

    def attempts(self) -> dict[str, Attempt]:
        token = self.token
        # Another amount each time: Anvil loses sight of a transaction that it has mined and undone before.
        n = len(self.findings)
        holder, trader = token.trader(self.holder), token.trader(self.trader)
        it: dict[str, Attempt] = {
            "holder buys a stock call": lambda: holder.open(self.stock, 0, Side.CALL, 10 + n),
            "holder closes the stock call": lambda: holder.close(self.stock, 0, Side.CALL),
            "keeper exercises the call": lambda: holder.exercise(self.stock, 0, Side.CALL, self.keeper),
            "keeper liquidates the holder": lambda: holder.liquidate(self.stock, 0, Side.CALL, self.keeper),
            "trader adds margin": lambda: holder.deposit(5 + n),
            "bitcoin trader buys": lambda: trader.open(self.bitcoin, 0, Side.PUT, 10 + n),
            "bitcoin trader closes": lambda: trader.close(self.bitcoin, 0, Side.PUT),
            "LP deposits": lambda: token.main.deposit(self.lp, 100 + n),
        }
        if (loans := self.loans) is not None:
            account = loans.borrower(self.borrower)
            it |= {
                "borrower borrows more": lambda: account.borrow(Decimal(2_000 + n)),
                "borrower adds collateral": lambda: account.deposit(10 + n),
                "borrower repays": lambda: account.repay(Decimal(1_000 + n)),
                "keeper liquidates the loan": lambda: loans.liquidate(self.borrower, self.keeper),
            }
        return it

    def attempt(self, act: Attempt) -> str:
        """Try from this state, and come back to it."""
        said = "yes"
        with self.chain.anchor():
            try:
                act()
            except Reverted as refused:
                said = refused.name.partition("_")[2] or refused.name
        if isinstance(self.chain, RpcChain):  # Anvil's pool remembers nonces that were undone
            self.chain.rpc("anvil_dropAllTransactions")
        return said

    def prices_table(self) -> Table:
        """What the oracle made of each."""
        table = Table(title="At the feed", title_justify="left", header_style="bold")
        table.add_column("", justify="right")
        table.add_column("bad price")
        table.add_column("oracle says")
        table.add_column("values moved, units", justify="right")
        table.add_column("an LP leaving now", justify="right")
        for number, finding in enumerate(self.findings, 1):
            moved = f"{sum(map(abs, finding.moved.values())):,}"
            said = finding.status.name.capitalize()
            table.add_row(str(number), finding.name, said, moved, f"{finding.leaving:+.2%}")
        table.caption = (
            "Values: prices, marks, funding, cash, LP shares, margin, collateral, debt. Executing a redemption counts "
            "a market that is not Open at its whole reserve: leaving costs those who stay nothing."
        )
        return table

    def attempts_table(self) -> Table:
        """A row for each attempt, a column for each bad price."""
        table = Table(title="Who could do what, by number", title_justify="left", header_style="bold")
        table.add_column("")
        for number in range(1, len(self.findings) + 1):
            table.add_column(str(number), justify="center")
        for what in self.findings[0].attempts:
            said = [finding.attempts[what] for finding in self.findings]
            table.add_row(what, *(YES if word == "yes" else f"[dim]{SHORT.get(word, word)}[/dim]" for word in said))
        table.caption = "no: refused, because the stock's market is not Open."
        return table


def at_share_price(params: Params) -> Params:
    """The local parameters with the share at 223 USD."""
    price: dict[str, Any] = {"initial_price_usd": SHARE_USD}
    assets = params.assets | {"TSLA": params.assets["TSLA"].model_copy(update=price)}
    market = params.markets["TSLA-7D"].model_copy(update={"reference_price_usd": SHARE_USD})
    return params.model_copy(update={"assets": assets, "markets": params.markets | {"TSLA-7D": market}})
