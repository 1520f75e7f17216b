"""Actors: accounts known by name. The name gives the private key, so the same actor signs and sends on every chain.

The keys are public knowledge. Never fund one on a public network.
"""

from __future__ import annotations

from functools import cache

from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak


@cache
def key(name: str) -> bytes:
    """The private key of the actor called ``name``, 32 bytes."""
    return keccak(text=f"everstock actor: {name}")


@cache
def address(name: str) -> str:
    """The checksum address of the actor called ``name``."""
    return str(PrivateKey(key(name)).public_key.to_checksum_address())
