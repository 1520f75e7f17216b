// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { CREATE3 } from "@solady/src/utils/CREATE3.sol";

/// @title Where a token's pools are
/// @notice A pool's address follows from its deployer, the book and the token: computing it costs a tenth of reading it.
library PoolAddress {
    function salt(address book, address token) internal pure returns (bytes32) {
        return keccak256(abi.encode(book, token));
    }

    function at(address deployer, bytes32 salt_) internal pure returns (address) {
        return CREATE3.predictDeterministicAddress(salt_, deployer);
    }
}
