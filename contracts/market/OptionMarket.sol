// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { SafeCastLib as Cast } from "@solady/src/utils/SafeCastLib.sol";

import { EverlastingMath } from "../math/EverlastingMath.sol";
import { PoolMath } from "../math/PoolMath.sol";
import { StrikeGrid } from "../math/StrikeGrid.sol";
import { StrikeNotional } from "../math/StrikeNotional.sol";
import { VarianceSampler } from "../math/VarianceSampler.sol";
import { IPriceOracle, PriceAnswer, PriceStatus } from "../oracle/IPriceOracle.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";
import { IOptionMarket } from "./IOptionMarket.sol";

/// @title One underlying, one variance budget
contract OptionMarket is IOptionMarket, AccessManaged {
    using StrikeGrid for StrikeGrid.Bitmap;

    uint256 private constant WAD = 1e18;
    uint256 private constant YEAR = 365 days;
    uint256 private constant MAX_EVENTS = 16;
    uint256 private constant EVENT_NOTICE = 48 hours;
    uint256 private constant WIND_DOWN_NOTICE = 3 days;
    /// @dev Opening is allowed within ±20% of the index.
    uint256 private constant OPENING_BAND = 0.2e18;
    /// @dev A and B are at most e^124.5 · 1e18 · Λ, which the bounds keep below this for 20 years with the price at the edge of its range and
    ///      volatility at its maximum throughout; 70 years with the default parameters.
    uint256 private constant UNCROSSED = 1 << 255;
    /// @dev Rent at its highest rate, for margins that must last over a closure.
    uint256 private constant MAX_RENT = 0.6e18;

    /// @dev slot 0: 88 + 40 + 24 + 32 + 16 + 8 + 8 + 8 + 32 = 256. Instants of 32 bits last until 2106.
    struct Clock {
        uint88 price;
        uint40 updatedAt;
        uint24 maxAge;
        uint32 accruedAt;
        int16 cell;
        bool running;
        bool resetAnchor;
        bool retiring;
        uint32 nextEventAt;
    }

    /// @dev 72 + 88 + 32 + 64 = 256. Clipping keeps the raw variance below 25 · 4, the oracle's bounds keep the band below 0.11.
    struct Variance {
        uint72 raw;
        uint88 samplePrice;
        uint32 sampledAt;
        uint64 band;
    }

    /// @dev The state of one operation, in memory: the two packed slots, the accumulators, and what has to be written.
    struct Work {
        Clock clock;
        Variance variance;
        uint256 a;
        uint256 b;
        bool accrued;
        bool sampled;
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
    /// @inheritdoc IOptionMarket
    address public immutable book;
    bytes32 private immutable assetId;
    uint256 private immutable referencePrice;
    uint256 private immutable initialVariance;
    uint256 private immutable varianceBudget;
    uint256 private immutable minVariance;
    uint256 private immutable maxVariance;
    uint256 private immutable loading;
    uint256 private immutable u;
    uint256 private immutable b;
    uint256 private immutable peak;
    int256 private immutable maxLn;
    uint256 private immutable scale;
    uint256 private immutable baseInitialMargin;
    uint256 private immutable baseMaintenanceMargin;
    uint256 private immutable yearSeconds;

    Clock private clock;
    uint256 private accumulatorA;
    uint256 private accumulatorB;
    Variance private variance;
    WindDown private retirement;
    mapping(int16 strike => Strike) private strikes;
    StrikeGrid.Bitmap private live;
    /// @inheritdoc IOptionMarket
    uint256 public liveCount;
    /// @dev Pending, in order of time.
    Event[] private pending;

    modifier onlyBook() {
        if (msg.sender != book) revert OptionMarket_NotBook(msg.sender);
        _;
    }

    /// @param book_ The contract that trades: it alone marks strikes live.
    constructor(
        address authority_,
        IPriceOracle oracle_,
        ISessionCalendar calendar_,
        address book_,
        Config memory config_
    ) AccessManaged(authority_) {
        _bound("referencePrice", config_.referencePrice, 1e12, 1e25);
        _bound("varianceBudget", config_.varianceBudget, 0.0025e18, 1e18);
        _bound("minVariance", config_.minVariance, 0.0001e18, config_.maxVariance);
        _bound("maxVariance", config_.maxVariance, config_.minVariance, 4e18);
        _bound("initialVariance", config_.initialVariance, config_.minVariance, config_.maxVariance);
        _bound("loading", config_.loading, 0, WAD / 2);
        oracle = oracle_;
        calendar = calendar_;
        book = book_;
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
        scale = EverlastingMath.indexScale();
        baseInitialMargin = (0.45e18 * WAD) / u_;
        baseMaintenanceMargin = (0.15e18 * WAD) / u_;
        yearSeconds = address(calendar_) == address(0) ? YEAR * WAD : calendar_.yearSeconds();

        oracle_.read(config_.assetId); // the asset must exist
        clock.resetAnchor = true;
        variance.raw = Cast.toUint72(config_.initialVariance);
    }

    // ── clock ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionMarket
    function refresh() external returns (PriceStatus status, uint40 updatedAt) {
        Work memory w;
        (w, status) = _refresh();
        updatedAt = w.clock.updatedAt;
    }

    /// @inheritdoc IOptionMarket
    function refreshAndValue(
        StrikeNotional[] calldata strikes_,
        bool asks
    ) external returns (PriceStatus status, uint40 updatedAt, BookValue memory value) {
        Work memory w;
        (w, status) = _refresh();
        return (status, w.clock.updatedAt, _valueBook(strikes_, _marking(w, asks)));
    }

    /// @inheritdoc IOptionMarket
    function accrue() external {
        Work memory w = _load();
        uint256 due = _accrueOnly(w);
        _store(w, due);
    }

    /// @inheritdoc IOptionMarket
    function refreshAndQuote(int16 strike, bool isCall, QuoteKind kind) external onlyBook returns (Quote memory) {
        (Work memory w, PriceStatus status) = _refresh();
        return _quote(w, status, strike, isCall, kind);
    }

    /// @inheritdoc IOptionMarket
    function setLive(int16 strike, bool isLive_) external onlyBook {
        Strike storage it = strikes[strike];
        uint256 holders = it.holders;
        it.holders = isLive_ ? holders + 1 : holders - 1;
        if (isLive_ ? holders > 0 : holders > 1) return;
        if (isLive_) {
            if (liveCount == StrikeGrid.MAX_LIVE) revert OptionMarket_TooManyLiveStrikes(StrikeGrid.MAX_LIVE);
            if (strike > clock.cell) it.outA = (accumulatorA + 1) | UNCROSSED;
            else it.outB = (accumulatorB + 1) | UNCROSSED;
            ++liveCount;
        } else {
            (it.outA, it.outB) = (0, 0);
            --liveCount;
        }
        live.toggle(strike);
        emit SetLive(strike, isLive_);
    }

    function _refresh() private returns (Work memory w, PriceStatus status) {
        w = _load();
        int16 oldCell = w.clock.cell;
        bool wasRunning = w.clock.running;
        uint256 due;
        PriceAnswer memory answer = _frozen(w.clock) ? _lastAnswer(w.clock) : oracle.refresh(assetId);
        (status, due) = _advance(w, answer);
        if (w.clock.cell != oldCell) _cross(w, oldCell);
        if (wasRunning && !w.clock.running) emit StopClock(status, answer.breakerHalt);
        _store(w, due);
    }

    /// @dev Charges the interval at the old price, adds the lumps due at the old price, then takes the answer. Writes nothing.
    function _advance(Work memory w, PriceAnswer memory answer) private view returns (PriceStatus status, uint256 due) {
        status = answer.status;
        bool good = status == PriceStatus.Open || status == PriceStatus.Closed;
        if (w.clock.running) {
            uint256 until =
                good || answer.breakerHalt ? block.timestamp : Fixed.min(block.timestamp, uint256(answer.publishedAt) + answer.maxAge);
            _accrueTo(w, until);
        }
        due = _addLumps(w);
        if (!good) {
            w.clock.running = false;
            if (!answer.breakerHalt) w.clock.resetAnchor = true;
            return (status, due);
        }
        if (status == PriceStatus.Open) _take(w, answer);
        if (!w.clock.running && w.clock.price != 0) {
            w.clock.running = true;
            w.clock.accruedAt = uint32(block.timestamp);
        }
    }

    function _take(Work memory w, PriceAnswer memory answer) private view {
        Clock memory c = w.clock;
        Variance memory v = w.variance;
        if (answer.price != c.price) {
            c.price = Cast.toUint88(answer.price);
            c.cell = StrikeGrid.cellOf(answer.price, EverlastingMath.lnRatio(answer.price, referencePrice), referencePrice);
        }
        c.updatedAt = answer.publishedAt;
        c.maxAge = answer.maxAge;
        if (answer.band != v.band) {
            v.band = Cast.toUint64(answer.band);
            w.sampled = true;
        }
        if (c.resetAnchor) {
            c.resetAnchor = false;
            (v.samplePrice, v.sampledAt) = (c.price, uint32(block.timestamp));
            w.sampled = true;
            return;
        }
        uint256 elapsed = _weightedSeconds(v.sampledAt, block.timestamp);
        if (elapsed < VarianceSampler.MIN_INTERVAL) return;
        (uint256 raw, uint256 anchor) = VarianceSampler.sample(v.raw, _clamped(v.raw), v.samplePrice, c.price, elapsed, yearSeconds);
        (v.raw, v.samplePrice, v.sampledAt) = (Cast.toUint72(raw), Cast.toUint88(anchor), uint32(block.timestamp));
        w.sampled = true;
    }

    /// @dev Never past the age of the stored price: what the oracle would say now is unknown.
    function _accrueOnly(Work memory w) private view returns (uint256 due) {
        if (w.clock.running) _accrueTo(w, Fixed.min(block.timestamp, uint256(w.clock.updatedAt) + w.clock.maxAge));
        return _addLumps(w);
    }

    function _accrueTo(Work memory w, uint256 until) private view {
        if (w.clock.retiring) until = Fixed.min(until, retirement.freezeAt);
        if (until <= w.clock.accruedAt) return;
        (uint256 up, uint256 down) = _powers(w.clock.price);
        uint256 run = _loaded(w.variance.raw) * _weightedSeconds(w.clock.accruedAt, until);
        uint256 year = varianceBudget * yearSeconds;
        w.a += Fixed.fullMulDiv(up, run, year);
        w.b += Fixed.fullMulDiv(down, run, year);
        w.clock.accruedAt = uint32(until);
        w.accrued = true;
    }

    /// @dev Adds the lumps that fell due, at the price in `w`, running or not. Before the first price they wait.
    function _addLumps(Work memory w) private view returns (uint256 due) {
        uint256 next = w.clock.nextEventAt;
        if (next == 0 || next > block.timestamp || w.clock.price == 0) return 0;
        uint256 until = w.clock.retiring ? Fixed.min(block.timestamp, retirement.freezeAt) : block.timestamp;
        (uint256 up, uint256 down) = _powers(w.clock.price);
        for (uint256 count = pending.length; due < count && pending[due].at <= until; ++due) {
            uint256 lump = pending[due].lump;
            w.a += Fixed.fullMulDiv(up, lump, WAD);
            w.b += Fixed.fullMulDiv(down, lump, WAD);
        }
        w.accrued = true;
    }

    function _dropEvents(uint256 due) private returns (uint32 nextEventAt) {
        uint256 count = pending.length;
        for (uint256 i; i < due; ++i) emit FallDue(pending[i].at, pending[i].lump);
        for (uint256 i = due; i < count; ++i) pending[i - due] = pending[i];
        for (uint256 i; i < due; ++i) pending.pop();
        return count == due ? 0 : uint32(pending[0].at);
    }

    function _cross(Work memory w, int16 oldCell) private {
        (int16 low, int16 high) = oldCell < w.clock.cell ? (oldCell, w.clock.cell) : (w.clock.cell, oldCell);
        int16[] memory crossed = live.membersBetween(low, high, StrikeGrid.MAX_LIVE);
        for (uint256 i; i < crossed.length; ++i) {
            (uint256 partA, uint256 partB) = _parts(w.a, w.b, oldCell, crossed[i]);
            bool above = crossed[i] > w.clock.cell;
            strikes[crossed[i]].outA = 1 + (above ? w.a - partA : partA);
            strikes[crossed[i]].outB = 1 + (above ? partB : w.b - partB);
        }
    }

    function _load() private view returns (Work memory w) {
        w.clock = clock;
        w.variance = variance;
        w.a = accumulatorA;
        w.b = accumulatorB;
    }

    function _store(Work memory w, uint256 due) private {
        if (due != 0) w.clock.nextEventAt = _dropEvents(due);
        if (w.clock.updatedAt != clock.updatedAt) emit TakePrice(w.clock.price, w.clock.updatedAt, w.clock.cell);
        clock = w.clock;
        if (w.accrued) {
            accumulatorA = w.a;
            accumulatorB = w.b;
        }
        if (w.sampled) {
            if (w.variance.raw != variance.raw) emit SampleVariance(w.variance.raw, w.variance.samplePrice);
            variance = w.variance;
        }
    }

    // ── values ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function _quote(Work memory w, PriceStatus status, int16 strike, bool isCall, QuoteKind kind) private view returns (Quote memory q) {
        if (status != PriceStatus.Open) revert OptionMarket_NotOpen(status);
        _checkGrid(strike);
        q.price = w.clock.price;
        q.strikePrice = StrikeGrid.strikePrice(referencePrice, strike);
        q.fundingIndex = _fundingIndex(w, clock.cell, strike);
        if (kind == QuoteKind.Ask) _checkOpening(w.clock, q.strikePrice, strike);
        if (kind == QuoteKind.Mark) {
            q.value = EverlastingMath.value(q.price, q.strikePrice, isCall, u, b);
        } else {
            (uint256 low, uint256 high) = _band(w);
            bool ask = kind == QuoteKind.Ask;
            q.value = _bandValue(isCall == ask ? high : low, q.strikePrice, isCall, ask);
        }
        (q.initialMargin, q.maintenanceMargin) = _marginRates(w);
    }

    /// @dev A call is dearest and a put cheapest at the upper end of the band.
    function _band(Work memory w) private pure returns (uint256 low, uint256 high) {
        unchecked {
            (uint256 price, uint256 band) = (w.clock.price, w.variance.band);
            low = (price * (WAD - band)) / WAD;
            high = (price * (WAD + band) + WAD - 1) / WAD;
        }
    }

    function _bandValue(uint256 price, uint256 strikePrice_, bool isCall, bool ask) private view returns (uint256 value) {
        value = EverlastingMath.value(price, strikePrice_, isCall, u, b);
        uint256 spread = EverlastingMath.spread(value, peak);
        unchecked {
            value = ask ? value + spread : value - spread; // the spread is at most 1% of the value, or 1
        }
    }

    function _checkOpening(Clock memory c, uint256 strikePrice_, int16 strike) private view {
        if (c.retiring) revert OptionMarket_WindingDown(retirement.freezeAt);
        uint256 price = c.price;
        int256 lnS = EverlastingMath.lnRatio(price, referencePrice);
        if (Fixed.max(Fixed.abs(StrikeGrid.lnStrike(strike)), Fixed.abs(lnS)) > uint256(maxLn)) {
            revert OptionMarket_OutOfRange(price, strikePrice_);
        }
        uint256 width = OPENING_BAND;
        // Storage's own flag: events that fell due in this very call no longer count.
        if (clock.nextEventAt != 0) {
            for (uint256 i; i < pending.length && pending[i].at <= block.timestamp + EVENT_NOTICE; ++i) {
                if (pending[i].at > block.timestamp) width = Fixed.min(width, pending[i].move);
            }
        }
        uint256 lowest = (price * (WAD - width)) / WAD;
        uint256 highest = (price * (WAD + width) + WAD - 1) / WAD;
        if (strikePrice_ < lowest || strikePrice_ > highest) revert OptionMarket_StrikeOutOfBand(strikePrice_, lowest, highest);
    }

    /// @dev A_K and B_K. Both 0 for a strike that is not live: a first position settles from there.
    /// @param cell The stored cell, which the snapshots follow.
    function _parts(uint256 a, uint256 b_, int16 cell, int16 strike) private view returns (uint256 partA, uint256 partB) {
        Strike storage it = strikes[strike];
        bool above = strike > cell;
        uint256 growing = above ? it.outA : it.outB;
        if (growing == 0) return (0, 0);
        uint256 gathered; // on the side that does not grow
        if (growing & UNCROSSED != 0) growing ^= UNCROSSED;
        else gathered = (above ? it.outB : it.outA) - 1;
        (partA, partB) = above ? (a + 1 - growing, gathered) : (gathered, b_ + 1 - growing);
    }

    function _fundingIndex(Work memory w, int16 cell, int16 strike) private view returns (uint256) {
        (uint256 partA, uint256 partB) = _parts(w.a, w.b, cell, strike);
        return (EverlastingMath.fundingIndex(partA, partB, StrikeGrid.lnStrike(strike), b, scale) * WAD) / u;
    }

    /// @dev Stock margins must also last until the open after the next close, when nothing can be sold.
    function _marginRates(Work memory w) private view returns (uint256 initial, uint256 maintenance) {
        (initial, maintenance) = (baseInitialMargin, baseMaintenanceMargin);
        if (address(calendar) == address(0) || _frozen(w.clock)) return (initial, maintenance);
        uint256 reopening = calendar.nextOpenAfterClose(block.timestamp);
        uint256 clockRun = Fixed.fullMulDiv(
            _loaded(w.variance.raw) * _weightedSeconds(w.clock.accruedAt, reopening),
            WAD,
            varianceBudget * yearSeconds
        );
        for (uint256 i; i < pending.length && pending[i].at <= reopening; ++i) {
            if (pending[i].at > block.timestamp) clockRun += pending[i].lump;
        }
        uint256 due = Fixed.mulDivUp(clockRun, WAD, u) + Fixed.mulDivUp(MAX_RENT, reopening - block.timestamp, YEAR);
        (initial, maintenance) = (Fixed.max(initial, due), Fixed.max(maintenance, due));
    }

    function _weightedSeconds(uint256 from, uint256 to) private view returns (uint256) {
        return address(calendar) == address(0) ? (to - from) * WAD : calendar.weightedSeconds(from, to);
    }

    function _powers(uint256 price) private view returns (uint256 up, uint256 down) {
        return EverlastingMath.powers(Fixed.clamp(EverlastingMath.lnRatio(price, referencePrice), -maxLn, maxLn), b);
    }

    function _clamped(uint256 raw) private view returns (uint256) {
        return Fixed.clamp(raw, minVariance, maxVariance);
    }

    function _loaded(uint256 raw) private view returns (uint256) {
        return (_clamped(raw) * (WAD + loading)) / WAD;
    }

    function _frozen(Clock memory c) private view returns (bool) {
        return c.retiring && retirement.freezeAt <= block.timestamp;
    }

    /// @dev What a frozen market gets in place of an answer: the clock runs as far as the last price carries, and stops for good.
    function _lastAnswer(Clock memory c) private pure returns (PriceAnswer memory answer) {
        answer.status = PriceStatus.Halted;
        answer.publishedAt = c.updatedAt;
        answer.maxAge = c.maxAge;
    }

    function _checkGrid(int16 strike) private pure {
        if (strike > StrikeGrid.LIMIT || strike < -StrikeGrid.LIMIT) revert OptionMarket_StrikeOutOfGrid(strike, StrikeGrid.LIMIT);
    }

    function _bound(bytes32 parameter, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert OptionMarket_OutOfBounds(parameter, value, min, max);
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
        clock.nextEventAt = uint32(pending[0].at);
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
        clock.nextEventAt = pending.length == 0 ? 0 : uint32(pending[0].at);
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
        clock.retiring = true;
        emit AnnounceWindDown(finalPrice, freezeAt);
    }

    /// @inheritdoc IOptionMarket
    function cancelWindDown() external restricted {
        if (_frozen(clock)) revert OptionMarket_Frozen(retirement.freezeAt);
        delete retirement;
        clock.retiring = false;
        emit CancelWindDown();
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionMarket
    function peek() external view returns (State memory, PriceStatus) {
        (Work memory w, PriceStatus status) = _peek();
        return (_stateOf(w), status);
    }

    /// @inheritdoc IOptionMarket
    function quote(int16 strike, bool isCall, QuoteKind kind) external view returns (Quote memory) {
        (Work memory w, PriceStatus status) = _peek();
        return _quote(w, status, strike, isCall, kind);
    }

    /// @inheritdoc IOptionMarket
    function fundingAndMargin(int16 strike) external view returns (uint256 fundingIndex, uint256 initialMargin, uint256 maintenanceMargin) {
        Work memory w = _load();
        _accrueOnly(w);
        fundingIndex = _fundingIndex(w, w.clock.cell, strike);
        (initialMargin, maintenanceMargin) = _marginRates(w);
    }

    /// @inheritdoc IOptionMarket
    function valueBook(StrikeNotional[] calldata strikes_, bool asks) external view returns (BookValue memory) {
        return _valueBook(strikes_, _storedMarking(asks));
    }

    function _valueBook(StrikeNotional[] calldata strikes_, Marking memory m) private view returns (BookValue memory total) {
        (uint256 a, uint256 b_, int16 cell) = (m.work.a, m.work.b, m.work.clock.cell);
        // Notional is below 2^113 and a layer at most 1e18; N · F stays below the book's own sums, which are checked.
        unchecked {
            for (uint256 i; i < strikes_.length; ++i) {
                (int16 strike, uint256 calls, uint256 puts) = strikes_[i].unpack();
                uint256 strikePrice_ = StrikeGrid.strikePrice(referencePrice, strike);
                (uint256 partA, uint256 partB) = _parts(a, b_, cell, strike);
                uint256 funding = (EverlastingMath.fundingIndex(partA, partB, StrikeGrid.lnStrike(strike), b, scale) * WAD) / u;
                total.notional += calls + puts;
                total.funding += (calls + puts) * funding;
                if (calls != 0) _addValue(total, calls, _markValue(m, strikePrice_, true));
                if (puts != 0) _addValue(total, puts, _markValue(m, strikePrice_, false));
            }
        }
    }

    function _addValue(BookValue memory total, uint256 notional, uint256 value) private pure {
        (uint256 main, uint256 insurance) = PoolMath.layers(value);
        unchecked {
            total.main += notional * main;
            if (insurance != 0) total.insurance += notional * insurance;
        }
    }

    /// @inheritdoc IOptionMarket
    function marks(int16[] calldata strikes_, bool asks) external view returns (Mark[] memory values) {
        Marking memory m = _storedMarking(asks);
        values = new Mark[](strikes_.length);
        for (uint256 i; i < values.length; ++i) {
            uint256 strikePrice_ = StrikeGrid.strikePrice(referencePrice, strikes_[i]);
            values[i] = Mark({
                fundingIndex: _fundingIndex(m.work, m.work.clock.cell, strikes_[i]),
                call: _markValue(m, strikePrice_, true),
                put: _markValue(m, strikePrice_, false)
            });
        }
    }

    /// @dev Calls are marked at one end of the band and puts at the other; a frozen market has no band.
    struct Marking {
        Work work;
        uint256 forCalls;
        uint256 forPuts;
        bool asks;
        bool frozen;
    }

    function _storedMarking(bool asks) private view returns (Marking memory) {
        Work memory w = _load();
        _accrueOnly(w);
        return _marking(w, asks);
    }

    function _marking(Work memory w, bool asks) private view returns (Marking memory m) {
        m.work = w;
        m.asks = asks;
        m.frozen = _frozen(m.work.clock);
        (uint256 low, uint256 high) = _band(m.work);
        if (m.frozen) low = high = retirement.finalPrice;
        (m.forCalls, m.forPuts) = asks ? (high, low) : (low, high);
    }

    function _markValue(Marking memory m, uint256 strikePrice_, bool isCall) private view returns (uint256) {
        uint256 price = isCall ? m.forCalls : m.forPuts;
        return m.frozen ? EverlastingMath.intrinsic(price, strikePrice_, isCall) : _bandValue(price, strikePrice_, isCall, m.asks);
    }

    /// @inheritdoc IOptionMarket
    function frozenPayoff(int16 strike, bool isCall) external view returns (uint256 payoff, uint256 fundingIndex) {
        if (!_frozen(clock)) revert OptionMarket_NotFrozen();
        Work memory w = _load();
        _accrueOnly(w);
        fundingIndex = _fundingIndex(w, w.clock.cell, strike);
        payoff = EverlastingMath.intrinsic(retirement.finalPrice, StrikeGrid.strikePrice(referencePrice, strike), isCall);
    }

    function _peek() private view returns (Work memory w, PriceStatus status) {
        w = _load();
        (status, ) = _advance(w, _frozen(w.clock) ? _lastAnswer(w.clock) : oracle.read(assetId));
    }

    function _stateOf(Work memory w) private pure returns (State memory) {
        (Clock memory c, Variance memory v) = (w.clock, w.variance);
        return
            State({
                price: c.price,
                updatedAt: c.updatedAt,
                maxAge: c.maxAge,
                accruedAt: c.accruedAt,
                cell: c.cell,
                running: c.running,
                resetAnchor: c.resetAnchor,
                a: w.a,
                b: w.b,
                variance: v.raw,
                samplePrice: v.samplePrice,
                sampledAt: v.sampledAt,
                band: v.band
            });
    }

    /// @inheritdoc IOptionMarket
    function phase() external view returns (Phase) {
        return
            !clock.retiring
                ? Phase.Active
                : _frozen(clock)
                    ? Phase.Frozen
                    : Phase.WindingDown;
    }

    /// @inheritdoc IOptionMarket
    function state() external view returns (State memory) {
        return _stateOf(_load());
    }

    /// @inheritdoc IOptionMarket
    function strikePrice(int16 strike) external view returns (uint256) {
        _checkGrid(strike);
        return StrikeGrid.strikePrice(referencePrice, strike);
    }

    /// @inheritdoc IOptionMarket
    function isLive(int16 strike) external view returns (bool) {
        _checkGrid(strike);
        return live.contains(strike);
    }

    /// @inheritdoc IOptionMarket
    function events() external view returns (Event[] memory) {
        return pending;
    }

    /// @inheritdoc IOptionMarket
    function windDown() external view returns (uint256 finalPrice, uint40 freezeAt) {
        return (retirement.finalPrice, retirement.freezeAt);
    }

    /// @inheritdoc IOptionMarket
    function config() external view returns (Config memory) {
        return Config(assetId, referencePrice, varianceBudget, initialVariance, minVariance, maxVariance, loading);
    }

    /// @inheritdoc IOptionMarket
    function constants() external view returns (Constants memory) {
        return Constants(u, b, peak, uint256(maxLn), scale, baseInitialMargin, baseMaintenanceMargin);
    }
}
