// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev Lowest and highest price accepted in the current bucket, and in it and the one before together, in the breaker's units: low, high, lowest, highest,
///      from the lowest bits. 4 × 64 = 256. Never 0: prices are at least 100 units. The bucket before needs no range of its own: it counts only together with
///      the current one, and when that ends, the current one is the one before.
type RangesWord is uint256;

using { unpack } for RangesWord global;

function packRanges(uint256 low, uint256 high, uint256 lowest, uint256 highest) pure returns (RangesWord) {
    return RangesWord.wrap(low | (high << 64) | (lowest << 128) | (highest << 192));
}

function unpack(RangesWord w) pure returns (uint256 low, uint256 high, uint256 lowest, uint256 highest) {
    uint256 word = RangesWord.unwrap(w);
    return (uint64(word), uint64(word >> 64), uint64(word >> 128), word >> 192);
}
