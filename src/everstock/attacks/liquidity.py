"""Attacks by, and on, those who provide liquidity."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from everstock.attacks.result import POOL, Line, Verdict, attack, bounded, loses, refused
from everstock.attacks.stage import DAY, HOUR, MINUTE, Stage
from everstock.client import Side

DEPOSIT = "% of the deposit"


@attack(
    5,
    "LP sandwich",
    "The feed is about to show a fall, and the pool has sold calls. Deposit before the print and own a part of "
    "the gain; or leave before a rise.",
    "Deposits pay the higher end of a valued band and redemptions get the lower; a redemption takes a day, and is "
    "executed at a price stamped after it.",
)
def lp_sandwich(stage: Stage) -> Iterator[Line]:
    pool = 1_000
    stage.fund(pool, 500)
    for deviation, lag in (("0.005", 0.0025), ("0.005", 0.005), ("0.005", 0.01), ("0.001", 0.002)):
        for x, name in ((1.0, "at the money"), (1.19, "in the money")):
            with stage.chain.anchor():
                stage.set_deviation(deviation)
                strike, notional = stage.strike_at(x), 750
                stage.fill(strike, Side.CALL, notional, margin=200)
                form, exact = stage.form, stage.moneyness(strike)
                drop = form.call(exact) - form.call(exact * (1 - lag))
                gain = stage.result_of(lambda lag=lag: _enter_before(stage, lag), stage.account("attacker"))  # type: ignore[misc]
                # The deposit doubles the pool: half of what it gains is the attacker's.
                draft = drop * notional / pool / 2
                yield loses(
                    f"deposit before a fall of {lag:.2%}, band ±{float(stage.band):.1%}, calls {name}",
                    (gain - pool) / pool,
                    POOL,
                    before=draft,
                )
    stage.fill(0, Side.CALL, 750, margin=200)
    lp = stage.account("lp")
    stage.main.request_redeem(lp)
    yield refused(
        "leave before a rise",
        stage,
        "UnderwritingPool_CoolingDown",
        lambda: stage.main.execute_redemption(lp, stage.keeper),
    )


def _enter_before(stage: Stage, lag: float) -> None:
    stage.provide(stage.main, 1_000, "attacker")
    stage.move(float(stage.price) * (1 - lag))


@attack(
    12,
    "Rent spike",
    "Own 95% of the pool, redeem on Friday until everything is in use, collect the highest rent over the weekend, "
    "watch accounts being liquidated for it, and come back on Monday.",
    "A redemption pays only what leaves 80% in use: rent stays below its steep part.",
)
def rent_spike(stage: Stage) -> Iterator[Line]:
    pool, days = 1_000, 3
    stage.provide(stage.main, 50)
    stage.provide(stage.insurance, 500)
    attacker = stage.provide(stage.main, 950, "attacker")
    trader = stage.fill(0, Side.CALL, 790, margin=200)

    def stay() -> None:
        stage.pass_time((1 + days) * DAY)
        trader.settle(stage.keeper)

    used: list[float] = []

    def leave_and_return() -> None:
        shares = stage.main.shares_of(attacker)
        stage.main.request_redeem(attacker, shares * 45 // 100)
        stage.pass_time(DAY)
        stage.main.execute_redemption(attacker, stage.keeper)
        nav = stage.main.nav()
        used.append(nav.reserved / nav.cash)
        stage.pass_time(days * DAY)
        trader.settle(stage.keeper)
        stage.main.claim(attacker)
        back = stage.token.balance(attacker)
        stage.main.deposit(attacker, back)

    stayed, returned = (stage.result_of(act, attacker) for act in (stay, leave_and_return))
    book = Decimal(790)
    spike = Decimal(stage.reserve_rate(1.0) - stage.reserve_rate(0.6)) * days / 365 * book * Decimal("0.9") / pool
    case = f"out on Friday to {used[0]:.0%} in use, back on Monday; against staying"
    yield bounded(case, (returned - stayed) / pool, Decimal("0.0001"), POOL, before=spike)
    with stage.chain.anchor():
        stage.main.request_redeem(attacker)
        stage.pass_time(DAY)
        stage.main.execute_redemption(attacker, stage.keeper)
        yield refused(
            "redeem the rest, past 80% in use",
            stage,
            "UnderwritingPool_NothingFree",
            lambda: stage.main.execute_redemption(attacker, stage.keeper),
        )


@attack(
    13,
    "Redemption timing",
    "Keep a request pending at all times: take it back when the pool does well, execute it at the last price when "
    "a loss is known. A choice of the moment is an option.",
    "A request can be neither cancelled nor replaced, anyone executes it, and at prices stamped after the "
    "cooldown only.",
)
def redemption_timing(stage: Stage) -> Iterator[Line]:
    pool = 1_000
    stage.fund(pool, 500)
    lp = stage.account("lp")
    stage.fill(stage.strike_at(1.1), Side.CALL, 750, margin=200)
    stage.main.request_redeem(lp, stage.main.shares_of(lp) // 10)
    contract = stage.main.contract
    yield refused(
        "replace a request",
        stage,
        "UnderwritingPool_AlreadyRequested",
        lambda: contract.requestRedeem(1, lp, lp, sender=lp),
    )
    cancel = [each["name"] for each in contract.artifact.abi if "cancel" in each.get("name", "").lower()]
    yield Line("cancel it", "–", cancel[0] if cancel else "no such function", Verdict.REFUSED, not cancel)
    stage.pass_time(DAY - MINUTE)
    stage.chain.warp(2 * MINUTE)
    before = stage.nav(stage.main)
    with stage.chain.anchor():
        stage.move(float(stage.price) * 1.02)
        known = (before - stage.nav(stage.main)) / pool
    yield refused(
        "execute at the price before a known rise of 2%",
        stage,
        "UnderwritingPool_PriceTooOld",
        lambda: stage.main.execute_redemption(lp, lp),
        before=f"{known * 100:+.2f} {POOL}",
    )

    def executed_by_anyone() -> None:
        stage.move(float(stage.price) * 1.02)
        stage.main.execute_redemption(lp, stage.keeper)

    def kept() -> None:
        stage.move(float(stage.price) * 1.02)

    left, stayed = (stage.result_of(act, lp) for act in (executed_by_anyone, kept))
    yield loses("executed by anyone after it, against staying", (left - stayed) / pool, POOL)


@attack(
    14,
    "Dust",
    "A position of next to nothing in a closed market kept LPs from depositing; 32 of them, 250 USD each, took "
    "all of a pool's strikes.",
    "A minimum notional; a closed market counts as nothing in a deposit while it locks at most 10% of the pool; "
    "dust at far strikes is evicted by anyone once the strikes run out.",
)
def dust(stage: Stage) -> Iterator[Line]:
    with stage.chain.anchor():
        stage.fund()
        stocks = stage.session_market()
        trader = stage.trader("griefer", 100)
        yield refused(
            "a position of 0.1",
            stage,
            "PerpetualOptions_BelowMinimum",
            lambda: trader.open(stocks.market, 0, Side.CALL, Decimal("0.1")),
        )
        trader.open(stocks.market, 0, Side.CALL, 1)
        stage.chain.warp(10 * HOUR)  # closed
        stage.publish()
        stage.poke()
        late = stage.account("late lp")
        stage.provide(stage.main, 10, "late lp")
        blocked = Decimal(1) - (stage.wealth(late) > 0)
        yield bounded(
            "keep a deposit out of the pool while stocks are closed", blocked, 0, "% of deposits", "all deposits"
        )
    stage.fund()
    stage.fill(0, Side.CALL, 200, margin=100)
    trader = stage.trader("griefer", 300)
    other = stage.trader("griefer's friend", 300)
    for strike in range(-9, 10):
        (trader if strike < 5 else other).open(stage.market, strike, Side.CALL, 1)
    stage.move(90_000)
    third = stage.trader("griefer's other friend", 300)
    for strike in range(12, 25):
        third.open(stage.market, strike, Side.CALL, 1)
    newcomer = stage.trader("newcomer", 50)
    full = stage.refusal(lambda: newcomer.open(stage.market, 26, Side.CALL, 10))
    victim = trader.positions[0]
    stage.system.options.evict(trader.owner, stage.token.address, victim, sender=stage.keeper)
    after = stage.refusal(lambda: newcomer.open(stage.market, 26, Side.CALL, 10))
    yield Line(
        "hold 32 strikes with 32 positions of the minimum",
        "blocks all new strikes",
        "evicted by anyone" if full and after is None else f"{full}, then {after}",
        Verdict.REFUSED,
        full == "PerpetualOptions_TooManyStrikes" and after is None,
    )


@attack(
    17,
    "First depositor",
    "Deposit one unit into an empty pool, give it a fortune, and let the next deposit round to no shares.",
    "Virtual shares; and nobody can credit a pool's entry in the vault from outside: tokens sent there belong to "
    "no share.",
)
def first_depositor(stage: Stage) -> Iterator[Line]:
    attacker, victim = stage.account("attacker"), stage.account("victim")
    stage.token.mint(attacker, 2_000)
    start = stage.wealth(attacker)
    stage.main.deposit(attacker, stage.token.amount(1))
    token, vault, pool = stage.token.contract, stage.system.vault, stage.main.address
    units = stage.token.units(1_000)
    token.approve(vault, units, sender=attacker)
    yield refused(
        "credit the pool's entry in the vault",
        stage,
        "CollateralVault_SealedEntry",
        lambda: vault.deposit(token.address, stage.system.options.address, pool, units, sender=attacker),
    )
    token.transfer(vault.address, units // 2, sender=attacker)
    token.transfer(pool, units // 2, sender=attacker)
    stage.token.mint(victim, 100)
    stage.main.deposit(victim, 100)
    lost = 100 - stage.wealth(victim)
    yield loses(
        "send 1,000 to vault and pool, then a deposit of 100", (stage.wealth(attacker) - start) / 100, DEPOSIT, 1.0
    )
    yield bounded("… what the depositor loses", lost / 100, Decimal("1e-15"), DEPOSIT, 1.0)


@attack(
    18,
    "Just-in-time liquidity",
    "Deposit right before a large premium, fee or settlement of funding arrives, take a share of it, and leave.",
    "NAV counts what has accrued before it is paid, and values a new position at once; who enters pays the dear "
    "end of the band and cannot leave for a day.",
)
def just_in_time(stage: Stage) -> Iterator[Line]:
    pool = 1_000
    stage.fund(pool, 500)
    holder = stage.fill(0, Side.CALL, 400, margin=200)
    buyer = stage.trader("buyer", 200)
    stage.live_through(7)
    due = holder.health.owed

    def around_settlement() -> None:
        stage.provide(stage.main, pool, "attacker")
        holder.settle(stage.keeper)

    def around_premium() -> None:
        stage.provide(stage.main, pool, "attacker")
        buyer.open(stage.market, stage.strike_at(1.06), Side.CALL, 300)

    attacker = stage.account("attacker")
    for case, act, before in (
        ("a week's funding of half the book being settled", around_settlement, due * Decimal("0.99") / 2),
        ("a premium on 300 being paid", around_premium, Decimal(stage.form.call(1.02**3) * 300 / 2)),
    ):
        gain = stage.result_of(act, attacker) - pool
        yield loses(f"{case}: in before, valued after", gain / pool, POOL, before=before / pool)
