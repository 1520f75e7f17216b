// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IPriceOracle } from "../oracle/IPriceOracle.sol";
import { Permit } from "../signing/Signed.sol";

/// @title Quotes: matched off chain, settled on chain
/// @notice A market maker or the issuer signs what it buys or sells a stock token for; the taker settles all or part of it in one transaction,
///         token against stablecoin, exactly at the signed price. There is no surplus, no fee and no custody here.
///
///         A price outside the band around the oracle's is refused whoever signed it: a thin or a mistyped quote cannot print. A signer's fills
///         are limited in USD by a bucket that refills over a day, so that a stolen key is worth one bucket.
/// @dev `asset` amounts are raw token amounts in its smallest unit, `payment` in the pay token's, USD in WAD. The pay token counts as 1 USD.
interface IQuoteSettlement {
    /// @notice What the *taker* does.
    enum Side {
        Buy,
        Sell
    }

    /// @param signer Who quotes: an account, or a contract that answers to ERC-1271. Pays and receives.
    /// @param taker Who may fill; zero: anyone.
    /// @param receiver Who receives what the taker bought; zero: the taker.
    /// @param asset Stock token.
    /// @param payToken Stablecoin.
    /// @param side What the taker does.
    /// @param issuance The issuer mints what it sells and burns what it buys, instead of holding an inventory.
    /// @param quantity Of the asset, in all.
    /// @param payment For all of it. A part costs its share: up when the taker buys, down when it sells.
    /// @param multiplier The asset's shares per token, WAD, that the price was made for; 1e18 where a token has none.
    /// @param notBefore First second of validity.
    /// @param deadline Last second of validity.
    /// @param nonce One bit of the signer's. Quotes that share it exclude each other once one of them is filled or cancelled.
    struct Quote {
        address signer;
        address taker;
        address receiver;
        address asset;
        address payToken;
        Side side;
        bool issuance;
        uint128 quantity;
        uint128 payment;
        uint128 multiplier;
        uint40 notBefore;
        uint40 deadline;
        uint256 nonce;
    }

    /// @param priceId The token's price in the oracle (share price × multiplier).
    /// @param openBand Largest distance from an Open price, WAD share. In [0.1%, 20%].
    /// @param closedBand The same while the session is closed; 0: no fills then. At most 20%.
    struct AssetConfig {
        bytes32 priceId;
        uint64 openBand;
        uint64 closedBand;
    }

    /// @param dailyLimit Size of the bucket, USD WAD. 0: the signer may not quote.
    /// @param mayIssue It may sign issuance quotes.
    struct SignerConfig {
        uint128 dailyLimit;
        bool mayIssue;
    }

    event SetQuotedAsset(address indexed asset, bytes32 indexed priceId, uint64 openBand, uint64 closedBand);
    event SetPayToken(address indexed payToken, bool enabled);
    event SetSigner(address indexed signer, uint128 dailyLimit, bool mayIssue);
    /// @notice Settled. `oraclePrice` is the oracle's when it was, USD WAD per whole token: the receipt of best execution.
    event Fill(
        bytes32 indexed quoteHash,
        address indexed signer,
        address indexed taker,
        address asset,
        Side side,
        bool issuance,
        uint256 quantity,
        uint256 payment,
        uint256 oraclePrice
    );
    event CancelNonces(address indexed signer, uint256 indexed word, uint256 mask);

    error QuoteSettlement_OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    error QuoteSettlement_ZeroAddress();
    error QuoteSettlement_UnknownAsset(address asset);
    error QuoteSettlement_UnknownPayToken(address payToken);
    error QuoteSettlement_UnknownSigner(address signer);
    error QuoteSettlement_NotIssuer(address signer);
    error QuoteSettlement_NotTaker(address taker, address caller);
    error QuoteSettlement_TooEarly(uint256 notBefore, uint256 now_);
    error QuoteSettlement_Expired(uint256 deadline, uint256 now_);
    error QuoteSettlement_ZeroQuantity();
    /// @notice More than is left of the quote: of a quote that is filled, 0 is.
    error QuoteSettlement_Overfilled(uint256 quantity, uint256 left);
    /// @notice The signer cancelled the nonce, or another quote of it was filled first.
    error QuoteSettlement_NonceUsed(address signer, uint256 nonce);
    /// @notice A corporate action took effect since the price was made.
    error QuoteSettlement_MultiplierChanged(uint256 quoted, uint256 current);
    /// @notice The oracle has no price to compare with: it is stale or halted, or closed where no fills are allowed then.
    error QuoteSettlement_NoPrice(address asset);
    error QuoteSettlement_OutsideBand(uint256 price, uint256 lowest, uint256 highest);
    error QuoteSettlement_SignerLimit(uint256 value, uint256 left);

    /// @notice Settle `quantity` of a quote. The caller is its taker.
    /// @return payment What changed hands for it.
    function fill(Quote calldata quote, bytes calldata signature, uint128 quantity) external returns (uint256 payment);

    /// @notice `fill`, after a permit of the caller's for what it gives. A permit that was used before does no harm.
    function fillWithPermit(
        Quote calldata quote,
        bytes calldata signature,
        uint128 quantity,
        Permit calldata permit
    ) external returns (uint256 payment);

    /// @notice Cancel every nonce of the caller's whose bit is set in `mask`, in the given word (nonce / 256). Final.
    function cancelNonces(uint256 word, uint256 mask) external;

    /// @notice Restricted: quote an asset from now on, or in another band.
    function setQuotedAsset(address asset, AssetConfig calldata config) external;

    /// @notice Restricted: what may be paid with. The token counts as 1 USD.
    function setPayToken(address payToken, bool enabled) external;

    /// @notice Restricted: who may quote, for how much a day, and whether it issues.
    function setSigner(address signer, SignerConfig calldata config) external;

    /// @notice The EIP-712 digest that a signer signs.
    function hashQuote(Quote calldata quote) external view returns (bytes32);

    /// @notice What is left to fill of a quote, whatever else may refuse it; 0 once its nonce is used.
    function remaining(Quote calldata quote) external view returns (uint256);

    /// @notice USD, WAD, that a signer may still settle now.
    function limitLeft(address signer) external view returns (uint256);

    function usedNonces(address signer, uint256 word) external view returns (uint256 bitmap);

    function assetConfig(address asset) external view returns (AssetConfig memory);

    function isPayToken(address payToken) external view returns (bool);

    function signerConfig(address signer) external view returns (SignerConfig memory);

    function oracle() external view returns (IPriceOracle);
}
