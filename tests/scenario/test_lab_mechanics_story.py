"""The page of the options' mechanics from end to end, twice: the same bytes."""

from __future__ import annotations

from everstock.lab import html, runner
from everstock.lab.experiment import Setting
from everstock.lab.experiments.mechanics import EXPERIMENT


def test_it_holds_and_plays_the_same_twice():
    setting = Setting(quick=True)
    one, other = runner.play_all([EXPERIMENT, EXPERIMENT], setting)
    assert one.error == other.error == ""
    assert one.page.holds, [check for check in one.page.checks if not check.held]
    assert one.page == other.page
    assert html.render([one.page]) == html.render([other.page])
    assert runner.to_json([one.page], setting) == runner.to_json([other.page], setting)
    used = {series.name: series.y for series in one.page.figures[4].series}
    assert max(used["main pool"]) > 5
