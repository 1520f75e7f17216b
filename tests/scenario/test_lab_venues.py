"""The lab's experiments about the four venues: all that they claim is borne out, twice the same, and can fail."""

from __future__ import annotations

from decimal import Decimal

import pytest

from everstock.chain.anvil import anvil_chain
from everstock.lab.experiment import Setting
from everstock.lab.experiments import amznx_print, t_plus_n
from everstock.lab.page import Page
from everstock.lab.registry import EXPERIMENTS
from everstock.lab.venues import Amm, DeskMaker, Town

NAMES = ("amznx-print", "subsidy-cliff", "t-plus-n", "week-of-use")


def played(name: str, seed: int = 1) -> tuple[Page, list[float]]:
    told: list[float] = []
    with anvil_chain() as chain:
        return EXPERIMENTS[name].play(chain, Setting(seed=seed, quick=True), told.append), told


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_is_borne_out_and_the_same_seed_gives_the_same_page(name):
    page, told = played(name)
    assert page.slug == name
    assert page.holds, [check for check in page.checks if not check.held]
    assert len(page.checks) >= 4
    assert page.figures
    assert page.grids
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    again, _ = played(name)
    assert again == page


@pytest.mark.parametrize("name", ["subsidy-cliff", "week-of-use"])
def test_another_seed_gives_another_page(name):
    assert played(name, 2)[0].figures != played(name, 1)[0].figures


def failed(page: Page) -> set[str]:
    return {check.claim for check in page.checks if not check.held}


def test_a_venue_that_believes_its_own_pool_fails_the_print():
    """Tampered: each purchase makes the stock's feed print the pool's price."""

    def believe(town: Town, pool: Amm) -> None:
        town.system.asset("AMZN").publish(round(Decimal(pool.spot), 8))
        town.stock_market.poke()

    with anvil_chain() as chain:
        page = amznx_print.play_with(chain, Setting(quick=True), lambda _: None, believe)
    assert "no option, loan or LP share is worth a unit more or less, by day" in failed(page)


def test_makers_who_never_act_fail_the_half_lives(monkeypatch):
    monkeypatch.setattr(DeskMaker, "act", lambda self: None)
    with anvil_chain() as chain:
        page = t_plus_n.play(chain, Setting(quick=True), lambda _: None)
    assert {
        "the de-peg lasts longer the later the desk settles",
        "with settlement on the day of the trade, half of it is gone within a day",
        "makers gained by it, in every case",
    } <= failed(page)
