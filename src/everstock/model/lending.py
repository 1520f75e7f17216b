"""A lending market without a chain: docs/lending.md, "Exact rules", in integers.

Prices come in as the oracle's answers (the oracle has a model of its own), the calendar is `model.calendar`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .calendar import Calendar
from .errors import ModelRevert
from .primitives import WAD, YEAR, Primitives, ceil_div, clamp, truncating_div

PRICE_SCALE = 10**36
VIRTUAL_SHARES = 10**6
MAX_EXPONENT_WAD = 4 * WAD
MAX_MOVE_WAD = 20 * WAD
MAX_ELAPSED = 100 * YEAR
MAX_SUPPLY = 2**112 - 1
MAX_RESERVE = 2**95 - 1
MAX_UINT128 = 2**128 - 1
MAX_UINT256 = 2**256 - 1
NEVER = MAX_UINT256
ACTION_WINDOW = 3600
OPEN, CLOSED, STALE, HALTED = range(4)


@dataclass(frozen=True)
class Curve:
    """Rule 3."""

    target_utilisation_wad: int
    steepness_wad: int
    adjustment_speed_wad: int
    initial_rate_wad: int
    min_rate_wad: int
    max_rate_wad: int

    def rates(
        self, primitives: Primitives, utilisation_wad: int, rate_at_target_wad: int, elapsed: int
    ) -> tuple[int, int]:
        """The rate to charge, and the rate at target afterwards."""
        target, start = self.target_utilisation_wad, rate_at_target_wad
        below = utilisation_wad < target
        error = truncating_div((utilisation_wad - target) * WAD, target if below else WAD - target)
        move = truncating_div(self.adjustment_speed_wad * error * min(elapsed, MAX_ELAPSED), WAD * YEAR)
        move = clamp(move, -MAX_MOVE_WAD, MAX_MOVE_WAD)

        def moved(by: int) -> int:
            return clamp(start * primitives.exp_wad(by) // WAD, self.min_rate_wad, self.max_rate_wad)

        end = moved(move) if move else start
        mean = (start + end + 2 * moved(truncating_div(move, 2))) // 4 if move else start
        slope = WAD - WAD * WAD // self.steepness_wad if below else self.steepness_wad - WAD
        return mean * (WAD + truncating_div(slope * error, WAD)) // WAD, end


@dataclass(frozen=True)
class Policy:
    """LTVs and bonuses by session."""

    open_borrow_ltv: int
    open_liquidation_ltv: int
    closed_borrow_ltv: int
    closed_liquidation_ltv: int
    min_bonus: int
    max_bonus: int
    tightening: int
    grace: int
    auction: int


@dataclass(frozen=True)
class Terms:
    borrow_ltv: int
    liquidation_ltv: int
    bonus: int
    liquidatable_from: int


@dataclass(frozen=True)
class Answer:
    """The oracle's, of one asset."""

    asset: bytes
    price_wad: int
    band_wad: int
    status: int


@dataclass(frozen=True)
class Listing:
    """A market's parameters."""

    curve: Curve
    policy: Policy
    calendar: Calendar
    collateral_decimals: int
    loan_decimals: int
    min_debt: int
    reserve_share: int
    reserve_cap: int
    pledge_haircut: int


@dataclass
class Account:
    collateral: int = 0
    debt_shares: int = 0
    shares: int = 0
    pledged: bool = False


