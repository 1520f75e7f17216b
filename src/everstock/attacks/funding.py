"""Attacks by those who hold: on what they pay while they hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal

from everstock.attacks.result import NOTIONAL, Line, Verdict, attack, bounded, loses, refused, shown
from everstock.attacks.stage import DAY, HOUR, MINUTE, WAD, YEAR, Stage, fee_rate
from everstock.client import Side
from everstock.client.system import from_wad

FUNDING = "% of fair funding"
VARIANCE = "% of variance"


@attack(
    6,
    "Holding on debt",
    "Let the balance run to zero, hold on, and have at each settlement forgiven what cannot be paid. An option "
    "that ends in the money was then held for nothing.",
    "A settlement never forgives: what cannot be paid stays owed, comes first out of the proceeds, and an account "
    "below maintenance can be liquidated by anyone.",
)
def debt_holding(stage: Stage) -> Iterator[Line]:
    notional, days = 100, 10

    def hold(margin: Decimal | int, spare: bool) -> tuple[Decimal, Decimal]:
        """(result, debt on the way) of one who keeps margin, or none."""
        with stage.chain.anchor():
            stage.fund()
            trader = stage.trader("holder", margin)
            start = stage.wealth(trader.owner)
            trader.open(stage.market, 0, Side.CALL, notional)
            if not spare:
                trader.withdraw(trader.max_withdraw())
            for half in range(2):
                stage.live_through(days // 2, seed=half)
                trader.settle(stage.keeper)
            debt = trader.health.debt
            stage.move(66_000)
            trader.close(stage.market, 0, Side.CALL)
            return stage.wealth(trader.owner) - start, debt

    (honest, _), (indebted, debt) = hold(20, True), hold(20, False)
    yield loses(
        f"{days} days without margin, no keeper, sold in the money; against one who paid",
        (indebted - honest) / notional,
        NOTIONAL,
        before=debt / notional,
    )

    def withdraw_more() -> None:
        stage.fund()
        trader = stage.trader("holder", 20)
        trader.open(stage.market, 0, Side.CALL, notional)
        trader.withdraw(trader.max_withdraw() + Decimal("0.01"))

    yield refused("withdraw the margin", stage, "PerpetualOptions_InsufficientMargin", withdraw_more)


@attack(
    7,
    "Choosing the samples",
    "Post or skip price updates to steer the measured variance, and with it the speed of the clock: with equal "
    "weights one could sample only the quiet, or only the wild moments.",
    "A sample weighs by the time since the one before, and a return counts once, whenever it is sampled: what is "
    "left is the noise of sampling less, to either side.",
)
def sampling(stage: Stage) -> Iterator[Line]:
    stage.chain.warp(HOUR)
    stage.move(stage.price)  # the anchor of the first sample
    path = stage.walk(days=20, step=10 * MINUTE)
    sigma = 0.6 * math.sqrt(600 / YEAR)

    def quiet(move: float, waited: int) -> bool:
        return abs(move) < 0.3 * sigma * math.sqrt(waited) or waited >= LONGEST_WAIT

    def wild(move: float, waited: int) -> bool:
        return abs(move) > 1.5 * sigma * math.sqrt(waited) or waited >= LONGEST_WAIT

    def always(_move: float, _waited: int) -> bool:
        return True

    honest, honest_draft = _measured(stage, path, always)
    for case, rule in (("sample after quiet moments only", quiet), ("sample after wild moments only", wild)):
        steered, draft = _measured(stage, path, rule)
        change, bound = steered / honest - 1, 0.1
        now = f"{shown(change, VARIANCE)}, noise within ±{bound:.0%}"
        yield Line(
            case + ", 20 days", shown(draft / honest_draft - 1, VARIANCE), now, Verdict.BOUNDED, abs(change) < bound
        )


LONGEST_WAIT = 18
"""Intervals of ten minutes after which somebody else posts a price."""


def _measured(stage: Stage, path: list[float], choose: Callable[[float, int], bool]) -> tuple[float, float]:
    """Mean variance on the chain, and with equal weights, when prices are posted at chosen moments only."""
    raw, anchor, waited = 0.36, path[0], 0
    weighted = total = draft = 0.0
    equal = 1 - 2 ** (-600 / DAY)  # each sample counts like one of ten minutes, whatever it spans
    with stage.chain.anchor():
        start = stage.chain.now
        for i, price in enumerate(path[1:], 1):
            waited += 1
            move = math.log(price / anchor)
            if not choose(move, waited):
                continue
            stage.chain.set_time(start + i * 600)
            stage.publish(price)
            stage.poke()
            raw += equal * (move * move * YEAR / (waited * 600) - raw)
            weighted += float(from_wad(stage.market.contract.state().variance)) * waited
            draft += raw * waited
            total += waited
            anchor, waited = price, 0
    return weighted / total, draft / total


@attack(
    8,
    "Timing the pokes",
    "Funding is charged at the price of the last poke. A holder pokes when the option's time value is low, and "
    "not when it is high; with keepers that come by the hour this saved 3–4% of funding, with daily ones 18–20%.",
    "Every operation pokes its market, anyone may, and keepers do every 15 minutes; the loading of 20% is far "
    "above what is left.",
)
def poke_timing(stage: Stage) -> Iterator[Line]:
    stage.fund()
    stage.fill(0, Side.CALL, 100, margin=100)
    path = stage.walk(days=10, step=5 * MINUTE)
    often, hourly, daily = (_funding_paid(stage, path, every) for every in (15 * MINUTE, HOUR, DAY))
    case = f"pokes of one's own, keepers every 15 minutes: {1 - often:.1%} saved, less the loading"
    yield loses(case, 1 - 1.2 * often, FUNDING, before=1 - hourly)
    yield bounded("… and a poke a day from others", 1 - 1.2 * daily, 0.05, FUNDING, before=1 - daily)


def _funding_paid(stage: Stage, path: list[float], every: int) -> float:
    """Funding that the chain charges one who times his pokes, over what a continuous charge at the same variance is."""
    contract, form, step = stage.market.contract, stage.form, 5 * MINUTE
    strike_price = float(stage.market.strike_price_usd(0))
    fair = 0.0
    with stage.chain.anchor():
        stage.chain.warp(1)
        stage.move(path[0])
        first = contract.fundingAndMargin(0)[0]
        stored, variance, start = path[0], 0.36, stage.chain.now
        for i, price in enumerate(path[1:], 1):
            value = form.time_value(price / strike_price)
            fair += value * min(max(variance, 0.04), 4) * 1.2 * (step / YEAR) / form.c
            if i * step % every == 0 or value < form.time_value(stored / strike_price) * 0.98:
                stage.chain.set_time(start + i * step)
                stage.publish(price)
                stage.poke()
                stored, variance = price, float(from_wad(contract.state().variance))
        charged = (contract.fundingAndMargin(0)[0] - first) / 1e27
    return float(charged) / fair


@attack(
    9,
    "Buying before a known event",
    "Buy calls just before earnings at a price that knows nothing of them, sell after the jump.",
    "Governance schedules the event two days ahead; the poke that crosses its time charges 1.5 to 2 times the "
    "variance that is expected, and until then only strikes within the expected move may be opened.",
)
def event_buying(stage: Stage) -> Iterator[Line]:
    stage.fund(3_000, 1_000)
    for move in (0.06, 0.09, 0.12):
        before, now = (_event_trade(stage, move, 1.0, scheduled=s) for s in (False, True))
        yield loses(f"at the money, event of ±{move:.0%}", now, NOTIONAL, before=before)
    yield refused(
        "x = 0.88, event of ±12%",
        stage,
        "OptionMarket_StrikeOutOfBand",
        lambda: _event_trade(stage, 0.12, 0.88, scheduled=True),
        before=f"{_event_trade(stage, 0.12, 0.88, scheduled=False) * 100:+.2f} {NOTIONAL}",
    )


def _event_trade(stage: Stage, move: float, x: float, *, scheduled: bool) -> float:
    """Result per notional of a call bought a minute before the event, mean of a jump up and one down."""
    notional, results = 100, []
    for direction in (1, -1):
        with stage.chain.anchor():
            trader = stage.trader("attacker", 100)
            strike = stage.strike_at(x)
            at = stage.chain.now + 2 * DAY
            if scheduled:
                lump = (1.5 if move < 0.08 else 2) * move**2 / stage.form.c
                event = (at, int(lump * WAD), int(move * WAD))
                stage.market.contract.scheduleEvent(event, sender=stage.system.governor)
            stage.pass_time(2 * DAY - MINUTE)
            before = stage.wealth(trader.owner)
            trader.open(stage.market, strike, Side.CALL, notional)
            stage.chain.warp(2 * MINUTE)
            stage.move(float(stage.price) * (1 + direction * move))
            trader.close(stage.market, strike, Side.CALL)
            results.append(float(stage.wealth(trader.owner) - before) / notional)
    return sum(results) / 2


@attack(
    10,
    "Buying on Monday at Friday's price",
    "The market reopens after a weekend in which the world has moved; the feed still shows Friday's price. Buy "
    "the gap.",
    "A price must be stamped after the opening: until it is, a market is Closed, and nothing can be opened.",
)
def weekend_print(stage: Stage) -> Iterator[Line]:
    stage.fund()
    stocks = stage.session_market()
    trader = stage.trader("attacker", 100)
    monday = stage.chain.now  # an opening
    stage.chain.set_time(monday + 4 * DAY + 6 * HOUR)
    stocks.publish()
    stocks.poke()
    stage.chain.set_time(monday + 7 * DAY + MINUTE)
    form = stage.form
    gap = form.call(1.1) - form.call(1) - fee_rate(form.call(1)) - fee_rate(form.call(1.1))
    yield refused(
        "buy at Friday's price, the gap being 10%",
        stage,
        "OptionMarket_NotOpen",
        lambda: trader.open(stocks.market, 0, Side.CALL, 100),
        before=f"{gap * 100:+.2f} {NOTIONAL}",
    )

    def after_the_print() -> None:
        stocks.publish(550)
        strike = stocks.market.nearest_strike(550)
        trader.open(stocks.market, strike, Side.CALL, 100)
        trader.close(stocks.market, strike, Side.CALL)

    yield loses("buy at Monday's first price", stage.result_of(after_the_print, trader.owner) / 100, NOTIONAL)


@attack(
    11,
    "A false print",
    "One print at twice the price pays every call its cap; steps of 19.9% walk through a breaker that only looks "
    "at the last price.",
    "A print more than 10% from any price accepted in the last ten minutes halts the market until a second print, "
    "five minutes later at least, agrees with it.",
)
def false_print(stage: Stage) -> Iterator[Line]:
    main, notional = 1_000, 800
    stage.fund(main, 500)
    trader = stage.trader("attacker", 100)
    start = stage.wealth(trader.owner)
    trader.open(stage.market, 0, Side.CALL, notional)
    premium = stage.form.call(1)
    halted = "OptionMarket_NotOpen"

    def sell_at(*prices: float) -> None:
        for price in prices:
            stage.publish(price)
            stage.poke()
        trader.close(stage.market, 0, Side.CALL)

    capped = (0.75 - premium) * notional / main
    yield refused(
        "sell at a print of twice the price", stage, halted, lambda: sell_at(120_000), f"{capped * 100:+.0f} {MAIN}"
    )

    def exercise() -> None:
        stage.publish(120_000)
        trader.exercise(stage.market, 0, Side.CALL, stage.keeper)

    yield refused("exercise at it", stage, halted, exercise)
    walked = (min(stage.form.call(1.199**3), 0.75) - premium) * notional / main
    steps = [60_000 * 1.199**i for i in (1, 2, 3)]
    yield refused("steps of 19.9%", stage, halted, lambda: sell_at(*steps), f"{walked * 100:+.0f} {MAIN}")
    yield refused("steps of 9.9% within ten minutes", stage, halted, lambda: sell_at(65_940, 72_468))
    sell_at(65_940)
    gain = stage.wealth(trader.owner) - start
    yield bounded("one step of 9.9%, 60% of main in calls at the money", gain / main, 0.08, MAIN)


MAIN = "% of main"
