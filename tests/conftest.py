"""Fixtures for every test that trades: one deployment per process, undone after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from everstock.chain.evm import EvmChain
from everstock.client import System
from support.desk import Actors, Desk, deploy_local


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def deployed_system() -> System:
    """The local system, deployed once by the one builder. Take `system`, which cleans up, unless you build on it."""
    return deploy_local()


@pytest.fixture
def system(deployed_system: System) -> Iterator[System]:
    """The local system without a single deposit. Whatever the test does is undone."""
    tables = ("tokens", "markets", "assets", "desks")
    known = {name: dict(getattr(deployed_system, name)) for name in tables}
    with deployed_system.chain.anchor():
        yield deployed_system
    for name, table in known.items():
        setattr(deployed_system, name, table)


@pytest.fixture
def chain(system: System) -> EvmChain:
    """The in-process chain that `system` lives on."""
    assert isinstance(system.chain, EvmChain)
    return system.chain


@pytest.fixture
def actors(system: System) -> Actors:
    """Accounts by role."""
    return Actors.of(system)


@pytest.fixture
def desk(system: System) -> Desk:
    """The system with liquidity in both pools of TSLA.M, and margin for `trader` and `rival`."""
    return Desk.funded(system)
