"""Who chooses when samples are taken: what equal weights would allow, and what time weights do not."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt
from random import Random

import pytest

from support.market_bench import WAD, YEAR

STEP = 600
SIGMA = 0.6
STEPS = 5_000
VARIANCE = 36 * WAD // 100


@dataclass(frozen=True)
class Gamer:
    """Posts when the annualised squared return since the last sample suits it, at the latest after `patience` steps."""

    name: str
    wants_low: bool
    patience: int
    equal_weights: float
    """What it gains where every sample weighs alike, as a share of the variance."""

    def posts(self, instant: float, waited: int) -> bool:
        return waited == self.patience or (instant < SIGMA**2) == self.wants_low


LOW = Gamer("wants it low", True, 3, -0.36)
HIGH = Gamer("wants it high", False, 6, 0.57)


def samples(gamer: Gamer, steps: int, seed: int) -> list[tuple[float, int]]:
    """(log return, steps since the last sample) of a driftless path."""
    random, scale = Random(seed), SIGMA * sqrt(STEP / YEAR)
    taken, move, waited = [], 0.0, 0
    for _ in range(steps):
        move, waited = move + random.gauss(0, scale), waited + 1
        if gamer.posts(move**2 * YEAR / (waited * STEP), waited):
            taken.append((move, waited))
            move, waited = 0.0, 0
    return taken


@pytest.mark.parametrize("gamer", [LOW, HIGH], ids=lambda gamer: gamer.name)
def test_equal_weights_would_be_steered(gamer):
    """The estimator that was not built: the mean of r²·YEAR/d over samples, each counting once."""
    taken = samples(gamer, 400_000, seed=1)
    mean = sum(move**2 * YEAR / (waited * STEP) for move, waited in taken) / len(taken)
    assert mean / SIGMA**2 - 1 == pytest.approx(gamer.equal_weights, abs=0.02)


@pytest.mark.parametrize("gamer", [LOW, HIGH], ids=lambda gamer: gamer.name)
def test_time_weights_are_not(kit, gamer):
    """The contract's own samples: the mean of v is the path's realised variance, whoever chose the moments."""
    taken = samples(gamer, STEPS, seed=2)
    honest = Gamer("posts every ten minutes", True, 1, 0)
    realised = sum(move**2 for move, _ in samples(honest, STEPS, seed=2)) * YEAR / (STEPS * STEP)
    price, anchor, v, time_weighted = 100 * WAD, 100 * WAD, VARIANCE, 0
    for move, waited in taken:
        price = int(price * exp(move))
        v, anchor = kit.math.sample(v, VARIANCE, anchor, price, waited * STEP * WAD, YEAR * WAD)
        time_weighted += v * waited
    steered = time_weighted / sum(waited for _, waited in taken) / WAD / realised - 1
    assert abs(steered) < 0.04, f"{steered:+.1%}: the noise of {STEPS} steps is about 2%"
