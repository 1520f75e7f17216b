// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { SafeTransferLib } from "@solady/src/utils/SafeTransferLib.sol";
import { IPyth } from "@pythnetwork/pyth-sdk-solidity/IPyth.sol";
import { PythStructs } from "@pythnetwork/pyth-sdk-solidity/PythStructs.sol";
import { IPriceFeed } from "./IPriceFeed.sol";
import { IPriceOracle, PriceAnswer } from "./IPriceOracle.sol";

/// @title A Pyth price, in WAD
/// @notice Pyth is a pull oracle: whoever wants a newer price brings it along, here in the same transaction as the poke. The price's exponent is read
///         with every print, so that a change of it changes nothing; Pyth's confidence interval widens the band of trades.
contract PythFeed is IPriceFeed {
    IPyth public immutable pyth;
    bytes32 public immutable priceId;

    int256 private constant MIN_EXPONENT = -36;
    int256 private constant MAX_EXPONENT = 18;

    /// @notice Pyth asks for a larger fee than was sent along.
    error PythFeed_FeeTooLow(uint256 sent, uint256 fee);

    /// @notice The price has an exponent outside [−36, 18]: it could never be read.
    error PythFeed_BadExponent(int32 exponent);

    /// @param pyth_ Pyth's contract; must know the price already.
    constructor(IPyth pyth_, bytes32 priceId_) {
        pyth = pyth_;
        priceId = priceId_;
        PythStructs.Price memory known = pyth_.getPriceUnsafe(priceId_);
        if (!_isReadable(known.expo)) revert PythFeed_BadExponent(known.expo);
    }

    /// @notice Bring prices along and poke an asset in one transaction. Pyth's fee is paid out of what is sent, the rest comes back.
    /// @param updates As Pyth's price service hands them out; updates older than what Pyth has are paid for and ignored, by Pyth's rule.
    function updateAndPoke(
        bytes[] calldata updates,
        IPriceOracle oracle,
        bytes32 assetId
    ) external payable returns (PriceAnswer memory answer) {
        uint256 fee = pyth.getUpdateFee(updates);
        if (msg.value < fee) revert PythFeed_FeeTooLow(msg.value, fee);
        pyth.updatePriceFeeds{ value: fee }(updates);
        answer = oracle.poke(assetId);
        if (msg.value > fee) SafeTransferLib.safeTransferETH(msg.sender, msg.value - fee);
    }

    /// @inheritdoc IPriceFeed
    function latest() external view returns (Print memory print) {
        PythStructs.Price memory it = pyth.getPriceUnsafe(priceId);
        if (it.publishTime > type(uint40).max) return print;
        print.round = uint80(it.publishTime);
        print.publishedAt = uint40(it.publishTime);
        if (it.price <= 0 || !_isReadable(it.expo)) return print;
        uint256 units = uint256(int256(it.price));
        print.price = it.expo >= -18 ? units * 10 ** uint256(18 + int256(it.expo)) : units / 10 ** uint256(-18 - int256(it.expo));
        print.confidence = uint64(Fixed.min(Fixed.divUp(uint256(it.conf) * 1e18, units), type(uint64).max));
    }

    /// @inheritdoc IPriceFeed
    /// @dev Every print carries its own exponent: there is no unit that could change.
    function verify() external view {}

    /// @inheritdoc IPriceFeed
    function direct() external pure returns (address, uint8) {
        return (address(0), 0);
    }

    function _isReadable(int32 exponent) private pure returns (bool) {
        return exponent >= MIN_EXPONENT && exponent <= MAX_EXPONENT;
    }
}
