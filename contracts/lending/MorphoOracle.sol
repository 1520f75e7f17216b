// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { IPriceOracle, PriceAnswer, PriceStatus } from "../oracle/IPriceOracle.sol";
import { IMorphoOracle } from "./IMorphoOracle.sol";

/// @title This protocol's prices for Morpho Blue and what speaks its language
contract MorphoOracle is IMorphoOracle {
    IPriceOracle private immutable oracle;
    bytes32 private immutable collateralAsset;
    bytes32 private immutable loanAsset;
    uint256 private immutable unit;

    /// @param loanAsset_ Zero: the loan token counts as one dollar.
    constructor(
        IPriceOracle oracle_,
        IERC20Metadata collateralToken,
        bytes32 collateralAsset_,
        IERC20Metadata loanToken,
        bytes32 loanAsset_
    ) {
        oracle = oracle_;
        collateralAsset = collateralAsset_;
        loanAsset = loanAsset_;
        unit = 10 ** (36 + uint256(loanToken.decimals()) - collateralToken.decimals());
    }

    /// @inheritdoc IMorphoOracle
    function price() external view returns (uint256) {
        uint256 loanPrice = loanAsset == 0 ? 1e18 : _open(loanAsset);
        return Fixed.fullMulDiv(_open(collateralAsset), unit, loanPrice);
    }

    function _open(bytes32 assetId) private view returns (uint256) {
        PriceAnswer memory answer = oracle.read(assetId);
        if (answer.status != PriceStatus.Open) revert MorphoOracle_NotOpen(assetId, answer.status);
        return answer.price;
    }
}
