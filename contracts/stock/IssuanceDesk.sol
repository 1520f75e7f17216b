// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";
import { IRecordDates } from "../records/IRecordDates.sol";
import { RecordDates } from "../records/RecordDates.sol";
import { RecordedBalance, RecordedBalances } from "../records/RecordedBalance.sol";
import { IIssuanceDesk } from "./IIssuanceDesk.sol";
import { IStockToken } from "./IStockToken.sol";

/// @title Where stock tokens are issued and redeemed, T+N
/// @dev What the desk holds of each asset is Σ pending + Σ claimable + bond. A batch pays to and from the issuer only: holders come for what is
///      theirs, so that none of them can stand in another's way.
contract IssuanceDesk is IIssuanceDesk, AccessManaged, ReentrancyGuardTransient {
    using RecordedBalances for RecordedBalance;
    using SafeERC20 for IERC20;

    uint256 private constant PRICE_UNIT = 1e18;
    uint256 private constant BPS = 10_000;
    uint256 private constant MAX_SESSIONS = 5;
    uint256 private constant MAX_CUTOFF = 6 hours;
    uint256 private constant MIN_WINDOW = 1 hours;
    uint256 private constant MAX_WINDOW = 2 days;
    uint256 private constant MAX_PENALTY_BPS = 500;
    uint256 private constant MAX_FEE_BPS = 100;
    uint256 private constant MAX_PAUSE = 7 days;

    /// @inheritdoc IIssuanceDesk
    IStockToken public immutable stock;
    /// @inheritdoc IIssuanceDesk
    IERC20 public immutable cash;
    /// @inheritdoc IIssuanceDesk
    ISessionCalendar public immutable calendar;
    /// @inheritdoc IIssuanceDesk
    uint256 public immutable settlementSessions;
    /// @inheritdoc IIssuanceDesk
    uint256 public immutable cutoff;
    /// @inheritdoc IIssuanceDesk
    uint256 public immutable settlementWindow;
    /// @inheritdoc IIssuanceDesk
    uint256 public immutable penaltyBps;
    /// @inheritdoc IIssuanceDesk
    address public immutable settlementAccount;
    /// @inheritdoc IIssuanceDesk
    address public immutable feeReceiver;

    /// @dev slot: 16 + 40 = 56.
    uint16 public feeBps;
    uint40 private _pausedUntil;
    uint256 private _batches;
    Request[] private _requests;
    /// @inheritdoc IIssuanceDesk
    mapping(address controller => mapping(address operator => bool)) public isOperator;
    mapping(address controller => RecordedBalance) private _holdings;
    mapping(address asset => uint256) private _bonds;
    mapping(address asset => uint256) private _pendingTotals;

    constructor(address authority_, Config memory config) AccessManaged(authority_) {
        _check("settlementSessions", config.settlementSessions, 1, MAX_SESSIONS);
        _check("cutoff", config.cutoff, 0, MAX_CUTOFF);
        _check("settlementWindow", config.settlementWindow, MIN_WINDOW, MAX_WINDOW);
        _check("penaltyBps", config.penaltyBps, 0, MAX_PENALTY_BPS);
        _check("feeBps", config.feeBps, 0, MAX_FEE_BPS);
        if (config.settlementAccount == address(0) || config.feeReceiver == address(0)) revert IssuanceDesk_ZeroAddress();
        (stock, cash, calendar) = (config.stock, config.cash, config.calendar);
        (settlementSessions, cutoff, settlementWindow) = (config.settlementSessions, config.cutoff, config.settlementWindow);
        (penaltyBps, feeBps) = (config.penaltyBps, config.feeBps);
        (settlementAccount, feeReceiver) = (config.settlementAccount, config.feeReceiver);
    }

    // ── holders ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IIssuanceDesk
    function requestMint(uint256 cash_, uint256 maxPrice, address controller, address owner) external returns (uint256 requestId) {
        uint256 deadline;
        (requestId, deadline) = _request(Side.Mint, cash_, maxPrice, controller, owner);
        emit RequestMint(requestId, controller, owner, cash_, maxPrice, deadline);
    }

    /// @inheritdoc IIssuanceDesk
    function requestRedeem(uint256 tokens, uint256 minPrice, address controller, address owner) external returns (uint256 requestId) {
        uint256 deadline;
        (requestId, deadline) = _request(Side.Redeem, tokens, minPrice, controller, owner);
        emit RequestRedeem(requestId, controller, owner, tokens, minPrice, deadline);
    }

    function _request(
        Side side,
        uint256 amount,
        uint256 limitPrice,
        address controller,
        address owner
    ) private nonReentrant returns (uint256 requestId, uint256 deadline) {
        if (amount == 0) revert IssuanceDesk_ZeroAmount();
        if (controller == address(0)) revert IssuanceDesk_ZeroAddress();
        if (amount > type(uint128).max) revert IssuanceDesk_AmountTooLarge(amount, type(uint128).max);
        if (limitPrice > type(uint128).max) revert IssuanceDesk_AmountTooLarge(limitPrice, type(uint128).max);
        if (msg.sender != owner && !isOperator[owner][msg.sender]) revert IssuanceDesk_NotOwner(owner, msg.sender);
        if (block.timestamp < _pausedUntil) revert IssuanceDesk_RequestsPaused(_pausedUntil);

        deadline = deadlineOf(block.timestamp);
        requestId = _requests.length;
        // Casts: both amounts were checked, and a deadline lies weeks ahead at most.
        _requests.push(Request(controller, uint40(deadline), side, feeBps, uint128(amount), 0, uint128(limitPrice)));
        IERC20 asset = _escrowOf(side);
        _pendingTotals[address(asset)] += amount;
        if (side == Side.Redeem) _hold(controller, amount);
        _pull(asset, owner, amount);
    }

    /// @inheritdoc IIssuanceDesk
    function claim(uint256 requestId, address receiver) external nonReentrant returns (uint256 amount) {
        Request storage request = _requests[requestId];
        address controller = request.controller;
        if (receiver != controller) _checkOperator(controller);
        _checkAllowed(controller, receiver);
        amount = request.claimable;
        if (amount == 0) revert IssuanceDesk_NothingClaimable(requestId);
        request.claimable = 0;
        Side side = request.side;
        if (side == Side.Mint) _release(controller, amount);
        emit Claim(requestId, controller, receiver, amount);
        _payoutOf(side).safeTransfer(receiver, amount);
    }

    /// @inheritdoc IIssuanceDesk
    function reclaim(uint256 requestId, address receiver) external nonReentrant returns (uint256 amount, uint256 penalty) {
        Request storage request = _requests[requestId];
        address controller = request.controller;
        _checkOperator(controller);
        _checkAllowed(controller, receiver);
        amount = request.pending;
        if (amount == 0) revert IssuanceDesk_NothingPending(requestId);
        if (block.timestamp < request.deadline) revert IssuanceDesk_NotOverdue(requestId, request.deadline);

        request.pending = 0;
        IERC20 asset = _escrowOf(request.side);
        _pendingTotals[address(asset)] -= amount;
        if (request.side == Side.Redeem) _release(controller, amount);
        penalty = Math.min((amount * penaltyBps) / BPS, _bonds[address(asset)]);
        _bonds[address(asset)] -= penalty;
        emit Reclaim(requestId, controller, receiver, amount, penalty);
        asset.safeTransfer(receiver, amount + penalty);
    }

    /// @inheritdoc IIssuanceDesk
    function setOperator(address operator, bool approved) external returns (bool) {
        isOperator[msg.sender][operator] = approved;
        emit OperatorSet(msg.sender, operator, approved);
        return true;
    }

    // ── issuer ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IIssuanceDesk
    function fulfilMints(Fill[] calldata fills, uint256 price) external restricted nonReentrant returns (uint256 batchId) {
        uint256 settled;
        uint256 paid;
        uint256 fee;
        (batchId, settled, paid, fee) = _fulfil(Side.Mint, fills, price);
        if (settled == 0) return batchId;
        cash.safeTransfer(settlementAccount, settled - fee);
        if (fee != 0) cash.safeTransfer(feeReceiver, fee);
        stock.mint(address(this), paid);
    }

    /// @inheritdoc IIssuanceDesk
    function fulfilRedemptions(Fill[] calldata fills, uint256 price) external restricted nonReentrant returns (uint256 batchId) {
        uint256 settled;
        uint256 paid;
        uint256 fee;
        (batchId, settled, paid, fee) = _fulfil(Side.Redeem, fills, price);
        if (settled == 0) return batchId;
        _pull(cash, msg.sender, paid + fee);
        if (fee != 0) cash.safeTransfer(feeReceiver, fee);
        stock.burn(settled);
    }

    function _fulfil(
        Side side,
        Fill[] calldata fills,
        uint256 price
    ) private returns (uint256 batchId, uint256 settled, uint256 paid, uint256 fee) {
        if (price == 0) revert IssuanceDesk_ZeroAmount();
        batchId = _batches++;
        for (uint256 i; i < fills.length; ++i) {
            (uint256 fillSettled, uint256 fillPaid, uint256 fillFee) = _fill(side, fills[i], price, batchId);
            settled += fillSettled;
            paid += fillPaid;
            fee += fillFee;
        }
        _pendingTotals[address(_escrowOf(side))] -= settled;
        emit SettleBatch(batchId, side, price, settled, paid, fee);
    }

    function _fill(
        Side side,
        Fill calldata fill,
        uint256 price,
        uint256 batchId
    ) private returns (uint256 settled, uint256 paid, uint256 fee) {
        uint256 requestId = fill.requestId;
        if (requestId >= _requests.length || _requests[requestId].side != side) return _skip(requestId, batchId, SkipReason.Unknown);
        Request storage request = _requests[requestId];
        settled = Math.min(fill.amount, request.pending);
        if (request.pending == 0) return _skip(requestId, batchId, SkipReason.Ended);
        bool isMint = side == Side.Mint;
        if (isMint ? price > request.limitPrice : price < request.limitPrice) return _skip(requestId, batchId, SkipReason.Limit);

        if (isMint) {
            fee = Math.mulDiv(settled, request.feeBps, BPS, Math.Rounding.Ceil);
            paid = Math.mulDiv(settled - fee, PRICE_UNIT, price);
        } else {
            uint256 gross = Math.mulDiv(settled, price, PRICE_UNIT);
            fee = Math.mulDiv(gross, request.feeBps, BPS, Math.Rounding.Ceil);
            paid = gross - fee;
        }
        if (paid == 0 || paid > type(uint128).max - request.claimable) return _skip(requestId, batchId, SkipReason.Amount);

        // Casts: at most what is pending, and checked above.
        request.pending -= uint128(settled);
        request.claimable += uint128(paid);
        if (isMint) _hold(request.controller, paid);
        else _release(request.controller, settled);
        emit Fulfil(requestId, batchId, settled, paid, fee);
    }

    function _skip(uint256 requestId, uint256 batchId, SkipReason reason) private returns (uint256, uint256, uint256) {
        emit Skip(requestId, batchId, reason);
        return (0, 0, 0);
    }

    /// @inheritdoc IIssuanceDesk
    function postBond(address asset, uint256 amount) external nonReentrant {
        _checkBondAsset(asset);
        if (amount == 0) revert IssuanceDesk_ZeroAmount();
        _bonds[asset] += amount;
        emit PostBond(asset, msg.sender, amount);
        _pull(IERC20(asset), msg.sender, amount);
    }

    /// @inheritdoc IIssuanceDesk
    function withdrawBond(address asset, uint256 amount, address receiver) external restricted nonReentrant {
        (uint256 balance, uint256 locked) = bondOf(asset);
        uint256 free = Math.saturatingSub(balance, locked);
        if (amount > free) revert IssuanceDesk_BondLocked(asset, free);
        _bonds[asset] = balance - amount;
        emit WithdrawBond(asset, receiver, amount);
        IERC20(asset).safeTransfer(receiver, amount);
    }

    /// @inheritdoc IIssuanceDesk
    function setFee(uint16 feeBps_) external restricted {
        _check("feeBps", feeBps_, 0, MAX_FEE_BPS);
        feeBps = feeBps_;
        emit SetFee(feeBps_);
    }

    /// @inheritdoc IIssuanceDesk
    function pauseRequests(uint40 until) external restricted {
        _check("until", until, 0, block.timestamp + MAX_PAUSE);
        _pausedUntil = until;
        emit PauseRequests(until);
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IIssuanceDesk
    function requestOf(uint256 requestId) external view returns (Request memory) {
        return _requests[requestId];
    }

    /// @inheritdoc IIssuanceDesk
    function requestCount() external view returns (uint256) {
        return _requests.length;
    }

    /// @inheritdoc IIssuanceDesk
    function pendingMintRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _of(requestId, controller, Side.Mint).pending;
    }

    /// @inheritdoc IIssuanceDesk
    function claimableMintRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _of(requestId, controller, Side.Mint).claimable;
    }

    /// @inheritdoc IIssuanceDesk
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _of(requestId, controller, Side.Redeem).pending;
    }

    /// @inheritdoc IIssuanceDesk
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _of(requestId, controller, Side.Redeem).claimable;
    }

    function _of(uint256 requestId, address controller, Side side) private view returns (Request memory request) {
        if (requestId >= _requests.length) return request;
        Request memory found = _requests[requestId];
        if (found.controller == controller && found.side == side) return found;
    }

    /// @inheritdoc IIssuanceDesk
    function deadlineOf(uint256 timestamp) public view returns (uint256 deadline) {
        deadline = timestamp + cutoff;
        for (uint256 i; i < settlementSessions; ++i) deadline = calendar.nextOpenAfterClose(deadline);
        return deadline + settlementWindow;
    }

    /// @inheritdoc IIssuanceDesk
    function holdingAt(address account, uint256 recordDay) external view returns (uint256) {
        if (!stock.isRecordDay(recordDay)) revert IRecordDates.RecordDates_NotRecordDay(recordDay);
        if (recordDay > RecordDates.today()) revert IRecordDates.RecordDates_NotReached(recordDay, RecordDates.today());
        return _holdings[account].at(recordDay);
    }

    /// @inheritdoc IIssuanceDesk
    function bondOf(address asset) public view returns (uint256 balance, uint256 locked) {
        _checkBondAsset(asset);
        return (_bonds[asset], Math.mulDiv(_pendingTotals[asset], penaltyBps, BPS, Math.Rounding.Ceil));
    }

    // ── within ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function _escrowOf(Side side) private view returns (IERC20) {
        return side == Side.Mint ? cash : IERC20(address(stock));
    }

    function _payoutOf(Side side) private view returns (IERC20) {
        return side == Side.Mint ? IERC20(address(stock)) : cash;
    }

    function _hold(address controller, uint256 tokens) private {
        RecordedBalance storage entry = _holdings[controller];
        entry.word = _onToday(entry) + tokens; // at most the supply, which fits
    }

    function _release(address controller, uint256 tokens) private {
        RecordedBalance storage entry = _holdings[controller];
        entry.word = _onToday(entry) - tokens; // the controller's requests hold it
    }

    function _onToday(RecordedBalance storage entry) private returns (uint256 word) {
        word = entry.word;
        uint256 today = RecordDates.today();
        if (RecordedBalances.isPast(word, today)) word = entry.advance(word, stock.latestRecordDay(), today);
    }

    function _pull(IERC20 asset, address from, uint256 amount) private {
        uint256 held = asset.balanceOf(address(this));
        asset.safeTransferFrom(from, address(this), amount);
        uint256 received = asset.balanceOf(address(this)) - held;
        if (received != amount) revert IssuanceDesk_TransferMismatch(address(asset), amount, received);
    }

    function _checkOperator(address controller) private view {
        if (msg.sender != controller && !isOperator[controller][msg.sender]) revert IssuanceDesk_NotOperator(controller, msg.sender);
    }

    /// @dev Else the denied would leave through the desk, by naming another receiver.
    function _checkAllowed(address controller, address receiver) private view {
        if (receiver == address(0)) revert IssuanceDesk_ZeroAddress();
        if (!stock.canReceive(controller)) revert IssuanceDesk_ControllerDenied(controller);
    }

    function _checkBondAsset(address asset) private view {
        if (asset != address(stock) && asset != address(cash)) revert IssuanceDesk_NotBondAsset(asset);
    }

    function _check(bytes32 parameter, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert IssuanceDesk_OutOfBounds(parameter, value, min, max);
    }
}
