// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOrderBook } from "./IOrderBook.sol";

/// @title EIP-712 struct hash of an order
library OrderHash {
    bytes32 internal constant LEG_TYPEHASH = keccak256(
        "Leg(uint16 marketId,int16 strike,bool isCall,bool isOpen,uint112 notional,uint128 limit)"
    );
    bytes32 internal constant ORDER_TYPEHASH = keccak256(
        "Order(address owner,address token,uint128 executionFee,uint128 deposit,uint8 trigger,uint16 triggerMarketId,uint128 triggerPrice,uint40 deadline,uint64 salt,Leg[] legs)Leg(uint16 marketId,int16 strike,bool isCall,bool isOpen,uint112 notional,uint128 limit)"
    );

    /// @dev Hashes the words as they stand in the calldata: a leg's six, an order's nine and the hash of its legs. A word beyond its type, which no signer's
    ///      hash holds, is refused when it is read.
    function structHash(IOrderBook.Order calldata order, IOrderBook.Leg[] calldata legs) internal pure returns (bytes32 hash) {
        (bytes32 orderTypehash, bytes32 legTypehash) = (ORDER_TYPEHASH, LEG_TYPEHASH);
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, legTypehash)
            let hashes := add(data, 0xe0)
            for {
                let i := 0
            } lt(i, legs.length) {
                i := add(i, 1)
            } {
                calldatacopy(add(data, 0x20), add(legs.offset, mul(i, 0xc0)), 0xc0)
                mstore(add(hashes, shl(5, i)), keccak256(data, 0xe0))
            }
            let legsHash := keccak256(hashes, shl(5, legs.length))
            mstore(data, orderTypehash)
            calldatacopy(add(data, 0x20), order, 0x120)
            mstore(add(data, 0x140), legsHash)
            hash := keccak256(data, 0x160)
        }
    }
}
