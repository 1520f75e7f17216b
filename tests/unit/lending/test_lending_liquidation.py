"""Liquidation: when, how much, who is paid, and what becomes of the rest."""

from __future__ import annotations

import pytest

from support.lending_desk import DOLLAR, MAX, VAULT, WAD, LendingDesk

BONUS = 8 * WAD // 100


@pytest.fixture
def unhealthy(lending: LendingDesk) -> LendingDesk:
    """130,000 owed; at 190 the limit is 123,500."""
    lending.borrow(130_000 * DOLLAR)
    lending.move(190)
    return lending


def test_a_healthy_account_is_left_alone(lending):
    lending.borrow(130_000 * DOLLAR)
    lending.move(201)
    debt, limit = lending.debt(), 1_000 * 201 * DOLLAR * 65 // 100
    with lending.refused("LendingMarket_Healthy", debt, limit):
        lending.liquidate()


def test_an_account_is_liquidated_once_interest_takes_it_above_its_limit(lending):
    lending.borrow(130_000 * DOLLAR)
    lending.move(200.0001)
    assert lending.debt() <= lending.health().liquidationLimit
    with lending.refused("LendingMarket_Healthy", lending.debt(), lending.health().liquidationLimit):
        lending.liquidate()
    while lending.debt() <= lending.health().liquidationLimit:
        lending.warp(1)
    lending.liquidate()


