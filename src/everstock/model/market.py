"""One underlying: its price, its variance clock and the funding index of every strike. docs/arithmetic.md §3."""

from dataclasses import dataclass
from enum import Enum
from math import isqrt

from .calendar import Calendar
from .errors import require
from .journal import Journal, Tracked, TrackedDict
from .oracle import OracleModel, PriceAnswer, PriceStatus
from .pricing import BELOW_ALL_STRIKES, MAX_STRIKE, Pricing, Quote, Side, intrinsic_wad
from .primitives import DAY, LN2_WAD, WAD, YEAR, Primitives, ceil_div, clamp, mul_div, mul_div_up

MIN_SAMPLE_SECONDS = 600
HALF_LIFE_SECONDS = DAY
CLIP_WAD = WAD // 20
CLIP_DEVIATIONS = 5
MAX_RENT_WAD = 60 * WAD // 100
EVENT_NOTICE_SECONDS = 2 * DAY
STRIKE_BAND_WAD = 20 * WAD // 100
MAX_LIVE_STRIKES = 64
MAX_EVENTS = 16


class Phase(Enum):
    ACTIVE = 0
    WINDING_DOWN = 1
    FROZEN = 2


@dataclass(frozen=True, order=True)
class ScheduledEvent:
    """A known event: the clock jumps by `lump_wad` at `at`; `move_wad` is the move expected."""

    at: int
    lump_wad: int
    move_wad: int


@dataclass(frozen=True)
class MarketConfig:
    reference_price_wad: int
    variance_budget_wad: int
    initial_variance_wad: int
    min_variance_wad: int = 4 * WAD // 100
    max_variance_wad: int = 4 * WAD
    loading_wad: int = WAD // 5


@dataclass(frozen=True)
class Clock:
    """The accumulators, and to when they have run."""

    a: int
    b: int
    accrued_at: int
    events: tuple[ScheduledEvent, ...]


@dataclass(frozen=True)
class MarginRates:
    """WAD per unit of notional."""

    initial_wad: int
    maintenance_wad: int


