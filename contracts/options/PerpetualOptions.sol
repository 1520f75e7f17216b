// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";

import { PoolMath } from "../math/PoolMath.sol";
import { StrikeGrid } from "../math/StrikeGrid.sol";
import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";
import { IOptionsTrading } from "./IPerpetualOptions.sol";
import { Layer } from "./IOptionsTypes.sol";
import { OptionsBase } from "./OptionsBase.sol";
import { PackedSet } from "./PackedSet.sol";

/// @title Trading: what happens in every trade, liquidation and pool valuation
/// @notice Calls to anything else run the code of `extension` on this contract's storage. Neither can be changed.
contract PerpetualOptions is IOptionsTrading, OptionsBase {
    using PackedSet for PackedSet.Set;

    /// @dev Calls, or puts, may lock at most 60% of the main pool's cash.
    uint256 private constant SIDE_LIMIT = 0.6e18;
    /// @dev Liquidation pays the keeper 0.1% of what it sells.
    uint256 private constant LIQUIDATION_REWARD = 0.001e18;
    /// @dev Eviction is for strikes beyond ±25% of the index.
    uint256 private constant EVICTION_BAND = 0.25e18;

    /// @notice The code of everything that is not trading.
    address public immutable extension;

    /// @param extension_ Built with the same vault, treasury and deployers.
    constructor(
        address authority_,
        ICollateralVault vault_,
        address treasury_,
        address mainDeployer_,
        address insuranceDeployer_,
        address extension_
    ) OptionsBase(authority_, vault_, treasury_, mainDeployer_, insuranceDeployer_) {
        if (extension_.code.length == 0) revert PerpetualOptions_ZeroAddress();
        extension = extension_;
    }

    // solhint-disable-next-line no-complex-fallback
    fallback() external {
        address extension_ = extension;
        assembly ("memory-safe") {
            let data := mload(0x40)
            calldatacopy(data, 0, calldatasize())
            let done := delegatecall(gas(), extension_, data, calldatasize(), 0, 0)
            returndatacopy(data, 0, returndatasize())
            if iszero(done) {
                revert(data, returndatasize())
            }
            return(data, returndatasize())
        }
    }

    // ── trading ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionsTrading
    function open(Order calldata order) external returns (uint256 premium, uint256 fee) {
        (premium, fee, , ) = _open(order, 0, address(0));
    }

    /// @inheritdoc IOptionsTrading
    function executeOpen(Order calldata order, uint256 executionFee, address payee) external returns (uint256 price, uint256 updatedAt) {
        (, , price, updatedAt) = _open(order, executionFee, payee);
    }

    /// @inheritdoc IOptionsTrading
    function close(Order calldata order) external returns (Closed memory closed) {
        (closed, , ) = _close(order, 0, address(0));
    }

    /// @inheritdoc IOptionsTrading
    function executeClose(
        Order calldata order,
        uint256 executionFee,
        address payee
    ) external returns (uint256 notional, uint256 price, uint256 updatedAt) {
        Closed memory closed;
        (closed, price, updatedAt) = _close(order, executionFee, payee);
        notional = closed.notional;
    }

    function _open(
        Order calldata order,
        uint256 executionFee,
        address payee
    ) private nonReentrant returns (uint256 premium, uint256 fee, uint256 price, uint256 updatedAt) {
        bool tight = _checkOrder(order, true);
        Context memory c = _context(order.owner, order.token, PositionId(order.marketId, order.strike, order.isCall));
        if (executionFee != 0) _promise(c, executionFee, payee, tight);
        Book storage book = _book(order.token);
        if (book.closeOnly) revert PerpetualOptions_CloseOnly(order.token);
        uint40 pausedUntil = markets[order.marketId].pausedUntil;
        if (pausedUntil > block.timestamp) revert PerpetualOptions_OpeningPaused(order.marketId, pausedUntil);
        _begin(c, book, tight ? IOptionMarket.QuoteKind.TightAsk : IOptionMarket.QuoteKind.Ask);

        premium = Fixed.mulDivUp(order.notional, c.quote.value, WAD);
        if (premium > order.limit) revert PerpetualOptions_PremiumAboveLimit(premium, order.limit);
        fee = PoolMath.fee(order.notional, premium);
        if (premium + fee > c.balance) revert PerpetualOptions_InsufficientBalance(c.balance, premium + fee);
        c.balance -= premium + fee;
        c.cashMain += premium;
        _payFee(c, fee);
        _payExecutor(c);

        uint256 notional = c.notional + order.notional;
        if (notional < book.minNotional) revert PerpetualOptions_BelowMinimum(notional, book.minNotional);
        _resize(c, book, notional);
        _flush(c, book);

        uint256 reserving = c.callNotional + c.putNotional;
        _checkReserve(Layer.Main, c.cashMain, PoolMath.reserved(reserving, true));
        _checkReserve(Layer.Insurance, c.cashInsurance, PoolMath.reserved(reserving, false));
        _checkSide(order.isCall, PoolMath.reserved(order.isCall ? c.callNotional : c.putNotional, true), c.cashMain);
        Health memory h = _health(c, book);
        int256 equity = h.equity + int256(c.payeeAmount);
        if (equity < int256(h.initialMargin)) revert PerpetualOptions_InsufficientMargin(equity, h.initialMargin);
        if (executionFee != 0) _checkMaintenance(h);
        emit Open(c.owner, c.token, c.id.marketId, c.id, order.notional, premium, fee, c.quote.price);
        if (c.pledged) _checkPledge(order.owner, order.token);
        (price, updatedAt) = (c.quote.price, c.quote.updatedAt);
    }

    function _close(
        Order calldata order,
        uint256 executionFee,
        address payee
    ) private nonReentrant returns (Closed memory closed, uint256 price, uint256 updatedAt) {
        bool tight = _checkOrder(order, false);
        Context memory c = _context(order.owner, order.token, PositionId(order.marketId, order.strike, order.isCall));
        if (executionFee != 0) _promise(c, executionFee, payee, tight);
        Book storage book = _book(order.token);
        uint256 held = _held(c);
        uint256 notional = order.notional == type(uint112).max ? held : order.notional;
        if (notional > held) revert PerpetualOptions_CloseTooLarge(notional, held);
        if (notional < held && held - notional < book.minNotional) {
            revert PerpetualOptions_BelowMinimum(held - notional, book.minNotional);
        }
        _begin(c, book, tight ? IOptionMarket.QuoteKind.TightBid : IOptionMarket.QuoteKind.Bid);
        closed = _reduce(c, book, notional, CloseReason.Voluntary, order.limit);
        if (executionFee != 0) _checkMaintenance(_health(c, book));
        if (c.pledged) _checkPledge(order.owner, order.token);
        (price, updatedAt) = (c.quote.price, c.quote.updatedAt);
    }

    /// @inheritdoc IOptionsTrading
    function withdraw(address token, uint256 amount, address to) external nonReentrant {
        bool pledged = _checkWithdrawal(msg.sender, token, amount, true);
        emit Withdraw(msg.sender, token, amount, to);
        _vault.withdrawFrom(token, msg.sender, amount, to);
        if (pledged) _checkPledge(msg.sender, token);
    }

    // ── keepers ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionsTrading
    function liquidate(address owner, address token, PositionId calldata id) external nonReentrant returns (Closed memory) {
        (Context memory c, Book storage book) = _beginClose(owner, token, id, IOptionMarket.QuoteKind.Bid);
        Health memory h = _health(c, book);
        if (h.equity >= int256(h.maintenanceMargin)) revert PerpetualOptions_Healthy(h.equity, h.maintenanceMargin);
        uint256 perUnit = Fixed.min(c.quote.value, PoolMath.CAP) + c.quote.initialMargin - LIQUIDATION_REWARD;
        uint256 notional = Fixed.fullMulDivUp(uint256(int256(h.initialMargin) - h.equity), WAD, perUnit);
        if (notional >= c.notional || c.notional - notional < book.minNotional) notional = c.notional;
        return _reduce(c, book, notional, CloseReason.Liquidation, 0);
    }

    /// @inheritdoc IOptionsTrading
    function exercise(address owner, address token, PositionId calldata id) external nonReentrant returns (Closed memory) {
        (Context memory c, Book storage book) = _beginClose(owner, token, id, IOptionMarket.QuoteKind.Mark);
        if (c.quote.value < PoolMath.CAP_MAIN) revert PerpetualOptions_BelowCap(c.quote.value, PoolMath.CAP_MAIN);
        return _reduce(c, book, c.notional, CloseReason.Exercise, 0);
    }

    /// @inheritdoc IOptionsTrading
    function evict(address owner, address token, PositionId calldata id) external nonReentrant returns (Closed memory) {
        (Context memory c, Book storage book) = _beginClose(owner, token, id, IOptionMarket.QuoteKind.Mark);
        MarketBook storage mb = book.markets[id.marketId];
        bool capped = mb.liveCount == MAX_STRIKES || book.marketIds.count() == MAX_MARKETS || c.market.liveCount() == StrikeGrid.MAX_LIVE;
        bool far =
            c.quote.strikePrice < (c.quote.price * (WAD - EVICTION_BAND)) / WAD ||
                c.quote.strikePrice > Fixed.mulDivUp(c.quote.price, WAD + EVICTION_BAND, WAD);
        if (!capped || !far || mb.strikes[id.strike].total() * 100 >= _notional(book)) revert PerpetualOptions_NotEvictable(token, id);
        return _reduce(c, book, c.notional, CloseReason.Eviction, 0);
    }

    /// @inheritdoc IOptionsTrading
    function closeFrozen(address owner, address token, PositionId calldata id) external nonReentrant returns (Closed memory) {
        Context memory c = _context(owner, token, id);
        Book storage book = _book(token);
        _held(c);
        (c.quote.value, c.quote.fundingIndex) = c.market.frozenPayoff(id.strike, id.isCall);
        _loadLedger(c, book);
        _ensureFrozen(c, book);
        (uint256 main, uint256 insurance) = _settlePosition(c, book);
        _collect(c, main, insurance);
        return _reduce(c, book, c.notional, CloseReason.Frozen, 0);
    }

    // ── pools only ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionsTrading
    function payRedemption(address token, Layer layer, uint256 amount) external nonReentrant {
        Book storage book = _poolBook(token, layer);
        (uint256 cashMain, uint256 cashInsurance) = _cash(token);
        _accrueRent(book, _notional(book), cashMain, cashInsurance);
        bool main = layer == Layer.Main;
        uint256 left = Fixed.zeroFloorSub(main ? cashMain : cashInsurance, amount);
        _checkReserve(layer, left, PoolMath.reserved(_notional(book), main));
        emit PayRedemption(token, layer, amount);
        _vault.release(token, msg.sender, msg.sender, amount);
    }

    function _poolBook(address token, Layer layer) private view returns (Book storage book) {
        book = _book(token);
        (address mainPool, address insurancePool) = _pools(token);
        if (msg.sender != (layer == Layer.Main ? mainPool : insurancePool)) revert PerpetualOptions_NotPool(msg.sender);
    }

    /// @inheritdoc IOptionsTrading
    function valuePool(address token, Layer layer, bool forDeposit) external nonReentrant returns (PoolValue memory, Obstacles memory) {
        return _valuePool(token, layer, forDeposit);
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionsTrading
    function vault() external view returns (ICollateralVault) {
        return _vault;
    }

    /// @inheritdoc IOptionsTrading
    function isOperator(address owner, address operator) external view returns (bool) {
        return operators[owner][operator];
    }

    // ── within ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @return tight Whether the caller is an executor, whose orders were committed before their price was known.
    function _checkOrder(Order calldata order, bool opening) private view returns (bool tight) {
        if (block.timestamp > order.deadline) revert PerpetualOptions_Expired(order.deadline, block.timestamp);
        if (order.notional == 0) revert PerpetualOptions_ZeroNotional();
        if (msg.sender == order.owner) return false;
        if (operators[order.owner][msg.sender]) return executors[msg.sender];
        // A pledgee may end risks in an account, and add none.
        if (opening || pledgees[order.owner][order.token] != msg.sender) revert PerpetualOptions_NotOperator(order.owner, msg.sender);
    }

    /// @dev Executors only: nobody else, a pledgee neither, takes a fee out of an account.
    function _promise(Context memory c, uint256 executionFee, address payee, bool isExecutor_) private view {
        if (!isExecutor_) revert PerpetualOptions_NotExecutor(msg.sender);
        (c.payee, c.payeeAmount) = (payee, executionFee);
    }

    function _checkMaintenance(Health memory h) private pure {
        if (h.equity < int256(h.maintenanceMargin)) revert PerpetualOptions_InsufficientMargin(h.equity, h.maintenanceMargin);
    }

    function _checkSide(bool isCall, uint256 locked, uint256 cashMain) private pure {
        uint256 limit = (cashMain * SIDE_LIMIT) / WAD;
        if (locked > limit) revert PerpetualOptions_SideLimit(isCall, locked, limit);
    }
}
