"""The deployed system: its contracts, assets, markets and margin tokens, by name."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import ROUND_DOWN, Context, Decimal, localcontext
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

from everstock.client.lending import LendingMarket
from everstock.client.pool import Pool
from everstock.client.trader import Side, Trader

if TYPE_CHECKING:
    from everstock.artifacts import Artifacts
    from everstock.chain.base import Chain
    from everstock.chain.contract import Contract
    from everstock.chain.receipt import Receipt
    from everstock.params import Params

WAD = 10**18
GRID_STEP = Decimal("1.02")
EXACT = Context(prec=100)
"""Holds every uint256 (78 digits), whatever the caller's own precision is."""

T = TypeVar("T")


class PriceStatus(IntEnum):
    """What may be done at a price."""

    OPEN = 0
    CLOSED = 1
    STALE = 2
    HALTED = 3


class QuoteKind(IntEnum):
    """Which value of an option a quote carries."""

    ASK = 0
    BID = 1
    MARK = 2


class UnknownName(Exception):
    """No asset, market or token of that name; the message lists those there are."""


def to_wad(value: Decimal | int | str) -> int:
    """A decimal number in WAD, toward zero."""
    with localcontext(EXACT):
        return int((Decimal(value) * WAD).to_integral_value(ROUND_DOWN))


def from_wad(value: int) -> Decimal:
    """A WAD integer as an exact decimal."""
    return Decimal(value).scaleb(-18, EXACT)


@dataclass(eq=False)
class Asset:
    """An underlying, its feed adapter and the aggregator behind it."""

    system: System
    name: str
    id: bytes
    feed: Contract
    aggregator: Contract
    feed_decimals: int
    calendar: Contract | None = None

    def publish(self, price_usd: Decimal | int | str, sender: Any = None) -> Receipt:
        """Local chains: let the mock aggregator answer `price_usd` from now on."""
        answer = int(Decimal(price_usd) * 10**self.feed_decimals)
        return self.aggregator.updateAnswer(answer, sender=sender or self.system.governor)  # type: ignore[no-any-return]


@dataclass(eq=False)
class Market:
    """An option market."""

    system: System
    name: str
    id: int
    contract: Contract
    asset: Asset

    def poke(self, sender: Any = None) -> Receipt:
        """Poke: charge the elapsed interval at the old price and take the new one."""
        return self.contract.poke(sender=sender or self.system.governor)  # type: ignore[no-any-return]

    @property
    def price_usd(self) -> Decimal:
        """The last price taken."""
        return from_wad(self.contract.state().price)

    @property
    def volatility(self) -> float:
        """Annualised, from the raw variance."""
        return math.sqrt(self.contract.state().variance / WAD)

    def strike_price_usd(self, strike: int) -> Decimal:
        return from_wad(self.contract.strikePrice(strike))

    def nearest_strike(self, price_usd: Decimal | int | str) -> int:
        """Grid index of the strike nearest to a price (by ratio)."""
        reference = from_wad(self.contract.config().referencePrice)
        return round(math.log(float(Decimal(price_usd) / reference)) / math.log(float(GRID_STEP)))

    def quote(self, strike: int, side: Side, kind: QuoteKind) -> Any:
        """Value per unit of notional, margin rates and funding index at the price that a poke would take now."""
        return self.contract.quote(strike, side is Side.CALL, int(kind))


@dataclass(eq=False)
class MarginToken:
    """A listed margin token and its two pools."""

    system: System
    symbol: str
    contract: Contract
    decimals: int
    main_contract: Contract
    insurance_contract: Contract

    @property
    def address(self) -> str:
        return self.contract.address

    @property
    def main(self) -> Pool:
        return Pool(self, self.main_contract)

    @property
    def insurance(self) -> Pool:
        return Pool(self, self.insurance_contract)

    def units(self, amount: Decimal | int | str) -> int:
        """An amount of tokens in smallest units, toward zero."""
        with localcontext(EXACT):
            return int((Decimal(amount) * 10**self.decimals).to_integral_value(ROUND_DOWN))

    def amount(self, units: int) -> Decimal:
        """Smallest units as an exact amount of tokens."""
        return Decimal(units).scaleb(-self.decimals, EXACT)

    def mint(self, to: Any, amount: Decimal | int | str) -> Receipt:
        """Issuer: mint stock tokens."""
        return self.contract.mint(to, self.units(amount), sender=self.system.governor)  # type: ignore[no-any-return]

    def balance(self, owner: Any) -> Decimal:
        """Tokens in the owner's wallet."""
        return self.amount(self.contract.balanceOf(owner))

    def trader(self, owner: Any) -> Trader:
        """The owner's margin account in this token."""
        return Trader(self, owner)


@dataclass(eq=False)
class System:
    """Everything a deployment consists of."""

    chain: Chain
    params: Params
    artifacts: Artifacts
    governor: str
    treasury: str
    authority: Contract
    vault: Contract
    oracle: Contract
    options: Contract
    factory: Contract
    lens: Contract
    custody: Contract
    compliance: Contract
    holdings: Contract
    dividends: Contract
    voting: Contract
    orders: Contract = field(init=False)
    quotes: Contract = field(init=False)
    pay_tokens: dict[str, Contract] = field(default_factory=dict)
    calendars: dict[str, Contract] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=dict)
    markets: dict[str, Market] = field(default_factory=dict)
    tokens: dict[str, MarginToken] = field(default_factory=dict)
    desks: dict[str, Contract] = field(default_factory=dict)
    """Issuance desks, by the symbol of their stock token."""
    lending_factory: Contract | None = None
    lending: dict[str, LendingMarket] = field(default_factory=dict)

    def market(self, name: str) -> Market:
        return _named(self.markets, name, "market")

    def asset(self, name: str) -> Asset:
        return _named(self.assets, name, "asset")

    def token(self, symbol: str) -> MarginToken:
        return _named(self.tokens, symbol, "margin token")

    def lending_market(self, name: str) -> LendingMarket:
        return _named(self.lending, name, "lending market")

    def on(self, chain: Chain) -> System:
        """The same deployment through another connection."""
        system = copy(self)

        def moved(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: moved(each) for key, each in value.items()}
            if isinstance(value, System):
                return system
            if is_dataclass(value) and not isinstance(value, type):
                return _with(value, {field.name: moved(getattr(value, field.name)) for field in fields(value)})
            return chain.contract(value.artifact, value.address) if hasattr(value, "artifact") else value

        assets = moved(self.assets)  # before the markets, which hold them
        changes = {name: moved(value) for name, value in vars(self).items()}
        for market in changes["markets"].values():
            market.asset = assets[market.asset.name]
        return _with(system, changes | {"chain": chain, "assets": assets})


def _with(value: T, changes: dict[str, Any]) -> T:
    """A copy with other fields, or the same object when it is a copy already."""
    found = value if isinstance(value, System) else copy(value)
    for name, change in changes.items():
        object.__setattr__(found, name, change)  # some are frozen, and this one is not theirs yet
    return found


def _named(items: dict[str, T], name: str, kind: str) -> T:
    try:
        return items[name]
    except KeyError:
        raise UnknownName(f"no {kind} {name!r}: there are {', '.join(items) or 'none'}") from None
