"""docs/errors.md is what the contracts say."""

from __future__ import annotations

import re

from everstock.artifacts import find_root
from everstock.report import errors


def test_the_page_is_up_to_date():
    root = find_root()
    told = "docs/errors.md is out of date: run `python -m everstock.report.errors`"
    assert (root / errors.PAGE).read_text() == errors.page(root), told


def test_every_error_of_the_sources_is_listed():
    root = find_root()
    sources = [path for path in (root / "contracts").rglob("*.sol") if "mocks" not in path.parts]
    declared = {name for path in sources for name in re.findall(r"^\s*error (\w+)\(", path.read_text(), re.MULTILINE)}
    assert declared == {entry.name for entry in errors.entries(root)}


def test_notices_and_arguments_are_the_compilers():
    entry = next(entry for entry in errors.entries() if entry.name == "UnderwritingPool_Impaired")
    assert entry.arguments == "uint256 nav, uint256 cash"
    assert entry.notice == "Deposits wait while the pool's value is under 10% of its cash."
