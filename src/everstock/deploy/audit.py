"""Compares a deployment's record with its chain: transactions, code, parameters, and who holds which role.

It believes nothing but the chain and this checkout. What the record says of itself is checked, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from everstock.artifacts import Artifacts
from everstock.artifacts import load as load_artifacts
from everstock.chain.base import ZERO_ADDRESS
from everstock.chain.codec import checksum
from everstock.chain.contract import Contract
from everstock.chain.errors import Reverted
from everstock.chain.registry import Event, Log
from everstock.chain.rpc import RpcChain
from everstock.client.system import WAD, System
from everstock.deploy.handover import holders, restricted
from everstock.deploy.journal import FACTORY, DeploymentChanged, RecordMismatch, create2_address
from everstock.deploy.record import Record, Step, abi_hash, digest
from everstock.deploy.release import connect
from everstock.deploy.roles import GRANTS, GUARDED, Role

LOG_BLOCKS = 9_000
"""Public nodes answer for at most 10,000 blocks at a time."""

PUBLIC_ROLE = 2**64 - 1

GRANTED, REVOKED = "RoleGranted", "RoleRevoked"
ROUTINE = {"OperationScheduled", "OperationExecuted", "OperationCanceled"}
"""Traces of delayed calls: they change no right."""


@dataclass(frozen=True)
class Finding:
    """One thing that was compared. `fault` is empty when it is as it should be."""

    subject: str
    count: int
    fault: str = ""


def audit(
    chain: RpcChain,
    record: Record,
    artifacts: Artifacts | None = None,
    on_progress: Callable[[str], None] = lambda subject: None,
) -> list[Finding]:
    """Everything that was compared, the faults included. Sends nothing."""
    artifacts = artifacts or load_artifacts()
    if chain.chain_id != record.chain_id:
        return [Finding("chain", 1, f"the record is of chain {record.chain_id}, this is {chain.chain_id}")]
    if not record.complete:
        return [Finding("record", 1, "the deployment is not finished: run it again")]
    findings: list[Finding] = []

    def compare(subject: str, count: int, faults: Iterator[str]) -> None:
        on_progress(subject)
        found = list(faults)
        findings.extend(Finding(subject, count, fault) for fault in found)
        if not found:
            findings.append(Finding(subject, count))

    compare("transactions", len(record.steps), _transactions(chain, record))
    compare("code on chain", len(record.contracts), _code(chain, record))
    compare("code of this checkout", sum(s.kind != "call" for s in record.steps), _checkout(record, artifacts))
    try:
        system = connect(chain, record, artifacts)
    except (DeploymentChanged, RecordMismatch, Reverted) as error:
        return [*findings, Finding("system", 1, str(error))]
    assets, markets, tokens = len(system.assets), len(system.markets), len(system.tokens)
    compare("parameters", assets + markets + tokens, _parameters(system))
    events = list(_events(chain, system.authority, record))
    members = members_of(events)
    compare("role members", len(members), _members(system, record, members))
    functions = sum(len(contract.abi_functions.by_signature) for _, contract in restricted(system))
    compare("functions of restricted contracts", functions, _wired(system))
    compare("guardian of roles", len(GUARDED), _guarded(system))
    compare("changes of rights since", len(events), _changes(record, events))
    return findings


def members_of(events: list[tuple[str, Event]]) -> set[tuple[int, str]]:
    """Who holds which role, from everything that was ever granted and revoked."""
    members: set[tuple[int, str]] = set()
    for _, event in events:
        if event.name == GRANTED:
            members.add((event["roleId"], event["account"]))
        elif event.name == REVOKED:
            members.discard((event["roleId"], event["account"]))
    return members


def _transactions(chain: RpcChain, record: Record) -> Iterator[str]:
    for number, step in enumerate(record.steps, 1):
        where = f"step {number}, {step.title}"
        tx = chain.rpc("eth_getTransactionByHash", step.transaction)
        if tx is None:
            yield f"{where}: the chain does not know {step.transaction}"
            continue
        try:
            receipt = chain.receipt(str(step.transaction))
        except Reverted as error:
            yield f"{where}: failed with {error}"
            continue
        data = bytes.fromhex(tx["input"][2:])
        if step.kind == "create2":
            salt, data = data[:32], data[32:]
            if checksum(tx["to"]) != FACTORY or create2_address(salt, data) != step.address:
                yield f"{where}: the transaction does not create {step.address}"
        elif step.kind == "call" and checksum(tx["to"]) != step.address:
            yield f"{where}: went to {tx['to']}, recorded {step.address}"
        if digest(data) != step.data_hash:
            yield f"{where}: its data has hash {digest(data)}, recorded {step.data_hash}"
        if checksum(tx["from"]) != record.deployer:
            yield f"{where}: sent by {tx['from']}, not by the deployer"
        if receipt is None or receipt.block_number != step.block:
            yield f"{where}: not in block {step.block}"


def _code(chain: RpcChain, record: Record) -> Iterator[str]:
    for name, contract in record.contracts.items():
        found = digest(chain.code(contract.address))
        if found != contract.code_hash:
            yield f"{name}: the code at {contract.address} has hash {found}, recorded {contract.code_hash}"


def _checkout(record: Record, artifacts: Artifacts) -> Iterator[str]:
    for step in record.steps:
        if step.kind == "call":
            continue
        artifact = artifacts.get(step.contract)
        if artifact is None or digest(artifact.bytecode) != step.code_digest:
            yield f"{step.contract}: this checkout compiles to other code; the record is of commit {record.commit}"
        elif abi_hash(artifact.abi) != step.abi_hash:
            yield f"{step.contract}: this checkout has another ABI; the record is of commit {record.commit}"


def _parameters(system: System) -> Iterator[str]:
    params = system.params
    if params.treasury is not None and system.options.treasury() != params.treasury:
        yield f"treasury is {system.options.treasury()}, recorded {params.treasury}"
    for name, spec in params.assets.items():
        config = system.oracle.assetConfig(system.assets[name].id)
        found = (config.feed, config.maxAge, config.deviation)
        wanted = (system.assets[name].feed.address, spec.max_age_seconds, int(spec.deviation * WAD))
        if found != wanted:
            yield f"asset {name}: feed, maximum age and deviation are {found}, recorded {wanted}"
    for name, market in system.markets.items():
        terms, found = params.markets[name], market.contract.config()
        for field, is_, was in (
            ("reference price", found.referencePrice, int(terms.reference_price_usd * WAD)),
            ("variance budget", found.varianceBudget, terms.variance_budget_wad),
            ("initial variance", found.initialVariance, terms.initial_variance_wad),
            ("least variance", found.minVariance, int(params.sigma_min**2 * WAD)),
            ("most variance", found.maxVariance, int(params.sigma_max**2 * WAD)),
            ("loading", found.loading, int(terms.loading * WAD)),
        ):
            if is_ != was:
                yield f"market {name}: {field} is {is_}, recorded {was}"
        if system.options.market(market.id) != market.contract.address:
            yield f"market {name}: id {market.id} is another contract"
    for symbol, token in system.tokens.items():
        minimum = system.options.tokenBook(token.address).minNotional
        if minimum != (recorded := params.tokens[symbol].min_notional_units):
            yield f"token {symbol}: minimum notional is {minimum}, recorded {recorded}"


def _events(chain: RpcChain, authority: Contract, record: Record) -> Iterator[tuple[str, Event]]:
    """All that the authority ever emitted, with the transaction that made it."""
    latest = chain.block_number
    for first in range(record.first_block, latest + 1, LOG_BLOCKS):
        last = min(first + LOG_BLOCKS - 1, latest)
        query = {"address": authority.address, "fromBlock": hex(first), "toBlock": hex(last)}
        for raw in chain.rpc("eth_getLogs", query):
            topics = tuple(bytes.fromhex(topic[2:]) for topic in raw["topics"])
            event = chain.registry.event(Log(checksum(raw["address"]), topics, bytes.fromhex(raw["data"][2:])))
            if event is not None:
                yield raw["transactionHash"], event


def _members(system: System, record: Record, members: set[tuple[int, str]]) -> Iterator[str]:
    """The holders of the parameters, and contracts of the system. Nobody else."""
    named = {(int(role), holder): delay for role, (holder, delay) in holders(system.params).items()}
    if not named:  # a local chain: the deployer keeps what people hold
        named = {(int(role), record.deployer): 0 for role in (Role.ADMIN, *GUARDED, Role.GUARDIAN)}
        named = {pair: delay for pair, delay in named.items() if pair in members}
    own = {contract.address: name for name, contract in record.contracts.items()}
    for (role, account), delay in named.items():
        is_member, found = system.authority.hasRole(role, account)
        if not is_member:
            yield f"{account} should be {_name(role)}, and is not"
        elif found != delay:
            yield f"{account} is {_name(role)} with a delay of {found} seconds, recorded {delay}"
    granted = {(int(s.arguments["roleId"]), checksum(s.arguments["account"])) for s in _calls(record, "grantRole")}
    for role, account in sorted(members - set(named)):
        if account not in own:
            yield f"{account} is {_name(role)}, and should not be"
        elif (role, account) not in granted:
            yield f"{own[account]} is {_name(role)}, which the deployment did not grant"


def _wired(system: System) -> Iterator[str]:
    authority = system.authority
    for kind, contract in restricted(system):
        table = {name: role for role, names in GRANTS[kind].items() for name in names}
        if authority.isTargetClosed(contract.address):
            yield f"{kind} at {contract.address} is closed"
        if contract.authority() != authority.address:
            yield f"{kind} at {contract.address} answers to another authority, {contract.authority()}"
        for spec in contract.abi_functions.by_signature.values():
            role = int(authority.getTargetFunctionRole(contract.address, spec.selector))
            wanted = int(table.get(spec.name, Role.ADMIN))
            if role != wanted:
                yield f"{kind}.{spec.name} at {contract.address} is for {_name(role)}, not for {_name(wanted)}"


def _guarded(system: System) -> Iterator[str]:
    for role in GUARDED:
        if (found := int(system.authority.getRoleGuardian(int(role)))) != Role.GUARDIAN:
            yield f"the guardian of {role.name} is {_name(found)}"


def _changes(record: Record, events: list[tuple[str, Event]]) -> Iterator[str]:
    known = {step.transaction for step in record.steps}
    for transaction, event in events:
        if transaction not in known and event.name not in ROUTINE:
            what = ", ".join(f"{key} {value}" for key, value in event.args.items() if value != ZERO_ADDRESS)
            yield f"{event.name} ({what}) in {transaction}, which is not of the deployment"


def _calls(record: Record, function: str) -> Iterator[Step]:
    return (step for step in record.steps if step.function == function and step.contract == "Authority")


def _name(role: int) -> str:
    if role == PUBLIC_ROLE:
        return "everybody"
    return Role(role).name if role in Role._value2member_map_ else f"role {role}"
