// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRecordDates } from "./IRecordDates.sol";

/// @title Record days in one word, and how to ask a token for its latest
/// @notice Seven lanes of 32 bits, latest first: up to six days that lie ahead, and the latest that has been reached.
library RecordDates {
    uint256 private constant LANE = 32;
    uint256 internal constant MAX_PENDING = 6;
    /// @dev A movement on the day of an account's last one reads no record days: a new one must not lie in between.
    uint256 internal constant MIN_NOTICE = 1 days;

    /// @dev Enough for a token behind a proxy; a token that burns more has no record days.
    uint256 private constant READ_GAS = 30_000;
    uint256 private constant REQUIRED_GAS = 32_000;

    function today() internal view returns (uint256) {
        return block.timestamp / 1 days;
    }

    /// @notice The latest of `lanes` that has been reached; 0 if none has.
    function latest(uint256 lanes) internal view returns (uint256 recordDay) {
        uint256 day = today();
        for (; lanes != 0; lanes >>= LANE) {
            recordDay = uint32(lanes);
            if (recordDay <= day) return recordDay;
        }
        return 0;
    }

    /// @notice `lanes` with `recordDay` in its place. Reverts if its midnight is less than a day ahead, or six others are pending.
    function insert(uint256 lanes, uint256 recordDay) internal view returns (uint256 inserted) {
        uint256 earliest = (block.timestamp + MIN_NOTICE + 1 days - 1) / 1 days;
        if (recordDay < earliest) revert IRecordDates.RecordDates_NoticeTooShort(recordDay, earliest);
        uint256 day = today();
        uint256 shift;
        bool placed;
        // Those after it, itself, those before it, and the latest that has been reached: older ones are no longer asked for.
        while (true) {
            uint256 lane = uint32(lanes); // the lowest lane on purpose
            lanes >>= LANE;
            if (!placed && lane < recordDay) {
                inserted |= _pending(recordDay, shift);
                shift += LANE;
                placed = true;
            }
            if (lane <= day) return inserted | (lane << shift);
            inserted |= _pending(lane, shift);
            shift += LANE;
        }
    }

    function _pending(uint256 recordDay, uint256 shift) private pure returns (uint256) {
        if (shift == MAX_PENDING * LANE) revert IRecordDates.RecordDates_TooManyPending(MAX_PENDING);
        return recordDay << shift;
    }

    /// @notice The latest reached record day of `token`; 0 for a token that has none, or does not know what that is.
    /// @dev Read only, with bounded gas. The answer is the token's own affair: it decides about balances of that token alone.
    function latestOf(address token) internal view returns (uint256 recordDay) {
        // With less, the call could fail where it would have succeeded, and the mover would choose what is remembered.
        if (gasleft() < REQUIRED_GAS) revert IRecordDates.RecordDates_TooLittleGas(gasleft(), REQUIRED_GAS);
        uint32 selector = uint32(IRecordDates.latestRecordDay.selector);
        assembly ("memory-safe") {
            mstore(0, selector)
            if and(gt(returndatasize(), 31), staticcall(READ_GAS, token, 28, 4, 0, 32)) {
                recordDay := mload(0)
            }
        }
        if (recordDay > today()) recordDay = 0;
    }
}
