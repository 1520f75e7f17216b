"""Redemption: request, cooldown, execution, claim. ERC-7540 with nothing to take back."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from everstock.chain.testing import reverts
from support.desk import (
    DAY,
    HOUR,
    INSURANCE,
    INSURANCE_CASH,
    MAIN,
    MAIN_CASH,
    MARGIN,
    ONE,
    UINT256_MAX,
    Desk,
    up,
)

VIRTUAL = 10**6
COOLDOWN = {MAIN: DAY, INSURANCE: 7 * DAY}
BOTH = pytest.mark.parametrize("layer", [MAIN, INSURANCE])


def shares_of(desk: Desk, layer: int, owner=None) -> int:
    return int(desk.pool(layer).balanceOf(owner or desk.who.lp))


def request(desk: Desk, layer: int, shares: int | None = None, owner=None):
    owner = owner or desk.who.lp
    shares = shares_of(desk, layer, owner) if shares is None else shares
    return desk.pool(layer).requestRedeem(shares, owner, owner, sender=owner)


def execute(desk: Desk, layer: int, controller=None):
    return desk.pool(layer).executeRedemption(controller or desk.who.lp, sender=desk.who.keeper)


def executed(desk: Desk, layer: int) -> int:
    """All of `lp`'s shares are claimable; the assets."""
    request(desk, layer)
    desk.pass_time(COOLDOWN[layer])
    return int(execute(desk, layer).return_value[1])


# ---------------------------------------------------------------------------------------------- request


