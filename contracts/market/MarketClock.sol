// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { SafeCastLib as Cast } from "@solady/src/utils/SafeCastLib.sol";

import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";
import { EverlastingMath } from "../math/EverlastingMath.sol";
import { StrikeGrid } from "../math/StrikeGrid.sol";
import { VarianceSampler } from "../math/VarianceSampler.sol";
import { IPriceOracle, PriceAnswer, PriceStatus } from "../oracle/IPriceOracle.sol";
import { Clock, Variance } from "./ClockWord.sol";
import { IOptionMarket } from "./IOptionMarket.sol";

/// @title A market's price, variance clock and accumulators
/// @notice The interval since the clock last ran is *pending*: whoever needs an index adds it on the fly. It is written down only when the price, its
///         stamp or the variance change, an event falls due, or the clock stops. A refresh that finds the last print again, and no sample due, writes nothing.
/// @dev Nothing is lost by waiting: until one of those changes, every later accrual charges at least as far as this one did.
abstract contract MarketClock is IOptionMarket, AccessManaged {
    using StrikeGrid for StrikeGrid.Bitmap;

    uint256 internal constant WAD = 1e18;
    uint256 internal constant YEAR = 365 days;
    uint256 internal constant EVENT_NOTICE = 48 hours;
    uint256 private constant MAX_EVENTS = 16;
    uint256 private constant WIND_DOWN_NOTICE = 3 days;
    /// @dev A and B are at most e^124.5 · 1e18 · Λ, which the bounds keep below this for 20 years with the price at the edge of its range and
    ///      volatility at its maximum throughout; 70 years with the default parameters.
    uint256 private constant UNCROSSED = 1 << 255;

    /// @dev One operation. `from`: the stored clock, whose cell the strikes' snapshots follow. `clock`, `variance`: as they stand now.
    ///      Pending, at the stored price: `run`, loaded variance × weighted seconds, and the first `due` events.
    struct Work {
        Clock from;
        Clock clock;
        Variance variance;
        uint256 run;
        uint256 due;
    }

    /// @dev What A and B had gathered on the other side of a live strike, each plus one: zero tells that the strike is not live. While the price has
    ///      not crossed the strike since it went live, only the side that grows is written, with `UNCROSSED` set, and the other has gathered
    ///      nothing: one slot instead of two. `holders`: how many pools hold it.
    struct Strike {
        uint256 outA;
        uint256 outB;
        uint256 holders;
    }

    /// @dev 96 + 40 = 136. Read only when the clock's `retiring` flag is set.
    struct WindDown {
        uint96 finalPrice;
        uint40 freezeAt;
    }

    /// @inheritdoc IOptionMarket
    IPriceOracle public immutable oracle;
    /// @inheritdoc IOptionMarket
    ISessionCalendar public immutable calendar;
    bytes32 internal immutable assetId;
    uint256 internal immutable referencePrice;
    uint256 internal immutable initialVariance;
    uint256 internal immutable varianceBudget;
    uint256 internal immutable minVariance;
    uint256 internal immutable maxVariance;
    uint256 internal immutable loading;
    uint256 internal immutable u;
    uint256 internal immutable b;
    uint256 internal immutable peak;
    int256 internal immutable maxLn;
    uint256 internal immutable yearSeconds;

    Clock internal clock;
    uint256 internal accumulatorA;
    uint256 internal accumulatorB;
    Variance internal variance;
    WindDown internal retirement;
    mapping(int16 strike => Strike) private strikes;
    StrikeGrid.Bitmap internal live;
    /// @inheritdoc IOptionMarket
    uint256 public liveCount;
    /// @dev Pending, in order of time.
    Event[] internal pending;

    constructor(IPriceOracle oracle_, ISessionCalendar calendar_, Config memory config_) {
        _bound("referencePrice", config_.referencePrice, 1e12, 1e25);
        _bound("varianceBudget", config_.varianceBudget, 0.0025e18, 1e18);
        _bound("minVariance", config_.minVariance, 0.0001e18, config_.maxVariance);
        _bound("maxVariance", config_.maxVariance, config_.minVariance, 4e18);
        _bound("initialVariance", config_.initialVariance, config_.minVariance, config_.maxVariance);
        _bound("loading", config_.loading, 0, WAD / 2);
        oracle = oracle_;
        calendar = calendar_;
        assetId = config_.assetId;
        referencePrice = config_.referencePrice;
        initialVariance = config_.initialVariance;
        varianceBudget = config_.varianceBudget;
        minVariance = config_.minVariance;
        maxVariance = config_.maxVariance;
        loading = config_.loading;
        (uint256 u_, uint256 b_) = EverlastingMath.roots(config_.varianceBudget);
        u = u_;
        b = b_;
        peak = (WAD * WAD) / u_;
        maxLn = int256(EverlastingMath.maxLn(b_));
        yearSeconds = address(calendar_) == address(0) ? YEAR * WAD : calendar_.yearSeconds();

        oracle_.read(config_.assetId); // the asset must exist
        clock = clock.withResetAnchor(true);
        variance = variance.withSample(config_.initialVariance, 0, 0);
    }

    // ── running the clock ──────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionMarket
    function accrue() external {
        Work memory w = _accrued();
        if (w.run | w.due != 0) _store(w);
    }

    function _refresh() internal returns (Work memory w, PriceStatus status) {
        _load(w);
        PriceAnswer memory answer = _frozen(w.from) ? _lastAnswer(w.from) : oracle.refresh(assetId);
        Variance before = w.variance;
        status = _advance(w, answer);
        if (
            w.due == 0 &&
            w.clock.sameButTime(w.from) &&
            w.variance.sameAs(before) &&
            (w.run == 0 || w.clock.accruedAt() <= w.clock.goodUntil())
        ) return (w, status);
        if (w.from.running() && !w.clock.running()) emit StopClock(status, answer.breakerHalt);
        _store(w);
        if (!w.variance.sameAs(before)) {
            variance = w.variance;
            if (w.variance.raw() != before.raw()) emit SampleVariance(w.variance.raw(), w.variance.samplePrice());
        }
    }

    /// @dev What `_refresh` would leave, without writing.
    function _peek() internal view returns (Work memory w, PriceStatus status) {
        _load(w);
        status = _advance(w, _frozen(w.from) ? _lastAnswer(w.from) : oracle.read(assetId));
    }

    /// @dev What `accrue` would leave, without writing. Never past the age of the stored price: what the oracle would say now is unknown.
    function _accrued() internal view returns (Work memory w) {
        _load(w);
        _runTo(w, Fixed.min(block.timestamp, w.from.goodUntil()));
        w.due = _dueEvents(w.from);
    }

    function _load(Work memory w) private view {
        Clock c = clock;
        w.from = c;
        w.clock = c;
        w.variance = variance;
    }

    /// @dev Charges the interval at the old price, adds the events due at the old price, then takes the answer.
    function _advance(Work memory w, PriceAnswer memory answer) private view returns (PriceStatus status) {
        status = answer.status;
        bool good = status == PriceStatus.Open || status == PriceStatus.Closed;
        uint256 until = block.timestamp;
        if (!good && !answer.breakerHalt) {
            until = Fixed.min(until, Fixed.max(uint256(answer.publishedAt) + answer.maxAge, w.from.goodUntil()));
        }
        _runTo(w, until);
        w.due = _dueEvents(w.from);
        if (!good) {
            w.clock = w.clock.withRunning(false);
            if (!answer.breakerHalt) w.clock = w.clock.withResetAnchor(true);
            return status;
        }
        if (status == PriceStatus.Open) _take(w, answer);
        if (!w.clock.running() && w.clock.price() != 0) w.clock = w.clock.withRunning(true).withAccruedAt(block.timestamp);
    }

    function _take(Work memory w, PriceAnswer memory answer) private view {
        Clock c = w.clock;
        if (answer.price != c.price()) {
            int256 lnS = EverlastingMath.lnRatio(answer.price, referencePrice);
            int16 cell = StrikeGrid.cellOf(answer.price, lnS, referencePrice);
            c = c.withPrice(Cast.toUint88(answer.price), answer.publishedAt, answer.maxAge, cell);
        } else {
            c = c.withPrice(answer.price, answer.publishedAt, answer.maxAge, c.cell());
        }
        Variance v = w.variance;
        if (answer.band != v.band()) v = v.withBand(Cast.toUint64(answer.band));
        if (c.resetAnchor()) {
            c = c.withResetAnchor(false);
            v = v.withSample(v.raw(), answer.price, block.timestamp);
        } else {
            uint256 elapsed = _weightedSeconds(v.sampledAt(), block.timestamp);
            if (elapsed >= VarianceSampler.MIN_INTERVAL) {
                (uint256 raw, uint256 anchor) = VarianceSampler.sample(
                    v.raw(),
                    _clamped(v.raw()),
                    v.samplePrice(),
                    answer.price,
                    elapsed,
                    yearSeconds
                );
                v = v.withSample(Cast.toUint72(raw), Cast.toUint88(anchor), block.timestamp);
            }
        }
        (w.clock, w.variance) = (c, v);
    }

    /// @dev Charges the stored clock's interval up to `until`, if it runs.
    function _runTo(Work memory w, uint256 until) private view {
        Clock c = w.from;
        if (!c.running()) return;
        if (c.retiring()) until = Fixed.min(until, retirement.freezeAt);
        uint256 accruedAt = c.accruedAt();
        if (until <= accruedAt) return;
        w.run = _loaded(w.variance.raw()) * _weightedSeconds(accruedAt, until);
        w.clock = w.clock.withAccruedAt(until);
    }

    /// @dev How many events have fallen due, running or not. Before the first price they wait; after the freeze none counts.
    function _dueEvents(Clock c) private view returns (uint256 due) {
        uint256 next = c.nextEventAt();
        if (next == 0 || next > block.timestamp || c.price() == 0) return 0;
        uint256 until = c.retiring() ? Fixed.min(block.timestamp, retirement.freezeAt) : block.timestamp;
        uint256 count = pending.length;
        while (due < count && pending[due].at <= until) ++due;
    }

    /// @dev Writes the clock, and what was pending into the accumulators; flips the strikes that the price has crossed.
    function _store(Work memory w) private {
        int16 oldCell = w.from.cell();
        int16 newCell = w.clock.cell();
        if (w.run | w.due != 0) {
            (uint256 a, uint256 b_) = _accumulators(w);
            accumulatorA = a;
            accumulatorB = b_;
            if (w.due != 0) w.clock = w.clock.withNextEventAt(_dropEvents(w.due));
            (w.run, w.due) = (0, 0);
        }
        if (newCell != oldCell) _cross(oldCell, newCell);
        Clock c = w.clock;
        if (c.updatedAt() != w.from.updatedAt()) emit TakePrice(c.price(), uint40(c.updatedAt()), newCell);
        clock = c;
        w.from = c;
    }

    function _dropEvents(uint256 due) private returns (uint256 nextEventAt) {
        uint256 count = pending.length;
        for (uint256 i; i < due; ++i) emit FallDue(pending[i].at, pending[i].lump);
        for (uint256 i = due; i < count; ++i) pending[i - due] = pending[i];
        for (uint256 i; i < due; ++i) pending.pop();
        return count == due ? 0 : pending[0].at;
    }

    function _cross(int16 oldCell, int16 newCell) private {
        (int16 low, int16 high) = oldCell < newCell ? (oldCell, newCell) : (newCell, oldCell);
        int16[] memory crossed = live.membersBetween(low, high, StrikeGrid.MAX_LIVE);
        if (crossed.length == 0) return;
        (uint256 a, uint256 b_) = (accumulatorA, accumulatorB);
        for (uint256 i; i < crossed.length; ++i) {
            Strike storage it = strikes[crossed[i]];
            bool wasAbove = crossed[i] > oldCell;
            (uint256 growing, uint256 gathered) = _snapshots(it, wasAbove);
            // Crossed one by one, a strike above becomes one below, and the part that grew stands still.
            uint256 part = (wasAbove ? a : b_) + 1 - growing;
            (it.outA, it.outB) = wasAbove ? (1 + part, 1 + b_ - gathered) : (1 + a - gathered, 1 + part);
        }
    }

    // ── accumulators ───────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @dev A with what is pending.
    function _a(Work memory w) private view returns (uint256 a) {
        a = accumulatorA;
        if (w.run | w.due != 0) a = _grow(w, a, EverlastingMath.powerA(_lnS(w), b));
    }

    /// @dev B with what is pending.
    function _b(Work memory w) private view returns (uint256 b_) {
        b_ = accumulatorB;
        if (w.run | w.due != 0) b_ = _grow(w, b_, EverlastingMath.powerB(_lnS(w), b));
    }

    function _accumulators(Work memory w) internal view returns (uint256 a, uint256 b_) {
        (a, b_) = (accumulatorA, accumulatorB);
        if (w.run | w.due == 0) return (a, b_);
        int256 lnS = _lnS(w);
        a = _grow(w, a, EverlastingMath.powerA(lnS, b));
        b_ = _grow(w, b_, EverlastingMath.powerB(lnS, b));
    }

    function _grow(Work memory w, uint256 stored, uint256 power) private view returns (uint256 grown) {
        grown = stored + Fixed.fullMulDiv(power, w.run, varianceBudget * yearSeconds);
        for (uint256 i; i < w.due; ++i) grown += Fixed.fullMulDiv(power, pending[i].lump, WAD);
    }

    function _lnS(Work memory w) private view returns (int256) {
        return Fixed.clamp(EverlastingMath.lnRatio(w.from.price(), referencePrice), -maxLn, maxLn);
    }

    /// @dev The snapshot of the side that grows, plus one, and what the other side has gathered. Both 0 for a strike that is not live.
    function _snapshots(Strike storage it, bool above) private view returns (uint256 growing, uint256 gathered) {
        growing = above ? it.outA : it.outB;
        if (growing == 0) return (0, 0);
        if (growing & UNCROSSED != 0) growing ^= UNCROSSED;
        else gathered = (above ? it.outB : it.outA) - 1;
    }

    /// @dev A_K and B_K of one strike: only the accumulator that grows is asked for.
    function _parts(Work memory w, int16 strike) internal view returns (uint256 partA, uint256 partB) {
        int16 cell = w.from.cell();
        return strike > cell ? _partsOf(_a(w), 0, cell, strike) : _partsOf(0, _b(w), cell, strike);
    }

    /// @dev A_K and B_K, given A and B. Both 0 for a strike that is not live: a first position settles from there.
    function _partsOf(uint256 a, uint256 b_, int16 cell, int16 strike) internal view returns (uint256 partA, uint256 partB) {
        bool above = strike > cell;
        (uint256 growing, uint256 gathered) = _snapshots(strikes[strike], above);
        if (growing == 0) return (0, 0);
        return above ? (a + 1 - growing, gathered) : (gathered, b_ + 1 - growing);
    }

    /// @dev Writes what is pending first: a strike gathers from where it goes live.
    function _setLive(int16 strike, bool isLive_) internal {
        Strike storage it = strikes[strike];
        uint256 holders = it.holders;
        it.holders = isLive_ ? holders + 1 : holders - 1;
        if (isLive_ ? holders > 0 : holders > 1) return;
        if (isLive_) {
            if (liveCount == StrikeGrid.MAX_LIVE) revert OptionMarket_TooManyLiveStrikes(StrikeGrid.MAX_LIVE);
            Work memory w = _accrued();
            if (w.run | w.due != 0) _store(w);
            if (strike > w.clock.cell()) it.outA = (accumulatorA + 1) | UNCROSSED;
            else it.outB = (accumulatorB + 1) | UNCROSSED;
            ++liveCount;
        } else {
            (it.outA, it.outB) = (0, 0);
            --liveCount;
        }
        live.toggle(strike);
        emit SetLive(strike, isLive_);
    }

    // ── governance ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionMarket
    function scheduleEvent(Event calldata ev) external restricted {
        if (ev.at < block.timestamp + EVENT_NOTICE) revert OptionMarket_NoticeTooShort(ev.at, block.timestamp + EVENT_NOTICE);
        _bound("at", ev.at, 0, block.timestamp + YEAR);
        _bound("lump", ev.lump, 1, 100e18);
        _bound("move", ev.move, 0.005e18, 0.5e18);
        uint256 i = pending.length;
        if (i == MAX_EVENTS) revert OptionMarket_TooManyEvents(MAX_EVENTS);
        pending.push(ev);
        for (; i > 0 && pending[i - 1].at > ev.at; --i) pending[i] = pending[i - 1];
        pending[i] = ev;
        clock = clock.withNextEventAt(pending[0].at);
        emit ScheduleEvent(ev.at, ev.lump, ev.move);
    }

    /// @inheritdoc IOptionMarket
    function cancelEvent(uint40 at) external restricted {
        uint256 count = pending.length;
        uint256 i;
        while (i < count && pending[i].at != at) ++i;
        if (i == count || at <= block.timestamp) revert OptionMarket_UnknownEvent(at);
        for (; i + 1 < count; ++i) pending[i] = pending[i + 1];
        pending.pop();
        clock = clock.withNextEventAt(pending.length == 0 ? 0 : pending[0].at);
        emit CancelEvent(at);
    }

    /// @inheritdoc IOptionMarket
    function announceWindDown(uint256 finalPrice, uint40 freezeAt) external restricted {
        if (_frozen(clock)) revert OptionMarket_Frozen(retirement.freezeAt);
        if (freezeAt < block.timestamp + WIND_DOWN_NOTICE) {
            revert OptionMarket_NoticeTooShort(freezeAt, block.timestamp + WIND_DOWN_NOTICE);
        }
        _bound("freezeAt", freezeAt, 0, block.timestamp + YEAR);
        _bound("finalPrice", finalPrice, 1e12, type(uint88).max);
        retirement = WindDown(Cast.toUint96(finalPrice), freezeAt);
        clock = clock.withRetiring(true);
        emit AnnounceWindDown(finalPrice, freezeAt);
    }

    /// @inheritdoc IOptionMarket
    function cancelWindDown() external restricted {
        if (_frozen(clock)) revert OptionMarket_Frozen(retirement.freezeAt);
        delete retirement;
        clock = clock.withRetiring(false);
        emit CancelWindDown();
    }

    // ── shared ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function _weightedSeconds(uint256 from, uint256 to) internal view returns (uint256) {
        return address(calendar) == address(0) ? (to - from) * WAD : calendar.weightedSeconds(from, to);
    }

    function _clamped(uint256 raw) private view returns (uint256) {
        return Fixed.clamp(raw, minVariance, maxVariance);
    }

    function _loaded(uint256 raw) internal view returns (uint256) {
        return (_clamped(raw) * (WAD + loading)) / WAD;
    }

    function _frozen(Clock c) internal view returns (bool) {
        return c.retiring() && retirement.freezeAt <= block.timestamp;
    }

    /// @dev What a frozen market gets in place of an answer: the clock runs as far as the last price carries, and stops for good.
    function _lastAnswer(Clock c) private pure returns (PriceAnswer memory answer) {
        answer.status = PriceStatus.Halted;
        answer.publishedAt = uint40(c.updatedAt());
        answer.maxAge = uint24(c.maxAge());
    }

    function _bound(bytes32 parameter, uint256 value, uint256 min, uint256 max) internal pure {
        if (value < min || value > max) revert OptionMarket_OutOfBounds(parameter, value, min, max);
    }
}
