// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AdaptiveCurveRateModel } from "../lending/AdaptiveCurveRateModel.sol";
import { IAdaptiveCurveRateModel } from "../lending/IAdaptiveCurveRateModel.sol";

/// @title Our adaptive curve in the form of Morpho Blue's `IIrm`
/// @dev Test double: so that both protocols do the same work when their gas is compared. Like Morpho's own AdaptiveCurveIrm it keeps the state of
///      a market in one slot of its own.
contract MorphoCurve is AdaptiveCurveRateModel {
    uint256 private constant YEAR = 365 days;

    struct MarketParams {
        address loanToken;
        address collateralToken;
        address oracle;
        address irm;
        uint256 lltv;
    }

    struct Market {
        uint128 totalSupplyAssets;
        uint128 totalSupplyShares;
        uint128 totalBorrowAssets;
        uint128 totalBorrowShares;
        uint128 lastUpdate;
        uint128 fee;
    }

    mapping(bytes32 id => uint256) public rateAtTarget;

    constructor(IAdaptiveCurveRateModel.Config memory config_) AdaptiveCurveRateModel(config_) {}

    function borrowRate(MarketParams memory params, Market memory market) external returns (uint256) {
        bytes32 id = keccak256(abi.encode(params));
        uint256 start = rateAtTarget[id];
        if (start == 0) start = initialRateAtTarget;
        uint256 used = market.totalSupplyAssets == 0 ? 0 : (uint256(market.totalBorrowAssets) * 1e18) / market.totalSupplyAssets;
        (uint256 rate, uint256 end) = rates(used, start, block.timestamp - market.lastUpdate);
        rateAtTarget[id] = end;
        return rate / YEAR;
    }
}
