"""Bulk runs: the transactions of many agents, hundreds to a block, each receipt looked at.

`python -m everstock.lab.bulk` measures real trades, deposits and transfers on an Anvil of its own. The figure depends
on the machine, so it is printed there and stands on no page.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from everstock.chain.anvil import anvil_chain
from everstock.chain.base import Chain
from everstock.chain.errors import BatchFailed, ChainError, Reverted
from everstock.chain.receipt import Receipt, Tx
from everstock.client import MarginToken, Market, Side, System
from everstock.deploy import deploy_system
from everstock.params import load

BLOCK = 100
"""Transactions to a block. Anvil makes each receipt by going through its block: in large ones that takes longest."""

GAS = 1_200_000
"""Limit of each, so that a block of Anvil's 10^9 gas holds them all; the dearest in bulk takes a quarter of it."""

GOAL = 300
"""Transactions a second, each receipt checked."""


class Job(NamedTuple):
    """A transaction and what it is called when it fails."""

    name: str
    tx: Tx


class WrongReceipt(ChainError):
    """A receipt belongs to another transaction than the one that was sent."""

    def __init__(self, name: str, receipt: Receipt) -> None:
        super().__init__(f"{name}: its receipt is of {receipt.sender} to {receipt.to}")


class BulkFailed(ChainError):
    """Some transactions failed; the others stand. `failures` tells why, by the name of the transaction."""

    def __init__(self, failures: Sequence[tuple[str, Reverted]], total: int) -> None:
        self.failures = list(failures)
        listed = "; ".join(f"{name}: {why}" for name, why in islice(failures, 10))
        more = f"; and {len(failures) - 10} more" if len(failures) > 10 else ""
        super().__init__(f"{len(failures)} of {total} transactions failed: {listed}{more}")


@dataclass
class Tally:
    """What a bulk run did. `receipts` are None where a transaction failed."""

    jobs: list[Job] = field(default_factory=list)
    receipts: list[Receipt | None] = field(default_factory=list)
    failures: list[tuple[str, Reverted]] = field(default_factory=list)
    blocks: int = 0

    @property
    def gas_used(self) -> int:
        return sum(receipt.gas_used for receipt in self.receipts if receipt is not None)

    def require(self) -> list[Receipt]:
        """All receipts.

        Raises:
            BulkFailed: a transaction failed.
        """
        if self.failures:
            raise BulkFailed(self.failures, len(self.jobs))
        return [receipt for receipt in self.receipts if receipt is not None]


def run(chain: Chain, jobs: Iterable[Job], block: int = BLOCK) -> Tally:
    """Send them in their order, `block` to a block, and look at each receipt: its status, its sender, its target.

    Raises:
        WrongReceipt: a receipt is not the transaction's.
    """
    tally = Tally()
    waiting = iter(jobs)
    while batch := list(islice(waiting, block)):
        txs = [job.tx if job.tx.gas is not None else job.tx._replace(gas=GAS) for job in batch]
        try:
            found: dict[int, Receipt] = dict(enumerate(chain.send_many(txs)))
            failed: dict[int, Reverted] = {}
        except BatchFailed as error:
            found, failed = error.receipts, error.failures
        if len(found) + len(failed) != len(batch):
            raise ChainError(f"{len(batch)} transactions were sent, {len(found) + len(failed)} receipts came back")
        for index, job in enumerate(batch):
            receipt = found.get(index)
            if receipt is None:
                tally.failures.append((job.name, failed[index]))
            elif (receipt.sender, receipt.to) != (job.tx.sender, job.tx.to):
                raise WrongReceipt(job.name, receipt)
            tally.receipts.append(receipt)
        tally.jobs += batch
        tally.blocks += 1
    return tally


