"""Option markets before prices that a test writes itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from everstock import artifacts
from everstock.chain import ZERO_ADDRESS
from everstock.chain.base import START_TIME
from everstock.chain.contract import Contract
from everstock.chain.evm import EvmChain
from everstock.model.calendar import AlwaysOpen, WeekdaySessions

WAD = 10**18
YEAR = 31_536_000
DAY = 86_400
MAX_AGE = 4_200
DEVIATION = WAD // 1_000
BAND = DEVIATION + WAD // 1_000
SESSION_YEAR = 11_024_640 * WAD
OPEN, CLOSED, STALE, HALTED = range(4)
ASK, BID, MARK = range(3)
ACTIVE, WINDING_DOWN, FROZEN = range(3)


def variance_budget(sigma_percent: int, days: int) -> int:
    """c = σ²·T in WAD, floored."""
    return sigma_percent**2 * days * WAD // (100**2 * 365)


@dataclass(frozen=True)
class Listing:
    """A market's parameters; `Listing.config` is the constructor's struct."""

    name: str
    sigma_percent: int
    days: int
    reference: int
    loading: int = WAD // 5
    min_variance: int = 4 * WAD // 100
    max_variance: int = 4 * WAD
    c_override: int = 0

    @property
    def c(self) -> int:
        return self.c_override or variance_budget(self.sigma_percent, self.days)

    @property
    def initial_variance(self) -> int:
        return self.sigma_percent**2 * WAD // 100**2

    @property
    def asset(self) -> bytes:
        return self.name.encode().ljust(32, b"\0")

    @property
    def config(self) -> tuple[Any, ...]:
        return (
            self.asset,
            self.reference,
            self.c,
            self.initial_variance,
            self.min_variance,
            self.max_variance,
            self.loading,
        )


BTC_7D = Listing("BTC-7D", 60, 7, 60_000 * WAD)
ETH_7D = Listing("ETH-7D", 80, 7, 3_000 * WAD)
BTC_30D = Listing("BTC-30D", 60, 30, 60_000 * WAD)
TSLA_7D = Listing("TSLA-7D", 55, 7, 250 * WAD, loading=3 * WAD // 10)
LISTINGS = (BTC_7D, ETH_7D, BTC_30D, TSLA_7D)


class MarketBench:
    """One market over one feed, the test being its governor and its book; prices are WAD, the feed's stamp is now."""

    def __init__(self, chain: EvmChain, listing: Listing = BTC_7D, *, sessions: bool = False, hostile: bool = False):
        built = artifacts.load()
        self.chain, self.listing, self.built = chain, listing, built
        self.governor, self.book, self.stranger = map(chain.account, ("governor", "book", "stranger"))
        self.authority = chain.deploy(built["Authority"], self.governor, sender=self.governor)
        self.oracle = chain.deploy(built["PriceOracle"], self.authority, sender=self.governor)
        self.hostile = hostile
        if hostile:
            self.feed = chain.deploy(built["HostileFeed"], sender=self.governor)
        else:
            self.aggregator = chain.deploy(built["MockAggregator"], 18, listing.reference, sender=self.governor)
            self.feed = chain.deploy(built["ChainlinkFeed"], self.aggregator, sender=self.governor)
        self.calendar: Any = ZERO_ADDRESS
        self.sessions: Any = AlwaysOpen()
        if sessions:
            self.calendar = chain.deploy(built["TestCalendar"], WAD // 5, SESSION_YEAR, sender=self.governor)
            self.sessions = WeekdaySessions(year_seconds_wad=SESSION_YEAR)
        self.round = 1
        self.configure()
        self.market = self.deploy(listing)

    def configure(self, max_age: int = MAX_AGE, deviation: int = DEVIATION) -> None:
        config = (self.feed, max_age, deviation, self.calendar)
        self.oracle.setAsset(self.listing.asset, config, sender=self.governor)

    def deploy(self, listing: Listing, **changes: Any) -> Contract:
        listing = replace(listing, **changes)
        return self.deploy_config(listing.config)

    def deploy_config(self, config: tuple[Any, ...]) -> Contract:
        where = (self.authority, self.oracle, self.calendar, self.book)
        return self.chain.deploy(self.built["OptionMarket"], *where, config, sender=self.governor)

    # ── the feed ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def print(self, price: int, *, age: int = 0, stamp: int | None = None) -> None:
        """A new round, stamped `age` seconds ago."""
        self.round += 1
        at = self.chain.now - age if stamp is None else stamp
        if self.hostile:
            self.feed.set((price, self.round, at, 0, False), sender=self.governor)
        else:
            self.aggregator.updateRoundData(self.round, price, at, at, sender=self.governor)

    def break_feed(self) -> None:
        """From now on the feed answers from the future: there is no usable stamp."""
        self.print(self.listing.reference, stamp=self.chain.now + 10**8)

    def mend_feed(self) -> None:
        self.print(self.listing.reference)

    # ── the market ────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def state(self) -> Any:
        return self.market.state()

    @property
    def now(self) -> Any:
        """The state with the interval that is pending."""
        return self.market.peek()[0]

    def poke(self) -> Any:
        """The receipt; `peek` foresaw it all, and an interval stays pending when all else does."""
        stored, (foreseen, status) = self.state, self.market.peek()
        pending = self._stays_pending(stored, foreseen)
        receipt = self.market.poke(sender=self.stranger)
        assert receipt.return_value == (status, foreseen.updatedAt)
        assert self.state == (stored if pending else foreseen)
        if stored.price:  # events that waited for a first price are due now that there is one
            assert self.market.peek() == (foreseen, status)
        return receipt

    def _stays_pending(self, stored: Any, foreseen: Any) -> bool:
        final = self.market.windDown()[1] or self.chain.now
        due = stored.price and any(event.at <= min(self.chain.now, final) for event in self.market.events())
        alike = stored._replace(accruedAt=foreseen.accruedAt, a=foreseen.a, b=foreseen.b) == foreseen
        return not due and alike and foreseen.accruedAt <= max(stored.accruedAt, stored.updatedAt + stored.maxAge)

    def status(self) -> int:
        """Poke, and only the status."""
        return self.poke().return_value[0]

    def tick(self, price: int, **more: Any) -> Any:
        """A new print, taken at once."""
        self.print(price, **more)
        return self.poke()

    def accrue(self) -> Any:
        return self.market.accrue(sender=self.stranger)

    def live(self, *strikes: int) -> None:
        for strike in strikes:
            self.market.setLive(strike, True, sender=self.book)

    def die(self, *strikes: int) -> None:
        for strike in strikes:
            self.market.setLive(strike, False, sender=self.book)

    def funding(self, strike: int) -> int:
        return self.market.fundingAndMargin(strike)[0]

    def trade(self, strike: int, is_call: bool = True, kind: int = MARK) -> Any:
        return self.market.pokeAndQuote(kind, strike, is_call, sender=self.book).return_value

    def schedule(self, at: int, lump: int = WAD // 10, move: int = WAD // 10) -> Any:
        return self.market.scheduleEvent((at, lump, move), sender=self.governor)

    def wind_down(self, final_price: int, at: int) -> Any:
        return self.market.announceWindDown(final_price, at, sender=self.governor)


class ChainPrimitives:
    """The chain's own exp and ln, for a model that must agree bit for bit."""

    def __init__(self, harness: Contract) -> None:
        self.exp_wad = lru_cache(maxsize=1 << 18)(lambda x: harness.expWad(x))
        self.ln_wad = lru_cache(maxsize=1 << 18)(lambda x: harness.lnWad(x))


def math_harness(chain: EvmChain | None = None) -> SimpleNamespace:
    """The pure libraries, callable, and the model's primitives made of them."""
    chain = chain or EvmChain(start=START_TIME)
    harness = chain.deploy(artifacts.load()["MathHarness"], sender=chain.account("deployer"))
    return SimpleNamespace(chain=chain, math=harness, primitives=ChainPrimitives(harness))
