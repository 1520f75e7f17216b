// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";

import { PoolMath } from "../math/PoolMath.sol";
import { PriceStatus } from "../oracle/IPriceOracle.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";
import { IPerpetualOptions, Layer } from "../options/IPerpetualOptions.sol";
import { IUnderwritingPool } from "./IUnderwritingPool.sol";

/// @title What a pool is worth
/// @notice Visits the pool's live strikes, market by market. Deposits see liabilities at the bid and count debt (the higher value), redemptions
///         see them at the ask and count none (the lower): nobody enters or leaves at another LP's cost.
library PoolValuation {
    /// @dev A market that cannot be valued may hold up this share of a pool's cash.
    uint256 private constant BLIND_SHARE = 10;

    /// @notice Value at fresh prices: refreshes the pool's markets.
    /// @param earliest Oldest stamp that a price may carry.
    function fresh(
        IPerpetualOptions book,
        address token,
        Layer layer,
        bool forDeposit,
        uint40 earliest
    ) internal returns (IUnderwritingPool.Nav memory nav) {
        IPerpetualOptions.PoolState memory pool = book.accrueRent(token, layer);
        bool[] memory valued = new bool[](pool.markets.length);
        for (uint256 i; i < valued.length; ++i) {
            (PriceStatus status, uint40 updatedAt) = pool.markets[i].refresh();
            valued[i] = status == PriceStatus.Open;
            if (valued[i]) {
                if (updatedAt < earliest) revert IUnderwritingPool.UnderwritingPool_PriceTooOld(pool.marketIds[i], updatedAt, earliest);
            } else if (_frozen(pool.markets[i])) {
                valued[i] = true;
                if (!book.marketState(token, pool.marketIds[i]).frozen) book.freeze(token, pool.marketIds[i]);
            }
        }
        uint256[] memory locked;
        (nav, locked) = _value(book, token, pool, layer == Layer.Main, forDeposit, valued);
        for (uint256 i; i < valued.length; ++i) {
            if (!valued[i] && locked[i] * BLIND_SHARE > nav.cash) {
                revert IUnderwritingPool.UnderwritingPool_MarketNotOpen(pool.marketIds[i], locked[i], nav.cash / BLIND_SHARE);
            }
        }
    }

    /// @notice Value at the stored prices, accrued to now.
    /// @dev `blind`: a market that cannot be valued now reserves too much of the pool for anybody to enter or leave.
    function stored(
        IPerpetualOptions book,
        address token,
        Layer layer,
        bool forDeposit
    ) internal view returns (IUnderwritingPool.Nav memory nav, bool blind) {
        IPerpetualOptions.PoolState memory pool = book.poolState(token, layer);
        bool[] memory valued = new bool[](pool.markets.length);
        for (uint256 i; i < valued.length; ++i) {
            (, PriceStatus status) = pool.markets[i].peek();
            valued[i] = status == PriceStatus.Open || _frozen(pool.markets[i]);
        }
        uint256[] memory locked;
        (nav, locked) = _value(book, token, pool, layer == Layer.Main, forDeposit, valued);
        for (uint256 i; i < valued.length; ++i) blind = blind || (!valued[i] && locked[i] * BLIND_SHARE > nav.cash);
    }

    function _frozen(IOptionMarket market) private view returns (bool) {
        return market.phase() == IOptionMarket.Phase.Frozen;
    }

    /// @dev A market that is not `valued` counts as nothing for a deposit, and as paid out in full for a redemption.
    function _value(
        IPerpetualOptions book,
        address token,
        IPerpetualOptions.PoolState memory pool,
        bool main,
        bool forDeposit,
        bool[] memory valued
    ) private view returns (IUnderwritingPool.Nav memory nav, uint256[] memory locked) {
        nav.cash = pool.cash;
        nav.reserved = pool.reserved;
        if (forDeposit) nav.debt = pool.debt;
        locked = new uint256[](valued.length);
        for (uint256 i; i < valued.length; ++i) {
            IPerpetualOptions.MarketState memory sold = book.marketState(token, pool.marketIds[i]);
            (uint256 notional, uint256 accrued, uint256 liability) = _valueMarket(sold, pool.markets[i], pool.rentIndex, main, forDeposit);
            locked[i] = PoolMath.reserved(notional, main);
            nav.accrued += accrued;
            nav.liability += valued[i] ? liability : forDeposit ? 0 : locked[i];
        }
        nav.nav = Fixed.zeroFloorSub(nav.cash + nav.accrued + nav.debt, nav.liability);
    }

    function _valueMarket(
        IPerpetualOptions.MarketState memory sold,
        IOptionMarket market,
        uint256 rentIndex,
        bool main,
        bool forDeposit
    ) private view returns (uint256 notional, uint256 accrued, uint256 liability) {
        IOptionMarket.BookValue memory value = market.valueBook(sold.strikes, !forDeposit);
        notional = value.notional;
        liability = main ? value.main : value.insurance;
        liability = forDeposit ? liability / PoolMath.WAD : Fixed.divUp(liability, PoolMath.WAD);
        uint256 funding = (value.funding - sold.fundingEntry) / PoolMath.INDEX;
        uint256 rent = (notional * (sold.frozen ? sold.frozenRentIndex : rentIndex) - sold.rentEntry) / PoolMath.INDEX;
        uint256 insurance = PoolMath.insurancePart(funding, rent);
        accrued = main ? funding + rent - insurance : insurance;
    }
}
