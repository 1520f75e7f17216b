"""The keeper of lending markets: liquidates whoever can be liquidated, as soon as it pays.

Like `everstock.keeper.Keeper` it holds no opinion: it reads who borrows from events, asks the chain what a liquidation
would bring, and leaves for the next pass whatever would revert or lose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from everstock.chain.receipt import Receipt
from everstock.client.lending import LendingMarket, Payout
from everstock.client.system import System, from_wad
from everstock.keeper.events import EventSource

MIN_PROFIT = Decimal(1)
"""Loan tokens that a liquidation must bring: a local chain's gas costs nothing, a real one's does."""


@dataclass(frozen=True)
class LendingAction:
    """One liquidation: loan tokens paid, stock tokens received."""

    market: LendingMarket
    owner: str
    repaid: Decimal
    seized: Decimal
    receipt: Receipt


@dataclass
class LendingKeeper:
    """Sends as `account`, which holds loan tokens. `events` must carry those of the lending markets."""

    system: System
    account: str
    events: EventSource
    min_profit: Decimal = MIN_PROFIT
    payout: Payout = Payout.WALLET
    borrowers: dict[str, set[str]] = field(default_factory=dict)

    def tick(self) -> list[LendingAction]:
        """One pass: everybody who can be liquidated at a profit is."""
        self._read(self.events.poll())
        actions: list[LendingAction] = []
        for market in self.system.lending.values():
            owners = self.borrowers.get(market.address, set())
            for owner in sorted(owners):
                if not market.contract.debtSharesOf(owner):
                    owners.discard(owner)
                elif market.liquidatable(owner) and (done := self._liquidate(market, owner)):
                    actions.append(done)
        return actions

    def _read(self, events: Iterable[object]) -> None:
        for event in events:
            if getattr(event, "name", "") == "Borrow":
                self.borrowers.setdefault(event.address, set()).add(event.args["owner"])  # type: ignore[attr-defined]

    def _liquidate(self, market: LendingMarket, owner: str) -> LendingAction | None:
        """Simulated first: nothing when the market refuses it, or it does not pay."""
        market.approve(self.account)
        found = market.would_liquidate(owner, self.account, self.payout)
        if found is None or self._profit(market, *found) < self.min_profit:
            return None
        receipt = market.liquidate(owner, self.account, payout=self.payout)
        done = receipt.event("Liquidate").args
        repaid, seized = market.loan.amount(done["repaid"]), market.collateral.amount(done["seized"])
        return LendingAction(market, owner, repaid, seized, receipt)

    def _profit(self, market: LendingMarket, repaid: int, seized: int) -> Decimal:
        """In loan tokens, at the oracle's price."""
        price = from_wad(self.system.oracle.read(market.asset.id).price)
        return market.collateral.amount(seized) * price - market.loan.amount(repaid)
