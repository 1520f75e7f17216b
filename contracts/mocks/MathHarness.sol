// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";

import { EverlastingMath } from "../math/EverlastingMath.sol";
import { PoolMath } from "../math/PoolMath.sol";
import { StrikeGrid } from "../math/StrikeGrid.sol";
import { VarianceSampler } from "../math/VarianceSampler.sol";

/// @notice The pure libraries, callable from tests. Test double.
contract MathHarness {
    using StrikeGrid for StrikeGrid.Bitmap;

    StrikeGrid.Bitmap private map;

    function expWad(int256 x) external pure returns (int256) {
        return Fixed.expWad(x);
    }

    function lnWad(int256 x) external pure returns (int256) {
        return Fixed.lnWad(x);
    }

    function roots(uint256 c) external pure returns (uint256 u, uint256 b) {
        return EverlastingMath.roots(c);
    }

    function maxLn(uint256 b) external pure returns (uint256) {
        return EverlastingMath.maxLn(b);
    }

    function powers(int256 lnS, uint256 b) external pure returns (uint256 up, uint256 down) {
        return (EverlastingMath.powerA(lnS, b), EverlastingMath.powerB(lnS, b));
    }

    function strikePowers(int256 lnK, uint256 b) external pure returns (uint256 up, uint256 down) {
        return (EverlastingMath.powerA(-lnK, b), EverlastingMath.powerB(-lnK, b));
    }

    function value(uint256 price, uint256 strikePrice, bool isCall, uint256 u, uint256 b) external pure returns (uint256) {
        return EverlastingMath.value(price, strikePrice, isCall, u, b);
    }

    function intrinsic(uint256 price, uint256 strikePrice, bool isCall) external pure returns (uint256) {
        return EverlastingMath.intrinsic(price, strikePrice, isCall);
    }

    function spread(uint256 value_, uint256 peak) external pure returns (uint256) {
        return EverlastingMath.spread(value_, peak);
    }

    function strikePriceOf(uint256 referencePrice, int16 strike) external pure returns (uint256) {
        return StrikeGrid.strikePrice(referencePrice, strike);
    }

    function cellOf(uint256 price, uint256 referencePrice) external pure returns (int16) {
        return StrikeGrid.cellOf(price, EverlastingMath.lnRatio(price, referencePrice), referencePrice);
    }

    function surelyIn(int16 cell, uint256 price, uint256 referencePrice) external pure returns (bool) {
        return StrikeGrid.surelyIn(cell, EverlastingMath.lnRatio(price, referencePrice));
    }

    function toggle(int16 strike) external {
        map.toggle(strike);
    }

    function contains(int16 strike) external view returns (bool) {
        return map.contains(strike);
    }

    function membersBetween(int16 above, int16 upTo, uint256 count) external view returns (int16[] memory) {
        return map.membersBetween(above, upTo, count);
    }

    function members(uint256 count) external view returns (int16[] memory) {
        return map.members(count);
    }

    function sample(
        uint256 variance,
        uint256 clamped,
        uint256 anchor,
        uint256 price,
        uint256 elapsed,
        uint256 year
    ) external pure returns (uint256 newVariance, uint256 newAnchor) {
        (newVariance, newAnchor, ) = VarianceSampler.sample(variance, clamped, clamped, anchor, price, elapsed, year, 1e18);
    }

    function reserved(uint256 notional, bool main) external pure returns (uint256) {
        return PoolMath.reserved(notional, main);
    }

    function layers(uint256 value_) external pure returns (uint256 main, uint256 insurance) {
        return PoolMath.layers(value_);
    }

    function utilisation(uint256 reserved_, uint256 cash) external pure returns (uint256) {
        return PoolMath.utilisation(reserved_, cash);
    }

    function rentRate(uint256 utilisation_) external pure returns (uint256) {
        return PoolMath.rentRate(utilisation_);
    }

    function rentGrowth(uint256 notional, uint256 cashMain, uint256 cashInsurance, uint256 elapsed) external pure returns (uint256) {
        return PoolMath.rentGrowth(notional, cashMain, cashInsurance, elapsed);
    }

    function fundingOwed(uint256 notional, uint256 growth) external pure returns (uint256) {
        return PoolMath.fundingOwed(notional, growth);
    }

    function rentOwed(uint256 notional, uint256 growth) external pure returns (uint256) {
        return PoolMath.rentOwed(notional, growth);
    }

    function fee(uint256 notional, uint256 consideration) external pure returns (uint256) {
        return PoolMath.fee(notional, consideration);
    }

    function splitFee(uint256 amount) external pure returns (uint256 main, uint256 insurance, uint256 toTreasury) {
        return PoolMath.splitFee(amount);
    }

    function split(uint256 payment, uint256 main, uint256 insurance) external pure returns (uint256 toMain, uint256 toInsurance) {
        return PoolMath.split(payment, main, insurance);
    }
}
