"""A lending market: lenders, borrowers and liquidators, in tokens."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal, localcontext
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from everstock.chain.errors import Reverted

if TYPE_CHECKING:
    from everstock.chain.contract import Contract
    from everstock.chain.receipt import Receipt
    from everstock.client.system import Asset, MarginToken, System

MAX_UINT256 = 2**256 - 1
EXACT = Context(prec=100)
OPEN = 0


class Payout(IntEnum):
    """Where a liquidator takes the collateral."""

    WALLET = 0
    VAULT = 1
    REDEMPTION = 2


@dataclass(frozen=True)
class LoanToken:
    """What is lent. `asset_id` is zero when it counts as one dollar."""

    symbol: str
    contract: Contract
    decimals: int
    asset_id: bytes

    def units(self, amount: Decimal | int | str) -> int:
        """Loan tokens in smallest units, toward zero."""
        with localcontext(EXACT):
            return int((Decimal(amount) * 10**self.decimals).to_integral_value(ROUND_DOWN))

    def amount(self, units: int) -> Decimal:
        """Smallest units as an exact amount of loan tokens."""
        return Decimal(units).scaleb(-self.decimals, EXACT)


@dataclass(frozen=True)
class BorrowerHealth:
    """An account: collateral and pledge in stock tokens, the rest in loan tokens."""

    collateral: Decimal
    pledged: Decimal
    debt: Decimal
    borrow_limit: Decimal
    liquidation_limit: Decimal
    is_open: bool

    @property
    def factor(self) -> Decimal | None:
        """Liquidation limit over debt: below 1 it can be liquidated. None without a debt."""
        return self.liquidation_limit / self.debt if self.debt else None

    @property
    def free(self) -> Decimal:
        """What may still be borrowed."""
        return max(Decimal(0), self.borrow_limit - self.debt)


@dataclass(frozen=True)
class Terms:
    """LTVs and bonus at an instant, as shares; `liquidatable_from` None while the session is closed."""

    borrow_ltv: Decimal
    liquidation_ltv: Decimal
    bonus: Decimal
    liquidatable_from: int | None


@dataclass(eq=False)
class LendingMarket:
    """One loan token, lent against one stock token."""

    system: System
    name: str
    contract: Contract
    collateral: MarginToken
    loan: LoanToken
    asset: Asset

    @property
    def address(self) -> str:
        return self.contract.address

    # ── lenders ───────────────────────────────────────────────────────────────────────────────────────────────────
    def supply(self, lender: Any, amount: Decimal | int | str) -> Receipt:
        """Approve and lend; shares go to the lender."""
        units = self.loan.units(amount)
        self.loan.contract.approve(self.address, units, sender=lender)
        return self.contract.deposit(units, lender, sender=lender)  # type: ignore[no-any-return]

    def withdraw(self, lender: Any, amount: Decimal | int | str | None = None) -> Receipt:
        """Take back an amount; by default all that cash allows."""
        if amount is not None:
            return self.contract.withdraw(self.loan.units(amount), lender, lender, sender=lender)  # type: ignore[no-any-return]
        return self.contract.redeem(self.contract.maxRedeem(lender), lender, lender, sender=lender)  # type: ignore[no-any-return]

    def supplied(self, lender: Any) -> Decimal:
        """What the lender's shares are worth."""
        return self.loan.amount(self.contract.convertToAssets(self.contract.balanceOf(lender)))

    # ── borrowers ─────────────────────────────────────────────────────────────────────────────────────────────────
    def borrower(self, owner: Any) -> Borrower:
        return Borrower(self, owner)

    # ── liquidators ───────────────────────────────────────────────────────────────────────────────────────────────
    def liquidatable(self, owner: Any) -> bool:
        """Above its liquidation limit, at an Open price and past the grace."""
        health = self.borrower(owner).health
        return health.is_open and health.debt > health.liquidation_limit and self.past_grace

    @property
    def past_grace(self) -> bool:
        begins = self.terms().liquidatable_from
        return begins is not None and self.system.chain.now >= begins

    def liquidate(
        self,
        owner: Any,
        liquidator: Any,
        max_repay: Decimal | int | str | None = None,
        min_seized: Decimal | int | str = 0,
        payout: Payout = Payout.WALLET,
        to: Any = None,
    ) -> Receipt:
        """Repay what brings the account back to its borrow limit, at most `max_repay`, and take collateral for it."""
        cap = MAX_UINT256 if max_repay is None else self.loan.units(max_repay)
        order = (owner, cap, self.collateral.units(min_seized), int(payout), to or liquidator)
        self.approve(liquidator)
        return self.contract.liquidate(order, b"", sender=liquidator)  # type: ignore[no-any-return]

    def approve(self, payer: Any) -> None:
        """Let the market take the payer's loan tokens, without a limit: once is enough."""
        if self.loan.contract.allowance(payer, self.address) < MAX_UINT256 // 2:
            self.loan.contract.approve(self.address, MAX_UINT256, sender=payer)

    def would_liquidate(self, owner: Any, liquidator: Any, payout: Payout = Payout.WALLET) -> tuple[int, int] | None:
        """What a liquidation would repay and seize now, in smallest units; None when the market refuses it."""
        order = (owner, MAX_UINT256, 0, int(payout), liquidator)
        try:
            repaid, seized = self.contract.liquidate.call(order, b"", sender=liquidator)
        except Reverted:
            return None
        return int(repaid), int(seized)

    # ── the market ────────────────────────────────────────────────────────────────────────────────────────────────
    def terms(self, at: int | None = None) -> Terms:
        """LTVs and bonus now, or at any time to come."""
        t = self.contract.termsAt(self.system.chain.now if at is None else at)
        borrow, liquidation, bonus = (Decimal(x).scaleb(-18, EXACT) for x in (t.borrowLtv, t.liquidationLtv, t.bonus))
        return Terms(borrow, liquidation, bonus, None if t.liquidatableFrom == MAX_UINT256 else int(t.liquidatableFrom))

    @property
    def state(self) -> Any:
        """Totals in smallest units, accrued to now."""
        return self.contract.state()

    @property
    def borrow_rate(self) -> Decimal:
        """Annual, continuously compounded."""
        return Decimal(self.state.borrowRate).scaleb(-18, EXACT)

    @property
    def utilisation(self) -> Decimal:
        """Debt over what can be lent."""
        state = self.state
        lendable = state.supplyAssets + state.reserve
        return Decimal(state.debtAssets) / Decimal(lendable) if lendable else Decimal(0)


