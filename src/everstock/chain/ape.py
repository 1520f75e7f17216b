"""What scripts that ape runs need of its provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def light_anvil(*, prune: bool = True) -> Iterator[None]:
    """Ape has Anvil record every step and keep every past state: days of pokes take twice as long, and none is read.

    ``prune=False`` keeps the past: a failed transaction's reason is read from its trace.
    """
    from ape_foundry import provider as ape_foundry_provider

    kind: Any = ape_foundry_provider.FoundryProvider
    build_command = kind.build_command

    def lighter(provider: Any) -> list[str]:
        parts = [part for part in build_command(provider) if part != "--steps-tracing"]
        return [*parts, "--prune-history"] if prune else parts

    kind.build_command = lighter
    try:
        yield
    finally:
        kind.build_command = build_command
