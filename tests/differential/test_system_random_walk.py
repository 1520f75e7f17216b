"""Contracts and model over tens of thousands of random calls, seeded, in adversarial mixes.

EVERSTOCK_FUZZ_MINUTES lets it run longer, EVERSTOCK_SEED starts it elsewhere; `python -m everstock.testing.fuzz` does
the same outside pytest. What fails is cut down and saved where the regression tests replay it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from everstock.chain.anvil import anvil_chain
from everstock.chain.evm import EvmChain
from everstock.testing.fuzz import episode, run, save
from everstock.testing.lockstep import Lockstep

CALLS = 50_000
SEED = int(os.environ.get("EVERSTOCK_SEED", "1"))
MINUTES = os.environ.get("EVERSTOCK_FUZZ_MINUTES")
CASES = Path(__file__).parents[1] / "regression" / "cases"


@pytest.mark.long
@pytest.mark.timeout(0)
def test_contracts_and_model_agree_on_every_call(capsys: pytest.CaptureFixture[str]) -> None:
    figures = run(SEED, seconds=60 * float(MINUTES)) if MINUTES else run(SEED, calls=CALLS)
    with capsys.disabled():
        print(f"\n{figures}")
    for failure in figures.failures:
        path = save(failure, CASES)
        pytest.fail(f"seed {failure.seed}, {len(failure.operations)} steps in {path.name}: {failure.message}")
    assert MINUTES or figures.calls >= CALLS
    never = {"close", "liquidate", "exercise", "evict", "close_frozen", "redeem"} - (+figures.succeeded).keys()
    assert not never, "operations that never succeeded"


@pytest.mark.parametrize("seed", [4, 6])
def test_anvil_ends_in_the_same_state(seed: int) -> None:
    """The in-process chain stands for a real one: the same sequence gives the same state, to the bit."""
    fast = Lockstep(EvmChain(), every=0)
    episode(fast, seed, 220)
    with anvil_chain() as anvil:
        real = Lockstep(anvil, every=0)
        real.replay(fast.history)
        assert real.compare() == fast.chain_state()
