// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ICollateralVault } from "../vault/ICollateralVault.sol";

/// @title A module that does as it is told
/// @dev Test double.
contract TestModule {
    ICollateralVault public immutable vault;

    constructor(ICollateralVault vault_) {
        vault = vault_;
    }

    function settle(address token, ICollateralVault.Delta[3] calldata deltas, address payee, uint256 payeeAmount) external {
        vault.settle(token, payee, payeeAmount, deltas);
    }

    function release(address token, address from, address to, uint256 amount) external {
        vault.release(token, from, to, amount);
    }

    function withdrawFrom(address token, address owner, uint256 amount, address to) external {
        vault.withdrawFrom(token, owner, amount, to);
    }

    function seal(address token, address owner) external {
        vault.seal(token, owner);
    }
}
