"""Puts into the wheel what its users have no checkout for: the compiled contracts, the parameter files, the commit.

Hatchling runs this. An editable installation gets nothing: it reads the checkout.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MANIFEST = Path(".build") / "__local__.json"
FIELDS = ("abi", "deploymentBytecode", "runtimeBytecode")
DOUBLES = ("MockAggregator", "MockDollar", "TestCalendar")
"""Of the test doubles, those that a local chain is deployed and played on with."""


class Ship(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root, folder = Path(self.root), Path(self.root) / "build" / "shipped"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "contracts.json").write_text(json.dumps({"contractTypes": contracts(root)}, separators=(",", ":")))
        (folder / "commit.txt").write_text(commit(root) + "\n")
        included = {str(path): f"everstock/shipped/{path.name}" for path in sorted(folder.iterdir())}
        for path in sorted((root / "params").glob("*.yaml")):
            included[str(path)] = f"everstock/shipped/params/{path.name}"
        build_data["force_include"].update(included)


def contracts(root: Path) -> dict[str, Any]:
    """Name → ABI and code, of all contracts but the test doubles that nobody outside of tests deploys."""
    manifest = root / MANIFEST
    if not manifest.exists():
        raise SystemExit("the wheel carries the compiled contracts: run `make compile` first")
    types: dict[str, Any] = json.loads(manifest.read_text())["contractTypes"]
    return {
        name: {field: raw[field] for field in FIELDS if raw.get(field)}
        for name, raw in sorted(types.items())
        if name in DOUBLES or not raw["sourceId"].startswith("contracts/mocks/")
    }


def commit(root: Path) -> str:
    """As `everstock.home.commit_of`, which needs the package's dependencies."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        dirty = git("status", "--porcelain", "--", ".", ":!deployments")
        return git("rev-parse", "HEAD") + ("-dirty" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
