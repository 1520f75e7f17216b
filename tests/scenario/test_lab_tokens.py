"""The experiments on two hundred tokens and on crashes: small runs, that repeat, and checks that can fail."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from everstock.chain.anvil import anvil_chain
from everstock.lab.experiment import Setting
from everstock.lab.experiments import crash, tokens
from everstock.lab.page import Check, Page
from everstock.lab.registry import EXPERIMENTS
from everstock.report import ledger as ledgers
from everstock.scenarios.prices import Window

QUICK = Setting(quick=True)


def failed(page: Page) -> list[str]:
    return [check.claim for check in page.checks if not check.held]


def check(page: Page, beginning: str) -> Check:
    return next(check for check in page.checks if check.claim.startswith(beginning))


def show(page: Page) -> str:
    return "\n".join(f"{check.held}: {check.claim}: {check.figure}" for check in page.checks)


# ── two hundred tokens ────────────────────────────────────────────────────────────────────────────────────────────────
def play_tokens(tamper=None, setting: Setting = QUICK) -> Page:
    told: list[float] = []
    with anvil_chain() as chain:
        page = tokens.play_with(chain, setting, told.append, tamper)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    return page


@pytest.fixture(scope="module")
def some_tokens() -> Page:
    return play_tokens()


def test_a_few_tokens_are_listed_traded_and_redeemed(some_tokens: Page) -> None:
    assert some_tokens.holds, show(some_tokens)
    listing = some_tokens.figures[0].series[0]
    assert list(listing.x) == list(range(1, tokens.QUICK_TOKENS + 1))
    assert min(listing.y) > 4_000
    assert "136 transactions, 0 failed" in check(some_tokens, "Every transaction").figure


def test_the_same_seed_lists_and_trades_the_same(some_tokens: Page) -> None:
    assert play_tokens() == some_tokens


def test_another_seed_trades_something_else(some_tokens: Page) -> None:
    assert play_tokens(setting=Setting(seed=2, quick=True)).figures[1] != some_tokens.figures[1]


def test_a_token_taken_out_of_the_vault_is_noticed() -> None:
    def steal(system) -> None:
        token = system.tokens["S004.M"].contract
        token.transfer(system.chain.account("thief"), 1, sender=system.vault.address)

    page = play_tokens(steal)
    assert failed(page) == ["The vault holds of each token exactly what it owes, and the rest is in wallets"]
    assert "2 differ; first: S004.M" in check(page, "The vault holds").figure


def test_what_gets_dearer_is_noticed() -> None:
    assert tokens.flat("flat", {"open": [100, 102], "close": [100, 100]}, "case").held
    assert not tokens.flat("flat", {"open": [100, 104], "close": [100, 100]}, "case").held
    assert tokens.level({"open": [100, 104, 100, 103, 96, 102]}).held
    assert not tokens.level({"open": [100, 101, 102, 103, 104, 105, 106, 107]}).held


# ── a crash ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def play_crash(tamper=None, setting: Setting = QUICK) -> Page:
    with anvil_chain() as chain:
        return crash.play_with(chain, setting, lambda done: None, tamper)


@pytest.fixture(scope="module")
def a_crash() -> Page:
    return play_crash()


def test_a_crash_cuts_nothing_short(a_crash: Page) -> None:
    assert a_crash.holds, show(a_crash)
    happened = {row[0]: row[1:] for row in a_crash.grids[1].rows}
    assert happened["exercised at the cap"][1] == "0"
    assert int(happened["exercised at the cap"][2]) > 0
    assert float(happened["… of it insurance paid the gap, TSLA.M"][2]) > 0
    assert int(happened["markets halted by the breaker"][2]) > 0
    assert "synthetic" in a_crash.notes[0]


def test_the_same_seed_crashes_the_same(a_crash: Page) -> None:
    assert play_crash() == a_crash


def test_a_ledger_that_lacks_an_event_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every close is forgotten: what was paid out then has no explanation."""
    plain = ledgers.build
    monkeypatch.setattr(
        crash,
        "build",
        lambda system, token, parties, events: plain(
            system, token, parties, [event for event in events if event.name != "Close"]
        ),
    )
    page = play_crash()
    assert "The ledger adds up to the last unit" in failed(page)


def test_reserves_beyond_the_cash_are_noticed() -> None:
    """The pools are read as if they had reserved a hundred times as much."""

    def exaggerate(act: crash.Act) -> None:
        pool = act.token.main_contract
        plain = pool.nav

        def nav(for_deposit: bool):
            found = plain(for_deposit)
            return found._replace(reserved=100 * found.reserved)

        act.token.main_contract.nav = nav  # type: ignore[attr-defined]

    assert failed(play_crash(exaggerate)) == ["At every look both pools hold at least what they have reserved"]


def test_bars_are_replayed(tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    rows = ["date,asset,open,high,low,close"]
    for day in ("2025-04-03", "2025-04-04"):
        for asset, price in (("BTC", 80_000), ("ETH", 1_800), ("TSLA", 250)):
            rows.append(f"{day},{asset},{price},{price * 1.02},{price * 0.97},{price * 0.99}")
    file.write_text("\n".join(rows) + "\n")
    window = Window(date(2025, 4, 3), date(2025, 4, 4))
    page = play_crash(setting=Setting(quick=True, prices=file, window=window))
    assert page.holds, show(page)
    assert page.grids[0].columns[1] == "April 2025"
    assert page.command.endswith("--prices bars.csv --window 2025-04-03:2025-04-04 --quick")
    assert "bars.csv" in page.notes[0]


def test_both_can_be_found_by_name() -> None:
    assert {"two-hundred-tokens", "crash"} <= set(EXPERIMENTS)


def test_a_kind_that_nobody_managed_fails_the_check_of_its_gas():
    check = tokens.level({"open": [100, 100, 100, 100], "close": []})
    assert not check.held
    assert "close" in check.figure
    assert tokens.level({"open": [100, 101, 100, 101]}).held
