// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";

import { PoolMath } from "../math/PoolMath.sol";
import { StrikeGrid } from "../math/StrikeGrid.sol";
import { StrikeNotional, StrikeNotionals } from "../math/StrikeNotional.sol";
import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";
import { DirectCalls } from "./DirectCalls.sol";
import { IOptionsTypes, Layer } from "./IOptionsTypes.sol";
import { PackedSet } from "./PackedSet.sol";
import { PoolAddress } from "./PoolAddress.sol";

/// @title The pools' side: what every margin token's two pools have sold, reserve, earn and are worth
/// @notice Nothing here loops over positions, LPs or tokens; a valuation visits the pools' live strikes.
abstract contract PoolBook is IOptionsTypes, AccessManaged, ReentrancyGuardTransient {
    using DirectCalls for ICollateralVault;
    using DirectCalls for IOptionMarket;
    using StrikeGrid for StrikeGrid.Bitmap;
    using PackedSet for PackedSet.Set;

    uint256 internal constant WAD = 1e18;
    uint256 internal constant MAX_STRIKES = 32;
    uint256 internal constant MAX_MARKETS = 8;
    /// @dev A market that cannot be valued may reserve up to this share of a pool's cash.
    uint256 private constant BLIND_SHARE = 10;

    /// @dev 160 + 40 = 200.
    struct Market {
        IOptionMarket market;
        uint40 pausedUntil;
    }

    struct MarketBook {
        // slot 0: Σ N·F_last
        uint256 fundingEntry;
        // slot 1: Σ N·R_last ≤ 2^(89 + 64); 160 + 64 + 8 + 8 = 240
        uint160 rentEntry;
        uint64 frozenRentIndex;
        uint8 liveCount;
        bool frozen;
        StrikeGrid.Bitmap live;
        mapping(int16 strike => StrikeNotional) strikes;
    }

    struct Book {
        // slot 0: 88 + 88 + 80 = 256. The treasury's part of the fees stays in the main pool's entry until it is collected
        uint88 callNotional;
        uint88 putNotional;
        uint80 treasuryDue;
        // slot 1: 64 + 32 + 88 + 8 = 192. `minNotional` zero: not listed
        uint64 rentIndex;
        uint32 rentAccruedAt;
        uint88 minNotional;
        bool closeOnly;
        // slots 2, 3: the markets in which the pools have notional; its flag tells of debts
        PackedSet.Set marketIds;
        // slot 4
        uint128 debtMain;
        uint128 debtInsurance;
        // slot 5
        uint256 forgiven;
        mapping(uint16 marketId => MarketBook) markets;
    }

    ICollateralVault internal immutable _vault;
    address internal immutable _treasury;
    address private immutable mainDeployer;
    address private immutable insuranceDeployer;

    mapping(uint16 marketId => Market) internal markets;
    uint16 internal _marketCount;
    mapping(address token => Book) internal books;

    constructor(ICollateralVault vault_, address treasury_, address mainDeployer_, address insuranceDeployer_) {
        if (address(vault_) == address(0) || treasury_ == address(0) || mainDeployer_ == address(0) || insuranceDeployer_ == address(0)) {
            revert PerpetualOptions_ZeroAddress();
        }
        _vault = vault_;
        _treasury = treasury_;
        mainDeployer = mainDeployer_;
        insuranceDeployer = insuranceDeployer_;
    }

    // ── lookup ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    function _book(address token) internal view returns (Book storage book) {
        book = books[token];
        if (book.minNotional == 0) revert PerpetualOptions_UnknownToken(token);
    }

    function _market(uint16 marketId) internal view returns (IOptionMarket market_) {
        market_ = markets[marketId].market;
        if (address(market_) == address(0)) revert PerpetualOptions_UnknownMarket(marketId);
    }

    // ── reserves and rent ──────────────────────────────────────────────────────────────────────────────────────────────────
    function _notional(Book storage book) internal view returns (uint256) {
        return uint256(book.callNotional) + book.putNotional;
    }

    function _pools(address token) internal view returns (address main, address insurance) {
        bytes32 salt = PoolAddress.salt(address(this), token);
        return (PoolAddress.at(mainDeployer, salt), PoolAddress.at(insuranceDeployer, salt));
    }

    /// @dev The third entry asked for is the main pool's again: a slot that costs nothing more.
    function _cash(address token) internal view returns (uint256 main, uint256 insurance) {
        (address mainPool, address insurancePool) = _pools(token);
        uint256[3] memory balances;
        _vault.balancesOf(token, [mainPool, insurancePool, mainPool], balances);
        return (balances[0] - books[token].treasuryDue, balances[1]);
    }

    function _checkReserve(Layer layer, uint256 cash, uint256 reserved) internal pure {
        if (cash < reserved) revert PerpetualOptions_InsufficientReserve(layer, cash, reserved);
    }

    /// @dev The utilisation since the last operation is the one that stands before this one: nothing outside moves cash or reserves.
    function _rentIndexNow(
        Book storage book,
        uint256 notional,
        uint256 cashMain,
        uint256 cashInsurance
    ) internal view returns (uint256 index) {
        index = book.rentIndex;
        unchecked {
            uint256 elapsed = block.timestamp - book.rentAccruedAt;
            if (elapsed == 0) return index;
            index += PoolMath.rentGrowth(notional, cashMain, cashInsurance, elapsed);
        }
        // Reached after 30 years at the highest rate: rent ends, and nothing is stuck.
        return Fixed.min(index, type(uint64).max);
    }

    function _accrueRent(Book storage book, uint256 notional, uint256 cashMain, uint256 cashInsurance) internal returns (uint256 index) {
        index = _rentIndexNow(book, notional, cashMain, cashInsurance);
        book.rentIndex = uint64(index);
        book.rentAccruedAt = uint32(block.timestamp);
    }

    /// @dev Rent index that positions of a market owe up to.
    function _rentIndexOf(MarketBook storage mb, uint256 indexNow) internal view returns (uint256) {
        return mb.frozen ? mb.frozenRentIndex : indexNow;
    }

    function _freeze(MarketBook storage mb, address token, uint16 marketId, uint256 index) internal {
        mb.frozen = true;
        mb.frozenRentIndex = uint64(index);
        emit Freeze(token, marketId, uint64(index));
    }

    /// @dev Adds or removes notional at a strike, and keeps the sets of live strikes and of markets. The book's own totals are the caller's to change.
    function _changeNotional(
        Book storage book,
        MarketBook storage mb,
        PositionId memory id,
        uint256 oldNotional,
        uint256 newNotional
    ) internal {
        StrikeNotional sold = mb.strikes[id.strike];
        (uint256 calls, uint256 puts) = (sold.calls(), sold.puts());
        uint256 before = calls + puts;
        if (id.isCall) calls = calls + newNotional - oldNotional;
        else puts = puts + newNotional - oldNotional;
        mb.strikes[id.strike] = StrikeNotionals.pack(id.strike, uint112(calls), uint112(puts)); // each at most the book's own
        if (before != 0 && calls + puts != 0) return;
        if (before == 0) {
            if (mb.liveCount == MAX_STRIKES) revert PerpetualOptions_TooManyStrikes(MAX_STRIKES);
            if (mb.liveCount == 0) {
                if (book.marketIds.count() == MAX_MARKETS) revert PerpetualOptions_TooManyMarkets(MAX_MARKETS);
                book.marketIds.add(id.marketId);
            }
            ++mb.liveCount;
        } else if (--mb.liveCount == 0) {
            book.marketIds.remove(id.marketId);
        }
        mb.live.toggle(id.strike);
        markets[id.marketId].market.setLive(id.strike, before == 0);
    }

    // ── value ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @dev At fresh prices, or (a view in all but name) at the stored ones.
    function _valuePool(address token, Layer layer, bool forDeposit) internal returns (PoolValue memory v, Obstacles memory o) {
        Book storage book = _book(token);
        uint256 rentIndex;
        (v, rentIndex) = _startValue(book, token, layer, forDeposit);
        book.rentIndex = uint64(rentIndex);
        book.rentAccruedAt = uint32(block.timestamp);
        o.oldestPriceAt = type(uint40).max;
        uint256 count = book.marketIds.count();
        for (uint256 i; i < count; ++i) {
            uint16 marketId = uint16(book.marketIds.at(i));
            MarketBook storage mb = book.markets[marketId];
            IOptionMarket market_ = markets[marketId].market;
            IOptionMarket.BookValue memory value;
            (bool valued, uint40 updatedAt) = market_.pokeAndValue(!forDeposit, _strikesOf(mb), value);
            if (valued) {
                if (updatedAt < o.oldestPriceAt) (o.oldestMarket, o.oldestPriceAt) = (marketId, updatedAt);
            } else if (_isFrozen(market_)) {
                valued = true;
                if (!mb.frozen) _freeze(mb, token, marketId, rentIndex);
            }
            _addMarket(v, o, mb, marketId, value, rentIndex, layer == Layer.Main, forDeposit, valued);
        }
        v.nav = Fixed.zeroFloorSub(v.cash + v.accrued + v.debt, v.liability);
    }

    function _startValue(
        Book storage book,
        address token,
        Layer layer,
        bool forDeposit
    ) internal view returns (PoolValue memory v, uint256 rentIndex) {
        (uint256 cashMain, uint256 cashInsurance) = _cash(token);
        bool main = layer == Layer.Main;
        v.cash = main ? cashMain : cashInsurance;
        v.reserved = PoolMath.reserved(_notional(book), main);
        if (forDeposit) v.debt = _debt(book, main);
        rentIndex = _rentIndexNow(book, _notional(book), cashMain, cashInsurance);
    }

    function _debt(Book storage book, bool main) internal view returns (uint256) {
        if (!book.marketIds.flagged()) return 0;
        return main ? book.debtMain : book.debtInsurance;
    }

    /// @dev The array of live strikes becomes that of what is sold at them.
    function _strikesOf(MarketBook storage mb) internal view returns (StrikeNotional[] memory sold) {
        int16[] memory live = mb.live.members(mb.liveCount);
        mapping(int16 strike => StrikeNotional) storage strikes = mb.strikes;
        assembly ("memory-safe") {
            sold := live
            let end := add(add(live, 0x20), shl(5, mload(live)))
            mstore(0x20, strikes.slot)
            for {
                let at := add(live, 0x20)
            } lt(at, end) {
                at := add(at, 0x20)
            } {
                mstore(0, mload(at))
                mstore(at, sload(keccak256(0, 0x40)))
            }
        }
    }

    function _isFrozen(IOptionMarket market_) internal view returns (bool) {
        return market_.phase() == IOptionMarket.Phase.Frozen;
    }

    /// @dev Adds what the pool has sold in one market. One that is not `valued` counts as nothing for a deposit, and as paid out in full for a redemption.
    function _addMarket(
        PoolValue memory v,
        Obstacles memory o,
        MarketBook storage mb,
        uint16 marketId,
        IOptionMarket.BookValue memory value,
        uint256 rentIndex,
        bool main,
        bool forDeposit,
        bool valued
    ) internal view {
        uint256 funding = (value.funding - mb.fundingEntry) / PoolMath.INDEX;
        uint256 rent = (value.notional * _rentIndexOf(mb, rentIndex) - mb.rentEntry) / WAD;
        uint256 insurance = PoolMath.insurancePart(funding, rent);
        v.accrued += main ? funding + rent - insurance : insurance;
        if (valued) {
            uint256 liability = main ? value.main : value.insurance;
            v.liability += forDeposit ? liability / WAD : Fixed.divUp(liability, WAD);
        } else {
            uint256 locked = PoolMath.reserved(value.notional, main);
            if (locked * BLIND_SHARE > v.cash) (o.blindMarket, o.blindLocked) = (marketId, locked);
            if (!forDeposit) v.liability += locked;
        }
    }
}
