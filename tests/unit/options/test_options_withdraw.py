"""PerpetualOptions.withdraw, and the margin that goes in and out in every state of the markets."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from support.desk import DAY, FREE, HOUR, MARGIN, ONE, Desk, add_session_market

N = 100 * ONE


@pytest.fixture
def holder(desk: Desk) -> Desk:
    desk.open(0, True, N)
    return desk


def test_withdraw_without_positions_pays_everything_out(desk):
    receipt = desk.withdraw(MARGIN)
    assert desk.wallet(desk.who.trader) == MARGIN
    assert desk.balance(desk.who.trader) == 0
    assert desk.event(receipt, "Withdraw").args == {
        "owner": desk.who.trader,
        "token": desk.token.address,
        "amount": MARGIN,
        "to": desk.who.trader,
    }


def test_withdraw_pays_whom_the_owner_names(desk):
    desk.withdraw(ONE, to=desk.who.stranger)
    assert desk.wallet(desk.who.stranger) == ONE
    assert desk.wallet(desk.who.trader) == 0


def test_withdraw_without_positions_beyond_the_balance_is_refused(desk):
    entry = (desk.token.address, desk.options.address, desk.who.trader)
    with desk.refused("CollateralVault_InsufficientBalance", *entry, MARGIN, MARGIN + 1):
        desk.withdraw(MARGIN + 1)


def test_withdraw_with_positions_beyond_the_balance_is_refused(holder):
    balance = holder.balance(holder.who.trader)
    with holder.refused("PerpetualOptions_InsufficientBalance", balance, balance + 1):
        holder.withdraw(balance + 1)
    with holder.refused("PerpetualOptions_InsufficientBalance", balance, 2**256 - 1):
        holder.withdraw(2**256 - 1)


def test_withdraw_down_to_the_initial_margin_and_not_a_unit_further(holder):
    desk = holder
    health = desk.health()
    spare = health.equity - health.initialMargin
    with desk.refused("PerpetualOptions_InsufficientMargin", health.initialMargin - 1, health.initialMargin):
        desk.withdraw(spare + 1)
    desk.withdraw(spare)
    assert desk.health().equity == health.initialMargin
    with desk.refused("PerpetualOptions_InsufficientMargin", health.initialMargin - 1, health.initialMargin):
        desk.withdraw(1)


def test_withdraw_counts_what_is_owed_but_pays_none_of_it(holder):
    desk = holder
    desk.pass_time(12 * HOUR)
    health = desk.health()
    assert health.owed > 0
    desk.withdraw(health.equity - health.initialMargin)
    assert desk.balance(desk.who.trader) == health.initialMargin + health.owed
    assert desk.health().owed == health.owed
    assert desk.position().fundingIndex == 0


def test_withdraw_counts_recorded_debt(holder):
    desk = holder
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(5 * DAY)
    desk.poke()
    desk.settle()
    debt = sum(desk.debt())
    needed = desk.health().initialMargin
    desk.add_margin(desk.who.trader, debt)
    with desk.refused("PerpetualOptions_InsufficientMargin", -1, needed):
        desk.withdraw(1)
    desk.add_margin(desk.who.trader, needed + 5)
    desk.withdraw(5)
    assert sum(desk.debt()) == debt


def test_withdraw_counts_positions_in_every_market(desk):
    desk.open(0, True, N)
    first = desk.health().initialMargin
    desk.with_market("BTC-30D").open(0, False, N)
    health = desk.health()
    assert health.initialMargin > 2 * first
    with desk.refused("PerpetualOptions_InsufficientMargin"):
        desk.withdraw(health.equity - health.initialMargin + 1)
    desk.withdraw(health.equity - health.initialMargin)


def test_withdraw_of_nothing_is_refused(holder):
    with holder.refused("CollateralVault_ZeroAmount"):
        holder.withdraw(0)


def test_withdraw_to_nobody_is_refused(holder):
    with holder.refused("CollateralVault_ZeroAddress"):
        holder.withdraw(ONE, to=ZERO_ADDRESS)


def test_withdraw_to_a_pool_or_to_the_vault_credits_nobody(holder):
    """A donation belongs to no entry: V1."""
    desk = holder
    cash, held = desk.cash(0), desk.wallet(desk.vault)
    desk.withdraw(ONE, to=desk.main)
    assert desk.cash(0) == cash
    assert desk.wallet(desk.main) == ONE
    with desk.refused("CollateralVault_TransferMismatch", desk.token.address, ONE, 0):
        desk.withdraw(ONE, to=desk.vault)
    assert desk.wallet(desk.vault) == held - ONE


def test_an_operator_trades_and_does_not_withdraw(holder):
    """`withdraw` pays the caller's own margin only: an operator has no name to withdraw another's by."""
    desk = holder
    desk.options.setOperator(desk.who.operator, True, sender=desk.who.trader)
    desk.open(1, True, ONE, sender=desk.who.operator)
    desk.close(1, sender=desk.who.operator)
    entry = (desk.token.address, desk.options.address, desk.who.operator)
    with desk.refused("CollateralVault_InsufficientBalance", *entry, 0, 1):
        desk.withdraw(1, owner=desk.who.operator)
    with desk.refused("CollateralVault_InsufficientBalance", desk.token.address, FREE, desk.who.operator, 0, 1):
        desk.vault.withdraw(desk.token.address, 1, desk.who.operator, sender=desk.who.operator)


def test_the_vaults_own_door_pays_no_margin(holder):
    desk = holder
    with desk.refused("CollateralVault_InsufficientBalance", desk.token.address, FREE, desk.who.trader, 0, 1):
        desk.vault.withdraw(desk.token.address, 1, desk.who.trader, sender=desk.who.trader)
    entry = (desk.token.address, desk.who.stranger, desk.who.trader)
    with desk.refused("CollateralVault_InsufficientBalance", *entry, 0, 1):
        desk.vault.withdrawFrom(desk.token.address, desk.who.trader, 1, desk.who.stranger, sender=desk.who.stranger)


# ---------------------------------------------------------------------------------------------- every state


def stale(desk: Desk) -> None:
    desk.chain.warp(DAY)


def halted_by_the_breaker(desk: Desk) -> None:
    desk.publish(90_000)
    desk.poke()


def halted_by_the_feed(desk: Desk) -> None:
    desk.market.asset.aggregator.updateAnswer(-1, sender=desk.who.governor)


def winding_down(desk: Desk) -> None:
    desk.wind_down(60_000)


def frozen(desk: Desk) -> None:
    desk.wind_down(60_000)
    desk.pass_time(3 * DAY)


def paused(desk: Desk) -> None:
    desk.options.pauseOpening(desk.market.id, desk.chain.now + DAY, sender=desk.who.governor)


def close_only(desk: Desk) -> None:
    desk.options.setToken(desk.token.address, ONE, True, sender=desk.who.governor)


STATES = [stale, halted_by_the_breaker, halted_by_the_feed, winding_down, frozen, paused, close_only]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_margin_goes_in_and_out_and_accounts_settle_in_every_state(holder, state):
    """V3, O5"""
    desk = holder
    state(desk)
    balance = desk.balance(desk.who.trader)
    desk.add_margin(desk.who.trader, 5 * ONE)
    assert desk.balance(desk.who.trader) == balance + 5 * ONE
    desk.settle()
    desk.withdraw(ONE)
    assert desk.health().equity > desk.health().initialMargin


def test_margin_goes_in_and_out_outside_the_session(desk):
    closed = desk.with_market(add_session_market(desk.system).name)
    closed.open(0, True, N)
    closed.chain.warp(7 * HOUR)
    closed.add_margin(desk.who.trader, ONE)
    closed.settle()
    health = closed.health()
    assert health.initialMargin == health.maintenanceMargin  # what falls due until the open after the next close
    closed.withdraw(health.equity - health.initialMargin)
    with closed.refused("PerpetualOptions_InsufficientMargin"):
        closed.withdraw(1)


def test_health_of_an_account_on_an_unlisted_token_is_refused(desk):
    with desk.refused("PerpetualOptions_UnknownToken", desk.who.stranger):
        desk.options.accountHealth(desk.who.trader, desk.who.stranger)


def test_health_reads_what_settling_would_leave(holder):
    desk = holder
    desk.pass_time(HOUR)
    before = desk.health()
    desk.settle()
    after = desk.health()
    assert (after.equity, after.owed) == (before.equity, 0)
    assert (after.initialMargin, after.maintenanceMargin) == (before.initialMargin, before.maintenanceMargin)
