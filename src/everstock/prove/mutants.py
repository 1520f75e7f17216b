"""`make mutants`: break the contracts on purpose, one way at a time, and see whether the tests notice.

Each mutant of `tests/mutants.yaml` names a file, the exact text that it replaces there, and the tests that should fail.
All of them are compiled together into one copy of the tree, each behind a switch that nothing can reach but the test
runner: an account of its own that holds a wei. So the copy is compiled once, the tests are run once with every switch
off, and then once a mutant with its switch on.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import click
import yaml
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from everstock.artifacts import find_root
from everstock.prove.instrument import without_pure
from everstock.prove.mutant_plugin import BASE
from everstock.prove.tree import Tree

MUTANTS = Path("tests") / "mutants.yaml"
SWITCH = PurePosixPath("contracts/mocks/Mutants.sol")
SWITCH_CODE = f"""// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev Whether a mutant is on: an account of its own holds a wei.
function mutant(uint256 index) view returns (bool on) {{
    assembly ("memory-safe") {{
        on := iszero(iszero(balance(add(0x{BASE:040x}, index))))
    }}
}}
"""
# A contract with switches is too large for a chain that keeps the limit, and its size is not the real one's.
UNFIT = "not size_limit and not anvil"
PRAGMA = "\npragma solidity ^0.8.30;\n"
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
TIMEOUT = 900.0
WALK = "tests/differential/test_short_walk.py"
"""What a mutant that its own tests let pass is tried against: contracts and model side by side, over random moves."""


class MutantDoesNotApply(Exception):
    """The text to replace is not there exactly once: the contract has changed, and the mutant must follow."""


@dataclass(frozen=True)
class Mutant:
    """`breaks`: the invariant it violates. `find` is an expression, or whole statements when it ends as they do."""

    number: int
    name: str
    breaks: str
    file: str
    find: str
    replace: str
    tests: str

    @property
    def is_statement(self) -> bool:
        return self.find.rstrip().endswith((";", "}"))

    def switched(self, otherwise: str) -> str:
        """The mutant where its switch is on, else what is given."""
        replace = self.replace.strip()
        if self.is_statement:
            return f"if (mutant({self.number})) {{ {replace} }} else {{ {otherwise} }}"
        return f"(mutant({self.number}) ? ({replace}) : ({otherwise}))"


@dataclass(frozen=True)
class Result:
    """`killer`: the first test that failed; None when the mutant survived."""

    mutant: Mutant
    killer: str | None
    seconds: float


def load(root: Path) -> list[Mutant]:
    """Every mutant, numbered from 1."""
    raw: dict[str, Any] = yaml.safe_load((root / MUTANTS).read_text())
    found: list[Mutant] = []
    for file, group in raw.items():
        for name, each in group["mutants"].items():
            tests = each.get("tests", group["tests"])
            find, replace = each["find"], each.get("replace", "")
            found.append(Mutant(len(found) + 1, name, each["breaks"], f"contracts/{file}", find, replace, tests))
    return found


def apply(text: str, mutants: Sequence[Mutant]) -> str:
    """A source with the switches of its mutants.

    Raises:
        MutantDoesNotApply: …
    """
    for each in mutants:
        count = text.count(each.find.strip())
        if count != 1:
            raise MutantDoesNotApply(f"{each.name}: found {count} times in {each.file}: {each.find.strip()!r}")
    places: dict[tuple[int, int], list[Mutant]] = {}
    for each in mutants:
        start = text.index(each.find.strip())
        places.setdefault((start, start + len(each.find.strip())), []).append(each)
    ordered = sorted(places)
    for (_, end), (start, _) in pairwise(ordered):
        if start < end:
            raise MutantDoesNotApply(f"two mutants of {mutants[0].file} overlap: {text[start:end]!r}")
    for start, end in reversed(ordered):
        code = text[start:end]
        for each in places[start, end]:  # several at one place: each behind the one before
            code = each.switched(code)
        text = text[:start] + code + text[end:]
    path = os.path.relpath(SWITCH, PurePosixPath(mutants[0].file).parent)
    head, _, rest = text.partition(PRAGMA)
    return f'{head}{PRAGMA}\nimport {{ mutant }} from "{path}";\n{rest}'


def build(root: Path, into: Path, mutants: Sequence[Mutant]) -> Tree:
    """A copy with all switches, compiled."""
    tree = Tree.copy(root, into)
    for file in sorted({each.file for each in mutants}):
        own = [each for each in mutants if each.file == file]
        tree.path(file).write_text(apply((root / file).read_text(), own))
    tree.path(str(SWITCH)).write_text(SWITCH_CODE)
    for path in tree.path("contracts").rglob("*.sol"):
        path.write_text(without_pure(path.read_text()))
    tree.compile(["contracts/" + folder for folder in NEEDED])
    return tree


NEEDED = ("vault", "oracle", "market", "options", "pools", "math", "lens", "mocks")
"""Folders whose contracts the tests of the core deploy."""


def run(tree: Tree, tests: str, number: int, known: Sequence[str] = ()) -> str | None:
    """The first failing test with that mutant on, or None when all pass; `known` failures are left out."""
    failures = _failures(tree, ["-x", *(f"--deselect={test}" for test in known), *tests.split()], str(number))
    return failures[0] if failures else None


def baseline(tree: Tree, tests: str) -> list[str]:
    """What fails without any mutant: it could kill nothing."""
    return _failures(tree, tests.split(), "")


def _failures(tree: Tree, arguments: Sequence[str], mutant: str) -> list[str]:
    options = ["-p", "everstock.prove.mutant_plugin", "-k", UNFIT]
    try:
        done = tree.pytest([*options, *arguments], TIMEOUT, EVERSTOCK_MUTANT=mutant)
    except subprocess.TimeoutExpired:
        return ["(never ends)"]
    if done.returncode == 0:
        return []
    failed: list[str] = FAILED.findall(done.stdout)
    if done.returncode != 1 or not failed:
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout[-2_000:]} {done.stderr[-1_000:]}")
    return failed


def table(results: Sequence[Result]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, title="Mutants", title_justify="left", title_style="bold")
    grid.add_column("#", justify="right")
    grid.add_column("mutant")
    grid.add_column("breaks", no_wrap=True)
    grid.add_column("")
    grid.add_column("by")
    grid.add_column("s", justify="right")
    for each in sorted(results, key=lambda result: result.mutant.number):
        verdict = "[green]killed[/green]" if each.killer else "[bold red]SURVIVED[/bold red]"
        killer = (each.killer or "").removeprefix("tests/")
        grid.add_row(
            str(each.mutant.number), each.mutant.name, each.mutant.breaks, verdict, killer, f"{each.seconds:.0f}"
        )
    return grid


def chosen(mutants: Sequence[Mutant], only: str | None) -> list[Mutant]:
    """Those whose number is listed, or whose name or file has the text."""
    if not only:
        return list(mutants)
    numbers = {int(part) for part in re.findall(r"\b\d+\b", only)}
    if numbers:
        return [each for each in mutants if each.number in numbers]
    return [each for each in mutants if only in each.name or only in each.file]


@click.command()
@click.option("--only", default=None, help="Numbers, or a part of the name or of the file.")
@click.option("--processes", default=2, show_default=True, help="Tests at a time.")
@click.option("--list", "listing", is_flag=True, help="Show them, and whether they apply; run nothing.")
def main(only: str | None, processes: int, listing: bool) -> None:
    """Run the tests against each mutant; fail if one survives."""
    root = find_root()
    mutants = load(root)
    for file in sorted({each.file for each in mutants}):
        apply((root / file).read_text(), [each for each in mutants if each.file == file])
    picked = chosen(mutants, only)
    console = Console()
    console = Console(width=max(console.width, 150))
    if listing:
        for each in picked:
            console.print(f"{each.number:3} {each.breaks:4} {each.name}  [dim]{each.file}[/dim]", highlight=False)
        return
    with tempfile.TemporaryDirectory(prefix="everstock-mutants-") as scratch:
        with console.status(f"compiling {len(picked)} mutants into one copy"):
            tree = build(root, Path(scratch) / "tree", picked)
        suites = sorted({WALK, *(each.tests for each in picked)})
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress, ThreadPoolExecutor(processes) as pool:
            task = progress.add_task("switches off", total=len(suites))
            known: dict[str, list[str]] = {}
            for suite, failures in zip(suites, pool.map(lambda suite: baseline(tree, suite), suites), strict=True):
                progress.advance(task)
                known[suite] = failures
            task = progress.add_task("mutants", total=len(picked))

            def attempt(each: Mutant) -> Result:
                started = time.monotonic()
                killer = run(tree, each.tests, each.number, known[each.tests]) or run(
                    tree, WALK, each.number, known[WALK]
                )
                result = Result(each, killer, time.monotonic() - started)
                if killer is None:
                    progress.console.print(f"[red]survives:[/red] {each.number} {each.name}")
                progress.advance(task)
                return result

            results = list(pool.map(attempt, picked))
    console.print(table(results))
    broken = sorted({test for failures in known.values() for test in failures})
    for test in broken:
        console.print(f"[yellow]fails without any mutant, and was left out:[/yellow] {test}", soft_wrap=True)
    survivors = [each for each in results if each.killer is None]
    console.print(f"{len(results) - len(survivors)} of {len(results)} killed")
    sys.exit(bool(survivors or broken))


if __name__ == "__main__":
    main()
