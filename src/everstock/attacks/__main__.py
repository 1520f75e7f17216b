"""`python -m everstock.attacks`: play every attack in process, print the table, and write docs/attacks.md."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import Progress

from everstock.artifacts import find_root
from everstock.attacks import ATTACKS, play_all
from everstock.attacks.page import PAGE, page, table
from everstock.chain.evm import EvmChain

WIDTH = 160


def main() -> None:
    console = Console()
    console = Console(width=max(console.width, WIDTH) if sys.stdout.isatty() else WIDTH)
    results = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Attacks", total=len(ATTACKS))
        for attack, lines in play_all(EvmChain()):
            results.append((attack, lines))
            progress.advance(task)
    console.print(table(results))
    (find_root() / PAGE).write_text(page(results))
    console.print(f"wrote {PAGE}")
    sys.exit(not all(line.holds for _, lines in results for line in lines))


if __name__ == "__main__":
    main()
