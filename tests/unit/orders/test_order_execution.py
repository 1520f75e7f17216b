"""OrderBook.execute: at the first price after the commitment, all legs or none."""

from __future__ import annotations

import pytest

from everstock.client.orders import AT_THE_MONEY, Trigger
from support.desk import HALTED, ONE, UINT112_MAX, add_session_market


def test_a_market_order_executes_at_the_price_after_its_commitment(pit):
    order = pit.order()
    committed = pit.commit(order).event("Commit")
    assert (committed["orderHash"], committed["owner"]) == (pit.hash(order), pit.trader)
    assert pit.state(order) == (pit.now, 0, False)
    pit.print(60_100)
    receipt = pit.execute(order)
    opened = receipt.event("Open")
    assert (opened["notional"], opened["price"]) == (10 * ONE, 60_100 * 10**18)
    executed = receipt.event("Execute")
    assert (executed["orderHash"], executed["payee"], executed["executionFee"]) == (pit.hash(order), pit.keeper, 0)
    assert pit.state(order)[2]
    assert pit.held() == 10 * ONE


def test_the_price_it_was_committed_at_does_not_do(pit):
    pit.print()
    order = pit.order()
    pit.commit(order)
    for _ in range(2):
        early = ("OrderBook_PriceTooEarly", pit.desk.market.id, pit.now, pit.now)
        with pit.refused(order, *early):
            pit.execute(order)
        pit.desk.publish(60_001)  # the same second: still not after
    pit.print()
    pit.execute(order)


def test_a_price_does_until_it_is_a_minute_old(pit):
    order = pit.order()
    pit.commit(order)
    pit.print()
    published = pit.now
    pit.desk.chain.warp(61)
    with pit.refused(order, "OrderBook_PriceTooOld", pit.desk.market.id, published, published + 1):
        pit.execute(order)
    pit.print(after=0)
    pit.desk.chain.warp(60)
    pit.execute(order)


def test_once(pit):
    """The second keeper of a race is told by name, and loses nothing but gas."""
    order = pit.order()
    pit.commit(order)
    committed_at = pit.now
    pit.print()
    pit.execute(order)
    with pit.refused(order, "OrderBook_AlreadyExecuted", pit.hash(order)):
        pit.execute(order)
    with pit.refused(order, "OrderBook_AlreadyCommitted", pit.hash(order), committed_at):
        pit.commit(order)


def test_not_without_a_commitment(pit):
    order = pit.order()
    pit.print()
    with pit.refused(order, "OrderBook_NotCommitted"):
        pit.execute(order)


def test_not_what_was_not_committed(pit):
    order = pit.order()
    pit.commit(order)
    pit.print()
    other = order.but(legs=(pit.buy(notional=11 * ONE),))
    with pit.refused(other, "OrderBook_NotCommitted", pit.hash(other)):
        pit.execute(other)


def test_not_after_its_deadline(pit):
    order = pit.order(deadline=pit.now + 20)
    pit.commit(order)
    pit.print()
    pit.desk.chain.warp(11)
    with pit.refused(order, "OrderBook_Expired", order.deadline, pit.now):
        pit.execute(order)


def test_not_without_the_owners_leave(pit):
    order = pit.order()
    pit.commit(order)
    pit.desk.options.setOperator(pit.book, False, sender=pit.trader)
    pit.print()
    with pit.refused(order, "PerpetualOptions_NotOperator", pit.trader, pit.book.address):
        pit.execute(order)


