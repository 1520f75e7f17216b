"""The story on a chain: what must happen happens, and it adds up to the last unit, on both backends alike."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from everstock.artifacts import find_root
from everstock.chain.anvil import anvil_chain
from everstock.chain.evm import EvmChain
from everstock.params import load
from everstock.scenarios import SCENARIOS
from everstock.scenarios.prices import STEPS_PER_DAY, BadWindow, Paths, Window
from everstock.scenarios.tsla_shorts_btc import Outcome, play
from everstock.scenarios.world import WEEK_SECONDS, World

PAST = 1_600_000_000


def text(console: Console) -> str:
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def results(outcome: Outcome) -> dict[str, int]:
    return {
        f"{ledger.token.symbol} {name}": ledger.result(name) for ledger in outcome.ledgers for name in ledger.entries
    }


def test_the_default_story_has_every_beat(console: Console) -> None:
    outcome = play(EvmChain(start=PAST), console)
    wrong = [f"{c.name}: {c.difference}" for ledger in outcome.ledgers for c in ledger.checks if not c.ok]
    assert wrong == []
    assert outcome.liquidations >= 1
    assert outcome.exercises == 1
    assert outcome.redemptions == 1
    told = text(console)
    for beat in ("shorts BTC", "Saturday", "Monday: ", "takes half off", "its cap", "redemption", "claims"):
        assert beat in told
    assert "Everything adds up to the last unit" in told
    shown = re.findall(
        r"^    (\w{3} \d\d \w{3} \d\d:\d\d  .*?) ?…?$", (find_root() / "README.md").read_text(), re.MULTILINE
    )
    assert len(shown) == 4
    flat = " ".join(told.split())
    assert [line for line in shown if " ".join(line.split()) not in flat] == []


def test_the_same_to_the_unit_on_anvil_and_in_process(friday_to_monday: Window) -> None:
    quiet = Console(quiet=True)
    in_process = play(EvmChain(start=PAST), quiet, window=friday_to_monday, seed=5)
    with anvil_chain() as node:
        on_node = play(node, quiet, window=friday_to_monday, seed=5)
        assert on_node.world.shift == 0  # a fresh node is set back
    assert in_process.liquidations == on_node.liquidations == 1
    assert results(in_process) == results(on_node)
    assert on_node.adds_up


def test_a_chain_with_a_past_runs_whole_weeks_ahead(console: Console, friday_to_monday: Window) -> None:
    chain = EvmChain(start=PAST + 20 * 52 * WEEK_SECONDS)
    outcome = play(chain, console, window=friday_to_monday)
    assert outcome.adds_up
    assert outcome.world.shift > 0
    assert outcome.world.shift % WEEK_SECONDS == 0
    assert datetime.fromtimestamp(chain.now, UTC).weekday() == 0
    assert "weeks ahead" in text(console)


def test_daily_bars_and_a_window_without_a_cap(console: Console, tmp_path: Path) -> None:
    rows = ["date,asset,open,high,low,close"]
    for n in range(8, 14):
        rows.append(f"2026-01-{n:02},BTC,90000,93000,88000,91000")
        rows.append(f"2026-01-{n:02},ETH,3000,3100,2900,3050")
        if date(2026, 1, n).weekday() < 5:
            rows.append(f"2026-01-{n:02},TSLA,430,440,420,425")
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(rows))
    outcome = play(EvmChain(start=PAST), console, prices=file, window=Window.parse("2026-01-09:2026-01-13"), seed=3)
    assert outcome.adds_up
    assert outcome.exercises == 0
    assert "No position reached its cap in this window" in text(console)
    assert abs(outcome.world.price("TSLA") - 425) < Decimal("2.125")  # a print may be half a percent old


def test_a_short_window_is_refused(console: Console) -> None:
    with pytest.raises(BadWindow, match="at least 4 days"):
        play(EvmChain(start=PAST), console, window=Window.parse("2026-01-09:2026-01-10"))


def test_every_scenario_is_described() -> None:
    assert all(name == scenario.name and scenario.description for name, scenario in SCENARIOS.items())


def test_actors_wait_while_the_jump_breaker_halts_a_market(console: Console) -> None:
    window = Window(date(2026, 1, 9), date(2026, 1, 9))
    jump = STEPS_PER_DAY // 2
    flat = [Decimal(100)] * STEPS_PER_DAY
    btc = [Decimal(90_000)] * jump + [Decimal(101_000)] * (STEPS_PER_DAY - jump)
    world = World(
        EvmChain(start=PAST), load("local"), Paths(window, "made up", {"BTC": btc, "ETH": flat, "TSLA": flat}), console
    )
    acted: list[int] = []

    def buy() -> None:
        world.system.market("BTC-7D").contract.quote(0, True, 0)
        acted.append(world.time)

    world.at(world.paths.time(jump), buy)
    world.run()
    # The jump is no price until a second print, at least five minutes later: here the next heartbeat's.
    assert len(acted) == 1
    assert acted[0] > world.paths.time(jump)
    assert text(console).count("halted until a second print") == 1