# ── a crowd that trades ───────────────────────────────────────────────────────────────────────────────────────────────
class Crowd:
    """Agents with a seed who trade, deposit and pay each other in one margin token."""

    def __init__(self, system: System, token: MarginToken, agents: int, seed: int) -> None:
        self.system, self.token, self.random = system, token, Random(f"{seed}:crowd")
        self.markets: list[Market] = [system.market(name) for name in ("BTC-7D", "ETH-7D")]
        self.agents = [system.chain.account(f"agent {number}") for number in range(agents)]
        self.held: dict[str, list[tuple[Market, int, Side]]] = {agent: [] for agent in self.agents}

    def prepare(self) -> Tally:
        """Tokens, approvals and margin for everyone, and pools that can sell to all of them."""
        system, token = self.system, self.token
        lp = system.chain.account("bulk lp")
        token.mint(lp, 3_000_000)
        token.main.deposit(lp, 2_000_000)
        token.insurance.deposit(lp, 1_000_000)
        jobs: list[Job] = []
        for agent in self.agents:
            jobs.append(Job("mint", token.contract.mint.tx(agent, token.units(2_000), sender=system.governor)))
        for number, agent in enumerate(self.agents):
            for spender in (system.vault.address, token.main.address):
                approval = token.contract.approve.tx(spender, 2**256 - 1, sender=agent)
                jobs.append(Job(f"agent {number} approves", approval))
            jobs.append(Job(f"agent {number}: first margin", self._margin(agent, 500)))
        tally = run(system.chain, jobs)
        tally.require()
        return tally

    def round(self, number: int) -> list[Job]:
        """One transaction of every agent, in an order that is drawn anew."""
        order = list(self.agents)
        self.random.shuffle(order)
        jobs = []
        for agent in order:
            what, tx = self._act(agent)
            jobs.append(Job(f"round {number}, {agent}: {what}", tx))
        return jobs

    def _act(self, agent: str) -> tuple[str, Tx]:
        draw, token = self.random.random(), self.token
        held = self.held[agent]
        if draw < 0.35 and len(held) < 6:
            position = self._draw_position(agent)
            if position is not None:
                market, strike, side = position
                held.append(position)
                order = token.trader(agent).order(market, strike, side, 10, 10, None)
                return "open", self.system.options.open.tx(order, sender=agent)
        if draw < 0.60 and held:
            market, strike, side = held.pop(self.random.randrange(len(held)))
            order = token.trader(agent).order(market, strike, side, None, 0, None)
            return "close", self.system.options.close.tx(order, sender=agent)
        if draw < 0.75:
            return "margin", self._margin(agent, 1)
        if draw < 0.80:
            deposit = token.main_contract["deposit(uint256,address)"]
            return "pool deposit", deposit.tx(token.units(5), agent, sender=agent)
        other = self.random.choice(self.agents)
        return "transfer", token.contract.transfer.tx(other, token.units("0.5"), sender=agent)

    def _draw_position(self, agent: str) -> tuple[Market, int, Side] | None:
        market, strike = self.random.choice(self.markets), self.random.randrange(-4, 5)
        position = (market, strike, self.random.choice([Side.CALL, Side.PUT]))
        return None if position in self.held[agent] else position

    def _margin(self, agent: str, amount: int) -> Tx:
        system, token = self.system, self.token
        where = (token.address, system.options.address, agent, token.units(amount))
        return system.vault.deposit.tx(*where, sender=agent)


@dataclass(frozen=True)
class Measured:
    """How long a mixed run took, encoding and the check of receipts included."""

    transactions: int
    blocks: int
    gas_used: int
    seconds: float
    kinds: Counter[str]
    slowest_round_rate: float

    @property
    def rate(self) -> float:
        return self.transactions / self.seconds


def measure(chain: Chain, agents: int, rounds: int, seed: int = 1, block: int = BLOCK) -> Measured:
    """Deploy, prepare a crowd, then time its rounds. Before each round five minutes pass and prices move."""
    system = deploy_system(chain, load("local"))
    crowd = Crowd(system, system.token("TSLA.M"), agents, seed)
    crowd.prepare()
    kinds: Counter[str] = Counter()
    transactions = blocks = gas = 0
    seconds, slowest = 0.0, float("inf")
    prices = Random(f"{seed}:prices")
    for number in range(rounds):
        chain.warp(300)
        for name, first in (("BTC", 60_000), ("ETH", 3_000)):
            system.asset(name).publish(str(round(first * (1 + prices.uniform(-0.01, 0.01)), 2)))
        began = time.perf_counter()
        tally = run(chain, crowd.round(number), block)
        tally.require()
        took = time.perf_counter() - began
        seconds += took
        slowest = min(slowest, len(tally.jobs) / took)
        transactions += len(tally.jobs)
        blocks += tally.blocks
        gas += tally.gas_used
        kinds.update(job.name.rsplit(": ", 1)[1] for job in tally.jobs)
    return Measured(transactions, blocks, gas, seconds, kinds, slowest)


def main() -> None:
    parser = argparse.ArgumentParser(description="Transactions a second in bulk on Anvil, each receipt checked.")
    parser.add_argument("--agents", type=int, default=400, help="each sends one transaction a round")
    parser.add_argument("--rounds", type=int, default=10, help="rounds, five minutes apart")
    parser.add_argument("--block", type=int, default=BLOCK, help="transactions to a block")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with anvil_chain() as chain:
        found = measure(chain, given.agents, given.rounds, given.seed, given.block)
    table = Table("what", "transactions", title="A mixed bulk run, every receipt checked")
    for kind, count in sorted(found.kinds.items()):
        table.add_row(kind, f"{count:,}")
    console = Console()
    console.print(table)
    console.print(
        f"{found.transactions:,} transactions of {given.agents:,} agents in {found.blocks} blocks, "
        f"{found.gas_used / 10**6:,.0f} million gas, {found.seconds:.1f} s: [bold]{found.rate:,.0f} a second[/bold] "
        f"(slowest round {found.slowest_round_rate:,.0f}; goal {GOAL})."
    )


if __name__ == "__main__":
    main()
