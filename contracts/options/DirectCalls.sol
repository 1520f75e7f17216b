// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOptionMarket } from "../market/IOptionMarket.sol";
import { StrikeNotional } from "../math/StrikeNotional.sol";
import { ICollateralVault } from "../vault/ICollateralVault.sol";

/// @title What every trade asks of market and vault, without the ABI coder
/// @notice Both are ours, and what they answer are words as they stand in memory. An answer that is too short, as from an account without code, reverts.
///         So does a call that reverted, with its own error.
library DirectCalls {
    /// @notice `market.pokeAndQuote(kind, strike, isCall)` into `quote`.
    function pokeAndQuote(
        IOptionMarket market,
        IOptionMarket.QuoteKind kind,
        int16 strike,
        bool isCall,
        IOptionMarket.Quote memory quote
    ) internal {
        bytes4 selector = IOptionMarket.pokeAndQuote.selector;
        (uint256 kind_, int256 strike_) = (uint256(kind), int256(strike));
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 0x04), kind_)
            mstore(add(data, 0x24), strike_)
            mstore(add(data, 0x44), iszero(iszero(isCall)))
            let done := call(gas(), market, 0, data, 0x64, quote, 0xe0)
            if iszero(and(done, gt(returndatasize(), 0xdf))) {
                returndatacopy(data, 0, returndatasize())
                revert(data, returndatasize())
            }
        }
    }

    /// @notice `market.pokeAndValue(asks, sold)` into `value`, and whether the status is Open.
    function pokeAndValue(
        IOptionMarket market,
        bool asks,
        StrikeNotional[] memory sold,
        IOptionMarket.BookValue memory value
    ) internal returns (bool open, uint40 updatedAt) {
        bytes4 selector = IOptionMarket.pokeAndValue.selector;
        assembly ("memory-safe") {
            let data := mload(0x40)
            let size := shl(5, add(mload(sold), 1))
            mstore(data, selector)
            mstore(add(data, 0x04), iszero(iszero(asks)))
            mstore(add(data, 0x24), 0x40)
            mcopy(add(data, 0x44), sold, size)
            let done := call(gas(), market, 0, data, add(size, 0x44), data, 0xc0)
            if iszero(and(done, gt(returndatasize(), 0xbf))) {
                returndatacopy(data, 0, returndatasize())
                revert(data, returndatasize())
            }
            open := iszero(mload(data)) // PriceStatus.Open
            updatedAt := mload(add(data, 0x20))
            mcopy(value, add(data, 0x40), 0x80)
        }
    }

    /// @notice `vault.balancesOf(token, this, owners)` into `balances`.
    function balancesOf(ICollateralVault vault, address token, address[3] memory owners, uint256[3] memory balances) internal view {
        bytes4 selector = ICollateralVault.balancesOf.selector;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 0x04), token)
            mstore(add(data, 0x24), address())
            mcopy(add(data, 0x44), owners, 0x60)
            let done := staticcall(gas(), vault, data, 0xa4, balances, 0x60)
            if iszero(and(done, gt(returndatasize(), 0x5f))) {
                returndatacopy(data, 0, returndatasize())
                revert(data, returndatasize())
            }
        }
    }

    /// @notice `vault.settle`: what takes three entries from one balance to another. Balances are below 2^184, so their differences are signed words.
    function settle(
        ICollateralVault vault,
        address token,
        address payee,
        uint256 payeeAmount,
        address[3] memory owners,
        uint256[3] memory from,
        uint256[3] memory to
    ) internal {
        bytes4 selector = ICollateralVault.settle.selector;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 0x04), token)
            mstore(add(data, 0x24), payee)
            mstore(add(data, 0x44), payeeAmount)
            mstore(add(data, 0x64), mload(owners))
            mstore(add(data, 0x84), sub(mload(to), mload(from)))
            mstore(add(data, 0xa4), mload(add(owners, 0x20)))
            mstore(add(data, 0xc4), sub(mload(add(to, 0x20)), mload(add(from, 0x20))))
            mstore(add(data, 0xe4), mload(add(owners, 0x40)))
            mstore(add(data, 0x104), sub(mload(add(to, 0x40)), mload(add(from, 0x40))))
            if iszero(call(gas(), vault, 0, data, 0x124, 0, 0)) {
                returndatacopy(data, 0, returndatasize())
                revert(data, returndatasize())
            }
        }
    }
}
