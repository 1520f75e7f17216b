// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FixedPointMathLib as Fixed } from "@solady/src/utils/FixedPointMathLib.sol";
import { SafeTransferLib } from "@solady/src/utils/SafeTransferLib.sol";
import { IMultiplierFeed } from "./IMultiplierFeed.sol";
import { IPriceFeed } from "./IPriceFeed.sol";

/// @title What Chainlink's verifier proxy is asked
interface IStreamsVerifier {
    /// @notice Check a signed report's signatures, bill for it, and hand out its data.
    function verify(bytes calldata payload, bytes calldata parameterPayload) external payable returns (bytes memory report);

    /// @notice Who bills; zero where Chainlink bills off chain.
    function s_feeManager() external view returns (IStreamsFeeManager); // solhint-disable-line func-name-mixedcase
}

/// @title What Chainlink's fee manager is asked
interface IStreamsFeeManager {
    /// @notice The wrapped native token, in which a report can be paid with value sent along.
    function i_nativeAddress() external view returns (address); // solhint-disable-line func-name-mixedcase
}

/// @title A stock's price from Chainlink Data Streams, in WAD
/// @notice Anybody pushes signed reports, in order; the proxy checks the signatures. Reads schemas v8 (stocks), v10 (tokenised stocks) and v11 (stocks around the
///         clock), told apart by the stream's id. A report whose `marketStatus` is not regular trading (2 in all three) is kept as halted: outside sessions
///         the oracle's calendar makes that Closed. The price's time is the last update of the source, not the report's.
///         v10 answers price × multiplier, per token; its `tokenizedPrice`, from exchanges where the token trades thinly, is never read.
///         v11's bid and ask widen the band of trades.
contract DataStreamsFeed is IPriceFeed, IMultiplierFeed {
    IStreamsVerifier public immutable verifier;
    bytes32 public immutable streamId;
    uint8 public immutable decimals;

    uint256 private constant WAD = 1e18;
    uint256 private constant V8 = 8;
    uint256 private constant V10 = 10;
    uint256 private constant V11 = 11;
    uint256 private constant REGULAR = 2;
    uint8 private constant MAX_DECIMALS = 18;

    /// @dev 96 + 40 + 32 + 64 + 8 = 240.
    struct Stored {
        uint96 price;
        uint40 publishedAt;
        uint32 observedAt;
        uint64 confidence;
        bool halted;
    }

    Stored private _stored;

    /// @notice A report was accepted.
    event PushReport(uint32 indexed observedAt, uint256 price, uint40 publishedAt, uint256 marketStatus);

    error DataStreamsFeed_UnknownSchema(uint256 version);
    error DataStreamsFeed_DecimalsOutOfBounds(uint8 decimals, uint8 max);
    /// @notice The report is another stream's.
    error DataStreamsFeed_WrongStream(bytes32 actual, bytes32 expected);
    /// @notice The report is no newer than the last one.
    error DataStreamsFeed_OutOfOrder(uint256 observedAt, uint256 lastObservedAt);
    /// @notice The report was observed after this block: push it in the next.
    error DataStreamsFeed_FromTheFuture(uint256 observedAt, uint256 now_);
    error DataStreamsFeed_Expired(uint256 expiresAt, uint256 now_);
    /// @notice The report is shorter than its schema.
    error DataStreamsFeed_TooShort(uint256 length, uint256 needed);

    /// @param decimals_ Of the stream's prices: 8 or 18 by Chainlink's tables.
    constructor(IStreamsVerifier verifier_, bytes32 streamId_, uint8 decimals_) {
        uint256 version = uint256(streamId_) >> 240;
        if (version != V8 && version != V10 && version != V11) revert DataStreamsFeed_UnknownSchema(version);
        if (decimals_ > MAX_DECIMALS) revert DataStreamsFeed_DecimalsOutOfBounds(decimals_, MAX_DECIMALS);
        (verifier, streamId, decimals) = (verifier_, streamId_, decimals_);
    }

    /// @dev The fee manager's change, on its way back to whoever pushed.
    receive() external payable {}

    /// @notice Verify a signed report and keep it. Anyone may call. Where Chainlink bills on chain, the fee is paid in native token out of what is sent
    ///         along, and the rest comes back.
    function push(bytes calldata signedReport) external payable {
        IStreamsFeeManager feeManager = verifier.s_feeManager();
        bytes memory payment = address(feeManager) == address(0) ? bytes("") : abi.encode(feeManager.i_nativeAddress());
        bytes memory report = verifier.verify{ value: address(feeManager) == address(0) ? 0 : msg.value }(signedReport, payment);
        _keep(report);
        if (address(this).balance > 0) SafeTransferLib.safeTransferAllETH(msg.sender);
    }

    /// @inheritdoc IPriceFeed
    function latest() external view returns (Print memory) {
        Stored memory it = _stored;
        return Print(it.price, it.observedAt, it.publishedAt, it.confidence, it.halted);
    }

    /// @inheritdoc IPriceFeed
    /// @dev A stream's decimals are part of its definition, and its id names it.
    function verify() external view {}

    /// @inheritdoc IPriceFeed
    function direct() external pure returns (address, uint8) {
        return (address(0), 0);
    }

    /// @inheritdoc IMultiplierFeed
    function includesMultiplier() external view returns (bool) {
        return uint256(streamId) >> 240 == V10;
    }

    function _keep(bytes memory report) private {
        uint256 version = uint256(streamId) >> 240;
        uint256 needed =
            version == V8
                ? 9 * 32
                : version == V10
                    ? 13 * 32
                    : 14 * 32;
        if (report.length < needed) revert DataStreamsFeed_TooShort(report.length, needed);
        bytes32 id = bytes32(_word(report, 0));
        if (id != streamId) revert DataStreamsFeed_WrongStream(id, streamId);
        uint256 observedAt = _word(report, 2);
        if (observedAt <= _stored.observedAt) revert DataStreamsFeed_OutOfOrder(observedAt, _stored.observedAt);
        if (observedAt > block.timestamp) revert DataStreamsFeed_FromTheFuture(observedAt, block.timestamp);
        if (_word(report, 5) < block.timestamp) revert DataStreamsFeed_Expired(_word(report, 5), block.timestamp);

        bool recent = version == V11;
        uint256 publishedAt = Fixed.min(_seconds(_word(report, recent ? 7 : 6)), observedAt);
        uint256 price = _wad(_word(report, recent ? 6 : 7));
        uint256 status = _word(report, recent ? 13 : 8);
        bool halted = status != REGULAR;
        uint256 confidence;
        if (recent) {
            confidence = _halfSpread(price, _wad(_word(report, 8)), _wad(_word(report, 10)));
        } else if (version == V10) {
            price = Fixed.fullMulDiv(price, _positive(_word(report, 9)), WAD);
            // A price of before a corporate action beside a multiplier of after it: neither one nor the other.
            uint256 activation = _word(report, 11);
            if (activation != 0 && publishedAt < activation && activation <= observedAt) halted = true;
        }
        if (price > type(uint96).max) price = 0;
        _stored = Stored(uint96(price), uint40(publishedAt), uint32(observedAt), uint64(confidence), halted);
        emit PushReport(uint32(observedAt), price, uint40(publishedAt), status);
    }

    /// @dev The wider side of the quote, as a share of the price, up. No quote, no interval; one the wrong way round is too wide for any price.
    function _halfSpread(uint256 price, uint256 bid, uint256 ask) private pure returns (uint256) {
        if (price == 0 || (bid == 0 && ask == 0)) return 0;
        if (bid == 0 || bid > price || ask < price) return type(uint64).max;
        return Fixed.min(Fixed.fullMulDivUp(Fixed.max(price - bid, ask - price), WAD, price), type(uint64).max);
    }

    /// @dev Stamps are nanoseconds by the schemas, and seconds in Chainlink's simulator.
    function _seconds(uint256 stamp) private pure returns (uint256) {
        return stamp > type(uint40).max ? stamp / 1e9 : stamp;
    }

    /// @dev 0 for what is no price.
    function _wad(uint256 word) private view returns (uint256) {
        return _positive(word) * 10 ** (18 - decimals);
    }

    /// @dev A positive int192, and 0 for every other word.
    function _positive(uint256 word) private pure returns (uint256) {
        return word >> 191 == 0 ? word : 0;
    }

    function _word(bytes memory report, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(report, 32), mul(index, 32)))
        }
    }
}
