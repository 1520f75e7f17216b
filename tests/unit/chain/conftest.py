"""Every test that takes ``chain`` or ``probe`` runs on both backends, and leaves no trace on either."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from everstock import artifacts
from everstock.artifacts import Artifact
from everstock.chain import Chain, Contract
from everstock.chain.anvil import AnvilNode
from everstock.chain.evm import EvmChain
from everstock.chain.rpc import RpcChain


@pytest.fixture(scope="session")
def probe_artifact() -> Artifact:
    return artifacts.load()["ChainProbe"]


@pytest.fixture(scope="session")
def anvil() -> Iterator[AnvilNode]:
    with AnvilNode() as node:
        yield node


@pytest.fixture(scope="session", params=["evm", "anvil"])
def backend(request: pytest.FixtureRequest) -> Chain:
    return EvmChain() if request.param == "evm" else request.getfixturevalue("anvil").chain()


@pytest.fixture(scope="session")
def deployed(backend: Chain, probe_artifact: Artifact) -> Contract:
    return backend.deploy(probe_artifact, 7, sender=backend.account("deployer"))


@pytest.fixture
def chain(backend: Chain, deployed: Contract) -> Iterator[Chain]:
    with backend.anchor():
        yield backend


@pytest.fixture
def probe(chain: Chain, deployed: Contract) -> Contract:
    return deployed


@pytest.fixture
def node_chain(anvil: AnvilNode) -> Iterator[RpcChain]:
    """A chain of its own on the shared node; the other's head is re-read afterwards, as everything is undone."""
    chain = anvil.chain(exclusive=False)
    with chain.anchor():
        yield chain


@pytest.fixture
def trader(chain: Chain) -> str:
    return chain.account("trader")
