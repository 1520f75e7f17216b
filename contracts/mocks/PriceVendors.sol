// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { MockBaseSequencerUptimeFeed } from "@chainlink/contracts/src/v0.8/l2ep/test/mocks/MockBaseSequencerUptimeFeed.sol";
import { DataStreamsLocalSimulator } from "@chainlink/local/src/data-streams/DataStreamsLocalSimulator.sol";
import { MockPyth } from "@pythnetwork/pyth-sdk-solidity/MockPyth.sol";

/// @title Chainlink's own Base sequencer uptime feed, in its test form, within this build
/// @dev Test double: anybody may report the sequencer's status, as the cross-domain messenger does on Base.
contract MockSequencerUptime is MockBaseSequencerUptimeFeed {
    constructor(bool down) MockBaseSequencerUptimeFeed(address(1), down, true) {}
}

/// @title Chainlink's own Data Streams simulator, within this build
/// @dev Test double: a verifier proxy, its verifier, fee manager and tokens, deployed by the constructor.
contract MockDataStreams is DataStreamsLocalSimulator {}

/// @title Pyth's own mock, within this build
/// @dev Test double: updates cost `fee` wei each.
contract MockPythNetwork is MockPyth {
    constructor(uint256 fee) MockPyth(60, fee) {}
}
