"""From a feed's print to an answer that may be traded on: docs/arithmetic.md §9."""

from dataclasses import dataclass, replace
from enum import Enum

from .calendar import Calendar
from .journal import Journal, Tracked
from .primitives import WAD

BREAKER_UNIT_WAD = 10**10  # the breaker sees 1e-8 USD
MIN_PRICE_WAD = 10**12
MAX_PRICE_WAD = 309_485_009 * WAD
BUCKET_SECONDS = 600
CONFIRMATION_SECONDS = 300
JUMP_TOLERANCE_WAD = WAD // 10
OPENING_TOLERANCE_WAD = WAD // 5
CANDIDATE_TOLERANCE_WAD = WAD // 20
BAND_ALLOWANCE_WAD = WAD // 1000
MAX_CONFIDENCE_WAD = WAD // 20


class PriceStatus(Enum):
    OPEN = 0
    CLOSED = 1
    STALE = 2
    HALTED = 3


@dataclass(frozen=True)
class Print:
    """What an adapter reports; a price of 0 is an answer that is no price."""

    price_wad: int
    round: int
    published_at: int
    confidence_wad: int = 0
    halted: bool = False


@dataclass(frozen=True)
class PriceAnswer:
    status: PriceStatus
    price_wad: int  # last accepted
    band_wad: int
    published_at: int  # of the print just read; 0 when it carries no usable stamp
    max_age: int
    breaker_halt: bool = False


@dataclass(frozen=True)
class Guards:
    """What is asked besides the feed; the defaults ask for nothing."""

    check_deviation_wad: int | None = None
    check_max_age: int = 0
    sequencer_grace: int | None = None
    max_jump_wad: int | None = None


@dataclass(frozen=True)
class Range:
    """Lowest and highest price accepted in a bucket, 1e-8 USD."""

    lowest: int
    highest: int

    def widened(self, price: int) -> "Range":
        return Range(min(self.lowest, price), max(self.highest, price))


@dataclass(frozen=True)
class Breaker:
    """What the oracle remembers of an asset. Prices are in 1e-8 USD unless named WAD."""

    price_wad: int = 0
    round: int = 0
    published_at: int = 0
    bucket: int = 0
    current: Range = Range(0, 0)
    previous: Range = Range(0, 0)
    candidate: int = 0
    candidate_published_at: int = 0
    of_this_feed: bool = False  # round and stamp compare with the feed's

    @property
    def price(self) -> int:
        return self.price_wad // BREAKER_UNIT_WAD

    def rolled(self, bucket: int) -> "Breaker":
        """The price in force when a bucket begins counts as accepted in it."""
        in_force = Range(self.price, self.price)
        if bucket == self.bucket:
            return self
        previous = self.current if bucket == self.bucket + 1 else in_force
        return replace(self, bucket=bucket, previous=previous, current=in_force)

    def accepting(self, new: Print) -> "Breaker":
        return replace(
            self,
            price_wad=new.price_wad,
            round=new.round,
            published_at=new.published_at,
            candidate=0,
            candidate_published_at=0,
            of_this_feed=True,
        )


