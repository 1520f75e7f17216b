"""PerpetualOptions.liquidate: when, how much, and who is paid."""

from __future__ import annotations

import pytest

from support.desk import (
    BID,
    DAY,
    HALTED,
    HOUR,
    INSURANCE,
    LIQUIDATION,
    MAIN,
    ONE,
    STALE,
    WAD,
    Desk,
    up,
)

N = 100 * ONE


@pytest.fixture
def weak(desk: Desk) -> Desk:
    """Two days after keeping its initial margin to the unit, `trader` has less than its maintenance margin."""
    desk.open(0, True, N)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(2 * DAY)
    desk.poke()
    health = desk.health()
    assert 0 < health.equity < health.maintenanceMargin
    return desk


@pytest.fixture
def hopeless(desk: Desk) -> Desk:
    """After ten days, and a fall that takes the value of its calls, `trader` owes more than it has."""
    desk.open(0, True, N)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(10 * DAY)
    desk.poke()
    desk.move(30_000)
    desk.publish()
    desk.settle()
    assert sum(desk.debt()) > 0
    return desk


def amount(desk: Desk, bid: int) -> int:
    """What brings the account back to its initial margin."""
    health, rate = desk.health(), desk.market.contract.constants().initialMargin
    return up((health.initialMargin - health.equity) * WAD, min(bid, WAD) + rate - WAD // 1000)


# ---------------------------------------------------------------------------------------------- when


def test_a_healthy_account_is_refused_with_its_equity_and_margin(desk):
    desk.open(0, True, N)
    health = desk.health()
    with desk.refused("PerpetualOptions_Healthy", health.equity, health.maintenanceMargin):
        desk.liquidate()


def test_an_account_at_its_maintenance_margin_is_healthy_and_a_unit_below_it_is_not(weak):
    """X7"""
    desk = weak
    health = desk.health()
    desk.add_margin(desk.who.trader, health.maintenanceMargin - health.equity - 1)
    with desk.chain.anchor():
        desk.liquidate()
    desk.add_margin(desk.who.trader, 1)
    with desk.refused("PerpetualOptions_Healthy", health.maintenanceMargin, health.maintenanceMargin):
        desk.liquidate()


def test_a_move_of_the_price_alone_never_liquidates(desk):
    desk.open(0, True, N)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    for price in (40_000, 20_000, 90_000, 60_000):
        desk.move(price)
        desk.publish()
        with desk.refused("PerpetualOptions_Healthy"):
            desk.liquidate()


def test_topping_up_ends_it(weak):
    desk = weak
    desk.add_margin(desk.who.trader, ONE)
    with desk.refused("PerpetualOptions_Healthy"):
        desk.liquidate()


def test_what_other_positions_owe_counts(desk):
    other = desk.with_market("ETH-7D")
    other.open(0, True, N)
    desk.open(0, True, ONE)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(2 * DAY)
    for each in (other, desk):
        each.poke()
    other_before = other.position()
    receipt = desk.liquidate()  # its own position owes little
    assert receipt.return_value.notional == ONE
    assert other.position() == other_before  # the keeper chooses which one to sell
    assert desk.events(receipt, "Settle")[0]["id"] == desk.id()
    other.liquidate()
    assert 0 < other.position().notional < N


# ---------------------------------------------------------------------------------------------- how much


def test_it_sells_what_brings_the_account_back_to_its_initial_margin(weak):
    desk = weak
    bid = desk.quote(0, True, BID).value
    expected = amount(desk, bid)
    assert ONE < expected < N - ONE
    balance = desk.balance(desk.who.trader) - desk.health().owed
    receipt = desk.liquidate()
    proceeds, reward = expected * bid // WAD, expected // 1000
    assert receipt.return_value == (expected, proceeds, 0, reward, 0)
    assert desk.position().notional == N - expected
    assert desk.balance(desk.who.trader) == balance + proceeds - reward
    health = desk.health()
    assert health.owed == 0
    assert health.initialMargin - 2 <= health.equity <= health.initialMargin + 2
    assert desk.event(receipt, "Close").args == {
        "owner": desk.who.trader,
        "token": desk.token.address,
        "marketId": desk.market.id,
        "id": desk.id(),
        "reason": LIQUIDATION,
        "closed": receipt.return_value,
    }


def test_one_unit_less_would_not_have_been_enough(weak):
    desk = weak
    bid = desk.quote(0, True, BID).value
    rate = desk.market.contract.constants().initialMargin
    health, n = desk.health(), amount(desk, bid)

    def missing(sold: int) -> int:
        equity = health.equity + sold * bid // WAD - sold // 1000
        return up((N - sold) * rate, WAD) - equity

    assert missing(n) <= 1 < missing(n - 10_000)


def test_it_is_over_after_one_liquidation(weak):
    desk = weak
    desk.liquidate()
    with desk.refused("PerpetualOptions_Healthy"):
        desk.liquidate()


def test_the_whole_position_goes_when_the_rest_would_be_below_the_minimum(weak):
    desk = weak
    expected = amount(desk, desk.quote(0, True, BID).value)
    desk.options.setToken(desk.token.address, N - expected + 1, False, sender=desk.who.governor)
    with desk.chain.anchor():
        assert desk.liquidate().return_value.notional == N
        assert desk.positions() == []
    desk.options.setToken(desk.token.address, N - expected, False, sender=desk.who.governor)
    assert desk.liquidate().return_value.notional == expected


def test_the_whole_position_goes_when_it_is_not_enough(hopeless):
    desk = hopeless
    assert amount(desk, desk.quote(0, True, BID).value) > N
    assert desk.liquidate().return_value.notional == N
    assert desk.positions() == []


def test_a_value_above_the_cap_sells_at_the_cap(weak):
    desk = weak
    desk.move(130_000)
    bid = desk.quote(0, True, BID).value
    assert bid > WAD
    expected = amount(desk, bid)
    closed = desk.liquidate().return_value
    assert closed.notional == max(expected, 0)
    assert closed.payoutMain + closed.payoutInsurance == expected * 3 // 4 + expected // 4


def test_no_position_grows_and_no_other_is_touched(weak):
    desk = weak
    desk.add_margin(desk.who.trader, 3 * ONE)
    desk.open(2, False, ONE)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(30 * DAY)
    desk.poke()
    other = desk.position(2, False)
    before = desk.position().notional
    desk.liquidate()
    assert desk.position().notional < before
    assert desk.position(2, False) == other


# ---------------------------------------------------------------------------------------------- who is paid


def test_the_keeper_is_paid_from_the_account(weak):
    desk = weak
    receipt = desk.liquidate()
    reward = receipt.return_value.notional // 1000
    assert desk.free(desk.who.liquidator) == reward
    assert desk.event(receipt, "Reward").args == {
        "keeper": desk.who.liquidator,
        "owner": desk.who.trader,
        "token": desk.token.address,
        "fromAccount": reward,
        "fromInsurance": 0,
    }


def test_an_account_that_has_nothing_left_is_paid_for_by_insurance(hopeless):
    desk = hopeless
    insurance, debt = desk.cash(INSURANCE), desk.debt()
    receipt = desk.liquidate()
    closed = receipt.return_value
    assert closed.debtPaid == closed.payoutMain < sum(debt)
    assert desk.free(desk.who.liquidator) == N // 1000 == closed.fee
    assert desk.event(receipt, "Reward")["fromInsurance"] == N // 1000
    assert desk.cash(INSURANCE) == insurance + closed.debtPaid * debt[1] // sum(debt) - N // 1000
    assert desk.book.forgiven == sum(debt) - closed.debtPaid > 0
    assert desk.balance(desk.who.trader) == 0


def test_an_account_that_has_a_little_left_pays_that_and_insurance_the_rest(desk):
    desk.open(0, True, N)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(10 * DAY)
    desk.poke()
    desk.settle()
    debt = sum(desk.debt())
    for price in range(59_000, 61_500, 50):  # where the proceeds are a little more than the debt
        desk.publish(price)
        if 0 < N * desk.quote(0, True, BID).value // WAD - debt < N // 1000:
            break
    insurance = desk.cash(INSURANCE)
    to_insurance = desk.debt()[1]
    receipt = desk.liquidate()
    closed, reward = receipt.return_value, desk.event(receipt, "Reward")
    assert closed.notional == N
    assert closed.debtPaid == debt
    assert reward["fromAccount"] == closed.payoutMain - debt > 0
    assert reward["fromInsurance"] == N // 1000 - reward["fromAccount"] > 0
    assert desk.cash(INSURANCE) == insurance + to_insurance - reward["fromInsurance"]
    assert desk.free(desk.who.liquidator) == N // 1000
    assert desk.book.forgiven == 0


def test_insurance_pays_no_keeper_out_of_what_it_reserves(hopeless):
    """P1: its free cash after the sale, to the unit."""
    desk = hopeless
    desk.add_margin(desk.who.rival, 5 * N)
    reserved = desk.options.poolState(desk.token.address, INSURANCE).reserved
    spare = desk.cash(INSURANCE) - reserved
    desk.options.payRedemption(desk.token.address, INSURANCE, spare, sender=desk.insurance)
    assert desk.cash(INSURANCE) == reserved
    desk.liquidate()
    assert desk.cash(INSURANCE) >= desk.options.poolState(desk.token.address, INSURANCE).reserved
    assert desk.free(desk.who.liquidator) == N // 1000  # out of what the sale has freed


def test_insurance_without_free_cash_pays_no_keeper_what_an_empty_account_cannot(hopeless):
    """P1: after the sale its cash is what others' positions reserve, to the unit: nothing is left for the reward.

    A sale frees a quarter of what it sells, so that no usual path comes here: the entry is lowered by hand.
    """
    desk = hopeless
    desk.add_margin(desk.who.rival, 5 * N)
    desk.open(-35, True, N, owner=desk.who.rival)
    before = desk.cash(INSURANCE)
    with desk.chain.anchor():
        desk.liquidate()
        income = desk.cash(INSURANCE) + N // 1000 - before
        reserved = desk.options.poolState(desk.token.address, INSURANCE).reserved
    assert reserved == N // 4
    for reward in (0, 3):
        with desk.chain.anchor():
            surplus = before + income - reserved - reward
            desk.system.vault.release(
                desk.token.address, desk.insurance.address, desk.who.stranger, surplus, sender=desk.options
            )
            receipt = desk.liquidate()
            assert desk.event(receipt, "Reward")["fromInsurance"] == reward
            assert desk.free(desk.who.liquidator) == reward
            assert desk.cash(INSURANCE) == reserved


def test_one_may_liquidate_oneself(weak):
    desk = weak
    receipt = desk.liquidate(sender=desk.who.trader)
    assert desk.free(desk.who.trader) == receipt.return_value.notional // 1000


def test_no_tokens_appear_or_vanish(weak):
    """X3, P4"""
    desk = weak
    owners = [desk.who.trader, desk.main, desk.insurance]
    before = sum(map(desk.balance, owners))
    desk.liquidate()
    assert sum(map(desk.balance, owners)) + desk.free(desk.who.liquidator) == before
    assert desk.wallet(desk.vault) >= before


def test_proceeds_above_the_debt_stay_with_the_account(desk):
    desk.open(0, True, N)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(10 * DAY)
    desk.poke()
    desk.move(75_000)
    desk.settle()
    debt = sum(desk.debt())
    assert debt > 0
    closed = desk.liquidate().return_value
    assert closed.debtPaid == debt
    assert desk.balance(desk.who.trader) == closed.payoutMain - debt - closed.fee
    assert 0 < desk.position().notional < N
    assert desk.book.forgiven == 0


# ---------------------------------------------------------------------------------------------- what it refuses


def test_no_position_to_liquidate(weak):
    desk = weak
    trader, stranger = desk.who.trader, desk.who.stranger
    for owner, position in ((trader, (1, True)), (trader, (0, False)), (stranger, (0, True))):
        with desk.refused("PerpetualOptions_NoPosition", owner, desk.token.address, desk.id(*position)):
            desk.liquidate(*position, owner=owner)


def test_an_unknown_market_or_token_is_refused(weak):
    desk = weak
    with desk.refused("PerpetualOptions_UnknownMarket", 99):
        desk.liquidate(0, True, 99)
    with desk.refused("PerpetualOptions_UnknownToken", desk.who.stranger):
        desk.options.liquidate(desk.who.trader, desk.who.stranger, desk.id(), sender=desk.who.liquidator)


def test_a_price_that_cannot_be_traded_on_is_refused(weak):
    desk = weak
    with desk.chain.anchor():
        desk.chain.warp(4_201)
        with desk.refused("OptionMarket_NotOpen", STALE):
            desk.liquidate()
    desk.publish(80_000)
    with desk.refused("OptionMarket_NotOpen", HALTED):
        desk.liquidate()


def test_another_market_that_is_halted_does_not_protect(weak):
    desk = weak
    eth = desk.with_market("ETH-7D")
    desk.add_margin(desk.who.trader, 3 * ONE)
    eth.open(0, True, ONE)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(30 * DAY)
    eth.publish(9_000)
    eth.poke()
    desk.liquidate()


def test_a_position_past_its_markets_wind_down_announcement_is_still_liquidated(weak):
    desk = weak
    desk.wind_down(60_000)
    assert desk.liquidate().return_value.notional > 0


def test_the_fee_goes_to_no_pool_and_no_treasury(weak):
    desk = weak
    treasury, insurance = desk.fees, desk.cash(INSURANCE)
    desk.settle()
    settled, main = desk.cash(INSURANCE), desk.cash(MAIN)
    closed = desk.liquidate().return_value
    assert desk.fees == treasury
    assert desk.cash(INSURANCE) == settled >= insurance
    assert desk.cash(MAIN) == main - closed.payoutMain


def test_time_alone_liquidates_at_last(desk):
    """X7: whoever does nothing is liquidatable some day, and not before its maintenance margin is touched."""
    desk.open(0, True, N)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    for _ in range(100):
        desk.pass_time(6 * HOUR)
        desk.poke()
        health = desk.health()
        if health.equity < health.maintenanceMargin:
            break
        with desk.refused("PerpetualOptions_Healthy", health.equity, health.maintenanceMargin):
            desk.liquidate()
    desk.liquidate()
