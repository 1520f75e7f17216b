// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { IAdaptiveCurveRateModel, IInterestRateModel } from "./IAdaptiveCurveRateModel.sol";

/// @title An adaptive curve
/// @dev All values are below 2^70, so that the signed products stay far from 2^255 and the casts cannot wrap.
contract AdaptiveCurveRateModel is IAdaptiveCurveRateModel {
    int256 private constant WAD = 1e18;
    int256 private constant YEAR = 365 days;
    /// @dev e^20 is more than any `maxRate`/`minRate`: what lies beyond ends at the bound anyway.
    int256 private constant MAX_MOVE = 20e18;
    /// @dev Nobody leaves a market alone for longer; keeps the product within a word.
    uint256 private constant MAX_ELAPSED = 100 * 365 days;

    int256 private immutable targetUtilisation;
    int256 private immutable steepness;
    int256 private immutable adjustmentSpeed;
    int256 private immutable minRate;
    int256 private immutable maxRate;
    /// @inheritdoc IInterestRateModel
    uint256 public immutable initialRateAtTarget;

    constructor(Config memory c) {
        _check("targetUtilisation", c.targetUtilisation, 0.5e18, 0.95e18);
        _check("steepness", c.steepness, 1.5e18, 10e18);
        _check("adjustmentSpeed", c.adjustmentSpeed, 0, 100e18);
        _check("minRate", c.minRate, 0.0001e18, 2e18);
        _check("maxRate", c.maxRate, c.minRate, 2e18);
        _check("initialRate", c.initialRate, c.minRate, c.maxRate);
        targetUtilisation = int256(c.targetUtilisation);
        steepness = int256(c.steepness);
        adjustmentSpeed = int256(c.adjustmentSpeed);
        minRate = int256(c.minRate);
        maxRate = int256(c.maxRate);
        initialRateAtTarget = c.initialRate;
    }

    /// @inheritdoc IInterestRateModel
    function rates(uint256 utilisation, uint256 rateAtTarget, uint256 elapsed) public view returns (uint256, uint256) {
        unchecked {
            int256 u = int256(Fixed.min(utilisation, uint256(WAD)));
            int256 start = int256(rateAtTarget);
            int256 distance = u - targetUtilisation;
            // −1 when nothing is lent, 0 at target, 1 when everything is.
            int256 deviation = (distance * WAD) / (distance < 0 ? targetUtilisation : WAD - targetUtilisation);

            int256 move = (adjustmentSpeed * deviation * int256(Fixed.min(elapsed, MAX_ELAPSED))) / (WAD * YEAR);
            int256 average = start;
            int256 end = start;
            if (move != 0) {
                move = Fixed.clamp(move, -MAX_MOVE, MAX_MOVE);
                end = _moved(start, move);
                // Simpson's rule would be (start + 4·mid + end)/6; the trapezoid over both halves is above the exact mean of a convex curve.
                average = (start + end + 2 * _moved(start, move / 2)) / 4;
            }
            int256 slope = distance < 0 ? WAD - (WAD * WAD) / steepness : steepness - WAD;
            return (uint256((average * (WAD + (slope * deviation) / WAD)) / WAD), uint256(end));
        }
    }

    /// @inheritdoc IAdaptiveCurveRateModel
    function config() external view returns (Config memory) {
        return
            Config({
                targetUtilisation: uint256(targetUtilisation),
                steepness: uint256(steepness),
                adjustmentSpeed: uint256(adjustmentSpeed),
                initialRate: initialRateAtTarget,
                minRate: uint256(minRate),
                maxRate: uint256(maxRate)
            });
    }

    function _moved(int256 rate, int256 move) private view returns (int256) {
        unchecked {
            return Fixed.clamp((rate * Fixed.expWad(move)) / WAD, minRate, maxRate);
        }
    }

    function _check(bytes32 parameter, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert AdaptiveCurveRateModel_OutOfBounds(parameter, value, min, max);
    }
}
