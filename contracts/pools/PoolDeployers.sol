// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { CREATE3 } from "@solady/src/utils/CREATE3.sol";

import { IPerpetualOptions } from "../options/IPerpetualOptions.sol";
import { PoolAddress } from "../options/PoolAddress.sol";
import { InsurancePool } from "./InsurancePool.sol";
import { MainPool } from "./MainPool.sol";

/// @title Carries the creation code of one kind of pool: both together exceed the size limit
/// @notice Deploys a pool at the address that follows from this deployer, the book and the token alone, so that the book need not store it.
///         Anyone may deploy: there is one pool it can be, and it takes part only once the book lists the token.
interface IPoolDeployer {
    /// @return pool The pool; the existing one when it is there already.
    function deploy(IPerpetualOptions book, IERC20Metadata token) external returns (address pool);
}

contract MainPoolDeployer is IPoolDeployer {
    /// @inheritdoc IPoolDeployer
    function deploy(IPerpetualOptions book, IERC20Metadata token) external returns (address pool) {
        bytes32 salt = PoolAddress.salt(address(book), address(token));
        pool = CREATE3.predictDeterministicAddress(salt);
        if (pool.code.length == 0)
            CREATE3.deployDeterministic(abi.encodePacked(type(MainPool).creationCode, abi.encode(book, token)), salt);
    }
}

contract InsurancePoolDeployer is IPoolDeployer {
    /// @inheritdoc IPoolDeployer
    function deploy(IPerpetualOptions book, IERC20Metadata token) external returns (address pool) {
        bytes32 salt = PoolAddress.salt(address(book), address(token));
        pool = CREATE3.predictDeterministicAddress(salt);
        if (pool.code.length == 0) {
            CREATE3.deployDeterministic(abi.encodePacked(type(InsurancePool).creationCode, abi.encode(book, token)), salt);
        }
    }
}
