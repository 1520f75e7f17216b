"""What the four venues have in common: a price for a size, now, and a trade at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Refused(Exception):
    """The venue does not trade this now; the message says why."""


@dataclass(frozen=True)
class Taken:
    """What a taker gets, or would get. `cost` is what it is worse than fair, as a share of the value traded.

    For stock tokens fair is the share's price, for options their mark.
    """

    value_usd: float
    cost: float


class Venue(Protocol):
    """A place to take liquidity from. `quote` sends nothing; `take` trades, and costs what `quote` said just before.

    A size is what is spent or brought in, in USD at the fair price. An options venue gives exposure, never the token.
    """

    name: str
    is_spot: bool

    def quote(self, taker: str, usd: float, *, buy: bool) -> Taken:
        """Raises `Refused`."""

    def take(self, taker: str, usd: float, *, buy: bool) -> Taken:
        """Raises `Refused`."""


def curve(venue: Venue, taker: str, sizes_usd: Sequence[float]) -> list[float | None]:
    """The cost at each size, the mean of buying and selling: a price that is off cancels out. None where refused."""
    found: list[float | None] = []
    for usd in sizes_usd:
        try:
            found.append(sum(venue.quote(taker, usd, buy=buy).cost for buy in (True, False)) / 2)
        except Refused:
            found.append(None)
    return found


def depth(
    venue: Venue, taker: str, limit: float, ceiling_usd: float, *, buy: bool = True, precision: float = 0.01
) -> float:
    """The largest size in USD that costs at most `limit`, to within that part of it."""

    def fits(usd: float) -> bool:
        try:
            return venue.quote(taker, usd, buy=buy).cost <= limit
        except Refused:
            return False

    low, high = 0.0, ceiling_usd
    if fits(high):
        return high
    while high - low > precision * max(low, 100.0):
        middle = (low * high) ** 0.5 if low > 0 else high / 16
        low, high = (middle, high) if fits(middle) else (low, middle)
        if high < 1:
            return 0.0
    return low


def both_ways(venue: Venue, taker: str, limit: float, ceiling_usd: float) -> float:
    """The mean of what can be bought and what can be sold at `limit`, to within 3%."""
    return sum(depth(venue, taker, limit, ceiling_usd, buy=buy, precision=0.03) for buy in (True, False)) / 2
