"""Where events come from: a node's logs, or everything that an in-process chain has executed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from everstock.chain.base import Chain
from everstock.chain.codec import checksum
from everstock.chain.errors import BatchFailed
from everstock.chain.receipt import Receipt, Tx
from everstock.chain.registry import Event, Log
from everstock.chain.rpc import RpcChain


class EventSource(Protocol):
    """Events in order, each once."""

    def poll(self) -> list[Event]:
        """Those that happened since the last poll."""
        ...


class EventLog:
    """The events of a chain. An in-process chain keeps no logs: there it must exist before the first event does."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.recorded: list[Log] = []
        self.first_block = chain.block_number
        if not isinstance(chain, RpcChain):
            self._record(chain)

    def source(self, addresses: Iterable[str]) -> EventSource:
        """Events of these contracts, from the beginning of this log."""
        chain = self.chain
        if isinstance(chain, RpcChain):
            return _NodeLogs(chain, list(addresses), self.first_block)
        return _Recorded(self, set(addresses))

    def _record(self, chain: Chain) -> None:
        send, send_many = chain.send, chain.send_many

        def recording_send(*args: Any, **kwargs: Any) -> Receipt:
            receipt = send(*args, **kwargs)
            self.recorded += receipt.logs
            return receipt

        def recording_send_many(txs: Sequence[Tx]) -> list[Receipt]:
            try:
                receipts = send_many(txs)
            except BatchFailed as error:
                for index in sorted(error.receipts):
                    self.recorded += error.receipts[index].logs
                raise
            for receipt in receipts:
                self.recorded += receipt.logs
            return receipts

        chain.send = recording_send  # type: ignore[method-assign]
        chain.send_many = recording_send_many  # type: ignore[method-assign]


class _Recorded:
    def __init__(self, log: EventLog, addresses: set[str]) -> None:
        self._log, self._addresses, self._next = log, addresses, 0

    def poll(self) -> list[Event]:
        logs = self._log.recorded[self._next :]
        self._next += len(logs)
        return _decode(self._log.chain, [log for log in logs if log.address in self._addresses])


class _NodeLogs:
    """`eth_getLogs` from the block after the last one asked for."""

    def __init__(self, chain: RpcChain, addresses: list[str], first_block: int) -> None:
        self._chain, self._addresses, self._next = chain, addresses, first_block

    def poll(self) -> list[Event]:
        last = self._chain.block_number
        if last < self._next:
            return []
        query = {"fromBlock": hex(self._next), "toBlock": hex(last), "address": self._addresses}
        raw = self._chain.rpc("eth_getLogs", query)
        self._next = last + 1
        return _decode(self._chain, [_log(entry) for entry in raw])


def _log(entry: dict[str, Any]) -> Log:
    topics = tuple(bytes.fromhex(topic[2:]) for topic in entry["topics"])
    return Log(checksum(entry["address"]), topics, bytes.fromhex(entry["data"][2:]))


def _decode(chain: Chain, logs: Iterable[Log]) -> list[Event]:
    return [event for event in map(chain.registry.event, logs) if event is not None]
