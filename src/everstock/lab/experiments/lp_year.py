"""What a year brings those who sell the options, over thousands of price paths; some of them replayed on the chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import numpy as np

from everstock.chain.rpc import RpcChain
from everstock.deploy import deploy_system
from everstock.lab.experiment import Experiment, Progress, Setting
from everstock.lab.page import Check, Figure, Grid, Mark, Page, Series
from everstock.lab.replay import MARKET, Replay, Replayed
from everstock.lab.simulation import (
    HOURS_PER_DAY,
    HOURS_PER_YEAR,
    INSTANT_BAND,
    Book,
    Floats,
    Outcome,
    Terms,
    gbm,
    simulate,
    summary,
    with_crash,
    with_jumps,
)
from everstock.params import Params, load

SLUG = "lp-year"
TITLE = "What a year brings those who sell the options"
QUESTION = "LPs are short gamma and are paid for it. How often is the pay enough, and what decides it?"

SIGMA = 0.60
JUMP, JUMPS_PER_YEAR, CRASH = 0.10, 12.0, 0.40
ONE_SIDED = 0.8
USES, PUTS, HELD_DAYS = (0.3, 0.5, 0.7, 0.9), (0.2, 0.5, 0.8), (3, 7, 14)
MAIN, INSURANCE = 9_000, Decimal(3_000)
INSURED = 1 / 3  # insurance's cash by main's, where the pools are simulated from 1
TOLERANCE = 1e-4
"""Of the pool: by which chain and simulation may differ after four weeks. Jumps of 10% wait five minutes for a second
print on the chain, and its clock stands still meanwhile: 2e-5 in two jumps."""


class NotReplayable(Exception):
    """A path does what a replay cannot."""


@dataclass(frozen=True)
class Weather:
    """How the price moves."""

    name: str
    book: Book
    returns: Callable[[np.random.Generator, int, int], Floats]


def calm(rng: np.random.Generator, paths: int, hours: int) -> Floats:
    return gbm(rng, paths, hours, SIGMA)


def jumpy(rng: np.random.Generator, paths: int, hours: int) -> Floats:
    return with_jumps(rng, calm(rng, paths, hours), JUMP, JUMPS_PER_YEAR)


def crashing(rng: np.random.Generator, paths: int, hours: int) -> Floats:
    return with_crash(rng, jumpy(rng, paths, hours), CRASH)


WEATHERS = (
    Weather("no jumps", Book(), calm),
    Weather("a jump of ±10% a month", Book(), jumpy),
    Weather("… and a day of −40%", Book(), crashing),
    Weather("… and 80% puts", Book(puts=ONE_SIDED), crashing),
)


@dataclass(frozen=True)
class Size:
    paths: int
    grid_paths: int
    days: int
    replays: int
    replay_days: int


FULL = Size(paths=1_000, grid_paths=250, days=365, replays=6, replay_days=28)
QUICK = Size(paths=60, grid_paths=20, days=30, replays=2, replay_days=4)


@dataclass(frozen=True)
class Compared:
    """One path, in both."""

    weather: Weather
    simulated: Outcome
    replayed: Replayed

    @property
    def apart(self) -> float:
        """The larger difference of the two pools, in parts of each pool."""
        main = abs(float(self.simulated.main[0]) - self.replayed.main) / MAIN
        insurance = abs(float(self.simulated.insurance[0]) - self.replayed.insurance) / float(INSURANCE)
        return max(main, insurance)


@dataclass
class Results:
    size: Size
    by_weather: dict[str, Outcome]
    by_use: dict[tuple[float, float], Outcome | None]
    by_holding: dict[int, Outcome]
    compared: list[Compared]


def play(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    size = QUICK if setting.quick else FULL
    params = load("local")
    terms = terms_of(params)
    results = Results(size, {}, {}, {}, [])
    hours = size.days * HOURS_PER_DAY

    def run(key: int, weather: Weather, book: Book, paths: int, share: tuple[float, float]) -> Outcome:
        rng = np.random.default_rng((setting.seed, key))
        returns = weather.returns(rng, paths, hours)
        start, end = share
        return simulate(
            returns,
            terms,
            book,
            insurance=INSURED,
            record=True,
            note=lambda done: progress(start + (end - start) * done),
        )

    for index, weather in enumerate(WEATHERS):  # the same noise in each, so that only what is named differs
        share = (0.1 * index, 0.1 * (index + 1))
        results.by_weather[weather.name] = run(0, weather, weather.book, size.paths, share)
    cells = [(used, puts) for used in USES for puts in PUTS]
    for index, (used, puts) in enumerate(cells):
        book = Book(used=used, puts=puts)
        share = (0.4 + 0.2 * index / len(cells), 0.4 + 0.2 * (index + 1) / len(cells))
        # The same paths for every cell, so that only the book differs.
        results.by_use[used, puts] = run(10, WEATHERS[1], book, size.grid_paths, share) if book.allowed else None
    for index, days in enumerate(HELD_DAYS):
        share = (0.6 + 0.1 * index / len(HELD_DAYS), 0.6 + 0.1 * (index + 1) / len(HELD_DAYS))
        results.by_holding[days] = run(11, WEATHERS[1], Book(held_days=days), size.grid_paths, share)
    results.compared = compare(chain, params, setting.seed, size, lambda done: progress(0.7 + 0.3 * done))
    progress(1.0)
    return page(results, setting)


def terms_of(params: Params, **more: float) -> Terms:
    """The market's, from the parameter file."""
    spec = params.markets[MARKET]
    return Terms(float(spec.sigma_ref), float(spec.tenor_days), float(spec.loading), **more)


