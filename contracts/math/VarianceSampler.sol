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
    /// @notice Shortest time between samples, WAD seconds.
    uint256 internal constant MIN_INTERVAL = 600e18;
    /// @dev Half-life of a sample's weight, WAD seconds.
    uint256 private constant HALF_LIFE = 86400e18;
    /// @dev A return is never clipped below 5%.
    uint256 private constant MIN_CLIP = 0.05e18;

    /// @param variance Raw v, annualised, WAD.
    /// @param clamped v within the market's bounds: the clip's measure.
    /// @param anchor Price of the last sample.
    /// @param price Price now.
    /// @param elapsed Weighted seconds since the last sample, WAD; at least `MIN_INTERVAL`.
    /// @param year Weighted seconds of a year, WAD.
    function sample(
        uint256 variance,
        uint256 clamped,
        uint256 anchor,
        uint256 price,
        uint256 elapsed,
        uint256 year
    ) internal pure returns (uint256 newVariance, uint256 newAnchor) {
        uint256 weight = WAD - uint256(Fixed.expWad(-int256((elapsed * LN2) / HALF_LIFE)));
        int256 limit = int256(Fixed.max(MIN_CLIP, 5 * Fixed.sqrt(((clamped * elapsed) / year) * WAD)));
        int256 raw = EverlastingMath.lnRatio(price, anchor);
        int256 clipped = Fixed.clamp(raw, -limit, limit);
        uint256 instant = Fixed.fullMulDiv(uint256(clipped * clipped), year, elapsed) / WAD;
        newVariance = ((WAD - weight) * variance + weight * instant) / WAD;
        newAnchor = clipped == raw ? price : (anchor * uint256(Fixed.expWad(clipped))) / WAD;
    }
}
