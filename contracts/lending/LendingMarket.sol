// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { SafeCastLib as Cast } from "@solady/src/utils/SafeCastLib.sol";

import { IOptionsTypes } from "../options/IOptionsTypes.sol";
import { IPerpetualOptions, IPledgee } from "../options/IPerpetualOptions.sol";
import { PriceAnswer, PriceStatus } from "../oracle/IPriceOracle.sol";
import { ILendingMarket, ILiquidationCallback, Payout } from "./ILendingMarket.sol";
import { LendingBase } from "./LendingBase.sol";
import { LendingMath as Lend } from "./LendingMath.sol";
import { Terms } from "./SessionTerms.sol";

/// @title One loan token, lent against one stock token
/// @dev The borrowers' side, on the book of `LendingBase`.
contract LendingMarket is LendingBase {
    using SafeERC20 for IERC20;

    uint256 private constant MAX_PAUSE = 7 days;

    constructor(Config memory c, address authority_) LendingBase(c, authority_) {}

    // ── borrowers ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc ILendingMarket
    function borrow(uint256 assets, address owner, address to) external nonReentrant returns (uint256 shares) {
        _checkOperator(owner);
        if (assets == 0) revert LendingMarket_ZeroAmount();
        if (to == address(0)) revert LendingMarket_ZeroAddress();
        Book memory book = _accrue();
        if (block.timestamp < book.borrowingPausedUntil) revert LendingMarket_BorrowingPaused(uint40(book.borrowingPausedUntil));
        uint256 cash = _cash(book);
        if (assets > cash) revert LendingMarket_InsufficientCash(cash, assets);

        Position memory position = _positions[owner];
        uint256 allShares = _debtShares;
        shares = Lend.toSharesUp(assets, book.debtAssets, allShares);
        book.debtAssets += assets;
        allShares += shares;
        position.debtShares = Cast.toUint128(position.debtShares + shares);
        _positions[owner].debtShares = position.debtShares;
        _debtShares = Cast.toUint128(allShares);
        _store(book);
        emit Borrow(owner, msg.sender, to, assets, shares);

        uint256 debt = Lend.toAssetsUp(position.debtShares, book.debtAssets, allShares);
        if (debt < minDebt) revert LendingMarket_BelowMinimumDebt(debt, minDebt);
        _checkBorrowLimit(owner, debt, _collateralOf(owner), position.pledged);
        loanToken.safeTransfer(to, assets);
    }

    /// @inheritdoc ILendingMarket
    function repay(uint256 assets, address owner) external nonReentrant returns (uint256 repaid) {
        if (assets == 0) revert LendingMarket_ZeroAmount();
        Book memory book = _accrue();
        uint256 held = _positions[owner].debtShares;
        if (held == 0) revert LendingMarket_NoDebt(owner);
        uint256 allShares = _debtShares;
        uint256 debt = Lend.toAssetsUp(held, book.debtAssets, allShares);
        uint256 shares;
        (repaid, shares) = assets >= debt ? (debt, held) : (assets, Lend.toSharesDown(assets, book.debtAssets, allShares));
        uint256 left = _reduceDebt(book, owner, held, allShares, repaid, shares);
        if (left != 0 && left < minDebt) revert LendingMarket_BelowMinimumDebt(left, minDebt);
        _store(book);
        emit RepayLoan(owner, msg.sender, repaid, shares);
        _pull(repaid);
    }

    /// @inheritdoc ILendingMarket
    function withdrawCollateral(uint256 amount, address owner, address to) external nonReentrant {
        _leave(amount, owner, to);
        vault.withdrawFrom(collateralToken, owner, amount, to);
    }

    /// @inheritdoc ILendingMarket
    function releaseCollateral(uint256 amount, address owner, address to) external nonReentrant {
        _leave(amount, owner, to);
        vault.release(collateralToken, owner, to, amount);
    }

    /// @inheritdoc ILendingMarket
    function countPledge() external {
        if (address(pledges) == address(0)) revert LendingMarket_NotPledged(msg.sender);
        if (pledges.options().pledgeeOf(msg.sender, collateralToken) != address(this)) revert LendingMarket_NotPledged(msg.sender);
        _positions[msg.sender].pledged = true;
        emit CountPledge(msg.sender, true);
    }

    /// @inheritdoc ILendingMarket
    function releasePledge(address token) external nonReentrant {
        if (address(pledges) == address(0)) revert LendingMarket_NotPledged(msg.sender);
        Position memory position = _positions[msg.sender];
        if (token == collateralToken && position.pledged) {
            _positions[msg.sender].pledged = false;
            if (position.debtShares != 0) {
                Book memory book = _accrue();
                _store(book);
                uint256 debt = Lend.toAssetsUp(position.debtShares, book.debtAssets, _debtShares);
                _checkBorrowLimit(msg.sender, debt, _collateralOf(msg.sender), false);
            }
            emit CountPledge(msg.sender, false);
        }
        pledges.options().releasePledge(msg.sender, token);
    }

    /// @inheritdoc ILendingMarket
    function setOperator(address operator, bool approved) external {
        isOperator[msg.sender][operator] = approved;
        emit SetOperator(msg.sender, operator, approved);
    }

    // ── liquidators ────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @dev What a liquidation finds and decides.
    struct Seizure {
        uint256 price;
        uint256 held;
        uint256 allShares;
        uint256 debt;
        uint256 collateral;
        uint256 pledged;
        uint256 positions;
        uint256 left;
    }

    /// @inheritdoc ILendingMarket
    function liquidate(Liquidation calldata order, bytes calldata data) external nonReentrant returns (uint256 repaid, uint256 seized) {
        if (order.to == address(0)) revert LendingMarket_ZeroAddress();
        Book memory book = _accrue();
        Seizure memory s;
        s.held = _positions[order.borrower].debtShares;
        if (s.held == 0) revert LendingMarket_NoDebt(order.borrower);
        s.allShares = _debtShares;
        s.debt = Lend.toAssetsUp(s.held, book.debtAssets, s.allShares);
        Terms memory terms;
        (s.price, terms) = _liquidationTerms();
        s.collateral = _collateralOf(order.borrower);
        if (_positions[order.borrower].pledged) (s.pledged, s.positions) = _pledgedOf(order.borrower);

        (repaid, seized) = _judge(order, s, terms);
        uint256 shares = repaid == s.debt ? s.held : Lend.toSharesDown(repaid, book.debtAssets, s.allShares);
        s.left = _reduceDebt(book, order.borrower, s.held, s.allShares, repaid, shares);
        _settleRest(book, order.borrower, s, seized, s.held - shares);
        _store(book);
        emit Liquidate(order.borrower, msg.sender, order.to, order.payout, repaid, seized, terms.bonus);

        if (seized != 0) _payOut(order, seized);
        if (data.length != 0) ILiquidationCallback(msg.sender).onLiquidate(repaid, seized, data);
        if (repaid != 0) _pull(repaid);
    }

    /// @inheritdoc ILendingMarket
    function realisePledge(address owner, IOptionsTypes.PositionId[] calldata ids, uint256 amount) external nonReentrant {
        Position memory position = _positions[owner];
        if (!position.pledged) revert LendingMarket_NotPledged(owner);
        if (position.debtShares == 0) revert LendingMarket_NoDebt(owner);
        Book memory book = _accrue();
        _store(book);
        (uint256 price, Terms memory terms) = _liquidationTerms();
        uint256 collateral = _collateralOf(owner);
        if (collateral != 0) revert LendingMarket_CollateralLeft(collateral);
        (uint256 counted, ) = _pledgedOf(owner);
        _checkUnhealthy(Lend.toAssetsUp(position.debtShares, book.debtAssets, _debtShares), Lend.value(counted, price), terms);
        emit RealisePledge(owner, msg.sender, ids.length, amount);

        IPerpetualOptions options = pledges.options();
        for (uint256 i; i < ids.length; ++i) {
            IOptionsTypes.Order memory order = IOptionsTypes.Order({
                owner: owner,
                token: collateralToken,
                marketId: ids[i].marketId,
                strike: ids[i].strike,
                isCall: ids[i].isCall,
                notional: type(uint112).max,
                limit: 0,
                deadline: block.timestamp
            });
            options.close(order);
        }
        if (amount == 0) return;
        options.withdrawPledged(owner, collateralToken, amount, address(this));
        IERC20(collateralToken).forceApprove(address(vault), amount);
        vault.deposit(collateralToken, address(this), owner, amount);
    }

    // ── anyone and governance ──────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc ILendingMarket
    function accrue() external nonReentrant {
        _store(_accrue());
    }

    /// @inheritdoc ILendingMarket
    function pauseBorrowing(uint40 until) external restricted {
        uint256 latest = block.timestamp + MAX_PAUSE;
        if (until > latest) revert LendingMarket_OutOfBounds("until", until, 0, latest);
        _borrowingPausedUntil = until;
        emit PauseBorrowing(until);
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc ILendingMarket
    function config() external view returns (Config memory) {
        return
            Config({
                vault: vault,
                oracle: oracle,
                calendar: calendar,
                rateModel: rateModel,
                pledges: pledges,
                desk: desk,
                collateralToken: collateralToken,
                loanToken: address(loanToken),
                collateralAsset: collateralAsset,
                loanAsset: loanAsset,
                minDebt: minDebt,
                reserveShare: reserveShare,
                reserveCap: reserveCap,
                pledgeHaircut: pledgeHaircut,
                policy: _policy()
            });
    }

    /// @inheritdoc ILendingMarket
    function state() external view returns (State memory) {
        (Book memory book, ) = _accrued();
        (uint256 rate, ) = rateModel.rates(Lend.utilisation(book.debtAssets, book.supplyAssets + book.reserve), book.rateAtTarget, 0);
        return
            State({
                supplyAssets: book.supplyAssets,
                debtAssets: book.debtAssets,
                debtShares: _debtShares,
                reserve: book.reserve,
                cash: _cash(book),
                rateAtTarget: book.rateAtTarget,
                borrowRate: rate,
                accruedAt: _accruedAt,
                borrowingPausedUntil: _borrowingPausedUntil
            });
    }

    /// @inheritdoc ILendingMarket
    function health(address owner) external view returns (Health memory h) {
        h.collateral = _collateralOf(owner);
        if (_positions[owner].pledged) (h.pledged, ) = _pledgedOf(owner);
        h.debt = debtOf(owner);
        PriceAnswer memory answer = oracle.read(collateralAsset);
        PriceAnswer memory loan = loanAsset == 0 ? _one() : oracle.read(loanAsset);
        h.status = answer.status == PriceStatus.Open ? loan.status : answer.status;
        (uint256 low, uint256 mid) = _ratios(answer, loan);
        Terms memory terms = termsAt(block.timestamp);
        uint256 counted = h.collateral + h.pledged;
        h.borrowLimit = Lend.part(Lend.value(counted, low), terms.borrowLtv);
        h.liquidationLimit = Lend.part(Lend.value(counted, mid), terms.liquidationLtv);
    }

    /// @inheritdoc ILendingMarket
    function isPledged(address owner) external view returns (bool) {
        return _positions[owner].pledged;
    }

    /// @inheritdoc IPledgee
    /// @dev At Open prices, and within the borrow limit: an account without a debt passes.
    function checkPledge(address owner, address token) external view {
        Position memory position = _positions[owner];
        if (token != collateralToken || !position.pledged || position.debtShares == 0) return;
        PriceAnswer memory answer = _checkOpen(collateralAsset, oracle.read(collateralAsset));
        (uint256 low, ) = _ratios(answer, loanAsset == 0 ? _one() : _checkOpen(loanAsset, oracle.read(loanAsset)));
        _checkWithin(owner, debtOf(owner), _collateralOf(owner), true, low);
    }

    /// @inheritdoc ILendingMarket
    function debtOf(address owner) public view returns (uint256) {
        (Book memory book, ) = _accrued();
        uint256 shares = _positions[owner].debtShares;
        return shares == 0 ? 0 : Lend.toAssetsUp(shares, book.debtAssets, _debtShares);
    }

    /// @inheritdoc ILendingMarket
    function debtSharesOf(address owner) external view returns (uint256) {
        return _positions[owner].debtShares;
    }

    // ── borrowers, within ──────────────────────────────────────────────────────────────────────────────────────────────────
    /// @dev Everything of a withdrawal of collateral but the movement.
    function _leave(uint256 amount, address owner, address to) private {
        _checkOperator(owner);
        Position memory position = _positions[owner];
        if (position.debtShares != 0) {
            Book memory book = _accrue();
            _store(book);
            uint256 collateral = Fixed.zeroFloorSub(_collateralOf(owner), amount);
            uint256 debt = Lend.toAssetsUp(position.debtShares, book.debtAssets, _debtShares);
            _checkBorrowLimit(owner, debt, collateral, position.pledged);
        }
        emit WithdrawCollateral(owner, msg.sender, to, amount);
    }

    function _checkBorrowLimit(address owner, uint256 debt, uint256 collateral, bool pledged) private {
        (uint256 low, ) = _openPrices();
        _checkWithin(owner, debt, collateral, pledged, low);
    }

    function _checkWithin(address owner, uint256 debt, uint256 collateral, bool pledged, uint256 low) private view {
        _checkNoAction();
        if (pledged) {
            (uint256 counted, ) = _pledgedOf(owner);
            collateral += counted;
        }
        uint256 limit = Lend.part(Lend.value(collateral, low), termsAt(block.timestamp).borrowLtv);
        if (debt > limit) revert LendingMarket_InsufficientCollateral(debt, limit);
    }

    /// @dev Takes `repaid` off all that is owed, and answers what `owner` still owes, up. Rounding up, an account can owe a unit more than
    ///      all do together: that unit is the reserve's.
    function _reduceDebt(
        Book memory book,
        address owner,
        uint256 held,
        uint256 allShares,
        uint256 repaid,
        uint256 shares
    ) private returns (uint256 left) {
        unchecked {
            if (repaid > book.debtAssets) {
                book.reserve += repaid - book.debtAssets;
                book.debtAssets = 0;
            } else {
                book.debtAssets -= repaid;
            }
            // shares ≤ held ≤ allShares: what buys fewer than all of its debt buys fewer than all of its shares
            held -= shares;
            allShares -= shares;
        }
        _positions[owner].debtShares = uint128(held); // lessened
        _debtShares = uint128(allShares); // lessened
        return held == 0 ? 0 : Lend.toAssetsUp(held, book.debtAssets, allShares);
    }

    // ── liquidation, within ────────────────────────────────────────────────────────────────────────────────────────────────
    /// @dev The price and the terms at which somebody may be liquidated now, if anybody may.
    function _liquidationTerms() private returns (uint256 price, Terms memory terms) {
        (, price) = _openPrices();
        _checkNoAction();
        terms = termsAt(block.timestamp);
        if (block.timestamp < terms.liquidatableFrom) revert LendingMarket_GracePeriod(terms.liquidatableFrom);
    }

    function _checkUnhealthy(uint256 debt, uint256 value, Terms memory terms) private pure {
        uint256 limit = Lend.part(value, terms.liquidationLtv);
        if (debt <= limit) revert LendingMarket_Healthy(debt, limit);
    }

    /// @dev How much is repaid and seized.
    function _judge(
        Liquidation calldata order,
        Seizure memory s,
        Terms memory terms
    ) private view returns (uint256 repaid, uint256 seized) {
        uint256 value = Lend.value(s.collateral + s.pledged, s.price);
        _checkUnhealthy(s.debt, value, terms);
        if (s.collateral == 0 && s.pledged | s.positions != 0) revert LendingMarket_PledgeLeft(s.pledged, s.positions);

        repaid = Lend.restoring(s.debt, value, terms.borrowLtv, terms.bonus);
        if (s.debt - repaid < minDebt) repaid = s.debt;
        repaid = Fixed.min(repaid, order.maxRepay);
        seized = Lend.seizable(repaid, s.price, terms.bonus);
        if (seized >= s.collateral) {
            seized = s.collateral;
            repaid = Fixed.min(repaid, Lend.costOf(seized, s.price, terms.bonus));
        } else if (repaid == 0) {
            revert LendingMarket_ZeroAmount();
        }
        if (seized < order.minSeized) revert LendingMarket_SeizedBelowLimit(seized, order.minSeized);
    }

    /// @dev What becomes of a debt that is left: with nothing behind it, it is booked; before collateral, both must be worth coming back for; before
    ///      a pledge alone, it waits until that is realised.
    function _settleRest(Book memory book, address borrower, Seizure memory s, uint256 seized, uint256 shares) private {
        if (s.left == 0) return;
        if (seized != s.collateral) {
            uint256 value = Lend.value(s.collateral - seized + s.pledged, s.price);
            if (s.left < minDebt || value < minDebt) revert LendingMarket_LeavesDust(s.left, value, minDebt);
            return;
        }
        if (s.pledged | s.positions != 0) return;
        uint256 bad = Fixed.min(s.left, book.debtAssets);
        uint256 fromReserve = Fixed.min(bad, book.reserve);
        unchecked {
            // debt ≤ supply + reserve: what the reserve does not hold the lenders do
            book.debtAssets -= bad;
            book.reserve -= fromReserve;
            book.supplyAssets -= bad - fromReserve;
            _debtShares = uint128(_debtShares - shares); // lessened
        }
        _positions[borrower].debtShares = 0;
        emit BookBadDebt(borrower, bad, fromReserve, bad - fromReserve);
    }

    function _payOut(Liquidation calldata order, uint256 seized) private {
        if (order.payout == Payout.Wallet) return vault.withdrawFrom(collateralToken, order.borrower, seized, order.to);
        if (order.payout == Payout.Vault) return vault.release(collateralToken, order.borrower, order.to, seized);
        if (address(desk) == address(0)) revert LendingMarket_NoDesk();
        vault.withdrawFrom(collateralToken, order.borrower, seized, address(this));
        IERC20(collateralToken).forceApprove(address(desk), seized);
        desk.requestRedeem(seized, 0, order.to, address(this));
    }
}
