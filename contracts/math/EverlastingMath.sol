// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";

/// @title The closed form of an everlasting option, per unit of notional
/// @notice Time value at zero rates with exponentially distributed expiry (White & Bankman-Fried, "Everlasting Options", 2021; the closed form is
///         Deri's): with u = sqrt(1 + 8/c), b = (1 + u)/2 and x = S/K,
///         tv = x^b / u below the strike and x^(1−b) / u from it on; call = max(x − 1, 0) + tv; put = max(1 − x, 0) + tv.
/// @dev All values WAD. Exponentials of the accumulators are shifted by e^C, so that both ends of the price range keep their digits.
library EverlastingMath {
    uint256 internal constant WAD = 1e18;
    /// @dev Scale of funding and rent indices.
    uint256 internal constant INDEX = 1e27;
    /// @dev C: the shift of the exponents, (201 ln 2 − 9 ln 10) / 2. So two shifts, 1e18 and the index scale are 2^201, which a shift of bits takes out.
    int256 internal constant SHIFT = 59_299658727801298018;
    uint8 private constant INDEX_BITS = 201;
    /// @dev Largest |exponent| before the shift; e^(65 + C) and its integral over decades fit 256 bits.
    uint256 private constant MAX_EXPONENT = 65e36;
    uint256 private constant MAX_RATIO = 26e18;

    /// @notice u and b of a variance budget c.
    function roots(uint256 c) internal pure returns (uint256 u, uint256 b) {
        b = (Fixed.sqrt(1e36 + 8e54 / c) + WAD) / 2;
        u = 2 * b - WAD;
    }

    /// @notice Largest |ln| of a price or strike against the reference price: e^(±65/b), at most [1/26, 26].
    function maxLn(uint256 b) internal pure returns (uint256) {
        return Fixed.min(MAX_EXPONENT / b, uint256(Fixed.lnWad(int256(MAX_RATIO))));
    }

    /// @notice s^b, shifted, for ln s. |lnS| ≤ `maxLn`, so no product or exponent overflows.
    function powerA(int256 lnS, uint256 b) internal pure returns (uint256) {
        unchecked {
            return uint256(Fixed.expWad((int256(b) * lnS) / 1e18 + SHIFT));
        }
    }

    /// @notice s^(1−b), shifted, for ln s.
    function powerB(int256 lnS, uint256 b) internal pure returns (uint256) {
        unchecked {
            return uint256(Fixed.expWad(((1e18 - int256(b)) * lnS) / 1e18 + SHIFT));
        }
    }

    /// @notice u · F of a strike, 1e27, from its parts of the accumulators and k^(−b), k^(b−1), which are the powers of 1/k. A part that is still zero
    ///         costs nothing.
    function fundingIndex(uint256 partA, uint256 partB, int256 lnK, uint256 b) internal pure returns (uint256 index) {
        unchecked {
            if (partA != 0) index = Fixed.fullMulDivN(partA, powerA(-lnK, b), INDEX_BITS);
            if (partB != 0) index += Fixed.fullMulDivN(partB, powerB(-lnK, b), INDEX_BITS);
        }
    }

    /// @notice ln of a ratio of prices, both positive and below 2^96.
    function lnRatio(uint256 price, uint256 referencePrice) internal pure returns (int256) {
        unchecked {
            return Fixed.lnWad(int256(Fixed.max(Fixed.rawDiv(price * WAD, referencePrice), 1)));
        }
    }

    /// @notice Value of a call or put per unit of notional; prices below 2^96. Never above x (call), never above 1 + 1/u (put).
    function value(uint256 price, uint256 strikePrice, bool isCall, uint256 u, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 x = Fixed.rawDiv(price * WAD, strikePrice);
            if (x == 0) return isCall ? 0 : WAD;
            int256 exponent = x < WAD ? int256(b) : 1e18 - int256(b);
            uint256 timeValue = Fixed.rawDiv(uint256(Fixed.expWad((exponent * Fixed.lnWad(int256(x))) / 1e18)) * WAD, u);
            return timeValue + intrinsicOf(x, isCall);
        }
    }

    /// @notice Payoff of a call or put per unit of notional.
    function intrinsic(uint256 price, uint256 strikePrice, bool isCall) internal pure returns (uint256) {
        return intrinsicOf((price * WAD) / strikePrice, isCall);
    }

    function intrinsicOf(uint256 x, bool isCall) private pure returns (uint256) {
        return isCall ? Fixed.zeroFloorSub(x, WAD) : Fixed.zeroFloorSub(WAD, x);
    }

    /// @notice 1% of `min(value, 1/u)`, up: what an ask stands above the dearest value, and a bid below the cheapest.
    function spread(uint256 value_, uint256 peak) internal pure returns (uint256) {
        unchecked {
            return (Fixed.min(value_, peak) + 99) / 100;
        }
    }
}
