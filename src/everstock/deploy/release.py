"""Deploys to a network, step by step, on the record; continues what was cut off; opens what is there.

Before anything is sent the whole deployment is rehearsed on a fork of the network. That gives the plan: addresses, gas,
and every failure that would otherwise be met half way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from everstock import __version__
from everstock.artifacts import Artifacts
from everstock.artifacts import load as load_artifacts
from everstock.chain.anvil import AnvilNode
from everstock.chain.base import LOCAL_CHAIN_ID
from everstock.chain.codec import Codec
from everstock.chain.contract import Contract
from everstock.chain.rpc import RpcChain
from everstock.client.system import System
from everstock.deploy.builder import deploy_system
from everstock.deploy.checks import NotDeployable, check_feeds
from everstock.deploy.journal import DeploymentChanged, JournalChain, Mode
from everstock.deploy.record import Deployed, Record, Step, Store, abi_hash, as_parameters, digest
from everstock.home import commit
from everstock.params import Params

TX_GAS_LIMIT = 1 << 24
"""The most gas that one transaction may take on Ethereum and Base (EIP-7825)."""

L1_FEE_ORACLE = "0x420000000000000000000000000000000000000F"
"""Rollups of the OP stack charge for data on Ethereum, too; this predeploy tells how much."""

SIGNATURE_BYTES = 120
"""Of a transaction beside its data: signature, addresses, numbers."""


@dataclass(frozen=True)
class Plan:
    """What a deployment will do, from its rehearsal on a fork."""

    steps: list[Step]
    done: int
    """The first so many are on the chain already."""
    gas: int
    """Of what is left."""
    fee_wei: int
    """At today's price, data fee included."""
    fee_limit_wei: int
    """Should the base fee double, with a fifth of gas to spare: what the deployer must hold."""
    balance_wei: int
    contracts: dict[str, Deployed]

    @property
    def left(self) -> list[Step]:
        return self.steps[self.done :]


class Release:
    """One deployment: a network, parameters, a deployer. `label` goes into the salts of all addresses."""

    def __init__(
        self,
        chain: RpcChain,
        params: Params,
        network: str,
        deployer: str,
        *,
        label: str = "1",
        store: Store | None = None,
        artifacts: Artifacts | None = None,
    ) -> None:
        self.chain = chain
        self.params = params
        self.network = network
        self.deployer = deployer
        self.label = label
        self.store = store or Store()
        self.artifacts = artifacts or load_artifacts()
        self.commit = commit()

    def plan(self) -> Plan:
        """Check, and rehearse on a fork. Sends nothing and writes nothing.

        Raises:
            NotDeployable: the chain, the parameters or the deployer do not fit each other.
            DeploymentChanged: the record is of other parameters, another deployer, label or code.
        """
        record, done = self._record()
        if not record.steps:
            check_feeds(self.chain, self.params, self.artifacts)
        with AnvilNode(fork_url=self.chain.uri) as fork:
            rehearsal = JournalChain(fork.chain(registry=self.chain.registry), record, Mode.REHEARSE)
            system = deploy_system(rehearsal, self.params, self.deployer, self.artifacts)
            contracts = contracts_of(system, record)
        found = plan_digest(record.steps)
        if record.plan_digest not in ("", found):
            raise DeploymentChanged(
                f"the contracts or the builder changed since {record.commit}: continue with that commit, "
                "or start anew under another label"
            )
        left = record.steps[done:]
        gas = sum(step.gas_used or 0 for step in left)
        for step in left:
            if (step.gas_used or 0) * 6 // 5 > TX_GAS_LIMIT:
                raise NotDeployable(f"{step.title} takes {step.gas_used:,} gas: too much for one transaction")
        tip, most = self.chain.fees()
        price = (most + tip) // 2  # base fee and tip
        data_fee = self._data_fee(rehearsal.data_sizes)
        return Plan(
            steps=record.steps,
            done=done,
            gas=gas,
            fee_wei=gas * price + data_fee,
            fee_limit_wei=gas * 6 // 5 * most + 2 * data_fee,
            balance_wei=self.chain.balance(self.deployer),
            contracts=contracts,
        )

    def run(self, plan: Plan, on_step: Callable[[Step], None] = lambda step: None) -> tuple[System, Record]:
        """Send what is left of the plan, writing the record before and after each transaction.

        Raises:
            NotDeployable: the deployer holds too little; nothing was sent.
            HandOverFailed: the roles did not end up with their holders.
        """
        if plan.left and plan.balance_wei < plan.fee_limit_wei:
            raise NotDeployable(
                f"{self.deployer} holds {plan.balance_wei / 1e18:.6f} ETH, and {len(plan.left)} transactions may take "
                f"{plan.fee_limit_wei / 1e18:.6f}"
            )
        record, _ = self._record()
        record.plan_digest = plan_digest(plan.steps)
        journal = JournalChain(self.chain, record, Mode.SIGN, self.store.save, on_step)
        system = deploy_system(journal, self.params, self.deployer, self.artifacts)
        if journal.steps_done != len(record.steps):
            raise DeploymentChanged(
                f"the record holds {len(record.steps)} steps, of which {journal.steps_done} are due"
            )
        record.contracts = contracts_of(system, record)
        record.complete = True
        self.store.save(record)
        journal.end()
        return system, record

    def _record(self) -> tuple[Record, int]:
        """The record to go on from, and how many steps it holds."""
        self._check_chain()
        known = self.store.find(self.network)
        if known is None:
            return self._new_record(), 0
        found = {
            "chain id": (known.chain_id, self.chain.chain_id),
            "deployer": (known.deployer, self.deployer),
            "label": (known.label, self.label),
        }
        faults = [f"{name} was {was}, is {now}" for name, (was, now) in found.items() if was != now]
        faults += list(_differences("", known.parameters, as_parameters(self.params)))
        if faults:
            raise DeploymentChanged(f"{self.store.path(self.network).name}: {'; '.join(faults)}")
        return known, sum(step.transaction is not None for step in known.steps)

    def _new_record(self) -> Record:
        return Record(
            network=self.network,
            chain_id=self.chain.chain_id,
            deployer=self.deployer,
            version=__version__,
            commit=self.commit,
            label=self.label,
            started_at=self.chain.now,
            plan_digest="",
            parameters=as_parameters(self.params),
        )

    def _check_chain(self) -> None:
        wanted, found = self.params.chain_id or LOCAL_CHAIN_ID, self.chain.chain_id
        if wanted != found:
            raise NotDeployable(
                f"the parameters of {self.params.network} are for chain {wanted}, and this is chain {found}"
            )

    def _data_fee(self, sizes: list[int]) -> int:
        if not self.chain.code(L1_FEE_ORACLE):
            return 0
        uint = [{"type": "uint256"}]
        selector = bytes.fromhex("f1c7a58b")  # getL1FeeUpperBound(uint256)
        fees = (self.chain.call(L1_FEE_ORACLE, selector + Codec(uint).encode([n + SIGNATURE_BYTES])) for n in sizes)
        return sum(int.from_bytes(fee, "big") for fee in fees)


