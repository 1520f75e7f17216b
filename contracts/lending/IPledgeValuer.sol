// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title What an options account would bring
interface IPledgeValuer {
    /// @notice What closing every position of (owner, token) now and paying what it owes would leave of its margin, in units of `token`, down.
    ///         A position whose market cannot answer now counts for nothing.
    function valueOf(address owner, address token) external view returns (uint256);
}
