"""Nodes that fail, keepers that die, blocks that vanish: and what must be true of the chain afterwards.

A trader's order executes once or not at all, an account is liquidated once, whoever was killed when. The keepers are
real: signed transactions, an outbox, events from the node's logs. They run in threads of their own against one Anvil,
and each begins again from the chain alone whenever it is killed.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_account import Account

from everstock.chain import accounts
from everstock.chain.errors import ChainError, NodeUnreachable
from everstock.chain.failover import FailoverRpc
from everstock.chain.receipt import Tx
from everstock.chain.registry import Event
from everstock.chain.rpc import RpcChain
from everstock.chain.transport import Client, Request, Rpc
from everstock.client import MarginToken, Market, Side, System
from everstock.client.orders import Order, buy
from everstock.client.trader import MAX_UINT256
from everstock.deploy import deploy_system
from everstock.keeper import Keeper, Kind, Metrics, NodeLogs, Outbox
from everstock.params import load

STRIKES = range(-4, 4)
SETUP_GAS = 2_000_000
BATCH = 200


class Killed(BaseException):
    """The process is gone: nobody catches this but who starts the next one."""


class FlakyRpc:
    """Fails at random: half of the time before the request arrives, half after. Now and then the process goes too.

    `failure_rate` is per request, `kill_rate` too. `sending` is held while a transaction is sent.
    """

    def __init__(
        self, client: Client, rng: random.Random, failure_rate: float, kill_rate: float, sending: threading.Lock
    ) -> None:
        self._client, self._rng, self._sending = client, rng, sending
        self.failure_rate, self.kill_rate = failure_rate, kill_rate
        self.requests = self.failures = 0

    def __call__(self, method: str, *params: Any) -> Any:
        if method != "eth_sendRawTransaction":
            return self._fail(lambda: self._client(method, *params))
        with self._sending:
            return self._fail(lambda: self._client(method, *params))

    def batch(self, calls: Sequence[Request], keep_errors: bool = False) -> list[Any]:
        """Fails as a whole."""
        return list(self._fail(lambda: self._client.batch(calls, keep_errors)))

    def close(self) -> None:
        """Free the connection."""
        self._client.close()

    def _fail(self, ask: Callable[[], Any]) -> Any:
        self.requests += 1
        if self._rng.random() < self.kill_rate:
            if self._rng.random() < 0.5:
                ask()
            raise Killed
        if self._rng.random() >= self.failure_rate:
            return ask()
        self.failures += 1
        if self._rng.random() < 0.5:
            ask()
        raise NodeUnreachable("http://flaky", "the connection was lost")


_SEEN_AFTER_SECONDS = 0.5
_DEEPEST = 12
"""Blocks that Anvil can still undo."""


@dataclass(frozen=True)
class Chaos:
    """How much of it."""

    orders: int = 2_000
    liquidations: int = 200
    traders: int = 125
    keepers: int = 2
    failure_rate: float = 0.2
    kill_rate: float = 0.0005
    reorg_depth: int = 3
    reorg_every_rounds: int = 4
    seed: int = 1
    max_rounds: int = 2_000


@dataclass
class Tally:
    """What happened, over all lives of all keepers."""

    lives: int = 0
    kills: int = 0
    requests: int = 0
    failures: int = 0
    reorganisations: int = 0
    blocks_undone: int = 0
    rounds: int = 0
    failed_passes: int = 0
    executed: int = 0
    """Orders, by the chain's events in the end."""
    liquidated: int = 0
    """Accounts, likewise."""
    done: Counter[Kind] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


class ChaosFailed(Exception):
    """Something is not as it must be; the message says all of it."""


