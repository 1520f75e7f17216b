"""What becomes of depth and LPs when rewards halve and end; beside it, LPs who are paid by buyers of options."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from everstock.chain.errors import Reverted
from everstock.chain.rpc import RpcChain
from everstock.client import MarginToken, Side
from everstock.deploy import list_token
from everstock.lab.agents import Course, Provider, course, providers
from everstock.lab.experiment import Experiment, Progress, Setting
from everstock.lab.page import Check, Figure, Grid, Mark, Page, Series
from everstock.lab.venues import IncentivePool, OptionsVenue, Stock, Town
from everstock.lab.venues.town import DAY
from everstock.lab.venues.venue import both_ways
from everstock.params import Token

SLUG = "subsidy-cliff"
TITLE = "When the rewards stop"
QUESTION = (
    "Liquidity paid in a reward token, and liquidity paid by option buyers: how much of each is left a week later?"
)
MONDAY = 1_767_571_200  # 5 January 2026, midnight UTC
DECISION = 17  # hours UTC, noon in New York: everybody decides once a day
EPOCH_DAYS = 8
EPOCHS = 4
REWARDS_PER_DAY = 2_000.0
REWARD_USD, REWARD_MARKET_USD = 1.0, 200_000.0
FEES_OVER_DAYS = 7
SLIP = 0.02
CEILING_USD = 200_000.0
FIRST_USD = 100_000.0
HEDGERS = 4
MARGIN, LEAST_MARGIN = 60.0, 40.0
PRIOR, PRIOR_DAYS = 0.40, 14
DEMANDS = (0.0, 100_000.0, 300_000.0)
QUICK_DEMANDS = (0.0, 300_000.0)
STEP_HOURS = 6


@dataclass
class Day:
    """What stood at a day's end."""

    lps: int
    usd: float
    paid: float  # a year, as LPs see it
    depth_usd: float = 0.0
    fees: float = 0.0  # a year
    fees_usd: float = 0.0
    rewards_usd: float = 0.0
    in_use: float = 0.0


@dataclass
class Place:
    """One place for LPs, with its record."""

    lps: list[Provider]
    log: list[Day] = field(default_factory=list)

    @property
    def inside(self) -> int:
        return sum(lp.inside for lp in self.lps)


class Incentive(Place):
    """The pool with rewards, and those who trade in it."""

    def __init__(self, town: Town, lps: list[Provider], seed: int, epochs: int) -> None:
        super().__init__(lps)
        self.town = town
        self.rng = np.random.default_rng([seed, 11])
        self.pool = IncentivePool(
            town,
            rewards_per_day=REWARDS_PER_DAY,
            epoch_days=EPOCH_DAYS,
            epochs=epochs,
            token_usd=REWARD_USD,
            market_usd=REWARD_MARKET_USD,
        )
        self.taker = town.account("taker")
        town.pay(self.taker, 4_000_000)
        town.give(self.taker, 16_000)
        self.fees: list[float] = []

    def day(self, at: int) -> None:
        fees = self._trade()
        self.fees.append(fees)
        rewards = sum(self.pool.harvest(self.town.account(lp.name)) for lp in self.lps if lp.inside)
        # One after the other, in an order that is drawn: each sees what those before it did.
        for index in self.rng.permutation(len(self.lps)):
            self._decide(self.lps[int(index)], at)
        reward_apr, fee_apr = self._yields(at, 0.0)
        self.log.append(
            Day(
                self.inside,
                2 * self.pool.amm.reserves[1],
                reward_apr,
                both_ways(self.pool.amm, self.taker, SLIP, CEILING_USD) if self.inside else 0.0,
                fee_apr,
                fees,
                rewards,
            )
        )

    def _decide(self, lp: Provider, at: int) -> None:
        who = self.town.account(lp.name)
        wanted = lp.wants(sum(self._yields(at, 0.0 if lp.inside else lp.usd)))
        if wanted and not lp.inside:
            self.pool.join(who, lp.usd)
        elif lp.inside and not wanted:
            self.pool.leave(who)
        lp.inside = wanted

    def _yields(self, at: int, more_usd: float) -> tuple[float, float]:
        """Rewards at today's rate and price, and the last week's fees, a year; with `more_usd` inside."""
        staking = self.pool.staking
        staked = int(staking.totalStaked())
        inside = (self.pool.amm.worth(staked) if staked else 0.0) + (more_usd if staked else max(more_usd, FIRST_USD))
        rewards = int(staking.rateAt(at)) * 365 * DAY / 10**18 * self.pool.reward_market.spot
        recent = self.fees[-FEES_OVER_DAYS:]
        return rewards / inside, sum(recent) / len(recent) * 365 / inside

    def _trade(self) -> float:
        """A day's noise, as far as patience goes, and somebody who brings the pool back to the share. Fees in USD."""
        amm, before, share = self.pool.amm, self.pool.amm.traded_usd, self.town.share
        if not amm.total_shares:
            return 0.0
        for _ in range(int(self.rng.poisson(10))):
            usd = 2_000 * math.exp(float(self.rng.normal(0, 0.8)))
            buy, patience = bool(self.rng.random() < 0.5), float(self.rng.uniform(0.005, 0.03))
            if amm.quote(self.taker, usd, buy=buy).cost <= patience:
                amm.take(self.taker, usd, buy=buy)
        if (usd := amm.usd_to(share * 0.995)) > 50:
            amm.buy(self.taker, usd)
        elif (tokens := amm.tokens_to(share * 1.005)) * share > 50:
            amm.sell(self.taker, tokens)
        return (amm.traded_usd - before) * 0.003