class MarketModel(Tracked):
    def __init__(
        self, journal: Journal, config: MarketConfig, oracle: OracleModel, calendar: Calendar, primitives: Primitives
    ) -> None:
        super().__init__(journal)
        self.config = config
        self.oracle = oracle
        self.calendar = calendar
        self.primitives = primitives
        self.pricing = Pricing(primitives, config.variance_budget_wad, config.reference_price_wad)

        self.price_wad = 0
        self.updated_at = 0
        self.max_age = 0
        self.band_wad = 0
        self.last_status = PriceStatus.STALE
        self.cell = BELOW_ALL_STRIKES

        self.accrued_at = 0
        self.running = False
        self.stored_a = (
            0  # as written down; what the clock has run at this price since, loaded variance x weighted seconds:
        )
        self.stored_b = 0
        self.run = 0
        self.events: tuple[ScheduledEvent, ...] = ()

        self.variance_wad = config.initial_variance_wad
        self.sample_price_wad = 0
        self.sampled_at = 0
        self.reset_anchor = True

        self.final_price_wad = 0
        self.freeze_at = 0  # 0: no wind-down announced
        self.outside: TrackedDict[int, tuple[int, int]] = TrackedDict(journal)  # (outA, outB) per live strike

    # ── the clock ─────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def clock(self) -> Clock:
        return self._with_run(self.run, self.accrued_at, ())

    @property
    def a(self) -> int:
        return self.clock.a

    @property
    def b(self) -> int:
        return self.clock.b

    def accrue(self, now: int) -> None:
        self._store(self.clock_at(now))

    def clock_at(self, now: int) -> Clock:
        """The clock as `accrue` would leave it now."""
        return self._run(min(now, self.good_until), now)

    def poke(self, now: int) -> PriceStatus:
        """Charge the elapsed interval at the old price, then take the oracle's new one. Once frozen: only accrue."""
        if self.phase(now) is Phase.FROZEN:
            self.accrue(now)
            self.running = False
            self.last_status = PriceStatus.HALTED
            return self.last_status
        answer = self.oracle.poke(now)
        before = (self.stored_a, self.stored_b, self.run, self.accrued_at)
        standing, sample = self._standing, self._sample
        run = self.run + (self._run_until(now) if self.running else 0)
        self._take(answer, now)
        if self._standing == standing:
            if self._sample == sample:
                if self.accrued_at <= self.good_until:
                    # Nothing but time has passed, and nothing can make the interval shorter: it stays pending.
                    self.stored_a, self.stored_b, self.run, self.accrued_at = before
            elif (
                self.sampled_at == self.accrued_at
                and self.sample_price_wad == self.price_wad
                and run % self._second == 0
            ):
                # A sample at the price as it stood: the run is kept, and A and B stand.
                (self.stored_a, self.stored_b), self.run = before[:2], run
        self.last_status = answer.status
        return answer.status

    @property
    def good_until(self) -> int:
        """To when the stored price carries accrual on its own."""
        return self.updated_at + self.max_age

    @property
    def _standing(self) -> tuple[object, ...]:
        """All that a poke may change but the accumulators, to when they have run, band and variance."""
        return (
            *(self.price_wad, self.updated_at, self.max_age, self.cell, self.running, self.reset_anchor),
            self.events,
        )

    @property
    def _sample(self) -> tuple[int, ...]:
        return self.band_wad, self.variance_wad, self.sample_price_wad, self.sampled_at

    @property
    def _second(self) -> int:
        """What a second of full weight adds to a run at a variance of one unit."""
        return WAD

    def _take(self, answer: PriceAnswer, now: int) -> None:
        feed_is_down = answer.status is PriceStatus.STALE or (
            answer.status is PriceStatus.HALTED and not answer.breaker_halt
        )
        # A feed that is down still carries the stored price as far as accrue-only calls have run on it.
        end = min(now, max(answer.published_at + answer.max_age, self.good_until)) if feed_is_down else now
        self._store(self._run(end, now))
        if answer.status is PriceStatus.OPEN:
            self._take_price(answer, now)
            self._start_clock(now)
        elif answer.status is PriceStatus.CLOSED:
            if self.price_wad:
                self._start_clock(now)
        else:
            self.running = False
            if feed_is_down:
                self.reset_anchor = True

    def _start_clock(self, now: int) -> None:
        if not self.running:
            self.running = True
            self.accrued_at = now

    def _run(self, end: int, now: int) -> Clock:
        """Run the clock to `end` if it runs, then add the events due by now, one by one; nothing after the freeze."""
        if not self.price_wad:
            return self.clock
        if self.freeze_at:
            end, now = min(end, self.freeze_at), min(now, self.freeze_at)
        run, accrued_at = self.run, self.accrued_at
        if self.running and end > accrued_at:
            run, accrued_at = run + self._run_until(end), end
        due = sum(event.at <= now for event in self.events)
        return self._with_run(run, accrued_at, self.events[:due])

    def _run_until(self, end: int) -> int:
        return self.loaded_variance_wad * self.calendar.weighted_seconds_wad(self.accrued_at, max(end, self.accrued_at))

    def _with_run(self, run: int, accrued_at: int, due: tuple[ScheduledEvent, ...]) -> Clock:
        """A and B with the run at the stored price, and with events one by one."""
        a, b = self.stored_a, self.stored_b
        if run or due:
            e_a, e_b = self.pricing.price_powers(self.price_wad)
            a += mul_div(e_a, run, self._variance_seconds_per_unit)
            b += mul_div(e_b, run, self._variance_seconds_per_unit)
            for event in due:
                a += mul_div(e_a, event.lump_wad, WAD)
                b += mul_div(e_b, event.lump_wad, WAD)
        return Clock(a, b, accrued_at, self.events[len(due) :])

    def _store(self, clock: Clock) -> None:
        self.stored_a, self.stored_b, self.accrued_at, self.events = clock.a, clock.b, clock.accrued_at, clock.events
        self.run = 0

    @property
    def _variance_seconds_per_unit(self) -> int:
        return self.config.variance_budget_wad * self.calendar.year_seconds_wad

    # ── price and variance ────────────────────────────────────────────────────────────────────────────────────────────
    def _take_price(self, answer: PriceAnswer, now: int) -> None:
        self.price_wad = answer.price_wad
        self.updated_at = answer.published_at
        self.max_age = answer.max_age
        self.band_wad = answer.band_wad
        old_cell, self.cell = self.cell, self.pricing.cell(answer.price_wad)
        for j in range(min(old_cell, self.cell) + 1, max(old_cell, self.cell) + 1):
            if j in self.outside:
                out_a, out_b = self.outside[j]
                self.outside[j] = (self.a - out_a, self.b - out_b)
        if self.reset_anchor:
            self.sample_price_wad, self.sampled_at = self.price_wad, now
            self.reset_anchor = False
        else:
            self._sample_variance(now)

    def _sample_variance(self, now: int) -> None:
        elapsed_wad = self.calendar.weighted_seconds_wad(self.sampled_at, now)
        if elapsed_wad < MIN_SAMPLE_SECONDS * WAD:
            return
        exp, ln, year_wad = self.primitives.exp_wad, self.primitives.ln_wad, self.calendar.year_seconds_wad
        weight_wad = WAD - exp(-(elapsed_wad * LN2_WAD // (HALF_LIFE_SECONDS * WAD)))
        deviation_wad = isqrt(self.clamped_variance_wad * elapsed_wad // year_wad * WAD)
        limit_wad = max(CLIP_WAD, CLIP_DEVIATIONS * deviation_wad)
        return_wad = ln(mul_div(self.price_wad, WAD, self.sample_price_wad))
        clipped_wad = clamp(return_wad, -limit_wad, limit_wad)
        sample_wad = clipped_wad**2 * year_wad // elapsed_wad // WAD
        self.variance_wad = ((WAD - weight_wad) * self.variance_wad + weight_wad * sample_wad) // WAD
        if clipped_wad == return_wad:
            self.sample_price_wad = self.price_wad
        else:
            self.sample_price_wad = mul_div(self.sample_price_wad, exp(clipped_wad), WAD)
        self.sampled_at = now

    @property
    def clamped_variance_wad(self) -> int:
        return clamp(self.variance_wad, self.config.min_variance_wad, self.config.max_variance_wad)

    @property
    def loaded_variance_wad(self) -> int:
        return self.clamped_variance_wad * (WAD + self.config.loading_wad) // WAD

    # ── strikes ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def set_live(self, j: int, live: bool, now: int) -> None:
        """The first pool holds notional at the strike, or the last one has let go. It gathers from now on."""
        if live:
            require(len(self.outside) < MAX_LIVE_STRIKES, "OptionMarket_TooManyLiveStrikes", limit=MAX_LIVE_STRIKES)
            self.accrue(now)
            self.outside[j] = (self.a, 0) if j > self.cell else (0, self.b)
        else:
            del self.outside[j]

    def funding_index(self, j: int, clock: Clock) -> int:
        """F of a live strike, 1e27."""
        out_a, out_b = self.outside[j]
        if j > self.cell:
            return self.pricing.funding_index(j, clock.a - out_a, out_b)
        return self.pricing.funding_index(j, out_a, clock.b - out_b)

    def quote(self, j: int, side: Side) -> Quote:
        """Mark, bid and ask at the stored price."""
        return self.pricing.quote(side, self.price_wad, self.pricing.strike_wad(j), self.band_wad)

    def frozen_payoff_wad(self, j: int, side: Side) -> int:
        return intrinsic_wad(side, self.final_price_wad, self.pricing.strike_wad(j))

    def margin_rates(self, now: int) -> MarginRates:
        initial_wad, maintenance_wad = self.pricing.initial_rate_wad, self.pricing.maintenance_rate_wad
        if self.calendar.always_open or self.phase(now) is Phase.FROZEN:
            return MarginRates(initial_wad, maintenance_wad)
        clock = self.clock_at(now)
        reopening = self.calendar.next_open_after_close(now)
        seconds_wad = self.calendar.weighted_seconds_wad(clock.accrued_at, reopening)
        lambda_wad = self.loaded_variance_wad * seconds_wad * WAD // self._variance_seconds_per_unit
        lambda_wad += sum(event.lump_wad for event in clock.events if event.at <= reopening)
        due_wad = ceil_div(lambda_wad * WAD, self.pricing.u_wad) + ceil_div(MAX_RENT_WAD * (reopening - now), YEAR)
        return MarginRates(max(initial_wad, due_wad), max(maintenance_wad, due_wad))

    def status_at(self, now: int) -> PriceStatus:
        """What a poke would find now."""
        return PriceStatus.HALTED if self.phase(now) is Phase.FROZEN else self.oracle.read(now).status

    def require_open(self) -> None:
        """After a poke: the price may be traded on."""
        require(self.last_status is PriceStatus.OPEN, "OptionMarket_NotOpen", status=self.last_status.value)

    def require_openable(self, j: int, now: int) -> None:
        """The strike may be opened now, at the price just taken."""
        require(not self.freeze_at, "OptionMarket_WindingDown", freezeAt=self.freeze_at)
        strike_wad, price_wad = self.pricing.strike_wad(j), self.price_wad
        in_range = self.pricing.strike_in_range(j) and self.pricing.price_in_range(price_wad)
        require(in_range, "OptionMarket_OutOfRange", price=price_wad, strikePrice=strike_wad)
        expected_moves_wad = (event.move_wad for event in self.events if event.at <= now + EVENT_NOTICE_SECONDS)
        width_wad = min((STRIKE_BAND_WAD, *expected_moves_wad))
        lowest_wad = mul_div(price_wad, WAD - width_wad, WAD)
        highest_wad = mul_div_up(price_wad, WAD + width_wad, WAD)
        require(
            lowest_wad <= strike_wad <= highest_wad,
            "OptionMarket_StrikeOutOfBand",
            strikePrice=strike_wad,
            lowest=lowest_wad,
            highest=highest_wad,
        )

    # ── governance ────────────────────────────────────────────────────────────────────────────────────────────────────
    def phase(self, now: int) -> Phase:
        if not self.freeze_at:
            return Phase.ACTIVE
        return Phase.FROZEN if now >= self.freeze_at else Phase.WINDING_DOWN

    def schedule_event(self, event: ScheduledEvent, now: int) -> None:
        earliest = now + EVENT_NOTICE_SECONDS
        require(event.at >= earliest, "OptionMarket_NoticeTooShort", at=event.at, earliest=earliest)
        require(len(self.events) < MAX_EVENTS, "OptionMarket_TooManyEvents", limit=MAX_EVENTS)
        # Two events of one time stay in the order of their scheduling.
        self.events = tuple(sorted((*self.events, event), key=lambda each: each.at))

    def cancel_event(self, at: int, now: int) -> None:
        """Of two events of one time, the one scheduled first. What has fallen due stays."""
        index = next((i for i, event in enumerate(self.events) if event.at == at > now), None)
        require(index is not None, "OptionMarket_UnknownEvent", at=at)
        assert index is not None
        self.events = self.events[:index] + self.events[index + 1 :]

    def announce_wind_down(self, final_price_wad: int, freeze_at: int, now: int) -> None:
        require(self.phase(now) is not Phase.FROZEN, "OptionMarket_Frozen", freezeAt=self.freeze_at)
        earliest = now + 3 * DAY
        require(freeze_at >= earliest, "OptionMarket_NoticeTooShort", at=freeze_at, earliest=earliest)
        self.final_price_wad, self.freeze_at = final_price_wad, freeze_at

    def cancel_wind_down(self, now: int) -> None:
        require(self.phase(now) is not Phase.FROZEN, "OptionMarket_Frozen", freezeAt=self.freeze_at)
        self.final_price_wad, self.freeze_at = 0, 0

    def require_strike_on_grid(self, j: int) -> None:
        require(abs(j) <= MAX_STRIKE, "OptionMarket_StrikeOutOfGrid", strike=j, limit=MAX_STRIKE)
