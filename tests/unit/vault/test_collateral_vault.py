"""CollateralVault: one test per branch, failing ones beside passing ones. V1, V2, V3 are the invariants' ids."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from eth_abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from everstock.chain import ZERO_ADDRESS
from everstock.chain.testing import reverts

ONE = 10**18
LARGEST = 2**184 - 1
UINT_MAX = 2**256 - 1
FREE = ZERO_ADDRESS
NOTHING = (ZERO_ADDRESS, 0)

REENTRANT = bytes.fromhex("3ee5aeb5")  # ReentrancyGuardReentrantCall()


def deltas(*given: tuple[Any, int]) -> list[tuple[Any, int]]:
    return [*given, *[NOTHING] * (3 - len(given))]


def held(it: SimpleNamespace) -> int:
    return int(it.token.balanceOf(it.vault))


# ---------------------------------------------------------------------------------------------- deposit


def test_deposit_free_credits_the_owner_and_takes_from_the_payer(it):
    receipt = it.vault.deposit(it.token, FREE, it.owner, 5 * ONE, sender=it.payer)
    assert it.vault.balanceOf(it.token, FREE, it.owner) == 5 * ONE == held(it)
    assert it.token.balanceOf(it.payer) == 995 * ONE
    assert receipt.event("Deposit").args == {
        "token": it.token.address,
        "module": FREE,
        "owner": it.owner,
        "payer": it.payer,
        "amount": 5 * ONE,
    }


def test_deposit_into_a_module_credits_its_book_only(it):
    it.vault.deposit(it.token, it.options, it.owner, ONE, sender=it.payer)
    assert it.vault.balanceOf(it.token, it.options, it.owner) == ONE
    assert it.vault.balanceOf(it.token, it.lending, it.owner) == 0
    assert it.vault.balanceOf(it.token, FREE, it.owner) == 0


def test_deposit_of_one_wei_adds_up(it):
    for _ in range(3):
        it.vault.deposit(it.token, it.options, it.owner, 1, sender=it.owner)
    assert it.vault.balanceOf(it.token, it.options, it.owner) == 3 == held(it)


def test_deposit_zero_reverts(it):
    with reverts("CollateralVault_ZeroAmount"):
        it.vault.deposit(it.token, FREE, it.owner, 0, sender=it.owner)


def test_deposit_for_nobody_reverts(it):
    with reverts("CollateralVault_ZeroAddress"):
        it.vault.deposit(it.token, FREE, ZERO_ADDRESS, 1, sender=it.owner)


def test_deposit_into_an_unknown_module_reverts(it):
    with reverts("CollateralVault_NotModule", it.stranger):
        it.vault.deposit(it.token, it.stranger, it.owner, 1, sender=it.owner)


def test_deposit_into_a_disabled_module_reverts(it):
    it.vault.setModule(it.options, False, sender=it.governor)
    with reverts("CollateralVault_NotModule", it.options):
        it.vault.deposit(it.token, it.options, it.owner, 1, sender=it.owner)


def test_deposit_into_a_sealed_entry_reverts(it):
    with reverts("CollateralVault_SealedEntry", it.token, it.options, it.pool):
        it.vault.deposit(it.token, it.options, it.pool, 1, sender=it.owner)


def test_a_seal_covers_one_module_only(it):
    it.vault.deposit(it.token, it.lending, it.pool, 1, sender=it.owner)
    it.vault.deposit(it.token, FREE, it.pool, 1, sender=it.owner)
    assert it.vault.balanceOf(it.token, it.lending, it.pool) == 1


@pytest.mark.parametrize("token", [ZERO_ADDRESS, "0x" + "77" * 20])
def test_deposit_of_something_that_is_no_token_reverts(it, token):
    with reverts("CollateralVault_NotToken", token):
        it.vault.deposit(token, FREE, it.owner, 1, sender=it.owner)


def test_deposit_beyond_the_payers_balance_shows_the_tokens_own_error(it):
    with reverts("HostileToken_InsufficientBalance", it.owner, 1_000 * ONE, 1_000 * ONE + 1):
        it.vault.deposit(it.token, FREE, it.owner, 1_000 * ONE + 1, sender=it.owner)


def test_deposit_without_approval_shows_the_tokens_own_error(it):
    it.token.mint(it.stranger, 1, sender=it.governor)
    with reverts("HostileToken_InsufficientAllowance", it.stranger, it.vault, 0, 1):
        it.vault.deposit(it.token, FREE, it.stranger, 1, sender=it.stranger)


def test_deposit_up_to_the_largest_entry_and_not_one_more(it):
    it.token.mint(it.stranger, LARGEST + 1, sender=it.governor)
    it.token.approve(it.vault, UINT_MAX, sender=it.stranger)
    with reverts("CollateralVault_AmountTooLarge", LARGEST + 1):
        it.vault.deposit(it.token, FREE, it.stranger, LARGEST + 1, sender=it.stranger)
    it.vault.deposit(it.token, FREE, it.stranger, LARGEST, sender=it.stranger)
    with reverts("CollateralVault_AmountTooLarge", 1):
        it.vault.deposit(it.token, FREE, it.stranger, 1, sender=it.stranger)
    it.vault.withdraw(it.token, LARGEST, it.stranger, sender=it.stranger)
    assert held(it) == 0


def test_deposit_of_uint_max_reverts(it):
    token = it.chain.deploy(it.built["HostileToken"], 18, sender=it.governor)
    token.mint(it.owner, UINT_MAX, sender=it.governor)
    token.approve(it.vault, UINT_MAX, sender=it.owner)
    with reverts("CollateralVault_AmountTooLarge", UINT_MAX):
        it.vault.deposit(token, FREE, it.owner, UINT_MAX, sender=it.owner)


# ---------------------------------------------------------------------------------------------- tokens with habits


def test_deposit_of_a_token_that_takes_a_fee_reverts(it):
    it.token.setFees(100, 0, sender=it.governor)
    with reverts("CollateralVault_TransferMismatch", it.token, 1_000, 990):
        it.vault.deposit(it.token, FREE, it.owner, 1_000, sender=it.owner)
    assert held(it) == 0 == it.vault.balanceOf(it.token, FREE, it.owner)


def test_deposit_of_a_token_that_moves_nothing_reverts(it):
    it.token.setIdle(True, sender=it.governor)
    with reverts("CollateralVault_TransferMismatch", it.token, 1_000, 0):
        it.vault.deposit(it.token, FREE, it.owner, 1_000, sender=it.owner)


@pytest.mark.parametrize(("rebase", "received"), [(1, 1_001), (-1, 999), (-2_000, 0)])
def test_deposit_of_a_token_that_rebases_meanwhile_reverts(it, rebase, received):
    it.token.mint(it.vault, 5_000, sender=it.governor)
    it.token.setRebaseOnTransfer(it.vault, rebase, sender=it.governor)
    with reverts("CollateralVault_TransferMismatch", it.token, 1_000, received):
        it.vault.deposit(it.token, FREE, it.owner, 1_000, sender=it.owner)


def test_a_token_that_returns_false_is_refused_both_ways(it):
    it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    it.token.setReturns(1, sender=it.governor)
    with reverts("SafeERC20FailedOperation", it.token):
        it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    with reverts("SafeERC20FailedOperation", it.token):
        it.vault.withdraw(it.token, ONE, it.owner, sender=it.owner)
    assert it.vault.balanceOf(it.token, FREE, it.owner) == ONE == held(it)


def test_a_token_that_returns_nothing_works_both_ways(it):
    it.token.setReturns(2, sender=it.governor)
    it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    it.vault.withdraw(it.token, ONE, it.payee, sender=it.owner)
    assert it.token.balanceOf(it.payee) == ONE
    assert held(it) == 0


def test_withdraw_of_a_token_that_charges_on_top_reverts(it):
    """V1: the surcharge would come out of the payer's entry."""
    it.vault.deposit(it.token, FREE, it.payer, 1_000, sender=it.payer)
    it.vault.deposit(it.token, FREE, it.owner, 1_000, sender=it.owner)
    it.token.setFees(0, 100, sender=it.governor)
    with reverts("CollateralVault_TransferMismatch", it.token, 1_000, 1_010):
        it.vault.withdraw(it.token, 1_000, it.owner, sender=it.owner)
    assert held(it) == 2_000


