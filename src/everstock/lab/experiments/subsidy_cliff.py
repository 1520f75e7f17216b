"""What becomes of a pool's depth and its LPs when rewards halve and end; beside it, LPs who are paid by option buyers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from everstock.chain.errors import Reverted
from everstock.chain.rpc import RpcChain
from everstock.client import Side
from everstock.lab.agents import Course, Provider, course, providers
from everstock.lab.experiment import Experiment, Progress, Setting
from everstock.lab.page import Check, Figure, Grid, Mark, Page, Series
from everstock.lab.venues import IncentivePool, OptionsVenue, Refused, Stock, Town
from everstock.lab.venues.town import DAY, HOUR
from everstock.lab.venues.venue import depth

SLUG = "subsidy-cliff"
TITLE = "When the rewards stop"
QUESTION = (
    "Liquidity paid in a reward token, and liquidity paid by option buyers: how much of each is there a week later?"
)
MONDAY = 1_767_571_200  # 5 January 2026, midnight UTC
HOUR_OF_DAY = 17 * HOUR  # noon in New York: everybody decides once a day
EPOCH_DAYS = 8
EPOCHS = 4
REWARDS_PER_DAY = 4_000.0
REWARD_USD, REWARD_MARKET_USD = 1.0, 200_000.0
FEES_OVER_DAYS = 7
SLIP = 0.01
CEILING_USD = 200_000.0
LIQUIDITY = 2.0 / 3  # hedgers hold notional up to this part of what the pools can back


@dataclass
class Day:
    """What stood at a day's end."""

    number: int
    depth_usd: float
    incentive_lps: int
    incentive_usd: float
    reward_apr: float
    fee_apr: float
    reward_usd_paid: float
    fees_usd: float
    options_lps: int
    options_usd: float
    options_apr: float
    options_depth_usd: float
    utilisation: float


@dataclass
class Account:
    """What became of LPs and traders of the options, in tokens."""

    minted: Decimal = Decimal(0)
    queue: list[str] = field(default_factory=list)


