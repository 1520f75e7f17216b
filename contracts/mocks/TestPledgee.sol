// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";

import { IPerpetualOptions, IPledgee } from "../options/IPerpetualOptions.sol";

/// @title Keeper of a pledge: an account's equity must stay at or above a floor
/// @dev Test double. It does what anybody tells it to.
contract TestPledgee is IPledgee {
    IPerpetualOptions public immutable options;
    int256 public floor;

    error TestPledgee_BelowFloor(address owner, address token, int256 equity, int256 floor);

    constructor(IPerpetualOptions options_) {
        options = options_;
    }

    function setFloor(int256 floor_) external {
        floor = floor_;
    }

    function run(address to, bytes calldata data) external returns (bytes memory) {
        return Address.functionCall(to, data);
    }

    /// @inheritdoc IPledgee
    function checkPledge(address owner, address token) external view {
        int256 equity = options.accountHealth(owner, token).equity;
        if (equity < floor) revert TestPledgee_BelowFloor(owner, token, equity, floor);
    }
}