# ── limits and triggers ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_limit_order_waits_for_its_price(pit):
    dear = int(pit.desk.quote(0, True, 0).value) * 10
    order = pit.order(pit.buy(limit=dear * 9 // 10))
    pit.commit(order)
    pit.print()
    with pit.refused(order, "PerpetualOptions_PremiumAboveLimit", limit=dear * 9 // 10):
        pit.execute(order)
    pit.print(59_000)
    pit.execute(order)


def test_proceeds_below_the_limit(pit):
    pit.desk.open(0, True, 10 * ONE)
    order = pit.order(pit.sell(limit=ONE // 2))
    pit.commit(order)
    pit.print()
    with pit.refused(order, "PerpetualOptions_ProceedsBelowLimit", limit=ONE // 2):
        pit.execute(order)
    pit.print(65_000)
    pit.execute(order)
    assert pit.held() == 0


@pytest.mark.parametrize(
    ("trigger", "met", "missed"), [(Trigger.AT_OR_ABOVE, 61_000, 60_999), (Trigger.AT_OR_BELOW, 59_000, 59_001)]
)
def test_a_triggered_close(pit, trigger, met, missed):
    """Take-profit of a call and stop of a put above, the others below."""
    pit.desk.open(0, True, 10 * ONE)
    order = pit.order(pit.sell(), trigger=trigger, trigger_market_id=pit.desk.market.id, trigger_price=met * 10**18)
    pit.commit(order)
    pit.print(missed)
    with pit.refused(order, "OrderBook_NotTriggered", int(trigger), missed * 10**18, met * 10**18):
        pit.execute(order)
    pit.print(met)
    pit.execute(order)
    assert pit.held() == 0


def test_a_trigger_of_another_market(pit):
    eth = pit.desk.system.market("ETH-7D")
    order = pit.order(trigger=Trigger.AT_OR_BELOW, trigger_market_id=eth.id, trigger_price=2_900 * 10**18)
    pit.commit(order)
    pit.print()
    early = eth.contract.state().updatedAt
    with pit.refused(order, "OrderBook_PriceTooEarly", eth.id, early, pit.state(order)[0]):
        pit.execute(order)
    pit.desk.publish(3_000, eth)
    with pit.refused(order, "OrderBook_NotTriggered", int(Trigger.AT_OR_BELOW), 3_000 * 10**18, 2_900 * 10**18):
        pit.execute(order)
    pit.desk.publish(2_900, eth)
    pit.execute(order)


def test_a_trigger_of_a_market_that_is_halted(pit):
    eth = pit.desk.system.market("ETH-7D")
    order = pit.order(trigger=Trigger.AT_OR_ABOVE, trigger_market_id=eth.id, trigger_price=4_000 * 10**18)
    pit.commit(order)
    pit.print()
    pit.desk.publish(4_500, eth)
    with pit.refused(order, "OptionMarket_NotOpen", HALTED):
        pit.execute(order)


# ── several legs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_straddle_opens_both_legs(pit):
    order = pit.order(pit.buy(), pit.buy(is_call=False))
    pit.commit(order)
    pit.print()
    pit.execute(order)
    assert (pit.held(), pit.held(is_call=False)) == (10 * ONE, 10 * ONE)


def test_all_or_none(pit):
    order = pit.order(pit.buy(), pit.buy(is_call=False, limit=1))
    pit.commit(order)
    pit.print()
    with pit.refused(order, "PerpetualOptions_PremiumAboveLimit", limit=1):
        pit.execute(order)
    assert pit.held() == 0


def test_every_leg_needs_a_price_of_its_own_market(pit):
    eth = pit.desk.system.market("ETH-7D")
    order = pit.order(pit.buy(), pit.buy(market=eth.id))
    pit.commit(order)
    stamp = eth.contract.state().updatedAt
    pit.print()
    with pit.refused(order, "OrderBook_PriceTooEarly", eth.id, stamp, pit.state(order)[0]):
        pit.execute(order)
    pit.desk.publish(None, eth)
    pit.execute(order)


@pytest.mark.parametrize("price", [62_000, 61_500, 58_100])
def test_a_roll_reopens_the_same_notional_at_the_nearest_strike(pit, price):
    pit.desk.open(0, True, 10 * ONE)
    pit.desk.open(0, True, 5 * ONE)
    roll = (pit.sell(), pit.buy(AT_THE_MONEY, notional=UINT112_MAX))
    order = pit.order(*roll)
    pit.commit(order)
    pit.print(price)
    pit.execute(order)
    strikes = {j: pit.desk.market.contract.strikePrice(j) / 10**18 for j in range(-4, 5)}
    nearest = min(strikes, key=lambda j: max(price / strikes[j], strikes[j] / price))
    assert nearest != 0
    assert (pit.held(), pit.held(nearest)) == (0, 15 * ONE)


def test_the_nearest_strike_may_be_the_one_below_or_the_one_at_the_price(pit):
    for price, strike in ((60_000, 0), (60_590, 0), (60_600, 1), (61_199, 1)):
        order = pit.order(pit.buy(AT_THE_MONEY), salt=price)
        pit.commit(order)
        pit.print(price)
        event = pit.execute(order).event("Open")
        assert event["id"].strike == strike, price


def test_nothing_was_closed_before(pit):
    order = pit.order(pit.buy(notional=UINT112_MAX))
    pit.commit(order)
    pit.print()
    with pit.refused(order, "OrderBook_NothingClosed", 0):
        pit.execute(order)


def test_what_was_closed_opens_once(pit):
    pit.desk.open(0, True, 10 * ONE)
    again = pit.buy(AT_THE_MONEY, is_call=False, notional=UINT112_MAX)
    order = pit.order(pit.sell(), again, again)
    pit.commit(order)
    pit.print()
    with pit.refused(order, "OrderBook_NothingClosed", 2):
        pit.execute(order)


def test_a_position_that_has_gone_lets_the_order_wait(pit):
    order = pit.order(pit.sell())
    pit.commit(order)
    pit.print()
    with pit.refused(order, "PerpetualOptions_NoPosition"):
        pit.execute(order)


# ── closed and halted markets ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_survives_a_closed_session(pit):
    market = add_session_market(pit.desk.system)
    order = pit.order(pit.buy(market=market.id), deadline=pit.now + 2 * 86_400)
    pit.desk.chain.warp(7 * 3600)  # 21:30 UTC
    pit.commit(order)
    pit.desk.publish(None, market)
    with pit.refused(order, "OptionMarket_NotOpen"):
        pit.execute(order)
    pit.desk.chain.warp(17 * 3600 + 60)  # the next day, a minute after the opening
    pit.desk.publish(None, market)
    pit.execute(order)


def test_a_halt_until_the_deadline_costs_nothing(pit):
    order = pit.order(deadline=pit.now + 120)
    before = pit.desk.balance(pit.trader)
    pit.commit(order)
    pit.print(70_000)  # the breaker takes it for a candidate
    with pit.refused(order, "OptionMarket_NotOpen", HALTED):
        pit.execute(order)
    pit.desk.poke()
    pit.desk.chain.warp(120)
    with pit.refused(order, "OrderBook_Expired"):
        pit.execute(order)
    assert pit.desk.balance(pit.trader) == before
    pit.desk.withdraw(before)
    assert pit.desk.wallet(pit.trader) == before


def test_the_constructor_bounds_the_age(pit):
    from everstock.chain.testing import reverts

    system = pit.desk.system
    for age in (4, 301):
        with reverts("OrderBook_OutOfBounds", b"maxPriceAge".ljust(32, b"\0"), age, 5, 300):
            system.chain.deploy(system.artifacts["OrderBook"], system.options, age, sender=pit.keeper)
    assert (pit.book.maxPriceAge(), pit.book.options()) == (60, system.options.address)
