// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev The last accepted print and the breaker's memory, in one word: 88 price, 55 round, 32 stamp, 23 bucket, 55 previous, 3 flags = 256.
///      `price` is WAD, `previous` in the breaker's units of 1e-8 USD: the other end of what the current bucket has seen and all that the one before has,
///      as long as nothing more is known (`RANGES_STORED` is not set); the ranges then need no slot of their own.
///      `round` keeps the phase and 39 bits of a Chainlink round; stamps of 32 bits last until 2106.
type AcceptedWord is uint256;

using { price, units, roundKey, publishedAt, bucket, previous, has, flagged, unflagged, isLastRound } for AcceptedWord global;

/// @dev Round and stamp compare with the feed's; not set before the first print and after a change of feed.
uint256 constant OF_THIS_FEED = 1 << 253;
/// @dev A candidate stands: the asset is halted until a print confirms or revokes it.
uint256 constant CANDIDATE_STANDS = 1 << 254;
/// @dev The ranges of both buckets are in storage.
uint256 constant RANGES_STORED = 1 << 255;

/// @dev Breaker units are 1e-8 USD.
uint256 constant UNIT = 1e10;

/// @dev The caller has checked the ranges: `price_` below 2^88, `previous_` a price in units, `bucket_` of now.
function packAccepted(
    uint256 price_,
    uint256 round,
    uint256 publishedAt_,
    uint256 bucket_,
    uint256 previous_,
    uint256 flags
) pure returns (AcceptedWord) {
    return AcceptedWord.wrap(price_ | (keyOf(round) << 88) | (publishedAt_ << 143) | (bucket_ << 175) | (previous_ << 198) | flags);
}

/// @dev A round shortened to 55 bits: the 16 of a proxy's phase and 39 of the aggregator's own round, which counts from one.
function keyOf(uint256 round) pure returns (uint256) {
    return ((round >> 64) << 39) | (round & 0x7fffffffff);
}

function price(AcceptedWord w) pure returns (uint256) {
    return uint88(AcceptedWord.unwrap(w));
}

/// @dev The accepted price as the breaker sees it.
function units(AcceptedWord w) pure returns (uint256) {
    return uint88(AcceptedWord.unwrap(w)) / UNIT;
}

function roundKey(AcceptedWord w) pure returns (uint256) {
    return (AcceptedWord.unwrap(w) >> 88) & 0x7fffffffffffff;
}

function publishedAt(AcceptedWord w) pure returns (uint256) {
    return uint32(AcceptedWord.unwrap(w) >> 143);
}

function bucket(AcceptedWord w) pure returns (uint256) {
    return (AcceptedWord.unwrap(w) >> 175) & 0x7fffff;
}

function previous(AcceptedWord w) pure returns (uint256) {
    return (AcceptedWord.unwrap(w) >> 198) & 0x7fffffffffffff;
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
    return AcceptedWord.unwrap(w) & (OF_THIS_FEED | CANDIDATE_STANDS) == OF_THIS_FEED && roundKey(w) == keyOf(round);
}
