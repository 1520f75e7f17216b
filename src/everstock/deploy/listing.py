"""Lists a margin token on a deployment: the checks a lister must pass, a rehearsal on a fork, and the governor's calls.

The rehearsal does everything for real, on a fork: the governor's calls with their delay, deposits of a holder's tokens
into both pools, a position opened and closed, everything withdrawn. What is exact there is exact later.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from everstock.chain.anvil import AnvilNode
from everstock.chain.errors import ChainError, Reverted
from everstock.chain.receipt import Receipt
from everstock.chain.rpc import RpcChain
from everstock.client.system import MarginToken, System
from everstock.client.trader import Side
from everstock.deploy.audit import Finding
from everstock.deploy.builder import list_token
from everstock.deploy.record import Record
from everstock.deploy.release import connect
from everstock.params import Token

DAY = 86_400
MINIMUM_USD = (Decimal(100), Decimal(1_000))
"""About 250: a position must be worth a liquidator's gas, and small holders should be able to open one."""

IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
"""EIP-1967: where a proxy keeps the address of its code."""


class NotListable(Exception):
    """The token may not be listed as asked; the message says why."""


@dataclass(frozen=True)
class Call:
    """A call that the governor makes."""

    to: str
    data: bytes


@dataclass(frozen=True)
class Examination:
    """What was found, and what the governor has to do."""

    findings: list[Finding]
    calls: list[Call]
    delay_seconds: int

    @property
    def passed(self) -> bool:
        return not any(finding.fault for finding in self.findings)


def examine(chain: RpcChain, record: Record, spec: Token, symbol: str, holder: str) -> Examination:
    """Check the token, and rehearse its listing on a fork with the tokens of `holder`. Sends nothing."""
    assert spec.address is not None
    findings: list[Finding] = []

    def compare(subject: str, faults: Iterator[str]) -> bool:
        found = list(faults)
        findings.extend(Finding(subject, 1, fault) for fault in found or [""])
        return not found

    system = connect(chain, record)
    if not compare("token", _token_faults(chain, system, spec, symbol, holder)):
        return Examination(findings, [], 0)
    if int(chain.rpc("eth_getStorageAt", spec.address, IMPLEMENTATION_SLOT, "latest"), 16):
        findings.append(Finding("note: a proxy, whose code its issuer can replace", 1))
    compare("minimum notional", _minimum_faults(spec))
    calls: list[Call] = []
    delays: list[int] = []
    with AnvilNode(fork_url=chain.uri) as fork:
        rehearsed = connect(fork.chain(registry=chain.registry), record)
        compare("rehearsal on a fork", _rehearse(rehearsed, spec, symbol, holder, calls, delays))
    return Examination(findings, calls, max(delays, default=0))


def _token_faults(chain: RpcChain, system: System, spec: Token, symbol: str, holder: str) -> Iterator[str]:
    assert spec.address is not None
    if not chain.code(spec.address):
        yield f"there is no contract at {spec.address}"
        return
    token = chain.contract(system.artifacts["StockToken"], spec.address)
    try:
        found, decimals, supply, held = token.symbol(), token.decimals(), token.totalSupply(), token.balanceOf(holder)
    except ChainError as error:
        yield f"{spec.address} does not answer as an ERC-20: {error}"
        return
    if found != symbol:
        yield f"its symbol is {found}"
    if decimals != spec.decimals:
        yield f"it has {decimals} decimals, not {spec.decimals}"
    if supply == 0:
        yield "nothing of it was issued"
    if held < 100 * spec.min_notional_units:
        yield f"{holder} holds {held}: the rehearsal takes a hundred times the minimum notional"
    if any(listed.address == spec.address for listed in system.tokens.values()):
        yield "it is listed"


def _minimum_faults(spec: Token) -> Iterator[str]:
    if spec.price_usd is None:
        yield "name the token's price, to see what the minimum is worth"
        return
    worth = spec.min_notional * spec.price_usd
    least, most = MINIMUM_USD
    if not least <= worth <= most:
        yield f"{spec.min_notional} at {spec.price_usd} USD is worth {worth:.0f} USD: about 250 is meant"


