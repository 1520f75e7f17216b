// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Lists margin tokens
/// @notice One transaction deploys a token's two pools, seals their vault entries and opens its book.
interface IPoolFactory {
    event CreatePools(address indexed token, address mainPool, address insurancePool);

    error PoolFactory_NotAToken(address token);
    error PoolFactory_Decimals(uint8 decimals, uint8 min, uint8 max);

    /// @notice List `token` as margin. Restricted.
    /// @param minNotional Smallest position, in the token's smallest unit (about 250 USD's worth).
    function listToken(address token, uint88 minNotional) external returns (address mainPool, address insurancePool);

    /// @notice The pools of a token, or where they will be once it is listed.
    function poolsOf(address token) external view returns (address mainPool, address insurancePool);

    function tokenCount() external view returns (uint256);

    function tokenAt(uint256 index) external view returns (address);
}
