"""A dealing room: maker, issuer and taker, dollars and stock, and a quote to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from everstock import signing
from everstock.chain import accounts
from everstock.chain.contract import Contract
from everstock.chain.receipt import Receipt
from everstock.rfq import Quote, QuoteSide
from support.desk import ONE, UINT256_MAX, Desk

USD = 10**6
"""Of the pay token, which has 6 decimals."""

PRICE = 250


@dataclass(eq=False)
class Room:
    """`quote` sells the taker ten TSLA.M at the oracle's price."""

    desk: Desk
    quotes: Contract
    stock: Contract
    dollar: Contract
    maker: str
    issuer: str
    taker: str
    stranger: str

    @property
    def now(self) -> int:
        return self.desk.chain.now

    def quote(self, side: QuoteSide = QuoteSide.BUY, **changes: Any) -> Quote:
        whole: dict[str, Any] = {
            "signer": self.maker,
            "asset": self.stock.address,
            "pay_token": self.dollar.address,
            "side": side,
            "quantity": 10 * ONE,
            "payment": 10 * PRICE * USD,
            "deadline": self.now + 30,
            "nonce": 7,
        }
        return Quote(**whole | changes)

    def sign(self, quote: Quote, name: str | None = None) -> bytes:
        names = {self.maker: "maker", self.issuer: "issuer"}
        return signing.sign(quote.document(self.quotes), accounts.key(name or names[quote.signer]))

    def fill(
        self, quote: Quote, quantity: int | None = None, sender: str | None = None, signature: bytes | None = None
    ) -> Receipt:
        signed = self.sign(quote) if signature is None else signature
        amount = quote.quantity if quantity is None else quantity
        return self.quotes.fill(quote.struct, signed, amount, sender=sender or self.taker)

    def holdings(self) -> dict[str, tuple[int, int]]:
        """Stock and dollars of everybody, and of the contract, which never has any."""
        return {
            who: (self.stock.balanceOf(who), self.dollar.balanceOf(who))
            for who in (self.maker, self.issuer, self.taker, self.stranger, self.quotes.address)
        }


@pytest.fixture
def room(desk: Desk) -> Room:
    system = desk.system
    account = system.chain.account
    who = {name: account(name) for name in ("maker", "issuer", "taker", "stranger")}
    it = Room(desk, system.quotes, desk.token.contract, system.pay_tokens["USDX"], **who)
    for each in (it.maker, it.taker):
        desk.give(each, 1_000 * ONE)
    for each in (it.maker, it.issuer, it.taker):
        it.dollar.mint(each, 1_000_000 * USD, sender=each)
        it.stock.approve(it.quotes, UINT256_MAX, sender=each)
        it.dollar.approve(it.quotes, UINT256_MAX, sender=each)
    return it
