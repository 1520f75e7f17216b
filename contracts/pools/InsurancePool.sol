// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { IERC20Metadata, ERC4626 } from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";

import { IPerpetualOptions, Layer } from "../options/IPerpetualOptions.sol";
import { UnderwritingPool } from "./UnderwritingPool.sol";

/// @title Sells the tail: pays what a position is worth between 75% and 100% of its notional
contract InsurancePool is UnderwritingPool {
    constructor(
        IPerpetualOptions book_,
        IERC20Metadata token
    )
        ERC20(string.concat("Everstock Insurance Pool ", token.symbol()), string.concat("ei", token.symbol()))
        ERC4626(token)
        UnderwritingPool(book_, Layer.Insurance, 7 days)
    {}
}
