// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";

/// @title Reserves, layers, rent and fees: the pools' arithmetic
/// @notice Rounding favours the pools over the trader. Amounts are in the margin token's smallest unit, below 2^184, rates and values WAD.
/// @dev So no sum or product here overflows, and what is subtracted is a part of what it is taken from.
library PoolMath {
    uint256 internal constant WAD = 1e18;
    /// @dev Scale of funding indices. Rent is counted in WAD.
    uint256 internal constant INDEX = 1e27;
    uint256 private constant YEAR = 365 days;

    /// @notice κ_m: the layer of a payout that the main pool pays, per unit of notional.
    uint256 internal constant CAP_MAIN = 0.75e18;
    /// @notice κ_m + κ_i: the most that a position pays per unit of notional.
    uint256 internal constant CAP = 1e18;

    uint256 private constant RATE_IDLE = 0.05e18;
    uint256 private constant RATE_KINK = 0.12e18;
    uint256 private constant RATE_FULL = 0.6e18;
    uint256 private constant KINK = 0.8e18;

    /// @notice What a pool must hold for open notional, up.
    function reserved(uint256 notional, bool main) internal pure returns (uint256) {
        unchecked {
            return main ? (notional * 3 + 3) / 4 : (notional + 3) / 4;
        }
    }

    /// @notice A value per unit of notional, split at κ_m and cut at κ_m + κ_i.
    function layers(uint256 value) internal pure returns (uint256 main, uint256 insurance) {
        unchecked {
            main = Fixed.min(value, CAP_MAIN);
            insurance = Fixed.min(value, CAP) - main;
        }
    }

    /// @notice Share of a pool's cash that is reserved, at most 1; 0 without cash.
    function utilisation(uint256 reserved_, uint256 cash) internal pure returns (uint256) {
        unchecked {
            return cash == 0 ? 0 : Fixed.min(WAD, (reserved_ * WAD) / cash);
        }
    }

    /// @notice Yearly rent on notional at a utilisation: 5% at 0, 12% at 80%, 60% at 100%, linear between.
    function rentRate(uint256 utilisation_) internal pure returns (uint256) {
        unchecked {
            return
                utilisation_ <= KINK
                    ? RATE_IDLE + ((RATE_KINK - RATE_IDLE) * utilisation_) / KINK
                    : RATE_KINK + ((RATE_FULL - RATE_KINK) * (utilisation_ - KINK)) / (WAD - KINK);
        }
    }

    /// @notice Growth of the rent index over `elapsed` wall seconds, WAD, down.
    function rentGrowth(uint256 notional, uint256 cashMain, uint256 cashInsurance, uint256 elapsed) internal pure returns (uint256) {
        uint256 rate = rentRate(
            Fixed.max(utilisation(reserved(notional, true), cashMain), utilisation(reserved(notional, false), cashInsurance))
        );
        unchecked {
            return (rate * elapsed) / YEAR;
        }
    }

    /// @notice What a position owes for the growth of its strike's funding index, 1e27, up.
    function fundingOwed(uint256 notional, uint256 growth) internal pure returns (uint256) {
        return Fixed.mulDivUp(notional, growth, INDEX);
    }

    /// @notice What a position owes for the growth of the rent index, WAD, up.
    function rentOwed(uint256 notional, uint256 growth) internal pure returns (uint256) {
        return Fixed.mulDivUp(notional, growth, WAD);
    }

    /// @notice The insurance pool's part of funding (1%) and rent (10%), each down; main has the rest.
    function insurancePart(uint256 funding, uint256 rent) internal pure returns (uint256) {
        unchecked {
            return funding / 100 + rent / 10;
        }
    }

    /// @notice 0.05% of notional, at most 12.5% of the premium or proceeds; up.
    function fee(uint256 notional, uint256 consideration) internal pure returns (uint256) {
        unchecked {
            return Fixed.min((notional + 1999) / 2000, (consideration + 7) / 8);
        }
    }

    /// @notice A fee's parts: treasury 30% and insurance 20%, down; main the rest.
    function splitFee(uint256 amount) internal pure returns (uint256 main, uint256 insurance, uint256 toTreasury) {
        unchecked {
            toTreasury = (amount * 3) / 10;
            insurance = amount / 5;
            main = amount - insurance - toTreasury;
        }
    }

    /// @notice A payment against two claims, pro rata, rounded to main.
    function split(uint256 payment, uint256 main, uint256 insurance) internal pure returns (uint256 toMain, uint256 toInsurance) {
        toInsurance = insurance == 0 ? 0 : Fixed.fullMulDiv(payment, insurance, main + insurance);
        toMain = payment - toInsurance;
    }
}
