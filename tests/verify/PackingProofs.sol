// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { StrikeNotional, StrikeNotionals } from "../../contracts/math/StrikeNotional.sol";
import { IOptionsTypes } from "../../contracts/options/IOptionsTypes.sol";
import { PackedSet } from "../../contracts/options/PackedSet.sol";
import { PositionKeys } from "../../contracts/options/PositionKeys.sol";

/// @notice What is packed comes out again, and nothing else.
contract PackingProofs {
    using PackedSet for PackedSet.Set;

    PackedSet.Set private set;

    /// @notice X1: strike, calls and puts come out of their word as they went in.
    function check_a_strikes_word_gives_back_its_parts(int16 strike, uint112 calls, uint112 puts) external pure {
        StrikeNotional word = StrikeNotionals.pack(strike, calls, puts);
        (int16 strike_, uint256 calls_, uint256 puts_) = word.unpack();
        assert(strike_ == strike && calls_ == calls && puts_ == puts);
        assert(word.total() == uint256(calls) + puts);
    }

    /// @notice An identity on the grid comes out of its key; one off the grid has the key 0, which no other has.
    function check_a_key_gives_back_its_position(uint16 marketId, int16 strike, bool isCall) external pure {
        IOptionsTypes.PositionId memory id = IOptionsTypes.PositionId(marketId, strike, isCall);
        uint24 key = PositionKeys.pack(id);
        bool onGrid = strike >= -164 && strike <= 164 && marketId < PositionKeys.MAX_MARKETS;
        assert((key == 0) == !onGrid);
        if (!onGrid) return;
        IOptionsTypes.PositionId memory back = PositionKeys.unpack(key);
        assert(back.marketId == marketId && back.strike == strike && back.isCall == isCall);
    }

    /// @notice A member added to a set of any size is its last; the others, their order and the flag stay.
    function check_adding_keeps_the_others(uint256 first, uint256 second, uint8 size, uint24 member, uint8 i) external {
        if (size >= PackedSet.LIMIT || i >= size) return;
        set.first = (first & ~uint256(255)) | size;
        set.second = second;
        bool flag = set.flagged();
        uint24 other = set.at(i);
        set.add(member);
        assert(set.count() == uint256(size) + 1);
        assert(set.at(size) == member);
        assert(set.at(i) == other);
        assert(set.flagged() == flag);
    }

    /// @notice Removing the member at `i` puts the last one in its place; the others and the flag stay. Sets up to five members.
    function check_removing_keeps_the_others(uint256 first, uint24 a, uint24 b, uint24 c, uint24 d, uint24 e, uint8 i) external {
        uint24[5] memory members = [a, b, c, d, e];
        if (i > 4) return;
        for (uint256 j; j < 5; ++j) for (uint256 k = j + 1; k < 5; ++k) if (members[j] == members[k]) return;
        set.first = first & (1 << 8);
        bool flag = set.flagged();
        for (uint256 j; j < 5; ++j) set.add(members[j]);
        // The index is tried one by one: a symbolic one would make the search for it symbolic too.
        for (uint256 j; j < 5; ++j) if (i == j) set.remove(members[j]);
        assert(set.count() == 4);
        assert(set.flagged() == flag);
        for (uint256 j; j < 4; ++j) assert(set.at(j) == (j == i ? members[4] : members[j]));
        assert(set.at(4) == 0);
    }

    /// @notice The flag changes alone.
    function check_the_flag_changes_alone(uint256 first, uint8 i, bool on) external {
        if (i >= 10) return;
        set.first = first;
        (uint256 count, uint24 member) = (set.count(), set.at(i));
        set.setFlag(on);
        assert(set.flagged() == on && set.count() == count && set.at(i) == member);
    }
}
