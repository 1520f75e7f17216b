"""What scripts that ape runs need of its provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from ape.cli import ConnectedProviderCommand
from ape.exceptions import ApeException
from ape.logging import LogLevel, logger
from requests.exceptions import RequestException


class QuietCommand(ConnectedProviderCommand):
    """Connects without ape's own talk, and says in one line when it cannot."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        logger.set_level(LogLevel.WARNING)
        try:
            return super().invoke(ctx)
        except (ApeException, RequestException) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise click.ClickException(f"{first} Does the node answer?") from error


def chain_id_of(provider: Any) -> int:
    """What the node itself says. Ape holds any node of its network `local` for one of chain id 1337."""
    return int(provider.make_request("eth_chainId"), 16)


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
