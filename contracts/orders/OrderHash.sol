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

    function structHash(IOrderBook.Order calldata order) internal pure returns (bytes32) {
        bytes32[] memory legs = new bytes32[](order.legs.length);
        for (uint256 i; i < legs.length; ++i) legs[i] = keccak256(abi.encode(LEG_TYPEHASH, order.legs[i]));
        return
            keccak256(
                abi.encode(
                    ORDER_TYPEHASH,
                    order.owner,
                    order.token,
                    order.executionFee,
                    order.deposit,
                    order.trigger,
                    order.triggerMarketId,
                    order.triggerPrice,
                    order.deadline,
                    order.salt,
                    keccak256(abi.encodePacked(legs))
                )
            );
    }
}
