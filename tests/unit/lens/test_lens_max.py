"""OptionsLens.maxOpen and maxWithdraw: they never revert, what they name succeeds, and a little more does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lens_checks import check_close, check_liquidation, check_max_open, check_max_withdraw, check_open, name_of

from everstock.chain.errors import Reverted
from everstock.chain.testing import reverts
from support.desk import (
    ASK,
    DAY,
    FREE,
    HOUR,
    INSURANCE,
    MAIN,
    MARGIN,
    ONE,
    UINT112_MAX,
    Desk,
    add_session_market,
    add_token,
)


def bounds(desk: Desk, strike: int = 0, is_call: bool = True):
    return desk.system.lens.openBounds(desk.who.trader, desk.token.address, desk.market.id, strike, is_call)


def max_open(desk: Desk, token=None, market: int = 0, strike: int = 0) -> int:
    return desk.system.lens.maxOpen(desk.who.trader, token or desk.token.address, market, strike, True)


# ---------------------------------------------------------------------------------------------- one bound at a time


def test_the_margin_binds(desk):
    desk.fund_pool(MAIN, 10_000 * ONE)
    desk.fund_pool(INSURANCE, 10_000 * ONE)
    assert check_max_open(desk) == bounds(desk).margin > 0


def test_a_side_binds(desk):
    assert check_max_open(desk) == bounds(desk).side > 0


def test_the_main_pool_binds(desk):
    desk.add_margin(desk.who.trader, 1_000 * ONE)
    desk.open(0, False, 750 * ONE)
    assert check_max_open(desk) == bounds(desk).reserveMain > 0


def test_the_insurance_pool_binds(desk):
    desk.add_margin(desk.who.trader, 1_000 * ONE)
    desk.fund_pool(MAIN, 10_000 * ONE)
    assert check_max_open(desk) == bounds(desk).reserveInsurance > 0


def test_the_width_is_what_88_bits_leave(system):
    desk = Desk.empty(system, add_token(system, "WIDE.M", decimals=6, min_notional="1"))
    for layer in (MAIN, INSURANCE):
        desk.fund_pool(layer, UINT112_MAX)
    desk.add_margin(desk.who.trader, UINT112_MAX)
    largest = 2**88 - 1
    assert check_max_open(desk) == bounds(desk).width == largest
    desk.open(0, True, largest // 3)
    assert check_max_open(desk) == bounds(desk, 1).width == largest - largest // 3
    assert bounds(desk, 1, False).width == largest
    desk.open(1, True, largest - largest // 3)
    assert check_max_open(desk) == bounds(desk).width == 0


def test_room_of_a_unit_is_no_room(desk):
    desk.withdraw(MARGIN - 3)
    assert bounds(desk).margin == 0
    assert check_max_open(desk) == 0


# ---------------------------------------------------------------------------------------------- never reverts


def test_nothing_can_be_opened_where_something_else_stands_against_it(desk):
    assert max_open(desk, token=desk.who.stranger) == 0
    assert max_open(desk, token=FREE) == 0
    assert max_open(desk, market=99) == 0
    assert max_open(desk, strike=30) == 0
    assert max_open(desk, strike=-(2**15)) == 0
    desk.options.pauseOpening(desk.market.id, desk.chain.now + HOUR, sender=desk.who.governor)
    assert max_open(desk) == 0
    desk.chain.warp(HOUR)
    desk.options.setToken(desk.token.address, 10**26, False, sender=desk.who.governor)
    assert max_open(desk) == 0
    desk.options.setToken(desk.token.address, ONE, False, sender=desk.who.governor)
    assert max_open(desk) > 0
    desk.publish(66_001)
    assert max_open(desk) == 0


def test_nothing_can_be_opened_in_a_market_that_ends_or_has_ended(desk):
    desk.wind_down(60_000)
    assert max_open(desk) == 0
    desk.pass_time(3 * DAY)
    assert max_open(desk) == 0


@contextmanager
def broken(desk: Desk, address: str, code: str) -> Iterator[None]:
    """Replace a contract's code for the length of the block."""
    own = desk.chain.code(address)

    def put(raw: bytes) -> None:
        desk.chain._set_code(address, raw, keccak(raw))

    put(bytes.fromhex(code))
    try:
        yield
    finally:
        put(own)


REVERTS, HALTS = "5f5ffd", "fe"


@pytest.mark.parametrize("code", [REVERTS, HALTS])
def test_an_oracle_that_reverts(desk, code):
    with broken(desk, desk.system.oracle.address, code):
        assert max_open(desk) == 0
        p = desk.system.lens.previewOpen(desk.order(limit=0))
    assert name_of(desk, p.refusal) == "OptionsLens_NoReason"


def test_a_market_without_code(desk):
    with broken(desk, desk.market.contract.address, ""):
        assert max_open(desk) == 0


def test_a_calendar_of_another_position_that_reverts(desk):
    closing = desk.with_market(add_session_market(desk.system).name)
    closing.open(0, True, ONE)
    with broken(desk, closing.market.contract.calendar(), REVERTS):
        assert max_open(desk) == 0
        assert desk.system.lens.maxWithdraw(desk.who.trader, desk.token.address) == 0
        with reverts("Empty"):
            desk.open()
        with reverts("Empty"):
            desk.withdraw(1)