class Options(Place):
    """Everstock's pools of one margin token, with buyers who want `demand_usd` of notional in all."""

    def __init__(self, town: Town, lps: list[Provider], venue: OptionsVenue, demand_usd: float) -> None:
        super().__init__(lps)
        self.town, self.venue, self.demand_usd = town, venue, demand_usd
        self.keeper = town.account("keeper")
        self.hedgers = [town.account(f"hedger {n}") for n in range(HEDGERS)]
        self.held: dict[str, tuple[int, Side]] = {}
        self.values: list[float] = []
        self.leaving: list[str] = []
        if demand_usd:
            for who in self.hedgers:
                venue.margin(who, MARGIN)

    @property
    def name(self) -> str:
        return f"Everstock, {self.demand_usd:,.0f} USD wanted" if self.demand_usd else "Everstock, nobody buys"

    def day(self, number: int) -> None:
        if self.demand_usd and number:
            self._hedge(number)
        token = self.venue.token
        self.values.append(0.75 * float(token.main.share_price) + 0.25 * float(token.insurance.share_price))
        expected = self.expected
        for lp in self.lps:
            self._decide(lp, expected)
        self._redeem()
        main, insurance = token.main.nav(), token.insurance.nav()
        usd = self.town.tokens(main.cash + insurance.cash) * self.town.share
        self.log.append(Day(self.inside, usd, expected, in_use=self.venue.utilisation))

    @property
    def expected(self) -> float:
        """What was earned since the first day, with `PRIOR` a year for `PRIOR_DAYS` of evidence."""
        earned = math.log(self.values[-1] / self.values[0])
        return (PRIOR * PRIOR_DAYS + earned * 365) / (PRIOR_DAYS + len(self.values) - 1)

    def _decide(self, lp: Provider, expected: float) -> None:
        who = self.town.account(lp.name)
        wanted = lp.wants(expected)
        if wanted and not lp.inside:
            self.venue.provide(who, lp.usd / self.town.share)
        elif lp.inside and not wanted:
            if who in self.leaving:  # its last request is still under way
                return
            for pool in (self.venue.token.main, self.venue.token.insurance):
                pool.request_redeem(who)
            self.leaving.append(who)
        lp.inside = wanted

    def _redeem(self) -> None:
        """Anyone executes what has cooled down, as far as free cash goes."""
        for who in list(self.leaving):
            left = 0
            for pool in (self.venue.token.main, self.venue.token.insurance):
                if not int(pool.contract.redemptionOf(who).shares):
                    continue
                with suppress(Reverted):
                    pool.execute_redemption(who, self.keeper)
                left += int(pool.contract.redemptionOf(who).shares)
            if not left:
                self.leaving.remove(who)

    def _hedge(self, number: int) -> None:
        """One hedger a day rolls its option to the money: each keeps it four days. Half buy puts, half calls."""
        market, turn = self.venue.market, number % HEDGERS
        who = self.hedgers[turn]
        account = self.venue.trader(who)
        if who in self.held:
            strike, side = self.held.pop(who)
            account.close(market, strike, side)
        if float(account.balance) < LEAST_MARGIN:
            self.venue.margin(who, MARGIN - float(account.balance))
        side = Side.PUT if turn % 2 == 0 else Side.CALL
        strike = self.venue.strike
        wanted = round(Decimal(str(self.demand_usd / HEDGERS / self.town.share)), 9)
        notional = min(wanted, account.max_open(market, strike, side))
        if notional >= 1:
            account.open(market, strike, side, notional)
            self.held[who] = (strike, side)


