// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice A market's price and the state of its clock, in one word.
/// @dev 88 price + 40 stamp + 24 max age + 32 accrued at + 16 cell + 24 flags + 32 next event = 256. Instants of 32 bits last until 2106.
type Clock is uint256;

/// @notice A market's variance estimate, in one word.
/// @dev 72 raw variance + 88 sample price or run + 32 sampled at + 63 band + 1 flag = 256. Clipping keeps the raw variance below 132, the oracle's bounds
///      keep the band below 0.11. While the sample's price is the clock's own, its 88 bits are free for the run that A and B still lack: what the clock has
///      run at this price up to the sample. With the flag set that is what they hold.
type Variance is uint256;

using Clocks for Clock global;
using Variances for Variance global;

/// @title Fields of a clock word
/// @notice Setters give a changed copy and trust their arguments to fit: prices and bands are bounded by the oracle, the rest is ours.
library Clocks {
    uint256 private constant STAMP = 88;
    uint256 private constant MAX_AGE = 128;
    uint256 private constant ACCRUED_AT = 152;
    uint256 private constant CELL = 184;
    uint256 private constant RUNNING = 1 << 200;
    uint256 private constant RESET_ANCHOR = 1 << 208;
    uint256 private constant RETIRING = 1 << 216;
    uint256 private constant NEXT_EVENT = 224;
    uint256 private constant PRICE_FIELDS = type(uint152).max | (uint256(type(uint16).max) << CELL);

    /// @notice Last price taken, USD in WAD; 0 before the first.
    function price(Clock self) internal pure returns (uint256) {
        return uint88(Clock.unwrap(self));
    }

    /// @notice Stamp of the price.
    function updatedAt(Clock self) internal pure returns (uint256) {
        return uint40(Clock.unwrap(self) >> STAMP);
    }

    /// @notice Seconds after the stamp for which the price is good.
    function maxAge(Clock self) internal pure returns (uint256) {
        return uint24(Clock.unwrap(self) >> MAX_AGE);
    }

    /// @notice To when the price carries accrual on its own.
    function goodUntil(Clock self) internal pure returns (uint256) {
        unchecked {
            return updatedAt(self) + maxAge(self);
        }
    }

    /// @notice To when the clock has run.
    function accruedAt(Clock self) internal pure returns (uint256) {
        return uint32(Clock.unwrap(self) >> ACCRUED_AT);
    }

    /// @notice Largest strike index at or below the price.
    function cell(Clock self) internal pure returns (int16) {
        return int16(uint16(Clock.unwrap(self) >> CELL));
    }

    /// @notice False while the feed is stale or halted.
    function running(Clock self) internal pure returns (bool) {
        return Clock.unwrap(self) & RUNNING != 0;
    }

    /// @notice The next Open price restarts variance sampling.
    function resetAnchor(Clock self) internal pure returns (bool) {
        return Clock.unwrap(self) & RESET_ANCHOR != 0;
    }

    /// @notice A wind-down has been announced.
    function retiring(Clock self) internal pure returns (bool) {
        return Clock.unwrap(self) & RETIRING != 0;
    }

    /// @notice When the next scheduled event falls due; 0 when none is.
    function nextEventAt(Clock self) internal pure returns (uint256) {
        return Clock.unwrap(self) >> NEXT_EVENT;
    }

    function withPrice(Clock self, uint256 price_, uint256 updatedAt_, uint256 maxAge_, int16 cell_) internal pure returns (Clock) {
        uint256 fields = price_ | (updatedAt_ << STAMP) | (maxAge_ << MAX_AGE) | (uint256(uint16(cell_)) << CELL);
        return Clock.wrap((Clock.unwrap(self) & ~PRICE_FIELDS) | fields);
    }

    function withAccruedAt(Clock self, uint256 at) internal pure returns (Clock) {
        return Clock.wrap((Clock.unwrap(self) & ~(uint256(type(uint32).max) << ACCRUED_AT)) | (at << ACCRUED_AT));
    }

    function withRunning(Clock self, bool on) internal pure returns (Clock) {
        return _withFlag(self, RUNNING, on);
    }

    function withResetAnchor(Clock self, bool on) internal pure returns (Clock) {
        return _withFlag(self, RESET_ANCHOR, on);
    }

    function withRetiring(Clock self, bool on) internal pure returns (Clock) {
        return _withFlag(self, RETIRING, on);
    }

    function withNextEventAt(Clock self, uint256 at) internal pure returns (Clock) {
        return Clock.wrap((Clock.unwrap(self) & type(uint224).max) | (at << NEXT_EVENT));
    }

    /// @notice Whether price and stamp are the same.
    function samePrint(Clock self, Clock other) internal pure returns (bool) {
        return uint128(Clock.unwrap(self) ^ Clock.unwrap(other)) == 0;
    }

    /// @notice Whether the two differ in nothing but to when the clock has run.
    function sameButTime(Clock self, Clock other) internal pure returns (bool) {
        return (Clock.unwrap(self) ^ Clock.unwrap(other)) & ~(uint256(type(uint32).max) << ACCRUED_AT) == 0;
    }

    function _withFlag(Clock self, uint256 flag, bool on) private pure returns (Clock) {
        return Clock.wrap(on ? Clock.unwrap(self) | flag : Clock.unwrap(self) & ~flag);
    }
}

