"""PerpetualOptions.exercise: at the cap of the main layer anyone closes a position at the mark."""

from __future__ import annotations

from decimal import Decimal

import pytest

from everstock.artifacts import load
from support.desk import DAY, EXERCISE, HALTED, INSURANCE, MAIN, MARK, ONE, STALE, WAD, Desk

N = 10 * ONE
CAP = 75 * WAD // 100


def at_the_cap(desk: Desk, is_call: bool, near: int) -> int:
    """The feed's first answer (8 decimals) at which the mark reaches the cap, coming from the money."""
    desk.move(near)
    low, high = near * 10**8 * 95 // 100, near * 10**8 * 105 // 100
    while high - low > 1:
        middle = (low + high) // 2
        with desk.chain.anchor():
            desk.publish(Decimal(middle) / 10**8)
            reached = desk.quote(0, is_call, MARK).value >= CAP
        if reached == is_call:
            high = middle
        else:
            low = middle
    return high if is_call else low


@pytest.mark.parametrize(("is_call", "near", "towards"), [(True, 105_000, 1), (False, 15_000, -1)])
def test_exercise_from_the_cap_on_and_not_a_tick_before(desk, is_call, near, towards):
    desk.open(0, is_call, N)
    answer = at_the_cap(desk, is_call, near)
    desk.publish(Decimal(answer - towards) / 10**8)
    mark = desk.quote(0, is_call, MARK).value
    assert CAP - 10**10 < mark < CAP
    with desk.refused("PerpetualOptions_BelowCap", mark, CAP):
        desk.exercise(0, is_call)
    desk.publish(Decimal(answer) / 10**8)
    mark = desk.quote(0, is_call, MARK).value
    assert CAP <= mark < CAP + 10**10
    closed = desk.exercise(0, is_call).return_value
    assert closed.payoutMain == N * 3 // 4
    assert closed.payoutInsurance == N * (mark - CAP) // WAD


@pytest.mark.parametrize(("is_call", "near"), [(True, 105_000), (False, 15_000)])
def test_a_mark_of_the_very_cap_is_exercised_and_one_unit_less_is_not(desk, is_call, near):
    """A feed of eight decimals steps over the cap; one that prints WAD meets it."""
    desk.open(0, is_call, N)
    desk.move(near)
    oracle, asset = desk.system.oracle, desk.market.asset.id
    feed = desk.chain.deploy(load()["HostileFeed"], sender=desk.who.governor)
    feed.push(near * WAD, sender=desk.who.governor)
    config = oracle.assetConfig(asset)
    oracle.setAsset(asset, (feed, config.maxAge, config.deviation, config.calendar), sender=desk.who.governor)

    def mark_at(price: int) -> int:
        feed.push(price, sender=desk.who.governor)
        return int(desk.quote(0, is_call, MARK).value)

    low, high = near * WAD * 95 // 100, near * WAD * 105 // 100
    while high - low > 1:
        middle = (low + high) // 2
        with desk.chain.anchor():
            reached = mark_at(middle) >= CAP
        low, high = (low, middle) if reached == is_call else (middle, high)
    price, before = (high, low) if is_call else (low, high)
    with desk.chain.anchor():
        assert mark_at(before) == CAP - 1
        with desk.refused("PerpetualOptions_BelowCap", CAP - 1, CAP):
            desk.exercise(0, is_call)
    assert mark_at(price) == CAP
    assert desk.exercise(0, is_call).return_value.payoutMain == N * 3 // 4


def test_exercise_pays_the_mark_less_the_reward(desk):
    desk.open(0, True, N)
    desk.move(110_000)
    mark = desk.quote(0, True, MARK).value
    balance, main, insurance = desk.balance(desk.who.trader), desk.cash(MAIN), desk.cash(INSURANCE)
    owed, to_insurance = desk.health().owed, 0
    receipt = desk.exercise(sender=desk.who.stranger)
    settled = desk.event(receipt, "Settle")
    to_insurance = settled["funding"] // 100 + settled["rent"] // 10
    due = settled["funding"] + settled["rent"]
    assert due == owed
    payout_main, payout_insurance, reward = N * 3 // 4, N * (mark - CAP) // WAD, N // 2000
    assert receipt.return_value == (N, payout_main, payout_insurance, reward, 0)
    assert desk.balance(desk.who.trader) == balance - due + payout_main + payout_insurance - reward
    assert desk.free(desk.who.stranger) == reward
    assert desk.cash(MAIN) == main + due - to_insurance - payout_main
    assert desk.cash(INSURANCE) == insurance + to_insurance - payout_insurance
    assert desk.positions() == []
    assert desk.event(receipt, "Close")["reason"] == EXERCISE
    assert desk.event(receipt, "Reward").args == {
        "keeper": desk.who.stranger,
        "owner": desk.who.trader,
        "token": desk.token.address,
        "fromAccount": reward,
        "fromInsurance": 0,
    }


