// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title The one custodian
/// @notice Holds every token of the protocol and keeps a ledger (token, module, owner) → balance. `module` zero is the owner's free balance;
///         any other module's entry is locked for that module's use (options margin, pool cash, loan collateral …), and only that module moves it.
///         Within the protocol only ledger entries move; ERC-20 transfers happen at the edge. Amounts are in the token's smallest unit.
/// @dev Σ of a token's entries never exceeds what the vault holds of it; a donation belongs to nobody's entry.
interface ICollateralVault {
    /// @param owner Whose entry.
    /// @param amount What it gains (positive) or gives (negative).
    struct Delta {
        address owner;
        int256 amount;
    }

    event SetModule(address indexed module, bool enabled);
    /// @notice `owner` became a sealed owner of `module` entries of `token`: outsiders can no longer credit its entry there.
    event Seal(address indexed token, address indexed module, address indexed owner);
    event Deposit(address indexed token, address indexed module, address indexed owner, address payer, uint256 amount);
    event Withdraw(address indexed token, address indexed module, address indexed owner, address to, uint256 amount);
    /// @notice `payer` moved `amount` of its free balance into a sealed owner's entry (a pool's) for `receiver`'s benefit.
    event Fund(address indexed token, address indexed module, address indexed owner, address payer, address receiver, uint256 amount);
    event Lock(address indexed token, address indexed module, address indexed owner, uint256 amount);
    event Release(address indexed token, address indexed module, address indexed from, address to, uint256 amount);
    /// @notice A module moved its own entries; the movements sum to zero.
    event Settle(address indexed token, address indexed module, Delta[3] deltas, address payee, uint256 payeeAmount);

    error CollateralVault_NotModule(address caller);
    error CollateralVault_NotSealed(address token, address module, address owner);
    error CollateralVault_SealedEntry(address token, address module, address owner);
    error CollateralVault_InsufficientBalance(address token, address module, address owner, uint256 balance, uint256 amount);
    error CollateralVault_Unbalanced(int256 sum);
    error CollateralVault_ZeroAmount();
    error CollateralVault_ZeroAddress();
    /// @notice An entry holds less than 2^184.
    error CollateralVault_AmountTooLarge(uint256 amount);
    /// @notice There is no contract at the token's address.
    error CollateralVault_NotToken(address token);
    /// @notice The vault's holding changed by another amount than was asked for (a fee on transfer, a rebase, a transfer that did
    ///         not happen): refused. A token that returns false is refused by OpenZeppelin's `SafeERC20FailedOperation(token)`.
    error CollateralVault_TransferMismatch(address token, uint256 expected, uint256 received);

    // ── edge ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Pull `amount` of `token` from the caller and credit `owner`'s entry with `module` (zero: free). Works in every state of
    ///         every market. A sealed entry (a pool's) takes no deposits from outside.
    function deposit(address token, address module, address owner, uint256 amount) external;

    /// @notice Pay `amount` out of the caller's free balance to `to`.
    function withdraw(address token, uint256 amount, address to) external;

    /// @notice Module only: pay `amount` out of `owner`'s entry with the calling module to `to`.
    function withdrawFrom(address token, address owner, uint256 amount, address to) external;

    /// @notice Sealed owners only (pools): pull `amount` from `payer`, who has approved the calling pool and not the vault, and credit the
    ///         caller's entry with `module`. The caller moves the tokens to the vault inside `receiveDeposit`, and the vault measures.
    function depositSealed(address token, address module, address payer, uint256 amount) external;

    // ── ledger ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Move `amount` from the caller's free balance into its entry with `module`.
    function lock(address token, address module, uint256 amount) external;

    /// @notice Move `amount` from the caller's free balance into the entry of sealed owner `owner` (a pool) with `module`, which gives `receiver` at least
    ///         `minReturn` for it (shares).
    /// @return returned What `owner` gave.
    function fund(
        address token,
        address module,
        address owner,
        uint256 amount,
        address receiver,
        uint256 minReturn
    ) external returns (uint256 returned);

    /// @notice Module only: move `amount` from `from`'s entry with the calling module to `to`'s free balance.
    function release(address token, address from, address to, uint256 amount) external;

    /// @notice Module only: apply three movements among the calling module's entries and credit `payee`'s free balance with `payeeAmount`.
    ///         Σ deltas + payeeAmount must be zero. Entries with a zero delta are not touched.
    function settle(address token, address payee, uint256 payeeAmount, Delta[3] calldata deltas) external;

    /// @notice Restricted: let `module` keep entries of its own, or stop it from taking new deposits and locks. Balances stay its to move.
    function setModule(address module, bool enabled) external;

    /// @notice Module only: close `owner`'s entry with the calling module to credits from outside. For good.
    function seal(address token, address owner) external;

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function balanceOf(address token, address module, address owner) external view returns (uint256);

    /// @notice Three entries of one module at once.
    function balancesOf(address token, address module, address[3] calldata owners) external view returns (uint256[3] memory);

    function isModule(address module) external view returns (bool);

    function isSealed(address token, address module, address owner) external view returns (bool);

    /// @notice Every module that was ever enabled.
    function modules() external view returns (address[] memory);

    /// @notice What the entry held at a record day of `token`: after the last movement before that midnight UTC. Reverts before it, and for a
    ///         day that the token has not announced (`IRecordDates`).
    function balanceOfAt(address token, address module, address owner, uint256 recordDay) external view returns (uint256);

    /// @notice The same, summed over the free balance and every module.
    function holdingAt(address token, address owner, uint256 recordDay) external view returns (uint256);
}

/// @notice What a sealed owner implements: the vault calls it to have tokens moved, or to say what funding is worth.
interface ISealedOwner {
    /// @notice Vault only: move `amount` of the token from `payer` to the vault.
    function receiveDeposit(address payer, uint256 amount) external;

    /// @notice Vault only: `payer` gives `amount`, which joins the owner's entry right after; answer with what `receiver` has got for it, at least
    ///         `minReturn`.
    function receiveFunding(address payer, address receiver, uint256 amount, uint256 minReturn) external returns (uint256 returned);
}
