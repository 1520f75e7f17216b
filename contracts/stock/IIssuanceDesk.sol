// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";
import { IStockToken } from "./IStockToken.sol";

/// @title Where stock tokens are issued and redeemed, T+N
/// @notice In ERC-7540's words: a holder *requests*, the issuer *fulfils* when the trade in the share has settled, the holder *claims*. What a
///         request brings (cash to mint, tokens to redeem) stays in escrow here until it is fulfilled: nothing is burned, and no cash leaves,
///         before the other side has arrived. A request not fulfilled in full by its deadline can be *reclaimed* by its controller alone, with
///         a late penalty out of the issuer's bond.
/// @dev One desk serves one stock token and one cash token. Amounts are in smallest units. A price is cash per token, in cash units per 10^18
///      token units: `cash = tokens × price / 10^18`. Cash to pay out is rounded down, tokens to issue are rounded down.
interface IIssuanceDesk {
    enum Side {
        Mint,
        Redeem
    }

    enum SkipReason {
        /// @notice No such request, or one of the other side.
        Unknown,
        /// @notice Settled or reclaimed before.
        Ended,
        /// @notice The price is beyond the request's limit.
        Limit,
        /// @notice The fill is nothing, or too small or too large to be paid.
        Amount
    }

    /// @param controller Who claims and reclaims.
    /// @param deadline When T+N's settlement window ends, Unix seconds: from then on what is pending can be reclaimed.
    /// @param side Mint or redeem.
    /// @param feeBps Of the cash, in 1/10,000, as it was when the request was made.
    /// @param pending In escrow: cash of a mint, tokens of a redemption.
    /// @param claimable Fulfilled, not yet claimed: tokens of a mint, cash of a redemption.
    /// @param limitPrice A mint is fulfilled at most at it, a redemption at least.
    /// @dev slot 0: 160 + 40 + 8 + 16 = 224; slot 1: 128 + 128 = 256; slot 2: 128.
    struct Request {
        address controller;
        uint40 deadline;
        Side side;
        uint16 feeBps;
        uint128 pending;
        uint128 claimable;
        uint128 limitPrice;
    }

    /// @param stock The token that is issued; the desk must hold the issuer's role.
    /// @param calendar Sessions that T+N counts.
    /// @param settlementSessions N, 1 to 5.
    /// @param cutoff Seconds before a close, at most 6 hours.
    /// @param settlementWindow Seconds, an hour to 2 days.
    /// @param penaltyBps At most 500 (5%).
    /// @param feeBps At most 100 (1%).
    /// @param settlementAccount Receives the cash of settled mints.
    struct Config {
        IStockToken stock;
        IERC20 cash;
        ISessionCalendar calendar;
        uint256 settlementSessions;
        uint256 cutoff;
        uint256 settlementWindow;
        uint256 penaltyBps;
        uint16 feeBps;
        address settlementAccount;
        address feeReceiver;
    }

    /// @param requestId Which.
    /// @param amount How much of its escrow is settled; more than is pending counts as all of it.
    struct Fill {
        uint256 requestId;
        uint128 amount;
    }

    event RequestMint(
        uint256 indexed requestId,
        address indexed controller,
        address indexed owner,
        uint256 cash,
        uint256 limitPrice,
        uint256 deadline
    );
    event RequestRedeem(
        uint256 indexed requestId,
        address indexed controller,
        address indexed owner,
        uint256 tokens,
        uint256 limitPrice,
        uint256 deadline
    );
    /// @notice `settled` of the escrow became `claimable` of the other side; `fee` is in cash.
    event Fulfil(uint256 indexed requestId, uint256 indexed batchId, uint256 settled, uint256 claimable, uint256 fee);
    event Skip(uint256 indexed requestId, uint256 indexed batchId, SkipReason reason);
    event SettleBatch(uint256 indexed batchId, Side indexed side, uint256 price, uint256 settled, uint256 paid, uint256 fee);
    event Claim(uint256 indexed requestId, address indexed controller, address receiver, uint256 amount);
    event Reclaim(uint256 indexed requestId, address indexed controller, address receiver, uint256 amount, uint256 penalty);
    event OperatorSet(address indexed controller, address indexed operator, bool approved);
    event PostBond(address indexed asset, address indexed payer, uint256 amount);
    event WithdrawBond(address indexed asset, address receiver, uint256 amount);
    event SetFee(uint16 feeBps);
    event PauseRequests(uint40 until);

