"""Every operation on accounts, in the order of docs/arithmetic.md §7.

Steps write as they go: a caller that wants a refusal to leave nothing behind runs them in a transaction.
"""

from dataclasses import dataclass

from .accounts import AccountModel, PositionId
from .book import BookModel, Layer, Split
from .errors import require
from .journal import Journal, Tracked, TrackedDict
from .market import MAX_LIVE_STRIKES, MarketModel, Phase
from .pricing import KAPPA_MAIN_WAD, KAPPA_WAD, Side, insurance_layer_wad, main_layer_wad
from .primitives import WAD, ceil_div, mul_div, mul_div_up
from .vault import FREE, OPTIONS, VaultModel

ALL = (1 << 112) - 1
FEE_DIVISOR = 2000  # 0.05% of notional
FEE_CAP_DIVISOR = 8  # 12.5% of premium or proceeds
TREASURY_FEE_PERCENT = 30
INSURANCE_FEE_PERCENT = 20
LIQUIDATION_REWARD_DIVISOR = 1000
EXERCISE_REWARD_DIVISOR = 2000
MAX_POSITIONS = 16
MAX_STRIKES = 32
MAX_MARKETS = 8
TREASURY = "treasury"
MAX_TREASURY_DUE = (1 << 80) - 1


@dataclass(frozen=True)
class Order:
    owner: str
    token: str
    position_id: PositionId
    notional: int
    limit: int
    deadline: int


@dataclass(frozen=True)
class Opened:
    premium: int
    fee: int


@dataclass(frozen=True)
class Closed:
    notional: int
    payout_main: int
    payout_insurance: int
    fee: int  # or the keeper's reward
    debt_paid: int

    @property
    def payout(self) -> int:
        return self.payout_main + self.payout_insurance


