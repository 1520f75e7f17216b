// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { Nonces } from "@openzeppelin/contracts/utils/Nonces.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { SafeCastLib as Cast } from "@solady/src/utils/SafeCastLib.sol";

import { PoolMath } from "../math/PoolMath.sol";
import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { IOptionMarket } from "../market/IOptionMarket.sol";
import { PriceStatus } from "../oracle/IPriceOracle.sol";
import { IOptionsExtension } from "./IPerpetualOptions.sol";
import { Layer } from "./IOptionsTypes.sol";
import { OptionsBase } from "./OptionsBase.sol";
import { PackedSet } from "./PackedSet.sol";
import { PositionKeys } from "./PositionKeys.sol";

/// @title The rest of `PerpetualOptions`: settlement, operators, pledges, rarer closes, governance, views
/// @notice Runs on the storage of `PerpetualOptions`, which calls it for whatever it does not know itself. Its own storage has no token, no market and no
///         margin: who calls it directly finds nothing, and what he may write there (an operator, a pledge) nobody reads.
/// @dev May declare no storage before the base's: nonces come after it.
contract OptionsExtension is IOptionsExtension, OptionsBase, EIP712, Nonces {
    using PackedSet for PackedSet.Set;

    uint256 private constant MAX_PAUSE = 7 days;
    bytes32 private constant SET_OPERATOR_TYPEHASH = keccak256(
        "SetOperator(address owner,address operator,bool approved,uint256 nonce,uint256 deadline)"
    );

    constructor(
        address authority_,
        ICollateralVault vault_,
        address treasury_,
        address mainDeployer_,
        address insuranceDeployer_
    ) OptionsBase(authority_, vault_, treasury_, mainDeployer_, insuranceDeployer_) EIP712("Everstock Options", "1") {}

    // ── accounts ───────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionsExtension
    function settle(address owner, address token) external nonReentrant {
        Book storage book = _book(token);
        Account storage account = accounts[owner][token];
        uint256 count = account.keys.count();
        if (count == 0) return;
        Context memory c;
        (c.owner, c.token) = (owner, token);
        _loadLedger(c, book);
        uint256 dueMain;
        uint256 dueInsurance;
        for (uint256 i; i < count; ++i) {
            c.key = account.keys.at(i);
            c.id = PositionKeys.unpack(c.key);
            c.market = markets[c.id.marketId].market;
            if (c.market.phase() == IOptionMarket.Phase.Frozen) _ensureFrozen(c, book);
            (c.quote.fundingIndex, , ) = c.market.fundingAndMargin(c.id.strike);
            (uint256 main, uint256 insurance) = _settlePosition(c, book);
            _resize(c, book, c.notional);
            dueMain += main;
            dueInsurance += insurance;
        }
        _collect(c, dueMain, dueInsurance);
        _flush(c, book);
    }

    /// @inheritdoc IOptionsExtension
    function setOperator(address operator, bool approved) external {
        _setOperator(msg.sender, operator, approved);
    }

    /// @inheritdoc IOptionsExtension
    function setOperatorBySig(address owner, address operator, bool approved, uint256 deadline, bytes calldata signature) external {
        if (block.timestamp > deadline) revert PerpetualOptions_Expired(deadline, block.timestamp);
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(SET_OPERATOR_TYPEHASH, owner, operator, approved, _useNonce(owner), deadline))
        );
        if (!SignatureChecker.isValidSignatureNowCalldata(owner, digest, signature)) revert PerpetualOptions_InvalidSignature(owner);
        _setOperator(owner, operator, approved);
    }

    function _setOperator(address owner, address operator, bool approved) private {
        operators[owner][operator] = approved;
        emit SetOperator(owner, operator, approved);
    }

    /// @inheritdoc IOptionsExtension
    function payExecutor(address owner, address token, uint256 amount, address to) external nonReentrant {
        if (!executors[msg.sender]) revert PerpetualOptions_NotExecutor(msg.sender);
        if (!operators[owner][msg.sender]) revert PerpetualOptions_NotOperator(owner, msg.sender);
        bool pledged = _checkWithdrawal(owner, token, amount, false);
        _vault.release(token, owner, to, amount);
        // A fee of any size could otherwise carry pledged margin away.
        if (pledged) _checkPledge(owner, token);
    }

    /// @inheritdoc IOptionsExtension
    function pledge(address token, address pledgee) external nonReentrant {
        if (pledgee.code.length == 0) revert PerpetualOptions_ZeroAddress();
        address standing = pledgees[msg.sender][token];
        if (standing != address(0)) revert PerpetualOptions_Pledged(msg.sender, token, standing);
        _setPledgee(msg.sender, token, pledgee);
    }

    /// @inheritdoc IOptionsExtension
    function releasePledge(address owner, address token) external nonReentrant {
        _checkPledgee(owner, token);
        _setPledgee(owner, token, address(0));
    }

    /// @inheritdoc IOptionsExtension
    function withdrawPledged(address owner, address token, uint256 amount, address to) external nonReentrant {
        _checkPledgee(owner, token);
        _checkWithdrawal(owner, token, amount, true);
        emit Withdraw(owner, token, amount, to);
        _vault.withdrawFrom(token, owner, amount, to);
    }

    function _checkPledgee(address owner, address token) private view {
        if (pledgees[owner][token] != msg.sender) revert PerpetualOptions_NotPledgee(owner, token, msg.sender);
    }

    function _setPledgee(address owner, address token, address pledgee) private {
        pledgees[owner][token] = pledgee;
        accounts[owner][token].keys.setMark(pledgee != address(0));
        emit Pledge(owner, token, pledgee);
    }

    // ── keepers ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionsExtension
    function freeze(address token, uint16 marketId) external nonReentrant {
        Book storage book = _book(token);
        MarketBook storage mb = book.markets[marketId];
        if (_market(marketId).phase() != IOptionMarket.Phase.Frozen || mb.liveCount == 0 || mb.frozen) {
            revert PerpetualOptions_NotFreezable(token, marketId);
        }
        (uint256 cashMain, uint256 cashInsurance) = _cash(token);
        _freeze(mb, token, marketId, _accrueRent(book, _notional(book), cashMain, cashInsurance));
    }

    /// @inheritdoc IOptionsExtension
    function accrueRent(address token, Layer layer) external nonReentrant returns (PoolState memory) {
        Book storage book = _book(token);
        (uint256 cashMain, uint256 cashInsurance) = _cash(token);
        return _poolState(book, layer, _accrueRent(book, _notional(book), cashMain, cashInsurance), cashMain, cashInsurance);
    }

    /// @inheritdoc IOptionsExtension
    function collectFees(address token) external nonReentrant returns (uint256 amount) {
        Book storage book = _book(token);
        amount = book.treasuryDue;
        (address mainPool, ) = _pools(token);
        book.treasuryDue = 0;
        emit CollectFees(token, amount);
        _vault.release(token, mainPool, _treasury, amount);
    }

    // ── governance ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionsExtension
    function addMarket(IOptionMarket market_) external restricted returns (uint16 marketId) {
        if (market_.book() != address(this)) revert PerpetualOptions_ForeignMarket(address(market_), market_.book());
        marketId = _marketCount++;
        if (marketId >= PositionKeys.MAX_MARKETS) {
            revert PerpetualOptions_OutOfBounds("marketId", marketId, 0, PositionKeys.MAX_MARKETS - 1);
        }
        markets[marketId].market = market_;
        emit AddMarket(marketId, address(market_));
    }

    /// @inheritdoc IOptionsExtension
    function listToken(address token, uint88 minNotional) external restricted {
        Book storage book = books[token];
        if (book.minNotional != 0) revert PerpetualOptions_AlreadyListed(token);
        _checkMinimum(minNotional);
        (address mainPool, address insurancePool) = _pools(token);
        book.minNotional = minNotional;
        book.rentAccruedAt = Cast.toUint32(block.timestamp);
        emit ListToken(token, mainPool, insurancePool, minNotional);
        _vault.seal(token, mainPool);
        _vault.seal(token, insurancePool);
    }

    /// @inheritdoc IOptionsExtension
    function setToken(address token, uint88 minNotional, bool closeOnly) external restricted {
        Book storage book = _book(token);
        _checkMinimum(minNotional);
        book.minNotional = minNotional;
        book.closeOnly = closeOnly;
        emit SetToken(token, minNotional, closeOnly);
    }

    /// @inheritdoc IOptionsExtension
    function pauseOpening(uint16 marketId, uint40 until) external restricted {
        _market(marketId);
        if (until > block.timestamp + MAX_PAUSE) revert PerpetualOptions_OutOfBounds("until", until, 0, block.timestamp + MAX_PAUSE);
        markets[marketId].pausedUntil = until;
        emit PauseOpening(marketId, until);
    }

    /// @inheritdoc IOptionsExtension
    function setExecutor(address executor, bool enabled) external restricted {
        executors[executor] = enabled;
        emit SetExecutor(executor, enabled);
    }

    function _checkMinimum(uint256 minNotional) private pure {
        if (minNotional == 0) revert PerpetualOptions_OutOfBounds("minNotional", 0, 1, type(uint88).max);
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
    /// @inheritdoc IOptionsExtension
    function treasury() external view returns (address) {
        return _treasury;
    }

    /// @inheritdoc IOptionsExtension
    function marketCount() external view returns (uint16) {
        return _marketCount;
    }

    /// @inheritdoc IOptionsExtension
    function market(uint16 marketId) external view returns (IOptionMarket) {
        return markets[marketId].market;
    }

    /// @inheritdoc IOptionsExtension
    function openingPausedUntil(uint16 marketId) external view returns (uint40) {
        return markets[marketId].pausedUntil;
    }

    /// @inheritdoc IOptionsExtension
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
                treasuryDue: book.treasuryDue,
                rentIndex: book.rentIndex,
                rentAccruedAt: book.rentAccruedAt,
                debtMain: book.debtMain,
                debtInsurance: book.debtInsurance,
                forgiven: book.forgiven,
                marketIds: _marketIds(book)
            });
    }

    /// @inheritdoc IOptionsExtension
    function poolState(address token, Layer layer) external view returns (PoolState memory) {
        Book storage book = _book(token);
        (uint256 cashMain, uint256 cashInsurance) = _cash(token);
        return _poolState(book, layer, _rentIndexNow(book, _notional(book), cashMain, cashInsurance), cashMain, cashInsurance);
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
        state.debt = _debt(book, main);
        state.rentIndex = index;
        state.markets = new MarketState[](book.marketIds.count());
        for (uint256 i; i < state.markets.length; ++i) state.markets[i] = _marketState(book, uint16(book.marketIds.at(i)));
    }

    function _marketIds(Book storage book) private view returns (uint16[] memory ids) {
        ids = new uint16[](book.marketIds.count());
        for (uint256 i; i < ids.length; ++i) ids[i] = uint16(book.marketIds.at(i));
    }

    /// @inheritdoc IOptionsExtension
    function marketState(address token, uint16 marketId) external view returns (MarketState memory) {
        return _marketState(books[token], marketId);
    }

    function _marketState(Book storage book, uint16 marketId) private view returns (MarketState memory state) {
        MarketBook storage mb = book.markets[marketId];
        state.marketId = marketId;
        state.market = markets[marketId].market;
        state.strikes = _strikesOf(mb);
        state.fundingEntry = mb.fundingEntry;
        state.rentEntry = mb.rentEntry;
        state.frozen = mb.frozen;
        if (state.frozen) state.frozenRentIndex = mb.frozenRentIndex;
    }

    /// @inheritdoc IOptionsExtension
    function accountHealth(address owner, address token) external view returns (Health memory) {
        Book storage book = _book(token);
        Context memory c = _context(owner, token, PositionId(0, 0, false));
        _loadBalances(c, book);
        c.rentIndex = _rentIndexNow(book, c.callNotional + c.putNotional, c.cashMain, c.cashInsurance);
        return _health(c, book);
    }

    /// @inheritdoc IOptionsExtension
    function position(address owner, address token, PositionId calldata id) external view returns (Position memory) {
        return accounts[owner][token].positions[PositionKeys.pack(id)];
    }

    /// @inheritdoc IOptionsExtension
    function positions(address owner, address token) external view returns (PositionId[] memory ids) {
        PackedSet.Set storage keys = accounts[owner][token].keys;
        ids = new PositionId[](keys.count());
        for (uint256 i; i < ids.length; ++i) ids[i] = PositionKeys.unpack(keys.at(i));
    }

    /// @inheritdoc IOptionsExtension
    function debtOf(address owner, address token) external view returns (uint256 main, uint256 insurance) {
        Account storage account = accounts[owner][token];
        return (account.debtMain, account.debtInsurance);
    }

    /// @inheritdoc IOptionsExtension
    function storedPoolValue(address token, Layer layer, bool forDeposit) external view returns (PoolValue memory, Obstacles memory) {
        return _storedValue(token, layer, forDeposit, false);
    }

    /// @inheritdoc IOptionsExtension
    function markedPoolValue(address token, Layer layer) external view returns (PoolValue memory v) {
        (v, ) = _storedValue(token, layer, false, true);
    }

    /// @param marked Whether a market that is not Open counts at its last accepted price, too.
    function _storedValue(
        address token,
        Layer layer,
        bool forDeposit,
        bool marked
    ) private view returns (PoolValue memory v, Obstacles memory o) {
        Book storage book = _book(token);
        uint256 rentIndex;
        (v, rentIndex) = _startValue(book, token, layer, forDeposit);
        o.oldestPriceAt = type(uint40).max;
        for (uint256 i; i < book.marketIds.count(); ++i) {
            uint16 marketId = uint16(book.marketIds.at(i));
            MarketBook storage mb = book.markets[marketId];
            IOptionMarket market_ = markets[marketId].market;
            IOptionMarket.BookValue memory value = market_.valueBook(_strikesOf(mb), !forDeposit);
            (IOptionMarket.State memory state, PriceStatus status) = market_.peek();
            bool valued = status == PriceStatus.Open;
            if (valued && state.updatedAt < o.oldestPriceAt) (o.oldestMarket, o.oldestPriceAt) = (marketId, state.updatedAt);
            _addMarket(v, o, mb, marketId, value, rentIndex, layer == Layer.Main, forDeposit, marked || valued || _isFrozen(market_));
        }
        v.nav = Fixed.zeroFloorSub(v.cash + v.accrued + v.debt, v.liability);
    }

    /// @inheritdoc IOptionsExtension
    function isExecutor(address executor) external view returns (bool) {
        return executors[executor];
    }

    /// @inheritdoc IOptionsExtension
    function pledgeeOf(address owner, address token) external view returns (address) {
        return pledgees[owner][token];
    }

    /// @inheritdoc IOptionsExtension
    function nonces(address owner) public view override(Nonces, IOptionsExtension) returns (uint256) {
        return super.nonces(owner);
    }
}
