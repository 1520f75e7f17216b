"""The experiment on an LP's year: a small run, that repeats, and a comparison with the chain that can fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from everstock.chain.anvil import anvil_chain
from everstock.lab.experiment import Setting
from everstock.lab.experiments import lp_year
from everstock.lab.page import Page
from everstock.lab.simulation import Terms

QUICK = Setting(quick=True)


def play(setting: Setting = QUICK) -> Page:
    told: list[float] = []
    with anvil_chain() as chain:
        page = lp_year.play(chain, setting, told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    return page


@pytest.fixture(scope="module")
def year() -> Page:
    return play()


def test_the_chain_bears_the_simulation_out(year: Page) -> None:
    assert year.holds, [(check.claim, check.figure) for check in year.checks if not check.held]
    compared = year.grids[-1]
    assert len(compared.rows) == lp_year.QUICK.replays
    assert all(float(row[6]) < 1e-5 for row in compared.rows)


def test_the_same_seed_gives_the_same_page_and_another_does_not(year: Page) -> None:
    assert play() == year
    assert play(replace(QUICK, seed=2)).grids != year.grids


def test_a_simulation_that_is_wrong_by_a_little_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loading of 21% where the contracts have 20%."""
    right = lp_year.terms_of

    def wrong(params: object, **more: float) -> Terms:
        return replace(right(params, **more), loading=0.21)  # type: ignore[arg-type]

    monkeypatch.setattr(lp_year, "terms_of", wrong)
    page = play()
    assert [check.held for check in page.checks] == [False, True, True, True]
