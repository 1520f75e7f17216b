// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { EverlastingMath } from "./EverlastingMath.sol";

/// @title Exponentially weighted variance of an oracle's own prices
/// @notice A sample weighs by the time since the one before, so posting or skipping prices gains nothing. A return is clipped, and the anchor moves only
///         by the clipped return, so that the rest of a jump counts in the samples that follow.
library VarianceSampler {
    uint256 private constant WAD = 1e18;
    uint256 private constant LN2 = 693147180559945309;
    /// @notice Shortest time between samples, seconds.
    uint256 internal constant MIN_INTERVAL = 600;
    /// @dev Half-life of a sample's weight, seconds.
    uint256 private constant HALF_LIFE = 86400;
    /// @dev A return is never clipped below 5%.
    uint256 internal constant MIN_CLIP = 0.05e18;

    /// @param variance Raw v, annualised, WAD; below 2^72.
    /// @param lowest The market's lower bound of v; between the bounds it measures the clip.
    /// @param highest The upper bound, below 2^63.
    /// @param anchor Price of the last sample, below 2^88.
    /// @param price Price now, below 2^88.
    /// @param elapsed Weighted time since the last sample; at least `MIN_INTERVAL` seconds.
    /// @param year Weighted time of a year, in the same unit.
    /// @param second What a second of full weight counts in that unit: 1 or WAD.
    /// @return newVariance Below 2^72 if `variance` is: a return within the clip gives at most max(5%² · YEAR / 600, 25 · 4).
    /// @return newAnchor Between `anchor` and `price`, to the rounding of an exponential.
    /// @return logReturn ln of `price` against `anchor`, not clipped.
    function sample(
        uint256 variance,
        uint256 lowest,
        uint256 highest,
        uint256 anchor,
        uint256 price,
        uint256 elapsed,
        uint256 year,
        uint256 second
    ) internal pure returns (uint256 newVariance, uint256 newAnchor, int256 logReturn) {
        // Times are below 2^85, |ln| of a ratio of 88-bit prices below 2^67, a clipped return² · year / elapsed below 2^128.
        unchecked {
            logReturn = EverlastingMath.lnRatio(price, anchor);
            int256 clipped = logReturn;
            newAnchor = price;
            // The root is taken only where it can decide.
            if (Fixed.abs(clipped) > MIN_CLIP) {
                uint256 clamped = Fixed.clamp(variance, lowest, highest);
                int256 limit = int256(Fixed.max(MIN_CLIP, 5 * Fixed.sqrt(Fixed.rawDiv(clamped * elapsed, year) * WAD)));
                clipped = Fixed.clamp(logReturn, -limit, limit);
                if (clipped != logReturn) newAnchor = (anchor * uint256(Fixed.expWad(clipped))) / WAD;
            }
            uint256 weight = WAD - uint256(Fixed.expWad(-int256(Fixed.rawDiv(elapsed * LN2, HALF_LIFE * second))));
            uint256 instant = Fixed.rawDiv(uint256(clipped * clipped) * year, elapsed) / WAD;
            newVariance = ((WAD - weight) * variance + weight * instant) / WAD;
        }
    }
}
