"""A transaction, and what it leaves behind once mined."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

from everstock.chain.errors import UnknownEvent
from everstock.chain.registry import Event, Log, Registry


class Tx(NamedTuple):
    """A transaction to be sent: addresses as checksum strings, ``value`` in wei, ``gas`` None for the default."""

    sender: str
    to: str | None
    data: bytes = b""
    value: int = 0
    gas: int | None = None


class Receipt:
    """A successful transaction. Logs, events and return values are fetched or decoded when first asked for.

    ``gas_used`` is in gas; on the in-process EVM it is only indicative (see :mod:`everstock.chain.evm`). ``timestamp``
    is that of the transaction's block, in seconds. ``tx_hash`` is None in process.
    """

    def __init__(
        self,
        *,
        sender: str,
        to: str | None,
        gas_used: int,
        block_number: int,
        timestamp: int,
        registry: Registry,
        logs: Callable[[], list[Log]],
        return_data: Callable[[], bytes],
        contract_address: str | None = None,
        tx_hash: str | None = None,
    ) -> None:
        self.sender = sender
        self.to = to
        self.gas_used = gas_used
        self.block_number = block_number
        self.timestamp = timestamp
        self.contract_address = contract_address
        self.tx_hash = tx_hash
        self._registry = registry
        self._logs = logs
        self._return_data = return_data
        self.decode_return: Callable[[bytes], Any] | None = None

    @cached_property
    def logs(self) -> list[Log]:
        """The raw logs, in order."""
        return self._logs()

    @cached_property
    def events(self) -> list[Event]:
        """The logs that some known ABI declares, decoded, in order."""
        return [event for event in map(self._registry.event, self.logs) if event is not None]

    def events_named(self, name: str) -> list[Event]:
        """All events of that name, in order."""
        return [event for event in self.events if event.name == name]

    def event(self, name: str) -> Event:
        """The one event of that name.

        Raises:
            UnknownEvent: there is none, or more than one.
        """
        found = self.events_named(name)
        if len(found) != 1:
            names = ", ".join(event.name for event in self.events) or "no known event"
            raise UnknownEvent(f"{len(found)} events named {name} in: {names}")
        return found[0]

    @cached_property
    def return_data(self) -> bytes:
        """What the call returned. Over RPC this asks the node for a trace.

        Raises:
            Unsupported: the node has no ``debug_traceTransaction``.
        """
        return self._return_data()

    @cached_property
    def return_value(self) -> Any:
        """The decoded return value of a transaction sent through a contract's function; None for any other."""
        return None if self.decode_return is None else self.decode_return(self.return_data)

    def __repr__(self) -> str:
        return f"<Receipt block={self.block_number} gas={self.gas_used} to={self.to}>"
