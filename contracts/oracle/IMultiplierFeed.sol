// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Whether a feed's price is per token already
/// @notice A stock token stands for `multiplier` shares. A feed that answers per token must not be multiplied again.
interface IMultiplierFeed {
    /// @notice True when the price is share price × multiplier.
    function includesMultiplier() external view returns (bool);
}
