"""The codec agrees with eth-abi on any value, and shapes it for Python."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from everstock.chain import BadArgument
from everstock.chain.codec import Codec, checksum


def _words() -> st.SearchStrategy[tuple[str, Any]]:
    """A static type with a value that fits it."""
    widths = st.sampled_from(range(8, 257, 8))
    return st.one_of(
        widths.flatmap(lambda bits: st.tuples(st.just(f"uint{bits}"), st.integers(0, 2**bits - 1))),
        widths.flatmap(lambda b: st.tuples(st.just(f"int{b}"), st.integers(-(2 ** (b - 1)), 2 ** (b - 1) - 1))),
        st.tuples(st.just("bool"), st.booleans()),
        st.tuples(st.just("address"), st.binary(min_size=20, max_size=20).map(lambda raw: checksum("0x" + raw.hex()))),
        st.sampled_from(range(1, 33)).flatmap(
            lambda size: st.tuples(st.just(f"bytes{size}"), st.binary(min_size=size, max_size=size))
        ),
    )


def _values() -> st.SearchStrategy[tuple[str, Any]]:
    return st.one_of(
        _words(), st.tuples(st.just("bytes"), st.binary(max_size=70)), st.tuples(st.just("string"), st.text())
    )


def _codec(items: list[tuple[str, Any]], nested: bool) -> tuple[Codec, list[Any], list[str]]:
    """The items as parameters; nested, as a struct between two numbers."""
    params: list[dict[str, Any]] = [{"name": f"f{index}", "type": kind} for index, (kind, _) in enumerate(items)]
    values: list[Any] = [value for _, value in items]
    types = [kind for kind, _ in items]
    if not nested:
        return Codec(params), values, types
    struct = {"name": "s", "type": "tuple", "components": params, "internalType": "struct Lib.Thing"}
    number = {"name": "n", "type": "uint8"}
    return Codec([number, struct, number]), [1, tuple(values), 2], ["uint8", f"({','.join(types)})", "uint8"]


@given(items=st.lists(_words(), min_size=1, max_size=8), nested=st.booleans())
def test_static_short_cut_agrees_with_eth_abi(items: list[tuple[str, Any]], nested: bool) -> None:
    codec, values, types = _codec(items, nested)
    data = encode(types, values)
    assert codec.encode(values) == data
    assert list(codec.decode(data)) == values


@given(items=st.lists(_values(), min_size=1, max_size=8), nested=st.booleans())
def test_dynamic_values_agree_with_eth_abi(items: list[tuple[str, Any]], nested: bool) -> None:
    codec, values, types = _codec(items, nested)
    data = encode(types, values)
    assert codec.encode(values) == data
    assert list(codec.decode(data)) == values


@pytest.mark.parametrize(
    ("kind", "word"),
    [("uint8", 256), ("int8", 128), ("bool", 2)],
)
def test_dirty_words_are_refused(kind: str, word: int) -> None:
    with pytest.raises(DecodingError):
        Codec([{"name": "a", "type": kind}]).decode(word.to_bytes(32, "big"))


def test_short_data_is_refused() -> None:
    with pytest.raises(DecodingError):
        Codec([{"name": "a", "type": "uint256"}]).decode(b"\0" * 31)


def test_awkward_names_become_attributes() -> None:
    components = [
        {"name": "from", "type": "uint256"},
        {"name": "_hidden", "type": "uint256"},
        {"name": "", "type": "uint256"},
        {"name": "count", "type": "uint256"},
    ]
    codec = Codec([{"name": "s", "type": "tuple", "components": components, "internalType": "struct Odd"}])
    (value,) = codec.decode(bytes(128))
    assert value._fields == ("from_", "hidden", "field2", "count_")
    assert type(value).__name__ == "Odd"


def test_same_struct_same_class() -> None:
    param = {"type": "tuple", "components": [{"name": "x", "type": "int8"}], "internalType": "struct A.P"}
    one, other = (Codec([{**param, "name": name}]).decode(bytes(32))[0] for name in "ab")
    assert type(one) is type(other)


def test_bytes_as_text_need_their_prefix() -> None:
    codec = Codec([{"name": "b", "type": "bytes4"}])
    assert codec.encode(["0x01020304"]) == b"\1\2\3\4".ljust(32, b"\0")
    with pytest.raises(BadArgument, match="0x-prefixed"):
        codec.encode(["01020304"])
