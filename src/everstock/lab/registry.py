"""The experiments by name, in the order of the report."""

from __future__ import annotations

from everstock.lab.experiment import Experiment
from everstock.lab.experiments import (
    amznx_print,
    crash,
    lp_year,
    mechanics,
    subsidy_cliff,
    t_plus_n,
    tokens,
    week_of_use,
)

_ALL: tuple[Experiment, ...] = (
    amznx_print.EXPERIMENT,
    subsidy_cliff.EXPERIMENT,
    t_plus_n.EXPERIMENT,
    week_of_use.EXPERIMENT,
    tokens.EXPERIMENT,
    crash.EXPERIMENT,
    lp_year.EXPERIMENT,
    mechanics.EXPERIMENT,
)

EXPERIMENTS: dict[str, Experiment] = {experiment.name: experiment for experiment in _ALL}
