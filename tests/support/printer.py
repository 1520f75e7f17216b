"""A feed that goes on printing while a test waits for it, as one on a public network does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def printing(publish: Callable[[], object], seconds: float = 0.3) -> Iterator[None]:
    """Call `publish` again and again, in a thread. Each is a transaction, and so a block."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(seconds):
            publish()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=10)
