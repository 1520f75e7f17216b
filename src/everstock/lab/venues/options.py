"""Everstock: the stock token as margin for options, sold by pools of the same token. It gives exposure, never spot."""

from __future__ import annotations

from decimal import Decimal

from everstock.client import MarginToken, Side
from everstock.client.system import Market, QuoteKind
from everstock.client.trader import OpenPreview, Trader
from everstock.lab.venues.town import Town
from everstock.lab.venues.venue import Refused, Taken

MAIN_SHARE = Decimal("0.75")
"""Of a notional, in the main pool; the rest is the insurance pool's."""


class OptionsVenue:
    """Calls and puts at the money of one market. A size is a notional, in USD at the margin token's price.

    Its cost is what premium and fee are above the mark, as a share of the notional: what a spot venue calls slippage.
    """

    name = "Everstock options"
    is_spot = False

    def __init__(self, town: Town, market: Market, token: MarginToken | None = None) -> None:
        """The margin token is the town's stock token unless told; any other counts as worth the same."""
        self.town, self.market = town, market
        self.token = token or town.token
        self.traded_usd = 0.0

    def quote(self, taker: str, usd: float, *, buy: bool) -> Taken:
        preview, notional, mark = self._preview(taker, usd, buy=buy)
        if preview.refusal is not None:
            raise Refused(preview.refusal)
        return Taken(usd, float((preview.premium + preview.fee) / notional) - mark)

    def take(self, taker: str, usd: float, *, buy: bool) -> Taken:
        preview, notional, mark = self._preview(taker, usd, buy=buy)
        if preview.refusal is not None:
            raise Refused(preview.refusal)
        side = Side.CALL if buy else Side.PUT
        event = self.trader(taker).open(self.market, self.strike, side, notional).event("Open")
        self.traded_usd += usd
        amount = self.token.amount
        return Taken(usd, float((amount(event["premium"]) + amount(event["fee"])) / notional) - mark)

    def _preview(self, taker: str, usd: float, *, buy: bool) -> tuple[OpenPreview, Decimal, float]:
        side = Side.CALL if buy else Side.PUT
        notional = round(Decimal(str(usd / self.town.share)), 9)
        strike = self.strike
        preview = self.trader(taker).preview_open(self.market, strike, side, notional)
        if preview.premium == 0:
            raise Refused(preview.refusal or "no price")
        mark = self.market.quote(strike, side, QuoteKind.MARK)
        return preview, notional, int(mark.value) / 10**18

    def trader(self, taker: str) -> Trader:
        return self.token.trader(taker)

    @property
    def strike(self) -> int:
        return self.market.nearest_strike(self.market.price_usd)

    def margin(self, who: str, tokens: float) -> None:
        """Stock tokens put up as margin."""
        self.town.give(who, tokens, self.token)
        self.trader(who).deposit(round(Decimal(str(tokens)), 12))

    def provide(self, lp: str, tokens: float) -> None:
        """Deposit into both pools in the proportion of their layers."""
        self.town.give(lp, tokens, self.token)
        token = self.token
        amount = token.amount(self.town.units(tokens))
        main = round(amount * MAIN_SHARE, 12)
        token.main.deposit(lp, main)
        token.insurance.deposit(lp, amount - main)

    @property
    def utilisation(self) -> float:
        """Reserved of cash in the main pool."""
        main = self.token.main.nav()
        return float(main.reserved / main.cash) if main.cash else 0.0
