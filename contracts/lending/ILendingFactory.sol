// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ILendingMarket } from "./ILendingMarket.sol";

/// @title Deploys lending markets
/// @notice Anyone may deploy one: a market is isolated, so that only those who use it bear its parameters. It takes collateral once governance has
///         enabled it as a module of the vault (`CollateralVault.setModule`).
interface ILendingFactory {
    event CreateMarket(address indexed market, address indexed collateralToken, address indexed loanToken);

    /// @notice The market must keep its collateral in the protocol's vault and read the protocol's oracle.
    error LendingFactory_Foreign(address given, address expected);

    /// @notice Deploy a market. Its bounds are checked there; all its parameters are fixed for good.
    function createMarket(ILendingMarket.Config calldata config) external returns (ILendingMarket);

    /// @notice keccak256 of the code that markets are created with, before their parameters.
    function creationCodeHash() external view returns (bytes32);

    function marketCount() external view returns (uint256);

    function marketAt(uint256 index) external view returns (ILendingMarket);

    /// @notice Whether a market is this factory's.
    function isMarket(address market) external view returns (bool);
}