@BOTH
def test_a_request_escrows_shares_and_changes_no_value(desk, layer):
    pool, shares = desk.pool(layer), shares_of(desk, layer)
    nav, supply = pool.nav(False), pool.totalSupply()
    receipt = pool.requestRedeem(shares // 4, desk.who.lp, desk.who.lp, sender=desk.who.lp)
    assert receipt.return_value == 0
    assert shares_of(desk, layer) == shares - shares // 4
    assert pool.balanceOf(pool) == shares // 4 == pool.pendingRedeemRequest(0, desk.who.lp)
    assert pool.claimableRedeemRequest(0, desk.who.lp) == 0
    assert pool.redemptionOf(desk.who.lp) == (shares // 4, desk.chain.now + COOLDOWN[layer])
    assert (pool.nav(False), pool.totalSupply()) == (nav, supply)
    assert receipt.event("RedeemRequest").args == {
        "controller": desk.who.lp,
        "owner": desk.who.lp,
        "requestId": 0,
        "sender": desk.who.lp,
        "shares": shares // 4,
    }


def test_a_request_of_nothing_is_refused(desk):
    with desk.refused("UnderwritingPool_ZeroAmount"):
        request(desk, MAIN, 0)


def test_a_request_of_more_than_one_has_is_refused(desk):
    shares = shares_of(desk, MAIN)
    with desk.refused("ERC20InsufficientBalance", desk.who.lp, shares, shares + 1):
        request(desk, MAIN, shares + 1)
    with desk.refused("ERC20InsufficientBalance", desk.who.lp, shares, UINT256_MAX):
        request(desk, MAIN, UINT256_MAX)


def test_a_second_request_waits_for_the_first(desk):
    shares = shares_of(desk, MAIN)
    request(desk, MAIN, shares // 2)
    with desk.refused("UnderwritingPool_AlreadyRequested", desk.who.lp, shares // 2):
        request(desk, MAIN, 1)
    desk.chain.warp(DAY)
    execute(desk, MAIN)
    request(desk, MAIN, 1)  # the first one is done, claimed or not


def test_a_request_needs_the_owners_allowance(desk):
    pool, stranger = desk.main, desk.who.stranger
    with desk.refused("ERC20InsufficientAllowance", stranger, 0, ONE):
        pool.requestRedeem(ONE, stranger, desk.who.lp, sender=stranger)
    pool.approve(stranger, ONE, sender=desk.who.lp)
    with desk.refused("ERC20InsufficientAllowance", stranger, ONE, ONE + 1):
        pool.requestRedeem(ONE + 1, stranger, desk.who.lp, sender=stranger)
    receipt = pool.requestRedeem(ONE, stranger, desk.who.lp, sender=stranger)
    assert pool.allowance(desk.who.lp, stranger) == 0
    assert pool.pendingRedeemRequest(0, stranger) == ONE
    assert receipt.event("RedeemRequest")["owner"] == desk.who.lp


def test_an_unlimited_allowance_stays(desk):
    desk.main.approve(desk.who.stranger, UINT256_MAX, sender=desk.who.lp)
    desk.main.requestRedeem(ONE, desk.who.stranger, desk.who.lp, sender=desk.who.stranger)
    assert desk.main.allowance(desk.who.lp, desk.who.stranger) == UINT256_MAX


def test_an_operator_requests_without_allowance(desk):
    pool, operator = desk.main, desk.who.operator
    receipt = pool.setOperator(operator, True, sender=desk.who.lp)
    assert receipt.return_value is True
    assert receipt.event("OperatorSet").args == {"controller": desk.who.lp, "operator": operator, "approved": True}
    assert pool.isOperator(desk.who.lp, operator)
    pool.requestRedeem(ONE, desk.who.lp, desk.who.lp, sender=operator)
    assert pool.pendingRedeemRequest(0, desk.who.lp) == ONE
    pool.setOperator(operator, False, sender=desk.who.lp)
    with desk.refused("ERC20InsufficientAllowance", operator, 0, ONE):
        pool.requestRedeem(ONE, operator, desk.who.lp, sender=operator)


def test_an_operator_may_take_a_request_over_in_its_own_name(desk):
    desk.main.setOperator(desk.who.operator, True, sender=desk.who.lp)
    desk.main.requestRedeem(ONE, desk.who.operator, desk.who.lp, sender=desk.who.operator)
    assert desk.main.pendingRedeemRequest(0, desk.who.operator) == ONE


def test_a_strangers_request_in_somebody_elses_name_is_refused(desk):
    """It would hold up that somebody's own request."""
    desk.fund_pool(MAIN, ONE, desk.who.stranger)
    with desk.refused("UnderwritingPool_NotOperator", desk.who.lp, desk.who.stranger):
        desk.main.requestRedeem(1, desk.who.lp, desk.who.stranger, sender=desk.who.stranger)
    desk.main.setOperator(desk.who.stranger, True, sender=desk.who.lp)
    desk.main.requestRedeem(1, desk.who.lp, desk.who.stranger, sender=desk.who.stranger)
    assert desk.main.pendingRedeemRequest(0, desk.who.lp) == 1


def test_escrowed_shares_cannot_be_moved_or_taken_back(desk):
    shares = shares_of(desk, MAIN)
    request(desk, MAIN)
    with desk.refused("ERC20InsufficientBalance", desk.who.lp, 0, 1):
        desk.main.transfer(desk.who.stranger, 1, sender=desk.who.lp)
    assert desk.main.balanceOf(desk.main) == shares


# ---------------------------------------------------------------------------------------------- cooldown and price


@BOTH
def test_execution_at_the_cooldowns_end_and_not_a_second_before(desk, layer):
    request(desk, layer)
    end = desk.chain.now + COOLDOWN[layer]
    assert desk.pool(layer).cooldown() == COOLDOWN[layer]
    desk.chain.warp(COOLDOWN[layer] - 1)
    with desk.refused("UnderwritingPool_CoolingDown", end):
        execute(desk, layer)
    desk.chain.warp(1)
    execute(desk, layer)


def test_execution_of_nothing_is_refused(desk):
    with desk.refused("UnderwritingPool_NothingRequested", desk.who.lp):
        execute(desk, MAIN)
    executed(desk, MAIN)
    with desk.refused("UnderwritingPool_NothingRequested", desk.who.lp):
        execute(desk, MAIN)


@BOTH
def test_execution_needs_prices_stamped_after_the_cooldown(desk, layer):
    desk.open(0, True, 10 * ONE)
    request(desk, layer, shares_of(desk, layer) // 2)
    end = desk.chain.now + COOLDOWN[layer]
    desk.pass_time(COOLDOWN[layer] - 1)
    stamp = desk.chain.now
    desk.chain.warp(1)
    with desk.refused("UnderwritingPool_PriceTooOld", desk.market.id, stamp, end):
        execute(desk, layer)
    desk.publish()
    execute(desk, layer)


def test_every_market_needs_such_a_price(desk):
    eth = desk.with_market("ETH-7D")
    desk.open(0, True, 10 * ONE)
    eth.open(0, True, 10 * ONE)
    request(desk, MAIN, shares_of(desk, MAIN) // 2)
    end = desk.chain.now + DAY
    desk.pass_time(DAY - 60)
    stamp = desk.chain.now
    desk.chain.warp(60)
    desk.publish()
    with desk.refused("UnderwritingPool_PriceTooOld", eth.market.id, stamp, end):
        execute(desk, MAIN)
    eth.publish()
    execute(desk, MAIN)


def test_execution_waits_while_a_market_with_more_than_a_tenth_is_not_open(desk):
    desk.open(0, True, 200 * ONE)
    request(desk, MAIN, shares_of(desk, MAIN) // 2)
    request(desk, INSURANCE, shares_of(desk, INSURANCE) // 2)
    desk.pass_time(7 * DAY)
    desk.poke()
    desk.publish(80_000)
    desk.poke()
    with desk.refused("UnderwritingPool_MarketNotOpen", desk.market.id, 150 * ONE, desk.cash(MAIN) // 10):
        execute(desk, MAIN)
    execute(desk, INSURANCE)  # reserves 50 of 500: a tenth, and fees above


@BOTH
def test_a_small_market_that_is_not_open_counts_as_paid_out(desk, layer):
    desk.open(0, True, 20 * ONE)
    shares = shares_of(desk, layer) // 2
    request(desk, layer, shares)
    desk.pass_time(COOLDOWN[layer])
    desk.poke()
    desk.publish(80_000)
    desk.poke()
    nav, supply = desk.pool(layer).nav(False), desk.pool(layer).totalSupply()
    assert nav.liability == 20 * ONE * (3, 1)[layer] // 4
    assert execute(desk, layer).return_value == (shares, shares * (nav.nav + 1) // (supply + VIRTUAL))


@BOTH
def test_a_frozen_market_counts_at_its_payoff_and_needs_no_new_price(desk, layer):
    desk.open(0, True, 200 * ONE)
    shares = shares_of(desk, layer) // 2
    desk.wind_down(66_000)
    desk.pass_time(3 * DAY)
    request(desk, layer, shares)
    desk.chain.warp(COOLDOWN[layer])
    with desk.chain.anchor():
        desk.options.freeze(desk.token.address, desk.market.id, sender=desk.who.keeper)
        nav, supply = desk.pool(layer).nav(False), desk.pool(layer).totalSupply()
    assert nav.liability == (20 * ONE if layer == MAIN else 0)
    assert execute(desk, layer).return_value == (shares, shares * (nav.nav + 1) // (supply + VIRTUAL))


def test_with_every_market_frozen_and_left_the_last_lp_leaves_with_everything(desk):
    desk.open(0, True, 100 * ONE)
    desk.wind_down(66_000)
    desk.pass_time(3 * DAY)
    desk.close_frozen()
    for layer in (MAIN, INSURANCE):
        cash = desk.cash(layer)
        assert cash - 2 <= executed(desk, layer) <= cash
        assert desk.pool(layer).totalSupply() == 0
        assert desk.cash(layer) <= 2


# ---------------------------------------------------------------------------------------------- execution


@BOTH
def test_an_execution_burns_shares_and_sets_assets_aside(desk, layer):
    pool, shares = desk.pool(layer), shares_of(desk, layer)
    request(desk, layer, shares // 4)
    desk.chain.warp(COOLDOWN[layer])
    cash, nav, supply = desk.cash(layer), pool.nav(False).nav, pool.totalSupply()
    worth = shares // 4 * (nav + 1) // (supply + VIRTUAL)
    receipt = pool.executeRedemption(desk.who.lp, sender=desk.who.stranger)
    assert receipt.return_value == (shares // 4, worth)
    assert pool.totalSupply() == supply - shares // 4
    assert desk.cash(layer) == cash - worth
    assert desk.free(pool) == worth
    assert desk.wallet(desk.who.lp) == 0
    assert pool.pendingRedeemRequest(0, desk.who.lp) == 0
    assert pool.claimableRedeemRequest(0, desk.who.lp) == shares // 4 == pool.maxRedeem(desk.who.lp)
    assert pool.maxWithdraw(desk.who.lp) == worth
    assert receipt.event("ExecuteRedemption").args == {
        "controller": desk.who.lp,
        "shares": shares // 4,
        "assets": worth,
        "pending": 0,
    }


def test_shares_stay_at_risk_until_executed(desk):
    desk.open(0, True, 400 * ONE)
    request(desk, MAIN, shares_of(desk, MAIN) // 10)
    desk.pass_time(DAY)
    desk.poke()
    with desk.chain.anchor():
        calm = execute(desk, MAIN).return_value[1]
    desk.move(75_000)
    desk.publish()
    after_a_loss = execute(desk, MAIN).return_value[1]
    assert after_a_loss < calm * 95 // 100


@BOTH
def test_it_pays_no_more_than_cash_above_reserves_at_80_per_cent(system, layer):
    desk = Desk.empty(system)
    desk.fund_pool(MAIN, MAIN_CASH)
    desk.fund_pool(INSURANCE, INSURANCE_CASH if layer == MAIN else 150 * ONE)
    desk.add_margin(desk.who.trader, 100 * ONE)
    desk.open(0, True, 400 * ONE)
    pool, shares = desk.pool(layer), shares_of(desk, layer)
    request(desk, layer)
    desk.pass_time(COOLDOWN[layer])
    desk.poke()
    nav, supply = pool.nav(False), pool.totalSupply()
    reserved = 400 * ONE * (3, 1)[layer] // 4
    assert nav.reserved == reserved
    free = nav.cash - up(reserved * 10, 8)
    burned = free * (supply + VIRTUAL) // (nav.nav + 1)
    paid = burned * (nav.nav + 1) // (supply + VIRTUAL)
    assert 0 < burned < shares
    receipt = execute(desk, layer)
    assert receipt.return_value == (burned, paid)
    assert pool.pendingRedeemRequest(0, desk.who.lp) == shares - burned
    assert up(reserved * 10, 8) <= desk.cash(layer) <= up(reserved * 10, 8) + 1
    assert receipt.event("ExecuteRedemption")["pending"] == shares - burned
    with desk.refused("UnderwritingPool_NothingFree", desk.cash(layer), reserved):
        execute(desk, layer)
    # When positions close, the rest is paid without another cooldown.
    desk.close()
    execute(desk, layer)
    assert pool.pendingRedeemRequest(0, desk.who.lp) == 0
    assert pool.maxRedeem(desk.who.lp) == shares


def test_nothing_is_free_while_reserves_are_over_80_per_cent(system):
    desk = Desk.empty(system)
    desk.fund_pool(MAIN, MAIN_CASH)
    desk.fund_pool(INSURANCE, 12 * ONE)
    desk.add_margin(desk.who.trader, 100 * ONE)
    desk.open(0, True, 40 * ONE)
    request(desk, INSURANCE)
    desk.pass_time(7 * DAY)
    with desk.refused("UnderwritingPool_NothingFree", desk.cash(INSURANCE), 10 * ONE):
        execute(desk, INSURANCE)


# ---------------------------------------------------------------------------------------------- dust


@BOTH
@pytest.mark.parametrize("shares", [1, VIRTUAL - 1])
def test_a_request_that_is_worth_nothing_is_burned_for_nothing(desk, layer, shares):
    """It would stay pending for good, and stand in the way of its controller's next."""
    pool, supply, cash = desk.pool(layer), desk.pool(layer).totalSupply(), desk.cash(layer)
    request(desk, layer, shares)
    desk.chain.warp(COOLDOWN[layer])
    receipt = execute(desk, layer)
    assert receipt.return_value == (shares, 0)
    assert receipt.event("ExecuteRedemption").args == {
        "controller": desk.who.lp,
        "shares": shares,
        "assets": 0,
        "pending": 0,
    }
    assert (pool.totalSupply(), desk.cash(layer)) == (supply - shares, cash)
    assert (pool.pendingRedeemRequest(0, desk.who.lp), pool.maxRedeem(desk.who.lp)) == (0, 0)
    assert pool.balanceOf(pool) == 0
    request(desk, layer)  # the way is free


def test_dust_in_a_request_leaves_an_older_claim_as_it_is(desk):
    shares = shares_of(desk, MAIN)
    request(desk, MAIN, shares // 2)
    desk.chain.warp(DAY)
    assets = execute(desk, MAIN).return_value[1]
    request(desk, MAIN, 1)
    desk.chain.warp(DAY)
    execute(desk, MAIN)
    assert desk.main.maxRedeem(desk.who.lp) == shares // 2
    assert desk.main.maxWithdraw(desk.who.lp) == assets


def test_dust_that_is_worth_a_unit_is_paid_or_waits(desk):
    request(desk, MAIN, VIRTUAL)
    desk.chain.warp(DAY)
    assert execute(desk, MAIN).return_value == (VIRTUAL, 1)


def test_a_remainder_that_has_come_to_be_worth_nothing_is_burned_for_nothing(system):
    """It was worth some units when the cash ran out, and is worth less now that the options are worth more."""
    desk = Desk.empty(system)
    desk.fund_pool(MAIN, MAIN_CASH)
    desk.fund_pool(INSURANCE, 150 * ONE)
    desk.add_margin(desk.who.trader, MARGIN)
    desk.open(0, True, 400 * ONE)
    pool = desk.insurance
    with desk.chain.anchor():
        desk.pass_time(COOLDOWN[INSURANCE])
        desk.poke()
        nav, supply = pool.nav(False), pool.totalSupply()
    free = nav.cash - up(nav.reserved * 10, 8)
    request(desk, INSURANCE, up((free + 3) * (supply + VIRTUAL), nav.nav + 1))
    desk.pass_time(COOLDOWN[INSURANCE])
    with reverts("UnderwritingPool_NothingFree"):
        for _ in range(4):  # a last unit may be free after the first
            execute(desk, INSURANCE)
    left = pool.pendingRedeemRequest(0, desk.who.lp)
    assert 0 < left < 4 * VIRTUAL
    desk.move(130_000)
    assert execute(desk, INSURANCE).return_value == (left, 0)
    assert pool.pendingRedeemRequest(0, desk.who.lp) == pool.balanceOf(pool) == 0


def ruined(system) -> Desk:
    """Insurance has paid nearly all it had, three times: shares are worth a ten-thousandth of what they cost."""
    desk = Desk.empty(system)
    desk.fund_pool(MAIN, 10_000 * ONE)
    desk.fund_pool(INSURANCE, 10 * ONE)
    desk.add_margin(desk.who.trader, MARGIN)
    desk.options.setToken(desk.token.address, 1, False, sender=desk.who.governor)
    before = 60_000
    for price in (140_000, 320_000, 740_000):
        strike = desk.market.nearest_strike(before)
        desk.open(strike, True, desk.cash(INSURANCE) * 39 // 10)
        desk.move(price)
        desk.exercise(strike, True)
        before = price
    return desk


def test_more_than_dust_that_is_worth_nothing_waits_for_better_times(system):
    desk = ruined(system)
    assert desk.insurance.convertToAssets(10**9) == 0
    for shares in (10**9, 10**9 + 1):
        with desk.chain.anchor():
            request(desk, INSURANCE, shares)
            desk.pass_time(COOLDOWN[INSURANCE])
            with desk.refused("UnderwritingPool_NothingFree", desk.cash(INSURANCE), 0):
                execute(desk, INSURANCE)
    request(desk, INSURANCE, 10**9 - 1)
    desk.pass_time(COOLDOWN[INSURANCE])
    assert execute(desk, INSURANCE).return_value == (10**9 - 1, 0)


@BOTH
def test_no_execution_lowers_the_share_price_of_who_stays(desk, layer):
    """P3"""
    desk.fund_pool(layer, 77 * ONE, desk.who.late_lp)
    desk.open(0, True, 50 * ONE)
    pool = desk.pool(layer)
    request(desk, layer, 123_456_789_012_345_678_901)
    desk.pass_time(COOLDOWN[layer])
    desk.poke()
    before = (pool.nav(False).nav + 1, pool.totalSupply() + VIRTUAL)
    execute(desk, layer)
    after = (pool.nav(False).nav + 1, pool.totalSupply() + VIRTUAL)
    assert after[0] * before[1] >= before[0] * after[1]


@BOTH
def test_in_and_out_never_gains(desk, layer):
    """P7, and rule 3: rounding is for who stays."""
    for amount in (1, 3, 1_000_003, ONE + 1):
        shares = desk.fund_pool(layer, amount, desk.who.late_lp)
        request(desk, layer, shares, desk.who.late_lp)
        desk.chain.warp(COOLDOWN[layer])
        with desk.chain.anchor():
            assert execute(desk, layer, desk.who.late_lp).return_value[1] <= amount
        execute(desk, layer, desk.who.late_lp)


def test_two_requests_are_executed_in_any_order(desk):
    shares = desk.fund_pool(MAIN, MAIN_CASH, desk.who.late_lp)
    request(desk, MAIN)
    request(desk, MAIN, shares, desk.who.late_lp)
    desk.chain.warp(DAY)
    assert execute(desk, MAIN, desk.who.late_lp).return_value[1] == MAIN_CASH
    assert execute(desk, MAIN).return_value[1] == MAIN_CASH


# ---------------------------------------------------------------------------------------------- claims


@BOTH
def test_redeem_pays_a_whole_claim(desk, layer):
    pool, shares = desk.pool(layer), shares_of(desk, layer)
    assets = executed(desk, layer)
    receipt = pool.redeem(shares, desk.who.lp, desk.who.lp, sender=desk.who.lp)
    assert receipt.return_value == assets == desk.wallet(desk.who.lp)
    assert pool.maxRedeem(desk.who.lp) == 0 == pool.maxWithdraw(desk.who.lp)
    assert desk.free(pool) == 0
    withdrawn = next(each for each in receipt.events if each.name == "Withdraw" and each.address == pool.address)
    assert withdrawn.args == {
        "sender": desk.who.lp,
        "receiver": desk.who.lp,
        "owner": desk.who.lp,
        "assets": assets,
        "shares": shares,
    }


@BOTH
def test_withdraw_pays_a_whole_claim(desk, layer):
    pool, shares = desk.pool(layer), shares_of(desk, layer)
    assets = executed(desk, layer)
    receipt = pool.withdraw(assets, desk.who.stranger, desk.who.lp, sender=desk.who.lp)
    assert receipt.return_value == shares
    assert desk.wallet(desk.who.stranger) == assets


def test_claims_in_parts_add_up_and_round_for_the_pool(desk):
    shares = shares_of(desk, MAIN)
    assets = executed(desk, MAIN)
    pool, lp = desk.main, desk.who.lp
    part = pool.redeem(shares // 3, lp, lp, sender=lp).return_value
    assert part == shares // 3 * assets // shares
    left = (pool.maxRedeem(lp), pool.maxWithdraw(lp))
    assert left == (shares - shares // 3, assets - part)
    amount = left[1] // 7
    burned = pool.withdraw(amount, lp, lp, sender=lp).return_value
    assert burned == up(amount * left[0], left[1])
    pool.redeem(pool.maxRedeem(lp), lp, lp, sender=lp)
    assert desk.wallet(lp) == assets
    assert desk.free(pool) == 0


def test_claims_of_two_executions_add_up(desk):
    pool, lp, shares = desk.main, desk.who.lp, shares_of(desk, MAIN)
    request(desk, MAIN, shares // 2)
    desk.chain.warp(DAY)
    first = execute(desk, MAIN).return_value
    request(desk, MAIN)
    desk.chain.warp(DAY)
    second = execute(desk, MAIN).return_value
    assert pool.maxRedeem(lp) == first[0] + second[0]
    assert pool.maxWithdraw(lp) == first[1] + second[1]
    pool.withdraw(pool.maxWithdraw(lp), lp, lp, sender=lp)
    assert pool.maxRedeem(lp) == 0


def test_a_claim_beyond_what_is_claimable_is_refused(desk):
    shares = shares_of(desk, MAIN)
    assets = executed(desk, MAIN)
    lp = desk.who.lp
    with desk.refused("UnderwritingPool_ExceedsClaimable", shares + 1, shares):
        desk.main.redeem(shares + 1, lp, lp, sender=lp)
    with desk.refused("UnderwritingPool_ExceedsClaimable", assets + 1, assets):
        desk.main.withdraw(assets + 1, lp, lp, sender=lp)


def test_a_claim_of_nothing_is_refused(desk):
    lp = desk.who.lp
    for call in (desk.main.redeem, desk.main.withdraw):
        with desk.refused("UnderwritingPool_ZeroAmount"):
            call(0, lp, lp, sender=lp)
        with desk.refused("UnderwritingPool_ExceedsClaimable", 1, 0):
            call(1, lp, lp, sender=lp)
    executed(desk, MAIN)
    for call, amount in ((desk.main.redeem, 0), (desk.main.withdraw, 0), (desk.main.redeem, VIRTUAL - 1)):
        with desk.refused("UnderwritingPool_ZeroAmount"):
            call(amount, lp, lp, sender=lp)


def test_a_strangers_claim_is_refused_and_an_operators_is_not(desk):
    shares = shares_of(desk, MAIN)
    executed(desk, MAIN)
    lp, operator = desk.who.lp, desk.who.operator
    for call in (desk.main.redeem, desk.main.withdraw):
        with desk.refused("UnderwritingPool_NotOperator", lp, desk.who.stranger):
            call(1, desk.who.stranger, lp, sender=desk.who.stranger)
    desk.main.approve(desk.who.stranger, UINT256_MAX, sender=lp)  # shares, not claims
    with desk.refused("UnderwritingPool_NotOperator", lp, desk.who.stranger):
        desk.main.redeem(1, desk.who.stranger, lp, sender=desk.who.stranger)
    desk.main.setOperator(operator, True, sender=lp)
    desk.main.redeem(shares // 2, operator, lp, sender=operator)
    desk.main.withdraw(ONE, lp, lp, sender=operator)
    assert desk.wallet(operator) > 0
    assert desk.wallet(lp) == ONE


def test_a_claim_paid_to_nobody_is_refused(desk):
    shares = shares_of(desk, MAIN)
    executed(desk, MAIN)
    with desk.refused("CollateralVault_ZeroAddress"):
        desk.main.redeem(shares, ZERO_ADDRESS, desk.who.lp, sender=desk.who.lp)


def test_claims_do_not_move_with_the_pool(desk):
    """What is claimable is out of the pool: no later loss or gain is its own."""
    request(desk, MAIN, shares_of(desk, MAIN) // 2)
    desk.chain.warp(DAY)
    assets = execute(desk, MAIN).return_value[1]
    for each in desk.system.assets.values():
        each.aggregator.updateAnswer(each.aggregator.latestAnswer(), sender=desk.who.governor)
    desk.open(0, True, 300 * ONE)
    desk.move(90_000)
    desk.close()
    assert desk.main.maxWithdraw(desk.who.lp) == assets
    desk.main.withdraw(assets, desk.who.lp, desk.who.lp, sender=desk.who.lp)


def test_a_claim_can_wait_for_years_and_for_any_market(desk):
    desk.open(0, True, ONE)
    request(desk, MAIN, shares_of(desk, MAIN) // 2)
    desk.pass_time(DAY)
    execute(desk, MAIN)
    desk.chain.warp(1_000 * DAY)
    desk.main.redeem(desk.main.maxRedeem(desk.who.lp), desk.who.lp, desk.who.lp, sender=desk.who.lp)


# ---------------------------------------------------------------------------------------------- views


@BOTH
def test_asynchronous_redemption_has_no_preview(desk, layer):
    pool = desk.pool(layer)
    for call in (pool.previewRedeem, pool.previewWithdraw):
        with reverts("UnderwritingPool_Asynchronous"):
            call(ONE)


@BOTH
def test_what_cannot_be_claimed_now_is_not_withdrawable(desk, layer):
    pool, lp = desk.pool(layer), desk.who.lp
    assert pool.maxRedeem(lp) == 0 == pool.maxWithdraw(lp)
    request(desk, layer)
    desk.chain.warp(COOLDOWN[layer] + HOUR)
    assert pool.maxRedeem(lp) == 0 == pool.maxWithdraw(lp)
    assert pool.claimableRedeemRequest(0, lp) == 0
    assert pool.pendingRedeemRequest(0, lp) == pool.totalSupply()
