"""Copies of the working tree, in which contracts may be changed, compiled and tested without touching the original."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

COPIED = ("contracts", "params", "src", "tests", "toolchain", "snapshots", "docs", "scripts", ".build")
FILES = ("ape-config.yaml", "pyproject.toml", "README.md")
LINKED = ("lib", "node_modules")


class CompilationFailed(Exception):
    """The changed contracts do not compile; the text is the compiler's."""


@dataclass(frozen=True)
class Tree:
    """A copy at `root`."""

    root: Path

    @classmethod
    def copy(cls, source: Path, into: Path) -> Tree:
        into.mkdir(parents=True, exist_ok=True)
        ignored = shutil.ignore_patterns("__pycache__", ".cache", ".hypothesis")
        for name in COPIED:
            if (source / name).exists():
                shutil.copytree(source / name, into / name, dirs_exist_ok=True, ignore=ignored)
        for name in FILES:
            shutil.copy(source / name, into / name)
        for name in LINKED:
            if not (into / name).exists():
                (into / name).symlink_to((source / name).resolve())
        return cls(into)

    def path(self, name: str) -> Path:
        return self.root / name

    def compile(self, paths: Iterable[str] = ()) -> None:
        """Compile what is stale, below these paths only when any are given.

        Raises:
            CompilationFailed: …
        """
        command = [sys.executable, "toolchain/compile.py", *paths]
        done = subprocess.run(command, cwd=self.root, env=self._environment(), capture_output=True, text=True)
        if done.returncode:
            raise CompilationFailed(done.stderr[-4_000:])

    def pytest(
        self, arguments: Sequence[str], timeout: float | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run tests of the copy, with these environment variables. The exit code is pytest's: 0 passed, 1 some failed.

        Raises:
            subprocess.TimeoutExpired: …
        """
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        environment = self._environment() | variables
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=timeout)

    def _environment(self) -> dict[str, str]:
        """The copy's own package stands before the installed one; everything else is the environment's we run in."""
        solcx = os.environ.get("SOLCX_BINARY_PATH") or str(Path(sys.prefix) / "solcx")
        return os.environ | {"PYTHONPATH": str(self.root / "src"), "SOLCX_BINARY_PATH": solcx, "EVERSTOCK_COPY": "1"}


def compiler(root: Path) -> ModuleType:
    """`toolchain/compile.py` of the tree, as a module."""
    spec = importlib.util.spec_from_file_location("everstock_toolchain_compile", root / "toolchain" / "compile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def syntax_trees(root: Path, sources: Sequence[str]) -> dict[str, Any]:
    """solc's syntax tree of each source, by path."""
    tool = compiler(root)
    config = tool.Config.read()
    answer = tool.run_solc(config, tool.Sources(config), list(sources), {"": ["ast"]})
    return {source: answer["sources"][source]["ast"] for source in sources}
