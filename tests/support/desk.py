"""A trading desk for tests: the local system, one margin token, one market, and everybody who touches them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from everstock.chain.base import ZERO_ADDRESS
from everstock.chain.contract import Contract
from everstock.chain.evm import EvmChain
from everstock.chain.receipt import Receipt
from everstock.chain.testing import Caught, reverts
from everstock.client import Asset, MarginToken, Market, System
from everstock.deploy import deploy_system
from everstock.deploy.builder import list_token
from everstock.deploy.roles import GRANTS
from everstock.params import Token, load

ONE = 10**18
WAD = 10**18
INDEX = 10**27
HOUR = 3600
DAY = 86400
YEAR = 31_536_000
UINT112_MAX = 2**112 - 1
UINT256_MAX = 2**256 - 1
MAIN, INSURANCE = 0, 1
ASK, BID, MARK, TIGHT_ASK, TIGHT_BID = range(5)
OPEN, CLOSED, STALE, HALTED = 0, 1, 2, 3
VOLUNTARY, LIQUIDATION, EXERCISE, EVICTION, FROZEN = range(5)
FREE = ZERO_ADDRESS

CONFIRMATION = 300
"""Seconds after which a second print confirms a jump."""

MAIN_CASH = 1_000 * ONE
INSURANCE_CASH = 500 * ONE
MARGIN = 100 * ONE


def up(a: int, b: int) -> int:
    """a / b, rounded up."""
    return -(-a // b)


def fee_of(notional: int, consideration: int) -> int:
    """0.05% of notional, at most an eighth of premium or proceeds; up."""
    return min(up(notional, 2000), up(consideration, 8))


def deploy_local() -> System:
    """The system of `params/local.yaml`, in this process."""
    return deploy_system(EvmChain(), load("local"))


def add_token(system: System, symbol: str, decimals: int = 18, min_notional: str = "1") -> MarginToken:
    """Deploy a stock token and list it as margin."""
    return list_token(system, symbol, Token(name=symbol, decimals=decimals, min_notional=min_notional))


def add_market(system: System, name: str, asset: str = "BTC", calendar: Any = ZERO_ADDRESS) -> Market:
    """One more market on an asset, with the parameters of BTC-7D."""
    like, owner = system.market("BTC-7D").contract.config(), system.governor
    config = like._replace(assetId=system.asset(asset).id, referencePrice=_price_of(system.asset(asset)))
    wired = (system.authority, system.oracle, calendar, system.options)
    contract = system.chain.deploy(system.artifacts["OptionMarket"], *wired, tuple(config), sender=owner)
    for role, functions in GRANTS["OptionMarket"].items():
        selectors = [getattr(contract, function).selector for function in functions]
        system.authority.setTargetFunctionRole(contract, selectors, int(role), sender=owner)
    contract.poke(sender=owner)
    market_id = system.options.addMarket(contract, sender=owner).return_value
    system.markets[name] = Market(system, name, market_id, contract, system.asset(asset))
    return system.markets[name]


def add_session_market(system: System, name: str = "SPY-7D", price: int = 500) -> Market:
    """A market that trades from 14:30 to 21:00 UTC on weekdays: the chain starts at an opening, on a Monday."""
    chain, owner = system.chain, system.governor
    calendar = chain.deploy(system.artifacts["TestCalendar"], WAD // 5, 11_024_640 * WAD, sender=owner)
    aggregator = chain.deploy(system.artifacts["MockAggregator"], 8, price * 10**8, sender=owner)
    feed = chain.deploy(system.artifacts["ChainlinkFeed"], aggregator, sender=owner)
    asset = Asset(system, "SPY", b"SPY".ljust(32, b"\0"), feed, aggregator, 8)
    system.oracle.setAsset(asset.id, (feed.address, 4_200, WAD // 1000, calendar.address), sender=owner)
    system.assets["SPY"] = asset
    return add_market(system, name, "SPY", calendar)


def _price_of(asset: Asset) -> int:
    return int(asset.aggregator.latestAnswer()) * 10 ** (18 - asset.feed_decimals)


@dataclass(frozen=True)
class Actors:
    """Accounts, named for what they do. The governor also issues stock and guards, as on every local chain."""

    trader: str
    rival: str
    lp: str
    late_lp: str
    keeper: str
    liquidator: str
    operator: str
    stranger: str
    governor: str
    treasury: str

    @classmethod
    def of(cls, system: System) -> Actors:
        account = system.chain.account
        names = [field.name for field in fields(cls) if field.name not in ("governor", "treasury")]
        return cls(*(account(name) for name in names), governor=system.governor, treasury=system.treasury)


@dataclass(eq=False, repr=False)
class Desk:
    """Amounts are integers in the token's smallest unit, prices whole USD. `market` is BTC-7D unless told otherwise."""

    system: System
    who: Actors
    token: MarginToken
    market: Market

    @classmethod
    def funded(cls, system: System) -> Desk:
        return cls.funded_with(system, system.token("TSLA.M"))

    @classmethod
    def funded_with(cls, system: System, token: MarginToken) -> Desk:
        desk = cls.empty(system, token)
        desk.fund_pool(MAIN, MAIN_CASH)
        desk.fund_pool(INSURANCE, INSURANCE_CASH)
        desk.add_margin(desk.who.trader, MARGIN)
        desk.add_margin(desk.who.rival, MARGIN)
        return desk

    @classmethod
    def empty(cls, system: System, token: MarginToken | None = None, market: str = "BTC-7D") -> Desk:
        return cls(system, Actors.of(system), token or system.token("TSLA.M"), system.market(market))

    def with_token(self, token: MarginToken) -> Desk:
        return Desk(self.system, self.who, token, self.market)

    def with_market(self, name: str) -> Desk:
        return Desk(self.system, self.who, self.token, self.system.market(name))

    # ── contracts ─────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def chain(self) -> EvmChain:
        assert isinstance(self.system.chain, EvmChain)
        return self.system.chain

    @property
    def options(self) -> Contract:
        return self.system.options

    @property
    def vault(self) -> Contract:
        return self.system.vault

    @property
    def main(self) -> Contract:
        return self.token.main_contract

    @property
    def insurance(self) -> Contract:
        return self.token.insurance_contract

    def pool(self, layer: int) -> Contract:
        return self.main if layer == MAIN else self.insurance

    # ── money ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def give(self, to: Any, amount: int) -> None:
        """Put tokens in a wallet."""
        self.token.contract.mint(to, amount, sender=self.who.governor)

    def add_margin(self, owner: Any, amount: int) -> None:
        self.give(owner, amount)
        self.token.contract.approve(self.vault, amount, sender=owner)
        self.vault.deposit(self.token.address, self.options.address, owner, amount, sender=owner)

    def fund_pool(self, layer: int, amount: int, lp: Any = None) -> int:
        """Deposit into a pool; the shares minted."""
        lp = lp or self.who.lp
        self.give(lp, amount)
        self.token.contract.approve(self.pool(layer), amount, sender=lp)
        receipt = self.pool(layer)["deposit(uint256,address)"](amount, lp, sender=lp)
        return int(receipt.return_value)

    def balance(self, owner: Any, module: Any = None) -> int:
        """The owner's ledger entry with the options."""
        return int(self.vault.balanceOf(self.token.address, self.options.address if module is None else module, owner))

    def free(self, owner: Any) -> int:
        return self.balance(owner, FREE)

    def wallet(self, owner: Any) -> int:
        return int(self.token.contract.balanceOf(owner))

    def cash(self, layer: int) -> int:
        """A pool's ledger entry, less what of the main pool's is the treasury's."""
        return self.balance(self.pool(layer)) - (int(self.book.treasuryDue) if layer == MAIN else 0)

    @property
    def fees(self) -> int:
        """The treasury's part of the fees: collected, and still in the main pool's entry."""
        return self.free(self.who.treasury) + int(self.book.treasuryDue)

    # ── trading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def id(self, strike: int = 0, is_call: bool = True, market: int | None = None) -> tuple[int, int, bool]:
        return (self.market.id if market is None else market, strike, is_call)

    def order(
        self,
        strike: int = 0,
        is_call: bool = True,
        notional: int = 10 * ONE,
        *,
        limit: int,
        owner: Any = None,
        token: Any = None,
        market: int | None = None,
        deadline: int | None = None,
    ) -> dict[str, Any]:
        return {
            "owner": owner or self.who.trader,
            "token": token or self.token.address,
            "marketId": self.market.id if market is None else market,
            "strike": strike,
            "isCall": is_call,
            "notional": notional,
            "limit": limit,
            "deadline": self.chain.now if deadline is None else deadline,
        }

    def open(self, *args: Any, sender: Any = None, limit: int = UINT256_MAX, **order: Any) -> Receipt:
        """Buy: strike, is_call, notional, and any field of the order by name."""
        filled = self.order(*args, limit=limit, **order)
        return self.options.open(filled, sender=sender or filled["owner"])

    def close(
        self,
        strike: int = 0,
        is_call: bool = True,
        notional: int = UINT112_MAX,
        *,
        sender: Any = None,
        limit: int = 0,
        **order: Any,
    ) -> Receipt:
        """Sell, everything by default."""
        filled = self.order(strike, is_call, notional, limit=limit, **order)
        return self.options.close(filled, sender=sender or filled["owner"])

    def settle(self, owner: Any = None, sender: Any = None) -> Receipt:
        owner = owner or self.who.trader
        return self.options.settle(owner, self.token.address, sender=sender or self.who.keeper)

    def liquidate(self, *position: Any, owner: Any = None, sender: Any = None) -> Receipt:
        return self._keep("liquidate", position, owner, sender or self.who.liquidator)

    def exercise(self, *position: Any, owner: Any = None, sender: Any = None) -> Receipt:
        return self._keep("exercise", position, owner, sender or self.who.keeper)

    def evict(self, *position: Any, owner: Any = None, sender: Any = None) -> Receipt:
        return self._keep("evict", position, owner, sender or self.who.keeper)

    def close_frozen(self, *position: Any, owner: Any = None, sender: Any = None) -> Receipt:
        return self._keep("closeFrozen", position, owner, sender or self.who.keeper)

    def _keep(self, name: str, position: Sequence[Any], owner: Any, sender: Any) -> Receipt:
        call = getattr(self.options, name)
        return call(owner or self.who.trader, self.token.address, self.id(*position), sender=sender)

    def withdraw(self, amount: int, owner: Any = None, to: Any = None) -> Receipt:
        owner = owner or self.who.trader
        return self.options.withdraw(self.token.address, amount, to or owner, sender=owner)

    def events(self, receipt: Receipt, name: str) -> list[Any]:
        """The options' own events of that name: the vault has a `Settle` and a `Withdraw` too."""
        return [each for each in receipt.events if each.name == name and each.address == self.options.address]

    def event(self, receipt: Receipt, name: str) -> Any:
        (found,) = self.events(receipt, name)
        return found

    def at_thirty_two_strikes(self, notional: int = ONE) -> None:
        """32 live calls in the market: −11 … 9, opened at 60,000, and 10 … 20, at 90,000. `keeper` has the last."""
        holders = [(self.who.trader, range(-11, 4)), (self.who.rival, range(4, 10)), (self.who.rival, range(10, 17))]
        for owner, strikes in (*holders, (self.who.keeper, range(17, 21))):
            if strikes.start == 10:
                self.move(90_000)
                self.add_margin(self.who.keeper, MARGIN)
            for strike in strikes:
                self.open(strike, True, notional, owner=owner)

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def position(self, *position: Any, owner: Any = None) -> Any:
        return self.options.position(owner or self.who.trader, self.token.address, self.id(*position))

    def positions(self, owner: Any = None) -> list[tuple[int, int, bool]]:
        return [tuple(each) for each in self.options.positions(owner or self.who.trader, self.token.address)]

    def health(self, owner: Any = None) -> Any:
        return self.options.accountHealth(owner or self.who.trader, self.token.address)

    def debt(self, owner: Any = None) -> tuple[int, int]:
        """What the account owes main and insurance on record."""
        return tuple(self.options.debtOf(owner or self.who.trader, self.token.address))

    def sold(self) -> dict[int, tuple[int, int]]:
        """Notional of calls and puts at each live strike of the market."""
        words = self.options.marketState(self.token.address, self.market.id).strikes
        mask = 2**112 - 1
        return {(w >> 224) - ((w >> 239) << 16): (w & mask, w >> 112 & mask) for w in words}

    @property
    def book(self) -> Any:
        return self.options.tokenBook(self.token.address)

    def quote(self, strike: int, is_call: bool, kind: int) -> Any:
        return self.market.contract.quote(strike, is_call, kind)

    def funding_index(self, strike: int) -> int:
        return int(self.market.contract.fundingAndMargin(strike)[0])

    # ── time and price ────────────────────────────────────────────────────────────────────────────────────────────────
    def publish(self, price: int | str | None = None, market: Market | None = None) -> None:
        """A new round of the feed: at `price`, or at the last one again."""
        asset = (market or self.market).asset
        if price is None:
            asset.aggregator.updateAnswer(asset.aggregator.latestAnswer(), sender=self.who.governor)
        else:
            asset.publish(price)

    def pass_time(self, seconds: int) -> None:
        """Let time pass with fresh prints of every asset at its end; nothing is poked."""
        self.chain.warp(seconds)
        for asset in self.system.assets.values():
            asset.aggregator.updateAnswer(asset.aggregator.latestAnswer(), sender=self.who.governor)

    def move(self, price: int | str) -> None:
        """Bring the market to a price, by a confirmed jump when the breaker asks for one (300 seconds pass then)."""
        self.publish(price)
        if self.poke() != OPEN:
            self.chain.warp(CONFIRMATION)
            self.publish(price)
            assert self.poke() == OPEN

    def poke(self) -> int:
        """Poke the market; the status found."""
        return int(self.market.contract.poke(sender=self.who.keeper).return_value[0])

    def wind_down(self, final_price: int, notice: int = 3 * DAY) -> int:
        """Announce the end of the market; when it freezes."""
        freeze_at = self.chain.now + notice
        self.market.contract.announceWindDown(final_price * WAD, freeze_at, sender=self.who.governor)
        return freeze_at

    # ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def statement(self) -> dict[str, Any]:
        """Everything that money, positions and prices consist of."""
        it: dict[str, Any] = {}
        owners = [getattr(self.who, field.name) for field in fields(self.who)]
        for symbol, token in self.system.tokens.items():
            pools = (token.main_contract, token.insurance_contract)
            for owner in (*owners, *pools):
                entries = (self.vault.balanceOf(token.address, m, owner) for m in (self.options.address, FREE))
                shares = (pool.balanceOf(owner) for pool in pools)
                it[symbol, str(owner)] = (*entries, token.contract.balanceOf(owner), *shares)
            it[symbol, "vault"] = token.contract.balanceOf(self.vault)
            it[symbol, "book"] = self.options.tokenBook(token.address)
            for pool in pools:
                redemptions = [(pool.redemptionOf(o), pool.maxWithdraw(o), pool.maxRedeem(o)) for o in owners[:4]]
                it[symbol, pool.address, "pool"] = (pool.totalSupply(), redemptions)
            for owner in owners[:3]:
                ids = self.options.positions(owner, token.address)
                held = [(each, self.options.position(owner, token.address, each)) for each in ids]
                it[symbol, owner, "account"] = (held, self.options.debtOf(owner, token.address))
        for name, market in self.system.markets.items():
            it[name] = (
                market.contract.state(),
                market.contract.liveCount(),
                self.options.openingPausedUntil(market.id),
            )
        return it

    @contextmanager
    def refused(self, error: str, *args: Any, **named: Any) -> Iterator[Caught]:
        """The block reverts with exactly this error, and nothing at all has changed."""
        before = self.statement()
        with reverts(error, *args, **named) as caught:
            yield caught
        assert self.statement() == before
