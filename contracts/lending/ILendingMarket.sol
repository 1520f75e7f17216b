// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC4626 } from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";
import { IPriceOracle, PriceStatus } from "../oracle/IPriceOracle.sol";
import { IOptionsTypes } from "../options/IOptionsTypes.sol";
import { IPledgee } from "../options/IPerpetualOptions.sol";
import { IIssuanceDesk } from "../stock/IIssuanceDesk.sol";
import { IInterestRateModel } from "./IInterestRateModel.sol";
import { IPledgeValuer } from "./IPledgeValuer.sol";
import { SessionPolicy, Terms } from "./SessionTerms.sol";

/// @notice Where a liquidator takes the collateral: to a wallet, to a free balance in the vault, or into the issuer's redemption queue, for those
///         who may not hold the stock themselves.
enum Payout {
    Wallet,
    Vault,
    Redemption
}

/// @notice Called between handing out the collateral and taking the repayment, so that one can pay for the other.
interface ILiquidationCallback {
    /// @param repaid Loan units that the market takes from the caller next.
    /// @param seized Collateral units that it has just paid out.
    function onLiquidate(uint256 repaid, uint256 seized, bytes calldata data) external;
}

/// @title One loan token, lent against one stock token
/// @notice Lenders hold ERC-4626 shares. Collateral never leaves the vault: it is the borrower's entry with this market as its module, so that
///         dividends and votes stay the borrower's, and adding to it is `CollateralVault.deposit` or `lock`, in every state of every market.
///         Everything about a market is fixed when it is deployed. Amounts are in the token's smallest unit; LTVs, bonuses and annual rates WAD.
/// @dev Rounding favours the lenders. Cash is accounted within: `supplyAssets + reserve − debtAssets`; a donation belongs to nobody.
///      Beside the errors below, OpenZeppelin's for ERC-20 and ERC-4626.
interface ILendingMarket is IERC4626, IPledgee {
    /// @param vault Custodian of the collateral; governance enables the market there as a module.
    /// @param oracle Prices of both assets.
    /// @param calendar Sessions of the collateral; zero when it always trades.
    /// @param rateModel What debt costs.
    /// @param pledges Values pledged options; zero when the market takes none.
    /// @param desk Where the collateral is redeemed; zero when there is none.
    /// @param collateralToken A stock token.
    /// @param loanToken What is lent.
    /// @param collateralAsset The collateral as the oracle knows it.
    /// @param loanAsset The loan token likewise; zero: it counts as one dollar.
    /// @param minDebt Smallest debt of an account, loan units; what stays after a partial repayment, too.
    /// @param reserveShare Of interest, to the reserve; at most 50%.
    /// @param reserveCap Reserve per debt from which on all interest is the lenders'; at most 50%.
    /// @param pledgeHaircut Taken off what pledged options would bring; at least 10%.
    /// @param policy LTVs and bonuses by session.
    struct Config {
        ICollateralVault vault;
        IPriceOracle oracle;
        ISessionCalendar calendar;
        IInterestRateModel rateModel;
        IPledgeValuer pledges;
        IIssuanceDesk desk;
        address collateralToken;
        address loanToken;
        bytes32 collateralAsset;
        bytes32 loanAsset;
        uint256 minDebt;
        uint256 reserveShare;
        uint256 reserveCap;
        uint256 pledgeHaircut;
        SessionPolicy policy;
    }

    /// @param supplyAssets What the lenders own: cash and debt.
    /// @param debtAssets What all borrowers owe.
    /// @param debtShares Σ of the borrowers' shares.
    /// @param reserve Set aside from interest, against bad debt.
    /// @param cash supplyAssets + reserve − debtAssets.
    /// @param rateAtTarget State of the rate model.
    /// @param borrowRate Annual rate at the present utilisation.
    /// @param accruedAt To when interest is charged.
    /// @param borrowingPausedUntil By the guardian.
    struct State {
        uint256 supplyAssets;
        uint256 debtAssets;
        uint256 debtShares;
        uint256 reserve;
        uint256 cash;
        uint256 rateAtTarget;
        uint256 borrowRate;
        uint40 accruedAt;
        uint40 borrowingPausedUntil;
    }

