// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ICollateralVault, ISealedOwner } from "../vault/ICollateralVault.sol";

/// @title A pool reduced to its entry: it can be made to move another amount than the vault asks for
/// @dev Test double.
contract TestSealedOwner is ISealedOwner {
    using SafeERC20 for IERC20;

    ICollateralVault public immutable vault;
    IERC20 public immutable token;

    /// @notice Added to what the vault asks for.
    int256 public slip;

    error TestSealedOwner_NotVault(address caller);

    constructor(ICollateralVault vault_, IERC20 token_) {
        vault = vault_;
        token = token_;
    }

    function setSlip(int256 slip_) external {
        slip = slip_;
    }

    function deposit(address module, uint256 amount) external {
        vault.depositSealed(address(token), module, msg.sender, amount);
    }

    function lock(address module, uint256 amount) external {
        vault.lock(address(token), module, amount);
    }

    /// @inheritdoc ISealedOwner
    function receiveDeposit(address payer, uint256 amount) external {
        if (msg.sender != address(vault)) revert TestSealedOwner_NotVault(msg.sender);
        token.safeTransferFrom(payer, address(vault), uint256(int256(amount) + slip));
    }

    /// @inheritdoc ISealedOwner
    function receiveFunding(address, address, uint256 amount, uint256 minReturn) external view returns (uint256) {
        if (msg.sender != address(vault)) revert TestSealedOwner_NotVault(msg.sender);
        return amount + minReturn;
    }
}
