// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev Where an asset's prints come from and what else is asked, in one word, so that a reading loads one slot and no struct.
///      160 target, 24 maxAge, 56 deviation, 6 decimals, 10 flags = 256. `target` is the adapter, or, when direct, the Chainlink aggregator itself.
type SourceWord is uint256;

using { target, maxAge, deviation, decimals, has } for SourceWord global;

/// @dev Flags of a source. What is not flagged is not read and costs nothing.
uint256 constant IS_DIRECT = 1 << 246;
uint256 constant HAS_CALENDAR = 1 << 247;
uint256 constant HAS_CHECK = 1 << 248;
uint256 constant HAS_SEQUENCER = 1 << 249;
uint256 constant HAS_JUMP_LIMIT = 1 << 250;

/// @dev The caller vouches for the ranges: the oracle's bounds keep `maxAge_` under 2^24 and `deviation_` under 2^56, adapters their decimals under 2^6.
function packSource(address target_, uint256 maxAge_, uint256 deviation_, uint256 decimals_, uint256 flags) pure returns (SourceWord) {
    return SourceWord.wrap(uint160(target_) | (maxAge_ << 160) | (deviation_ << 184) | (decimals_ << 240) | flags);
}

function target(SourceWord w) pure returns (address) {
    return address(uint160(SourceWord.unwrap(w)));
}

function maxAge(SourceWord w) pure returns (uint256) {
    return uint24(SourceWord.unwrap(w) >> 160);
}

function deviation(SourceWord w) pure returns (uint256) {
    return uint56(SourceWord.unwrap(w) >> 184);
}

function decimals(SourceWord w) pure returns (uint256) {
    return (SourceWord.unwrap(w) >> 240) & 0x3f;
}

function has(SourceWord w, uint256 flag) pure returns (bool) {
    return SourceWord.unwrap(w) & flag != 0;
}