/// @title Fields of a variance word
library Variances {
    uint256 private constant SAMPLE_PRICE = 72;
    uint256 private constant SAMPLED_AT = 160;
    uint256 private constant BAND = 192;
    uint256 private constant HOLDS_RUN = 1 << 255;

    /// @notice v before its bounds, annualised, WAD.
    function raw(Variance self) internal pure returns (uint256) {
        return uint72(Variance.unwrap(self));
    }

    /// @notice Price of the last sample, USD in WAD.
    function samplePrice(Variance self) internal pure returns (uint256) {
        return uint88(Variance.unwrap(self) >> SAMPLE_PRICE);
    }

    /// @notice Time of the last sample.
    function sampledAt(Variance self) internal pure returns (uint256) {
        return uint32(Variance.unwrap(self) >> SAMPLED_AT);
    }

    /// @notice Half-width δ of the oracle's band at the last price, WAD share.
    function band(Variance self) internal pure returns (uint256) {
        return uint64(Variance.unwrap(self) >> BAND) & uint64(type(int64).max);
    }

    /// @notice The sample was taken at the clock's price and time; in the place of the price stands a run that A and B lack.
    function holdsRun(Variance self) internal pure returns (bool) {
        return Variance.unwrap(self) & HOLDS_RUN != 0;
    }

    /// @notice Loaded variance × weighted seconds, in units of WAD · a second of full weight. Meaningful with `holdsRun`.
    function run(Variance self) internal pure returns (uint256) {
        return uint88(Variance.unwrap(self) >> SAMPLE_PRICE);
    }

    function withRun(Variance self, uint256 run_) internal pure returns (Variance) {
        return Variance.wrap((Variance.unwrap(self) & ~(uint256(type(uint88).max) << SAMPLE_PRICE)) | (run_ << SAMPLE_PRICE) | HOLDS_RUN);
    }

    /// @notice The word with the sample's price in its place again.
    function withoutRun(Variance self, uint256 price) internal pure returns (Variance) {
        return
            Variance.wrap((Variance.unwrap(self) & ~((uint256(type(uint88).max) << SAMPLE_PRICE) | HOLDS_RUN)) | (price << SAMPLE_PRICE));
    }

    function withSample(Variance self, uint256 raw_, uint256 price, uint256 at) internal pure returns (Variance) {
        return Variance.wrap(((Variance.unwrap(self) >> BAND) << BAND) | raw_ | (price << SAMPLE_PRICE) | (at << SAMPLED_AT));
    }

    function withBand(Variance self, uint256 band_) internal pure returns (Variance) {
        return Variance.wrap((Variance.unwrap(self) & type(uint192).max) | (band_ << BAND));
    }

    function sameAs(Variance self, Variance other) internal pure returns (bool) {
        return Variance.unwrap(self) == Variance.unwrap(other);
    }
}
