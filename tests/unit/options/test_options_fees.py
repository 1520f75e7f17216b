"""The treasury's part of the fees: it waits in the main pool's entry, is none of its cash, and anyone has it paid."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from support.desk import DAY, INSURANCE, MAIN, MAIN_CASH, MARGIN, ONE, WAD, YEAR, Desk, up

N = 100 * ONE
LARGEST_NOTIONAL = 2**88 - 1
LARGEST_DUE = 2**80 - 1
LARGEST_INDEX = 2**64 - 1


def test_fees_gather_in_the_main_pools_entry_and_are_none_of_its_cash(desk):
    _, fee = desk.open(0, True, N).return_value
    due = fee * 3 // 10
    assert desk.book.treasuryDue == due == desk.fees > 0
    assert desk.free(desk.who.treasury) == 0
    entry = desk.balance(desk.main)
    for cash in (
        desk.options.poolState(desk.token.address, MAIN).cash,
        desk.options.storedPoolValue(desk.token.address, MAIN, True)[0].cash,
        desk.options.valuePool(desk.token.address, MAIN, False, sender=desk.who.stranger).return_value[0].cash,
        desk.main.nav(True).cash,
    ):
        assert cash == entry - due
    assert desk.options.poolState(desk.token.address, INSURANCE).cash == desk.balance(desk.insurance)


def test_anyone_has_the_treasury_paid_and_nobody_elses_cash_changes(desk):
    desk.open(0, True, N)
    due, cash, nav = desk.book.treasuryDue, desk.cash(MAIN), desk.main.nav(False)
    receipt = desk.options.collectFees(desk.token.address, sender=desk.who.stranger)
    assert receipt.return_value == due
    assert desk.event(receipt, "CollectFees").args == {"token": desk.token.address, "amount": due}
    assert (desk.book.treasuryDue, desk.free(desk.who.treasury)) == (0, due)
    assert (desk.cash(MAIN), desk.balance(desk.main)) == (cash, cash)
    assert desk.main.nav(False) == nav
    desk.open(0, True, N)
    assert desk.book.treasuryDue > 0
    desk.options.collectFees(desk.token.address, sender=desk.who.treasury)
    desk.vault.withdraw(desk.token.address, desk.fees, desk.who.treasury, sender=desk.who.treasury)
    assert desk.wallet(desk.who.treasury) > due


def test_collecting_nothing_or_of_no_token_is_refused(desk):
    with desk.refused("CollateralVault_ZeroAmount"):
        desk.options.collectFees(desk.token.address, sender=desk.who.stranger)
    with desk.refused("PerpetualOptions_UnknownToken", ZERO_ADDRESS):
        desk.options.collectFees(ZERO_ADDRESS, sender=desk.who.stranger)


def test_a_redemption_cannot_take_what_is_the_treasurys(desk):
    """P1: down to the reserve of its own cash, not of its entry."""
    desk.open(0, True, N)
    due, reserved = desk.book.treasuryDue, 75 * ONE
    free = desk.cash(MAIN) - reserved
    with desk.refused("PerpetualOptions_InsufficientReserve", MAIN, reserved - 1, reserved):
        desk.options.payRedemption(desk.token.address, MAIN, free + 1, sender=desk.main)
    desk.options.payRedemption(desk.token.address, MAIN, free, sender=desk.main)
    assert desk.balance(desk.main) == reserved + due
    desk.options.collectFees(desk.token.address, sender=desk.who.stranger)
    assert (desk.balance(desk.main), desk.fees) == (reserved, due)


def test_what_80_bits_cannot_hold_is_paid_at_once(desk):
    for layer in (MAIN, INSURANCE):
        desk.fund_pool(layer, desk.pool(layer).maxDeposit(desk.who.lp))
    desk.add_margin(desk.who.trader, 2**92)
    fee = up(LARGEST_NOTIONAL, 2000)
    part = fee * 3 // 10
    trades = LARGEST_DUE // part
    for trade in range(trades):
        desk.close() if trade % 2 else desk.open(0, True, LARGEST_NOTIONAL)
    assert desk.book.treasuryDue == trades * part
    assert desk.free(desk.who.treasury) == 0
    if trades % 2 == 0:
        desk.open(0, True, LARGEST_NOTIONAL)
    else:
        desk.close()
    assert desk.book.treasuryDue == trades * part > LARGEST_DUE - part
    assert desk.free(desk.who.treasury) == part
    cash = desk.cash(MAIN)
    desk.options.collectFees(desk.token.address, sender=desk.who.stranger)
    assert (desk.book.treasuryDue, desk.free(desk.who.treasury)) == (0, (trades + 1) * part)
    assert desk.cash(MAIN) == cash


def test_the_rent_index_ends_at_64_bits_and_nothing_is_stuck(system):
    """After 30 years at the highest rate, without a settlement in between."""
    desk = Desk.empty(system)
    n, reserved = 40 * ONE, 10 * ONE
    desk.fund_pool(MAIN, 100 * MAIN_CASH)
    desk.fund_pool(INSURANCE, reserved - n // 2000 // 5)
    desk.add_margin(desk.who.trader, MARGIN)
    desk.open(0, True, n)
    years = 31
    assert 6 * WAD // 10 * years > LARGEST_INDEX > 6 * WAD // 10 * (years - 1)
    desk.pass_time((years - 1) * YEAR)
    before = desk.options.poolState(desk.token.address, MAIN).rentIndex
    assert before == 6 * WAD // 10 * (years - 1)
    desk.pass_time(YEAR)
    assert desk.options.poolState(desk.token.address, MAIN).rentIndex == LARGEST_INDEX
    desk.options.accrueRent(desk.token.address, MAIN, sender=desk.who.stranger)
    assert desk.book.rentIndex == LARGEST_INDEX
    desk.pass_time(DAY)
    receipt = desk.settle()
    assert desk.event(receipt, "Settle")["rent"] == up(n * LARGEST_INDEX, WAD)
    assert desk.position().rentIndex == desk.book.rentIndex == LARGEST_INDEX
    assert desk.event(desk.close(), "Settle")["rent"] == 0


@pytest.mark.parametrize("layer", [MAIN, INSURANCE])
def test_rent_and_utilisation_count_cash_without_the_treasurys(desk, layer):
    """Collecting changes no rate."""
    desk.open(0, True, 400 * ONE)
    assert desk.book.treasuryDue > 0

    def grown() -> int:
        with desk.chain.anchor():
            desk.chain.warp(DAY)
            return int(desk.options.poolState(desk.token.address, layer).rentIndex)

    before = grown()
    desk.options.collectFees(desk.token.address, sender=desk.who.stranger)
    assert grown() == before
