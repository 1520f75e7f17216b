// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title ERC-8056: scaled UI amounts
/// @notice Balances and transfers are raw amounts and never change by themselves; `uiMultiplier` (1e18 = 1) says how many shares a whole token
///         stands for. UI amounts are raw amounts times the multiplier, rounded down.
interface IERC8056 {
    /// @notice A multiplier was scheduled: it holds from `effectiveAtTimestamp`, without a transaction.
    event UIMultiplierUpdated(uint256 oldMultiplier, uint256 newMultiplier, uint256 setAtTimestamp, uint256 effectiveAtTimestamp);

    function uiMultiplier() external view returns (uint256);

    function toUIAmount(uint256 rawAmount) external view returns (uint256);

    function fromUIAmount(uint256 uiAmount) external view returns (uint256);

    function balanceOfUI(address account) external view returns (uint256);

    /// @notice Schedule a multiplier. Restricted.
    function setUIMultiplier(uint256 newMultiplier, uint256 effectiveAtTimestamp) external;
}

/// @notice ERC-8056's extension for a multiplier that is scheduled.
interface IERC8056Pending {
    /// @notice The multiplier that is scheduled, or the current one when none is.
    function newUIMultiplier() external view returns (uint256);

    /// @notice When `newUIMultiplier` takes, or took, effect; 0 before the first.
    function effectiveAt() external view returns (uint256);
}
