"""When a market trades and how much its closed hours weigh: `ISessionCalendar` in Python. Weighted seconds are WAD."""

from typing import Protocol

from .primitives import DAY, WAD, YEAR


class Calendar(Protocol):
    always_open: bool
    year_seconds_wad: int

    def weighted_seconds_wad(self, start: int, end: int) -> int: ...

    def session_at(self, at: int) -> tuple[bool, int]:
        """Whether a session is open, and when the latest one opened."""
        ...

    def next_open_after_close(self, at: int) -> int:
        """The first opening after the next close that lies after `at`."""
        ...


class AlwaysOpen:
    always_open = True
    year_seconds_wad = YEAR * WAD

    def weighted_seconds_wad(self, start: int, end: int) -> int:
        return max(0, end - start) * WAD

    def session_at(self, at: int) -> tuple[bool, int]:
        return True, 0

    def next_open_after_close(self, at: int) -> int:
        raise ValueError("a market that never closes has no next opening")


class WeekdaySessions:
    """One session each Monday to Friday, at the same UTC hours; no holidays."""

    always_open = False

    def __init__(
        self,
        opens_at: int = 52_200,
        closes_at: int = 75_600,
        closed_weight_wad: int = WAD // 5,
        year_seconds_wad: int = 0,
    ) -> None:
        self.opens_at = opens_at  # seconds after midnight, UTC
        self.closes_at = closes_at
        self.closed_weight_wad = closed_weight_wad
        open_seconds = 252 * (closes_at - opens_at)
        self.year_seconds_wad = year_seconds_wad or open_seconds * WAD + (YEAR - open_seconds) * closed_weight_wad

    def weighted_seconds_wad(self, start: int, end: int) -> int:
        if end <= start:
            return 0
        open_seconds = self._open_seconds_until(end) - self._open_seconds_until(start)
        return open_seconds * WAD + (end - start - open_seconds) * self.closed_weight_wad

    def session_at(self, at: int) -> tuple[bool, int]:
        day = at // DAY
        while not _is_weekday(day) or day * DAY + self.opens_at > at:
            day -= 1
        opened_at = day * DAY + self.opens_at
        return at < day * DAY + self.closes_at, opened_at

    def next_open_after_close(self, at: int) -> int:
        day = at // DAY
        while not _is_weekday(day) or day * DAY + self.closes_at <= at:
            day += 1
        day += 1
        while not _is_weekday(day):
            day += 1
        return day * DAY + self.opens_at

    def _open_seconds_until(self, at: int) -> int:
        # day 0, 1 January 1970, was a Thursday; weeks are counted from Monday, 5 January
        days, second = divmod(at - 4 * DAY, DAY)
        weeks, weekday = divmod(days, 7)
        today = max(0, min(second, self.closes_at) - self.opens_at) if weekday < 5 else 0
        return (weeks * 5 + min(weekday, 5)) * (self.closes_at - self.opens_at) + today


def _is_weekday(day: int) -> bool:
    return (day - 4) % 7 < 5
