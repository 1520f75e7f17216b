"""MarketCalendar against the `exchange_calendars` package, against itself, and under governance."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime
from functools import cache
from itertools import accumulate, pairwise
from random import Random
from types import SimpleNamespace

import exchange_calendars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everstock import artifacts
from everstock.chain.evm import EvmChain
from everstock.chain.testing import reverts
from everstock.params import load

WAD = 10**18
DAY = 86_400
SESSION = 23_400
HOUR = 3_600
CLOSED = WAD // 5
GAP = 131 * HOUR // 2
FIRST_YEAR, LAST_YEAR = 2013, 2029
START = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp())  # a Monday, before the opening


def number(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


HISTORY = load("local").calendars["NYSE"].history


@pytest.fixture(scope="module")
def made() -> SimpleNamespace:
    built, chain = artifacts.load(), EvmChain(start=START)
    governor, stranger = map(chain.account, ("governor", "stranger"))
    authority = chain.deploy(built["Authority"], governor, sender=governor)
    calendar = chain.deploy(built["MarketCalendar"], authority, CLOSED, HISTORY, sender=governor)
    probe = chain.deploy(built["CalendarProbe"], sender=governor)
    return SimpleNamespace(**locals())


@pytest.fixture
def it(made):
    with made.chain.anchor():
        yield made


@pytest.fixture
def calendar(it):
    return it.calendar


@cache
def sessions() -> tuple[list[int], list[int], list[int]]:
    """Openings, closings and the open seconds before each session, as the package has them."""
    kept = exchange_calendars.get_calendar("XNYS", start=f"{FIRST_YEAR - 1}-12-01", end=f"{LAST_YEAR + 1}-02-01")
    opens = [int(at.timestamp()) for at in kept.opens]
    closes = [int(at.timestamp()) for at in kept.closes]
    before = [0, *accumulate(close - open_ for open_, close in zip(opens, closes, strict=True))]
    return opens, closes, before


def open_seconds(at: int) -> int:
    opens, closes, before = sessions()
    i = bisect_right(opens, at) - 1
    return before[i] + min(at, closes[i]) - opens[i]


def weighted(start: int, end: int) -> int:
    open_ = open_seconds(end) - open_seconds(start)
    return open_ * WAD + (end - start - open_) * CLOSED


def random_instants(count: int, seed: int) -> list[int]:
    first, last = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (FIRST_YEAR, LAST_YEAR + 1))
    random = Random(seed)
    return [random.randrange(first, last) for _ in range(count)]


# ---------------------------------------------------------------------------------------------- the package


@pytest.mark.parametrize("part", range(10))
def test_sessions_agree_with_the_package_at_a_hundred_thousand_random_instants(it, part):
    """17 years, 2013 to 2029. Status at each, the next reopening at one in five."""
    opens, closes, _ = sessions()
    for piece in range(5):
        instants = random_instants(2_000, part * 5 + piece)
        opened = it.probe.opened(it.calendar, instants, gas=10**9)
        for at, word in zip(instants, opened, strict=True):
            i = bisect_right(opens, at) - 1
            assert (word >> 1, word & 1) == (opens[i], at < closes[i]), datetime.fromtimestamp(at, UTC)
    reopenings = it.probe.reopenings(it.calendar, instants, gas=10**9)
    assert reopenings == [opens[bisect_right(closes, at) + 1] for at in instants]


def test_every_session_begins_and_ends_to_the_second(it):
    opens, closes, _ = sessions()
    edges = [at + beside for at in (*opens, *closes) for beside in (-1, 0)]
    edges = [at for at in edges if opens[25] < at < closes[-25]]
    for k in range(0, len(edges), 2_000):
        opened = it.probe.opened(it.calendar, edges[k : k + 2_000], gas=10**9)
        for at, word in zip(edges[k : k + 2_000], opened, strict=True):
            i = bisect_right(opens, at) - 1
            assert (word >> 1, word & 1) == (opens[i], at < closes[i]), datetime.fromtimestamp(at, UTC)


def test_weighted_seconds_agree_with_the_package_over_any_span(it):
    opens, closes, _ = sessions()
    marks = sorted([*random_instants(1_500, 99), *Random(7).sample(opens[30:-30], 250), *closes[300:500]])
    spans = it.probe.spans(it.calendar, marks, gas=10**9)
    assert spans == [weighted(a, b) for a, b in pairwise(marks)]
    assert it.calendar.weightedSeconds(marks[0], marks[-1]) == sum(spans) == weighted(marks[0], marks[-1])


def test_a_years_weight_is_the_mechanisms_and_near_the_average(calendar):
    assert calendar.yearSeconds() == 11_024_640 * WAD
    years = [instant(f"{year}-01-01") for year in range(FIRST_YEAR, LAST_YEAR + 2)]
    average = calendar.weightedSeconds(years[0], years[-1]) / (LAST_YEAR + 1 - FIRST_YEAR)
    assert abs(average / (11_024_640 * WAD) - 1) < 0.005
    assert calendar.closedWeight() == CLOSED


# ---------------------------------------------------------------------------------------------- against itself

INSTANT = st.integers(instant("2000-01-01"), instant("2100-01-01"))
NEAR = st.builds(lambda base, offset: base + offset, INSTANT, st.integers(0, 10 * DAY))


@settings(max_examples=60, deadline=None)
@given(instants=st.lists(st.one_of(INSTANT, NEAR), min_size=3, max_size=3).map(sorted))
def test_weighted_seconds_add_up_exactly(made, instants):
    a, b, c = instants
    first, second, whole = (made.calendar.weightedSeconds(*pair) for pair in ((a, b), (b, c), (a, c)))
    assert first + second == whole
    assert (c - a) * CLOSED <= whole <= (c - a) * WAD
    assert made.calendar.weightedSeconds(c, a) == 0 == made.calendar.weightedSeconds(a, a)


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2026-01-01", None, None),  # New Year
        ("2021-12-31", "14:30", "21:00"),  # New Year on a Saturday is not made up for
        ("2023-01-02", None, None),  # on a Sunday it is
        ("2026-01-19", None, None),  # King
        ("2026-02-16", None, None),  # Washington
        ("2026-03-06", "14:30", "21:00"),  # winter time
        ("2026-03-09", "13:30", "20:00"),  # summer time since yesterday
        ("2026-04-03", None, None),  # Good Friday
        ("2024-03-29", None, None),
        ("2026-05-25", None, None),  # Memorial Day
        ("2021-06-18", "13:30", "20:00"),  # Juneteenth was not kept yet
        ("2022-06-20", None, None),  # the 19th a Sunday
        ("2027-06-18", None, None),  # a Saturday
        ("2026-07-03", None, None),  # the 4th a Saturday
        ("2025-07-03", "13:30", "17:00"),
        ("2027-07-02", "13:30", "20:00"),  # a Friday before a Sunday: whole
        ("2027-07-05", None, None),
        ("2026-09-07", None, None),  # Labor Day
        ("2026-10-30", "13:30", "20:00"),
        ("2026-11-02", "14:30", "21:00"),  # winter time since yesterday
        ("2026-11-26", None, None),  # Thanksgiving
        ("2026-11-27", "14:30", "18:00"),
        ("2026-12-24", "14:30", "18:00"),
        ("2026-12-25", None, None),
        ("2027-12-24", None, None),  # Christmas on a Saturday
        ("2025-01-09", None, None),  # declared: Carter
        ("2026-06-06", None, None),  # a Saturday
    ],
)
def test_days_by_rule(calendar, day, opens, closes):
    expected = [instant(f"{day} {at}") if at else 0 for at in (opens, closes)]
    assert list(calendar.sessionOf(number(day))) == expected


def test_the_reopening_after_a_long_weekend(calendar):
    """Thursday before Good Friday 2026, in session: Monday. After its close, the next close is Monday's: Tuesday."""
    assert calendar.nextOpenAfterClose(instant("2026-04-02 19:59:59")) == instant("2026-04-06 13:30")
    assert calendar.nextOpenAfterClose(instant("2026-04-02 20:00")) == instant("2026-04-07 13:30")
    assert calendar.nextOpenAfterClose(instant("2026-04-05 12:00")) == instant("2026-04-07 13:30")


