// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Who may do what, and after which delay
/// @notice OpenZeppelin's AccessManager as it is: this file brings it into the build under the protocol's name.
contract Authority is AccessManager {
    constructor(address admin) AccessManager(admin) {}
}