def _rehearse(
    system: System, spec: Token, symbol: str, holder: str, calls: list[Call], delays: list[int]
) -> Iterator[str]:
    try:
        governed(system, calls, delays)
        token = list_token(system, symbol, spec)
        yield from _round_trip(system, token, spec, holder)
    except (Reverted, NotListable) as error:
        yield str(error)


def _round_trip(system: System, token: MarginToken, spec: Token, holder: str) -> Iterator[str]:
    """Deposit, open, close, withdraw, and count every unit."""
    before = token.contract.balanceOf(holder)
    unit, vault = spec.min_notional_units, system.vault
    for pool, units in ((token.main_contract, 40 * unit), (token.insurance_contract, 20 * unit)):
        token.contract.approve(pool, units, sender=holder)
        pool.deposit(units, holder, sender=holder)
    token.contract.approve(vault, 10 * unit, sender=holder)
    vault.deposit(token.address, system.options, holder, 10 * unit, sender=holder)
    if (held := token.contract.balanceOf(vault)) != 70 * unit:
        yield f"of {70 * unit} the vault received {held}"
    open_markets = [market for market in system.markets.values() if _is_open(market)]
    if open_markets:
        market, account = open_markets[0], token.trader(holder)
        strike = market.nearest_strike(market.price_usd)
        account.open(market, strike, Side.PUT, spec.min_notional)
        account.close(market, strike, Side.PUT)
    free = vault.balanceOf(token.address, system.options, holder)
    system.options.withdraw(token.address, free, holder, sender=holder)
    if (held := token.contract.balanceOf(vault)) != 70 * unit - free:
        yield f"after {free} was withdrawn the vault holds {held}, not {70 * unit - free}"
    if (left := token.contract.balanceOf(holder)) != before - 70 * unit + free:
        yield f"the holder was left with {left}, not {before - 70 * unit + free}"
    system.chain.warp(DAY)
    system.chain.mine()
    if (held := token.contract.balanceOf(vault)) != 70 * unit - free:
        yield f"in a day without transfers the vault's {70 * unit - free} became {held}: it rebases"


def _is_open(market: Any) -> bool:
    return bool(market.system.oracle.read(market.asset.id).status == 0)


def governed(system: System, calls: list[Call], delays: list[int]) -> None:
    """On a local chain: let the governor's calls wait for their delay, and write them down."""
    chain, authority, governor = system.chain, system.authority, system.governor
    plain: Callable[..., Receipt] = chain.send

    def send(sender: str, to: str | None, data: bytes = b"", value: int = 0, gas: int | None = None) -> Receipt:
        if sender != governor or to is None:
            return plain(sender, to, data, value, gas)
        immediate, delay = authority.canCall(governor, to, data[:4])
        if not immediate and not delay:
            raise NotListable(f"the governor {governor} may not call {data[:4].hex()} of {to}")
        calls.append(Call(to, data))
        delays.append(delay)
        if immediate:
            return plain(sender, to, data, value, gas)
        plain(governor, authority.address, authority.schedule.encode(to, data, 0))
        chain.warp(delay)
        return plain(governor, authority.address, authority.execute.encode(to, data))

    chain.send = send  # type: ignore[method-assign]


def write_batches(examination: Examination, record: Record, system: System, symbol: str, folder: Path) -> list[Path]:
    """What a multisig signs, as Safe's transaction builder reads it: calls to schedule, and to execute later."""
    authority = system.authority
    folder.mkdir(parents=True, exist_ok=True)
    kinds: dict[str, list[tuple[str, bytes]]] = {}
    if examination.delay_seconds:
        address = authority.address
        kinds["1-schedule"] = [(address, authority.schedule.encode(c.to, c.data, 0)) for c in examination.calls]
        kinds["2-execute"] = [(address, authority.execute.encode(c.to, c.data)) for c in examination.calls]
    else:
        kinds["1-execute"] = [(call.to, call.data) for call in examination.calls]
    paths = []
    for kind, transactions in kinds.items():
        batch = {
            "version": "1.0",
            "chainId": str(record.chain_id),
            "meta": {"name": f"List {symbol} on Everstock: {kind[2:]}"},
            "transactions": [{"to": to, "value": "0", "data": "0x" + data.hex()} for to, data in transactions],
        }
        path = folder / f"{record.network}-list-{symbol}-{kind}.json"
        path.write_text(json.dumps(batch, indent=2) + "\n")
        paths.append(path)
    return paths
