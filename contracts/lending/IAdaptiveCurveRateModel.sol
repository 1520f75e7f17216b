// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IInterestRateModel } from "./IInterestRateModel.sol";

/// @title An adaptive curve
/// @notice At once, the rate follows a curve through `rateAtTarget` at the target utilisation: `steepness` times as high when everything is lent,
///         `steepness` times lower when nothing is. Over time the whole curve moves: up while utilisation is above target, down while below, at
///         most by e^adjustmentSpeed a year. Nobody sets rates; they find the level at which the target is met.
/// @dev The design is that of Morpho's AdaptiveCurveIrm, stated for continuous annual rates. Exact integer rules: docs/lending.md.
interface IAdaptiveCurveRateModel is IInterestRateModel {
    /// @param targetUtilisation WAD, in [0.5, 0.95].
    /// @param steepness WAD, in [1.5, 10].
    /// @param adjustmentSpeed WAD a year, at most 100.
    /// @param initialRate Annual WAD; between `minRate` and `maxRate`.
    /// @param minRate Of `rateAtTarget`; at least 0.01%.
    /// @param maxRate Of `rateAtTarget`; at most 200%.
    struct Config {
        uint256 targetUtilisation;
        uint256 steepness;
        uint256 adjustmentSpeed;
        uint256 initialRate;
        uint256 minRate;
        uint256 maxRate;
    }

    error AdaptiveCurveRateModel_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);

    function config() external view returns (Config memory);
}
