"""OptionsLens.previewClose and previewLiquidation: to the unit what the book does in the same block."""

from __future__ import annotations

import pytest
from lens_checks import check_close, check_liquidation, name_of

from support.desk import DAY, HOUR, ONE, UINT112_MAX, Desk, add_session_market

N = 100 * ONE


@pytest.fixture
def weak(desk: Desk) -> Desk:
    """Two days after keeping its initial margin to the unit, `trader` has less than its maintenance margin."""
    desk.open(0, True, N)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(2 * DAY)
    return desk


@pytest.fixture
def indebted(desk: Desk) -> Desk:
    """After nine days `trader` has debt on record, and a tenth has gone by since."""
    desk.open(0, True, N)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(9 * DAY)
    desk.poke()
    desk.settle()
    desk.pass_time(DAY)
    assert sum(desk.debt()) > 0
    return desk


@pytest.mark.parametrize("notional", [ONE, N // 3, N - ONE, N, UINT112_MAX])
@pytest.mark.parametrize("is_call", [True, False])
def test_a_close_pays_what_was_previewed(desk, is_call, notional):
    desk.open(0, is_call, N)
    desk.pass_time(7 * HOUR)
    desk.publish(60_900)
    assert check_close(desk, 0, is_call, notional=notional) == ""


def test_a_close_in_the_insurance_layer(desk):
    desk.open(0, True, N)
    for price in (80_000, 104_000, 118_000):
        desk.move(price)
    assert (
        desk.system.lens.previewClose(desk.who.trader, desk.token.address, desk.id(), UINT112_MAX).payoutInsurance > 0
    )
    assert check_close(desk) == ""


def test_a_close_of_an_indebted_account(indebted):
    assert check_close(indebted) == ""
    indebted.move(45_000)  # proceeds do not cover the debt: nothing is left for the fee
    assert check_close(indebted) == ""
    p = indebted.system.lens.previewClose(indebted.who.trader, indebted.token.address, indebted.id(), UINT112_MAX)
    assert p.fee == p.toOwner == p.balanceAfter == 0 < p.debtPaid


def test_a_close_that_is_refused(desk):
    desk.open(0, True, N)
    assert check_close(desk, notional=0) == "PerpetualOptions_ZeroNotional"
    assert check_close(desk, 1) == "PerpetualOptions_NoPosition"
    assert check_close(desk, market=99) == "PerpetualOptions_UnknownMarket"
    assert check_close(desk, notional=N + 1) == "PerpetualOptions_CloseTooLarge"
    assert check_close(desk, notional=N - ONE + 1) == "PerpetualOptions_BelowMinimum"
    lens, token = desk.system.lens, desk.token.address
    assert lens.previewClose(desk.who.trader, token, desk.id(), N - 1).payoutMain > 0  # shown all the same
    assert check_close(desk, token=desk.who.stranger) == "PerpetualOptions_UnknownToken"
    assert lens.previewClose(desk.who.trader, desk.who.stranger, desk.id(), N)[1:] == (0,) * 7
    desk.publish(0)
    assert check_close(desk) == "OptionMarket_NotOpen"


def test_a_liquidation_sells_and_pays_what_was_previewed(weak):
    assert check_liquidation(weak) == ""
    p = weak.system.lens.previewLiquidation(weak.who.trader, weak.token.address, weak.id())
    assert 0 < p.notional < N


def test_a_liquidation_takes_all_of_a_small_position(desk):
    desk.open(0, True, 2 * ONE)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(2 * DAY)
    desk.options.setToken(desk.token.address, 2 * ONE, False, sender=desk.who.governor)
    assert check_liquidation(desk) == ""
    p = desk.system.lens.previewLiquidation(desk.who.trader, desk.token.address, desk.id())
    assert p.notional == 2 * ONE


def test_a_liquidation_that_the_insurance_pool_pays_for(indebted):
    indebted.move(45_000)
    assert check_liquidation(indebted) == ""
    p = indebted.system.lens.previewLiquidation(indebted.who.trader, indebted.token.address, indebted.id())
    assert (p.notional, p.reward) == (N, N // 1000)
    assert p.equity < 0


def test_a_liquidation_counts_other_positions(weak):
    closing = weak.with_market(add_session_market(weak.system).name)
    weak.add_margin(weak.who.trader, 20 * ONE)
    closing.open(0, True, 10 * ONE)
    weak.withdraw(weak.health().equity - weak.health().initialMargin)
    weak.pass_time(2 * DAY)
    assert check_liquidation(weak) == ""
    assert check_liquidation(closing) == "PerpetualOptions_Healthy"  # the other market has not been poked yet
    weak.poke()
    assert check_liquidation(closing) == ""


def test_a_liquidation_that_is_refused(desk):
    desk.open(0, True, N)
    assert check_liquidation(desk) == "PerpetualOptions_Healthy"
    assert check_liquidation(desk, 1) == "PerpetualOptions_NoPosition"
    assert check_liquidation(desk, 0, True, 99) == "PerpetualOptions_UnknownMarket"
    elsewhere = desk.system.lens.previewLiquidation(desk.who.trader, desk.who.stranger, desk.id())
    assert name_of(desk, elsewhere.refusal) == "PerpetualOptions_UnknownToken"
    assert elsewhere[1:] == (False, 0, 0, 0, 0)
    desk.publish(0)
    assert check_liquidation(desk) == "OptionMarket_NotOpen"
