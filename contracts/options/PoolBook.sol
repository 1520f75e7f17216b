// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { SafeCastLib as Cast } from "@solady/src/utils/SafeCastLib.sol";

import { PoolMath } from "../math/PoolMath.sol";
import { StrikeGrid } from "../math/StrikeGrid.sol";
import { StrikeNotional, StrikeNotionals } from "../math/StrikeNotional.sol";
import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";
import { IPerpetualOptions, Layer } from "./IPerpetualOptions.sol";
import { PackedSet } from "./PackedSet.sol";
import { PoolAddress } from "./PoolAddress.sol";
import { PositionKeys } from "./PositionKeys.sol";

/// @title The pools' side: what every margin token's two pools have sold, reserve and earn
/// @notice Nothing here loops over positions, LPs or tokens. What the options are worth is for the pools to say: they read this book.
abstract contract PoolBook is IPerpetualOptions, AccessManaged, ReentrancyGuardTransient {
    using StrikeGrid for StrikeGrid.Bitmap;
    using PackedSet for PackedSet.Set;

    uint256 internal constant WAD = 1e18;
    uint256 internal constant MAX_STRIKES = 32;
    uint256 internal constant MAX_MARKETS = 8;
    uint256 private constant MAX_PAUSE = 7 days;

    /// @dev 160 + 40 = 200.
    struct Market {
        IOptionMarket market;
        uint40 pausedUntil;
    }

    struct MarketBook {
        // slot 0: Σ N·F_last
        uint256 fundingEntry;
        // slot 1: Σ N·R_last ≤ 2^(112 + 96); 208 + 8 + 8 = 224
        uint208 rentEntry;
        uint8 liveCount;
        bool frozen;
        // slot 2: read only when frozen
        uint96 frozenRentIndex;
        StrikeGrid.Bitmap live;
        mapping(int16 strike => StrikeNotional) strikes;
    }

    struct Book {
        // slot 0: 112 + 112 = 224
        uint112 callNotional;
        uint112 putNotional;
        // slot 1: 96 + 32 + 88 + 8 = 224. `minNotional` zero: not listed
        uint96 rentIndex;
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

    /// @inheritdoc IPerpetualOptions
    ICollateralVault public immutable vault;
    /// @inheritdoc IPerpetualOptions
    address public immutable treasury;
    address private immutable mainDeployer;
    address private immutable insuranceDeployer;

    mapping(uint16 marketId => Market) internal markets;
    /// @inheritdoc IPerpetualOptions
    uint16 public marketCount;
    mapping(address token => Book) internal books;

    constructor(
        address authority_,
        ICollateralVault vault_,
        address treasury_,
        address mainDeployer_,
        address insuranceDeployer_
    ) AccessManaged(authority_) {
        if (address(vault_) == address(0) || treasury_ == address(0) || mainDeployer_ == address(0) || insuranceDeployer_ == address(0)) {
            revert PerpetualOptions_ZeroAddress();
        }
        vault = vault_;
        treasury = treasury_;
        mainDeployer = mainDeployer_;
        insuranceDeployer = insuranceDeployer_;
    }

    // ── pools only ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IPerpetualOptions
    function payRedemption(address token, Layer layer, uint256 amount) external nonReentrant {
        Book storage book = _poolBook(token, layer);
        (uint256 cashMain, uint256 cashInsurance) = _cash(token);
        _accrueRent(book, cashMain, cashInsurance);
        bool main = layer == Layer.Main;
        uint256 left = Fixed.zeroFloorSub(main ? cashMain : cashInsurance, amount);
        _checkReserve(layer, left, PoolMath.reserved(_notional(book), main));
        emit PayRedemption(token, layer, amount);
        vault.release(token, msg.sender, msg.sender, amount);
    }

    function _poolBook(address token, Layer layer) private view returns (Book storage book) {
        book = _book(token);
        (address mainPool, address insurancePool) = _pools(token);
        if (msg.sender != (layer == Layer.Main ? mainPool : insurancePool)) revert PerpetualOptions_NotPool(msg.sender);
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
        uint256[3] memory balances = vault.balancesOf(token, address(this), [mainPool, insurancePool, mainPool]);
        return (balances[0], balances[1]);
    }

    function _checkReserve(Layer layer, uint256 cash, uint256 reserved) internal pure {
        if (cash < reserved) revert PerpetualOptions_InsufficientReserve(layer, cash, reserved);
    }

    /// @dev The utilisation since the last operation is the one that stands before this one: nothing outside moves cash or reserves.
    function _rentIndexNow(Book storage book, uint256 cashMain, uint256 cashInsurance) internal view returns (uint256) {
        uint256 elapsed = block.timestamp - book.rentAccruedAt;
        if (elapsed == 0) return book.rentIndex;
        return book.rentIndex + PoolMath.rentGrowth(_notional(book), cashMain, cashInsurance, elapsed);
    }

    function _accrueRent(Book storage book, uint256 cashMain, uint256 cashInsurance) internal returns (uint256 index) {
        index = _rentIndexNow(book, cashMain, cashInsurance);
        book.rentIndex = Cast.toUint96(index);
        book.rentAccruedAt = Cast.toUint32(block.timestamp);
    }

    /// @dev Rent index that positions of a market owe up to.
    function _rentIndexOf(MarketBook storage mb, uint256 indexNow) internal view returns (uint256) {
        return mb.frozen ? mb.frozenRentIndex : indexNow;
    }

    /// @inheritdoc IPerpetualOptions
    function freeze(address token, uint16 marketId) external nonReentrant {
        Book storage book = _book(token);
        MarketBook storage mb = book.markets[marketId];
        if (_market(marketId).phase() != IOptionMarket.Phase.Frozen || mb.liveCount == 0 || mb.frozen) {
            revert PerpetualOptions_NotFreezable(token, marketId);
        }
        (uint256 cashMain, uint256 cashInsurance) = _cash(token);
        _freeze(mb, token, marketId, _accrueRent(book, cashMain, cashInsurance));
    }

    function _freeze(MarketBook storage mb, address token, uint16 marketId, uint256 index) internal {
        mb.frozen = true;
        mb.frozenRentIndex = uint96(index);
        emit Freeze(token, marketId, uint96(index));
    }

    /// @dev Adds or removes notional at a strike, and keeps the sets of live strikes and of markets.
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
        if (id.isCall) {
            calls = calls + newNotional - oldNotional;
            book.callNotional = Cast.toUint112(book.callNotional + newNotional - oldNotional);
        } else {
            puts = puts + newNotional - oldNotional;
            book.putNotional = Cast.toUint112(book.putNotional + newNotional - oldNotional);
        }
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

    // ── what pools value themselves from ───────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IPerpetualOptions
    function accrueRent(address token, Layer layer) external nonReentrant returns (PoolState memory) {
        Book storage book = _book(token);
        (uint256 cashMain, uint256 cashInsurance) = _cash(token);
        return _poolState(book, layer, _accrueRent(book, cashMain, cashInsurance), cashMain, cashInsurance);
    }

    /// @inheritdoc IPerpetualOptions
    function poolState(address token, Layer layer) external view returns (PoolState memory) {
        Book storage book = _book(token);
        (uint256 cashMain, uint256 cashInsurance) = _cash(token);
        return _poolState(book, layer, _rentIndexNow(book, cashMain, cashInsurance), cashMain, cashInsurance);
    }

    function _poolState(
        Book storage book,
        Layer layer,
        uint256 index,
        uint256 cashMain,
        uint256 cashInsurance
    ) private view returns (PoolState memory state) {
        bool main = layer == Layer.Main;
        state.cash = main ? cashMain : cashInsurance;
        state.reserved = PoolMath.reserved(_notional(book), main);
        if (book.marketIds.flagged()) state.debt = main ? book.debtMain : book.debtInsurance;
        state.rentIndex = index;
        state.markets = new MarketState[](book.marketIds.count());
        for (uint256 i; i < state.markets.length; ++i) state.markets[i] = _marketState(book, uint16(book.marketIds.at(i)));
    }

    function _marketIds(Book storage book) private view returns (uint16[] memory ids) {
        ids = new uint16[](book.marketIds.count());
        for (uint256 i; i < ids.length; ++i) ids[i] = uint16(book.marketIds.at(i));
    }

    /// @inheritdoc IPerpetualOptions
    function marketState(address token, uint16 marketId) external view returns (MarketState memory) {
        return _marketState(books[token], marketId);
    }

    function _marketState(Book storage book, uint16 marketId) private view returns (MarketState memory state) {
        MarketBook storage mb = book.markets[marketId];
        int16[] memory live = mb.live.members(mb.liveCount);
        state.marketId = marketId;
        state.market = markets[marketId].market;
        state.strikes = new StrikeNotional[](live.length);
        for (uint256 i; i < live.length; ++i) state.strikes[i] = mb.strikes[live[i]];
        state.fundingEntry = mb.fundingEntry;
        state.rentEntry = mb.rentEntry;
        state.frozen = mb.frozen;
        if (state.frozen) state.frozenRentIndex = mb.frozenRentIndex;
    }

    // ── governance ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IPerpetualOptions
    function addMarket(IOptionMarket market_) external restricted returns (uint16 marketId) {
        if (market_.book() != address(this)) revert PerpetualOptions_ForeignMarket(address(market_), market_.book());
        marketId = marketCount++;
        if (marketId >= PositionKeys.MAX_MARKETS) {
            revert PerpetualOptions_OutOfBounds("marketId", marketId, 0, PositionKeys.MAX_MARKETS - 1);
        }
        markets[marketId].market = market_;
        emit AddMarket(marketId, address(market_));
    }

    /// @inheritdoc IPerpetualOptions
    function listToken(address token, uint88 minNotional) external restricted {
        Book storage book = books[token];
        if (book.minNotional != 0) revert PerpetualOptions_AlreadyListed(token);
        _checkMinimum(minNotional);
        (address mainPool, address insurancePool) = _pools(token);
        book.minNotional = minNotional;
        book.rentAccruedAt = Cast.toUint32(block.timestamp);
        emit ListToken(token, mainPool, insurancePool, minNotional);
        vault.seal(token, mainPool);
        vault.seal(token, insurancePool);
    }

    /// @inheritdoc IPerpetualOptions
    function setToken(address token, uint88 minNotional, bool closeOnly) external restricted {
        Book storage book = _book(token);
        _checkMinimum(minNotional);
        book.minNotional = minNotional;
        book.closeOnly = closeOnly;
        emit SetToken(token, minNotional, closeOnly);
    }

    /// @inheritdoc IPerpetualOptions
    function pauseOpening(uint16 marketId, uint40 until) external restricted {
        _market(marketId);
        if (until > block.timestamp + MAX_PAUSE) revert PerpetualOptions_OutOfBounds("until", until, 0, block.timestamp + MAX_PAUSE);
        markets[marketId].pausedUntil = until;
        emit PauseOpening(marketId, until);
    }

    function _checkMinimum(uint256 minNotional) private pure {
        if (minNotional == 0) revert PerpetualOptions_OutOfBounds("minNotional", 0, 1, type(uint88).max);
    }

    function _book(address token) internal view returns (Book storage book) {
        book = books[token];
        if (book.minNotional == 0) revert PerpetualOptions_UnknownToken(token);
    }

    function _market(uint16 marketId) internal view returns (IOptionMarket market_) {
        market_ = markets[marketId].market;
        if (address(market_) == address(0)) revert PerpetualOptions_UnknownMarket(marketId);
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IPerpetualOptions
    function market(uint16 marketId) external view returns (IOptionMarket) {
        return markets[marketId].market;
    }

    /// @inheritdoc IPerpetualOptions
    function openingPausedUntil(uint16 marketId) external view returns (uint40) {
        return markets[marketId].pausedUntil;
    }

    /// @inheritdoc IPerpetualOptions
    function tokenBook(address token) external view returns (TokenBook memory) {
        Book storage book = books[token];
        (address mainPool, address insurancePool) = _pools(token);
        return
            TokenBook({
                mainPool: mainPool,
                insurancePool: insurancePool,
                minNotional: book.minNotional,
                closeOnly: book.closeOnly,
                callNotional: book.callNotional,
                putNotional: book.putNotional,
                rentIndex: book.rentIndex,
                rentAccruedAt: book.rentAccruedAt,
                debtMain: book.debtMain,
                debtInsurance: book.debtInsurance,
                forgiven: book.forgiven,
                marketIds: _marketIds(book)
            });
    }
}
