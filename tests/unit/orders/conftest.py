"""A trader whose operator the order book is, and a clock that moves with the prints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from everstock import signing
from everstock.chain import accounts
from everstock.chain.contract import Contract
from everstock.chain.receipt import Receipt
from everstock.chain.testing import Caught
from everstock.client.orders import Leg, Order
from support.desk import ONE, UINT112_MAX, Desk

LIMIT = 2**128 - 1


@dataclass(eq=False)
class Pit:
    """BTC-7D at 60,000. `print` publishes a price ten seconds later."""

    desk: Desk
    book: Contract
    trader: str
    keeper: str

    @property
    def now(self) -> int:
        return self.desk.chain.now

    def buy(
        self,
        strike: int = 0,
        is_call: bool = True,
        notional: int = 10 * ONE,
        limit: int = LIMIT,
        market: int | None = None,
    ) -> Leg:
        return Leg(self.desk.market.id if market is None else market, strike, is_call, True, notional, limit)

    def sell(
        self,
        strike: int = 0,
        is_call: bool = True,
        notional: int = UINT112_MAX,
        limit: int = 0,
        market: int | None = None,
    ) -> Leg:
        return Leg(self.desk.market.id if market is None else market, strike, is_call, False, notional, limit)

    def order(self, *legs: Leg, **rest: Any) -> Order:
        whole = {"owner": self.trader, "token": self.desk.token.address, "deadline": self.now + 3_600, **rest}
        return Order(legs=legs or (self.buy(),), **whole)

    def commit(self, order: Order) -> Receipt:
        return self.book.commit(order.struct, sender=order.owner)

    def execute(self, order: Order, sender: str | None = None) -> Receipt:
        return self.book.execute(order.struct, self.keeper, sender=sender or self.keeper)

    def print(self, price: int | str | None = None, after: int = 10) -> None:
        self.desk.chain.warp(after)
        self.desk.publish(price)

    def hash(self, order: Order) -> bytes:
        return order.digest(self.book)

    def state(self, order: Order) -> tuple[int, int, bool]:
        return tuple(self.book.commitmentOf(order.owner, self.hash(order)))

    def sign(self, order: Order, name: str = "trader") -> bytes:
        return signing.sign(order.document(self.book), accounts.key(name))

    def held(self, strike: int = 0, is_call: bool = True) -> int:
        return int(self.desk.position(strike, is_call).notional)

    @contextmanager
    def refused(self, order: Order, error: str, *args: Any, **named: Any) -> Iterator[Caught]:
        """The block reverts with exactly this error, and neither money nor the order has changed."""
        before = self.state(order)
        with self.desk.refused(error, *args, **named) as caught:
            yield caught
        assert self.state(order) == before


@pytest.fixture
def pit(desk: Desk) -> Pit:
    it = Pit(desk, desk.system.orders, desk.who.trader, desk.who.keeper)
    desk.options.setOperator(it.book, True, sender=it.trader)
    return it