@dataclass
class LendingModel:
    """State and operations. `now` moves only through its owner."""

    listing: Listing
    primitives: Primitives
    now: int
    supply: int = 0
    debt: int = 0
    reserve: int = 0
    share_supply: int = 0
    debt_shares: int = 0
    rate_at_target: int = 0
    accrued_at: int = 0
    paused_until: int = 0
    action_at: int | None = None
    accounts: dict[str, Account] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rate_at_target = self.rate_at_target or self.listing.curve.initial_rate_wad
        self.accrued_at = self.accrued_at or self.now

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────
    def account(self, owner: str) -> Account:
        return self.accounts.setdefault(owner, Account())

    @property
    def cash(self) -> int:
        return self.supply + self.reserve - self.debt

    def debt_of(self, owner: str) -> int:
        shares = self.account(owner).debt_shares
        return ceil_div(shares * (self.debt + 1), self.debt_shares + VIRTUAL_SHARES) if shares else 0

    def terms_at(self, at: int) -> Terms:
        """Rule 7."""
        p, calendar = self.listing.policy, self.listing.calendar
        if calendar.always_open:
            return Terms(p.open_borrow_ltv, p.open_liquidation_ltv, p.max_bonus, 0)
        is_open, opened_at = calendar.session_at(at)
        if not is_open:
            return Terms(p.closed_borrow_ltv, p.closed_liquidation_ltv, p.min_bonus, NEVER)
        left = self._open_seconds(at, p.tightening)
        begins = opened_at + p.grace
        passed = min(max(0, at - begins), p.auction)
        return Terms(
            p.closed_borrow_ltv + (p.open_borrow_ltv - p.closed_borrow_ltv) * left // p.tightening,
            p.closed_liquidation_ltv + (p.open_liquidation_ltv - p.closed_liquidation_ltv) * left // p.tightening,
            p.min_bonus + (p.max_bonus - p.min_bonus) * passed // p.auction,
            begins,
        )

    def _open_seconds(self, at: int, window: int) -> int:
        """Counted, not solved for: the window is cut where the session ends."""
        calendar = self.listing.calendar
        low, high = 0, window
        while low < high:  # the last second at which the session that is open now is still open
            middle = (low + high + 1) // 2
            if calendar.session_at(at + middle - 1) == calendar.session_at(at):
                low = middle
            else:
                high = middle - 1
        return low

    def prices(self, collateral: Answer, loan: Answer | None) -> tuple[int, int]:
        """Rule 6: low and mid."""
        unit = 10 ** (36 + self.listing.loan_decimals - self.listing.collateral_decimals)
        q, spread = (loan.price_wad, loan.band_wad) if loan else (WAD, 0)
        low = collateral.price_wad * (WAD - collateral.band_wad) // WAD
        return low * unit // ceil_div(q * (WAD + spread), WAD), collateral.price_wad * unit // q

    def limits(self, owner: str, collateral: Answer, loan: Answer | None, pledge: int = 0) -> tuple[int, int]:
        """Borrow limit and liquidation limit."""
        low, mid = self.prices(collateral, loan)
        counted = self.account(owner).collateral + self.counted(pledge)
        terms = self.terms_at(self.now)
        return (
            counted * low // PRICE_SCALE * terms.borrow_ltv // WAD,
            counted * mid // PRICE_SCALE * terms.liquidation_ltv // WAD,
        )

    def counted(self, pledge: int) -> int:
        """Rule 12."""
        return pledge * (WAD - self.listing.pledge_haircut) // WAD

    # ── interest ──────────────────────────────────────────────────────────────────────────────────────────────────
    def utilisation(self) -> int:
        lendable = self.supply + self.reserve
        return min(WAD, self.debt * WAD // lendable) if lendable else 0

    def accrue(self) -> None:
        """Rule 4."""
        elapsed = self.now - self.accrued_at
        if not elapsed:
            return
        curve, listing = self.listing.curve, self.listing
        rate, end = curve.rates(self.primitives, self.utilisation(), self.rate_at_target, elapsed)
        exponent = min(MAX_EXPONENT_WAD, rate * elapsed // YEAR)
        interest = self.debt * (self.primitives.exp_wad(exponent) - WAD) // WAD
        interest = min(interest, MAX_UINT128 - max(self.supply, self.debt))
        self.debt += interest
        room = max(0, min(self.debt * listing.reserve_cap // WAD, MAX_RESERVE) - self.reserve)
        to_reserve = min(interest * listing.reserve_share // WAD, room)
        self.reserve += to_reserve
        self.supply += interest - to_reserve
        self.rate_at_target, self.accrued_at = end, self.now

    # ── lenders ───────────────────────────────────────────────────────────────────────────────────────────────────
    def deposit(self, owner: str, assets: int) -> int:
        self.accrue()
        shares = assets * (self.share_supply + VIRTUAL_SHARES) // (self.supply + 1)
        self._enter(owner, assets, shares)
        return shares

    def mint(self, owner: str, shares: int) -> int:
        self.accrue()
        assets = ceil_div(shares * (self.supply + 1), self.share_supply + VIRTUAL_SHARES)
        self._enter(owner, assets, shares)
        return assets

    def withdraw(self, owner: str, assets: int) -> int:
        self.accrue()
        shares = ceil_div(assets * (self.share_supply + VIRTUAL_SHARES), self.supply + 1)
        self._exit(owner, assets, shares)
        return shares

    def redeem(self, owner: str, shares: int) -> int:
        self.accrue()
        assets = shares * (self.supply + 1) // (self.share_supply + VIRTUAL_SHARES)
        self._exit(owner, assets, shares)
        return assets

    def _enter(self, owner: str, assets: int, shares: int) -> None:
        if not assets or not shares:
            raise ModelRevert("LendingMarket_ZeroAmount")
        room = max(0, MAX_SUPPLY - self.supply)
        if assets > room:
            raise ModelRevert("ERC4626ExceededMaxDeposit", assets=assets, max=room)
        self.supply += assets
        self.share_supply += shares
        self.account(owner).shares += shares

    def _exit(self, owner: str, assets: int, shares: int) -> None:
        if not assets:
            raise ModelRevert("LendingMarket_ZeroAmount")
        if assets > self.cash:
            raise ModelRevert("LendingMarket_InsufficientCash", cash=self.cash, assets=assets)
        held = self.account(owner)
        if held.shares < shares:
            raise ModelRevert("ERC20InsufficientBalance", balance=held.shares, needed=shares)
        held.shares -= shares
        self.share_supply -= shares
        self.supply -= assets

    # ── borrowers ─────────────────────────────────────────────────────────────────────────────────────────────────
    def top_up(self, owner: str, amount: int) -> None:
        self.account(owner).collateral += amount

    def borrow(self, owner: str, assets: int, collateral: Answer, loan: Answer | None = None, pledge: int = 0) -> int:
        """Rule 8."""
        if not assets:
            raise ModelRevert("LendingMarket_ZeroAmount")
        self.accrue()
        if self.now < self.paused_until:
            raise ModelRevert("LendingMarket_BorrowingPaused", until=self.paused_until)
        if assets > self.cash:
            raise ModelRevert("LendingMarket_InsufficientCash", cash=self.cash, assets=assets)
        shares = ceil_div(assets * (self.debt_shares + VIRTUAL_SHARES), self.debt + 1)
        self.debt += assets
        self.debt_shares += shares
        self.account(owner).debt_shares += shares
        debt = self.debt_of(owner)
        if debt < self.listing.min_debt:
            raise ModelRevert("LendingMarket_BelowMinimumDebt", debt=debt, minimum=self.listing.min_debt)
        self._check_limit(owner, collateral, loan, pledge)
        return shares

    def repay(self, owner: str, assets: int) -> int:
        """Rule 9."""
        if not assets:
            raise ModelRevert("LendingMarket_ZeroAmount")
        self.accrue()
        held = self.account(owner)
        if not held.debt_shares:
            raise ModelRevert("LendingMarket_NoDebt")
        repaid, _ = self._reduce(owner, assets)
        left = self.debt_of(owner)
        if 0 < left < self.listing.min_debt:
            raise ModelRevert("LendingMarket_BelowMinimumDebt", debt=left, minimum=self.listing.min_debt)
        return repaid

    def withdraw_collateral(
        self, owner: str, amount: int, collateral: Answer, loan: Answer | None = None, pledge: int = 0
    ) -> None:
        held = self.account(owner)
        if held.debt_shares:
            self.accrue()
            before, held.collateral = held.collateral, max(0, held.collateral - amount)
            self._check_limit(owner, collateral, loan, pledge)
            held.collateral = before
        if amount == 0:
            raise ModelRevert("CollateralVault_ZeroAmount")
        if held.collateral < amount:
            raise ModelRevert("CollateralVault_InsufficientBalance", balance=held.collateral, amount=amount)
        held.collateral -= amount

    def count_pledge(self, owner: str) -> None:
        self.account(owner).pledged = True

    def release_pledge(self, owner: str, collateral: Answer, loan: Answer | None = None) -> None:
        """The caller passes no pledge to anything afterwards."""
        held = self.account(owner)
        if held.pledged and held.debt_shares:
            self.accrue()
            self._check_limit(owner, collateral, loan, 0)
        held.pledged = False

    def _check_limit(self, owner: str, collateral: Answer, loan: Answer | None, pledge: int) -> None:
        self._check_open(collateral, loan)
        debt, limit = self.debt_of(owner), self.limits(owner, collateral, loan, pledge)[0]
        if debt > limit:
            raise ModelRevert("LendingMarket_InsufficientCollateral", debt=debt, limit=limit)

    def _check_open(self, collateral: Answer, loan: Answer | None) -> None:
        for answer in (collateral, loan):
            if answer and answer.status != OPEN:
                raise ModelRevert("LendingMarket_NotOpen", assetId=answer.asset, status=answer.status)
        if self.action_at is not None and abs(self.now - self.action_at) < ACTION_WINDOW:
            raise ModelRevert("LendingMarket_CorporateAction", effectiveAt=self.action_at)

    def _reduce(self, owner: str, assets: int) -> tuple[int, int]:
        """Take `assets` off an account's debt; what was taken, in assets and in shares."""
        held, debt = self.account(owner), self.debt_of(owner)
        if assets >= debt:
            assets, shares = debt, held.debt_shares
        else:
            shares = assets * (self.debt_shares + VIRTUAL_SHARES) // (self.debt + 1)
        self.reserve += max(0, assets - self.debt)
        self.debt = max(0, self.debt - assets)
        held.debt_shares -= shares
        self.debt_shares -= shares
        return assets, shares

    # ── liquidators ───────────────────────────────────────────────────────────────────────────────────────────────
    def liquidate(
        self,
        owner: str,
        max_repay: int,
        min_seized: int,
        collateral: Answer,
        loan: Answer | None = None,
        pledge: int = 0,
        positions: int = 0,
    ) -> tuple[int, int]:
        """Rules 10 and 11: repaid and seized. `positions` are those of the pledged account."""
        self.accrue()
        held = self.account(owner)
        if not held.debt_shares:
            raise ModelRevert("LendingMarket_NoDebt")
        self._check_open(collateral, loan)
        terms = self.terms_at(self.now)
        if self.now < terms.liquidatable_from:
            raise ModelRevert("LendingMarket_GracePeriod", **{"from": terms.liquidatable_from})
        mid = self.prices(collateral, loan)[1]
        debt, minimum = self.debt_of(owner), self.listing.min_debt
        pledged = self.counted(pledge)
        value = (held.collateral + pledged) * mid // PRICE_SCALE
        limit = value * terms.liquidation_ltv // WAD
        if debt <= limit:
            raise ModelRevert("LendingMarket_Healthy", debt=debt, limit=limit)

        if not held.collateral and (pledged or positions):
            raise ModelRevert("LendingMarket_PledgeLeft", pledged=pledged, positions=positions)

        t, gross = terms.borrow_ltv, WAD + terms.bonus
        excess = max(0, debt - value * t // WAD)
        repaid = min(debt, ceil_div(excess * WAD, WAD - ceil_div(t * gross, WAD)))
        if debt - repaid < minimum:
            repaid = debt
        repaid = min(repaid, max_repay)
        seized = repaid * gross // WAD * PRICE_SCALE // mid
        if seized >= held.collateral:
            seized = held.collateral
            repaid = min(repaid, ceil_div(ceil_div(seized * mid, PRICE_SCALE) * WAD, gross))
        elif not repaid:
            raise ModelRevert("LendingMarket_ZeroAmount")
        if seized < min_seized:
            raise ModelRevert("LendingMarket_SeizedBelowLimit", seized=seized, limit=min_seized)

        if repaid:
            repaid, _ = self._reduce(owner, repaid)
        left, rest = self.debt_of(owner), held.collateral - seized
        if left and rest:
            behind = (rest + pledged) * mid // PRICE_SCALE
            if left < minimum or behind < minimum:
                raise ModelRevert("LendingMarket_LeavesDust", debt=left, collateralValue=behind, minimum=minimum)
        elif left and not pledged and not positions:
            bad = min(left, self.debt)
            from_reserve = min(bad, self.reserve)
            self.debt -= bad
            self.reserve -= from_reserve
            self.supply -= bad - from_reserve
            self.debt_shares -= held.debt_shares
            held.debt_shares = 0
        held.collateral -= seized
        return repaid, seized
