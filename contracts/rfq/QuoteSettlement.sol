// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { IPriceOracle, PriceAnswer, PriceStatus } from "../oracle/IPriceOracle.sol";
import { Permit, Signed } from "../signing/Signed.sol";
import { IStockToken } from "../stock/IStockToken.sol";
import { IQuoteSettlement } from "./IQuoteSettlement.sol";
import { QuoteHash } from "./QuoteHash.sol";

/// @notice The part of ERC-8056 that a quote binds.
interface IScaledToken {
    function uiMultiplier() external view returns (uint256);
}

/// @title Quotes: matched off chain, settled on chain
/// @dev Every fill has one shape: who and when, signature, what is left, price, limit, write, emit, move tokens. Tokens go from party to
///      party: nothing ever rests here.
contract QuoteSettlement is IQuoteSettlement, EIP712, AccessManaged, ReentrancyGuardTransient {
    using QuoteHash for Quote;
    using SafeERC20 for IERC20;

    uint256 private constant WAD = 1e18;
    uint64 private constant MIN_BAND = 0.001e18;
    uint64 private constant MAX_BAND = 0.2e18;
    /// @dev A billion USD a day: a bound against slips, not a target.
    uint128 private constant MAX_DAILY_LIMIT = 1e27;
    uint256 private constant MAX_DECIMALS = 18;

    /// @dev One slot: 128 + 40 + 8 = 176, and one for what is used: 128 + 40.
    struct Signer {
        uint128 dailyLimit;
        bool mayIssue;
        // slot 1
        uint128 used;
        uint40 usedAt;
    }

    /// @inheritdoc IQuoteSettlement
    IPriceOracle public immutable oracle;

    /// @inheritdoc IQuoteSettlement
    mapping(address signer => mapping(uint256 word => uint256 bitmap)) public usedNonces;
    /// @inheritdoc IQuoteSettlement
    mapping(address payToken => bool) public isPayToken;

    mapping(bytes32 quoteHash => uint256 quantity) private _filled;
    mapping(address asset => AssetConfig) private _assets;
    mapping(address signer => Signer) private _signers;

    constructor(address authority, IPriceOracle oracle_) EIP712("Everstock Quotes", "1") AccessManaged(authority) {
        if (address(oracle_) == address(0)) revert QuoteSettlement_ZeroAddress();
        oracle = oracle_;
    }

    // ── taker ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @inheritdoc IQuoteSettlement
    function fill(Quote calldata quote, bytes calldata signature, uint128 quantity) external nonReentrant returns (uint256) {
        return _fill(quote, signature, quantity);
    }

    /// @inheritdoc IQuoteSettlement
    function fillWithPermit(
        Quote calldata quote,
        bytes calldata signature,
        uint128 quantity,
        Permit calldata permit
    ) external nonReentrant returns (uint256) {
        Signed.tryPermit(quote.side == Side.Buy ? quote.payToken : quote.asset, msg.sender, permit);
        return _fill(quote, signature, quantity);
    }

    // ── signer ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @inheritdoc IQuoteSettlement
    function cancelNonces(uint256 word, uint256 mask) external {
        usedNonces[msg.sender][word] |= mask;
        emit CancelNonces(msg.sender, word, mask);
    }

    // ── governance ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @inheritdoc IQuoteSettlement
    function setQuotedAsset(address asset, AssetConfig calldata config) external restricted {
        if (asset == address(0)) revert QuoteSettlement_ZeroAddress();
        _checkBounds("openBand", config.openBand, MIN_BAND, MAX_BAND);
        _checkBounds("closedBand", config.closedBand, 0, MAX_BAND);
        _checkBounds("decimals", IERC20Metadata(asset).decimals(), 0, MAX_DECIMALS);
        oracle.assetConfig(config.priceId); // reverts for a price that the oracle does not know
        _assets[asset] = config;
        emit SetQuotedAsset(asset, config.priceId, config.openBand, config.closedBand);
    }

    /// @inheritdoc IQuoteSettlement
    function setPayToken(address payToken, bool enabled) external restricted {
        if (payToken == address(0)) revert QuoteSettlement_ZeroAddress();
        _checkBounds("decimals", IERC20Metadata(payToken).decimals(), 0, MAX_DECIMALS);
        isPayToken[payToken] = enabled;
        emit SetPayToken(payToken, enabled);
    }

    /// @inheritdoc IQuoteSettlement
    function setSigner(address signer, SignerConfig calldata config) external restricted {
        if (signer == address(0)) revert QuoteSettlement_ZeroAddress();
        _checkBounds("dailyLimit", config.dailyLimit, 0, MAX_DAILY_LIMIT);
        Signer storage s = _signers[signer];
        (s.dailyLimit, s.mayIssue) = (config.dailyLimit, config.mayIssue);
        emit SetSigner(signer, config.dailyLimit, config.mayIssue);
    }

    // ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @inheritdoc IQuoteSettlement
    function hashQuote(Quote calldata quote) public view returns (bytes32) {
        return _hashTypedDataV4(quote.structHash());
    }

    /// @inheritdoc IQuoteSettlement
    function remaining(Quote calldata quote) external view returns (uint256) {
        if (_isUsed(quote)) return 0;
        return quote.quantity - _filled[hashQuote(quote)];
    }

    /// @inheritdoc IQuoteSettlement
    function limitLeft(address signer) external view returns (uint256) {
        Signer storage s = _signers[signer];
        return Fixed.zeroFloorSub(s.dailyLimit, _used(s));
    }

    /// @inheritdoc IQuoteSettlement
    function assetConfig(address asset) external view returns (AssetConfig memory) {
        return _assets[asset];
    }

    /// @inheritdoc IQuoteSettlement
    function signerConfig(address signer) external view returns (SignerConfig memory) {
        Signer storage s = _signers[signer];
        return SignerConfig(s.dailyLimit, s.mayIssue);
    }

    // ── within ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function _fill(Quote calldata quote, bytes calldata signature, uint128 quantity) private returns (uint256 payment) {
        _checkParties(quote);
        bytes32 quoteHash = hashQuote(quote);
        Signed.check(quote.signer, quoteHash, signature);
        _take(quote, quoteHash, quantity);

        payment =
            quote.side == Side.Buy
                ? Fixed.mulDivUp(quantity, quote.payment, quote.quantity)
                : Fixed.mulDiv(quantity, quote.payment, quote.quantity);
        uint256 oraclePrice = _checkPrice(quote);
        _charge(quote.signer, _toUsd(quote.payToken, payment));
        emit Fill(quoteHash, quote.signer, msg.sender, quote.asset, quote.side, quote.issuance, quantity, payment, oraclePrice);
        _settle(quote, quantity, payment);
    }

    function _checkParties(Quote calldata quote) private view {
        if (quote.taker != address(0) && quote.taker != msg.sender) revert QuoteSettlement_NotTaker(quote.taker, msg.sender);
        if (block.timestamp < quote.notBefore) revert QuoteSettlement_TooEarly(quote.notBefore, block.timestamp);
        if (block.timestamp > quote.deadline) revert QuoteSettlement_Expired(quote.deadline, block.timestamp);
        if (!isPayToken[quote.payToken]) revert QuoteSettlement_UnknownPayToken(quote.payToken);
        Signer storage s = _signers[quote.signer];
        if (s.dailyLimit == 0) revert QuoteSettlement_UnknownSigner(quote.signer);
        if (quote.issuance && !s.mayIssue) revert QuoteSettlement_NotIssuer(quote.signer);
        uint256 multiplier = _multiplierOf(quote.asset);
        if (quote.multiplier != multiplier) revert QuoteSettlement_MultiplierChanged(quote.multiplier, multiplier);
    }

    /// @dev A quote that is filled to the end uses its nonce: what is signed beside it with the same nonce is void.
    function _take(Quote calldata quote, bytes32 quoteHash, uint256 quantity) private {
        if (quantity == 0) revert QuoteSettlement_ZeroQuantity();
        uint256 filled = _filled[quoteHash];
        uint256 left = quote.quantity - filled;
        if (quantity > left) revert QuoteSettlement_Overfilled(quantity, left);
        if (_isUsed(quote)) revert QuoteSettlement_NonceUsed(quote.signer, quote.nonce);
        _filled[quoteHash] = filled + quantity;
        if (quantity == left) usedNonces[quote.signer][quote.nonce >> 8] |= 1 << (quote.nonce & 0xff);
    }

    /// @dev Of the whole quote, so that rounding of a small part cannot leave the band.
    function _checkPrice(Quote calldata quote) private view returns (uint256 oraclePrice) {
        AssetConfig memory config = _assets[quote.asset];
        if (config.openBand == 0) revert QuoteSettlement_UnknownAsset(quote.asset);
        PriceAnswer memory answer = oracle.read(config.priceId);
        uint256 band =
            answer.status == PriceStatus.Open
                ? config.openBand
                : answer.status == PriceStatus.Closed
                    ? config.closedBand
                    : 0;
        if (band == 0 || answer.price == 0) revert QuoteSettlement_NoPrice(quote.asset);
        uint256 price = Fixed.fullMulDiv(
            _toUsd(quote.payToken, quote.payment),
            10 ** IERC20Metadata(quote.asset).decimals(),
            quote.quantity
        );
        uint256 lowest = Fixed.mulDivUp(answer.price, WAD - band, WAD);
        uint256 highest = Fixed.mulDiv(answer.price, WAD + band, WAD);
        if (price < lowest || price > highest) revert QuoteSettlement_OutsideBand(price, lowest, highest);
        return answer.price;
    }

    /// @dev A bucket of one daily limit that empties evenly over a day.
    function _charge(address signer, uint256 value) private {
        Signer storage s = _signers[signer];
        uint256 used = _used(s);
        uint256 left = Fixed.zeroFloorSub(s.dailyLimit, used);
        if (value > left) revert QuoteSettlement_SignerLimit(value, left);
        (s.used, s.usedAt) = (uint128(used + value), uint40(block.timestamp)); // at most the limit, which is a uint128
    }

    function _used(Signer storage s) private view returns (uint256) {
        return Fixed.zeroFloorSub(s.used, (s.dailyLimit * (block.timestamp - s.usedAt)) / 1 days);
    }

    function _settle(Quote calldata quote, uint256 quantity, uint256 payment) private {
        address receiver = quote.receiver == address(0) ? msg.sender : quote.receiver;
        IERC20 asset = IERC20(quote.asset);
        IERC20 payToken = IERC20(quote.payToken);
        if (quote.side == Side.Buy) {
            payToken.safeTransferFrom(msg.sender, quote.signer, payment);
            if (quote.issuance) IStockToken(quote.asset).mint(receiver, quantity);
            else asset.safeTransferFrom(quote.signer, receiver, quantity);
        } else {
            if (quote.issuance) IStockToken(quote.asset).burnFrom(msg.sender, quantity);
            else asset.safeTransferFrom(msg.sender, quote.signer, quantity);
            // A part so small that it is worth less than one unit of the pay token pays nothing.
            if (payment != 0) payToken.safeTransferFrom(quote.signer, receiver, payment);
        }
    }

    function _isUsed(Quote calldata quote) private view returns (bool) {
        return (usedNonces[quote.signer][quote.nonce >> 8] >> (quote.nonce & 0xff)) & 1 == 1;
    }

    /// @dev A token without ERC-8056 stands for one share for good.
    function _multiplierOf(address asset) private view returns (uint256) {
        (bool ok, bytes memory answer) = asset.staticcall(abi.encodeCall(IScaledToken.uiMultiplier, ()));
        return ok && answer.length == 32 ? abi.decode(answer, (uint256)) : WAD;
    }

    /// @dev USD in WAD, up: bounds and limits are not to be undercut by rounding.
    function _toUsd(address payToken, uint256 payment) private view returns (uint256) {
        return payment * 10 ** (MAX_DECIMALS - IERC20Metadata(payToken).decimals());
    }

    function _checkBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert QuoteSettlement_OutOfBounds(parameter, value, min, max);
    }
}
