// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

import { IPerpetualOptions } from "../options/IPerpetualOptions.sol";
import { InsurancePool } from "./InsurancePool.sol";
import { MainPool } from "./MainPool.sol";

/// @title Carries the creation code of one kind of pool: both together exceed the size limit
/// @notice Anyone may deploy a pool; it becomes one when the book lists it, which only the factory may ask for.
interface IPoolDeployer {
    function deploy(IPerpetualOptions book, IERC20Metadata token) external returns (address pool);
}

contract MainPoolDeployer is IPoolDeployer {
    /// @inheritdoc IPoolDeployer
    function deploy(IPerpetualOptions book, IERC20Metadata token) external returns (address) {
        return address(new MainPool(book, token));
    }
}

contract InsurancePoolDeployer is IPoolDeployer {
    /// @inheritdoc IPoolDeployer
    function deploy(IPerpetualOptions book, IERC20Metadata token) external returns (address) {
        return address(new InsurancePool(book, token));
    }
}
