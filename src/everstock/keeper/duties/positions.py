"""Positions and accounts: exercise at the cap, liquidation below maintenance, settlement of what runs into debt."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from everstock.client.system import QuoteKind
from everstock.keeper.book import AccountKey, PositionKey
from everstock.keeper.duties.duty import Duty
from everstock.keeper.work import DUTY_GAS, Action, Kind, Look, Work, side_of

WAD = 10**18
EXERCISE_MARK = 3 * WAD // 4
"""The mark at which anyone may exercise: the main pool's layer."""

NEAR = Decimal("0.7")
"""Time value is under 0.05 this deep in the money: only then is the exact mark worth asking for."""

LEAST_SHORTFALL_USD = Decimal(1)
"""What an insolvent account must owe beyond its margin before it is settled once more."""


def keepers_fee(closed: Any) -> int:
    """Of a liquidation or an exercise."""
    return int(closed.fee)


class Exercise(Duty):
    """Positions whose mark has reached the cap."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.highest_mark: dict[tuple[AccountKey, PositionKey], Decimal] = {}
        self._strike_prices: dict[tuple[int, int], int] = {}

    def due(self, look: Look) -> bool:
        """When a price or an account changed."""
        return look.poked or look.changed or look.swept

    def run(self) -> list[Action]:
        """All of them."""
        work, actions = self.work, list[Action]()
        for account, held in list(work.book.accounts.items()):
            for position in held:
                market = work.markets[position.market_id]
                price = work.price(market)
                if not price.is_open:
                    continue
                intrinsic = self._intrinsic(position, price.price)
                seen = self.highest_mark.get((account, position), Decimal(0))
                self.highest_mark[account, position] = max(seen, intrinsic)
                if intrinsic < NEAR:
                    continue
                if market.quote(position.strike, side_of(position), QuoteKind.MARK).value < EXERCISE_MARK:
                    continue
                where = (Kind.EXERCISE, account.owner, account.token, work.system.options.exercise)
                actions += work.act(*where, *account, position, position=position, reward=keepers_fee)
        return actions

    def _intrinsic(self, position: PositionKey, price: int) -> Decimal:
        key = (position.market_id, position.strike)
        strike = self._strike_prices.get(key)
        if strike is None:
            strike = self._strike_prices[key] = self.work.markets[key[0]].contract.strikePrice(position.strike)
        ratio = Decimal(price) / strike - 1
        return max(ratio if position.is_call else -ratio, Decimal(0))


class Liquidate(Duty):
    """Accounts below maintenance: sell, dearest position first, until they are healthy again.

    Each keeper begins elsewhere, so that several share the work of a crash instead of racing for the same account.
    """

    def due(self, look: Look) -> bool:
        """When time or a price went on, or an account changed."""
        return look.poked or look.changed or look.swept

    def run(self) -> list[Action]:
        """All of them. Reads every account's health, which settlement then needs not do again."""
        work, actions, mine = self.work, list[Action](), int(self.work.account, 16)
        accounts = sorted(work.book.accounts, key=lambda account: int(account.owner, 16) ^ mine)
        found = work.system.options.accountHealth.read_many(accounts)
        work.health = dict(zip(accounts, found, strict=True))
        for account, health in list(work.health.items()):
            if health.equity >= health.maintenanceMargin:
                continue
            while position := self._to_sell(account):
                done = self._sell(account, position)
                if not done:
                    break
                work.health.pop(account, None)
                actions += done
        return actions

    def _sell(self, account: AccountKey, position: PositionKey) -> list[Action]:
        work, options = self.work, self.work.system.options
        if len(work.book.accounts[account]) > 1:
            what = (Kind.LIQUIDATE, account.token, options.liquidate, *account, position)
            if not work.would(*what, reward=keepers_fee):
                return []
            # Collect first: the sale then settles with an account whose other positions owe nothing.
            work.send(Kind.SETTLE.value, [options.settle.tx(*account, sender=work.account, gas=DUTY_GAS)])
        call = (Kind.LIQUIDATE, account.owner, account.token, options.liquidate)
        return work.act(*call, *account, position, position=position, reward=keepers_fee)

    def _to_sell(self, account: AccountKey) -> PositionKey | None:
        """The position to sell from, if the account is below maintenance and one can be sold now."""
        held = self.work.book.accounts.get(account)
        if not held:
            return None
        health = self.work.system.options.accountHealth(*account)
        if health.equity >= health.maintenanceMargin:
            return None
        bids: dict[PositionKey, int] = {}
        for position in held:
            market = self.work.markets[position.market_id]
            if self.work.price(market).is_open:
                bids[position] = market.quote(position.strike, side_of(position), QuoteKind.BID).value
        return max(bids, key=lambda position: bids[position], default=None)


class Settle(Duty):
    """Accounts that owe more than they hold, so that the debt is on the books and LPs who leave do not count on it; at
    sweeps also those that owe the pools a sum worth having. Pays nothing: done where it moves more than its gas costs.

    The first kind cannot always be liquidated: a stock's market is closed most of the week.
    """

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._all = False

    def due(self, look: Look) -> bool:
        """After liquidation, which reads the accounts."""
        self._all = look.swept
        return look.poked or look.changed or look.swept

    def run(self) -> list[Action]:
        """All of them."""
        work, actions = self.work, list[Action]()
        for account, health in list(work.health.items()):
            due = health.owed - health.debt  # by positions, not on the books yet
            if account in work.book.accounts and self._worth(account, due, due - health.balance):
                call = (Kind.SETTLE, account.owner, account.token, work.system.options.settle)
                actions += work.act(*call, *account)
        return actions

    def _worth(self, account: AccountKey, due: int, shortfall: int) -> bool:
        economics, policy = self.work.economics, self.work.policy
        if shortfall > 0:
            worth = economics.worth_usd(account.token, shortfall)
            if worth >= LEAST_SHORTFALL_USD and economics.worth_gas(worth):
                return True
        if not self._all or due <= 0:
            return False
        worth = economics.worth_usd(account.token, due)
        return worth >= policy.settle_above_usd and economics.worth_gas(worth)
