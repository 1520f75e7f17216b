"""The jump breaker and the statuses, in the order of docs/arithmetic.md §9."""

import pytest
from model_scene import START

from everstock.model.calendar import AlwaysOpen, WeekdaySessions
from everstock.model.journal import Journal
from everstock.model.oracle import OracleModel, PriceStatus, Print
from everstock.model.primitives import DAY, WAD


class Feed:
    def __init__(self, oracle: OracleModel) -> None:
        self.oracle = oracle
        self.round = 0

    def prints(self, usd: float, at: int, seen_at: int | None = None) -> PriceStatus:
        self.round += 1
        self.oracle.print = Print(int(usd * 10**6) * 10**12, self.round, at)
        return self.oracle.poke(at if seen_at is None else seen_at).status


@pytest.fixture
def feed() -> Feed:
    return Feed(OracleModel(Journal(), AlwaysOpen(), 4200, WAD // 1000))


def test_a_jump_halts_until_a_second_print_confirms_it(feed: Feed) -> None:
    assert feed.prints(100, START) is PriceStatus.OPEN
    assert feed.prints(111, START + 60) is PriceStatus.HALTED
    assert feed.oracle.read(START + 60).breaker_halt
    assert feed.prints(112, START + 200) is PriceStatus.HALTED
    assert feed.prints(113, START + 360) is PriceStatus.OPEN
    assert feed.oracle.read(START + 360).price_wad == 113 * WAD


def test_a_revoked_jump_reopens_at_once(feed: Feed) -> None:
    feed.prints(100, START)
    assert feed.prints(200, START + 60) is PriceStatus.HALTED
    assert feed.prints(101, START + 61) is PriceStatus.OPEN


def test_steps_are_measured_against_ten_minutes(feed: Feed) -> None:
    """Attack 11: no walking through the breaker in small steps."""
    feed.prints(100, START)
    assert feed.prints(109, START + 10) is PriceStatus.OPEN
    assert feed.prints(112, START + 20) is PriceStatus.HALTED


def test_the_price_in_force_counts_in_a_later_bucket(feed: Feed) -> None:
    feed.prints(100, START)
    assert feed.prints(111, START + 4000) is PriceStatus.HALTED
    assert feed.prints(109, START + 4010) is PriceStatus.OPEN


@pytest.mark.parametrize(
    "bad",
    [
        None,
        Print(0, 9, START),
        Print(10**12 - 1, 9, START),
        Print(309_485_010 * WAD, 9, START),
        Print(100 * WAD, 9, 0),
        Print(100 * WAD, 9, START + 101),
        Print(100 * WAD, 9, START - 1),
        Print(100 * WAD, 9, START + 50, halted=True),
    ],
)
def test_an_unusable_print_is_a_feed_side_halt(feed: Feed, bad: Print | None) -> None:
    feed.prints(100, START)
    feed.oracle.print = bad
    answer = feed.oracle.poke(START + 100)
    assert answer.status is PriceStatus.HALTED
    assert not answer.breaker_halt
    assert answer.price_wad == 100 * WAD


def test_a_print_is_good_to_the_last_second_of_its_age(feed: Feed) -> None:
    feed.prints(100, START)
    assert feed.oracle.poke(START + 4200).status is PriceStatus.OPEN
    assert feed.oracle.poke(START + 4201).status is PriceStatus.STALE


def test_sessions_wait_for_a_print_of_their_own() -> None:
    """Attack 10: Friday's price does not trade on Monday."""
    calendar = WeekdaySessions()
    feed = Feed(OracleModel(Journal(), calendar, 4200, WAD // 200))
    opening = calendar.next_open_after_close(START)
    assert feed.prints(250, opening + 10) is PriceStatus.OPEN
    close = opening + 23_400
    assert feed.prints(251, close - 10) is PriceStatus.OPEN
    assert feed.oracle.poke(close).status is PriceStatus.CLOSED
    reopening = calendar.next_open_after_close(close - 1)
    assert feed.oracle.poke(reopening + 4200).status is PriceStatus.CLOSED
    assert feed.oracle.poke(reopening + 4201).status is PriceStatus.STALE
    assert feed.prints(251 * 1.19, reopening + 4300) is PriceStatus.OPEN
    assert feed.prints(251 * 1.19 * 1.11, reopening + 4310) is PriceStatus.HALTED
    assert (reopening - opening) % DAY == 0
