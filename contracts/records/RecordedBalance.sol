// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Checkpoints } from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @dev slot 0: balance 184 + flags 40 + day of the last movement 32 = 256; slot 1: the balances it had at record days.
struct RecordedBalance {
    uint256 word;
    Checkpoints.Trace224 past;
}

/// @title A balance that remembers what it was at record days
/// @notice The first movement after a record day remembers the balance before it, with the day since which it stood. A balance of nothing is
///         not remembered: an account that comes later pays nothing for the days before it.
/// @dev A movement on the day of the last one has no midnight in between, so it reads nothing else. Keys of `past` are record days, values
///      are `since` 32 + balance 184 (+ 8 unused) = 224: the balance stood at every record day in (since, key].
library RecordedBalances {
    using Checkpoints for Checkpoints.Trace224;

    uint256 internal constant MAX = type(uint184).max;
    uint256 private constant FLAGS_SHIFT = 184;
    uint256 private constant DAY_SHIFT = 224;
    uint256 private constant SINCE_SHIFT = 192;
    uint256 private constant DAY_MASK = uint256(type(uint32).max) << DAY_SHIFT;
    uint256 private constant FLAGS_MASK = uint256(type(uint40).max) << FLAGS_SHIFT;

    function balanceOf(uint256 word) internal pure returns (uint256) {
        return word & MAX;
    }

    function flagsOf(uint256 word) internal pure returns (uint40) {
        return uint40(word >> FLAGS_SHIFT); // drops the day on purpose
    }

    /// @notice Whether the last movement was on another day: then `advance` comes before the movement.
    function isPast(uint256 word, uint256 today) internal pure returns (bool) {
        return word >> DAY_SHIFT != today;
    }

    /// @notice `word` on the day `today`, before its first movement then. Remembers the balance if `recordDay`, the latest that has been reached,
    ///         lies after the last movement. The caller adds to the word, or takes from it, within `MAX`, and stores it.
    function advance(RecordedBalance storage self, uint256 word, uint256 recordDay, uint256 today) internal returns (uint256) {
        uint256 since = word >> DAY_SHIFT;
        // Casts: a day that has been reached fits 32 bits until the year 11,761,000.
        if (recordDay > since && word & MAX != 0) self.past.push(uint32(recordDay), uint224((since << SINCE_SHIFT) | (word & MAX)));
        return (word & ~DAY_MASK) | (today << DAY_SHIFT);
    }

    /// @notice Write flags; the balance has not moved.
    function setFlags(RecordedBalance storage self, uint40 flags) internal {
        self.word = (self.word & ~FLAGS_MASK) | (uint256(flags) << FLAGS_SHIFT);
    }

    /// @notice The balance at `recordDay`, which has been reached and was announced.
    function at(RecordedBalance storage self, uint256 recordDay) internal view returns (uint256) {
        uint256 word = self.word;
        if (word >> DAY_SHIFT < recordDay) return word & MAX;
        uint256 value = self.past.lowerLookup(uint32(recordDay)); // reached: fits
        return value >> SINCE_SHIFT < recordDay ? value & MAX : 0;
    }
}
