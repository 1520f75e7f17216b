"""Markers stand before every statement and on both sides of every condition, and those that run are found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pyrevm import EVM

from everstock.artifacts import find_root
from everstock.prove.coverage import CORE, Coverage, core_sources
from everstock.prove.coverage_plugin import HITS, collect
from everstock.prove.instrument import BASE, Instrument, Point, without_pure
from everstock.prove.tree import Tree, syntax_trees

SOURCE = "contracts/options/PackedSet.sol"
MARKER = re.compile(r' assembly \("memory-safe"\) \{ pop\(staticcall\(0, 0x[0-9a-f]{40}, 0, 0, 0, 0\)\) \} ')


@pytest.fixture(scope="module")
def marked() -> tuple[Instrument, str, str]:
    root, instrument = find_root(), Instrument()
    text = (root / SOURCE).read_text()
    return instrument, text, instrument.rewrite(SOURCE, text, syntax_trees(root, [SOURCE])[SOURCE])


def test_without_its_markers_the_source_is_the_same(marked):
    _, text, changed = marked

    def bare(source: str) -> str:
        return re.sub(r"else|[{}\s]", "", MARKER.sub("", source))

    assert bare(changed) == bare(text)


def test_every_point_has_one_marker_and_stands_at_its_line(marked):
    instrument, text, changed = marked
    assert len(MARKER.findall(changed)) == len(instrument.points)
    lines = text.splitlines()
    for point in instrument.points:
        assert point.text.removeprefix("true: ").removeprefix("false: ") in lines[point.line - 1]


def test_conditions_have_two_sides_and_loops_a_body(marked):
    instrument, _, _ = marked
    branches = [point for point in instrument.points if point.kind == "branch"]
    assert len(branches) % 2 == 0
    assert [point.text for point in branches if "changed != first" in point.text or "set.first = changed" in point.text]
    assert [point for point in instrument.points if point.text == "++i"], "the body of a loop without braces"


def test_pure_functions_become_views():
    assert without_pure("function a() external pure returns (uint256)") == (
        "function a() external view returns (uint256)"
    )


def test_an_account_once_loaded_is_found_even_if_the_call_reverted():
    machine = EVM(spec_id="CANCUN")
    sender = "0x" + "11" * 20
    marker = f"5f5f5f5f73{BASE + 77:040x}5ffa50"  # static call without gas, result dropped
    init = bytes.fromhex(marker + "5f5ffd")  # … and revert
    with pytest.raises(RuntimeError):
        machine.deploy(sender, init)
    HITS.discard(77)
    collect(machine)
    assert 77 in HITS
    HITS.discard(77)


def test_shares_count_what_was_met():
    points = [
        Point(0, "a.sol", 1, "statement", "x"),
        Point(1, "a.sol", 2, "statement", "y"),
        Point(2, "a.sol", 2, "branch", "z"),
    ]
    coverage = Coverage(points, frozenset({0}))
    assert coverage.count("statement") == (1, 2)
    assert coverage.count("branch") == (0, 1)
    assert coverage.statement_share == 0.5
    assert [point.index for point in coverage.missed] == [1, 2]
    assert coverage.table().row_count == 2


def test_the_core_is_what_holds_money_and_prices():
    sources = core_sources(find_root())
    assert {source.split("/")[1] for source in sources} == set(CORE)
    assert not [source for source in sources if "mocks" in source]


def test_a_copy_has_what_compiling_and_testing_need(tmp_path: Path):
    tree = Tree.copy(find_root(), tmp_path / "tree")
    for name in ("contracts", "src/everstock", "tests/conftest.py", "params/local.yaml", "ape-config.yaml", "lib"):
        assert tree.path(name).exists(), name
    assert not list(tree.root.rglob("__pycache__"))[:1]
