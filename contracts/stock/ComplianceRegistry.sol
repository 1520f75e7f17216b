// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { IComplianceMirror, IComplianceRegistry } from "./IComplianceRegistry.sol";

/// @title Who may hold stock tokens
contract ComplianceRegistry is IComplianceRegistry, AccessManaged {
    uint8 private constant DENIED = 1;
    uint8 private constant ALLOWED = 2;
    uint8 private constant PROTECTED = 4;

    mapping(address account => uint8) private _flags;

    constructor(address authority_) AccessManaged(authority_) {}

    /// @inheritdoc IComplianceRegistry
    function setDenied(address[] calldata accounts, bool denied, IComplianceMirror[] calldata tokens) external restricted {
        for (uint256 i; i < accounts.length; ++i) {
            uint8 flags = _flags[accounts[i]];
            if (denied && flags & PROTECTED != 0) revert ComplianceRegistry_Protected(accounts[i]);
            _flags[accounts[i]] = denied ? flags | DENIED : flags & ~DENIED;
            emit SetDenied(accounts[i], denied);
        }
        _tell(accounts, tokens);
    }

    /// @inheritdoc IComplianceRegistry
    function setAllowed(address[] calldata accounts, bool allowed, IComplianceMirror[] calldata tokens) external restricted {
        for (uint256 i; i < accounts.length; ++i) {
            uint8 flags = _flags[accounts[i]];
            _flags[accounts[i]] = allowed ? flags | ALLOWED : flags & ~ALLOWED;
            emit SetAllowed(accounts[i], allowed);
        }
        _tell(accounts, tokens);
    }

    /// @inheritdoc IComplianceRegistry
    function protect(address account) external restricted {
        if (account == address(0)) revert ComplianceRegistry_ZeroAddress();
        _flags[account] = (_flags[account] | PROTECTED) & ~DENIED;
        emit Protect(account);
    }

    /// @inheritdoc IComplianceRegistry
    function isDenied(address account) external view returns (bool) {
        return _flags[account] & DENIED != 0;
    }

    /// @inheritdoc IComplianceRegistry
    function isAllowed(address account) external view returns (bool) {
        return _flags[account] & ALLOWED != 0;
    }

    /// @inheritdoc IComplianceRegistry
    function isProtected(address account) external view returns (bool) {
        return _flags[account] & PROTECTED != 0;
    }

    /// @inheritdoc IComplianceRegistry
    function flagsOf(address account) external view returns (uint8) {
        return _flags[account] & (DENIED | ALLOWED);
    }

    function _tell(address[] calldata accounts, IComplianceMirror[] calldata tokens) private {
        for (uint256 i; i < tokens.length; ++i) tokens[i].syncCompliance(accounts);
    }
}
