"""The strategies by name. Each is a few lines over :class:`Strategy`: your own is, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from everstock.client import MarginToken, Market, Side
from everstock.strategies.strategy import Leg, Strategy


@dataclass(frozen=True)
class Request:
    """What the strategist wants. `width` is the distance of the outer strikes from spot; `against` a second market."""

    token: MarginToken
    market: Market
    notional: Decimal
    width: Decimal = Decimal("0.05")
    against: Market | None = None

    def leg(self, side: Side, factor: Decimal | int = 1, times: int = 1, market: Market | None = None) -> Leg:
        """An option at `factor` times the spot."""
        market = market or self.market
        price = market.price_usd
        if not price:
            raise ValueError(f"{market.name} has had no price yet: its underlying has not traded since it was added")
        strike = market.nearest_strike(price * factor)
        return Leg(market, strike, side, self.notional * times)

    @property
    def other(self) -> Market:
        """The second market.

        Raises:
            ValueError: there is none.
        """
        if self.against is None:
            raise ValueError("this strategy takes a second market: name it with --against")
        return self.against


@dataclass(frozen=True)
class Recipe:
    """A strategy's name, what it is for, and how it is made."""

    name: str
    purpose: str
    make: Callable[[Request], Strategy]


def straddle(r: Request) -> Strategy:
    return Strategy("straddle", r.token, [r.leg(Side.CALL), r.leg(Side.PUT)])


def strangle(r: Request) -> Strategy:
    return Strategy("strangle", r.token, [r.leg(Side.CALL, 1 + r.width), r.leg(Side.PUT, 1 - r.width)])


def protective_put(r: Request) -> Strategy:
    held = {r.market.name: r.notional}
    return Strategy("protective put", r.token, [r.leg(Side.PUT, 1 - r.width)], exposure=held)


def ratio(r: Request) -> Strategy:
    return Strategy("ratio", r.token, [r.leg(Side.CALL), r.leg(Side.PUT, 1 - r.width, times=2)])


def seller_buyer(r: Request) -> Strategy:
    """Lends what its own call locks, so that it earns on the whole pool what it pays on one leg."""
    return Strategy("seller and buyer", r.token, [r.leg(Side.CALL)], lent=r.notional)


def hedge(r: Request) -> Strategy:
    """An exposure to one underlying, hedged by options on another that moves with it."""
    held = {r.market.name: r.notional}
    return Strategy("hedge", r.token, [r.leg(Side.PUT, market=r.other)], exposure=held)


def pair(r: Request) -> Strategy:
    return Strategy("pair trade", r.token, [r.leg(Side.CALL), r.leg(Side.PUT, market=r.other)])


STRATEGIES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("straddle", "gains from a large move either way", straddle),
        Recipe("strangle", "the same, cheaper, from a larger move", strangle),
        Recipe("protective-put", "keeps an exposure to the underlying, and limits its loss", protective_put),
        Recipe("ratio", "one call and twice as many puts below: for a fall, insured against a rise", ratio),
        Recipe("seller-buyer", "part LP, part trader: lends to the pools and holds a call", seller_buyer),
        Recipe("hedge", "an exposure to --market, hedged with puts on --against (BTC with TSLA)", hedge),
        Recipe("pair", "--market up against --against (TSLA × BTC, NVDA × ETH)", pair),
    )
}
