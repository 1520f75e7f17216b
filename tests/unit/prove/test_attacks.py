"""Every attack of docs/attacks.md loses, is refused, or stays within its bound; and the page says what happens."""

from __future__ import annotations

import pytest

from everstock.artifacts import find_root
from everstock.attacks import ATTACKS, Attack, Line, Stage, play
from everstock.attacks.page import PAGE, page, table
from everstock.attacks.result import NOTIONAL, Verdict, bounded, loses, refused
from everstock.chain.evm import EvmChain

ALL = sorted(ATTACKS)
PLAYED: dict[int, list[Line]] = {}


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage(EvmChain())


@pytest.mark.parametrize("number", ALL, ids=lambda number: f"{number}-{ATTACKS[number].name}")
def test_the_attack_does_not_pay(stage: Stage, number: int) -> None:
    PLAYED[number] = list(play(stage, ATTACKS[number]))
    assert PLAYED[number]
    assert not [f"{line.case}: {line.now}" for line in PLAYED[number] if not line.holds]


def test_all_eighteen_are_there() -> None:
    assert list(range(1, 19)) == ALL


def test_the_page_is_what_the_contracts_do(stage: Stage) -> None:
    results = [(ATTACKS[n], PLAYED.get(n) or list(play(stage, ATTACKS[n]))) for n in ALL]
    told = "docs/attacks.md is out of date: run `python -m everstock.attacks`"
    assert (find_root() / PAGE).read_text() == page(results), told


def test_a_gain_above_zero_fails() -> None:
    assert loses("even", 0, NOTIONAL).holds
    line = loses("ahead", 0.0001, NOTIONAL)
    assert not line.holds
    assert "PAYS" in page([(ATTACKS[1], [line])])
    assert table([(ATTACKS[1], [line])]).row_count == 2


def test_another_error_or_none_fails(stage: Stage) -> None:
    options, sender = stage.system.options, stage.keeper

    def unknown_token() -> None:
        options.settle(sender, sender, sender=sender)

    assert refused("met", stage, "PerpetualOptions_UnknownToken", unknown_token).holds
    assert not refused("another", stage, "PerpetualOptions_Healthy", unknown_token).holds
    through = refused("none", stage, "PerpetualOptions_Healthy", lambda: None)
    assert (through.holds, through.now) == (False, "went through")


def test_a_gain_above_its_bound_fails() -> None:
    assert bounded("at it", 0.01, 0.01, NOTIONAL).holds
    assert not bounded("above it", 0.0101, 0.01, NOTIONAL).holds


def test_numbers_are_unique() -> None:
    from everstock.attacks.result import attack

    with pytest.raises(AssertionError):
        attack(1, "again", "", "")(lambda _: [])


def test_an_attack_leaves_nothing_behind(stage: Stage) -> None:
    def spend(stage: Stage) -> list[Line]:
        stage.fund()
        return [Line("spent", "–", "–", Verdict.LOSES, True)]

    before = stage.wealth(stage.account("lp"))
    list(play(stage, Attack(99, "spend", "", "", spend)))
    assert stage.wealth(stage.account("lp")) == before
