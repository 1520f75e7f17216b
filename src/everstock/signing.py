"""EIP-712: what a wallet shows and signs, and what the contracts hash.

Digests are eth-account's, which has no line in common with the contracts': they agree, or a test says so.
"""

from __future__ import annotations

from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage, _hash_eip191_message, encode_typed_data

Fields = list[dict[str, str]]

_DOMAIN: Fields = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


def fields(**types: str) -> Fields:
    """A struct's members, in order."""
    return [{"name": name, "type": type_} for name, type_ in types.items()]


def typed_data(
    name: str, chain_id: int, contract: str, primary: str, types: dict[str, Fields], message: dict[str, Any]
) -> dict[str, Any]:
    """The document that `eth_signTypedData_v4` takes."""
    domain = {"name": name, "version": "1", "chainId": chain_id, "verifyingContract": contract}
    return {"types": {"EIP712Domain": _DOMAIN} | types, "primaryType": primary, "domain": domain, "message": message}


def digest(document: dict[str, Any]) -> bytes:
    """The 32 bytes that are signed."""
    return bytes(_hash_eip191_message(_signable(document)))


def sign(document: dict[str, Any], key: bytes) -> bytes:
    """65 bytes: r, s, v."""
    return bytes(Account.sign_message(_signable(document), key).signature)


def _signable(document: dict[str, Any]) -> SignableMessage:
    return encode_typed_data(full_message=document)