def compare(chain: RpcChain, params: Params, seed: int, size: Size, progress: Progress) -> list[Compared]:
    """Simulate and replay the same paths. Trades on the chain are instant ones, so the wider band is simulated."""
    replay = Replay(chain, deploy_system(chain, params), MAIN, INSURANCE)
    terms = terms_of(params, band=INSTANT_BAND)
    compared = []
    for index in range(size.replays):
        weather = WEATHERS[index % len(WEATHERS)]
        rng = np.random.default_rng((seed, 20, index))
        returns = weather.returns(rng, 1, size.replay_days * HOURS_PER_DAY)
        simulated = simulate(
            returns,
            terms,
            weather.book,
            main=MAIN,
            insurance=float(INSURANCE),
            variance_now=replay.variance,
            record=True,
        )
        if simulated.exercised.any():
            raise NotReplayable(f"path {index + 1} exercises a position, which its trades do not tell")
        done, path = index / size.replays, [float(each) for each in returns[:, 0]]
        replayed = replay.run(path, simulated.trades, lambda part, done=done: progress(done + part / size.replays))  # type: ignore[misc]
        compared.append(Compared(weather, simulated, replayed))
    return compared


# ── page ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def percent(value: float) -> str:
    return f"{100 * value:+.1f}%".replace("-", "−")


