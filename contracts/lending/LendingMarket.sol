// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { IERC4626 } from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { ERC20, ERC4626, IERC20 } from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { SafeCastLib as Cast } from "@solady/src/utils/SafeCastLib.sol";

import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";
import { IPriceOracle, PriceAnswer, PriceStatus } from "../oracle/IPriceOracle.sol";
import { IInterestRateModel } from "./IInterestRateModel.sol";
import { ILendingMarket, ILiquidationCallback, Payout } from "./ILendingMarket.sol";
import { IPledgeValuer } from "./IPledgeValuer.sol";
import { LendingMath as Lend } from "./LendingMath.sol";
import { LendingBounds } from "./LendingBounds.sol";
import { SessionPolicy, SessionTerms, Terms } from "./SessionTerms.sol";

/// @title One loan token, lent against one stock token
/// @dev Each operation: check, accrue, compute, write, emit, interact. Interest is accrued into memory and written once, with the operation.
contract LendingMarket is ILendingMarket, ERC4626, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint8 private constant DECIMALS_OFFSET = 6;
    uint256 private constant WAD = 1e18;
    /// @dev Leaves interest 16 bits, a growth of 65,536-fold, before the fields of 128 bits are full.
    uint256 private constant MAX_SUPPLY = type(uint112).max;
    /// @dev Leaves the field of 96 bits room for what repayments round up.
    uint256 private constant MAX_RESERVE = type(uint96).max / 2;
    uint256 private constant MAX_PAUSE = 7 days;
    /// @dev Around a change of the multiplier: the feed and the token may change an instant apart.
    uint256 private constant ACTION_WINDOW = 1 hours;

    ICollateralVault private immutable vault;
    IPriceOracle private immutable oracle;
    ISessionCalendar private immutable calendar;
    IInterestRateModel private immutable rateModel;
    IPledgeValuer private immutable pledges;
    address private immutable collateralToken;
    IERC20 private immutable loanToken;
    bytes32 private immutable collateralAsset;
    bytes32 private immutable loanAsset;
    uint256 private immutable minDebt;
    uint256 private immutable reserveShare;
    uint256 private immutable reserveCap;
    uint256 private immutable pledgeHaircut;
    uint64 private immutable openBorrowLtv;
    uint64 private immutable openLiquidationLtv;
    uint64 private immutable closedBorrowLtv;
    uint64 private immutable closedLiquidationLtv;
    uint64 private immutable minBonus;
    uint64 private immutable maxBonus;
    uint24 private immutable tightening;
    uint24 private immutable grace;
    uint24 private immutable auction;
    /// @dev Of the calendar's closed seconds.
    uint256 private immutable closedWeight;
    /// @dev The collateral schedules changes of its multiplier (ERC-8056).
    bool private immutable hasMultiplier;
    /// @dev 10^(36 + loan decimals − collateral decimals).
    uint256 private immutable priceUnit;

    // slot 0: 128 + 128 = 256
    uint128 private _supplyAssets;
    uint128 private _debtAssets;
    // slot 1: 40 + 64 + 96 + 40 = 240
    uint40 private _accruedAt;
    uint64 private _rateAtTarget;
    uint96 private _reserve;
    uint40 private _borrowingPausedUntil;
    // slot 2: 128
    uint128 private _debtShares;

    /// @dev One slot: 128 + 8 = 136.
    struct Position {
        uint128 debtShares;
        bool pledged;
    }

    mapping(address owner => Position) private _positions;
    /// @inheritdoc ILendingMarket
    mapping(address owner => mapping(address operator => bool)) public isOperator;

    /// @dev Slots 0 and 1 in memory.
    struct Book {
        uint256 supplyAssets;
        uint256 debtAssets;
        uint256 reserve;
        uint256 rateAtTarget;
        uint256 borrowingPausedUntil;
    }

    /// @dev What one accrual charges.
    struct Charge {
        uint256 rate;
        uint256 interest;
        uint256 toReserve;
    }

    constructor(
        Config memory c,
        address authority_
    )
        ERC20(
            string.concat("Everstock ", _symbol(c.loanToken), " against ", _symbol(c.collateralToken)),
            string.concat("es", _symbol(c.loanToken), "-", _symbol(c.collateralToken))
        )
        ERC4626(IERC20(c.loanToken))
        AccessManaged(authority_)
    {
        (closedWeight, hasMultiplier, priceUnit) = LendingBounds.check(c);
        vault = c.vault;
        oracle = c.oracle;
        calendar = c.calendar;
        rateModel = c.rateModel;
        pledges = c.pledges;
        collateralToken = c.collateralToken;
        loanToken = IERC20(c.loanToken);
        collateralAsset = c.collateralAsset;
        loanAsset = c.loanAsset;
        minDebt = c.minDebt;
        reserveShare = c.reserveShare;
        reserveCap = c.reserveCap;
        pledgeHaircut = c.pledgeHaircut;
        openBorrowLtv = c.policy.openBorrowLtv;
        openLiquidationLtv = c.policy.openLiquidationLtv;
        closedBorrowLtv = c.policy.closedBorrowLtv;
        closedLiquidationLtv = c.policy.closedLiquidationLtv;
        minBonus = c.policy.minBonus;
        maxBonus = c.policy.maxBonus;
        tightening = c.policy.tightening;
        grace = c.policy.grace;
        auction = c.policy.auction;
        _accruedAt = uint40(block.timestamp);
        _rateAtTarget = Cast.toUint64(c.rateModel.initialRateAtTarget());
    }

    // ── lenders ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc ERC4626
    function deposit(uint256 assets, address receiver) public override(ERC4626, IERC4626) nonReentrant returns (uint256 shares) {
        Book memory book = _accrue();
        shares = Lend.toSharesDown(assets, book.supplyAssets, totalSupply());
        _enter(book, assets, shares, receiver);
    }

    /// @inheritdoc ERC4626
    function mint(uint256 shares, address receiver) public override(ERC4626, IERC4626) nonReentrant returns (uint256 assets) {
        Book memory book = _accrue();
        assets = Lend.toAssetsUp(shares, book.supplyAssets, totalSupply());
        _enter(book, assets, shares, receiver);
    }

    /// @inheritdoc ERC4626
    function withdraw(
        uint256 assets,
        address receiver,
        address owner
    ) public override(ERC4626, IERC4626) nonReentrant returns (uint256 shares) {
        Book memory book = _accrue();
        shares = Lend.toSharesUp(assets, book.supplyAssets, totalSupply());
        _exit(book, assets, shares, receiver, owner);
    }

    /// @inheritdoc ERC4626
    function redeem(
        uint256 shares,
        address receiver,
        address owner
    ) public override(ERC4626, IERC4626) nonReentrant returns (uint256 assets) {
        Book memory book = _accrue();
        assets = Lend.toAssetsDown(shares, book.supplyAssets, totalSupply());
        _exit(book, assets, shares, receiver, owner);
    }

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
        emit Repay(owner, msg.sender, repaid, shares);
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
        (, s.price) = _openPrices();
        _checkNoAction();
        Terms memory terms = termsAt(block.timestamp);
        if (block.timestamp < terms.liquidatableFrom) revert LendingMarket_GracePeriod(terms.liquidatableFrom);
        s.collateral = _collateralOf(order.borrower);
        if (_positions[order.borrower].pledged) s.pledged = _pledgedOf(order.borrower);

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
    function termsAt(uint256 at) public view returns (Terms memory) {
        return SessionTerms.termsAt(_policy(), calendar, closedWeight, at);
    }

    /// @inheritdoc ILendingMarket
    function health(address owner) external view returns (Health memory h) {
        h.collateral = _collateralOf(owner);
        if (_positions[owner].pledged) h.pledged = _pledgedOf(owner);
        h.debt = debtOf(owner);
        PriceAnswer memory answer = oracle.read(collateralAsset);
        PriceAnswer memory loan;
        if (loanAsset == 0) loan.price = WAD;
        else loan = oracle.read(loanAsset);
        h.status = answer.status == PriceStatus.Open ? loan.status : answer.status;
        (uint256 low, uint256 mid) = _ratios(answer, loan);
        Terms memory terms = termsAt(block.timestamp);
        uint256 counted = h.collateral + h.pledged;
        h.borrowLimit = Lend.part(Lend.value(counted, low), terms.borrowLtv);
        h.liquidationLimit = Lend.part(Lend.value(counted, mid), terms.liquidationLtv);
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

    /// @inheritdoc ERC4626
    function totalAssets() public view override(ERC4626, IERC4626) returns (uint256) {
        (Book memory book, ) = _accrued();
        return book.supplyAssets;
    }

    /// @inheritdoc ERC4626
    function maxDeposit(address) public view override(ERC4626, IERC4626) returns (uint256) {
        return Fixed.zeroFloorSub(MAX_SUPPLY, totalAssets());
    }

    /// @inheritdoc ERC4626
    function maxMint(address receiver) public view override(ERC4626, IERC4626) returns (uint256) {
        return convertToShares(maxDeposit(receiver));
    }

    /// @inheritdoc ERC4626
    function maxWithdraw(address owner) public view override(ERC4626, IERC4626) returns (uint256) {
        (Book memory book, ) = _accrued();
        return Fixed.min(Lend.toAssetsDown(balanceOf(owner), book.supplyAssets, totalSupply()), _cash(book));
    }

    /// @inheritdoc ERC4626
    function maxRedeem(address owner) public view override(ERC4626, IERC4626) returns (uint256 shares) {
        (Book memory book, ) = _accrued();
        shares = Fixed.min(balanceOf(owner), Lend.toSharesDown(_cash(book), book.supplyAssets, totalSupply()));
        // Shares worth less than a unit cannot be redeemed.
        if (Lend.toAssetsDown(shares, book.supplyAssets, totalSupply()) == 0) return 0;
    }

    // ── lenders, within ────────────────────────────────────────────────────────────────────────────────────────────────────
    function _enter(Book memory book, uint256 assets, uint256 shares, address receiver) private {
        if (assets == 0 || shares == 0) revert LendingMarket_ZeroAmount();
        uint256 room = Fixed.zeroFloorSub(MAX_SUPPLY, book.supplyAssets);
        if (assets > room) revert ERC4626ExceededMaxDeposit(receiver, assets, room);
        book.supplyAssets += assets;
        _store(book);
        _mint(receiver, shares);
        emit Deposit(msg.sender, receiver, assets, shares);
        _pull(assets);
    }

    function _exit(Book memory book, uint256 assets, uint256 shares, address receiver, address owner) private {
        if (assets == 0) revert LendingMarket_ZeroAmount();
        uint256 cash = _cash(book);
        if (assets > cash) revert LendingMarket_InsufficientCash(cash, assets);
        if (msg.sender != owner) _spendAllowance(owner, msg.sender, shares);
        _burn(owner, shares);
        book.supplyAssets -= assets;
        _store(book);
        emit Withdraw(msg.sender, receiver, owner, assets, shares);
        loanToken.safeTransfer(receiver, assets);
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
        _checkNoAction();
        if (pledged) collateral += _pledgedOf(owner);
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
    /// @dev How much is repaid and seized.
    function _judge(
        Liquidation calldata order,
        Seizure memory s,
        Terms memory terms
    ) private view returns (uint256 repaid, uint256 seized) {
        uint256 value = Lend.value(s.collateral + s.pledged, s.price);
        uint256 limit = Lend.part(value, terms.liquidationLtv);
        if (s.debt <= limit) revert LendingMarket_Healthy(s.debt, limit);

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

    /// @dev What becomes of a debt that is left: with nothing behind it, it is booked; else both must be worth coming back for.
    function _settleRest(Book memory book, address borrower, Seizure memory s, uint256 seized, uint256 shares) private {
        if (s.left == 0) return;
        uint256 rest = s.collateral - seized + s.pledged;
        if (rest != 0) {
            uint256 value = Lend.value(rest, s.price);
            if (s.left < minDebt || value < minDebt) revert LendingMarket_LeavesDust(s.left, value, minDebt);
            return;
        }
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
        if (order.payout == Payout.Wallet) vault.withdrawFrom(collateralToken, order.borrower, seized, order.to);
        else vault.release(collateralToken, order.borrower, order.to, seized);
    }

    // ── book, within ───────────────────────────────────────────────────────────────────────────────────────────────────────
    function _accrue() private returns (Book memory book) {
        Charge memory charge;
        (book, charge) = _accrued();
        if (charge.rate != 0) emit Accrue(charge.rate, charge.interest, charge.toReserve);
    }

    /// @dev The book with interest charged to now.
    function _accrued() private view returns (Book memory book, Charge memory charge) {
        book = Book(_supplyAssets, _debtAssets, _reserve, _rateAtTarget, _borrowingPausedUntil);
        uint256 elapsed = block.timestamp - _accruedAt;
        if (elapsed == 0) return (book, charge);

        uint256 used = Lend.utilisation(book.debtAssets, book.supplyAssets + book.reserve);
        (charge.rate, book.rateAtTarget) = rateModel.rates(used, book.rateAtTarget, elapsed);
        uint256 room = type(uint128).max - Fixed.max(book.supplyAssets, book.debtAssets);
        charge.interest = Fixed.min(Lend.interest(book.debtAssets, charge.rate, elapsed), room);
        book.debtAssets += charge.interest;
        room = Fixed.zeroFloorSub(Fixed.min(Lend.part(book.debtAssets, reserveCap), MAX_RESERVE), book.reserve);
        charge.toReserve = Fixed.min(Lend.part(charge.interest, reserveShare), room);
        book.reserve += charge.toReserve;
        book.supplyAssets += charge.interest - charge.toReserve;
    }

    function _store(Book memory book) private {
        _supplyAssets = uint128(book.supplyAssets); // ≤ MAX_SUPPLY when deposited, and interest stops at 2^128
        _debtAssets = Cast.toUint128(book.debtAssets);
        _accruedAt = uint40(block.timestamp);
        _rateAtTarget = Cast.toUint64(book.rateAtTarget);
        _reserve = Cast.toUint96(book.reserve);
        _borrowingPausedUntil = uint40(book.borrowingPausedUntil); // as read
    }

    function _cash(Book memory book) private pure returns (uint256) {
        return book.supplyAssets + book.reserve - book.debtAssets;
    }

    /// @dev A fee on transfer would be the lenders' loss: refused.
    function _pull(uint256 amount) private {
        uint256 held = loanToken.balanceOf(address(this));
        loanToken.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = loanToken.balanceOf(address(this)) - held;
        if (received != amount) revert LendingMarket_TransferMismatch(amount, received);
    }

    // ── prices and terms, within ───────────────────────────────────────────────────────────────────────────────────────────
    /// @dev Loan units per collateral unit, 1e36: at the unfavourable ends of both bands, and at the prices themselves.
    function _openPrices() private returns (uint256 low, uint256 mid) {
        PriceAnswer memory answer = oracle.refresh(collateralAsset);
        if (answer.status != PriceStatus.Open) revert LendingMarket_NotOpen(collateralAsset, answer.status);
        PriceAnswer memory loan;
        if (loanAsset == 0) {
            loan.price = WAD;
        } else {
            loan = oracle.refresh(loanAsset);
            if (loan.status != PriceStatus.Open) revert LendingMarket_NotOpen(loanAsset, loan.status);
        }
        return _ratios(answer, loan);
    }

    function _ratios(PriceAnswer memory answer, PriceAnswer memory loan) private view returns (uint256 low, uint256 mid) {
        mid = Fixed.fullMulDiv(answer.price, priceUnit, loan.price);
        low = Fixed.fullMulDiv(Lend.part(answer.price, WAD - answer.band), priceUnit, Fixed.fullMulDivUp(loan.price, WAD + loan.band, WAD));
    }

    /// @dev The multiplier is part of the price: around its change, token and feed may disagree.
    function _checkNoAction() private view {
        if (!hasMultiplier) return;
        uint256 effectiveAt = LendingBounds.effectiveAt(collateralToken);
        if (block.timestamp + ACTION_WINDOW > effectiveAt && block.timestamp < effectiveAt + ACTION_WINDOW) {
            revert LendingMarket_CorporateAction(effectiveAt);
        }
    }

    function _collateralOf(address owner) private view returns (uint256) {
        return vault.balanceOf(collateralToken, address(this), owner);
    }

    function _pledgedOf(address owner) private view returns (uint256) {
        return Lend.part(pledges.valueOf(owner, collateralToken), WAD - pledgeHaircut);
    }

    function _policy() private view returns (SessionPolicy memory) {
        return
            SessionPolicy(
                openBorrowLtv,
                openLiquidationLtv,
                closedBorrowLtv,
                closedLiquidationLtv,
                minBonus,
                maxBonus,
                tightening,
                grace,
                auction
            );
    }

    function _checkOperator(address owner) private view {
        if (msg.sender != owner && !isOperator[owner][msg.sender]) revert LendingMarket_NotOperator(owner, msg.sender);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return DECIMALS_OFFSET;
    }

    function _symbol(address token) private view returns (string memory) {
        return IERC20Metadata(token).symbol();
    }
}
