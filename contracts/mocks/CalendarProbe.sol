// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";

/// @title Asks a calendar about many instants at once
/// @dev Test tool.
contract CalendarProbe {
    /// @notice For each instant: openedAt · 2 + (open ? 1 : 0).
    function opened(ISessionCalendar calendar, uint256[] calldata instants) external view returns (uint256[] memory answers) {
        answers = new uint256[](instants.length);
        for (uint256 i; i < instants.length; ++i) {
            (bool open, uint256 openedAt) = calendar.sessionAt(instants[i]);
            answers[i] = openedAt * 2 + (open ? 1 : 0);
        }
    }

    /// @notice For each instant: the open after the next close.
    function reopenings(ISessionCalendar calendar, uint256[] calldata instants) external view returns (uint256[] memory answers) {
        answers = new uint256[](instants.length);
        for (uint256 i; i < instants.length; ++i) answers[i] = calendar.nextOpenAfterClose(instants[i]);
    }

    /// @notice Weighted seconds of each span between neighbours.
    function spans(ISessionCalendar calendar, uint256[] calldata instants) external view returns (uint256[] memory weighted) {
        weighted = new uint256[](instants.length - 1);
        for (uint256 i; i + 1 < instants.length; ++i) weighted[i] = calendar.weightedSeconds(instants[i], instants[i + 1]);
    }
}