def test_the_interval_before_a_gap_is_paid_before_the_gap(calendar):
    """A weekend from Friday's close to Monday's opening: 65.5 hours at a fifth."""
    friday, monday = instant("2026-06-05 20:00"), instant("2026-06-08 13:30")
    assert calendar.weightedSeconds(friday, monday) == GAP * CLOSED
    assert calendar.weightedSeconds(friday - HOUR, monday + HOUR) == 2 * HOUR * WAD + GAP * CLOSED


# ---------------------------------------------------------------------------------------------- governance


def test_a_declared_closure_shifts_sessions_and_weights(it, calendar):
    day = number("2026-06-10")
    a, b = instant("2026-06-10 12:00"), instant("2026-06-11 13:30")
    before = calendar.weightedSeconds(a, b)
    event = calendar.declareDay((day, 0), sender=it.governor).event("DeclareDay")
    assert event.args == {"day": day, "openSeconds": 0}
    assert calendar.weightedSeconds(a, b) == before - SESSION * (WAD - CLOSED)
    assert tuple(calendar.sessionOf(day)) == (0, 0)
    assert tuple(calendar.sessionAt(a + 4 * HOUR)) == (False, instant("2026-06-09 13:30"))
    assert calendar.nextOpenAfterClose(instant("2026-06-09 15:00")) == b
    assert [tuple(each) for each in calendar.specialDays()] == [*HISTORY, (day, 0)]
    assert calendar.weightedSeconds(instant("2025-12-01"), instant("2027-02-01")) == (
        weighted(instant("2025-12-01"), instant("2027-02-01")) - SESSION * (WAD - CLOSED)
    )
    receipt = calendar.revokeDay(day, sender=it.governor)
    assert receipt.event("RevokeDay")["day"] == day
    assert calendar.weightedSeconds(a, b) == before
    assert [tuple(each) for each in calendar.specialDays()] == HISTORY


