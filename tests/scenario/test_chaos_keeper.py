"""Keepers on bad lines: everything happens once. That is checked at full size; that the check bites, at a small one."""

from __future__ import annotations

import pytest

from everstock.keeper import Kind
from everstock.keeper.duties import ExecuteOrders
from everstock.keeper.events import NodeLogs
from everstock.scenarios.chaos_keeper import play
from everstock.testing.chaos import Chaos, ChaosFailed, ChaosWorld

FEW = Chaos(orders=60, liquidations=2, traders=8, keepers=1, kill_rate=0.0, max_rounds=25)


@pytest.mark.long
def test_2000_orders_and_200_liquidations_end_in_the_right_state_none_twice(console):
    chaos = Chaos()
    assert (chaos.orders, chaos.liquidations, chaos.failure_rate, chaos.reorg_depth) == (2_000, 200, 0.2, 3)
    outcome = play(None, console, chaos=chaos)
    tally = outcome.tally
    assert outcome.adds_up, outcome.fault
    assert (tally.executed, tally.liquidated) == (2_000, 200)
    assert tally.done[Kind.ORDER] > 0, "a keeper that is killed does not tell what it did"
    assert 0.15 < tally.failures / tally.requests < 0.25
    assert tally.kills > 0
    assert tally.lives > tally.kills, "the last ones live"
    assert tally.reorganisations > 0
    assert tally.blocks_undone > tally.reorganisations, "some are deeper than a block"
    assert "exactly once" in console.file.getvalue()


@pytest.fixture(scope="module")
def untouched():
    """A world in which no keeper has worked."""
    from everstock.chain.anvil import AnvilNode

    with AnvilNode() as node, node.chain() as chain:
        world = ChaosWorld(chain, node.uri, Chaos(orders=2, liquidations=1, traders=1, max_rounds=1, keepers=0))
        world.prepare()
        yield world


def test_the_check_notices_what_was_not_done(untouched):
    with pytest.raises(
        ChaosFailed, match=r"2 orders were not executed.*2 orders still wait.*holds 0.*0 accounts were liquidated"
    ):
        untouched.verify()


def test_it_gives_up_in_the_end(untouched):
    with pytest.raises(ChaosFailed, match="3 of 3 duties are left"):
        untouched.run()


def test_it_notices_a_keeper_that_remembers_instead_of_looking(console, monkeypatch):
    """What it once sent it takes for done: blocks that are undone then cost orders."""
    ready = ExecuteOrders._ready

    def once(self, candidates):
        sent = self.__dict__.setdefault("sent", set())
        found = [(waiting, tx) for waiting, tx in ready(self, candidates) if waiting.hash not in sent]
        sent.update(waiting.hash for waiting, _ in found)
        return found

    monkeypatch.setattr(ExecuteOrders, "_ready", once)
    outcome = play(None, console, chaos=FEW)
    assert not outcome.adds_up
    assert "duties are left" in outcome.fault


def test_it_notices_a_keeper_that_is_blind_to_reorganisations(console, monkeypatch):
    """What it once read in a block it takes for true, though the block is gone."""
    monkeypatch.setattr(NodeLogs, "_fork", lambda self: (self._next, []))
    outcome = play(None, console, chaos=FEW)
    assert not outcome.adds_up
    assert "duties are left" in outcome.fault


def test_the_same_few_are_done_by_a_keeper_that_looks(console):
    assert play(None, console, chaos=FEW).adds_up
