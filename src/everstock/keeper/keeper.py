"""One pass of the keeper: look at prices, poke what is due, then do what the contracts pay for or their users need.

It holds no opinion, and no position but what arbitrage is configured for. Before it sends, it simulates: what would
revert is left for the next pass. It remembers nothing that it could not read again, and nothing it does can be done
twice: so it may be killed at any moment, run several times at once, and see the chain change behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from everstock.chain.errors import Reverted
from everstock.client import System
from everstock.keeper.book import AccountBook, AccountKey, PositionKey
from everstock.keeper.duties import STANDARD, Duty, Exercise, Poke
from everstock.keeper.economics import Economics
from everstock.keeper.events import EventSource, NodeLogs
from everstock.keeper.metrics import Metrics
from everstock.keeper.sender import DirectSender, Sender
from everstock.keeper.work import Action, Kind, Look, Policy, Statistics, Work

__all__ = ["Action", "Keeper", "Kind", "Policy"]


@dataclass
class Keeper:
    """Sends as `account`. `events` must carry those of `AccountBook.addresses`, from the deployment on; contracts that
    are left out have no duties. `duties` are made of the work they share.
    """

    system: System
    account: str
    events: EventSource
    policy: Policy = field(default_factory=Policy)
    sender: Sender | None = None
    metrics: Metrics = field(default_factory=Metrics)
    duties: Sequence[Callable[[Work], Duty]] = STANDARD

    def __post_init__(self) -> None:
        self.book = AccountBook(self.system, self.account)
        self.economics = Economics(self.system, self.policy.min_profit_usd)
        sender: Sender = self.sender or DirectSender(self.system.chain)
        self.work = Work(
            self.system, self.account, self.policy, self.events, sender, self.metrics, self.book, self.economics
        )
        self.poke = Poke(self.work)
        self.at_work: list[Duty] = [duty(self.work) for duty in self.duties]
        self._swept_at: int | None = None

    @property
    def statistics(self) -> Statistics:
        """Since it began."""
        return self.work.statistics

    @property
    def highest_mark(self) -> dict[tuple[AccountKey, PositionKey], Decimal]:
        """How deep in the money each position has been seen."""
        return next((duty.highest_mark for duty in self.at_work if isinstance(duty, Exercise)), {})

    def tick(self) -> list[Action]:
        """One pass. Returns what it did besides poking, in order."""
        self.statistics.passes += 1
        self.metrics.passes.inc()
        now = self.system.chain.now
        changed = self.book.update(self.events.poll())
        self.book.forget_expired(now)
        swept = self._sweep(now)
        self.work.prices.clear()
        self.economics.prices.clear()
        live = [self.work.markets[market].asset for market in self.book.live_markets]
        self.work.read_prices([*live, *(asset for duty in self.at_work for asset in duty.assets())])
        look = Look(self.poke.poke(), changed, swept)
        actions: list[Action] = []
        for duty in self.at_work:
            if duty.due(look):
                actions += self._run(duty)
        self._measure()
        return actions

    def _run(self, duty: Duty) -> list[Action]:
        """What one duty cannot read keeps none of the others from theirs."""
        try:
            return duty.run()
        except Reverted as error:
            self.metrics.refusals.labels(type(duty).__name__, error.name).inc()
            return []

    def _sweep(self, now: int) -> bool:
        """Now and then everything is read again, in case an event never arrived."""
        if self._swept_at is None:  # just started: all of it was just read
            self._swept_at = now
            return True
        if now - self._swept_at < self.policy.sweep_every_seconds:
            return False
        self.book.read_again()
        self._swept_at = now
        return True

    def _measure(self) -> None:
        self.metrics.accounts.set(len(self.book.accounts))
        self.metrics.orders.set(len(self.book.orders))
        self.metrics.redemptions.set(len(self.book.redemptions))
        self.metrics.loans.set(len(self.book.borrowers))
        self.metrics.requests.set(len(self.book.requests))
        self.metrics.block.set(self.system.chain.block_number)
        if isinstance(self.events, NodeLogs):
            self.metrics.reorganisations.set(self.events.reorganisations)
