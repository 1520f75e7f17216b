"""Every mutant applies to the contracts as they are, is switched alone, and names tests that exist."""

from __future__ import annotations

import pytest

from everstock.artifacts import find_root
from everstock.prove.mutants import SWITCH_CODE, Mutant, MutantDoesNotApply, Result, apply, chosen, load, table

HEAD = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.30;\n"


def made(number: int, find: str, replace: str = "", name: str = "m") -> Mutant:
    return Mutant(number, name, "P1", "contracts/options/A.sol", find, replace, "tests/unit/options")


def test_every_mutant_applies_to_its_contract() -> None:
    """Should a contract change, its mutants must follow."""
    root, mutants = find_root(), load(find_root())
    for file in {each.file for each in mutants}:
        text = apply((root / file).read_text(), [each for each in mutants if each.file == file])
        assert text.count("mutant(") == sum(each.file == file for each in mutants)


def test_there_are_enough_and_names_are_unique() -> None:
    mutants = load(find_root())
    assert len(mutants) >= 30
    assert len({each.name for each in mutants}) == len(mutants)
    assert [each.number for each in mutants] == list(range(1, len(mutants) + 1))


def test_their_tests_exist() -> None:
    root = find_root()
    for each in load(root):
        for path in each.tests.split():
            assert (root / path).exists(), each.name


def test_an_expression_is_switched_in_its_place() -> None:
    text = apply(HEAD + "if (a < b) x();", [made(7, "a < b", "a <= b")])
    assert text.endswith("if ((mutant(7) ? (a <= b) : (a < b))) x();")
    assert 'import { mutant } from "../mocks/Mutants.sol";' in text


def test_statements_are_switched_in_their_place() -> None:
    assert apply(HEAD + "f(); g();", [made(8, "f();")]).endswith("if (mutant(8)) {  } else { f(); } g();")


def test_both_sides_of_a_condition_share_a_place() -> None:
    text = apply(HEAD + "a < b", [made(1, "a < b", "a <= b"), made(2, "a < b", "false")])
    assert text.endswith("(mutant(2) ? (false) : ((mutant(1) ? (a <= b) : (a < b))))")


@pytest.mark.parametrize("text", ["nothing", "a < b; a < b"])
def test_a_text_that_is_not_there_once_is_an_error(text: str) -> None:
    with pytest.raises(MutantDoesNotApply, match="found"):
        apply(HEAD + text, [made(1, "a < b")])


def test_overlapping_mutants_are_an_error() -> None:
    with pytest.raises(MutantDoesNotApply, match="overlap"):
        apply(HEAD + "a < b", [made(1, "a < b"), made(2, "b")])


def test_some_can_be_chosen() -> None:
    mutants = [made(1, "x", name="premium up"), made(2, "y", name="fee down")]
    assert chosen(mutants, None) == mutants
    assert chosen(mutants, "2") == mutants[1:]
    assert chosen(mutants, "premium") == mutants[:1]
    assert chosen(mutants, "options/A") == mutants


def test_survivors_stand_out() -> None:
    grid = table([Result(made(1, "x"), None, 1.0), Result(made(2, "y"), "tests/a.py::b", 1.0)])
    assert list(grid.columns[3].cells) == ["[bold red]SURVIVED[/bold red]", "[green]killed[/green]"]


def test_the_switch_is_an_account_of_the_mutants_own() -> None:
    assert "balance(add(0x" in SWITCH_CODE
