// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title What an options account would bring
interface IPledgeValuer {
    /// @notice What closing every position of (owner, token) now, and paying fees and what the account owes, would leave of its margin, in units of
    ///         `token`, down. A position whose market has no Open price counts for nothing meanwhile.
    /// @return value In units of `token`.
    /// @return positions How many positions the account holds, those that count for nothing included.
    function valueOf(address owner, address token) external view returns (uint256 value, uint256 positions);

    /// @notice The options whose accounts are valued: where they are pledged, closed and paid out of.
    function options() external view returns (address);
}

/// @notice What the keeper of a pledge asks of the options.
interface IOptionsPledges {
    /// @notice Who keeps the pledge of (owner, token); zero when nobody does.
    function pledgeeOf(address owner, address token) external view returns (address);

    /// @notice Pledgee only: let go of an account.
    function releasePledge(address owner, address token) external;

    /// @notice Pledgee only: pay margin out to `to`, as far as the account stays at or above its initial margin.
    function withdrawPledged(address owner, address token, uint256 amount, address to) external;
}