def test_a_declared_early_close(it, calendar):
    day = number("2026-06-10")
    calendar.declareDay((day, 2 * HOUR), sender=it.governor)
    opens = instant("2026-06-10 13:30")
    assert tuple(calendar.sessionOf(day)) == (opens, opens + 2 * HOUR)
    assert tuple(calendar.sessionAt(opens + 2 * HOUR - 1)) == (True, opens)
    assert tuple(calendar.sessionAt(opens + 2 * HOUR)) == (False, opens)
    assert calendar.weightedSeconds(opens, opens + 3 * HOUR) == 2 * HOUR * WAD + HOUR * CLOSED


def test_declared_days_add_up_with_those_around_them(it, calendar):
    days = [number(f"2026-06-{n:02}") for n in (24, 10, 12, 17)]
    for n, day in enumerate(days):
        calendar.declareDay((day, n * HOUR), sender=it.governor)
    assert [each.day for each in calendar.specialDays()] == [*(day for day, _ in HISTORY), *sorted(days)]
    lost = sum(SESSION - n * HOUR for n in range(4))
    marks = [instant(f"2026-06-{n:02} 15:00") for n in range(5, 29)]
    whole = calendar.weightedSeconds(marks[0], marks[-1])
    assert whole == weighted(marks[0], marks[-1]) - lost * (WAD - CLOSED)
    assert whole == sum(calendar.weightedSeconds(a, b) for a, b in pairwise(marks))
    calendar.revokeDay(days[2], sender=it.governor)
    assert calendar.weightedSeconds(marks[0], marks[-1]) == whole + (SESSION - 2 * HOUR) * (WAD - CLOSED)


