"""Cost on Anvil: as in the snapshot, within the budget, and the same for any number of positions and tokens."""

from __future__ import annotations

import json

import pytest

from everstock.artifacts import find_root
from everstock.chain.anvil import anvil_chain
from everstock.gas import CODE_SIZE_LIMIT, Bench, code_sizes, measure_all

SNAPSHOTS = find_root() / "snapshots"
BUDGET = {
    "open (add)": 160_000,
    "open (fresh)": 191_000,
    "close (full)": 147_000,
    "poke (same print)": 60_000,
    "poke (new print)": 80_000,
}


@pytest.fixture(scope="module")
def small() -> dict[str, int]:
    with anvil_chain() as chain:
        return Bench(chain, others=8).core()


def test_the_snapshot_is_what_operations_cost_now() -> None:
    snapshot = json.loads((SNAPSHOTS / "gas.json").read_text())
    assert measure_all() == pytest.approx(snapshot, rel=0.005), "run `make gas` and look at the difference"


def test_the_size_snapshot_is_true_and_every_contract_fits() -> None:
    sizes = code_sizes()
    assert sizes == json.loads((SNAPSHOTS / "size.json").read_text()), "run `make gas` and look at the difference"
    assert max(sizes.values()) <= CODE_SIZE_LIMIT


@pytest.mark.parametrize("operation", BUDGET)
def test_an_operation_stays_within_its_budget(small: dict[str, int], operation: str) -> None:
    assert small[operation] <= BUDGET[operation]


@pytest.mark.parametrize(("others", "tokens"), [(300, 1), (8, 50)], ids=["300 positions", "50 margin tokens"])
def test_cost_does_not_grow(small: dict[str, int], others: int, tokens: int) -> None:
    with anvil_chain() as chain:
        large = Bench(chain, others=others, tokens=tokens).core()
    assert large == pytest.approx(small, rel=0.03)
