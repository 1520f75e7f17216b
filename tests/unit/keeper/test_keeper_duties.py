"""Duties that pay nothing: halts told, debt booked, fees collected, dust evicted. And when each is left."""

from __future__ import annotations

from decimal import Decimal

import pytest

from everstock.artifacts import find_root
from everstock.client.system import PriceStatus
from everstock.keeper import Kind, Policy
from everstock.keeper.config import BadConfig, KeeperConfig
from everstock.keeper.duties import Evict
from support.desk import CONFIRMATION, DAY, ONE, Desk

LAZY = Policy(poke_every_seconds=10**9, sweep_every_seconds=10**9)


def kinds(keeper) -> list[Kind]:
    return [action.kind for action in keeper.tick()]


def status(desk: Desk, asset: str = "BTC") -> PriceStatus:
    return PriceStatus(desk.system.oracle.read(desk.system.asset(asset).id).status)


# ── halts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_jump_is_told_at_once_and_confirmed_after_five_minutes(desk, born):
    """The oracle's answer stays at the last price: neither its move nor the clock would have it poked."""
    keeper = born(policy=LAZY)
    desk.open(0, False, 10 * ONE)
    keeper.tick()
    pokes = keeper.statistics.pokes
    desk.chain.warp(30)
    desk.publish(70_000)
    keeper.tick()
    assert keeper.statistics.pokes == pokes + 1
    assert keeper.statistics.halts == 1
    keeper.tick()
    assert keeper.statistics.pokes == pokes + 1, "the same print is told once"
    desk.chain.warp(CONFIRMATION)
    desk.publish(70_000)
    assert status(desk) is PriceStatus.OPEN, "since the first print was told"
    keeper.tick()
    assert desk.market.price_usd == 70_000


def test_prints_of_a_long_halt_are_told_ever_more_seldom(desk, born):
    keeper = born(policy=Policy(sweep_every_seconds=10**9))
    desk.open(0, False, 10 * ONE)
    keeper.tick()
    told = keeper.statistics.pokes
    price = 70_000
    for _ in range(60):  # each 6% beyond the last: none confirms
        desk.chain.warp(30)
        price = price * 106 // 100 if price < 10**6 else 70_000
        desk.publish(price)
        keeper.tick()
    assert 3 <= keeper.statistics.pokes - told <= 8


def test_a_halt_is_told_where_only_a_loan_or_an_order_waits(desk, born):
    """Nobody holds an option on TSLA: no market would be poked."""
    keeper = born(policy=LAZY)
    system, market = desk.system, desk.system.lending_market("TSLA.M/USDX")
    lender, borrower = desk.chain.account("lender"), market.borrower(desk.chain.account("borrower"))
    market.loan.contract.mint(lender, market.loan.units(10_000), sender=system.governor)
    market.supply(lender, 10_000)
    market.collateral.mint(borrower.owner, 30)
    borrower.deposit(30)
    borrower.borrow(3_000)
    keeper.tick()
    desk.chain.warp(30)
    system.asset("TSLA").publish(200)
    keeper.tick()
    desk.chain.warp(CONFIRMATION)
    system.asset("TSLA").publish(200)
    assert status(desk, "TSLA") is PriceStatus.OPEN


def test_the_second_of_two_keepers_need_not_poke(desk, born):
    first, second = born(), born("another keeper")
    desk.open(0, False, 10 * ONE)
    first.tick()
    second.tick()
    done = second.statistics.pokes
    for _ in range(4):
        desk.chain.warp(900)
        desk.publish()
        first.tick()
        second.tick()
    assert first.statistics.pokes == 5
    assert second.statistics.pokes == done


# ── settlement ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def insolvent(desk: Desk) -> Desk:
    """Keepers were gone for months: the account owes far more than it holds, and BTC is halted since."""
    desk.open(0, False, 100 * ONE)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    for _ in range(80):
        desk.pass_time(DAY)
    desk.chain.warp(60)
    desk.publish(90_000)
    desk.poke()
    assert status(desk) is PriceStatus.HALTED
    health = desk.health()
    assert health.owed > health.balance + ONE
    return desk


