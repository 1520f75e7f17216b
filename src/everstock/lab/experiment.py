"""What every experiment is: a name, a question, and a function that plays it on a local chain and returns a page."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from everstock.chain.rpc import RpcChain
from everstock.lab.page import Page
from everstock.scenarios.prices import Window

Progress = Callable[[float], None]
"""Told the part that is done, from 0 to 1, at least every few seconds."""


@dataclass(frozen=True)
class Setting:
    """What an experiment is given. The same setting gives the same page."""

    seed: int = 1
    prices: Path | None = None  # daily bars: replayed where the experiment replays; otherwise its own seeded model
    window: Window | None = None
    quick: bool = False  # fewer agents, days or paths, for tests: every check still computed and still able to fail

    def command(self, experiment: str) -> str:
        """What plays that experiment in this setting. A file goes by its name: pages say nothing of a machine."""
        words = ["ape", "run", "scenario", experiment, "--seed", str(self.seed)]
        if self.prices is not None:
            words += ["--prices", self.prices.name]
        if self.window is not None:
            words += ["--window", f"{self.window.first}:{self.window.last}"]
        return shlex.join([*words, "--quick"] if self.quick else words)


class Play(Protocol):
    """`chain` is a fresh local Anvil at an arbitrary time; the experiment deploys what it needs on it."""

    def __call__(self, chain: RpcChain, setting: Setting, progress: Progress) -> Page: ...


@dataclass(frozen=True)
class Experiment:
    name: str
    title: str
    description: str
    play: Play