class ChaosWorld:
    """Traders with orders that wait, accounts below maintenance, and keepers on bad lines."""

    def __init__(
        self, chain: RpcChain, uri: str, chaos: Chaos, on_progress: Callable[[str, int, int], None] = lambda *_: None
    ) -> None:
        self.chain, self.uri, self.chaos = chain, uri, chaos
        self.rng = random.Random(chaos.seed)
        self.tally = Tally()
        self.on_progress = on_progress
        self.system: System = deploy_system(chain, load("local"))
        self.token: MarginToken = self.system.token("TSLA.M")
        self.market: Market = self.system.market("BTC-7D")
        self.price = 60_000
        self.traders = chain.accounts(chaos.traders, "chaos trader ")
        self.thin = chain.accounts(chaos.liquidations, "thin account ")
        self.orders: list[Order] = []
        self._fee = self.token.units("0.001")
        self._sending = threading.Lock()
        self._final: dict[str, tuple[int, frozenset[str]]] = {}  # events → first block to ask for, subjects before it

    # ── before ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def prepare(self) -> None:
        """Pools, margin, thin accounts that run dry, and the orders."""
        lp, token = self.chain.account("lp"), self.token
        token.mint(lp, 3_000_000)
        token.main.deposit(lp, 2_000_000)
        token.insurance.deposit(lp, 1_000_000)
        self._give_margin(self.traders, 1_000)
        preview_margin = self._thin_margin()
        self._give_margin(self.thin, preview_margin)
        self._open_thin()
        self._run_dry()
        self._commit_orders()
        self.chain.mine(self.chaos.reorg_depth)  # what traders did stays: reorganisations are the keepers' affair

    def _batches(self, what: str, txs: list[Tx]) -> None:
        for start in range(0, len(txs), BATCH):
            self.chain.send_many(txs[start : start + BATCH])
            self.on_progress(what, min(start + BATCH, len(txs)), len(txs))

    def _give_margin(self, owners: list[str], amount: Any) -> None:
        """One payer deposits for all: three transactions an account are not the point."""
        token, system, payer = self.token, self.system, self.chain.account("payer")
        token.mint(payer, self.token.amount(token.units(amount) * len(owners)))
        token.contract.approve(system.vault.address, MAX_UINT256, sender=payer)
        deposit, units = system.vault.deposit, token.units(amount)
        where = (token.address, system.options.address)
        txs = [deposit.tx(*where, owner, units, sender=payer, gas=SETUP_GAS) for owner in owners]
        self._batches("margin", txs)

    def _thin_margin(self) -> Any:
        """What opening a put on 10 takes, and 5% more."""
        trader = self.token.trader(self.traders[0])
        preview = trader.preview_open(self.market, 0, Side.PUT, 10)
        return (preview.premium + preview.fee + preview.initial_margin_after) * 105 / 100

    def _open_thin(self) -> None:
        options = self.system.options
        txs = []
        for owner in self.thin:
            order = self.token.trader(owner).order(self.market, 0, Side.PUT, 10, 10, None)
            txs.append(options.open.tx(order, sender=owner, gas=SETUP_GAS))
        self._batches("thin accounts", txs)

    def _run_dry(self) -> None:
        """Days without a keeper: funding eats the margin."""
        for _ in range(200):
            health = self.token.trader(self.thin[-1]).health
            if health.equity < health.maintenance_margin:
                return
            self.chain.warp(3 * 3600)
            self.publish()
            self.market.poke()
        raise ChaosFailed("the thin accounts do not run dry")

    def _commit_orders(self) -> None:
        system, chaos = self.system, self.chaos
        has_fees = "payExecutor" in system.options.abi_functions.by_name
        self._batches(
            "operators",
            [
                system.options.setOperator.tx(system.orders.address, True, sender=owner, gas=SETUP_GAS)
                for owner in self.traders
            ],
        )
        for index in range(chaos.orders):
            owner = self.traders[index % len(self.traders)]
            strike, side = self.rng.choice(STRIKES), self.rng.choice(list(Side))
            leg = buy(self.token, self.market, strike, side, self.rng.randint(1, 5), 10)
            deadline = self.chain.now + 86_400
            fee = self._fee if has_fees else 0
            self.orders.append(Order(owner, self.token.address, (leg,), deadline, index, fee))
        commit = system.orders.commit
        self._batches("orders", [commit.tx(o.struct, sender=o.owner, gas=SETUP_GAS) for o in self.orders])

    def publish(self) -> None:
        """A new print, a little elsewhere."""
        self.price = max(59_000, min(61_000, self.price + self.rng.randint(-40, 40)))
        self.system.asset("BTC").publish(self.price)

    # ── during ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def run(self) -> Tally:
        """Until everything is done, and has been for one reorganisation's depth.

        Raises:
            ChaosFailed: it never is, or not once.
        """
        stop = threading.Event()
        broken: list[BaseException] = []
        threads = [threading.Thread(target=self._supervise, args=(i, stop, broken)) for i in range(self.chaos.keepers)]
        for thread in threads:
            thread.start()
        try:
            self._rounds(stop, broken)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        if broken:
            raise broken[0]
        self.verify()
        return self.tally

    def _rounds(self, stop: threading.Event, broken: list[BaseException]) -> None:
        """The end is undone once, when keepers have seen it: only then does it show that they look again."""
        tally, chaos = self.tally, self.chaos
        undone = False
        for tally.rounds in range(1, chaos.max_rounds + 1):
            self.chain.warp(5)
            self.publish()
            if stop.wait(0.4) or broken:
                return
            left = self.left()
            total = chaos.orders + chaos.liquidations
            self.on_progress("keepers at work", total - left, total)
            if not left and undone:
                return
            if not left:
                undone = True
                stop.wait(_SEEN_AFTER_SECONDS)
                self._reorganise(self._depth_of_the_last_order())
            elif tally.rounds % chaos.reorg_every_rounds == 0:
                self._reorganise(self.rng.randint(1, chaos.reorg_depth))
        raise ChaosFailed(f"{self.left()} of {chaos.orders + chaos.liquidations} duties are left")

    def _depth_of_the_last_order(self) -> int:
        """How many blocks must go for the last execution of an order to be undone; as many as ever go, at most."""
        query = {"fromBlock": "0x0", "toBlock": "latest", "address": self.system.orders.address}
        last = max(int(entry["blockNumber"], 16) for entry in self.chain.rpc("eth_getLogs", query))
        return max(1, min(self.chain.block_number - last + 1, _DEEPEST))

    def _reorganise(self, depth: int) -> None:
        """Replace the last blocks by empty ones.

        Not while Anvil mines: a block that arrives in the middle of it stays on the chain without its state.
        """
        with self._sending:
            while int(self.chain.rpc("txpool_status")["pending"], 16):
                time.sleep(0.005)
            time.sleep(0.05)  # a block under way is in neither the pool nor the chain
            self.chain.rpc("anvil_reorg", depth, [])
        self.tally.reorganisations += 1
        self.tally.blocks_undone += depth

    def _supervise(self, index: int, stop: threading.Event, broken: list[BaseException]) -> None:
        """Start a keeper; when it dies, start the next."""
        rng = random.Random(self.chaos.seed * 1_000 + index)
        try:
            while not stop.is_set():
                self._live(index, rng, stop)
        except BaseException as error:  # a thread's failure is everybody's
            broken.append(error)

    def _live(self, index: int, rng: random.Random, stop: threading.Event) -> None:
        flaky = FlakyRpc(Rpc(self.uri), rng, self.chaos.failure_rate, self.chaos.kill_rate, self._sending)
        metrics = Metrics()
        try:
            keeper = self.keeper(index, flaky, metrics)
            while not stop.is_set():
                try:
                    for action in keeper.tick():
                        with self.tally.lock:
                            self.tally.done[action.kind] += 1
                except ChainError:
                    with self.tally.lock:
                        self.tally.failed_passes += 1
                stop.wait(0.02)
        except Killed:
            with self.tally.lock:
                self.tally.kills += 1
        except ChainError:
            pass  # the line was too bad to begin at all
        finally:
            flaky.close()
            with self.tally.lock:
                self.tally.lives += 1
                self.tally.requests += flaky.requests
                self.tally.failures += flaky.failures
                for metric in metrics.refusals.collect():
                    for sample in metric.samples:
                        if sample.name.endswith("_total"):
                            self.tally.refused[sample.labels["error"]] += int(sample.value)

    def keeper(self, index: int, client: Client, metrics: Metrics) -> Keeper:
        """A keeper that knows the deployment's addresses and nothing else."""
        signer = Account.from_key(accounts.key(f"keeper {index}"))
        rpc = FailoverRpc(clients=[client], attempts=12, pause=0.001, longest_pause=0.01)
        chain = RpcChain(self.uri, rpc=rpc, signer=signer, exclusive=False)
        system = self.system.on(chain)
        book = [system.options.address, system.orders.address]
        pools = [pool.address for t in system.tokens.values() for pool in (t.main_contract, t.insurance_contract)]
        events = NodeLogs(chain, [*book, *pools], 0)
        outbox = Outbox(chain, stuck_after=3.0, poll=0.03)
        return Keeper(system, signer.address, events, sender=outbox, metrics=metrics)

    # ── after ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def left(self) -> int:
        """Duties that the chain does not know to be done."""
        executed, sold = self._subjects("Execute"), self._subjects("Close")
        thin = sum(owner[2:].lower().rjust(64, "0") in sold for owner in self.thin)
        return self.chaos.orders - len(executed) + self.chaos.liquidations - thin

    def _subjects(self, name: str) -> frozenset[str]:
        """First indexed argument of each event of that name, undecoded: there are many, and asked for often.

        What lies deeper than any reorganisation goes is not asked for again.
        """
        first, final = self._final.get(name, (0, frozenset()))
        deep = max(first, self.chain.block_number - _DEEPEST)
        address = self.system.orders.address if name == "Execute" else self.system.options.address
        spec = next(spec for spec in self.chain.registry.events.values() if spec.name == name)
        query = {"fromBlock": hex(first), "toBlock": "latest", "address": address, "topics": ["0x" + spec.topic.hex()]}
        found = [(int(e["blockNumber"], 16), e["topics"][1][2:]) for e in self.chain.rpc("eth_getLogs", query)]
        self._final[name] = deep, final | {subject for block, subject in found if block < deep}
        return final.union(subject for _, subject in found)

    def _events(self, address: str, name: str) -> list[Event]:
        return [event for event in NodeLogs(self.chain, [address], 0, span=10**9).poll() if event.name == name]

    def _liquidations(self) -> list[Event]:
        return [event for event in self._events(self.system.options.address, "Close") if event["reason"] == 1]

    def verify(self) -> None:
        """Each order once, by events and by the book; each position of the right size; each thin account sold once and
        healthy; each fee paid.

        Raises:
            ChaosFailed: naming everything that is wrong.
        """
        faults: list[str] = []
        book, tally = self.system.orders, self.tally
        executed = Counter(event["orderHash"] for event in self._events(book.address, "Execute"))
        hashes = {order.digest(book): order for order in self.orders}
        tally.executed = executed.total()
        if set(executed) != set(hashes):
            faults.append(f"{len(set(hashes) - set(executed))} orders were not executed")
        if twice := [h for h, count in executed.items() if count != 1]:
            faults.append(f"{len(twice)} orders were executed more than once")
        states = book.commitmentOf.read_many([(order.owner, h) for h, order in hashes.items()])
        if open_ := sum(not state.executed for state in states):
            faults.append(f"{open_} orders still wait by the order book")
        wanted: Counter[tuple[str, int, bool]] = Counter()
        for order in self.orders:
            (leg,) = order.legs
            wanted[order.owner, leg.strike, leg.is_call] += leg.notional
        for (owner, strike, is_call), notional in wanted.items():
            key = (self.market.id, strike, is_call)
            held = self.system.options.position(owner, self.token.address, key).notional
            if held != notional:
                faults.append(f"{owner} holds {held} at strike {strike}, and ordered {notional}")
        liquidated = Counter(event["owner"] for event in self._liquidations())
        tally.liquidated = liquidated.total()
        if liquidated != Counter(self.thin):
            faults.append(f"{len(liquidated)} accounts were liquidated, {sum(liquidated.values())} times")
        for owner in self.thin:
            health = self.token.trader(owner).health
            if health.equity < health.maintenance_margin:
                faults.append(f"{owner} is below maintenance")
        faults += self._unpaid()
        if faults:
            raise ChaosFailed("; ".join(faults[:20]))

    def _unpaid(self) -> list[str]:
        """What the keepers hold in the vault is the orders' fees and the liquidations' rewards, to the unit."""
        system, token = self.system, self.token.address
        rewards = self._events(system.options.address, "Reward")
        due = sum(order.execution_fee for order in self.orders)
        due += sum(event["fromAccount"] + event["fromInsurance"] for event in rewards)
        keepers = [Account.from_key(accounts.key(f"keeper {i}")).address for i in range(self.chaos.keepers)]
        held = sum(system.vault.balanceOf(token, "0x" + "00" * 20, keeper) for keeper in keepers)
        return [] if held == due else [f"the keepers hold {held}, and earned {due}"]
