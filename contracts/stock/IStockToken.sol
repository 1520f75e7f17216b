// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @title A stock, as a token
/// @notice An ERC-20 with permit. The issuer mints against shares in custody and burns what is redeemed; while paused, nothing moves.
/// @dev Beside the errors below, OpenZeppelin's ERC-6093 errors and `EnforcedPause`, `ExpectedPause`.
interface IStockToken is IERC20Metadata, IERC20Permit {
    error StockToken_ZeroAmount();
    error StockToken_DecimalsOutOfBounds(uint8 decimals, uint8 max);

    /// @notice Issue `amount` to `to`. Restricted.
    function mint(address to, uint256 amount) external;

    /// @notice Destroy `amount` of the caller's own tokens.
    function burn(uint256 amount) external;

    /// @notice Destroy `amount` of `from`'s tokens, which `from` has approved to the caller. Restricted.
    function burnFrom(address from, uint256 amount) external;

    /// @notice Stop all transfers, issues and burns. Restricted, apart from `unpause` so that the roles can differ.
    function pause() external;

    /// @notice Let them run again. Restricted.
    function unpause() external;
}
