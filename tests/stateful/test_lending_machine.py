"""A property machine over one lending market: any order of moves, in lock-step with the model, L1 to L5 watched.

Rules only act; the lock-step compares everything and tests the invariants after each. Every rule must have got
something done, every operation must have succeeded and every invariant must have been tested, or the run counts as
empty and fails. EVERSTOCK_SEED and EVERSTOCK_EXAMPLES choose another run.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from everstock.chain.evm import EvmChain
from everstock.testing.lending import MOVES, Chooser, Dice, LendingLockstep, begin

T = TypeVar("T")

SEED = int(os.environ.get("EVERSTOCK_SEED", "20260105"))
EXAMPLES = int(os.environ.get("EVERSTOCK_EXAMPLES", "12"))
STEPS = 25
WALK = 160
INVARIANTS = {"L1", "L2", "L3", "L4", "L5", "share price"}
OPERATIONS = {
    "deposit",
    "mint",
    "withdraw",
    "redeem",
    "top up",
    "borrow",
    "repay",
    "withdraw collateral",
    "release collateral",
    "liquidate",
    "accrue",
    "pledge",
    "release pledge",
    "revalue",
    "pause",
    "donate",
    "warp",
    "price",
}


class Drawn:
    """Lets Hypothesis choose."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def integer(self, low: int, high: int) -> int:
        return self.data.draw(st.integers(low, high))

    def choice(self, options: Sequence[T]) -> T:
        return self.data.draw(st.sampled_from(list(options)))

    def chance(self, percent: int) -> bool:
        return self.data.draw(st.integers(0, 99)) < percent


@pytest.fixture(scope="module")
def worlds() -> list[tuple[LendingLockstep, int, dict[str, Any]]]:
    """Begun once: with and without sessions, with and without a feed for the loan token."""
    return [begun(sessions, feed) for sessions, feed in ((True, False), (True, True), (False, False))]


def begun(sessions: bool, feed: bool) -> LendingLockstep:
    world = LendingLockstep(EvmChain(), sessions=sessions, loan_feed=feed)
    begin(world)
    return world


def rule_of(move: Callable[[LendingLockstep, Chooser], None]) -> Callable[..., None]:
    def act(self: LendingMachine, data: st.DataObject) -> None:
        before = self.world.succeeded.total()
        move(self.world, Drawn(data))
        if self.world.succeeded.total() > before:
            LendingMachine.done[move.__name__] += 1

    act.__name__ = move.__name__
    act.__doc__ = move.__doc__
    return rule(data=st.data())(act)


class LendingMachine(RuleBasedStateMachine):
    done: ClassVar[Counter[str]] = Counter()
    kept: ClassVar[list[LendingLockstep]] = []

    @initialize(which=st.integers(0, 2))
    def take(self, which: int) -> None:
        self.world = self.kept[which]
        self.anchor = self.world.remember()

    for _move in MOVES:
        locals()[_move.__name__] = rule_of(_move)

    def teardown(self) -> None:
        if hasattr(self, "anchor"):
            self.world.return_to(self.anchor)


def test_the_machine_finds_no_disagreement(worlds):
    LendingMachine.kept = worlds
    machine: Any = seed(SEED)(LendingMachine)
    checks = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=checks,
        ),
    )
    assert sum(LendingMachine.done.values()) > EXAMPLES


def test_a_long_walk_does_everything_and_tests_everything(worlds):
    """Anti-vacuity: the machine's moves, by a seed, until each has worked."""
    succeeded, refused, checked = Counter[str](), Counter[str](), Counter[str]()
    for i, world in enumerate(worlds):
        dice = Dice(SEED + i)
        for _ in range(WALK):
            dice.choice(MOVES)(world, dice)
        succeeded += world.succeeded
        refused += world.refused
        checked += world.checked
    assert set(succeeded) == OPERATIONS, OPERATIONS - set(succeeded)
    assert set(checked) == INVARIANTS
    names = {each.split(": ")[1] for each in refused}
    for error in (
        "Healthy",
        "InsufficientCollateral",
        "NotOpen",
        "BorrowingPaused",
        "GracePeriod",
        "NoDebt",
        "PledgeLeft",
    ):
        assert f"LendingMarket_{error}" in names, f"never refused with {error}: {sorted(names)}"
