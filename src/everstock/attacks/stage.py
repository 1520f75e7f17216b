"""Where attacks are played: a deployed system, its pools, and people with tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from functools import cached_property
from random import Random

from everstock.chain.base import START_TIME, ZERO_ADDRESS, Chain
from everstock.chain.errors import Reverted
from everstock.client import MarginToken, Market, Pool, Side, System, Trader
from everstock.client.system import PriceStatus, from_wad
from everstock.deploy import deploy_system
from everstock.deploy.roles import GRANTS
from everstock.params import load

WAD = 10**18
MINUTE, HOUR, DAY = 60, 3_600, 86_400
WEEK = 7 * DAY
YEAR = 365 * DAY
CONFIRMATION = 300
"""Seconds after which a second print confirms a jump."""
VIRTUAL_SHARES = 10**6

Amount = Decimal | int


class ClosedForm:
    """The value of an option per unit of notional, in floats: what the rules of earlier drafts are computed with."""

    def __init__(self, variance_budget: float) -> None:
        self.c = variance_budget
        self.u = math.sqrt(1 + 8 / variance_budget)

    def time_value(self, x: float) -> float:
        exponent = (1 + self.u) / 2 if x < 1 else (1 - self.u) / 2
        return float(x**exponent) / self.u

    def call(self, x: float) -> float:
        return max(x - 1, 0) + self.time_value(x)

    def put(self, x: float) -> float:
        return max(1 - x, 0) + self.time_value(x)

    def value(self, x: float, side: Side) -> float:
        return self.call(x) if side is Side.CALL else self.put(x)

    def spread(self, value: float) -> float:
        """1% of the value, or of the largest time value when that is less."""
        return min(value, 1 / self.u) / 100


def fee_rate(consideration: float) -> float:
    """The fee per unit of notional."""
    return min(0.0005, consideration / 8)


class Stage:
    """One deployment on a local chain. Amounts are tokens of `token`, prices USD; `market` is BTC-7D at 60,000."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        chain.warp((START_TIME - chain.now) % WEEK)  # to an opening on a Monday, wherever the chain's clock stands
        self.system: System = deploy_system(chain, load("local"))
        self.token: MarginToken = self.system.token("TSLA.M")
        self.market: Market = self.system.market("BTC-7D")
        self.keeper = chain.account("keeper")

    # ── people and money ──────────────────────────────────────────────────────────────────────────────────────────────
    def account(self, name: str) -> str:
        return self.chain.account(name)

    @property
    def main(self) -> Pool:
        return self.token.main

    @property
    def insurance(self) -> Pool:
        return self.token.insurance

    def provide(self, pool: Pool, amount: Amount, lp: str = "lp") -> str:
        """Let somebody deposit fresh tokens into a pool."""
        address = self.account(lp)
        self.token.mint(address, amount)
        pool.deposit(address, amount)
        return address

    def fund(self, main: Amount = 1_000, insurance: Amount = 500) -> None:
        self.provide(self.main, main)
        self.provide(self.insurance, insurance)

    def trader(self, name: str, margin: Amount) -> Trader:
        """Somebody with fresh margin."""
        owner = self.account(name)
        self.token.mint(owner, margin)
        trader = self.token.trader(owner)
        trader.deposit(margin)
        return trader

    def free(self, owner: str) -> Decimal:
        return self.token.amount(self.system.vault.balanceOf(self.token.address, ZERO_ADDRESS, owner))

    def wealth(self, *owners: str) -> Decimal:
        """Wallet, margin, rewards, claims, and pool shares at what they are worth to one who leaves. No positions."""
        total = Decimal(0)
        for owner in owners:
            total += self.token.balance(owner) + self.token.trader(owner).balance + self.free(owner)
            for pool in (self.main, self.insurance):
                shares = pool.shares_of(owner) + pool.contract.redemptionOf(owner).shares
                total += self.token.amount(pool.contract.maxWithdraw(owner))
                total += self.token.amount(self._worth(pool, shares))
        return total

    def _worth(self, pool: Pool, shares: int) -> int:
        nav = pool.contract.nav(False).nav
        return int(shares * (nav + 1) // (pool.contract.totalSupply() + VIRTUAL_SHARES))

    def nav(self, pool: Pool) -> Decimal:
        return self.token.amount(pool.contract.nav(False).nav)

    # ── prices and time ───────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def price(self) -> Decimal:
        return self.market.price_usd

    @cached_property
    def form(self) -> ClosedForm:
        return ClosedForm(float(from_wad(self.market.contract.config().varianceBudget)))

    def strike_at(self, x: float) -> int:
        """The strike nearest to price/x."""
        return self.market.nearest_strike(self.price / Decimal(str(x)))

    def moneyness(self, strike: int) -> float:
        """x of a strike at the market's price."""
        return float(self.price / self.market.strike_price_usd(strike))

    def publish(self, price: Decimal | float | None = None) -> None:
        """A new round of the market's feed; at the last price when none is given."""
        at = self.last_print if price is None else Decimal(str(price))
        self.market.asset.publish(round(at, 6))

    @property
    def last_print(self) -> Decimal:
        asset = self.market.asset
        return Decimal(asset.aggregator.latestAnswer()).scaleb(-asset.feed_decimals)

    def poke(self) -> PriceStatus:
        """Poke the market; the status met."""
        return PriceStatus(self.market.poke(self.keeper).return_value[0])

    def move(self, price: Decimal | float) -> None:
        """Bring the market to a price; a jump is confirmed by a second print five minutes later."""
        self.publish(price)
        if self.poke() is not PriceStatus.OPEN:
            self.chain.warp(CONFIRMATION)
            self.publish(price)
            assert self.poke() is PriceStatus.OPEN

    def pass_time(self, seconds: int, every: int = HOUR) -> None:
        """Time passes at an unchanged price, with a print and a poke at each step."""
        while seconds > 0:
            step = min(seconds, every)
            self.chain.warp(step)
            self.publish()
            self.poke()
            seconds -= step

    def live_through(self, days: int, seed: int = 1) -> None:
        """Days of prices that move as 60% volatility does, with a poke every hour."""
        for price in self.walk(days, HOUR, seed)[1:]:
            self.chain.warp(HOUR)
            self.move(price)

    def set_deviation(self, deviation: str) -> None:
        """Another deviation threshold of the feed: the band is that and 0.1%."""
        asset = self.market.asset
        config = self.system.oracle.assetConfig(asset.id)._replace(deviation=int(Decimal(deviation) * WAD))
        self.system.oracle.setAsset(asset.id, tuple(config), sender=self.system.governor)
        self.publish()
        self.poke()

    @property
    def band(self) -> Decimal:
        return from_wad(self.market.contract.state().band)

    def session_market(self, name: str = "SPY-7D") -> Stage:
        """The same stage, seen at a market that trades 14:30 to 21:00 UTC on weekdays, at 500."""
        chain, system, owner = self.chain, self.system, self.system.governor
        calendar = chain.deploy(system.artifacts["TestCalendar"], WAD // 5, 11_024_640 * WAD, sender=owner)
        aggregator = chain.deploy(system.artifacts["MockAggregator"], 8, 500 * 10**8, sender=owner)
        feed = chain.deploy(system.artifacts["ChainlinkFeed"], aggregator, sender=owner)
        like = self.market.asset
        asset = type(like)(system, "SPY", b"SPY".ljust(32, b"\0"), feed, aggregator, 8)
        known = system.oracle.assetConfig(like.id)
        system.oracle.setAsset(
            asset.id, tuple(known._replace(feed=feed.address, calendar=calendar.address)), sender=owner
        )
        config = self.market.contract.config()._replace(assetId=asset.id, referencePrice=500 * WAD)
        parties = (system.authority, system.oracle, calendar, system.options)
        contract = chain.deploy(system.artifacts["OptionMarket"], *parties, tuple(config), sender=owner)
        for role, functions in GRANTS["OptionMarket"].items():
            selectors = [getattr(contract, function).selector for function in functions]
            system.authority.setTargetFunctionRole(contract, selectors, int(role), sender=owner)
        contract.poke(sender=owner)
        market_id = int(system.options.addMarket(contract, sender=owner).return_value)
        there = object.__new__(Stage)
        there.chain, there.system, there.token, there.keeper = chain, system, self.token, self.keeper
        there.market = Market(system, name, market_id, contract, asset)
        return there

    # ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def refusal(self, act: Callable[[], object]) -> str | None:
        """The name of the error that the attempt reverts with; None when it goes through. Nothing stays."""
        with self.chain.anchor():
            try:
                act()
            except Reverted as error:
                return error.name
        return None

    def result_of(self, act: Callable[[], object], *owners: str) -> Decimal:
        """By how much what the owners hold changes. Nothing stays."""
        with self.chain.anchor():
            before = self.wealth(*owners)
            act()
            return self.wealth(*owners) - before

    def walk(self, days: int, step: int, seed: int = 1, sigma: float = 0.6) -> list[float]:
        """A price path of a geometric Brownian motion without drift, one value a step, from the market's price on."""
        random, price = Random(seed), float(self.price)
        scale = sigma * math.sqrt(step / YEAR)
        path = [price]
        for _ in range(days * DAY // step):
            price *= math.exp(random.gauss(-scale * scale / 2, scale))
            path.append(price)
        return path

    def reserve_rate(self, utilisation: float) -> float:
        """Yearly rent on notional: 5% at 0, 12% at 80%, 60% at 100%."""
        if utilisation <= 0.8:
            return 0.05 + 0.07 * utilisation / 0.8
        return 0.12 + 0.48 * (min(utilisation, 1) - 0.8) / 0.2

    def fill(self, strike: int, side: Side, notional: Amount, margin: Amount, name: str = "trader") -> Trader:
        """Somebody buys, so that the pools have a book."""
        trader = self.trader(name, margin)
        trader.open(self.market, strike, side, notional)
        return trader
