// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { SafeCastLib as Cast } from "@solady/src/utils/SafeCastLib.sol";

import { PoolMath } from "../math/PoolMath.sol";
import { StrikeGrid } from "../math/StrikeGrid.sol";
import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";
import { IPerpetualOptions, Layer } from "./IPerpetualOptions.sol";
import { PoolBook } from "./PoolBook.sol";
import { PackedSet } from "./PackedSet.sol";
import { PositionKeys } from "./PositionKeys.sol";

/// @title The traders' side: accounts, positions and what keepers do to them
/// @notice Every operation has one shape: validate, refresh the market, accrue rent, settle the touched position, price, change the book, move
///         the ledger once, check the final state.
contract PerpetualOptions is PoolBook {
    using PackedSet for PackedSet.Set;

    /// @dev Calls, or puts, may lock at most 60% of the main pool's cash.
    uint256 private constant SIDE_LIMIT = 0.6e18;
    /// @dev Liquidation pays the keeper 0.1% of what it sells.
    uint256 private constant LIQUIDATION_REWARD = 0.001e18;
    /// @dev Eviction is for strikes beyond ±25% of the index.
    uint256 private constant EVICTION_BAND = 0.25e18;

    struct Account {
        // slots 0, 1: its flag tells of debt
        PackedSet.Set keys;
        uint128 debtMain;
        uint128 debtInsurance;
        mapping(uint24 key => Position) positions;
    }

    /// @dev Working values of one operation. Balances and debts are changed here and written once, in `_flush`.
    struct Context {
        address owner;
        address token;
        PositionId id;
        uint24 key;
        IOptionMarket market;
        IOptionMarket.Quote quote;
        // ledger before, and as the operation changes it
        address mainPool;
        address insurancePool;
        uint256[3] before;
        uint256 balance;
        uint256 cashMain;
        uint256 cashInsurance;
        address payee;
        uint256 payeeAmount;
        uint256 rentIndex;
        // the touched position, as settled
        uint256 notional;
        uint256 oldFundingTerm;
        uint256 oldRentTerm;
        // the account's debt
        bool hadDebt;
        uint256 debtMain;
        uint256 debtInsurance;
        uint256 oldDebtMain;
        uint256 oldDebtInsurance;
    }

    mapping(address owner => mapping(address token => Account)) private accounts;
    /// @inheritdoc IPerpetualOptions
    mapping(address owner => mapping(address operator => bool)) public isOperator;

    constructor(
        address authority_,
        ICollateralVault vault_,
        address treasury_,
        address mainDeployer_,
        address insuranceDeployer_
    ) PoolBook(authority_, vault_, treasury_, mainDeployer_, insuranceDeployer_) {}

    // ── trading ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IPerpetualOptions
    function open(Order calldata order) external nonReentrant returns (uint256 premium, uint256 fee) {
        _checkOrder(order);
        Context memory c = _context(order.owner, order.token, PositionId(order.marketId, order.strike, order.isCall));
        Book storage book = _book(order.token);
        if (book.closeOnly) revert PerpetualOptions_CloseOnly(order.token);
        uint40 pausedUntil = markets[order.marketId].pausedUntil;
        if (pausedUntil > block.timestamp) revert PerpetualOptions_OpeningPaused(order.marketId, pausedUntil);
        _begin(c, book, IOptionMarket.QuoteKind.Ask);

        premium = Fixed.mulDivUp(order.notional, c.quote.value, WAD);
        if (premium > order.limit) revert PerpetualOptions_PremiumAboveLimit(premium, order.limit);
        fee = PoolMath.fee(order.notional, premium);
        if (premium + fee > c.balance) revert PerpetualOptions_InsufficientBalance(c.balance, premium + fee);
        c.balance -= premium + fee;
        c.cashMain += premium;
        _payFee(c, fee);

        uint256 notional = c.notional + order.notional;
        if (notional < book.minNotional) revert PerpetualOptions_BelowMinimum(notional, book.minNotional);
        _resize(c, book, notional);
        _flush(c, book);

        uint256 reserving = _notional(book);
        _checkReserve(Layer.Main, c.cashMain, PoolMath.reserved(reserving, true));
        _checkReserve(Layer.Insurance, c.cashInsurance, PoolMath.reserved(reserving, false));
        _checkSide(order.isCall, PoolMath.reserved(order.isCall ? book.callNotional : book.putNotional, true), c.cashMain);
        Health memory h = _health(c, book);
        if (h.equity < int256(h.initialMargin)) revert PerpetualOptions_InsufficientMargin(h.equity, h.initialMargin);
        emit Open(c.owner, c.token, c.id.marketId, c.id, order.notional, premium, fee, c.quote.price);
    }

    /// @inheritdoc IPerpetualOptions
    function close(Order calldata order) external nonReentrant returns (Closed memory) {
        _checkOrder(order);
        Context memory c = _context(order.owner, order.token, PositionId(order.marketId, order.strike, order.isCall));
        Book storage book = _book(order.token);
        uint256 held = _held(c);
        uint256 notional = order.notional == type(uint112).max ? held : order.notional;
        if (notional > held) revert PerpetualOptions_CloseTooLarge(notional, held);
        if (notional < held && held - notional < book.minNotional) {
            revert PerpetualOptions_BelowMinimum(held - notional, book.minNotional);
        }
        _begin(c, book, IOptionMarket.QuoteKind.Bid);
        return _reduce(c, book, notional, CloseReason.Voluntary, order.limit);
    }

    /// @inheritdoc IPerpetualOptions
    function settle(address owner, address token) external nonReentrant {
        Book storage book = _book(token);
        Account storage account = accounts[owner][token];
        uint256 count = account.keys.count();
        if (count == 0) return;
        Context memory c;
        (c.owner, c.token) = (owner, token);
        _loadLedger(c, book);
        uint256 dueMain;
        uint256 dueInsurance;
        for (uint256 i; i < count; ++i) {
            c.key = account.keys.at(i);
            c.id = PositionKeys.unpack(c.key);
            c.market = markets[c.id.marketId].market;
            c.market.accrue();
            if (c.market.phase() == IOptionMarket.Phase.Frozen) _ensureFrozen(c, book);
            (c.quote.fundingIndex, , ) = c.market.fundingAndMargin(c.id.strike);
            (uint256 main, uint256 insurance) = _settlePosition(c, book);
            _resize(c, book, c.notional);
            dueMain += main;
            dueInsurance += insurance;
        }
        _collect(c, dueMain, dueInsurance);
        _flush(c, book);
    }

    /// @inheritdoc IPerpetualOptions
    function withdraw(address token, uint256 amount, address to) external nonReentrant {
        Account storage account = accounts[msg.sender][token];
        if (account.keys.count() != 0) {
            Book storage book = _book(token);
            Context memory c = _context(msg.sender, token, PositionId(0, 0, false));
            _loadBalances(c);
            c.rentIndex = _rentIndexNow(book, c.cashMain, c.cashInsurance);
            if (amount > c.balance) revert PerpetualOptions_InsufficientBalance(c.balance, amount);
            c.balance -= amount;
            Health memory h = _health(c, book);
            if (h.equity < int256(h.initialMargin)) revert PerpetualOptions_InsufficientMargin(h.equity, h.initialMargin);
        }
        emit Withdraw(msg.sender, token, amount, to);
        vault.withdrawFrom(token, msg.sender, amount, to);
    }

    /// @inheritdoc IPerpetualOptions
    function setOperator(address operator, bool approved) external {
        isOperator[msg.sender][operator] = approved;
        emit SetOperator(msg.sender, operator, approved);
    }

    // ── keepers ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IPerpetualOptions
    function liquidate(address owner, address token, PositionId calldata id) external nonReentrant returns (Closed memory) {
        (Context memory c, Book storage book) = _beginClose(owner, token, id, IOptionMarket.QuoteKind.Bid);
        Health memory h = _health(c, book);
        if (h.equity >= int256(h.maintenanceMargin)) revert PerpetualOptions_Healthy(h.equity, h.maintenanceMargin);
        uint256 perUnit = Fixed.min(c.quote.value, PoolMath.CAP) + c.quote.initialMargin - LIQUIDATION_REWARD;
        uint256 notional = Fixed.fullMulDivUp(uint256(int256(h.initialMargin) - h.equity), WAD, perUnit);
        if (notional >= c.notional || c.notional - notional < book.minNotional) notional = c.notional;
        return _reduce(c, book, notional, CloseReason.Liquidation, 0);
    }

    /// @inheritdoc IPerpetualOptions
    function exercise(address owner, address token, PositionId calldata id) external nonReentrant returns (Closed memory) {
        (Context memory c, Book storage book) = _beginClose(owner, token, id, IOptionMarket.QuoteKind.Mark);
        if (c.quote.value < PoolMath.CAP_MAIN) revert PerpetualOptions_BelowCap(c.quote.value, PoolMath.CAP_MAIN);
        return _reduce(c, book, c.notional, CloseReason.Exercise, 0);
    }

    /// @inheritdoc IPerpetualOptions
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

    /// @inheritdoc IPerpetualOptions
    function closeFrozen(address owner, address token, PositionId calldata id) external nonReentrant returns (Closed memory) {
        Context memory c = _context(owner, token, id);
        Book storage book = _book(token);
        _held(c);
        c.market.accrue();
        (c.quote.value, c.quote.fundingIndex) = c.market.frozenPayoff(id.strike, id.isCall);
        _loadLedger(c, book);
        _ensureFrozen(c, book);
        (uint256 main, uint256 insurance) = _settlePosition(c, book);
        _collect(c, main, insurance);
        return _reduce(c, book, c.notional, CloseReason.Frozen, 0);
    }

    // ── steps ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function _checkOrder(Order calldata order) private view {
        if (block.timestamp > order.deadline) revert PerpetualOptions_Expired(order.deadline, block.timestamp);
        if (msg.sender != order.owner && !isOperator[order.owner][msg.sender]) {
            revert PerpetualOptions_NotOperator(order.owner, msg.sender);
        }
        if (order.notional == 0) revert PerpetualOptions_ZeroNotional();
    }

    function _context(address owner, address token, PositionId memory id) private pure returns (Context memory c) {
        c.owner = owner;
        c.token = token;
        c.id = id;
        c.key = PositionKeys.pack(id);
    }

    function _held(Context memory c) private view returns (uint256 held) {
        c.market = _market(c.id.marketId);
        held = accounts[c.owner][c.token].positions[c.key].notional;
        if (held == 0) revert PerpetualOptions_NoPosition(c.owner, c.token, c.id);
    }

    function _beginClose(
        address owner,
        address token,
        PositionId calldata id,
        IOptionMarket.QuoteKind kind
    ) private returns (Context memory c, Book storage book) {
        c = _context(owner, token, id);
        book = _book(token);
        _held(c);
        _begin(c, book, kind);
    }

    /// @dev Refresh and quote, accrue rent, settle the touched position.
    function _begin(Context memory c, Book storage book, IOptionMarket.QuoteKind kind) private {
        c.market = _market(c.id.marketId);
        c.quote = c.market.refreshAndQuote(c.id.strike, c.id.isCall, kind);
        _loadLedger(c, book);
        (uint256 main, uint256 insurance) = _settlePosition(c, book);
        _collect(c, main, insurance);
    }

    function _loadBalances(Context memory c) private view {
        (c.mainPool, c.insurancePool) = _pools(c.token);
        c.before = vault.balancesOf(c.token, address(this), [c.owner, c.mainPool, c.insurancePool]);
        (c.balance, c.cashMain, c.cashInsurance) = (c.before[0], c.before[1], c.before[2]);
        Account storage account = accounts[c.owner][c.token];
        if (account.keys.flagged()) {
            c.hadDebt = true;
            (c.debtMain, c.debtInsurance) = (account.debtMain, account.debtInsurance);
            (c.oldDebtMain, c.oldDebtInsurance) = (c.debtMain, c.debtInsurance);
        }
    }

    function _loadLedger(Context memory c, Book storage book) private {
        _loadBalances(c);
        c.rentIndex = _accrueRent(book, c.cashMain, c.cashInsurance);
    }

    function _ensureFrozen(Context memory c, Book storage book) private {
        MarketBook storage mb = book.markets[c.id.marketId];
        if (!mb.frozen) _freeze(mb, c.token, c.id.marketId, c.rentIndex);
    }

    /// @dev What the touched position owes since its last settlement; remembers its terms in the pool's sums for `_resize`.
    function _settlePosition(Context memory c, Book storage book) private returns (uint256 main, uint256 insurance) {
        Position memory p = accounts[c.owner][c.token].positions[c.key];
        c.notional = p.notional;
        c.oldFundingTerm = uint256(p.notional) * p.fundingIndex;
        c.oldRentTerm = uint256(p.notional) * p.rentIndex;
        if (p.notional == 0) return (0, 0);
        uint256 funding = PoolMath.owed(p.notional, c.quote.fundingIndex - p.fundingIndex);
        uint256 rent = PoolMath.owed(p.notional, _rentIndexOf(book.markets[c.id.marketId], c.rentIndex) - p.rentIndex);
        insurance = PoolMath.insurancePart(funding, rent);
        main = funding + rent - insurance;
        emit Settle(c.owner, c.token, c.id.marketId, c.id, funding, rent);
    }

    /// @dev Takes from the balance: old debt first, then what fell due; the rest joins the debt.
    function _collect(Context memory c, uint256 dueMain, uint256 dueInsurance) private {
        if (c.hadDebt) {
            (uint256 main, uint256 insurance) = _payDebt(c, _take(c, Fixed.min(c.balance, c.debtMain + c.debtInsurance)));
            if (main + insurance != 0) emit Repay(c.owner, c.token, main, insurance);
        }
        uint256 due = dueMain + dueInsurance;
        uint256 paid = _take(c, Fixed.min(c.balance, due));
        if (paid != due) {
            (uint256 main, uint256 insurance) = PoolMath.split(paid, dueMain, dueInsurance);
            (uint256 unpaidMain, uint256 unpaidInsurance) = (dueMain - main, dueInsurance - insurance);
            (c.debtMain, c.debtInsurance) = (c.debtMain + unpaidMain, c.debtInsurance + unpaidInsurance);
            (dueMain, dueInsurance) = (main, insurance);
            emit Owe(c.owner, c.token, unpaidMain, unpaidInsurance);
        }
        (c.cashMain, c.cashInsurance) = (c.cashMain + dueMain, c.cashInsurance + dueInsurance);
    }

    function _take(Context memory c, uint256 amount) private pure returns (uint256) {
        c.balance -= amount;
        return amount;
    }

    function _payDebt(Context memory c, uint256 amount) private pure returns (uint256 main, uint256 insurance) {
        (main, insurance) = PoolMath.split(amount, c.debtMain, c.debtInsurance);
        (c.debtMain, c.debtInsurance) = (c.debtMain - main, c.debtInsurance - insurance);
        (c.cashMain, c.cashInsurance) = (c.cashMain + main, c.cashInsurance + insurance);
    }

    function _payFee(Context memory c, uint256 fee) private view {
        (uint256 main, uint256 insurance, uint256 toTreasury) = PoolMath.splitFee(fee);
        (c.cashMain, c.cashInsurance) = (c.cashMain + main, c.cashInsurance + insurance);
        (c.payee, c.payeeAmount) = (treasury, toTreasury);
    }

    /// @dev Sells `notional` of the settled position at the quoted value and writes everything. Debt comes first, an exercise's reward before it.
    function _reduce(
        Context memory c,
        Book storage book,
        uint256 notional,
        CloseReason reason,
        uint256 minProceeds
    ) private returns (Closed memory closed) {
        closed.notional = notional;
        uint256 proceeds = _payout(c, closed, reason);
        if (proceeds < minProceeds) revert PerpetualOptions_ProceedsBelowLimit(proceeds, minProceeds);
        _resize(c, book, c.notional - notional);
        if (reason == CloseReason.Liquidation) closed.fee = _payLiquidator(c, book, notional);
        _flush(c, book);
        emit Close(c.owner, c.token, c.id.marketId, c.id, reason, closed);
    }

    /// @dev Takes the payout from the pools, layer by layer, and hands it on: reward of an exercise, debt, fee of a voluntary close, owner.
    function _payout(Context memory c, Closed memory closed, CloseReason reason) private returns (uint256 proceeds) {
        (uint256 main, uint256 insurance) = PoolMath.layers(c.quote.value);
        closed.payoutMain = (closed.notional * main) / WAD;
        closed.payoutInsurance = (closed.notional * insurance) / WAD;
        c.cashMain -= closed.payoutMain;
        c.cashInsurance -= closed.payoutInsurance;
        proceeds = closed.payoutMain + closed.payoutInsurance;
        uint256 rest = proceeds;
        if (reason == CloseReason.Exercise) {
            closed.fee = Fixed.min(closed.notional / 2000, rest);
            rest -= closed.fee;
            (c.payee, c.payeeAmount) = (msg.sender, closed.fee);
            emit Reward(msg.sender, c.owner, c.token, closed.fee, 0);
        }
        closed.debtPaid = Fixed.min(rest, c.debtMain + c.debtInsurance);
        if (closed.debtPaid != 0) _payDebt(c, closed.debtPaid);
        rest -= closed.debtPaid;
        if (reason == CloseReason.Voluntary) {
            closed.fee = Fixed.min(PoolMath.fee(closed.notional, proceeds), rest);
            rest -= closed.fee;
            _payFee(c, closed.fee);
        }
        c.balance += rest;
    }

    /// @dev The account pays as far as it can, then the insurance pool out of its free cash.
    function _payLiquidator(Context memory c, Book storage book, uint256 notional) private returns (uint256) {
        uint256 target = notional / 1000;
        uint256 fromAccount = _take(c, Fixed.min(target, c.balance));
        uint256 free = Fixed.zeroFloorSub(c.cashInsurance, PoolMath.reserved(_notional(book), false));
        uint256 fromInsurance = Fixed.min(target - fromAccount, free);
        c.cashInsurance -= fromInsurance;
        (c.payee, c.payeeAmount) = (msg.sender, fromAccount + fromInsurance);
        emit Reward(msg.sender, c.owner, c.token, fromAccount, fromInsurance);
        return fromAccount + fromInsurance;
    }

    /// @dev Writes the settled position at its new notional, and the sums it is part of.
    function _resize(Context memory c, Book storage book, uint256 notional) private {
        Account storage account = accounts[c.owner][c.token];
        MarketBook storage mb = book.markets[c.id.marketId];
        uint256 positionRentIndex = _rentIndexOf(mb, c.rentIndex);
        mb.fundingEntry = mb.fundingEntry + notional * c.quote.fundingIndex - c.oldFundingTerm;
        mb.rentEntry = uint208(mb.rentEntry + notional * positionRentIndex - c.oldRentTerm);
        if (notional == 0) {
            delete account.positions[c.key];
            account.keys.remove(c.key);
        } else {
            if (c.notional == 0) {
                if (account.keys.count() == PackedSet.LIMIT) revert PerpetualOptions_TooManyPositions(PackedSet.LIMIT);
                account.keys.add(c.key);
            }
            account.positions[c.key] = Position(
                Cast.toUint112(notional),
                Cast.toUint144(c.quote.fundingIndex),
                Cast.toUint96(positionRentIndex)
            );
        }
        if (notional != c.notional) _changeNotional(book, mb, c.id, c.notional, notional);
        c.notional = notional;
    }

    /// @dev Writes debts and moves the ledger, once.
    function _flush(Context memory c, Book storage book) private {
        if (c.debtMain + c.debtInsurance != 0 || c.hadDebt) _writeDebt(c, book);
        ICollateralVault.Delta[3] memory deltas = [
            ICollateralVault.Delta(c.owner, int256(c.balance) - int256(c.before[0])),
            ICollateralVault.Delta(c.mainPool, int256(c.cashMain) - int256(c.before[1])),
            ICollateralVault.Delta(c.insurancePool, int256(c.cashInsurance) - int256(c.before[2]))
        ];
        vault.settle(c.token, deltas, c.payee, c.payeeAmount);
    }

    /// @dev What an account without positions still owes is written off: its balance and its proceeds are spent.
    function _writeDebt(Context memory c, Book storage book) private {
        Account storage account = accounts[c.owner][c.token];
        if (account.keys.count() == 0 && c.debtMain + c.debtInsurance != 0) {
            book.forgiven += c.debtMain + c.debtInsurance;
            emit Forgive(c.owner, c.token, c.debtMain, c.debtInsurance);
            (c.debtMain, c.debtInsurance) = (0, 0);
        }
        account.keys.setFlag(c.debtMain + c.debtInsurance != 0);
        (account.debtMain, account.debtInsurance) = (Cast.toUint128(c.debtMain), Cast.toUint128(c.debtInsurance));
        book.debtMain = Cast.toUint128(book.debtMain + c.debtMain - c.oldDebtMain);
        book.debtInsurance = Cast.toUint128(book.debtInsurance + c.debtInsurance - c.oldDebtInsurance);
        book.marketIds.setFlag(book.debtMain + book.debtInsurance != 0);
    }

    function _checkSide(bool isCall, uint256 locked, uint256 cashMain) private pure {
        uint256 limit = (cashMain * SIDE_LIMIT) / WAD;
        if (locked > limit) revert PerpetualOptions_SideLimit(isCall, locked, limit);
    }

    // ── health ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @dev Visits the account's own positions. The touched one (`c.market` set) is settled: it owes nothing and its rates are in the quote.
    function _health(Context memory c, Book storage book) private view returns (Health memory h) {
        Account storage account = accounts[c.owner][c.token];
        h.balance = c.balance;
        h.debt = c.debtMain + c.debtInsurance;
        h.owed = h.debt;
        uint256 count = account.keys.count();
        for (uint256 i; i < count; ++i) {
            uint24 key = account.keys.at(i);
            uint256 initial = c.quote.initialMargin;
            uint256 maintenance = c.quote.maintenanceMargin;
            uint256 notional = c.notional;
            if (address(c.market) == address(0) || key != c.key) {
                uint256 owed;
                (notional, owed, initial, maintenance) = _owedBy(account.positions[key], book, key, c.rentIndex);
                h.owed += owed;
            }
            h.initialMargin += Fixed.mulDivUp(notional, initial, WAD);
            h.maintenanceMargin += Fixed.mulDivUp(notional, maintenance, WAD);
        }
        h.equity = int256(h.balance) - int256(h.owed);
    }

    function _owedBy(
        Position memory p,
        Book storage book,
        uint24 key,
        uint256 indexNow
    ) private view returns (uint256 notional, uint256 owed, uint256 initialMargin, uint256 maintenanceMargin) {
        PositionId memory id = PositionKeys.unpack(key);
        uint256 fundingIndex;
        (fundingIndex, initialMargin, maintenanceMargin) = markets[id.marketId].market.fundingAndMargin(id.strike);
        notional = p.notional;
        owed =
            PoolMath.owed(notional, fundingIndex - p.fundingIndex) +
            PoolMath.owed(notional, _rentIndexOf(book.markets[id.marketId], indexNow) - p.rentIndex);
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IPerpetualOptions
    function accountHealth(address owner, address token) external view returns (Health memory) {
        Book storage book = _book(token);
        Context memory c = _context(owner, token, PositionId(0, 0, false));
        _loadBalances(c);
        c.rentIndex = _rentIndexNow(book, c.cashMain, c.cashInsurance);
        return _health(c, book);
    }

    /// @inheritdoc IPerpetualOptions
    function position(address owner, address token, PositionId calldata id) external view returns (Position memory) {
        return accounts[owner][token].positions[PositionKeys.pack(id)];
    }

    /// @inheritdoc IPerpetualOptions
    function positions(address owner, address token) external view returns (PositionId[] memory ids) {
        PackedSet.Set storage keys = accounts[owner][token].keys;
        ids = new PositionId[](keys.count());
        for (uint256 i; i < ids.length; ++i) ids[i] = PositionKeys.unpack(keys.at(i));
    }

    /// @inheritdoc IPerpetualOptions
    function debtOf(address owner, address token) external view returns (uint256 main, uint256 insurance) {
        Account storage account = accounts[owner][token];
        return (account.debtMain, account.debtInsurance);
    }
}
