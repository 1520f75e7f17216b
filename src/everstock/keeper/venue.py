"""Where the token trades: a constant-product pair (Uniswap v2 and its likes), and its router."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

from everstock.artifacts import Artifact
from everstock.chain.base import Chain
from everstock.chain.contract import Contract
from everstock.chain.errors import ChainError

BPS = 10_000


def _function(name: str, inputs: str, outputs: str, mutability: str = "view") -> dict[str, Any]:
    def types(names: str) -> list[dict[str, str]]:
        return [{"name": "", "type": each} for each in names.split()]

    return {
        "type": "function",
        "name": name,
        "inputs": types(inputs),
        "outputs": types(outputs),
        "stateMutability": mutability,
    }


PAIR = Artifact(
    "Pair",
    [
        _function("token0", "", "address"),
        _function("token1", "", "address"),
        _function("factory", "", "address"),
        _function("getReserves", "", "uint112 uint112 uint32"),
    ],
)
ROUTER = Artifact(
    "Router",
    [
        _function("factory", "", "address"),
        _function("swapExactTokensForTokens", "uint256 uint256 address[] address uint256", "uint256[]", "nonpayable"),
    ],
)


@dataclass(frozen=True)
class Reserves:
    """What a pair holds, in smallest units, and its fee. Prices are cash units per token unit, as fractions."""

    tokens: int
    cash: int
    fee_bps: int = 30

    @property
    def price(self) -> Fraction:
        """At the margin, before the fee."""
        return Fraction(self.cash, self.tokens)

    def sell(self, tokens: int) -> int:
        """Cash that so many tokens bring: to the unit what the pair pays."""
        return self._out(tokens, self.tokens, self.cash)

    def buy(self, cash: int) -> int:
        """Tokens that so much cash brings."""
        return self._out(cash, self.cash, self.tokens)

    def after_sale(self, tokens: int) -> Reserves:
        """What it will hold then."""
        return Reserves(self.tokens + tokens, self.cash - self.sell(tokens), self.fee_bps)

    def best_sale(self, price: Fraction) -> int:
        """The most tokens of which the last still brings `price`."""
        return self._best(self.tokens, self.cash, price)

    def best_purchase(self, price: Fraction) -> int:
        """The most cash of which the last still buys at `price` or less."""
        return self._best(self.cash, self.tokens, 1 / price)

    def _out(self, amount: int, held: int, other: int) -> int:
        paid = amount * (BPS - self.fee_bps)
        return paid * other // (held * BPS + paid) if amount else 0

    def _best(self, held: int, other: int, price: Fraction) -> int:
        """Where the last unit brings `price`: held + φx = sqrt(φ · held · other / price)."""
        keeps = Fraction(BPS - self.fee_bps, BPS)
        root = isqrt(int(keeps * held * other / price))
        return max(0, int((root - held) / keeps))


class Venue:
    """A pair of the token and the cash, and the router that swaps there."""

    def __init__(self, chain: Chain, pair: str, router: str, token: str, cash: str, fee_bps: int = 30) -> None:
        self.pair, self.router = chain.contract(PAIR, pair), chain.contract(ROUTER, router)
        self.token, self.cash, self.fee_bps = token, cash, fee_bps

    def check(self) -> None:
        """Raises ValueError: the pair is of other tokens, or of another factory than the router's."""
        chain = self.pair.chain
        for contract, what in ((self.pair, "pair"), (self.router, "router")):
            if not chain.code(contract.address):
                raise ValueError(f"there is no {what} at {contract.address}")
        try:
            found = {self.pair.token0(), self.pair.token1()}
            same = self.pair.factory() == self.router.factory()
        except ChainError as error:
            raise ValueError(f"{self.pair.address} is no pair, or {self.router.address} no router") from error
        if found != {self.token, self.cash}:
            raise ValueError(f"the pair {self.pair.address} is of {' and '.join(sorted(found))}")
        if not same:
            raise ValueError(f"the router {self.router.address} does not know the pair {self.pair.address}")

    def reserves(self) -> Reserves:
        """Now."""
        first, second, _ = self.pair.getReserves()
        tokens, cash = (first, second) if int(self.token, 16) < int(self.cash, 16) else (second, first)
        return Reserves(tokens, cash, self.fee_bps)

    def swap(self, amount: int, at_least: int, given: Contract, taken: Contract, to: str) -> tuple[Any, ...]:
        """The router's function and its arguments; good for two minutes."""
        deadline = self.pair.chain.now + 120
        return (self.router.swapExactTokensForTokens, amount, at_least, [given.address, taken.address], to, deadline)
