"""One pass of the keeper: look at prices, poke what is due, then do what the contracts pay for.

It holds no position and no opinion. Before it sends, it simulates: what would revert is left for the next pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from everstock.chain.contract import Function
from everstock.chain.errors import Reverted
from everstock.chain.receipt import Receipt, Tx
from everstock.client import Market, System
from everstock.client.system import PriceStatus, QuoteKind
from everstock.client.trader import Side
from everstock.keeper.book import AccountBook, AccountKey, PositionKey
from everstock.keeper.events import EventSource

WAD = 10**18
EXERCISE_MARK = 3 * WAD // 4
"""The mark at which anyone may exercise: the main pool's layer."""

POKE_GAS = 3_000_000
"""Gas limit of a poke: an ordinary one takes a tenth; crossing many strikes takes more."""


@dataclass(frozen=True)
class Policy:
    """When to poke. Every pass that pokes also looks after accounts, positions and redemptions."""

    poke_every_seconds: int = 900
    poke_on_move: Decimal = Decimal("0.005")


class Kind(Enum):
    LIQUIDATE = "liquidate"
    EXERCISE = "exercise"
    REDEEM = "redeem"


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


@dataclass
class Keeper:
    """Sends as `account`. `events` must carry those of the options contract and of the pools."""

    system: System
    account: str
    events: EventSource
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        self.book = AccountBook(self.system)
        self.statistics = Statistics()
        self.highest_mark: dict[tuple[AccountKey, PositionKey], Decimal] = {}
        self._markets: dict[int, Market] = {market.id: market for market in self.system.markets.values()}
        self._poked: dict[int, _Poked] = {}
        self._strike_prices: dict[tuple[int, int], int] = {}
        self._prices: dict[str, tuple[int, PriceStatus]] = {}

    def tick(self) -> list[Action]:
        """One pass. Returns what it did besides poking, in order."""
        self.statistics.passes += 1
        changed = self.book.update(self.events.poll())
        live = self.book.live_markets
        self._read_prices(live)
        if not self._poke(live) and not changed and not self._redemption_due():
            return []
        return [*self._exercise(), *self._liquidate(), *self._execute_redemptions()]

    # ── prices ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _read_prices(self, live: list[int]) -> None:
        """What the oracle would answer, once for each asset."""
        for asset in {id(a): a for a in (self._markets[market].asset for market in live)}.values():
            answer = self.system.oracle.read(asset.id)
            status = PriceStatus(answer.status)
            before = self._prices.get(asset.name)
            if status is PriceStatus.HALTED and (before is None or before[1] is not PriceStatus.HALTED):
                self.statistics.halts += 1
            self._prices[asset.name] = (answer.price, status)

    def _price(self, market: Market) -> tuple[int, PriceStatus]:
        return self._prices[market.asset.name]

    def _poke(self, live: list[int]) -> bool:
        """Refresh the markets that are due; true when there were any."""
        now = self.system.chain.now
        due: list[int] = []
        for market_id in live:
            poked = self._poked.setdefault(market_id, _Poked())
            price, _ = self._price(self._markets[market_id])
            moved = abs(price - poked.price) >= self.policy.poke_on_move * poked.price
            late = now - poked.time >= self.policy.poke_every_seconds
            if not (moved or late):
                continue
            self.statistics.pokes_on_moves += not late
            poked.time, poked.price = now, price
            due.append(market_id)
        if due:
            pokes = [self._markets[market].contract.refresh for market in due]
            self._send_all([refresh.tx(sender=self.account, gas=POKE_GAS) for refresh in pokes])
        self.statistics.pokes += len(due)
        return bool(due)

    def _send_all(self, txs: list[Tx]) -> None:
        """In one block where the chain allows it, else one after the other."""
        chain = self.system.chain
        if len(txs) > 1 and getattr(chain, "is_local", True):
            chain.send_many(txs)
            return
        for tx in txs:
            chain.send(*tx)

    # ── duties ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _exercise(self) -> list[Action]:
        """Positions whose mark has reached the cap."""
        actions: list[Action] = []
        for account, held in list(self.book.accounts.items()):
            for position in held:
                market = self._markets[position.market_id]
                price, status = self._price(market)
                if status is not PriceStatus.OPEN:
                    continue
                intrinsic = self._intrinsic(position, price)
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
        for account in list(self.book.accounts):
            while position := self._to_liquidate(account):
                # Collect first: the sale then settles with an account whose other positions owe nothing.
                self.system.options.settle(*account, sender=self.account)
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
            if self._price(market)[1] is PriceStatus.OPEN:
                bids[position] = market.quote(position.strike, _side(position), QuoteKind.BID).value
        return max(bids, key=lambda position: bids[position], default=None)

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

    def _act(
        self, kind: Kind, owner: str, at: str, position: PositionKey | None, function: Function, *args: Any
    ) -> list[Action]:
        """Simulate, then send; nothing when the contracts refuse."""
        if not simulates(lambda: function.call(*args, sender=self.account)):
            return []
        receipt = function(*args, sender=self.account)
        self.book.update(self.events.poll())
        return [Action(kind, owner, at, position, receipt)]


def simulates(call: Callable[[], Any]) -> bool:
    """Whether a call goes through."""
    try:
        call()
    except Reverted:
        return False
    return True


def _side(position: PositionKey) -> Side:
    return Side.CALL if position.is_call else Side.PUT
