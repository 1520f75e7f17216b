// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";

/// @notice How much may be borrowed and when it is called in, by session of the collateral. LTVs and bonuses are WAD shares.
/// @param openBorrowLtv Largest debt per value of collateral after a borrowing, in an open session.
/// @param openLiquidationLtv Debt above it may be liquidated, in an open session.
/// @param closedBorrowLtv What `openBorrowLtv` has come down to at the close.
/// @param closedLiquidationLtv What `openLiquidationLtv` has come down to at the close.
/// @param minBonus Liquidation bonus when the auction begins.
/// @param maxBonus And when it ends; always, for collateral without sessions.
/// @param tightening Seconds before a close over which the LTVs come down, linearly.
/// @param grace Seconds after an opening before anybody may be liquidated.
/// @param auction Seconds after the grace over which the bonus rises, linearly.
struct SessionPolicy {
    uint64 openBorrowLtv;
    uint64 openLiquidationLtv;
    uint64 closedBorrowLtv;
    uint64 closedLiquidationLtv;
    uint64 minBonus;
    uint64 maxBonus;
    uint24 tightening;
    uint24 grace;
    uint24 auction;
}

/// @param borrowLtv Largest debt per value of collateral after a borrowing, WAD.
/// @param liquidationLtv Debt above it may be liquidated, WAD.
/// @param bonus What a liquidator gets on top, WAD.
/// @param liquidatableFrom When liquidation begins, Unix seconds; the largest uint256 while the session is closed.
struct Terms {
    uint256 borrowLtv;
    uint256 liquidationLtv;
    uint256 bonus;
    uint256 liquidatableFrom;
}

/// @title A session policy at an instant
/// @notice A pure function of the calendar: whoever borrows can read today what will apply at any time to come.
library SessionTerms {
    uint256 private constant WAD = 1e18;

    /// @notice The terms at `at`. `closedWeight` is the calendar's weight of a closed second, WAD, below 1.
    function termsAt(
        SessionPolicy memory policy,
        ISessionCalendar calendar,
        uint256 closedWeight,
        uint256 at
    ) internal view returns (Terms memory terms) {
        if (address(calendar) == address(0)) return Terms(policy.openBorrowLtv, policy.openLiquidationLtv, policy.maxBonus, 0);
        (bool open, uint256 openedAt) = calendar.sessionAt(at);
        if (!open) return Terms(policy.closedBorrowLtv, policy.closedLiquidationLtv, policy.minBonus, type(uint256).max);

        uint256 left = _openSeconds(calendar, closedWeight, at, policy.tightening);
        terms.borrowLtv = _between(policy.closedBorrowLtv, policy.openBorrowLtv, left, policy.tightening);
        terms.liquidationLtv = _between(policy.closedLiquidationLtv, policy.openLiquidationLtv, left, policy.tightening);
        terms.liquidatableFrom = openedAt + policy.grace;
        uint256 passed = Fixed.min(Fixed.zeroFloorSub(at, terms.liquidatableFrom), policy.auction);
        terms.bonus = _between(policy.minBonus, policy.maxBonus, passed, policy.auction);
    }

    /// @dev Open seconds among the `window` seconds from `at`: how long the session still lasts, unless it outlasts the window.
    ///      Solves weighted = open · 1 + (window − open) · closedWeight.
    function _openSeconds(ISessionCalendar calendar, uint256 closedWeight, uint256 at, uint256 window) private view returns (uint256) {
        uint256 weighted = calendar.weightedSeconds(at, at + window);
        return (weighted - window * closedWeight) / (WAD - closedWeight);
    }

    /// @dev From `low` at 0 to `high` at `whole`, down.
    function _between(uint256 low, uint256 high, uint256 done, uint256 whole) private pure returns (uint256) {
        return low + ((high - low) * done) / whole;
    }
}
