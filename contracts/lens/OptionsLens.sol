// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";

import { EverlastingMath } from "../math/EverlastingMath.sol";
import { PoolMath } from "../math/PoolMath.sol";
import { StrikeGrid } from "../math/StrikeGrid.sol";
import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { ISessionCalendar } from "../calendar/ISessionCalendar.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";
import { IOptionsTypes } from "../options/IOptionsTypes.sol";
import { IPerpetualOptions, Layer } from "../options/IPerpetualOptions.sol";
import { PackedSet } from "../options/PackedSet.sol";
import { IOptionsLens } from "./IOptionsLens.sol";

/// @title What a trade would do, before it is made
/// @notice Follows the book's own steps on its views: quote at the price that a poke would take, settle the touched position, price, check.
contract OptionsLens is IOptionsLens {
    uint256 private constant WAD = 1e18;
    uint256 private constant MAX_STRIKES = 32;
    uint256 private constant MAX_MARKETS = 8;
    uint256 private constant LIQUIDATION_REWARD = 0.001e18;

    /// @dev The account and the book as the operation finds them once it has settled the touched position.
    struct Scene {
        address owner;
        address token;
        IOptionsTypes.PositionId id;
        IOptionsTypes.TokenBook sold;
        IOptionMarket market;
        // with a price only
        bool quoted;
        bytes4 unquoted;
        IOptionMarket.Quote quote;
        // the touched position and its account
        uint256 notional;
        uint256 positionCount;
        uint256 balance;
        uint256 debtMain;
        uint256 debtInsurance;
        // the pools
        uint256 cashMain;
        uint256 cashInsurance;
        IOptionsTypes.PoolState pool;
        // the account's other positions
        uint256 owed;
        uint256 initialMargin;
        uint256 maintenanceMargin;
    }

    /// @inheritdoc IOptionsLens
    IPerpetualOptions public immutable book;
    ICollateralVault private immutable vault;

    constructor(IPerpetualOptions book_) {
        book = book_;
        vault = book_.vault();
    }

    // ── previews ───────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionsLens
    function previewOpen(IOptionsTypes.Order calldata order) external view returns (OpenPreview memory p) {
        Scene memory s = _look(
            order.owner,
            order.token,
            IOptionsTypes.PositionId(order.marketId, order.strike, order.isCall),
            IOptionMarket.QuoteKind.Ask
        );
        p.refusal = _refusalBeforePrice(order, s);
        if (!s.quoted) return p;
        _addOthers(s);

        (p.price, p.strikePrice) = (s.quote.price, s.quote.strikePrice);
        p.premium = Fixed.mulDivUp(order.notional, s.quote.value, WAD);
        p.fee = PoolMath.fee(order.notional, p.premium);
        (uint256 feeMain, uint256 feeInsurance, ) = PoolMath.splitFee(p.fee);
        p.cashMainAfter = s.cashMain + p.premium + feeMain;
        p.cashInsuranceAfter = s.cashInsurance + feeInsurance;
        uint256 total = _sold(s) + order.notional;
        p.reservedMainAfter = PoolMath.reserved(total, true);
        p.reservedInsuranceAfter = PoolMath.reserved(total, false);

        uint256 notional = s.notional + order.notional;
        p.equityAfter = _equity(s) - int256(p.premium + p.fee);
        p.initialMarginAfter = s.initialMargin + Fixed.mulDivUp(notional, s.quote.initialMargin, WAD);
        p.fundingPerDay = _fundingPerDay(s, notional);
        p.rentPerDay = PoolMath.rentOwed(notional, PoolMath.rentGrowth(total, p.cashMainAfter, p.cashInsuranceAfter, 1 days));
        if (p.refusal == 0) p.refusal = _refusalAtPrice(order, s, p);
    }

    /// @inheritdoc IOptionsLens
    function previewClose(
        address owner,
        address token,
        IOptionsTypes.PositionId calldata id,
        uint112 notional
    ) external view returns (ClosePreview memory p) {
        if (notional == 0) {
            p.refusal = IOptionsTypes.PerpetualOptions_ZeroNotional.selector;
            return p;
        }
        Scene memory s = _look(owner, token, id, IOptionMarket.QuoteKind.Bid);
        p.refusal = _refusalToTouch(s);
        uint256 closing = notional == type(uint112).max ? s.notional : notional;
        if (p.refusal == 0) {
            if (closing > s.notional) p.refusal = IOptionsTypes.PerpetualOptions_CloseTooLarge.selector;
            else if (closing < s.notional && s.notional - closing < s.sold.minNotional) {
                p.refusal = IOptionsTypes.PerpetualOptions_BelowMinimum.selector;
            } else p.refusal = s.unquoted;
        }
        if (!s.quoted || closing > s.notional) return p;

        p.notional = closing;
        (p.payoutMain, p.payoutInsurance, p.debtPaid) = _sell(s, closing);
        uint256 proceeds = p.payoutMain + p.payoutInsurance;
        uint256 rest = proceeds - p.debtPaid;
        p.fee = Fixed.min(PoolMath.fee(closing, proceeds), rest);
        p.toOwner = rest - p.fee;
        p.balanceAfter = s.balance + p.toOwner;
    }

    /// @inheritdoc IOptionsLens
    function previewLiquidation(
        address owner,
        address token,
        IOptionsTypes.PositionId calldata id
    ) external view returns (LiquidationPreview memory p) {
        Scene memory s = _look(owner, token, id, IOptionMarket.QuoteKind.Bid);
        p.refusal = _refusalToTouch(s);
        if (p.refusal == 0) p.refusal = s.unquoted;
        if (p.refusal != 0) return p;
        _addOthers(s);

        p.equity = _equity(s);
        p.maintenanceMargin = s.maintenanceMargin + Fixed.mulDivUp(s.notional, s.quote.maintenanceMargin, WAD);
        if (p.equity >= int256(p.maintenanceMargin)) {
            p.refusal = IOptionsTypes.PerpetualOptions_Healthy.selector;
            return p;
        }
        p.liquidatable = true;
        uint256 initialMargin = s.initialMargin + Fixed.mulDivUp(s.notional, s.quote.initialMargin, WAD);
        uint256 perUnit = Fixed.min(s.quote.value, PoolMath.CAP) + s.quote.initialMargin - LIQUIDATION_REWARD;
        p.notional = Fixed.fullMulDivUp(uint256(int256(initialMargin) - p.equity), WAD, perUnit);
        if (p.notional >= s.notional || s.notional - p.notional < s.sold.minNotional) p.notional = s.notional;

        (uint256 main, uint256 insurance, uint256 debtPaid) = _sell(s, p.notional);
        uint256 target = p.notional / 1000;
        uint256 fromAccount = Fixed.min(target, s.balance + main + insurance - debtPaid);
        uint256 free = Fixed.zeroFloorSub(s.cashInsurance, PoolMath.reserved(_sold(s) - p.notional, false));
        p.reward = fromAccount + Fixed.min(target - fromAccount, free);
    }

    // ── bounds ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionsLens
    /// @dev With notional n, value a and fee rate f: n·a ≤ premium < n·a + 1, fee = ⌈n·f⌉ (a minimum of two such is one), main gets at least half
    ///      of it and insurance more than a fifth less 1, and ⌈x + y⌉ ≤ ⌈x⌉ + ⌈y⌉. So each check holds wherever its linear form does with 1 to 3
    ///      units to spare.
    function openBounds(
        address owner,
        address token,
        uint16 marketId,
        int16 strike,
        bool isCall
    ) external view returns (OpenBounds memory bounds) {
        Scene memory s = _look(owner, token, IOptionsTypes.PositionId(marketId, strike, isCall), IOptionMarket.QuoteKind.Ask);
        if (!s.quoted) return bounds;
        _addOthers(s);
        uint256 ask = s.quote.value;
        uint256 total = _sold(s);
        uint256 side = isCall ? s.sold.callNotional : s.sold.putNotional;

        // Premium, fee and margin, each up. Owed and required amounts are not negative, so that the balance pays whatever the equity does.
        int256 room = _equity(s) - int256(s.initialMargin + Fixed.mulDivUp(s.notional, s.quote.initialMargin, WAD)) - 3;
        uint256 highFee = Fixed.min(WAD / 2000, (ask + 7) / 8);
        if (room > 0) bounds.margin = _units(uint256(room), ask + highFee + s.quote.initialMargin);

        uint256 lowFee = Fixed.min(WAD / 2000, ask / 8);
        uint256 income = ask + lowFee / 2; // of the main pool
        bounds.reserveMain = _units(_over(s.cashMain, PoolMath.reserved(total, true) + 1), PoolMath.CAP_MAIN - income);
        bounds.reserveInsurance = _units(
            _over(s.cashInsurance, PoolMath.reserved(total, false) + 2),
            PoolMath.CAP - PoolMath.CAP_MAIN - lowFee / 5
        );
        bounds.side = _units(_over((s.cashMain * 3) / 5, PoolMath.reserved(side, true) + 2), PoolMath.CAP_MAIN - (income * 3) / 5);
        bounds.width = type(uint88).max - side;
    }

    /// @dev How many units of notional use up `room` at `rate` each.
    function _units(uint256 room, uint256 rate) private pure returns (uint256) {
        return Fixed.fullMulDiv(room, WAD, rate);
    }

    function _over(uint256 cash, uint256 taken) private pure returns (uint256) {
        return Fixed.zeroFloorSub(cash, taken);
    }

    /// @inheritdoc IOptionsLens
    function maxOpen(address owner, address token, uint16 marketId, int16 strike, bool isCall) external view returns (uint256 notional) {
        try this.openBounds(owner, token, marketId, strike, isCall) returns (OpenBounds memory bounds) {
            notional = Fixed.min(Fixed.min(bounds.reserveMain, bounds.reserveInsurance), Fixed.min(bounds.side, bounds.width));
            notional = Fixed.min(notional, bounds.margin);
        } catch {
            return 0;
        }
        // `width` keeps it within 88 bits.
        IOptionsTypes.Order memory order = IOptionsTypes.Order({
            owner: owner,
            token: token,
            marketId: marketId,
            strike: strike,
            isCall: isCall,
            notional: uint112(notional),
            limit: type(uint256).max,
            deadline: block.timestamp
        });
        try this.previewOpen(order) returns (OpenPreview memory p) {
            if (p.refusal != 0) return 0;
        } catch {
            return 0;
        }
    }

    /// @inheritdoc IOptionsLens
    function maxWithdraw(address owner, address token) external view returns (uint256 amount) {
        if (_paused(token)) return 0;
        amount = vault.balanceOf(token, address(book), owner);
        if (book.positions(owner, token).length == 0) return amount;
        try book.accountHealth(owner, token) returns (IOptionsTypes.Health memory h) {
            int256 room = h.equity - int256(h.initialMargin);
            return room > 0 ? Fixed.min(amount, uint256(room)) : 0;
        } catch {
            return 0;
        }
    }

    /// @dev Asks a token that may be anything, or nothing.
    function _paused(address token) private view returns (bool) {
        (bool answered, bytes memory answer) = token.staticcall(abi.encodeWithSignature("paused()"));
        return answered && answer.length == 32 && abi.decode(answer, (uint256)) != 0;
    }

    // ── refusals, in the order in which the book meets them ────────────────────────────────────────────────────────────────
    function _refusalBeforePrice(IOptionsTypes.Order calldata order, Scene memory s) private view returns (bytes4) {
        if (block.timestamp > order.deadline) return IOptionsTypes.PerpetualOptions_Expired.selector;
        if (order.notional == 0) return IOptionsTypes.PerpetualOptions_ZeroNotional.selector;
        if (!_listed(s)) return IOptionsTypes.PerpetualOptions_UnknownToken.selector;
        if (s.sold.closeOnly) return IOptionsTypes.PerpetualOptions_CloseOnly.selector;
        if (book.openingPausedUntil(order.marketId) > block.timestamp) {
            return IOptionsTypes.PerpetualOptions_OpeningPaused.selector;
        }
        if (address(s.market) == address(0)) return IOptionsTypes.PerpetualOptions_UnknownMarket.selector;
        return s.unquoted;
    }

    function _refusalAtPrice(
        IOptionsTypes.Order calldata order,
        Scene memory s,
        OpenPreview memory p
    ) private view returns (bytes4 refusal) {
        if (p.premium > order.limit) return IOptionsTypes.PerpetualOptions_PremiumAboveLimit.selector;
        if (p.premium + p.fee > s.balance) return IOptionsTypes.PerpetualOptions_InsufficientBalance.selector;
        uint256 notional = s.notional + order.notional;
        if (notional < s.sold.minNotional) return IOptionsTypes.PerpetualOptions_BelowMinimum.selector;
        if (s.notional == 0 && s.positionCount == PackedSet.LIMIT) {
            return IOptionsTypes.PerpetualOptions_TooManyPositions.selector;
        }
        uint256 side = uint256(order.isCall ? s.sold.callNotional : s.sold.putNotional) + order.notional;
        if (side > type(uint88).max) return IOptionsTypes.PerpetualOptions_NotionalTooLarge.selector;
        refusal = _refusalOfStrike(s);
        if (refusal != 0) return refusal;
        if (p.cashMainAfter < p.reservedMainAfter || p.cashInsuranceAfter < p.reservedInsuranceAfter) {
            return IOptionsTypes.PerpetualOptions_InsufficientReserve.selector;
        }
        if (PoolMath.reserved(side, true) > (p.cashMainAfter * 3) / 5) return IOptionsTypes.PerpetualOptions_SideLimit.selector;
        if (p.equityAfter < int256(p.initialMarginAfter)) return IOptionsTypes.PerpetualOptions_InsufficientMargin.selector;
    }

    /// @dev The caps on live strikes and on markets, when this is the pools' first notional at the strike.
    function _refusalOfStrike(Scene memory s) private view returns (bytes4) {
        (bool found, IOptionsTypes.MarketState memory sold) = _marketOf(s, s.id.marketId);
        for (uint256 i; i < sold.strikes.length; ++i) {
            (int16 strike, , ) = sold.strikes[i].unpack();
            if (strike == s.id.strike) return 0;
        }
        if (sold.strikes.length == MAX_STRIKES) return IOptionsTypes.PerpetualOptions_TooManyStrikes.selector;
        if (!found && s.pool.markets.length == MAX_MARKETS) return IOptionsTypes.PerpetualOptions_TooManyMarkets.selector;
        if (s.market.liveCount() == StrikeGrid.MAX_LIVE && !s.market.isLive(s.id.strike)) {
            return IOptionMarket.OptionMarket_TooManyLiveStrikes.selector;
        }
        return 0;
    }

    function _refusalToTouch(Scene memory s) private pure returns (bytes4) {
        if (!_listed(s)) return IOptionsTypes.PerpetualOptions_UnknownToken.selector;
        if (address(s.market) == address(0)) return IOptionsTypes.PerpetualOptions_UnknownMarket.selector;
        if (s.notional == 0) return IOptionsTypes.PerpetualOptions_NoPosition.selector;
        return 0;
    }

    // ── the scene ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @dev Looks as far as there is something to see: token and market known, position, price, everything else.
    function _look(
        address owner,
        address token,
        IOptionsTypes.PositionId memory id,
        IOptionMarket.QuoteKind kind
    ) private view returns (Scene memory s) {
        (s.owner, s.token, s.id) = (owner, token, id);
        s.sold = book.tokenBook(token);
        s.market = book.market(id.marketId);
        if (!_listed(s) || address(s.market) == address(0)) return s;
        IOptionsTypes.Position memory held = book.position(owner, token, id);
        s.notional = held.notional;
        try s.market.quote(id.strike, id.isCall, kind) returns (IOptionMarket.Quote memory quote) {
            (s.quoted, s.quote) = (true, quote);
        } catch (bytes memory reason) {
            s.unquoted = reason.length < 4 ? OptionsLens_NoReason.selector : bytes4(reason);
            return s;
        }
        s.pool = book.poolState(token, Layer.Main);
        uint256[3] memory balances = vault.balancesOf(token, address(book), [owner, s.sold.mainPool, s.sold.insurancePool]);
        (s.balance, s.cashMain, s.cashInsurance) = (balances[0], balances[1] - s.sold.treasuryDue, balances[2]);
        (s.debtMain, s.debtInsurance) = book.debtOf(owner, token);
        if (held.notional != 0) _settle(s, held);
        else _collect(s);
    }

    /// @dev What the touched position owes joins the debt for a moment. Older debt comes first, and none of it is left before this is split.
    function _settle(Scene memory s, IOptionsTypes.Position memory held) private pure {
        _collect(s);
        uint256 funding = PoolMath.fundingOwed(held.notional, s.quote.fundingIndex - held.fundingIndex);
        uint256 rent = PoolMath.rentOwed(held.notional, s.pool.rentIndex - held.rentIndex);
        uint256 insurance = PoolMath.insurancePart(funding, rent);
        (s.debtMain, s.debtInsurance) = (s.debtMain + funding + rent - insurance, s.debtInsurance + insurance);
        _collect(s);
    }

    function _collect(Scene memory s) private pure {
        uint256 paid = Fixed.min(s.balance, s.debtMain + s.debtInsurance);
        s.balance -= paid;
        _payDebt(s, paid);
    }

    function _payDebt(Scene memory s, uint256 amount) private pure {
        (uint256 main, uint256 insurance) = PoolMath.split(amount, s.debtMain, s.debtInsurance);
        (s.debtMain, s.debtInsurance) = (s.debtMain - main, s.debtInsurance - insurance);
        (s.cashMain, s.cashInsurance) = (s.cashMain + main, s.cashInsurance + insurance);
    }

    /// @dev Takes the payout of `notional` from the pools and pays debt out of it.
    function _sell(Scene memory s, uint256 notional) private pure returns (uint256 main, uint256 insurance, uint256 debtPaid) {
        (main, insurance) = PoolMath.layers(s.quote.value);
        (main, insurance) = ((notional * main) / WAD, (notional * insurance) / WAD);
        (s.cashMain, s.cashInsurance) = (s.cashMain - main, s.cashInsurance - insurance);
        debtPaid = Fixed.min(main + insurance, s.debtMain + s.debtInsurance);
        _payDebt(s, debtPaid);
    }

    /// @dev What the account's other positions owe and require. Those in the touched market stand as its poke would leave them, the others as
    ///      accrual alone would.
    function _addOthers(Scene memory s) private view {
        IOptionsTypes.PositionId[] memory ids = book.positions(s.owner, s.token);
        s.positionCount = ids.length;
        for (uint256 i; i < ids.length; ++i) {
            IOptionsTypes.PositionId memory id = ids[i];
            bool sameMarket = id.marketId == s.id.marketId;
            if (sameMarket && id.strike == s.id.strike && id.isCall == s.id.isCall) continue;
            IOptionsTypes.Position memory held = book.position(s.owner, s.token, id);
            (uint256 funding, uint256 initial, uint256 maintenance) = sameMarket
                ? (
                    s.market.quote(id.strike, id.isCall, IOptionMarket.QuoteKind.Mark).fundingIndex,
                    s.quote.initialMargin,
                    s.quote.maintenanceMargin
                )
                : book.market(id.marketId).fundingAndMargin(id.strike);
            (, IOptionsTypes.MarketState memory sold) = _marketOf(s, id.marketId);
            uint256 rent = sold.frozen ? sold.frozenRentIndex : s.pool.rentIndex;
            s.owed +=
                PoolMath.fundingOwed(held.notional, funding - held.fundingIndex) + PoolMath.rentOwed(held.notional, rent - held.rentIndex);
            s.initialMargin += Fixed.mulDivUp(held.notional, initial, WAD);
            s.maintenanceMargin += Fixed.mulDivUp(held.notional, maintenance, WAD);
        }
    }

    /// @dev Empty when the pools have nothing in that market.
    function _marketOf(Scene memory s, uint16 marketId) private pure returns (bool found, IOptionsTypes.MarketState memory sold) {
        for (uint256 i; i < s.pool.markets.length; ++i) {
            if (s.pool.markets[i].marketId == marketId) return (true, s.pool.markets[i]);
        }
    }

    function _listed(Scene memory s) private pure returns (bool) {
        return s.sold.minNotional != 0;
    }

    function _sold(Scene memory s) private pure returns (uint256) {
        return uint256(s.sold.callNotional) + s.sold.putNotional;
    }

    function _equity(Scene memory s) private pure returns (int256) {
        return int256(s.balance) - int256(s.debtMain + s.debtInsurance + s.owed);
    }

    /// @dev Time value of the position times what the variance clock runs in the next 24 hours, at the variance that the poke leaves.
    function _fundingPerDay(Scene memory s, uint256 notional) private view returns (uint256) {
        IOptionMarket.Config memory config = s.market.config();
        IOptionMarket.Constants memory constants = s.market.constants();
        (IOptionMarket.State memory state, ) = s.market.peek();
        ISessionCalendar calendar = s.market.calendar();
        (uint256 day, uint256 year) = address(calendar) == address(0)
            ? (1 days * WAD, 365 days * WAD)
            : (calendar.weightedSeconds(block.timestamp, block.timestamp + 1 days), calendar.yearSeconds());
        uint256 speed = (Fixed.clamp(state.variance, config.minVariance, config.maxVariance) * (WAD + config.loading)) / WAD;
        uint256 clockRun = Fixed.fullMulDiv(speed * day, WAD, config.varianceBudget * year);
        uint256 timeValue =
            EverlastingMath.value(s.quote.price, s.quote.strikePrice, true, constants.u, constants.b) -
                EverlastingMath.intrinsic(s.quote.price, s.quote.strikePrice, true);
        return Fixed.mulDivUp(notional, (timeValue * clockRun) / WAD, WAD);
    }
}