def test_a_calendar_that_only_the_preview_asks(desk):
    closing = desk.with_market(add_session_market(desk.system).name)
    calendar = closing.market.contract.calendar()
    args = (10**17 * 2, 1)
    twin = desk.chain.deploy(desk.system.artifacts["TestCalendar"], *args, sender=desk.who.governor)
    # yearSeconds() reverts; everything else is the twin's to answer
    selector = twin.yearSeconds.selector.hex()
    forward = f"365f5f375f5f365f73{twin.address[2:]}5afa503d5f5f3e3d5ff3"
    head = f"5f3560e01c63{selector}14603357"
    code = head + forward
    dest = len(code) // 2
    code = code.replace("603357", f"60{dest:02x}57") + "5b5f5ffd"
    with broken(desk, calendar, code):
        assert closing.quote(0, True, ASK).value > 0
        assert bounds(closing).margin > 0
        assert max_open(desk, market=closing.market.id) == 0


# ---------------------------------------------------------------------------------------------- withdrawals


def test_all_of_an_account_without_positions(desk):
    assert check_max_withdraw(desk) == MARGIN
    assert check_max_withdraw(desk, desk.who.stranger) == 0
    assert desk.system.lens.maxWithdraw(desk.who.trader, desk.who.stranger) == 0
    assert desk.system.lens.maxWithdraw(desk.who.trader, FREE) == 0
    assert desk.system.lens.maxWithdraw(desk.who.trader, desk.options) == 0


def test_what_positions_leave_free(desk):
    desk.open()
    desk.pass_time(5 * HOUR)
    health = desk.health()
    assert check_max_withdraw(desk) == health.equity - health.initialMargin
    desk.withdraw(check_max_withdraw(desk))
    desk.pass_time(HOUR)
    assert check_max_withdraw(desk) == 0


def test_nothing_while_the_token_is_paused(desk):
    desk.token.contract.pause(sender=desk.who.governor)
    assert check_max_withdraw(desk) == 0
    desk.token.contract.unpause(sender=desk.who.governor)
    assert check_max_withdraw(desk) == MARGIN


# ---------------------------------------------------------------------------------------------- any state

AMOUNTS = st.floats(0, 4).map(lambda x: int(10**x * ONE))
STRIKES = st.integers(-9, 9)
MOVES = st.one_of(
    st.tuples(st.just("open"), st.integers(0, 2), STRIKES, st.booleans(), st.floats(0, 3)),
    st.tuples(st.just("biggest"), st.integers(0, 2), STRIKES, st.booleans()),
    st.tuples(st.just("price"), st.integers(55_000, 65_500)),
    st.tuples(st.just("time"), st.sampled_from([1, 600, 3_600, 40_000, 400_000])),
    st.tuples(st.just("settle")),
    st.tuples(st.just("withdraw"), st.sampled_from([1, 2])),
    st.tuples(st.just("margin"), st.integers(1, 10**18)),
)


def play(desks: list[Desk], move: tuple) -> None:
    """Refused moves are fine: what matters is the state they leave."""
    desk, kind = desks[0], move[0]
    try:
        if kind == "open":
            _, at, strike, is_call, size = move
            desks[at].open(strike, is_call, int(10**size * ONE), owner=(desk.who.trader, desk.who.rival)[strike % 2])
        elif kind == "biggest":
            _, at, strike, is_call = move
            found = desk.system.lens.maxOpen(desk.who.trader, desk.token.address, desks[at].market.id, strike, is_call)
            desks[at].open(strike, is_call, found)
        elif kind == "price":
            desk.publish(move[1])
        elif kind == "time":
            desk.pass_time(move[1])
        elif kind == "settle":
            desk.settle()
        elif kind == "withdraw":
            desk.withdraw(desk.system.lens.maxWithdraw(desk.who.trader, desk.token.address) // move[1])
        else:
            desk.add_margin(desk.who.trader, move[1])
    except Reverted:
        pass


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(500 * ONE, 1_000 * ONE, 100 * ONE, [("biggest", 0, 0, True)] * 3, 0, 0, True, 1.0)
@example(2 * ONE, 2 * ONE, ONE, [("open", 0, 0, True, 0.0), ("time", 400_000), ("settle",)], 0, 0, True, 0.0)
@given(
    AMOUNTS, AMOUNTS, AMOUNTS, st.lists(MOVES, max_size=7), st.integers(0, 2), STRIKES, st.booleans(), st.floats(-1, 3)
)
def test_in_any_state_previews_are_exact_and_limits_tight(
    system, main, insurance, margin, moves, at, strike, is_call, size
):
    with system.chain.anchor():
        desk = Desk.empty(system)
        desk.fund_pool(MAIN, main)
        desk.fund_pool(INSURANCE, insurance)
        desk.add_margin(desk.who.trader, margin)
        desk.add_margin(desk.who.rival, MARGIN)
        desks = [desk, desk.with_market("BTC-30D"), desk.with_market("ETH-7D")]
        for move in moves:
            play(desks, move)
        check_max_open(desks[at], strike, is_call)
        check_open(desks[at], strike, is_call, int(10**size * ONE))
        check_max_withdraw(desk)
        for market, held, side in desk.positions()[:3]:
            there = next(each for each in desks if each.market.id == market)
            check_close(there, held, side)
            check_liquidation(there, held, side)
            check_max_open(there, held, side)
