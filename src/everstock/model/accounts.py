"""Margin accounts: positions, what they owe, and how it is collected. docs/arithmetic.md §6."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from .book import BookModel, Indices, Layer, Split, funding_split
from .journal import Journal, Tracked, TrackedDict
from .market import MarketModel
from .pricing import Side
from .primitives import INDEX, WAD, mul_div_up
from .vault import OPTIONS, VaultModel


class PositionId(NamedTuple):
    market_id: int
    strike: int
    side: Side


@dataclass(frozen=True)
class Position:
    notional: int
    settled_at: Indices


@dataclass(frozen=True)
class Health:
    balance: int
    debt: int
    owed: int
    initial_margin: int
    maintenance_margin: int

    @property
    def equity(self) -> int:
        return self.balance - self.owed


class AccountModel(Tracked):
    """(owner, margin token): a balance in the vault, positions, and a debt to each pool."""

    def __init__(
        self, journal: Journal, vault: VaultModel, book: BookModel, markets: Mapping[int, MarketModel], owner: str
    ) -> None:
        super().__init__(journal)
        self.vault = vault
        self.book = book
        self.markets = markets
        self.owner = owner
        self.positions: TrackedDict[PositionId, Position] = TrackedDict(journal)
        self.debt = Split()

    @property
    def balance(self) -> int:
        return self.vault.balance(self.book.token, OPTIONS, self.owner)

    # ── what it owes ──────────────────────────────────────────────────────────────────────────────────────────────────
    def indices_at(self, position_id: PositionId, now: int) -> Indices:
        """Where the position would stand when settled now; the market is read as `accrue` would leave it."""
        market = self.markets[position_id.market_id]
        return Indices(
            market.funding_index(position_id.strike, market.clock_at(now)),
            self.book.market_rent_index(position_id.market_id, now),
        )

    def due(self, position_id: PositionId, now: int) -> tuple[int, int]:
        """(funding, rent) since the position's last settlement, each rounded up."""
        position, indices = self.positions[position_id], self.indices_at(position_id, now)
        last = position.settled_at
        return (
            mul_div_up(position.notional, indices.funding - last.funding, INDEX),
            mul_div_up(position.notional, indices.rent - last.rent, WAD),
        )

    def health(self, now: int) -> Health:
        owed, initial_margin, maintenance_margin = self.debt.total, 0, 0
        for position_id, position in self.positions.items():
            owed += sum(self.due(position_id, now))
            rates = self.markets[position_id.market_id].margin_rates(now)
            initial_margin += mul_div_up(position.notional, rates.initial_wad, WAD)
            maintenance_margin += mul_div_up(position.notional, rates.maintenance_wad, WAD)
        return Health(self.balance, self.debt.total, owed, initial_margin, maintenance_margin)

    # ── settlement ────────────────────────────────────────────────────────────────────────────────────────────────────
    def settle(self, position_ids: tuple[PositionId, ...], now: int) -> Split:
        """Bring these positions to now and collect once for all; their markets and the rent have been accrued."""
        # Ambiguous in arithmetic §6: an account that runs dry pays for all its positions pro rata, not in their order.
        current = Split()
        for position_id in position_ids:
            position = self.positions[position_id]
            current += funding_split(*self.due(position_id, now))
            self._restate(position_id, replace(position, settled_at=self.indices_at(position_id, now)))
        return self._collect(current)

    def _collect(self, current: Split) -> Split:
        """Old debt first, then what fell due; what the balance cannot pay joins the debt."""
        to_debt = self.debt.share_of(min(self.balance, self.debt.total))
        to_current = current.share_of(min(self.balance - to_debt.total, current.total))
        self._change_debt(current - to_current - to_debt)
        self._pay_pools(to_debt + to_current)
        return to_debt + to_current

    def pay_debt(self, proceeds: int) -> int:
        """What the proceeds of a close, already on the balance, pay of the debt."""
        payment = self.debt.share_of(min(proceeds, self.debt.total))
        self._change_debt(Split() - payment)
        self._pay_pools(payment)
        return payment.total

    def forgive(self) -> None:
        """The last position is closed: what is left cannot be collected any more."""
        self.book.forgiven += self.debt
        self._change_debt(Split() - self.debt)

    def _change_debt(self, change: Split) -> None:
        self.debt += change
        self.book.debt += change

    def _pay_pools(self, payment: Split) -> None:
        for layer, amount in ((Layer.MAIN, payment.main), (Layer.INSURANCE, payment.insurance)):
            self.vault.move(self.book.token, amount, (OPTIONS, self.owner), (OPTIONS, self.book.pool(layer)))

    # ── positions ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def change_notional(self, position_id: PositionId, change: int, indices: Indices) -> None:
        """Of a position that has been settled at `indices`, or is new."""
        position = self.positions.get(position_id, Position(0, indices))
        assert position.settled_at == indices
        self._restate(position_id, replace(position, notional=position.notional + change))

    def _restate(self, position_id: PositionId, new: Position) -> None:
        old = self.positions.get(position_id)
        if old is not None and old.notional == new.notional:
            book = self.book.market_book(position_id.market_id)
            book.funding_entry += old.notional * (new.settled_at.funding - old.settled_at.funding)
            book.rent_entry += old.notional * (new.settled_at.rent - old.settled_at.rent)
        else:
            change = new.notional - (old.notional if old is not None else 0)
            self.book.change_notional(*position_id, change, new.settled_at)
        if new.notional:
            self.positions[position_id] = new
        else:
            del self.positions[position_id]