def test_deposit_of_a_token_that_charges_on_top_costs_the_payer_only(it):
    it.token.setFees(0, 100, sender=it.governor)
    it.vault.deposit(it.token, FREE, it.owner, 1_000, sender=it.owner)
    assert it.vault.balanceOf(it.token, FREE, it.owner) == 1_000 == held(it)
    assert it.token.balanceOf(it.owner) == 1_000 * ONE - 1_010


def test_withdraw_of_a_token_that_pays_the_receiver_less_works_as_the_vault_loses_no_more(it):
    it.vault.deposit(it.token, FREE, it.owner, 1_000, sender=it.owner)
    it.token.setFees(100, 0, sender=it.governor)
    it.vault.withdraw(it.token, 1_000, it.payee, sender=it.owner)
    assert it.token.balanceOf(it.payee) == 990
    assert held(it) == 0


@pytest.mark.parametrize(("rebase", "sent"), [(1, 999), (-1, 1_001), (5_000, 0)])
def test_withdraw_of_a_token_that_rebases_meanwhile_reverts(it, rebase, sent):
    it.vault.deposit(it.token, FREE, it.owner, 2_000, sender=it.owner)
    it.token.setRebaseOnTransfer(it.vault, rebase, sender=it.governor)
    with reverts("CollateralVault_TransferMismatch", it.token, 1_000, sent):
        it.vault.withdraw(it.token, 1_000, it.owner, sender=it.owner)


