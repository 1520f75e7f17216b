"""Margin tokens with bad habits, once listed: refused by name, or harmless."""

from __future__ import annotations

import pytest

from support.desk import DAY, FREE, INSURANCE, MAIN, ONE, Desk
from support.hostile import list_hostile

TRUE, FALSE, NOTHING = range(3)


@pytest.fixture
def desk(system) -> Desk:
    """Pools and traders of a hostile token, that has behaved so far."""
    return Desk.funded_with(system, list_hostile(system))


def enter(desk: Desk, layer: int, amount: int = ONE):
    lp = desk.who.late_lp
    return desk.pool(layer)["deposit(uint256,address)"](amount, lp, sender=lp)


@pytest.fixture
def entrant(desk: Desk) -> Desk:
    """`late_lp` has tokens, and has approved both pools and the vault."""
    desk.give(desk.who.late_lp, 10 * ONE)
    for spender in (desk.main, desk.insurance, desk.vault):
        desk.token.contract.approve(spender, 10 * ONE, sender=desk.who.late_lp)
    return desk


def margin(desk: Desk):
    lp = desk.who.late_lp
    return desk.vault.deposit(desk.token.address, desk.options, lp, ONE, sender=lp)


def ways_in(desk: Desk):
    return [lambda: enter(desk, MAIN), lambda: enter(desk, INSURANCE), lambda: margin(desk)]


def test_a_fee_on_transfer_is_refused(entrant):
    desk = entrant
    desk.token.contract.setFees(100, 0, sender=desk.who.governor)
    for way in ways_in(desk):
        with desk.refused("CollateralVault_TransferMismatch", desk.token.address, ONE, ONE * 99 // 100):
            way()


def test_a_transfer_that_moves_nothing_is_refused(entrant):
    desk = entrant
    desk.token.contract.setIdle(True, sender=desk.who.governor)
    for way in ways_in(desk):
        with desk.refused("CollateralVault_TransferMismatch", desk.token.address, ONE, 0):
            way()
    with desk.refused("CollateralVault_TransferMismatch", desk.token.address, ONE, 0):
        desk.withdraw(ONE)


def test_a_token_that_returns_false_is_refused(entrant):
    desk = entrant
    desk.token.contract.setReturns(FALSE, sender=desk.who.governor)
    for way in (*ways_in(desk), lambda: desk.withdraw(ONE)):
        with desk.refused("SafeERC20FailedOperation", desk.token.address):
            way()


def test_a_token_that_returns_nothing_works(entrant):
    desk = entrant
    desk.token.contract.setReturns(NOTHING, sender=desk.who.governor)
    for way in ways_in(desk):
        way()
    desk.withdraw(ONE)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_token_that_rebases_during_a_transfer_is_refused(entrant, change):
    desk = entrant
    desk.token.contract.setRebaseOnTransfer(desk.vault, change, sender=desk.who.governor)
    for way in ways_in(desk):
        with desk.refused("CollateralVault_TransferMismatch", desk.token.address, ONE, ONE + change):
            way()


def test_a_negative_rebase_stops_the_last_to_leave_and_no_other_token(entrant):
    """V1 is the token's to break; other tokens' entries stay whole."""
    desk = entrant
    other = desk.with_token(desk.system.token("TSLA.M"))
    other.add_margin(other.who.trader, ONE)
    desk.token.contract.rebase(desk.vault, -ONE, sender=desk.who.governor)
    desk.open(0, True, 10 * ONE)  # the ledger does not ask the token
    desk.close()
    desk.withdraw(desk.balance(desk.who.trader))
    other.withdraw(ONE)


def test_a_positive_rebase_enriches_nobody(entrant):
    desk = entrant
    nav = desk.main.nav(False)
    desk.token.contract.rebase(desk.vault, 500 * ONE, sender=desk.who.governor)
    assert desk.main.nav(False) == nav
    assert enter(desk, MAIN).return_value == ONE * 10**6


def test_a_surcharge_on_transfer_is_not_paid_with_other_owners_entries(entrant):
    desk = entrant
    desk.token.contract.setFees(0, 100, sender=desk.who.governor)
    with desk.refused("CollateralVault_TransferMismatch", desk.token.address, ONE, ONE * 101 // 100):
        desk.withdraw(ONE)


def test_a_paused_token_stops_the_edge_and_no_trade_or_keeper(entrant):
    desk = entrant
    desk.open(0, True, 100 * ONE)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.token.contract.setPaused(True, sender=desk.who.governor)
    for way in (*ways_in(desk), lambda: desk.withdraw(1, owner=desk.who.rival)):
        with desk.refused("HostileToken_Paused"):
            way()
    desk.pass_time(3 * DAY)
    desk.settle()
    desk.liquidate()
    assert desk.free(desk.who.liquidator) > 0
    desk.token.contract.setPaused(False, sender=desk.who.governor)
    desk.vault.withdraw(
        desk.token.address, desk.free(desk.who.liquidator), desk.who.liquidator, sender=desk.who.liquidator
    )


def test_a_blocked_payee_blocks_nobody_but_itself(desk):
    """Rewards, fees and claims are credited in the ledger: no exercise or redemption needs a transfer."""
    desk.open(0, True, 10 * ONE)
    for owner in (desk.who.keeper, desk.who.treasury, desk.who.trader, desk.who.lp):
        desk.token.contract.setBlocked(owner, True, sender=desk.who.governor)
    desk.move(110_000)
    desk.exercise()
    assert desk.free(desk.who.keeper) > 0
    desk.options.collectFees(desk.token.address, sender=desk.who.stranger)
    assert desk.free(desk.who.treasury) > 0
    desk.main.requestRedeem(10**18, desk.who.lp, desk.who.lp, sender=desk.who.lp)
    desk.pass_time(DAY)
    desk.main.executeRedemption(desk.who.lp, sender=desk.who.keeper)
    with desk.refused("HostileToken_Blocked", desk.who.lp):
        desk.main.redeem(10**18, desk.who.lp, desk.who.lp, sender=desk.who.lp)
    desk.main.redeem(10**18, desk.who.stranger, desk.who.lp, sender=desk.who.lp)
    assert desk.wallet(desk.who.stranger) > 0
    desk.withdraw(ONE, to=desk.who.stranger)


def test_a_blocked_vault_or_pool_shows_the_tokens_own_error(entrant):
    desk = entrant
    desk.token.contract.setBlocked(desk.vault, True, sender=desk.who.governor)
    for way in ways_in(desk):
        with desk.refused("HostileToken_Blocked", desk.vault):
            way()
    desk.open(0, True, ONE)
    assert desk.balance(desk.who.trader, FREE) == 0
