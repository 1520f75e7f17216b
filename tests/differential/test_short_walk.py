"""A short random walk of contracts and model over every mix of moves: quick enough to try a hundred mutants against."""

from __future__ import annotations

import pytest

from everstock.chain.evm import EvmChain
from everstock.testing.fuzz import run_episode
from everstock.testing.moves import MIXES

OPERATIONS = 250


@pytest.mark.parametrize("seed", range(len(MIXES)), ids=lambda seed: MIXES[seed].name)
def test_contract_and_model_agree(seed: int) -> None:
    run_episode(EvmChain(), seed, OPERATIONS, every=25)
