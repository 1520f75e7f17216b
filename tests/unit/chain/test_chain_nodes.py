"""What only one backend has: Anvil's life, signers, shared nodes, the in-process EVM's limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
from eth_account import Account

from everstock.artifacts import Artifact
from everstock.chain import AnvilFailed, AnvilNotFound, NodeUnreachable, TransactionTimeout, Unsupported, errors
from everstock.chain.accounts import address, key
from everstock.chain.anvil import AnvilNode, anvil_chain
from everstock.chain.evm import MAX_SNAPSHOTS, EvmChain
from everstock.chain.rpc import RpcChain
from everstock.chain.testing import reverts
from everstock.chain.transport import Rpc

# ---------------------------------------------------------------------------------------------- Anvil


def test_chain_and_its_anvil_end_together() -> None:
    chain = anvil_chain(start=1_800_000_000, chain_id=1234, default_sender=address("trader"))
    assert (chain.now, chain.chain_id) == (1_800_000_000, 1234)
    assert chain.send(address("trader"), address("operator")).sender == chain.default_sender
    chain.close()
    chain.close()
    with pytest.raises(NodeUnreachable):
        chain.rpc("eth_chainId")


def test_anvil_ends_with_a_killed_parent() -> None:
    code = (
        "from everstock.chain.anvil import AnvilNode; import time; print(AnvilNode().uri, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        rpc = Rpc(parent.stdout.readline().strip())
        assert rpc("eth_chainId")
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5

    def ask_until_it_is_gone() -> None:
        while time.monotonic() < deadline:
            rpc("eth_chainId")
            time.sleep(0.02)

    with pytest.raises(NodeUnreachable):
        ask_until_it_is_gone()


def test_anvil_that_cannot_start_says_why() -> None:
    with pytest.raises(AnvilFailed, match="no-such-option"):
        AnvilNode(extra_args=["--no-such-option"])


def test_missing_anvil_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AnvilNotFound):
        AnvilNode()


def test_fork_continues_another_chain(anvil: AnvilNode, probe_artifact: Artifact) -> None:
    upstream = anvil.chain(exclusive=False)
    with upstream.anchor():
        original = upstream.deploy(probe_artifact, 9, sender=upstream.account("deployer"))
        with AnvilNode(fork_url=anvil.uri) as node:
            fork = node.chain()
            probe = fork.contract(probe_artifact, original)
            assert (probe.seed(), probe.time()) == (9, fork.now)
            fork.warp(5)
            assert probe.stamp(sender=fork.account("trader")).timestamp == fork.now == upstream.now + 5
            assert original.stored() == 0
        upstream.close()


def test_two_views_of_one_node_agree(node_chain: RpcChain, anvil: AnvilNode, probe_artifact: Artifact) -> None:
    other = RpcChain.from_ape(SimpleNamespace(http_uri=anvil.uri))
    node_chain.warp(60)
    probe = node_chain.deploy(probe_artifact, 1, sender=node_chain.account("deployer"))
    assert (other.now, other.block_number) == (node_chain.now, node_chain.block_number)
    other.warp(7)
    other.contract(probe_artifact, probe).stamp(sender=other.account("trader"))
    assert probe.stored() == node_chain.now == other.now
    other.close()


def test_snapshot_lost_to_another_view_is_named(node_chain: RpcChain, anvil: AnvilNode) -> None:
    other = anvil.chain(exclusive=False)
    taken = other.snapshot()
    lost = node_chain.snapshot()
    other.revert(taken)
    with pytest.raises(errors.UnknownSnapshot):
        node_chain.revert(lost)
    other.close()


# ---------------------------------------------------------------------------------------------- signers


@pytest.fixture
def signed(node_chain: RpcChain) -> RpcChain:
    """A chain treated as public: only its signer sends."""
    chain = RpcChain(node_chain.rpc.uri, signer=Account.from_key(key("operator")), timeout=1.0)
    node_chain.fund(address("operator"), 10**18)
    chain.is_local = False
    return chain


def test_signer_deploys_and_sends(signed: RpcChain, probe_artifact: Artifact) -> None:
    probe = signed.deploy(probe_artifact, 3)
    assert probe.bump().return_value == 1
    assert probe.whoAmI() == address("operator")
    assert probe.pay(value=5).event("Paid")["amount"] == 5
    assert signed.now == probe.time()


def test_signer_learns_of_a_revert_before_paying(signed: RpcChain, probe_artifact: Artifact) -> None:
    probe = signed.deploy(probe_artifact, 3)
    nonce = signed.nonce(address("operator"))
    with reverts("ChainProbe_BeyondLimit", 1, 2):
        probe.failWith.send(1, 2)
    assert signed.nonce(address("operator")) == nonce


def test_mined_failure_is_explained_with_and_without_traces(
    signed: RpcChain, probe_artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = signed.deploy(probe_artifact, 3)
    with reverts("ChainProbe_BeyondLimit", 1, 2):
        probe.failWith.send(1, 2, gas=100_000)

    def untraced(_: str) -> None:
        raise Unsupported("no traces")

    monkeypatch.setattr(signed, "_trace", untraced)
    with reverts("ChainProbe_BeyondLimit", 1, 2):
        probe.failWith.send(1, 2, gas=100_000)


def test_strangers_cannot_send_and_powers_are_missing(signed: RpcChain, probe_artifact: Artifact) -> None:
    probe = signed.deploy(probe_artifact, 3)
    for act in (
        lambda: probe.bump(sender=address("stranger")),
        lambda: signed.warp(1),
        lambda: signed.mine(),
        lambda: signed.snapshot(),
        lambda: signed.fund(probe, 1),
        lambda: signed.send_many([probe.bump.tx()]),
    ):
        with pytest.raises(Unsupported):
            act()


def test_unmined_transaction_times_out_with_its_hash(signed: RpcChain) -> None:
    signed.timeout = 0.3
    signed.rpc("evm_setAutomine", False)
    try:
        with pytest.raises(TransactionTimeout) as caught:
            signed.send(address("operator"), address("stranger"), value=1)
        assert len(caught.value.tx_hash) == 66
    finally:
        signed.rpc("anvil_dropAllTransactions")
        signed.rpc("evm_setAutomine", True)


# ---------------------------------------------------------------------------------------------- transport


class _Broken(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_unusable_answers_are_named_without_the_key_in_the_path() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Broken)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(NodeUnreachable, match="503") as caught:
            Rpc(f"http://127.0.0.1:{server.server_port}/v2/secret-key")("eth_chainId")
        assert "secret-key" not in str(caught.value)
    finally:
        server.shutdown()
        server.server_close()


def test_other_schemes_are_refused() -> None:
    with pytest.raises(NodeUnreachable, match="only http"):
        Rpc("ws://127.0.0.1:1")


# ---------------------------------------------------------------------------------------------- in process


def test_too_many_snapshots_are_refused() -> None:
    chain = EvmChain()
    oldest = chain.snapshot()
    for _ in range(MAX_SNAPSHOTS - 1):
        chain.snapshot()
    with pytest.raises(errors.TooManySnapshots):
        chain.snapshot()
    chain.revert(oldest)
    chain.snapshot()


def test_deepest_snapshots_leave_room_for_contracts(probe_artifact: Artifact) -> None:
    chain = EvmChain(default_sender=address("trader"))
    probe = chain.deploy(probe_artifact, 1)
    for _ in range(MAX_SNAPSHOTS):
        chain.snapshot()
    probe.swallow()
    assert probe.stored() == 77


def test_chains_do_not_share_state(probe_artifact: Artifact) -> None:
    one, other = (EvmChain(default_sender=address("trader")) for _ in range(2))
    assert one.deploy(probe_artifact, 1).address == other.deploy(probe_artifact, 2).address
    assert other.deploy(probe_artifact, 3).seed() == 3


def test_thousands_of_transactions_a_second(probe_artifact: Artifact) -> None:
    chain = EvmChain(default_sender=address("trader"))
    probe = chain.deploy(probe_artifact, 1)
    started = time.perf_counter()
    for value in range(2_000):
        probe.store(value)
    assert time.perf_counter() - started < 1.0