def test_a_negative_rebase_leaves_other_tokens_alone(it):
    other = it.chain.deploy(it.built["HostileToken"], 6, sender=it.governor)
    other.mint(it.owner, 100, sender=it.governor)
    other.approve(it.vault, 100, sender=it.owner)
    it.vault.deposit(other, FREE, it.owner, 100, sender=it.owner)
    it.vault.deposit(it.token, FREE, it.owner, 100, sender=it.owner)
    it.token.rebase(it.vault, -50, sender=it.governor)
    with reverts("HostileToken_InsufficientBalance", it.vault, 50, 100):
        it.vault.withdraw(it.token, 100, it.owner, sender=it.owner)
    it.vault.withdraw(other, 100, it.owner, sender=it.owner)


def test_a_paused_token_refuses_and_can_be_retried(it):
    it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    it.token.setPaused(True, sender=it.governor)
    with reverts("HostileToken_Paused"):
        it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    with reverts("HostileToken_Paused"):
        it.vault.withdraw(it.token, ONE, it.owner, sender=it.owner)
    # the ledger does not ask the token
    it.vault.lock(it.token, it.options, ONE, sender=it.owner)
    it.token.setPaused(False, sender=it.governor)
    it.options.withdrawFrom(it.token, it.owner, ONE, it.payee, sender=it.owner)
    assert it.token.balanceOf(it.payee) == ONE


def test_a_blocked_owner_withdraws_to_another_address(it):
    it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    it.token.setBlocked(it.owner, True, sender=it.governor)
    with reverts("HostileToken_Blocked", it.owner):
        it.vault.withdraw(it.token, ONE, it.owner, sender=it.owner)
    it.vault.withdraw(it.token, ONE, it.payee, sender=it.owner)


def test_a_donation_belongs_to_nobody(it):
    """V1: ledger = balance − donations; what was donated cannot be withdrawn."""
    it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    it.token.transfer(it.vault, 7 * ONE, sender=it.payer)
    assert it.vault.balanceOf(it.token, FREE, it.owner) == ONE
    assert it.vault.balanceOf(it.token, FREE, it.vault) == 0
    with reverts("CollateralVault_InsufficientBalance", it.token, FREE, it.owner, ONE, ONE + 1):
        it.vault.withdraw(it.token, ONE + 1, it.owner, sender=it.owner)
    it.vault.withdraw(it.token, ONE, it.owner, sender=it.owner)
    assert held(it) == 7 * ONE


# ---------------------------------------------------------------------------------------------- reentrancy


def edge_calls(it) -> dict[str, bytes]:
    return {
        "deposit": it.vault.deposit.encode(it.token, FREE, it.token, 1),
        "withdraw": it.vault.withdraw.encode(it.token, 1, it.stranger),
        "withdrawFrom": it.options.withdrawFrom.encode(it.token, it.owner, 1, it.stranger),
        "depositSealed": it.pool.deposit.encode(it.options, 1),
    }


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("inner", ["deposit", "withdraw", "withdrawFrom", "depositSealed"])
@pytest.mark.parametrize("outer", ["deposit", "withdraw", "withdrawFrom", "depositSealed"])
def test_no_edge_function_can_be_reentered_from_a_tokens_callback(it, outer, inner, before):
    it.vault.deposit(it.token, FREE, it.owner, 10, sender=it.owner)
    it.vault.deposit(it.token, FREE, it.token, 10, sender=it.owner)  # the token itself is an owner
    it.vault.deposit(it.token, it.options, it.owner, 10, sender=it.owner)
    targets = {"deposit": it.vault, "withdraw": it.vault, "withdrawFrom": it.options, "depositSealed": it.pool}
    it.token.setHook(targets[inner], edge_calls(it)[inner], before, sender=it.governor)
    if outer == "deposit":
        it.vault.deposit(it.token, FREE, it.owner, 5, sender=it.owner)
    elif outer == "withdraw":
        it.vault.withdraw(it.token, 5, it.owner, sender=it.owner)
    elif outer == "withdrawFrom":
        it.options.withdrawFrom(it.token, it.owner, 5, it.payee, sender=it.owner)
    else:
        it.pool.deposit(it.options, 5, sender=it.owner)
    assert it.token.hookCount() == 1
    assert not it.token.hookSucceeded()
    assert it.token.hookResult() == REENTRANT


