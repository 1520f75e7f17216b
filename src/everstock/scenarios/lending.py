"""Two stories of lending: a loan against stock from beginning to end, and a Monday that opens far below.

Each ends with checks that every dollar and every stock token is accounted for, to the last unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from textwrap import wrap
from typing import Any

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from everstock.chain.base import START_TIME, ZERO_ADDRESS, Chain
from everstock.chain.errors import Reverted
from everstock.client import Side
from everstock.client.lending import Borrower, LendingMarket
from everstock.deploy import deploy_system
from everstock.keeper.events import EventLog
from everstock.keeper.keeper import Action, Keeper, Kind, Policy
from everstock.params import load
from everstock.report import TokenLedger
from everstock.report.ledger import Check
from everstock.report.tables import exact, tokens, usd
from everstock.scenarios.prices import BadWindow, Window
from everstock.scenarios.world import align

MARKET, ASSET, STOCK, OPTIONS = "TSLA.M/USDX", "TSLA", "TSLA.M", "TSLA-7D"
PRICE = Decimal(250)
DAY, HOUR, MINUTE = 86_400, 3_600, 60
CONFIRMATION = 301
SESSION = 23_400
ACTORS = ("lender", "careful holder", "bold holder", "hedged holder", "options LP", "liquidator")

LOAN_TITLE = "Borrow against stock"
LOAN_DESCRIPTION = (
    "Holders of TSLA.M borrow dollars without selling: over a weekend that allows topping up but no new loan, through "
    "a falling week in which the bold one is liquidated and the one with a pledged put borrows more."
)
GAP_TITLE = "A Monday that opens 30% below"
GAP_DESCRIPTION = (
    "Three borrowers go into a weekend, and the stock opens at −30%: halt, confirmation, grace, auction. Then the same "
    "Monday at other depths: who pays, and in what order."
)


@dataclass
class Outcome:
    """What happened, for whoever checks."""

    bank: Bank
    actions: list[Action]
    payers: list[Payers] = field(default_factory=list)
    ledgers: list[TokenLedger] = field(default_factory=list)

    @property
    def checks(self) -> list[Check]:
        return self.bank.checks()

    @property
    def adds_up(self) -> bool:
        return all(check.ok for check in self.checks)


@dataclass(frozen=True)
class Payers:
    """Who paid for a fall, in dollars: what the borrowers lost, what the reserve gave, what the lenders lost.

    The stock's fall is what these three lose, less what the liquidator gains.
    """

    fall: int
    borrowers: Decimal
    reserve: Decimal
    lenders: Decimal
    liquidator: Decimal


class Bank:
    """The lending market of TSLA.M on a local chain, with a keeper, everybody's first money, and a clock."""

    def __init__(self, chain: Chain, console: Console) -> None:
        self.chain, self.console = chain, console
        log = EventLog(chain)
        self.shift = align(chain, START_TIME)
        self.system = deploy_system(chain, load("local"))
        self.market: LendingMarket = self.system.lending_market(MARKET)
        self.token, self.asset = self.system.token(STOCK), self.system.asset(ASSET)
        self.loan = self.market.loan
        events = log.source([market.address for market in self.system.lending.values()])
        policy = Policy(min_profit_usd=Decimal(1))
        self.keeper = Keeper(self.system, self.account("liquidator"), events, policy)
        self.price, self.day = PRICE, START_TIME
        self.actions: list[Action] = []
        for name in ACTORS:
            dollars = 1_000_000 if name in ("lender", "liquidator") else 20_000
            self.loan.contract.mint(self.account(name), self.loan.units(dollars), sender=self.system.governor)
        self.publish(PRICE)
        self.market.supply(self.account("lender"), 500_000)
        self.say(f"The lender lends 500,000 {self.loan.symbol}. A tenth of the interest will go to the reserve.")

    def account(self, name: str) -> str:
        return self.chain.account(name)

    def name(self, address: str) -> str:
        return next(name for name in ACTORS if self.account(name) == address)

    def borrower(self, name: str) -> Borrower:
        return self.market.borrower(self.account(name))

    # ── time and prices ───────────────────────────────────────────────────────────────────────────────────────────
    def say(self, text: str, style: str = "") -> None:
        """One line of the story."""
        date = datetime.fromtimestamp(self.chain.now - self.shift, UTC)
        lines = wrap(text, self.console.width - 18, break_on_hyphens=False)
        self.console.print(f"[dim]{date:%a %d %b %H:%M}[/dim]  ", Text(lines[0], style), sep="")
        for line in lines[1:]:
            self.console.print(" " * 18, Text(line, style), sep="")

    def at(self, day: int, seconds: int = 0) -> None:
        """So long after the opening of the story's day number `day` (0 is the first Monday)."""
        self.chain.set_time(START_TIME + self.shift + day * DAY + seconds)

    def publish(self, price: Decimal | int) -> None:
        """A print, and everybody looks: the oracle, then the keeper."""
        self.price = Decimal(price)
        self.asset.publish(self.price)
        self.system.oracle.poke(self.asset.id, sender=self.system.governor)

    def look(self) -> None:
        """The keeper's pass."""
        for action in self.keeper.tick():
            if action.kind is not Kind.LIQUIDATE_LOAN:
                continue
            self.actions.append(action)
            done = action.receipt.event("Liquidate").args
            repaid, seized = self.loan.amount(done["repaid"]), self.token.amount(done["seized"])
            self.say(
                f"The keeper repays {usd(repaid)} of the {self.name(action.owner)}'s debt and takes "
                f"{tokens(seized)} {STOCK} at a bonus of {Decimal(done['bonus']).scaleb(-18):.2%}.",
                "yellow",
            )

    def slide(self, day: int, seconds: int, price: Decimal | int, steps: int = 6) -> None:
        """The price goes there within a session, in steps that the breaker lets pass."""
        start = self.price
        for step in range(1, steps + 1):
            self.at(day, seconds + step * 21 * MINUTE)
            self.publish((start + (Decimal(price) - start) * step / steps).quantize(Decimal("0.01")))
            self.look()

    def gap(self, day: int, price: Decimal | int) -> None:
        """The opening print, and five minutes later the one that confirms it."""
        self.at(day, MINUTE)
        self.publish(price)
        self.at(day, MINUTE + CONFIRMATION)
        self.publish(price)

    def refused(self, act: Any) -> str:
        """The error that an act meets."""
        try:
            act()
        except Reverted as error:
            return error.name
        raise AssertionError("this should have been refused")

    def standing(self, name: str) -> str:
        h = self.borrower(name).health
        return f"owes {usd(h.debt)} against {tokens(h.collateral)} {STOCK}, and may owe {usd(h.borrow_limit)}"

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────
    def worth(self, name: str) -> Decimal:
        """Dollars, shares and stock at the last price, less debt; options margin at its balance."""
        who, b = self.account(name), self.borrower(name)
        vault, token = self.system.vault, self.token
        entries = (ZERO_ADDRESS, self.system.options.address)
        kept = sum(token.amount(vault.balanceOf(token.address, module, who)) for module in entries)
        stock = token.balance(who) + b.collateral + kept
        return (
            self.loan.amount(self.loan.contract.balanceOf(who))
            + self.market.supplied(who)
            - b.debt
            + stock * self.price
        )

    def checks(self) -> list[Check]:
        """Every dollar and every token, in two ways."""
        market, dollar, stock, vault = self.market, self.loan.contract, self.token.contract, self.system.vault
        state, owners = market.state, [self.account(name) for name in ACTORS]
        wallets = sum(dollar.balanceOf(owner) for owner in owners)
        options = self.system.options.address
        pools = [self.token.main.address, self.token.insurance.address]
        entries = sum(vault.balanceOf(stock.address, market.address, owner) for owner in owners)
        entries += sum(vault.balanceOf(stock.address, options, each) for each in (*owners, *pools))
        entries += sum(vault.balanceOf(stock.address, ZERO_ADDRESS, each) for each in (*owners, self.system.treasury))
        held = sum(stock.balanceOf(owner) for owner in owners)
        shares = sum(market.contract.debtSharesOf(owner) for owner in owners)
        cash, kept = dollar.balanceOf(market.address), stock.balanceOf(vault.address)
        return [
            Check("dollars minted = in wallets and in the market", dollar.totalSupply(), wallets + cash),
            Check("dollars in the market = its cash", cash, state.cash),
            Check("supply + reserve = debt + cash", state.supplyAssets + state.reserve, state.debtAssets + cash),
            Check("debts = their total, in shares", shares, state.debtShares),
            Check("stock minted = in wallets and in the vault", stock.totalSupply(), held + kept),
            Check("stock in the vault = its entries", kept, entries),
        ]

    def conclude(self, before: dict[str, Decimal]) -> None:
        table = Table(
            "", "before", "after", "gained", title="Who has what, in USD", box=box.SIMPLE_HEAD, title_justify="left"
        )
        for name, had in before.items():
            has = self.worth(name)
            table.add_row(name, usd(had), usd(has), f"{has - had:+,.2f}".replace("-", "−"))
        self.console.print(table)
        for check in self.checks():
            decimals = self.token.decimals if "stock" in check.name else self.loan.decimals
            mark = "[green]✓[/green]" if check.ok else "[red]✗[/red]"
            self.console.print(f"{mark} {check.name}: {exact(check.left, decimals)}", highlight=False)


