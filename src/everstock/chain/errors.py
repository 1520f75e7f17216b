"""What can go wrong between Python and a chain, each with its own name and, where there is one, the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

    from everstock.chain.receipt import Receipt

EMPTY = "Empty"
"""Name of a revert that carries no data."""

HALT = "Halt"
"""Name of an exceptional halt (out of gas, invalid opcode…); its only argument is ``reason``."""

UNKNOWN = "Unknown"
"""Name of a revert whose selector no known ABI holds; its only argument is ``data``."""


class ChainError(Exception):
    """Base of every error of this package."""


class Reverted(ChainError):
    """The EVM refused: a transaction or a call ended without success.

    ``name`` is the custom error's name; ``Error`` for a plain reason, ``Panic`` for a compiler check, ``Empty``,
    ``Halt`` or ``Unknown``. ``args_`` maps the error's argument names to the decoded values, in order. ``data`` is the
    raw revert data.
    """

    def __init__(self, name: str, args_: dict[str, Any], data: bytes = b"") -> None:
        self.name = name
        self.args_ = args_
        self.data = data
        super().__init__(name, args_, data)

    @property
    def values(self) -> tuple[Any, ...]:
        """The error's arguments by position."""
        return tuple(self.args_.values())

    def __getitem__(self, key: str) -> Any:
        return self.args_[key]

    def __str__(self) -> str:
        if self.name == "Panic":
            code = self.args_["code"]
            return f"Panic(0x{code:02x}: {PANICS.get(code, 'unknown code')})"
        return f"{self.name}({', '.join(f'{key}={_show(value)}' for key, value in self.args_.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.args_, self.data)


PANICS = {
    0x00: "generic compiler panic",
    0x01: "assertion failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division by zero",
    0x21: "value outside the enum",
    0x22: "badly encoded storage bytes",
    0x31: "pop of an empty array",
    0x32: "array index out of bounds",
    0x41: "out of memory",
    0x51: "call of an uninitialised internal function",
}


class BatchFailed(ChainError):
    """Some transactions of one block failed; the others stand. Both are held by position in the batch."""

    def __init__(self, receipts: dict[int, Receipt], failures: dict[int, Reverted]) -> None:
        self.receipts = receipts
        self.failures = failures
        first = min(failures)
        total = len(receipts) + len(failures)
        super().__init__(f"{len(failures)} of {total} transactions failed; number {first} with {failures[first]}")


class Rejected(ChainError):
    """The transaction cannot even start: too little balance for its value, too little gas, a wrong nonce."""


class BadArgument(ChainError, ValueError):
    """A Python value does not fit the ABI type of the parameter it was passed for."""


class AmbiguousFunction(ChainError):
    """Several overloads take that many arguments: name one with ``contract["name(type,…)"]``."""

    def __init__(self, name: str, signatures: Sequence[str]) -> None:
        super().__init__(f"{name}: choose one of {', '.join(signatures)} with contract['…']")


class NotCompiled(ChainError):
    """There is no compiled contract to load."""

    def __init__(self, root: Path) -> None:
        super().__init__(f"no compiled contracts under {root}: run `ape compile`")


class UnknownContract(ChainError, KeyError):
    """No artifact has that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        near = get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"{len(known)} contracts are known"
        self.message = f"no contract named {name}: {hint} (run `ape compile` after adding one)"
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


class UnknownEvent(ChainError, LookupError):
    """The receipt does not hold exactly one event of that name."""


class TimeBackwards(ChainError, ValueError):
    """A chain's clock only goes forward."""

    def __init__(self, asked: int, now: int) -> None:
        super().__init__(f"cannot set the time to {asked}: it is already {now}")


class UnknownSnapshot(ChainError, KeyError):
    """The snapshot was never taken, or a revert to it or to an older one used it up."""


class TooManySnapshots(ChainError):
    """Too many snapshots are alive at once: revert to one of them first."""


class Unsupported(ChainError):
    """This backend cannot do that: a public network has no snapshots and no time travel."""


class AnvilNotFound(ChainError):
    """The ``anvil`` binary is neither beside the Python interpreter nor on PATH."""

    def __init__(self) -> None:
        super().__init__("no `anvil` binary found: run the project's install step, or put Foundry's anvil on PATH")


class AnvilFailed(ChainError):
    """The ``anvil`` process ended, or did not answer in time."""


class WrongTime(ChainError):
    """The node mined at another time than it was told to, again and again: it is overloaded, or not ours alone."""

    def __init__(self, mined_at: int, due: int) -> None:
        self.mined_at, self.due = mined_at, due
        super().__init__(f"mined at {mined_at} instead of {due}: the node is overloaded, or somebody else mines on it")


class NodeUnreachable(ChainError):
    """The node gave no usable answer: it is down, or the URI is wrong."""

    def __init__(self, uri: str, why: str) -> None:
        super().__init__(f"{_without_path(uri)}: {why}")


class RpcError(ChainError):
    """The node answered a request with an error that is not a revert."""

    def __init__(self, method: str, code: int, message: str, data: Any = None) -> None:
        self.method, self.code, self.message, self.data = method, code, message, data
        super().__init__(f"{method}: {message} (code {code})")


class TransactionTimeout(ChainError):
    """The transaction was sent, but no receipt came in time. It may still be mined: look it up before sending again."""

    def __init__(self, tx_hash: str, seconds: float) -> None:
        self.tx_hash = tx_hash
        super().__init__(f"no receipt for {tx_hash} after {seconds:g} s: it may still be mined")


def _without_path(uri: str) -> str:
    """Providers put their API keys into the path or the query: neither belongs in a log."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


def _show(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
