"""Passes of the keeper in process: what it does, leaves, forgets, and does not do twice."""

from __future__ import annotations

import json
import logging
from decimal import Decimal

import pytest

from everstock.chain.errors import NodeUnreachable
from everstock.client import OrderDesk, Side, Trigger, buy, sell
from everstock.client.orders import AT_THE_MONEY
from everstock.keeper import DrySender, EventLog, JsonLines, Keeper, Kind, Policy, Runner
from everstock.keeper.metrics import PlainLines
from support.desk import DAY, FREE, ONE, Desk


class Bench:
    """A desk, the log of its chain, and keepers that live on it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.log = EventLog(desk.chain)
        self.orders = OrderDesk(desk.token, desk.who.trader)
        self.orders.authorise()
        self.keeper = self.born()

    def born(self, name: str = "keeper", **rest) -> Keeper:
        system = self.desk.system
        pools = [self.desk.main.address, self.desk.insurance.address]
        source = self.log.source([system.options.address, system.orders.address, *pools])
        return Keeper(system, self.desk.chain.account(name), source, **rest)

    def commit(self, *legs, salt: int = 0, **rest):
        order = self.orders.order(*legs or (self.leg(),), salt=salt, **rest)
        self.orders.commit(order)
        return order

    def leg(self, strike: int = 0, premium: int = 5):
        return buy(self.desk.token, self.desk.market, strike, Side.CALL, 10, premium)

    def print(self, price: int | None = None) -> None:
        self.desk.chain.warp(10)
        self.desk.publish(price)

    def kinds(self, keeper: Keeper | None = None) -> list[Kind]:
        return [action.kind for action in (keeper or self.keeper).tick()]


@pytest.fixture
def bench(desk: Desk) -> Bench:
    return Bench(desk)


# ── orders ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_orders_execute_at_the_next_print_and_once(bench):
    for salt in range(3):
        bench.commit(salt=salt)
    assert bench.kinds() == []
    bench.print()
    assert bench.kinds() == [Kind.ORDER] * 3
    bench.print()
    assert bench.kinds() == []
    assert bench.desk.position(0, True).notional == 30 * ONE
    assert bench.keeper.metrics.value("actions_total", kind="order") == 3


def test_two_keepers_share_the_work_and_the_second_finds_nothing(bench):
    other = bench.born("another keeper")
    bench.commit()
    bench.print()
    assert bench.kinds() == [Kind.ORDER]
    assert bench.kinds(other) == []


def test_a_keeper_begins_again_from_the_chain_alone(bench):
    waiting = bench.commit(salt=1)
    bench.commit(salt=2, deadline=bench.desk.chain.now + 5)
    cancelled = bench.commit(salt=3)
    bench.orders.cancel(cancelled)
    bench.print()
    reborn = bench.born("reborn")
    assert bench.kinds(reborn) == [Kind.ORDER]
    assert bench.desk.position(0, True).notional == 10 * ONE
    assert [o.order for o in reborn.book.orders.values()] == [cancelled], "until its deadline"
    assert waiting not in [o.order for o in reborn.book.orders.values()]


def test_a_limit_is_simulated_once_a_print(bench):
    bench.commit(bench.leg(premium=0))
    bench.print()
    assert bench.kinds() == []
    calls = []
    execute = bench.desk.system.orders.execute
    original = type(execute).call_many

    def counted(self, many, sender=None):
        if self.spec.name == "execute":
            calls.append(len(many))
        return original(self, many, sender)

    type(execute).call_many = counted
    try:
        bench.kinds()
        bench.print()
        bench.kinds()
    finally:
        type(execute).call_many = original
    assert [count for count in calls if count] == [1]


def test_triggers_are_told_without_asking(bench):
    desk = bench.desk
    desk.open(0, True, 10 * ONE)
    leg = sell(desk.token, desk.market, 0, Side.CALL)
    profit = bench.orders.take_profit(leg, Side.CALL, 61_000)
    stop = bench.orders.stop(leg, Side.CALL, 59_000, salt=1)
    roll = bench.orders.order(
        leg,
        buy(desk.token, desk.market, AT_THE_MONEY, Side.CALL, None, 5),
        salt=2,
        trigger=Trigger.AT_OR_ABOVE,
        trigger_price_usd=61_500,
    )
    for order in (profit, stop, roll):
        bench.orders.commit(order)
    bench.print(60_900)
    assert bench.kinds() == []
    bench.print(61_000)
    assert bench.kinds() == [Kind.ORDER]
    assert desk.positions() == []


def test_nothing_executes_in_a_halt(bench):
    bench.commit()
    bench.desk.open(0, False, 10 * ONE)
    bench.print(70_000)
    assert bench.kinds() == []
    assert bench.keeper.statistics.halts == 1
    bench.desk.chain.warp(300)
    bench.desk.publish(70_000)
    bench.kinds()  # the poke confirms the jump
    bench.print(70_010)
    assert Kind.ORDER not in bench.kinds(), "a call at 60,000 is out of the strike band at 70,000"


def test_an_order_of_an_unknown_market_is_left(bench):
    from everstock.client.orders import Leg

    order = bench.orders.order(Leg(99, 0, True, True, ONE, ONE))
    bench.orders.commit(order)
    bench.print()
    assert bench.kinds() == []


# ── profit ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_that_does_not_pay_is_left(bench):
    careful = bench.born("careful", policy=Policy(min_profit_usd=Decimal("0.01")))
    bench.commit()
    bench.print()
    assert bench.kinds(careful) == []
    assert careful.metrics.value("unprofitable_total", kind="order") == 1


def test_worth_is_the_oracles_price_else_the_listed_one(bench):
    system, economics = bench.desk.system, bench.keeper.economics
    assert economics.worth_usd(system.token("TSLA.M").address, 2 * ONE) == 500
    assert economics.worth_usd(system.token("CRCL.M").address, 2 * ONE) == 260
    assert economics.worth_usd(bench.desk.who.stranger, ONE) == 0
    bench.desk.chain.warp(2 * DAY)
    economics.prices.clear()
    assert economics.worth_usd(system.token("TSLA.M").address, 2 * ONE) == 500, "stale: as listed"


def test_each_pass_weighs_at_its_own_prices(bench):
    bench.keeper.economics.prices["TSLA"] = Decimal(1)
    bench.keeper.tick()
    assert bench.keeper.economics.worth_usd(bench.desk.system.token("TSLA.M").address, ONE) == 250


# ── positions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_account_below_maintenance_is_sold(bench):
    desk = bench.desk
    desk.open(0, False, 100 * ONE)
    health = desk.health()
    desk.withdraw(health.equity - health.initialMargin)
    for _ in range(400):
        desk.pass_time(DAY // 8)
        desk.poke()
        if desk.health().equity < desk.health().maintenanceMargin:
            break
    assert desk.health().equity < desk.health().maintenanceMargin
    call = desk.options.liquidate.call(desk.who.trader, desk.token.address, desk.id(0, False), sender=desk.who.keeper)
    assert call.notional
    assert bench.kinds() == [Kind.LIQUIDATE, Kind.COLLECT_FEES]
    assert desk.health().equity >= desk.health().maintenanceMargin
    assert desk.balance(desk.who.keeper, FREE) > 0


def test_positions_of_a_market_that_ended_are_paid_out(bench):
    desk = bench.desk
    desk.open(0, True, 10 * ONE)
    freeze_at = desk.wind_down(66_000)
    desk.pass_time(freeze_at - desk.chain.now)
    bench.print()
    keeper = bench.born()
    assert bench.kinds(keeper) == [Kind.CLOSE_FROZEN]
    assert desk.positions() == []


# ── dry run, sweeps, failures ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_dry_run_says_and_changes_nothing(bench):
    said = []
    dry = bench.born("dry", sender=DrySender(said.append))
    bench.commit()
    bench.desk.open(0, True, 10 * ONE)
    bench.print()
    number = bench.desk.chain.block_number
    assert bench.kinds(dry) == []
    assert bench.desk.chain.block_number == number
    assert {tx.to for tx in said} == {bench.desk.market.contract.address, bench.desk.system.orders.address}


def test_a_sweep_finds_what_no_event_told(bench):
    bench.desk.open(0, True, 10 * ONE)
    bench.keeper.tick()
    bench.keeper.book.accounts[next(iter(bench.keeper.book.accounts))] = []
    bench.desk.pass_time(3_601)
    bench.keeper.tick()
    assert [len(held) for held in bench.keeper.book.accounts.values()] == [1]


def test_what_could_not_be_read_stays_on_the_list(bench):
    bench.desk.open(0, True, 10 * ONE)
    positions = bench.desk.options.positions
    original = type(positions).read_many

    def fail(self, many):
        raise NodeUnreachable("http://node.example", "gone")

    type(positions).read_many = fail
    try:
        with pytest.raises(NodeUnreachable):
            bench.keeper.tick()
    finally:
        type(positions).read_many = original
    assert not bench.keeper.book.accounts
    bench.keeper.tick()
    assert len(bench.keeper.book.accounts) == 1


# ── runner, logs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_runner_waits_out_failures_and_stops_when_told(bench):
    runner = Runner(bench.keeper, poll_seconds=0.001, longest_pause=0.002, idle_seconds=0)
    passes = []
    tick = bench.keeper.tick

    def flaky():
        passes.append(1)
        if len(passes) < 3:
            raise NodeUnreachable("http://node.example", "gone")
        if len(passes) == 5:
            runner.stop()
        return tick()

    bench.keeper.tick = flaky
    runner.run()
    metrics = bench.keeper.metrics
    assert len(passes) == 5
    assert metrics.value("failed_passes_total", error="NodeUnreachable") == 2
    assert metrics.value("passes_total") == 3
    assert metrics.value("last_pass_timestamp_seconds") > 0


def test_a_mistake_of_our_own_ends_the_run(bench):
    def broken():
        raise ZeroDivisionError

    bench.keeper.tick = broken
    with pytest.raises(ZeroDivisionError):
        Runner(bench.keeper).run()


def test_actions_are_logged_for_machines_and_for_people(bench, caplog):
    heard = []
    bench.commit()
    bench.print()
    with caplog.at_level(logging.INFO, "everstock.keeper"):
        Runner(bench.keeper, on_action=heard.append).once()
    (record,) = caplog.records
    line = json.loads(JsonLines().format(record))
    assert (line["event"], line["level"], line["owner"]) == ("order", "info", bench.desk.who.trader)
    assert line["gas"] > 0
    assert "order" in PlainLines().format(record)
    assert [action.kind for action in heard] == [Kind.ORDER]
    try:
        raise ValueError("x")
    except ValueError as error:
        broken = logging.LogRecord("n", logging.ERROR, "p", 1, "bad", (), (type(error), error, None))
    assert json.loads(JsonLines().format(broken))["error"] == "ValueError"


def test_metrics_are_served(bench):
    import socket
    from urllib.request import urlopen

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    bench.keeper.tick()
    bench.keeper.metrics.serve(port)
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    assert "everstock_keeper_passes_total 1.0" in text
