// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { SSTORE2 } from "@solady/src/utils/SSTORE2.sol";

import { ICollateralVault } from "../vault/ICollateralVault.sol";
import { IPriceOracle } from "../oracle/IPriceOracle.sol";
import { ILendingFactory } from "./ILendingFactory.sol";
import { ILendingMarket } from "./ILendingMarket.sol";

/// @title Deploys lending markets
/// @dev A market's creation code is too long to stand in another contract's: two data contracts hold a half each.
contract LendingFactory is ILendingFactory {
    address private immutable authority;
    ICollateralVault private immutable vault;
    IPriceOracle private immutable oracle;
    address private immutable head;
    address private immutable tail;
    /// @inheritdoc ILendingFactory
    bytes32 public immutable creationCodeHash;

    ILendingMarket[] private _markets;
    /// @inheritdoc ILendingFactory
    mapping(address market => bool) public isMarket;

    /// @param creationCode Of `LendingMarket`.
    constructor(address authority_, ICollateralVault vault_, IPriceOracle oracle_, bytes memory creationCode) {
        authority = authority_;
        vault = vault_;
        oracle = oracle_;
        creationCodeHash = keccak256(creationCode);
        uint256 half = creationCode.length / 2;
        head = SSTORE2.write(_slice(creationCode, 0, half));
        tail = SSTORE2.write(_slice(creationCode, half, creationCode.length));
    }

    /// @inheritdoc ILendingFactory
    function createMarket(ILendingMarket.Config calldata config) external returns (ILendingMarket market) {
        if (config.vault != vault) revert LendingFactory_Foreign(address(config.vault), address(vault));
        if (config.oracle != oracle) revert LendingFactory_Foreign(address(config.oracle), address(oracle));
        market = ILendingMarket(_create(bytes.concat(SSTORE2.read(head), SSTORE2.read(tail), abi.encode(config, authority))));
        _markets.push(market);
        isMarket[address(market)] = true;
        emit CreateMarket(address(market), config.collateralToken, config.loanToken);
    }

    /// @inheritdoc ILendingFactory
    function marketCount() external view returns (uint256) {
        return _markets.length;
    }

    /// @inheritdoc ILendingFactory
    function marketAt(uint256 index) external view returns (ILendingMarket) {
        return _markets[index];
    }

    /// @dev Hands on the constructor's reason when it fails.
    function _create(bytes memory code) private returns (address created) {
        assembly ("memory-safe") {
            created := create(0, add(code, 32), mload(code))
            if iszero(created) {
                let out := mload(0x40)
                returndatacopy(out, 0, returndatasize())
                revert(out, returndatasize())
            }
        }
    }

    function _slice(bytes memory code, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        assembly ("memory-safe") {
            mcopy(add(part, 32), add(add(code, 32), from), sub(to, from))
        }
    }
}
