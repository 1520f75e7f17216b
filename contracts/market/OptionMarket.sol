// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";

import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";
import { EverlastingMath } from "../math/EverlastingMath.sol";
import { PoolMath } from "../math/PoolMath.sol";
import { StrikeGrid } from "../math/StrikeGrid.sol";
import { StrikeNotional } from "../math/StrikeNotional.sol";
import { IPriceOracle, PriceStatus } from "../oracle/IPriceOracle.sol";
import { Clock, Variance } from "./ClockWord.sol";
import { IOptionMarket } from "./IOptionMarket.sol";
import { MarketClock } from "./MarketClock.sol";

/// @title One underlying, one variance budget: what its options are worth
contract OptionMarket is MarketClock {
    using StrikeGrid for StrikeGrid.Bitmap;

    /// @dev Opening is allowed within ±20% of the index.
    uint256 private constant OPENING_BAND = 0.2e18;
    /// @dev Rent at its highest rate, for margins that must last over a closure.
    uint256 private constant MAX_RENT = 0.6e18;
    /// @dev What the oracle's band holds on top of deviation and confidence, and what the tight band holds in place of both it and the deviation.
    uint256 private constant BAND_MARGIN = 0.001e18;
    uint256 private constant TIGHT_MARGIN = 0.0005e18;

    /// @inheritdoc IOptionMarket
    address public immutable book;
    uint256 private immutable baseInitialMargin;
    uint256 private immutable baseMaintenanceMargin;

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
    ) AccessManaged(authority_) MarketClock(oracle_, calendar_, config_) {
        book = book_;
        baseInitialMargin = (0.45e18 * WAD) / u;
        baseMaintenanceMargin = (0.15e18 * WAD) / u;
    }

    // ── operations ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionMarket
    function poke() external returns (PriceStatus status, uint40 updatedAt) {
        (Work memory w, PriceStatus found) = _poke();
        return (found, uint40(w.clock.updatedAt()));
    }

    /// @inheritdoc IOptionMarket
    function pokeAndValue(
        bool asks,
        StrikeNotional[] calldata strikes_
    ) external returns (PriceStatus status, uint40 updatedAt, BookValue memory value) {
        (Work memory w, PriceStatus found) = _poke();
        return (found, uint40(w.clock.updatedAt()), _valueBook(strikes_, w, asks));
    }

    /// @inheritdoc IOptionMarket
    function pokeAndQuote(QuoteKind kind, int16 strike, bool isCall) external onlyBook returns (Quote memory) {
        (Work memory w, PriceStatus status) = _poke();
        return _quote(w, status, strike, isCall, kind);
    }

    /// @inheritdoc IOptionMarket
    function setLive(int16 strike, bool isLive_) external onlyBook {
        _setLive(strike, isLive_);
    }

    // ── quotes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function _quote(Work memory w, PriceStatus status, int16 strike, bool isCall, QuoteKind kind) private view returns (Quote memory q) {
        if (status != PriceStatus.Open) revert OptionMarket_NotOpen(status);
        _checkGrid(strike);
        uint256 price = w.clock.price();
        uint256 strikePrice_ = StrikeGrid.strikePrice(referencePrice, strike);
        bool ask = kind == QuoteKind.Ask || kind == QuoteKind.TightAsk;
        if (ask) _checkOpening(w, strikePrice_, strike);
        (q.price, q.updatedAt) = (price, w.clock.updatedAt());
        q.strikePrice = strikePrice_;
        q.fundingIndex = _fundingIndex(w, strike);
        if (kind == QuoteKind.Mark) {
            q.value = EverlastingMath.value(price, strikePrice_, isCall, u, b);
        } else {
            uint256 band = w.variance.band();
            if (kind == QuoteKind.TightAsk || kind == QuoteKind.TightBid) band = _tightened(band);
            q.value = _bandValue(_bandEnd(price, band, isCall == ask), strikePrice_, isCall, ask);
        }
        (q.initialMargin, q.maintenanceMargin) = _marginRates(w);
    }

    /// @dev A call is dearest and a put cheapest at the upper end of the band.
    function _bandEnd(uint256 price, uint256 band, bool upper) private pure returns (uint256) {
        unchecked {
            return upper ? (price * (WAD + band) + WAD - 1) / WAD : (price * (WAD - band)) / WAD;
        }
    }

    /// @dev The feed's own confidence stays; what allows for its lag goes. Should the asset's settings have changed since the last print, the wider holds.
    function _tightened(uint256 band) private view returns (uint256) {
        uint256 allowance = oracle.deviationOf(assetId) + BAND_MARGIN;
        return band < allowance ? band : band - allowance + TIGHT_MARGIN;
    }

    function _bandValue(uint256 price, uint256 strikePrice_, bool isCall, bool ask) private view returns (uint256 value) {
        value = EverlastingMath.value(price, strikePrice_, isCall, u, b);
        uint256 spread = EverlastingMath.spread(value, peak);
        unchecked {
            value = ask ? value + spread : value - spread; // the spread is at most 1% of the value, or 1
        }
    }

    function _checkOpening(Work memory w, uint256 strikePrice_, int16 strike) private view {
        Clock c = w.clock;
        if (c.retiring()) revert OptionMarket_WindingDown(retirement.freezeAt);
        uint256 price = c.price();
        if (Fixed.max(Fixed.abs(StrikeGrid.lnStrike(strike)), Fixed.abs(_lnNow(w))) > uint256(maxLn)) {
            revert OptionMarket_OutOfRange(price, strikePrice_);
        }
        uint256 width = OPENING_BAND;
        if (c.nextEventAt() != 0) {
            // Events that have fallen due no longer count.
            for (uint256 i; i < pending.length && pending[i].at <= block.timestamp + EVENT_NOTICE; ++i) {
                if (pending[i].at > block.timestamp) width = Fixed.min(width, pending[i].move);
            }
        }
        uint256 lowest = (price * (WAD - width)) / WAD;
        uint256 highest = (price * (WAD + width) + WAD - 1) / WAD;
        if (strikePrice_ < lowest || strikePrice_ > highest) revert OptionMarket_StrikeOutOfBand(strikePrice_, lowest, highest);
    }

    function _fundingIndex(Work memory w, int16 strike) private view returns (uint256) {
        (uint256 partA, uint256 partB) = _parts(w, strike);
        return _indexOf(partA, partB, strike);
    }

    function _indexOf(uint256 partA, uint256 partB, int16 strike) private view returns (uint256) {
        unchecked {
            return (EverlastingMath.fundingIndex(partA, partB, StrikeGrid.lnStrike(strike), b) * WAD) / u;
        }
    }

    /// @dev Stock margins must also last until the open after the next close, when nothing can be sold.
    function _marginRates(Work memory w) private view returns (uint256 initial, uint256 maintenance) {
        (initial, maintenance) = (baseInitialMargin, baseMaintenanceMargin);
        if (address(calendar) == address(0) || _frozen(w.clock)) return (initial, maintenance);
        uint256 reopening = calendar.nextOpenAfterClose(block.timestamp);
        uint256 clockRun = Fixed.fullMulDiv(
            _loaded(w.variance.raw()) * _weightedTime(w.clock.accruedAt(), reopening),
            WAD,
            varianceBudget * yearSeconds
        );
        for (uint256 i; i < pending.length && pending[i].at <= reopening; ++i) {
            if (pending[i].at > block.timestamp) clockRun += pending[i].lump;
        }
        uint256 due = Fixed.mulDivUp(clockRun, WAD, u) + Fixed.mulDivUp(MAX_RENT, reopening - block.timestamp, YEAR);
        (initial, maintenance) = (Fixed.max(initial, due), Fixed.max(maintenance, due));
    }

    function _checkGrid(int16 strike) private pure {
        if (strike > StrikeGrid.LIMIT || strike < -StrikeGrid.LIMIT) revert OptionMarket_StrikeOutOfGrid(strike, StrikeGrid.LIMIT);
    }

    // ── a pool's strikes ───────────────────────────────────────────────────────────────────────────────────────────────────
    /// @dev Calls are marked at one end of the band and puts at the other; a frozen market has no band.
    struct Marking {
        uint256 forCalls;
        uint256 forPuts;
        bool asks;
        bool frozen;
    }

    function _marking(Work memory w, bool asks) private view returns (Marking memory m) {
        m.asks = asks;
        m.frozen = _frozen(w.clock);
        (uint256 price, uint256 band) = m.frozen ? (retirement.finalPrice, 0) : (w.clock.price(), w.variance.band());
        m.forCalls = _bandEnd(price, band, asks);
        m.forPuts = _bandEnd(price, band, !asks);
    }

    function _markValue(Marking memory m, uint256 strikePrice_, bool isCall) private view returns (uint256) {
        uint256 price = isCall ? m.forCalls : m.forPuts;
        return m.frozen ? EverlastingMath.intrinsic(price, strikePrice_, isCall) : _bandValue(price, strikePrice_, isCall, m.asks);
    }

    function _valueBook(StrikeNotional[] calldata strikes_, Work memory w, bool asks) private view returns (BookValue memory total) {
        Marking memory m = _marking(w, asks);
        (uint256 a, uint256 b_) = _accumulators(w);
        int16 cell = w.from.cell();
        // Notional is below 2^113 and a layer at most 1e18; N · F stays below the book's own sums, which are checked.
        unchecked {
            for (uint256 i; i < strikes_.length; ++i) {
                (int16 strike, uint256 calls, uint256 puts) = strikes_[i].unpack();
                uint256 strikePrice_ = StrikeGrid.strikePrice(referencePrice, strike);
                (uint256 partA, uint256 partB) = _partsOf(a, b_, cell, strike);
                total.notional += calls + puts;
                total.funding += (calls + puts) * _indexOf(partA, partB, strike);
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
        Work memory w = _accrued();
        fundingIndex = _fundingIndex(w, strike);
        (initialMargin, maintenanceMargin) = _marginRates(w);
    }

    /// @inheritdoc IOptionMarket
    function valueBook(StrikeNotional[] calldata strikes_, bool asks) external view returns (BookValue memory) {
        return _valueBook(strikes_, _accrued(), asks);
    }

    /// @inheritdoc IOptionMarket
    function marks(int16[] calldata strikes_, bool asks) external view returns (Mark[] memory values) {
        Work memory w = _accrued();
        Marking memory m = _marking(w, asks);
        values = new Mark[](strikes_.length);
        for (uint256 i; i < values.length; ++i) {
            uint256 strikePrice_ = StrikeGrid.strikePrice(referencePrice, strikes_[i]);
            values[i] = Mark({
                fundingIndex: _fundingIndex(w, strikes_[i]),
                call: _markValue(m, strikePrice_, true),
                put: _markValue(m, strikePrice_, false)
            });
        }
    }

    /// @inheritdoc IOptionMarket
    function frozenPayoff(int16 strike, bool isCall) external view returns (uint256 payoff, uint256 fundingIndex) {
        if (!_frozen(clock)) revert OptionMarket_NotFrozen();
        fundingIndex = _fundingIndex(_accrued(), strike);
        payoff = EverlastingMath.intrinsic(retirement.finalPrice, StrikeGrid.strikePrice(referencePrice, strike), isCall);
    }

    function _stateOf(Work memory w) private view returns (State memory) {
        (Clock c, Variance v) = (w.clock, w.variance);
        (uint256 a, uint256 b_) = _accumulators(w);
        return
            State({
                price: c.price(),
                updatedAt: uint40(c.updatedAt()),
                maxAge: uint24(c.maxAge()),
                accruedAt: uint40(c.accruedAt()),
                cell: c.cell(),
                running: c.running(),
                resetAnchor: c.resetAnchor(),
                a: a,
                b: b_,
                variance: v.raw(),
                samplePrice: v.samplePrice(),
                sampledAt: uint40(v.sampledAt()),
                band: v.band()
            });
    }

    /// @inheritdoc IOptionMarket
    function state() external view returns (State memory) {
        Work memory w;
        _load(w);
        return _stateOf(w);
    }

    /// @inheritdoc IOptionMarket
    function lastPrint() external view returns (uint256 price, uint40 updatedAt, int16 cell) {
        Clock c = clock;
        return (c.price(), uint40(c.updatedAt()), c.cell());
    }

    /// @inheritdoc IOptionMarket
    function phase() external view returns (Phase) {
        return
            !clock.retiring()
                ? Phase.Active
                : _frozen(clock)
                    ? Phase.Frozen
                    : Phase.WindingDown;
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
        return Constants(u, b, peak, uint256(maxLn), baseInitialMargin, baseMaintenanceMargin);
    }
}
