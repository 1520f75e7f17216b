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
        )


class OracleModel(Tracked):
    """One asset's feed and everything that stands in front of it."""

    def __init__(self, journal: Journal, calendar: Calendar, max_age: int, deviation_wad: int) -> None:
        super().__init__(journal)
        self.calendar = calendar
        self.max_age = max_age
        self.deviation_wad = deviation_wad
        self.print: Print | None = None  # None: the adapter fails
        self.breaker = Breaker()

    def set_feed(self, max_age: int, deviation_wad: int) -> None:
        """Another feed: the prices accepted are remembered, rounds and stamps are not."""
        self.max_age = max_age
        self.deviation_wad = deviation_wad
        self.breaker = replace(self.breaker, round=0, published_at=0, candidate_published_at=0)

    def refresh(self, now: int) -> PriceAnswer:
        answer, self.breaker = self._judge(now)
        return answer

    def read(self, now: int) -> PriceAnswer:
        return self._judge(now)[0]

    def _judge(self, now: int) -> tuple[PriceAnswer, Breaker]:
        status, breaker, breaker_halt = self._test(now)
        new = self.print
        # A stamp is usable when it lies in the past, whatever is wrong with the rest of the print.
        published_at = new.published_at if new is not None and new.published_at <= now else 0
        confidence_wad = new.confidence_wad if new is not None else 0
        band_wad = self.deviation_wad + BAND_ALLOWANCE_WAD + confidence_wad
        return (
            PriceAnswer(status, breaker.price_wad, band_wad, published_at, self.max_age, breaker_halt),
            breaker,
        )

    def _test(self, now: int) -> tuple[PriceStatus, Breaker, bool]:
        """(status, what to remember, whether the halt is the breaker's), in the order of arithmetic §9."""
        new, memory = self.print, self.breaker
        if (
            new is None
            or new.halted
            or not MIN_PRICE_WAD <= new.price_wad <= MAX_PRICE_WAD
            or new.published_at == 0
            or new.published_at > now
            or new.published_at < memory.published_at
        ):
            return PriceStatus.HALTED, memory, False
        session_open, opened_at = self.calendar.session_at(now)
        if not session_open:
            return PriceStatus.CLOSED, memory, False
        if new.published_at < opened_at:
            waiting = now <= opened_at + self.max_age
            return (PriceStatus.CLOSED if waiting else PriceStatus.STALE), memory, False
        if now > new.published_at + self.max_age:
            return PriceStatus.STALE, memory, False
        if not memory.candidate and memory.price_wad and new.round == memory.round:
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
            if new.published_at >= memory.candidate_published_at + CONFIRMATION_SECONDS:
                return PriceStatus.OPEN, restarted.accepting(new), False
            return PriceStatus.HALTED, memory, True
        candidate = replace(memory, candidate=price, candidate_published_at=new.published_at)
        return PriceStatus.HALTED, candidate, True


def _within(price: int, anchor: int, tolerance_wad: int) -> bool:
    return abs(price - anchor) * WAD <= tolerance_wad * anchor
