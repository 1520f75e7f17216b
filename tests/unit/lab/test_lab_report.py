"""Playing experiments side by side, and what is written: the same files every time, and a failure that is seen."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from everstock.lab import __main__ as entry
from everstock.lab import runner, terminal
from everstock.lab.command import command
from everstock.lab.experiment import Setting
from everstock.lab.registry import EXPERIMENTS
from everstock.scenarios.prices import Window
from support.pages import BREAKING, FAILING, STEADY, gallery


def test_each_plays_on_a_chain_of_its_own_and_is_heard_of():
    heard: list[tuple[str, float]] = []
    played = runner.play_all([STEADY, FAILING], Setting(seed=7), lambda *said: heard.append(said))
    assert [each.page.slug for each in played] == ["steady", "failing"]
    assert played[0].page.holds
    assert not played[1].page.holds
    assert {("steady", 1.0), ("failing", 1.0)} <= set(heard)


def test_two_runs_write_the_same_bytes(tmp_path: Path):
    files = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        setting = Setting(seed=3, quick=True)
        runner.write([each.page for each in runner.play_all([STEADY], setting)], setting, folder)
        files.append([(folder / name).read_bytes() for name in ("index.html", "report.json")])
    assert files[0] == files[1]
    other = Setting(seed=4, quick=True)
    runner.write([runner.play(STEADY, other).page], other, tmp_path / "one")
    assert (tmp_path / "one" / "report.json").read_bytes() != files[0][1]


def test_what_breaks_is_a_page_with_a_failed_check():
    played = runner.play(BREAKING, Setting())
    assert not played.page.holds
    assert played.page.checks[0].figure == "ValueError: the pool is empty"
    assert "Traceback" in played.error


@pytest.mark.parametrize(
    ("setting", "options"),
    [
        (Setting(), "--seed 1"),
        (Setting(5, quick=True), "--seed 5 --quick"),
        (
            Setting(2, Path("/somewhere/my bars.csv"), Window(date(2025, 4, 1), date(2025, 4, 9))),
            "--seed 2 --prices 'my bars.csv' --window 2025-04-01:2025-04-09",
        ),
    ],
)
def test_a_page_says_what_played_it_with_all_that_was_given(setting, options):
    assert setting.command("steady") == f"ape run scenario steady {options}"
    assert runner.play(BREAKING, setting).page.command == f"ape run scenario {BREAKING.name} {options}"


def test_the_json_holds_all_of_it(tmp_path: Path):
    runner.write(gallery(holds=False), Setting(seed=9, prices=Path("/somewhere/else/bars.csv")), tmp_path)
    data = json.loads((tmp_path / "report.json").read_text())
    assert (data["seed"], data["prices"], data["holds"]) == (9, "bars.csv", False)
    assert [page["slug"] for page in data["pages"]] == ["every-mark", "text-that-bites"]
    curves = data["pages"][0]["figures"][-1]["series"]
    assert len(curves[0]["x"]) == 900
    assert data["pages"][1]["figures"][1]["series"][0]["y"] == [1, None, None]
    assert "/somewhere" not in (tmp_path / "index.html").read_text()


def test_numpy_numbers_are_numbers():
    import numpy as np

    assert runner._plain({"a": np.float64(0.5), "b": np.arange(2), "c": (np.int64(3), float("inf"))}) == {
        "a": 0.5,
        "b": [0, 1],
        "c": [3, None],
    }


@pytest.mark.parametrize(("experiment", "code"), [(STEADY, 0), (FAILING, 1), (BREAKING, 1)])
def test_the_report_fails_with_its_checks(experiment, code, tmp_path, monkeypatch):
    monkeypatch.setattr(entry, "EXPERIMENTS", {experiment.name: experiment})
    done = CliRunner().invoke(entry.main, ["--out", str(tmp_path)])
    assert done.exit_code == code, done.output
    assert "1 of 1" in done.output if code == 0 else "✗" in done.output
    assert (tmp_path / "index.html").exists()


def test_only_names_what_there_is(monkeypatch):
    monkeypatch.setattr(entry, "EXPERIMENTS", {"steady": STEADY})
    done = CliRunner().invoke(entry.main, ["--only", "steddy"])
    assert done.exit_code == 2
    assert "no experiment 'steddy': there are steady" in done.output


@pytest.mark.parametrize(("experiment", "code"), [(STEADY, 0), (FAILING, 1)])
def test_one_experiment_is_a_command(experiment, code, tmp_path):
    file = tmp_path / "deep" / "page.html"
    done = CliRunner().invoke(command(experiment), ["--seed", "5", "--html", str(file)])
    assert done.exit_code == code, done.output
    page = runner.play(experiment, Setting(seed=5)).page
    assert page.finding in done.output
    assert page.checks[0].claim in done.output
    assert page.finding in file.read_text()


def test_the_terminal_shows_every_part():
    console = Console(file=StringIO(), width=140)
    for page in gallery(holds=False):
        terminal.show(page, console)
    text = console.file.getvalue()
    for part in ("Every kind of series", "NOT HELD", "moved by 3.10%", "Who paid", "−1,200.50", "Nine curves", "T+8"):
        assert part in text
    assert "1,000,000" in text


def test_every_experiment_is_listed_under_its_own_name():
    assert EXPERIMENTS
    for name, experiment in EXPERIMENTS.items():
        assert experiment.name == name
        assert experiment.title
        assert experiment.description
