// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title OpenZeppelin's AccessManager, within this build
/// @dev Test double in name only: nothing is added.
contract TestAuthority is AccessManager {
    constructor(address admin) AccessManager(admin) {}
}
