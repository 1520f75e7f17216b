"""What the duties of a keeper share: the deployment, the prices of this pass, and one way to get a thing done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from everstock.chain.contract import Contract, Function
from everstock.chain.errors import Reverted
from everstock.chain.receipt import Receipt, Tx
from everstock.client import Asset, Market, System
from everstock.client.system import PriceStatus
from everstock.client.trader import Side
from everstock.keeper.book import AccountBook, AccountKey, PositionKey
from everstock.keeper.economics import Economics
from everstock.keeper.events import EventSource
from everstock.keeper.metrics import Metrics
from everstock.keeper.sender import Sender

DUTY_GAS = 3_000_000
"""Gas limit of a duty, by leg for orders. Not estimated: a print that arrives meanwhile takes more."""


@dataclass(frozen=True)
class Policy:
    """When to poke, when to read everything again, and what is worth its gas.

    `min_profit_usd` is what a paid duty must leave after gas (None: any, or none). Duties that pay nobody but serve
    the pools and their users (redemptions, settlement, frozen markets, evictions, fees) are done as long as `unpaid`.
    """

    poke_every_seconds: int = 900
    poke_on_move: Decimal = Decimal("0.005")
    sweep_every_seconds: int = 3_600
    min_profit_usd: Decimal | None = None
    unpaid: bool = True
    orders_a_pass: int = 64
    settle_above_usd: Decimal = Decimal(250)
    """An account that owes the pools so much is settled at the next sweep, so that LPs can have it."""
    loan_exit_cost: Decimal = Decimal("0.005")
    """Of the value of collateral that a liquidated loan brings: what selling or redeeming it takes."""


class Kind(Enum):
    POKE = "poke"
    LIQUIDATE = "liquidate"
    EXERCISE = "exercise"
    SETTLE = "settle"
    REDEEM = "redeem"
    ORDER = "order"
    CLOSE_FROZEN = "close frozen"
    EVICT = "evict"
    COLLECT_FEES = "collect fees"
    LIQUIDATE_LOAN = "liquidate loan"
    REALISE_PLEDGE = "realise pledge"
    ACCRUE_LOANS = "accrue loans"
    APPROVE = "approve"
    REQUEST_MINT = "request mint"
    REQUEST_REDEEM = "request redeem"
    CLAIM = "claim"
    RECLAIM = "reclaim"
    SELL = "sell"
    BUY = "buy"


UNPAID = frozenset({Kind.SETTLE, Kind.REDEEM, Kind.CLOSE_FROZEN, Kind.EVICT, Kind.COLLECT_FEES})


@dataclass(frozen=True)
class Action:
    """What the keeper did, beyond poking. `at` is the margin token, or the contract, that it was done at."""

    kind: Kind
    owner: str
    at: str
    position: PositionKey | None
    receipt: Receipt


@dataclass
class Statistics:
    passes: int = 0
    pokes: int = 0
    pokes_on_moves: int = 0
    halts: int = 0


@dataclass(frozen=True)
class Price:
    """What the oracle would answer. `confirmable`: halted by the breaker, which a poke tells of the print."""

    price: int
    status: PriceStatus
    published_at: int
    confirmable: bool = False

    @property
    def is_open(self) -> bool:
        return self.status is PriceStatus.OPEN


@dataclass(frozen=True)
class Look:
    """What has happened since the last pass."""

    poked: bool
    """A market was, or another keeper has done it."""
    changed: bool
    """An account or an order has."""
    swept: bool
    """Everything was read again."""


Reward = Callable[[Any], int]


@dataclass
class Work:
    """Sends as `account`."""

    system: System
    account: str
    policy: Policy
    events: EventSource
    sender: Sender
    metrics: Metrics
    book: AccountBook
    economics: Economics
    statistics: Statistics = field(default_factory=Statistics)
    prices: dict[str, Price] = field(default_factory=dict)
    """By the asset's name."""
    halted: set[str] = field(default_factory=set)
    health: dict[AccountKey, Any] = field(default_factory=dict)
    """Of accounts as the last look found them; what was touched since is left out."""

    def __post_init__(self) -> None:
        self.markets: dict[int, Market] = {market.id: market for market in self.system.markets.values()}

    # ── prices ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def read_prices(self, assets: Iterable[Asset]) -> None:
        """Once for each asset. Halts are counted when they begin."""
        wanted = {asset.name: asset for asset in assets}
        answers = self.system.oracle.read.read_many([(asset.id,) for asset in wanted.values()])
        for name, answer in zip(wanted, answers, strict=True):
            status = PriceStatus(answer.status)
            halted = status is PriceStatus.HALTED
            if halted and name not in self.halted:
                self.statistics.halts += 1
            (self.halted.add if halted else self.halted.discard)(name)
            confirmable = halted and answer.breakerHalt
            self.prices[name] = Price(answer.price, status, answer.publishedAt, confirmable)

    def price(self, market: Market) -> Price:
        """Of this pass. An account that came to be since it began may need one that was not read."""
        if market.asset.name not in self.prices:
            self.read_prices([market.asset])
        return self.prices[market.asset.name]

    # ── doing ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def act(
        self,
        kind: Kind,
        owner: str,
        at: str,
        function: Function,
        *args: Any,
        position: PositionKey | None = None,
        reward: Reward | None = None,
    ) -> list[Action]:
        """Simulate, weigh, then send; nothing when the contracts refuse. `reward`: the answer's, in units of `at`."""
        if kind in UNPAID and not self.policy.unpaid:
            return []
        if not self.would(kind, at, function, *args, reward=reward):
            return []
        return self.do(kind, owner, at, function.tx(*args, sender=self.account, gas=DUTY_GAS), position)

    def would(self, kind: Kind, at: str, function: Function, *args: Any, reward: Reward | None = None) -> bool:
        """Whether the contracts allow it, and it pays."""
        try:
            found = function.call(*args, sender=self.account)
        except Reverted:
            return False
        if reward is not None and self.policy.min_profit_usd is not None:
            gas = self.economics.gas_of(function.tx(*args, sender=self.account))
            if not self.economics.pays(at, reward(found), gas):
                self.metrics.unprofitable.labels(kind.value).inc()
                return False
        return True

    def do(self, kind: Kind, owner: str, at: str, tx: Tx, position: PositionKey | None = None) -> list[Action]:
        """Send, and learn from the chain what came of it."""
        (receipt,) = self.send(kind.value, [tx])
        self.book.update(self.events.poll())
        if receipt is None:
            return []
        self.metrics.actions.labels(kind.value).inc()
        return [Action(kind, owner, at, position, receipt)]

    def allow(self, token: Contract, spender: str, amount: int, at_most: int) -> list[Action]:
        """Let `spender` take `amount` of the keeper's tokens; room for `at_most`, so that it is seldom asked for."""
        if token.allowance(self.account, spender) >= amount:
            return []
        tx = token.approve.tx(spender, max(amount, at_most), sender=self.account, gas=DUTY_GAS)
        return self.do(Kind.APPROVE, self.account, token.address, tx)

    def send(self, kind: str, txs: Sequence[Tx]) -> list[Receipt | None]:
        """The receipts of those that succeeded. Why the others did not is counted; the next pass looks again."""
        outcomes = self.sender.send_all(txs)
        for outcome in outcomes:
            if outcome.error is not None:
                name = outcome.error.name if isinstance(outcome.error, Reverted) else type(outcome.error).__name__
                self.metrics.refusals.labels(kind, name).inc()
        return [outcome.receipt for outcome in outcomes]


def side_of(position: PositionKey) -> Side:
    return Side.CALL if position.is_call else Side.PUT
