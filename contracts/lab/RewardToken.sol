// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title What an incentive pool pays with
/// @dev For the liquidity lab: all of it exists from the beginning and belongs to the sponsor.
contract RewardToken is ERC20 {
    constructor(address sponsor, uint256 supply) ERC20("Incentive", "INC") {
        _mint(sponsor, supply);
    }
}