def test_it_brings_the_account_back_to_its_borrow_limit_and_no_further(unhealthy):
    before = unhealthy.collateral()
    debt = unhealthy.debt()
    receipt = unhealthy.liquidate()
    repaid, seized = receipt.return_value
    ltv, value = 55 * WAD // 100, 1_000 * 190 * DOLLAR
    excess = (debt - value * 55 // 100) * WAD
    assert repaid == -(-excess // (WAD - -(-ltv * (WAD + BONUS) // WAD)))
    assert seized == repaid * (WAD + BONUS) // WAD * 10**36 // (190 * 10**24)
    assert unhealthy.collateral() == before - seized
    assert unhealthy.stock.balanceOf(unhealthy.liquidator) == seized
    left = (1_000 * WAD - seized) * 190 * 10**24 // 10**36
    assert unhealthy.debt() == pytest.approx(left * 55 // 100, abs=2)
    event = receipt.event("Liquidate").args
    assert (event["repaid"], event["seized"], event["bonus"]) == (repaid, seized, BONUS)
    with unhealthy.refused("LendingMarket_Healthy"):
        unhealthy.liquidate()


def test_the_liquidator_may_take_less(unhealthy):
    repaid, seized = unhealthy.liquidate(1_000 * DOLLAR).return_value
    assert repaid == 1_000 * DOLLAR
    assert seized == 1_080 * DOLLAR * 10**36 // (190 * 10**24)


def test_the_liquidator_names_the_least_it_takes(unhealthy):
    seized = 1_080 * DOLLAR * 10**36 // (190 * 10**24)
    with unhealthy.refused("LendingMarket_SeizedBelowLimit", seized, seized + 1):
        unhealthy.liquidate(1_000 * DOLLAR, min_seized=seized + 1)
    unhealthy.liquidate(1_000 * DOLLAR, min_seized=seized)


def test_collateral_can_stay_in_the_vault(unhealthy):
    unhealthy.stock.pause(sender=unhealthy.system.governor)
    with unhealthy.refused(pause_error(unhealthy)):
        unhealthy.liquidate()
    _, seized = unhealthy.liquidate(payout=VAULT, to=unhealthy.stranger).return_value
    free = unhealthy.vault.balanceOf(unhealthy.stock.address, "0x" + "00" * 20, unhealthy.stranger)
    assert free == seized


def pause_error(desk: LendingDesk) -> str:
    """What a paused stock token says."""
    known = {each["name"] for each in desk.stock.artifact.abi if each["type"] == "error"}
    return "StockToken_Paused" if "StockToken_Paused" in known else "EnforcedPause"


def test_refusals(unhealthy):
    with unhealthy.refused("LendingMarket_ZeroAmount"):
        unhealthy.liquidate(0)
    with unhealthy.refused("LendingMarket_ZeroAddress"):
        unhealthy.liquidate(to="0x" + "00" * 20)
    with unhealthy.refused("LendingMarket_NoDebt", unhealthy.stranger):
        unhealthy.liquidate(owner=unhealthy.stranger)


def test_owners_may_liquidate_themselves(unhealthy):
    unhealthy.liquidate(sender=unhealthy.borrower, to=unhealthy.borrower)


def test_a_small_debt_goes_whole(lending):
    lending.withdraw_collateral(999 * WAD)
    lending.borrow(130 * DOLLAR)
    lending.move(190)
    debt = lending.debt()
    assert lending.liquidate().return_value[0] == debt
    assert lending.debt() == 0
    assert lending.collateral() > 0


def test_a_debt_under_the_minimum_cannot_be_left(lending):
    lending.withdraw_collateral(999 * WAD)
    lending.borrow(130 * DOLLAR)
    lending.move(190)
    debt = lending.debt()
    for limit in (debt - 1, debt - 100 * DOLLAR + 1):
        with lending.refused("LendingMarket_LeavesDust", ..., ..., 100 * DOLLAR):
            lending.liquidate(limit)


# ── bad debt ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def insolvent(lending: LendingDesk) -> LendingDesk:
    """130,000 and interest owed; at 100 all collateral brings 92,592.59."""
    lending.borrow(130_000 * DOLLAR)
    lending.warp(30 * 86_400)
    lending.market.accrue(sender=lending.stranger)
    lending.move(100)
    return lending


def test_L4_all_collateral_goes_and_the_rest_is_booked_to_reserve_and_lenders(insolvent):
    before, debt = insolvent.market.state(), insolvent.debt()
    assert before.reserve > 0
    receipt = insolvent.liquidate()
    repaid, seized = receipt.return_value
    assert seized == 1_000 * WAD
    assert repaid == -(-100_000 * DOLLAR * WAD // (WAD + BONUS))
    after, booked = insolvent.market.state(), receipt.event("BookBadDebt").args
    assert booked["assets"] == pytest.approx(debt - repaid, abs=1)
    assert booked["fromReserve"] == before.reserve
    assert booked["fromLenders"] == booked["assets"] - before.reserve
    assert (after.reserve, after.debtAssets, after.debtShares) == (0, 0, 0)
    assert after.supplyAssets == before.supplyAssets - booked["fromLenders"]
    assert after.cash == after.supplyAssets == insolvent.dollar.balanceOf(insolvent.market)
    assert (insolvent.debt(), insolvent.collateral()) == (0, 0)
    with insolvent.refused("LendingMarket_NoDebt"):
        insolvent.liquidate()


def test_nobody_leaves_a_crumb_of_collateral_behind_a_debt(insolvent):
    with insolvent.refused("LendingMarket_LeavesDust", ..., ..., 100 * DOLLAR):
        insolvent.liquidate(92_592 * DOLLAR)
    insolvent.liquidate(50_000 * DOLLAR)
    assert insolvent.market.state().debtShares > 0
    receipt = insolvent.liquidate()
    assert receipt.event("BookBadDebt").args["borrower"] == insolvent.borrower


def test_a_reserve_that_suffices_spares_the_lenders(system):
    desk = LendingDesk.open(system, reserveShare=WAD // 2, reserveCap=WAD // 2).funded()
    desk.top_up(9_000 * WAD, desk.holder)
    desk.borrow(850_000 * DOLLAR, desk.holder)
    desk.borrow(130_000 * DOLLAR)
    for _ in range(30):
        desk.warp(86_400)
        desk.market.accrue(sender=desk.stranger)
    desk.repay(owner=desk.holder)
    before = desk.market.state()
    desk.move(140)
    receipt = desk.liquidate()
    booked = receipt.event("BookBadDebt").args
    assert 0 < booked["assets"] <= before.reserve
    assert booked["fromLenders"] == 0
    assert desk.market.state().supplyAssets >= before.supplyAssets


# ── callback ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_collateral_can_pay_for_itself(unhealthy):
    system = unhealthy.system
    flash = system.chain.deploy(system.artifacts["FlashLiquidator"], unhealthy.market, sender=unhealthy.stranger)
    unhealthy.give_dollars(unhealthy.stranger, 10**12)
    unhealthy.dollar.transfer(flash, 10**12, sender=unhealthy.stranger)
    receipt = flash.liquidate(unhealthy.borrower, MAX, 0, sender=unhealthy.stranger)
    called = receipt.event("Called").args
    liquidated = receipt.event("Liquidate").args
    assert (called["repaid"], called["seized"]) == (liquidated["repaid"], liquidated["seized"])
    assert called["held"] == liquidated["seized"]


def test_a_callback_cannot_come_back_in(unhealthy):
    system = unhealthy.system
    flash = system.chain.deploy(system.artifacts["FlashLiquidator"], unhealthy.market, sender=unhealthy.stranger)
    unhealthy.give_dollars(unhealthy.stranger, 10**12)
    unhealthy.dollar.transfer(flash, 10**12, sender=unhealthy.stranger)
    for kind in range(1, 8):
        with unhealthy.refused("ReentrancyGuardReentrantCall"):
            flash.liquidate(unhealthy.borrower, MAX, kind, sender=unhealthy.stranger)
