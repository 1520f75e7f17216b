"""A first trade, from an empty wallet to a ledger: on a local chain, or on a network with funded accounts.

It needs no time travel. What the calendar or the feed does not allow at this hour is said and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from everstock.chain.base import ZERO_ADDRESS, Chain
from everstock.chain.contract import Contract
from everstock.chain.receipt import Receipt
from everstock.chain.registry import Event
from everstock.client import MarginToken, OrderDesk, Side
from everstock.client.lending import LendingMarket
from everstock.client.orders import AT_THE_MONEY, buy
from everstock.client.system import PriceStatus
from everstock.report import TokenLedger
from everstock.report.ledger import Check
from everstock.scenarios.prices import BadWindow, Window
from everstock.scenarios.stage import NotPlayable, Stage, local_stage

TITLE = "First trade"
DESCRIPTION = (
    "An LP deposits, a trader buys a put on bitcoin with stock as margin, holds it for a few blocks and closes it, has "
    "an order executed at the feed's next print, borrows dollars against the stock and repays them. Every token is "
    "accounted for. On a network: on the recorded deployment, signed by up to four funded accounts."
)

STOCK, MARKET = "TSLA.M", "BTC-7D"
MAIN, INSURANCE, MARGIN, NOTIONAL, PLEDGED = map(Decimal, (600, 300, 20, 40, 20))
ORDER_FEE = Decimal("0.01")
LENT, BORROWED = Decimal(5_000), Decimal(1_000)
HOLD_BLOCKS = 3
SLACK = Decimal("1.05")
"""Between what a preview says and what is accepted a block later."""

TRANSACTIONS = 30
"""About so many are sent."""

FLOWS = ("minted", "to pools", "premium", "funding, rent", "fees", "payout", "orders", "lent", "borrowed")


@dataclass
class Outcome:
    """What happened, for whoever checks."""

    stage: Stage
    books: list[Book]
    shares: list[Check]
    left_out: list[str]
    ledgers: list[TokenLedger] = field(default_factory=list)

    @property
    def checks(self) -> list[Check]:
        return [*self.shares, *(check for book in self.books for check in book.checks())]

    @property
    def adds_up(self) -> bool:
        return all(check.ok for check in self.checks)


class Book:
    """One token in the hands of the players: what they had, what came and went by events, what they have."""

    def __init__(self, stage: Stage, symbol: str, token: Contract, decimals: int, vault_modules: Iterable[str]) -> None:
        self.stage, self.symbol, self.token, self.decimals = stage, symbol, token, decimals
        self.modules = list(vault_modules)
        self.before = self.held()
        self.flows: dict[str, Counter[str]] = {address: Counter() for address in stage.addresses}

    def held(self) -> dict[str, int]:
        """Wallet, and entries in the vault."""
        vault = self.stage.system.vault
        return {
            who: int(self.token.balanceOf(who))
            + sum(int(vault.balanceOf(self.token.address, module, who)) for module in self.modules)
            for who in self.stage.addresses
        }

    def add(self, who: str, flow: str, amount: int) -> None:
        if who in self.flows:
            self.flows[who][flow] += amount

    def checks(self) -> list[Check]:
        now = self.held()
        return [
            Check(
                f"{self.stage.name(who)}: {self.symbol} by events = held", had + sum(self.flows[who].values()), now[who]
            )
            for who, had in self.before.items()
        ]

    def table(self) -> Table:
        now, used = self.held(), [flow for flow in FLOWS if any(row[flow] for row in self.flows.values())]
        table = Table("", "before", *used, "after", title=self.symbol, title_justify="left", box=box.SIMPLE_HEAD)
        for column in table.columns[1:]:
            column.justify = "right"

        def text(units: int) -> str:
            return f"{Decimal(units).scaleb(-self.decimals):,.6f}".replace("-", "−") if units else "·"

        for who, row in self.flows.items():
            amounts = (text(row[flow]) for flow in used)
            table.add_row(self.stage.name(who), text(self.before[who]), *amounts, text(now[who]))
        return table


class Story:
    """Plays the beats, and posts what each transaction moved."""

    def __init__(self, stage: Stage, console: Console) -> None:
        self.stage, self.console = stage, console
        system = stage.system
        self.token = system.token(STOCK)
        self.loan_market = next((m for m in system.lending.values() if m.collateral.symbol == STOCK), None)
        modules = [system.options.address, ZERO_ADDRESS]
        modules += [market.address for market in system.lending.values()]
        self.stock = Book(stage, STOCK, self.token.contract, self.token.decimals, modules)
        self.books = [self.stock]
        if self.loan_market is not None:
            loan = self.loan_market.loan
            self.books.append(Book(stage, loan.symbol, loan.contract, loan.decimals, []))
        self.left_out: list[str] = []
        self.shares: list[Check] = []

    def own(self, part: str) -> tuple[str, MarginToken]:
        """A player's address, and the margin token as it signs for it."""
        player = self.stage[part]
        return player.address, player.system.token(STOCK)

    def say(self, text: str) -> None:
        self.console.print(f"[dim]{self.stage.chain.block_number:>9}[/dim]  {text}", highlight=False)

    def leave_out(self, text: str) -> None:
        self.left_out.append(text)
        self.say(f"[yellow]{text}[/yellow]")

    # ── posting ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def did(self, receipt: Receipt | None) -> Receipt | None:
        for event in receipt.events if receipt is not None else ():
            self._post(event)
        return receipt

    def _post(self, event: Event) -> None:
        system, token, add = self.stage.system, self.token, self.stock.add
        if event.name == "Transfer" and event.args.get("from") == ZERO_ADDRESS:
            for book in self.books:
                if book.token.address == event.address:
                    book.add(event["to"], "minted", event["value"])
        elif event.address in (token.main.address, token.insurance.address):
            if event.name == "Deposit":
                add(event["owner"], "to pools", -event["assets"])
        elif event.address == system.options.address and event.args.get("token") == token.address:
            self._post_option(event)
        elif event.address == system.orders.address and event.name == "Execute":
            add(event["owner"], "orders", -event["executionFee"])
            add(event["payee"], "orders", event["executionFee"])
        elif self.loan_market is not None and event.address == self.loan_market.address:
            self._post_loan(event, self.books[1])

    def _post_option(self, event: Event) -> None:
        add, owner = self.stock.add, event.args.get("owner", "")
        if event.name == "Open":
            add(owner, "premium", -event["premium"])
            add(owner, "fees", -event["fee"])
        elif event.name == "Settle":
            add(owner, "funding, rent", -event["funding"] - event["rent"])
        elif event.name == "Close":
            closed = event["closed"]
            add(owner, "payout", closed.payoutMain + closed.payoutInsurance)
            add(owner, "fees", -closed.fee)

    @staticmethod
    def _post_loan(event: Event, dollars: Book) -> None:
        if event.name == "Deposit":
            dollars.add(event["sender"], "lent", -event["assets"])
        elif event.name == "Withdraw":
            dollars.add(event["receiver"], "lent", event["assets"])
        elif event.name == "Borrow":
            dollars.add(event["to"], "borrowed", event["assets"])
        elif event.name == "RepayLoan":
            dollars.add(event["payer"], "borrowed", -event["assets"])

    # ── beats ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def begin(self) -> None:
        """Tokens for those who need them. Nothing is sent unless the market is open."""
        keeper = self.stage["keeper"]
        market = keeper.system.market(MARKET)
        status = PriceStatus(market.contract.peek()[1])
        if status is not PriceStatus.OPEN:
            raise NotPlayable(f"{MARKET} is not open but {status.name.lower()}: try again once its feed has printed")
        need = {"lp": MAIN + INSURANCE, "trader": MARGIN + PLEDGED}
        if self.stage["lp"].address == self.stage["trader"].address:  # one wallet has to hold both
            need["trader"] += need.pop("lp")
        for part, amount in need.items():
            self.did(self.stage.provide(STOCK, part, amount))
        self.say(f"LP and trader hold {MAIN + INSURANCE + MARGIN + PLEDGED} {STOCK} to begin with.")
        self.did(market.poke(sender=keeper.address))

    def liquidity(self) -> None:
        lp, token = self.own("lp")
        for pool, amount in ((token.main, MAIN), (token.insurance, INSURANCE)):
            had = pool.shares_of(lp)
            receipt = pool.deposit(lp, amount)
            self.did(receipt)
            got = next(event for event in receipt.events_named("Deposit") if event.address == pool.address)["shares"]
            self.shares.append(Check("lp: shares by events = held", had + got, pool.shares_of(lp), shares=True))
        self.say(f"The LP puts {MAIN} {STOCK} into the main pool and {INSURANCE} into the insurance pool.")

    def trade(self) -> None:
        trader, token = self.own("trader")
        market, account = token.system.market(MARKET), token.trader(trader)
        self.did(account.deposit(MARGIN))
        strike = market.nearest_strike(market.price_usd)
        preview = account.preview_open(market, strike, Side.PUT, NOTIONAL)
        if preview.refusal is not None:
            raise NotPlayable(f"the trade would be refused: {preview.refusal}")
        receipt = account.open(market, strike, Side.PUT, NOTIONAL, max_premium=preview.premium * SLACK)
        self.did(receipt)
        opened = receipt.event("Open")
        self.say(
            f"The trader buys a put on bitcoin at {preview.strike_price_usd:,.0f}, notional {NOTIONAL} {STOCK}, "
            f"for {token.amount(opened['premium']):.4f}."
        )
        self.stage.blocks(HOLD_BLOCKS)
        self._close(strike, Side.PUT, f"{HOLD_BLOCKS} blocks later the trader closes it")

    def _close(self, strike: int, side: Side, what: str) -> None:
        trader, token = self.own("trader")
        market, account = token.system.market(MARKET), token.trader(trader)
        preview = account.preview_close(market, strike, side)
        least = (preview.payout_main + preview.payout_insurance) / SLACK
        receipt = account.close(market, strike, side, min_proceeds=least)
        self.did(receipt)
        closed = receipt.event("Close")["closed"]
        paid = token.amount(closed.payoutMain + closed.payoutInsurance)
        self.say(f"{what} and receives {paid:.4f} {STOCK}.")

    def order(self) -> None:
        """Committed by the trader, executed by the keeper at a price that nobody knew at the commitment."""
        trader, token = self.own("trader")
        market, desk = token.system.market(MARKET), OrderDesk(token, trader)
        keeper, keepers_token = self.own("keeper")
        self.did(desk.authorise())
        leg = buy(token, market, AT_THE_MONEY, Side.CALL, NOTIONAL, NOTIONAL / 10)
        lifetime = int(self.stage.patience) + 600
        order = desk.order(
            leg, execution_fee=ORDER_FEE, salt=self.stage.chain.block_number, deadline=self.stage.chain.now + lifetime
        )
        committed = desk.commit(order)
        self.did(committed)
        self.say(f"The trader commits an order for a call at the money, with {ORDER_FEE} {STOCK} for who executes it.")
        if self.stage.next_print(market.asset, committed.timestamp):
            receipt = OrderDesk(keepers_token, trader).execute(order, keeper)
            self.did(receipt)
            strike = receipt.event("Open")["id"].strike
            self.say("The feed prints, and the keeper executes the order at that price.")
            self._close(strike, Side.CALL, "The trader closes the call")
        else:
            self.did(desk.cancel(order))
            self.leave_out(f"The feed did not print within {self.stage.patience:.0f} s: the trader cancels the order.")
        self.did(desk.authorise(False))

    def loan(self) -> None:
        if self.loan_market is None:
            self.leave_out(f"No lending market takes {STOCK} in this deployment: no loan.")
            return
        trader, lender = self.stage["trader"], self.stage["lp"]
        market = trader.system.lending_market(self.loan_market.name)
        lent: LendingMarket = lender.system.lending_market(market.name)
        borrower, symbol = market.borrower(trader.address), market.loan.symbol
        if not borrower.health.is_open:
            self.leave_out(f"The price of {market.asset.name} is not open at this hour: no loan.")
            return
        self.did(self.stage.provide_dollars(market, "lp", LENT))
        self.did(lent.supply(lender.address, LENT))
        # Interest is due with the debt: a little more than what is borrowed has to be at hand.
        self.did(self.stage.provide_dollars(market, "trader", Decimal(1)))
        self.did(borrower.deposit(PLEDGED))
        self.did(borrower.borrow(BORROWED))
        self.say(f"The trader borrows {BORROWED:,} {symbol} against {PLEDGED} {STOCK}.")
        self.stage.blocks(HOLD_BLOCKS)
        self.did(borrower.repay())
        self.did(borrower.withdraw())
        self.did(lent.withdraw(lender.address))
        paid = -self.books[1].flows[trader.address]["borrowed"]
        self.say(f"{HOLD_BLOCKS} blocks later it is repaid" + self._interest(paid, market) + ", and the stock is back.")

    def _interest(self, paid: int, market: LendingMarket) -> str:
        return f", with {market.loan.amount(paid)} {market.loan.symbol} of interest" if paid > 0 else ""

    def end(self) -> None:
        trader, token = self.own("trader")
        self.did(token.trader(trader).withdraw())
        lp, pools = self.own("lp")
        if not pools.main_contract.pendingRedeemRequest(0, lp):  # one at a time
            shares = pools.main.shares_of(lp)
            self.did(pools.main.request_redeem(lp, shares // 2))
            pending = int(pools.main_contract.pendingRedeemRequest(0, lp))
            self.shares.append(Check("lp: shares asked for = pending", shares // 2, pending, shares=True))
        self.say("The trader takes the margin home. The LP asks for half of its main pool shares: paid in a day.")


def tell(stage: Stage, console: Console) -> Outcome:
    """Play it on `stage`, and print the ledger.

    Raises:
        NotPlayable: something is missing.
    """
    ether = {who: stage.chain.balance(who) for who in stage.addresses}
    story = Story(stage, console)
    for beat in (story.begin, story.liquidity, story.trade, story.order, story.loan, story.end):
        beat()
    outcome = Outcome(stage, story.books, story.shares, story.left_out)
    for book in story.books:
        console.print(book.table())
    if not stage.local:
        spent = {stage.name(who): Decimal(had - stage.chain.balance(who)).scaleb(-18) for who, had in ether.items()}
        console.print("Ether spent: " + "; ".join(f"{name} {amount:.6f}" for name, amount in spent.items()))
    wrong = [check for check in outcome.checks if not check.ok]
    for check in wrong:
        console.print(f"[red]{check.name}: {check.left} and {check.right}[/red]")
    console.print(f"{len(outcome.checks)} checks, {len(wrong)} differences.")
    return outcome


def play(
    chain: Chain, console: Console, *, prices: Path | None = None, window: Window | None = None, seed: int = 1
) -> Outcome:
    """On a local chain. `seed` changes nothing: there is no chance in it."""
    if prices is not None or window is not None:
        raise BadWindow(f"{TITLE} has prices of its own: it takes neither --prices nor --window")
    return tell(local_stage(chain), console)
