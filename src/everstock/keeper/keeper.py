"""One pass of the keeper: look at prices, poke what is due, then do what the contracts pay for.

It holds no position and no opinion. Before it sends, it simulates: what would revert is left for the next pass. It
remembers nothing that it could not read again, and nothing it does can be done twice: so it may be killed at any
moment, run several times at once, and see the chain change behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from everstock.chain.contract import Function
from everstock.chain.errors import Reverted
from everstock.chain.receipt import Receipt, Tx
from everstock.client import Market, System
from everstock.client.orders import Trigger
from everstock.client.system import PriceStatus, QuoteKind
from everstock.client.trader import Side
from everstock.keeper.book import AccountBook, AccountKey, PositionKey, WaitingOrder
from everstock.keeper.economics import Economics
from everstock.keeper.events import EventSource, NodeLogs
from everstock.keeper.metrics import Metrics
from everstock.keeper.sender import DirectSender, Sender

WAD = 10**18
EXERCISE_MARK = 3 * WAD // 4
"""The mark at which anyone may exercise: the main pool's layer."""

POKE_GAS = 3_000_000
"""Gas limit of a poke: an ordinary one takes a tenth; crossing many strikes takes more."""

DUTY_GAS = 3_000_000
"""Gas limit of everything else, by leg for orders. Not estimated: a print that arrives meanwhile takes more."""

FROZEN = 2
"""`Phase.Frozen` of a market."""


@dataclass(frozen=True)
class Policy:
    """When to poke, when to read everything again, and which profit is wanted (None: any, or none).

    Every pass that pokes also looks after accounts, positions and redemptions. Duties that pay nothing, pokes and
    redemptions, are done regardless of profit.
    """

    poke_every_seconds: int = 900
    poke_on_move: Decimal = Decimal("0.005")
    sweep_every_seconds: int = 3_600
    min_profit_usd: Decimal | None = None
    orders_a_pass: int = 64


class Kind(Enum):
    LIQUIDATE = "liquidate"
    EXERCISE = "exercise"
    REDEEM = "redeem"
    ORDER = "order"
    CLOSE_FROZEN = "close frozen"


@dataclass(frozen=True)
class Action:
    """What the keeper did, beyond poking. `at` is the margin token; for a redemption the pool, and no position."""

    kind: Kind
    owner: str
    at: str
    position: PositionKey | None
    receipt: Receipt


@dataclass
class Statistics:
    passes: int = 0
    pokes: int = 0
    pokes_on_moves: int = 0
    halts: int = 0


@dataclass
class _Poked:
    """A market as the keeper last left it."""

    time: int = 0
    price: int = 0


@dataclass(frozen=True)
class _Price:
    """What the oracle would answer."""

    price: int
    status: PriceStatus
    published_at: int


