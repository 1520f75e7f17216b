"""A copy of the checkout to run commands in: what they write, format or record stays there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from everstock.artifacts import find_root

LEFT = {".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "build", "deployments", "dist", "htmlcov"}
LINKED = {".venv", "lib", "node_modules"}
STAMPS = ("venv", "python", "node", "provision")
PATIENCE = 240.0
PORT_TAKEN = "Timed out waiting for successful RPC connection to the 'anvil' process"
"""What ape says when the port that it drew for its chain was another's."""


class Checkout:
    """Sources and what they compile to are copied, the installation is linked; the home is empty but for key files."""

    def __init__(self, folder: Path) -> None:
        root = find_root()
        self.folder, self.home = folder / "everstock", folder / "home"
        self.home.mkdir()
        shutil.copytree(root, self.folder, ignore=self._left)
        for name in LINKED - {".venv"}:
            (self.folder / name).symlink_to(root / name)
        # Stamps of its own, so that `make setup` finds everything done whatever was edited since.
        stamps = self.folder / ".venv" / ".stamps"
        stamps.mkdir(parents=True)
        for name in STAMPS:
            (stamps / name).touch()
        for path in (root / ".venv").iterdir():
            if path.name != ".stamps":
                (stamps.parent / path.name).symlink_to(path)
        programs = [self.folder / ".venv" / "bin", self.folder / "node_modules" / ".bin"]
        outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTEST"))}
        self.env = outer | {"HOME": str(self.home), "APE_DATA_FOLDER": str(self.home / ".ape"), "COLUMNS": "160"}
        self.env |= {"PATH": os.pathsep.join([*map(str, programs), outer["PATH"]]), "PYTHONUNBUFFERED": "1"}
        self.env.pop("EVERSTOCK_DEPLOYMENTS", None)

    @staticmethod
    def _left(folder: str, names: list[str]) -> set[str]:
        at_the_top = LEFT | LINKED if Path(folder) == find_root() else set()
        return {name for name in names if name == "__pycache__" or name in at_the_top}

    def run(self, line: str, *, typed: str = "") -> str:
        """What the shell prints for it. It must end well."""
        done = self._run(line, typed)
        if done.returncode and PORT_TAKEN in done.stdout:
            done = self._run(line, typed)
        assert done.returncode == 0, f"{line} ended with {done.returncode}: {done.stdout}"
        return done.stdout

    def _run(self, line: str, typed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=self.env,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def run_until(self, line: str, said: str) -> str:
        """Of what runs for good: until it has said this. Told to end, it must end well."""
        log = self.home / "log"
        with (
            log.open("w") as file,
            subprocess.Popen(
                ["sh", "-c", f"exec {line}"], cwd=self.folder, env=self.env, stdout=file, stderr=subprocess.STDOUT
            ) as process,
        ):
            deadline = time.monotonic() + PATIENCE
            while said not in log.read_text() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert said in log.read_text(), log.read_text()
        assert code == 0, log.read_text()
        return log.read_text()
