// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";

/// @title Shares, interest, limits and liquidation amounts: the lending market's arithmetic
/// @notice Rounding favours the lenders over borrower and liquidator. Amounts are in a token's smallest unit, shares and LTVs WAD, prices 1e36: loan
///         units per collateral unit. Totals stay below 2^128.
library LendingMath {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant PRICE_SCALE = 1e36;
    uint256 private constant YEAR = 365 days;

    /// @dev Against whoever comes first: a share starts at a millionth of a unit, and a donation goes to shares nobody owns.
    uint256 internal constant VIRTUAL_SHARES = 1e6;
    uint256 private constant VIRTUAL_ASSETS = 1;

    /// @dev Growth of one accrual is at most e^4, so that a market left alone for years still fits its fields and can be repaid.
    uint256 private constant MAX_EXPONENT = 4e18;

    // ── shares ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function toSharesDown(uint256 assets, uint256 totalAssets, uint256 totalShares) internal pure returns (uint256) {
        return Fixed.fullMulDiv(assets, totalShares + VIRTUAL_SHARES, totalAssets + VIRTUAL_ASSETS);
    }

    function toSharesUp(uint256 assets, uint256 totalAssets, uint256 totalShares) internal pure returns (uint256) {
        return Fixed.fullMulDivUp(assets, totalShares + VIRTUAL_SHARES, totalAssets + VIRTUAL_ASSETS);
    }

    function toAssetsDown(uint256 shares, uint256 totalAssets, uint256 totalShares) internal pure returns (uint256) {
        return Fixed.fullMulDiv(shares, totalAssets + VIRTUAL_ASSETS, totalShares + VIRTUAL_SHARES);
    }

    function toAssetsUp(uint256 shares, uint256 totalAssets, uint256 totalShares) internal pure returns (uint256) {
        return Fixed.fullMulDivUp(shares, totalAssets + VIRTUAL_ASSETS, totalShares + VIRTUAL_SHARES);
    }

    // ── interest ───────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Debt over lendable assets, WAD, at most 1.
    function utilisation(uint256 debt, uint256 lendable) internal pure returns (uint256) {
        return lendable == 0 ? 0 : Fixed.min(WAD, (debt * WAD) / lendable);
    }

    /// @notice debt · (e^(rate · elapsed) − 1), down.
    function interest(uint256 debt, uint256 rate, uint256 elapsed) internal pure returns (uint256) {
        uint256 exponent = Fixed.min(MAX_EXPONENT, (rate * elapsed) / YEAR);
        return Fixed.fullMulDiv(debt, uint256(Fixed.expWad(int256(exponent))) - WAD, WAD);
    }

    // ── health ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Collateral in loan units, down.
    function value(uint256 collateral, uint256 price) internal pure returns (uint256) {
        return Fixed.fullMulDiv(collateral, price, PRICE_SCALE);
    }

    /// @notice A share of an amount, down.
    function part(uint256 amount, uint256 shareWad) internal pure returns (uint256) {
        return Fixed.fullMulDiv(amount, shareWad, WAD);
    }

    // ── liquidation ────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice What must be repaid, up, so that debt falls to `ltv` of what is left of `value_` after the seizure; at most the debt.
    /// @dev (D − ltv·V) / (1 − ltv·(1 + bonus)). The market's bounds keep the denominator above 0.
    function restoring(uint256 debt, uint256 value_, uint256 ltv, uint256 bonus) internal pure returns (uint256) {
        uint256 excess = Fixed.zeroFloorSub(debt, part(value_, ltv));
        return Fixed.min(debt, Fixed.fullMulDivUp(excess, WAD, WAD - Fixed.mulDivUp(ltv, WAD + bonus, WAD)));
    }

    /// @notice Collateral for an amount repaid, down.
    function seizable(uint256 repaid, uint256 price, uint256 bonus) internal pure returns (uint256) {
        return Fixed.fullMulDiv(part(repaid, WAD + bonus), PRICE_SCALE, price);
    }

    /// @notice What buys all of an amount of collateral, up.
    function costOf(uint256 collateral, uint256 price, uint256 bonus) internal pure returns (uint256) {
        return Fixed.fullMulDivUp(Fixed.fullMulDivUp(collateral, price, PRICE_SCALE), WAD, WAD + bonus);
    }
}