class Cliff:
    """One chain, two kinds of liquidity, the same LPs' rule for both."""

    def __init__(self, chain: RpcChain, setting: Setting, path: Course, epochs: int, after: int) -> None:
        self.chain, self.path = chain, path
        self.days = EPOCH_DAYS * epochs + after
        self.end = EPOCH_DAYS * epochs
        self.rng = np.random.default_rng([setting.seed, 11])
        self.town = town = Town.before(chain, Stock(), path.start, path.share[0], path.bitcoin[0])
        self.pool = IncentivePool(
            town,
            rewards_per_day=REWARDS_PER_DAY,
            epoch_days=EPOCH_DAYS,
            epochs=epochs,
            token_usd=REWARD_USD,
            market_usd=REWARD_MARKET_USD,
        )
        self.options = OptionsVenue(town, town.bitcoin_market)
        count = (4, 2) if setting.quick else (8, 3)
        self.incentive_lps = providers(*count, setting.seed)
        self.option_lps = providers(*count, setting.seed)
        self.start_units = int(town.token.contract.totalSupply())
        self.taker = town.account("taker")
        town.pay(self.taker, 2_000_000)
        town.give(self.taker, 8_000)
        self.hedgers = [town.account(f"hedger {n}") for n in range(4)]
        for who in self.hedgers:
            self.options.margin(who, 60)
        self.margin_given = 60 * len(self.hedgers)
        self.held: dict[str, tuple[int, Side, int]] = {}
        self.leaving: list[str] = []
        self.fees: list[float] = []
        self.prices: list[float] = []
        self.log: list[Day] = []
        self.reward_usd = 0.0
        self.refused = 0

    def run(self, progress: Progress) -> None:
        self.pool.begin()
        for number in range(self.days):
            at = self.path.start + number * DAY + HOUR_OF_DAY
            hour = number * 24 + HOUR_OF_DAY // HOUR
            self._pass_to(at, hour)
            self.log.append(self._day(number, at))
            progress((number + 1) / self.days)

    def _pass_to(self, at: int, hour: int) -> None:
        """Prices of the hours in between are printed, so that funding and variance see them."""
        for back in range(23, -1, -4):
            then = at - back * HOUR
            if then > self.chain.now:
                self.town.go(then, self.path.share[hour - back], self.path.bitcoin[hour - back])

    def _day(self, number: int, at: int) -> Day:
        fees = self._trade()
        self.fees.append(fees)
        paid = 0.0
        for lp in self.incentive_lps:
            if lp.inside:
                paid += self.pool.harvest(self.town.account(lp.name))
        self.reward_usd += paid
        reward_apr, fee_apr = self._incentive_yield(at)
        for lp in self.incentive_lps:
            self._move(lp, reward_apr + fee_apr, self._join_pool, self._leave_pool)
        self._hedge(number)
        self.prices.append(float(self.town.token.main.share_price))
        options_apr = self._options_yield()
        for lp in self.option_lps:
            self._move(lp, options_apr, self._join_options, self._leave_options)
        self._redeem()
        main = self.town.token.main.nav()
        reserves = self.pool.amm.reserves
        found = depth(self.pool.amm, self.taker, SLIP, CEILING_USD) if self.pool.amm.total_shares else 0.0
        return Day(
            number,
            found,
            sum(lp.inside for lp in self.incentive_lps),
            2 * reserves[1],
            reward_apr,
            fee_apr,
            paid,
            fees,
            sum(lp.inside for lp in self.option_lps),
            self.town.tokens(main.cash + self.town.token.insurance.nav().cash) * self.town.share,
            options_apr,
            self.town.tokens(main.cash - main.reserved) / 0.75 * self.town.share,
            self.options.utilisation,
        )

    # ── the incentive pool ────────────────────────────────────────────────────────────────────────────────────────────
    def _trade(self) -> float:
        """A day's noise, as far as patience goes, and somebody who brings the pool back to the share. Fees in USD."""
        amm, before = self.pool.amm, self.pool.amm.traded_usd
        if not amm.total_shares:
            return 0.0
        for _ in range(int(self.rng.poisson(6))):
            usd = 3_000 * math.exp(float(self.rng.normal(0, 0.8)))
            buy, patience = bool(self.rng.random() < 0.5), float(self.rng.uniform(0.005, 0.03))
            if amm.quote(self.taker, usd, buy=buy).cost <= patience:
                amm.take(self.taker, usd, buy=buy)
            else:
                self.refused += 1
        share = self.town.share
        if (usd := amm.usd_to(share * 0.995)) > 50:
            amm.buy(self.taker, usd)
        elif (tokens := amm.tokens_to(share * 1.005)) * share > 50:
            amm.sell(self.taker, tokens)
        return (amm.traded_usd - before) * 0.003

    def _incentive_yield(self, at: int) -> tuple[float, float]:
        staked = int(self.pool.staking.totalStaked())
        if not staked:
            rate = int(self.pool.staking.rateAt(at)) * 365 * DAY / 10**18
            return rate * self.pool.reward_market.spot / 100_000, 0.0  # what the first 100,000 USD would earn
        recent = self.fees[-FEES_OVER_DAYS:]
        return self.pool.reward_apr(at), sum(recent) / len(recent) * 365 / self.pool.amm.worth(staked)

    def _move(
        self, lp: Provider, yearly: float, join: Callable[[Provider], None], leave: Callable[[Provider], None]
    ) -> None:
        wanted = lp.decide(yearly)
        if wanted and not lp.inside:
            join(lp)
            lp.inside = True
        elif lp.inside and not wanted:
            leave(lp)
            lp.inside = False

    def _join_pool(self, lp: Provider) -> None:
        self.pool.join(self.town.account(lp.name), lp.usd)

    def _leave_pool(self, lp: Provider) -> None:
        self.pool.leave(self.town.account(lp.name))

    # ── Everstock's pools ─────────────────────────────────────────────────────────────────────────────────────────────
    def _options_yield(self) -> float:
        """What a main pool share earned over the last fortnight, a year; half the rent's floor before there is a past."""
        past = self.prices[-15:]
        if len(past) < 8:
            return 0.5
        return (past[-1] / past[0] - 1) * 365 / (len(past) - 1)

    def _join_options(self, lp: Provider) -> None:
        self.options.provide(self.town.account(lp.name), lp.usd / self.town.share)

    def _leave_options(self, lp: Provider) -> None:
        who = self.town.account(lp.name)
        for pool in (self.town.token.main, self.town.token.insurance):
            if pool.shares_of(who) and not int(pool.contract.redemptionOf(who).shares):
                pool.request_redeem(who)
        self.leaving.append(who)

    def _redeem(self) -> None:
        """Anyone executes what has cooled down, as far as free cash goes."""
        for who in list(self.leaving):
            left = 0
            for pool in (self.town.token.main, self.town.token.insurance):
                if not int(pool.contract.redemptionOf(who).shares):
                    continue
                try:
                    pool.execute_redemption(who, self.taker)
                except Reverted:
                    pass
                left += int(pool.contract.redemptionOf(who).shares)
            if not left:
                self.leaving.remove(who)

    def _hedge(self, number: int) -> None:
        """Each hedger rolls its option every four days, in turn; together they use two thirds of what is free."""
        market, token = self.town.bitcoin_market, self.town.token
        turn = number % len(self.hedgers)
        who = self.hedgers[turn]
        account = token.trader(who)
        if who in self.held:
            strike, side, _ = self.held.pop(who)
            if any(p.strike == strike for p in account.positions):
                account.close(market, strike, side)
        main = token.main.nav()
        free = self.town.tokens(main.cash) * LIQUIDITY / 0.75 / len(self.hedgers)
        notional = min(free, float(account.balance) * 8)
        side = Side.PUT if turn % 2 == 0 else Side.CALL
        try:
            strike = self.options.strike
            account.open(market, strike, side, round(Decimal(str(notional)), 9))
            self.held[who] = (strike, side, number)
        except (Refused, Reverted):
            self.refused += 1
        if float(account.balance) < 30:  # a hedger brings more, as one that pays for insurance does
            self.options.margin(who, 30)
            self.margin_given += 30


