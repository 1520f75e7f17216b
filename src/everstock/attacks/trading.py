"""Attacks by those who trade: on what an option costs, and on what it locks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from everstock.attacks.result import BP, NOTIONAL, POOL, Figure, Line, Verdict, attack, loses, refused
from everstock.attacks.stage import DAY, YEAR, Stage, fee_rate
from everstock.client import Side

OUT_OF_BAND = "OptionMarket_StrikeOutOfBand"
DEEPEST = 1.19
"""Moneyness of the deepest strike that may be opened: strikes within ±20% of the index, on a grid of 2%."""


@attack(
    1,
    "Same-block insurance drain",
    "Open and close a deep call in one block, again and again. All of the premium went to the main pool, and "
    "insurance paid what the option was worth above 75%: every cycle moved money from one pool to the other, and "
    "who held most of the main pool gained it.",
    "Strikes may be opened within ±20% of the index only, far below the cap, and a position is exercised once its "
    "mark reaches 75%: insurance pays only what a jump leaves above that.",
)
def insurance_drain(stage: Stage) -> Iterator[Line]:
    stage.provide(stage.main, 300, "lp")
    stage.provide(stage.insurance, 1_000, "lp")
    attacker = stage.provide(stage.main, 2_700, "attacker")
    trader = stage.trader("attacker", 500)
    deep = stage.strike_at(1.885)
    tail = stage.form.call(1.885) - 0.75
    notional = 4_000  # all that the pools can back
    yield refused(
        "open a call at x = 1.885",
        stage,
        OUT_OF_BAND,
        lambda: trader.open(stage.market, deep, Side.CALL, 100),
        before=f"insurance −{tail * notional / 1_000:.0%} a cycle",
    )
    strike = stage.strike_at(DEEPEST)
    cash = stage.insurance.cash

    def cycles() -> None:
        for _ in range(30):
            trader.open(stage.market, strike, Side.CALL, 500)
            trader.close(stage.market, strike, Side.CALL)
        assert stage.insurance.cash >= cash, "insurance paid"

    gain = stage.result_of(cycles, attacker)
    yield loses("30 cycles at x = 1.19, the attacker holding 90% of main", gain / 500, NOTIONAL)


@attack(
    2,
    "Free leverage",
    "Buy a call deep in the money, where time value and so funding is next to nothing, and hold it: three times "
    "the underlying's return on the capital, nearly for nothing.",
    "Every position pays rent on the reserve that it locks, whatever its strike: 5% a year at least.",
)
def free_leverage(stage: Stage) -> Iterator[Line]:
    stage.fund(3_000, 1_000)
    trader = stage.trader("attacker", 1_000)
    strike, notional, days = stage.strike_at(DEEPEST), 1_000, 30
    loaded = 0.36 * 1.2 / stage.form.c
    for x in (1.3, 1.5):
        with stage.chain.anchor():
            trader.open(stage.market, strike, Side.CALL, notional)
            stage.move(stage.market.strike_price_usd(strike) * Decimal(str(x)))
            before = trader.health
            stage.pass_time(days * DAY, every=DAY)
            paid = before.equity - trader.health.equity
        yearly = float(paid) / notional * 365 / days
        yield loses(
            f"hold at x = {x}, a quarter of main in use, a year",
            -yearly,
            NOTIONAL,
            before=-stage.form.time_value(x) * loaded,
        )


@attack(
    3,
    "Lock-up grief",
    "Buy calls so far out of the money that they cost nothing. They lock reserves like any other, and nobody else "
    "can buy: 370 USD a year locked 20 million.",
    "Strikes within ±20%, rent on what is locked, and at most 60% of main for either side.",
)
def lock_up(stage: Stage) -> Iterator[Line]:
    stage.fund(3_000, 1_000)
    trader = stage.trader("griefer", 1_000)
    far = stage.strike_at(0.1)
    loaded = 0.36 * 1.2 / stage.form.c
    yearly = stage.form.time_value(0.1) * loaded
    yield refused(
        "lock reserves with calls at x = 0.1",
        stage,
        OUT_OF_BAND,
        lambda: trader.open(stage.market, far, Side.CALL, 1_000),
        before=f"{yearly * 100:.0e} % of notional a year".replace("-", "−"),
    )
    calls = stage.strike_at(1 / DEEPEST)
    yield refused(
        "lock all of main with calls at x = 0.84",
        stage,
        "PerpetualOptions_SideLimit",
        lambda: trader.open(stage.market, calls, Side.CALL, 3_900),
    )
    start = trader.health.equity
    trader.open(stage.market, calls, Side.CALL, trader.max_open(stage.market, calls, Side.CALL))
    puts = stage.strike_at(DEEPEST)
    trader.open(stage.market, puts, Side.PUT, trader.max_open(stage.market, puts, Side.PUT))
    in_use = stage.main.nav().reserved / (stage.main.nav().cash or 1)
    entered = trader.health.equity
    stage.pass_time(DAY)
    yield loses(f"lock {in_use:.0%} of main from both sides: a day", (trader.health.equity - entered) / 3_000, POOL)
    yield loses("… and the premiums for it", (entered - start) / 3_000, POOL)


@attack(
    4,
    "Picking off a late feed",
    "The feed still shows a price that the world has left. Buy the best option at the old price, sell it when the "
    "feed has caught up.",
    "Asks take the dearest and bids the cheapest value within a band around the price: the feed's deviation "
    "threshold plus 0.1%. A lag within the band pays at no strike.",
)
def lag_pick_off(stage: Stage) -> Iterator[Line]:
    stage.fund(3_000, 1_000)
    for deviation, lags in (("0.005", (0.0025, 0.005, 0.01)), ("0.001", (0.001, 0.002))):
        stage.set_deviation(deviation)
        for lag in lags:
            gain, how = _best_pick(stage, lag)
            case = f"feed {lag:.2%} behind, band ±{float(stage.band):.1%}, best of {how}"
            yield loses(case, gain, BP, _pick_of_draft(stage, lag))
        band, pays = float(stage.band), _smallest_paying(lambda lag: _best_pick(stage, lag, (-9, -5, 0, 5, 9))[0])
        before = _smallest_paying(lambda lag: _pick_of_draft(stage, lag))
        case = f"smallest lag that pays at some strike, band ±{band:.1%}"
        yield Line(case, f"{before:.2%}", f"{pays:.2%}", Verdict.BOUNDED, pays > band)


def _smallest_paying(gain: Callable[[float], Figure]) -> float:
    """By halving, to 0.02%."""
    low, high = 0.0, 0.04
    while high - low > 0.0002:
        middle = (low + high) / 2
        low, high = (low, middle) if gain(middle) > 0 else (middle, high)
    return high


ALLOWED = range(-9, 10)
"""Strikes that may be opened."""


def _picks(stage: Stage, lag: float, strikes: Iterable[int] = ALLOWED) -> Iterator[tuple[int, Side, Decimal]]:
    for strike in strikes:
        yield strike, Side.CALL, stage.price * (1 + Decimal(str(lag)))
        yield strike, Side.PUT, stage.price * (1 - Decimal(str(lag)))


def _best_pick(stage: Stage, lag: float, strikes: Iterable[int] = ALLOWED) -> tuple[Decimal, str]:
    notional = 100
    trader = stage.trader("attacker", 100)
    best, tried = Decimal(-1), 0
    for strike, side, true_price in _picks(stage, lag, strikes):

        def pick(strike: int = strike, side: Side = side, true_price: Decimal = true_price) -> None:
            trader.open(stage.market, strike, side, notional)
            stage.publish(true_price)
            trader.close(stage.market, strike, side)

        best, tried = max(best, stage.result_of(pick, trader.owner) / notional), tried + 1
    return best, f"{tried} options"


def _pick_of_draft(stage: Stage, lag: float) -> float:
    """No band: only the spread of 1% and the fee, each way."""
    form, best = stage.form, -1.0
    for strike, side, true_price in _picks(stage, lag):
        x = stage.moneyness(strike)
        bought, sold = form.value(x, side), form.value(x * float(true_price / stage.price), side)
        costs = form.spread(bought) + form.spread(sold) + fee_rate(bought) + fee_rate(sold)
        best = max(best, sold - bought - costs)
    return best


@attack(
    15,
    "Order splitting",
    "When the spread grew with utilisation, twenty small orders paid far less of it than one large order.",
    "The spread does not depend on size; what utilisation costs is rent, which all pay alike while they hold.",
)
def order_splitting(stage: Stage) -> Iterator[Line]:
    stage.fund()
    trader = stage.trader("attacker", 100)
    strike, notional, parts = 0, 600, 20

    def whole() -> None:
        trader.open(stage.market, strike, Side.CALL, notional)

    def split() -> None:
        for _ in range(parts):
            trader.open(stage.market, strike, Side.CALL, notional // parts)

    once, often = (stage.result_of(act, trader.owner) for act in (whole, split))
    yield loses(
        "600 in 20 orders rather than one",
        (often - once) / notional,
        NOTIONAL,
        before="a spread of 20% of premium → 7.4%",
    )


@attack(
    16,
    "Keeper's reward out of insurance",
    "Let an account of one's own run dry, liquidate it from another, and take the reward that insurance pays when "
    "the account has nothing left.",
    "The reward is 0.1% of what is sold; getting there costs the margin and what the option was worth.",
)
def self_liquidation(stage: Stage) -> Iterator[Line]:
    for days, case in ((0, "as soon as it may be liquidated"), (60, "once it has nothing left")):
        with stage.chain.anchor():
            stage.fund()
            trader, liquidator = stage.trader("attacker", 10), stage.account("attacker's keeper")
            notional = 100
            start = stage.wealth(trader.owner, liquidator)
            trader.open(stage.market, 0, Side.CALL, notional)
            trader.withdraw(trader.max_withdraw())
            while trader.health.equity >= trader.health.maintenance_margin:
                stage.pass_time(stage_step(days))
            stage.pass_time(days * DAY, every=DAY)
            receipt = trader.liquidate(stage.market, 0, Side.CALL, liquidator)
            reward = receipt.event("Reward")
            if trader.positions:
                trader.close(stage.market, 0, Side.CALL)
            gain = stage.wealth(trader.owner, liquidator) - start
            paid = stage.token.amount(reward["fromInsurance"]) / notional
        yield loses(
            f"{case}; reward from insurance {float(paid):.2%}", gain / notional, NOTIONAL, before="loses ≥ 1.3%"
        )


def stage_step(days: int) -> int:
    """How long to wait between two looks at the account: short when the first moment matters."""
    return DAY if days else YEAR // 365 // 24
