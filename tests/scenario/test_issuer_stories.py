"""The issuer's stories, in process: each ends with checks that all hold."""

from __future__ import annotations

import pytest

from everstock.chain.evm import EvmChain
from everstock.scenarios import SCENARIOS

NAMES = ["issue-and-redeem", "split-mid-position", "dividend-season", "proxy-vote"]


@pytest.mark.parametrize("name", NAMES)
def test_the_story_adds_up(name, console):
    outcome = SCENARIOS[name].play(EvmChain(), console, prices=None, window=None, seed=1)
    told = console.file.getvalue()
    assert outcome.adds_up, told
    assert len(outcome.checks) >= 4
    assert "✗" not in told
