"""A pool of Uniswap v2: the real pair, and its formula in integers."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from everstock.chain.contract import Contract
from everstock.lab.venues.town import Town, uniswap
from everstock.lab.venues.venue import Refused, Taken

if TYPE_CHECKING:
    from everstock.chain.receipt import Receipt

FEE = 0.003
KEPT = 1 - FEE
LOCKED_SHARES = 1_000  # burned by a pair's first deposit


def amount_out(amount_in: int, reserve_in: int, reserve_out: int) -> int:
    """What a pair gives: 0.3% of the input stays outside of x · y = k, and the result is rounded down."""
    counted = amount_in * 997
    return counted * reserve_out // (reserve_in * 1000 + counted)


def reserves_for_print(before: float, after: float, spent: float) -> tuple[float, float]:
    """The reserves (tokens, USD) in which spending `spent` takes the marginal price from `before` to `after`.

    With y dollars and y/before tokens the price becomes before · (1 + s/y) · (1 + 0.997 s/y).
    """
    a, b, c = KEPT, 1 + KEPT, 1 - after / before
    y = spent * 2 * a / (-b + math.sqrt(b * b - 4 * a * c))
    return y / before, y


class Amm:
    """One pair of `base` against `quote`. Prices are quote per base, in whole tokens."""

    is_spot = True

    def __init__(self, town: Town, name: str, base: Contract, base_decimals: int = 18, suffix: str = "") -> None:
        """Create the pair. A pair is unique per factory: `suffix` asks for a factory of its own."""
        self.town, self.name, self.base, self.base_decimals = town, name, base, base_decimals
        self.quote_token, self.quote_decimals = town.cash, 6
        factory = town.factory
        if suffix:
            owner = town.account("uniswap")
            factory = town.chain.deploy(uniswap("UniswapV2Factory"), owner, sender=owner)
        factory.createPair(base, self.quote_token, sender=town.account("uniswap"))
        where = factory.getPair(base, self.quote_token)
        self.pair = town.chain.contract(uniswap("UniswapV2Pair"), where)
        self.base_first = int(base.address, 16) < int(self.quote_token.address, 16)
        self.traded_usd = 0.0

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def raw(self) -> tuple[int, int]:
        """Reserves of base and quote in smallest units."""
        first, second, _ = self.pair.getReserves()
        return (int(first), int(second)) if self.base_first else (int(second), int(first))

    @property
    def reserves(self) -> tuple[float, float]:
        base, quote = self.raw
        return base / 10**self.base_decimals, quote / 10**self.quote_decimals

    @property
    def spot(self) -> float:
        """The marginal price without the fee: what a chart of the pool prints."""
        base, quote = self.reserves
        return quote / base

    def out(self, amount_in: int, *, buy: bool) -> int:
        """What this many units of quote (to buy) or base (to sell) bring."""
        base, quote = self.raw
        return amount_out(amount_in, quote, base) if buy else amount_out(amount_in, base, quote)

    def usd_to(self, price: float) -> float:
        """What to spend until the marginal buyer pays `price`, the fee included; 0 if it pays more already."""
        base, quote = self.reserves
        return max(0.0, (math.sqrt(KEPT * base * quote * price) - quote) / KEPT)

    def tokens_to(self, price: float) -> float:
        """What to sell until the marginal seller gets `price`, after the fee; 0 if it gets less already."""
        base, quote = self.reserves
        return max(0.0, (math.sqrt(KEPT * base * quote / price) - base) / KEPT)

    # ── trading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def quote(self, taker: str, usd: float, *, buy: bool) -> Taken:
        return self._taken(usd, *self._amounts(usd, buy=buy), buy=buy)

    def take(self, taker: str, usd: float, *, buy: bool) -> Taken:
        amount_in, out = self._amounts(usd, buy=buy)
        held = int((self.quote_token if buy else self.base).balanceOf(taker))
        if held < amount_in:
            raise Refused("the taker does not hold it")
        self.swap(taker, amount_in, buy=buy, min_out=out)
        return self._taken(usd, amount_in, out, buy=buy)

    def _amounts(self, usd: float, *, buy: bool) -> tuple[int, int]:
        town = self.town
        amount_in = town.cash_units(usd) if buy else town.units(usd / town.share)
        out = self.out(amount_in, buy=buy)
        if out == 0:
            raise Refused("too small")
        return amount_in, out

    def _taken(self, usd: float, amount_in: int, out: int, *, buy: bool) -> Taken:
        given, got = (amount_in, out) if buy else (out, amount_in)
        price = (given / 10**self.quote_decimals) / (got / 10**self.base_decimals)
        fair = self.town.share
        return Taken(usd, price / fair - 1 if buy else 1 - price / fair)

    def swap(self, who: str, amount_in: int, *, buy: bool, min_out: int = 0) -> Receipt:
        """Through the router, at least `min_out`."""
        token = self.quote_token if buy else self.base
        self.town.allow(who, self.town.router, token)
        receipt: Receipt = self.town.router.swap(
            self.pair, token, amount_in, min_out, who, self.town.chain.now, sender=who, gas=500_000
        )
        event = receipt.event("Swap")
        moved = sum(int(event[f"amount{i}{way}"]) for way in ("In", "Out") for i in (1 if self.base_first else 0,))
        self.traded_usd += moved / 10**self.quote_decimals
        return receipt

    def buy(self, who: str, usd: float) -> Receipt:
        return self.swap(who, int(Decimal(str(usd)) * 10**self.quote_decimals), buy=True)

    def sell(self, who: str, tokens: float) -> Receipt:
        return self.swap(who, int(round(Decimal(str(tokens)), 12) * 10**self.base_decimals), buy=False)

    # ── liquidity ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def provide(self, who: str, tokens: float, usd: float) -> int:
        """Add liquidity at the pool's ratio, at most these amounts; the shares received, smallest units."""
        town = self.town
        base = int(round(Decimal(str(tokens)), 12) * 10**self.base_decimals)
        quote = int(round(Decimal(str(usd)), 6) * 10**self.quote_decimals)
        town.allow(who, town.router, self.base, self.quote_token)
        amounts = (base, quote) if self.base_first else (quote, base)
        before = int(self.pair.balanceOf(who))
        town.router.provide(self.pair, *amounts, 0, who, sender=who, gas=800_000)
        return int(self.pair.balanceOf(who)) - before

    def remove(self, who: str, shares: int) -> None:
        """Take liquidity out."""
        self.town.allow(who, self.town.router, self.pair)
        self.town.router.remove(self.pair, shares, 0, 0, who, sender=who, gas=800_000)

    def worth(self, shares: int, price: float | None = None) -> float:
        """USD behind these shares; base at `price`, or at the pool's own."""
        base, quote = self.reserves
        part = shares / int(self.pair.totalSupply())
        return part * (base * (quote / base if price is None else price) + quote)

    @property
    def total_shares(self) -> int:
        return int(self.pair.totalSupply())
