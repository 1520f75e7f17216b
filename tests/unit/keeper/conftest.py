"""A keeper in process, with the log of its chain from the beginning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from everstock.client import System
from everstock.keeper import AccountBook, EventLog, Keeper

Born = Callable[..., Keeper]


@pytest.fixture
def born(system: System) -> Born:
    """Begins a keeper, by name, as often as a test likes."""
    log = EventLog(system.chain)

    def begin(name: str = "keeper", **rest: Any) -> Keeper:
        return Keeper(system, system.chain.account(name), log.source(AccountBook(system).addresses), **rest)

    return begin
