// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @notice An ERC-2612 permit of a token, for whoever submits it to spend with.
/// @param value Allowance; 0: there is no permit.
/// @param deadline Last Unix second at which the token takes it.
struct Permit {
    uint256 value;
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @title Did they sign this?
/// @notice OpenZeppelin's checks, with a name for each reason why a signature is refused.
library Signed {
    /// @notice An account's signature has 65 bytes; a contract's may have any length.
    error Signed_WrongLength(uint256 length);
    /// @notice The other s of the same signature is the valid one (EIP-2).
    error Signed_HighS(bytes32 s);
    /// @notice Somebody else signed this digest, or `signer` signed another: a field, the chain or the contract differs.
    error Signed_WrongSigner(address signer, address recovered);
    /// @notice The signer is a contract, and it did not answer with ERC-1271's magic value.
    error Signed_RefusedByContract(address signer);

    /// @notice Reverts unless `signer` signed `digest`: with its key, or by ERC-1271 if it is a contract.
    function check(address signer, bytes32 digest, bytes calldata signature) internal view {
        if (signer.code.length != 0) {
            if (!SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature)) revert Signed_RefusedByContract(signer);
            return;
        }
        (address recovered, ECDSA.RecoverError reason, bytes32 detail) = ECDSA.tryRecoverCalldata(digest, signature);
        if (reason == ECDSA.RecoverError.InvalidSignatureLength) revert Signed_WrongLength(signature.length);
        if (reason == ECDSA.RecoverError.InvalidSignatureS) revert Signed_HighS(detail);
        if (reason != ECDSA.RecoverError.NoError || recovered != signer) revert Signed_WrongSigner(signer, recovered);
    }

    /// @notice Submit a permit for this contract. One that somebody submitted before, or that fails, is passed over: what counts is the
    ///         allowance, and whoever lacks it is refused by the token.
    function tryPermit(address token, address owner, Permit calldata permit) internal {
        if (permit.value == 0) return;
        try IERC20Permit(token).permit(owner, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s) {} catch {}
    }
}
