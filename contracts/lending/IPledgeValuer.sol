// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IPerpetualOptions } from "../options/IPerpetualOptions.sol";

/// @title What an options account would bring
interface IPledgeValuer {
    /// @notice What closing every position of (owner, token) now, and paying fees and what the account owes, would leave of its margin, in units of
    ///         `token`, down. A position whose market has no Open price counts for nothing meanwhile.
    /// @return value In units of `token`.
    /// @return positions How many positions the account holds, those that count for nothing included.
    function valueOf(address owner, address token) external view returns (uint256 value, uint256 positions);

    /// @notice The options whose accounts are valued: where they are pledged, closed and paid out of.
    function options() external view returns (IPerpetualOptions);
}
