// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AggregatorV3Interface } from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import { ChainlinkReader } from "./ChainlinkReader.sol";
import { IPriceFeed } from "./IPriceFeed.sol";

/// @title A Chainlink aggregator, in WAD
/// @notice A zero, negative or incomplete answer becomes price 0. Changed decimals are found by `verify`.
contract ChainlinkFeed is IPriceFeed {
    AggregatorV3Interface public immutable aggregator;
    uint8 public immutable decimals;

    uint8 private constant MAX_DECIMALS = 36;

    error ChainlinkFeed_DecimalsOutOfBounds(uint8 decimals, uint8 max);
    /// @notice The aggregator no longer counts in the unit that this adapter was made for.
    error ChainlinkFeed_DecimalsChanged(uint8 actual, uint8 expected);
    /// @notice The aggregator reverted, or answered something else than a round.
    error ChainlinkFeed_NoAnswer(address aggregator);

    constructor(AggregatorV3Interface aggregator_) {
        aggregator = aggregator_;
        decimals = aggregator_.decimals();
        if (decimals > MAX_DECIMALS) revert ChainlinkFeed_DecimalsOutOfBounds(decimals, MAX_DECIMALS);
    }

    /// @inheritdoc IPriceFeed
    function latest() external view returns (Print memory) {
        (bool answered, uint256 price, uint256 round, uint256 publishedAt) = ChainlinkReader.read(address(aggregator), decimals, gasleft());
        if (!answered) revert ChainlinkFeed_NoAnswer(address(aggregator));
        return Print(price, uint80(round), uint40(publishedAt), 0, false); // the reader has checked both ranges
    }

    /// @inheritdoc IPriceFeed
    function verify() external view {
        uint8 actual = aggregator.decimals();
        if (actual != decimals) revert ChainlinkFeed_DecimalsChanged(actual, decimals);
    }

    /// @inheritdoc IPriceFeed
    function direct() external view returns (address, uint8) {
        return (address(aggregator), decimals);
    }
}
