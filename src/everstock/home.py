"""Where contracts, parameters and records are: in a checkout, or in the package for those who installed the wheel.

The wheel carries what the contracts compile to and the parameter files (`toolchain/ship.py` puts them in). Its users
need no checkout, and one below their working directory changes nothing for them. Records are then looked for in
`deployments/` of the working directory, or where `EVERSTOCK_DEPLOYMENTS` says.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from everstock.chain.errors import NotCompiled

MANIFEST = Path(".build") / "__local__.json"
DEPLOYMENTS = "deployments"

_SHIPPED = Path(__file__).parent / "shipped"
"""Only in the wheel."""


def find_root(start: Path | None = None) -> Path:
    """The nearest folder at or above ``start`` (default: the working directory) that is an ape project."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "ape-config.yaml").exists() or (folder / MANIFEST).exists():
            return folder
    raise NotCompiled(here)


def is_installed() -> bool:
    """Whether this is the wheel, and not a checkout."""
    return _SHIPPED.is_dir()


def contracts_file() -> Path:
    """What the contracts compile to."""
    return _SHIPPED / "contracts.json" if is_installed() else find_root() / MANIFEST


def params_folder() -> Path:
    """The parameter files."""
    return _SHIPPED / "params" if is_installed() else find_root() / "params"


def deployments_folder() -> Path:
    """Where the records of deployments are."""
    named = os.environ.get("EVERSTOCK_DEPLOYMENTS")
    if named:
        return Path(named)
    return (Path.cwd() if is_installed() else find_root()) / DEPLOYMENTS


def commit() -> str:
    """Of the sources that this was built from; `-dirty` follows when files were changed."""
    return (_SHIPPED / "commit.txt").read_text().strip() if is_installed() else commit_of(find_root())


def commit_of(root: Path) -> str:
    """The checkout's commit, `unknown` outside of git."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        ignored = [f":!{DEPLOYMENTS}"]  # the record itself
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "--", ".", *ignored) else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
