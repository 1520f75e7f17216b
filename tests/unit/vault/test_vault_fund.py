"""CollateralVault.fund: a sealed owner is funded out of the caller's free balance; no token moves."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from everstock.chain.testing import reverts
from support.desk import FREE, INSURANCE, MAIN, ONE, UINT112_MAX, UINT256_MAX, Desk

LARGEST = 2**184 - 1


@pytest.fixture
def funded(it):
    """`payer` has ten tokens free."""
    it.vault.deposit(it.token, FREE, it.payer, 10 * ONE, sender=it.payer)
    return it


def fund(it, amount: int, *, module=None, owner=None, sender=None, least: int = 0):
    where = (it.token, module or it.options, owner or it.pool)
    return it.vault.fund(*where, amount, it.payee, least, sender=sender or it.payer)


def test_fund_moves_the_callers_free_balance_into_the_sealed_entry(funded):
    it = funded
    held, wallet = it.token.balanceOf(it.vault), it.token.balanceOf(it.payer)
    receipt = fund(it, 4 * ONE, least=7)
    assert receipt.return_value == 4 * ONE + 7, "what the sealed owner answers"
    assert it.vault.balanceOf(it.token, FREE, it.payer) == 6 * ONE
    assert it.vault.balanceOf(it.token, it.options, it.pool) == 4 * ONE
    assert (it.token.balanceOf(it.vault), it.token.balanceOf(it.payer)) == (held, wallet)
    assert receipt.event("Fund").args == {
        "token": it.token.address,
        "module": it.options.address,
        "owner": it.pool.address,
        "payer": it.payer,
        "receiver": it.payee,
        "amount": 4 * ONE,
    }
    fund(it, 6 * ONE)
    assert it.vault.balanceOf(it.token, FREE, it.payer) == 0


def test_fund_of_nothing_is_refused(funded):
    with reverts("CollateralVault_ZeroAmount"):
        fund(funded, 0)


def test_fund_with_what_is_no_module_or_no_longer_is_refused(funded):
    it = funded
    with reverts("CollateralVault_NotModule", it.stranger):
        fund(it, 1, module=it.stranger)
    it.vault.setModule(it.options, False, sender=it.governor)
    with reverts("CollateralVault_NotModule", it.options):
        fund(it, 1)


def test_fund_of_an_entry_that_is_not_sealed_is_refused(funded):
    it = funded
    with reverts("CollateralVault_NotSealed", it.token, it.options, it.owner):
        fund(it, 1, owner=it.owner)
    with reverts("CollateralVault_NotSealed", it.token, it.lending, it.pool):
        fund(it, 1, module=it.lending)


def test_fund_beyond_the_callers_free_balance_is_refused(funded):
    it = funded
    it.vault.deposit(it.token, it.options, it.payer, ONE, sender=it.payer)  # margin is not free
    with reverts("CollateralVault_InsufficientBalance", it.token, FREE, it.payer, 10 * ONE, 10 * ONE + 1):
        fund(it, 10 * ONE + 1)
    with reverts("CollateralVault_InsufficientBalance", it.token, FREE, it.stranger, 0, 1):
        fund(it, 1, sender=it.stranger)


def test_an_entry_is_funded_up_to_its_largest_and_not_one_more(funded):
    it = funded
    it.token.mint(it.stranger, LARGEST, sender=it.governor)
    it.token.approve(it.vault, UINT256_MAX, sender=it.stranger)
    it.vault.deposit(it.token, FREE, it.stranger, LARGEST, sender=it.stranger)
    fund(it, LARGEST, sender=it.stranger)
    with reverts("CollateralVault_AmountTooLarge", 1):
        fund(it, 1)
    assert it.vault.balanceOf(it.token, FREE, it.payer) == 10 * ONE


def test_nobody_but_the_vault_tells_a_pool_that_it_was_funded(desk: Desk):
    for pool in (desk.main, desk.insurance):
        for caller in (desk.who.lp, desk.options.address):
            with desk.refused("UnderwritingPool_NotVault", caller):
                pool.receiveFunding(desk.who.lp, desk.who.lp, ONE, 0, sender=caller)


# ---------------------------------------------------------------------------------------------- pools


@pytest.fixture
def provider(desk: Desk) -> Desk:
    """`late_lp` has a hundred tokens free, and there are positions to value."""
    desk.give(desk.who.late_lp, 200 * ONE)
    desk.token.contract.approve(desk.vault, UINT256_MAX, sender=desk.who.late_lp)
    desk.vault.deposit(desk.token.address, FREE, desk.who.late_lp, 100 * ONE, sender=desk.who.late_lp)
    desk.open(0, True, 50 * ONE)
    desk.pass_time(3_600)
    return desk


def fund_pool(desk: Desk, layer: int, amount: int, least: int = 0, receiver: str | None = None):
    where = (desk.token.address, desk.options.address, desk.pool(layer).address)
    return desk.vault.fund(*where, amount, receiver or desk.who.late_lp, least, sender=desk.who.late_lp)


@pytest.mark.parametrize("layer", [MAIN, INSURANCE])
def test_funding_a_pool_gives_the_shares_of_a_deposit(provider, layer):
    desk, pool = provider, provider.pool(layer)
    with desk.chain.anchor():
        desk.token.contract.approve(pool, 30 * ONE, sender=desk.who.late_lp)
        deposit = pool["deposit(uint256,address,uint256)"](30 * ONE, desk.who.keeper, 0, sender=desk.who.late_lp)
        deposited = (deposit.return_value, desk.cash(layer), pool.totalSupply(), pool.nav(False))
    held, free = desk.token.contract.balanceOf(desk.vault), desk.free(desk.who.late_lp)
    receipt = fund_pool(desk, layer, 30 * ONE, deposited[0], desk.who.keeper)
    assert (receipt.return_value, desk.cash(layer), pool.totalSupply(), pool.nav(False)) == deposited
    assert pool.balanceOf(desk.who.keeper) == deposited[0] > 0
    assert desk.free(desk.who.late_lp) == free - 30 * ONE
    assert desk.token.contract.balanceOf(desk.vault) == held
    (entered,) = [event for event in receipt.events if event.name == "Deposit" and event.address == pool.address]
    assert entered.args == {
        "sender": desk.who.late_lp,
        "owner": desk.who.keeper,
        "assets": 30 * ONE,
        "shares": deposited[0],
    }


def test_a_pool_is_not_funded_for_fewer_shares_than_asked_or_for_none(provider):
    desk = provider
    with desk.chain.anchor():
        shares = fund_pool(desk, MAIN, ONE).return_value
    with desk.refused("UnderwritingPool_SharesBelowLimit", shares, shares + 1):
        fund_pool(desk, MAIN, ONE, shares + 1)
    with desk.refused("ERC20InvalidReceiver", ZERO_ADDRESS):
        desk.vault.fund(
            *(desk.token.address, desk.options.address, desk.main.address, ONE, ZERO_ADDRESS, 0),
            sender=desk.who.late_lp,
        )


def test_a_pool_is_not_funded_beyond_its_cap(provider):
    desk = provider
    cap = desk.main.maxDeposit(desk.who.late_lp)
    assert cap == UINT112_MAX - desk.cash(MAIN)
    desk.give(desk.who.late_lp, cap + 1)
    desk.vault.deposit(desk.token.address, FREE, desk.who.late_lp, cap + 1, sender=desk.who.late_lp)
    with desk.refused("ERC4626ExceededMaxDeposit", desk.who.late_lp, cap + 1, cap):
        fund_pool(desk, MAIN, cap + 1)
    fund_pool(desk, MAIN, cap)
    assert desk.cash(MAIN) == UINT112_MAX


def test_a_pool_whose_market_is_not_open_is_not_funded(provider):
    desk = provider
    desk.open(0, True, 500 * ONE)
    desk.publish(90_000)
    desk.poke()
    with desk.refused("UnderwritingPool_MarketNotOpen", desk.market.id, 550 * ONE * 3 // 4, desk.cash(MAIN) // 10):
        fund_pool(desk, MAIN, ONE)
