// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AggregatorV3Interface } from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import { IPriceFeed } from "./IPriceFeed.sol";

/// @title Reads a Chainlink aggregator into a print
/// @notice A zero, negative or incomplete answer becomes price 0. Prices above 18 decimals are floored to WAD.
library ChainlinkReader {
    /// @notice The latest round. `answered` is false when the aggregator reverts, runs out of `gasLimit`, or answers anything but five words.
    /// @dev Only five words are copied, so returned megabytes cost the aggregator's gas and not ours.
    function read(
        address aggregator,
        uint256 decimals,
        uint256 gasLimit
    ) internal view returns (bool answered, IPriceFeed.Print memory print) {
        bytes4 selector = AggregatorV3Interface.latestRoundData.selector;
        uint256 round;
        int256 answer;
        uint256 updatedAt;
        uint256 answeredInRound;
        assembly ("memory-safe") {
            let out := mload(0x40)
            mstore(out, selector)
            answered := staticcall(gasLimit, aggregator, out, 4, out, 160)
            answered := and(answered, eq(returndatasize(), 160))
            round := mload(out)
            answer := mload(add(out, 32))
            updatedAt := mload(add(out, 96))
            answeredInRound := mload(add(out, 128))
        }
        answered = answered && (round | answeredInRound) >> 80 == 0;
        if (!answered) return (false, print);
        print.round = uint80(round);
        if (updatedAt <= type(uint40).max) print.publishedAt = uint40(updatedAt);
        if (answer <= 0 || print.publishedAt == 0 || answeredInRound < round) return (true, print);
        print.price = _toWad(uint256(answer), decimals);
    }

    /// @dev 0 for what does not fit a word: no price.
    function _toWad(uint256 units, uint256 decimals) private pure returns (uint256) {
        unchecked {
            if (decimals >= 18) return units / 10 ** (decimals - 18);
            uint256 multiplier = 10 ** (18 - decimals);
            return units <= type(uint256).max / multiplier ? units * multiplier : 0;
        }
    }
}
