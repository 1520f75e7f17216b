"""How the options behave, read from the deployed contracts and compared with the exact model.

Three short acts on one chain: an hour at a standstill (what funding costs at every strike), a walk from 40% below the
strike to 60% above it (what an option is worth), and the fortnight of `tsla-shorts-btc` (what that does to the pools).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from io import StringIO

from rich.console import Console

from everstock.chain.base import START_TIME, Chain
from everstock.chain.rpc import RpcChain
from everstock.client import MarginToken, Market, Side, System
from everstock.client.system import PriceStatus, QuoteKind
from everstock.deploy import deploy_system
from everstock.lab.experiment import Experiment, Progress, Setting
from everstock.lab.page import Check, Figure, Grid, Page, Series
from everstock.model.exact import ExactOption, variance_budget
from everstock.params import Params, load
from everstock.scenarios import tsla_shorts_btc
from everstock.scenarios.prices import DAY_SECONDS, Window, bars_to_paths, synthetic_paths
from everstock.scenarios.world import World, align

NAME = "mechanics"
HOUR = 3600
WAD = 10**18
INDEX = 10**27
TOLERANCE = 1e-12  # of notional: what 18 decimals and powers in fixed point leave
FUNDING_TOLERANCE = 1e-9  # of an hour's funding

STRIKES = range(-11, 10)  # options are opened within 20% of the price
MOST_POSITIONS = 16  # of an account

WALK = range(-26, 25)  # steps of 2%: from 40% below the strike to 60% above it
STEP = Decimal("1.02")
STEP_SECONDS = 300  # steps of 2%: more than 10% within 10 minutes would halt the market
SESSION_HOURS, DAY_WEIGHTED_HOURS = 6.5, 6.5 + 17.5 * 0.2
YEAR_HOURS, STOCK_YEAR_HOURS = 8760.0, 11_024_640 / 3600
SAMPLE_HOURS = 2


@dataclass
class Curve:
    """One market on the walk: prices over strike, and values per unit of notional."""

    moneyness: list[float] = field(default_factory=list)
    call: list[float] = field(default_factory=list)
    put: list[float] = field(default_factory=list)
    worst: float = 0.0  # distance of a mark from the exact value


@dataclass
class Pools:
    """What the two pools of a token were worth, by time."""

    times: list[float] = field(default_factory=list)
    valued_at: list[float] = field(default_factory=list)  # when every market that they have sold in was open
    main_used: list[float] = field(default_factory=list)
    insurance_used: list[float] = field(default_factory=list)
    main_share: list[float] = field(default_factory=list)
    insurance_share: list[float] = field(default_factory=list)
    worst_cover: float = float("inf")  # cash over reserved


def play(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    params = load("local")
    align(chain, START_TIME)  # the opening of a New York session
    system = deploy_system(chain, params)
    hour = an_hour(system)
    progress(0.05)
    curves = the_walk(chain, params, quick=setting.quick, progress=lambda done: progress(0.05 + 0.2 * done))
    pools, adds_up = the_fortnight(chain, setting, lambda done: progress(0.25 + 0.75 * done))
    progress(1.0)
    return report(params, hour, curves, pools, adds_up, setting)


# ── an hour at a standstill ───────────────────────────────────────────────────────────────────────────────────────────
@dataclass
class Hour:
    """What an hour cost. Per market, by price over strike: a day's funding in % of notional; and the spread."""

    funding: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)  # of a call at the money, % of notional
    worst: float = 0.0  # relative distance of the funding from the exact one


