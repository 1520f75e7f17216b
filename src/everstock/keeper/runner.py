"""Runs a keeper for good: a pass for each block, and one now and then without; node failures are waited out."""

from __future__ import annotations

import logging
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from everstock.chain.errors import ChainError
from everstock.keeper.keeper import Action, Keeper

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG = logging.getLogger("everstock.keeper")


class Runner:
    """Passes happen when a block has arrived, at least every `idle_seconds`.

    A pass that fails leaves nothing half-done: transactions stand for themselves, and what is to be done is read from
    the chain. Failures back off, doubling up to `longest_pause` seconds; a program's own mistake ends the run.
    """

    def __init__(
        self,
        keeper: Keeper,
        *,
        poll_seconds: float = 1.0,
        idle_seconds: float = 15.0,
        longest_pause: float = 60.0,
        on_action: Callable[[Action], None] = lambda action: None,
    ) -> None:
        self.keeper = keeper
        self.poll_seconds, self.idle_seconds, self.longest_pause = poll_seconds, idle_seconds, longest_pause
        self.on_action = on_action
        self.stopping = threading.Event()

    def run(self) -> None:
        """Until :meth:`stop`, or a signal to the process."""
        with self._signals():
            pause = self.poll_seconds
            head, looked_at = -1, 0.0
            while not self.stopping.is_set():
                try:
                    block = self.keeper.system.chain.block_number
                    if block != head or time.monotonic() - looked_at >= self.idle_seconds:
                        self.once()
                        head, looked_at = block, time.monotonic()
                    pause = self.poll_seconds
                except ChainError as error:
                    self.failed(error)
                    pause = min(2 * pause * random.uniform(0.75, 1.25), self.longest_pause)
                self.stopping.wait(pause)
        LOG.info("stopped")

    def once(self) -> list[Action]:
        """One pass, measured and logged."""
        metrics = self.keeper.metrics
        with metrics.seconds.time():
            actions = self.keeper.tick()
        metrics.last_pass.set(time.time())
        if actions:
            metrics.gas_wei.set(self.keeper.system.chain.balance(self.keeper.account))
        for action in actions:
            LOG.info(action.kind.value, extra={"fields": _fields(action)})
            self.on_action(action)
        return actions

    def stop(self, *_: Any) -> None:
        """End after the pass under way."""
        self.stopping.set()

    def failed(self, error: ChainError) -> None:
        """Count and log what ended a pass."""
        self.keeper.metrics.failed_passes.labels(type(error).__name__).inc()
        LOG.warning("pass failed", extra={"fields": {"error": type(error).__name__, "why": str(error)}})

    @contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _fields(action: Action) -> dict[str, Any]:
    fields: dict[str, Any] = {"owner": action.owner, "at": action.at}
    if action.position is not None:
        fields |= action.position._asdict()
    return fields | {"transaction": action.receipt.tx_hash, "gas": action.receipt.gas_used}