    /// @notice An account, accrued to now, at the price that the oracle would answer now.
    /// @param collateral Its entry in the vault.
    /// @param pledged What its pledged options count for, after the haircut, in collateral units.
    /// @param debt Up.
    /// @param borrowLimit Largest debt after a borrowing: at the band's low end of the collateral, the high end of the loan token.
    /// @param liquidationLimit Debt above it may be liquidated: at the oracle's prices themselves.
    /// @param status Worst of the prices' statuses; unless Open, limits are at the last accepted prices, and nothing may be borrowed or liquidated.
    struct Health {
        uint256 collateral;
        uint256 pledged;
        uint256 debt;
        uint256 borrowLimit;
        uint256 liquidationLimit;
        PriceStatus status;
    }

    /// @param borrower Whom to liquidate.
    /// @param maxRepay The most to repay; the market takes no more than brings the account back to the borrow LTV.
    /// @param minSeized The least collateral to receive, or nothing happens.
    /// @param payout Where the collateral goes.
    /// @param to Who receives it there.
    struct Liquidation {
        address borrower;
        uint256 maxRepay;
        uint256 minSeized;
        Payout payout;
        address to;
    }

    // ── events ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    event Accrue(uint256 rate, uint256 interest, uint256 toReserve);
    event Borrow(address indexed owner, address indexed caller, address indexed to, uint256 assets, uint256 shares);
    event RepayLoan(address indexed owner, address indexed payer, uint256 assets, uint256 shares);
    event WithdrawCollateral(address indexed owner, address indexed caller, address indexed to, uint256 amount);
    event Liquidate(
        address indexed borrower,
        address indexed liquidator,
        address indexed to,
        Payout payout,
        uint256 repaid,
        uint256 seized,
        uint256 bonus
    );
    /// @notice Debt that no collateral stands behind any more: the reserve pays first, then the lenders.
    event BookBadDebt(address indexed borrower, uint256 assets, uint256 fromReserve, uint256 fromLenders);
    /// @notice An options account began, or ceased, to count as collateral.
    event CountPledge(address indexed owner, bool counted);
    /// @notice Pledged options were closed, and `amount` of their margin became collateral.
    event RealisePledge(address indexed owner, address indexed caller, uint256 closed, uint256 amount);
    event SetOperator(address indexed owner, address indexed operator, bool approved);
    event PauseBorrowing(uint40 until);

    // ── errors ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    error LendingMarket_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    error LendingMarket_ZeroAmount();
    error LendingMarket_ZeroAddress();
    error LendingMarket_NotOperator(address owner, address caller);
    error LendingMarket_BorrowingPaused(uint40 until);
    error LendingMarket_InsufficientCash(uint256 cash, uint256 assets);
    /// @notice The price of this asset cannot be traded on now.
    error LendingMarket_NotOpen(bytes32 assetId, PriceStatus status);
    /// @notice The token's multiplier changes at `effectiveAt`: from an hour before until an hour after it, nothing is borrowed or liquidated.
    error LendingMarket_CorporateAction(uint256 effectiveAt);
    error LendingMarket_BelowMinimumDebt(uint256 debt, uint256 minimum);
    error LendingMarket_InsufficientCollateral(uint256 debt, uint256 limit);
    error LendingMarket_NoDebt(address owner);
    error LendingMarket_Healthy(uint256 debt, uint256 limit);
    /// @notice Markets have just opened: borrowers have until `from` to repay or top up.
    error LendingMarket_GracePeriod(uint256 from);
    error LendingMarket_SeizedBelowLimit(uint256 seized, uint256 limit);
    /// @notice A liquidation would leave a debt, or collateral behind a debt, too small for anyone to come back for.
    error LendingMarket_LeavesDust(uint256 debt, uint256 collateralValue, uint256 minimum);
    /// @notice The caller's options account is not pledged to this market.
    error LendingMarket_NotPledged(address owner);
    /// @notice Pledged options are touched last: collateral is left.
    error LendingMarket_CollateralLeft(uint256 collateral);
    /// @notice No collateral is left but a pledge: realise it first.
    error LendingMarket_PledgeLeft(uint256 pledged, uint256 positions);
    /// @notice The market has no desk to redeem the collateral at.
    error LendingMarket_NoDesk();
    /// @notice The loan token moved another amount than was asked for.
    error LendingMarket_TransferMismatch(uint256 expected, uint256 received);

