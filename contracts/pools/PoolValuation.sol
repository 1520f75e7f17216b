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
        nav = _start(pool, forDeposit);
        for (uint256 i; i < pool.markets.length; ++i) {
            IPerpetualOptions.MarketState memory sold = pool.markets[i];
            (PriceStatus status, uint40 updatedAt, IOptionMarket.BookValue memory value) = sold.market.refreshAndValue(
                sold.strikes,
                !forDeposit
            );
            bool open = status == PriceStatus.Open;
            if (open && updatedAt < earliest) {
                revert IUnderwritingPool.UnderwritingPool_PriceTooOld(sold.marketId, updatedAt, earliest);
            }
            bool frozen = !open && _frozen(sold.market);
            // The index that this records is the one just accrued.
            if (frozen && !sold.frozen) book.freeze(token, sold.marketId);
            uint256 blind = _add(nav, sold, value, pool.rentIndex, layer == Layer.Main, forDeposit, open || frozen);
            if (blind != 0) revert IUnderwritingPool.UnderwritingPool_MarketNotOpen(sold.marketId, blind, nav.cash / BLIND_SHARE);
        }
        _finish(nav);
    }

    /// @notice Value at the stored prices, accrued to now.
    /// @return nav The value.
    /// @return blind A market that cannot be valued now reserves too much of the pool for anybody to enter or leave.
    function stored(
        IPerpetualOptions book,
        address token,
        Layer layer,
        bool forDeposit
    ) internal view returns (IUnderwritingPool.Nav memory nav, bool blind) {
        IPerpetualOptions.PoolState memory pool = book.poolState(token, layer);
        nav = _start(pool, forDeposit);
        for (uint256 i; i < pool.markets.length; ++i) {
            IPerpetualOptions.MarketState memory sold = pool.markets[i];
            IOptionMarket.BookValue memory value = sold.market.valueBook(sold.strikes, !forDeposit);
            (, PriceStatus status) = sold.market.peek();
            bool valued = status == PriceStatus.Open || _frozen(sold.market);
            if (_add(nav, sold, value, pool.rentIndex, layer == Layer.Main, forDeposit, valued) != 0) blind = true;
        }
        _finish(nav);
    }

    function _frozen(IOptionMarket market) private view returns (bool) {
        return market.phase() == IOptionMarket.Phase.Frozen;
    }

    function _start(IPerpetualOptions.PoolState memory pool, bool forDeposit) private pure returns (IUnderwritingPool.Nav memory nav) {
        (nav.cash, nav.reserved) = (pool.cash, pool.reserved);
        if (forDeposit) nav.debt = pool.debt;
    }

    function _finish(IUnderwritingPool.Nav memory nav) private pure {
        nav.nav = Fixed.zeroFloorSub(nav.cash + nav.accrued + nav.debt, nav.liability);
    }

    /// @dev A market that is not `valued` counts as nothing for a deposit, and as paid out in full for a redemption.
    /// @return blind What such a market reserves, when it is too much; else 0.
    function _add(
        IUnderwritingPool.Nav memory nav,
        IPerpetualOptions.MarketState memory sold,
        IOptionMarket.BookValue memory value,
        uint256 rentIndex,
        bool main,
        bool forDeposit,
        bool valued
    ) private pure returns (uint256 blind) {
        uint256 funding = (value.funding - sold.fundingEntry) / PoolMath.INDEX;
        uint256 rent = (value.notional * (sold.frozen ? sold.frozenRentIndex : rentIndex) - sold.rentEntry) / PoolMath.INDEX;
        uint256 insurance = PoolMath.insurancePart(funding, rent);
        nav.accrued += main ? funding + rent - insurance : insurance;
        if (valued) {
            uint256 liability = main ? value.main : value.insurance;
            nav.liability += forDeposit ? liability / PoolMath.WAD : Fixed.divUp(liability, PoolMath.WAD);
        } else {
            uint256 locked = PoolMath.reserved(value.notional, main);
            if (locked * BLIND_SHARE > nav.cash) blind = locked;
            if (!forDeposit) nav.liability += locked;
        }
    }
}