def an_hour(system: System) -> Hour:
    markets = list(system.markets.values())
    strikes = STRIKES
    _sell_each(system, markets)
    before = {m.name: {j: _index(m, j) for j in strikes} for m in markets}
    system.chain.warp(HOUR)
    for asset in system.assets.values():
        asset.publish(_price(system, asset.name))
    for market in markets:
        market.poke()
    hour = Hour()
    for market in markets:
        spec = system.params.markets[market.name]
        stock = system.params.assets[spec.asset].calendar is not None
        day_hours, year_hours = (DAY_WEIGHTED_HOURS, STOCK_YEAR_HOURS) if stock else (24.0, YEAR_HOURS)
        option = ExactOption(variance_budget(spec.sigma_ref, spec.tenor_days))
        price = market.price_usd
        xs, ys = [], []
        for j in reversed(strikes):
            charged = (_index(market, j) - before[market.name][j]) / INDEX
            x = float(price / market.strike_price_usd(j))
            clock = float(spec.sigma_ref**2 * (1 + spec.loading)) / year_hours / float(option.c)
            exact = float(option.time_value(price / market.strike_price_usd(j))) * clock
            hour.worst = max(hour.worst, abs(charged / exact - 1))
            xs.append(x)
            ys.append(100 * charged * day_hours)
        hour.funding[market.name] = (xs, ys)
        ask, bid = (market.quote(0, Side.CALL, kind).value for kind in (QuoteKind.ASK, QuoteKind.BID))
        hour.spread[market.name] = 100 * (ask - bid) / WAD
    return hour


def _sell_each(system: System, markets: list[Market]) -> None:
    """Funding runs where somebody holds an option: one token of a call at every strike."""
    token, chain = system.token("TSLA.M"), system.chain
    lp = chain.account("lab LP")
    token.mint(lp, 2_000)
    token.main.deposit(lp, 1_000)
    token.insurance.deposit(lp, 500)
    wanted = [(market, j) for market in markets for j in STRIKES]
    for at in range(0, len(wanted), MOST_POSITIONS):
        holder = token.trader(chain.account(f"lab holder {at // MOST_POSITIONS}"))
        token.mint(holder.owner, 20)
        holder.deposit(20)
        for market, j in wanted[at : at + MOST_POSITIONS]:
            holder.open(market, j, Side.CALL, 1)


def _index(market: Market, strike: int) -> int:
    return int(market.contract.fundingAndMargin(strike)[0])


def _price(system: System, asset: str) -> Decimal:
    price = system.params.assets[asset].initial_price_usd
    assert price is not None  # local parameters have one
    return price


# ── the walk ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def the_walk(chain: Chain, params: Params, *, quick: bool, progress: Progress) -> dict[str, Curve]:
    """A second deployment, whose feeds begin 40% below the strike and rise by 2% every five minutes."""
    assets = {
        name: spec.model_copy(update={"initial_price_usd": _price_at(params, name, WALK[0])})
        for name, spec in params.assets.items()
    }
    system = deploy_system(chain, params.model_copy(update={"assets": assets}))
    options = {
        name: ExactOption(variance_budget(spec.sigma_ref, spec.tenor_days)) for name, spec in params.markets.items()
    }
    curves = {name: Curve() for name in system.markets}
    for n in WALK:
        if n != WALK[0]:
            chain.warp(STEP_SECONDS)
            for name, asset in system.assets.items():
                asset.publish(_price_at(params, name, n))
            for market in system.markets.values():
                market.poke()
        if n % (2 if quick else 1) == 0:
            for name, market in system.markets.items():
                _look(market, options[name], curves[name])
        progress((n - WALK[0] + 1) / len(WALK))
    return curves


def _price_at(params: Params, asset: str, n: int) -> Decimal:
    """So many steps of 2% from the strike, as a feed of eight decimals prints it."""
    price = params.assets[asset].initial_price_usd
    assert price is not None
    return round(price * STEP**n, 8)


def _look(market: Market, option: ExactOption, curve: Curve) -> None:
    values: dict[Side, float] = {}
    for side, exact_of in ((Side.CALL, option.call), (Side.PUT, option.put)):
        mark = market.quote(0, side, QuoteKind.MARK)
        exact = exact_of(Decimal(mark.price) / Decimal(mark.strikePrice))
        values[side] = mark.value / WAD
        curve.worst = max(curve.worst, float(abs(exact - Decimal(mark.value).scaleb(-18))))
    curve.moneyness.append(float(Decimal(mark.price) / Decimal(mark.strikePrice)))
    curve.call.append(values[Side.CALL])
    curve.put.append(values[Side.PUT])


