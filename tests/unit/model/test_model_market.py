"""The clock, the crossings and the samples: docs/arithmetic.md §3."""

import random
from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everstock.model.calendar import AlwaysOpen, Calendar, WeekdaySessions
from everstock.model.errors import ModelRevert
from everstock.model.exact import ExactOption, real
from everstock.model.journal import Journal
from everstock.model.market import Clock, MarketConfig, MarketModel, ScheduledEvent
from everstock.model.oracle import OracleModel, PriceAnswer, PriceStatus
from everstock.model.primitives import DAY, INDEX, WAD, YEAR, ExactPrimitives

START = 1_800_000_000
REFERENCE_USD = 60_000
CONFIG = MarketConfig(REFERENCE_USD * WAD, 6904109589041095, 36 * WAD // 100)
MAX_AGE = 4200


class Harness:
    """A market whose oracle answers are given directly, and the step-by-step sum that its index must equal."""

    def __init__(self, config: MarketConfig = CONFIG, calendar: Calendar | None = None) -> None:
        journal = Journal()
        calendar = calendar or AlwaysOpen()
        self.market = MarketModel(
            journal, config, OracleModel(journal, calendar, MAX_AGE, WAD // 1000), calendar, ExactPrimitives()
        )
        self.now = START
        self.steps: list[tuple[object, object]] = []

    def answer(self, price_wad: int, status: PriceStatus = PriceStatus.OPEN, **kind: bool) -> None:
        market = self.market
        if market.running and market.price_wad:
            step = real(market.loaded_variance_wad) * (self.now - market.accrued_at)
            self.steps.append((market.price_wad, step / market.config.variance_budget_wad / YEAR))
        market._take(PriceAnswer(status, price_wad, 0, self.now, MAX_AGE, **kind), self.now)
        market.last_status = status

    def index(self, j: int) -> int:
        return self.market.funding_index(j, self.market.clock)

    def exact_index(self, j: int, since: int = 0) -> object:
        market = self.market
        option = ExactOption(8 / ((real(market.pricing.u_wad) / WAD) ** 2 - 1))
        strike = REFERENCE_USD * WAD * real("1.02") ** j
        return option.funding(self.steps[since:], strike) * INDEX


def relative_error(integer: int, exact: object) -> float:
    return float(abs(integer - exact) / exact)  # type: ignore[operator]


@given(st.integers(0, 2**32))
@settings(max_examples=12, deadline=None)
def test_separable_funding_equals_the_integral_across_crossings(seed: int) -> None:
    rng = random.Random(seed)
    harness = Harness()
    live: dict[int, int] = {}
    born_index: dict[int, int] = {}
    ln_s = rng.uniform(-0.3, 0.3)
    harness.answer(int(REFERENCE_USD * exp(ln_s) * WAD))
    for _ in range(60):
        harness.now += rng.randint(1, 7200)
        ln_s += rng.gauss(0, 0.05)
        harness.answer(int(REFERENCE_USD * exp(ln_s) * WAD))
        for j in (rng.randint(-20, 20),):
            if j in live:  # dies, and may be reborn
                harness.market.set_live(j, False, harness.now)
                del live[j]
            else:
                harness.market.set_live(j, True, harness.now)
                live[j] = len(harness.steps)
                born_index[j] = harness.index(j)
    for j, since in live.items():
        if since < len(harness.steps):
            assert relative_error(harness.index(j) - born_index[j], harness.exact_index(j, since)) < 1e-12


def test_ten_years_of_hourly_pokes_over_the_whole_range() -> None:
    rng = random.Random(7)
    harness = Harness()
    prices_wad = [int(REFERENCE_USD * exp(log(26) * (i / 200 - 1) * 0.9999) * WAD) for i in range(401)]
    at = 200
    strikes = (-164, -100, -3, 0, 3, 100, 164)
    harness.answer(prices_wad[at])
    for j in strikes:
        harness.market.set_live(j, True, harness.now)
    time_in = {}
    for _ in range(10 * 365 * 24):
        harness.now += 3600
        at = min(400, max(0, at + rng.choice((-6, -5, -1, 1, 5, 6))))
        harness.answer(prices_wad[at])
    # the same price contributes once, with the whole of its ΔΛ
    for price, step in harness.steps:
        time_in[price] = time_in.get(price, 0) + step  # type: ignore[operator]
    harness.steps = list(time_in.items())
    for j in strikes:
        assert relative_error(harness.index(j), harness.exact_index(j)) <= 7e-14


def test_n_pokes_charge_as_one() -> None:
    often, once = Harness(), Harness()
    for harness in (often, once):
        harness.answer(REFERENCE_USD * WAD)
        harness.market.set_live(0, True, harness.now)
        harness.market.set_live(5, True, harness.now)
    for step in range(1, 1001):
        often.market.accrue(START + step)
    once.market.accrue(START + 1000)
    for j in (0, 5):
        assert 0 <= once.index(j) - often.index(j) <= 1000


def test_the_clock_never_outruns_the_price() -> None:
    harness = Harness()
    harness.answer(REFERENCE_USD * WAD)
    harness.market.accrue(START + 10 * MAX_AGE)
    assert harness.market.accrued_at == START + MAX_AGE
    harness.now = START + 10 * MAX_AGE
    harness.answer(REFERENCE_USD * WAD)  # a good poke charges the rest
    assert harness.market.accrued_at == START + 10 * MAX_AGE


@pytest.mark.parametrize("breaker", [False, True])
def test_a_halt_stops_the_clock_and_only_the_feeds_own_resets_the_anchor(breaker: bool) -> None:
    harness = Harness()
    harness.answer(REFERENCE_USD * WAD)
    harness.now += 1000
    harness.answer(REFERENCE_USD * WAD, PriceStatus.HALTED, breaker_halt=breaker)
    assert not harness.market.running
    assert harness.market.reset_anchor is not breaker
    accumulated = harness.market.a
    harness.now += 5000
    harness.answer(REFERENCE_USD * WAD * 111 // 100)
    assert harness.market.a == accumulated
    assert harness.market.running
    assert harness.market.accrued_at == harness.now
    assert (harness.market.variance_wad > CONFIG.initial_variance_wad) is breaker


def test_an_event_falls_due_once_also_with_the_clock_stopped() -> None:
    harness = Harness()
    harness.answer(REFERENCE_USD * WAD)
    harness.market.set_live(0, True, harness.now)
    lump_wad = 15 * WAD // 10
    harness.market.schedule_event(ScheduledEvent(START + 2 * DAY, lump_wad, WAD // 10), START)
    harness.now += 2 * DAY - 1
    harness.answer(REFERENCE_USD * WAD, PriceStatus.STALE)
    before = harness.index(0)
    harness.market.accrue(START + 2 * DAY)
    harness.market.accrue(START + 3 * DAY)
    assert relative_error(harness.index(0) - before, real(lump_wad) * harness.market.pricing.peak_wad / 10**9) < 1e-14
    assert harness.market.events == ()


def test_a_clipped_jump_counts_in_the_samples_that_follow() -> None:
    harness = Harness()
    harness.answer(REFERENCE_USD * WAD)
    price_wad = REFERENCE_USD * WAD * 11 // 10
    counted = 0.0
    for _ in range(3):
        harness.now += 600
        before = harness.market.sample_price_wad
        harness.answer(price_wad)
        counted += log(harness.market.sample_price_wad / before)
    assert harness.market.sample_price_wad == price_wad
    assert abs(counted - log(1.1)) < 1e-12


def test_samples_do_not_depend_on_how_often_one_looks() -> None:
    """Attack 7: the weights follow time, so quiet extra samples leave the average where the long ones would."""
    rare, frequent = Harness(), Harness()
    for harness, pause in ((rare, 7200), (frequent, 600)):
        harness.answer(REFERENCE_USD * WAD)
        rng = random.Random(3)
        path = [0.0]
        for _ in range(7 * 144):
            path.append(path[-1] + rng.gauss(0, 0.6 * (600 / YEAR) ** 0.5))
        for seconds in range(pause, 7 * DAY + 1, pause):
            harness.now = START + seconds
            harness.answer(int(REFERENCE_USD * exp(path[seconds // 600]) * WAD))
    # two estimates of 36%: they differ by sampling noise only, and by nothing systematic
    for harness in (rare, frequent):
        assert 0.2 < harness.market.variance_wad / WAD < 0.6


def test_closed_hours_weigh_a_fifth() -> None:
    calendar = WeekdaySessions()
    friday_close = (START // DAY) * DAY
    while (friday_close // DAY - 4) % 7 != 4:
        friday_close += DAY
    friday_close += calendar.closes_at
    monday_open = calendar.next_open_after_close(friday_close - 1)
    assert calendar.session_at(friday_close - 1) == (True, friday_close - 23_400)
    assert calendar.session_at(friday_close)[0] is False
    assert monday_open - friday_close == 3 * DAY - 23_400
    assert calendar.weighted_seconds_wad(friday_close, monday_open) == (monday_open - friday_close) * WAD // 5
    assert calendar.weighted_seconds_wad(friday_close - 23_400, monday_open) == (
        23_400 * WAD + (monday_open - friday_close) * WAD // 5
    )
    assert calendar.year_seconds_wad == 11_024_640 * WAD  # mechanism §9, rule 3
    middle = friday_close + 12_345
    assert calendar.weighted_seconds_wad(START, monday_open) == calendar.weighted_seconds_wad(
        START, middle
    ) + calendar.weighted_seconds_wad(middle, monday_open)


def test_margin_grows_as_a_closure_comes_into_view() -> None:
    """Mechanism §9, rule 13: 0.33% of notional before a weekday's close, 1.99% once Thursday's close is past."""
    calendar = WeekdaySessions()
    config = MarketConfig(250 * WAD, 5801369863013698, 55**2 * WAD // 10**4, loading_wad=3 * WAD // 10)
    harness = Harness(config, calendar)
    monday = START // DAY
    while (monday - 4) % 7 != 0:
        monday += 1

    def due_at(at: int) -> float:
        harness.now = at
        harness.answer(250 * WAD)
        harness.market.variance_wad = config.initial_variance_wad
        return harness.market.margin_rates(at).maintenance_wad / WAD

    close = monday * DAY + calendar.closes_at
    floor_rate = harness.market.pricing.maintenance_rate_wad / WAD
    assert due_at(close - 1) == floor_rate > 0.0033
    assert abs(due_at(close + 3 * DAY) - 0.0199) < 5e-5
    harness.market.freeze_at = harness.now
    assert harness.market.margin_rates(harness.now).maintenance_wad / WAD == floor_rate


def test_opening_is_refused_far_from_the_index_and_near_an_event() -> None:
    harness = Harness()
    harness.answer(REFERENCE_USD * WAD)
    market = harness.market
    market.require_openable(9, START)
    with pytest.raises(ModelRevert, match="OptionMarket_StrikeOutOfBand"):
        market.require_openable(10, START)
    market.schedule_event(ScheduledEvent(START + 2 * DAY, WAD, WAD // 20), START)
    with pytest.raises(ModelRevert, match="OptionMarket_StrikeOutOfBand"):
        market.require_openable(3, START)
    market.require_openable(2, START)


def test_a_view_of_the_clock_writes_nothing() -> None:
    harness = Harness()
    harness.answer(REFERENCE_USD * WAD)
    before = harness.market.clock
    view = harness.market.clock_at(START + 60)
    assert view != before
    assert harness.market.clock == before
    assert isinstance(view, Clock)
