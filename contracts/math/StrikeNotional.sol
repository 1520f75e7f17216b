// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What a pool has sold at one strike, in one word: 112 bits of calls, 112 of puts, 16 of strike index.
type StrikeNotional is uint256;

using StrikeNotionals for StrikeNotional global;

library StrikeNotionals {
    uint256 private constant PUTS = 112;
    uint256 private constant STRIKE = 224;

    function pack(int16 strike_, uint112 calls_, uint112 puts_) internal pure returns (StrikeNotional) {
        return StrikeNotional.wrap((uint256(uint16(strike_)) << STRIKE) | (uint256(puts_) << PUTS) | calls_);
    }

    function strike(StrikeNotional self) internal pure returns (int16) {
        return int16(uint16(StrikeNotional.unwrap(self) >> STRIKE));
    }

    function calls(StrikeNotional self) internal pure returns (uint112) {
        return uint112(StrikeNotional.unwrap(self));
    }

    function puts(StrikeNotional self) internal pure returns (uint112) {
        return uint112(StrikeNotional.unwrap(self) >> PUTS);
    }

    function unpack(StrikeNotional self) internal pure returns (int16 strike_, uint256 calls_, uint256 puts_) {
        return (strike(self), calls(self), puts(self));
    }

    /// @notice Calls and puts together.
    function total(StrikeNotional self) internal pure returns (uint256) {
        unchecked {
            return uint256(calls(self)) + puts(self);
        }
    }
}