@pytest.mark.parametrize("before", [True, False])
def test_inside_a_deposits_callback_the_entry_is_not_yet_credited(it, before):
    """V1 at every instant: a view called from a callback never counts tokens that have not been measured."""
    it.vault.deposit(it.token, it.options, it.owner, 10, sender=it.owner)
    view = it.vault.balanceOf.encode(it.token, it.options, it.owner)
    it.token.setHook(it.vault, view, before, sender=it.governor)
    it.vault.deposit(it.token, it.options, it.owner, 5, sender=it.owner)
    assert it.token.hookResult() == encode(["uint256"], [10])
    assert it.vault.balanceOf(it.token, it.options, it.owner) == 15


@pytest.mark.parametrize("before", [True, False])
def test_inside_a_sealed_deposits_callback_the_pool_is_not_yet_credited(it, before):
    it.pool.deposit(it.options, 10, sender=it.owner)
    view = it.vault.balanceOf.encode(it.token, it.options, it.pool)
    it.token.setHook(it.vault, view, before, sender=it.governor)
    it.pool.deposit(it.options, 5, sender=it.owner)
    assert it.token.hookResult() == encode(["uint256"], [10])


@pytest.mark.parametrize("before", [True, False])
def test_inside_a_withdrawals_callback_the_entry_is_already_debited(it, before):
    it.vault.deposit(it.token, FREE, it.owner, 10, sender=it.owner)
    it.token.setHook(it.vault, it.vault.balanceOf.encode(it.token, FREE, it.owner), before, sender=it.governor)
    it.vault.withdraw(it.token, 4, it.owner, sender=it.owner)
    assert it.token.hookResult() == encode(["uint256"], [6])


def test_tokens_locked_from_within_a_callback_are_not_paid_twice(it):
    it.vault.deposit(it.token, FREE, it.token, 10, sender=it.owner)
    it.token.setHook(it.vault, it.vault.lock.encode(it.token, it.options, 10), True, sender=it.governor)
    it.vault.deposit(it.token, FREE, it.owner, 5, sender=it.owner)
    assert it.token.hookSucceeded()
    assert it.vault.balanceOf(it.token, it.options, it.token) == 10
    assert it.vault.balanceOf(it.token, FREE, it.token) == 0
    assert held(it) == 15


def test_a_deposit_during_which_someone_donates_reverts(it):
    it.token.mint(it.token, 3, sender=it.governor)
    it.token.setHook(it.token, it.token.rebase.encode(it.vault, 3), True, sender=it.governor)
    with reverts("CollateralVault_TransferMismatch", it.token, 5, 8):
        it.vault.deposit(it.token, FREE, it.owner, 5, sender=it.owner)


# ---------------------------------------------------------------------------------------------- withdraw


def test_withdraw_pays_out_of_the_free_balance(it):
    it.vault.deposit(it.token, FREE, it.owner, 5 * ONE, sender=it.owner)
    receipt = it.vault.withdraw(it.token, 2 * ONE, it.payee, sender=it.owner)
    assert it.vault.balanceOf(it.token, FREE, it.owner) == 3 * ONE == held(it)
    assert it.token.balanceOf(it.payee) == 2 * ONE
    assert receipt.event("Withdraw").args == {
        "token": it.token.address,
        "module": FREE,
        "owner": it.owner,
        "to": it.payee,
        "amount": 2 * ONE,
    }


def test_withdraw_does_not_reach_locked_entries(it):
    it.vault.deposit(it.token, it.options, it.owner, ONE, sender=it.owner)
    with reverts("CollateralVault_InsufficientBalance", it.token, FREE, it.owner, 0, 1):
        it.vault.withdraw(it.token, 1, it.owner, sender=it.owner)


def test_withdraw_more_than_the_balance_reverts(it):
    it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    it.vault.deposit(it.token, FREE, it.payer, ONE, sender=it.payer)
    for amount in (ONE + 1, UINT_MAX):
        with reverts("CollateralVault_InsufficientBalance", it.token, FREE, it.owner, ONE, amount):
            it.vault.withdraw(it.token, amount, it.owner, sender=it.owner)


def test_withdraw_zero_reverts(it):
    with reverts("CollateralVault_ZeroAmount"):
        it.vault.withdraw(it.token, 0, it.owner, sender=it.owner)


def test_withdraw_to_nobody_reverts(it):
    with reverts("CollateralVault_ZeroAddress"):
        it.vault.withdraw(it.token, 1, ZERO_ADDRESS, sender=it.owner)


def test_withdraw_to_the_vault_itself_reverts(it):
    it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    with reverts("CollateralVault_TransferMismatch", it.token, ONE, 0):
        it.vault.withdraw(it.token, ONE, it.vault, sender=it.owner)


def test_withdraw_of_something_that_is_no_token_reverts(it):
    with reverts("CollateralVault_NotToken", it.stranger):
        it.vault.withdraw(it.stranger, 1, it.owner, sender=it.owner)


