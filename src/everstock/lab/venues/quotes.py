"""Signed quotes: the real maker of `everstock.rfq`, settled by the real `QuoteSettlement`."""

from __future__ import annotations

from decimal import Decimal

from everstock.chain import accounts
from everstock.chain.errors import Reverted
from everstock.client.system import from_wad
from everstock.lab.venues.town import DOLLAR, Town
from everstock.lab.venues.venue import Refused, Taken
from everstock.rfq.maker import Maker, MakerPolicy, QuoteRefused, SignedQuote
from everstock.rfq.quote import QuoteSide

MAKER = "maker"


class QuotesVenue:
    """A maker with an inventory of tokens and dollars, a limit a day, and a wider spread while New York is closed."""

    name = "signed quotes"
    is_spot = True

    def __init__(self, town: Town, *, tokens: float, usd: float, policy: MakerPolicy | None = None) -> None:
        self.town = town
        self.who = town.account(MAKER)
        town.give(self.who, tokens)
        town.pay(self.who, usd)
        town.allow(self.who, town.system.quotes)
        policy = policy or MakerPolicy(target=Decimal(str(tokens)))
        self.maker = Maker(town.system, accounts.key(MAKER), DOLLAR, policy, clock=lambda: float(town.chain.now))
        self.traded_usd = 0.0

    def quote(self, taker: str, usd: float, *, buy: bool) -> Taken:
        return self._taken(self._signed(usd, buy=buy), buy=buy)

    def take(self, taker: str, usd: float, *, buy: bool) -> Taken:
        signed = self._signed(usd, buy=buy)
        self.town.allow(taker, self.town.system.quotes)
        try:
            receipt = self.town.system.quotes.fill(
                signed.quote.struct, signed.signature, signed.quote.quantity, sender=taker, gas=1_000_000
            )
        except Reverted as error:
            raise Refused(error.name) from error
        fill = receipt.event("Fill")
        payment, quantity = self.town.usd(int(fill["payment"])), self.town.tokens(int(fill["quantity"]))
        self.traded_usd += payment
        mid = float(from_wad(int(fill["oraclePrice"])))
        cost = payment / quantity / mid - 1
        return Taken(payment, cost if buy else -cost)

    def _signed(self, usd: float, *, buy: bool) -> SignedQuote:
        side = QuoteSide.BUY if buy else QuoteSide.SELL
        quantity = round(Decimal(str(usd / self.town.share)), 12)
        try:
            return self.maker.quote(self.town.stock.symbol, side, quantity)
        except QuoteRefused as refused:
            short = "can give at most" in str(refused)
            raise Refused("the maker has not that much" if short else str(refused)) from refused

    def _taken(self, signed: SignedQuote, *, buy: bool) -> Taken:
        cost = float(signed.price_usd / signed.mid_usd) - 1
        value = self.town.tokens(signed.quote.quantity) * float(signed.mid_usd)
        return Taken(value, cost if buy else -cost)

    def worth(self) -> float:
        """USD at the share's price."""
        tokens, cash = self.town.holds(self.who)
        return tokens * self.town.share + cash
