"""A margin token that misbehaves: `HostileToken` behind a proxy that answers `symbol()`, which listing asks for."""

from __future__ import annotations

from typing import Any

from everstock.chain.contract import Contract
from everstock.client import MarginToken, System
from everstock.deploy.builder import list_token
from everstock.params import Token


def hostile_contract(system: System, decimals: int = 18) -> Contract:
    """Deploy a `HostileToken` with a symbol; not listed."""
    sender, kind = system.governor, system.artifacts["HostileToken"]
    code = system.chain.deploy(kind, decimals, sender=sender)
    receipt = system.chain.send(sender, None, _creation_of(_proxy_to(code.address)))
    return system.chain.contract(kind, receipt.contract_address)


def list_hostile(system: System, decimals: int = 18) -> MarginToken:
    """A listed margin token; its `contract` is the `HostileToken` with all habits off."""
    contract = hostile_contract(system, decimals)
    spec = Token(name="Hostile", decimals=decimals, min_notional="1", address=contract.address)
    token = list_token(system, "HOST", spec)
    token.contract = contract
    return token


def _proxy_to(code: Any) -> bytes:
    """Answers `symbol()` itself and delegates everything else to `code`."""
    text = "60206000526004602052" + "7f" + b"HOST".ljust(32, b"\0").hex() + "60405260606000f3"
    delegate = f"3660006000376000600036600073{code[2:].lower()}5af43d600060003e"
    start = "60003560e01c6395d89b4114"  # selector == symbol()
    head = len(bytes.fromhex(start)) + 3
    ok = head + len(bytes.fromhex(delegate)) + 3 + 4
    symbol = ok + 5
    return bytes.fromhex(
        f"{start}60{symbol:02x}57{delegate}60{ok:02x}573d6000fd"  # failed: hand on the reason
        f"5b3d6000f3"  # succeeded: hand on the answer
        f"5b{text}"
    )


def _creation_of(runtime: bytes) -> bytes:
    size = len(runtime)
    return bytes.fromhex(f"60{size:02x}600c60003960{size:02x}6000f3") + runtime
