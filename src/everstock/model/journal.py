"""State that can be taken back: an undo journal instead of a copy of the whole state per operation.

Every mutable record of the model is a `Tracked`, every mapping a `TrackedDict`, and both write what they overwrite
into the journal they were made with. `Journal.transaction()` undoes these entries when its block raises.
Fields therefore hold immutable values (int, str, tuple) or tracked ones.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Journal:
    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._depth = 0

    def record(self, undo: Callable[[], None]) -> None:
        if self._depth:
            self._undo.append(undo)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's writes, or none of them. Nested blocks undo only their own."""
        start = len(self._undo)
        self._depth += 1
        try:
            yield
        except BaseException:
            while len(self._undo) > start:
                self._undo.pop()()
            raise
        finally:
            self._depth -= 1
            if not self._depth:
                self._undo.clear()

    @contextmanager
    def dry_run(self) -> Iterator[None]:
        """Run the block and take back whatever it wrote: a view of what an operation would do."""
        try:
            with self.transaction():
                yield
                raise _DryRunEnd
        except _DryRunEnd:
            pass


class _DryRunEnd(Exception):
    pass


class Tracked:
    """A record whose attribute writes are journalled. Attributes starting with an underscore are not."""

    _journal: Journal

    def __init__(self, journal: Journal) -> None:
        object.__setattr__(self, "_journal", journal)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and self._journal._depth:
            fields = self.__dict__
            if name in fields:
                before = fields[name]
                self._journal.record(lambda: fields.__setitem__(name, before))
        object.__setattr__(self, name, value)


class TrackedDict(dict[Key, Value]):
    """A mapping whose item writes are journalled; no other way of writing is offered."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def __setitem__(self, key: Key, value: Value) -> None:
        if key in self:
            before = self[key]
            self._journal.record(lambda: dict.__setitem__(self, key, before))
        else:
            self._journal.record(lambda: dict.__delitem__(self, key))
        super().__setitem__(key, value)

    def __delitem__(self, key: Key) -> None:
        before = self[key]
        self._journal.record(lambda: dict.__setitem__(self, key, before))
        super().__delitem__(key)
