"""A stock token on the real Uniswap v2: factory, router, and a pair against the desk's cash."""

from __future__ import annotations

from dataclasses import dataclass

from everstock.chain.contract import Contract
from everstock.client import MarginToken
from everstock.client.issuer import Issuer
from support.neighbours import uniswap


@dataclass(eq=False)
class UniswapVenue:
    """The governor issues both tokens, as on a local chain."""

    token: MarginToken
    pair: Contract
    router: Contract

    @classmethod
    def open(cls, token: MarginToken, depth: int, price: int) -> UniswapVenue:
        """With `depth` whole tokens, and cash at `price`."""
        system, issuer = token.system, Issuer(token, token.system.governor)
        chain, owner, lp = system.chain, system.governor, system.chain.account("venue lp")
        factory = chain.deploy(uniswap()["UniswapV2Factory"], owner, sender=owner)
        router = chain.deploy(uniswap()["UniswapV2Router02"], factory, chain.account("no weth"), sender=owner)
        token.mint(lp, depth)
        issuer.cash.mint(lp, issuer.cash_units(depth * price), sender=owner)
        for each in (token.contract, issuer.cash):
            each.approve(router, 2**256 - 1, sender=lp)
        amounts = (token.units(depth), issuer.cash_units(depth * price))
        router.addLiquidity(token.contract, issuer.cash, *amounts, 0, 0, lp, 2**40, sender=lp)
        pair = chain.contract(uniswap()["UniswapV2Pair"], factory.getPair(token.contract, issuer.cash))
        return cls(token, pair, router)

    @property
    def issuer(self) -> Issuer:
        return Issuer(self.token, self.token.system.governor)

    @property
    def cash(self) -> Contract:
        return self.issuer.cash

    def price(self) -> float:
        """Cash per token, at the margin."""
        first, second, _ = self.pair.getReserves()
        tokens, cash = (first, second) if self.pair.token0() == self.token.address else (second, first)
        return float(self.issuer.cash_amount(cash) / self.token.amount(tokens))

    def push(self, dollars: int = 0, tokens: int = 0) -> None:
        """The crowd buys for dollars, or sells tokens."""
        system = self.token.system
        who, cash, stock = system.chain.account("crowd"), self.cash, self.token.contract
        given, taken = (cash, stock) if dollars else (stock, cash)
        amount = self.issuer.cash_units(dollars) if dollars else self.token.units(tokens)
        given.mint(who, amount, sender=system.governor)
        self.swap(who, given, taken, amount)

    def swap(self, who: str, given: Contract, taken: Contract, amount: int) -> None:
        given.approve(self.router, amount, sender=who)
        path = [given.address, taken.address]
        self.router.swapExactTokensForTokens(amount, 0, path, who, 2**40, sender=who)