def page(results: Results, setting: Setting) -> Page:
    size = results.size
    outcomes = results.by_weather
    stats = {name: summary(outcome.main_result(1.0)) for name, outcome in outcomes.items()}
    calm_, worst = stats[WEATHERS[0].name], stats[WEATHERS[3].name]
    span = "a year" if size.days == HOURS_PER_YEAR // HOURS_PER_DAY else f"{size.days} days"
    finding = (
        f"In {span} without jumps the main pool's LPs make {percent(calm_[0])} on average, in the stock itself, and "
        f"lose in {calm_[2]:.0%} of the paths; with a jump of 10% a month, a day of −40% and four puts to every call "
        f"it is {percent(worst[0])}, and they lose in {worst[2]:.0%}. Selling options is paid risk, not yield."
    )
    return Page(
        slug=SLUG,
        title=TITLE,
        question=QUESTION,
        finding=finding,
        command=setting.command(SLUG),
        figures=figures(results),
        grids=grids(results),
        checks=checks(results),
        notes=(
            f"{size.paths:,} paths of {size.days} days in hours, volatility {SIGMA:.0%}, no drift. The book: options "
            "at the money, a part of them renewed every day; unless said, 70% of the pool used, half of it puts, each "
            "held for a week.",
            "Buyers hold enough margin and are never liquidated; they trade two-step orders (a band of ±0.05%). "
            "Treasury's part of fees is gone from the pools.",
            "Results are in the margin token: what the token itself does in dollars comes on top, with its own sign.",
            "How long buyers hold matters more than anything they pay: every renewal pays spread and fee again. "
            "No experiment here says how long they will.",
            "Rent rises from 12% a year at 80% in use to 60% at 100%. The simulation's buyers pay it; it is meant to "
            "make real ones leave, so the line to 90% is a bound, not a forecast.",
            "Where rivals do better: lending stock out or quoting it has no gamma to lose. These pools are for those "
            "who want to be paid for it.",
        ),
    )


def figures(results: Results) -> list[Figure]:
    size = results.size
    histogram = [
        Series(name, [100 * float(x) for x in outcome.main_result(1.0)], mark=Mark.HISTOGRAM)
        for name, outcome in results.by_weather.items()
    ]
    means, tails = [], []
    for puts in PUTS:
        cells = [(used, cell) for used in USES if (cell := results.by_use[used, puts]) is not None]
        stats = [summary(cell.main_result(1.0)) for _, cell in cells]
        name, x = f"{puts:.0%} puts", [100 * used for used, _ in cells]
        means.append(Series(name, x, [100 * mean for mean, _, _ in stats]))
        tails.append(Series(name, x, [100 * low for _, low, _ in stats]))
    sources = ("premium", "funding", "rent", "fees", "payout")
    flows = [
        Series(name, sources, [100 * float(o.flows[part].mean()) for part in sources], mark=Mark.BARS)
        for name, o in results.by_weather.items()
    ]
    one_path = [
        Series(name, [day + 1 for day in range(len(o.history))], [100 * main - 100 for main, _ in o.history])
        for name, o in results.by_weather.items()
    ]
    seen = [
        Series(
            weather.name,
            [100 * (float(c.simulated.main[0]) / MAIN - 1) for c in results.compared if c.weather is weather],
            [100 * (c.replayed.main / MAIN - 1) for c in results.compared if c.weather is weather],
            mark=Mark.POINTS,
        )
        for weather in WEATHERS
        if any(c.weather is weather for c in results.compared)
    ]
    period = f"after {size.days} days, % of the main pool"
    return [
        Figure("Results of the main pool's LPs", f"result {period}", "paths", histogram),
        Figure(
            "Mean, by how much of the pool is used",
            "main pool used, %",
            f"mean {period}",
            means,
            note="At 90% rent is 36% a year of the notional: the buyers here stay, real ones would not.",
        ),
        Figure("Bad luck: one path in twenty is below", "main pool used, %", f"5th percentile {period}", tails),
        Figure(
            "Where it comes from",
            "",
            f"mean {period}",
            flows,
            note="Premium comes in when buyers open and goes out as part of the payout.",
        ),
        Figure(
            "One path of each",
            "day",
            "main pool since the start, %",
            one_path,
            note="The first path of each thousand, not a typical one.",
        ),
        Figure(
            "The same path in the simulation and on the chain",
            f"simulated after {size.replay_days} days, %",
            "on the chain, %",
            seen,
        ),
    ]


