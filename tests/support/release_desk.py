"""What a person who deploys has: a network's node with its feeds on it, ape's folder with key files, a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from eth_account import Account

from everstock.artifacts import find_root
from everstock.artifacts import load as load_artifacts
from everstock.chain.accounts import key
from everstock.deploy.record import Record
from everstock.params import load
from support.public_node import PublicNode

SAFE, TREASURY = "0x" + "11" * 20, "0x" + "22" * 20
ROLES = ("admin", "governor", "guardian", "issuer")
PASSPHRASE = "correct horse"


def node_of(network: str) -> PublicNode:
    """A plain node of the network's chain id, with an aggregator at each address that its parameters name."""
    params = load(network, overrides={"roles": dict.fromkeys(ROLES, SAFE), "treasury": TREASURY})
    assert params.chain_id is not None
    node = PublicNode(params.chain_id)
    chain = node.chain("feeds")
    code = "0x" + chain.code(node.aggregators["BTC"]).hex()
    for name, spec in params.assets.items():
        assert spec.aggregator is not None
        chain.rpc("anvil_setCode", spec.aggregator, code)
        reference = next(m.reference_price_usd for m in params.markets.values() if m.asset == name)
        feed = chain.contract(load_artifacts()["MockAggregator"], spec.aggregator)
        feed.setDecimals(spec.feed_decimals)
        feed.updateAnswer(int(reference * 10**spec.feed_decimals))
    return node


class Home:
    """Ape's folder, with a key file an actor, and a folder of records. Scrypt at its weakest, for speed."""

    def __init__(self, folder: Path, **actors: str) -> None:
        self.folder = folder
        self.deployments = folder / "deployments"
        (folder / "accounts").mkdir(parents=True)
        for alias, actor in actors.items():
            encrypted = Account.encrypt(key(actor), PASSPHRASE, kdf="scrypt", iterations=2)
            (folder / "accounts" / f"{alias}.json").write_text(json.dumps(encrypted))
        self.env = {f"APE_ACCOUNTS_{alias}_PASSPHRASE": PASSPHRASE for alias in actors}

    def record(self, network: str) -> Record:
        return Record.model_validate_json((self.deployments / f"{network}.json").read_text())

    def ape(
        self, *arguments: str, typed: str = "", on_start: Callable[[int], None] = lambda pid: None, timeout: int = 180
    ) -> subprocess.CompletedProcess[str]:
        """`ape run …`, in the checkout. `on_start` gets the process's id."""
        command = [str(Path(sys.executable).parent / "ape"), "run", *arguments]
        env = {**os.environ, **self.env, "APE_DATA_FOLDER": str(self.folder), "COLUMNS": "160"}
        env["EVERSTOCK_DEPLOYMENTS"] = str(self.deployments)
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=find_root(), env=env
        ) as process:
            on_start(process.pid)
            try:
                out, err = process.communicate(typed, timeout=timeout)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)
