"""Every sequence that once set contract and model at odds, or broke an invariant, replayed; `fuzz` adds to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from everstock.testing.fuzz import load_case, replay

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_saved_sequence_agrees(path: Path) -> None:
    replay(load_case(path))
