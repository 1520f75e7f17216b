"""What can be told from the chain before the first transaction."""

from __future__ import annotations

from collections.abc import Iterator

from everstock.chain.base import Chain
from everstock.deploy.handover import holders
from everstock.params import Params


class NotDeployable(Exception):
    """The parameters do not fit the chain. Nothing was sent; the message names every field."""


def check(chain: Chain, params: Params, sender: str) -> None:
    """Raises `NotDeployable` when a given contract has no code, or the deployer would hand its roles to itself."""
    faults = list(_faults(chain, params, sender))
    if faults:
        raise NotDeployable("; ".join(faults))


def _faults(chain: Chain, params: Params, sender: str) -> Iterator[str]:
    given = {f"assets/{name}/aggregator": asset.aggregator for name, asset in params.assets.items()}
    given |= {f"tokens/{symbol}/address": token.address for symbol, token in params.tokens.items()}
    for field, address in given.items():
        if address is not None and not chain.code(address):
            yield f"{field}: there is no contract at {address}: is it of another network?"
    for role, (holder, _) in holders(params).items():
        if holder == sender:
            yield f"roles/{role.name.lower()}: {holder} is the deployer, who gives its roles away"
