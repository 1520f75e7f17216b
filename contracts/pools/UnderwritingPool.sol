// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ERC20, IERC20, ERC4626 } from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { IERC4626 } from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import { IERC165 } from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";

import { IRecordDates } from "../records/IRecordDates.sol";
import { RecordDates } from "../records/RecordDates.sol";
import { RecordedBalance, RecordedBalances } from "../records/RecordedBalance.sol";
import { RecordedERC20 } from "../records/RecordedERC20.sol";
import { ICollateralVault, ISealedOwner } from "../vault/ICollateralVault.sol";
import { IOptionsTypes, Layer } from "../options/IOptionsTypes.sol";
import { IPerpetualOptions } from "../options/IPerpetualOptions.sol";
import { IUnderwritingPool } from "./IUnderwritingPool.sol";

/// @title Shares of a pool that underwrites options
/// @notice Its cash is its sealed entry in the vault, which only the book moves; what executed redemptions may claim is its free balance.
abstract contract UnderwritingPool is IUnderwritingPool, ISealedOwner, RecordedERC20, ERC4626, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using RecordedBalances for RecordedBalance;

    /// @dev Virtual shares: 10^6 per unit of asset, against the first depositor.
    uint256 private constant VIRTUAL_SHARES = 1e6;
    uint8 private constant DECIMALS_OFFSET = 6;

    /// @dev ERC-7540 operator methods, ERC-7575 vault, ERC-7540 asynchronous redemption.
    bytes4 private constant OPERATOR_INTERFACE = 0xe3bc4e65;
    bytes4 private constant VAULT_INTERFACE = 0x2f0a18c5;
    bytes4 private constant ASYNC_REDEEM_INTERFACE = 0x620ee8e4;

    /// @dev A request of fewer shares, a thousand smallest units at par, that has come to be worth nothing is burned for nothing: it would stay
    ///      pending for good and stand in the way of its controller's next.
    uint256 private constant DUST_SHARES = 1e9;

    /// @dev The assets are known at record days: they are their controller's.
    struct Claim {
        uint256 shares;
        RecordedBalance assets;
    }

    /// @inheritdoc IUnderwritingPool
    IPerpetualOptions public immutable book;
    /// @inheritdoc IUnderwritingPool
    Layer public immutable layer;
    /// @inheritdoc IUnderwritingPool
    uint256 public immutable cooldown;
    ICollateralVault private immutable vault;

    /// @dev Shares in escrow; the flags are when the cooldown ends, 40 bits of Unix seconds.
    mapping(address controller => RecordedBalance) private redemptions;
    mapping(address controller => Claim) private claims;
    /// @inheritdoc IUnderwritingPool
    mapping(address controller => mapping(address operator => bool)) public isOperator;

    constructor(IPerpetualOptions book_, Layer layer_, uint256 cooldown_) {
        book = book_;
        vault = book_.vault();
        layer = layer_;
        cooldown = cooldown_;
    }

    // ── deposits ───────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc ERC4626
    function deposit(uint256 assets, address receiver) public override(ERC4626, IERC4626) returns (uint256 shares) {
        return deposit(assets, receiver, 0);
    }

    /// @inheritdoc IUnderwritingPool
    function deposit(uint256 assets, address receiver, uint256 minShares) public nonReentrant returns (uint256 shares) {
        IOptionsTypes.PoolValue memory value = _depositValue();
        shares = _sharesFor(assets, value.nav, minShares);
        _enter(assets, shares, receiver, value.cash);
    }

    /// @inheritdoc ISealedOwner
    function receiveFunding(
        address payer,
        address receiver,
        uint256 assets,
        uint256 minShares
    ) external nonReentrant returns (uint256 shares) {
        if (msg.sender != address(vault)) revert UnderwritingPool_NotVault(msg.sender);
        IOptionsTypes.PoolValue memory value = _depositValue();
        shares = _sharesFor(assets, value.nav, minShares);
        _checkEntry(assets, shares, receiver, value.cash);
        _mint(receiver, shares);
        emit Deposit(payer, receiver, assets, shares);
    }

    function _sharesFor(uint256 assets, uint256 nav_, uint256 minShares) private view returns (uint256 shares) {
        shares = _toShares(assets, nav_);
        if (shares < minShares) revert UnderwritingPool_SharesBelowLimit(shares, minShares);
    }

    /// @inheritdoc ERC4626
    function mint(uint256 shares, address receiver) public override(ERC4626, IERC4626) nonReentrant returns (uint256 assets) {
        IOptionsTypes.PoolValue memory value = _depositValue();
        assets = Fixed.fullMulDivUp(shares, value.nav + 1, totalSupply() + VIRTUAL_SHARES);
        _enter(assets, shares, receiver, value.cash);
    }

    function _depositValue() private returns (IOptionsTypes.PoolValue memory value) {
        IOptionsTypes.Obstacles memory obstacles;
        (value, obstacles) = book.valuePool(asset(), layer, true);
        _checkSeen(value, obstacles);
        if (value.nav * 10 < value.cash) revert UnderwritingPool_Impaired(value.nav, value.cash);
    }

    function _checkSeen(IOptionsTypes.PoolValue memory value, IOptionsTypes.Obstacles memory obstacles) private pure {
        if (obstacles.blindLocked == 0) return;
        revert UnderwritingPool_MarketNotOpen(obstacles.blindMarket, obstacles.blindLocked, value.cash / 10);
    }

    function _checkEntry(uint256 assets, uint256 shares, address receiver, uint256 cash) private pure {
        if (assets == 0 || shares == 0) revert UnderwritingPool_ZeroAmount();
        uint256 cap = Fixed.zeroFloorSub(type(uint112).max, cash);
        if (assets > cap) revert ERC4626ExceededMaxDeposit(receiver, assets, cap);
    }

    function _enter(uint256 assets, uint256 shares, address receiver, uint256 cash) private {
        _checkEntry(assets, shares, receiver, cash);
        // Cash and shares appear together, after the token's own code has run: in between nobody reads a share price.
        vault.depositSealed(asset(), address(book), msg.sender, assets);
        _mint(receiver, shares);
        emit Deposit(msg.sender, receiver, assets, shares);
    }

    /// @inheritdoc ISealedOwner
    function receiveDeposit(address payer, uint256 amount) external {
        if (msg.sender != address(vault)) revert UnderwritingPool_NotVault(msg.sender);
        IERC20(asset()).safeTransferFrom(payer, address(vault), amount);
    }

    // ── redemptions ────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IUnderwritingPool
    function requestRedeem(uint256 shares, address controller, address owner) external nonReentrant returns (uint256) {
        if (shares == 0) revert UnderwritingPool_ZeroAmount();
        RecordedBalance storage request = redemptions[controller];
        uint256 pending = RecordedBalances.balanceOf(request.word);
        if (pending != 0) revert UnderwritingPool_AlreadyRequested(controller, pending);
        if (msg.sender != owner && !isOperator[owner][msg.sender]) _spendAllowance(owner, msg.sender, shares);
        // A stranger's request in somebody's name would hold up that somebody's own.
        if (controller != owner && controller != msg.sender && !isOperator[controller][msg.sender]) {
            revert UnderwritingPool_NotOperator(controller, msg.sender);
        }
        _transfer(owner, address(this), shares);
        request.setFlags(uint40(block.timestamp + cooldown)); // Unix seconds: until the year 36,812
        _increase(request, shares);
        emit RedeemRequest(controller, owner, 0, msg.sender, shares);
        return 0;
    }

    /// @inheritdoc IUnderwritingPool
    function executeRedemption(address controller) external nonReentrant returns (uint256 shares, uint256 assets) {
        RecordedBalance storage request = redemptions[controller];
        uint256 pending = RecordedBalances.balanceOf(request.word);
        uint40 executableAt = RecordedBalances.flagsOf(request.word);
        if (pending == 0) revert UnderwritingPool_NothingRequested(controller);
        if (block.timestamp < executableAt) revert UnderwritingPool_CoolingDown(executableAt);
        (IOptionsTypes.PoolValue memory value, IOptionsTypes.Obstacles memory obstacles) = book.valuePool(asset(), layer, false);
        _checkSeen(value, obstacles);
        if (obstacles.oldestPriceAt < executableAt) {
            revert UnderwritingPool_PriceTooOld(obstacles.oldestMarket, obstacles.oldestPriceAt, executableAt);
        }
        (shares, assets) = _redeemable(pending, value);
        if (assets == 0) {
            if (pending >= DUST_SHARES || _toAssets(pending, value.nav) != 0) {
                revert UnderwritingPool_NothingFree(value.cash, value.reserved);
            }
            shares = pending;
        }

        _burn(address(this), shares);
        _decrease(request, shares);
        emit ExecuteRedemption(controller, shares, assets, pending - shares);
        if (assets == 0) return (shares, 0);
        Claim storage claim = claims[controller];
        claim.shares += shares;
        _increase(claim.assets, assets);
        book.payRedemption(asset(), layer, assets);
    }

    /// @dev As many of `pending` shares as the cash above reserves at 80% utilisation pays for.
    function _redeemable(uint256 pending, IOptionsTypes.PoolValue memory value) private view returns (uint256 shares, uint256 assets) {
        uint256 free = Fixed.zeroFloorSub(value.cash, (value.reserved * 10 + 7) / 8);
        (shares, assets) = (pending, _toAssets(pending, value.nav));
        if (assets <= free) return (shares, assets);
        shares = _toShares(free, value.nav);
        assets = _toAssets(shares, value.nav);
    }

    /// @inheritdoc ERC4626
    function redeem(
        uint256 shares,
        address receiver,
        address controller
    ) public override(ERC4626, IERC4626) nonReentrant returns (uint256 assets) {
        Claim storage claim = _claimOf(controller);
        if (shares > claim.shares) revert UnderwritingPool_ExceedsClaimable(shares, claim.shares);
        uint256 claimable = _assetsOf(claim);
        assets = shares == claim.shares ? claimable : Fixed.fullMulDiv(shares, claimable, claim.shares);
        _leave(claim, shares, assets, receiver, controller);
    }

    /// @inheritdoc ERC4626
    function withdraw(
        uint256 assets,
        address receiver,
        address controller
    ) public override(ERC4626, IERC4626) nonReentrant returns (uint256 shares) {
        Claim storage claim = _claimOf(controller);
        uint256 claimable = _assetsOf(claim);
        if (assets > claimable) revert UnderwritingPool_ExceedsClaimable(assets, claimable);
        shares = claimable == 0 ? 0 : Fixed.fullMulDivUp(assets, claim.shares, claimable);
        _leave(claim, shares, assets, receiver, controller);
    }

    function _claimOf(address controller) private view returns (Claim storage) {
        if (msg.sender != controller && !isOperator[controller][msg.sender]) revert UnderwritingPool_NotOperator(controller, msg.sender);
        return claims[controller];
    }

    function _leave(Claim storage claim, uint256 shares, uint256 assets, address receiver, address controller) private {
        if (assets == 0) revert UnderwritingPool_ZeroAmount();
        claim.shares -= shares;
        _decrease(claim.assets, assets);
        emit Withdraw(msg.sender, receiver, controller, assets, shares);
        vault.withdraw(asset(), assets, receiver);
    }

    /// @inheritdoc IUnderwritingPool
    function setOperator(address operator, bool approved) external returns (bool) {
        isOperator[msg.sender][operator] = approved;
        emit OperatorSet(msg.sender, operator, approved);
        return true;
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IUnderwritingPool
    function nav(bool forDeposit) public view returns (IOptionsTypes.PoolValue memory value) {
        (value, ) = book.storedPoolValue(asset(), layer, forDeposit);
    }

    /// @notice Book value with what is owed at the asks, at the last accepted prices: no halt, stale feed or closed session moves it, nor what
    ///         `convertToAssets` and `convertToShares` quote from it. Whether and at what a redemption executes meanwhile, `nav(false)` tells.
    function totalAssets() public view override(ERC4626, IERC4626) returns (uint256) {
        return book.markedPoolValue(asset(), layer).nav;
    }

    /// @notice At the stored prices; a deposit takes fresh ones.
    function previewDeposit(uint256 assets) public view override(ERC4626, IERC4626) returns (uint256) {
        return _toShares(assets, nav(true).nav);
    }

    /// @notice At the stored prices; a mint takes fresh ones.
    function previewMint(uint256 shares) public view override(ERC4626, IERC4626) returns (uint256) {
        return Fixed.fullMulDivUp(shares, nav(true).nav + 1, totalSupply() + VIRTUAL_SHARES);
    }

    /// @notice Asynchronous redemption has no preview.
    function previewRedeem(uint256) public pure override(ERC4626, IERC4626) returns (uint256) {
        revert UnderwritingPool_Asynchronous();
    }

    /// @notice Asynchronous redemption has no preview.
    function previewWithdraw(uint256) public pure override(ERC4626, IERC4626) returns (uint256) {
        revert UnderwritingPool_Asynchronous();
    }

    /// @notice 0 while deposits would be refused at the stored prices.
    function maxDeposit(address) public view override(ERC4626, IERC4626) returns (uint256) {
        (IOptionsTypes.PoolValue memory value, IOptionsTypes.Obstacles memory obstacles) = book.storedPoolValue(asset(), layer, true);
        return obstacles.blindLocked != 0 || value.nav * 10 < value.cash ? 0 : Fixed.zeroFloorSub(type(uint112).max, value.cash);
    }

    /// @notice 0 while deposits would be refused at the stored prices.
    function maxMint(address receiver) public view override(ERC4626, IERC4626) returns (uint256) {
        return previewDeposit(maxDeposit(receiver));
    }

    /// @notice Claimable assets.
    function maxWithdraw(address controller) public view override(ERC4626, IERC4626) returns (uint256) {
        return _assetsOf(claims[controller]);
    }

    /// @notice Claimable shares.
    function maxRedeem(address controller) public view override(ERC4626, IERC4626) returns (uint256) {
        return claims[controller].shares;
    }

    /// @inheritdoc IUnderwritingPool
    function pendingRedeemRequest(uint256, address controller) external view returns (uint256) {
        return RecordedBalances.balanceOf(redemptions[controller].word);
    }

    /// @inheritdoc IUnderwritingPool
    function claimableRedeemRequest(uint256, address controller) external view returns (uint256) {
        return claims[controller].shares;
    }

    /// @inheritdoc IUnderwritingPool
    function redemptionOf(address controller) external view returns (Redemption memory) {
        uint256 word = redemptions[controller].word;
        return Redemption(uint216(RecordedBalances.balanceOf(word)), RecordedBalances.flagsOf(word)); // 184 bits
    }

    /// @inheritdoc IUnderwritingPool
    function positionOfAt(address account, uint256 recordDay) external view returns (uint256 shares, uint256 claimableAssets) {
        _checkReached(recordDay);
        shares = account == address(this) ? 0 : _balanceOf[account].at(recordDay) + redemptions[account].at(recordDay);
        claimableAssets = claims[account].assets.at(recordDay);
    }

    /// @inheritdoc IRecordDates
    function latestRecordDay() public view override(IRecordDates, RecordedERC20) returns (uint256) {
        return RecordDates.latestOf(asset());
    }

    /// @inheritdoc IRecordDates
    function isRecordDay(uint256 recordDay) public view override(IRecordDates, RecordedERC20) returns (bool) {
        return IRecordDates(asset()).isRecordDay(recordDay);
    }

    /// @notice The asset's and six more.
    function decimals() public view override(ERC20, ERC4626, IERC20Metadata) returns (uint8) {
        return super.decimals();
    }

    /// @inheritdoc IERC20
    function totalSupply() public view override(ERC20, IERC20, RecordedERC20) returns (uint256) {
        return super.totalSupply();
    }

    /// @inheritdoc IERC20
    function balanceOf(address account) public view override(ERC20, IERC20, RecordedERC20) returns (uint256) {
        return super.balanceOf(account);
    }

    /// @inheritdoc IUnderwritingPool
    function share() external view returns (address) {
        return address(this);
    }

    /// @notice ERC-165: ERC-7575 vaults, ERC-7540 operators and asynchronous redemption.
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IERC165).interfaceId || id == OPERATOR_INTERFACE || id == VAULT_INTERFACE || id == ASYNC_REDEEM_INTERFACE;
    }

    function _update(address from, address to, uint256 shares) internal override(ERC20, RecordedERC20) {
        super._update(from, to, shares);
    }

    function _assetsOf(Claim storage claim) private view returns (uint256) {
        return RecordedBalances.balanceOf(claim.assets.word);
    }

    function _toShares(uint256 assets, uint256 nav_) private view returns (uint256) {
        return Fixed.fullMulDiv(assets, totalSupply() + VIRTUAL_SHARES, nav_ + 1);
    }

    function _toAssets(uint256 shares, uint256 nav_) private view returns (uint256) {
        return Fixed.fullMulDiv(shares, nav_ + 1, totalSupply() + VIRTUAL_SHARES);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return DECIMALS_OFFSET;
    }
}
