// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title What an executor takes its fee by
interface IExecutionFees {
    /// @notice An executor that is the owner's operator: move `amount` of the owner's margin to `to`'s free balance in the vault.
    function payExecutor(address owner, address token, uint256 amount, address to) external;
}
