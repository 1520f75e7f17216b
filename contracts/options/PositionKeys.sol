// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IPerpetualOptions } from "./IPerpetualOptions.sol";

/// @notice 14 bits of market, 9 of strike (+256), 1 of side.
type PositionKey is uint24;

/// @title An account's positions in two words
/// @notice Word 0 holds a count, a debt flag and ten keys, so that an account of up to ten positions is known from one slot; word 1 holds six more.
library PositionKeys {
    /// @notice Positions an account may hold.
    uint256 internal constant LIMIT = 16;
    uint256 internal constant MAX_MARKETS = 1 << 14;
    uint256 private constant IN_FIRST = 10;
    uint256 private constant BITS = 24;
    uint256 private constant MASK = (1 << BITS) - 1;
    /// @dev word 0: 8 (count) + 8 (debt flag) + 10 · 24 = 256.
    uint256 private constant HEADER = 16;
    uint256 private constant DEBT_FLAG = 1 << 8;

    struct Set {
        uint256 first;
        uint256 second;
    }

    function pack(uint16 marketId, int16 strike, bool isCall) internal pure returns (PositionKey) {
        return PositionKey.wrap(uint24((uint256(marketId) << 10) | (uint256(int256(strike) + 256) << 1) | (isCall ? 1 : 0)));
    }

    function unpack(PositionKey key) internal pure returns (uint16 marketId, int16 strike, bool isCall) {
        uint256 raw = PositionKey.unwrap(key);
        return (uint16(raw >> 10), int16(int256((raw >> 1) & 511) - 256), raw & 1 == 1);
    }

    function count(Set storage set) internal view returns (uint256) {
        return set.first & 255;
    }

    function hasDebt(Set storage set) internal view returns (bool) {
        return set.first & DEBT_FLAG != 0;
    }

    function setDebt(Set storage set, bool owing) internal {
        uint256 first = set.first;
        uint256 flagged = owing ? first | DEBT_FLAG : first & ~DEBT_FLAG;
        if (flagged != first) set.first = flagged;
    }

    function at(Set storage set, uint256 index) internal view returns (PositionKey) {
        uint256 raw = index < IN_FIRST ? set.first >> (HEADER + BITS * index) : set.second >> (BITS * (index - IN_FIRST));
        return PositionKey.wrap(uint24(raw & MASK));
    }

    /// @dev The caller checks `LIMIT` and that the key is new.
    function add(Set storage set, PositionKey key) internal {
        uint256 size = count(set);
        put(set, size, key);
        set.first += 1;
    }

    /// @dev The last key takes the place of the removed one. The caller knows that the key is there.
    function remove(Set storage set, PositionKey key) internal {
        uint256 last = count(set) - 1;
        uint256 i;
        while (PositionKey.unwrap(at(set, i)) != PositionKey.unwrap(key)) ++i;
        put(set, i, at(set, last));
        put(set, last, PositionKey.wrap(0));
        set.first -= 1;
    }

    function list(Set storage set) internal view returns (IPerpetualOptions.PositionId[] memory ids) {
        ids = new IPerpetualOptions.PositionId[](count(set));
        for (uint256 i; i < ids.length; ++i) (ids[i].marketId, ids[i].strike, ids[i].isCall) = unpack(at(set, i));
    }

    function put(Set storage set, uint256 index, PositionKey key) private {
        uint256 raw = PositionKey.unwrap(key);
        if (index < IN_FIRST) {
            uint256 shift = HEADER + BITS * index;
            set.first = (set.first & ~(MASK << shift)) | (raw << shift);
        } else {
            uint256 shift = BITS * (index - IN_FIRST);
            set.second = (set.second & ~(MASK << shift)) | (raw << shift);
        }
    }
}