    // ── borrowers ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Borrow `assets` against `owner`'s collateral and pay them to `to`. By the owner or its operator; needs Open prices.
    /// @return shares Of the total debt, up.
    function borrow(uint256 assets, address owner, address to) external returns (uint256 shares);

    /// @notice Repay `owner`'s debt with the caller's tokens; `type(uint256).max`: all of it. Anyone may, at any time; no price is asked.
    /// @return repaid Loan units taken. What stays is nothing or at least the minimum debt.
    function repay(uint256 assets, address owner) external returns (uint256 repaid);

    /// @notice Pay `amount` of collateral out to `to`; with a debt only what leaves it within the borrow limit, at Open prices.
    function withdrawCollateral(uint256 amount, address owner, address to) external;

    /// @notice Like `withdrawCollateral`, to `to`'s free balance in the vault: to use it as options margin, say.
    function releaseCollateral(uint256 amount, address owner, address to) external;

    /// @notice Count what the caller's options account in the collateral token would bring as collateral, after the haircut. The account must be pledged
    ///         to this market (`PerpetualOptions.pledge`): from then on its owner opens, closes and withdraws there only within the borrow limit here.
    function countPledge() external;

    /// @notice Let the caller's options account in `token` go. With a debt, what is left must be within the borrow limit.
    function releasePledge(address token) external;

    /// @notice Let `operator` borrow and withdraw for the caller.
    function setOperator(address operator, bool approved) external;

    // ── liquidators ────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Repay part of an unhealthy account's debt and take collateral of that value and a bonus. The collateral goes out first, then the
    ///         caller is called back if `data` is not empty, then the repayment is taken. Debt that no collateral is left for is booked at once.
    /// @return repaid Loan units taken from the caller; no more than brings the account back to its borrow limit.
    /// @return seized Collateral units paid out; worth at most `repaid · (1 + bonus)`.
    function liquidate(Liquidation calldata order, bytes calldata data) external returns (uint256 repaid, uint256 seized);

    /// @notice Close pledged options of an account that can be liquidated and has no other collateral left, and turn `amount` of its margin into
    ///         collateral, for `liquidate` to take. At the same conditions as a liquidation.
    function realisePledge(address owner, IOptionsTypes.PositionId[] calldata ids, uint256 amount) external;

    // ── anyone ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Charge interest to now.
    function accrue() external;

    // ── governance ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Guardian: no new borrowing until then, at most 7 days ahead; it ends by itself. Restricted.
    function pauseBorrowing(uint40 until) external;

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function config() external view returns (Config memory);

    /// @notice Accrued to now.
    function state() external view returns (State memory);

    /// @notice LTVs and bonus at an instant, also one to come.
    function termsAt(uint256 at) external view returns (Terms memory);

    function health(address owner) external view returns (Health memory);

    /// @notice Accrued to now, up.
    function debtOf(address owner) external view returns (uint256);

    function debtSharesOf(address owner) external view returns (uint256);

    /// @notice Whether the owner's options account counts as collateral.
    function isPledged(address owner) external view returns (bool);

    function isOperator(address owner, address operator) external view returns (bool);
}
