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
/// @notice The interval since the clock last ran is *pending*: whoever needs an index adds it on the fly. It is written down only when the price or its
///         stamp change, an event falls due, or the clock stops. A poke that finds the last print again writes nothing, or, when a variance sample is due,
///         one word: the variance, and with it the run that A and B lack.
/// @dev Nothing is lost by waiting: until one of those changes, every later accrual charges at least as far as this one did.
abstract contract MarketClock is IOptionMarket, AccessManaged {
    using StrikeGrid for StrikeGrid.Bitmap;

    uint256 internal constant WAD = 1e18;
    uint256 internal constant YEAR = 365 days;
    uint256 internal constant EVENT_NOTICE = 48 hours;
    uint256 private constant MAX_EVENTS = 16;
    uint256 private constant WIND_DOWN_NOTICE = 3 days;
    /// @dev A and B are at most e^124.3 · 1e18 · Λ, which the bounds keep below this for 20 years with the price at the edge of its range and
    ///      volatility at its maximum throughout; 70 years with the default parameters.
    uint256 private constant UNCROSSED = 1 << 255;

    /// @dev One operation. `from`: the clock as it stood, whose cell the strikes' snapshots follow. `stored`: the variance word as it stands in storage.
    ///      `clock`, `variance`: as they are now. Pending, at the stored price: `run`, loaded variance × weighted time, and the first `due` events.
    ///      `lnS`: ln of the stored price against R, once somebody has asked.
    ///      Neither of the two clocks and not `variance` know of a run that the stored word holds: it is in `run`, and its end is their `accruedAt`.
    struct Work {
        Clock from;
        Clock clock;
        Variance stored;
        Variance variance;
        uint256 run;
        uint256 due;
        int256 lnS;
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
    /// @dev Weighted time counts in units of which a second of full weight has `second`: 1 where no calendar weighs, WAD where one does.
    uint256 internal immutable second;
    uint256 internal immutable yearSeconds;
    /// @dev The shortest weighted time between variance samples.
    uint256 private immutable sampleInterval;
    /// @dev c · YEAR: so much run makes one unit of Λ.
    uint256 private immutable runPerUnit;

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
        (second, yearSeconds) = address(calendar_) == address(0) ? (1, YEAR) : (WAD, calendar_.yearSeconds());
        sampleInterval = VarianceSampler.MIN_INTERVAL * second;
        runPerUnit = config_.varianceBudget * yearSeconds;

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

    function _poke() internal returns (Work memory w, PriceStatus status) {
        _load(w);
        (Clock old, Variance before) = (w.from, w.variance);
        bool breakerHalt;
        (status, breakerHalt) = _advance(w, _frozen(w.from) ? _lastAnswer(w.from) : _freshAnswer());
        bool sampled = !w.variance.sameAs(before);
        if (w.due == 0 && w.clock.sameButTime(w.from)) {
            if (!sampled) {
                if (w.run == 0 || w.clock.accruedAt() <= w.clock.goodUntil()) return (w, status);
            } else if (_holdRun(w)) {
                _tell(w, old, before);
                return (w, status);
            }
        }
        if (old.running() && !w.clock.running()) emit StopClock(status, breakerHalt);
        _store(w);
        _tell(w, old, before);
    }

    /// @dev A sample at the clock's own price, taken now: its word can hold the run until now, if that is a whole number of seconds of full weight.
    ///      A good price is at most three days old, so the run is below 2^63 · 2^18.
    function _holdRun(Work memory w) private returns (bool held) {
        Variance v = w.variance;
        uint256 run = w.run / second;
        held = v.sampledAt() == w.clock.accruedAt() && v.samplePrice() == w.clock.price() && run * second == w.run;
        if (held) variance = v.withRun(run);
    }

    function _tell(Work memory w, Clock old, Variance before) private {
        (Clock c, uint256 raw) = (w.clock, w.variance.raw());
        if (!c.samePrint(old) || raw != before.raw()) emit TakePrice(c.price(), uint40(c.updatedAt()), raw);
    }

    /// @dev `oracle.poke(assetId)`. The oracle is ours and answers six words, which are the fields as they stand in memory.
    function _freshAnswer() private returns (PriceAnswer memory answer) {
        (address target, bytes32 id, bytes4 selector) = (address(oracle), assetId, IPriceOracle.poke.selector);
        assembly ("memory-safe") {
            mstore(0, selector)
            mstore(4, id)
            if iszero(call(gas(), target, 0, 0, 36, answer, 192)) {
                let free := mload(0x40)
                returndatacopy(free, 0, returndatasize())
                revert(free, returndatasize())
            }
        }
    }

    /// @dev What `_poke` would leave, without writing.
    function _peek() internal view returns (Work memory w, PriceStatus status) {
        _load(w);
        (status, ) = _advance(w, _frozen(w.from) ? _lastAnswer(w.from) : oracle.read(assetId));
    }

    /// @dev What `accrue` would leave, without writing. Never past the age of the stored price: what the oracle would say now is unknown.
    function _accrued() internal view returns (Work memory w) {
        _load(w);
        _runTo(w, Fixed.min(block.timestamp, w.from.goodUntil()));
        w.due = _dueEvents(w.from);
    }

    /// @dev The state as stored, with the run that the variance word may hold.
    function _load(Work memory w) internal view {
        (Clock c, Variance v) = (clock, variance);
        w.stored = v;
        if (v.holdsRun()) {
            w.run = v.run() * second;
            c = c.withAccruedAt(v.sampledAt());
            v = v.withoutRun(c.price());
        }
        w.from = c;
        w.clock = c;
        w.variance = v;
    }

    /// @dev Charges the interval at the old price, adds the events due at the old price, then takes the answer.
    function _advance(Work memory w, PriceAnswer memory answer) private view returns (PriceStatus status, bool breakerHalt) {
        (status, breakerHalt) = (answer.status, answer.breakerHalt);
        bool open = status == PriceStatus.Open;
        bool good = open || status == PriceStatus.Closed;
        uint256 until = block.timestamp;
        if (!good && !breakerHalt) {
            until = Fixed.min(until, Fixed.max(uint256(answer.publishedAt) + answer.maxAge, w.from.goodUntil()));
        }
        _runTo(w, until);
        w.due = _dueEvents(w.from);
        Clock c = w.clock;
        if (good) {
            if (open) c = _take(w, answer);
            if (!c.running() && c.price() != 0) c = c.withRunning(true).withAccruedAt(block.timestamp);
        } else {
            c = c.withRunning(false);
            if (!breakerHalt) c = c.withResetAnchor(true);
        }
        w.clock = c;
    }

    /// @dev The oracle's bounds keep prices below 2^88 and bands below 2^57; the sampler keeps raw variance below 2^72 and its anchor between two prices.
    function _take(Work memory w, PriceAnswer memory answer) private view returns (Clock c) {
        c = w.clock;
        (uint256 price, uint256 oldPrice) = (answer.price, c.price());
        Variance v = w.variance.withBand(answer.band);
        int256 lnS;
        if (c.resetAnchor()) {
            c = c.withResetAnchor(false);
            v = v.withSample(v.raw(), price, block.timestamp);
        } else {
            uint256 elapsed = _weightedTime(v.sampledAt(), block.timestamp);
            if (elapsed >= sampleInterval) (v, lnS) = _sample(w, v, price, oldPrice, elapsed);
        }
        w.variance = v;
        int16 cell = c.cell();
        if (price != oldPrice) {
            if (lnS == 0) lnS = EverlastingMath.lnRatio(price, referencePrice);
            if (!StrikeGrid.surelyIn(cell, lnS)) cell = StrikeGrid.cellOf(price, lnS, referencePrice);
        }
        return c.withPrice(price, answer.publishedAt, answer.maxAge, cell);
    }

    /// @dev `lnS`: ln of the new price against R, give or take a hundred units, if that comes for free: a cell's own tolerance is ten million times wider.
    function _sample(
        Work memory w,
        Variance v,
        uint256 price,
        uint256 oldPrice,
        uint256 elapsed
    ) private view returns (Variance, int256 lnS) {
        (uint256 raw, uint256 anchor) = (v.raw(), v.samplePrice());
        (uint256 newRaw, uint256 newAnchor, int256 logReturn) = VarianceSampler.sample(
            raw,
            minVariance,
            maxVariance,
            anchor,
            price,
            elapsed,
            yearSeconds,
            second
        );
        if (anchor == oldPrice && price != oldPrice && Fixed.abs(logReturn) < WAD) {
            unchecked {
                lnS = _lnS(w);
                // At an end of the range the logarithm is cut off; and far below it, coarse.
                lnS = Fixed.abs(lnS) < uint256(maxLn) ? lnS + logReturn : int256(0);
            }
        }
        return (v.withSample(newRaw, newAnchor, block.timestamp), lnS);
    }

    /// @dev Charges the stored clock's interval up to `until`, if it runs.
    function _runTo(Work memory w, uint256 until) private view {
        Clock c = w.from;
        if (!c.running()) return;
        if (c.retiring()) until = Fixed.min(until, retirement.freezeAt);
        uint256 accruedAt = c.accruedAt();
        if (until <= accruedAt) return;
        // Below 2^63 · 2^85.
        unchecked {
            w.run += _loaded(w.variance.raw()) * _weightedTime(accruedAt, until);
        }
        w.clock = c.withAccruedAt(until);
    }

    /// @dev How many events have fallen due, running or not. Before the first price they wait; after the freeze none counts.
    function _dueEvents(Clock c) private view returns (uint256 due) {
        uint256 next = c.nextEventAt();
        if (next == 0) return 0;
        if (next > block.timestamp || c.price() == 0) return 0;
        uint256 until = c.retiring() ? Fixed.min(block.timestamp, retirement.freezeAt) : block.timestamp;
        uint256 count = pending.length;
        while (due < count && pending[due].at <= until) ++due;
    }

    /// @dev Writes the clock and the variance, and what was pending into the accumulators; flips the strikes that the price has crossed.
    function _store(Work memory w) private {
        (Clock from, Clock c) = (w.from, w.clock);
        if (w.run | w.due != 0) {
            (accumulatorA, accumulatorB) = _accumulators(w);
            if (w.due != 0) c = c.withNextEventAt(_dropEvents(w.due));
            (w.run, w.due) = (0, 0);
        }
        (int16 oldCell, int16 newCell) = (from.cell(), c.cell());
        if (newCell != oldCell) _cross(oldCell, newCell);
        clock = c;
        (w.from, w.clock, w.lnS) = (c, c, 0);
        Variance v = w.variance;
        if (!v.sameAs(w.stored)) {
            variance = v;
            w.stored = v;
        }
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
        // Decades below 2^256: see `UNCROSSED`.
        unchecked {
            grown = stored + Fixed.fullMulDiv(power, w.run, runPerUnit);
            uint256 due = w.due;
            if (due == 0) return grown;
            for (uint256 i; i < due; ++i) grown += Fixed.fullMulDiv(power, pending[i].lump, WAD);
        }
    }

    /// @dev ln of the clock's price against R, cut off at the ends of the range.
    function _lnS(Work memory w) private view returns (int256) {
        return Fixed.clamp(_lnFrom(w), -maxLn, maxLn);
    }

    function _lnFrom(Work memory w) private view returns (int256 lnS) {
        lnS = w.lnS;
        if (lnS != 0) return lnS;
        lnS = EverlastingMath.lnRatio(w.from.price(), referencePrice);
        w.lnS = lnS;
    }

    /// @dev ln of the price now against R.
    function _lnNow(Work memory w) internal view returns (int256) {
        uint256 price = w.clock.price();
        return price == w.from.price() ? _lnFrom(w) : EverlastingMath.lnRatio(price, referencePrice);
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
    /// @dev In units of `1 / second` seconds.
    function _weightedTime(uint256 from, uint256 to) internal view returns (uint256) {
        unchecked {
            return address(calendar) == address(0) ? to - from : calendar.weightedSeconds(from, to); // in order
        }
    }

    function _clamped(uint256 raw) private view returns (uint256) {
        return Fixed.clamp(raw, minVariance, maxVariance);
    }

    function _loaded(uint256 raw) internal view returns (uint256) {
        unchecked {
            return (_clamped(raw) * (WAD + loading)) / WAD; // at most 4e18 · 1.5e18
        }
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
