"""An issuer for tests: a stock token with a role for each of its duties, a desk, dividends and ballots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from everstock.chain.contract import Contract
from everstock.chain.evm import EvmChain
from everstock.client import System
from everstock.deploy.stock import deploy_issuance_desk
from support.desk import DAY, WAD, Desk

DOLLAR = 10**6
NO_REPORT = b"\0" * 32
NEVER = 2**40 - 1
ANY_PRICE = 2**128 - 1


def weekday_calendar(system: System) -> Contract:
    """14:30 to 21:00 UTC on weekdays. The chain starts at an opening, on a Monday."""
    return system.chain.deploy(system.artifacts["TestCalendar"], WAD // 5, 11_024_640 * WAD, sender=system.governor)


@dataclass(eq=False, repr=False)
class Issuer:
    """The governor holds every role, as on a local chain. Cash has 6 decimals; `price` is in dollars per token."""

    desk: Desk
    cash: Contract
    window: Contract
    """The issuance desk of TSLA.M."""

    @classmethod
    def of(cls, desk: Desk) -> Issuer:
        system = desk.system
        cash = system.chain.deploy(system.artifacts["HostileToken"], 6, sender=desk.who.governor)
        window = deploy_issuance_desk(
            system,
            "TSLA.M",
            desk.token.contract,
            cash,
            weekday_calendar(system),
            settlement_account=cls.account("custodian"),
        )
        return cls(desk, cash, window)

    @staticmethod
    def account(name: str) -> str:
        return EvmChain.account(name)

    @property
    def chain(self) -> EvmChain:
        return self.desk.chain

    @property
    def token(self) -> Contract:
        return self.desk.token.contract

    @property
    def governor(self) -> str:
        return self.desk.who.governor

    @property
    def today(self) -> int:
        return self.chain.now // DAY

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    def announce_record(self, days_ahead: int = 2) -> int:
        day = self.today + days_ahead
        self.token.announceRecordDate(day, sender=self.governor)
        return day

    def to_midnight(self, day: int, seconds: int = 0) -> None:
        """Let the midnight that begins `day` be now."""
        self.chain.set_time(day * DAY + seconds)

    def record(self) -> int:
        """Announce a record day and let its midnight come."""
        day = self.announce_record()
        self.to_midnight(day)
        return day

    # ── money ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def pay(self, to: Any, dollars: int, spender: Any = None) -> int:
        """Cash in a wallet, approved to the desk unless to another; in smallest units."""
        units = dollars * DOLLAR
        self.cash.mint(to, units, sender=self.governor)
        self.cash.approve(spender or self.window, units, sender=to)
        return units

    def give(self, to: Any, amount: int, spender: Any = None) -> None:
        self.desk.give(to, amount)
        self.token.approve(spender or self.window, amount, sender=to)

    @staticmethod
    def price(dollars: int | float) -> int:
        """As the desk takes it: cash units per 10^18 token units."""
        return round(dollars * DOLLAR)

    # ── the desk ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def request_mint(self, holder: Any, dollars: int, limit: int = ANY_PRICE) -> int:
        units = self.pay(holder, dollars)
        return int(self.window.requestMint(units, limit, holder, holder, sender=holder).return_value)

    def request_redeem(self, holder: Any, tokens: int, limit: int = 0) -> int:
        self.give(holder, tokens)
        return int(self.window.requestRedeem(tokens, limit, holder, holder, sender=holder).return_value)

    def fulfil_mints(self, *fills: tuple[int, int], dollars: int | float = 250) -> Any:
        return self.window.fulfilMints(list(fills), self.price(dollars), sender=self.governor)

    def fulfil_redemptions(self, *fills: tuple[int, int], dollars: int | float = 250) -> Any:
        self.cash.mint(self.governor, 10**15, sender=self.governor)
        self.cash.approve(self.window, 10**15, sender=self.governor)
        return self.window.fulfilRedemptions(list(fills), self.price(dollars), sender=self.governor)

    # ── dividends and votes ───────────────────────────────────────────────────────────────────────────────────────────
    @property
    def dividends(self) -> Contract:
        return self.desk.system.dividends

    @property
    def voting(self) -> Contract:
        return self.desk.system.voting

    def declare(
        self,
        day: int,
        amount: int,
        *,
        withholding: int = 0,
        tax_account: str | None = None,
        claimable_from: int = 0,
        expires_at: int = 0,
        cash: Contract | None = None,
    ) -> int:
        """A dividend of `amount` smallest units of cash."""
        cash = cash or self.cash
        cash.mint(self.governor, amount, sender=self.governor)
        cash.approve(self.dividends, amount, sender=self.governor)
        account = tax_account or (self.account("tax office") if withholding else "0x" + "00" * 20)
        terms = (withholding, account, claimable_from, expires_at)
        receipt = self.dividends.declare(self.token, day, cash, amount, *terms, sender=self.governor)
        return int(receipt.return_value)

    def deny(self, account: Any, denied: bool = True) -> None:
        self.desk.system.compliance.setDenied([account], denied, [self.token.address], sender=self.governor)