def test_withdraw_from_pays_out_of_the_modules_entry(it):
    it.vault.deposit(it.token, it.options, it.owner, 5 * ONE, sender=it.owner)
    receipt = it.options.withdrawFrom(it.token, it.owner, 2 * ONE, it.payee, sender=it.stranger)
    assert it.vault.balanceOf(it.token, it.options, it.owner) == 3 * ONE
    assert it.token.balanceOf(it.payee) == 2 * ONE
    assert receipt.event("Withdraw")["module"] == it.options.address


def test_withdraw_from_another_modules_entry_reverts(it):
    """V2"""
    it.vault.deposit(it.token, it.options, it.owner, ONE, sender=it.owner)
    with reverts("CollateralVault_InsufficientBalance", it.token, it.lending, it.owner, 0, ONE):
        it.lending.withdrawFrom(it.token, it.owner, ONE, it.payee, sender=it.owner)


def test_withdraw_from_by_a_stranger_reverts(it):
    """V2: a stranger's book is empty, whoever the owner."""
    it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    with reverts("CollateralVault_InsufficientBalance", it.token, it.stranger, it.owner, 0, 1):
        it.vault.withdrawFrom(it.token, it.owner, 1, it.stranger, sender=it.stranger)


def test_withdraw_from_zero_or_to_nobody_reverts(it):
    with reverts("CollateralVault_ZeroAmount"):
        it.options.withdrawFrom(it.token, it.owner, 0, it.payee, sender=it.owner)
    with reverts("CollateralVault_ZeroAddress"):
        it.options.withdrawFrom(it.token, it.owner, 1, ZERO_ADDRESS, sender=it.owner)


# ---------------------------------------------------------------------------------------------- sealed owners


def test_deposit_sealed_credits_the_pool(it):
    receipt = it.pool.deposit(it.options, 5 * ONE, sender=it.owner)
    assert it.vault.balanceOf(it.token, it.options, it.pool) == 5 * ONE == held(it)
    assert receipt.event("Deposit").args == {
        "token": it.token.address,
        "module": it.options.address,
        "owner": it.pool.address,
        "payer": it.owner,
        "amount": 5 * ONE,
    }


@pytest.mark.parametrize(("slip", "received"), [(1, 1_001), (-1, 999), (-1_000, 0)])
def test_deposit_sealed_of_another_amount_reverts(it, slip, received):
    it.pool.setSlip(slip, sender=it.governor)
    with reverts("CollateralVault_TransferMismatch", it.token, 1_000, received):
        it.pool.deposit(it.options, 1_000, sender=it.owner)


def test_deposit_sealed_by_someone_who_is_not_sealed_reverts(it):
    with reverts("CollateralVault_NotSealed", it.token, it.lending, it.pool):
        it.pool.deposit(it.lending, 1, sender=it.owner)
    with reverts("CollateralVault_NotSealed", it.token, it.options, it.stranger):
        it.vault.depositSealed(it.token, it.options, it.owner, 1, sender=it.stranger)


def test_deposit_sealed_into_a_disabled_module_reverts(it):
    it.vault.setModule(it.options, False, sender=it.governor)
    with reverts("CollateralVault_NotModule", it.options):
        it.pool.deposit(it.options, 1, sender=it.owner)


def test_deposit_sealed_zero_reverts(it):
    with reverts("CollateralVault_ZeroAmount"):
        it.pool.deposit(it.options, 0, sender=it.owner)


def test_the_sealed_owner_may_lock_its_own_free_balance(it):
    it.vault.deposit(it.token, FREE, it.pool, 3, sender=it.owner)
    it.pool.lock(it.options, 3, sender=it.stranger)
    assert it.vault.balanceOf(it.token, it.options, it.pool) == 3


def test_seal_is_for_modules_and_for_good(it):
    receipt = it.lending.seal(it.token, it.owner, sender=it.stranger)
    assert receipt.event("Seal").args == {
        "token": it.token.address,
        "module": it.lending.address,
        "owner": it.owner,
    }
    assert it.vault.isSealed(it.token, it.lending, it.owner)
    assert not it.vault.isSealed(it.token, it.options, it.owner)
    it.lending.seal(it.token, it.owner, sender=it.stranger)
    assert it.vault.isSealed(it.token, it.lending, it.owner)
    with reverts("CollateralVault_NotModule", it.stranger):
        it.vault.seal(it.token, it.owner, sender=it.stranger)
    with reverts("CollateralVault_ZeroAddress"):
        it.lending.seal(it.token, ZERO_ADDRESS, sender=it.stranger)


