"""The stories of lending: what must happen happens, and every dollar and token is accounted for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from rich.console import Console

from everstock.chain.anvil import anvil_chain
from everstock.chain.evm import EvmChain
from everstock.scenarios import SCENARIOS
from everstock.scenarios.lending import play_gap, play_loan
from everstock.scenarios.prices import BadWindow, Window

PAST = 1_600_000_000


def text(console: Console) -> str:
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def wrong(outcome) -> list[str]:
    return [f"{check.name}: {check.left - check.right}" for check in outcome.checks if not check.ok]


def test_a_loan_from_beginning_to_end(console):
    outcome = play_loan(EvmChain(start=PAST), console)
    assert wrong(outcome) == []
    assert outcome.adds_up
    bank = outcome.bank
    assert {bank.name(action.owner) for action in outcome.actions} == {"bold holder"}
    assert bank.borrower("hedged holder").debt == bank.borrower("careful holder").debt == 0
    told = text(console)
    for beat in ("pledges the account", "a new loan is refused (LendingMarket_NotOpen)", "Nobody had to sell a share"):
        assert beat in told


def test_a_monday_gap_is_paid_in_order(console):
    outcome = play_gap(EvmChain(start=PAST), console)
    assert wrong(outcome) == []
    at = {each.fall: each for each in outcome.payers}
    assert at[30].reserve == at[30].lenders == 0
    assert at[50].reserve > 0
    assert at[50].lenders > 0
    for fall, each in at.items():
        fallen = Decimal(1_200) * 238 * fall / 100
        assert each.borrowers + each.reserve + each.lenders - each.liquidator == pytest.approx(fallen, abs=60)
    bonus = outcome.actions[0].receipt.event("Liquidate").args["bonus"]
    assert 10**16 < bonus < 8 * 10**16


def test_on_anvil_the_figures_are_the_same(console):
    with anvil_chain() as chain:
        outcome = play_gap(chain, console)
        assert wrong(outcome) == []
    here = play_gap(EvmChain(start=PAST), console)
    assert outcome.payers == here.payers


@pytest.mark.parametrize("name", ["borrow-against-stock", "monday-gap"])
def test_they_have_prices_of_their_own(console, name):
    with pytest.raises(BadWindow, match="prices and days of its own"):
        SCENARIOS[name].play(EvmChain(), console, prices=None, window=Window.parse("2026-01-05:2026-01-09"), seed=1)
