"""ABI encoding and decoding, prepared once per parameter list.

eth-abi does the work; this module keeps its coders, and turns its output into what Python code likes to read: checksum
addresses, structs as named tuples, arrays as lists. Parameter lists made of static values only (most getters) take a
short cut that reads 32-byte words directly.
"""

from __future__ import annotations

import keyword
import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from eth_abi.decoding import ContextFramesBytesIO, TupleDecoder
from eth_abi.encoding import TupleEncoder
from eth_abi.exceptions import DecodingError, EncodingError
from eth_abi.registry import registry
from eth_utils.address import to_checksum_address

from everstock.chain.errors import BadArgument

Param = Mapping[str, Any]
Convert = Callable[[Any], Any]
Reader = Callable[[bytes, int], Any]

_ARRAY = re.compile(r"^(.*)\[(\d*)\]$")
_WORD = 32


@lru_cache(maxsize=65_536)
def checksum(address: str) -> str:
    """The EIP-55 form of an address."""
    return str(to_checksum_address(address))


def address_of(value: Any) -> str:
    """The checksum address of a string, or of anything that has an ``address`` (a contract, an ape account)."""
    if not isinstance(value, str):
        value = getattr(value, "address", value)
    try:
        return checksum(value)
    except (ValueError, TypeError):
        raise BadArgument(f"not an address: {value!r}") from None


def canonical(param: Param) -> str:
    """The type as a signature spells it: structs become ``(type,…)``."""
    kind: str = param["type"]
    if kind.startswith("tuple"):
        return f"({','.join(map(canonical, param['components']))}){kind[5:]}"
    return kind


def field_names(params: Sequence[Param]) -> list[str]:
    """Distinct names for parameters: an unnamed one is called ``_0``, ``_1``… by its position."""
    names: list[str] = []
    for position, param in enumerate(params):
        name = param.get("name") or f"_{position}"
        while name in names:
            name += "_"
        names.append(name)
    return names


class Codec:
    """Encodes and decodes one list of parameters."""

    def __init__(self, params: Sequence[Param]) -> None:
        self.params = tuple(params)
        self.names = field_names(self.params)
        self.types = tuple(canonical(param) for param in self.params)
        self._prepare = [_preparer(param) for param in self.params]
        self._encoder = TupleEncoder(encoders=[registry.get_encoder(kind) for kind in self.types])  # type: ignore[no-untyped-call]
        self._decoder = TupleDecoder(decoders=[registry.get_decoder(kind) for kind in self.types])  # type: ignore[no-untyped-call]
        self._shape = [_shaper(param) for param in self.params]
        self._size, self._readers = _static_readers(self.params)

    @property
    def signature(self) -> str:
        """The parameter list of a signature, parentheses included."""
        return f"({','.join(self.types)})"

    def encode(self, values: Sequence[Any]) -> bytes:
        """ABI-encode. A struct may be a tuple or a mapping, an address anything that has one, bytes also 0x-hex.

        Raises:
            BadArgument: the number of values is wrong, or one does not fit its type.
        """
        if len(values) != len(self.types):
            raise BadArgument(f"{self.signature} takes {len(self.types)} arguments, not {len(values)}")
        if not values:
            return b""
        try:
            ready = [value if fix is None else fix(value) for fix, value in zip(self._prepare, values, strict=True)]
            return bytes(self._encoder(ready))
        except (EncodingError, TypeError, KeyError) as error:
            raise BadArgument(f"{self.signature}: {error}") from error

    def decode(self, data: bytes) -> tuple[Any, ...]:
        """The values, shaped for Python.

        Raises:
            DecodingError: the data is too short or malformed (eth-abi's own error).
        """
        if self._readers is not None:
            if len(data) < self._size:
                raise DecodingError(f"{len(data)} bytes cannot hold {self.signature}")
            return tuple([read(data, offset) for read, offset in self._readers])
        values = self._decoder(ContextFramesBytesIO(data))  # type: ignore[no-untyped-call]
        return tuple([value if fix is None else fix(value) for fix, value in zip(self._shape, values, strict=True)])


# ---------------------------------------------------------------------------------------------- Python → eth-abi


def _preparer(param: Param) -> Convert | None:
    kind: str = param["type"]
    if array := _ARRAY.match(kind):
        each = _preparer({**param, "type": array.group(1)})
        return None if each is None else lambda values: [each(value) for value in values]
    if kind == "tuple":
        return _struct_preparer(param["components"])
    if kind == "address":
        return address_of
    if kind.startswith("bytes"):
        return _bytes_of
    return None


