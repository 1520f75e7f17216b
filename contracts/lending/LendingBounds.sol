// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";
import { IERC8056Pending } from "../stock/IERC8056.sol";
import { ILendingMarket } from "./ILendingMarket.sol";
import { SessionPolicy } from "./SessionTerms.sol";

/// @title Hard bounds of a lending market's parameters
/// @notice Checked once, when a market is deployed.
library LendingBounds {
    uint256 private constant WAD = 1e18;
    uint256 private constant MAX_LTV = 0.95e18;
    uint256 private constant MIN_LTV = 0.01e18;
    uint256 private constant MAX_BONUS = 0.25e18;

    /// @return closedWeight Weight of a closed second; 0 without a calendar.
    /// @return hasMultiplier The collateral schedules changes of its multiplier.
    /// @return priceUnit 10^(36 + loan decimals − collateral decimals).
    function check(ILendingMarket.Config memory c) internal view returns (uint256 closedWeight, bool hasMultiplier, uint256 priceUnit) {
        if (address(c.vault) == address(0) || address(c.rateModel) == address(0)) revert ILendingMarket.LendingMarket_ZeroAddress();
        if (c.collateralToken == c.loanToken) revert ILendingMarket.LendingMarket_OutOfBounds("loanToken", 0, 0, 0);
        uint256 collateralDecimals = IERC20Metadata(c.collateralToken).decimals();
        uint256 loanDecimals = IERC20Metadata(c.loanToken).decimals();
        _check("collateralDecimals", collateralDecimals, 6, 18);
        _check("loanDecimals", loanDecimals, 6, 18);
        _check("minDebt", c.minDebt, 10 ** (loanDecimals - 1), 10 ** (loanDecimals + 6));
        _check("reserveShare", c.reserveShare, 0, 0.5e18);
        _check("reserveCap", c.reserveCap, 0, 0.5e18);
        if (address(c.desk) != address(0) && address(c.desk.stock()) != c.collateralToken) {
            revert ILendingMarket.LendingMarket_OutOfBounds("desk", 0, 0, 0);
        }
        if (address(c.pledges) != address(0)) _check("pledgeHaircut", c.pledgeHaircut, 0.1e18, WAD);
        // Unknown assets revert here.
        c.oracle.read(c.collateralAsset);
        if (c.loanAsset != 0) c.oracle.read(c.loanAsset);
        _checkPolicy(c.policy);
        closedWeight = address(c.calendar) == address(0) ? 0 : _closedWeight(c.calendar);
        hasMultiplier = _hasMultiplier(c.collateralToken);
        priceUnit = 10 ** (36 + loanDecimals - collateralDecimals);
    }

    /// @notice When the multiplier of `token` changes, or changed last.
    function effectiveAt(address token) internal view returns (uint256) {
        return IERC8056Pending(token).effectiveAt();
    }

    /// @dev A debt at the borrow limit of an open session is within the liquidation limit at its close: the schedule surprises nobody.
    ///      And at the liquidation limit the collateral still pays debt and bonus.
    function _checkPolicy(SessionPolicy memory p) private pure {
        _check("closedBorrowLtv", p.closedBorrowLtv, MIN_LTV, p.openBorrowLtv);
        _check("closedLiquidationLtv", p.closedLiquidationLtv, uint256(p.openBorrowLtv) + MIN_LTV, p.openLiquidationLtv);
        _check("openLiquidationLtv", p.openLiquidationLtv, MIN_LTV, MAX_LTV);
        _check("minBonus", p.minBonus, 0, p.maxBonus);
        _check("maxBonus", p.maxBonus, 0, MAX_BONUS);
        _check("openLiquidationLtv with bonus", (uint256(p.openLiquidationLtv) * (WAD + p.maxBonus)) / WAD, 0, 0.99e18);
        _check("tightening", p.tightening, 15 minutes, 6 hours);
        _check("grace", p.grace, 0, 1 hours);
        _check("auction", p.auction, 1 minutes, 4 hours);
    }

    /// @dev The last second before an opening is a closed one.
    function _closedWeight(ISessionCalendar calendar) private view returns (uint256 weight) {
        uint256 opening = calendar.nextOpenAfterClose(block.timestamp);
        weight = calendar.weightedSeconds(opening - 1, opening);
        _check("closedWeight", weight, 0, 0.9e18);
    }

    function _hasMultiplier(address token) private view returns (bool) {
        (bool success, bytes memory answer) = token.staticcall(abi.encodeCall(IERC8056Pending.effectiveAt, ()));
        return success && answer.length == 32;
    }

    function _check(bytes32 parameter, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert ILendingMarket.LendingMarket_OutOfBounds(parameter, value, min, max);
    }
}
