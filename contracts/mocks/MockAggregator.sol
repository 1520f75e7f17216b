// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { MockV3Aggregator } from "@chainlink/contracts/src/v0.8/shared/mocks/MockV3Aggregator.sol";

/// @title Chainlink's own mock aggregator, within this build
/// @dev Test double. Adds only that its decimals can change.
contract MockAggregator is MockV3Aggregator {
    constructor(uint8 decimals_, int256 initialAnswer) MockV3Aggregator(decimals_, initialAnswer) {}

    function setDecimals(uint8 decimals_) external {
        decimals = decimals_;
    }
}