def _bytes_of(value: Any) -> Any:
    if isinstance(value, str):
        if not value.startswith("0x"):
            raise TypeError(f"bytes as text must be 0x-prefixed hex, not {value!r}")
        return bytes.fromhex(value[2:])
    return value


def _struct_preparer(components: Sequence[Param]) -> Convert:
    names = [component["name"] for component in components]
    each = [_preparer(component) for component in components]

    def prepare(value: Any) -> Any:
        if isinstance(value, Mapping):
            if unknown := set(value) - set(names):
                raise TypeError(f"no such field: {', '.join(sorted(unknown))}")
            value = [value[name] for name in names]
        elif len(value) != len(names):
            raise TypeError(f"a struct of {len(names)} fields got {len(value)}: {value!r}")
        return [item if fix is None else fix(item) for fix, item in zip(each, value, strict=True)]

    return prepare


# ---------------------------------------------------------------------------------------------- eth-abi → Python


def _shaper(param: Param) -> Convert | None:
    kind: str = param["type"]
    if array := _ARRAY.match(kind):
        each = _shaper({**param, "type": array.group(1)})
        return list if each is None else lambda values: [each(value) for value in values]
    if kind == "tuple":
        make = struct_type(param)
        shape = [_shaper(component) for component in param["components"]]
        return lambda values: make(*[v if fix is None else fix(v) for fix, v in zip(shape, values, strict=True)])
    return checksum if kind == "address" else None


def struct_type(param: Param) -> Callable[..., Any]:
    """The named tuple class that stands for a struct; the same struct gives the same class everywhere."""
    internal = str(param.get("internalType", "")).removeprefix("struct ")
    name = re.sub(r"\W", "", internal.split("[")[0].split(".")[-1]) or "Struct"
    return _named(name, tuple(field_names(param["components"])))


@cache
def _named(name: str, fields: tuple[str, ...]) -> Callable[..., Any]:
    safe: list[str] = []
    for position, field in enumerate(fields):
        field = field.lstrip("_") or f"field{position}"
        if field[0].isdigit():
            field = f"field{field}"
        while keyword.iskeyword(field) or field in safe or field in ("count", "index"):
            field += "_"
        safe.append(field)
    return namedtuple(name, safe)


# ---------------------------------------------------------------------------------------------- static short cut


def _static_readers(params: Sequence[Param]) -> tuple[int, list[tuple[Reader, int]] | None]:
    """Readers with their offsets, and the total size in bytes; no readers when some value is dynamic or an array."""
    readers: list[tuple[Reader, int]] = []
    offset = 0
    for param in params:
        found = _static_reader(param)
        if found is None:
            return 0, None
        size, read = found
        readers.append((read, offset))
        offset += size
    return offset, readers


def _static_reader(param: Param) -> tuple[int, Reader] | None:
    kind: str = param["type"]
    if kind == "tuple":
        size, fields = _static_readers(param["components"])
        if fields is None:
            return None
        make = struct_type(param)
        inner = fields
        return size, lambda data, at: make(*[read(data, at + offset) for read, offset in inner])
    if match := re.fullmatch(r"(u?int)(\d+)", kind):
        bits = int(match.group(2))
        return _WORD, _unsigned(bits) if match.group(1) == "uint" else _signed(bits)
    if kind == "address":
        return _WORD, lambda data, at: checksum("0x" + data[at + 12 : at + _WORD].hex())
    if kind == "bool":
        as_bit = _unsigned(1)
        return _WORD, lambda data, at: as_bit(data, at) == 1
    if match := re.fullmatch(r"bytes(\d+)", kind):
        length = int(match.group(1))
        return _WORD, lambda data, at: data[at : at + length]
    return None


def _unsigned(bits: int) -> Reader:
    def read(data: bytes, at: int) -> int:
        value = int.from_bytes(data[at : at + _WORD], "big")
        if value >> bits:
            raise DecodingError(f"{value} does not fit {bits} bits")
        return value

    return read


def _signed(bits: int) -> Reader:
    limit = 1 << (bits - 1)

    def read(data: bytes, at: int) -> int:
        value = int.from_bytes(data[at : at + _WORD], "big", signed=True)
        if not -limit <= value < limit:
            raise DecodingError(f"{value} does not fit int{bits}")
        return value

    return read
