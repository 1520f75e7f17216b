// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { IRecordedBalances } from "../records/IRecordDates.sol";
import { IComplianceMirror, IComplianceRegistry } from "./IComplianceRegistry.sol";
import { ICustody } from "./ICustody.sol";
import { IERC7943Fungible } from "./IERC7943.sol";
import { IERC8056, IERC8056Pending } from "./IERC8056.sol";

/// @title A stock, as a token
/// @notice An ERC-20 with permit, issued against shares in custody. One whole token stands for `uiMultiplier` shares (ERC-8056): a split, a
///         reverse split or a reinvested dividend changes the multiplier and no balance, and a token's price, share price × multiplier, goes on
///         without a jump. Every change is announced ahead, can be cancelled until it takes effect, and takes effect by time alone.
///         Balances are known at record days. Compliance is ERC-7943's.
/// @dev Amounts are raw, in the smallest unit. Beside the errors below: OpenZeppelin's ERC-6093 and ERC-2612 errors, and ERC-7943's.
interface IStockToken is IERC20Metadata, IERC20Permit, IRecordedBalances, IERC8056, IERC8056Pending, IERC7943Fungible, IComplianceMirror {
    /// @notice What can be paused, each for itself.
    enum Feature {
        Transfer,
        Mint,
        Burn
    }

    enum ActionKind {
        Split,
        ReverseSplit,
        ReinvestedDividend
    }

    /// @param multiplier Shares per whole token from `effectiveAt` on, 1e18 = 1.
    /// @param effectiveAt Unix seconds.
    /// @param announcedAt Unix seconds.
    /// @param kind What the issuer calls it; its sense is checked.
    /// @dev One slot: 104 + 40 + 40 + 8 = 192.
    struct Action {
        uint104 multiplier;
        uint40 effectiveAt;
        uint40 announcedAt;
        ActionKind kind;
    }

    event AnnounceAction(
        uint256 indexed actionId,
        ActionKind indexed kind,
        uint256 oldMultiplier,
        uint256 newMultiplier,
        uint256 effectiveAt
    );
    event CancelAction(uint256 indexed actionId, uint256 multiplier, uint256 effectiveAt);
    /// @notice Emitted by the first `activate` after an action took effect, for those who watch events.
    event ActivateAction(uint256 indexed actionId, uint256 multiplier, uint256 effectiveAt);
    event AnnounceRecordDate(uint256 indexed recordDay);
    event SetPaused(Feature indexed feature, bool paused);
    event SetMinNotice(uint256 minNotice);
    event AnnounceForcedTransfer(address indexed from, address indexed to, uint256 amount, uint256 executableAt);
    event CancelForcedTransfer(address indexed from, address indexed to, uint256 amount);

    error StockToken_ZeroAmount();
    error StockToken_DecimalsOutOfBounds(uint8 decimals, uint8 max);
    error StockToken_Paused(Feature feature);
    error StockToken_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    error StockToken_NoticeTooShort(uint256 effectiveAt, uint256 earliest);
    /// @notice One action at a time: the pending one takes effect, or is cancelled, first.
    error StockToken_ActionPending(uint256 effectiveAt);
    error StockToken_NoActionPending();
    error StockToken_NothingToActivate();
    /// @notice No count of the shares in custody is recent enough to issue against.
    error StockToken_CustodyStale(uint256 asOf);
    error StockToken_SupplyAboveCustody(uint256 supply, uint256 backed);
    error StockToken_Protected(address account);
    /// @notice It was not announced (0), is not due yet, or its window has passed.
    error StockToken_ForcedTransferNotDue(uint256 executableAt, uint256 now_);
    error StockToken_AlreadyAnnounced(uint256 executableAt);

    // ── issue ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Issue `amount` to `to`, while custody backs the supply after it. Restricted.
    function mint(address to, uint256 amount) external;

    /// @notice Destroy `amount` of the caller's own tokens.
    function burn(uint256 amount) external;

    /// @notice Destroy `amount` of `from`'s tokens, which `from` has approved to the caller. Restricted.
    function burnFrom(address from, uint256 amount) external;

    // ── pause ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Stop transfers, issues and burns. Restricted, apart from `unpause` so that the roles can differ.
    function pause() external;

    /// @notice Let everything run again. Restricted.
    function unpause() external;

    /// @notice Stop one feature. Restricted, apart from `unpauseFeature`.
    function pauseFeature(Feature feature) external;

    function unpauseFeature(Feature feature) external;

    /// @notice Whether transfers are paused.
    function paused() external view returns (bool);

    function isPaused(Feature feature) external view returns (bool);

    // ── corporate actions ──────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Announce that one whole token will stand for `newMultiplier` shares from `effectiveAt` on, at least `minNotice` ahead. A split
    ///         raises the multiplier, at most 1,000-fold, a reverse split lowers it as far, a reinvested dividend raises it by at most half.
    ///         Restricted. `setUIMultiplier` does the same, and calls it a split when it rises and a reverse split when it falls.
    function announceAction(ActionKind kind, uint256 newMultiplier, uint256 effectiveAt_) external returns (uint256 actionId);

    /// @notice Take back the pending action before it takes effect. Restricted.
    function cancelAction() external;

    /// @notice Anyone: emit the event of the action that took effect last, once. Nothing else depends on it.
    function activate() external;

    /// @notice The multiplier in force at `timestamp`, which may lie ahead as far as actions are announced.
    function multiplierAt(uint256 timestamp) external view returns (uint256);

    /// @notice The supply in shares, rounded down.
    function totalSupplyUI() external view returns (uint256);

    /// @notice All actions so far, the cancelled left out.
    function actionCount() external view returns (uint256);

    function actionAt(uint256 actionId) external view returns (Action memory);

    /// @notice Seconds between the announcement of an action and its effect, at least. 24 hours at first, and never less.
    function minNotice() external view returns (uint256);

    /// @notice Restricted: between 24 hours and 30 days.
    function setMinNotice(uint256 minNotice_) external;

    /// @notice Restricted: balances will be known at the midnight UTC that begins `recordDay`, at least a day ahead. For good. Announcing the
    ///         same day again changes nothing.
    function announceRecordDate(uint256 recordDay) external;

    // ── compliance ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Announce a transfer by order of the law; it can be executed (`forcedTransfer`) from two days later, for fourteen days. Restricted.
    function announceForcedTransfer(address from, address to, uint256 amount) external;

    /// @notice Restricted.
    function cancelForcedTransfer(address from, address to, uint256 amount) external;

    /// @notice When an announced transfer may be executed, Unix seconds; 0 if it was not announced.
    function forcedTransferAt(address from, address to, uint256 amount) external view returns (uint256);

    /// @notice Whether only accounts that the registry allows may hold the token.
    function closedLoop() external view returns (bool);

    function compliance() external view returns (IComplianceRegistry);

    function custody() external view returns (ICustody);
}
