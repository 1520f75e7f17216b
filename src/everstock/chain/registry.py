"""Every custom error and event of every known ABI, found by selector or topic.

A contract may revert with, or emit through, the code of another: so a chain decodes with all it knows, not with the ABI
of the contract that was called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from everstock.chain.codec import Codec, Param, field_names
from everstock.chain.errors import EMPTY, HALT, UNKNOWN, Reverted


@dataclass(frozen=True, slots=True)
class Log:
    """A raw log: ``address`` is a checksum address, ``topics`` are 32 bytes each."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log. ``args`` keeps the declared order; an indexed dynamic value is its 32-byte hash."""

    name: str
    args: dict[str, Any]
    address: str

    def __getitem__(self, key: str) -> Any:
        return self.args[key]


class ErrorSpec:
    """How to decode one custom error."""

    def __init__(self, entry: Param) -> None:
        self.name: str = entry["name"]
        self.codec = Codec(entry.get("inputs", ()))
        self.signature = self.name + self.codec.signature
        self.selector = keccak(text=self.signature)[:4]
        self.arguments = self.codec.names

    def decode(self, data: bytes) -> dict[str, Any]:
        """The arguments by name, from the revert data after the selector."""
        return dict(zip(self.arguments, self.codec.decode(data), strict=True))


class EventSpec:
    """How to decode one event."""

    def __init__(self, entry: Param) -> None:
        inputs: Sequence[Param] = entry.get("inputs", ())
        self.name: str = entry["name"]
        self.signature = self.name + Codec(inputs).signature
        self.topic = keccak(text=self.signature)
        self.arguments = field_names(inputs)
        self._indexed = [bool(each.get("indexed")) for each in inputs]
        self._topics = [Codec([_as_topic(each)]) for each in inputs if each.get("indexed")]
        self._data = Codec([each for each in inputs if not each.get("indexed")])

    @property
    def indexed_count(self) -> int:
        """How many topics follow the event's own."""
        return len(self._topics)

    def decode(self, log: Log) -> Event:
        """The event that this log carries."""
        indexed: Iterator[Any] = iter(
            [codec.decode(topic)[0] for codec, topic in zip(self._topics, log.topics[1:], strict=True)]
        )
        plain = iter(self._data.decode(log.data))
        values = [next(indexed if is_indexed else plain) for is_indexed in self._indexed]
        return Event(self.name, dict(zip(self.arguments, values, strict=True)), log.address)


def _as_topic(param: Param) -> Param:
    """An indexed string, bytes, array or struct is stored as its hash."""
    kind: str = param["type"]
    if kind in ("string", "bytes") or kind.startswith("tuple") or kind.endswith("]"):
        return {"name": param.get("name", ""), "type": "bytes32"}
    return param


_BUILT_IN: list[Param] = [
    {"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
]


class Registry:
    """Error and event specifications, gathered from any number of ABIs."""

    def __init__(self) -> None:
        self.errors: dict[bytes, ErrorSpec] = {}
        self.events: dict[tuple[bytes, int], EventSpec] = {}
        self._seen: dict[int, object] = {}  # by identity; the value keeps the ABI alive, so the id stays its own
        self.add(_BUILT_IN)

    def add(self, abi: Sequence[Mapping[str, Any]]) -> None:
        """Learn all errors and events of an ABI. The first to define a signature names its arguments."""
        if id(abi) in self._seen:
            return
        self._seen[id(abi)] = abi
        for entry in abi:
            if entry.get("type") == "error":
                error = ErrorSpec(entry)
                self.errors.setdefault(error.selector, error)
            elif entry.get("type") == "event" and not entry.get("anonymous"):
                event = EventSpec(entry)
                self.events.setdefault((event.topic, event.indexed_count), event)

    def reverted(self, data: bytes) -> Reverted:
        """The exception that revert data stands for."""
        if not data:
            return Reverted(EMPTY, {})
        spec = self.errors.get(data[:4])
        if spec is not None:
            try:
                return Reverted(spec.name, spec.decode(data[4:]), data)
            except (DecodingError, UnicodeDecodeError):
                pass
        return Reverted(UNKNOWN, {"data": data}, data)

    def event(self, log: Log) -> Event | None:
        """The event in a log, or None when no known ABI declares it."""
        if not log.topics:
            return None
        spec = self.events.get((log.topics[0], len(log.topics) - 1))
        try:
            return spec.decode(log) if spec is not None else None
        except DecodingError:
            return None


_REASONS = {
    "outofgas": "out of gas",
    "out of gas": "out of gas",
    "oog": "out of gas",
    "invalidfeopcode": "invalid opcode",
    "invalid opcode": "invalid opcode",
    "opcodenotfound": "invalid opcode",
    "invalidjump": "invalid jump",
    "invalid jump": "invalid jump",
    "createcontractsizelimit": "max code size exceeded",
    "max code size exceeded": "max code size exceeded",
    "create contract size limit": "max code size exceeded",
    "createinitcodesizelimit": "max initcode size exceeded",
    "statechangeduringstaticcall": "write in a static call",
    "write protection": "write in a static call",
    "calltoodeep": "call too deep",
    "max call depth": "call too deep",
}


def halted(reason: str) -> Reverted:
    """The exception for an exceptional halt; both backends' words for it are made one where they are known."""
    lowered = reason.lower()
    for start, common in _REASONS.items():
        if start in lowered:
            return Reverted(HALT, {"reason": common})
    return Reverted(HALT, {"reason": reason})


KNOWN = Registry()
"""The registry that chains use unless they are given their own."""
