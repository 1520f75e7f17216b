"""The story of bad prices: no value moves by a unit, and nobody is kept from adding margin or repaying."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from everstock.chain.evm import EvmChain
from everstock.client.system import PriceStatus
from everstock.scenarios import SCENARIOS
from everstock.scenarios.bad_prices import ALWAYS, Finding

EXPECTED = {
    "print of 891.58": PriceStatus.HALTED,
    "print of 891.58, for an hour": PriceStatus.HALTED,
    "print of 23,781.22": PriceStatus.HALTED,
    "print of 23,781.22, for an hour": PriceStatus.HALTED,
    "halt: the feed answers 0": PriceStatus.HALTED,
    "halt: rounds from the future": PriceStatus.HALTED,
    "split in the feed only": PriceStatus.HALTED,
    "split in the feed only, for an hour": PriceStatus.HALTED,
    "stale weekend": PriceStatus.CLOSED,
    "opening without a print": PriceStatus.CLOSED,
    "a wild print on the weekend's price": PriceStatus.HALTED,
}


def told() -> tuple[list[Finding], str]:
    out = StringIO()
    outcome = SCENARIOS["bad-prices"].play(EvmChain(), Console(file=out, width=140), prices=None, window=None, seed=1)
    assert outcome.adds_up
    return outcome.findings, out.getvalue()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def story() -> tuple[list[Finding], str]:
    return told()


def test_every_bad_price_is_told_for_what_it_is(story):
    findings, text = story
    assert {finding.name: finding.status for finding in findings} == EXPECTED
    assert "Who could do what" in text


@pytest.mark.parametrize("name", EXPECTED)
def test_no_value_moves_by_a_unit(story, name):
    (finding,) = (each for each in story[0] if each.name == name)
    assert {thing: by for thing, by in finding.moved.items() if by} == {}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_stock_cannot_be_traded_on_and_everything_else_can(story, name):
    (finding,) = (each for each in story[0] if each.name == name)
    could = {what for what, said in finding.attempts.items() if said == "yes"}
    always = {*ALWAYS, "borrower adds collateral", "LP deposits"} & set(finding.attempts)
    assert could == always
    refused = {said for said in finding.attempts.values() if said != "yes"}
    assert refused == {"NotOpen"}
