"""Where a story that needs no time travel is played: on a local chain, or on a network with funded accounts.

On a network nothing can be made to happen: blocks come and feeds print when they do, each actor signs for itself and
pays for gas, and only the issuer mints. A `Stage` hides the difference, and says what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from everstock.chain.base import LOCAL_CHAIN_ID, START_TIME, Chain
from everstock.chain.rpc import RpcChain
from everstock.client import MarginToken, System
from everstock.client.issuer import Issuer
from everstock.client.lending import LendingMarket
from everstock.client.system import Asset
from everstock.deploy import deploy_system
from everstock.deploy.record import Record
from everstock.deploy.release import connect
from everstock.deploy.roles import Role
from everstock.params import load
from everstock.scenarios.world import align

PARTS = ("issuer", "lp", "trader", "keeper")
PATIENCE_SECONDS = 1_800
POLL_SECONDS = 1.0
STEP_SECONDS = 5


class NotPlayable(Exception):
    """The network, the deployment or the accounts lack something; the message says what."""


@dataclass(frozen=True)
class Player:
    """One account, and the system as seen by who signs for it. An account may play several parts."""

    address: str
    system: System


@dataclass(frozen=True)
class Stage:
    """A deployment and its players."""

    players: dict[str, Player]
    local: bool
    patience: float = PATIENCE_SECONDS
    sleep: Callable[[float], None] = time.sleep

    @property
    def system(self) -> System:
        """To read through."""
        return self.players["trader"].system

    @property
    def chain(self) -> Chain:
        return self.system.chain

    def __getitem__(self, part: str) -> Player:
        return self.players[part]

    @property
    def addresses(self) -> list[str]:
        """Of all players, each once."""
        return list(dict.fromkeys(player.address for player in self.players.values()))

    def name(self, address: str) -> str:
        """The parts that an account plays."""
        return ", ".join(part for part, player in self.players.items() if player.address == address)

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    def blocks(self, count: int) -> None:
        """Let so many blocks pass."""
        if self.local:
            self.chain.warp(STEP_SECONDS * count)
            self.chain.mine(count)
            return
        until = self.chain.block_number + count
        if not self._wait(lambda: self.chain.block_number >= until):
            raise NotPlayable(f"{count} blocks did not come within {self.patience:.0f} s")

    def next_print(self, asset: Asset, after: int) -> bool:
        """Wait for a print later than the time `after`. False when none comes within the patience."""
        if self.local:
            self.chain.warp(STEP_SECONDS)
            price = Decimal(asset.aggregator.latestAnswer()).scaleb(-asset.feed_decimals)
            asset.publish(price * Decimal("1.001"))
            return True
        return self._wait(lambda: asset.aggregator.latestRoundData()[3] > after)

    def _wait(self, done: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + self.patience
        while not done():
            if time.monotonic() > deadline:
                return False
            self.sleep(POLL_SECONDS)
        return True

    # ── money ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def provide(self, symbol: str, part: str, amount: Decimal) -> Any:
        """See that a player holds so many stock tokens: the issuer attests and mints what is missing, its receipt.

        Raises:
            NotPlayable: tokens are missing, and none of the accounts may issue them at once.
        """
        token, player, issuer = self.system.token(symbol), self[part], self["issuer"]
        missing = amount - token.balance(player.address)
        if missing <= 0:
            return None
        needed = (Role.ISSUER, Role.ATTESTOR)
        rights = [self.system.authority.hasRole(int(role), issuer.address) for role in needed]
        if not all(has and delay == 0 for has, delay in rights):
            raise NotPlayable(
                f"the {part} {player.address} lacks {missing.normalize():f} {symbol}, and {issuer.address} "
                f"may not issue at once: let the first --account hold the issuer's role without a delay, "
                "or send it the tokens"
            )
        own: MarginToken = issuer.system.token(symbol)
        acting = Issuer(own, issuer.address)
        supply = own.amount(own.contract.totalSupply())
        if acting.backed < supply + missing:
            acting.attest(2 * (supply + missing))
        return own.contract.mint(player.address, own.units(missing), sender=issuer.address)

    def provide_dollars(self, market: LendingMarket, part: str, amount: Decimal) -> Any:
        """The same with a lending market's dollars, where they are the deployment's own mock: anyone mints those."""
        player = self[part]
        loan = player.system.lending_market(market.name).loan
        missing = loan.units(amount) - int(loan.contract.balanceOf(player.address))
        if missing <= 0:
            return None
        lending = self.system.params.lending
        if lending is None or lending.loan_tokens[loan.symbol].address is not None:
            raise NotPlayable(f"the {part} {player.address} lacks {loan.amount(missing):,} {loan.symbol}")
        return loan.contract.mint(player.address, missing, sender=player.address)


def local_stage(chain: Chain) -> Stage:
    """A system of its own on a local chain, with actors who may do anything."""
    align(chain, START_TIME)
    system = deploy_system(chain, load("local"))
    parts = {part: chain.account(part) for part in PARTS} | {"issuer": system.governor}
    return Stage({part: Player(address, system) for part, address in parts.items()}, local=True)


def network_stage(
    uri: str, record: Record, signers: Sequence[Any], *, patience: float = PATIENCE_SECONDS, **options: Any
) -> Stage:
    """A recorded deployment. The signers take the parts in turn: issuer, LP, trader, keeper; one may play all.

    On a node of the local chain id, as `make node` runs one, actors play when nobody signs.

    Raises:
        NotPlayable: nobody signs, or an account has no ether.
    """
    if not signers and record.chain_id == LOCAL_CHAIN_ID:
        system = connect(RpcChain(uri), record)
        parts = {part: system.chain.account(part) for part in PARTS} | {"issuer": record.deployer}
        actors = {part: Player(address, system) for part, address in parts.items()}
        return Stage(actors, local=False, patience=patience, **options)
    if not signers:
        raise NotPlayable("on a network each part is played by a funded account: name one to four, with --account")
    chains = [RpcChain(uri, signer=signer, public=True) for signer in signers]
    system = connect(chains[0], record)
    players = []
    for chain in chains:
        address = chain.sender_of(None)
        if not chain.balance(address):
            raise NotPlayable(f"{address} has no ether to pay for gas")
        players.append(Player(address, system.on(chain)))
    cast = {part: players[index % len(players)] for index, part in enumerate(PARTS)}
    return Stage(cast, local=False, patience=patience, **options)