def test_sealing_and_movements_keep_balance_and_seal_apart(it):
    it.vault.deposit(it.token, it.lending, it.owner, LARGEST.bit_length(), sender=it.owner)
    it.lending.seal(it.token, it.owner, sender=it.owner)
    assert it.vault.balanceOf(it.token, it.lending, it.owner) == 184
    it.lending.settle(it.token, deltas((it.owner, -184), (it.payer, 184)), FREE, 0, sender=it.owner)
    assert it.vault.balanceOf(it.token, it.lending, it.owner) == 0
    assert it.vault.isSealed(it.token, it.lending, it.owner)


# ---------------------------------------------------------------------------------------------- lock and release


def test_lock_moves_from_free_to_the_module(it):
    it.vault.deposit(it.token, FREE, it.owner, 5 * ONE, sender=it.owner)
    receipt = it.vault.lock(it.token, it.options, 2 * ONE, sender=it.owner)
    assert it.vault.balanceOf(it.token, FREE, it.owner) == 3 * ONE
    assert it.vault.balanceOf(it.token, it.options, it.owner) == 2 * ONE
    assert receipt.event("Lock").args == {
        "token": it.token.address,
        "module": it.options.address,
        "owner": it.owner,
        "amount": 2 * ONE,
    }


def test_lock_refuses(it):
    it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    with reverts("CollateralVault_ZeroAmount"):
        it.vault.lock(it.token, it.options, 0, sender=it.owner)
    with reverts("CollateralVault_NotModule", it.stranger):
        it.vault.lock(it.token, it.stranger, 1, sender=it.owner)
    with reverts("CollateralVault_NotModule", FREE):
        it.vault.lock(it.token, FREE, 1, sender=it.owner)
    with reverts("CollateralVault_InsufficientBalance", it.token, FREE, it.owner, ONE, UINT_MAX):
        it.vault.lock(it.token, it.options, UINT_MAX, sender=it.owner)
    it.vault.setModule(it.options, False, sender=it.governor)
    with reverts("CollateralVault_NotModule", it.options):
        it.vault.lock(it.token, it.options, 1, sender=it.owner)


def test_release_moves_from_the_module_to_anyones_free_balance(it):
    it.vault.deposit(it.token, it.options, it.owner, 5 * ONE, sender=it.owner)
    receipt = it.options.release(it.token, it.owner, it.payee, 2 * ONE, sender=it.stranger)
    assert it.vault.balanceOf(it.token, it.options, it.owner) == 3 * ONE
    assert it.vault.balanceOf(it.token, FREE, it.payee) == 2 * ONE
    assert receipt.event("Release").args == {
        "token": it.token.address,
        "module": it.options.address,
        "from": it.owner,
        "to": it.payee,
        "amount": 2 * ONE,
    }


def test_release_refuses(it):
    it.vault.deposit(it.token, it.options, it.owner, ONE, sender=it.owner)
    with reverts("CollateralVault_ZeroAmount"):
        it.options.release(it.token, it.owner, it.payee, 0, sender=it.owner)
    with reverts("CollateralVault_ZeroAddress"):
        it.options.release(it.token, it.owner, ZERO_ADDRESS, 1, sender=it.owner)
    with reverts("CollateralVault_InsufficientBalance", it.token, it.options, it.owner, ONE, ONE + 1):
        it.options.release(it.token, it.owner, it.payee, ONE + 1, sender=it.owner)
    with reverts("CollateralVault_InsufficientBalance", it.token, it.lending, it.owner, 0, 1):
        it.lending.release(it.token, it.owner, it.payee, 1, sender=it.owner)
    with reverts("CollateralVault_InsufficientBalance", it.token, it.stranger, it.owner, 0, 1):
        it.vault.release(it.token, it.owner, it.stranger, 1, sender=it.stranger)


# ---------------------------------------------------------------------------------------------- settle


@pytest.fixture
def funded(it):
    it.vault.deposit(it.token, it.options, it.owner, 100, sender=it.owner)
    it.pool.deposit(it.options, 1_000, sender=it.owner)
    return it


def test_settle_moves_among_entries_and_pays(funded):
    it = funded
    moves = [(it.owner, -60), (it.pool, 40), (it.payer, 15)]
    receipt = it.options.settle(it.token, moves, it.payee, 5, sender=it.stranger)
    assert it.vault.balancesOf(it.token, it.options, [it.owner, it.pool, it.payer]) == [40, 1_040, 15]
    assert it.vault.balanceOf(it.token, FREE, it.payee) == 5
    event = receipt.event("Settle")
    assert event["module"] == it.options.address
    assert [tuple(delta) for delta in event["deltas"]] == [(it.owner, -60), (it.pool.address, 40), (it.payer, 15)]
    assert (event["payee"], event["payeeAmount"]) == (it.payee, 5)
    assert held(it) == 1_100


