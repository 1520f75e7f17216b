"""`ape run deploy` itself, killed with SIGKILL at a transaction and started again; Base's chain id and its testnet's.

A process takes seconds to start and to rehearse, so the command is killed at a sample of its transactions; at each of
them `test_deploy_resume` cuts the object off that the command runs.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from everstock.chain.accounts import address
from support.public_node import PublicNode
from support.release_desk import SAFE, TREASURY, Home, node_of
from support.wire import Wire

NETWORKS = {"testnet": "base:sepolia", "mainnet": "base:mainnet"}
HOLDERS = ("--safe", SAFE, "--treasury", TREASURY)


@dataclass
class Place:
    """A network's node behind a line that can be cut."""

    name: str
    node: PublicNode
    wire: Wire

    def deploy(self, home: Home, *options: str, **how: Any) -> Any:
        network = ("--network", f"{NETWORKS[self.name]}:{self.wire.uri}")
        typed = "" if self.name == "testnet" else f"{self.name}\n"  # real money: its name has to be typed
        yes = ("--yes",) if self.name == "testnet" else ()
        return home.ape("deploy", *network, "--account", "release", *options, *yes, typed=typed, **how)

    def killed(self, home: Home, at: int, *, arrives: bool, options: tuple[str, ...] = ()) -> None:
        done = self.deploy(home, *options, on_start=lambda pid: self.wire.kill(pid, at, arrives=arrives))
        assert done.returncode == -signal.SIGKILL, done.stderr
        self.wire.spare()


@pytest.fixture(scope="module", params=NETWORKS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    node = node_of(request.param)
    wire = Wire(node.uri)
    yield Place(request.param, node, wire)
    wire.close()
    node.close()


@pytest.fixture(scope="module")
def whole(place: Place, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The record of a deployment that nothing disturbed."""
    home = Home(tmp_path_factory.mktemp("whole"), release="deployer")
    with place.node.undone():
        done = place.deploy(home, *HOLDERS)
        assert done.returncode == 0, done.stderr
        return record(home, place.name)


def record(home: Home, name: str) -> dict[str, Any]:
    """As written, but for the commit: somebody may be working on the tree meanwhile."""
    found: dict[str, Any] = json.loads((home.deployments / f"{name}.json").read_text())
    assert found.pop("commit")
    return found


def test_killed_and_started_again_it_leaves_the_same_record(
    place: Place, whole: dict[str, Any], tmp_path: Path
) -> None:
    """Killed at the first transaction, in the middle, and at the last; before the node has it, or just after."""
    home = Home(tmp_path / "ape", release="deployer")
    steps = len(whole["steps"])
    chain = place.node.chain()
    with place.node.undone():
        place.killed(home, 1, arrives=False, options=HOLDERS)  # holders and treasury: named once
        assert chain.nonce(address("deployer")) == 0
        place.killed(home, steps // 2, arrives=True)
        assert chain.nonce(address("deployer")) == steps // 2
        place.killed(home, steps - steps // 2, arrives=True)  # the last of all: it arrives, and nobody is told
        assert chain.nonce(address("deployer")) == steps
        assert not record(home, place.name).get("complete")
        done = place.deploy(home)
        assert done.returncode == 0, done.stderr
        assert place.wire.seen == 0  # nothing was left to send
        assert record(home, place.name) == whole
        assert not list(home.deployments.glob(".*"))
        done = home.ape("verify-deployment", "--network", f"{NETWORKS[place.name]}:{place.node.uri}")
        assert done.returncode == 0, done.stdout
    assert not {method for method in place.wire.methods if method.startswith(("evm_", "anvil_", "hardhat_", "debug_"))}


def test_the_command_refuses_another_chain(place: Place, tmp_path: Path) -> None:
    home = Home(tmp_path / "ape", release="deployer")
    other, found = {"testnet": ("mainnet", 84_532), "mainnet": ("testnet", 8_453)}[place.name]
    done = place.deploy(home, "--params", other, *HOLDERS)
    assert done.returncode == 1
    assert f"the parameters of {other} are for chain" in done.stderr
    assert f"this is chain {found}" in done.stderr
    assert place.node.chain().nonce(address("deployer")) == 0


def test_the_command_refuses_an_empty_purse(place: Place, tmp_path: Path) -> None:
    home = Home(tmp_path / "ape", release="deployer")
    with place.node.undone():
        place.node.admin().rpc("anvil_setBalance", address("deployer"), hex(10**15))
        done = place.deploy(home, *HOLDERS)
    assert done.returncode == 1
    assert "holds 0.001000 ETH, and" in done.stderr
    assert "Traceback" not in done.stderr
    assert place.node.chain().nonce(address("deployer")) == 0
