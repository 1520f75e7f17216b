"""Pools: redemptions whose cooldown is over, and the treasury's part of the fees."""

from __future__ import annotations

from everstock.keeper.duties.duty import Duty
from everstock.keeper.work import Action, Kind, Look


class ExecuteRedemptions(Duty):
    """Requests past their cooldown. One that its pool cannot value or pay yet stays for the next pass."""

    def due(self, look: Look) -> bool:
        """When one is past its cooldown, and whenever cash may have arrived."""
        now = self.work.system.chain.now
        return any(executable_at <= now for executable_at in self.work.book.redemptions.values())

    def run(self) -> list[Action]:
        """All that can be executed."""
        work, actions = self.work, list[Action]()
        now = work.system.chain.now
        for pending, executable_at in list(work.book.redemptions.items()):
            if now >= executable_at:
                function = work.book.pools[pending.pool].executeRedemption
                actions += work.act(Kind.REDEEM, pending.controller, pending.pool, function, pending.controller)
        return actions


class CollectFees(Duty):
    """The treasury's part of the fees, where it is worth far more than the gas. Pays the keeper nothing."""

    MULTIPLE = 20
    """Of its gas that a collection must move."""

    def due(self, look: Look) -> bool:
        """Housekeeping: at sweeps."""
        return look.swept and self.work.policy.unpaid

    def run(self) -> list[Action]:
        """For each margin token."""
        work, actions = self.work, list[Action]()
        options = work.system.options
        tokens = [token.address for token in work.system.tokens.values()]
        for token, book in zip(tokens, options.tokenBook.read_many([(t,) for t in tokens]), strict=True):
            worth = work.economics.worth_usd(token, book.treasuryDue)
            if worth > 1 and work.economics.worth_gas(worth, self.MULTIPLE):
                actions += work.act(Kind.COLLECT_FEES, options.treasury(), token, options.collectFees, token)
        return actions