def begin(chain: Chain, console: Console, title: str, prices: Path | None, window: Window | None) -> Bank:
    if prices is not None or window is not None:
        raise BadWindow("this story has prices and days of its own: leave out --prices and --window")
    console.print(
        Panel.fit(f"[bold]{title}[/bold]\n[dim]Times are UTC; New York trades from 14:30.[/dim]", border_style="dim")
    )
    return Bank(chain, console)


def take_loan(bank: Bank, name: str, stock: int, dollars: int) -> None:
    bank.token.mint(bank.account(name), stock)
    bank.borrower(name).deposit(stock)
    bank.borrower(name).borrow(dollars)
    bank.say(f"The {name} puts up {stock:,} {STOCK} and borrows {dollars:,}: {bank.standing(name)}.")


# ── a loan from beginning to end ─────────────────────────────────────────────────────────────────────────────────────
def play_loan(
    chain: Chain, console: Console, *, prices: Path | None = None, window: Window | None = None, seed: int = 1
) -> Outcome:
    """Tell the story on `chain`. `seed` changes nothing: there is no chance in it."""
    bank = begin(chain, console, LOAN_TITLE, prices, window)
    market, token = bank.market, bank.token
    lp, hedged = bank.account("options LP"), bank.account("hedged holder")
    token.mint(lp, 6_000)
    token.main.deposit(lp, 4_000)
    token.insurance.deposit(lp, 2_000)
    token.mint(hedged, 100)
    names = ("lender", "careful holder", "bold holder", "hedged holder", "liquidator")

    take_loan(bank, "careful holder", 400, 40_000)
    take_loan(bank, "bold holder", 400, 54_000)
    take_loan(bank, "hedged holder", 400, 50_000)
    before = {name: bank.worth(name) for name in names}
    bank.say(f"{market.utilisation:.0%} is lent, at {market.borrow_rate:.2%} a year.")

    bank.at(1, HOUR)
    bank.publish(PRICE)
    trader = token.trader(hedged)
    trader.deposit(60)
    options = bank.system.market(OPTIONS)
    trader.open(options, options.nearest_strike(PRICE), Side.PUT, 300)
    without = bank.borrower("hedged holder").health.borrow_limit
    bank.borrower("hedged holder").pledge()
    health = bank.borrower("hedged holder").health
    bank.say(
        f"The hedged holder buys puts on 300 {STOCK} and pledges the account: it counts for {tokens(health.pledged)} "
        f"{STOCK}, and the borrow limit rises from {usd(without)} to {usd(health.borrow_limit)}."
    )

    bank.at(4, SESSION - HOUR)
    bank.publish(PRICE)
    terms = market.terms()
    bank.say(f"Friday, an hour before the close: the borrow LTV has come down to {terms.borrow_ltv:.1%}, as announced.")
    bank.at(5, 2 * HOUR)
    error = bank.refused(lambda: bank.borrower("careful holder").borrow(1_000))
    bank.token.mint(bank.account("careful holder"), 50)
    bank.borrower("careful holder").deposit(50)
    bank.borrower("careful holder").repay(5_000)
    bank.say(f"Saturday: a new loan is refused ({error}); the careful holder tops up 50 {STOCK} and repays 5,000.")
    before["careful holder"] += 50 * PRICE

    bank.gap(7, 238)
    bank.say("Monday opens at 238, and the week goes down.")
    bank.slide(7, HOUR, 218)
    bank.slide(8, HOUR, 200)
    bank.slide(9, HOUR, 184)
    limit = bank.borrower("hedged holder").health
    counted = f"{tokens(limit.pledged)} {STOCK}"
    bank.say(f"At {usd(bank.price)} the pledge counts for {counted}: its owner {bank.standing('hedged holder')}.")

    bank.at(10, 2 * HOUR)
    bank.publish(bank.price)
    options.poke()
    bank.borrower("hedged holder").repay()
    bank.borrower("hedged holder").release_pledge()
    trader.close(options, options.nearest_strike(PRICE), Side.PUT)
    trader.withdraw()
    bank.borrower("hedged holder").withdraw()
    bank.borrower("careful holder").repay()
    bank.borrower("careful holder").withdraw()
    bank.say("Both repay, close the puts and take their stock home. Nobody had to sell a share.")
    bank.conclude(before)
    return Outcome(bank, bank.actions)


