"""A main or insurance pool, in tokens."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from everstock.chain.contract import Contract
    from everstock.chain.receipt import Receipt
    from everstock.client.system import MarginToken

VIRTUAL_SHARES = 10**6


@dataclass(frozen=True, eq=False)
class Pool:
    """Shares are counted in whole shares (the pool's decimals: the token's plus 6)."""

    token: MarginToken
    contract: Contract

    @property
    def address(self) -> str:
        return self.contract.address

    def deposit(self, lp: Any, amount: Decimal | int | str, min_shares: int = 0) -> Receipt:
        """Approve and deposit; shares go to the depositor."""
        units = self.token.units(amount)
        self.token.contract.approve(self.contract.address, units, sender=lp)
        return self.contract["deposit(uint256,address,uint256)"](units, lp, min_shares, sender=lp)  # type: ignore[no-any-return]

    def fund(self, lp: Any, amount: Decimal | int | str, min_shares: int = 0) -> Receipt:
        """Deposit out of the depositor's free balance in the vault: no token moves."""
        system, token = self.token.system, self.token
        where = (token.address, system.options.address, self.contract.address)
        return system.vault.fund(*where, token.units(amount), lp, min_shares, sender=lp)  # type: ignore[no-any-return]

    def request_redeem(self, lp: Any, shares: int | None = None) -> Receipt:
        """Escrow `shares` (smallest units; all by default). It cannot be taken back."""
        shares = self.shares_of(lp) if shares is None else shares
        return self.contract.requestRedeem(shares, lp, lp, sender=lp)  # type: ignore[no-any-return]

    def execute_redemption(self, lp: Any, keeper: Any) -> Receipt:
        """After the cooldown, by anyone: burn as much of the request as free cash pays for."""
        return self.contract.executeRedemption(lp, sender=keeper)  # type: ignore[no-any-return]

    def claim(self, lp: Any) -> Receipt:
        """Pay out everything claimable."""
        return self.contract.redeem(self.contract.maxRedeem(lp), lp, lp, sender=lp)  # type: ignore[no-any-return]

    def shares_of(self, lp: Any) -> int:
        return int(self.contract.balanceOf(lp))

    def nav(self, *, for_deposit: bool = False) -> Any:
        """Book value by part, in smallest units, at the stored prices."""
        return self.contract.nav(for_deposit)

    @property
    def share_price(self) -> Decimal:
        """Tokens per whole share at the last accepted prices."""
        nav = self.contract.totalAssets()
        return Decimal(nav + 1) * VIRTUAL_SHARES / Decimal(self.contract.totalSupply() + VIRTUAL_SHARES)

    @property
    def cash(self) -> Decimal:
        """What the pool's ledger entry holds, less what of it is the treasury's."""
        return self.token.amount(self.contract.nav(False).cash)
