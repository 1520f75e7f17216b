// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { LibBit } from "@solady/src/utils/LibBit.sol";

/// @title Strikes on a geometric grid
/// @notice K_j = R · 1.02^j for |j| ≤ 164, which spans [R/25.7, 25.7·R]. A price's *cell* is the largest j with K_j ≤ S, −165 below the grid,
///         so that `S ≥ K_j ⇔ j ≤ cell`. Sets of strikes are bitmaps of three words; those near the reference price share one word.
library StrikeGrid {
    /// @dev ln 1.02 in WAD.
    int256 internal constant LN_STEP = 19802627296179713;
    int16 internal constant LIMIT = 164;
    /// @notice Strikes that may be live in one market.
    uint256 internal constant MAX_LIVE = 64;
    /// @dev Index 0 sits in the middle of word 1.
    int256 private constant BIAS = 384;
    /// @dev Far more than ln's and the strike's own rounding, so that a logarithm this far inside a cell decides it alone.
    int256 private constant SURE = 1e9;

    struct Bitmap {
        mapping(uint256 wordIndex => uint256 word) words;
    }

    function lnStrike(int16 strike) internal pure returns (int256) {
        unchecked {
            return int256(strike) * LN_STEP;
        }
    }

    /// @notice K_j, floored.
    function strikePrice(uint256 referencePrice, int16 strike) internal pure returns (uint256) {
        unchecked {
            return (referencePrice * uint256(Fixed.expWad(lnStrike(strike)))) / 1e18; // at most 1e25 · 26e18
        }
    }

    /// @notice Whether a price whose ln against the reference price is `lnS` lies in a cell beyond doubt, so that `cellOf` need not be asked.
    function surelyIn(int16 cell, int256 lnS) internal pure returns (bool) {
        unchecked {
            // What lies below wraps to far above.
            return uint256(lnS - lnStrike(cell) - SURE) < uint256(LN_STEP - 2 * SURE);
        }
    }

    /// @notice Cell of a price whose ln against the reference price is `lnS`.
    function cellOf(uint256 price, int256 lnS, uint256 referencePrice) internal pure returns (int16) {
        // |lnS| is below 2^68, and what is left of the cell at the end within the grid.
        unchecked {
            int256 cell = lnS / LN_STEP;
            int256 rest = lnS - cell * LN_STEP;
            if (rest < 0) {
                --cell;
                rest += LN_STEP;
            }
            if (cell > LIMIT) return LIMIT;
            if (cell < -LIMIT - 1) return -LIMIT - 1;
            // Within rounding distance of a strike only the strike price itself decides.
            if (rest < SURE) {
                if (cell >= -LIMIT && strikePrice(referencePrice, int16(cell)) > price) --cell;
            } else if (rest > LN_STEP - SURE) {
                if (cell < LIMIT && strikePrice(referencePrice, int16(cell + 1)) <= price) ++cell;
            }
            return int16(cell);
        }
    }

    function contains(Bitmap storage map, int16 strike) internal view returns (bool) {
        (uint256 word, uint256 bit) = locate(strike);
        return (map.words[word] >> bit) & 1 == 1;
    }

    function toggle(Bitmap storage map, int16 strike) internal {
        (uint256 word, uint256 bit) = locate(strike);
        map.words[word] ^= 1 << bit;
    }

    /// @notice Members of `(above, upTo]`, ascending; `count` bounds the answer and ends the search early.
    function membersBetween(Bitmap storage map, int16 above, int16 upTo, uint256 count) internal view returns (int16[] memory strikes) {
        strikes = new int16[](count);
        uint256 found;
        if (count == 0 || above >= upTo) return truncate(strikes, 0);
        // Word indices are at most 2 and bits at most 255.
        unchecked {
            (uint256 first, uint256 firstBit) = locate(above + 1);
            (uint256 last, uint256 lastBit) = locate(upTo);
            for (uint256 i = first; i <= last && found < count; ++i) {
                uint256 word = map.words[i];
                if (i == first) word &= type(uint256).max << firstBit;
                if (i == last) word &= type(uint256).max >> (255 - lastBit);
                while (word != 0 && found < count) {
                    int256 member = int256(i * 256 + LibBit.ffs(word)) - BIAS;
                    assembly ("memory-safe") {
                        mstore(add(add(strikes, 0x20), shl(5, found)), member)
                    }
                    ++found;
                    word &= word - 1;
                }
            }
        }
        return truncate(strikes, found);
    }

    /// @notice Every member, ascending, given how many there are. Word 1 alone is read when it holds them all.
    function members(Bitmap storage map, uint256 count) internal view returns (int16[] memory) {
        bool near = LibBit.popCount(map.words[1]) == count;
        return near ? membersBetween(map, int16(255 - BIAS), int16(511 - BIAS), count) : membersBetween(map, -LIMIT - 1, LIMIT, count);
    }

    function locate(int16 strike) private pure returns (uint256 word, uint256 bit) {
        unchecked {
            uint256 index = uint256(int256(strike) + BIAS);
            return (index >> 8, index & 255);
        }
    }

    function truncate(int16[] memory strikes, uint256 length) private pure returns (int16[] memory) {
        assembly ("memory-safe") {
            mstore(strikes, length)
        }
        return strikes;
    }
}
