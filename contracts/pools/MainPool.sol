// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { IERC20Metadata, ERC4626 } from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";

import { IPerpetualOptions, Layer } from "../options/IPerpetualOptions.sol";
import { UnderwritingPool } from "./UnderwritingPool.sol";

/// @title Sells options: pays the first 75% of notional, earns the premiums and most of funding and rent
contract MainPool is UnderwritingPool {
    constructor(
        IPerpetualOptions book_,
        IERC20Metadata token
    )
        ERC20(string.concat("Everstock Main Pool ", token.symbol()), string.concat("em", token.symbol()))
        ERC4626(token)
        UnderwritingPool(book_, Layer.Main, 24 hours)
    {}
}
