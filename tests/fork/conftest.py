"""A fork, with Everstock deployed on it beside third parties by the one builder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from everstock.chain.anvil import AnvilNode
from everstock.deploy import deploy_system
from support.fork_town import Town, attest, parameters
from support.neighbours import Feed, Neighbours, neighbours, proxy_of


@pytest.fixture(scope="session")
def near() -> Iterator[Neighbours]:
    with neighbours() as found:
        yield found


@pytest.fixture(scope="session")
def built(near: Neighbours) -> Iterator[Town]:
    with AnvilNode(fork_url=near.uri, fork_block=near.block) as node:
        chain = node.chain()
        tesla = proxy_of(chain, "TSLA", 250)
        params = parameters(near, chain, tesla)
        system = deploy_system(chain, params)
        attest(system)
        feeds = {name: Feed(chain, feed) for name, feed in (near.feeds | {"TSLA": tesla}).items()}
        yield Town(chain, system, near, feeds, chain.contract(system.artifacts["BlacklistDollar"], near.usdc))


@pytest.fixture
def town(built: Town) -> Iterator[Town]:
    """Whatever the test does is undone."""
    known, rounds = dict(built.system.tokens), {name: feed.aggregator.round for name, feed in built.feeds.items()}
    with built.chain.anchor():
        yield built
    built.system.tokens = known
    for name, feed in built.feeds.items():
        feed.aggregator.round = rounds[name]