def test_settle_takes_the_last_unit_and_not_one_more(funded):
    it = funded
    with reverts("CollateralVault_InsufficientBalance", it.token, it.options, it.owner, 100, 101):
        it.options.settle(it.token, deltas((it.owner, -101), (it.pool, 101)), FREE, 0, sender=it.owner)
    it.options.settle(it.token, deltas((it.owner, -100), (it.pool, 100)), FREE, 0, sender=it.owner)
    assert it.vault.balanceOf(it.token, it.options, it.owner) == 0


def test_settle_with_the_same_owner_twice_applies_in_order(funded):
    it = funded
    it.options.settle(it.token, [(it.owner, -100), (it.owner, 30), (it.pool, 70)], FREE, 0, sender=it.owner)
    assert it.vault.balanceOf(it.token, it.options, it.owner) == 30
    with reverts("CollateralVault_InsufficientBalance", it.token, it.options, it.owner, 30, 40):
        it.options.settle(it.token, [(it.owner, -40), (it.owner, 30), (it.pool, 10)], FREE, 0, sender=it.owner)


@pytest.mark.parametrize(
    ("amounts", "fee", "total"), [((-60, 40, 15), 6, 1), ((-60, 40, 15), 4, -1), ((-1, 0, 0), 0, -1)]
)
def test_settle_that_does_not_sum_to_zero_reverts(funded, amounts, fee, total):
    it = funded
    moves = list(zip((it.owner, it.pool, it.payer), amounts, strict=True))
    with reverts("CollateralVault_Unbalanced", total):
        it.options.settle(it.token, moves, it.payee, fee, sender=it.owner)


def test_settle_out_of_nothing_reverts(funded):
    it = funded
    with reverts("CollateralVault_Unbalanced", 1):
        it.options.settle(it.token, deltas((it.owner, 1)), FREE, 0, sender=it.owner)
    with reverts("CollateralVault_Unbalanced", 1):
        it.options.settle(it.token, deltas(), it.payee, 1, sender=it.owner)


def test_settle_of_extreme_amounts_reverts(funded):
    """No combination wraps around to a zero sum."""
    it = funded
    smallest, largest = -(2**255), 2**255 - 1
    with reverts("CollateralVault_InsufficientBalance", it.token, it.options, it.owner, 100, 2**255):
        it.options.settle(it.token, deltas((it.owner, smallest), (it.pool, smallest)), FREE, 0, sender=it.owner)
    with reverts("CollateralVault_AmountTooLarge", largest):
        it.options.settle(it.token, deltas((it.owner, largest), (it.payer, largest)), it.payee, 2, sender=it.owner)
    with reverts("CollateralVault_AmountTooLarge", UINT_MAX):
        it.options.settle(it.token, deltas((it.owner, 1)), it.payee, UINT_MAX, sender=it.owner)
    with reverts("CollateralVault_AmountTooLarge", 2**184):
        it.options.settle(it.token, deltas((it.payer, 2**184)), it.payee, UINT_MAX, sender=it.owner)
    with reverts("CollateralVault_AmountTooLarge", LARGEST):
        it.options.settle(it.token, deltas((it.owner, LARGEST)), FREE, 0, sender=it.owner)


def test_settle_to_nobody_reverts(funded):
    it = funded
    with reverts("CollateralVault_ZeroAddress"):
        it.options.settle(it.token, deltas((it.owner, -1), (ZERO_ADDRESS, 1)), FREE, 0, sender=it.owner)
    with reverts("CollateralVault_ZeroAddress"):
        it.options.settle(it.token, deltas((it.owner, -1)), ZERO_ADDRESS, 1, sender=it.owner)


def test_settle_cannot_reach_another_modules_entries(funded):
    """V2"""
    it = funded
    with reverts("CollateralVault_InsufficientBalance", it.token, it.lending, it.owner, 0, 1):
        it.lending.settle(it.token, deltas((it.owner, -1), (it.payer, 1)), FREE, 0, sender=it.owner)
    with reverts("CollateralVault_InsufficientBalance", it.token, it.stranger, it.owner, 0, 1):
        it.vault.settle(it.token, FREE, 0, deltas((it.owner, -1), (it.stranger, 1)), sender=it.stranger)


def test_settle_of_nothing_does_nothing_and_says_nothing(funded):
    it = funded
    assert it.options.settle(it.token, deltas(), FREE, 0, sender=it.owner).logs == []
    assert it.vault.settle(it.token, FREE, 0, deltas(), sender=it.stranger).logs == []


# ---------------------------------------------------------------------------------------------- modules


def test_set_module_is_restricted(it):
    with reverts("AccessManagedUnauthorized", it.stranger):
        it.vault.setModule(it.stranger, True, sender=it.stranger)


def test_set_module_zero_reverts(it):
    with reverts("CollateralVault_ZeroAddress"):
        it.vault.setModule(ZERO_ADDRESS, True, sender=it.governor)


