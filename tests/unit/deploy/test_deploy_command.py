"""`ape run deploy` and `ape run verify-deployment` themselves: Base Sepolia's id, its feeds' addresses, a key file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from everstock.chain.accounts import address
from everstock.chain.rpc import RpcChain
from everstock.deploy.record import Record
from support.public_node import PublicNode
from support.release_desk import SAFE, TREASURY, Home, node_of

BASE_SEPOLIA = 84_532


@pytest.fixture(scope="module")
def node() -> Iterator[PublicNode]:
    node = node_of("testnet")
    yield node
    node.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("ape"), release="deployer")


def test_deploy_and_verify(node: PublicNode, home: Home, tmp_path: Path) -> None:
    record_path = home.deployments / "testnet.json"
    network = ("--network", f"base:sepolia:{node.uri}")
    chain = RpcChain(node.uri, public=True)

    done = home.ape("deploy", *network, "--account", "release", "--dry-run")
    assert done.returncode == 2
    assert "name who holds admin, governor, guardian, issuer, with --holder or --safe" in done.stderr

    options = ("--account", "release", "--safe", SAFE, "--treasury", TREASURY)
    done = home.ape("deploy", *network, *options, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "A dry run: nothing was sent." in done.stdout
    assert "transactions, " in done.stdout
    assert not record_path.exists()

    done = home.ape("deploy", *network, *options, typed="n\n")
    assert done.returncode == 1
    assert "Aborted" in done.stderr
    assert chain.nonce(address("deployer")) == 0

    done = home.ape("deploy", *network, *options, "--yes")
    assert done.returncode == 0, done.stderr
    record = Record.model_validate_json(record_path.read_text())
    assert record.complete
    assert record.chain_id == BASE_SEPOLIA
    assert record.parameters["roles"]["governor"] == SAFE
    assert chain.nonce(address("deployer")) == len(record.steps)
    assert record.contracts["assets/BTC/aggregator"].external

    done = home.ape("verify-deployment", *network, "--explorer", str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("as recorded") == 8
    assert (tmp_path / "PerpetualOptions.json").exists()
    assert "Traceback" not in done.stderr

    vault = record.contracts["vault"].address
    chain.rpc("anvil_setCode", vault, "0x6001")
    done = home.ape("verify-deployment", *network)
    assert done.returncode == 1
    assert f"vault: the code at {vault} has hash" in done.stdout
    assert "testnet is not as recorded" in done.stderr