def connect(chain: RpcChain, record: Record, artifacts: Artifacts | None = None) -> System:
    """A finished deployment as the client knows it. Reads, checks code and receipts, sends nothing.

    Raises:
        DeploymentIncomplete: it was cut off; deploy again to finish it.
        DeploymentChanged: this checkout builds something else: take the record's commit.
        RecordMismatch: the chain does not hold what the record says.
    """
    journal = JournalChain(chain, record.model_copy(deep=True), Mode.READ)
    system = deploy_system(journal, record.params, record.deployer, artifacts)
    journal.end()
    journal.default_sender = chain.default_sender
    return system


def plan_digest(steps: list[Step]) -> str:
    """Of what is created, with its code, and what is called: not of arguments, which the journal compares."""
    lines = (f"{step.kind} {step.contract} {step.function} {step.code_digest}" for step in steps)
    return digest("\n".join(lines).encode())


def contracts_of(system: System, record: Record) -> dict[str, Deployed]:
    """Every contract of the system, whoever created it, by its name there."""
    created = {step.address: step for step in record.steps if step.kind != "call"}
    named = {contract.address: name for name, contract in reversed(list(named_contracts(system)))}
    for address, step in created.items():
        named.setdefault(address, step.contract)
    artifacts = {contract.address: contract.artifact for _, contract in named_contracts(system)}
    given = {each.aggregator for each in system.params.assets.values()}
    given |= {each.address for each in system.params.tokens.values()}
    found = {}
    for address, name in sorted(named.items(), key=lambda item: item[1]):
        creation = created.get(address)
        artifact = artifacts.get(address) or system.artifacts[created[address].contract]
        found[name] = Deployed(
            contract=artifact.name,
            address=address,
            abi_hash=abi_hash(artifact.abi),
            code_hash=digest(system.chain.code(address)),
            external=address in given,
            constructor=None if creation is None else creation.arguments,
            transaction=None if creation is None else creation.transaction,
            block=None if creation is None else creation.block,
        )
    return found


def named_contracts(part: Any, prefix: str = "") -> Iterator[tuple[str, Contract]]:
    """The contracts that the client's objects hold: `vault`, `markets/BTC-7D`, `tokens/TSLA.M/main`."""
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        name = prefix + ("" if field.name == "contract" else field.name.removesuffix("_contract"))
        if isinstance(value, Contract):
            yield name.removesuffix("/"), value
        elif isinstance(value, dict):
            for key, each in value.items():
                if isinstance(each, Contract):
                    yield f"{name}/{key}", each
                elif dataclasses.is_dataclass(each):
                    yield from named_contracts(each, f"{name}/{key}/")
        elif dataclasses.is_dataclass(value) and not isinstance(value, System | type):
            yield from named_contracts(value, f"{name}/")


def _differences(path: str, was: Any, now: Any) -> Iterator[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted({*was, *now}):
            yield from _differences(f"{path}/{key}".removeprefix("/"), was.get(key), now.get(key))
    elif was != now:
        yield f"{path} was {was}, is {now}"