# ── the fortnight ─────────────────────────────────────────────────────────────────────────────────────────────────────
def the_fortnight(chain: RpcChain, setting: Setting, progress: Progress) -> tuple[Pools, bool]:
    """The story of `tsla-shorts-btc` with an onlooker who reads the pools of TSLA.M every two hours."""
    story_window = setting.window
    if setting.quick and story_window is None and setting.prices is None:
        first = tsla_shorts_btc.SYNTHETIC_WINDOW.first
        story_window = Window(first, first + timedelta(days=3))
    if setting.prices is None:
        window = story_window or tsla_shorts_btc.SYNTHETIC_WINDOW
        paths = synthetic_paths(tsla_shorts_btc.SYNTHETIC, window, setting.seed)
    else:
        paths = bars_to_paths(
            setting.prices, tsla_shorts_btc.CRYPTO, tsla_shorts_btc.STOCKS, story_window, setting.seed
        )
    world = World(chain, load("local"), paths, Console(file=StringIO(), width=140))
    story = tsla_shorts_btc.Story(world)
    pools, token = Pools(), world.system.token("TSLA.M")
    seconds = len(paths.window.days) * DAY_SECONDS

    def look() -> None:
        _look_at(token, world.time, pools)
        progress(min(1.0, (world.time - paths.start) / seconds))

    for at in range(HOUR, seconds, SAMPLE_HOURS * HOUR):
        world.at(paths.start + at, look)
    story.tell()
    return pools, story.end().adds_up


def _look_at(token: MarginToken, time: int, pools: Pools) -> None:
    pools.times.append(time)
    valued = _open_where_sold(token)
    if valued:
        pools.valued_at.append(time)
    for pool, used, share in (
        (token.main, pools.main_used, pools.main_share),
        (token.insurance, pools.insurance_used, pools.insurance_share),
    ):
        nav = pool.nav()
        used.append(100 * nav.reserved / nav.cash if nav.cash else 0.0)
        if valued:
            share.append(float(pool.share_price))
        if nav.reserved:
            pools.worst_cover = min(pools.worst_cover, nav.cash / nav.reserved)


def _open_where_sold(token: MarginToken) -> bool:
    """While a market is closed, whoever leaves a pool counts its options at all they can pay: no value of a share."""
    system = token.system
    return all(
        PriceStatus(market.contract.peek()[1]) is PriceStatus.OPEN
        for market in system.markets.values()
        if system.options.marketState(token.address, market.id).strikes
    )


