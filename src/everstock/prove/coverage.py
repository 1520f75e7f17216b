"""`make coverage`: which statements of the contracts the unit tests run, and which sides of which conditions.

The contracts are copied, a marker is put before every statement (`everstock.prove.instrument`), the copy is compiled
with the same settings, and its unit tests run in process. Random walks are left out: what is covered is covered by a
test that looks at the result.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from everstock.artifacts import find_root
from everstock.prove.instrument import Instrument, Point, without_pure
from everstock.prove.tree import Tree, syntax_trees

CORE = ("vault", "market", "options", "pools", "oracle", "math", "lens")
THRESHOLD = 0.98
TESTS = tuple(f"tests/unit/{name}" for name in (*CORE, "deploy/test_deploy_roles.py"))
# A marked contract is too large for a chain that keeps the limit, and its size is not the real one's.
UNFIT = "not size_limit and not anvil"


@dataclass(frozen=True)
class Coverage:
    """What ran: `hits` are the indices of the points met."""

    points: Sequence[Point]
    hits: frozenset[int]

    def count(self, kind: str, points: Iterable[Point] | None = None) -> tuple[int, int]:
        """(met, all) of a kind."""
        of_kind = [point for point in (self.points if points is None else points) if point.kind == kind]
        return sum(point.index in self.hits for point in of_kind), len(of_kind)

    @property
    def missed(self) -> list[Point]:
        return [point for point in self.points if point.index not in self.hits]

    @property
    def statement_share(self) -> float:
        met, there = self.count("statement")
        return met / there if there else 0.0

    def table(self) -> Table:
        grid = Table(box=box.SIMPLE_HEAD, title="Coverage of the contracts", title_justify="left", title_style="bold")
        grid.add_column("contract")
        for name in ("statements", "of", "%", "sides of conditions", "of", "%"):
            grid.add_column(name, justify="right", no_wrap=True)
        for source in sorted({point.source for point in self.points}):
            own = [point for point in self.points if point.source == source]
            grid.add_row(source.removeprefix("contracts/"), *self._cells(own))
        grid.add_section()
        grid.add_row("all", *self._cells(self.points), style="bold")
        return grid

    def _cells(self, points: Sequence[Point]) -> list[str]:
        cells: list[str] = []
        for kind in ("statement", "branch"):
            met, there = self.count(kind, points)
            cells += [f"{met:,}", f"{there:,}", f"{100 * met / there:.1f}" if there else "–"]
        return cells


def core_sources(root: Path, folders: Iterable[str] = CORE) -> list[str]:
    """The Solidity files of these folders of `contracts`."""
    found = [path for folder in folders for path in (root / "contracts" / folder).rglob("*.sol")]
    return sorted(path.relative_to(root).as_posix() for path in found)


def mark(root: Path, tree: Tree, sources: Sequence[str]) -> list[Point]:
    """Put markers into the copy's sources; every contract there loses its `pure`."""
    instrument = Instrument()
    parsed = syntax_trees(root, sources)
    for source in sources:
        marked = instrument.rewrite(source, (root / source).read_text(), parsed[source])
        tree.path(source).write_text(marked)
    for path in tree.path("contracts").rglob("*.sol"):
        path.write_text(without_pure(path.read_text()))
    return instrument.points


def read_hits(folder: Path) -> frozenset[int]:
    return frozenset(index for path in folder.glob("*.json") for index in json.loads(path.read_text()))


def measure(console: Console, tests: Sequence[str], processes: int) -> tuple[Coverage, int]:
    """Coverage, and pytest's exit code."""
    root = find_root()
    with tempfile.TemporaryDirectory(prefix="everstock-coverage-") as scratch, console.status("copying") as status:
        tree = Tree.copy(root, Path(scratch) / "tree")
        status.update("marking")
        points = mark(root, tree, core_sources(root))
        status.update(f"compiling with {len(points):,} markers")
        tree.compile()
        status.update("testing")
        hits = Path(scratch) / "hits"
        os.environ["EVERSTOCK_HITS"] = str(hits)
        options = ["-p", "everstock.prove.coverage_plugin", "-k", UNFIT, "-n", str(processes)]
        there = [test for test in tests if tree.path(test.split("::")[0]).exists()]
        done = tree.pytest([*options, *there])
        console.print(done.stdout.strip().splitlines()[-1])
        if done.returncode:
            console.print(done.stdout[-3_000:], markup=False)
        return Coverage(points, read_hits(hits)), done.returncode


@click.command()
@click.option("--tests", multiple=True, default=TESTS, help="Tests to run; repeatable. Default: the core's unit tests.")
@click.option("--processes", default=2, show_default=True, help="Of pytest.")
def main(tests: tuple[str, ...], processes: int) -> None:
    """Measure the coverage of the core contracts; fail below 98% of statements."""
    console = Console()
    console = Console(width=max(console.width, 110))
    coverage, code = measure(console, tests, processes)
    console.print(coverage.table())
    lines = Counter((point.source, point.line, point.kind, point.text) for point in coverage.missed)
    for (source, line, kind, text), _ in sorted(lines.items()):
        console.print(f"  [red]not met[/red] {source}:{line} {kind}: {text}", highlight=False, soft_wrap=True)
    share = coverage.statement_share
    console.print(f"{share:.2%} of statements; at least {THRESHOLD:.0%} are asked for")
    sys.exit(code or share < THRESHOLD)


if __name__ == "__main__":
    main()
