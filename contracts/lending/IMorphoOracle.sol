// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PriceStatus } from "../oracle/IPriceOracle.sol";

/// @title This protocol's prices for Morpho Blue and what speaks its language
/// @notice Implements Morpho's `IOracle`. Morpho knows neither sessions nor bands: without an Open price it gets none, so that nobody borrows,
///         withdraws with a debt or is liquidated there; repaying and adding collateral ask no price.
interface IMorphoOracle {
    error MorphoOracle_NotOpen(bytes32 assetId, PriceStatus status);

    /// @notice Loan units per collateral unit, scaled by 10^36, down. Reverts unless both prices are Open.
    function price() external view returns (uint256);
}