def test_exercise_never_pays_more_than_the_notional(desk):
    """X2"""
    desk.open(0, True, N)
    desk.move(180_000)
    assert desk.quote(0, True, MARK).value > WAD
    closed = desk.exercise().return_value
    assert (closed.payoutMain, closed.payoutInsurance) == (N * 3 // 4, N // 4)


def test_a_put_is_paid_in_full_when_the_price_is_gone(desk):
    desk.open(0, False, N)
    desk.move(1)
    closed = desk.exercise(0, False).return_value
    assert closed.payoutMain + closed.payoutInsurance == pytest.approx(N * 59_999 / 60_000, rel=1e-6)


def test_exercise_pays_the_reward_then_debt_then_the_holder(desk):
    notional = 100 * ONE
    desk.open(0, True, notional)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(10 * DAY)
    desk.poke()
    desk.settle()
    desk.move(110_000)
    desk.settle()
    debt = sum(desk.debt())
    assert debt > 0
    closed = desk.exercise().return_value
    assert (closed.fee, closed.debtPaid) == (notional // 2000, debt)
    assert desk.free(desk.who.keeper) == notional // 2000
    assert desk.debt() == (0, 0)
    assert desk.book.forgiven == 0
    assert desk.balance(desk.who.trader) == closed.payoutMain + closed.payoutInsurance - closed.fee - debt


def test_exercise_closes_one_position_and_leaves_the_others(desk):
    desk.open(0, True, N)
    desk.open(2, True, N)
    desk.open(0, True, N, owner=desk.who.rival)
    desk.move(125_000)
    desk.exercise()
    assert desk.positions() == [desk.id(2, True)]
    assert desk.position(owner=desk.who.rival).notional == N


def test_the_holder_may_exercise_and_is_paid_the_reward(desk):
    desk.open(0, True, N)
    desk.move(110_000)
    desk.exercise(sender=desk.who.trader)
    assert desk.free(desk.who.trader) == N // 2000


def test_exercise_is_refused_without_a_position(desk):
    desk.open(0, True, N)
    desk.move(110_000)
    for owner, position in ((desk.who.rival, (0, True)), (desk.who.trader, (0, False)), (desk.who.trader, (1, True))):
        with desk.refused("PerpetualOptions_NoPosition", owner, desk.token.address, desk.id(*position)):
            desk.exercise(*position, owner=owner)
    desk.exercise()
    with desk.refused("PerpetualOptions_NoPosition"):
        desk.exercise()


def test_exercise_in_an_unknown_market_or_token_is_refused(desk):
    with desk.refused("PerpetualOptions_UnknownMarket", 77):
        desk.exercise(0, True, 77)
    with desk.refused("PerpetualOptions_UnknownToken", desk.who.stranger):
        desk.options.exercise(desk.who.trader, desk.who.stranger, desk.id(), sender=desk.who.keeper)


def test_exercise_on_an_unconfirmed_jump_or_a_stale_price_is_refused(desk):
    """One print of twice the price would pay every call its cap."""
    desk.open(0, True, N)
    with desk.chain.anchor():
        desk.publish(120_000)
        with desk.refused("OptionMarket_NotOpen", HALTED):
            desk.exercise()
    desk.move(120_000)
    desk.chain.warp(4_201)
    with desk.refused("OptionMarket_NotOpen", STALE):
        desk.exercise()


def test_no_tokens_appear_or_vanish_in_an_exercise(desk):
    """X3"""
    desk.open(0, True, N)
    desk.move(110_000)
    owners = [desk.who.trader, desk.main, desk.insurance]
    before = sum(map(desk.balance, owners))
    desk.exercise()
    assert sum(map(desk.balance, owners)) + desk.free(desk.who.keeper) == before
