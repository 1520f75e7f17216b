"""What the two pools of one margin token have sold, are owed and must keep: docs/arithmetic.md §4, §5 and §8."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from .errors import require
from .journal import Journal, Tracked, TrackedDict
from .market import MarketModel, Phase
from .oracle import PriceStatus
from .pricing import KAPPA_INSURANCE_WAD, KAPPA_MAIN_WAD, Side, insurance_layer_wad, main_layer_wad
from .primitives import INDEX, WAD, YEAR, ceil_div, mul_div, mul_div_up
from .vault import OPTIONS, VaultModel

RENT_KINK_WAD = 80 * WAD // 100
RENT_AT_ZERO_WAD = 5 * WAD // 100
RENT_AT_KINK_WAD = 12 * WAD // 100
RENT_AT_FULL_WAD = 60 * WAD // 100
INSURANCE_FUNDING_DIVISOR = 100
INSURANCE_RENT_DIVISOR = 10
SIDE_LIMIT_PERCENT = 60
MAX_NOTIONAL = (1 << 88) - 1
MAX_RENT_INDEX = (1 << 64) - 1
IMPAIRED_DIVISOR = 10  # a pool worth less than a tenth of its cash takes no deposits
BLOCKING_DIVISOR = 10  # a market that is not Open blocks when it holds more than a tenth of cash


class Layer(Enum):
    MAIN = 0
    INSURANCE = 1


KAPPA_OF_WAD = {Layer.MAIN: KAPPA_MAIN_WAD, Layer.INSURANCE: KAPPA_INSURANCE_WAD}
LAYER_VALUE_WAD = {Layer.MAIN: main_layer_wad, Layer.INSURANCE: insurance_layer_wad}


@dataclass(frozen=True)
class Split:
    """An amount of tokens, by the pool it belongs to."""

    main: int = 0
    insurance: int = 0

    @property
    def total(self) -> int:
        return self.main + self.insurance

    def __add__(self, other: "Split") -> "Split":
        return Split(self.main + other.main, self.insurance + other.insurance)

    def __sub__(self, other: "Split") -> "Split":
        return Split(self.main - other.main, self.insurance - other.insurance)

    def share_of(self, payment: int) -> "Split":
        """A payment against this amount, pro rata, rounded to main."""
        insurance = mul_div(payment, self.insurance, self.total) if self.total else 0
        return Split(payment - insurance, insurance)


def funding_split(funding: int, rent: int) -> Split:
    insurance = funding // INSURANCE_FUNDING_DIVISOR + rent // INSURANCE_RENT_DIVISOR
    return Split(funding + rent - insurance, insurance)


@dataclass(frozen=True)
class Nav:
    cash: int
    reserved: int
    accrued: int
    debt: int
    liability: int

    @property
    def nav(self) -> int:
        return max(0, self.cash + self.accrued + self.debt - self.liability)


class MarketBook(Tracked):
    """A margin token's part in one market."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.strikes: TrackedDict[int, tuple[int, int]] = TrackedDict(journal)  # (calls, puts), where not zero
        self.notional = 0
        self.funding_entry = 0  # E_F = Σ N · F_last, exact
        self.rent_entry = 0  # E_R = Σ N · R_last, exact
        self.frozen_rent_index: int | None = None