# ── a Monday that opens below ────────────────────────────────────────────────────────────────────────────────────────
def play_gap(
    chain: Chain, console: Console, *, prices: Path | None = None, window: Window | None = None, seed: int = 1
) -> Outcome:
    """Tell the story on `chain`. `seed` changes nothing: there is no chance in it."""
    bank = begin(chain, console, GAP_TITLE, prices, window)
    names = ("lender", "careful holder", "bold holder", "hedged holder", "liquidator")
    take_loan(bank, "careful holder", 400, 40_000)
    take_loan(bank, "hedged holder", 400, 54_000)
    take_loan(bank, "bold holder", 400, 54_500)
    before = {name: bank.worth(name) for name in names}
    bank.at(3, HOUR)
    bank.publish(238)
    bank.say("By Thursday the stock has slipped to 238; interest has filled the reserve a little.")
    bank.at(4, SESSION - 20 * MINUTE)
    bank.publish(238)
    bank.look()
    terms = bank.market.terms(bank.chain.now + 20 * MINUTE)
    bank.say(f"Friday's close: the liquidation LTV is {terms.liquidation_ltv:.0%}, and everybody is within it.")
    payers = [depth(bank, fall) for fall in (20, 30, 40, 50)]

    price = Decimal(238) * 70 / 100
    bank.gap(7, price)
    bank.say(f"Monday opens at {usd(price)}, −30%. The first print halts the market, the second confirms it.")
    bank.look()
    first = bank.market.terms().liquidatable_from
    assert first is not None
    bank.say("Grace: nobody is liquidated for a quarter of an hour. The hedged holder uses it, and repays 15,000.")
    bank.borrower("hedged holder").repay(15_000)
    bank.chain.set_time(first + 5 * MINUTE)
    bank.publish(price)
    bank.look()
    bank.conclude(before)

    table = Table(
        "Monday opens at", "borrowers lose", "of it to liquidators", "reserve pays", "lenders pay", box=box.SIMPLE_HEAD
    )
    table.title, table.title_justify = "Who pays for the gap, if nobody uses the grace, in USD", "left"
    for p in payers:
        table.add_row(f"−{p.fall}%", usd(p.borrowers), usd(p.liquidator), usd(p.reserve), usd(p.lenders))
    console.print(table)
    return Outcome(bank, bank.actions, payers)