    error IssuanceDesk_ZeroAmount();
    error IssuanceDesk_ZeroAddress();
    error IssuanceDesk_AmountTooLarge(uint256 amount, uint256 max);
    error IssuanceDesk_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    error IssuanceDesk_NotOwner(address owner, address caller);
    error IssuanceDesk_NotOperator(address controller, address caller);
    /// @notice The registry does not let the controller hold the stock token: what is its own waits here.
    error IssuanceDesk_ControllerDenied(address controller);
    error IssuanceDesk_RequestsPaused(uint40 until);
    /// @notice The request is within its time for settlement.
    error IssuanceDesk_NotOverdue(uint256 requestId, uint256 deadline);
    error IssuanceDesk_NothingPending(uint256 requestId);
    error IssuanceDesk_NothingClaimable(uint256 requestId);
    error IssuanceDesk_NotBondAsset(address asset);
    /// @notice What penalties on everything pending could take stays.
    error IssuanceDesk_BondLocked(address asset, uint256 free);
    /// @notice The token charges a fee on transfers.
    error IssuanceDesk_TransferMismatch(address asset, uint256 expected, uint256 received);

    // ── holders ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Put `cash_` of `owner` (the caller, or one whose operator the caller is) in escrow, to be turned into tokens for `controller` at
    ///         `maxPrice` at most (`type(uint128).max` for any).
    function requestMint(uint256 cash_, uint256 maxPrice, address controller, address owner) external returns (uint256 requestId);

    /// @notice Put `tokens` of `owner` in escrow, to be turned into cash for `controller` at `minPrice` at least (0 for any).
    function requestRedeem(uint256 tokens, uint256 minPrice, address controller, address owner) external returns (uint256 requestId);

    /// @notice Pay out everything claimable to `receiver`: by the controller or its operator; by anyone if `receiver` is the controller.
    function claim(uint256 requestId, address receiver) external returns (uint256 amount);

    /// @notice Controller or operator, once the deadline has passed: take back what is still pending, and a penalty as far as the bond goes.
    ///         What was fulfilled stays claimable.
    function reclaim(uint256 requestId, address receiver) external returns (uint256 amount, uint256 penalty);

    /// @notice Let `operator` request, claim and reclaim for the caller.
    function setOperator(address operator, bool approved) external returns (bool);

    // ── issuer ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @notice Settle mints at `price`: their cash goes to `settlementAccount`, the fee to `feeReceiver`, the tokens are issued into the desk.
    ///         What cannot be settled is skipped and told. Restricted.
    function fulfilMints(Fill[] calldata fills, uint256 price) external returns (uint256 batchId);

    /// @notice Settle redemptions at `price`: the caller pays the cash in, and the tokens are burned. What cannot be settled is skipped and told.
    ///         Restricted.
    function fulfilRedemptions(Fill[] calldata fills, uint256 price) external returns (uint256 batchId);

    /// @notice Anyone: add to the bond, in cash or in the stock token. Late mints are paid from the one, late redemptions from the other.
    function postBond(address asset, uint256 amount) external;

    /// @notice Take back what no penalty on a pending request could need. Restricted.
    function withdrawBond(address asset, uint256 amount, address receiver) external;

    /// @notice For requests made from now on, at most 100 (1%). Restricted.
    function setFee(uint16 feeBps_) external;

    /// @notice Take no new requests until `until`, at most seven days ahead; everything else works on. Restricted.
    function pauseRequests(uint40 until) external;

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function requestOf(uint256 requestId) external view returns (Request memory);

    function requestCount() external view returns (uint256);

    /// @notice ERC-7540's views: 0 for a request of another controller or of the other side.
    function pendingMintRequest(uint256 requestId, address controller) external view returns (uint256 cash);

    function claimableMintRequest(uint256 requestId, address controller) external view returns (uint256 tokens);

    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256 tokens);

    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256 cash);

    /// @notice The deadline of a request made at `timestamp`: the opening of the session N after the one in which it counts (requests within
    ///         `cutoff` of a close, or out of hours, count in the next), and the settlement window.
    function deadlineOf(uint256 timestamp) external view returns (uint256);

    /// @notice Stock tokens here that are `account`'s at a record day of the token: in escrow for redemption, or minted and not yet claimed.
    function holdingAt(address account, uint256 recordDay) external view returns (uint256);

    /// @notice What penalties could need, and what is there.
    function bondOf(address asset) external view returns (uint256 balance, uint256 locked);

    function isOperator(address controller, address operator) external view returns (bool);

    function stock() external view returns (IStockToken);

    function cash() external view returns (IERC20);

    function calendar() external view returns (ISessionCalendar);

    /// @notice N of T+N, in sessions.
    function settlementSessions() external view returns (uint256);

    /// @notice Seconds before a close from which a request counts in the next session.
    function cutoff() external view returns (uint256);

    /// @notice Seconds after T+N's opening until the deadline.
    function settlementWindow() external view returns (uint256);

    /// @notice Of what is reclaimed, in 1/10,000.
    function penaltyBps() external view returns (uint256);

    function feeBps() external view returns (uint16);

    function settlementAccount() external view returns (address);

    function feeReceiver() external view returns (address);
}
