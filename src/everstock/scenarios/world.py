"""A local chain on which days pass: prices arrive through the feeds, the keeper works, and the story's actors act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from textwrap import wrap

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from everstock.chain.base import Chain
from everstock.chain.errors import Reverted
from everstock.chain.rpc import RpcChain
from everstock.client import Market, System
from everstock.client.system import PriceStatus
from everstock.deploy import deploy_system
from everstock.keeper import Action, EventLog, Keeper
from everstock.params import Params
from everstock.scenarios.prices import STEPS_PER_DAY, Feed, Paths

WEEK_SECONDS = 7 * 86_400
HEARTBEAT_SLACK_SECONDS = 600
"""A feed's `max_age` is its heartbeat and this much slack."""

LOOK_EVERY_SECONDS = 900
LOOK_ON_MOVE = Decimal("0.005")
PRINT_GAS = 300_000
NOT_OPEN = "OptionMarket_NotOpen"

WAITING = {
    PriceStatus.CLOSED: "New York is closed: waiting for it to open.",
    PriceStatus.STALE: "The feed has not printed: waiting.",
    PriceStatus.HALTED: "The market is halted until a second print confirms the jump: waiting.",
}


class NotOpen(Exception):
    """A market does not trade now; whoever wants to trade in it waits."""

    def __init__(self, status: PriceStatus) -> None:
        super().__init__(WAITING[status])


@dataclass(order=True)
class Beat:
    """Something an actor does at a moment, or before it when `cue` says so. In a halted market it waits."""

    at: int
    order: int
    act: Callable[[], None] = field(compare=False)
    cue: Callable[[], bool] | None = field(compare=False)
    waiting: bool = field(default=False, compare=False)


