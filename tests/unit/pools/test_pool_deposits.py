"""Deposits into the pools: rounding, refusals, attackers, and what a deposit is valued at."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from everstock.chain.testing import reverts
from support.desk import (
    DAY,
    FREE,
    INSURANCE,
    INSURANCE_CASH,
    MAIN,
    MAIN_CASH,
    MARGIN,
    ONE,
    UINT112_MAX,
    UINT256_MAX,
    Desk,
    add_token,
    up,
)

VIRTUAL = 10**6
FULL_MUL_DIV_FAILED = bytes.fromhex("ae47f702")  # Solady's FullMulDivFailed(), which no ABI lists
BOTH = pytest.mark.parametrize("layer", [MAIN, INSURANCE])


@pytest.fixture
def empty(system) -> Desk:
    return Desk.empty(system)


@pytest.fixture
def earning(desk: Desk) -> Desk:
    """Shares are worth more than they cost: a fee and a spread were earned."""
    desk.open(0, True, 200 * ONE)
    desk.close()
    return desk


def deposit(desk: Desk, layer: int, amount: int, *, lp=None, receiver=None):
    lp = lp or desk.who.late_lp
    desk.give(lp, amount)
    desk.token.contract.approve(desk.pool(layer), amount, sender=lp)
    return desk.pool(layer)["deposit(uint256,address)"](amount, receiver or lp, sender=lp)


# ---------------------------------------------------------------------------------------------- what it does


@BOTH
def test_the_first_deposit_gets_a_million_shares_a_unit(empty, layer):
    desk = empty
    desk.give(desk.who.lp, ONE)
    pool = desk.pool(layer)
    desk.token.contract.approve(pool, ONE, sender=desk.who.lp)
    assert pool.previewDeposit(ONE) == ONE * VIRTUAL
    receipt = pool["deposit(uint256,address)"](ONE, desk.who.lp, sender=desk.who.lp)
    assert receipt.return_value == ONE * VIRTUAL == pool.balanceOf(desk.who.lp) == pool.totalSupply()
    assert desk.cash(layer) == ONE == desk.wallet(desk.vault)
    deposits = [each for each in receipt.events if each.name == "Deposit" and each.address == pool.address]
    assert deposits[0].args == {
        "sender": desk.who.lp,
        "owner": desk.who.lp,
        "assets": ONE,
        "shares": ONE * VIRTUAL,
    }


@BOTH
def test_a_deposit_rounds_shares_down_and_a_mint_rounds_assets_up(earning, layer):
    desk, pool = earning, earning.pool(layer)
    nav, supply = pool.nav(True).nav, pool.totalSupply()
    assert nav > (MAIN_CASH, INSURANCE_CASH)[layer]
    amount = 12_345_678_901
    shares = amount * (supply + VIRTUAL) // (nav + 1)
    with desk.chain.anchor():
        assert pool.previewDeposit(amount) == shares
        assert deposit(desk, layer, amount).return_value == shares
    price = up(shares * (nav + 1), supply + VIRTUAL)
    assert amount - 1 <= price <= amount
    assert pool.previewMint(shares) == price
    desk.give(desk.who.late_lp, price)
    desk.token.contract.approve(pool, price, sender=desk.who.late_lp)
    receipt = pool.mint(shares, desk.who.late_lp, sender=desk.who.late_lp)
    assert receipt.return_value == price
    assert pool.balanceOf(desk.who.late_lp) == shares
    assert desk.wallet(desk.who.late_lp) == 0


@BOTH
def test_a_mint_of_one_share_costs_one_unit(earning, layer):
    desk, pool = earning, earning.pool(layer)
    desk.give(desk.who.late_lp, 1)
    desk.token.contract.approve(pool, 1, sender=desk.who.late_lp)
    assert pool.mint(1, desk.who.late_lp, sender=desk.who.late_lp).return_value == 1


@BOTH
def test_a_deposit_for_somebody_else_is_paid_by_the_caller(desk, layer):
    deposit(desk, layer, ONE, receiver=desk.who.stranger)
    assert desk.pool(layer).balanceOf(desk.who.stranger) > 0
    assert desk.pool(layer).balanceOf(desk.who.late_lp) == 0
    assert desk.wallet(desk.who.late_lp) == 0


@BOTH
def test_no_deposit_lowers_the_share_price_of_the_others(earning, layer):
    """P3"""
    desk, pool = earning, earning.pool(layer)
    desk.open(0, True, 20 * ONE)
    desk.pass_time(DAY)
    desk.poke()
    for amount in (1, 2, 999_999, ONE, 7 * ONE + 3):
        before = (pool.nav(False).nav + 1, pool.totalSupply() + VIRTUAL)
        deposit(desk, layer, amount)
        after = (pool.nav(False).nav + 1, pool.totalSupply() + VIRTUAL)
        assert after[0] * before[1] >= before[0] * after[1]


@BOTH
def test_a_deposit_and_its_shares_belong_to_one_layer_of_one_token(desk, layer):
    """P6"""
    others = [k for k in desk.statement() if k[0] == "CRCL.M"]
    before = desk.statement()
    cash = desk.cash(1 - layer)
    deposit(desk, layer, ONE)
    after = desk.statement()
    assert desk.cash(1 - layer) == cash
    assert desk.pool(1 - layer).balanceOf(desk.who.late_lp) == 0
    assert [before[k] for k in others] == [after[k] for k in others]


# ---------------------------------------------------------------------------------------------- what it refuses


@BOTH
def test_a_deposit_of_nothing_is_refused(desk, layer):
    pool = desk.pool(layer)
    for call in (pool["deposit(uint256,address)"], pool.mint):
        with desk.refused("UnderwritingPool_ZeroAmount"):
            call(0, desk.who.lp, sender=desk.who.lp)


@BOTH
def test_a_deposit_that_mints_fewer_shares_than_asked_for_is_refused(desk, layer):
    pool = desk.pool(layer)
    desk.give(desk.who.late_lp, ONE)
    desk.token.contract.approve(pool, ONE, sender=desk.who.late_lp)
    shares = pool.previewDeposit(ONE)
    call = pool["deposit(uint256,address,uint256)"]
    with desk.refused("UnderwritingPool_SharesBelowLimit", shares, shares + 1):
        call(ONE, desk.who.late_lp, shares + 1, sender=desk.who.late_lp)
    call(ONE, desk.who.late_lp, shares, sender=desk.who.late_lp)


@BOTH
def test_a_deposit_needs_the_pools_allowance_and_not_the_vaults(desk, layer):
    pool, lp = desk.pool(layer), desk.who.late_lp
    desk.give(lp, ONE)
    desk.token.contract.approve(desk.vault, ONE, sender=lp)
    with desk.refused("ERC20InsufficientAllowance", pool, 0, ONE):
        pool["deposit(uint256,address)"](ONE, lp, sender=lp)


@BOTH
def test_a_deposit_beyond_the_wallet_is_refused(desk, layer):
    pool, lp = desk.pool(layer), desk.who.late_lp
    desk.give(lp, ONE)
    desk.token.contract.approve(pool, UINT256_MAX, sender=lp)
    with desk.refused("ERC20InsufficientBalance", lp, ONE, ONE + 1):
        pool["deposit(uint256,address)"](ONE + 1, lp, sender=lp)


@BOTH
def test_a_deposit_for_nobody_is_refused(desk, layer):
    desk.give(desk.who.late_lp, ONE)
    desk.token.contract.approve(desk.pool(layer), ONE, sender=desk.who.late_lp)
    with desk.refused("ERC20InvalidReceiver", ZERO_ADDRESS):
        desk.pool(layer)["deposit(uint256,address)"](ONE, ZERO_ADDRESS, sender=desk.who.late_lp)


@BOTH
def test_a_deposit_of_uint_max_is_refused(desk, layer):
    pool, lp = desk.pool(layer), desk.who.late_lp
    with desk.refused("Unknown", FULL_MUL_DIV_FAILED):  # the shares fit no word
        pool["deposit(uint256,address)"](UINT256_MAX, lp, sender=lp)
    with desk.refused("ERC4626ExceededMaxDeposit", lp, ..., pool.maxDeposit(lp)):
        pool.mint(UINT256_MAX, lp, sender=lp)


@BOTH
def test_a_deposit_beyond_the_cap_is_refused_by_name(desk, layer):
    """Cash stays within 112 bits; a mint that asks for more is told the assets it would cost."""
    pool, lp, receiver = desk.pool(layer), desk.who.late_lp, desk.who.stranger
    cap = UINT112_MAX - desk.cash(layer)
    assert pool.maxDeposit(receiver) == cap
    desk.give(lp, cap + 1)
    desk.token.contract.approve(pool, cap + 1, sender=lp)
    for call in (pool["deposit(uint256,address)"], pool["deposit(uint256,address,uint256)"]):
        args = (cap + 1, receiver, 0)[: len(call.spec.inputs.types)]
        with desk.refused("ERC4626ExceededMaxDeposit", receiver, cap + 1, cap):
            call(*args, sender=lp)
    shares = pool.previewDeposit(cap) + VIRTUAL
    with desk.refused("ERC4626ExceededMaxDeposit", receiver, pool.previewMint(shares), cap):
        pool.mint(shares, receiver, sender=lp)
    pool["deposit(uint256,address)"](cap, receiver, sender=lp)
    assert (desk.cash(layer), pool.maxDeposit(receiver), pool.maxMint(receiver)) == (UINT112_MAX, 0, 0)
    with desk.refused("ERC4626ExceededMaxDeposit", receiver, 1, 0):
        pool["deposit(uint256,address)"](1, receiver, sender=lp)


def test_only_the_vault_makes_a_pool_collect(desk):
    desk.give(desk.who.late_lp, ONE)
    desk.token.contract.approve(desk.main, ONE, sender=desk.who.late_lp)
    for caller in (desk.who.stranger, desk.who.governor, desk.options.address):
        with desk.refused("UnderwritingPool_NotVault", caller):
            desk.main.receiveDeposit(desk.who.late_lp, ONE, sender=caller)


def test_a_disabled_module_takes_no_deposit_and_still_pays_out(desk):
    """Balances stay the module's to move: nobody is locked in."""
    desk.open(0, True, 10 * ONE)
    desk.vault.setModule(desk.options, False, sender=desk.who.governor)
    desk.give(desk.who.late_lp, ONE)
    desk.token.contract.approve(desk.main, ONE, sender=desk.who.late_lp)
    with desk.refused("CollateralVault_NotModule", desk.options):
        desk.main["deposit(uint256,address)"](ONE, desk.who.late_lp, sender=desk.who.late_lp)
    desk.close()
    desk.withdraw(ONE)
    shares = desk.main.balanceOf(desk.who.lp)
    desk.main.requestRedeem(shares, desk.who.lp, desk.who.lp, sender=desk.who.lp)
    desk.chain.warp(DAY)
    desk.main.executeRedemption(desk.who.lp, sender=desk.who.keeper)
    desk.main.redeem(shares, desk.who.lp, desk.who.lp, sender=desk.who.lp)
    assert desk.wallet(desk.who.lp) > 0


