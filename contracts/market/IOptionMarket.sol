// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IPriceOracle, PriceStatus } from "../oracle/IPriceOracle.sol";
import { StrikeNotional } from "../math/StrikeNotional.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";

/// @title One underlying, one variance budget: price, clock and funding indices
/// @notice Holds no tokens and knows no positions. A market answers four questions: what is the underlying worth, how far has the variance
///         clock run, what funding has a strike gathered, and what is an option worth per unit of notional. Its indices are dimensionless and
///         shared by every margin token, by calls and by puts.
/// @dev Strikes are grid indices `j`: K_j = R · 1.02^j. Values and rates are WAD per unit of notional, indices are 1e27.
interface IOptionMarket {
    /// @param assetId The underlying, as the oracle knows it.
    /// @param referencePrice R, USD in WAD: the strike of index 0.
    /// @param varianceBudget c, WAD: σ_ref² · T_ref.
    /// @param initialVariance v at the start, annualised, WAD (σ_ref²).
    /// @param minVariance Lower bound of v on use.
    /// @param maxVariance Upper bound of v on use.
    /// @param loading What the clock runs faster than variance, WAD share; pays for jumps.
    struct Config {
        bytes32 assetId;
        uint256 referencePrice;
        uint256 varianceBudget;
        uint256 initialVariance;
        uint256 minVariance;
        uint256 maxVariance;
        uint256 loading;
    }

    /// @param u sqrt(1 + 8/c), WAD, even-adjusted so that u = 2b − 1.
    /// @param b (1 + u)/2, WAD.
    /// @param peak 1/u, WAD: the largest time value.
    /// @param maxLn Largest |ln| of price or strike against R, WAD.
    /// @param initialMargin 0.45/u, WAD.
    /// @param maintenanceMargin 0.15/u, WAD.
    struct Constants {
        uint256 u;
        uint256 b;
        uint256 peak;
        uint256 maxLn;
        uint256 initialMargin;
        uint256 maintenanceMargin;
    }

    /// @notice Which value of an option is asked for.
    /// @dev Ask: what a buyer pays at the dearest end of the band; only for strikes that may be opened now. Bid: what a seller receives at the
    ///      cheapest end. Mark: the value at the index price itself. TightAsk, TightBid: within 0.05% and the feed's own confidence, for orders that
    ///      were committed before the price was known.
    enum QuoteKind {
        Ask,
        Bid,
        Mark,
        TightAsk,
        TightBid
    }

    /// @notice What a trade needs to know about one strike and side, at the price just taken.
    /// @param fundingIndex F of the strike, 1e27.
    /// @param price Index price, USD in WAD.
    /// @param strikePrice K_j, USD in WAD.
    /// @param value Ask, bid or mark.
    /// @param initialMargin Rate now, at least the constant.
    /// @param maintenanceMargin Rate now, at least the constant.
    /// @param updatedAt Stamp of the price.
    struct Quote {
        uint256 fundingIndex;
        uint256 price;
        uint256 strikePrice;
        uint256 value;
        uint256 initialMargin;
        uint256 maintenanceMargin;
        uint256 updatedAt;
    }

    /// @notice Value of both sides of one strike, for NAV.
    struct Mark {
        uint256 fundingIndex;
        uint256 call;
        uint256 put;
    }

    /// @notice What a pool's strikes in this market are worth, in margin tokens × WAD; funding in margin tokens × 1e27.
    /// @param notional Σ calls and puts.
    /// @param funding Σ N · F.
    /// @param main Σ N · value, up to κ_m per unit.
    /// @param insurance Σ N · value above κ_m, up to κ_i per unit.
    struct BookValue {
        uint256 notional;
        uint256 funding;
        uint256 main;
        uint256 insurance;
    }

    /// @notice The state, as stored or as a poke would leave it.
    /// @param price Last price taken, USD in WAD; 0 before the first.
    /// @param updatedAt Its stamp.
    /// @param maxAge Seconds after the stamp to which accrue-only calls may run.
    /// @param accruedAt To when the clock has run.
    /// @param cell Largest strike index at or below the price.
    /// @param running False while the feed is stale or halted.
    /// @param resetAnchor The next Open price restarts variance sampling.
    /// @param a Accumulator A = ∫ s^b dΛ, shifted.
    /// @param b Accumulator B = ∫ s^(1−b) dΛ, shifted.
    /// @param variance Raw v, annualised, WAD.
    /// @param samplePrice Price of the last variance sample.
    /// @param sampledAt Its time.
    /// @param band Half-width δ of the oracle's band at the last poke.
    struct State {
        uint256 price;
        uint40 updatedAt;
        uint24 maxAge;
        uint40 accruedAt;
        int16 cell;
        bool running;
        bool resetAnchor;
        uint256 a;
        uint256 b;
        uint256 variance;
        uint256 samplePrice;
        uint40 sampledAt;
        uint256 band;
    }

    /// @param at When it falls due, Unix seconds.
    /// @param lump ΔΛ that the clock jumps by, WAD: 1.5·s²/c for an expected move s, 2·s²/c from s = 8%.
    /// @param move Expected move s, WAD share: opening within 48 hours of it is limited to strikes within ±s of the index.
    struct Event {
        uint40 at;
        uint96 lump;
        uint64 move;
    }

