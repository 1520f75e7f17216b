// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev Lowest and highest price accepted in the current bucket and in the one before, in the breaker's units: low, high, low before, high before,
///      from the lowest bits. 4 × 64 = 256. Never 0: prices are at least 100 units.
type RangesWord is uint256;

using { ends, rolled, widened, otherEnd } for RangesWord global;

function packRanges(uint256 low, uint256 high, uint256 lowBefore, uint256 highBefore) pure returns (RangesWord) {
    return RangesWord.wrap(low | (high << 64) | (lowBefore << 128) | (highBefore << 192));
}

/// @dev What one price and the one before it amount to: both in the current bucket, the earlier one alone before.
function rangesOf(uint256 price, uint256 previous) pure returns (RangesWord) {
    (uint256 low, uint256 high) = price < previous ? (price, previous) : (previous, price);
    return packRanges(low, high, previous, previous);
}

/// @dev The lowest and the highest of both buckets.
function ends(RangesWord w) pure returns (uint256 lowest, uint256 highest) {
    uint256 word = RangesWord.unwrap(w);
    lowest = uint64(word);
    highest = uint64(word >> 64);
    uint256 lowBefore = uint64(word >> 128);
    uint256 highBefore = word >> 192;
    if (lowBefore < lowest) lowest = lowBefore;
    if (highBefore > highest) highest = highBefore;
}

/// @dev One bucket on. The price in force when a bucket begins counts as accepted in it.
function rolled(RangesWord w, uint256 inForce) pure returns (RangesWord) {
    return RangesWord.wrap(inForce | (inForce << 64) | (RangesWord.unwrap(w) << 128));
}

/// @dev The current bucket has seen `price` too.
function widened(RangesWord w, uint256 price) pure returns (RangesWord) {
    uint256 word = RangesWord.unwrap(w);
    (uint256 low, uint256 high) = (uint64(word), uint64(word >> 64));
    if (price < low) low = price;
    if (price > high) high = price;
    return RangesWord.wrap(((word >> 128) << 128) | (high << 64) | low);
}

/// @dev The one price from which `rangesOf` makes these ranges together with `price`; 0 when there is none.
function otherEnd(RangesWord w, uint256 price) pure returns (uint256 previous) {
    previous = RangesWord.unwrap(w) >> 192;
    if (RangesWord.unwrap(rangesOf(price, previous)) != RangesWord.unwrap(w)) previous = 0;
}