def play(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    epochs, after = (1, 8) if setting.quick else (EPOCHS, 16)
    days, end = EPOCH_DAYS * epochs + after, EPOCH_DAYS * epochs
    path = course(setting, days + 1, MONDAY)
    days = min(days, path.hours // 24)
    town = Town.before(chain, Stock(), path.start, path.share[0], path.bitcoin[0])
    crowd = (4, 2) if setting.quick else (8, 3)
    incentive = Incentive(town, providers(*crowd, setting.seed), setting.seed, epochs)
    sides = [
        Options(town, providers(*crowd, setting.seed), OptionsVenue(town, town.bitcoin_market, _token(town, n)), demand)
        for n, demand in enumerate(QUICK_DEMANDS if setting.quick else DEMANDS)
    ]
    town.go(path.at(1), path.share[1], path.bitcoin[1])
    incentive.pool.begin()
    for number in range(days):
        for hour in range(number * 24 + DECISION - 24 + STEP_HOURS, number * 24 + DECISION + 1, STEP_HOURS):
            if hour > 1:  # prices in between are printed, so that funding and variance see them
                town.go(path.at(hour), path.share[hour], path.bitcoin[hour])
        incentive.day(path.at(number * 24 + DECISION))
        for side in sides:
            side.day(number)
        progress((number + 1) / days)
    return _page(setting, path, incentive, sides, end)


def _token(town: Town, number: int) -> MarginToken:
    name = f"{town.stock.symbol}{number}"
    return list_token(town.system, name, Token(name=f"Tesla {number} (stock token)", min_notional=Decimal(1)))


def _page(setting: Setting, path: Course, incentive: Incentive, sides: list[Options], end: int) -> Page:
    log = incentive.log
    week = min(end + 6, len(log) - 1)
    peak, last, later = max(log, key=lambda day: day.depth_usd), log[end - 1], log[week]
    idle, busy = sides[0], sides[-1]
    paid, fees = sum(day.rewards_usd for day in log), sum(day.fees_usd for day in log)
    staking = incentive.pool.staking
    emitted, total = int(staking.emittedAt(incentive.town.chain.now)), int(staking.totalEmission())
    left = later.usd / last.usd
    kept = busy.log[week].usd / busy.log[end - 1].usd
    peak_lps = max(day.lps for day in log)
    books = [side.venue.token.main.nav() for side in sides]
    checks = [
        Check(
            "a week after the rewards' end at most half of the pool's best depth is left",
            later.depth_usd <= peak.depth_usd / 2,
            f"{peak.depth_usd:,.0f} USD at {SLIP:.0%} on day {log.index(peak) + 1}, then {later.depth_usd:,.0f}",
        ),
        Check("LPs leave the incentive pool", later.lps < peak_lps, f"{peak_lps} at most, {later.lps} then"),
        Check("the schedule was emitted in full", emitted == total, f"{emitted / 10**18:,.2f} INC"),
        Check(
            "pools with buyers keep more of their liquidity over that week than the incentive pool",
            kept > left,
            f"{kept:.0%} of Everstock's with the most buyers, {left:.0%} of the incentive pool",
        ),
        Check(
            "without buyers Everstock's LPs leave as well",
            idle.log[-1].lps < max(day.lps for day in idle.log),
            f"{max(day.lps for day in idle.log)} at most, {idle.log[-1].lps} on the last day",
        ),
        Check(
            "cash covers what is reserved, in each pool",
            all(book.cash >= book.reserved for book in books),
            ", ".join(f"{book.reserved / book.cash:.0%} reserved" for book in books if book.cash),
        ),
    ]
    finding = (
        f"At its best {peak.depth_usd:,.0f} USD could be traded at {SLIP:.0%} in the incentive pool; a week after the "
        f"last reward it is {later.depth_usd:,.0f}, with {later.lps} of {len(incentive.lps)} LPs. Rewards brought them "
        f"{paid:,.0f} USD, trading fees {fees:,.0f}. Everstock's pools with {busy.demand_usd:,.0f} USD of demand keep "
        f"{kept:.0%} of their liquidity over the same week, while {busy.log[end - 1].lps} LPs who want to stay become "
        f"{busy.log[week].lps}; where nobody buys options, "
        f"{idle.log[-1].lps} are there on the last day."
    )
    picked = sorted({0, *range(EPOCH_DAYS - 1, end, EPOCH_DAYS), min(end, len(log) - 1), week, len(log) - 1})
    rows = [
        (
            str(n + 1),
            f"{log[n].depth_usd:,.0f}",
            f"{log[n].lps}",
            f"{log[n].usd:,.0f}",
            f"{log[n].paid:.0%}",
            f"{log[n].fees:.1%}",
            *(each for side in sides for each in (f"{side.log[n].lps}", f"{side.log[n].usd:,.0f}")),
            f"{busy.log[n].paid:.0%}",
            f"{busy.log[n].in_use:.0%}",
        )
        for n in picked
    ]
    columns = (
        *("day", f"incentive pool: USD at {SLIP:.0%}", "LPs", "USD inside", "rewards a year", "fees a year"),
        *(each for side in sides for each in (f"{side.name}: LPs", "USD inside")),
        *("expected a year, most demand", "in use"),
    )
    x = [float(n + 1) for n in range(len(log))]
    figures = [
        Figure(
            "Liquidity inside",
            "day",
            "USD",
            [
                Series("incentive pool", x, [day.usd for day in log], Mark.STEP),
                *(Series(side.name, x, [day.usd for day in side.log], Mark.STEP) for side in sides),
            ],
            note=f"Rewards halve every {EPOCH_DAYS} days and end with day {end}.",
        ),
        Figure(
            "LPs inside",
            "day",
            "LPs",
            [
                Series("incentive pool", x, [float(day.lps) for day in log], Mark.STEP),
                *(Series(side.name, x, [float(day.lps) for day in side.log], Mark.STEP) for side in sides),
            ],
        ),
        Figure(
            "Depth of the incentive pool",
            "day",
            f"USD at {SLIP:.0%} from the share, mean of buying and selling",
            [Series("incentive pool", x, [day.depth_usd for day in log], Mark.STEP)],
        ),
        Figure(
            "What LPs expect",
            "day",
            "% a year",
            [
                Series("rewards, at the reward token's price", x, [100 * day.paid for day in log]),
                Series("trading fees, last 7 days", x, [100 * day.fees for day in log]),
                *(Series(side.name, x, [100 * day.paid for day in side.log]) for side in sides),
            ],
        ),
    ]
    notes = (
        "LPs come above their own hurdle (15% to 80% a year) and leave 5 points below it; loyal ones stay. The same "
        "LPs everywhere. Of the incentive pool they see today's reward rate at the reward token's price and a week's "
        "fees; "
        f"of Everstock what was earned so far, with {PRIOR:.0%} a year for {PRIOR_DAYS} days as their first belief.",
        "A reward is worth what the reward token's own pool pays. LPs sell theirs daily, and nobody buys.",
        "Demand for options is assumed: it does not follow from anything here. Where it is nothing, LPs earn nothing.",
        "Option LPs can lose: what they expect falls in a week in which buyers were right. They leave through a "
        "cooldown, as far as cash is free.",
        "LPs counted are those who want to be inside; USD inside also holds what waits to leave, since what backs open "
        "options cannot go. That holds liquidity longer than LPs' minds would.",
        "Where the rival does better: while rewards last the pool offers the token itself at once; options do not.",
        f"Prices: {path.source}.",
    )
    return Page(
        SLUG,
        TITLE,
        QUESTION,
        finding,
        setting.command(SLUG),
        figures,
        [Grid("By day", columns, rows)],
        checks,
        notes,
    )


EXPERIMENT = Experiment(SLUG, TITLE, QUESTION, play)
