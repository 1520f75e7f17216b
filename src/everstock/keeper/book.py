"""What the keeper knows: accounts with positions, redemptions and orders that wait, loans, requests of its own. All of
it from events and state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from everstock.chain.registry import Event
from everstock.client import System
from everstock.client.orders import Order, Trigger

K = TypeVar("K")
V = TypeVar("V")


class PositionKey(NamedTuple):
    """As the contracts name a position within an account."""

    market_id: int
    strike: int
    is_call: bool


class AccountKey(NamedTuple):
    owner: str
    token: str


class Pending(NamedTuple):
    """A redemption: pool and controller."""

    pool: str
    controller: str


class RequestKey(NamedTuple):
    """A request at an issuance desk. After a reorganisation a number may be somebody else's: the state tells."""

    desk: str
    number: int


@dataclass(frozen=True)
class WaitingOrder:
    """A committed order, and when. `cancelled_at` 0: it is not."""

    hash: bytes
    order: Order
    committed_at: int
    cancelled_at: int

    @property
    def markets(self) -> set[int]:
        """Those whose price it executes at."""
        found = {leg.market_id for leg in self.order.legs}
        if self.order.trigger is not Trigger.NONE:
            found.add(self.order.trigger_market_id)
        return found


class AccountBook:
    """Events say what changed; what it is now is then read from the state.

    So it does not matter whether an event is told once or twice, or of a block that is no longer there. What could not
    be read, because the node failed, stays on the list until it has been. Markets that `system` does not know are
    somebody else's: anyone may commit an order that names one.
    """

    def __init__(self, system: System, account: str | None = None) -> None:
        self.system, self.account = system, account
        self.accounts: dict[AccountKey, list[PositionKey]] = {}
        self.redemptions: dict[Pending, int] = {}  # → when the cooldown ends
        self.orders: dict[bytes, WaitingOrder] = {}
        self.borrowers: dict[AccountKey, int] = {}  # owner and lending market → shares of its debt
        self.requests: dict[RequestKey, Any] = {}  # the keeper's own at desks → as the desk has them
        tokens = system.tokens.values()
        self.pools = {pool.address: pool for t in tokens for pool in (t.main_contract, t.insurance_contract)}
        self._markets = {market.id for market in system.markets.values()}
        self._unread_accounts: set[AccountKey] = set()
        self._unread_redemptions: set[Pending] = set()
        self._unread_orders: set[bytes] = set()
        self._unread_borrowers: set[AccountKey] = set()
        self._unread_requests: set[RequestKey] = set()
        self._lending = {market.address: market for market in system.lending.values()}
        self._desks = {desk.address: desk for desk in system.desks.values()}
        self._seen_orders: dict[bytes, Order] = {}

    @property
    def addresses(self) -> list[str]:
        """Contracts whose events it lives on."""
        return [self.system.options.address, self.system.orders.address, *self.pools, *self._lending, *self._desks]

    def update(self, events: Iterable[Event]) -> bool:
        """Take new events; true when an account, an order, a loan or a request changed."""
        for event in events:
            if event.name in ("Open", "Close") and event.address == self.system.options.address:
                self._unread_accounts.add(AccountKey(event["owner"], event["token"]))
            elif event.name in ("RedeemRequest", "ExecuteRedemption"):
                self._unread_redemptions.add(Pending(event.address, event["controller"]))
            elif event.address == self.system.orders.address:
                if event.name == "Commit":
                    self._seen_orders[event["orderHash"]] = Order.of(event["order"])
                self._unread_orders.add(event["orderHash"])
            elif event.address in self._lending:
                if event.name in ("Borrow", "RepayLoan", "Liquidate"):
                    owner = event["borrower" if event.name == "Liquidate" else "owner"]
                    self._unread_borrowers.add(AccountKey(owner, event.address))
            elif event.address in self._desks:
                if event.name in ("RequestMint", "RequestRedeem") and event["controller"] == self.account:
                    self._unread_requests.add(RequestKey(event.address, event["requestId"]))
                elif event.name in ("Fulfil", "Claim", "Reclaim"):
                    self._unread_requests |= self.requests.keys() & {RequestKey(event.address, event["requestId"])}
        changed = bool(self._unread_accounts or self._unread_orders or self._unread_borrowers or self._unread_requests)
        self._read_all()
        return changed

    def read_again(self) -> None:
        """Distrust everything known, and read it from the state."""
        self._unread_accounts |= self.accounts.keys()
        self._unread_redemptions |= self.redemptions.keys()
        self._unread_orders |= self._seen_orders.keys()
        self._unread_borrowers |= self.borrowers.keys()
        self._unread_requests |= self.requests.keys()
        self._read_all()

    def _read_all(self) -> None:
        accounts, redemptions = list(self._unread_accounts), list(self._unread_redemptions)
        for account, found in zip(accounts, self.system.options.positions.read_many(accounts), strict=True):
            _put(self.accounts, account, [PositionKey(*p) for p in found if p.marketId in self._markets])
        self._unread_accounts.difference_update(accounts)
        for pending in redemptions:
            request = self.pools[pending.pool].redemptionOf(pending.controller)
            _put(self.redemptions, pending, int(request.executableAt) if request.shares else 0)
        self._unread_redemptions.difference_update(redemptions)
        self._read_orders()
        self._read_borrowers()
        self._read_requests()

    def _read_borrowers(self) -> None:
        for address, market in self._lending.items():
            keys = [key for key in self._unread_borrowers if key.token == address]
            found = market.contract.debtSharesOf.read_many([(key.owner,) for key in keys])
            for key, shares in zip(keys, found, strict=True):
                _put(self.borrowers, key, int(shares))
            self._unread_borrowers.difference_update(keys)

    def _read_requests(self) -> None:
        for key in list(self._unread_requests):
            desk = self._desks[key.desk]
            gone = key.number >= desk.requestCount()
            request = None if gone else desk.requestOf(key.number)
            ours = request is not None and request.controller == self.account and (request.pending or request.claimable)
            _put(self.requests, key, request if ours else None)
            self._unread_requests.discard(key)

    def _read_orders(self) -> None:
        # An order whose commitment was not seen was cancelled before: nobody can execute it.
        known = [(h, self._seen_orders[h]) for h in self._unread_orders if h in self._seen_orders]
        states = self.system.orders.commitmentOf.read_many([(order.owner, h) for h, order in known])
        for (order_hash, order), state in zip(known, states, strict=True):
            waiting = WaitingOrder(order_hash, order, state.committedAt, state.cancelledAt)
            if state.committedAt and not state.executed and waiting.markets <= self._markets:
                self.orders[order_hash] = waiting
            else:
                self.orders.pop(order_hash, None)
        self._unread_orders.clear()

    def forget_expired(self, now: int) -> None:
        """Orders past their deadline, which nobody executes any more."""
        for order_hash, order in list(self._seen_orders.items()):
            if order.deadline < now:
                del self._seen_orders[order_hash]
                self.orders.pop(order_hash, None)

    @property
    def live_markets(self) -> list[int]:
        """Ids of the markets with open interest."""
        return sorted({position.market_id for held in self.accounts.values() for position in held})

    @property
    def awaited_markets(self) -> list[int]:
        """Ids of the markets that orders wait for."""
        return sorted({market for order in self.orders.values() for market in order.markets})


def _put(table: dict[K, V], key: K, value: V) -> None:
    """Keep what is there, drop what is empty."""
    if value:
        table[key] = value
    else:
        table.pop(key, None)
