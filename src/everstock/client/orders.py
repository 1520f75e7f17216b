"""Two-step orders: what an owner commits or signs, and what anyone then executes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from everstock import signing
from everstock.client.trader import MAX_UINT112, Side

if TYPE_CHECKING:
    from everstock.chain.contract import Contract
    from everstock.chain.receipt import Receipt
    from everstock.client.system import MarginToken, Market

DOMAIN = "Everstock Orders"
MAX_UINT128 = 2**128 - 1
AT_THE_MONEY = -(2**15)
"""Strike of an opening leg: the one nearest to the price that it executes at."""

TYPES = {
    "Order": signing.fields(
        owner="address",
        token="address",
        executionFee="uint128",
        deposit="uint128",
        trigger="uint8",
        triggerMarketId="uint16",
        triggerPrice="uint128",
        deadline="uint40",
        salt="uint64",
        legs="Leg[]",
    ),
    "Leg": signing.fields(
        marketId="uint16", strike="int16", isCall="bool", isOpen="bool", notional="uint112", limit="uint128"
    ),
}


class Trigger(IntEnum):
    """When the index price lets an order execute."""

    NONE = 0
    AT_OR_ABOVE = 1
    AT_OR_BELOW = 2


@dataclass(frozen=True)
class Leg:
    """The contract's leg, in smallest units. :func:`buy` and :func:`sell` speak in tokens."""

    market_id: int
    strike: int
    is_call: bool
    is_open: bool
    notional: int
    limit: int

    @property
    def struct(self) -> tuple[Any, ...]:
        return (self.market_id, self.strike, self.is_call, self.is_open, self.notional, self.limit)