@dataclass(frozen=True, eq=False)
class Borrower:
    """One owner's collateral and debt in one market."""

    market: LendingMarket
    owner: Any

    @property
    def _token(self) -> MarginToken:
        return self.market.collateral

    def deposit(self, amount: Decimal | int | str) -> Receipt:
        """Approve the vault and add collateral. Works in every state of every market."""
        units, vault = self._token.units(amount), self.market.system.vault
        self._token.contract.approve(vault.address, units, sender=self.owner)
        return vault.deposit(self._token.address, self.market.address, self.owner, units, sender=self.owner)  # type: ignore[no-any-return]

    def lock(self, amount: Decimal | int | str) -> Receipt:
        """Use free balance in the vault as collateral."""
        units = self._token.units(amount)
        return self.market.system.vault.lock(self._token.address, self.market.address, units, sender=self.owner)  # type: ignore[no-any-return]

    def borrow(self, amount: Decimal | int | str, to: Any = None) -> Receipt:
        units = self.market.loan.units(amount)
        return self.market.contract.borrow(units, self.owner, to or self.owner, sender=self.owner)  # type: ignore[no-any-return]

    def repay(self, amount: Decimal | int | str | None = None, payer: Any = None) -> Receipt:
        """Approve and repay; everything by default."""
        payer, market = payer or self.owner, self.market
        units = MAX_UINT256 if amount is None else market.loan.units(amount)
        market.loan.contract.approve(market.address, units, sender=payer)
        receipt = market.contract.repay(units, self.owner, sender=payer)
        if amount is None:
            market.loan.contract.approve(market.address, 0, sender=payer)
        return receipt  # type: ignore[no-any-return]

    def withdraw(self, amount: Decimal | int | str | None = None, to: Any = None) -> Receipt:
        """Take collateral out; all of it by default."""
        return self.market.contract.withdrawCollateral(  # type: ignore[no-any-return]
            self._amount(amount), self.owner, to or self.owner, sender=self.owner
        )

    def release(self, amount: Decimal | int | str | None = None, to: Any = None) -> Receipt:
        """Move collateral to a free balance in the vault; all of it by default."""
        return self.market.contract.releaseCollateral(  # type: ignore[no-any-return]
            self._amount(amount), self.owner, to or self.owner, sender=self.owner
        )

    def pledge(self) -> Receipt:
        """Count the owner's options account in the collateral token as collateral, too."""
        options = self.market.system.options
        if options.pledgeeOf(self.owner, self._token.address) != self.market.address:
            options.pledge(self._token.address, self.market.address, sender=self.owner)
        return self.market.contract.countPledge(sender=self.owner)  # type: ignore[no-any-return]

    def release_pledge(self) -> Receipt:
        """Have the options account back, as far as the debt allows."""
        return self.market.contract.releasePledge(self._token.address, sender=self.owner)  # type: ignore[no-any-return]

    def _amount(self, amount: Decimal | int | str | None) -> int:
        return self._units() if amount is None else self._token.units(amount)

    def _units(self) -> int:
        where = (self._token.address, self.market.address, self.owner)
        return int(self.market.system.vault.balanceOf(*where))

    @property
    def collateral(self) -> Decimal:
        return self._token.amount(self._units())

    @property
    def debt(self) -> Decimal:
        return self.market.loan.amount(self.market.contract.debtOf(self.owner))

    @property
    def health(self) -> BorrowerHealth:
        h, token, loan = self.market.contract.health(self.owner), self._token, self.market.loan
        return BorrowerHealth(
            token.amount(h.collateral),
            token.amount(h.pledged),
            loan.amount(h.debt),
            loan.amount(h.borrowLimit),
            loan.amount(h.liquidationLimit),
            h.status == OPEN,
        )
