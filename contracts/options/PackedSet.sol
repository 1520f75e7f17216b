// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title A small set of 24-bit members in two words
/// @notice Word 0 holds a count, a flag, a mark and ten members, so that most sets are known from one slot; word 1 holds six more.
library PackedSet {
    /// @notice Members that a set may hold.
    uint256 internal constant LIMIT = 16;
    uint256 private constant IN_FIRST = 10;
    uint256 private constant BITS = 24;
    uint256 private constant MASK = (1 << BITS) - 1;
    /// @dev word 0: 8 (count) + 8 (flag, mark) + 10 · 24 = 256.
    uint256 private constant HEADER = 16;
    uint256 private constant FLAG = 1 << 8;
    uint256 private constant MARK = 1 << 9;

    struct Set {
        uint256 first;
        uint256 second;
    }

    function count(Set storage set) internal view returns (uint256) {
        return set.first & 255;
    }

    function flagged(Set storage set) internal view returns (bool) {
        return set.first & FLAG != 0;
    }

    function marked(Set storage set) internal view returns (bool) {
        return set.first & MARK != 0;
    }

    function setFlag(Set storage set, bool on) internal {
        _setBit(set, FLAG, on);
    }

    function setMark(Set storage set, bool on) internal {
        _setBit(set, MARK, on);
    }

    function _setBit(Set storage set, uint256 bit, bool on) private {
        uint256 first = set.first;
        uint256 changed = on ? first | bit : first & ~bit;
        if (changed != first) set.first = changed;
    }

    function at(Set storage set, uint256 index) internal view returns (uint24) {
        uint256 raw = index < IN_FIRST ? set.first >> (HEADER + BITS * index) : set.second >> (BITS * (index - IN_FIRST));
        return uint24(raw & MASK);
    }

    /// @dev The caller checks `LIMIT` and that the member is new.
    function add(Set storage set, uint24 member) internal {
        uint256 first = set.first;
        uint256 size = first & 255;
        if (size < IN_FIRST) {
            set.first = _with(first, size, member) + 1;
        } else {
            _putSecond(set, size, member);
            set.first = first + 1;
        }
    }

    /// @dev The last member takes the place of the removed one. The caller knows that the member is there.
    function remove(Set storage set, uint24 member) internal {
        uint256 first = set.first;
        uint256 last = (first & 255) - 1;
        uint256 i;
        while (at(set, i) != member) ++i;
        if (last < IN_FIRST) {
            uint256 moved = (first >> (HEADER + BITS * last)) & MASK;
            set.first = _with(_with(first, i, moved), last, 0) - 1;
            return;
        }
        uint256 tail = at(set, last);
        _putSecond(set, last, 0);
        if (i < IN_FIRST) first = _with(first, i, tail);
        else if (i != last) _putSecond(set, i, tail);
        set.first = first - 1;
    }

    /// @dev The first word with `member` at `index`, below `IN_FIRST`.
    function _with(uint256 first, uint256 index, uint256 member) private pure returns (uint256) {
        uint256 shift = HEADER + BITS * index;
        return (first & ~(MASK << shift)) | (member << shift);
    }

    function _putSecond(Set storage set, uint256 index, uint256 member) private {
        uint256 shift = BITS * (index - IN_FIRST);
        set.second = (set.second & ~(MASK << shift)) | (member << shift);
    }
}
