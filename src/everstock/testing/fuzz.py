"""A long random walk of contracts and model in lock-step.

    python -m everstock.testing.fuzz --minutes 5 --seed 1

runs episodes until the time is up, each on a fresh system with its own seed and mix of moves. An episode that ends in a
disagreement or a broken invariant is cut down and saved as JSON; `tests/regression` replays what lies there.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import click

from everstock.artifacts import find_root
from everstock.chain.anvil import anvil_chain
from everstock.chain.base import Chain
from everstock.chain.evm import EvmChain
from everstock.testing.invariants import Watch
from everstock.testing.lockstep import Lockstep, Operation
from everstock.testing.moves import MIXES, MOVES, Mix, RandomChooser, begin

EPISODE_OPERATIONS = 1_000
COMPARE_EVERY = 80
ENOUGH = 50_000
"""Operations after which every move should have got something done."""
SAMPLE = 250
"""Operations, of the first episode, that are done again on Anvil."""


@dataclass
class Figures:
    """What a run did."""

    seeds: list[int] = field(default_factory=list)
    operations: int = 0
    seconds: float = 0.0
    succeeded: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    moved: Counter[str] = field(default_factory=Counter)
    sample: list[Operation] = field(default_factory=list)

    @property
    def idle(self) -> list[str]:
        """Moves that never got anything done."""
        return [move.__name__ for move in MOVES if not self.moved[move.__name__]]

    def add(self, world: Lockstep, watch: Watch) -> None:
        self.operations += len(world.history)
        self.succeeded += world.succeeded
        self.refused += world.refused
        self.checks += watch.checked

    @property
    def calls(self) -> int:
        """Transactions: operations that are not the passing of time."""
        return self.operations - self.succeeded["warp"]

    def __str__(self) -> str:
        refused = Counter[str]()
        for (name, _), count in self.refused.items():
            refused[name] += count
        names = sorted(self.succeeded.keys() | refused.keys())
        rate = self.operations / self.seconds if self.seconds else 0
        lines = [
            f"{self.operations:,} operations ({self.calls:,} calls) in {self.seconds:.1f} s: {rate:,.0f} a second",
            f"seeds {self.seeds[0]} to {self.seeds[-1]}" if self.seeds else "no episode",
            "moves: " + ", ".join(f"{name} {count:,}" for name, count in sorted(self.moved.items())),
            *(f"  {name:20} {self.succeeded[name]:8,} done {refused[name]:8,} refused" for name in names),
            "refusals: " + ", ".join(f"{name}/{error} {n}" for (name, error), n in self.refused.most_common()),
            "checks: " + ", ".join(f"{name} {count:,}" for name, count in sorted(self.checks.items())),
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class Failure:
    """A sequence that ends in a disagreement or a broken invariant."""

    seed: int
    message: str
    operations: list[Operation]

    def as_json(self) -> str:
        steps = [[each.name, dict(each.args)] for each in self.operations]
        return json.dumps({"seed": self.seed, "message": self.message.splitlines(), "steps": steps}, indent=1) + "\n"


def load_case(path: Path) -> list[Operation]:
    return [Operation(name, args) for name, args in json.loads(path.read_text())["steps"]]


def episode(
    world: Lockstep, seed: int, operations: int, mix: Mix | None = None, moved: Counter[str] | None = None
) -> None:
    """Moves, chosen from the seed, until so many operations are done. `moved` counts those that got something done."""
    random = Random(seed)
    pick = RandomChooser(random)
    mix = mix or MIXES[seed % len(MIXES)]
    moves, weights = list(MOVES), mix.weights()
    begin(world)
    while len(world.history) < operations:
        move, before = random.choices(moves, weights)[0], world.succeeded.total()
        move(world, pick)
        if moved is not None and world.succeeded.total() > before:
            moved[move.__name__] += 1
    world.compare()


def run_episode(chain: Chain, seed: int, operations: int, every: int = COMPARE_EVERY) -> tuple[Lockstep, Watch]:
    world = Lockstep(chain, every=every)
    watch = Watch(world)
    episode(world, seed, operations)
    return world, watch


def replay(operations: Sequence[Operation], chain: Chain | None = None, every: int = 1) -> Lockstep:
    """Do a saved sequence again.

    Raises:
        AssertionError: contract and model disagree, or an invariant is broken.
    """
    world = Lockstep(chain or EvmChain(), every=every)
    Watch(world)
    for operation in operations:
        world.run(operation.name, **operation.args)
    world.compare()
    return world


def fails(operations: Sequence[Operation], kind: type[BaseException]) -> bool:
    """Whether the sequence, compared at its end, fails in that way."""
    try:
        replay(operations, every=0)
    except kind:
        return True
    except Exception:
        return False
    return False


def shortest_prefix(operations: Sequence[Operation], kind: type[BaseException]) -> list[Operation]:
    """Up to the operation after which the states differ: differences stay, so that halving finds it."""
    good, bad = 0, len(operations)
    while bad - good > 1:
        middle = (good + bad) // 2
        if fails(operations[:middle], kind):
            bad = middle
        else:
            good = middle
    return list(operations[:bad])


def shrink(operations: Sequence[Operation], kind: type[BaseException], seconds: float = 60) -> list[Operation]:
    """Leave out blocks of operations, large ones first, as long as it still fails."""
    deadline = time.monotonic() + seconds
    kept = shortest_prefix(operations, kind)
    size = max(1, len(kept) // 2)
    while size and time.monotonic() < deadline:
        start = 0
        while start < len(kept) and time.monotonic() < deadline:
            shorter = kept[:start] + kept[start + size :]
            if fails(shorter, kind):
                kept = shorter
            else:
                start += size
        size //= 2
    return kept


def run(
    seed: int,
    *,
    calls: int | None = None,
    seconds: float | None = None,
    episode_operations: int = EPISODE_OPERATIONS,
    stop_at_failure: bool = True,
    shrink_seconds: float = 60,
) -> Figures:
    """Episodes with seeds `seed`, `seed` + 1, … until so many calls are done, or so much time has passed."""
    figures, started = Figures(), time.monotonic()
    while True:
        world = Lockstep(EvmChain(), every=COMPARE_EVERY)
        watch = Watch(world)
        figures.seeds.append(seed)
        try:
            episode(world, seed, episode_operations, moved=figures.moved)
        except Exception as error:
            kept = shrink(world.history, type(error), shrink_seconds)
            figures.failures.append(Failure(seed, f"{type(error).__name__}: {error}", kept))
        figures.add(world, watch)
        figures.sample = figures.sample or world.history[:SAMPLE]
        figures.seconds = time.monotonic() - started
        seed += 1
        done = (calls is not None and figures.calls >= calls) or (seconds is not None and figures.seconds >= seconds)
        if done or (figures.failures and stop_at_failure):
            return figures


def save(failure: Failure, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed_{failure.seed}.json"
    path.write_text(failure.as_json())
    return path


@click.command()
@click.option("--minutes", default=1.0, show_default=True, help="How long to run.")
@click.option("--seed", default=0, show_default=True, help="Seed of the first episode.")
@click.option("--length", default=EPISODE_OPERATIONS, show_default=True, help="Operations of an episode.")
@click.option("--anvil/--no-anvil", default=True, help="Do a sample of it again on Anvil, and compare.")
@click.option("--save-to", type=click.Path(path_type=Path), default=None, help="Where failing sequences go.")
def main(minutes: float, seed: int, length: int, anvil: bool, save_to: Path | None) -> None:
    """Run contracts and model in lock-step on random sequences. Fails too if a long run leaves a move idle."""
    figures = run(seed, seconds=60 * minutes, episode_operations=length, stop_at_failure=False)
    click.echo(str(figures))
    folder: Any = save_to or find_root() / "tests" / "regression" / "cases"
    for failure in figures.failures:
        path = save(failure, folder)
        click.echo(f"seed {failure.seed} failed in {len(failure.operations)} operations, saved as {path.name}")
        click.echo(failure.message)
    if anvil and not figures.failures:
        with anvil_chain() as chain:
            replay(figures.sample, chain, every=SAMPLE)
        click.echo(f"{len(figures.sample)} operations of seed {seed} end in the same state on Anvil")
    if figures.idle:
        click.echo(f"moves that never got anything done: {', '.join(figures.idle)}")
    raise SystemExit(bool(figures.failures or (figures.idle and figures.operations >= ENOUGH)))


if __name__ == "__main__":
    main()