# ---------------------------------------------------------------------------------------------- attackers


@BOTH
def test_nobody_credits_a_pool_from_outside(desk, layer):
    """Rule 17: neither the vault's door nor a transfer changes what a share is worth."""
    pool, rich = desk.pool(layer), desk.who.stranger
    desk.give(rich, 4 * MARGIN)
    desk.token.contract.approve(desk.vault, UINT256_MAX, sender=rich)
    nav, cash = pool.nav(False), desk.cash(layer)
    entry = (desk.token.address, desk.options, pool)
    with desk.refused("CollateralVault_SealedEntry", *entry):
        desk.vault.deposit(*entry, MARGIN, sender=rich)
    with desk.refused("CollateralVault_NotSealed", desk.token.address, desk.options, rich):
        desk.vault.depositSealed(desk.token.address, desk.options, rich, MARGIN, sender=rich)
    with desk.refused("CollateralVault_NotModule", rich):
        desk.vault.seal(desk.token.address, rich, sender=rich)
    desk.token.contract.transfer(pool, MARGIN, sender=rich)
    desk.token.contract.transfer(desk.vault, MARGIN, sender=rich)
    desk.vault.deposit(desk.token.address, FREE, pool, MARGIN, sender=rich)
    assert pool.nav(False) == nav
    assert desk.cash(layer) == cash
    assert desk.vault.isSealed(*entry)


