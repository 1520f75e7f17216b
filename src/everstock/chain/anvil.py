"""Starts Anvil, and makes sure that it ends.

A shell stands between: it holds the read end of a pipe from this process, and kills Anvil when that closes. So Anvil
ends with its parent, even one that was killed and could not clean up.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from everstock.chain.base import LOCAL_CHAIN_ID, START_TIME
from everstock.chain.errors import AnvilFailed, AnvilNotFound, ChainError
from everstock.chain.registry import Registry
from everstock.chain.rpc import RpcChain
from everstock.chain.transport import Rpc

BLOCK_GAS_LIMIT = 1_000_000_000
PUBLIC_BLOCK_GAS_LIMIT = 60_000_000

_GUARD = 'exec 3<&0; "$@" </dev/null & node=$!; { cat >/dev/null; kill -9 $node; } <&3 2>/dev/null & wait $node'


def find_anvil() -> Path:
    """The ``anvil`` beside the Python interpreter, else the one on PATH.

    Raises:
        AnvilNotFound: there is neither.
    """
    beside = Path(sys.executable).parent / "anvil"
    if beside.exists():
        return beside
    found = shutil.which("anvil")
    if found is None:
        raise AnvilNotFound
    return Path(found)


class AnvilNode:
    """A running Anvil with free gas, mining each transaction at once, every account unlocked.

    With ``plain`` it behaves as a public network's node: gas has a price, nobody is unlocked, blocks have a usual size.

    ``start`` is the timestamp of its first block. With ``fork_url`` it continues another chain from ``fork_block``
    (default: the latest), and ``start`` and ``chain_id`` are that chain's. The code size limit is a real chain's.

    Raises:
        AnvilNotFound: the binary is missing.
        AnvilFailed: it ended, or did not answer within ``patience`` seconds.
    """

    def __init__(
        self,
        *,
        start: int = START_TIME,
        chain_id: int = LOCAL_CHAIN_ID,
        hardfork: str = "cancun",
        block_gas_limit: int = BLOCK_GAS_LIMIT,
        fork_url: str | None = None,
        fork_block: int | None = None,
        port: int | None = None,
        plain: bool = False,
        extra_args: Sequence[str] = (),
        patience: float = 20.0,
    ) -> None:
        binary = find_anvil()
        self.port = port or _free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        arguments = ["--port", str(self.port), "--quiet", "--order", "fifo", "--hardfork", hardfork]
        # By default Anvil keeps 500 past states in memory, each whole, writes thousands more to the home directory, and
        # leaves them there when killed.
        arguments += ["--prune-history=16"]
        if plain:
            arguments += ["--gas-limit", str(PUBLIC_BLOCK_GAS_LIMIT)]
        else:
            arguments += ["--auto-impersonate", "--gas-limit", str(block_gas_limit)]
            arguments += ["--block-base-fee-per-gas", "0", "--gas-price", "0"]
        if fork_url is None:
            arguments += ["--timestamp", str(start), "--chain-id", str(chain_id)]
        else:
            arguments += ["--fork-url", fork_url]
            if fork_block is not None:
                arguments += ["--fork-block-number", str(fork_block)]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the node
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "anvil-guard", str(binary), *arguments, *extra_args],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        atexit.register(self.close)
        self._wait_until_up(patience)

    def chain(self, **options: Any) -> RpcChain:
        """A chain on this node, which it takes for its own: closing the chain leaves the node running."""
        return RpcChain(self.uri, **{"exclusive": True, **options})

    def close(self) -> None:
        """End the process. Safe to call twice."""
        atexit.unregister(self.close)
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def _wait_until_up(self, patience: float) -> None:
        rpc = Rpc(self.uri, timeout=patience)
        deadline = time.monotonic() + patience
        while True:
            try:
                rpc("eth_chainId")
                rpc.close()
                return
            except ChainError:
                ended = self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    self._log.seek(0)
                    said = self._log.read().decode(errors="replace").strip()[-500:]
                    self.close()
                    what = "ended" if ended else "did not answer"
                    raise AnvilFailed(f"anvil {what}: {said or 'no message'}") from None
                time.sleep(0.01)

    def __enter__(self) -> AnvilNode:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def anvil_chain(*, default_sender: str | None = None, registry: Registry | None = None, **options: Any) -> RpcChain:
    """A chain on an Anvil of its own, which ends when the chain is closed; ``options`` as for :class:`AnvilNode`."""
    node = AnvilNode(**options)
    try:
        return node.chain(default_sender=default_sender, registry=registry, on_close=node.close)
    except BaseException:
        node.close()
        raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
