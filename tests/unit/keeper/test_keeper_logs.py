"""Events from a node whose blocks are replaced, and which fails half-way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from everstock.artifacts import load
from everstock.chain.anvil import AnvilNode
from everstock.chain.contract import Contract
from everstock.chain.errors import NodeUnreachable
from everstock.chain.rpc import RpcChain
from everstock.keeper.events import NodeLogs


@pytest.fixture
def chain() -> Iterator[RpcChain]:
    with AnvilNode() as node, node.chain() as chain:
        yield chain


@pytest.fixture
def token(chain: RpcChain) -> Contract:
    return chain.deploy(load()["MockDollar"], 6, sender=chain.account("issuer"))


def mint(token: Contract, amount: int) -> None:
    token.mint(token.chain.account("holder"), amount, sender=token.chain.account("issuer"))


def amounts(logs: NodeLogs) -> list[int]:
    return [event["value"] for event in logs.poll()]


def test_each_event_once_in_order(chain, token):
    logs = NodeLogs(chain, [token.address], 0, span=2)
    for amount in (1, 2, 3):
        mint(token, amount)
    assert amounts(logs) == [1, 2, 3]
    assert amounts(logs) == []
    mint(token, 4)
    assert amounts(logs) == [4]
    assert logs.reorganisations == 0


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_what_was_undone_is_told_again_and_then_what_came_instead(chain, token, depth):
    logs = NodeLogs(chain, [token.address], 0)
    for amount in (1, 2, 3, 4):
        mint(token, amount)
        logs.poll()
    chain.rpc("anvil_reorg", depth, [])
    chain._head = chain._fetch_head()
    mint(token, 9)
    undone = [1, 2, 3, 4][-depth:]
    assert amounts(logs) == [*undone, 9]
    assert logs.reorganisations == 1
    assert amounts(logs) == []


def test_blocks_between_two_polls_are_told_again_too(chain, token):
    logs = NodeLogs(chain, [token.address], 0)
    mint(token, 1)
    logs.poll()
    for amount in (2, 3, 4):
        mint(token, amount)
    assert amounts(logs) == [2, 3, 4]
    chain.rpc("anvil_reorg", 1, [])
    assert amounts(logs) == [2, 3, 4, 2, 3], "undone or not, all of the span that the poll covered is told again"


def test_a_chain_that_became_shorter(chain, token):
    logs = NodeLogs(chain, [token.address], 0)
    for amount in (1, 2, 3):
        mint(token, amount)
        logs.poll()
    chain.rpc("anvil_rollback", 2)
    assert amounts(logs) == [2, 3]
    mint(token, 9)
    assert amounts(logs) == [9]


def test_one_deeper_than_remembered_begins_at_the_oldest_known(chain, token):
    logs = NodeLogs(chain, [token.address], 0, memory=2)
    for amount in (1, 2, 3, 4):
        mint(token, amount)
        logs.poll()
    chain.rpc("anvil_reorg", 4, [])
    assert amounts(logs) == [3, 4]


def test_a_poll_that_fails_is_repeated_in_full(chain, token):
    logs = NodeLogs(chain, [token.address], 0)
    mint(token, 1)
    rpc = chain.rpc

    class Failing:
        def __call__(self, method, *params):
            if method == "eth_getLogs":
                raise NodeUnreachable("http://node.example", "gone")
            return rpc(method, *params)

        close, batch = rpc.close, rpc.batch

    chain.rpc = Failing()
    with pytest.raises(NodeUnreachable):
        logs.poll()
    chain.rpc = rpc
    assert amounts(logs) == [1]


@pytest.mark.parametrize("instead", [False, True])
@pytest.mark.parametrize(("arrived", "moment"), [(False, 0), (False, 1), (True, 0), (True, 1), (True, 2)])
def test_blocks_that_vanish_during_a_poll_are_told_again_by_the_next_at_the_latest(
    chain, token, arrived, moment, instead
):
    """Before each of a poll's requests in turn: after a block has arrived and not, with another one instead and not."""
    logs = NodeLogs(chain, [token.address], 0)
    for amount in (1, 2, 3):
        mint(token, amount)
        logs.poll()
    if arrived:
        mint(token, 4)
    rpc = chain.rpc
    requests = 0

    class Reorganising:
        def __call__(self, method, *params):
            nonlocal requests
            requests += 1
            if requests == moment + 1:
                rpc("anvil_reorg", 2, [])
                if instead:
                    chain.rpc, chain._head = rpc, chain._fetch_head()
                    mint(token, 9)
                    chain.rpc = self
            return rpc(method, *params)

        close, batch = rpc.close, rpc.batch

    chain.rpc = Reorganising()
    told = amounts(logs)
    chain.rpc = rpc
    assert requests > moment, "it did happen"
    told += amounts(logs)
    assert 3 in told, "it was undone"
    assert (9 in told) == instead
    assert amounts(logs) == []
    assert logs.reorganisations >= 1
