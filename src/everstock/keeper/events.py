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
            return NodeLogs(chain, list(addresses), self.first_block)
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


class NodeLogs:
    """`eth_getLogs`, a span of blocks at a time, and again from where a reorganisation began.

    Blocks that were replaced have their events reported once more: whoever reads the state after each event then also
    sees what was undone. A poll that fails half-way reports nothing, and the next one begins where it began.
    """

    def __init__(
        self, chain: RpcChain, addresses: list[str], first_block: int, span: int = 2_000, memory: int = 256
    ) -> None:
        self._chain, self._addresses, self._next = chain, addresses, first_block
        self._span, self._memory = span, memory
        self._hashes: dict[int, str] = {}  # of the last blocks that were polled
        self._logs: dict[int, list[Log]] = {}  # in them
        self.reorganisations = 0

    def poll(self) -> list[Event]:
        """What happened since the last poll, and what was undone."""
        # The head first: should blocks vanish after it was read, the next poll finds that this one's is not there.
        head = self._block("latest")
        if head is None:
            return []
        start, undone = self._fork()
        last = int(head["number"], 16)
        logs: dict[int, list[Log]] = {}
        for first in range(start, last + 1, self._span):
            query = {"fromBlock": hex(first), "toBlock": hex(min(first + self._span - 1, last))}
            for entry in self._chain.rpc("eth_getLogs", query | {"address": self._addresses}):
                logs.setdefault(int(entry["blockNumber"], 16), []).append(_log(entry))
        self._remember(start, last, str(head["hash"]), logs)
        return _decode(self._chain, [*undone, *(log for number in sorted(logs) for log in logs[number])])

    def _fork(self) -> tuple[int, list[Log]]:
        """The first block to ask for, and the logs of blocks that are no longer on the chain."""
        start = self._next
        undone: list[Log] = []
        for number in sorted(self._hashes, reverse=True):
            block = self._block(hex(number))
            if block is not None and block["hash"] == self._hashes[number]:
                break
            start = min(start, number)
        else:
            if self._hashes:  # deeper than we remember: from the oldest we know
                start = min(self._hashes)
        if start < self._next:
            # Hashes are kept for the blocks that polls ended with: what lies between two of them is asked for again.
            start = max((number for number in self._hashes if number < start), default=start - 1) + 1
            undone = [log for number in sorted(self._logs) if number >= start for log in self._logs[number]]
            self.reorganisations += 1
        return start, undone

    def _remember(self, start: int, last: int, head: str, logs: dict[int, list[Log]]) -> None:
        self._hashes = {n: h for n, h in self._hashes.items() if n < start} | {last: head}
        self._logs = {n: found for n, found in self._logs.items() if n < start} | logs
        for number in sorted(self._hashes)[: -self._memory]:
            del self._hashes[number]
        oldest = min(self._hashes)
        self._logs = {n: found for n, found in self._logs.items() if n >= oldest}
        self._next = last + 1

    def _block(self, which: str) -> dict[str, Any] | None:
        block = self._chain.rpc("eth_getBlockByNumber", which, False)
        return None if block is None else dict(block)


def _log(entry: dict[str, Any]) -> Log:
    topics = tuple(bytes.fromhex(topic[2:]) for topic in entry["topics"])
    return Log(checksum(entry["address"]), topics, bytes.fromhex(entry["data"][2:]))


def _decode(chain: Chain, logs: Iterable[Log]) -> list[Event]:
    return [event for event in map(chain.registry.event, logs) if event is not None]
