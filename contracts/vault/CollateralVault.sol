// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { IRecordDates } from "../records/IRecordDates.sol";
import { RecordDates } from "../records/RecordDates.sol";
import { RecordedBalance, RecordedBalances } from "../records/RecordedBalance.sol";
import { ICollateralVault, ISealedOwner } from "./ICollateralVault.sol";

/// @title The one custodian
/// @dev A module moves entries by being `msg.sender`: its address is the key of its own book, so no code path can name another's.
///      Incoming tokens are counted before they are credited, outgoing ones debited before they leave: even inside a token's
///      callback Σ entries ≤ balance, and the ledger functions (which call nobody) need no guard.
contract CollateralVault is ICollateralVault, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using RecordedBalances for RecordedBalance;

    /// @dev The flag beside an entry's balance: it takes no credits from outside.
    uint40 private constant SEALED = 1;

    /// @dev The book of free balances: no module can have this address, since none can call from it.
    address private constant FREE = address(0);

    /// @inheritdoc ICollateralVault
    mapping(address module => bool enabled) public isModule;

    mapping(address token => mapping(address module => mapping(address owner => RecordedBalance))) private _entries;
    address[] private _modules;
    mapping(address module => bool) private _isKnown;

    constructor(address authority) AccessManaged(authority) {}

    // ── edge ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @inheritdoc ICollateralVault
    function deposit(address token, address module, address owner, uint256 amount) external nonReentrant {
        if (owner == address(0)) revert CollateralVault_ZeroAddress();
        if (module != FREE && !isModule[module]) revert CollateralVault_NotModule(module);
        RecordedBalance storage entry = _entries[token][module][owner];
        if (_isSealed(entry)) revert CollateralVault_SealedEntry(token, module, owner);

        emit Deposit(token, module, owner, msg.sender, amount);
        uint256 held = _held(token, amount);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        _checkReceived(token, held, amount);
        _credit(token, entry, amount);
    }

    /// @inheritdoc ICollateralVault
    function withdraw(address token, uint256 amount, address to) external nonReentrant {
        _pay(token, FREE, msg.sender, amount, to);
    }

    /// @inheritdoc ICollateralVault
    function withdrawFrom(address token, address owner, uint256 amount, address to) external nonReentrant {
        _pay(token, msg.sender, owner, amount, to);
    }

    /// @inheritdoc ICollateralVault
    function depositSealed(address token, address module, address payer, uint256 amount) external nonReentrant {
        if (!isModule[module]) revert CollateralVault_NotModule(module);
        RecordedBalance storage entry = _entries[token][module][msg.sender];
        if (!_isSealed(entry)) revert CollateralVault_NotSealed(token, module, msg.sender);

        emit Deposit(token, module, msg.sender, payer, amount);
        uint256 held = _held(token, amount);
        ISealedOwner(msg.sender).receiveDeposit(payer, amount);
        _checkReceived(token, held, amount);
        _credit(token, entry, amount);
    }

    // ── ledger ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @inheritdoc ICollateralVault
    function lock(address token, address module, uint256 amount) external {
        if (amount == 0) revert CollateralVault_ZeroAmount();
        if (!isModule[module]) revert CollateralVault_NotModule(module);
        _debit(token, FREE, msg.sender, amount);
        _credit(token, _entries[token][module][msg.sender], amount);
        emit Lock(token, module, msg.sender, amount);
    }

    /// @inheritdoc ICollateralVault
    function fund(
        address token,
        address module,
        address owner,
        uint256 amount,
        address receiver,
        uint256 minReturn
    ) external nonReentrant returns (uint256 returned) {
        if (amount == 0) revert CollateralVault_ZeroAmount();
        if (!isModule[module]) revert CollateralVault_NotModule(module);
        RecordedBalance storage entry = _entries[token][module][owner];
        if (!_isSealed(entry)) revert CollateralVault_NotSealed(token, module, owner);
        _debit(token, FREE, msg.sender, amount);
        emit Fund(token, module, owner, msg.sender, receiver, amount);
        returned = ISealedOwner(owner).receiveFunding(msg.sender, receiver, amount, minReturn);
        _credit(token, entry, amount);
    }

    /// @inheritdoc ICollateralVault
    function release(address token, address from, address to, uint256 amount) external {
        if (amount == 0) revert CollateralVault_ZeroAmount();
        if (to == address(0)) revert CollateralVault_ZeroAddress();
        _debit(token, msg.sender, from, amount);
        _credit(token, _entries[token][FREE][to], amount);
        emit Release(token, msg.sender, from, to, amount);
    }

    /// @inheritdoc ICollateralVault
    /// @dev Movements apply in order. Whoever is no module has no entry to give from, so that all it could do here is nothing.
    function settle(address token, address payee, uint256 payeeAmount, Delta[3] calldata deltas) external {
        mapping(address owner => RecordedBalance) storage book = _entries[token][msg.sender];
        int256 sum;
        uint256 moved;
        for (uint256 i; i < 3; ++i) {
            int256 amount = deltas[i].amount;
            if (amount == 0) continue;
            moved |= 1;
            address owner = deltas[i].owner;
            // Unchecked: once applied, an amount is below 2^184 in size. The most negative one stays 2^255, which nobody has.
            unchecked {
                if (amount < 0) {
                    _debit(token, msg.sender, owner, 0 - uint256(amount));
                } else {
                    if (owner == address(0)) revert CollateralVault_ZeroAddress();
                    _credit(token, book[owner], uint256(amount));
                }
                sum += amount;
            }
        }
        if (payeeAmount != 0) {
            if (payee == address(0)) revert CollateralVault_ZeroAddress();
            moved |= 1;
            _credit(token, _entries[token][FREE][payee], payeeAmount);
            unchecked {
                sum += int256(payeeAmount);
            }
        }
        if (sum != 0) revert CollateralVault_Unbalanced(sum);
        if (moved != 0) emit Settle(token, msg.sender, deltas, payee, payeeAmount);
    }

    /// @inheritdoc ICollateralVault
    function setModule(address module, bool enabled) external restricted {
        if (module == FREE) revert CollateralVault_ZeroAddress();
        isModule[module] = enabled;
        if (enabled && !_isKnown[module]) {
            _isKnown[module] = true;
            _modules.push(module);
        }
        emit SetModule(module, enabled);
    }

    /// @inheritdoc ICollateralVault
    function seal(address token, address owner) external {
        if (!isModule[msg.sender]) revert CollateralVault_NotModule(msg.sender);
        if (owner == address(0)) revert CollateralVault_ZeroAddress();
        _entries[token][msg.sender][owner].setFlags(SEALED);
        emit Seal(token, msg.sender, owner);
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @inheritdoc ICollateralVault
    function balanceOf(address token, address module, address owner) external view returns (uint256) {
        return RecordedBalances.balanceOf(_entries[token][module][owner].word);
    }

    /// @inheritdoc ICollateralVault
    function balancesOf(address token, address module, address[3] calldata owners) external view returns (uint256[3] memory balances) {
        mapping(address owner => RecordedBalance) storage book = _entries[token][module];
        balances[0] = RecordedBalances.balanceOf(book[owners[0]].word);
        balances[1] = RecordedBalances.balanceOf(book[owners[1]].word);
        balances[2] = RecordedBalances.balanceOf(book[owners[2]].word);
    }

    /// @inheritdoc ICollateralVault
    function isSealed(address token, address module, address owner) external view returns (bool) {
        return _isSealed(_entries[token][module][owner]);
    }

    /// @inheritdoc ICollateralVault
    function modules() external view returns (address[] memory) {
        return _modules;
    }

    /// @inheritdoc ICollateralVault
    function balanceOfAt(address token, address module, address owner, uint256 recordDay) external view returns (uint256) {
        _checkReached(token, recordDay);
        return _entries[token][module][owner].at(recordDay);
    }

    /// @inheritdoc ICollateralVault
    function holdingAt(address token, address owner, uint256 recordDay) external view returns (uint256 amount) {
        _checkReached(token, recordDay);
        amount = _entries[token][FREE][owner].at(recordDay);
        for (uint256 i; i < _modules.length; ++i) amount += _entries[token][_modules[i]][owner].at(recordDay);
    }

    // ── within ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function _isSealed(RecordedBalance storage entry) private view returns (bool) {
        return RecordedBalances.flagsOf(entry.word) & SEALED != 0;
    }

    function _credit(address token, RecordedBalance storage entry, uint256 amount) private {
        uint256 word = entry.word;
        uint256 balance = RecordedBalances.balanceOf(word);
        unchecked {
            if (amount > RecordedBalances.MAX - balance) revert CollateralVault_AmountTooLarge(amount);
            entry.word = _onToday(token, entry, word) + amount;
        }
    }

    function _debit(address token, address module, address owner, uint256 amount) private {
        RecordedBalance storage entry = _entries[token][module][owner];
        uint256 word = entry.word;
        uint256 balance = RecordedBalances.balanceOf(word);
        if (balance < amount) revert CollateralVault_InsufficientBalance(token, module, owner, balance, amount);
        unchecked {
            entry.word = _onToday(token, entry, word) - amount;
        }
    }

    /// @dev Only the first movement of an entry on a day asks the token for its record days.
    function _onToday(address token, RecordedBalance storage entry, uint256 word) private returns (uint256) {
        uint256 today = RecordDates.today();
        if (!RecordedBalances.isPast(word, today)) return word;
        // An entry of nothing has nothing to remember.
        uint256 recordDay = RecordedBalances.balanceOf(word) == 0 ? 0 : RecordDates.latestOf(token);
        return entry.advance(word, recordDay, today);
    }

    function _checkReached(address token, uint256 recordDay) private view {
        if (!IRecordDates(token).isRecordDay(recordDay)) revert IRecordDates.RecordDates_NotRecordDay(recordDay);
        if (recordDay > RecordDates.today()) revert IRecordDates.RecordDates_NotReached(recordDay, RecordDates.today());
    }

    function _pay(address token, address module, address owner, uint256 amount, address to) private {
        if (to == address(0)) revert CollateralVault_ZeroAddress();
        uint256 held = _held(token, amount);
        _debit(token, module, owner, amount);

        emit Withdraw(token, module, owner, to, amount);
        IERC20(token).safeTransfer(to, amount);
        // A token that charges the sender on top would pay with other owners' entries.
        uint256 holds = IERC20(token).balanceOf(address(this));
        uint256 sent = held > holds ? held - holds : 0;
        if (sent != amount) revert CollateralVault_TransferMismatch(token, amount, sent);
    }

    /// @dev What the vault holds before a transfer of `amount`.
    function _held(address token, uint256 amount) private view returns (uint256) {
        if (amount == 0) revert CollateralVault_ZeroAmount();
        if (token.code.length == 0) revert CollateralVault_NotToken(token);
        return IERC20(token).balanceOf(address(this));
    }

    function _checkReceived(address token, uint256 held, uint256 amount) private view {
        uint256 holds = IERC20(token).balanceOf(address(this));
        uint256 received = holds > held ? holds - held : 0;
        if (received != amount) revert CollateralVault_TransferMismatch(token, amount, received);
    }
}
