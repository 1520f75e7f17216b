// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev The last accepted print and the breaker's memory, in one word. From the lowest bits: 55 price in the breaker's units of 1e-8 USD, 53 and 53 what
///      leads from it to two more prices, 50 round, 32 stamp, 9 how many ten minutes the acceptance came after the stamp, 4 flags = 256.
///      With `IS_FINE` the price is no whole number of units: 88 price in WAD, 53 to one more price, 20 unused.
///
///      The current bucket has seen the price and the first of the two, and both buckets together the second as well: `unpackRanges`. That is all the breaker
///      need know, unless a price in force lies between others; then `RANGES_STORED` is set, and the ranges have a slot of their own.
///      All that both buckets have seen is within 10% of the price, so 53 bits hold the way from the one to the other.
///      `round` keeps the phase and 34 bits of a Chainlink round; stamps of 32 bits last until 2106.
type AcceptedWord is uint256;

using { price, units, otherEnd, unpackRanges, publishedAt, bucket, has, flagged, unflagged, isLastRound } for AcceptedWord global;

/// @dev The price has digits below 1e-8 USD.
uint256 constant IS_FINE = 1 << 252;
/// @dev Round and stamp compare with the feed's; not set before the first print and after a change of feed.
uint256 constant OF_THIS_FEED = 1 << 253;
/// @dev A candidate stands: the asset is halted until a print confirms or revokes it.
uint256 constant CANDIDATE_STANDS = 1 << 254;
/// @dev The ranges of both buckets are in storage.
uint256 constant RANGES_STORED = 1 << 255;

/// @dev Breaker units are 1e-8 USD.
uint256 constant UNIT = 1e10;
/// @dev Breaker prices are lowest and highest within these seconds, and the same before.
uint256 constant BUCKET = 600;

uint256 constant UNITS_MASK = (1 << 55) - 1;
uint256 constant WAY_MASK = (1 << 53) - 1;
uint256 constant KEY_FIELD = ((1 << 50) - 1) << 161;

/// @dev The caller has checked the ranges: `price_` below 2^88, `first` and `second` in units and within 2^52 of it, the stamp at most three days old. `second`
///      is `first` where the price is fine.
function packAccepted(
    uint256 price_,
    uint256 first,
    uint256 second,
    uint256 round,
    uint256 publishedAt_,
    uint256 now_,
    uint256 flags
) pure returns (AcceptedWord) {
    unchecked {
        uint256 p = price_ / UNIT;
        uint256 word =
            p * UNIT == price_
                ? p | (((first - p) & WAY_MASK) << 55) | (((second - p) & WAY_MASK) << 108)
                : price_ | (((first - p) & WAY_MASK) << 88) | IS_FINE;
        uint256 age = now_ / BUCKET - publishedAt_ / BUCKET;
        return AcceptedWord.wrap(word | (keyOf(round) << 161) | (publishedAt_ << 211) | (age << 243) | flags);
    }
}

/// @dev A round shortened to 50 bits: the 16 of a proxy's phase and 34 of the aggregator's own round, which counts from one.
function keyOf(uint256 round) pure returns (uint256) {
    return ((round >> 64) << 34) | (round & 0x3ffffffff);
}

function price(AcceptedWord w) pure returns (uint256) {
    unchecked {
        return has(w, IS_FINE) ? uint88(AcceptedWord.unwrap(w)) : (AcceptedWord.unwrap(w) & UNITS_MASK) * UNIT;
    }
}

/// @dev The accepted price as the breaker sees it.
function units(AcceptedWord w) pure returns (uint256) {
    return has(w, IS_FINE) ? uint88(AcceptedWord.unwrap(w)) / UNIT : AcceptedWord.unwrap(w) & UNITS_MASK;
}

/// @dev The other end of the current bucket. Not to be asked with `RANGES_STORED`.
function otherEnd(AcceptedWord w, uint256 units_) pure returns (uint256) {
    unchecked {
        return uint256(int256(units_) + (int256(AcceptedWord.unwrap(w) << (has(w, IS_FINE) ? 115 : 148)) >> 203));
    }
}

/// @dev Lowest and highest price of the current bucket, and of both buckets. Not to be asked with `RANGES_STORED`.
function unpackRanges(AcceptedWord w) pure returns (uint256 low, uint256 high, uint256 lowest, uint256 highest) {
    uint256 p = units(w);
    uint256 first = otherEnd(w, p);
    unchecked {
        (low, high) = p < first ? (p, first) : (first, p);
        (lowest, highest) = (low, high);
        if (!has(w, IS_FINE)) {
            uint256 second = uint256(int256(p) + (int256(AcceptedWord.unwrap(w) << 95) >> 203));
            if (second < low) lowest = second;
            if (second > high) highest = second;
        }
    }
}

function publishedAt(AcceptedWord w) pure returns (uint256) {
    return uint32(AcceptedWord.unwrap(w) >> 211);
}

/// @dev The bucket in which the print was accepted.
function bucket(AcceptedWord w) pure returns (uint256) {
    unchecked {
        return publishedAt(w) / BUCKET + ((AcceptedWord.unwrap(w) >> 243) & 0x1ff);
    }
}

function has(AcceptedWord w, uint256 flag) pure returns (bool) {
    return AcceptedWord.unwrap(w) & flag != 0;
}

function flagged(AcceptedWord w, uint256 flag) pure returns (AcceptedWord) {
    return AcceptedWord.wrap(AcceptedWord.unwrap(w) | flag);
}

function unflagged(AcceptedWord w, uint256 flags) pure returns (AcceptedWord) {
    return AcceptedWord.wrap(AcceptedWord.unwrap(w) & ~flags);
}

/// @dev Whether this is the round that was accepted last, of this very feed, and no candidate stands.
function isLastRound(AcceptedWord w, uint256 round) pure returns (bool) {
    return AcceptedWord.unwrap(w) & (OF_THIS_FEED | CANDIDATE_STANDS | KEY_FIELD) == OF_THIS_FEED | (keyOf(round) << 161);
}
