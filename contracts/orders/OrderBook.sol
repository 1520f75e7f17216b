// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";
import { IOptionsTypes } from "../options/IOptionsTypes.sol";
import { IPerpetualOptions } from "../options/IPerpetualOptions.sol";
import { PriceStatus } from "../oracle/IPriceOracle.sol";
import { Permit, Signed } from "../signing/Signed.sol";
import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { IOrderBook } from "./IOrderBook.sol";
import { OrderHash } from "./OrderHash.sol";

/// @title Two-step orders
/// @dev Holds no tokens and no roles over accounts: what it does, `PerpetualOptions` lets an operator do. An order takes one slot.
contract OrderBook is IOrderBook, EIP712, ReentrancyGuardTransient {
    using OrderHash for Order;
    using SafeERC20 for IERC20;

    uint256 private constant MAX_LEGS = 8;
    uint256 private constant MAX_LIFE = 90 days;
    uint40 private constant MIN_PRICE_AGE = 5 seconds;
    uint40 private constant MAX_PRICE_AGE = 5 minutes;
    int16 private constant AT_THE_MONEY = type(int16).min;
    uint112 private constant ALL = type(uint112).max;

    /// @inheritdoc IOrderBook
    IPerpetualOptions public immutable options;
    /// @inheritdoc IOrderBook
    uint40 public immutable maxPriceAge;
    ICollateralVault private immutable vault;

    /// @dev One slot: 40 + 40 + 8 = 88. By owner, so that nobody can cancel another's.
    mapping(address owner => mapping(bytes32 orderHash => Commitment)) private _commitments;

    constructor(IPerpetualOptions options_, uint40 maxPriceAge_) EIP712("Everstock Orders", "1") {
        if (maxPriceAge_ < MIN_PRICE_AGE || maxPriceAge_ > MAX_PRICE_AGE) {
            revert OrderBook_OutOfBounds("maxPriceAge", maxPriceAge_, MIN_PRICE_AGE, MAX_PRICE_AGE);
        }
        (options, vault, maxPriceAge) = (options_, options_.vault(), maxPriceAge_);
    }

    // ── owner ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @inheritdoc IOrderBook
    function commit(Order calldata order) external nonReentrant returns (bytes32) {
        if (msg.sender != order.owner) revert OrderBook_NotOwner(order.owner, msg.sender);
        return _commit(order, hashOrder(order));
    }

    /// @inheritdoc IOrderBook
    function commitSigned(Order calldata order, bytes calldata signature) external nonReentrant returns (bytes32 orderHash) {
        orderHash = hashOrder(order);
        Signed.check(order.owner, orderHash, signature);
        _commit(order, orderHash);
    }

    /// @inheritdoc IOrderBook
    function commitWithPermit(
        Order calldata order,
        bytes calldata signature,
        Permit calldata permit
    ) external nonReentrant returns (bytes32 orderHash) {
        orderHash = hashOrder(order);
        Signed.check(order.owner, orderHash, signature);
        Signed.tryPermit(order.token, order.owner, permit);
        _commit(order, orderHash);
    }

    /// @inheritdoc IOrderBook
    function cancel(bytes32[] calldata orderHashes) external {
        for (uint256 i; i < orderHashes.length; ++i) {
            Commitment storage c = _commitments[msg.sender][orderHashes[i]];
            if (c.executed) revert OrderBook_AlreadyExecuted(orderHashes[i]);
            if (c.cancelledAt != 0) continue;
            c.cancelledAt = uint40(block.timestamp);
            emit Cancel(orderHashes[i], msg.sender);
        }
    }

    // ── anyone ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @inheritdoc IOrderBook
    function execute(Order calldata order, address payee) external nonReentrant {
        bytes32 orderHash = hashOrder(order);
        Commitment storage stored = _commitments[order.owner][orderHash];
        Commitment memory c = stored;
        if (c.executed) revert OrderBook_AlreadyExecuted(orderHash);
        if (c.committedAt == 0) revert OrderBook_NotCommitted(orderHash);
        if (block.timestamp > order.deadline) revert OrderBook_Expired(order.deadline, block.timestamp);
        stored.executed = true;
        emit Execute(orderHash, order.owner, payee, order.executionFee);

        uint256 closed;
        bool triggerSeen = order.trigger == Trigger.None;
        Leg[] calldata legs = order.legs;
        for (uint256 i; i < legs.length; ++i) {
            Leg calldata leg = legs[i];
            // The last leg's trade pays for all of them.
            uint256 fee = i + 1 == legs.length ? order.executionFee : 0;
            IOptionsTypes.Order memory o = _order(order, leg);
            uint256 price;
            uint256 publishedAt;
            if (leg.isOpen) {
                closed = _complete(o, i, closed);
                (price, publishedAt) = options.executeOpen(o, fee, payee);
            } else {
                uint256 notional;
                (notional, price, publishedAt) = options.executeClose(o, fee, payee);
                closed += notional;
            }
            _checkPrice(o.marketId, publishedAt, orderHash, c);
            if (!triggerSeen && o.marketId == order.triggerMarketId) {
                _checkTrigger(order, price);
                triggerSeen = true;
            }
        }
        if (!triggerSeen) {
            IOptionMarket market = options.market(order.triggerMarketId);
            (PriceStatus status, ) = market.poke();
            if (status != PriceStatus.Open) revert IOptionMarket.OptionMarket_NotOpen(status);
            (uint256 price, uint256 publishedAt, ) = market.lastPrint();
            _checkPrice(order.triggerMarketId, publishedAt, orderHash, c);
            _checkTrigger(order, price);
        }
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @inheritdoc IOrderBook
    function hashOrder(Order calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(order.structHash(order.legs));
    }

    /// @inheritdoc IOrderBook
    function commitmentOf(address owner, bytes32 orderHash) external view returns (Commitment memory) {
        return _commitments[owner][orderHash];
    }

    // ── within ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function _commit(Order calldata order, bytes32 orderHash) private returns (bytes32) {
        Commitment storage c = _commitments[order.owner][orderHash];
        if (c.committedAt != 0) revert OrderBook_AlreadyCommitted(orderHash, c.committedAt);
        if (c.cancelledAt != 0) revert OrderBook_Cancelled(orderHash, c.cancelledAt);
        if (block.timestamp > order.deadline) revert OrderBook_Expired(order.deadline, block.timestamp);
        if (order.deadline > block.timestamp + MAX_LIFE) {
            revert OrderBook_OutOfBounds("deadline", order.deadline, block.timestamp, block.timestamp + MAX_LIFE);
        }
        if (order.legs.length == 0 || order.legs.length > MAX_LEGS) revert OrderBook_OutOfBounds("legs", order.legs.length, 1, MAX_LEGS);
        c.committedAt = uint40(block.timestamp);
        emit Commit(orderHash, order.owner, order);
        if (order.deposit != 0) _deposit(order);
        return orderHash;
    }

    function _deposit(Order calldata order) private {
        IERC20 token = IERC20(order.token);
        token.safeTransferFrom(order.owner, address(this), order.deposit);
        token.forceApprove(address(vault), order.deposit);
        vault.deposit(order.token, address(options), order.owner, order.deposit);
    }

    /// @dev Fills in what an opening leg leaves open: all that was closed, at the money.
    /// @return What later legs still find closed: an opening leg that takes it leaves nothing.
    function _complete(IOptionsTypes.Order memory o, uint256 index, uint256 closed) private returns (uint256) {
        if (o.notional == ALL) {
            if (closed == 0) revert OrderBook_NothingClosed(index);
            o.notional = uint112(closed); // a position's notional, or the sum of a few that the book holds: below 2^112
            closed = 0;
        }
        if (o.strike == AT_THE_MONEY) o.strike = _atTheMoney(options.market(o.marketId));
        return closed;
    }

    function _order(Order calldata order, Leg calldata leg) private pure returns (IOptionsTypes.Order memory) {
        return IOptionsTypes.Order(order.owner, order.token, leg.marketId, leg.strike, leg.isCall, leg.notional, leg.limit, order.deadline);
    }

    /// @dev The grid is geometric: of the two strikes around the price the nearer one is told by the ratio, price² against their product.
    function _atTheMoney(IOptionMarket market) private returns (int16 strike) {
        market.poke();
        uint256 price;
        (price, , strike) = market.lastPrint();
        uint256 below = market.strikePrice(strike);
        uint256 above = market.strikePrice(strike + 1);
        if (price * price > below * above) ++strike; // prices are below 2^88
    }

    function _checkPrice(uint16 marketId, uint256 publishedAt, bytes32 orderHash, Commitment memory c) private view {
        if (publishedAt <= c.committedAt) revert OrderBook_PriceTooEarly(marketId, publishedAt, c.committedAt);
        if (publishedAt + maxPriceAge < block.timestamp) {
            revert OrderBook_PriceTooOld(marketId, publishedAt, block.timestamp - maxPriceAge);
        }
        if (c.cancelledAt != 0 && publishedAt > c.cancelledAt) revert OrderBook_Cancelled(orderHash, c.cancelledAt);
    }

    function _checkTrigger(Order calldata order, uint256 price) private pure {
        bool met = order.trigger == Trigger.AtOrAbove ? price >= order.triggerPrice : price <= order.triggerPrice;
        if (!met) revert OrderBook_NotTriggered(order.trigger, price, order.triggerPrice);
    }
}