def depth(bank: Bank, fall: int) -> Payers:
    """The same Monday at another depth, undone afterwards; half an hour after the opening, in the auction's middle."""
    names = ("careful holder", "bold holder", "hedged holder")
    system, market, liquidator = bank.system, bank.market, bank.account("liquidator")
    kept, had = bank.price, sum((bank.worth(name) for name in names), Decimal(0))
    with bank.chain.anchor():
        # Beyond 30% the feed alone confirms nothing: governance has to say that it is no split.
        free = (ZERO_ADDRESS, 0, 0, ZERO_ADDRESS, 0, 9 * 10**18)
        system.oracle.setGuards(bank.asset.id, free, sender=system.governor)
        bank.gap(7, bank.price * (100 - fall) / 100)
        bank.at(7, 30 * MINUTE)
        bank.publish(bank.price)
        state, before = market.state, bank.worth("liquidator")
        for name in names:
            if market.liquidatable(bank.account(name)):
                market.liquidate(bank.account(name), liquidator)
        after = market.state
        reserve, lenders = state.reserve - after.reserve, state.supplyAssets - after.supplyAssets
        result = Payers(
            fall,
            had - sum((bank.worth(name) for name in names), Decimal(0)),
            bank.loan.amount(reserve),
            bank.loan.amount(lenders),
            bank.worth("liquidator") - before,
        )
    bank.price = kept
    return result
