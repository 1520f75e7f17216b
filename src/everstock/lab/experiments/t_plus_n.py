"""How long a pool stays off the share's price when arbitrage goes through T+N, by N, by capital, and over a weekend."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from everstock.chain.rpc import RpcChain
from everstock.lab.experiment import Experiment, Progress, Setting
from everstock.lab.page import Check, Figure, Grid, Page, Series
from everstock.lab.venues import Amm, DeskMaker, IssuerDesk, Stock, Town
from everstock.lab.venues.town import DAY, HOUR

SLUG = "t-plus-n"
TITLE = "How long a price stays wrong when redemption is T+N"
QUESTION = (
    "A buyer pushes a pool 30% above the share. Arbitrageurs with finite capital mint against it: when is it back?"
)
SHARE, BITCOIN = 250.0, 60_000.0
TUESDAY = 1_767_715_200 - 1_767_715_200 % DAY + 15 * HOUR + 1_800  # 6 January 2026, 10:30 in New York
SATURDAY = TUESDAY - 3 * HOUR - 1_800 + 4 * DAY  # 10 January 2026, noon UTC
POOL_USD = 1_000_000.0
SHOCK = 0.30
MAKERS = 3
MORE_CAPITAL = (2.0, 3.0, 4.0)
CAPITAL_USD = 10_000.0  # of each maker, half in tokens


@dataclass
class Case:
    """One pool, one desk, its makers, and what was seen. `capital` multiplies what makers have."""

    sessions: int
    weekend: bool
    capital: float
    amm: Amm
    desk: IssuerDesk
    makers: list[DeskMaker]
    shocked_at: int
    seen: list[tuple[float, float]] = field(default_factory=list)  # hours since the shock, de-peg
    before: float = 0.0
    shocked: float = 0.0

    @property
    def label(self) -> str:
        day = "Saturday" if self.weekend else "Tuesday"
        return f"T+{self.sessions}, {day}" + (f", {self.capital:g}× capital" if self.capital != 1 else "")

    @property
    def half_life(self) -> float | None:
        """Hours until half of the first de-peg is gone; None when it was not within the horizon."""
        return next((hours for hours, depeg in self.seen if depeg <= self.shocked / 2), None)

    @property
    def profit(self) -> float:
        return sum(maker.worth() for maker in self.makers) - self.before


def play(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    town = Town(chain, Stock(), TUESDAY, SHARE, BITCOIN)
    ns = (0, 2) if setting.quick else (0, 1, 2, 5)
    plan = [(n, False, 1.0) for n in ns] + [(n, True, 1.0) for n in ns]
    plan += [(n, False, capital) for capital in ((4.0,) if setting.quick else MORE_CAPITAL) for n in ns]
    cases = [_case(town, number, *each) for number, each in enumerate(plan)]
    days = 10 if setting.quick else 24
    _shock(town, [case for case in cases if not case.weekend])
    steps = [TUESDAY + hour * HOUR for hour in range(1, days * 24)]
    unmoved: dict[str, float] = {}
    for number, at in enumerate(steps):
        chain.set_time(at)
        if at - 1_800 <= SATURDAY < at + 1_800:
            _shock(town, [case for case in cases if case.weekend])
        live = [case for case in cases if case.shocked and (not case.seen or case.seen[-1][1] > case.shocked / 20)]
        if town.is_open(at) and live:
            town.publish()
            for case in live:
                if case.weekend and case.label not in unmoved:
                    unmoved[case.label] = case.amm.spot / SHARE - 1 - case.shocked
                case.desk.settle()
                for maker in case.makers:
                    maker.act()
        if town.is_open(at):
            for case in live:
                case.seen.append(((at - case.shocked_at) / HOUR, case.amm.spot / SHARE - 1))
        progress((number + 1) / len(steps))
    return _page(setting, cases, unmoved, days)


def _case(town: Town, number: int, sessions: int, weekend: bool, capital: float) -> Case:
    amm = Amm(town, f"pool {number}", town.token.contract, town.token.decimals, suffix=str(number))
    lp = town.account("lp")
    town.give(lp, POOL_USD / SHARE)
    town.pay(lp, POOL_USD)
    amm.provide(lp, POOL_USD / SHARE, POOL_USD)
    desk = IssuerDesk(town, sessions)
    makers = []
    for each in range(MAKERS):
        who = town.account(f"maker {number}.{each}")
        target = capital * CAPITAL_USD / 2 / SHARE
        town.give(who, target)
        town.pay(who, capital * CAPITAL_USD / 2)
        makers.append(DeskMaker(town, amm, desk, who, stock_target=target))
    case = Case(sessions, weekend, capital, amm, desk, makers, SATURDAY if weekend else TUESDAY)
    case.before = sum(maker.worth() for maker in makers)
    return case


def _shock(town: Town, cases: list[Case]) -> None:
    """Spend until the pool prints 30% above the share. The first look of makers comes an hour later."""
    for case in cases:
        quote = case.amm.reserves[1]
        who = town.account("whale")
        usd = quote * ((1 + SHOCK) ** 0.5 - 1) * 1.0015
        town.pay(who, usd)
        case.amm.buy(who, usd)
        case.shocked = case.amm.spot / SHARE - 1
        case.shocked_at = town.chain.now
        case.seen.append((0.0, case.shocked))


def _hours(value: float | None, days: int) -> str:
    return f"over {days} days" if value is None else f"{value:,.0f} h"


def _page(setting: Setting, cases: list[Case], unmoved: dict[str, float], days: int) -> Page:
    horizon = days * 24.0
    plain = {case.sessions: case for case in cases if not case.weekend and case.capital == 1}
    weekend = {case.sessions: case for case in cases if case.weekend}
    rich = [case for case in cases if case.capital != 1]
    life = {n: case.half_life for n, case in plain.items()}
    numbers = {n: horizon if value is None else value for n, value in life.items()}
    ordered = [numbers[n] for n in sorted(numbers)]
    first, last = min(plain), max(plain)
    richest = max((case for case in rich if case.sessions == last), key=lambda case: case.capital)
    quickest = richest.half_life if richest.half_life is not None else horizon
    need = _tokens_to_halve()
    checks = [
        Check(
            "the de-peg lasts longer the later the desk settles",
            all(a <= b for a, b in pairwise(ordered)) and ordered[0] < ordered[-1],
            ", ".join(f"T+{n}: {_hours(life[n], days)}" for n in sorted(life)),
        ),
        Check(
            "with settlement on the day of the trade, half of it is gone within a day",
            numbers[first] <= 24,
            _hours(life[first], days),
        ),
        Check(
            "from Saturday until Monday's opening the pool does not move by a unit",
            bool(unmoved) and all(each == 0.0 for each in unmoved.values()),
            f"{max(map(abs, unmoved.values()), default=1.0):.1e} of the share's price",
        ),
        Check(
            "what is short is capital: with enough of it in stock, T+N hardly matters",
            quickest < numbers[last],
            f"T+{last} with {richest.capital:g}× capital: {_hours(richest.half_life, days)}",
        ),
        Check(
            "makers gained by it, in every case",
            all(case.profit > 0 for case in cases),
            f"{min(case.profit for case in cases):,.0f} to {max(case.profit for case in cases):,.0f} USD",
        ),
    ]
    rows = [
        (
            case.label,
            f"{sum(1 for _ in case.makers) * CAPITAL_USD * case.capital:,.0f} USD",
            _hours(case.half_life, days),
            f"{case.shocked:+.1%}",
            f"{case.seen[-1][1]:+.1%}",
            f"{case.profit:,.0f} USD",
        )
        for case in cases
    ]

    def curve(case: Case) -> Series:
        return Series(case.label, [hours / 24 for hours, _ in case.seen], [100 * depeg for _, depeg in case.seen])

    figures = [
        Figure(
            "De-peg after a shock on a Tuesday",
            "days since the shock",
            "pool above the share, %",
            [curve(case) for case in plain.values()],
        ),
        Figure(
            "De-peg after a shock on a Saturday",
            "days since the shock",
            "pool above the share, %",
            [curve(case) for case in weekend.values()],
            note="New York opens on Monday at 14:30 UTC: until then no maker can hedge, and none acts.",
        ),
        Figure(
            "What capital does",
            "makers' capital, USD",
            "half-life, hours",
            [
                _by_capital(n, [case for case in cases if not case.weekend and case.sessions == n], horizon)
                for n in plain
            ],
            log_y=True,
            note="Half of it in stock, ready to be sold: once that suffices, nobody waits for the desk.",
        ),
    ]
    finding = (
        f"With {MAKERS * CAPITAL_USD:,.0f} USD of arbitrage capital against a pool of {2 * POOL_USD:,.0f} USD, half of "
        f"a {SHOCK:.0%} de-peg is gone after {_hours(life[first], days)} when the desk settles on the day of the "
        f"trade, and after {_hours(life[last], days)} at T+{last}; after a shock on a Saturday it takes "
        f"{_hours(weekend[first].half_life, days)} and {_hours(weekend[last].half_life, days)}."
    )
    notes = (
        f"Halving takes {need:,.0f} tokens sold into the pool. Makers hold "
        f"{MAKERS * CAPITAL_USD / 2 / SHARE:,.0f}: the rest must be minted, and each round of it waits for T+N.",
        "Where the rival does well: makers who keep enough stock close the gap in the hour, whatever N is. T+N is the "
        "price of that capital, not a law.",
        "The issuer settles at the share's price at the request, so makers carry no price risk while they wait; in a "
        "market that moves they must hedge, and would do less than here. T+0 is the desk's T+1, settled within the "
        "hour.",
        "No randomness: the seed changes nothing here.",
        "Everstock's options read no pool and have nothing to restore: see amznx-print.",
    )
    quick = " (quick)" if setting.quick else ""
    start = datetime.fromtimestamp(TUESDAY, UTC)
    return Page(
        SLUG,
        TITLE + quick,
        QUESTION,
        finding,
        setting.command(SLUG),
        figures,
        [
            Grid(
                f"Half-lives, from {start:%d %B %Y}",
                ("case", "makers' capital", "half-life", "at first", "at the end", "makers' gain"),
                rows,
            )
        ],
        checks,
        notes,
    )


def _by_capital(sessions: int, cases: list[Case], horizon: float) -> Series:
    found = sorted(cases, key=lambda case: case.capital)
    capital = [MAKERS * CAPITAL_USD * case.capital for case in found]
    return Series(f"T+{sessions}", capital, [horizon if c.half_life is None else c.half_life for c in found])


def _tokens_to_halve() -> float:
    """Sold into the shocked pool, they halve the de-peg (the fee left out)."""
    base = POOL_USD / SHARE
    return float(base * ((1 + SHOCK / 2) ** -0.5 - (1 + SHOCK) ** -0.5))


EXPERIMENT = Experiment(SLUG, TITLE, QUESTION, play)