@BOTH
def test_a_first_depositor_who_donates_takes_nothing_from_the_second(empty, layer):
    """P7"""
    desk, pool = empty, empty.pool(layer)
    desk.fund_pool(layer, 1, desk.who.stranger)
    desk.give(desk.who.stranger, 2 * MARGIN)
    desk.token.contract.transfer(desk.vault, MARGIN, sender=desk.who.stranger)
    desk.token.contract.transfer(pool, MARGIN, sender=desk.who.stranger)
    shares = desk.fund_pool(layer, MARGIN, desk.who.lp)
    assert pool.convertToAssets(shares) in (MARGIN, MARGIN - 1)
    assert pool.convertToAssets(pool.balanceOf(desk.who.stranger)) <= 1


@BOTH
def test_donating_before_the_first_deposit_gives_nobody_anything(empty, layer):
    desk = empty
    desk.give(desk.who.stranger, MARGIN)
    desk.token.contract.transfer(desk.vault, MARGIN, sender=desk.who.stranger)
    assert desk.fund_pool(layer, ONE) == ONE * VIRTUAL
    assert desk.pool(layer).nav(False).nav == ONE


@BOTH
def test_many_deposits_of_one_unit_gain_nothing(earning, layer):
    desk, pool = earning, earning.pool(layer)
    for _ in range(20):
        deposit(desk, layer, 1)
    assert pool.convertToAssets(pool.balanceOf(desk.who.late_lp)) <= 20


