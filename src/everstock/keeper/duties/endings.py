"""Endings: markets that were wound down, and dust that stands in everybody's way."""

from __future__ import annotations

from everstock.keeper.book import AccountKey, PositionKey
from everstock.keeper.duties.duty import Duty
from everstock.keeper.work import Action, Kind, Look

FROZEN = 2
"""`Phase.Frozen` of a market."""

MAX_STRIKES, MAX_MARKETS, MAX_LIVE = 32, 8, 64
"""Caps of a pool and market, of a pool, and of a market: with one of them reached dust may be evicted."""

EVICTION_BAND_PERCENT = 25
DUST_PERCENT = 1


class CloseFrozen(Duty):
    """Positions of markets that have ended: their owners are paid whether they come or not."""

    def due(self, look: Look) -> bool:
        """Whenever a market was poked, so within a quarter of an hour of the freeze."""
        return look.poked or look.swept

    def run(self) -> list[Action]:
        """Position by position. The first close in a token records up to when rent runs."""
        work, actions = self.work, list[Action]()
        frozen = {m for m in work.book.live_markets if work.markets[m].contract.phase() == FROZEN}
        held = [(a, p) for a, positions in work.book.accounts.items() for p in positions if p.market_id in frozen]
        options = work.system.options
        for account, position in held:
            call = (Kind.CLOSE_FROZEN, account.owner, account.token, options.closeFrozen)
            actions += work.act(*call, *account, position, position=position)
        return actions


class Evict(Duty):
    """Dust at far strikes, while a cap on strikes or markets keeps others from opening. Pays nothing."""

    def due(self, look: Look) -> bool:
        """At sweeps."""
        return look.swept and self.work.policy.unpaid

    def run(self) -> list[Action]:
        """What the contract would evict; it has the last word."""
        work, actions = self.work, list[Action]()
        capped = self._capped()
        options = work.system.options
        for account, positions in list(work.book.accounts.items()):
            for position in positions:
                if (account.token, position.market_id) not in capped or not self._far(position):
                    continue
                if self._dust(account, position):
                    call = (Kind.EVICT, account.owner, account.token, options.evict)
                    actions += work.act(*call, *account, position, position=position)
        return actions

    def _capped(self) -> set[tuple[str, int]]:
        """Margin tokens and markets in which a cap is reached."""
        options, found = self.work.system.options, set[tuple[str, int]]()
        full = {m for m in self.work.book.live_markets if self.work.markets[m].contract.liveCount() == MAX_LIVE}
        for token in {account.token for account in self.work.book.accounts}:
            markets = list(options.tokenBook(token).marketIds)
            for market in markets:
                strikes = options.marketState(token, market).strikes
                if market in full or len(markets) == MAX_MARKETS or len(strikes) == MAX_STRIKES:
                    found.add((token, market))
        return found

    def _far(self, position: PositionKey) -> bool:
        market = self.work.markets[position.market_id]
        price = self.work.price(market)
        if not price.is_open:
            return False
        strike = market.contract.strikePrice(position.strike)
        return bool(abs(strike - price.price) * 100 > EVICTION_BAND_PERCENT * price.price)

    def _dust(self, account: AccountKey, position: PositionKey) -> bool:
        options = self.work.system.options
        book = options.tokenBook(account.token)
        for word in options.marketState(account.token, position.market_id).strikes:
            if word >> 224 == position.strike % 2**16:
                total = (word >> 112) % 2**112 + word % 2**112
                return bool(total * 100 < DUST_PERCENT * (book.callNotional + book.putNotional))
        return False
