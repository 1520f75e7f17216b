"""The chain as the rest of the package sees it. Two backends: :class:`~everstock.chain.evm.EvmChain`, in process, and
:class:`~everstock.chain.rpc.RpcChain`, over JSON-RPC.

The clock, the same on both:

- ``now`` is the timestamp of the block that the next transaction is mined in, and what every call sees until then;
- only ``warp`` and ``set_time`` move it: mining does not, and any number of transactions may share one timestamp;
- it never goes back, except through ``revert``, which restores the clock with the state.

The height: every transaction, failed ones included, is mined in a block of its own (``send_many`` excepted). A
transaction sees ``block_number + 1``, a call sees ``block_number``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from everstock.chain import accounts
from everstock.chain.codec import Codec, address_of
from everstock.chain.contract import Contract
from everstock.chain.errors import Reverted, TimeBackwards, UnknownContract
from everstock.chain.receipt import Receipt, Tx
from everstock.chain.registry import KNOWN, Registry

if TYPE_CHECKING:
    from everstock.artifacts import Artifact

ZERO_ADDRESS = "0x0000000000000000000000000000000000000000"

DEFAULT_GAS = 30_000_000
"""Gas limit of a transaction or call that names none."""

START_TIME = 1_767_623_400
"""Timestamp of the first block: Monday 5 January 2026, 14:30 UTC, the opening of the New York session."""

LOCAL_CHAIN_ID = 31_337


class Chain(ABC):
    """A chain to send to and read from. Addresses are checksum strings, amounts in wei, times in Unix seconds."""

    def __init__(self, registry: Registry | None = None, default_sender: str | None = None) -> None:
        self.registry = registry or KNOWN
        self.default_sender = default_sender

    @property
    def replaying(self) -> bool:
        """What is sent is only compared with what was sent before: then today's state proves nothing about it."""
        return False

    # ------------------------------------------------------------------------------------------ transactions

    @abstractmethod
    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS, value: int = 0, gas: int | None = None) -> bytes:
        """Execute without keeping anything; returns the return data.

        Raises:
            Reverted: the execution failed.
            Rejected: it could not start, e.g. ``sender`` holds less than ``value`` wei.
        """

    def call_many(self, txs: Sequence[Tx]) -> list[bytes | Reverted]:
        """Several calls, each on its own, at once where the node allows it: what each returns, or how it fails."""
        answers: list[bytes | Reverted] = []
        for tx in txs:
            try:
                answers.append(self.call(tx.to or ZERO_ADDRESS, tx.data, tx.sender, tx.value, tx.gas))
            except Reverted as error:
                answers.append(error)
        return answers

    @abstractmethod
    def send(self, sender: str, to: str | None, data: bytes = b"", value: int = 0, gas: int | None = None) -> Receipt:
        """Send a transaction and mine it at once; ``to=None`` creates a contract. Any sender may send on a local chain.

        Raises:
            Reverted: the transaction failed; its block is mined all the same.
            Rejected: it could not start.
        """

    @abstractmethod
    def send_many(self, txs: Sequence[Tx]) -> list[Receipt]:
        """Mine several transactions, in this order, in one block. Their gas limits must fit it together (1e9).

        Raises:
            BatchFailed: some failed; the block is mined all the same.
            Rejected: one could not start; none was mined.
        """

    def deploy(
        self, artifact: Artifact, *args: Any, sender: Any = None, value: int = 0, gas: int | None = None
    ) -> Contract:
        """Create a contract with the constructor's arguments; its receipt is ``contract.deployment``.

        Raises:
            Reverted: the constructor failed, or the code is over the size limit (``Halt``).
            BadArgument: the arguments do not fit the constructor.
        """
        if not artifact.bytecode:
            raise UnknownContract(f"{artifact.name} (an interface or abstract contract)", [])
        self.registry.add(artifact.abi)
        inputs = next((entry.get("inputs", ()) for entry in artifact.abi if entry.get("type") == "constructor"), ())
        receipt = self.send(self.sender_of(sender), None, artifact.bytecode + Codec(inputs).encode(args), value, gas)
        assert receipt.contract_address is not None
        return Contract(self, receipt.contract_address, artifact, receipt)

    def contract(self, artifact: Artifact, address: Any) -> Contract:
        """A contract that is already there, seen through an ABI (an interface will do)."""
        return Contract(self, address_of(address), artifact)

    def sender_of(self, sender: Any) -> str:
        """The address to send from; None stands for the chain's default sender."""
        if sender is not None:
            return address_of(sender)
        if self.default_sender is None:
            raise TypeError("a transaction needs a sender: pass sender=…")
        return self.default_sender

    # ------------------------------------------------------------------------------------------ clock and height

    @property
    @abstractmethod
    def now(self) -> int:
        """The timestamp that the next transaction, and every call before it, sees."""

    @abstractmethod
    def _set_now(self, timestamp: int) -> None: ...

    def set_time(self, timestamp: int) -> None:
        """Let the next transaction and all calls happen at ``timestamp``; mines nothing.

        Raises:
            TimeBackwards: ``timestamp`` lies before ``now``.
        """
        if timestamp < self.now:
            raise TimeBackwards(timestamp, self.now)
        self._set_now(timestamp)

    def warp(self, seconds: int) -> None:
        """Move the clock forward by ``seconds``; mines nothing."""
        self.set_time(self.now + seconds)

    @property
    @abstractmethod
    def block_number(self) -> int:
        """The height of the latest block."""

    @abstractmethod
    def mine(self, blocks: int = 1) -> None:
        """Add empty blocks, all at ``now``: the height moves, the clock does not."""

    @property
    @abstractmethod
    def chain_id(self) -> int:
        """The EIP-155 chain id."""

    # ------------------------------------------------------------------------------------------ snapshots

    @abstractmethod
    def snapshot(self) -> int:
        """Remember state, clock and height; returns an id for ``revert``. Snapshots nest."""

    @abstractmethod
    def revert(self, snapshot: int) -> None:
        """Return to a snapshot. It and all taken after it are used up.

        Raises:
            UnknownSnapshot: it was used up already, or never taken.
        """

    @contextmanager
    def anchor(self) -> Iterator[None]:
        """Undo on leaving whatever happens inside, whether or not it raises."""
        taken = self.snapshot()
        try:
            yield
        finally:
            self.revert(taken)

    # ------------------------------------------------------------------------------------------ accounts

    @abstractmethod
    def balance(self, address: Any) -> int:
        """The balance in wei."""

    @abstractmethod
    def fund(self, address: Any, wei: int) -> None:
        """Add ``wei`` to a balance out of thin air; runs no code of the receiver. Local chains only."""

    @abstractmethod
    def code(self, address: Any) -> bytes:
        """The deployed code, empty for a plain account."""

    @abstractmethod
    def nonce(self, address: Any) -> int:
        """The account's nonce: with it, the address of the next contract this account creates is known."""

    @staticmethod
    def account(name: str) -> str:
        """The actor called ``name``: the same address on every chain, with a key in :mod:`everstock.chain.accounts`."""
        return accounts.address(name)

    @classmethod
    def accounts(cls, count: int, prefix: str = "account") -> list[str]:
        """``count`` actors called ``prefix0``, ``prefix1``…"""
        return [cls.account(f"{prefix}{index}") for index in range(count)]

    # ------------------------------------------------------------------------------------------ life

    def close(self) -> None:  # noqa: B027 - nothing to free unless a backend says so
        """Free what the chain holds (a connection, a process). Safe to call twice."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
