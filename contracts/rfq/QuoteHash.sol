// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IQuoteSettlement } from "./IQuoteSettlement.sol";

/// @title EIP-712 struct hash of a quote
library QuoteHash {
    bytes32 internal constant QUOTE_TYPEHASH = keccak256(
        "Quote(address signer,address taker,address receiver,address asset,address payToken,uint8 side,bool issuance,uint128 quantity,uint128 payment,uint128 multiplier,uint40 notBefore,uint40 deadline,uint256 nonce)"
    );

    function structHash(IQuoteSettlement.Quote calldata quote) internal pure returns (bytes32) {
        return keccak256(abi.encode(QUOTE_TYPEHASH, quote));
    }
}
