"""A market of its own for every test."""

from __future__ import annotations

import pytest

from everstock.client import System
from support.lending_desk import LendingDesk


@pytest.fixture
def lending(system: System) -> LendingDesk:
    """Collateral that always trades; a million lent out to nobody yet, 1,000 tokens of the borrower's."""
    return LendingDesk.open(system).funded()


@pytest.fixture
def session(system: System) -> LendingDesk:
    """The same with trading hours, at an opening."""
    return LendingDesk.open(system, sessions=True).funded()
