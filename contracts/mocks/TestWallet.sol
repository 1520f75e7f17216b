// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title A contract that signs by ERC-1271 what its owner signed, or fails as it is told
/// @dev Test double.
contract TestWallet is IERC1271 {
    enum Mood {
        Honest,
        Refusing,
        Reverting
    }

    error TestWallet_AsTold();

    address public immutable owner;
    Mood public mood;

    constructor(address owner_) {
        owner = owner_;
    }

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    function run(address to, bytes calldata data) external {
        if (msg.sender != owner) revert TestWallet_AsTold();
        (bool ok, ) = to.call(data);
        if (!ok) revert TestWallet_AsTold();
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (mood == Mood.Reverting) revert TestWallet_AsTold();
        (address recovered, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        return mood == Mood.Honest && recovered == owner ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
