"""A week of the same people, prices and capital in each of the four venues: what is served, at what cost, who earns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from everstock.chain.rpc import RpcChain
from everstock.client import Side
from everstock.client.system import EXACT
from everstock.lab.agents import Course, Crowd, Kind, Order, course, orders
from everstock.lab.experiment import Experiment, Progress, Setting
from everstock.lab.page import Check, Figure, Grid, Mark, Page, Series
from everstock.lab.venues import (
    Amm,
    DeskMaker,
    IncentivePool,
    IssuerDesk,
    OptionsVenue,
    QuotesVenue,
    Refused,
    Stock,
    Town,
)
from everstock.lab.venues.venue import Venue, both_ways, curve

SLUG = "week-of-use"
TITLE = "A week of use in four venues"
QUESTION = "The same traders, prices and capital in each of four venues: what is served, at what cost, and who earns?"
MONDAY = 1_767_571_200  # 5 January 2026, midnight UTC
CAPITAL_USD = 300_000.0
SLIP = 0.02
CEILING_USD = 400_000.0
LOOK_HOURS = 6
SIZES = (100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 25_000.0, 50_000.0, 100_000.0, 200_000.0)
OPTION_ACCOUNTS = 16
WEEKS_A_YEAR = 365 / 7


@dataclass
class Tally:
    """What a venue did in the week."""

    asked: int = 0
    served: int = 0
    volume_usd: float = 0.0
    cost_usd: float = 0.0
    night_asked: int = 0
    night_served: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    depth_open: list[float] = field(default_factory=list)
    depth_closed: list[float] = field(default_factory=list)
    hours: list[int] = field(default_factory=list)
    in_use: list[float] = field(default_factory=list)
    income_usd: float = 0.0
    off_share: list[float] = field(default_factory=list)

    @property
    def cost(self) -> float:
        return self.cost_usd / self.volume_usd if self.volume_usd else 0.0

    @property
    def yearly(self) -> float:
        return self.income_usd / CAPITAL_USD * WEEKS_A_YEAR


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


class Week:
    """The four venues with the same capital, and everybody who comes."""

    def __init__(self, chain: RpcChain, setting: Setting, path: Course) -> None:
        self.chain, self.path = chain, path
        town = self.town = Town.before(chain, Stock(), path.start, path.share[0], path.bitcoin[0])
        half = CAPITAL_USD / 2
        # (a): staked for a reward that halves weekly; a value trader without a desk is all that ties it to the share
        self.incentive = IncentivePool(
            town, rewards_per_day=1_000, epoch_days=7, epochs=4, token_usd=1.0, market_usd=100_000
        )
        self.incentive.begin()
        self.farmer = town.account("farmer")
        self.incentive.join(self.farmer, CAPITAL_USD)
        self.value = self._maker("value trader", self.incentive.amm, None, 25_000.0)
        # (b): the pool is the makers' own, who arbitrage it through the desk
        self.pool = Amm(town, "makers and desk", town.token.contract, town.token.decimals, suffix="makers")
        self.owner = town.account("pool owner")
        self.arbitrage_usd = 50_000.0
        pooled = CAPITAL_USD - self.arbitrage_usd
        town.give(self.owner, pooled / 2 / town.share)
        town.pay(self.owner, pooled / 2)
        self.pool.provide(self.owner, pooled / 2 / town.share, pooled / 2)
        self.desk = IssuerDesk(town, 1)
        self.makers = [self._maker(f"desk maker {n}", self.pool, self.desk, self.arbitrage_usd / 2) for n in range(2)]
        # (c): all of it inventory
        self.quotes = QuotesVenue(town, tokens=half / town.share, usd=half)
        # (d): all of it in the two pools, in the stock
        self.options = OptionsVenue(town, town.bitcoin_market)
        self.lp = town.account("lp")
        self.options.provide(self.lp, CAPITAL_USD / town.share)
        self.holders = [town.account(f"option holder {n}") for n in range(OPTION_ACCOUNTS)]
        for who in self.holders:
            self.options.margin(who, 100)
        self.venues: dict[Venue, Tally] = {
            venue: Tally() for venue in (self.incentive.amm, self.pool, self.quotes, self.options)
        }
        self.taker = town.account("taker")
        town.give(self.taker, 40_000)
        town.pay(self.taker, 10_000_000)
        self.due: list[tuple[int, str, int, Side, Decimal]] = []
        self.turn = 0
        self.shares: list[tuple[int, float]] = []
        self.harvested = 0.0
        self.ledger = self.ledger_now()
        self.began = self._worths()
        self.share_price = self._lp_tokens()
        self.curves_closed = self._curves()
        self.curves: dict[str, list[float | None]] = {}

    def _maker(self, name: str, pool: Amm, desk: IssuerDesk | None, usd: float) -> DeskMaker:
        who, target = self.town.account(name), usd / 2 / self.town.share
        self.town.give(who, target)
        self.town.pay(who, usd / 2)
        edge = 0.002 if desk else 0.01
        return DeskMaker(self.town, pool, desk, who, edge=edge, stock_target=target, around_the_clock=desk is None)

    def _taker_of(self, venue: Venue) -> str:
        return self.taker if venue.is_spot else self.holders[0]

    def _curves(self) -> dict[str, list[float | None]]:
        return {venue.name: curve(venue, self._taker_of(venue), SIZES) for venue in self.venues}

    # ── a week ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def run(self, flow: list[Order], progress: Progress) -> None:
        by_hour: dict[int, list[Order]] = {}
        for order in flow:
            by_hour.setdefault(order.hour, []).append(order)
        for hour in range(1, self.path.hours):
            self.town.go(self.path.at(hour), self.path.share[hour], self.path.bitcoin[hour])
            self.desk.settle()
            for maker in (self.value, *self.makers):
                maker.act()
            if not self.curves and self.town.is_open():
                self.curves = self._curves()
            self._close_due(hour)
            for order in by_hour.get(hour, ()):
                for venue, tally in self.venues.items():
                    self._serve(venue, tally, order)
            if hour % 24 == 0:
                self.harvested += self.incentive.harvest(self.farmer)
            if hour % LOOK_HOURS == 0:
                self._look(hour)
            progress(hour / (self.path.hours - 1))
        self.harvested += self.incentive.harvest(self.farmer)
        self._close_due(10**9)
        self.curves = self.curves or self.curves_closed  # a course without a session
        self._account()

    def _serve(self, venue: Venue, tally: Tally, order: Order) -> None:
        night = not self.town.is_open()
        tally.asked += 1
        tally.night_asked += night
        taker = self.taker if venue.is_spot else self.holders[self.turn % OPTION_ACCOUNTS]
        buy = order.buy
        try:
            quoted = venue.quote(taker, order.usd, buy=buy)
            if quoted.cost > order.patience:
                raise Refused("too dear")
            strike = self.options.strike if venue is self.options else 0
            taken = venue.take(taker, order.usd, buy=buy)
        except Refused as refused:
            reason = str(refused)
            tally.reasons[reason] = tally.reasons.get(reason, 0) + 1
            return
        tally.served += 1
        tally.night_served += night
        tally.volume_usd += taken.value_usd
        tally.cost_usd += taken.value_usd * taken.cost
        if venue is self.options:
            self.turn += 1
            notional = round(Decimal(str(order.usd / self.town.share)), 9)
            side = Side.CALL if buy else Side.PUT
            self.due.append((order.hour + round(order.days * 24), taker, strike, side, notional))

    def _close_due(self, hour: int) -> None:
        """Holders sell their options back when they have kept them as long as they meant to."""
        least = minimum_notional(self.town)
        for each in [one for one in self.due if one[0] <= hour]:
            if each not in self.due:  # closed together with an earlier one
                continue
            _, who, strike, side, notional = each
            same = [one for one in self.due if one[1:4] == each[1:4]]
            rest = sum((one[4] for one in same), Decimal(0)) - notional
            ends = rest < least
            self.options.trader(who).close(self.options.market, strike, side, None if ends else notional)
            for one in same if ends else [each]:
                self.due.remove(one)

    def _look(self, hour: int) -> None:
        town = self.town
        for venue, tally in self.venues.items():
            found = both_ways(venue, self._taker_of(venue), SLIP, CEILING_USD)
            (tally.depth_open if town.is_open() else tally.depth_closed).append(found)
            tally.hours.append(hour)
            tally.in_use.append(self.options.utilisation if venue is self.options else found / CAPITAL_USD)
            if isinstance(venue, Amm):
                tally.off_share.append(venue.spot / self.path.share[hour] - 1)
        self.shares.append((hour, float(town.token.main.share_price)))

    # ── who earned ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _worths(self) -> dict[str, tuple[float, float]]:
        """Tokens and dollars of each venue's capital."""
        town = self.town
        found = {}
        for name, amm, shares in (
            ("incentive", self.incentive.amm, int(self.incentive.staking.stakeOf(self.farmer))),
            ("makers", self.pool, int(self.pool.pair.balanceOf(self.owner))),
        ):
            part = shares / amm.total_shares
            base, quote = amm.reserves
            found[name] = (base * part, quote * part)
        found["quotes"] = town.holds(self.quotes.who)
        return found

    def _lp_tokens(self) -> Decimal:
        """What the LP's shares of both pools are worth, in tokens."""
        total = Decimal(0)
        for pool in (self.town.token.main, self.town.token.insurance):
            nav, supply = int(pool.nav().nav), int(pool.contract.totalSupply())
            total += EXACT.divide(Decimal(pool.shares_of(self.lp)) * (nav + 1), Decimal(supply + 10**6))
        return total.scaleb(-self.town.token.decimals)

    def ledger_now(self) -> tuple[int, int]:
        """The vault's entries of those who buy options, and of the pools with the treasury's part; smallest units."""
        system, token = self.town.system, self.town.token

        def entries(owners: list[str]) -> int:
            return sum(int(system.vault.balanceOf(token.address, system.options.address, owner)) for owner in owners)

        return entries(self.holders), entries([token.main.address, token.insurance.address])

    def _account(self) -> None:
        """Each venue's capital now, less what it would be worth had it been held: in USD at the share's price."""
        share, now = self.town.share, self._worths()

        def gain(name: str) -> float:
            (tokens, usd), (before, paid) = now[name], self.began[name]
            return (tokens - before) * share + usd - paid

        started = self.arbitrage_usd / 2 / self.path.share[0] * share + self.arbitrage_usd / 2
        incomes = (
            gain("incentive") + self.harvested,
            gain("makers") + sum(maker.worth() for maker in self.makers) - started,
            gain("quotes"),
            float(self._lp_tokens() - self.share_price) * share,
        )
        for tally, income in zip(self.venues.values(), incomes, strict=True):
            tally.income_usd = income


