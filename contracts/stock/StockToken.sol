// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { ERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import { IERC165 } from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { IRecordDates } from "../records/IRecordDates.sol";
import { RecordDates } from "../records/RecordDates.sol";
import { RecordedBalance, RecordedBalances } from "../records/RecordedBalance.sol";
import { RecordedERC20 } from "../records/RecordedERC20.sol";
import { IComplianceMirror, IComplianceRegistry } from "./IComplianceRegistry.sol";
import { ICustody } from "./ICustody.sol";
import { IERC7943Fungible } from "./IERC7943.sol";
import { IERC8056, IERC8056Pending } from "./IERC8056.sol";
import { IStockToken } from "./IStockToken.sol";
import { MultiplierHistory } from "./MultiplierHistory.sol";

/// @title A stock, as a token
/// @dev A transfer reads one slot of the token's and one of each party's: what is paused stands beside the record days, what the registry says of
///      an account, and whether anything of it is frozen, beside its balance.
contract StockToken is IStockToken, ERC20Permit, RecordedERC20, AccessManaged {
    using MultiplierHistory for MultiplierHistory.History;
    using RecordedBalances for RecordedBalance;

    /// @dev Prices and notionals are WAD: finer units than that would be lost.
    uint8 private constant MAX_DECIMALS = 18;
    uint256 private constant MIN_NOTICE = 24 hours;
    uint256 private constant MAX_NOTICE = 30 days;
    uint256 private constant FORCED_TRANSFER_DELAY = 2 days;
    uint256 private constant FORCED_TRANSFER_WINDOW = 14 days;

    /// @dev Flags beside a balance: the registry's two, and whether `_frozen` must be read.
    uint40 private constant DENIED = 1;
    uint40 private constant ALLOWED = 2;
    uint40 private constant FROZEN = 4;

    uint8 private constant ALL_FEATURES = 7;

    /// @dev slot 0: 224 + 8 + 24 = 256. `paused` has a bit for each feature.
    struct Status {
        uint224 recordDays;
        uint8 paused;
        uint24 minNotice;
    }

    /// @inheritdoc IStockToken
    ICustody public immutable custody;
    /// @inheritdoc IStockToken
    IComplianceRegistry public immutable compliance;
    /// @inheritdoc IStockToken
    bool public immutable closedLoop;
    uint8 private immutable _decimals;

    Status private _status;
    MultiplierHistory.History private _history;
    mapping(uint256 recordDay => bool announced) private _isRecordDay;
    mapping(address account => uint256) private _frozen;
    mapping(bytes32 order => uint256 executableAt) private _forcedTransfers;

    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address authority_,
        ICustody custody_,
        IComplianceRegistry compliance_,
        bool closedLoop_
    ) ERC20(name_, symbol_) ERC20Permit(name_) AccessManaged(authority_) {
        if (decimals_ > MAX_DECIMALS) revert StockToken_DecimalsOutOfBounds(decimals_, MAX_DECIMALS);
        _decimals = decimals_;
        (custody, compliance, closedLoop) = (custody_, compliance_, closedLoop_);
        _status.minNotice = uint24(MIN_NOTICE);
        _history.begin();
    }

    // ── issue ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IStockToken
    function mint(address to, uint256 amount) external restricted {
        if (amount == 0) revert StockToken_ZeroAmount();
        _mint(to, amount);
        (uint256 backed, uint256 asOf, bool fresh) = custody.backingOf(address(this));
        if (!fresh) revert StockToken_CustodyStale(asOf);
        if (totalSupply() > backed) revert StockToken_SupplyAboveCustody(totalSupply(), backed);
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

    // ── pause ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IStockToken
    function pause() external restricted {
        for (uint8 i; i <= uint8(type(Feature).max); ++i) _setPaused(Feature(i), true);
    }

    /// @inheritdoc IStockToken
    function unpause() external restricted {
        for (uint8 i; i <= uint8(type(Feature).max); ++i) _setPaused(Feature(i), false);
    }

    /// @inheritdoc IStockToken
    function pauseFeature(Feature feature) external restricted {
        _setPaused(feature, true);
    }

    /// @inheritdoc IStockToken
    function unpauseFeature(Feature feature) external restricted {
        _setPaused(feature, false);
    }

    function _setPaused(Feature feature, bool paused_) private {
        uint8 bit = uint8(1 << uint8(feature)); // three features
        _status.paused = paused_ ? _status.paused | bit : _status.paused & ~bit;
        emit SetPaused(feature, paused_);
    }

    /// @inheritdoc IStockToken
    function paused() external view returns (bool) {
        return isPaused(Feature.Transfer);
    }

    /// @inheritdoc IStockToken
    function isPaused(Feature feature) public view returns (bool) {
        return (_status.paused >> uint8(feature)) & 1 != 0;
    }

    // ── corporate actions ──────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IStockToken
    function announceAction(ActionKind kind, uint256 newMultiplier, uint256 effectiveAt_) external restricted returns (uint256 actionId) {
        return _announce(kind, newMultiplier, effectiveAt_);
    }

    /// @inheritdoc IERC8056
    function setUIMultiplier(uint256 newMultiplier, uint256 effectiveAtTimestamp) external restricted {
        ActionKind kind = newMultiplier > _history.now_() ? ActionKind.Split : ActionKind.ReverseSplit;
        _announce(kind, newMultiplier, effectiveAtTimestamp);
    }

    function _announce(ActionKind kind, uint256 multiplier, uint256 effectiveAt_) private returns (uint256 actionId) {
        uint256 old;
        (actionId, old) = _history.announce(kind, multiplier, effectiveAt_, _status.minNotice);
        emit UIMultiplierUpdated(old, multiplier, block.timestamp, effectiveAt_);
        emit AnnounceAction(actionId, kind, old, multiplier, effectiveAt_);
    }

    /// @inheritdoc IStockToken
    function cancelAction() external restricted {
        (uint256 actionId, uint256 multiplier, uint256 effectiveAt_) = _history.cancel();
        emit UIMultiplierUpdated(multiplier, _history.now_(), block.timestamp, block.timestamp);
        emit CancelAction(actionId, multiplier, effectiveAt_);
    }

    /// @inheritdoc IStockToken
    function activate() external {
        uint256 actionId = _history.activate();
        Action memory action = _history.actions[actionId];
        emit ActivateAction(actionId, action.multiplier, action.effectiveAt);
    }

    /// @inheritdoc IStockToken
    function setMinNotice(uint256 minNotice_) external restricted {
        if (minNotice_ < MIN_NOTICE || minNotice_ > MAX_NOTICE) {
            revert StockToken_OutOfBounds("minNotice", minNotice_, MIN_NOTICE, MAX_NOTICE);
        }
        _status.minNotice = uint24(minNotice_); // 30 days are below 2^22 seconds
        emit SetMinNotice(minNotice_);
    }

    /// @inheritdoc IStockToken
    function announceRecordDate(uint256 recordDay) external restricted {
        if (_isRecordDay[recordDay]) return;
        _status.recordDays = uint224(RecordDates.insert(_status.recordDays, recordDay)); // seven lanes of 32
        _isRecordDay[recordDay] = true;
        emit AnnounceRecordDate(recordDay);
    }

    // ── compliance ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IComplianceMirror
    function syncCompliance(address[] calldata accounts) external {
        for (uint256 i; i < accounts.length; ++i) {
            RecordedBalance storage entry = _balanceOf[accounts[i]];
            entry.setFlags((RecordedBalances.flagsOf(entry.word) & FROZEN) | compliance.flagsOf(accounts[i]));
        }
    }

    /// @inheritdoc IERC7943Fungible
    function setFrozenTokens(address account, uint256 amount) external restricted returns (bool) {
        if (amount != 0 && compliance.isProtected(account)) revert StockToken_Protected(account);
        _setFrozen(account, amount);
        return true;
    }

    /// @inheritdoc IStockToken
    function announceForcedTransfer(address from, address to, uint256 amount) external restricted {
        if (amount == 0) revert StockToken_ZeroAmount();
        if (from == address(0)) revert ERC20InvalidSender(from);
        if (compliance.isProtected(from)) revert StockToken_Protected(from);
        bytes32 order = _order(from, to, amount);
        uint256 at = _forcedTransfers[order];
        if (at != 0 && block.timestamp <= at + FORCED_TRANSFER_WINDOW) revert StockToken_AlreadyAnnounced(at);
        uint256 executableAt = block.timestamp + FORCED_TRANSFER_DELAY;
        _forcedTransfers[order] = executableAt;
        emit AnnounceForcedTransfer(from, to, amount, executableAt);
    }

    /// @inheritdoc IStockToken
    function cancelForcedTransfer(address from, address to, uint256 amount) external restricted {
        bytes32 order = _order(from, to, amount);
        if (_forcedTransfers[order] == 0) revert StockToken_ForcedTransferNotDue(0, block.timestamp);
        delete _forcedTransfers[order];
        emit CancelForcedTransfer(from, to, amount);
    }

    /// @inheritdoc IERC7943Fungible
    /// @dev Moves also what is frozen, and while transfers are paused; the receiver must be one that may receive.
    function forcedTransfer(address from, address to, uint256 amount) external restricted returns (bool) {
        bytes32 order = _order(from, to, amount);
        uint256 at = _forcedTransfers[order];
        if (at == 0 || block.timestamp < at || block.timestamp > at + FORCED_TRANSFER_WINDOW) {
            revert StockToken_ForcedTransferNotDue(at, block.timestamp);
        }
        if (to == address(0)) revert ERC20InvalidReceiver(to);
        if (compliance.isProtected(from)) revert StockToken_Protected(from);
        if (!canReceive(to)) revert ERC7943CannotReceive(to);
        delete _forcedTransfers[order];
        super._update(from, to, amount);
        uint256 left = balanceOf(from);
        if (_frozen[from] > left) _setFrozen(from, left);
        emit ForcedTransfer(from, to, amount);
        return true;
    }

    function _setFrozen(address account, uint256 amount) private {
        _frozen[account] = amount;
        RecordedBalance storage entry = _balanceOf[account];
        uint40 flags = RecordedBalances.flagsOf(entry.word);
        entry.setFlags(amount == 0 ? flags & ~FROZEN : flags | FROZEN);
        emit Frozen(account, amount);
    }

    function _order(address from, address to, uint256 amount) private pure returns (bytes32) {
        return keccak256(abi.encode(from, to, amount));
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IERC8056
    function uiMultiplier() public view returns (uint256) {
        return _history.now_();
    }

    /// @inheritdoc IERC8056Pending
    function newUIMultiplier() external view returns (uint256) {
        return _history.next;
    }

    /// @inheritdoc IERC8056Pending
    function effectiveAt() external view returns (uint256) {
        return _history.effectiveAt;
    }

    /// @inheritdoc IERC8056
    function toUIAmount(uint256 rawAmount) public view returns (uint256) {
        return Math.mulDiv(rawAmount, uiMultiplier(), MultiplierHistory.ONE);
    }

    /// @inheritdoc IERC8056
    function fromUIAmount(uint256 uiAmount) external view returns (uint256) {
        return Math.mulDiv(uiAmount, MultiplierHistory.ONE, uiMultiplier());
    }

    /// @inheritdoc IERC8056
    function balanceOfUI(address account) external view returns (uint256) {
        return toUIAmount(balanceOf(account));
    }

    /// @inheritdoc IStockToken
    function totalSupplyUI() external view returns (uint256) {
        return toUIAmount(totalSupply());
    }

    /// @inheritdoc IStockToken
    function multiplierAt(uint256 timestamp) external view returns (uint256) {
        return _history.at(timestamp);
    }

    /// @inheritdoc IStockToken
    function actionCount() external view returns (uint256) {
        return _history.actions.length;
    }

    /// @inheritdoc IStockToken
    function actionAt(uint256 actionId) external view returns (Action memory) {
        return _history.actions[actionId];
    }

    /// @inheritdoc IStockToken
    function minNotice() external view returns (uint256) {
        return _status.minNotice;
    }

    /// @inheritdoc IRecordDates
    function latestRecordDay() public view override(IRecordDates, RecordedERC20) returns (uint256) {
        return RecordDates.latest(_status.recordDays);
    }

    /// @inheritdoc IRecordDates
    function isRecordDay(uint256 recordDay) public view override(IRecordDates, RecordedERC20) returns (bool) {
        return _isRecordDay[recordDay];
    }

    /// @inheritdoc IERC7943Fungible
    function canSend(address account) public view returns (bool) {
        return _mayHold(_balanceOf[account].word);
    }

    /// @inheritdoc IERC7943Fungible
    function canReceive(address account) public view returns (bool) {
        return _mayHold(_balanceOf[account].word);
    }

    /// @inheritdoc IERC7943Fungible
    function canTransfer(address from, address to, uint256 amount) external view returns (bool) {
        if (from == address(0) || to == address(0) || isPaused(Feature.Transfer)) return false;
        return canSend(from) && canReceive(to) && amount <= _unfrozen(from);
    }

    /// @inheritdoc IERC7943Fungible
    function getFrozenTokens(address account) external view returns (uint256) {
        return _frozen[account];
    }

    /// @inheritdoc IStockToken
    function forcedTransferAt(address from, address to, uint256 amount) external view returns (uint256) {
        return _forcedTransfers[_order(from, to, amount)];
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return
            id == type(IERC165).interfaceId ||
            id == type(IERC7943Fungible).interfaceId ||
            id == type(IERC8056).interfaceId ||
            id == type(IERC8056Pending).interfaceId;
    }

    /// @inheritdoc IERC20
    function totalSupply() public view override(ERC20, IERC20, RecordedERC20) returns (uint256) {
        return super.totalSupply();
    }

    /// @inheritdoc IERC20
    function balanceOf(address account) public view override(ERC20, IERC20, RecordedERC20) returns (uint256) {
        return super.balanceOf(account);
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC20, IERC20Metadata) returns (uint8) {
        return _decimals;
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(ERC20Permit, IERC20Permit) returns (uint256) {
        return super.nonces(owner);
    }

    // ── within ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @dev Transfers, issues and burns pass here; a forced transfer does not.
    function _update(address from, address to, uint256 amount) internal override(ERC20, RecordedERC20) {
        Feature feature =
            from == address(0)
                ? Feature.Mint
                : to == address(0)
                    ? Feature.Burn
                    : Feature.Transfer;
        if (isPaused(feature)) revert StockToken_Paused(feature);
        if (from != address(0)) {
            uint256 word = _balanceOf[from].word;
            if (!_mayHold(word)) revert ERC7943CannotSend(from);
            if (RecordedBalances.flagsOf(word) & FROZEN != 0 && amount <= RecordedBalances.balanceOf(word)) {
                uint256 unfrozen = _unfrozen(from);
                if (amount > unfrozen) revert ERC7943InsufficientUnfrozenBalance(from, amount, unfrozen);
            }
        }
        if (to != address(0) && !canReceive(to)) revert ERC7943CannotReceive(to);
        super._update(from, to, amount);
    }

    function _mayHold(uint256 word) private view returns (bool) {
        uint40 flags = RecordedBalances.flagsOf(word);
        return flags & DENIED == 0 && (!closedLoop || flags & ALLOWED != 0);
    }

    function _unfrozen(address account) private view returns (uint256) {
        return Math.saturatingSub(balanceOf(account), _frozen[account]);
    }
}
