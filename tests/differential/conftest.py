"""One chain, and the pure libraries on it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from support.market_bench import math_harness


@pytest.fixture(scope="module")
def kit() -> SimpleNamespace:
    return math_harness()
