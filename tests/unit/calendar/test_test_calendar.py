"""The calendar that other tests lean on, against the reference model's, and against itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everstock import artifacts
from everstock.chain import START_TIME
from everstock.chain.evm import EvmChain
from everstock.model.calendar import WeekdaySessions

WAD = 10**18
DAY, WEEK = 86_400, 604_800
SESSION = 23_400
MONDAY = START_TIME - 52_200
YEAR_SECONDS = 11_024_640 * WAD


@pytest.fixture(scope="module")
def calendar():
    chain = EvmChain()
    return chain.deploy(artifacts.load()["TestCalendar"], WAD // 5, YEAR_SECONDS, sender=chain.account("governor"))


INSTANT = st.one_of(
    st.integers(5 * DAY, 10**10),
    st.builds(
        lambda day, second, beside: MONDAY + day * DAY + second + beside,
        st.integers(-20, 20),
        st.sampled_from([0, 52_200, 75_600]),
        st.integers(-1, 1),
    ),
)


@settings(max_examples=300, deadline=None)
@given(at=INSTANT)
def test_sessions_are_the_models(calendar, at):
    model = WeekdaySessions()
    assert tuple(calendar.sessionAt(at)) == model.session_at(at)
    assert calendar.nextOpenAfterClose(at) == model.next_open_after_close(at)


@settings(max_examples=300, deadline=None)
@given(instants=st.lists(INSTANT, min_size=3, max_size=3).map(sorted))
def test_weighted_seconds_are_the_models_and_add_up_exactly(calendar, instants):
    a, b, c = instants
    first, second, whole = (calendar.weightedSeconds(*pair) for pair in ((a, b), (b, c), (a, c)))
    assert first + second == whole
    assert whole == WeekdaySessions().weighted_seconds_wad(a, c)
    assert calendar.weightedSeconds(c, a) == 0


def test_a_week_holds_five_sessions(calendar):
    open_seconds = 5 * SESSION
    assert calendar.weightedSeconds(MONDAY, MONDAY + WEEK) == open_seconds * WAD + (WEEK - open_seconds) * WAD // 5
    assert calendar.yearSeconds() == YEAR_SECONDS
    assert calendar.closedWeight() == WAD // 5


@pytest.mark.parametrize(
    ("day", "second", "is_open", "opened_day", "next_day"),
    [
        (0, 52_199, False, -3, 1),
        (0, 52_200, True, 0, 1),
        (0, 75_599, True, 0, 1),
        (0, 75_600, False, 0, 2),
        (4, 60_000, True, 4, 7),
        (4, 75_600, False, 4, 8),
        (5, 60_000, False, 4, 8),
        (6, 60_000, False, 4, 8),
    ],
)
def test_the_edges_of_the_week(calendar, day, second, is_open, opened_day, next_day):
    at = MONDAY + day * DAY + second
    assert tuple(calendar.sessionAt(at)) == (is_open, MONDAY + opened_day * DAY + 52_200)
    assert calendar.nextOpenAfterClose(at) == MONDAY + next_day * DAY + 52_200
