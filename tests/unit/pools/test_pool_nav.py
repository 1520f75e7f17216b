"""What a pool is worth: hand-computed on small books, for who comes and for who goes."""

from __future__ import annotations

import pytest

from support.desk import (
    ASK,
    BID,
    DAY,
    HOUR,
    INDEX,
    INSURANCE,
    INSURANCE_CASH,
    MAIN,
    MAIN_CASH,
    ONE,
    WAD,
    up,
)

CAP_MAIN = WAD * 3 // 4
VIRTUAL = 10**6
BOTH = pytest.mark.parametrize("layer", [MAIN, INSURANCE])
EITHER = pytest.mark.parametrize("for_deposit", [True, False])


def layer_of(value: int, layer: int) -> int:
    return min(value, CAP_MAIN) if layer == MAIN else min(value, WAD) - min(value, CAP_MAIN)


@BOTH
@EITHER
def test_a_pool_that_has_sold_nothing_is_worth_its_cash(desk, layer, for_deposit):
    nav = desk.pool(layer).nav(for_deposit)
    assert nav == ((MAIN_CASH, INSURANCE_CASH)[layer], 0, 0, 0, 0, (MAIN_CASH, INSURANCE_CASH)[layer])


@BOTH
@EITHER
@pytest.mark.parametrize("price", [60_000, 70_000, 52_000])
def test_the_value_of_a_small_book(desk, layer, for_deposit, price):
    """Calls and puts at two strikes of one market and at one of another, half a day old."""
    eth = desk.with_market("ETH-7D")
    sold = [
        (desk, 0, True, 20 * ONE + 7),
        (desk, 0, False, 3 * ONE),
        (desk, -2, False, 11 * ONE + 1),
        (eth, 4, True, 5 * ONE),
    ]
    for at, strike, is_call, notional in sold:
        at.open(strike, is_call, notional)
    desk.pass_time(12 * HOUR)
    desk.move(price)
    eth.publish()
    eth.poke()
    desk.poke()
    rent_index = desk.options.poolState(desk.token.address, layer).rentIndex
    accrued = liability = 0
    for at in (desk, eth):
        mine = [(strike, is_call, n) for where, strike, is_call, n in sold if where is at]
        funding = sum(n * (at.funding_index(s) - at.position(s, c).fundingIndex) for s, c, n in mine) // INDEX
        rent = sum(n * (rent_index - at.position(s, c).rentIndex) for s, c, n in mine) // WAD
        insurance = funding // 100 + rent // 10
        accrued += insurance if layer == INSURANCE else funding + rent - insurance
        kind = BID if for_deposit else ASK
        value = sum(n * layer_of(at.quote(s, c, kind).value, layer) for s, c, n in mine)
        liability += value // WAD if for_deposit else up(value, WAD)
    cash, reserved = desk.cash(layer), up((39 * ONE + 8) * (3, 1)[layer], 4)
    expected = (cash, reserved, accrued, 0, liability, cash + accrued - liability)
    assert accrued > 0
    assert desk.pool(layer).nav(for_deposit) == expected


@EITHER
def test_insurance_owes_the_layer_above_three_quarters(desk, for_deposit):
    desk.open(0, True, 20 * ONE)
    desk.move(107_000)
    bid = desk.quote(0, True, BID).value
    assert CAP_MAIN < bid < WAD
    main, insurance = desk.main.nav(for_deposit), desk.insurance.nav(for_deposit)
    assert main.liability == 15 * ONE
    if for_deposit:
        assert insurance.liability == 20 * (bid - CAP_MAIN)
    else:
        assert insurance.liability > 20 * (bid - CAP_MAIN)
    desk.move(150_000)
    assert desk.insurance.nav(for_deposit).liability == 5 * ONE


@BOTH
def test_who_comes_pays_the_higher_value_and_who_goes_is_paid_the_lower(desk, layer):
    desk.open(0, True, 100 * ONE)
    desk.open(0, False, 100 * ONE)
    for price in (60_000, 50_000, 72_000, 107_000):
        desk.move(price)
        assert desk.pool(layer).nav(True).nav >= desk.pool(layer).nav(False).nav


def test_only_entrants_count_recorded_debt(desk):
    desk.open(0, True, 100 * ONE)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(10 * DAY)
    desk.poke()
    before = [desk.pool(layer).nav(True).nav for layer in (MAIN, INSURANCE)]
    desk.settle()
    for layer in (MAIN, INSURANCE):
        nav = desk.pool(layer).nav(True)
        assert nav.debt == desk.debt()[layer] > 0
        assert before[layer] <= nav.nav <= before[layer] + 2  # what had accrued is cash and debt now
        assert desk.pool(layer).nav(False).debt == 0
    assert desk.main.nav(False).nav < desk.main.nav(True).nav