def test_a_deposit_of_a_six_decimal_token_works_alike(system):
    desk = Desk.empty(system, add_token(system, "SIX.M", decimals=6))
    assert desk.fund_pool(MAIN, 10**6) == 10**12
    assert desk.main.decimals() == 12
    assert desk.main.convertToAssets(10**12) == 10**6


# ---------------------------------------------------------------------------------------------- impaired


@pytest.fixture
def impaired(system) -> Desk:
    """Insurance has sold nearly all it has, and its layer is worth all it can be."""
    desk = Desk.empty(system)
    desk.fund_pool(MAIN, MAIN_CASH)
    desk.fund_pool(INSURANCE, 10 * ONE)
    desk.add_margin(desk.who.trader, MARGIN)
    desk.open(0, True, 39 * ONE)
    desk.move(130_000)
    desk.publish()
    return desk


def test_a_pool_worth_less_than_a_tenth_of_its_cash_takes_no_deposit(impaired):
    desk = impaired
    desk.poke()
    nav = desk.insurance.nav(True)
    assert nav.nav * 10 < nav.cash
    assert desk.insurance.maxDeposit(desk.who.lp) == 0 == desk.insurance.maxMint(desk.who.lp)
    desk.give(desk.who.late_lp, ONE)
    desk.token.contract.approve(desk.insurance, ONE, sender=desk.who.late_lp)
    for call, amount in ((desk.insurance["deposit(uint256,address)"], ONE), (desk.insurance.mint, VIRTUAL)):
        with desk.refused("UnderwritingPool_Impaired", nav.nav, nav.cash):
            call(amount, desk.who.late_lp, sender=desk.who.late_lp)


def test_a_pool_that_recovers_takes_deposits_again(impaired):
    desk = impaired
    desk.move(90_000)
    deposit(desk, INSURANCE, ONE)


def test_a_pool_that_is_worth_nothing_says_so(impaired):
    """NAV is never below zero, and its views never fail."""
    desk = impaired
    desk.move(600_000)
    nav = desk.insurance.nav(False)
    assert nav.liability == up(39 * ONE, 4)
    assert nav.nav == max(0, nav.cash + nav.accrued - nav.liability)
    assert desk.insurance.totalAssets() == nav.nav


def test_max_deposit_is_what_a_deposit_takes(desk):
    """P5"""
    desk.open(0, True, 10 * ONE)
    for layer in (MAIN, INSURANCE):
        most = desk.pool(layer).maxDeposit(desk.who.late_lp)
        assert most == 2**112 - 1 - desk.cash(layer)
        with desk.chain.anchor():
            deposit(desk, layer, most)
            assert desk.pool(layer).maxDeposit(desk.who.lp) == 0
        shares = desk.pool(layer).maxMint(desk.who.late_lp)
        desk.give(desk.who.late_lp, most)
        desk.token.contract.approve(desk.pool(layer), most, sender=desk.who.late_lp)
        desk.pool(layer).mint(shares, desk.who.late_lp, sender=desk.who.late_lp)


