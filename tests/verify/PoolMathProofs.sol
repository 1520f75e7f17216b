// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PoolMath } from "../../contracts/math/PoolMath.sol";

/// @notice What holds of the pools' arithmetic for every input. Notionals and cash are below 2^112, as the book keeps them.
contract PoolMathProofs {
    /// @notice A reserve is its layer of the notional, rounded up: never a unit less, never a whole unit more.
    function check_reserve_is_the_layer_rounded_up(uint112 notional) external pure {
        uint256 main = PoolMath.reserved(notional, true);
        uint256 insurance = PoolMath.reserved(notional, false);
        assert(main * 4 >= uint256(notional) * 3 && main * 4 < uint256(notional) * 3 + 4);
        assert(insurance * 4 >= notional && insurance * 4 < uint256(notional) + 4);
    }

    /// @notice P1: closing any part of the notional at the highest payout leaves cash at or above what the rest reserves.
    function check_a_close_keeps_cash_above_reserves(uint112 open, uint112 closed, uint112 cash, bool main) external pure {
        if (closed > open || cash < PoolMath.reserved(open, main)) return;
        uint256 payout = main ? (uint256(closed) * 3) / 4 : uint256(closed) / 4;
        assert(payout <= cash);
        assert(cash - payout >= PoolMath.reserved(uint256(open) - closed, main));
    }

    /// @notice P1: a redemption pays at most what leaves cash at or above reserves, with a quarter of them to spare.
    function check_a_redemption_keeps_cash_above_reserves(uint112 open, uint112 cash, uint112 assets, bool main) external pure {
        uint256 reserved = PoolMath.reserved(open, main);
        uint256 kept = (reserved * 10 + 7) / 8;
        if (cash < kept || assets > cash - kept) return;
        assert(uint256(cash) - assets >= reserved);
        assert((uint256(cash) - assets) * 8 >= reserved * 10);
    }

    /// @notice X2: the two layers of a value are within their caps, and together are the value up to 100%.
    function check_layers_are_the_value_up_to_the_cap(uint256 value) external pure {
        (uint256 main, uint256 insurance) = PoolMath.layers(value);
        assert(main <= PoolMath.CAP_MAIN);
        assert(insurance <= PoolMath.CAP - PoolMath.CAP_MAIN);
        assert(main + insurance == (value < PoolMath.CAP ? value : PoolMath.CAP));
        assert(insurance == 0 || main == PoolMath.CAP_MAIN);
    }

    /// @notice X3: a fee's three parts are the fee.
    function check_parts_of_a_fee_are_the_fee(uint112 amount) external pure {
        (uint256 main, uint256 insurance, uint256 toTreasury) = PoolMath.splitFee(amount);
        assert(main + insurance + toTreasury == amount);
        assert(main >= insurance && main >= toTreasury);
    }

    /// @notice A fee is at most an eighth of the premium or proceeds, rounded up, and no more than on any larger premium.
    function check_a_fee_is_at_most_an_eighth_of_what_is_paid(uint112 notional, uint112 consideration) external pure {
        uint256 fee = PoolMath.fee(notional, consideration);
        assert(fee * 8 < uint256(consideration) + 8);
        assert(fee <= PoolMath.fee(notional, type(uint128).max));
    }

    /// @notice X3: insurance never gets more than funding and rent together.
    function check_insurance_gets_a_part(uint128 funding, uint128 rent) external pure {
        assert(PoolMath.insurancePart(funding, rent) <= uint256(funding) + rent);
    }

    /// @notice A utilisation is at most 1.
    function check_utilisation_is_at_most_one(uint112 reserved, uint112 cash) external pure {
        assert(PoolMath.utilisation(reserved, cash) <= PoolMath.WAD);
    }

    /// @notice Rent is between 5% and 60% a year.
    function check_rent_is_within_its_bounds(uint64 utilisation) external pure {
        if (utilisation > PoolMath.WAD) return;
        uint256 rate = PoolMath.rentRate(utilisation);
        assert(rate >= 0.05e18 && rate <= 0.6e18);
    }

    /// @notice X4: whatever the rate and the time, the rent index never falls; and over no time it stands still.
    function check_the_rent_index_never_falls(uint112 notional, uint112 main, uint112 insurance, uint64 index, uint64 rate, uint32 elapsed) external pure {
        uint256 next = uint256(index) + (uint256(rate) * elapsed) / 365 days;
        assert(next >= index);
        assert(PoolMath.rentGrowth(notional, main, insurance, 0) == 0);
    }
}
