"""A margin account: one owner, one margin token."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from everstock.chain.receipt import Receipt
    from everstock.client.system import MarginToken, Market

MAX_UINT112 = 2**112 - 1
MAX_UINT256 = 2**256 - 1


class Side(Enum):
    """A call gains when the underlying rises, a put when it falls."""

    CALL = "call"
    PUT = "put"


@dataclass(frozen=True)
class Health:
    """An account in tokens: equity is balance less owed."""

    balance: Decimal
    debt: Decimal
    owed: Decimal
    equity: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal


@dataclass(frozen=True)
class OpenPreview:
    """What an order to open would do next in this block: tokens, prices in USD.

    ``refusal`` names the error that would stop it, None when nothing would. Without a price all amounts are 0.
    ``funding_per_day`` and ``rent_per_day`` are those of the whole resulting position at today's speed.
    """

    refusal: str | None
    premium: Decimal
    fee: Decimal
    price_usd: Decimal
    strike_price_usd: Decimal
    equity_after: Decimal
    initial_margin_after: Decimal
    main_cash_after: Decimal
    main_reserved_after: Decimal
    insurance_cash_after: Decimal
    insurance_reserved_after: Decimal
    funding_per_day: Decimal
    rent_per_day: Decimal


@dataclass(frozen=True)
class ClosePreview:
    """What a close would pay next in this block, in tokens; ``refusal`` as in :class:`OpenPreview`."""

    refusal: str | None
    notional: Decimal
    payout_main: Decimal
    payout_insurance: Decimal
    fee: Decimal
    debt_paid: Decimal
    to_owner: Decimal
    balance_after: Decimal


@dataclass(frozen=True, eq=False)
class Trader:
    """Trades against margin in the vault. `owner` signs unless `sender` is given."""

    token: MarginToken
    owner: Any

    @property
    def _options(self) -> Any:
        return self.token.system.options

    def deposit(self, amount: Decimal | int | str) -> Receipt:
        """Approve the vault and add margin. Works in every state of every market."""
        units = self.token.units(amount)
        vault = self.token.system.vault
        self.token.contract.approve(vault.address, units, sender=self.owner)
        return vault.deposit(self.token.address, self._options.address, self.owner, units, sender=self.owner)  # type: ignore[no-any-return]

    def order(
        self,
        market: Market,
        strike: int,
        side: Side,
        notional: Decimal | int | str | None,
        limit: Decimal | int | str | None,
        deadline: int | None,
    ) -> tuple[Any, ...]:
        """The contract's order. `notional` None: all of the position; `limit` in tokens."""
        return (
            self.owner,
            self.token.address,
            market.id,
            strike,
            side is Side.CALL,
            MAX_UINT112 if notional is None else self.token.units(notional),
            self.token.units(limit) if limit is not None else 0,
            self.token.system.chain.now + 600 if deadline is None else deadline,
        )

    def open(
        self,
        market: Market,
        strike: int,
        side: Side,
        notional: Decimal | int | str,
        max_premium: Decimal | int | str | None = None,
        deadline: int | None = None,
    ) -> Receipt:
        """Buy an option. Without `max_premium` any premium is accepted: fine on a local chain, not on a public one."""
        limit = notional if max_premium is None else max_premium
        order = self.order(market, strike, side, notional, limit, deadline)
        return self._options.open(order, sender=self.owner)  # type: ignore[no-any-return]

    def close(
        self,
        market: Market,
        strike: int,
        side: Side,
        notional: Decimal | int | str | None = None,
        min_proceeds: Decimal | int | str = 0,
        deadline: int | None = None,
    ) -> Receipt:
        """Sell back at the bid; all of the position by default."""
        order = self.order(market, strike, side, notional, min_proceeds, deadline)
        return self._options.close(order, sender=self.owner)  # type: ignore[no-any-return]

    def preview_open(
        self,
        market: Market,
        strike: int,
        side: Side,
        notional: Decimal | int | str,
        max_premium: Decimal | int | str | None = None,
        deadline: int | None = None,
    ) -> OpenPreview:
        """What :meth:`open` with the same arguments would do now."""
        limit = notional if max_premium is None else max_premium
        p = self._lens.previewOpen(self.order(market, strike, side, notional, limit, deadline))
        amount = self.token.amount
        return OpenPreview(
            refusal=self._refusal(p.refusal),
            premium=amount(p.premium),
            fee=amount(p.fee),
            price_usd=Decimal(p.price).scaleb(-18),
            strike_price_usd=Decimal(p.strikePrice).scaleb(-18),
            equity_after=amount(p.equityAfter),
            initial_margin_after=amount(p.initialMarginAfter),
            main_cash_after=amount(p.cashMainAfter),
            main_reserved_after=amount(p.reservedMainAfter),
            insurance_cash_after=amount(p.cashInsuranceAfter),
            insurance_reserved_after=amount(p.reservedInsuranceAfter),
            funding_per_day=amount(p.fundingPerDay),
            rent_per_day=amount(p.rentPerDay),
        )

    def preview_close(
        self, market: Market, strike: int, side: Side, notional: Decimal | int | str | None = None
    ) -> ClosePreview:
        """What :meth:`close` would pay now; all of the position by default."""
        units = MAX_UINT112 if notional is None else self.token.units(notional)
        position = (market.id, strike, side is Side.CALL)
        refusal, *amounts = self._lens.previewClose(self.owner, self.token.address, position, units)
        return ClosePreview(self._refusal(refusal), *(self.token.amount(each) for each in amounts))

    def max_open(self, market: Market, strike: int, side: Side) -> Decimal:
        """The largest notional that :meth:`open` accepts now, at any premium; 0 when it accepts none."""
        found = self._lens.maxOpen(self.owner, self.token.address, market.id, strike, side is Side.CALL)
        return self.token.amount(found)

    def max_withdraw(self) -> Decimal:
        """The largest amount that :meth:`withdraw` accepts now."""
        return self.token.amount(self._lens.maxWithdraw(self.owner, self.token.address))

    @property
    def _lens(self) -> Any:
        return self.token.system.lens

    def _refusal(self, selector: bytes) -> str | None:
        """The error's name; its selector in hexadecimal when no known ABI lists it."""
        if not any(selector):
            return None
        known = self.token.system.chain.registry.errors.get(selector)
        return f"0x{selector.hex()}" if known is None else known.name

    def settle(self, sender: Any = None) -> Receipt:
        """Pay the funding and rent that have fallen due."""
        return self._options.settle(self.owner, self.token.address, sender=sender or self.owner)  # type: ignore[no-any-return]

    def withdraw(self, amount: Decimal | int | str | None = None, to: Any = None) -> Receipt:
        """Take margin out; everything by default."""
        units = self._units() if amount is None else self.token.units(amount)
        return self._options.withdraw(self.token.address, units, to or self.owner, sender=self.owner)  # type: ignore[no-any-return]

    def liquidate(self, market: Market, strike: int, side: Side, keeper: Any) -> Receipt:
        """Keeper: sell what brings the account back to its initial margin."""
        return self._options.liquidate(  # type: ignore[no-any-return]
            self.owner, self.token.address, (market.id, strike, side is Side.CALL), sender=keeper
        )

    def exercise(self, market: Market, strike: int, side: Side, keeper: Any) -> Receipt:
        """Keeper: close a position whose mark has reached its cap."""
        return self._options.exercise(  # type: ignore[no-any-return]
            self.owner, self.token.address, (market.id, strike, side is Side.CALL), sender=keeper
        )

    @property
    def positions(self) -> list[Any]:
        """Market id, strike and side of each position."""
        return list(self._options.positions(self.owner, self.token.address))

    @property
    def balance(self) -> Decimal:
        """Margin in the vault."""
        return self.token.amount(self._units())

    def _units(self) -> int:
        system = self.token.system
        return int(system.vault.balanceOf(self.token.address, system.options.address, self.owner))

    @property
    def health(self) -> Health:
        h = self._options.accountHealth(self.owner, self.token.address)
        return Health(*(self.token.amount(v) for v in h))
