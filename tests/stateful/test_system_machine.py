"""A property machine over the whole system: any order of moves, in lock-step with the model, every invariant watched.

Rules only act, invariants only read. Every rule must have got something done, every operation must have succeeded, and
every invariant must have been tested, or the run counts as empty and fails. EVERSTOCK_SEED and EVERSTOCK_EXAMPLES
(a round) choose another run.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from everstock.chain.evm import EvmChain
from everstock.testing.invariants import Watch
from everstock.testing.lockstep import TRADERS, Lockstep
from everstock.testing.moves import MOVES, Move, begin, evict, freeze, liquidate

T = TypeVar("T")

SEED = int(os.environ.get("EVERSTOCK_SEED", "20260105"))
EXAMPLES = int(os.environ.get("EVERSTOCK_EXAMPLES", "12"))
ROUNDS, MOST_ROUNDS = 3, 12
STEPS = 30

# `retire`, `overcrowd` and `starve` lead up to what these wait for.
RULES = [move for move in MOVES if move not in (freeze, evict, liquidate)]

INVARIANTS = {"V1", "V2", "V3", "P1", "P2", "P3", "P4", "P5", "P6", "X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8"}


class DataChooser:
    """Lets Hypothesis choose."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def integer(self, low: int, high: int) -> int:
        return self.data.draw(st.integers(low, high))

    def choice(self, options: Sequence[T]) -> T:
        return self.data.draw(st.sampled_from(list(options)))

    def chance(self, percent: int) -> bool:
        return self.data.draw(st.integers(0, 99)) < percent


def rule_of(move: Move) -> Callable[..., None]:
    def act(self: SystemMachine, data: st.DataObject) -> None:
        before = self.world.succeeded.total()
        move(self.world, DataChooser(data))
        if self.world.succeeded.total() > before:
            SystemMachine.done[move.__name__] += 1

    act.__name__ = move.__name__
    act.__doc__ = move.__doc__
    return rule(data=st.data())(act)


class SystemMachine(RuleBasedStateMachine):
    done: ClassVar[Counter[str]] = Counter()
    succeeded: ClassVar[Counter[str]] = Counter()
    refused: ClassVar[Counter[str]] = Counter()
    checked: ClassVar[Counter[str]] = Counter()

    @initialize()
    def deploy(self) -> None:
        self.world = Lockstep(EvmChain(), every=0, log=note)
        self.watch = Watch(self.world, thorough=True)
        begin(self.world)
        # Positions to act on, so that few examples reach every rule.
        for token in self.world.tokens:
            for market, trader in enumerate(TRADERS[:3]):
                where = {"owner": trader, "token": token, "market": market, "strike": market - 1, "side": "call"}
                self.world.run("open", **where, notional=20 * 10 ** self.world.system.tokens[token].decimals)

    for _move in RULES:
        locals()[_move.__name__] = rule_of(_move)

    @invariant()
    def V1_to_X8(self) -> None:
        """Both states are the same to the bit, and every invariant holds."""
        self.world.compare()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            SystemMachine.succeeded.update(self.world.succeeded)
            for (name, _), count in self.world.refused.items():
                SystemMachine.refused[name] += count
            SystemMachine.checked.update(self.watch.checked)


OPERATIONS = {
    name.removeprefix("_")
    for name, each in vars(Lockstep).items()
    if name.startswith("_") and getattr(each, "__annotations__", {}).get("return") == "Halves"
}


def run_round(chosen: int) -> Any:
    machine: Any = seed(chosen)(SystemMachine)
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
    return machine


@pytest.mark.long
def test_any_order_of_moves_keeps_every_invariant(capsys: pytest.CaptureFixture[str]) -> None:
    # Each round enables other rules, at Hypothesis's liking: as many rounds as it takes to have met them all.
    for round_ in range(MOST_ROUNDS):
        machine = run_round(SEED + round_)
        idle = [move.__name__ for move in RULES if not machine.done[move.__name__]]
        never = sorted(OPERATIONS - (+machine.succeeded).keys())
        if round_ + 1 >= ROUNDS and not idle and not never:
            break
    with capsys.disabled():
        print(f"\nseeds {SEED} to {SEED + round_}, each {EXAMPLES} examples of up to {STEPS} moves")
        print("moves:", ", ".join(f"{move.__name__} {machine.done[move.__name__]}" for move in RULES))
        for name in sorted(OPERATIONS):
            print(f"  {name:20} {machine.succeeded[name]:6,} done {machine.refused[name]:6,} refused")
        print("checks:", ", ".join(f"{name} {count:,}" for name, count in sorted(machine.checked.items())))
    assert not idle, "moves that did nothing"
    assert not never, "operations that never succeeded"
    assert not sorted(INVARIANTS - machine.checked.keys()), "invariants never tested"
