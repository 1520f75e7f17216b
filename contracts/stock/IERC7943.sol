// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC165 } from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @title ERC-7943 for fungible tokens: may an account send and receive, what is frozen, and transfers by order of the law
interface IERC7943Fungible is IERC165 {
    event ForcedTransfer(address indexed from, address indexed to, uint256 amount);
    event Frozen(address indexed account, uint256 amount);

    error ERC7943CannotSend(address account);
    error ERC7943CannotReceive(address account);
    error ERC7943CannotTransfer(address from, address to, uint256 amount);
    error ERC7943InsufficientUnfrozenBalance(address account, uint256 amount, uint256 unfrozen);

    /// @notice Move `amount` against the will of `from`, frozen or not. Restricted.
    function forcedTransfer(address from, address to, uint256 amount) external returns (bool);

    /// @notice Set what `account` cannot move; it may exceed the balance. Restricted.
    function setFrozenTokens(address account, uint256 amount) external returns (bool);

    function canSend(address account) external view returns (bool);

    function canReceive(address account) external view returns (bool);

    function getFrozenTokens(address account) external view returns (uint256);

    /// @notice Whether a transfer of `amount` by its holder would succeed now.
    function canTransfer(address from, address to, uint256 amount) external view returns (bool);
}
