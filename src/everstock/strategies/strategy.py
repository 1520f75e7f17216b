"""A strategy: legs of options on one margin token, and what is lent to its pools beside them.

Everything here is in margin tokens. Values are the closed form that the markets use, in floating point: for pictures
and break-evens. Costs, margins and funding are asked of the contracts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from everstock.client import MarginToken, Market, Side, Trader
from everstock.client.orders import Order, OrderDesk, buy
from everstock.client.system import QuoteKind, from_wad

CAP = 1.0
"""Largest payout per unit of notional: what the two pools lock."""

SLIPPAGE = Decimal("0.02")


@dataclass(frozen=True)
class Leg:
    """Buy `notional` tokens' worth of an option."""

    market: Market
    strike: int
    side: Side
    notional: Decimal

    @property
    def strike_usd(self) -> Decimal:
        return self.market.strike_price_usd(self.strike)

    def __str__(self) -> str:
        return f"{self.market.name} {self.side.value} {self.strike_usd:,.0f}"


@dataclass(frozen=True)
class Cost:
    """What one leg takes, in tokens; rates per day at today's speed. `refusal` names the error that would stop it."""

    leg: Leg
    premium: Decimal
    fee: Decimal
    margin: Decimal
    funding_per_day: Decimal
    rent_per_day: Decimal
    refusal: str | None


class Value:
    """A market's closed form: v(x) = max(±(x − 1), 0) + tv(x) per unit of notional, capped at what is locked."""

    def __init__(self, market: Market) -> None:
        self.u = float(from_wad(market.contract.constants().u))

    def __call__(self, price: float, strike: float, side: Side) -> float:
        x = price / strike
        exponent = (1 + self.u) / 2 if x < 1 else (1 - self.u) / 2
        intrinsic = max(x - 1, 0.0) if side is Side.CALL else max(1 - x, 0.0)
        return min(intrinsic + math.exp(exponent * math.log(x)) / self.u, CAP)


@dataclass
class Strategy:
    """Legs, and `lent` tokens of which three quarters go to the main pool and one to the insurance pool.

    `exposure` are underlyings held elsewhere, by market, in tokens' worth: a hedge is judged together with them.
    """

    name: str
    token: MarginToken
    legs: list[Leg]
    lent: Decimal = Decimal(0)
    exposure: dict[str, Decimal] = field(default_factory=dict)

    @property
    def markets(self) -> list[Market]:
        """Those it depends on, the first leg's first."""
        return list({leg.market.name: leg.market for leg in self.legs}.values())

    def value(self, owner: str) -> Valuation:
        """What it costs `owner` now."""
        trader = self.token.trader(owner)
        costs = [self._cost(trader, leg) for leg in self.legs]
        spots = {market.name: float(self._spot(market)) for market in self.markets}
        return Valuation(self, costs, spots, {market.name: Value(market) for market in self.markets})

    def _cost(self, trader: Trader, leg: Leg) -> Cost:
        preview = trader.preview_open(leg.market, leg.strike, leg.side, leg.notional)
        short_of_margin = preview.refusal in (
            "PerpetualOptions_InsufficientBalance",
            "PerpetualOptions_InsufficientMargin",
        )
        quote = leg.market.quote(leg.strike, leg.side, QuoteKind.ASK)
        return Cost(
            leg,
            preview.premium,
            preview.fee,
            leg.notional * from_wad(quote.initialMargin),
            preview.funding_per_day,
            preview.rent_per_day,
            None if short_of_margin else preview.refusal,
        )

    def _spot(self, market: Market) -> Decimal:
        answer = self.token.system.oracle.read(market.asset.id)
        return from_wad(answer.price)

    # ── trading ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def order(self, owner: str, valuation: Valuation, slippage: Decimal = SLIPPAGE, salt: int = 0) -> Order:
        """All legs at the next price or none, each at most `slippage` of its notional's premium dearer than now."""
        legs = [
            buy(self.token, c.leg.market, c.leg.strike, c.leg.side, c.leg.notional, c.premium * (1 + slippage))
            for c in valuation.costs
        ]
        return OrderDesk(self.token, owner).order(*legs, salt=salt)

    def lend(self, owner: str) -> None:
        """Put `lent` into the pools, three to one, as options need them."""
        if self.lent:
            self.token.main.deposit(owner, self.lent * 3 / 4)
            self.token.insurance.deposit(owner, self.lent / 4)


@dataclass(frozen=True)
class Valuation:
    """A strategy at today's prices. Profit and loss are what its mark would be at other prices, less what was paid."""

    strategy: Strategy
    costs: list[Cost]
    spots: Mapping[str, float]
    values: Mapping[str, Callable[[float, float, Side], float]]

    @property
    def premium(self) -> Decimal:
        return sum((cost.premium for cost in self.costs), Decimal(0))

    @property
    def fee(self) -> Decimal:
        return sum((cost.fee for cost in self.costs), Decimal(0))

    @property
    def margin(self) -> Decimal:
        """What must stay in the account after paying, to open all legs."""
        return sum((cost.margin for cost in self.costs), Decimal(0))

    @property
    def needed(self) -> Decimal:
        """Margin to bring."""
        return self.premium + self.fee + self.margin

    @property
    def funding_per_day(self) -> Decimal:
        """Funding and rent of all legs at today's speed."""
        return sum((cost.funding_per_day + cost.rent_per_day for cost in self.costs), Decimal(0))

    @property
    def refusals(self) -> list[str]:
        return [f"{cost.leg}: {cost.refusal}" for cost in self.costs if cost.refusal]

    def profit(self, moves: Mapping[str, float], days: float = 0.0) -> float:
        """In tokens, when each market's price is its spot times its factor in `moves`, after `days` of funding."""
        found = -float(self.premium + self.fee) - days * float(self.funding_per_day)
        for leg in self.strategy.legs:
            name = leg.market.name
            price = self.spots[name] * moves.get(name, 1.0)
            found += float(leg.notional) * self.values[name](price, float(leg.strike_usd), leg.side)
        for name, amount in self.strategy.exposure.items():
            found += float(amount) * (moves.get(name, 1.0) - 1)
        return found

    def break_evens(self, market: str, days: float = 0.0, reach: float = 0.5) -> list[float]:
        """Prices of one market, the others as they are, at which nothing is won or lost; within ±`reach` of spot."""
        return [self.spots[market] * factor for factor in _roots(lambda x: self.profit({market: x}, days), reach)]


def _roots(of: Callable[[float], float], reach: float, steps: int = 400) -> Iterator[float]:
    """Where a function of the price factor changes sign, by bisection on a fine grid."""
    grid = [math.exp(math.log1p(reach) * (2 * i / steps - 1)) for i in range(steps + 1)]
    for low, high in pairwise(grid):
        at_low = of(low)
        if at_low == 0:
            yield low
        elif at_low * of(high) < 0:
            for _ in range(60):
                middle = (low + high) / 2
                if at_low * of(middle) > 0:
                    low = middle
                else:
                    high = middle
            yield (low + high) / 2
