"""`ape run deploy` and `ape run verify-deployment` themselves: Base Sepolia's id, its feeds' addresses, a key file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account

from everstock.artifacts import find_root
from everstock.artifacts import load as load_artifacts
from everstock.chain.accounts import address, key
from everstock.chain.rpc import RpcChain
from everstock.deploy.record import Record
from everstock.params import load
from support.public_node import PublicNode

BASE_SEPOLIA = 84_532
SAFE, TREASURY = "0x" + "11" * 20, "0x" + "22" * 20
PASSPHRASE = "correct horse"


@pytest.fixture(scope="module")
def node() -> Iterator[PublicNode]:
    """With an aggregator at each address that the parameters name."""
    node = PublicNode(BASE_SEPOLIA)
    chain = node.chain("feeds")
    holders = {f"{role}": SAFE for role in ("admin", "governor", "guardian", "issuer")}
    params = load("testnet", overrides={"roles": holders, "treasury": TREASURY})
    code = "0x" + chain.code(node.aggregators["BTC"]).hex()
    for name, spec in params.assets.items():
        assert spec.aggregator is not None
        chain.rpc("anvil_setCode", spec.aggregator, code)
        reference = next(m.reference_price_usd for m in params.markets.values() if m.asset == name)
        feed = chain.contract(load_artifacts()["MockAggregator"], spec.aggregator)
        feed.setDecimals(spec.feed_decimals)
        feed.updateAnswer(int(reference * 10**spec.feed_decimals))
    yield node
    node.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ape's folder, with the deployer's key file. Scrypt at its weakest, for speed."""
    folder = tmp_path_factory.mktemp("ape")
    (folder / "accounts").mkdir()
    encrypted = Account.encrypt(key("deployer"), PASSPHRASE, kdf="scrypt", iterations=2)
    (folder / "accounts" / "release.json").write_text(json.dumps(encrypted))
    return folder


def ape(home: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "ape"), "run", *arguments]
    env = {**os.environ, "APE_DATA_FOLDER": str(home), "APE_ACCOUNTS_release_PASSPHRASE": PASSPHRASE, "COLUMNS": "160"}
    env["EVERSTOCK_DEPLOYMENTS"] = str(home / "deployments")
    return subprocess.run(
        command, input=typed, capture_output=True, text=True, cwd=find_root(), env=env, timeout=120, check=False
    )


def test_deploy_and_verify(node: PublicNode, home: Path, tmp_path: Path) -> None:
    record_path = home / "deployments" / "testnet.json"
    network = ("--network", f"base:sepolia:{node.uri}")
    chain = RpcChain(node.uri, public=True)

    done = ape(home, "deploy", *network, "--account", "release", "--dry-run")
    assert done.returncode == 2
    assert "name who holds admin, governor, guardian, issuer, with --holder or --safe" in done.stderr

    options = ("--account", "release", "--safe", SAFE, "--treasury", TREASURY)
    done = ape(home, "deploy", *network, *options, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "A dry run: nothing was sent." in done.stdout
    assert "transactions, " in done.stdout
    assert not record_path.exists()

    done = ape(home, "deploy", *network, *options, typed="n\n")
    assert done.returncode == 1
    assert "Aborted" in done.stderr
    assert chain.nonce(address("deployer")) == 0

    done = ape(home, "deploy", *network, *options, "--yes")
    assert done.returncode == 0, done.stderr
    record = Record.model_validate_json(record_path.read_text())
    assert record.complete
    assert record.chain_id == BASE_SEPOLIA
    assert record.parameters["roles"]["governor"] == SAFE
    assert chain.nonce(address("deployer")) == len(record.steps)
    assert record.contracts["assets/BTC/aggregator"].external

    done = ape(home, "verify-deployment", *network, "--explorer", str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("as recorded") == 8
    assert (tmp_path / "PerpetualOptions.json").exists()
    assert "Traceback" not in done.stderr

    vault = record.contracts["vault"].address
    chain.rpc("anvil_setCode", vault, "0x6001")
    done = ape(home, "verify-deployment", *network)
    assert done.returncode == 1
    assert f"vault: the code at {vault} has hash" in done.stdout
    assert "testnet is not as recorded" in done.stderr
