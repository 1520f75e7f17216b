"""Poke: markets take new prices, and the breaker hears of jumps."""

from __future__ import annotations

from dataclasses import dataclass

from everstock.chain.receipt import Tx
from everstock.client import Asset
from everstock.keeper.duties.duty import Duty
from everstock.keeper.work import Action, Kind, Look, Work

POKE_GAS = 3_000_000
"""Gas limit of a poke: an ordinary one takes a tenth; crossing many strikes takes more."""

HALT_LOOK_SECONDS = 60
"""Between two looks at new prints of a halted asset, doubling up to the ordinary interval."""


@dataclass
class _Poked:
    """A market as somebody last left it."""

    time: int = 0
    price: int = 0


@dataclass
class _Halt:
    """A halt of the breaker: the last print that it was told, when, and how long to wait for the next."""

    published_at: int
    told_at: int
    pause: int = HALT_LOOK_SECONDS


class Poke(Duty):
    """Live markets, when they are due by time or by a move of the price; halted assets, whoever needs them.

    The breaker halts by itself but forgets what nobody pokes: a jump is only confirmed by a second print, five
    minutes after the first one that a poke has told it. So a halt is told at once, also where nobody holds an
    option, as long as an order or a loan waits for the price.
    """

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._poked: dict[int, _Poked] = {}
        self._halts: dict[str, _Halt] = {}

    def due(self, look: Look) -> bool:
        """In every pass: this is what finds out whether anything happened."""
        return True

    def run(self) -> list[Action]:
        """Pokes are counted, not told."""
        self.poke()
        return []

    def poke(self) -> bool:
        """Poke what is due; true when something was, also if another keeper has done it."""
        work, now = self.work, self.work.system.chain.now
        told = self._halts_to_tell(now)
        due: list[int] = []
        on_moves = 0
        for market_id in work.book.live_markets:
            market = work.markets[market_id]
            poked, price = self._poked.get(market_id, _Poked()), work.price(market).price
            moved = abs(price - poked.price) >= work.policy.poke_on_move * poked.price
            late = now - poked.time >= work.policy.poke_every_seconds
            if market.asset.name in told:
                due.append(market_id)
            elif moved or late:
                on_moves += moved and not late
                due.append(market_id)
        send = [m for m in due if work.markets[m].asset.name in told or not self._done_by_others(m, now)]
        txs = [work.markets[m].contract.poke.tx(sender=work.account, gas=POKE_GAS) for m in send]
        for market_id in due:
            self._poked[market_id] = _Poked(now, work.price(work.markets[market_id]).price)
        txs += self._poke_alone(told - {work.markets[m].asset.name for m in send})
        if txs:
            work.send(Kind.POKE.value, txs)
            work.statistics.pokes += len(txs)
            work.statistics.pokes_on_moves += on_moves
            work.metrics.pokes.inc(len(txs))
        return bool(due or txs)

    def _done_by_others(self, market_id: int, now: int) -> bool:
        """Whether the chain has it already: of several keepers the others need not pay."""
        if market_id not in self._poked:  # the first look, which finds out what a restart has missed
            return False
        state, policy = self.work.markets[market_id].contract.state(), self.work.policy
        price = self.work.price(self.work.markets[market_id]).price
        moved = abs(price - state.price) >= policy.poke_on_move * state.price
        return not moved and now - state.accruedAt < policy.poke_every_seconds

    def _halts_to_tell(self, now: int) -> set[str]:
        """Assets that the breaker halts at a print which nobody may have told it."""
        found = set()
        for name, price in self.work.prices.items():
            if not price.confirmable:
                self._halts.pop(name, None)
                continue
            halt = self._halts.get(name)
            if halt is None:
                self._halts[name] = _Halt(price.published_at, now)
            elif price.published_at != halt.published_at and now - halt.told_at >= halt.pause:
                halt.published_at, halt.told_at = price.published_at, now
                halt.pause = min(2 * halt.pause, self.work.policy.poke_every_seconds)
            else:
                continue
            found.add(name)
        return found

    def _poke_alone(self, names: set[str]) -> list[Tx]:
        """For assets without a live market."""
        assets: list[Asset] = [self.work.system.assets[name] for name in sorted(names)]
        poke = self.work.system.oracle.poke
        return [poke.tx(asset.id, sender=self.work.account, gas=POKE_GAS) for asset in assets]
