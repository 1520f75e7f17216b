"""A crash: April 2025, a day of −40%, and one of −80% with a gap. Who loses what, and whether anything is cut short.

Each act is a system of its own on one chain, with the same people in it. Prices arrive through the feeds and a keeper
works; at the end everyone leaves, and the ledger of all events has to add up to the last unit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from io import StringIO
from random import Random

from rich.console import Console

from everstock.chain.rpc import RpcChain
from everstock.client import Market, Side, Trader
from everstock.client.system import PriceStatus
from everstock.keeper import Action, Kind
from everstock.lab.experiment import Experiment, Progress, Setting
from everstock.lab.page import Check, Figure, Grid, Mark, Page, Series
from everstock.params import load
from everstock.report import Party, Role, TokenLedger, build
from everstock.report.ledger import Cause
from everstock.scenarios.prices import (
    DAY_SECONDS,
    STEPS_PER_DAY,
    Dynamics,
    Paths,
    Stretch,
    Window,
    bars_to_paths,
    new_york_open,
    synthetic_paths,
)
from everstock.scenarios.world import World

NAME = "crash"
TITLE = "A crash: who loses what"
QUESTION = "When prices fall by 10, 40 or 80%, is anything cut short, and who pays for it?"

HOUR = 3600
APRIL = Window(date(2025, 4, 1), date(2025, 4, 14))
QUICK_APRIL = Window(date(2025, 4, 3), date(2025, 4, 4))
THREE_DAYS = Window(date(2025, 4, 8), date(2025, 4, 10))
QUICK_DAYS = Window(date(2025, 4, 8), date(2025, 4, 8))
CRYPTO, STOCKS = ("BTC", "ETH"), ("TSLA",)
FIRST = {"BTC": Decimal(82_500), "ETH": Decimal(1_820), "TSLA": Decimal(264)}
SYMBOL = "TSLA.M"

MAIN, INSURANCE, LEAVING = 2_000, 700, 400

Tamper = Callable[["Act"], None]


@dataclass(frozen=True)
class Buyer:
    """Who buys an option on the first day; margin and notional in TSLA.M, the notional is varied by the seed."""

    name: str
    market: str
    side: Side
    ratio: Decimal  # strike over price
    notional: int
    margin: int
    tends: bool = True  # adds to its margin at noon, as long as it has stock


BUYERS = (
    Buyer("short", "BTC-7D", Side.PUT, Decimal(1), 400, 50),
    Buyer("short, struck high", "BTC-7D", Side.PUT, Decimal("1.17"), 150, 60),
    Buyer("long", "BTC-7D", Side.CALL, Decimal(1), 300, 40),
    Buyer("ETH short", "ETH-7D", Side.PUT, Decimal("1.05"), 150, 40),
    Buyer("thin account", "BTC-7D", Side.CALL, Decimal(1), 120, 8, tends=False),
    Buyer("hedger", "TSLA-7D", Side.PUT, Decimal(1), 80, 14),
)


@dataclass
class Seen:
    """What was read of the chain at every look, and kept by the hour."""

    looks: int = 0
    uncovered: list[str] = field(default_factory=list)
    least_cover: float = math.inf  # cash over reserved
    times: list[float] = field(default_factory=list)
    prices: dict[str, list[float]] = field(default_factory=dict)
    used: dict[str, list[float]] = field(default_factory=dict)
    valued_at: list[float] = field(default_factory=list)
    share: dict[str, list[float]] = field(default_factory=dict)


class Watched(World):
    """Looks at the pools whenever the world looks at the chain: every half hour, and when a price has moved by 1%."""

    look_every_seconds = 1_800
    look_on_move = Decimal("0.01")

    watch: Callable[[], None] = staticmethod(lambda: None)

    def _act(self) -> None:
        super()._act()
        self.watch()


class Act:
    """One crash: the people, what they do, and what is seen of it."""

    def __init__(self, chain: RpcChain, name: str, paths: Paths, seed: int) -> None:
        self.name, self.paths = name, paths
        self.world = Watched(chain, load("local"), paths, Console(file=StringIO(), width=140))
        self.system = self.world.system
        self.token = self.system.token(SYMBOL)
        random = Random(f"{seed}:{NAME}:{name}")
        self.notional = {buyer.name: round(buyer.notional * random.uniform(0.85, 1.15)) for buyer in BUYERS}
        self.seen = Seen(prices={name: [] for name in paths.prices}, used={}, share={})
        self.did: Counter[Kind] = Counter()
        self.exercised = self.gap = 0  # notional, and what insurance paid for it
        self.liquidated: Counter[str] = Counter()
        self.told: Callable[[float], None] = lambda done: None
        self.world.watch = self.look
        self.world.on_action = self.acted

    def account(self, name: str) -> str:
        return self.world.chain.account(name)

    def trader(self, name: str) -> Trader:
        return self.token.trader(self.account(name))

    # ── the plot ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def run(self, told: Callable[[float], None]) -> TokenLedger:
        self.told = told
        world, token, start = self.world, self.token, self.paths.start
        end = start + self.paths.steps * 300
        for lp, amount in (("main LP", MAIN), ("leaving LP", LEAVING), ("insurance LP", INSURANCE)):
            token.mint(self.account(lp), amount)
            pool = token.insurance if lp == "insurance LP" else token.main
            pool.deposit(self.account(lp), amount)
        for buyer in BUYERS:
            token.mint(self.account(buyer.name), 4 * buyer.margin)
        for number, buyer in enumerate(BUYERS):
            at = start + HOUR + number * 900
            if buyer.market == "TSLA-7D":
                at = new_york_open(next(d for d in self.paths.window.days if d.weekday() < 5)) + HOUR
            world.at(at, lambda buyer=buyer: self.buy(buyer))  # type: ignore[misc]
            leaves = end - (3 * HOUR if buyer.market != "TSLA-7D" else self._last_session(end))
            world.at(leaves, lambda buyer=buyer: self.leave(buyer))  # type: ignore[misc]
        for day in range(1, len(self.paths.window.days)):
            world.at(start + day * DAY_SECONDS + 12 * HOUR, self.tend)
        if len(self.paths.window.days) > 2:
            world.at(start + (self.paths.steps // 2) * 300, self.lp_runs)
        world.run()
        told(1.0)
        return self.ledger()

    def _last_session(self, end: int) -> int:
        """Seconds before the end: four hours into the last session."""
        day = [day for day in self.paths.window.days if day.weekday() < 5][-1]
        return end - (new_york_open(day) + 4 * HOUR)

    def buy(self, buyer: Buyer) -> None:
        market, trader = self.system.market(buyer.market), self.trader(buyer.name)
        self.world.require_open(market)
        if trader.balance == 0:
            trader.deposit(buyer.margin)
        strike = market.nearest_strike(self.world.price(market.asset.name) * buyer.ratio)
        trader.open(market, strike, buyer.side, self.notional[buyer.name])
        if not buyer.tends:  # takes out all that it may
            health = trader.health
            trader.withdraw((health.equity - health.initial_margin) * Decimal("0.999"))

    def tend(self) -> None:
        for buyer in BUYERS:
            trader = self.trader(buyer.name)
            health = trader.health
            if not buyer.tends or not trader.positions or health.equity >= 2 * health.initial_margin:
                continue
            amount = min(6 * health.initial_margin - health.equity, self.token.balance(trader.owner))
            if amount > 0:
                trader.deposit(amount)

    def lp_runs(self) -> None:
        self.token.main.request_redeem(self.account("leaving LP"))

    def leave(self, buyer: Buyer) -> None:
        trader = self.trader(buyer.name)
        for position in trader.positions:
            market = self._market(position[0])
            self.world.require_open(market)
            trader.close(market, position[1], Side.CALL if position[2] else Side.PUT)
        if trader.balance:
            trader.withdraw()

    def _market(self, number: int) -> Market:
        return next(market for market in self.system.markets.values() if market.id == number)

    # ── what is seen ──────────────────────────────────────────────────────────────────────────────────────────────────
    def acted(self, action: Action) -> None:
        self.did[action.kind] += 1
        if action.kind is Kind.REDEEM:
            owner = action.owner
            self.world.at(self.world.time + HOUR, lambda: self._claim(owner))
        if action.kind not in (Kind.LIQUIDATE, Kind.EXERCISE):
            return
        closed = action.receipt.event("Close")["closed"]
        if action.kind is Kind.EXERCISE:
            self.exercised += closed.notional
            self.gap += closed.payoutInsurance
        if action.kind is Kind.LIQUIDATE:
            self.liquidated[next(b.name for b in BUYERS if self.account(b.name) == action.owner)] += 1

    def _claim(self, owner: str) -> None:
        self.token.main.claim(owner)

    def look(self) -> None:
        """At every look both pools must cover what they have reserved; by the hour it is written down."""
        seen, world = self.seen, self.world
        seen.looks += 1
        pools = {"main": self.token.main, "insurance": self.token.insurance}
        navs = {name: pool.nav() for name, pool in pools.items()}
        for name, nav in navs.items():
            if nav.cash < nav.reserved:
                seen.uncovered.append(f"{self.name}, {name} at {world.time}: {nav.cash} of {nav.reserved}")
            if nav.reserved:
                seen.least_cover = min(seen.least_cover, nav.cash / nav.reserved)
        if world.time % HOUR and world.time != self.paths.time(self.paths.steps - 1):
            return
        self.told((world.time - self.paths.start) / (self.paths.steps * 300))
        seen.times.append(float(world.time))
        for asset, values in seen.prices.items():
            values.append(float(world.price(asset)))
        for name, nav in navs.items():
            seen.used.setdefault(name, []).append(100 * nav.reserved / nav.cash if nav.cash else 0.0)
        sold_in = self.system.options.tokenBook(self.token.address).marketIds
        if all(self._market(n).contract.peek()[1] == PriceStatus.OPEN for n in sold_in):
            seen.valued_at.append(float(world.time))
            for name, pool in pools.items():
                seen.share.setdefault(name, []).append(float(pool.share_price))

    def ledger(self) -> TokenLedger:
        parties = [Party(buyer.name, Role.TRADER, self.account(buyer.name)) for buyer in BUYERS]
        parties += [Party(n, Role.LP, self.account(n)) for n in ("main LP", "leaving LP", "insurance LP")]
        parties += [
            Party("keeper", Role.KEEPER, self.account("keeper")),
            Party("treasury", Role.TREASURY, self.system.treasury),
        ]
        system, token = self.system, self.token
        addresses = [system.options.address, system.vault.address, token.address]
        addresses += [token.main.address, token.insurance.address]
        return build(system, token, parties, self.world.log.source(addresses).poll())


# ── prices ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def april(setting: Setting) -> Paths:
    window = setting.window or (QUICK_APRIL if setting.quick else APRIL)
    if setting.prices is not None:
        return bars_to_paths(setting.prices, CRYPTO, STOCKS, window, setting.seed)
    falls = (Stretch(0.33, 0.47, -0.11), Stretch(0.60, 0.66, 0.09))
    dynamics = {
        "BTC": Dynamics(FIRST["BTC"], 0.55, jumps_per_week=1.0, jump_size=0.02, plot=falls),
        "ETH": Dynamics(
            FIRST["ETH"],
            0.75,
            jumps_per_week=1.0,
            jump_size=0.03,
            plot=(Stretch(0.33, 0.47, -0.22), Stretch(0.60, 0.66, 0.15)),
        ),
        "TSLA": Dynamics(
            FIRST["TSLA"],
            0.80,
            trading_hours_only=True,
            plot=(Stretch(0.15, 0.50, -0.16), Stretch(0.60, 0.66, 0.15)),
        ),
    }
    return synthetic_paths(dynamics, window, setting.seed)


def fall(setting: Setting, share: float, *, gap: float = 0.0) -> Paths:
    """On the middle day, from 10:00 to 18:00, BTC and ETH lose `share`; `gap` of what is left at once, at 18:00."""
    window = QUICK_DAYS if setting.quick else THREE_DAYS
    days = len(window.days)
    before = days // 2
    drop = Stretch((before + 10 / 24) / days, (before + 18 / 24) / days, math.log((1 - share) / (1 - gap)))
    plain = {
        name: Dynamics(FIRST[name], 0.4, trading_hours_only=name in STOCKS, plot=() if name in STOCKS else (drop,))
        for name in (*CRYPTO, *STOCKS)
    }
    paths = synthetic_paths(plain, window, setting.seed)
    at = before * STEPS_PER_DAY + 18 * 12
    keep = Decimal(repr(1 - gap))
    prices = {
        name: [
            p if step < at or name in STOCKS else (p * keep).quantize(Decimal("1e-8")) for step, p in enumerate(path)
        ]
        for name, path in paths.prices.items()
    }
    return Paths(window, paths.source, prices)


# ── the experiment ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True)
class Result:
    act: Act
    ledger: TokenLedger

    def of(self, name: str) -> float:
        """What a party gained, in TSLA.M."""
        lines = [line.result for line in self.ledger.lps if line.name == name]
        return (sum(lines) if lines else self.ledger.result(name)) / 1e18

    @property
    def unaccounted(self) -> int:
        """Everyone's result and what the pools keep for no share, smallest units: nothing else may be left."""
        pools = {"main pool", "insurance pool"}
        lps = {line.name for line in self.ledger.lps}
        others = sum(self.ledger.result(p.name) for p in self.ledger.parties if p.name not in pools | lps)
        return others + sum(line.result for line in self.ledger.lps) + sum(line.kept for line in self.ledger.pools)

    def lowest(self, asset: str) -> float:
        path = self.act.paths.prices[asset]
        return float(min(path) / path[0]) - 1


