// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IPerpetualOptions } from "../options/IPerpetualOptions.sol";
import { Permit } from "../signing/Signed.sol";

/// @title Two-step orders
/// @notice An owner commits an order; anyone executes it at a price published *after* the commitment. Nobody can then trade on what a feed
///         does not know yet, which is why these orders are priced in the tight band.
///
///         An order is one to eight legs, all executed or none, at the owner's own limits. What is called
///         - *market order* has legs only; - *limit order* has tight limits and a distant deadline;
///         - *take-profit* and *stop* close at a trigger price of an index; - *roll* closes one leg and opens the next at the money.
///
///         Committing takes nothing from the owner. The execution fee leaves its margin when the order executes and not before, so there is
///         nothing to refund: an order that is cancelled, expires, or meets a halt until its deadline has cost nothing. Orders wait through
///         closed sessions and halts.
/// @dev The owner names this contract as its operator in `PerpetualOptions` once (`setOperator`, or by signature). Amounts are in the margin
///      token's smallest unit, prices USD in WAD, times Unix seconds.
interface IOrderBook {
    /// @notice When the index price of the trigger market lets an order execute.
    enum Trigger {
        None,
        AtOrAbove,
        AtOrBelow
    }

    /// @param marketId Market in `PerpetualOptions`.
    /// @param strike Grid index; opening, `type(int16).min`: the one nearest to the price it executes at.
    /// @param isCall Call or put.
    /// @param isOpen Buy, or sell back.
    /// @param notional Closing, `type(uint112).max`: all of the position. Opening, `type(uint112).max`: what the legs before closed.
    /// @param limit Opening: the largest premium, without the fee. Closing: the smallest proceeds, before the fee.
    struct Leg {
        uint16 marketId;
        int16 strike;
        bool isCall;
        bool isOpen;
        uint112 notional;
        uint128 limit;
    }

    /// @param owner Whose account.
    /// @param token Margin token.
    /// @param executionFee What the owner's margin pays to whoever executes.
    /// @param deposit Moved from the owner's wallet to its margin when the order is committed; needs an allowance for this contract, or a permit.
    /// @param trigger Condition on the index price of `triggerMarketId`.
    /// @param triggerMarketId Ignored without a trigger.
    /// @param triggerPrice USD, WAD.
    /// @param deadline Last second at which it may execute; at most 90 days ahead.
    /// @param salt Tells equal orders apart.
    /// @param legs One to eight, executed in this order.
    struct Order {
        address owner;
        address token;
        uint128 executionFee;
        uint128 deposit;
        Trigger trigger;
        uint16 triggerMarketId;
        uint128 triggerPrice;
        uint40 deadline;
        uint64 salt;
        Leg[] legs;
    }

    /// @param committedAt 0: never.
    /// @param cancelledAt 0: never. Prices published after it do not execute the order.
    /// @param executed It cannot execute again.
    struct Commitment {
        uint40 committedAt;
        uint40 cancelledAt;
        bool executed;
    }

    event Commit(bytes32 indexed orderHash, address indexed owner, Order order);
    event Cancel(bytes32 indexed orderHash, address indexed owner);
    event Execute(bytes32 indexed orderHash, address indexed owner, address indexed payee, uint256 executionFee);

    error OrderBook_NotOwner(address owner, address caller);
    error OrderBook_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    error OrderBook_AlreadyCommitted(bytes32 orderHash, uint256 committedAt);
    error OrderBook_AlreadyExecuted(bytes32 orderHash);
    error OrderBook_NotCommitted(bytes32 orderHash);
    error OrderBook_Cancelled(bytes32 orderHash, uint256 cancelledAt);
    error OrderBook_Expired(uint256 deadline, uint256 now_);
    /// @notice The price that a leg met was published no later than the commitment: wait for the next print.
    error OrderBook_PriceTooEarly(uint16 marketId, uint256 publishedAt, uint256 committedAt);
    /// @notice The price that a leg met was published too long ago: wait for the next print.
    error OrderBook_PriceTooOld(uint16 marketId, uint256 publishedAt, uint256 oldest);
    error OrderBook_NotTriggered(Trigger trigger, uint256 price, uint256 triggerPrice);
    /// @notice A leg that opens "what was closed before" has none before it.
    error OrderBook_NothingClosed(uint256 leg);

    /// @notice Commit an order of the caller's own.
    function commit(Order calldata order) external returns (bytes32 orderHash);

    /// @notice Commit an order that its owner signed (EIP-712, ERC-1271). Anyone may: the owner needs no gas.
    function commitSigned(Order calldata order, bytes calldata signature) external returns (bytes32 orderHash);

    /// @notice `commitSigned`, after a permit for the deposit. A permit that was used before does no harm.
    function commitWithPermit(Order calldata order, bytes calldata signature, Permit calldata permit) external returns (bytes32 orderHash);

    /// @notice Cancel orders of the caller's own, committed or only signed. Final. A price published before the cancellation may still execute
    ///         an order while that price is fresh: a cancellation is no way out of a price that is known.
    function cancel(bytes32[] calldata orderHashes) external;

    /// @notice Execute a committed order, at prices published after its commitment and at most `maxPriceAge` ago. Anyone may.
    /// @param payee Whose free balance in the vault receives the execution fee.
    function execute(Order calldata order, address payee) external;

    /// @notice The EIP-712 digest that an owner signs, and by which an order is known.
    function hashOrder(Order calldata order) external view returns (bytes32);

    function commitmentOf(address owner, bytes32 orderHash) external view returns (Commitment memory);

    /// @notice Seconds after its publication during which a price executes orders.
    function maxPriceAge() external view returns (uint40);

    function options() external view returns (IPerpetualOptions);
}
