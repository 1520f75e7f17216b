// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Who may hold stock tokens
/// @notice One registry for all tokens of an issuer. Open tokens refuse the denied; tokens of a closed loop also everybody who is not allowed.
/// @dev Tokens keep a copy beside each balance, so that a transfer calls nobody. The officer's call brings the copies of the tokens it names up to
///      date; anyone may do so for any token (`IStockToken.syncCompliance`).
interface IComplianceRegistry {
    event SetDenied(address indexed account, bool denied);
    event SetAllowed(address indexed account, bool allowed);
    event Protect(address indexed account);

    /// @notice A custodian of many owners' tokens can be neither denied nor frozen nor seized from.
    error ComplianceRegistry_Protected(address account);
    error ComplianceRegistry_ZeroAddress();

    /// @notice Restricted: deny accounts, or no longer, and tell `tokens`.
    function setDenied(address[] calldata accounts, bool denied, IComplianceMirror[] calldata tokens) external;

    /// @notice Restricted: let accounts take part in closed loops, or no longer, and tell `tokens`.
    function setAllowed(address[] calldata accounts, bool allowed, IComplianceMirror[] calldata tokens) external;

    /// @notice Restricted: `account` keeps tokens of many owners (the vault, a pool, a desk): its ledger must add up whatever happens to one of
    ///         them. For good.
    function protect(address account) external;

    function isDenied(address account) external view returns (bool);

    function isAllowed(address account) external view returns (bool);

    function isProtected(address account) external view returns (bool);

    /// @notice What tokens copy: bit 0 denied, bit 1 allowed.
    function flagsOf(address account) external view returns (uint8);
}

/// @notice What keeps a copy of the registry's flags.
interface IComplianceMirror {
    /// @notice Anyone: copy the registry's flags of `accounts`.
    function syncCompliance(address[] calldata accounts) external;
}
