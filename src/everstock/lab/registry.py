"""The experiments by name, in the order of the report."""

from __future__ import annotations

from everstock.lab import crash, tokens
from everstock.lab.experiment import Experiment

_ALL: tuple[Experiment, ...] = (tokens.EXPERIMENT, crash.EXPERIMENT)

EXPERIMENTS: dict[str, Experiment] = {experiment.name: experiment for experiment in _ALL}
