"""One price oracle before a feed that answers whatever it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from everstock import artifacts
from everstock.chain import ZERO_ADDRESS
from everstock.chain.evm import EvmChain

WAD = 10**18
MAX_AGE = 4_200
DEVIATION = WAD // 1_000
MONDAY_OPEN = 1_767_623_400  # 5 January 2026, 14:30 UTC


class Bench:
    """The feed and the oracle of one asset, with the clock at hand."""

    def __init__(self, it: SimpleNamespace, name: bytes, calendar: Any = ZERO_ADDRESS) -> None:
        self.chain, self.oracle, self.governor = it.chain, it.oracle, it.governor
        self.asset = name.ljust(32, b"\0")
        self.feed = it.chain.deploy(it.built["HostileFeed"], sender=it.governor)
        self.calendar = calendar
        self.round = 0
        self.configure()

    def configure(self, feed: Any = None, max_age: int = MAX_AGE, deviation: int = DEVIATION) -> Any:
        config = (feed or self.feed, max_age, deviation, self.calendar)
        return self.oracle.setAsset(self.asset, config, sender=self.governor)

    def print(self, usd: float | int, *, stamp: int | None = None, round: int | None = None, **more: Any) -> None:
        """A new print; whole or fractional dollars, or WAD when it is large."""
        self.round = self.round + 1 if round is None else round
        wad = usd if isinstance(usd, int) and usd > 10**9 else int(usd * 10**8) * 10**10
        at = self.chain.now if stamp is None else stamp
        self.feed.set((wad, self.round, at, more.get("confidence", 0), more.get("halted", False)), sender=self.governor)

    def poke(self) -> SimpleNamespace:
        """Poke, having checked that `read` gives the same answer."""
        read = self.oracle.read(self.asset)
        receipt = self.oracle.poke(self.asset, sender=self.governor)
        answer = receipt.return_value
        assert tuple(answer) == tuple(read)
        return SimpleNamespace(
            price=answer.price,
            usd=answer.price / WAD,
            band=answer.band,
            stamp=answer.publishedAt,
            max_age=answer.maxAge,
            status=("Open", "Closed", "Stale", "Halted")[answer.status],
            breaker=answer.breakerHalt,
            events=[event.name for event in receipt.events],
            receipt=receipt,
        )

    def tick(self, usd: float | int, **more: Any) -> SimpleNamespace:
        """A new print, read at once."""
        self.print(usd, **more)
        return self.poke()


@pytest.fixture(scope="module")
def deployed() -> SimpleNamespace:
    built = artifacts.load()
    chain = EvmChain(start=MONDAY_OPEN)
    governor, stranger = map(chain.account, ("governor", "stranger"))
    authority = chain.deploy(built["Authority"], governor, sender=governor)
    oracle = chain.deploy(built["PriceOracle"], authority, sender=governor)
    calendar = chain.deploy(built["TestCalendar"], WAD // 5, 11_024_640 * WAD, sender=governor)
    return SimpleNamespace(
        chain=chain,
        built=built,
        governor=governor,
        stranger=stranger,
        oracle=oracle,
        calendar=calendar,
        bench=Bench,
    )


@pytest.fixture
def it(deployed: SimpleNamespace) -> Iterator[SimpleNamespace]:
    with deployed.chain.anchor():
        yield deployed


@pytest.fixture
def crypto(it: SimpleNamespace) -> Bench:
    """Always open, never printed."""
    return Bench(it, b"BTC/USD")


@pytest.fixture
def stock(it: SimpleNamespace) -> Bench:
    """Weekday sessions, never printed; it is Monday 14:30 UTC, the opening."""
    return Bench(it, b"TSLA/USD", it.calendar)
