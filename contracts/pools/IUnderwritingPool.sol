// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC4626 } from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import { IRecordedBalances } from "../records/IRecordDates.sol";
import { IOptionsTypes, Layer } from "../options/IOptionsTypes.sol";
import { IPerpetualOptions } from "../options/IPerpetualOptions.sol";

/// @title A pool of one margin token that underwrites options
/// @notice ERC-4626 shares with synchronous deposits, from the wallet or (`vault.fund`) from
///         the vault, and ERC-7540 asynchronous redemption. Deposits pay the higher NAV, redemptions the lower.
///         A request can be neither cancelled nor replaced, and its shares stay at risk until anyone executes it after the cooldown.
/// @dev `requestId` is always 0: one pending request per controller. `previewRedeem` and `previewWithdraw` revert, as ERC-7540 asks.
interface IUnderwritingPool is IERC4626, IRecordedBalances {
    /// @param shares In escrow.
    /// @param executableAt When the cooldown ends, Unix seconds.
    struct Redemption {
        uint216 shares;
        uint40 executableAt;
    }

    event RedeemRequest(address indexed controller, address indexed owner, uint256 indexed requestId, address sender, uint256 shares);
    event OperatorSet(address indexed controller, address indexed operator, bool approved);
    /// @notice `shares` of a request were burned for `assets`, claimable from now on. `pending` shares remain.
    event ExecuteRedemption(address indexed controller, uint256 shares, uint256 assets, uint256 pending);

    error UnderwritingPool_NotVault(address caller);
    error UnderwritingPool_NotOperator(address controller, address caller);
    error UnderwritingPool_ZeroAmount();
    error UnderwritingPool_SharesBelowLimit(uint256 shares, uint256 minShares);
    error UnderwritingPool_AlreadyRequested(address controller, uint256 pendingShares);
    error UnderwritingPool_NothingRequested(address controller);
    error UnderwritingPool_CoolingDown(uint40 executableAt);
    error UnderwritingPool_NothingFree(uint256 cash, uint256 reserved);
    error UnderwritingPool_ExceedsClaimable(uint256 amount, uint256 claimable);
    error UnderwritingPool_Asynchronous();
    /// @notice A market that cannot be valued now reserves more of the pool than 10% of its cash.
    error UnderwritingPool_MarketNotOpen(uint16 marketId, uint256 locked, uint256 limit);
    error UnderwritingPool_PriceTooOld(uint16 marketId, uint40 updatedAt, uint40 earliest);
    /// @notice Deposits wait while the pool's value is under 10% of its cash.
    error UnderwritingPool_Impaired(uint256 nav, uint256 cash);

    /// @notice `deposit` that reverts when it would mint fewer than `minShares`.
    function deposit(uint256 assets, address receiver, uint256 minShares) external returns (uint256 shares);

    /// @notice Escrow `shares` of `owner` for redemption in favour of `controller`. Cannot be taken back.
    function requestRedeem(uint256 shares, address controller, address owner) external returns (uint256 requestId);

    /// @notice Anyone: burn as many of a request's shares as free cash pays for, at prices stamped after the cooldown.
    function executeRedemption(address controller) external returns (uint256 shares, uint256 assets);

    /// @notice Book value at the stored prices, accrued to now: as a deposit would find it (bids, debt counted) or a redemption (asks, none). A market
    ///         that is not Open counts as it would there; `totalAssets` takes its last accepted price instead.
    function nav(bool forDeposit) external view returns (IOptionsTypes.PoolValue memory);

    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares);

    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares);

    function redemptionOf(address controller) external view returns (Redemption memory);

    /// @notice What `account` had here at a record day of the asset: shares, those of its requests in escrow included, and claimable assets.
    function positionOfAt(address account, uint256 recordDay) external view returns (uint256 shares, uint256 claimableAssets);

    function isOperator(address controller, address operator) external view returns (bool);

    function setOperator(address operator, bool approved) external returns (bool);

    /// @notice ERC-7575: the pool is its own share.
    function share() external view returns (address);

    function book() external view returns (IPerpetualOptions);

    function layer() external view returns (Layer);

    /// @notice Seconds between a request and its execution.
    function cooldown() external view returns (uint256);
}