def play(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    days = 2 if setting.quick else 7
    path = course(setting, days, MONDAY)
    crowd = Crowd(noise_a_day=16.0) if setting.quick else Crowd()
    week = Week(chain, setting, path)
    flow = orders(path, crowd, setting.seed)
    week.run(flow, progress)
    return _page(setting, week, flow, days)


def _page(setting: Setting, week: Week, flow: list[Order], days: int) -> Page:
    tallies = {venue.name: tally for venue, tally in week.venues.items()}
    incentive, makers, quotes, options = tallies.values()
    names = dict(
        zip(
            tallies,
            ("(a) incentive pool", "(b) makers and desk", "(c) signed quotes", "(d) Everstock options"),
            strict=True,
        )
    )
    main = week.town.token.main.nav()
    after = week.ledger_now()  # every option was sold back by now
    lost, gained = week.ledger[0] - after[0], after[1] - week.ledger[1]
    small = SIZES.index(1_000.0)
    cost_small = {name: costs[small] for name, costs in week.curves.items()}
    spot = [name for venue, name in zip(week.venues, tallies, strict=True) if venue.is_spot]
    cheapest = min(spot, key=lambda name: _or(cost_small[name], 1.0))
    widest = max(spot, key=lambda name: _mean(tallies[name].depth_open))
    best = max(tallies, key=lambda name: tallies[name].income_usd)
    checks = [
        Check(
            "every venue met the same orders",
            len({tally.asked for tally in tallies.values()}) == 1
            and incentive.asked == len([o for o in flow if o.hour]),
            f"{incentive.asked} orders",
        ),
        Check(
            "what is served costs no more than patience allows",
            all(tally.cost <= 0.03 for tally in tallies.values()),
            ", ".join(f"{names[n]} {t.cost:.2%}" for n, t in tallies.items()),
        ),
        Check(
            "at 1,000 USD a signed quote is the cheapest spot",
            cheapest == week.quotes.name,
            ", ".join(f"{names[n]} {cost_small[n] or 0:.2%}" for n in spot),
        ),
        Check(
            "options trade by night as by day",
            options.night_served * options.asked >= 0.8 * options.served * options.night_asked,
            f"{options.night_served} of {options.night_asked} by night, {options.served} of {options.asked} in all",
        ),
        Check(
            "what buyers of options lost, pools and treasury gained, to the last unit",
            lost == gained,
            f"{lost:,} and {gained:,} units",
        ),
        Check(
            "cash covers what is reserved",
            main.cash >= main.reserved,
            f"{week.town.tokens(main.cash):,.1f} ≥ {week.town.tokens(main.reserved):,.1f} tokens",
        ),
    ]
    rows = [
        (
            names[name],
            f"{tally.served} of {tally.asked}",
            f"{tally.volume_usd:,.0f}",
            f"{tally.cost:.2%}",
            f"{_mean(tally.depth_open):,.0f}",
            f"{_mean(tally.depth_closed):,.0f}",
            f"{tally.income_usd:,.0f}",
            f"{week.harvested if tally is incentive else 0:,.0f}",
            f"{tally.yearly:.1%}",
            f"{_mean(tally.in_use):.0%}",
            f"{tally.volume_usd / CAPITAL_USD / days:.1%}",
        )
        for name, tally in tallies.items()
    ]
    columns = (
        *("venue", "orders served", "volume, USD", "paid over fair", "USD at 2%, open", "closed"),
        *("earned, USD", "of it rewards", "a year", "capital in use", "turned over a day"),
    )
    kinds = [
        (kind.value, str(sum(o.kind is kind for o in flow)), f"{sum(o.usd for o in flow if o.kind is kind):,.0f}")
        for kind in Kind
    ]
    hours = incentive.hours
    days_axis = [hour / 24 for hour in hours]

    def series(get: Callable[[Tally], list[float]], factor: float = 1.0) -> list[Series]:
        found = []
        for name, tally in tallies.items():
            values = get(tally)
            if values:
                found.append(Series(names[name], days_axis, [factor * value for value in values], Mark.STEP))
        return found

    figures = [
        _size_figure("What a size costs while New York trades", week.curves, names),
        _size_figure("What a size costs while New York is closed", week.curves_closed, names),
        Figure("Capital in use", "day", "%", series(lambda tally: tally.in_use, 100), note=IN_USE),
        Figure("Pools against the share", "day", "off the share, %", series(lambda tally: tally.off_share, 100)),
        Figure(
            "Orders served",
            "venue",
            "% of those asked",
            [Series("served", list(names.values()), [100 * t.served / t.asked for t in tallies.values()], Mark.BARS)],
        ),
        Figure(
            "Everstock's main pool",
            "day",
            "a share's worth, tokens",
            [Series("share price", [hour / 24 for hour, _ in week.shares], [price for _, price in week.shares])],
        ),
    ]
    finding = (
        f"Of {incentive.asked} orders the incentive pool serves {incentive.served}, makers with a desk "
        f"{makers.served}, signed quotes {quotes.served} and options {options.served}. At 1,000 USD spot is cheapest "
        f"at {names[cheapest]}; deepest is {names[widest]}, with {_mean(tallies[widest].depth_open):,.0f} USD at 2% "
        "while "
        f"New York trades. The capital that earned most is that of {names[best]}: {tallies[best].income_usd:,.0f} USD"
        + (f", of which {week.harvested:,.0f} are rewards." if tallies[best] is incentive else ".")
    )
    refusals = "; ".join(
        f"{names[name]}: " + ", ".join(f"{reason} {count}" for reason, count in sorted(tally.reasons.items()))
        for name, tally in tallies.items()
        if tally.reasons
    )
    notes = (
        f"{CAPITAL_USD:,.0f} USD of capital in each: (a) a staked pool, (b) a pool of "
        f"{CAPITAL_USD - week.arbitrage_usd:,.0f} and arbitrage of {week.arbitrage_usd:,.0f}, (c) inventory, "
        "(d) both option pools, in the stock. Earnings are against having held the same; a week's earnings a year is "
        "arithmetic, not a forecast.",
        f"(a) earned {week.harvested:,.0f} USD by selling its rewards: paid by whoever buys the reward token.",
        "Where rivals win: a buyer who wants the token itself is served by (a), (b) and (c) only. (d) sells exposure "
        "to bitcoin on the stock as margin; orders smaller than its minimum of one token it refuses.",
        "An option's cost is a part of its notional. At the money it moves by about half of that, so per dollar of "
        "exposure it is about twice as much, and time value is paid besides: funding, which is what LPs earn.",
        f"Refused: {refusals}.",
        f"Prices: {week.path.source}.",
    )
    return Page(
        SLUG,
        TITLE,
        QUESTION,
        finding,
        setting.command(SLUG),
        figures,
        [
            Grid(f"{days} days", columns, rows, IN_USE),
            Grid("Who came", ("who", "orders", "USD"), kinds, "The same to each venue."),
        ],
        checks,
        notes,
    )


def _size_figure(title: str, curves: dict[str, list[float | None]], names: dict[str, str]) -> Figure:
    series = []
    for name, costs in curves.items():
        points = [(size, 100 * cost) for size, cost in zip(SIZES, costs, strict=True) if cost is not None and cost > 0]
        series.append(Series(names[name], [size for size, _ in points], [cost for _, cost in points]))
    note = (
        "The mean of buying and selling. Spot: the price against the share's last. Options: premium and fee "
        "against the mark, of the notional. A curve ends where the venue refuses."
    )
    return Figure(title, "size, USD (options: notional)", "over fair, %", series, log_x=True, log_y=True, note=note)


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def minimum_notional(town: Town) -> Decimal:
    """The least notional of a position, in tokens."""
    return town.system.params.tokens[town.stock.symbol].min_notional


IN_USE = "Capital in use: of spot venues what can be traded at 2%, of the options' main pool what is reserved."

EXPERIMENT = Experiment(SLUG, TITLE, QUESTION, play)
