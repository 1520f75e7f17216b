"""What the keeper knows: accounts with positions, and redemptions that wait. All of it from events and state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from everstock.chain.registry import Event
from everstock.client import System


class PositionKey(NamedTuple):
    """As the contracts name a position within an account."""

    market_id: int
    strike: int
    is_call: bool


class AccountKey(NamedTuple):
    owner: str
    token: str


class Pending(NamedTuple):
    """A redemption: pool and controller."""

    pool: str
    controller: str


class AccountBook:
    """Events say which accounts changed; what they hold is then read again."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.accounts: dict[AccountKey, list[PositionKey]] = {}
        self.redemptions: dict[Pending, int] = {}  # → when the cooldown ends
        tokens = system.tokens.values()
        self.pools = {pool.address: pool for t in tokens for pool in (t.main_contract, t.insurance_contract)}

    def update(self, events: Iterable[Event]) -> bool:
        """Take new events; true when an account changed."""
        touched: set[AccountKey] = set()
        for event in events:
            if event.name in ("Open", "Close") and event.address == self.system.options.address:
                touched.add(AccountKey(event["owner"], event["token"]))
            elif event.name == "RedeemRequest":
                pool = self.pools[event.address]
                request = pool.redemptionOf(event["controller"])
                self.redemptions[Pending(event.address, event["controller"])] = int(request.executableAt)
            elif event.name == "ExecuteRedemption" and event["pending"] == 0:
                self.redemptions.pop(Pending(event.address, event["controller"]), None)
        for account in touched:
            self._read(account)
        return bool(touched)

    def _read(self, account: AccountKey) -> None:
        held = [PositionKey(*position) for position in self.system.options.positions(*account)]
        if held:
            self.accounts[account] = held
        else:
            self.accounts.pop(account, None)

    @property
    def live_markets(self) -> list[int]:
        """Ids of the markets with open interest."""
        return sorted({position.market_id for held in self.accounts.values() for position in held})