def play(chain: RpcChain, setting: Setting, progress: Progress) -> Page:
    epochs, after = (1, 6) if setting.quick else (EPOCHS, 16)
    days = EPOCH_DAYS * epochs + after
    path = course(setting, days + 1, MONDAY)
    cliff = Cliff(chain, setting, path, epochs, after)
    cliff.run(progress)
    return _page(setting, cliff)


def _page(setting: Setting, cliff: Cliff) -> Page:
    log, end = cliff.log, cliff.end
    peak, last, later = max(log, key=lambda day: day.depth_usd), log[end - 1], log[min(end + 7, len(log)) - 1]
    x = [float(day.number) for day in log]
    paid, fees = sum(day.reward_usd_paid for day in log), sum(day.fees_usd for day in log)
    staking = cliff.pool.staking
    emitted, total = int(staking.emittedAt(cliff.chain.now)), int(staking.totalEmission())
    main = cliff.town.token.main.nav()
    kept = later.options_usd / last.options_usd if last.options_usd else 0.0
    checks = [
        Check(
            "depth follows the rewards: a week after their end at most half of the peak is left",
            later.depth_usd <= peak.depth_usd / 2,
            f"{peak.depth_usd:,.0f} USD at 1% on day {peak.number + 1}, {later.depth_usd:,.0f} a week after the end",
        ),
        Check(
            "LPs leave the incentive pool",
            later.incentive_lps < max(day.incentive_lps for day in log),
            f"{max(day.incentive_lps for day in log)} at most, {later.incentive_lps} a week after the end",
        ),
        Check("all rewards were emitted, to the schedule", emitted == total, f"{emitted / 10**18:,.2f} INC"),
        Check(
            "the options' pools lose less of their liquidity over the same week",
            kept > (later.incentive_usd / last.incentive_usd if last.incentive_usd else 1.0),
            f"{kept:.0%} left, of the incentive pool {later.incentive_usd / last.incentive_usd:.0%}",
        ),
        Check(
            "cash covers what is reserved",
            main.cash >= main.reserved,
            f"{cliff.town.tokens(main.cash):,.1f} ≥ {cliff.town.tokens(main.reserved):,.1f} tokens",
        ),
    ]
    finding = (
        f"At its best the incentive pool takes {peak.depth_usd:,.0f} USD at 1%; a week after the last reward it takes "
        f"{later.depth_usd:,.0f}, with {later.incentive_lps} of {len(cliff.incentive_lps)} LPs. Rewards brought LPs "
        f"{paid:,.0f} USD, trading fees {fees:,.0f}. Of Everstock's pools {kept:.0%} are there a week after that day, with "
        f"{later.options_lps} of {len(cliff.option_lps)} LPs."
    )
    picked = sorted({0, *range(EPOCH_DAYS - 1, end, EPOCH_DAYS), end, min(end + 6, len(log) - 1), len(log) - 1})
    rows = [
        (
            str(day.number + 1),
            f"{day.depth_usd:,.0f}",
            str(day.incentive_lps),
            f"{day.incentive_usd:,.0f}",
            f"{day.reward_apr:.0%}",
            f"{day.fee_apr:.0%}",
            str(day.options_lps),
            f"{day.options_usd:,.0f}",
            f"{day.options_apr:.0%}",
            f"{day.utilisation:.0%}",
        )
        for day in (log[n] for n in picked)
    ]
    columns = (
        *("day", "incentive: USD at 1%", "LPs", "USD inside", "rewards a year", "fees a year"),
        *("Everstock: LPs", "USD inside", "earned a year, last 14 days", "in use"),
    )
    figures = [
        Figure(
            "Liquidity inside",
            "day",
            "USD",
            [
                Series("incentive pool", x, [day.incentive_usd for day in log], Mark.STEP),
                Series("Everstock's pools", x, [day.options_usd for day in log], Mark.STEP),
            ],
            note=f"Rewards halve every {EPOCH_DAYS} days and end on day {end}.",
        ),
        Figure(
            "Depth of the incentive pool",
            "day",
            "USD that can be bought within 1% of the share",
            [Series("incentive pool", x, [day.depth_usd for day in log], Mark.STEP)],
        ),
        Figure(
            "LPs inside",
            "day",
            "LPs",
            [
                Series("incentive pool", x, [float(day.incentive_lps) for day in log], Mark.STEP),
                Series("Everstock's pools", x, [float(day.options_lps) for day in log], Mark.STEP),
            ],
        ),
        Figure(
            "What LPs are paid",
            "day",
            "% a year",
            [
                Series("rewards, at the token's price", x, [100 * day.reward_apr for day in log]),
                Series("trading fees, last 7 days", x, [100 * day.fee_apr for day in log]),
                Series("Everstock, last 14 days", x, [100 * day.options_apr for day in log]),
            ],
        ),
    ]
    notes = (
        "LPs come above their own hurdle (15% to 80% a year) and leave 5 points below it; loyal ones stay. The same rule "
        "and the same LPs in both.",
        "A reward is worth what the reward token's own pool pays, and LPs sell theirs daily.",
        "What carries Everstock's LPs is demand for options: here four hedgers who use two thirds of what is free, an "
        "assumption. Without it there is no premium, and they would leave too.",
        f"Prices: {cliff.path.source}.",
        "Where the rival does better: while rewards last, a pool offers spot depth at once, which options do not.",
    )
    return Page(
        SLUG,
        TITLE,
        QUESTION,
        finding,
        f"ape run scenario {SLUG} --seed {setting.seed}",
        figures,
        [Grid("By day", columns, rows)],
        checks,
        notes,
    )


EXPERIMENT = Experiment(SLUG, TITLE, QUESTION, play)
