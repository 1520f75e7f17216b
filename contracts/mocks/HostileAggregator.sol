// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AggregatorV3Interface } from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";

/// @title An aggregator that answers any five words
/// @dev Test double, for rounds that Chainlink's mock cannot give: answered in an earlier round, stamped beyond 40 bits.
contract HostileAggregator is AggregatorV3Interface {
    uint8 public immutable decimals;

    struct Round {
        uint80 roundId;
        int256 answer;
        uint256 startedAt;
        uint256 updatedAt;
        uint80 answeredInRound;
    }

    Round private _round;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function set(Round calldata round) external {
        _round = round;
    }

    function description() external pure returns (string memory) {
        return "hostile";
    }

    function version() external pure returns (uint256) {
        return 0;
    }

    function getRoundData(uint80) external view returns (uint80, int256, uint256, uint256, uint80) {
        return _answer();
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return _answer();
    }

    function _answer() private view returns (uint80, int256, uint256, uint256, uint80) {
        Round memory round = _round;
        return (round.roundId, round.answer, round.startedAt, round.updatedAt, round.answeredInRound);
    }
}