def test_an_insolvent_account_is_settled_where_it_cannot_be_sold(born, insolvent):
    desk, keeper = insolvent, born()
    # The log began before the account did; in a halt nobody is liquidated.
    assert Kind.SETTLE in kinds(keeper)
    assert sum(desk.debt()) > ONE
    assert desk.book.debtMain == desk.debt()[0]
    desk.chain.warp(1)
    assert Kind.SETTLE not in kinds(keeper), "a second's rent is no reason to do it again"


def test_nobody_pays_for_others_who_does_not_want_to(born, insolvent):
    assert kinds(born(policy=Policy(unpaid=False))) == []
    assert sum(insolvent.debt()) == 0


def test_a_sum_worth_having_is_settled_at_sweeps(desk, born):
    keeper = born(policy=Policy(settle_above_usd=Decimal(100)))
    desk.open(0, False, 100 * ONE)
    kinds(keeper)
    for _ in range(4):
        desk.pass_time(900)
        assert Kind.SETTLE not in kinds(keeper)
    for _ in range(12):
        desk.pass_time(DAY // 4)
        desk.poke()
    assert desk.health().owed * 250 > 100 * ONE
    assert Kind.SETTLE in kinds(keeper)
    assert desk.health().owed == 0


# ── housekeeping ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_fees_go_to_the_treasury_at_sweeps(desk, born):
    keeper = born()
    kinds(keeper)
    for strike in range(4):
        desk.open(strike, True, 100 * ONE)
    due = desk.book.treasuryDue
    assert due > 0
    assert Kind.COLLECT_FEES not in kinds(keeper)
    desk.pass_time(3_601)
    assert Kind.COLLECT_FEES in kinds(keeper)
    assert desk.free(desk.who.treasury) == due
    desk.pass_time(3_601)
    assert Kind.COLLECT_FEES not in kinds(keeper)


def test_dust_is_evicted_while_a_cap_is_reached(desk, born):
    """Without exercise, which would be first here: these calls are deep in the money."""
    keeper = born(duties=[Evict])
    desk.at_thirty_two_strikes()
    desk.open(20, True, 200 * ONE, owner=desk.who.keeper)
    assert kinds(keeper) == [Kind.EVICT], "one makes room: the contract refuses the next"
    assert len(desk.sold()) == 31
    desk.pass_time(3_601)
    desk.publish()
    assert kinds(keeper) == []


def test_a_keeper_that_is_paid_only_evicts_nobody(desk, born):
    desk.at_thirty_two_strikes()
    desk.open(20, True, 200 * ONE, owner=desk.who.keeper)
    assert kinds(born(duties=[Evict], policy=Policy(unpaid=False))) == []


# ── settings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_settings_are_read_exactly(tmp_path):
    path = tmp_path / "keeper.yaml"
    path.write_text(
        "min_profit_usd: 0.1\npoke_on_move: 0.003\n"
        "arbitrage:\n- {token: TSLA.M, pair: '0x" + "11" * 20 + "', router: '0x" + "22" * 20 + "', cash_limit: 5000}\n"
    )
    config = KeeperConfig.read(path)
    assert config.policy == Policy(min_profit_usd=Decimal("0.1"), poke_on_move=Decimal("0.003"))
    (venue,) = config.arbitrage
    assert venue.policy.cash_limit == 5_000
    assert config.but(unpaid=False, min_profit_usd=None).policy.unpaid is False
    for wrong in ("min_profit: 1", "arbitrage: [{token: TSLA.M}]", "poke_on_move: 2", "a: [", "arbitrage: 7"):
        path.write_text(wrong)
        with pytest.raises(BadConfig, match=r"keeper\.yaml"):
            KeeperConfig.read(path)


def test_the_example_says_what_the_defaults_are():
    example = KeeperConfig.read(find_root() / "bots" / "keeper.example.yaml")
    assert example == KeeperConfig()