class OptionsModel(Tracked):
    def __init__(self, journal: Journal, vault: VaultModel) -> None:
        super().__init__(journal)
        self.vault = vault
        self.markets: TrackedDict[int, MarketModel] = TrackedDict(journal)
        self.books: TrackedDict[str, BookModel] = TrackedDict(journal)
        self.accounts: TrackedDict[tuple[str, str], AccountModel] = TrackedDict(journal)
        self.live_notional: TrackedDict[tuple[int, int], int] = TrackedDict(journal)  # (market, strike), all tokens
        self.operators: TrackedDict[tuple[str, str], bool] = TrackedDict(journal)
        self.opening_paused_until: TrackedDict[int, int] = TrackedDict(journal)

    def book(self, token: str) -> BookModel:
        require(token in self.books, "PerpetualOptions_UnknownToken", token=token)
        return self.books[token]

    def market(self, market_id: int) -> MarketModel:
        require(market_id in self.markets, "PerpetualOptions_UnknownMarket", marketId=market_id)
        return self.markets[market_id]

    def account(self, owner: str, token: str) -> AccountModel:
        if (owner, token) not in self.accounts:
            book = self.book(token)
            self.accounts[owner, token] = AccountModel(self._journal, self.vault, book, self.markets, owner)
        return self.accounts[owner, token]

    # ── trading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def open(self, order: Order, caller: str, now: int) -> Opened:
        position_id = order.position_id
        self._require_in_time(order, now)
        self._require_operator(order.owner, caller)
        require(order.notional > 0, "PerpetualOptions_ZeroNotional")
        book = self.book(order.token)
        require(not book.close_only, "PerpetualOptions_CloseOnly", token=order.token)
        paused_until = self.opening_paused_until.get(position_id.market_id, 0)
        unpaused = now >= paused_until
        require(unpaused, "PerpetualOptions_OpeningPaused", marketId=position_id.market_id, until=paused_until)
        account = self.account(order.owner, order.token)

        market = self._poke(position_id, now)
        market.require_openable(position_id.strike, now)
        self._settle_one(account, position_id, now)

        premium = mul_div_up(order.notional, market.quote(position_id.strike, position_id.side).ask_wad, WAD)
        require(premium <= order.limit, "PerpetualOptions_PremiumAboveLimit", premium=premium, limit=order.limit)
        fee, balance = fee_of(order.notional, premium), account.balance
        paid = premium + fee
        require(balance >= paid, "PerpetualOptions_InsufficientBalance", balance=balance, amount=paid)
        self._change_notional(account, position_id, order.notional, now)
        self.vault.move(order.token, premium, (OPTIONS, order.owner), (OPTIONS, book.pool(Layer.MAIN)))
        self._pay_fee(account, fee)

        notional = account.positions[position_id].notional
        minimum = book.min_notional
        require(notional >= minimum, "PerpetualOptions_BelowMinimum", notional=notional, minimum=minimum)
        require(len(account.positions) <= MAX_POSITIONS, "PerpetualOptions_TooManyPositions", limit=MAX_POSITIONS)
        strikes = book.market_book(position_id.market_id).strikes
        require(len(strikes) <= MAX_STRIKES, "PerpetualOptions_TooManyStrikes", limit=MAX_STRIKES)
        require(len(book.open_market_ids()) <= MAX_MARKETS, "PerpetualOptions_TooManyMarkets", limit=MAX_MARKETS)
        book.require_covered()
        book.require_side_limit(position_id.side)
        self._require_initial_margin(account, 0, now)
        return Opened(premium, fee)

    def close(self, order: Order, caller: str, now: int) -> Closed:
        position_id = order.position_id
        self._require_in_time(order, now)
        self._require_operator(order.owner, caller)
        require(order.notional > 0, "PerpetualOptions_ZeroNotional")
        account = self._account_with(order.owner, order.token, position_id)
        held = account.positions[position_id].notional
        notional = held if order.notional == ALL else order.notional
        require(notional <= held, "PerpetualOptions_CloseTooLarge", notional=notional, open=held)
        rest, minimum = held - notional, account.book.min_notional
        require(not rest or rest >= minimum, "PerpetualOptions_BelowMinimum", notional=rest, minimum=minimum)

        market = self._poke(position_id, now)
        self._settle_one(account, position_id, now)
        bid_wad = market.quote(position_id.strike, position_id.side).bid_wad
        payout = self._pay_out(account, position_id, notional, bid_wad, now)
        proceeds = payout.total
        enough = proceeds >= order.limit
        require(enough, "PerpetualOptions_ProceedsBelowLimit", proceeds=proceeds, limit=order.limit)
        debt_paid = account.pay_debt(proceeds)
        fee = min(fee_of(notional, proceeds), proceeds - debt_paid)
        self._pay_fee(account, fee)
        self._forgive_after_last(account)
        return Closed(notional, payout.main, payout.insurance, fee, debt_paid)

    def settle(self, owner: str, token: str, now: int) -> None:
        account = self.account(owner, token)
        if not account.positions:
            return
        account.book.accrue_rent(now)
        for market_id in sorted({each.market_id for each in account.positions}):
            account.book.record_freeze(market_id, now)
        account.settle(tuple(account.positions), now)

    def withdraw(self, owner: str, token: str, amount: int, to: str, now: int) -> None:
        # Mechanism rule 1 says that withdrawing and liquidating accrue the (other) markets, arithmetic §6 that they are
        # only read as accrual would leave them: nothing is written here.
        account = self.account(owner, token)
        balance = account.balance
        require(balance >= amount, "PerpetualOptions_InsufficientBalance", balance=balance, amount=amount)
        self._require_initial_margin(account, amount, now)
        self.vault.withdraw(token, OPTIONS, owner, amount, to)

    # ── keepers ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def liquidate(self, owner: str, token: str, position_id: PositionId, keeper: str, now: int) -> Closed:
        account = self._account_with(owner, token, position_id)
        market, book = self._poke(position_id, now), account.book
        self._settle_one(account, position_id, now)
        health = account.health(now)
        unhealthy = health.equity < health.maintenance_margin
        require(
            unhealthy, "PerpetualOptions_Healthy", equity=health.equity, maintenanceMargin=health.maintenance_margin
        )

        held = account.positions[position_id].notional
        bid_wad = min(market.quote(position_id.strike, position_id.side).bid_wad, KAPPA_WAD)
        gained_per_notional_wad = bid_wad + market.margin_rates(now).initial_wad - WAD // LIQUIDATION_REWARD_DIVISOR
        notional = held
        if gained_per_notional_wad > 0:
            notional = mul_div_up(health.initial_margin - health.equity, WAD, gained_per_notional_wad)
        if notional >= held or held - notional < book.min_notional:
            notional = held

        payout = self._pay_out(account, position_id, notional, bid_wad, now)
        debt_paid = account.pay_debt(payout.total)
        reward = notional // LIQUIDATION_REWARD_DIVISOR
        from_account = min(reward, account.balance)
        free_insurance = max(0, book.cash(Layer.INSURANCE) - book.reserved(Layer.INSURANCE))
        from_insurance = min(reward - from_account, free_insurance)
        self.vault.move(token, from_account, (OPTIONS, owner), (FREE, keeper))
        self.vault.move(token, from_insurance, (OPTIONS, book.pool(Layer.INSURANCE)), (FREE, keeper))
        self._forgive_after_last(account)
        return Closed(notional, payout.main, payout.insurance, from_account + from_insurance, debt_paid)

    def exercise(self, owner: str, token: str, position_id: PositionId, keeper: str, now: int) -> Closed:
        account = self._account_with(owner, token, position_id)
        market = self._poke(position_id, now)
        mark_wad = market.quote(position_id.strike, position_id.side).mark_wad
        require(mark_wad >= KAPPA_MAIN_WAD, "PerpetualOptions_BelowCap", mark=mark_wad, cap=KAPPA_MAIN_WAD)
        self._settle_one(account, position_id, now)
        notional = account.positions[position_id].notional
        payout = self._pay_out(account, position_id, notional, mark_wad, now)
        reward = min(notional // EXERCISE_REWARD_DIVISOR, payout.total)
        self.vault.move(token, reward, (OPTIONS, owner), (FREE, keeper))
        debt_paid = account.pay_debt(payout.total - reward)
        self._forgive_after_last(account)
        return Closed(notional, payout.main, payout.insurance, reward, debt_paid)

    def evict(self, owner: str, token: str, position_id: PositionId, now: int) -> Closed:
        account = self._account_with(owner, token, position_id)
        market, book = self._poke(position_id, now), account.book
        strikes = book.market_book(position_id.market_id).strikes
        cap_reached = (
            len(strikes) >= MAX_STRIKES
            or len(market.outside) >= MAX_LIVE_STRIKES
            or len(book.open_market_ids()) >= MAX_MARKETS
        )
        strike_wad, price_wad = market.pricing.strike_wad(position_id.strike), market.price_wad
        far = strike_wad < price_wad * 75 // 100 or strike_wad > ceil_div(price_wad * 125, 100)
        dust = sum(strikes[position_id.strike]) * 100 < book.notional
        require(cap_reached and far and dust, "PerpetualOptions_NotEvictable", token=token, id=position_id)
        self._settle_one(account, position_id, now)
        mark_wad = market.quote(position_id.strike, position_id.side).mark_wad
        return self._close_whole(account, position_id, mark_wad, now)

    def close_frozen(self, owner: str, token: str, position_id: PositionId, now: int) -> Closed:
        account = self._account_with(owner, token, position_id)
        market = self.markets[position_id.market_id]
        require(market.phase(now) is Phase.FROZEN, "OptionMarket_NotFrozen")
        self._settle_one(account, position_id, now)
        payoff_wad = market.frozen_payoff_wad(position_id.strike, position_id.side)
        return self._close_whole(account, position_id, payoff_wad, now)

    def collect_fees(self, token: str) -> int:
        """Pay the treasury what stands in the main pool's entry for it."""
        book = self.book(token)
        amount = book.treasury_due
        require(amount > 0, "CollateralVault_ZeroAmount")
        self.vault.move(token, amount, (OPTIONS, book.pool(Layer.MAIN)), (FREE, TREASURY))
        book.treasury_due = 0
        return amount

    def freeze(self, token: str, market_id: int, now: int) -> None:
        book, market = self.book(token), self.market(market_id)
        frozen = market.phase(now) is Phase.FROZEN
        recorded = market_id in book.market_books and book.market_books[market_id].frozen_rent_index is not None
        freezable = frozen and not recorded and market_id in book.open_market_ids()
        require(freezable, "PerpetualOptions_NotFreezable", token=token, marketId=market_id)
        book.record_freeze(market_id, now)

    # ── pools ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def poke_book(self, token: str, now: int) -> BookModel:
        """Take new prices in every market the pools have sold in."""
        book = self.book(token)
        market_ids = book.open_market_ids()
        for market_id in market_ids:
            self.markets[market_id].poke(now)
        book.accrue_rent(now)
        for market_id in market_ids:
            book.record_freeze(market_id, now)
        return book

    # ── parts of an operation ─────────────────────────────────────────────────────────────────────────────────────────
    def _poke(self, position_id: PositionId, now: int) -> MarketModel:
        market = self.market(position_id.market_id)
        market.require_strike_on_grid(position_id.strike)
        market.poke(now)
        market.require_open()
        return market

    def _settle_one(self, account: AccountModel, position_id: PositionId, now: int) -> None:
        account.book.accrue_rent(now)
        account.book.record_freeze(position_id.market_id, now)
        # A new position owes nothing, but its account may: old debt is collected all the same.
        account.settle((position_id,) if position_id in account.positions else (), now)

    def _pay_out(
        self, account: AccountModel, position_id: PositionId, notional: int, value_wad: int, now: int
    ) -> Split:
        """Take notional off the book and put what it is worth on the account's balance."""
        payout = payout_of(notional, value_wad)
        self._change_notional(account, position_id, -notional, now)
        book = account.book
        for layer, amount in ((Layer.MAIN, payout.main), (Layer.INSURANCE, payout.insurance)):
            self.vault.move(book.token, amount, (OPTIONS, book.pool(layer)), (OPTIONS, account.owner))
        return payout

    def _close_whole(self, account: AccountModel, position_id: PositionId, value_wad: int, now: int) -> Closed:
        """At a value without fee, spread or reward."""
        notional = account.positions[position_id].notional
        payout = self._pay_out(account, position_id, notional, value_wad, now)
        debt_paid = account.pay_debt(payout.total)
        self._forgive_after_last(account)
        return Closed(notional, payout.main, payout.insurance, 0, debt_paid)

    def _change_notional(self, account: AccountModel, position_id: PositionId, change: int, now: int) -> None:
        key, market = (position_id.market_id, position_id.strike), self.markets[position_id.market_id]
        before = self.live_notional.get(key, 0)
        if not before:
            market.set_live(position_id.strike, True, now)
        account.change_notional(position_id, change, account.indices_at(position_id, now))
        self.live_notional[key] = before + change
        if not before + change:
            market.set_live(position_id.strike, False, now)

    def _pay_fee(self, account: AccountModel, fee: int) -> None:
        token, source = account.book.token, (OPTIONS, account.owner)
        treasury, insurance = fee * TREASURY_FEE_PERCENT // 100, fee * INSURANCE_FEE_PERCENT // 100
        if account.book.treasury_due + treasury <= MAX_TREASURY_DUE:
            self.vault.move(token, treasury, source, (OPTIONS, account.book.pool(Layer.MAIN)))
            account.book.treasury_due += treasury
        else:
            self.vault.move(token, treasury, source, (FREE, TREASURY))
        self.vault.move(token, insurance, source, (OPTIONS, account.book.pool(Layer.INSURANCE)))
        self.vault.move(token, fee - treasury - insurance, source, (OPTIONS, account.book.pool(Layer.MAIN)))

    def _forgive_after_last(self, account: AccountModel) -> None:
        if not account.positions and account.debt.total:
            account.forgive()

    # ── checks ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def _require_in_time(self, order: Order, now: int) -> None:
        require(now <= order.deadline, "PerpetualOptions_Expired", deadline=order.deadline, now_=now)

    def _require_operator(self, owner: str, caller: str) -> None:
        allowed = caller == owner or self.operators.get((owner, caller), False)
        require(allowed, "PerpetualOptions_NotOperator", owner=owner, caller=caller)

    def _account_with(self, owner: str, token: str, position_id: PositionId) -> AccountModel:
        account = self.account(owner, token)
        self.market(position_id.market_id)
        held = position_id in account.positions
        require(held, "PerpetualOptions_NoPosition", owner=owner, token=token, id=position_id)
        return account

    def _require_initial_margin(self, account: AccountModel, leaving: int, now: int) -> None:
        health = account.health(now)
        equity = health.equity - leaving
        enough = equity >= health.initial_margin
        require(enough, "PerpetualOptions_InsufficientMargin", equity=equity, required=health.initial_margin)


def payout_of(notional: int, value_wad: int) -> Split:
    return Split(
        mul_div(notional, main_layer_wad(value_wad), WAD), mul_div(notional, insurance_layer_wad(value_wad), WAD)
    )


def fee_of(notional: int, traded: int) -> int:
    return min(ceil_div(notional, FEE_DIVISOR), ceil_div(traded, FEE_CAP_DIVISOR))


__all__ = ["ALL", "TREASURY", "Closed", "Opened", "OptionsModel", "Order", "PositionId", "Side"]
