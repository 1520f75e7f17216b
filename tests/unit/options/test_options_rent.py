"""Rent: the rate at a utilisation, what it is taken from, and who may make it accrue."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from support.desk import (
    DAY,
    HOUR,
    INSURANCE,
    MAIN,
    MAIN_CASH,
    MARGIN,
    ONE,
    WAD,
    YEAR,
    Desk,
    up,
)

N = 40 * ONE
RESERVED = 10 * ONE
FEE_TO_INSURANCE = N // 2000 // 5


def at_utilisation(system, insurance_cash: int) -> Desk:
    """Insurance reserves 10 of its cash for 40 calls; main hardly notices."""
    desk = Desk.empty(system)
    desk.fund_pool(MAIN, 100 * MAIN_CASH)
    desk.fund_pool(INSURANCE, insurance_cash - FEE_TO_INSURANCE)
    desk.add_margin(desk.who.trader, MARGIN)
    desk.open(0, True, N)
    assert desk.cash(INSURANCE) == insurance_cash
    return desk


def growth(desk: Desk, seconds: int) -> int:
    before = desk.book.rentIndex
    desk.chain.warp(seconds)
    state = desk.options.poolState(desk.token.address, MAIN)
    accrued = desk.options.accrueRent(desk.token.address, MAIN, sender=desk.who.stranger).return_value
    assert accrued == state
    assert desk.book.rentAccruedAt == desk.chain.now
    assert desk.book.rentIndex == accrued.rentIndex
    return int(desk.book.rentIndex) - before


@pytest.mark.parametrize(
    ("cash", "rate"),
    [
        (20 * ONE, "0.09375"),  # 50%: 5% + 7% · 5/8
        (ONE * 125 // 10, "0.12"),  # 80%
        (ONE * 100 // 8, "0.12"),
        (10 * ONE, "0.6"),  # 100%
    ],
)
def test_the_rate_of_a_year_at_a_utilisation(system, cash, rate):
    desk = at_utilisation(system, cash)
    assert growth(desk, YEAR) == int(float(rate) * 10**9) * 10**9


def test_the_rate_between_the_kink_and_full(system):
    cash = RESERVED * 10 // 9 + 1
    desk = at_utilisation(system, cash)
    used = RESERVED * WAD // cash
    rate = WAD * 12 // 100 + WAD * 48 // 100 * (used - WAD * 8 // 10) // (WAD // 5)
    assert rate == pytest.approx(0.36 * WAD)
    assert growth(desk, DAY) == rate * DAY // YEAR


def test_an_idle_token_accrues_five_per_cent(desk):
    assert growth(desk, YEAR) == WAD // 20


def test_a_token_without_cash_accrues_five_per_cent(system):
    assert growth(Desk.empty(system), YEAR) == WAD // 20


def test_main_sets_the_rate_when_it_is_the_fuller_one(desk):
    desk.open(0, True, 400 * ONE)
    reserved, cash = 300 * ONE, desk.cash(MAIN)
    used = reserved * WAD // cash
    assert used > 100 * ONE * WAD // desk.cash(INSURANCE)
    assert growth(desk, YEAR) == (WAD // 20 + WAD * 7 // 100 * used // (WAD * 8 // 10))


def test_no_time_no_rent(desk):
    desk.open(0, True, N)
    assert growth(desk, 0) == 0


def test_an_operation_is_charged_at_the_utilisation_before_it(desk):
    desk.pass_time(DAY)
    desk.open(0, True, 400 * ONE)  # 30% from here on
    assert desk.book.rentIndex == WAD // 20 * DAY // YEAR
    assert growth(desk, DAY) > WAD // 20 * DAY // YEAR


def test_a_deposit_is_charged_at_the_utilisation_before_it(system):
    desk = at_utilisation(system, RESERVED)
    desk.pass_time(DAY)
    desk.fund_pool(INSURANCE, 1_000 * ONE)
    assert desk.book.rentIndex == 6 * WAD // 10 * DAY // YEAR


@pytest.mark.parametrize("answer", [-1, 90_000 * 10**8])
def test_rent_runs_in_wall_time_whatever_the_price_says(desk, answer):
    desk.open(0, True, N)
    desk.market.asset.aggregator.updateAnswer(answer, sender=desk.who.governor)
    desk.poke()
    with desk.chain.anchor():
        while_halted = growth(desk, DAY)
    assert while_halted >= WAD // 20 * DAY // YEAR


def test_every_position_owes_rent_on_its_notional_alike(desk):
    desk.open(9, True, N)
    desk.open(-5, False, N, owner=desk.who.rival)
    desk.pass_time(HOUR)
    events = [desk.event(desk.settle(owner), "Settle") for owner in (desk.who.trader, desk.who.rival)]
    assert events[0]["rent"] == events[1]["rent"] == up(N * desk.book.rentIndex, WAD)
    assert events[0]["funding"] != events[1]["funding"]


def test_rents_tenth_and_fundings_hundredth_go_to_insurance(desk):
    desk.open(0, True, N)
    insurance = desk.cash(INSURANCE)
    desk.pass_time(HOUR)
    event = desk.event(desk.settle(), "Settle")
    assert desk.cash(INSURANCE) - insurance == event["rent"] // 10 + event["funding"] // 100


def test_accrue_rent_on_an_unlisted_token_is_refused(desk):
    for call in (desk.options.accrueRent, desk.options.poolState):
        with desk.refused("PerpetualOptions_UnknownToken", ZERO_ADDRESS):
            call(ZERO_ADDRESS, MAIN, sender=desk.who.stranger)


@pytest.mark.parametrize("layer", [MAIN, INSURANCE])
def test_pool_state_tells_what_a_pool_knows_of_itself(desk, layer):
    desk.open(0, True, N + 1)
    desk.with_market("ETH-7D").open(0, False, N)
    state = desk.options.poolState(desk.token.address, layer)
    assert state.cash == desk.cash(layer)
    assert state.reserved == up((2 * N + 1) * (1 if layer else 3), 4)
    assert state.debt == 0
    assert [each.marketId for each in state.markets] == [0, 1]
    alone = [desk.options.marketState(desk.token.address, market_id) for market_id in (0, 1)]
    assert state.markets == alone


# ---------------------------------------------------------------------------------------------- pools only


def test_only_the_layers_own_pool_may_have_its_cash_moved(desk):
    token = desk.token.address
    for caller in (desk.who.stranger, desk.who.governor, desk.insurance, desk.system.token("CRCL.M").main_contract):
        with desk.refused("PerpetualOptions_NotPool", caller):
            desk.options.payRedemption(token, MAIN, ONE, sender=caller)
    with desk.refused("PerpetualOptions_NotPool", desk.main):
        desk.options.payRedemption(token, INSURANCE, ONE, sender=desk.main)
    with desk.refused("PerpetualOptions_UnknownToken", ZERO_ADDRESS):
        desk.options.payRedemption(ZERO_ADDRESS, MAIN, ONE, sender=ZERO_ADDRESS)


def test_a_redemption_is_paid_down_to_the_reserve_and_not_a_unit_further(desk):
    """P1: the book holds the line whatever a pool asks for."""
    desk.open(0, True, N)
    free = desk.cash(MAIN) - 30 * ONE
    with desk.refused("PerpetualOptions_InsufficientReserve", MAIN, 30 * ONE - 1, 30 * ONE):
        desk.options.payRedemption(desk.token.address, MAIN, free + 1, sender=desk.main)
    with desk.refused("PerpetualOptions_InsufficientReserve", MAIN, 0, 30 * ONE):
        desk.options.payRedemption(desk.token.address, MAIN, 2**256 - 1, sender=desk.main)
    with desk.refused("CollateralVault_ZeroAmount"):
        desk.options.payRedemption(desk.token.address, MAIN, 0, sender=desk.main)
    receipt = desk.options.payRedemption(desk.token.address, MAIN, free, sender=desk.main)
    assert desk.free(desk.main) == free
    assert desk.event(receipt, "PayRedemption").args == {"token": desk.token.address, "layer": MAIN, "amount": free}
