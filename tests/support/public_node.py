"""Anvil as a stranger's node: Base's chain id, gas that costs, accounts that nobody unlocks. And ways to be cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_account import Account

from everstock.artifacts import load as load_artifacts
from everstock.chain.accounts import key
from everstock.chain.anvil import AnvilNode
from everstock.chain.evm import EvmChain
from everstock.chain.rpc import RpcChain
from everstock.deploy.record import Record, Store
from everstock.deploy.release import Plan, Release
from everstock.params import Params, load

BASE = 8453
DAY = 86_400
ETHER = 10**18
GWEI = 10**9
COMMIT = "of this test"
ROLE_NAMES = ("admin", "governor", "guardian", "issuer")


class Killed(BaseException):
    """Stands for the end of the process: nothing that catches exceptions catches it."""


class PublicNode:
    """A node of Base's chain id on which three aggregators answer and the deployer holds one ether."""

    def __init__(self, chain_id: int = BASE) -> None:
        self.node = AnvilNode(plain=True, chain_id=chain_id)
        self.uri = self.node.uri
        self.deployer = Account.from_key(key("deployer"))
        chain = self.chain("feeds")
        for name in ("deployer", "feeds"):
            chain.rpc("anvil_setBalance", EvmChain.account(name), hex(ETHER))
        chain.rpc("anvil_setBlockTimestampInterval", 1)  # so that two runs see the same times
        aggregator = load_artifacts()["MockAggregator"]
        self.aggregators = {
            name: chain.deploy(aggregator, spec.feed_decimals, int(spec.initial_price_usd * 10**spec.feed_decimals))
            for name, spec in load("local").assets.items()
            if spec.initial_price_usd is not None
        }
        self.params = self._params(chain_id)

    def chain(self, name: str = "deployer") -> RpcChain:
        """As a public network, with the actor's key."""
        return RpcChain(self.uri, signer=Account.from_key(key(name)), public=True)

    def admin(self) -> RpcChain:
        """Its `rpc` speaks Anvil's own methods, for what a test needs behind the stage."""
        return RpcChain(self.uri, public=True)

    def release(self, folder: Path, chain: RpcChain | None = None, **options: Any) -> Release:
        options = {"store": Store(folder), "params": self.params, **options}
        release = Release(chain or self.chain(), network="base", deployer=self.deployer.address, **options)
        release.commit = COMMIT  # whoever edits a file meanwhile changes nothing
        return release

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever happens inside is undone. It begins at the same base fee each time, which a snapshot forgets."""
        rpc = self.admin().rpc
        taken = rpc("evm_snapshot")
        rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        yield
        rpc("evm_setAutomine", True)
        rpc("evm_revert", taken)

    def close(self) -> None:
        self.node.close()

    def _params(self, chain_id: int) -> Params:
        local = load("local").model_dump()
        for name, spec in local["assets"].items():
            spec |= {"aggregator": self.aggregators[name].address, "initial_price_usd": None}
        roles: dict[str, Any] = {name: EvmChain.account(f"the {name}") for name in ROLE_NAMES}
        roles |= {"admin_delay_seconds": 3 * DAY, "governor_delay_seconds": 2 * DAY, "issuer_delay_seconds": DAY}
        treasury = EvmChain.account("treasury")
        changes: dict[str, Any] = {"network": "base", "chain_id": chain_id, "treasury": treasury, "roles": roles}
        local["stock"] |= {"custody_shares": None, "desks": {}}
        changes |= {"quotes": {}}  # local: actors sign, and pay in a mock dollar
        return Params.model_validate(local | changes)


class Cut:
    """Cuts the line to the node at its `at`-th transaction: just before it arrives, or just after."""

    def __init__(self, chain: RpcChain, at: int, *, arrives: bool, kill: Callable[[], None] | None = None) -> None:
        self.rpc, self.at, self.arrives, self.seen = chain.rpc, at, arrives, 0
        self.close, self.batch = chain.rpc.close, chain.rpc.batch
        self.kill = kill or self._raise
        chain.rpc = self  # type: ignore[assignment]

    def __call__(self, method: str, *params: Any) -> Any:
        if method != "eth_sendRawTransaction":
            return self.rpc(method, *params)
        self.seen += 1
        if self.seen != self.at:
            return self.rpc(method, *params)
        if self.arrives:
            self.rpc(method, *params)
        return self.kill()

    @staticmethod
    def _raise() -> None:
        raise Killed


def finish(node: PublicNode, folder: Path, plan: Plan) -> Record:
    """Run, or go on, to the end."""
    return node.release(folder).run(plan)[1]