@pytest.mark.parametrize(("seconds", "allowed"), [(12 * HOUR, True), (12 * HOUR - 1, False), (-1, False)])
def test_a_declaration_takes_twelve_hours_notice(it, calendar, seconds, allowed):
    opens = instant("2026-06-10 13:30")
    it.chain.set_time(opens - seconds)
    day = number("2026-06-10")
    if allowed:
        calendar.declareDay((day, 0), sender=it.governor)
        calendar.revokeDay(day, sender=it.governor)
        return
    with reverts("MarketCalendar_NoticeTooShort", opens, it.chain.now + 12 * HOUR):
        calendar.declareDay((day, 0), sender=it.governor)


def test_what_has_begun_is_not_taken_back(it, calendar):
    day = number("2026-06-10")
    calendar.declareDay((day, 0), sender=it.governor)
    it.chain.set_time(instant("2026-06-10 14:00"))
    with reverts("MarketCalendar_NoticeTooShort", instant("2026-06-10 13:30"), it.chain.now + 12 * HOUR):
        calendar.revokeDay(day, sender=it.governor)


def test_only_trading_days_can_be_declared_and_once(it, calendar):
    for day in ("2026-06-13", "2026-06-19", "2026-12-25"):
        with reverts("MarketCalendar_NothingToDeclare", number(day)):
            calendar.declareDay((number(day), 0), sender=it.governor)
    day = number("2026-06-10")
    calendar.declareDay((day, HOUR), sender=it.governor)
    with reverts("MarketCalendar_NothingToDeclare", day):
        calendar.declareDay((day, 0), sender=it.governor)


@pytest.mark.parametrize(("day", "length"), [("2026-06-10", SESSION), ("2026-11-27", SESSION - 3 * HOUR)])
def test_a_declaration_only_shortens(it, calendar, day, length):
    with reverts("MarketCalendar_OutOfBounds", b"openSeconds".ljust(32, b"\0"), length, 0, length - 1):
        calendar.declareDay((number(day), length), sender=it.governor)
    calendar.declareDay((number(day), length - 1), sender=it.governor)


def test_declarations_reach_a_year_ahead(it, calendar):
    last = (it.chain.now + 365 * DAY) // DAY
    with reverts("MarketCalendar_OutOfBounds", b"day".ljust(32, b"\0"), last + 1, it.chain.now // DAY, last):
        calendar.declareDay((last + 1, 0), sender=it.governor)
    calendar.declareDay((last, 0), sender=it.governor)


def test_sixteen_days_may_be_pending(it, calendar):
    days = [number("2026-06-08") + week * 7 + d for week in range(6) for d in range(3)]
    for day in days[:16]:
        calendar.declareDay((day, 0), sender=it.governor)
    with reverts("MarketCalendar_TooManyDays", 16):
        calendar.declareDay((days[16], 0), sender=it.governor)


@pytest.mark.parametrize("day", ["2026-06-10", "2027-03-01"])
def test_an_unknown_day_is_not_revoked(it, calendar, day):
    calendar.declareDay((number("2026-06-12"), 0), sender=it.governor)
    with reverts("MarketCalendar_UnknownDay", number(day)):
        calendar.revokeDay(number(day), sender=it.governor)


def test_governance_is_restricted(it, calendar):
    for call in (
        lambda: calendar.declareDay((0, 0), sender=it.stranger),
        lambda: calendar.revokeDay(0, sender=it.stranger),
    ):
        with reverts("AccessManagedUnauthorized", it.stranger):
            call()


@pytest.mark.parametrize("weight", [WAD // 100 - 1, WAD + 1])
def test_the_closed_weight_is_bounded(it, weight):
    with reverts("MarketCalendar_OutOfBounds", b"closedWeight".ljust(32, b"\0"), weight, WAD // 100, WAD):
        it.chain.deploy(it.built["MarketCalendar"], it.authority, weight, [], sender=it.governor)


def test_with_a_weight_of_one_every_second_counts_alike(it):
    flat = it.chain.deploy(it.built["MarketCalendar"], it.authority, WAD, [], sender=it.governor)
    assert flat.weightedSeconds(START, START + 10**7) == 10**7 * WAD
    assert flat.yearSeconds() == 365 * DAY * WAD
