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
import { IIssuanceDesk } from "../stock/IIssuanceDesk.sol";
import { IPriceOracle, PriceAnswer, PriceStatus } from "../oracle/IPriceOracle.sol";
import { IInterestRateModel } from "./IInterestRateModel.sol";
import { ILendingMarket } from "./ILendingMarket.sol";
import { IPledgeValuer } from "./IPledgeValuer.sol";
import { LendingMath as Lend } from "./LendingMath.sol";
import { LendingBounds } from "./LendingBounds.sol";
import { SessionPolicy, SessionTerms, Terms } from "./SessionTerms.sol";

/// @title What lenders and borrowers of a market have in common: its book, its prices, and the lenders' side
/// @dev Each operation: check, accrue, compute, write, emit, interact. Interest is accrued into memory and written once, with the operation.
abstract contract LendingBase is ILendingMarket, ERC4626, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint8 private constant DECIMALS_OFFSET = 6;
    uint256 internal constant WAD = 1e18;
    /// @dev Leaves interest 16 bits, a growth of 65,536-fold, before the fields of 128 bits are full.
    uint256 private constant MAX_SUPPLY = type(uint112).max;
    /// @dev Leaves the field of 96 bits room for what repayments round up.
    uint256 private constant MAX_RESERVE = type(uint96).max / 2;
    /// @dev Around a change of the multiplier: the feed and the token may change an instant apart.
    uint256 private constant ACTION_WINDOW = 1 hours;

    ICollateralVault internal immutable vault;
    IPriceOracle internal immutable oracle;
    ISessionCalendar internal immutable calendar;
    IInterestRateModel internal immutable rateModel;
    IPledgeValuer internal immutable pledges;
    IIssuanceDesk internal immutable desk;
    address internal immutable collateralToken;
    IERC20 internal immutable loanToken;
    bytes32 internal immutable collateralAsset;
    bytes32 internal immutable loanAsset;
    uint256 internal immutable minDebt;
    uint256 internal immutable reserveShare;
    uint256 internal immutable reserveCap;
    uint256 internal immutable pledgeHaircut;
    uint64 internal immutable openBorrowLtv;
    uint64 internal immutable openLiquidationLtv;
    uint64 internal immutable closedBorrowLtv;
    uint64 internal immutable closedLiquidationLtv;
    uint64 internal immutable minBonus;
    uint64 internal immutable maxBonus;
    uint24 internal immutable tightening;
    uint24 internal immutable grace;
    uint24 internal immutable auction;
    /// @dev Of the calendar's closed seconds.
    uint256 internal immutable closedWeight;
    /// @dev The collateral schedules changes of its multiplier (ERC-8056).
    bool internal immutable hasMultiplier;
    /// @dev 10^(36 + loan decimals − collateral decimals).
    uint256 internal immutable priceUnit;

    // slot 0: 128 + 128 = 256
    uint128 internal _supplyAssets;
    uint128 internal _debtAssets;
    // slot 1: 40 + 64 + 96 + 40 = 240
    uint40 internal _accruedAt;
    uint64 internal _rateAtTarget;
    uint96 internal _reserve;
    uint40 internal _borrowingPausedUntil;
    // slot 2: 128
    uint128 internal _debtShares;

    /// @dev One slot: 128 + 8 = 136.
    struct Position {
        uint128 debtShares;
        bool pledged;
    }

    mapping(address owner => Position) internal _positions;
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
        desk = c.desk;
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
    function _enter(Book memory book, uint256 assets, uint256 shares, address receiver) internal {
        if (assets == 0 || shares == 0) revert LendingMarket_ZeroAmount();
        uint256 room = Fixed.zeroFloorSub(MAX_SUPPLY, book.supplyAssets);
        if (assets > room) revert ERC4626ExceededMaxDeposit(receiver, assets, room);
        book.supplyAssets += assets;
        _store(book);
        _mint(receiver, shares);
        emit Deposit(msg.sender, receiver, assets, shares);
        _pull(assets);
    }

    function _exit(Book memory book, uint256 assets, uint256 shares, address receiver, address owner) internal {
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

    // ── book, within ───────────────────────────────────────────────────────────────────────────────────────────────────────
    function _accrue() internal returns (Book memory book) {
        Charge memory charge;
        (book, charge) = _accrued();
        if (charge.rate != 0) emit Accrue(charge.rate, charge.interest, charge.toReserve);
    }

    /// @dev The book with interest charged to now.
    function _accrued() internal view returns (Book memory book, Charge memory charge) {
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

    function _store(Book memory book) internal {
        _supplyAssets = uint128(book.supplyAssets); // ≤ MAX_SUPPLY when deposited, and interest stops at 2^128
        _debtAssets = Cast.toUint128(book.debtAssets);
        _accruedAt = uint40(block.timestamp);
        _rateAtTarget = Cast.toUint64(book.rateAtTarget);
        _reserve = Cast.toUint96(book.reserve);
        _borrowingPausedUntil = uint40(book.borrowingPausedUntil); // as read
    }

    function _cash(Book memory book) internal pure returns (uint256) {
        return book.supplyAssets + book.reserve - book.debtAssets;
    }

    /// @dev A fee on transfer would be the lenders' loss: refused.
    function _pull(uint256 amount) internal {
        uint256 held = loanToken.balanceOf(address(this));
        loanToken.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = loanToken.balanceOf(address(this)) - held;
        if (received != amount) revert LendingMarket_TransferMismatch(amount, received);
    }

    // ── prices and terms, within ───────────────────────────────────────────────────────────────────────────────────────────
    /// @dev Loan units per collateral unit, 1e36: at the unfavourable ends of both bands, and at the prices themselves.
    function _openPrices() internal returns (uint256 low, uint256 mid) {
        PriceAnswer memory answer = _checkOpen(collateralAsset, oracle.poke(collateralAsset));
        return _ratios(answer, loanAsset == 0 ? _one() : _checkOpen(loanAsset, oracle.poke(loanAsset)));
    }

    function _checkOpen(bytes32 asset, PriceAnswer memory answer) internal pure returns (PriceAnswer memory) {
        if (answer.status != PriceStatus.Open) revert LendingMarket_NotOpen(asset, answer.status);
        return answer;
    }

    /// @dev A dollar.
    function _one() internal pure returns (PriceAnswer memory answer) {
        answer.price = WAD;
    }

    function _ratios(PriceAnswer memory answer, PriceAnswer memory loan) internal view returns (uint256 low, uint256 mid) {
        mid = Fixed.fullMulDiv(answer.price, priceUnit, loan.price);
        low = Fixed.fullMulDiv(Lend.part(answer.price, WAD - answer.band), priceUnit, Fixed.fullMulDivUp(loan.price, WAD + loan.band, WAD));
    }

    /// @inheritdoc ILendingMarket
    function termsAt(uint256 at) public view returns (Terms memory) {
        return SessionTerms.termsAt(_policy(), calendar, closedWeight, at);
    }

    /// @dev The multiplier is part of the price: around its change, token and feed may disagree.
    function _checkNoAction() internal view {
        if (!hasMultiplier) return;
        uint256 effectiveAt = LendingBounds.effectiveAt(collateralToken);
        if (block.timestamp + ACTION_WINDOW > effectiveAt && block.timestamp < effectiveAt + ACTION_WINDOW) {
            revert LendingMarket_CorporateAction(effectiveAt);
        }
    }

    function _collateralOf(address owner) internal view returns (uint256) {
        return vault.balanceOf(collateralToken, address(this), owner);
    }

    /// @dev What a pledge counts for, and how many positions it holds.
    function _pledgedOf(address owner) internal view returns (uint256 counted, uint256 positions) {
        (counted, positions) = pledges.valueOf(owner, collateralToken);
        counted = Lend.part(counted, WAD - pledgeHaircut);
    }

    function _policy() internal view returns (SessionPolicy memory) {
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

    function _checkOperator(address owner) internal view {
        if (msg.sender != owner && !isOperator[owner][msg.sender]) revert LendingMarket_NotOperator(owner, msg.sender);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return DECIMALS_OFFSET;
    }

    function _symbol(address token) internal view returns (string memory) {
        return IERC20Metadata(token).symbol();
    }
}
