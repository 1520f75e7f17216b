// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title When a market trades, and how much its closed hours weigh
/// @notice Assets that always trade have no calendar at all: `address(0)` stands for it wherever a calendar is configured.
///         All instants are Unix seconds; weighted seconds are WAD (1e18 = one second of an open session).
interface ISessionCalendar {
    /// @notice Weighted seconds between two instants: an open second weighs 1, a closed one `closedWeight`.
    /// @dev Additive: `f(a, b) + f(b, c) == f(a, c)`, exactly. Zero when `to <= from`.
    function weightedSeconds(uint256 from, uint256 to) external view returns (uint256 secondsWad);

    /// @notice Weighted length of an average year, in WAD seconds: what variance is annualised on.
    function yearSeconds() external view returns (uint256 secondsWad);

    /// @notice Whether a session is open at `at`, and when the latest session at or before `at` opened.
    function sessionAt(uint256 at) external view returns (bool open, uint256 openedAt);

    /// @notice The first opening after the next close that lies after `at`.
    function nextOpenAfterClose(uint256 at) external view returns (uint256);
}