class OracleModel(Tracked):
    """One asset's feed and everything that stands in front of it."""

    def __init__(
        self, journal: Journal, calendar: Calendar, max_age: int, deviation_wad: int, guards: Guards | None = None
    ) -> None:
        super().__init__(journal)
        self.calendar = calendar
        self.max_age = max_age
        self.deviation_wad = deviation_wad
        self.guards = guards or Guards()
        self.print: Print | None = None  # None: the adapter fails
        self.check_print: Print | None = None
        self.sequencer_up_since: int | None = 1  # None: it is down, or its feed fails
        self.breaker = Breaker()

    def set_feed(self, max_age: int, deviation_wad: int) -> None:
        """Another feed: accepted prices are remembered, rounds and stamps do not compare, a candidate is dropped."""
        self.max_age = max_age
        self.deviation_wad = deviation_wad
        self.breaker = replace(self.breaker, of_this_feed=False, candidate=0, candidate_published_at=0)

    def poke(self, now: int) -> PriceAnswer:
        answer, self.breaker = self._judge(now)
        return answer

    def read(self, now: int) -> PriceAnswer:
        return self._judge(now)[0]

    def _judge(self, now: int) -> tuple[PriceAnswer, Breaker]:
        status, breaker, own_halt, confidence_wad = self._test(now)
        new = self.print
        # A stamp is usable when it lies in the past, whatever is wrong with the rest of the print.
        published_at = new.published_at if new is not None and new.published_at <= now else 0
        band_wad = self.deviation_wad + BAND_ALLOWANCE_WAD + confidence_wad
        return PriceAnswer(status, breaker.price_wad, band_wad, published_at, self.max_age, own_halt), breaker

    def _test(self, now: int) -> tuple[PriceStatus, Breaker, bool, int]:
        """(status, what to remember, whether a halt is the protocol's own, confidence that widens the band)."""
        status, own_halt = self._status(now)
        if status is not PriceStatus.OPEN or self.print is None:
            return status, self.breaker, own_halt, 0
        status, breaker, own_halt = self._break(self.print, now)
        return status, breaker, own_halt, self.print.confidence_wad

    def _status(self, now: int) -> tuple[PriceStatus, bool]:
        """Steps 1 to 3 of arithmetic §9."""
        new, memory, guards = self.print, self.breaker, self.guards
        session_open, opened_at = self.calendar.session_at(now)
        if not session_open:
            return PriceStatus.CLOSED, False
        if new is None or not _complete(new, now) or (memory.of_this_feed and new.published_at < memory.published_at):
            return PriceStatus.HALTED, False
        status = _status_of(new, now, opened_at, self.max_age)
        if status is not PriceStatus.OPEN:
            return status, False
        if guards.sequencer_grace is not None:
            since = self.sequencer_up_since
            if since is None or not 0 < since < now or now - since < guards.sequencer_grace:
                return PriceStatus.HALTED, False
        if guards.check_deviation_wad is not None:
            check = self.check_print
            if check is None or not _complete(check, now):
                return PriceStatus.HALTED, False
            status = _status_of(check, now, opened_at, guards.check_max_age)
            if status is not PriceStatus.OPEN:
                return status, False
            if not _within(new.price_wad, check.price_wad, guards.check_deviation_wad):
                return PriceStatus.HALTED, True
        return PriceStatus.OPEN, False

    def _break(self, new: Print, now: int) -> tuple[PriceStatus, Breaker, bool]:
        """Steps 4 to 7: the jump breaker."""
        memory = self.breaker
        _, opened_at = self.calendar.session_at(now)
        if not memory.candidate and memory.of_this_feed and new.round == memory.round:
            return PriceStatus.OPEN, memory, False

        price = new.price_wad // BREAKER_UNIT_WAD
        bucket = now // BUCKET_SECONDS
        restarted = replace(memory, bucket=bucket, current=Range(price, price), previous=Range(price, price))
        if not memory.price_wad:
            return PriceStatus.OPEN, restarted.accepting(new), False
        if memory.published_at < opened_at:
            if _within(price, memory.price, OPENING_TOLERANCE_WAD):
                return PriceStatus.OPEN, restarted.accepting(new), False
        else:
            rolled = memory.rolled(bucket)
            accepted = (rolled.current, rolled.previous)
            if all(_within(price, end, JUMP_TOLERANCE_WAD) for each in accepted for end in (each.lowest, each.highest)):
                widened = replace(rolled, current=rolled.current.widened(price))
                return PriceStatus.OPEN, widened.accepting(new), False
        if memory.candidate and _within(price, memory.candidate, CANDIDATE_TOLERANCE_WAD):
            limit = self.guards.max_jump_wad
            late_enough = new.published_at >= memory.candidate_published_at + CONFIRMATION_SECONDS
            if late_enough and (limit is None or _within(price, memory.price, limit)):
                return PriceStatus.OPEN, restarted.accepting(new), False
            return PriceStatus.HALTED, memory, True
        candidate = replace(memory, candidate=price, candidate_published_at=new.published_at)
        return PriceStatus.HALTED, candidate, True


def _complete(new: Print, now: int) -> bool:
    """Step 1 of §9 for a print by itself."""
    return MIN_PRICE_WAD <= new.price_wad <= MAX_PRICE_WAD and 0 < new.published_at <= now


def _status_of(new: Print, now: int, opened_at: int, max_age: int) -> PriceStatus:
    """Steps 2 and 3 for a print in an open session."""
    if new.published_at < opened_at:
        return PriceStatus.CLOSED if now <= opened_at + max_age else PriceStatus.STALE
    if new.halted or new.confidence_wad > MAX_CONFIDENCE_WAD:
        return PriceStatus.HALTED
    return PriceStatus.OPEN if now <= new.published_at + max_age else PriceStatus.STALE


def _within(price: int, anchor: int, tolerance_wad: int) -> bool:
    return abs(price - anchor) * WAD <= tolerance_wad * anchor
