"""Helpers for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from everstock.chain.codec import address_of
from everstock.chain.errors import BadArgument, Reverted


class Caught:
    """Holds the revert once the block has ended."""

    error: Reverted


@contextmanager
def reverts(name: str, *args: Any, **named: Any) -> Iterator[Caught]:
    """The block must revert with exactly this error.

    With positional arguments every one must match, in order (``...`` matches anything); with named ones, those named.
    ``Empty``, ``Halt``, ``Error`` and ``Panic`` are names too. Contracts stand for their addresses.

    Raises:
        AssertionError: nothing reverted, or something else did.
    """
    caught = Caught()
    try:
        yield caught
    except Reverted as error:
        caught.error = error
    else:
        raise AssertionError(f"expected {name}, but nothing reverted")
    _match(caught.error, name, args, named)


def _match(error: Reverted, name: str, args: tuple[Any, ...], named: dict[str, Any]) -> None:
    assert error.name == name, f"expected {name}, got {error}"
    if args:
        assert len(args) == len(error.values), f"expected {len(args)} arguments, got {error}"
        for (key, value), expected in zip(error.args_.items(), args, strict=True):
            _check(error, key, value, expected)
    for key, expected in named.items():
        assert key in error.args_, f"{error} has no argument {key}"
        _check(error, key, error.args_[key], expected)


def _check(error: Reverted, key: str, value: Any, expected: Any) -> None:
    if expected is ... or value == expected:
        return
    if isinstance(value, str) and value.startswith("0x"):
        try:
            if address_of(expected) == value:
                return
        except BadArgument:
            pass
    raise AssertionError(f"{error}: expected {key}={expected!r}")