    enum Phase {
        Active,
        WindingDown,
        Frozen
    }

    /// @notice A print was taken, or the variance sampled at it: price in WAD, its stamp, and the raw variance as it stands now, annualised, WAD.
    event TakePrice(uint256 price, uint40 updatedAt, uint256 variance);
    event StopClock(PriceStatus status, bool breakerHalt);
    event SetLive(int16 indexed strike, bool live);
    event ScheduleEvent(uint40 at, uint96 lump, uint64 move);
    event CancelEvent(uint40 at);
    event FallDue(uint40 at, uint96 lump);
    event AnnounceWindDown(uint256 finalPrice, uint40 freezeAt);
    event CancelWindDown();

    error OptionMarket_NotBook(address caller);
    error OptionMarket_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    error OptionMarket_NotOpen(PriceStatus status);
    /// @notice The market is being wound down: opening has ended.
    error OptionMarket_WindingDown(uint40 freezeAt);
    error OptionMarket_Frozen(uint40 freezeAt);
    error OptionMarket_NotFrozen();
    error OptionMarket_StrikeOutOfGrid(int16 strike, int16 limit);
    /// @notice The strike, or the price, is too far from the reference price for exact accrual: open in another market.
    error OptionMarket_OutOfRange(uint256 price, uint256 strikePrice);
    error OptionMarket_StrikeOutOfBand(uint256 strikePrice, uint256 lowest, uint256 highest);
    error OptionMarket_TooManyLiveStrikes(uint256 limit);
    error OptionMarket_TooManyEvents(uint256 limit);
    error OptionMarket_NoticeTooShort(uint256 at, uint256 earliest);
    error OptionMarket_UnknownEvent(uint40 at);

    // ── anyone ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Charge the elapsed interval at the old price, then take the oracle's new one. Poking costs the same however many positions there are, and
    ///         writes nothing while price and variance stand.
    /// @return status What the oracle says of the asset now; Halted once the market is frozen.
    /// @return updatedAt Stamp of the stored price.
    function poke() external returns (PriceStatus status, uint40 updatedAt);

    /// @notice `poke`, then value a pool's strikes as `valueBook` does.
    function pokeAndValue(
        bool asks,
        StrikeNotional[] calldata strikes
    ) external returns (PriceStatus status, uint40 updatedAt, BookValue memory value);

    /// @notice Write down what the clock has run since it was last written, without asking the oracle, and never past the stored price's age. Nobody needs
    ///         to: whoever reads an index adds it on the fly.
    function accrue() external;

    // ── book only ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice `poke`, then quote. Reverts unless Open; for an ask, also unless the strike may be opened now.
    function pokeAndQuote(QuoteKind kind, int16 strike, bool isCall) external returns (Quote memory);

    /// @notice The first pool holds notional at `strike`, or the last one has let go.
    function setLive(int16 strike, bool live) external;

    // ── governance ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Schedule a known event at least 48 hours ahead. Restricted.
    function scheduleEvent(Event calldata ev) external;

    function cancelEvent(uint40 at) external;

    /// @notice Retire the market: no opening from now, indices freeze at `freezeAt`, after which every position is worth its intrinsic value at
    ///         `finalPrice`. Restricted; at least 3 days ahead.
    function announceWindDown(uint256 finalPrice, uint40 freezeAt) external;

    function cancelWindDown() external;

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function config() external view returns (Config memory);

    function constants() external view returns (Constants memory);

    function state() external view returns (State memory);

    /// @notice The state that `poke` would leave now, and the status it would find.
    function peek() external view returns (State memory, PriceStatus);

    /// @notice Like `pokeAndQuote`, as a view at the price that `poke` would take now.
    function quote(int16 strike, bool isCall, QuoteKind kind) external view returns (Quote memory);

    /// @notice The stored price, its stamp and its cell: what an order's trigger and an at-the-money leg are held against.
    function lastPrint() external view returns (uint256 price, uint40 updatedAt, int16 cell);

    function phase() external view returns (Phase);

    function strikePrice(int16 strike) external view returns (uint256);

    /// @notice F of a strike as `accrue` would leave it now, and the margin rates.
    function fundingAndMargin(int16 strike) external view returns (uint256 fundingIndex, uint256 initialMargin, uint256 maintenanceMargin);

    /// @notice Value of a pool's strikes, accrued to now, at the stored price: bids, or asks. Frozen: the payoff at the final price.
    function valueBook(StrikeNotional[] calldata strikes, bool asks) external view returns (BookValue memory);

    /// @notice F and value of both sides, accrued to now, at the stored price: bids, or asks. Frozen: the payoff at the final price.
    function marks(int16[] calldata strikes, bool asks) external view returns (Mark[] memory);

    /// @notice Payoff of a frozen market per unit of notional, and its funding index.
    function frozenPayoff(int16 strike, bool isCall) external view returns (uint256 payoff, uint256 fundingIndex);

    function isLive(int16 strike) external view returns (bool);

    function liveCount() external view returns (uint256);

    function events() external view returns (Event[] memory);

    function windDown() external view returns (uint256 finalPrice, uint40 freezeAt);

    function oracle() external view returns (IPriceOracle);

    function calendar() external view returns (ISessionCalendar);

    function book() external view returns (address);
}