# ---------------------------------------------------------------------------------------------- not open


def halt(desk: Desk) -> None:
    desk.publish(80_000)
    desk.poke()


def test_a_deposit_waits_while_a_market_with_more_than_a_tenth_is_not_open(desk):
    desk.open(0, True, 200 * ONE)
    halt(desk)
    for layer, locked in ((MAIN, 150 * ONE), (INSURANCE, 50 * ONE)):
        cash = desk.cash(layer)
        blocked = locked * 10 > cash
        assert blocked is (layer == MAIN)
        if blocked:
            desk.give(desk.who.late_lp, ONE)
            desk.token.contract.approve(desk.pool(layer), ONE, sender=desk.who.late_lp)
            assert desk.pool(layer).maxDeposit(desk.who.lp) == 0
            with desk.refused("UnderwritingPool_MarketNotOpen", desk.market.id, locked, cash // 10):
                desk.pool(layer)["deposit(uint256,address)"](ONE, desk.who.late_lp, sender=desk.who.late_lp)
        else:
            deposit(desk, layer, ONE)


@BOTH
def test_a_tenth_of_cash_to_the_unit_is_not_too_much(system, layer):
    desk = Desk.empty(system)
    desk.fund_pool(MAIN, MAIN_CASH)
    desk.fund_pool(INSURANCE, INSURANCE_CASH)
    desk.add_margin(desk.who.trader, MARGIN)
    locked_per = (3, 1)[layer]
    n = 100 * ONE
    desk.open(0, True, n)
    cash = desk.cash(layer)
    n_most = cash // 10 * 4 // locked_per
    desk.options.payRedemption(desk.token.address, layer, cash - 10 * n * locked_per // 4, sender=desk.pool(layer))
    assert desk.cash(layer) == 10 * n * locked_per // 4
    assert n <= n_most
    halt(desk)
    with desk.chain.anchor():
        deposit(desk, layer, 1)
    desk.options.payRedemption(desk.token.address, layer, 1, sender=desk.pool(layer))
    desk.give(desk.who.late_lp, 1)
    desk.token.contract.approve(desk.pool(layer), 1, sender=desk.who.late_lp)
    with reverts("UnderwritingPool_MarketNotOpen"):
        desk.pool(layer)["deposit(uint256,address)"](1, desk.who.late_lp, sender=desk.who.late_lp)


@BOTH
def test_a_small_market_that_is_not_open_counts_as_worth_nothing_to_the_entrant(desk, layer):
    """The higher value: fewer shares for who comes in blind."""
    desk.open(0, True, 20 * ONE)
    desk.open(-11, True, 20 * ONE)
    halt(desk)
    pool = desk.pool(layer)
    nav, supply = pool.nav(True), pool.totalSupply()
    assert nav.liability == 0
    assert nav.nav == desk.cash(layer) + nav.accrued
    shares = deposit(desk, layer, ONE).return_value
    assert shares == ONE * (supply + VIRTUAL) // (nav.nav + 1)


def test_a_stale_market_blocks_like_a_halted_one(desk):
    desk.open(0, True, 200 * ONE)
    desk.chain.warp(DAY)
    assert desk.main.maxDeposit(desk.who.lp) == 0
    with desk.refused("UnderwritingPool_MarketNotOpen", desk.market.id, 150 * ONE, desk.cash(MAIN) // 10):
        desk.main["deposit(uint256,address)"](ONE, desk.who.lp, sender=desk.who.lp)


def test_markets_in_which_the_pool_has_sold_nothing_do_not_matter(desk):
    desk.chain.warp(DAY)
    deposit(desk, MAIN, ONE)
    assert desk.main.maxDeposit(desk.who.lp) > 0


def test_a_frozen_market_counts_at_its_payoff(desk):
    desk.open(0, True, 200 * ONE)
    desk.wind_down(66_000)
    desk.chain.warp(3 * DAY)
    nav = desk.main.nav(True)
    assert nav.liability == 20 * ONE
    supply = desk.main.totalSupply()
    assert deposit(desk, MAIN, ONE).return_value == ONE * (supply + VIRTUAL) // (nav.nav + 1)