def test_settling_changes_no_value_but_for_rounding(desk):
    """What accrues is counted before it is paid. Then insurance's parts are floored per position, for main."""
    desk.open(0, True, 50 * ONE)
    desk.open(3, False, 20 * ONE, owner=desk.who.rival)
    desk.pass_time(7 * HOUR)
    desk.poke()
    before = [pool.nav(False) for pool in (desk.main, desk.insurance)]
    desk.settle()
    desk.settle(desk.who.rival)
    after = [pool.nav(False) for pool in (desk.main, desk.insurance)]
    assert all(nav.accrued > 0 for nav in before)
    assert all(nav.accrued == 0 for nav in after)
    assert before[0].nav <= after[0].nav <= before[0].nav + 8
    assert before[1].nav - 4 <= after[1].nav <= before[1].nav
    assert sum(nav.nav for nav in before) <= sum(nav.nav for nav in after)


@BOTH
def test_the_view_is_what_an_operation_finds(desk, layer):
    desk.open(0, True, 50 * ONE)
    desk.pass_time(DAY)
    desk.poke()
    seen = desk.pool(layer).nav(True)
    supply = desk.pool(layer).totalSupply()
    shares = desk.fund_pool(layer, 3 * ONE, desk.who.late_lp)
    assert shares == 3 * ONE * (supply + VIRTUAL) // (seen.nav + 1)


@BOTH
def test_a_market_that_is_not_open_counts_as_paid_out_to_who_goes_and_as_nothing_to_who_comes(desk, layer):
    eth = desk.with_market("ETH-7D")
    desk.open(0, True, 20 * ONE)
    eth.open(0, True, 40 * ONE)
    while_open = desk.pool(layer).nav(False).liability
    eth.publish(4_000)
    eth.poke()
    parts = (3, 1)[layer]
    alone = 0 if layer == INSURANCE else desk.quote(0, True, BID).value * 20
    assert desk.pool(layer).nav(True).liability == alone
    assert desk.pool(layer).nav(False).liability >= 40 * ONE * parts // 4 > while_open
    desk.publish(90_000)
    desk.poke()
    assert desk.pool(layer).nav(True).liability == 0
    assert desk.pool(layer).nav(False).liability == 60 * ONE * parts // 4


@BOTH
@pytest.mark.parametrize("price", [4_000, 0], ids=["jump", "no answer"])
def test_a_halt_moves_no_share_by_a_unit(desk, layer, price):
    eth = desk.with_market("ETH-7D")
    eth.open(0, True, 40 * ONE)
    desk.pass_time(60)
    eth.poke()
    pool = desk.pool(layer)

    def quoted():
        return pool.totalAssets(), pool.convertToAssets(10**24), pool.convertToShares(ONE)

    with desk.chain.anchor():
        before, executed = quoted(), pool.nav(False).nav
        assert before[0] == executed, "what is quoted while all is Open is what executes"
    eth.publish(price)
    halted = quoted()
    assert pool.nav(False).nav < halted[0], "what executes counts the whole reserve"
    eth.publish(4_000)
    assert quoted() == halted
    assert abs(halted[0] - before[0]) <= ONE // 1000, "the seconds in between accrue"


@BOTH
def test_a_frozen_market_is_worth_its_payoff_to_both(desk, layer):
    desk.open(0, True, 20 * ONE)
    desk.open(0, False, 20 * ONE)
    desk.wind_down(114_000)  # 0.9: three quarters of it main's
    desk.pass_time(3 * DAY)
    for for_deposit in (True, False):
        expected = 20 * CAP_MAIN if layer == MAIN else 20 * (WAD * 9 // 10 - CAP_MAIN)
        assert desk.pool(layer).nav(for_deposit).liability == expected


@BOTH
def test_a_frozen_market_accrues_no_more_rent_once_recorded(desk, layer):
    desk.open(0, True, 20 * ONE)
    desk.wind_down(60_000)
    desk.pass_time(3 * DAY)
    desk.options.freeze(desk.token.address, desk.market.id, sender=desk.who.keeper)
    accrued = desk.pool(layer).nav(False).accrued
    desk.pass_time(30 * DAY)
    assert desk.pool(layer).nav(False).accrued == accrued


@BOTH
def test_erc4626_views_agree_with_the_value_for_who_goes(desk, layer):
    desk.open(0, True, 20 * ONE)
    desk.pass_time(DAY)
    desk.poke()
    pool, supply = desk.pool(layer), desk.pool(layer).totalSupply()
    nav = pool.nav(False).nav
    assert pool.totalAssets() == nav
    assert pool.convertToAssets(supply) == supply * (nav + 1) // (supply + VIRTUAL)
    assert pool.convertToShares(ONE) == ONE * (supply + VIRTUAL) // (nav + 1)


def test_the_pools_of_two_tokens_are_worth_what_each_has(desk):
    """P6"""
    other = desk.with_token(desk.system.token("CRCL.M"))
    other.fund_pool(MAIN, 7 * ONE)
    desk.open(0, True, 20 * ONE)
    assert other.main.nav(True).nav == 7 * ONE
    assert other.insurance.nav(True).nav == 0
