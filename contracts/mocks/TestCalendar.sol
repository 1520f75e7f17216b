// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";

/// @title Sessions from 14:30 to 21:00 UTC, Monday to Friday
/// @dev Test double: no holidays, no daylight saving. The instant of the opening is open, that of the close is closed.
contract TestCalendar is ISessionCalendar {
    uint256 private constant OPEN = 14.5 hours;
    uint256 private constant CLOSE = 21 hours;
    uint256 private constant TRADING_DAYS = 5;
    /// @dev From the Monday before the epoch, a Thursday.
    uint256 private constant EPOCH_OFFSET = 3 days;

    uint256 public immutable closedWeight;
    uint256 public immutable yearSeconds;

    constructor(uint256 closedWeight_, uint256 yearSeconds_) {
        closedWeight = closedWeight_;
        yearSeconds = yearSeconds_;
    }

    /// @inheritdoc ISessionCalendar
    function weightedSeconds(uint256 from, uint256 to) external view returns (uint256) {
        if (to <= from) return 0;
        uint256 open = _openSeconds(to) - _openSeconds(from);
        return open * 1e18 + (to - from - open) * closedWeight;
    }

    /// @inheritdoc ISessionCalendar
    function sessionAt(uint256 at) external pure returns (bool open, uint256 openedAt) {
        (uint256 midnight, uint256 day, uint256 second) = _split(at);
        open = day < TRADING_DAYS && second >= OPEN && second < CLOSE;
        if (day < TRADING_DAYS && second >= OPEN) return (open, midnight + OPEN);
        // Before today's opening, or on a day without one: the trading day before.
        uint256 back =
            day == 0
                ? 3
                : day < TRADING_DAYS
                    ? 1
                    : day - (TRADING_DAYS - 1);
        return (open, midnight + OPEN - back * 1 days);
    }

    /// @inheritdoc ISessionCalendar
    function nextOpenAfterClose(uint256 at) external pure returns (uint256) {
        (uint256 midnight, uint256 day, uint256 second) = _split(at);
        // The day of the next close, then the trading day after it.
        if (day < TRADING_DAYS && second >= CLOSE) {
            midnight += 1 days;
            day += 1;
        }
        if (day >= TRADING_DAYS) {
            midnight += (7 - day) * 1 days;
            day = 0;
        }
        return midnight + (day == TRADING_DAYS - 1 ? 3 days : 1 days) + OPEN;
    }

    function _openSeconds(uint256 at) private pure returns (uint256) {
        uint256 sinceMonday = at + EPOCH_OFFSET;
        uint256 day = (sinceMonday / 1 days) % 7;
        uint256 second = sinceMonday % 1 days;
        uint256 daysDone = (sinceMonday / 1 weeks) * TRADING_DAYS + (day < TRADING_DAYS ? day : TRADING_DAYS);
        uint256 today;
        if (day < TRADING_DAYS && second > OPEN) today = (second < CLOSE ? second : CLOSE) - OPEN;
        return daysDone * (CLOSE - OPEN) + today;
    }

    /// @dev Midnight before `at`, the day (Monday is 0) and the second of the day.
    function _split(uint256 at) private pure returns (uint256 midnight, uint256 day, uint256 second) {
        second = at % 1 days;
        midnight = at - second;
        day = ((at + EPOCH_OFFSET) / 1 days) % 7;
    }
}
