// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ISessionCalendar } from "./ISessionCalendar.sol";

/// @title New York sessions on chain
/// @notice What the rules of the exchange foresee is computed (see `NewYorkDays`). Governance declares what they do not: closures and early closes, ahead
///         of time, and only ever shorter sessions. What has begun cannot be declared any more: time that was weighed stays weighed.
interface IMarketCalendar is ISessionCalendar {
    /// @param day Days since 1 January 1970; a trading day by rule, and not declared yet.
    /// @param openSeconds Seconds after the opening at which it closes; 0 for a closure. Less than by rule.
    struct SpecialDay {
        uint32 day;
        uint32 openSeconds;
    }

    /// @notice A day trades `openSeconds` from its opening, and not as long as the rules say.
    event DeclareDay(uint256 indexed day, uint256 openSeconds);
    /// @notice A declared day trades by the rules after all.
    event RevokeDay(uint256 indexed day);

    error MarketCalendar_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    /// @notice The day's opening is nearer than the notice that a declaration takes, or past.
    error MarketCalendar_NoticeTooShort(uint256 opensAt, uint256 earliest);
    /// @notice The day is no trading day, or declared already.
    error MarketCalendar_NothingToDeclare(uint256 day);
    /// @notice The day has not been declared.
    error MarketCalendar_UnknownDay(uint256 day);
    /// @notice As many days are declared and pending as there may be.
    error MarketCalendar_TooManyDays(uint256 max);

    /// @notice Declare a closure or an early close, from 12 hours to a year before the day's opening. Restricted.
    function declareDay(SpecialDay calldata special) external;

    /// @notice Take a declaration back, at least 12 hours before the day's opening. Restricted.
    function revokeDay(uint256 day) external;

    /// @notice What a second outside sessions weighs, WAD.
    function closedWeight() external view returns (uint256);

    /// @notice The session of a day: when it opens and closes, Unix seconds; both 0 for a day without one.
    function sessionOf(uint256 day) external view returns (uint256 opensAt, uint256 closesAt);

    /// @notice Every declared day, in order, past ones included.
    function specialDays() external view returns (SpecialDay[] memory);
}
