"""The attacks as a table for the terminal, and as docs/attacks.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from everstock.attacks.result import Attack, Line, Verdict

PAGE = Path("docs") / "attacks.md"

HEAD = """# Attacks

Written by `python -m everstock.attacks`; a test fails when this page and the contracts differ. `ape run attacks` plays
the same on a local Anvil. Each attack runs from a fresh deployment of `params/local.yaml`, on BTC-7D at 60,000 with 60%
volatility, in TSLA.M, unless its case says otherwise.

*Before*: what the attacker gained by the rule of an earlier draft of the mechanism; figures with a sign are computed
from that rule, or replayed here without the present one. *Now*: what the attacker gains from the contracts, with all
its accounts together, positions sold, and pool shares at what they pay to one who leaves; or the error that refuses
the attempt.

*loses*: the gain is zero or less. *refused*: it cannot be done. *bounded*: something is left, and this is how much.
"""

STYLES = {Verdict.LOSES: "green", Verdict.REFUSED: "green", Verdict.BOUNDED: "yellow"}


def table(results: Iterable[tuple[Attack, Sequence[Line]]]) -> Table:
    """One section an attack."""
    grid = Table(box=box.SIMPLE_HEAD, title="Attacks", title_justify="left", title_style="bold")
    grid.add_column("#", justify="right")
    grid.add_column("attack", min_width=64)
    grid.add_column("before", justify="right")
    grid.add_column("now", justify="right")
    grid.add_column("")
    for attack, lines in results:
        grid.add_row(str(attack.number), Text(attack.title, style="bold"))
        for line in lines:
            verdict = Text(line.verdict.value, style=STYLES[line.verdict]) if line.holds else Text("PAYS", "bold red")
            grid.add_row("", f"  {line.case}", Text(line.before, style="dim"), line.now, verdict)
        grid.add_section()
    return grid


def page(results: Iterable[tuple[Attack, Sequence[Line]]]) -> str:
    """The document."""
    parts = [HEAD]
    for attack, lines in results:
        parts.append(f"## {attack.number}. {attack.title}\n")
        parts.append(f"{attack.story}\n\n**Now.** {attack.defence}\n")
        parts.append("| case | before | now | |\n|---|---:|---:|---|")
        for line in lines:
            verdict = line.verdict.value if line.holds else "**PAYS**"
            parts.append(f"| {line.case} | {line.before} | {_code(line)} | {verdict} |")
        parts.append("")
    return "\n".join(parts)


def _code(line: Line) -> str:
    return f"`{line.now}`" if "_" in line.now else line.now