def test_set_module_emits(it):
    event = it.vault.setModule(it.stranger, True, sender=it.governor).event("SetModule")
    assert event.args == {"module": it.stranger, "enabled": True}
    assert it.vault.isModule(it.stranger)


def test_a_disabled_module_still_moves_what_it_has(funded):
    it = funded
    it.vault.setModule(it.options, False, sender=it.governor)
    assert not it.vault.isModule(it.options)
    it.options.settle(it.token, deltas((it.pool, -50), (it.owner, 45)), it.payee, 5, sender=it.owner)
    it.options.release(it.token, it.owner, it.owner, 45, sender=it.owner)
    it.options.withdrawFrom(it.token, it.owner, 100, it.owner, sender=it.owner)
    it.vault.withdraw(it.token, 45, it.owner, sender=it.owner)
    assert held(it) == 955


def test_a_stranger_enabled_later_finds_no_entry(it):
    it.vault.deposit(it.token, FREE, it.owner, ONE, sender=it.owner)
    it.vault.setModule(it.stranger, True, sender=it.governor)
    with reverts("CollateralVault_InsufficientBalance", it.token, it.stranger, it.owner, 0, ONE):
        it.vault.release(it.token, it.owner, it.stranger, ONE, sender=it.stranger)


# ---------------------------------------------------------------------------------------------- any sequence

WHO = st.integers(0, 2)
AMOUNT = st.one_of(st.integers(0, 5), st.integers(0, 300))
STEP = st.one_of(
    st.tuples(st.just("deposit"), st.integers(0, 2), WHO, AMOUNT),
    st.tuples(st.just("withdraw"), st.just(0), WHO, AMOUNT),
    st.tuples(st.just("withdrawFrom"), st.integers(1, 2), WHO, AMOUNT),
    st.tuples(st.just("lock"), st.integers(1, 2), WHO, AMOUNT),
    st.tuples(st.just("release"), st.integers(1, 2), WHO, AMOUNT, WHO),
    st.tuples(st.just("settle"), st.integers(1, 2), WHO, AMOUNT, WHO, AMOUNT, WHO, AMOUNT),
    st.tuples(st.just("donate"), st.just(0), WHO, AMOUNT),
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEP, min_size=5, max_size=40))
def test_any_sequence_keeps_the_books(deployed, steps):
    """V1 and V2 against a dictionary: what it forbids must revert, what it allows must happen."""
    it = deployed
    with it.chain.anchor():
        owners = [it.owner, it.payer, it.stranger]
        it.token.mint(it.stranger, 10_000, sender=it.governor)
        it.token.approve(it.vault, UINT_MAX, sender=it.stranger)
        books = [FREE, it.options, it.lending]
        ledger = {(b, w): 0 for b in range(3) for w in range(3)}
        donated = 0
        for kind, b, w, amount, *rest in steps:
            moves: dict[tuple[int, int], int] = {}
            args: tuple[Any, ...]
            if kind == "donate":
                it.token.transfer(it.vault, amount, sender=owners[w])
                donated += amount
                continue
            if kind == "deposit":
                moves[b, w] = amount
                call, args = it.vault.deposit, (it.token, books[b], owners[w], amount)
            elif kind == "withdraw":
                moves[0, w] = -amount
                call, args = it.vault.withdraw, (it.token, amount, owners[w])
            elif kind == "withdrawFrom":
                moves[b, w] = -amount
                call, args = books[b].withdrawFrom, (it.token, owners[w], amount, owners[w])
            elif kind == "lock":
                moves[0, w], moves[b, w] = -amount, amount
                call, args = it.vault.lock, (it.token, books[b], amount)
            elif kind == "release":
                to = rest[0]
                moves[b, w], moves[0, to] = -amount, amount
                call, args = books[b].release, (it.token, owners[w], owners[to], amount)
            else:
                second, share, payee, fee = rest
                gives = amount + share + fee
                listed = deltas((owners[w], -gives), (owners[second], amount + share))
                moves[b, w] = -gives
                if gives <= ledger[b, w]:
                    moves[b, second] = moves.get((b, second), 0) + amount + share
                moves[0, payee] = fee
                call, args = books[b].settle, (it.token, listed, owners[payee], fee)
            amounts_fine = amount > 0 or kind == "settle"
            if amounts_fine and all(ledger[key] + change >= 0 for key, change in moves.items()):
                call(*args, sender=owners[w])
                for key, change in moves.items():
                    ledger[key] += change
            elif amounts_fine:
                with reverts("CollateralVault_InsufficientBalance"):
                    call(*args, sender=owners[w])
            else:
                with reverts("CollateralVault_ZeroAmount"):
                    call(*args, sender=owners[w])
        for (b, w), expected in ledger.items():
            assert it.vault.balanceOf(it.token, books[b], owners[w]) == expected, "V2"
        assert sum(ledger.values()) + donated == held(it), "V1"
