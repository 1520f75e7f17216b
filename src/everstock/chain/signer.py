"""Who signs on a network that unlocks nobody."""

from __future__ import annotations

from typing import Any, Protocol

from everstock.chain.codec import address_of
from everstock.chain.errors import Rejected


class Signer(Protocol):
    """Signs EIP-1559 transactions for one address."""

    @property
    def address(self) -> str:
        """The checksum address it signs for."""

    def sign(self, transaction: dict[str, Any]) -> bytes:
        """The raw signed transaction. Fields as JSON-RPC names them; ``to`` is missing for a creation."""


class LocalSigner:
    """An eth-account ``LocalAccount``: ``Account.from_key(…)`` or a decrypted key file."""

    def __init__(self, account: Any) -> None:
        self._account = account
        self.address = address_of(account)

    def sign(self, transaction: dict[str, Any]) -> bytes:
        """Sign with the key held in memory."""
        return bytes(self._account.sign_transaction(transaction).raw_transaction)


class ApeSigner:
    """An ape account: a key file, a hardware wallet or a test account. May ask its user to confirm."""

    def __init__(self, account: Any, provider: Any) -> None:
        self._account = account
        self._provider = provider
        self.address = address_of(account)

    def sign(self, transaction: dict[str, Any]) -> bytes:
        """Let the ape account sign.

        Raises:
            Rejected: its user declined.
        """
        ecosystem = self._provider.network.ecosystem
        signed = self._account.sign_transaction(ecosystem.create_transaction(**transaction, sender=self.address))
        if signed is None:
            raise Rejected(f"{self.address} declined to sign")
        return bytes(signed.serialize_transaction())


def signer_for(account: Any, provider: Any = None) -> Signer:
    """The signer for what was given: a :class:`Signer`, an ape account with its provider, or a ``LocalAccount``."""
    if hasattr(account, "sign"):
        signer: Signer = account
        return signer
    return LocalSigner(account) if provider is None else ApeSigner(account, provider)