def grids(results: Results) -> list[Grid]:
    weathers = []
    for name, outcome in results.by_weather.items():
        mean, low, lost = summary(outcome.main_result(1.0))
        insured, insured_low, _ = summary(outcome.insurance / INSURED - 1)
        weathers.append(
            [
                name,
                percent(mean),
                percent(low),
                f"{lost:.1%}",
                percent(insured),
                percent(insured_low),
                str(int(outcome.exercised.sum())),
            ]
        )
    used = [[f"{use:.0%}", *(cell_text(results.by_use[use, puts]) for puts in PUTS)] for use in USES]
    held = []
    for days, outcome in results.by_holding.items():
        mean, low, lost = summary(outcome.main_result(1.0))
        held.append([f"{days} days", percent(mean), percent(low), f"{lost:.1%}"])
    compared = [
        [
            str(index + 1),
            c.weather.name,
            f"{float(c.simulated.main[0]):,.4f}",
            f"{c.replayed.main:,.4f}",
            f"{float(c.simulated.insurance[0]):,.4f}",
            f"{c.replayed.insurance:,.4f}",
            f"{c.apart:.1e}",
            f"{c.replayed.transactions:,}",
        ]
        for index, c in enumerate(results.compared)
    ]
    days = results.size.days
    return [
        Grid(
            f"Results after {days} days, by what the price does",
            (
                "prices",
                "main: mean",
                "5th percentile",
                "paths that lost",
                "insurance: mean",
                "5th percentile",
                "exercised",
            ),
            weathers,
        ),
        Grid(
            f"Main pool after {days} days with a jump of ±10% a month: mean / 5th percentile",
            ("used", *(f"{puts:.0%} puts" for puts in PUTS)),
            used,
            note="One side may lock 60% of the pool at most: some books cannot be.",
        ),
        Grid(
            f"Main pool after {days} days with a jump of ±10% a month, by how long buyers hold",
            ("held", "mean", "5th percentile", "paths that lost"),
            held,
        ),
        Grid(
            f"Simulation and chain, {results.size.replay_days} days, in tokens at the mark",
            (
                "path",
                "prices",
                "main, simulated",
                "on chain",
                "insurance, simulated",
                "on chain",
                "apart",
                "transactions",
            ),
            compared,
            note=f"Both start with {MAIN:,} tokens in the main pool and {INSURANCE:,} in insurance.",
        ),
    ]


def cell_text(outcome: Outcome | None) -> str:
    if outcome is None:
        return "not allowed"
    mean, low, _ = summary(outcome.main_result(1.0))
    return f"{percent(mean)} / {percent(low)}"


def checks(results: Results) -> list[Check]:
    apart = max(c.apart for c in results.compared)
    everything = [*results.by_weather.values(), *results.by_holding.values(), *filter(None, results.by_use.values())]
    cover = min(float(outcome.lowest_cover.min()) for outcome in everything)
    free = min(c.replayed.lowest_free for c in results.compared)
    paths = sum(len(outcome.main) for outcome in everything)
    return [
        Check(
            f"Chain and simulation agree to {TOLERANCE:.0e} of each pool on every replayed path",
            apart <= TOLERANCE,
            f"{apart:.1e} apart at most, {len(results.compared)} paths",
        ),
        Check(
            "Cash covers what is reserved, every day of every simulated path",
            cover >= 0,
            f"{100 * cover:.2f}% of the pool to spare at least, {paths:,} paths",
        ),
        Check(
            "Cash covers what is reserved, after every trade on the chain",
            free >= 0,
            f"{free / 10**18:,.4f} tokens to spare at least",
        ),
        Check(
            "Jumps cost LPs, and a one-sided book costs more",
            ordered(results),
            " > ".join(percent(summary(o.main_result(1.0))[0]) for o in results.by_weather.values()),
        ),
    ]


def ordered(results: Results) -> bool:
    means = [summary(outcome.main_result(1.0))[0] for outcome in results.by_weather.values()]
    return all(better > worse for better, worse in pairwise(means))


EXPERIMENT = Experiment(SLUG, TITLE, QUESTION, play)
