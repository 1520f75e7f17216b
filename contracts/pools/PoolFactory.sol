// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

import { IOptionsTypes } from "../options/IOptionsTypes.sol";
import { IPerpetualOptions } from "../options/IPerpetualOptions.sol";
import { IPoolFactory } from "./IPoolFactory.sol";
import { IPoolDeployer } from "./PoolDeployers.sol";

/// @title Lists margin tokens
contract PoolFactory is IPoolFactory, AccessManaged {
    uint8 private constant MIN_DECIMALS = 6;
    uint8 private constant MAX_DECIMALS = 18;

    IPerpetualOptions private immutable book;
    IPoolDeployer private immutable mainDeployer;
    IPoolDeployer private immutable insuranceDeployer;
    address[] private tokens;

    constructor(
        address authority_,
        IPerpetualOptions book_,
        IPoolDeployer mainDeployer_,
        IPoolDeployer insuranceDeployer_
    ) AccessManaged(authority_) {
        book = book_;
        mainDeployer = mainDeployer_;
        insuranceDeployer = insuranceDeployer_;
    }

    /// @inheritdoc IPoolFactory
    function listToken(address token, uint88 minNotional) external restricted returns (address mainPool, address insurancePool) {
        if (token.code.length == 0) revert PoolFactory_NotAToken(token);
        uint8 decimals = IERC20Metadata(token).decimals();
        if (decimals < MIN_DECIMALS || decimals > MAX_DECIMALS) revert PoolFactory_Decimals(decimals, MIN_DECIMALS, MAX_DECIMALS);
        mainPool = mainDeployer.deploy(book, IERC20Metadata(token));
        insurancePool = insuranceDeployer.deploy(book, IERC20Metadata(token));
        tokens.push(token);
        emit CreatePools(token, mainPool, insurancePool);
        book.listToken(token, minNotional);
    }

    /// @inheritdoc IPoolFactory
    function poolsOf(address token) external view returns (address mainPool, address insurancePool) {
        IOptionsTypes.TokenBook memory listed = book.tokenBook(token);
        return (listed.mainPool, listed.insurancePool);
    }

    /// @inheritdoc IPoolFactory
    function tokenCount() external view returns (uint256) {
        return tokens.length;
    }

    /// @inheritdoc IPoolFactory
    function tokenAt(uint256 index) external view returns (address) {
        return tokens[index];
    }
}
