// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AggregatorV3Interface } from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";

/// @title Reads Chainlink aggregators: prices, and whether an L2's sequencer is up
/// @notice A zero, negative or incomplete answer becomes price 0. Prices above 18 decimals are floored to WAD.
library ChainlinkReader {
    /// @notice The latest round. `answered` is false when the aggregator reverts, runs out of `gasLimit`, or answers anything but five words.
    ///         The price is USD in WAD, 0 for none; the stamp is 0 when it is missing or beyond 40 bits.
    function read(
        address aggregator,
        uint256 decimals,
        uint256 gasLimit
    ) internal view returns (bool answered, uint256 price, uint256 round, uint256 publishedAt) {
        uint256 answer;
        uint256 answeredInRound;
        bool whole;
        (answered, round, answer, , publishedAt, answeredInRound, whole) = _ask(aggregator, gasLimit);
        unchecked {
            // As nearly all rounds are, and nearly all feeds.
            if (whole && decimals == 8) return (true, answer * 1e10, round, publishedAt);
            if (whole && decimals <= 18) return (true, answer * 10 ** (18 - decimals), round, publishedAt);
            if ((round | answeredInRound) >> 80 != 0) answered = false;
            if (publishedAt > type(uint40).max) publishedAt = 0;
            if (answeredInRound < round || publishedAt == 0 || int256(answer) <= 0) return (answered, 0, round, publishedAt);
            // What does not fit a word is no price.
            if (decimals <= 18) return (answered, answer >> 192 == 0 ? answer * 10 ** (18 - decimals) : 0, round, publishedAt);
            return (answered, answer / 10 ** (decimals - 18), round, publishedAt);
        }
    }

    /// @notice Whether the sequencer has been up for at least `grace` seconds, by Chainlink's uptime feed: answer 0 is up, `startedAt` when it came up.
    function sequencerUp(address uptimeFeed, uint256 grace, uint256 gasLimit) internal view returns (bool) {
        (bool answered, , uint256 answer, uint256 startedAt, , , ) = _ask(uptimeFeed, gasLimit);
        return answered && answer == 0 && startedAt != 0 && startedAt < block.timestamp && block.timestamp - startedAt >= grace;
    }

    /// @dev Only five words are copied, so returned megabytes cost the aggregator's gas and not ours. `whole`: an answer within 192 bits of a round within its
    ///      types, complete and stamped.
    function _ask(
        address aggregator,
        uint256 gasLimit
    )
        private
        view
        returns (bool answered, uint256 round, uint256 answer, uint256 startedAt, uint256 updatedAt, uint256 answeredInRound, bool whole)
    {
        bytes4 selector = AggregatorV3Interface.latestRoundData.selector;
        assembly ("memory-safe") {
            let out := mload(0x40)
            mstore(out, selector)
            answered := staticcall(gasLimit, aggregator, out, 4, out, 160)
            answered := and(answered, eq(returndatasize(), 160))
            round := mload(out)
            answer := mload(add(out, 32))
            startedAt := mload(add(out, 64))
            updatedAt := mload(add(out, 96))
            answeredInRound := mload(add(out, 128))
            // No later round than the one that answers: so that is below 2^80 too.
            whole := or(or(shr(80, answeredInRound), shr(40, updatedAt)), or(shr(192, answer), iszero(updatedAt)))
            whole := and(answered, iszero(or(whole, lt(answeredInRound, round))))
        }
    }
}
