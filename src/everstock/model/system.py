"""The whole protocol, one method per operation: it returns its result, or raises `ModelRevert` and changes nothing."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from .accounts import Health, PositionId
from .book import BookModel, Layer, Nav
from .calendar import AlwaysOpen, Calendar
from .errors import require
from .journal import Journal, Tracked, TrackedDict
from .market import MarketConfig, MarketModel, ScheduledEvent
from .options import ALL, Closed, Opened, OptionsModel, Order
from .oracle import OracleModel, PriceStatus, Print
from .pool import Claim, PoolModel
from .pricing import Side
from .primitives import DAY, ExactPrimitives, Primitives
from .vault import FREE, OPTIONS, VaultModel

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
NO_LIMIT = (1 << 256) - 1
MAX_PAUSE_SECONDS = 7 * DAY


def operation(
    method: Callable[Concatenate["SystemModel", Parameters], Result],
) -> Callable[Concatenate["SystemModel", Parameters], Result]:
    """All of it or nothing."""

    @wraps(method)
    def run(self: "SystemModel", /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with self.journal.transaction():
            return method(self, *args, **kwargs)

    return run


class SystemModel(Tracked):
    def __init__(self, now: int, primitives: Primitives | None = None) -> None:
        super().__init__(Journal())
        self.primitives = primitives or ExactPrimitives()
        self.now = now
        self.vault = VaultModel(self.journal)
        self.options = OptionsModel(self.journal, self.vault)
        self.oracles: TrackedDict[str, OracleModel] = TrackedDict(self.journal)
        self.pools: TrackedDict[tuple[str, Layer], PoolModel] = TrackedDict(self.journal)

    @property
    def journal(self) -> Journal:
        return self._journal

    # ── set-up ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def add_asset(
        self, asset: str, *, max_age: int = 4200, deviation_wad: int = 10**15, calendar: Calendar | None = None
    ) -> OracleModel:
        self.oracles[asset] = OracleModel(self.journal, calendar or AlwaysOpen(), max_age, deviation_wad)
        return self.oracles[asset]

    def add_market(self, asset: str, config: MarketConfig) -> int:
        oracle, market_id = self.oracles[asset], len(self.options.markets)
        market = MarketModel(self.journal, config, oracle, oracle.calendar, self.primitives)
        self.options.markets[market_id] = market
        return market_id

    def list_token(self, token: str, min_notional: int) -> None:
        require(token not in self.options.books, "PerpetualOptions_AlreadyListed", token=token)
        markets = self.options.markets
        self.options.books[token] = BookModel(self.journal, self.vault, markets, token, min_notional, self.now)
        for layer in Layer:
            pool = PoolModel(self.journal, self.options, token, layer)
            self.pools[token, layer] = pool
            self.vault.sealed[token, OPTIONS, pool.name] = True

    # ── the world ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def warp(self, seconds: int) -> None:
        assert seconds >= 0
        self.now += seconds

    def set_price(self, asset: str, price_wad: int, published_at: int | None = None) -> None:
        """The feed prints, now unless said."""
        last = self.oracles[asset].print
        stamp = self.now if published_at is None else published_at
        self.oracles[asset].print = Print(price_wad, last.round + 1 if last else 1, stamp)

    def set_print(self, asset: str, new: Print | None) -> None:
        self.oracles[asset].print = new

    def fund(self, token: str, owner: str, amount: int) -> None:
        self.vault.mint(token, owner, amount)

    # ── markets ───────────────────────────────────────────────────────────────────────────────────────────────────────
    @operation
    def poke(self, market_id: int) -> PriceStatus:
        return self.options.market(market_id).poke(self.now)

    @operation
    def accrue(self, market_id: int) -> None:
        self.options.market(market_id).accrue(self.now)

    @operation
    def schedule_event(self, market_id: int, event: ScheduledEvent) -> None:
        self.options.market(market_id).schedule_event(event, self.now)

    @operation
    def cancel_event(self, market_id: int, at: int) -> None:
        self.options.market(market_id).cancel_event(at, self.now)

    @operation
    def announce_wind_down(self, market_id: int, final_price_wad: int, freeze_at: int) -> None:
        self.options.market(market_id).announce_wind_down(final_price_wad, freeze_at, self.now)

    @operation
    def cancel_wind_down(self, market_id: int) -> None:
        self.options.market(market_id).cancel_wind_down(self.now)

    @operation
    def pause_opening(self, market_id: int, until: int) -> None:
        latest = self.now + MAX_PAUSE_SECONDS
        require(until <= latest, "PerpetualOptions_OutOfBounds", parameter="until", value=until, min=0, max=latest)
        self.options.opening_paused_until[market_id] = until

    @operation
    def set_token(self, token: str, min_notional: int, close_only: bool) -> None:
        book = self.options.book(token)
        book.min_notional, book.close_only = min_notional, close_only

    # ── traders ───────────────────────────────────────────────────────────────────────────────────────────────────────
    @operation
    def deposit_margin(self, token: str, owner: str, amount: int, payer: str | None = None) -> None:
        self.vault.deposit(token, OPTIONS, owner, amount, payer or owner)

    @operation
    def withdraw_free(self, token: str, owner: str, amount: int, to: str | None = None) -> None:
        self.vault.withdraw(token, FREE, owner, amount, to or owner)

    @operation
    def open(
        self,
        owner: str,
        token: str,
        position_id: PositionId,
        notional: int,
        *,
        max_premium: int = NO_LIMIT,
        deadline: int = NO_LIMIT,
        caller: str | None = None,
    ) -> Opened:
        order = Order(owner, token, position_id, notional, max_premium, deadline)
        return self.options.open(order, caller or owner, self.now)

    @operation
    def close(
        self,
        owner: str,
        token: str,
        position_id: PositionId,
        notional: int = ALL,
        *,
        min_proceeds: int = 0,
        deadline: int = NO_LIMIT,
        caller: str | None = None,
    ) -> Closed:
        order = Order(owner, token, position_id, notional, min_proceeds, deadline)
        return self.options.close(order, caller or owner, self.now)

    @operation
    def settle(self, owner: str, token: str) -> None:
        self.options.settle(owner, token, self.now)

    @operation
    def withdraw_margin(self, owner: str, token: str, amount: int, to: str | None = None) -> None:
        self.options.withdraw(owner, token, amount, to or owner, self.now)

    @operation
    def set_operator(self, owner: str, operator: str, approved: bool) -> None:
        self.options.operators[owner, operator] = approved

    # ── keepers ───────────────────────────────────────────────────────────────────────────────────────────────────────
    @operation
    def liquidate(self, owner: str, token: str, position_id: PositionId, keeper: str) -> Closed:
        return self.options.liquidate(owner, token, position_id, keeper, self.now)

    @operation
    def exercise(self, owner: str, token: str, position_id: PositionId, keeper: str) -> Closed:
        return self.options.exercise(owner, token, position_id, keeper, self.now)

    @operation
    def evict(self, owner: str, token: str, position_id: PositionId) -> Closed:
        return self.options.evict(owner, token, position_id, self.now)

    @operation
    def close_frozen(self, owner: str, token: str, position_id: PositionId) -> Closed:
        return self.options.close_frozen(owner, token, position_id, self.now)

    @operation
    def freeze(self, token: str, market_id: int) -> None:
        self.options.freeze(token, market_id, self.now)

    @operation
    def accrue_rent(self, token: str) -> None:
        self.options.book(token).accrue_rent(self.now)

    @operation
    def collect_fees(self, token: str) -> int:
        return self.options.collect_fees(token)

    # ── liquidity providers ───────────────────────────────────────────────────────────────────────────────────────────
    @operation
    def pool_deposit(self, token: str, layer: Layer, provider: str, assets: int, min_shares: int = 0) -> int:
        return self.pools[token, layer].deposit(assets, provider, provider, self.now, min_shares)

    @operation
    def pool_fund(self, token: str, layer: Layer, payer: str, receiver: str, assets: int, min_shares: int = 0) -> int:
        return self.pools[token, layer].fund(assets, receiver, payer, self.now, min_shares)

    @operation
    def pool_mint(self, token: str, layer: Layer, provider: str, shares: int) -> int:
        return self.pools[token, layer].mint(shares, provider, provider, self.now)

    @operation
    def transfer_shares(self, token: str, layer: Layer, sender: str, receiver: str, shares: int) -> None:
        self.pools[token, layer].transfer(sender, receiver, shares)

    @operation
    def request_redeem(self, token: str, layer: Layer, owner: str, shares: int, controller: str | None = None) -> None:
        self.pools[token, layer].request_redeem(shares, controller or owner, owner, self.now)

    @operation
    def execute_redemption(self, token: str, layer: Layer, controller: str) -> Claim:
        return self.pools[token, layer].execute_redemption(controller, self.now)

    @operation
    def redeem(self, token: str, layer: Layer, controller: str, shares: int) -> int:
        return self.pools[token, layer].redeem(shares, controller, controller)

    @operation
    def withdraw_claim(self, token: str, layer: Layer, controller: str, assets: int) -> int:
        return self.pools[token, layer].withdraw(assets, controller, controller)

    # ── views ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def health(self, owner: str, token: str) -> Health:
        return self.options.account(owner, token).health(self.now)

    def nav(self, token: str, layer: Layer, *, for_deposit: bool, marked: bool = False) -> Nav:
        return self.options.book(token).nav(layer, self.now, for_deposit=for_deposit, marked=marked)

    def balance(self, token: str, owner: str) -> int:
        return self.vault.balance(token, OPTIONS, owner)


__all__ = ["ALL", "Layer", "PositionId", "Side", "SystemModel"]
