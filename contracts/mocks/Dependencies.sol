// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev Third-party contracts that the deployment uses as they are: importing them puts them into the build.
import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
