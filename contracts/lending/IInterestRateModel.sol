// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title What debt costs, from how much of the money is lent
/// @notice A rate model keeps no state: the market hands in its own and stores what comes back. So one model serves any number of markets, and
///         asking it twice changes nothing.
/// @dev Rates are annual and continuously compounded, WAD: 0.05e18 multiplies a debt by e^0.05 a year of 365 days.
interface IInterestRateModel {
    /// @notice Rates for an interval during which utilisation did not change. Never reverts for a utilisation of at most 1.
    /// @param utilisation Debt over lendable assets, WAD, at most 1e18.
    /// @param rateAtTarget The state: rate at target utilisation when the interval began.
    /// @param elapsed Its length in seconds.
    /// @return averageRate To charge for the interval.
    /// @return newRateAtTarget The state when it ends.
    function rates(
        uint256 utilisation,
        uint256 rateAtTarget,
        uint256 elapsed
    ) external view returns (uint256 averageRate, uint256 newRateAtTarget);

    /// @notice The state that a market begins with.
    function initialRateAtTarget() external view returns (uint256);
}
