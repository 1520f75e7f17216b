"""A keeper of a recorded deployment, on a public network: what `ape run keeper` and the silverback bot share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from everstock.chain.failover import FailoverRpc
from everstock.chain.receipt import Tx
from everstock.chain.rpc import RpcChain
from everstock.client import System
from everstock.client.issuer import NoDesk
from everstock.client.system import UnknownName, from_wad
from everstock.deploy.record import Record
from everstock.deploy.release import connect
from everstock.keeper.book import AccountBook
from everstock.keeper.config import KeeperConfig
from everstock.keeper.duties import STANDARD, Arbitrage
from everstock.keeper.events import NodeLogs
from everstock.keeper.keeper import Keeper
from everstock.keeper.metrics import JsonLines, Metrics, PlainLines
from everstock.keeper.sender import DrySender, Outbox, Sender

LOG = logging.getLogger("everstock.keeper")


def live_keeper(
    uris: Sequence[str],
    record: Record,
    signer: Any,
    *,
    config: KeeperConfig | None = None,
    dry_run: bool = False,
) -> Keeper:
    """Connects through all endpoints, reads the deployment from its record and everything else from the chain.

    Without `signer` only a dry run is possible.

    Raises:
        ValueError: nobody signs, and it is no dry run; or the configuration does not fit the deployment.
    """
    config = config or KeeperConfig()
    metrics = Metrics()
    rpc = FailoverRpc(uris, on_failure=lambda method, _: metrics.rpc_failures.labels(method).inc())
    chain = RpcChain(uris[0], rpc=rpc, signer=signer, public=True)
    system = connect(chain, record).on(chain)
    events = NodeLogs(chain, AccountBook(system).addresses, record.first_block)
    if dry_run:
        sender: Sender = DrySender(lambda tx: LOG.info("would send", extra={"fields": describe(system, tx)}))
        account = chain.account("keeper") if chain.signer is None else chain.signer.address
    elif chain.signer is None:
        raise ValueError("a keeper signs: name its account, or make it a dry run")
    else:
        sender = Outbox(chain, on_event=lambda event: metrics.transactions.labels(event).inc())
        account = chain.signer.address
    venues = [partial(Arbitrage, policy=venue.policy) for venue in config.arbitrage]
    try:
        keeper = Keeper(system, account, events, config.policy, sender, metrics, [*STANDARD, *venues])
    except (UnknownName, NoDesk) as error:
        raise ValueError(f"arbitrage: {error}") from error
    for duty in keeper.at_work:
        if isinstance(duty, Arbitrage):
            duty.check()
    LOG.info("started", extra={"fields": _beginning(keeper, chain, record, dry_run)})
    return keeper


def _beginning(keeper: Keeper, chain: RpcChain, record: Record, dry_run: bool) -> dict[str, Any]:
    """What an operator wants to see once: who, where, with how much gas."""
    wei = chain.balance(keeper.account)
    keeper.metrics.gas_wei.set(wei)
    if not wei and not dry_run:
        raise ValueError(f"{keeper.account} holds no ether to pay gas with")
    return {
        "deployment": record.network,
        "chain": chain.chain_id,
        "account": keeper.account,
        "ether": from_wad(wei),
        "from_block": record.first_block,
        "block": chain.block_number,
        "duties": len(keeper.at_work) + 1,
        "dry_run": dry_run,
    }


def describe(system: System, tx: Tx) -> dict[str, Any]:
    """A transaction for a log: contract, function and arguments by name where the system knows them."""
    known = {system.options.address: system.options, system.orders.address: system.orders}
    known |= {system.oracle.address: system.oracle}
    known |= {market.contract.address: market.contract for market in system.markets.values()}
    known |= {market.contract.address: market.contract for market in system.lending.values()}
    known |= {market.loan.contract.address: market.loan.contract for market in system.lending.values()}
    known |= {contract.address: contract for contract in (*system.desks.values(), *system.pay_tokens.values())}
    for token in system.tokens.values():
        parts = (token.contract, token.main_contract, token.insurance_contract)
        known |= {part.address: part for part in parts}
    contract = known.get(tx.to or "")
    if contract is None:
        return {"to": tx.to, "data": "0x" + tx.data.hex()}
    try:
        name, arguments = contract.abi_functions.decode_call(tx.data)
    except KeyError:
        return {"to": tx.to, "data": "0x" + tx.data.hex()}
    return {"to": tx.to, "function": name, **{key: str(value) for key, value in arguments.items()}}


def set_up_logging(json_lines: bool) -> None:
    """Actions and failures to standard error, for machines or for people."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if json_lines else PlainLines())
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
