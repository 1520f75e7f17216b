"""A market that always trades and one with sessions, deployed anew for each test."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from everstock.model.pricing import Pricing
from support.market_bench import BTC_7D, TSLA_7D, MarketBench, math_harness


@pytest.fixture(scope="module")
def kit() -> SimpleNamespace:
    return math_harness()


@pytest.fixture
def crypto(kit: SimpleNamespace) -> Iterator[MarketBench]:
    """BTC-7D, never poked; the feed has printed the reference price."""
    with kit.chain.anchor():
        yield MarketBench(kit.chain, BTC_7D)


@pytest.fixture
def stock(kit: SimpleNamespace) -> Iterator[MarketBench]:
    """TSLA-7D with weekday sessions, never poked; it is Monday 14:30 UTC, the opening."""
    with kit.chain.anchor():
        yield MarketBench(kit.chain, TSLA_7D, sessions=True)


@pytest.fixture(scope="module")
def pricing_of(kit: SimpleNamespace):
    """The model's formulas with the chain's exp and ln."""
    return lambda listing: Pricing(kit.primitives, listing.c, listing.reference)
