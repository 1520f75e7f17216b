// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { SafeCastLib as Cast } from "@solady/src/utils/SafeCastLib.sol";

import { PoolMath } from "../math/PoolMath.sol";
import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";
import { DirectCalls } from "./DirectCalls.sol";
import { IPledgee } from "./IPerpetualOptions.sol";
import { PackedSet } from "./PackedSet.sol";
import { PoolBook } from "./PoolBook.sol";
import { PositionKeys } from "./PositionKeys.sol";

/// @title The traders' side: accounts, positions, and the steps that every operation on them is made of
/// @notice Every operation has one shape: validate, poke the market, accrue rent, settle the touched position, price, change the book, move
///         the ledger once, check the final state.
/// @dev All storage of both pieces of code is declared here and in `PoolBook`, so that they agree on it.
abstract contract OptionsBase is PoolBook {
    using DirectCalls for ICollateralVault;
    using DirectCalls for IOptionMarket;
    using PackedSet for PackedSet.Set;

    struct Account {
        // slots 0, 1: its flag tells of debt
        PackedSet.Set keys;
        uint128 debtMain;
        uint128 debtInsurance;
        mapping(uint24 key => Position) positions;
    }

    /// @dev Working values of one operation. Balances and debts are changed here and written once, in `_flush`. Ledger entries are below 2^184, notional
    ///      and debts below 2^128: where such are added, and where a term of a sum is taken off again, nothing is checked. What a balance, a pool's cash or a
    ///      debt gives is.
    struct Context {
        address owner;
        address token;
        PositionId id;
        uint24 key;
        IOptionMarket market;
        IOptionMarket.Quote quote;
        // ledger before, and as the operation changes it: owner, main pool, insurance pool
        address[3] owners;
        uint256[3] before;
        uint256 balance;
        uint256 cashMain;
        uint256 cashInsurance;
        uint256 toTreasury;
        // the book's first slot, likewise
        uint256 callNotional;
        uint256 putNotional;
        uint256 treasuryDue;
        address payee;
        uint256 payeeAmount;
        uint256 rentIndex;
        // the touched position, as settled
        uint256 notional;
        uint256 oldFundingTerm;
        uint256 oldRentTerm;
        // the account's pledge and debt
        bool pledged;
        bool hadDebt;
        uint256 debtMain;
        uint256 debtInsurance;
        uint256 oldDebtMain;
        uint256 oldDebtInsurance;
    }

    mapping(address owner => mapping(address token => Account)) internal accounts;
    mapping(address owner => mapping(address operator => bool)) internal operators;
    mapping(address executor => bool) internal executors;
    mapping(address owner => mapping(address token => address)) internal pledgees;

    constructor(
        address authority_,
        ICollateralVault vault_,
        address treasury_,
        address mainDeployer_,
        address insuranceDeployer_
    ) AccessManaged(authority_) PoolBook(vault_, treasury_, mainDeployer_, insuranceDeployer_) {}

    // ── steps ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function _context(address owner, address token, PositionId memory id) internal pure returns (Context memory c) {
        c.owner = owner;
        c.token = token;
        c.id = id;
        c.key = PositionKeys.pack(id);
    }

    function _held(Context memory c) internal view returns (uint256 held) {
        c.market = _market(c.id.marketId);
        held = accounts[c.owner][c.token].positions[c.key].notional;
        if (held == 0) revert PerpetualOptions_NoPosition(c.owner, c.token, c.id);
    }

    function _beginClose(
        address owner,
        address token,
        PositionId calldata id,
        IOptionMarket.QuoteKind kind
    ) internal returns (Context memory c, Book storage book) {
        c = _context(owner, token, id);
        book = _book(token);
        _held(c);
        _begin(c, book, kind);
    }

    /// @dev Poke and quote, accrue rent, settle the touched position.
    function _begin(Context memory c, Book storage book, IOptionMarket.QuoteKind kind) internal {
        if (address(c.market) == address(0)) c.market = _market(c.id.marketId);
        c.market.pokeAndQuote(kind, c.id.strike, c.id.isCall, c.quote);
        _loadLedger(c, book);
        (uint256 main, uint256 insurance) = _settlePosition(c, book);
        _collect(c, main, insurance);
    }

    function _loadBalances(Context memory c, Book storage book) internal view {
        c.owners[0] = c.owner;
        (c.owners[1], c.owners[2]) = _pools(c.token);
        _vault.balancesOf(c.token, c.owners, c.before);
        (c.callNotional, c.putNotional, c.treasuryDue) = (book.callNotional, book.putNotional, book.treasuryDue);
        (c.balance, c.cashMain, c.cashInsurance) = (c.before[0], c.before[1] - c.treasuryDue, c.before[2]);
        Account storage account = accounts[c.owner][c.token];
        c.pledged = account.keys.marked();
        if (account.keys.flagged()) {
            c.hadDebt = true;
            (c.debtMain, c.debtInsurance) = (account.debtMain, account.debtInsurance);
            (c.oldDebtMain, c.oldDebtInsurance) = (c.debtMain, c.debtInsurance);
        }
    }

    function _loadLedger(Context memory c, Book storage book) internal {
        _loadBalances(c, book);
        c.rentIndex = _accrueRent(book, c.callNotional + c.putNotional, c.cashMain, c.cashInsurance);
    }

    function _ensureFrozen(Context memory c, Book storage book) internal {
        MarketBook storage mb = book.markets[c.id.marketId];
        if (!mb.frozen) _freeze(mb, c.token, c.id.marketId, c.rentIndex);
    }

    /// @dev What the touched position owes since its last settlement; remembers its terms in the pool's sums for `_resize`.
    function _settlePosition(Context memory c, Book storage book) internal returns (uint256 main, uint256 insurance) {
        Position memory p = accounts[c.owner][c.token].positions[c.key];
        c.notional = p.notional;
        if (p.notional == 0) return (0, 0);
        unchecked {
            c.oldFundingTerm = uint256(p.notional) * p.fundingIndex;
            c.oldRentTerm = uint256(p.notional) * p.rentIndex;
        }
        uint256 funding = PoolMath.fundingOwed(p.notional, c.quote.fundingIndex - p.fundingIndex);
        uint256 rent = PoolMath.rentOwed(p.notional, _rentIndexOf(book.markets[c.id.marketId], c.rentIndex) - p.rentIndex);
        insurance = PoolMath.insurancePart(funding, rent);
        unchecked {
            main = funding + rent - insurance;
        }
        emit Settle(c.owner, c.token, c.id.marketId, c.id, funding, rent);
    }

    /// @dev Takes from the balance: old debt first, then what fell due; the rest joins the debt.
    function _collect(Context memory c, uint256 dueMain, uint256 dueInsurance) internal {
        if (c.hadDebt) {
            (uint256 main, uint256 insurance) = _payDebt(c, _take(c, Fixed.min(c.balance, c.debtMain + c.debtInsurance)));
            if (main + insurance != 0) emit Repay(c.owner, c.token, main, insurance);
        }
        uint256 due;
        unchecked {
            due = dueMain + dueInsurance;
        }
        uint256 paid = _take(c, Fixed.min(c.balance, due));
        if (paid != due) {
            (uint256 main, uint256 insurance) = PoolMath.split(paid, dueMain, dueInsurance);
            (uint256 unpaidMain, uint256 unpaidInsurance) = (dueMain - main, dueInsurance - insurance);
            (c.debtMain, c.debtInsurance) = (c.debtMain + unpaidMain, c.debtInsurance + unpaidInsurance);
            (dueMain, dueInsurance) = (main, insurance);
            emit Owe(c.owner, c.token, unpaidMain, unpaidInsurance);
        }
        _addCash(c, dueMain, dueInsurance);
    }

    function _take(Context memory c, uint256 amount) internal pure returns (uint256) {
        c.balance -= amount;
        return amount;
    }

    function _payDebt(Context memory c, uint256 amount) internal pure returns (uint256 main, uint256 insurance) {
        (main, insurance) = PoolMath.split(amount, c.debtMain, c.debtInsurance);
        (c.debtMain, c.debtInsurance) = (c.debtMain - main, c.debtInsurance - insurance);
        _addCash(c, main, insurance);
    }

    function _payFee(Context memory c, uint256 fee) internal pure {
        (uint256 main, uint256 insurance, uint256 toTreasury) = PoolMath.splitFee(fee);
        _addCash(c, main, insurance);
        c.toTreasury = toTreasury;
    }

    function _addCash(Context memory c, uint256 main, uint256 insurance) internal pure {
        unchecked {
            (c.cashMain, c.cashInsurance) = (c.cashMain + main, c.cashInsurance + insurance);
        }
    }

    /// @dev What the trade leaves pays the fee that its executor was promised.
    function _payExecutor(Context memory c) internal pure {
        if (c.payeeAmount > c.balance) revert PerpetualOptions_InsufficientBalance(c.balance, c.payeeAmount);
        unchecked {
            c.balance -= c.payeeAmount;
        }
    }

    /// @dev Sells `notional` of the settled position at the quoted value and writes everything. Debt comes first, an exercise's reward before it.
    function _reduce(
        Context memory c,
        Book storage book,
        uint256 notional,
        CloseReason reason,
        uint256 minProceeds
    ) internal returns (Closed memory closed) {
        closed.notional = notional;
        uint256 proceeds = _payout(c, closed, reason);
        if (proceeds < minProceeds) revert PerpetualOptions_ProceedsBelowLimit(proceeds, minProceeds);
        _resize(c, book, c.notional - notional);
        if (reason == CloseReason.Voluntary) _payExecutor(c);
        if (reason == CloseReason.Liquidation) closed.fee = _payLiquidator(c, notional);
        _flush(c, book);
        emit Close(c.owner, c.token, c.id.marketId, c.id, reason, closed);
    }

    /// @dev Takes the payout from the pools, layer by layer, and hands it on: reward of an exercise, debt, fee of a voluntary close, owner.
    function _payout(Context memory c, Closed memory closed, CloseReason reason) internal returns (uint256 proceeds) {
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
    function _payLiquidator(Context memory c, uint256 notional) internal returns (uint256) {
        uint256 target = notional / 1000;
        uint256 fromAccount = _take(c, Fixed.min(target, c.balance));
        uint256 free = Fixed.zeroFloorSub(c.cashInsurance, PoolMath.reserved(c.callNotional + c.putNotional, false));
        uint256 fromInsurance = Fixed.min(target - fromAccount, free);
        c.cashInsurance -= fromInsurance;
        (c.payee, c.payeeAmount) = (msg.sender, fromAccount + fromInsurance);
        emit Reward(msg.sender, c.owner, c.token, fromAccount, fromInsurance);
        return fromAccount + fromInsurance;
    }

    /// @dev Writes the settled position at its new notional, and the sums it is part of.
    function _resize(Context memory c, Book storage book, uint256 notional) internal {
        Account storage account = accounts[c.owner][c.token];
        MarketBook storage mb = book.markets[c.id.marketId];
        uint256 positionRentIndex = _rentIndexOf(mb, c.rentIndex);
        mb.fundingEntry = mb.fundingEntry + notional * c.quote.fundingIndex - c.oldFundingTerm;
        mb.rentEntry = uint160(mb.rentEntry + notional * positionRentIndex - c.oldRentTerm);
        if (notional == 0) {
            delete account.positions[c.key];
            account.keys.remove(c.key);
        } else {
            if (c.notional == 0) {
                if (account.keys.count() == PackedSet.LIMIT) revert PerpetualOptions_TooManyPositions(PackedSet.LIMIT);
                account.keys.add(c.key);
            }
            // The book bounds the notional when it changes, the rent index is within 64 bits.
            account.positions[c.key] = Position(uint88(notional), Cast.toUint104(c.quote.fundingIndex), uint64(positionRentIndex));
        }
        if (notional != c.notional) {
            if (c.id.isCall) c.callNotional = _boundNotional(c.callNotional + notional - c.notional);
            else c.putNotional = _boundNotional(c.putNotional + notional - c.notional);
            _changeNotional(book, mb, c.id, c.notional, notional);
        }
        c.notional = notional;
    }

    /// @dev A position, a strike and a market hold at most what their side of the book does.
    function _boundNotional(uint256 notional) private pure returns (uint256) {
        if (notional > type(uint88).max) revert PerpetualOptions_NotionalTooLarge(notional, type(uint88).max);
        return notional;
    }

    /// @dev Writes debts and the book's totals and moves the ledger, once.
    function _flush(Context memory c, Book storage book) internal {
        if (c.debtMain + c.debtInsurance != 0 || c.hadDebt) _writeDebt(c, book);
        uint256 treasuryDue = c.treasuryDue + c.toTreasury;
        bool fits = treasuryDue <= type(uint80).max;
        (book.callNotional, book.putNotional) = (uint88(c.callNotional), uint88(c.putNotional));
        book.treasuryDue = uint80(fits ? treasuryDue : c.treasuryDue);
        _vault.settle(c.token, c.payee, c.payeeAmount, c.owners, c.before, [c.balance, c.cashMain + treasuryDue, c.cashInsurance]);
        if (!fits) _vault.release(c.token, c.owners[1], _treasury, c.toTreasury);
    }

    /// @dev What an account without positions still owes is written off: its balance and its proceeds are spent.
    function _writeDebt(Context memory c, Book storage book) internal {
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

    /// @dev What leaves the balance leaves the requirement, initial or maintenance. Without positions the vault's own check is all.
    /// @return pledged Whether the account is pledged.
    function _checkWithdrawal(address owner, address token, uint256 amount, bool initial) internal view returns (bool pledged) {
        Account storage account = accounts[owner][token];
        if (account.keys.count() == 0) return account.keys.marked();
        Book storage book = _book(token);
        Context memory c = _context(owner, token, PositionId(0, 0, false));
        _loadBalances(c, book);
        c.rentIndex = _rentIndexNow(book, c.callNotional + c.putNotional, c.cashMain, c.cashInsurance);
        if (amount > c.balance) revert PerpetualOptions_InsufficientBalance(c.balance, amount);
        c.balance -= amount;
        Health memory h = _health(c, book);
        uint256 required = initial ? h.initialMargin : h.maintenanceMargin;
        if (h.equity < int256(required)) revert PerpetualOptions_InsufficientMargin(h.equity, required);
        return c.pledged;
    }

    /// @dev What the owner of a pledged account does ends with its pledgee's consent.
    function _checkPledge(address owner, address token) internal view {
        address pledgee = pledgees[owner][token];
        if (msg.sender != pledgee) IPledgee(pledgee).checkPledge(owner, token);
    }

    // ── health ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @dev Visits the account's own positions. The touched one (`c.market` set) is settled: it owes nothing and its rates are in the quote.
    function _health(Context memory c, Book storage book) internal view returns (Health memory h) {
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
    ) internal view returns (uint256 notional, uint256 owed, uint256 initialMargin, uint256 maintenanceMargin) {
        PositionId memory id = PositionKeys.unpack(key);
        uint256 fundingIndex;
        (fundingIndex, initialMargin, maintenanceMargin) = markets[id.marketId].market.fundingAndMargin(id.strike);
        notional = p.notional;
        owed =
            PoolMath.fundingOwed(notional, fundingIndex - p.fundingIndex) +
            PoolMath.rentOwed(notional, _rentIndexOf(book.markets[id.marketId], indexNow) - p.rentIndex);
    }
}
