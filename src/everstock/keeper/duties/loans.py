"""Loans: liquidated as soon as the bonus pays, and charged interest where nobody else comes by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from everstock.chain.errors import Reverted
from everstock.chain.receipt import Tx
from everstock.client import Asset
from everstock.client.lending import LendingMarket, Payout
from everstock.client.system import from_wad
from everstock.keeper.duties.duty import Duty
from everstock.keeper.work import DUTY_GAS, Action, Kind, Look, Work

MAX_UINT256 = 2**256 - 1
LOOK_SECONDS = 60
"""Interest alone brings accounts over their limit slowly: prices and borrowings are looked at at once."""

REPAY_SLACK = 1_000
"""A thousandth more than the simulation repaid may be taken: interest goes on until the block."""

SEIZED_SLACK = 500
"""A five-hundredth less than the simulation seized may come back."""

ACCRUE_SECONDS = 86_400


@dataclass
class _Seen:
    published_at: int = 0
    looked_at: int = 0
    unhealthy: bool = False


class LiquidateLoans(Duty):
    """Whoever is over the limit, with the keeper's own loan tokens, at a profit after the collateral's exit and gas.

    After an opening the bonus rises from its least to its most: of several keepers the one with the lowest costs comes
    first. Accounts that only a pledge of options stands behind have it realised first, step by step, each step from
    the chain's state alone.
    """

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._seen: dict[str, _Seen] = {}
        self._changed = False

    def assets(self) -> Iterable[Asset]:
        """Of the markets with borrowers."""
        return [market.asset for market in self._markets]

    @property
    def _markets(self) -> list[LendingMarket]:
        borrowed = {key.token for key in self.work.book.borrowers}
        return [market for market in self.work.system.lending.values() if market.address in borrowed]

    def due(self, look: Look) -> bool:
        """While there are loans; which of them to read is told by prices and time."""
        self._changed = look.changed or look.swept
        return bool(self.work.book.borrowers)

    def run(self) -> list[Action]:
        """In each market."""
        actions: list[Action] = []
        for market in self._markets:
            price, seen = self.work.prices[market.asset.name], self._seen.setdefault(market.address, _Seen())
            now = self.work.system.chain.now
            fresh = price.published_at == seen.published_at and now - seen.looked_at < LOOK_SECONDS
            if not price.is_open or (fresh and not self._changed and not seen.unhealthy):
                continue
            seen.published_at, seen.looked_at = price.published_at, now
            actions += self._look_at(market, seen)
        return actions

    def _look_at(self, market: LendingMarket, seen: _Seen) -> list[Action]:
        owners = [key.owner for key in self.work.book.borrowers if key.token == market.address]
        health = market.contract.health.read_many([(owner,) for owner in owners])
        found = [(o, h) for o, h in zip(owners, health, strict=True) if h.debt > h.liquidationLimit]
        seen.unhealthy = bool(found)
        if not found or not market.past_grace:
            return []
        return [action for owner, state in found for action in self._liquidate(market, owner, state)]

    def _liquidate(self, market: LendingMarket, owner: str, health: Any) -> list[Action]:
        if health.collateral == 0 and health.pledged:
            return self._realise(market, owner)
        work, loan = self.work, market.loan.contract
        capital = min(int(loan.balanceOf(work.account)), int(health.debt) * (REPAY_SLACK + 1) // REPAY_SLACK)
        actions = work.allow(loan, market.address, capital, MAX_UINT256)
        order = (owner, capital, 0, int(Payout.WALLET), work.account)
        liquidate = market.contract.liquidate
        try:
            repaid, seized = liquidate.call(order, b"", sender=work.account)
        except Reverted:
            return actions
        if repaid or seized:
            if not self._pays(market, repaid, seized, liquidate.tx(order, b"", sender=work.account)):
                work.metrics.unprofitable.labels(Kind.LIQUIDATE_LOAN.value).inc()
                return actions
        elif not work.policy.unpaid:  # nothing but bad debt to book
            return actions
        cap = min(capital, repaid * (REPAY_SLACK + 1) // REPAY_SLACK + 1)
        order = (owner, cap, seized * (SEIZED_SLACK - 1) // SEIZED_SLACK, int(Payout.WALLET), work.account)
        tx = liquidate.tx(order, b"", sender=work.account, gas=DUTY_GAS)
        return actions + work.do(Kind.LIQUIDATE_LOAN, owner, market.address, tx)

    def _pays(self, market: LendingMarket, repaid: int, seized: int, tx: Tx) -> bool:
        """Collateral at the oracle's price, less its way out, against what is repaid."""
        work = self.work
        price = from_wad(work.prices[market.asset.name].price)
        loan_price = Decimal(1)
        if any(market.loan.asset_id):
            loan_price = from_wad(work.system.oracle.read(market.loan.asset_id).price)
        brings = market.collateral.amount(seized) * price * (1 - work.policy.loan_exit_cost)
        gain = brings - market.loan.amount(repaid) * loan_price
        return work.economics.profits(gain, work.economics.gas_of(tx))

    def _realise(self, market: LendingMarket, owner: str) -> list[Action]:
        """Close the pledged options, then take what their account holds: it is collateral then."""
        work, options, token = self.work, self.work.system.options, market.collateral.address
        positions = [tuple(position) for position in options.positions(owner, token)]
        margin = int(work.system.vault.balanceOf(token, options.address, owner))
        realise = market.contract.realisePledge
        call = (owner, positions, 0) if positions else (owner, [], margin)
        return work.act(Kind.REALISE_PLEDGE, owner, market.address, realise, *call)


class AccrueLoans(Duty):
    """Once a day: the adaptive curve follows utilisation as it finds it, so a market that nobody touches lags behind.
    Pays nothing.
    """

    def due(self, look: Look) -> bool:
        """At sweeps."""
        return look.swept and self.work.policy.unpaid

    def run(self) -> list[Action]:
        """Markets with debt."""
        work, actions = self.work, list[Action]()
        for market in work.system.lending.values():
            state = market.state
            if state.debtAssets and work.system.chain.now - state.accruedAt >= ACCRUE_SECONDS:
                actions += work.act(Kind.ACCRUE_LOANS, work.account, market.address, market.contract.accrue)
        return actions
