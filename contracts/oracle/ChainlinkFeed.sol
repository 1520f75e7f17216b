// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AggregatorV3Interface } from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import { IPriceFeed } from "./IPriceFeed.sol";

/// @title A Chainlink aggregator, in WAD
/// @notice A zero, negative or incomplete answer becomes price 0. Changed decimals are found by `verify`.
contract ChainlinkFeed is IPriceFeed {
    AggregatorV3Interface public immutable aggregator;
    uint8 public immutable decimals;

    uint8 private constant MAX_DECIMALS = 36;

    /// @dev WAD over the aggregator's unit, or the inverse: one of the two is 1.
    uint256 private immutable _multiplier;
    uint256 private immutable _divisor;

    error ChainlinkFeed_DecimalsOutOfBounds(uint8 decimals, uint8 max);
    /// @notice The aggregator no longer counts in the unit that this adapter was made for.
    error ChainlinkFeed_DecimalsChanged(uint8 actual, uint8 expected);

    constructor(AggregatorV3Interface aggregator_) {
        aggregator = aggregator_;
        uint8 decimals_ = aggregator_.decimals();
        if (decimals_ > MAX_DECIMALS) revert ChainlinkFeed_DecimalsOutOfBounds(decimals_, MAX_DECIMALS);
        decimals = decimals_;
        _multiplier = decimals_ < 18 ? 10 ** (18 - decimals_) : 1;
        _divisor = decimals_ > 18 ? 10 ** (decimals_ - 18) : 1;
    }

    /// @inheritdoc IPriceFeed
    function latest() external view returns (Print memory print) {
        (uint80 round, int256 answer, , uint256 updatedAt, uint80 answeredInRound) = aggregator.latestRoundData();
        print.round = round;
        if (updatedAt <= type(uint40).max) print.publishedAt = uint40(updatedAt);
        if (answer <= 0 || print.publishedAt == 0 || answeredInRound < round) return print;
        uint256 units = uint256(answer); // > 0
        if (units <= type(uint256).max / _multiplier) print.price = (units * _multiplier) / _divisor;
    }

    /// @inheritdoc IPriceFeed
    function verify() external view {
        uint8 actual = aggregator.decimals();
        if (actual != decimals) revert ChainlinkFeed_DecimalsChanged(actual, decimals);
    }
}
