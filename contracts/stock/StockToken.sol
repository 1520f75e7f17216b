// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { ERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import { Pausable } from "@openzeppelin/contracts/utils/Pausable.sol";
import { IStockToken } from "./IStockToken.sol";

/// @title A stock, as a token
contract StockToken is IStockToken, ERC20Permit, AccessManaged, Pausable {
    /// @dev Prices and notionals are WAD: finer units than that would be lost.
    uint8 private constant MAX_DECIMALS = 18;

    uint8 private immutable _decimals;

    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address authority
    ) ERC20(name_, symbol_) ERC20Permit(name_) AccessManaged(authority) {
        if (decimals_ > MAX_DECIMALS) revert StockToken_DecimalsOutOfBounds(decimals_, MAX_DECIMALS);
        _decimals = decimals_;
    }

    /// @inheritdoc IStockToken
    function mint(address to, uint256 amount) external restricted {
        if (amount == 0) revert StockToken_ZeroAmount();
        _mint(to, amount);
    }

    /// @inheritdoc IStockToken
    function burn(uint256 amount) external {
        if (amount == 0) revert StockToken_ZeroAmount();
        _burn(msg.sender, amount);
    }

    /// @inheritdoc IStockToken
    function burnFrom(address from, uint256 amount) external restricted {
        if (amount == 0) revert StockToken_ZeroAmount();
        _spendAllowance(from, msg.sender, amount);
        _burn(from, amount);
    }

    /// @inheritdoc IStockToken
    function pause() external restricted {
        _pause();
    }

    /// @inheritdoc IStockToken
    function unpause() external restricted {
        _unpause();
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC20, IERC20Metadata) returns (uint8) {
        return _decimals;
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(ERC20Permit, IERC20Permit) returns (uint256) {
        return super.nonces(owner);
    }

    /// @dev Every movement passes here: transfers, issues and burns alike.
    function _update(address from, address to, uint256 amount) internal override whenNotPaused {
        super._update(from, to, amount);
    }
}