class BookModel(Tracked):
    def __init__(
        self,
        journal: Journal,
        vault: VaultModel,
        markets: Mapping[int, MarketModel],
        token: str,
        min_notional: int,
        now: int,
    ) -> None:
        super().__init__(journal)
        self.vault = vault
        self.markets = markets
        self.token = token
        self.min_notional = min_notional
        self.close_only = False
        self.call_notional = 0
        self.put_notional = 0
        self.treasury_due = 0  # fees that stand in the main pool's entry
        self.rent_index = 0
        self.rent_accrued_at = now
        self.debt = Split()
        self.forgiven = Split()
        self.market_books: TrackedDict[int, MarketBook] = TrackedDict(journal)

    # ── reserves ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def pool(self, layer: Layer) -> str:
        """The pool's name as an owner in the ledger."""
        return f"{self.token}:{layer.name.lower()}"

    def cash(self, layer: Layer) -> int:
        entry = self.vault.balance(self.token, OPTIONS, self.pool(layer))
        return entry - self.treasury_due if layer is Layer.MAIN else entry

    @property
    def notional(self) -> int:
        return self.call_notional + self.put_notional

    def reserved(self, layer: Layer) -> int:
        return mul_div_up(self.notional, KAPPA_OF_WAD[layer], WAD)

    def require_covered(self) -> None:
        for layer in Layer:
            cash, reserved = self.cash(layer), self.reserved(layer)
            require(
                cash >= reserved,
                "PerpetualOptions_InsufficientReserve",
                layer=layer.value,
                cash=cash,
                reserved=reserved,
            )

    def require_side_limit(self, side: Side) -> None:
        notional = self.call_notional if side is Side.CALL else self.put_notional
        locked = mul_div_up(notional, KAPPA_MAIN_WAD, WAD)
        limit = self.cash(Layer.MAIN) * SIDE_LIMIT_PERCENT // 100
        require(locked <= limit, "PerpetualOptions_SideLimit", isCall=side is Side.CALL, locked=locked, limit=limit)

    def market_book(self, market_id: int) -> MarketBook:
        if market_id not in self.market_books:
            self.market_books[market_id] = MarketBook(self._journal)
        return self.market_books[market_id]

    def open_market_ids(self) -> list[int]:
        return [market_id for market_id, each in self.market_books.items() if each.notional]

    def change_notional(self, market_id: int, strike: int, side: Side, change: int, indices: "Indices") -> None:
        """Add (or take away) notional that was last settled at `indices`."""
        book = self.market_book(market_id)
        calls, puts = book.strikes.get(strike, (0, 0))
        if side is Side.CALL:
            calls += change
            self.call_notional += change
        else:
            puts += change
            self.put_notional += change
        largest = max(self.call_notional, self.put_notional)
        fits = largest <= MAX_NOTIONAL
        require(fits, "PerpetualOptions_NotionalTooLarge", notional=largest, max=MAX_NOTIONAL)
        if calls or puts:
            book.strikes[strike] = (calls, puts)
        else:
            del book.strikes[strike]
        book.notional += change
        book.funding_entry += change * indices.funding
        book.rent_entry += change * indices.rent

    # ── rent ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    def utilisation_wad(self) -> int:
        return max(
            min(WAD, mul_div(self.reserved(layer), WAD, self.cash(layer))) if self.cash(layer) else 0 for layer in Layer
        )

    def rent_index_at(self, now: int) -> int:
        rent_wad = rent_rate_wad(self.utilisation_wad())
        return min(MAX_RENT_INDEX, self.rent_index + rent_wad * (now - self.rent_accrued_at) // YEAR)

    def accrue_rent(self, now: int) -> None:
        self.rent_index = self.rent_index_at(now)
        self.rent_accrued_at = now

    def market_rent_index(self, market_id: int, now: int) -> int:
        """What positions in the market owe up to: the index, or where it stood at the market's freeze."""
        frozen = self.market_books[market_id].frozen_rent_index if market_id in self.market_books else None
        return self.rent_index_at(now) if frozen is None else frozen

    def record_freeze(self, market_id: int, now: int) -> None:
        """The first operation on a frozen market records the rent index that its positions owe up to."""
        book = self.market_book(market_id)
        if book.frozen_rent_index is None and self.markets[market_id].phase(now) is Phase.FROZEN:
            self.accrue_rent(now)
            book.frozen_rent_index = self.rent_index

    # ── value ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def nav(self, layer: Layer, now: int, *, for_deposit: bool, marked: bool = False) -> Nav:
        """Book value at the stored prices, accrued to now. `marked`: every market at its last price, Open or not."""
        accrued = liability = 0
        for market_id in self.open_market_ids():
            accrued += getattr(self._accrued(market_id, now), layer.name.lower())
            liability += self._liability(market_id, layer, now, for_deposit, marked)
        debt = getattr(self.debt, layer.name.lower()) if for_deposit else 0
        return Nav(self.cash(layer), self.reserved(layer), accrued, debt, liability)

    def require_depositable(self, layer: Layer, now: int) -> Nav:
        """NAV for a deposit, at the prices just taken."""
        for market_id in self.open_market_ids():
            self._require_not_blocking(market_id, layer, now)
        nav = self.nav(layer, now, for_deposit=True)
        impaired = nav.nav * IMPAIRED_DIVISOR < nav.cash
        require(not impaired, "UnderwritingPool_Impaired", nav=nav.nav, cash=nav.cash)
        return nav

    def require_redeemable(self, layer: Layer, now: int, earliest: int) -> Nav:
        """NAV for a redemption, at the prices just taken, all of them stamped at or after `earliest`."""
        for market_id in self.open_market_ids():
            market = self.markets[market_id]
            self._require_not_blocking(market_id, layer, now)
            fresh = not self._is_valued_at_price(market_id, now) or market.updated_at >= earliest
            stamp = market.updated_at
            error = "UnderwritingPool_PriceTooOld"
            require(fresh, error, marketId=market_id, updatedAt=stamp, earliest=earliest)
        return self.nav(layer, now, for_deposit=False)

    def _accrued(self, market_id: int, now: int) -> Split:
        market, book = self.markets[market_id], self.market_books[market_id]
        clock = market.clock_at(now)
        gathered = sum((calls + puts) * market.funding_index(j, clock) for j, (calls, puts) in book.strikes.items())
        funding = (gathered - book.funding_entry) // INDEX
        rent = (book.notional * self.market_rent_index(market_id, now) - book.rent_entry) // WAD
        return funding_split(funding, rent)

    def _liability(self, market_id: int, layer: Layer, now: int, for_deposit: bool, marked: bool) -> int:
        market, book = self.markets[market_id], self.market_books[market_id]
        frozen = market.phase(now) is Phase.FROZEN
        if not marked and not frozen and market.status_at(now) is not PriceStatus.OPEN:
            return 0 if for_deposit else self._locked(market_id, layer)
        liability_wad = 0
        for j, notionals in book.strikes.items():
            for side, notional in zip((Side.CALL, Side.PUT), notionals, strict=True):
                if not notional:
                    continue
                if frozen:
                    value_wad = market.frozen_payoff_wad(j, side)
                else:
                    quote = market.quote(j, side)
                    value_wad = quote.bid_wad if for_deposit else quote.ask_wad
                liability_wad += notional * LAYER_VALUE_WAD[layer](value_wad)
        return liability_wad // WAD if for_deposit else ceil_div(liability_wad, WAD)

    def _locked(self, market_id: int, layer: Layer) -> int:
        return mul_div_up(self.market_books[market_id].notional, KAPPA_OF_WAD[layer], WAD)

    def _is_valued_at_price(self, market_id: int, now: int) -> bool:
        market = self.markets[market_id]
        return market.status_at(now) is PriceStatus.OPEN

    def _require_not_blocking(self, market_id: int, layer: Layer, now: int) -> None:
        market, locked, cash = self.markets[market_id], self._locked(market_id, layer), self.cash(layer)
        priced = market.phase(now) is Phase.FROZEN or market.status_at(now) is PriceStatus.OPEN
        blocking = not priced and locked * BLOCKING_DIVISOR > cash
        limit, error = cash // BLOCKING_DIVISOR, "UnderwritingPool_MarketNotOpen"
        require(not blocking, error, marketId=market_id, locked=locked, limit=limit)


@dataclass(frozen=True)
class Indices:
    """Where a position stands, or would stand when settled now; both 1e27."""

    funding: int
    rent: int


def rent_rate_wad(utilisation_wad: int) -> int:
    """A year's rent per unit of notional."""
    if utilisation_wad <= RENT_KINK_WAD:
        return RENT_AT_ZERO_WAD + (RENT_AT_KINK_WAD - RENT_AT_ZERO_WAD) * utilisation_wad // RENT_KINK_WAD
    above_wad = utilisation_wad - RENT_KINK_WAD
    return RENT_AT_KINK_WAD + (RENT_AT_FULL_WAD - RENT_AT_KINK_WAD) * above_wad // (WAD - RENT_KINK_WAD)