class World:
    """The chain, the system on it, its feeds and its keeper. `prices` are for params' assets."""

    look_every_seconds = LOOK_EVERY_SECONDS
    look_on_move = LOOK_ON_MOVE

    def __init__(self, chain: Chain, params: Params, paths: Paths, console: Console) -> None:
        self.chain, self.paths, self.console = chain, paths, console
        self.params = at_prices(params, paths)
        self.log = EventLog(chain)
        self.shift = align(chain, paths.start)
        self.time = paths.start
        self.system: System = deploy_system(chain, self.params)
        self.feeds = {name: self._feed(name) for name in self.params.assets}
        self._published = {name: feed.price for name, feed in self.feeds.items()}
        self._rounds = {name: feed.round for name, feed in self.feeds.items()}
        self.keeper = Keeper(self.system, chain.account("keeper"), self.log.source(self._watched()))
        self.on_action: Callable[[Action], None] = lambda action: None
        self._beats: list[Beat] = []

    def _feed(self, name: str) -> Feed:
        spec = self.params.assets[name]
        heartbeat = spec.max_age_seconds - HEARTBEAT_SLACK_SECONDS
        return Feed(spec.deviation, heartbeat, self.paths.prices[name][0], self.paths.start)

    def _watched(self) -> list[str]:
        """Contracts whose events the keeper reads."""
        pools = [pool.address for t in self.system.tokens.values() for pool in (t.main, t.insurance)]
        return [self.system.options.address, self.system.orders.address, *pools]

    # ── story ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def at(self, time: int, act: Callable[[], None], *, cue: Callable[[], bool] | None = None) -> None:
        """Let `act` happen at the first look at or after `time` (Unix seconds of the story), or once `cue` is true."""
        self._beats.append(Beat(time, len(self._beats), act, cue))

    def say(self, text: str, style: str = "") -> None:
        """One line of the story."""
        date = datetime.fromtimestamp(self.time, UTC)
        lines = wrap(text, self.console.width - 18, break_on_hyphens=False)
        self.console.print(f"[dim]{date:%a %d %b %H:%M}[/dim]  ", Text(lines[0], style), sep="")
        for line in lines[1:]:
            self.console.print(" " * 18, Text(line, style), sep="")

    def price(self, asset: str) -> Decimal:
        """The feed's price now."""
        return self.feeds[asset].price

    def run(self) -> None:
        """Let the whole window pass."""
        days = len(self.paths.window.days)
        columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TextColumn("days"))
        with Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True) as bar:
            task = bar.add_task("days pass", total=days)
            for step in range(1, self.paths.steps):
                self._pass_to(step)
                if step % STEPS_PER_DAY == 0:
                    bar.update(task, completed=step // STEPS_PER_DAY)
            bar.update(task, completed=days)

    def _pass_to(self, step: int) -> None:
        """Feeds see every price; the chain is only looked at every so often, and when a price has moved.

        Rounds that nobody looks at are not sent: the aggregator takes the last one, with its number and its stamp.
        """
        self.time = self.paths.time(step)
        moved = False
        for name, feed in self.feeds.items():
            feed.observe(self.time, self.paths.prices[name][step])
            moved |= abs(feed.price - self._published[name]) >= self.look_on_move * self._published[name]
        last = step == self.paths.steps - 1
        if not (moved or last or (self.time - self.paths.start) % self.look_every_seconds == 0):
            return
        self.chain.set_time(self.time + self.shift)
        self._publish()
        for action in self.keeper.tick():
            self.on_action(action)
        self._act()

    def _publish(self) -> None:
        txs = []
        for name, feed in self.feeds.items():
            if feed.round == self._rounds[name]:
                continue
            asset = self.system.assets[name]
            stamp = feed.printed_at + self.shift
            answer = int(feed.price * 10**asset.feed_decimals)
            update = asset.aggregator.updateRoundData
            txs.append(update.tx(feed.round, answer, stamp, stamp, sender=self.system.governor, gas=PRINT_GAS))
            self._published[name], self._rounds[name] = feed.price, feed.round
        if txs:
            self.chain.send_many(txs)

    def _act(self) -> None:
        for beat in sorted(self._beats):
            if beat.at > self.time and not (beat.cue and beat.cue()):
                continue
            try:
                beat.act()
            except (NotOpen, Reverted) as error:
                if isinstance(error, Reverted):
                    if error.name != NOT_OPEN:
                        raise
                    error = NotOpen(PriceStatus(error["status"]))
                if not beat.waiting:
                    self.say(str(error), "yellow")
                beat.waiting = True
                self._poke_all()
                continue
            self._beats.remove(beat)

    def require_open(self, market: Market) -> None:
        """Raises `NotOpen` unless the market trades now. Asked first: a transaction that fails costs its sender gas."""
        status = PriceStatus(market.contract.peek()[1])
        if status is not PriceStatus.OPEN:
            raise NotOpen(status)

    def _poke_all(self) -> None:
        """A reverted trade leaves no trace: in a market that nobody pokes, the breaker has not seen the jump yet."""
        for market in self.system.markets.values():
            market.poke(sender=self.chain.account("bystander"))


def at_prices(params: Params, paths: Paths) -> Params:
    """The parameters with the first prices of these paths: reference prices are chosen when a market is deployed."""
    first = {name: paths.prices[name][0] for name in params.assets}
    assets = {n: spec.model_copy(update={"initial_price_usd": first[n]}) for n, spec in params.assets.items()}
    markets = {
        n: spec.model_copy(update={"reference_price_usd": first[spec.asset]}) for n, spec in params.markets.items()
    }
    return params.model_copy(update={"assets": assets, "markets": markets})


def align(chain: Chain, start: int) -> int:
    """Set the chain's clock to `start`, and return by how much chain time is ahead of it: 0, or whole weeks.

    A node that has just begun can be set back; one with a history only goes forward, and then weekdays still agree.
    """
    if chain.now > start and chain.block_number == 0 and isinstance(chain, RpcChain) and chain.is_local:
        chain.rpc("evm_setTime", start)
        chain.mine()
    weeks = max(0, -((start - chain.now) // WEEK_SECONDS)) if chain.now > start else 0
    chain.set_time(start + weeks * WEEK_SECONDS)
    return weeks * WEEK_SECONDS