def play(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    return play_with(chain, setting, progress, None)


def play_with(chain: RpcChain, setting: Setting, progress: Progress, tamper: Tamper | None) -> Page:
    """`tamper` does something in the first act before it begins: for tests that a check can fail."""
    acts = (
        ("April 2025" if setting.prices else "like April 2025", april(setting), 0.7),
        ("−40% in a day", fall(setting, 0.4), 0.85),
        ("−80% with a gap", fall(setting, 0.8, gap=0.3), 1.0),
    )
    results: list[Result] = []
    begun = 0.0
    for name, paths, until in acts:
        act = Act(chain, name, paths, setting.seed)
        if tamper is not None and not results:
            tamper(act)
        span = until - begun
        ledger = act.run(lambda done, begun=begun, span=span: progress(begun + span * done))  # type: ignore[misc]
        results.append(Result(act, ledger))
        begun = until
    return report(setting, results)


PARTIES = (*(buyer.name for buyer in BUYERS), "main LP", "leaving LP", "insurance LP", "keeper", "treasury")
STAKES = {"main LP": MAIN, "leaving LP": LEAVING, "insurance LP": INSURANCE}


def report(setting: Setting, results: list[Result]) -> Page:
    uncovered = [each for r in results for each in r.act.seen.uncovered]
    looks = sum(r.act.seen.looks for r in results)
    checks = [check for r in results for check in r.ledger.checks]
    wrong = [check.name for check in checks if not check.ok]
    middle, last = results[1], results[2]
    lps = [sum(r.of(n) for n in ("main LP", "leaving LP")) for r in results]
    put_up = MAIN + LEAVING
    name = results[0].act.name
    fortnight = name if name[0].isupper() else f"a fortnight {name}"
    return Page(
        slug=NAME,
        title=TITLE,
        question=QUESTION,
        finding=(
            f"In {fortnight} ({results[0].lowest('BTC'):.0%} in BTC at worst) main LPs made {lps[0]:+.1f} "
            f"{SYMBOL} on {put_up:,}; on the −40% day {lps[1]:+.1f} and insurance {middle.of('insurance LP'):+.1f}; at "
            f"−80% {lps[2]:+.1f} and {last.of('insurance LP'):+.1f}. Cash never fell below "
            f"{min(r.act.seen.least_cover for r in results):.2f} times what was reserved."
        ),
        command=setting.command(NAME),
        figures=[figure for r in results for figure in _figures(r)]
        + [
            Figure(
                "Result by party",
                "party",
                f"gained, {SYMBOL}",
                [Series(r.act.name, list(PARTIES), [r.of(n) for n in PARTIES], Mark.BARS) for r in results],
            )
        ],
        grids=[
            Grid(
                f"Who gained and who lost, in {SYMBOL}",
                ["party", *(r.act.name for r in results)],
                [
                    [f"{n} ({STAKES[n]:,} deposited)" if n in STAKES else n, *(f"{r.of(n):+,.3f}" for r in results)]
                    for n in PARTIES
                ],
                note="Paid and received in the stock token itself. What the share's own price did comes on top.",
            ),
            Grid(
                "What happened",
                ["", *(r.act.name for r in results)],
                [
                    ["BTC at worst, against the start", *(f"{r.lowest('BTC'):.1%}" for r in results)],
                    ["ETH at worst", *(f"{r.lowest('ETH'):.1%}" for r in results)],
                    ["TSLA at worst", *(f"{r.lowest('TSLA'):.1%}" for r in results)],
                    ["liquidations (transactions)", *(str(r.act.did[Kind.LIQUIDATE]) for r in results)],
                    ["… of accounts", *(", ".join(sorted(r.act.liquidated)) or "none" for r in results)],
                    ["exercised at the cap", *(str(r.act.did[Kind.EXERCISE]) for r in results)],
                    [f"… of notional, {SYMBOL}", *(f"{r.act.exercised / 1e18:,.1f}" for r in results)],
                    [f"… of it insurance paid the gap, {SYMBOL}", *(f"{r.act.gap / 1e18:,.3f}" for r in results)],
                    ["redemptions executed", *(str(r.act.did[Kind.REDEEM]) for r in results)],
                    ["markets halted by the breaker", *(str(r.act.world.keeper.statistics.halts) for r in results)],
                    ["least cash over reserved", *(f"{r.act.seen.least_cover:.3f}" for r in results)],
                ],
            ),
        ],
        checks=[
            Check(
                "At every look both pools hold at least what they have reserved",
                not uncovered and looks > 0,
                f"{2 * looks:,} readings, {len(uncovered)} below" + (f"; first: {uncovered[0]}" if uncovered else ""),
            ),
            Check(
                "The ledger adds up to the last unit",
                not wrong,
                f"{len(checks)} checks, {len(wrong)} differ" + (f"; first: {wrong[0]}" if wrong else ""),
            ),
            Check(
                "What some lose others gain: nothing appears or vanishes",
                all(r.unaccounted == 0 for r in results),
                f"{', '.join(str(r.unaccounted) for r in results)} units of 18 decimals left over",
            ),
            Check(
                "A price alone liquidates nobody who minds the margin: only the thin account is",
                all(set(r.act.liquidated) <= {"thin account"} for r in results),
                "; ".join(f"{r.act.name}: {', '.join(sorted(r.act.liquidated)) or 'none'}" for r in results),
            ),
            Check(
                "Insurance pays for gaps alone: what exercises above the cap took, to the unit",
                all(_insurance_paid(r) == r.act.gap for r in results),
                "; ".join(f"{r.act.name}: {_insurance_paid(r) / 1e18:,.3f} {SYMBOL}" for r in results),
            ),
            Check(
                "Nothing is written off that was owed",
                not any(_forgiven(r) for r in results),
                f"{sum(_forgiven(r) for r in results) / 1e18:,.6f} {SYMBOL} forgiven",
            ),
        ],
        notes=[
            _source(setting, results[0]),
            "The days of −40% and −80% are synthetic: BTC and ETH fall together from 10:00 to 18:00; in the last, 30% "
            "of what is left at 18:00 are gone within one print. The stock itself is left alone there.",
            "Six buyers, four of them short: a book that is one-sided against the LPs, as it would be before a crash.",
            "A put that is struck at the money is worth 0.4 of its notional at −40%: below the cap of 0.75, so that "
            "nothing is exercised and insurance pays nothing on such a day.",
        ],
    )


def _insurance_paid(result: Result) -> int:
    return -result.ledger.entries["insurance pool"][Cause.PAYOUT]


def _forgiven(result: Result) -> int:
    return -sum(result.ledger.entries[pool][Cause.FORGIVEN] for pool in ("main pool", "insurance pool"))


def _figures(result: Result) -> list[Figure]:
    act, seen = result.act, result.act.seen
    relative = {asset: [100 * price / values[0] for price in values] for asset, values in seen.prices.items()}
    share = {name: [100 * price / values[0] for price in values] for name, values in seen.share.items()}
    return [
        Figure(
            f"{act.name}: prices and pool shares",
            "time, UTC",
            "of the start, %",
            [
                *(Series(asset, seen.times, values) for asset, values in relative.items()),
                *(Series(f"share of the {name} pool", seen.valued_at, values) for name, values in share.items()),
            ],
            x_is_time=True,
            note="Shares in tokens, valued when every market that the pools have sold in is open.",
        ),
        Figure(
            f"{act.name}: utilisation",
            "time, UTC",
            "reserved, % of cash",
            [Series(f"{name} pool", seen.times, values, Mark.STEP) for name, values in seen.used.items()],
            x_is_time=True,
        ),
    ]


def _source(setting: Setting, first: Result) -> str:
    paths = first.act.paths
    if setting.prices is None:
        return (
            f"The first act has the shape of April 2025 but is synthetic ({paths.source}): give daily bars with "
            "--prices to replay history."
        )
    return f"The first act replays {paths.window} through each day's open, high, low and close ({paths.source})."


EXPERIMENT = Experiment(
    NAME,
    TITLE,
    "Replays April 2025 (or a seeded likeness), a day of −40% and one of −80% with a gap: who loses what, to the unit.",
    play,
)