@dataclass(frozen=True)
class Order:
    """The contract's order, in smallest units and WAD."""

    owner: str
    token: str
    legs: tuple[Leg, ...]
    deadline: int
    salt: int = 0
    execution_fee: int = 0
    deposit: int = 0
    trigger: Trigger = Trigger.NONE
    trigger_market_id: int = 0
    trigger_price: int = 0

    @property
    def struct(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return (
            *(self.owner, self.token, self.execution_fee, self.deposit),
            *(int(self.trigger), self.trigger_market_id, self.trigger_price, self.deadline, self.salt),
            [leg.struct for leg in self.legs],
        )

    @property
    def message(self) -> dict[str, Any]:
        """By the names that are signed."""
        legs = [_named("Leg", leg.struct) for leg in self.legs]
        return _named("Order", self.struct) | {"legs": legs}

    @classmethod
    def of(cls, struct: Any) -> Order:
        """From the contract's struct, e.g. an event's."""
        owner, token, fee, deposit, trigger, market_id, price, deadline, salt, legs = struct
        parsed = tuple(Leg(*leg) for leg in legs)
        return cls(owner, token, parsed, deadline, salt, fee, deposit, Trigger(trigger), market_id, price)

    def document(self, book: Contract) -> dict[str, Any]:
        """What the owner's wallet signs."""
        return signing.typed_data(DOMAIN, book.chain.chain_id, book.address, "Order", TYPES, self.message)

    def digest(self, book: Contract) -> bytes:
        """By which the contract knows the order; computed here, without asking it."""
        return signing.digest(self.document(book))

    def but(self, **changes: Any) -> Order:
        """The same order with other fields."""
        return replace(self, **changes)


def _named(kind: str, values: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip((field["name"] for field in TYPES[kind]), values, strict=True))


def buy(
    token: MarginToken,
    market: Market,
    strike: int,
    side: Side,
    notional: Decimal | int | str | None,
    max_premium: Decimal | int | str,
) -> Leg:
    """Open at most at `max_premium` tokens. `notional` None: what the legs before it closed."""
    units = MAX_UINT112 if notional is None else token.units(notional)
    return Leg(market.id, strike, side is Side.CALL, True, units, token.units(max_premium))


def sell(
    token: MarginToken,
    market: Market,
    strike: int,
    side: Side,
    notional: Decimal | int | str | None = None,
    min_proceeds: Decimal | int | str = 0,
) -> Leg:
    """Close for at least `min_proceeds` tokens. `notional` None: all of the position."""
    units = MAX_UINT112 if notional is None else token.units(notional)
    return Leg(market.id, strike, side is Side.CALL, False, units, token.units(min_proceeds))


@dataclass(frozen=True, eq=False)
class OrderDesk:
    """One owner's orders on one margin token. The order book must be the owner's operator: :meth:`authorise`, once."""

    token: MarginToken
    owner: Any

    @property
    def _book(self) -> Contract:
        return self.token.system.orders

    def authorise(self, approved: bool = True) -> Receipt:
        """Let the order book trade for the owner: only what the owner commits or signs."""
        options = self.token.system.options
        return options.setOperator(self._book.address, approved, sender=self.owner)  # type: ignore[no-any-return]

    def order(
        self,
        *legs: Leg,
        deadline: int | None = None,
        salt: int = 0,
        execution_fee: Decimal | int | str = 0,
        deposit: Decimal | int | str = 0,
        trigger: Trigger = Trigger.NONE,
        trigger_market: Market | None = None,
        trigger_price_usd: Decimal | int | str = 0,
    ) -> Order:
        """An order, not yet committed. The trigger's market defaults to the first leg's; the deadline to an hour."""
        from everstock.client.system import to_wad

        now = self.token.system.chain.now
        return Order(
            owner=str(self.owner),
            token=self.token.address,
            legs=legs,
            deadline=now + 3600 if deadline is None else deadline,
            salt=salt,
            execution_fee=self.token.units(execution_fee),
            deposit=self.token.units(deposit),
            trigger=trigger,
            trigger_market_id=legs[0].market_id if trigger_market is None else trigger_market.id,
            trigger_price=to_wad(trigger_price_usd),
        )

    def take_profit(self, leg: Leg, side: Side, price_usd: Decimal | int | str, **rest: Any) -> Order:
        """Close once the index has moved the holder's way, to `price_usd`: up for a call, down for a put."""
        trigger = Trigger.AT_OR_ABOVE if side is Side.CALL else Trigger.AT_OR_BELOW
        return self.order(leg, trigger=trigger, trigger_price_usd=price_usd, **rest)

    def stop(self, leg: Leg, side: Side, price_usd: Decimal | int | str, **rest: Any) -> Order:
        """Close once the index has moved against the holder, to `price_usd`."""
        trigger = Trigger.AT_OR_BELOW if side is Side.CALL else Trigger.AT_OR_ABOVE
        return self.order(leg, trigger=trigger, trigger_price_usd=price_usd, **rest)

    def roll(
        self,
        market: Market,
        strike: int,
        side: Side,
        max_premium: Decimal | int | str,
        min_proceeds: Decimal | int | str = 0,
        **rest: Any,
    ) -> Order:
        """Close a position and reopen its notional at the money."""
        closing = sell(self.token, market, strike, side, None, min_proceeds)
        opening = buy(self.token, market, AT_THE_MONEY, side, None, max_premium)
        return self.order(closing, opening, **rest)

    def commit(self, order: Order) -> Receipt:
        """Send it as the owner."""
        return self._book.commit(order.struct, sender=self.owner)  # type: ignore[no-any-return]

    def sign(self, order: Order, key: bytes) -> bytes:
        """Sign it: anyone may then commit it."""
        return signing.sign(order.document(self._book), key)

    def cancel(self, *orders: Order) -> Receipt:
        """For good. A price published before may still execute them while it is fresh."""
        hashes = [order.digest(self._book) for order in orders]
        return self._book.cancel(hashes, sender=self.owner)  # type: ignore[no-any-return]

    def execute(self, order: Order, keeper: Any) -> Receipt:
        """Anyone, for the fee."""
        return self._book.execute(order.struct, keeper, sender=keeper)  # type: ignore[no-any-return]
