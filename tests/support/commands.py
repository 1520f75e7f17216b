"""Commands that run for good, as processes of their own: what they say, what they serve, and their sudden end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from eth_account import Account

from everstock.artifacts import find_root
from everstock.chain.accounts import key

PASSPHRASE = "correct horse"
PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], Any], why: Callable[[], str], patience: float = PATIENCE) -> Any:
    """The first answer that is true."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {patience:.0f} s; {why()}")


def key_file(home: Path, alias: str, actor: str) -> None:
    """Ape's key file of an actor. Scrypt at its weakest, for speed."""
    (home / "accounts").mkdir(exist_ok=True)
    encrypted = Account.encrypt(key(actor), PASSPHRASE, kdf="scrypt", iterations=2)
    (home / "accounts" / f"{alias}.json").write_text(json.dumps(encrypted))


APE_RUN = (str(Path(sys.executable).parent / "ape"), "run")


class Command:
    """`ape run …`, until it is told to stop or is killed. What it says goes into a file."""

    def __init__(
        self, home: Path, uri: str, *arguments: str, program: tuple[str, ...] = APE_RUN, **environment: str
    ) -> None:
        self.log = home / f"{time.monotonic_ns()}.log"
        where = ["--network", f"ethereum:local:{uri}"]
        command = (
            [*program, arguments[0], *where, *arguments[1:]] if program == APE_RUN else [*program, *where, *arguments]
        )
        own = {"APE_DATA_FOLDER": str(home), "EVERSTOCK_DEPLOYMENTS": str(home / "deployments")}
        own |= {"APE_ACCOUNTS_keeper_PASSPHRASE": PASSPHRASE, "PYTHONUNBUFFERED": "1"}
        with self.log.open("w") as file:
            self.process = subprocess.Popen(
                command,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=find_root(),
                env={**os.environ, **own, **environment},
            )

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log, of one JSON object a line."""
        return [json.loads(line) for line in self.said.splitlines() if line.startswith("{")]

    def says(self, text: str) -> str:
        """Wait until it has."""

        def heard() -> str:
            if self.process.poll() is not None and text not in self.said:
                raise AssertionError(f"it ended with {self.process.returncode}: {self.said}")
            return self.said if text in self.said else ""

        return str(wait_for(heard, lambda: self.said))

    def metrics(self, port: int) -> dict[str, float]:
        """What it serves to Prometheus."""
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            lines = [line for line in answer.read().decode().splitlines() if line and line[0] != "#"]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def kill(self) -> None:
        """As power failures do."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """As operators do. Its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)