@dataclass
class Keeper:
    """Sends as `account`. `events` must carry those of `AccountBook.addresses`, from the deployment on."""

    system: System
    account: str
    events: EventSource
    policy: Policy = field(default_factory=Policy)
    sender: Sender | None = None
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.book = AccountBook(self.system)
        self.economics = Economics(self.system, self.policy.min_profit_usd)
        self.statistics = Statistics()
        self.highest_mark: dict[tuple[AccountKey, PositionKey], Decimal] = {}
        self._sender: Sender = self.sender or DirectSender(self.system.chain)
        self._markets: dict[int, Market] = {market.id: market for market in self.system.markets.values()}
        self._poked: dict[int, _Poked] = {}
        self._strike_prices: dict[tuple[int, int], int] = {}
        self._prices: dict[str, _Price] = {}
        self._refused_at: dict[bytes, dict[int, int]] = {}  # orders → stamps of the prices that did not do
        self._max_price_age: int | None = None
        self._swept_at: int | None = None

    def tick(self) -> list[Action]:
        """One pass. Returns what it did besides poking, in order."""
        self.statistics.passes += 1
        self.metrics.passes.inc()
        now = self.system.chain.now
        changed = self.book.update(self.events.poll())
        self.book.forget_expired(now)
        swept = self._sweep(now)
        live = self.book.live_markets
        self._read_prices(sorted({*live, *self.book.awaited_markets}))
        poked = self._poke(live)
        actions: list[Action] = []
        if poked or changed or swept or self._redemption_due():
            actions = [*self._exercise(), *self._liquidate(), *self._execute_redemptions()]
        if swept:
            actions += self._close_frozen()
        actions += self._execute_orders()
        self._measure()
        return actions

    def _sweep(self, now: int) -> bool:
        """Now and then everything is read again, in case an event never arrived."""
        if self._swept_at is None:  # just started: all of it was just read
            self._swept_at = now
            return True
        if now - self._swept_at < self.policy.sweep_every_seconds:
            return False
        self.book.read_again()
        self._refused_at.clear()
        self._swept_at = now
        return True

    def _measure(self) -> None:
        self.metrics.accounts.set(len(self.book.accounts))
        self.metrics.orders.set(len(self.book.orders))
        self.metrics.redemptions.set(len(self.book.redemptions))
        self.metrics.block.set(self.system.chain.block_number)
        if isinstance(self.events, NodeLogs):
            self.metrics.reorganisations.set(self.events.reorganisations)

    # ── prices ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _read_prices(self, live: list[int]) -> None:
        """What the oracle would answer, once for each asset."""
        for asset in {id(a): a for a in (self._markets[market].asset for market in live)}.values():
            answer = self.system.oracle.read(asset.id)
            status = PriceStatus(answer.status)
            before = self._prices.get(asset.name)
            if status is PriceStatus.HALTED and (before is None or before.status is not PriceStatus.HALTED):
                self.statistics.halts += 1
            self._prices[asset.name] = _Price(answer.price, status, answer.publishedAt)

    def _price(self, market: Market) -> _Price:
        return self._prices[market.asset.name]

    def _poke(self, live: list[int]) -> bool:
        """Refresh the markets that are due; true when there were any."""
        now = self.system.chain.now
        due: list[int] = []
        on_moves = 0
        for market_id in live:
            poked = self._poked.get(market_id, _Poked())
            price = self._price(self._markets[market_id]).price
            moved = abs(price - poked.price) >= self.policy.poke_on_move * poked.price
            late = now - poked.time >= self.policy.poke_every_seconds
            if not (moved or late):
                continue
            on_moves += not late
            due.append(market_id)
        if not due:
            return False
        pokes = [self._markets[market].contract.refresh for market in due]
        self._send("poke", [refresh.tx(sender=self.account, gas=POKE_GAS) for refresh in pokes])
        for market_id in due:
            self._poked[market_id] = _Poked(now, self._price(self._markets[market_id]).price)
        self.statistics.pokes += len(due)
        self.statistics.pokes_on_moves += on_moves
        self.metrics.pokes.inc(len(due))
        return True

    # ── positions ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _exercise(self) -> list[Action]:
        """Positions whose mark has reached the cap."""
        actions: list[Action] = []
        for account, held in list(self.book.accounts.items()):
            for position in held:
                market = self._markets[position.market_id]
                price = self._price(market)
                if price.status is not PriceStatus.OPEN:
                    continue
                intrinsic = self._intrinsic(position, price.price)
                seen = self.highest_mark.get((account, position), Decimal(0))
                self.highest_mark[account, position] = max(seen, intrinsic)
                # Time value is under 0.05 this deep: only then is the exact mark worth asking for.
                if intrinsic < Decimal("0.7"):
                    continue
                if market.quote(position.strike, _side(position), QuoteKind.MARK).value < EXERCISE_MARK:
                    continue
                call = (self.system.options.exercise, *account, position)
                actions += self._act(Kind.EXERCISE, account.owner, account.token, position, *call)
        return actions

    def _intrinsic(self, position: PositionKey, price: int) -> Decimal:
        key = (position.market_id, position.strike)
        strike = self._strike_prices.get(key)
        if strike is None:
            strike = self._strike_prices[key] = self._markets[key[0]].contract.strikePrice(position.strike)
        ratio = Decimal(price) / strike - 1
        return max(ratio if position.is_call else -ratio, Decimal(0))

    def _liquidate(self) -> list[Action]:
        """Accounts below maintenance: sell, dearest position first, until they are healthy again."""
        actions: list[Action] = []
        accounts = list(self.book.accounts)
        states = self.system.options.accountHealth.read_many(accounts)
        for account in (a for a, h in zip(accounts, states, strict=True) if h.equity < h.maintenanceMargin):
            while position := self._to_liquidate(account):
                # Collect first: the sale then settles with an account whose other positions owe nothing.
                if len(self.book.accounts[account]) > 1:
                    self._send("settle", [self.system.options.settle.tx(*account, sender=self.account, gas=DUTY_GAS)])
                call = (self.system.options.liquidate, *account, position)
                done = self._act(Kind.LIQUIDATE, account.owner, account.token, position, *call)
                if not done:
                    break
                actions += done
        return actions

    def _to_liquidate(self, account: AccountKey) -> PositionKey | None:
        """The position to sell from, if the account is below maintenance and one can be sold now."""
        held = self.book.accounts.get(account)
        if not held:
            return None
        health = self.system.options.accountHealth(*account)
        if health.equity >= health.maintenanceMargin:
            return None
        bids: dict[PositionKey, int] = {}
        for position in held:
            market = self._markets[position.market_id]
            if self._price(market).status is PriceStatus.OPEN:
                bids[position] = market.quote(position.strike, _side(position), QuoteKind.BID).value
        return max(bids, key=lambda position: bids[position], default=None)

    def _close_frozen(self) -> list[Action]:
        """Positions of markets that have ended: their owners are paid whether they come or not."""
        actions: list[Action] = []
        frozen = {market for market in self.book.live_markets if self._markets[market].contract.phase() == FROZEN}
        for account, held in list(self.book.accounts.items()) if frozen else ():
            for position in held:
                if position.market_id in frozen:
                    call = (self.system.options.closeFrozen, *account, position)
                    actions += self._act(Kind.CLOSE_FROZEN, account.owner, account.token, position, *call)
        return actions

    # ── pools ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def _redemption_due(self) -> bool:
        now = self.system.chain.now
        return any(executable_at <= now for executable_at in self.book.redemptions.values())

    def _execute_redemptions(self) -> list[Action]:
        """Requests past their cooldown. One that its pool cannot value or pay yet stays for the next pass."""
        actions: list[Action] = []
        now = self.system.chain.now
        for pending, executable_at in list(self.book.redemptions.items()):
            if now >= executable_at:
                function = self.book.pools[pending.pool].executeRedemption
                actions += self._act(Kind.REDEEM, pending.controller, pending.pool, None, function, pending.controller)
        return actions

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _execute_orders(self) -> list[Action]:
        """Those that a price newer than their commitment lets execute, several under way at once.

        Each keeper begins elsewhere, so that several share the work instead of racing for the same order.
        """
        orders, mine = self.system.orders, int(self.account, 16)
        candidates: list[tuple[WaitingOrder, dict[int, int]]] = []
        for waiting in sorted(self.book.orders.values(), key=lambda each: int.from_bytes(each.hash[:20]) ^ mine):
            stamps = {m: self._price(self._markets[m]).published_at for m in waiting.markets}
            if self._may_execute(waiting) and self._refused_at.get(waiting.hash) != stamps:
                candidates.append((waiting, stamps))
            if len(candidates) == self.policy.orders_a_pass:
                break
        ready: list[tuple[WaitingOrder, Tx]] = []
        calls = [(waiting.order.struct, self.account) for waiting, _ in candidates]
        answers = orders.execute.call_many(calls, sender=self.account)
        for (waiting, stamps), call, answer in zip(candidates, calls, answers, strict=True):
            if isinstance(answer, Reverted):
                self._refused_at[waiting.hash] = stamps  # the same prices will not do the next time either
            elif not self.economics.pays(waiting.order.token, waiting.order.execution_fee):
                self.metrics.unprofitable.labels(Kind.ORDER.value).inc()
            else:
                gas = DUTY_GAS * len(waiting.order.legs)
                ready.append((waiting, orders.execute.tx(*call, sender=self.account, gas=gas)))
        if not ready:
            return []
        receipts = self._send(Kind.ORDER.value, [tx for _, tx in ready])
        self.book.update(self.events.poll())
        actions = []
        for (waiting, _), receipt in zip(ready, receipts, strict=True):
            self._refused_at.pop(waiting.hash, None)
            if receipt is not None:
                self.metrics.actions.labels(Kind.ORDER.value).inc()
                actions.append(Action(Kind.ORDER, waiting.order.owner, waiting.order.token, None, receipt))
        return actions

    def _may_execute(self, waiting: WaitingOrder) -> bool:
        """What can be told without asking the node again."""
        if self._max_price_age is None:
            self._max_price_age = int(self.system.orders.maxPriceAge())
        now, order = self.system.chain.now, waiting.order
        for market_id in waiting.markets:
            price = self._price(self._markets[market_id])
            fresh = waiting.committed_at < price.published_at and now <= price.published_at + self._max_price_age
            if price.status is not PriceStatus.OPEN or not fresh:
                return False
            if waiting.cancelled_at and price.published_at > waiting.cancelled_at:
                return False
        if order.trigger is Trigger.NONE:
            return True
        price_now = self._price(self._markets[order.trigger_market_id]).price
        above = order.trigger is Trigger.AT_OR_ABOVE
        return price_now >= order.trigger_price if above else price_now <= order.trigger_price

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _act(
        self, kind: Kind, owner: str, at: str, position: PositionKey | None, function: Function, *args: Any
    ) -> list[Action]:
        """Simulate, weigh, then send; nothing when the contracts refuse."""
        try:
            found = function.call(*args, sender=self.account)
        except Reverted:
            return []
        if kind in (Kind.LIQUIDATE, Kind.EXERCISE) and not self.economics.pays(at, found.fee):
            self.metrics.unprofitable.labels(kind.value).inc()
            return []
        (receipt,) = self._send(kind.value, [function.tx(*args, sender=self.account, gas=DUTY_GAS)])
        self.book.update(self.events.poll())
        if receipt is None:
            return []
        self.metrics.actions.labels(kind.value).inc()
        return [Action(kind, owner, at, position, receipt)]

    def _send(self, kind: str, txs: Sequence[Tx]) -> list[Receipt | None]:
        """The receipts of those that succeeded. Why the others did not is counted; the next pass looks again."""
        outcomes = self._sender.send_all(txs)
        for outcome in outcomes:
            if outcome.error is not None:
                name = outcome.error.name if isinstance(outcome.error, Reverted) else type(outcome.error).__name__
                self.metrics.refusals.labels(kind, name).inc()
        return [outcome.receipt for outcome in outcomes]


def _side(position: PositionKey) -> Side:
    return Side.CALL if position.is_call else Side.PUT
