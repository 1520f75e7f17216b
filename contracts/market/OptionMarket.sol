// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { SafeCastLib as Cast } from "@solady/src/utils/SafeCastLib.sol";

import { EverlastingMath } from "../math/EverlastingMath.sol";
import { StrikeGrid } from "../math/StrikeGrid.sol";
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

    /// @dev 80 + 88 + 32 + 56 = 256.
    struct Variance {
        uint80 raw;
        uint88 samplePrice;
        uint32 sampledAt;
        uint56 band;
    }

    /// @dev What A and B had gathered on the other side of the strike, and how many pools hold it.
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
        _bound("maxVariance", config_.maxVariance, config_.minVariance, 9e18);
        _bound("initialVariance", config_.initialVariance, config_.minVariance, config_.maxVariance);
        _bound("loading", config_.loading, 0, WAD);
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
        variance.raw = Cast.toUint80(config_.initialVariance);
    }

    // ── clock ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionMarket
    function refresh() external returns (PriceStatus status, uint40 updatedAt) {
        State memory s;
        (s, status) = _refresh();
        updatedAt = s.updatedAt;
    }

    /// @inheritdoc IOptionMarket
    function accrue() external {
        State memory s = _load();
        uint256 due = _accrueOnly(s);
        _store(s, due, PriceStatus.Stale);
    }

    /// @inheritdoc IOptionMarket
    function refreshAndQuote(int16 strike, bool isCall, QuoteKind kind) external onlyBook returns (Quote memory) {
        (State memory s, PriceStatus status) = _refresh();
        return _quote(s, status, strike, isCall, kind);
    }

    /// @inheritdoc IOptionMarket
    function setLive(int16 strike, bool isLive_) external onlyBook {
        Strike storage it = strikes[strike];
        uint256 holders = it.holders;
        it.holders = isLive_ ? holders + 1 : holders - 1;
        if (isLive_ ? holders > 0 : holders > 1) return;
        if (isLive_) {
            if (liveCount == StrikeGrid.MAX_LIVE) revert OptionMarket_TooManyLiveStrikes(StrikeGrid.MAX_LIVE);
            bool above = strike > clock.cell;
            it.outA = above ? accumulatorA : 0;
            it.outB = above ? 0 : accumulatorB;
            ++liveCount;
        } else {
            --liveCount;
        }
        live.toggle(strike);
        emit SetLive(strike, isLive_);
    }

    function _refresh() private returns (State memory s, PriceStatus status) {
        s = _load();
        int16 oldCell = s.cell;
        uint256 due;
        (status, due) = _advance(s, _frozen() ? _lastAnswer(s) : oracle.refresh(assetId));
        if (s.cell != oldCell) _cross(s, oldCell);
        _store(s, due, status);
    }

    /// @dev Charges the interval at the old price, adds the lumps due at the old price, then takes the answer. Writes nothing.
    function _advance(State memory s, PriceAnswer memory answer) private view returns (PriceStatus status, uint256 due) {
        status = answer.status;
        bool good = status == PriceStatus.Open || status == PriceStatus.Closed;
        if (s.running) {
            uint256 until = good || answer.breakerHalt
                ? block.timestamp
                : Fixed.min(block.timestamp, uint256(answer.publishedAt) + answer.maxAge);
            _accrueTo(s, until);
        }
        due = _addLumps(s);
        if (!good) {
            s.running = false;
            if (!answer.breakerHalt) s.resetAnchor = true;
            return (status, due);
        }
        if (status == PriceStatus.Open) _take(s, answer);
        if (!s.running && s.price != 0) {
            s.running = true;
            s.accruedAt = uint40(block.timestamp);
        }
    }

    function _take(State memory s, PriceAnswer memory answer) private view {
        s.price = answer.price;
        s.updatedAt = answer.publishedAt;
        s.maxAge = answer.maxAge;
        s.band = answer.band;
        s.cell = StrikeGrid.cellOf(answer.price, EverlastingMath.lnRatio(answer.price, referencePrice), referencePrice);
        if (s.resetAnchor) {
            s.resetAnchor = false;
            s.samplePrice = answer.price;
            s.sampledAt = uint40(block.timestamp);
            return;
        }
        uint256 elapsed = _weightedSeconds(s.sampledAt, block.timestamp);
        if (elapsed < VarianceSampler.MIN_INTERVAL) return;
        (s.variance, s.samplePrice) = VarianceSampler.sample(
            s.variance,
            _clamped(s.variance),
            s.samplePrice,
            answer.price,
            elapsed,
            yearSeconds
        );
        s.sampledAt = uint40(block.timestamp);
    }

    /// @dev Never past the age of the stored price: what the oracle would say now is unknown.
    function _accrueOnly(State memory s) private view returns (uint256 due) {
        if (s.running) _accrueTo(s, Fixed.min(block.timestamp, uint256(s.updatedAt) + s.maxAge));
        return _addLumps(s);
    }

    function _accrueTo(State memory s, uint256 until) private view {
        if (clock.retiring) until = Fixed.min(until, retirement.freezeAt);
        if (until <= s.accruedAt) return;
        (uint256 up, uint256 down) = _powers(s.price);
        uint256 run = _loaded(s.variance) * _weightedSeconds(s.accruedAt, until);
        uint256 year = varianceBudget * yearSeconds;
        s.a += Fixed.fullMulDiv(up, run, year);
        s.b += Fixed.fullMulDiv(down, run, year);
        s.accruedAt = uint40(until);
    }

    /// @dev Adds the lumps that fell due, at the price in `s`, running or not. Before the first price they wait.
    function _addLumps(State memory s) private view returns (uint256 due) {
        uint256 next = clock.nextEventAt;
        if (next == 0 || next > block.timestamp || s.price == 0) return 0;
        uint256 until = clock.retiring ? Fixed.min(block.timestamp, retirement.freezeAt) : block.timestamp;
        (uint256 up, uint256 down) = _powers(s.price);
        for (uint256 count = pending.length; due < count && pending[due].at <= until; ++due) {
            uint256 lump = pending[due].lump;
            s.a += Fixed.fullMulDiv(up, lump, WAD);
            s.b += Fixed.fullMulDiv(down, lump, WAD);
        }
    }

    function _dropEvents(uint256 due) private returns (uint32 nextEventAt) {
        uint256 count = pending.length;
        for (uint256 i; i < due; ++i) emit FallDue(pending[i].at, pending[i].lump);
        for (uint256 i = due; i < count; ++i) pending[i - due] = pending[i];
        for (uint256 i; i < due; ++i) pending.pop();
        return count == due ? 0 : uint32(pending[0].at);
    }

    function _cross(State memory s, int16 oldCell) private {
        (int16 low, int16 high) = oldCell < s.cell ? (oldCell, s.cell) : (s.cell, oldCell);
        int16[] memory crossed = live.membersBetween(low, high, StrikeGrid.MAX_LIVE);
        for (uint256 i; i < crossed.length; ++i) {
            Strike storage it = strikes[crossed[i]];
            it.outA = s.a - it.outA;
            it.outB = s.b - it.outB;
        }
    }

    function _load() private view returns (State memory s) {
        Clock memory c = clock;
        Variance memory v = variance;
        s.price = c.price;
        s.updatedAt = c.updatedAt;
        s.maxAge = c.maxAge;
        s.accruedAt = c.accruedAt;
        s.cell = c.cell;
        s.running = c.running;
        s.resetAnchor = c.resetAnchor;
        s.a = accumulatorA;
        s.b = accumulatorB;
        s.variance = v.raw;
        s.samplePrice = v.samplePrice;
        s.sampledAt = v.sampledAt;
        s.band = v.band;
    }

    function _store(State memory s, uint256 due, PriceStatus status) private {
        Clock memory c = clock;
        if (s.price != c.price || s.updatedAt != c.updatedAt) emit TakePrice(s.price, s.updatedAt, s.cell);
        if (c.running && !s.running) emit StopClock(status, !s.resetAnchor);
        clock = Clock({
            price: Cast.toUint88(s.price),
            updatedAt: s.updatedAt,
            maxAge: s.maxAge,
            accruedAt: Cast.toUint32(s.accruedAt),
            cell: s.cell,
            running: s.running,
            resetAnchor: s.resetAnchor,
            retiring: c.retiring,
            nextEventAt: due == 0 ? c.nextEventAt : _dropEvents(due)
        });
        if (s.a != accumulatorA) {
            accumulatorA = s.a;
            accumulatorB = s.b;
            emit Accrue(s.a, s.b, s.accruedAt);
        }
        Variance memory v = variance;
        if (s.sampledAt != v.sampledAt || s.band != v.band) {
            if (s.variance != v.raw) emit SampleVariance(s.variance, s.samplePrice);
            variance = Variance({
                raw: Cast.toUint80(s.variance),
                samplePrice: Cast.toUint88(s.samplePrice),
                sampledAt: Cast.toUint32(s.sampledAt),
                band: Cast.toUint56(s.band)
            });
        }
    }

    // ── values ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function _quote(State memory s, PriceStatus status, int16 strike, bool isCall, QuoteKind kind) private view returns (Quote memory q) {
        if (status != PriceStatus.Open) revert OptionMarket_NotOpen(status);
        _checkGrid(strike);
        q.price = s.price;
        q.strikePrice = StrikeGrid.strikePrice(referencePrice, strike);
        q.fundingIndex = _fundingIndex(s, strike);
        if (kind == QuoteKind.Ask) _checkOpening(q.price, q.strikePrice, strike);
        q.value = kind == QuoteKind.Mark
            ? EverlastingMath.value(q.price, q.strikePrice, isCall, u, b)
            : _bandValue(s, q.strikePrice, isCall, kind == QuoteKind.Ask);
        (q.initialMargin, q.maintenanceMargin) = _marginRates(s);
    }

    /// @dev A call is dearest and a put cheapest at the upper end of the band.
    function _bandValue(State memory s, uint256 strikePrice_, bool isCall, bool ask) private view returns (uint256) {
        uint256 price = isCall == ask
            ? Fixed.mulDivUp(s.price, WAD + s.band, WAD)
            : Fixed.mulDiv(s.price, WAD - s.band, WAD);
        uint256 value = EverlastingMath.value(price, strikePrice_, isCall, u, b);
        uint256 spread = EverlastingMath.spread(value, peak);
        return ask ? value + spread : value - spread;
    }

    function _checkOpening(uint256 price, uint256 strikePrice_, int16 strike) private view {
        if (clock.retiring) revert OptionMarket_WindingDown(retirement.freezeAt);
        int256 lnS = EverlastingMath.lnRatio(price, referencePrice);
        if (Fixed.max(Fixed.abs(StrikeGrid.lnStrike(strike)), Fixed.abs(lnS)) > uint256(maxLn)) {
            revert OptionMarket_OutOfRange(price, strikePrice_);
        }
        uint256 width = OPENING_BAND;
        if (clock.nextEventAt != 0) {
            for (uint256 i; i < pending.length && pending[i].at <= block.timestamp + EVENT_NOTICE; ++i) {
                width = Fixed.min(width, pending[i].move);
            }
        }
        uint256 lowest = (price * (WAD - width)) / WAD;
        uint256 highest = Fixed.mulDivUp(price, WAD + width, WAD);
        if (strikePrice_ < lowest || strikePrice_ > highest) revert OptionMarket_StrikeOutOfBand(strikePrice_, lowest, highest);
    }

    function _fundingIndex(State memory s, int16 strike) private view returns (uint256) {
        Strike storage it = strikes[strike];
        (uint256 outA, uint256 outB) = (it.outA, it.outB);
        // The stored cell, not the one in `s`: crossing changes neither part, and the snapshots follow storage.
        bool above = strike > clock.cell;
        (uint256 kA, uint256 kB) = EverlastingMath.strikePowers(StrikeGrid.lnStrike(strike), b);
        uint256 partA = Fixed.fullMulDiv(above ? s.a - outA : outA, kA, scale);
        uint256 partB = Fixed.fullMulDiv(above ? outB : s.b - outB, kB, scale);
        return ((partA + partB) * WAD) / u;
    }

    /// @dev Stock margins must also last until the open after the next close, when nothing can be sold.
    function _marginRates(State memory s) private view returns (uint256 initial, uint256 maintenance) {
        (initial, maintenance) = (baseInitialMargin, baseMaintenanceMargin);
        if (address(calendar) == address(0) || _frozen()) return (initial, maintenance);
        uint256 reopening = calendar.nextOpenAfterClose(block.timestamp);
        uint256 clockRun = Fixed.fullMulDiv(
            _loaded(s.variance) * _weightedSeconds(s.accruedAt, reopening),
            WAD,
            varianceBudget * yearSeconds
        );
        for (uint256 i; i < pending.length && pending[i].at <= reopening; ++i) clockRun += pending[i].lump;
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

    function _frozen() private view returns (bool) {
        return clock.retiring && retirement.freezeAt <= block.timestamp;
    }

    /// @dev What a frozen market gets in place of an answer: the clock runs as far as the last price carries, and stops for good.
    function _lastAnswer(State memory s) private pure returns (PriceAnswer memory answer) {
        answer.status = PriceStatus.Halted;
        answer.publishedAt = s.updatedAt;
        answer.maxAge = s.maxAge;
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
        if (_frozen()) revert OptionMarket_Frozen(retirement.freezeAt);
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
        if (_frozen()) revert OptionMarket_Frozen(retirement.freezeAt);
        delete retirement;
        clock.retiring = false;
        emit CancelWindDown();
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionMarket
    function peek() public view returns (State memory s, PriceStatus status) {
        s = _load();
        (status, ) = _advance(s, _frozen() ? _lastAnswer(s) : oracle.read(assetId));
    }

    /// @inheritdoc IOptionMarket
    function quote(int16 strike, bool isCall, QuoteKind kind) external view returns (Quote memory) {
        (State memory s, PriceStatus status) = peek();
        return _quote(s, status, strike, isCall, kind);
    }

    /// @inheritdoc IOptionMarket
    function fundingAndMargin(int16 strike) external view returns (uint256 fundingIndex, uint256 initialMargin, uint256 maintenanceMargin) {
        State memory s = _load();
        _accrueOnly(s);
        fundingIndex = _fundingIndex(s, strike);
        (initialMargin, maintenanceMargin) = _marginRates(s);
    }

    /// @inheritdoc IOptionMarket
    function marks(int16[] calldata strikes_, bool asks) external view returns (Mark[] memory values) {
        State memory s = _load();
        _accrueOnly(s);
        bool frozen = _frozen();
        uint256 finalPrice = retirement.finalPrice;
        values = new Mark[](strikes_.length);
        for (uint256 i; i < values.length; ++i) {
            uint256 strikePrice_ = StrikeGrid.strikePrice(referencePrice, strikes_[i]);
            values[i] = Mark({
                fundingIndex: _fundingIndex(s, strikes_[i]),
                call: frozen ? EverlastingMath.intrinsic(finalPrice, strikePrice_, true) : _bandValue(s, strikePrice_, true, asks),
                put: frozen ? EverlastingMath.intrinsic(finalPrice, strikePrice_, false) : _bandValue(s, strikePrice_, false, asks)
            });
        }
    }

    /// @inheritdoc IOptionMarket
    function frozenPayoff(int16 strike, bool isCall) external view returns (uint256 payoff, uint256 fundingIndex) {
        if (!_frozen()) revert OptionMarket_NotFrozen();
        State memory s = _load();
        _accrueOnly(s);
        fundingIndex = _fundingIndex(s, strike);
        payoff = EverlastingMath.intrinsic(retirement.finalPrice, StrikeGrid.strikePrice(referencePrice, strike), isCall);
    }

    /// @inheritdoc IOptionMarket
    function phase() external view returns (Phase) {
        return !clock.retiring ? Phase.Active : _frozen() ? Phase.Frozen : Phase.WindingDown;
    }

    /// @inheritdoc IOptionMarket
    function state() external view returns (State memory) {
        return _load();
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