# ── the page ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def report(
    params: Params,
    hour: Hour,
    curves: dict[str, Curve],
    pools: Pools,
    adds_up: bool,
    setting: Setting,
) -> Page:
    worst = max(curve.worst for curve in curves.values())
    at_money = {name: max(ys) for name, (_, ys) in hour.funding.items()}
    bitcoin = curves["BTC-7D"]
    premium = {
        name: 100 * float(ExactOption(variance_budget(s.sigma_ref, s.tenor_days)).time_value(1))
        for name, s in params.markets.items()
    }
    gain = 100 * (pools.main_share[-1] / pools.main_share[0] - 1)
    insurance_gain = 100 * (pools.insurance_share[-1] / pools.insurance_share[0] - 1)
    highest = max(pools.main_used)
    days = round((pools.times[-1] - pools.times[0]) / DAY_SECONDS)
    finding = (
        f"At the money a week's bitcoin option costs {premium['BTC-7D']:.2f}% of notional and "
        f"{at_money['BTC-7D']:.2f}% a day to hold; over {days} days of trading the main pool was used up to "
        f"{highest:.0f}%, every payout stayed locked in it, and its LPs {'gained' if gain >= 0 else 'lost'} "
        f"{abs(gain):.2f}%."
    )
    return Page(
        slug=NAME,
        title="How the options behave",
        question=(
            "What is an option worth, what does it cost to hold, and what does a fortnight of trading do to the pools "
            "that sell it?"
        ),
        finding=finding,
        command=setting.command(NAME),
        figures=[
            _value_figure("A call on bitcoin", bitcoin, call=True),
            _value_figure("A put on bitcoin", bitcoin, call=False),
            Figure(
                "What a mark adds to the payoff",
                "price over strike",
                "time value, % of notional",
                [
                    Series(
                        name, c.moneyness, [100 * (v - max(x - 1, 0)) for x, v in zip(c.moneyness, c.call, strict=True)]
                    )
                    for name, c in curves.items()
                ],
                note="The same for calls and puts. It is largest at the strike, where it is the premium.",
            ),
            Figure(
                "Funding by strike",
                "price over strike",
                "funding a day, % of notional",
                [Series(name, xs, ys) for name, (xs, ys) in hour.funding.items()],
                note=(
                    "One hour as charged, times 24, at each market's reference volatility; a stock's day is a session "
                    "and a fifth of the hours around it."
                ),
            ),
            Figure(
                "How much of the pools is locked",
                "time",
                "reserved, % of cash",
                [
                    Series("main pool", pools.times, pools.main_used),
                    Series("insurance pool", pools.times, pools.insurance_used),
                ],
                x_is_time=True,
                note="TSLA.M, while the story of tsla-shorts-btc passes.",
            ),
            Figure(
                "What a share of the pools is worth",
                "time",
                "TSLA.M a share",
                [
                    Series("main pool", pools.valued_at, pools.main_share),
                    Series("insurance pool", pools.valued_at, pools.insurance_share),
                ],
                x_is_time=True,
                note="As a redemption finds it, options at the ask, while every market that they have sold in is open.",
            ),
        ],
        grids=[
            Grid(
                "The four markets",
                [
                    "market",
                    "volatility, tenor",
                    "loading",
                    "premium at the money",
                    "funding a day",
                    "spread, call at the money",
                ],
                [
                    [
                        name,
                        f"{100 * spec.sigma_ref:.0f}%, {spec.tenor_days} days",
                        f"{100 * spec.loading:.0f}%",
                        f"{premium[name]:.3f}%",
                        f"{at_money[name]:.3f}%",
                        f"{hour.spread[name]:.3f}%",
                    ]
                    for name, spec in params.markets.items()
                ],
                note="In % of notional. The spread is ask less bid of an instant trade, the feed's own error within.",
            )
        ],
        checks=[
            Check(
                "Every mark read from the contracts is the closed form, at fifty digits, within 1e-12 of notional",
                worst <= TOLERANCE,
                f"largest difference {worst:.1e} over {2 * sum(len(c.call) for c in curves.values())} marks",
            ),
            Check(
                "An hour's funding is time value times the clock, at every strike, within 1e-9 of it",
                hour.worst <= FUNDING_TOLERANCE,
                f"largest difference {hour.worst:.1e} over {sum(len(xs) for xs, _ in hour.funding.values())} strikes",
            ),
            Check(
                "Call less put is price over strike less one, everywhere",
                _parity(curves) <= TOLERANCE,
                f"largest difference {_parity(curves):.1e}",
            ),
            Check(
                "At every look both pools held all that they could ever have to pay",
                pools.worst_cover >= 1,
                f"cash at least {pools.worst_cover:.3f} times what was reserved, at {len(pools.times)} looks",
            ),
            Check("The fortnight's ledger adds up to the last unit", adds_up, "yes" if adds_up else "no"),
        ],
        notes=[
            "Zero interest, and no price for the correlation of the margin token with the underlying.",
            f"Insurance LPs {'gained' if insurance_gain >= 0 else 'lost'} {abs(insurance_gain):.3f}% in the same time: "
            "insurance is paid little and rarely pays.",
            "One fortnight says nothing about a year: LPs can lose, most of all on a one-sided book.",
        ],
    )


def _value_figure(title: str, curve: Curve, *, call: bool) -> Figure:
    xs = curve.moneyness
    payoff = [100 * max(x - 1 if call else 1 - x, 0) for x in xs]
    series = [Series("mark", xs, [100 * value for value in (curve.call if call else curve.put)])]
    series.append(Series("payoff", xs, payoff))
    if call:
        series.append(Series("exercise begins", [xs[0], xs[-1]], [75, 75]))
    return Figure(
        title,
        "price over strike",
        "% of notional",
        series,
        note=f"BTC-7D, {'call' if call else 'put'} at the reference strike.",
    )


def _parity(curves: dict[str, Curve]) -> float:
    return max(
        abs(call - put - (x - 1))
        for c in curves.values()
        for x, call, put in zip(c.moneyness, c.call, c.put, strict=True)
    )


EXPERIMENT = Experiment(
    NAME,
    "How the options behave",
    "Marks, payoffs and funding read from the contracts and compared with the exact model, and what a fortnight of "
    "trading does to the pools.",
    play,
)
