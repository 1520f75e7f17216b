"""Pages that use everything a page can have, for those who draw them."""

from __future__ import annotations

from everstock.chain.rpc import RpcChain
from everstock.lab.experiment import Experiment, Progress, Setting
from everstock.lab.page import Check, Figure, Grid, Mark, Page, Series

START = 1_767_623_400
HOSTILE = "</script><script>throw new Error('let in')</script>"


def sample(mean: float, width: float, count: int = 400) -> list[float]:
    """Spread evenly in rank, without chance."""
    return [mean + width * ((i / count - 0.5) * 2) ** 3 for i in range(count)]


def gallery(*, holds: bool = True) -> list[Page]:
    """Two pages: every mark, both kinds of axes, words as labels, nine curves, a long series, text that bites."""
    xs = [i / 10 for i in range(1, 60)]
    drawn = Page(
        slug="every-mark",
        title="Every way of drawing",
        question="Does each kind of series leave its mark?",
        finding="Every kind of series leaves its mark, on both kinds of axes.",
        command="ape run scenario every-mark --seed 7",
        figures=[
            Figure(
                "Lines", "size, USD", "slippage, %", [Series("pool", xs, [x**2 for x in xs]), Series("desk", xs, xs)]
            ),
            Figure(
                "A step by time",
                "time",
                "depth, USD",
                [Series("pool", [START + 3600 * i for i in range(72)], [1e6 / (1 + i) for i in range(72)], Mark.STEP)],
                x_is_time=True,
                log_y=True,
            ),
            Figure(
                "Bars by name",
                "venue",
                "volume, USD",
                [
                    Series(
                        "week", ["pool", "makers", "quotes", "options"], [12_000, 40_500, 90_000, 31_000], Mark.BARS
                    ),
                    Series("weekend", ["pool", "makers", "quotes", "options"], [9_000, 0, 0, 29_000], Mark.BARS),
                ],
            ),
            Figure(
                "Results of LPs",
                "result of a year, %",
                "paths",
                [
                    Series("main pool", sample(8, 60), mark=Mark.HISTOGRAM),
                    Series("insurance", sample(3, 10), mark=Mark.HISTOGRAM),
                ],
            ),
            Figure(
                "Points on logarithms",
                "size, USD",
                "price, USD",
                [Series("trades", [10**i for i in range(1, 7)], [223 * 3**i for i in range(6)], Mark.POINTS)],
                log_x=True,
                log_y=True,
            ),
            Figure(
                "Nine curves",
                "day",
                "share, %",
                [Series(f"T+{n}", list(range(900)), [(n + 1) * (i % 97) for i in range(900)]) for n in range(9)],
            ),
        ],
        grids=[
            Grid(
                "Who paid",
                ["who", "USD", "share"],
                [["trader", "−1,200.50", "12%"], ["LP", "900", "9%"]],
                note="Rounded.",
            ),
        ],
        checks=[
            Check("The pool's depth falls", True, "from 1,000,000 to 13,889 USD"),
            Check("The options' prices stand still", holds, "moved by 0.00%" if holds else "moved by 3.10%"),
        ],
        notes=["Quotes are the cheapest in market hours."],
    )
    bites = Page(
        slug="text-that-bites",
        title=f"Text & <b>signs</b> {HOSTILE}",
        question=HOSTILE,
        finding=f"Nothing that an experiment says is taken for a part of the page. {HOSTILE}",
        command='ape run scenario x --prices "a & b.csv"',
        figures=[
            Figure(HOSTILE, HOSTILE, HOSTILE, [Series(HOSTILE, [HOSTILE, "b"], [1, 2], Mark.BARS)], note=HOSTILE),
            Figure("Holes", "x", "y", [Series("a", [1, 2, 3], [1, float("nan"), float("inf")])]),
        ],
        grids=[Grid(HOSTILE, [HOSTILE], [[HOSTILE]])],
        checks=[Check(HOSTILE, True, HOSTILE)],
        notes=[HOSTILE],
    )
    return [drawn, bites]


# ── experiments ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _steady(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    progress(0.5)
    height = Check("A fresh chain has no blocks", chain.block_number == 0, f"height {chain.block_number}")
    heights = Series("seed", [1, 2], [setting.seed, chain.block_number])
    figures = [Figure("Seed", "x", "y", [heights])]
    return Page("steady", "Steady", "Is it steady?", f"Seed {setting.seed}.", "steady", figures, checks=[height])


def _failing(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    check = Check("Two and two are five", 2 + 2 == 5, "4")
    return Page("failing", "Failing", "Is a failed check seen?", "It is.", "failing", checks=[check])


def _breaking(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    raise ValueError("the pool is empty")


STEADY = Experiment("steady", "Steady", "Returns a page.", _steady)
FAILING = Experiment("failing", "Failing", "Has a check that fails.", _failing)
BREAKING = Experiment("breaking", "Breaking", "Raises.", _breaking)
