"""OptionsLens.previewOpen: to the unit what `open` does in the same block, and the error that it would raise."""

from __future__ import annotations

import pytest
from lens_checks import check_open, name_of

from support.desk import (
    DAY,
    FREE,
    HOUR,
    INSURANCE,
    INSURANCE_CASH,
    MAIN,
    MAIN_CASH,
    MARGIN,
    ONE,
    UINT112_MAX,
    Desk,
    add_market,
    add_session_market,
    add_token,
)

N = 10 * ONE


def preview(desk: Desk, *args, limit=2**256 - 1, **order):
    return desk.system.lens.previewOpen(desk.order(*args, limit=limit, **order))


# ---------------------------------------------------------------------------------------------- what it would do


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("strike", [-9, -3, 0, 4, 9])
def test_a_first_position(desk, strike, is_call):
    desk.publish(60_123)
    assert check_open(desk, strike, is_call, N + 7) == ""


def test_more_of_a_position_settles_it_first(desk):
    desk.open(0, True, N)
    desk.pass_time(9 * HOUR)
    desk.publish(61_000)
    assert check_open(desk, 0, True, 3 * ONE) == ""


def test_other_positions_count_as_the_poke_leaves_them(desk):
    desk.open(-4, True, N)
    desk.open(3, False, N)
    desk.with_market("ETH-7D").open(0, False, N)
    desk.pass_time(5 * HOUR)
    desk.publish(64_500)  # the poke crosses strikes, and samples the variance
    assert check_open(desk, 3, True, N) == ""


def test_a_position_of_a_frozen_market_owes_rent_up_to_its_freeze(desk):
    frozen = desk.with_market("BTC-30D")
    frozen.open(0, True, N)
    frozen.wind_down(60_000)
    desk.pass_time(3 * DAY)
    desk.options.freeze(desk.token.address, frozen.market.id, sender=desk.who.keeper)
    desk.pass_time(2 * DAY)
    assert check_open(desk, 0, True, N) == ""


def test_old_debt_is_paid_before_what_fell_due(desk):
    desk.open(0, True, 100 * ONE)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(9 * DAY)
    desk.poke()
    desk.settle()
    debt = sum(desk.debt())
    assert debt > 0
    desk.pass_time(DAY)
    for margin in (debt // 2, debt // 2 + ONE // 1000, MARGIN):
        desk.add_margin(desk.who.trader, margin)
        refusal = check_open(desk, 0, True, ONE)
        assert refusal == ("" if margin == MARGIN else "PerpetualOptions_InsufficientBalance")


def test_a_session_market(desk):
    closing = desk.with_market(add_session_market(desk.system).name)
    closing.open(0, True, N)
    closing.pass_time(4 * HOUR)
    assert check_open(closing, 2, True, N) == ""


def test_a_preview_beyond_the_accounts_means_shows_what_it_would_cost(desk):
    p = preview(desk, 0, True, 4_000 * ONE)
    assert name_of(desk, p.refusal) == "PerpetualOptions_InsufficientBalance"
    assert p.premium > MARGIN
    assert p.equityAfter == MARGIN - p.premium - p.fee < 0


# ---------------------------------------------------------------------------------------------- per day


@pytest.mark.parametrize(("strike", "is_call"), [(0, True), (5, False), (-6, True)])
def test_per_day_is_what_the_next_day_charges(desk, strike, is_call):
    p = preview(desk, strike, is_call, N)
    desk.open(strike, is_call, N)
    desk.pass_time(DAY)
    desk.poke()
    desk.add_margin(desk.who.trader, ONE)
    settled = desk.event(desk.settle(), "Settle")
    assert settled["funding"] == pytest.approx(p.fundingPerDay, rel=1e-9)
    assert settled["rent"] == pytest.approx(p.rentPerDay, rel=1e-9)


def test_per_day_is_of_the_whole_position(desk):
    whole = preview(desk, 0, True, 2 * N)
    desk.open(0, True, N)
    assert preview(desk, 0, True, N).fundingPerDay == pytest.approx(whole.fundingPerDay, rel=1e-12)
    assert preview(desk, 0, True, N).rentPerDay == pytest.approx(whole.rentPerDay, rel=1e-4)


def test_per_day_weighs_closed_hours(desk):
    closing = desk.with_market(add_session_market(desk.system).name)
    p = preview(closing, 0, True, N)
    closing.open(0, True, N)
    closing.pass_time(DAY)
    closing.poke()
    assert closing.event(closing.settle(), "Settle")["funding"] == pytest.approx(p.fundingPerDay, rel=1e-9)


# ---------------------------------------------------------------------------------------------- what it refuses


def test_orders_that_are_wrong_in_themselves(desk):
    assert check_open(desk, deadline=desk.chain.now - 1) == "PerpetualOptions_Expired"
    assert check_open(desk, notional=0) == "PerpetualOptions_ZeroNotional"
    assert check_open(desk, token=desk.who.stranger) == "PerpetualOptions_UnknownToken"
    assert check_open(desk, token=FREE, notional=0) == "PerpetualOptions_ZeroNotional"
    assert check_open(desk, market=99) == "PerpetualOptions_UnknownMarket"
    assert check_open(desk, 200) == "OptionMarket_StrikeOutOfGrid"
    assert check_open(desk, 30) == "OptionMarket_StrikeOutOfBand"
    assert preview(desk, market=99) == (preview(desk, market=99).refusal, *[0] * 12)


def test_what_the_governor_and_the_guardian_close(desk):
    desk.options.pauseOpening(desk.market.id, desk.chain.now + HOUR, sender=desk.who.governor)
    assert check_open(desk) == "PerpetualOptions_OpeningPaused"
    assert preview(desk).premium > 0
    desk.chain.warp(HOUR)
    assert check_open(desk) == ""
    desk.options.setToken(desk.token.address, ONE, True, sender=desk.who.governor)
    assert check_open(desk) == "PerpetualOptions_CloseOnly"


def test_markets_without_a_price_or_without_a_future(desk):
    desk.wind_down(60_000)
    assert check_open(desk) == "OptionMarket_WindingDown"
    desk.with_market("ETH-7D").publish(0, desk.with_market("ETH-7D").market)
    assert check_open(desk.with_market("ETH-7D")) == "OptionMarket_NotOpen"


def test_the_limit_the_balance_and_the_minimum(desk):
    premium = preview(desk).premium
    assert check_open(desk, limit=premium) == ""
    assert check_open(desk, limit=premium - 1) == "PerpetualOptions_PremiumAboveLimit"
    assert check_open(desk, owner=desk.who.stranger) == "PerpetualOptions_InsufficientBalance"
    assert check_open(desk, notional=ONE - 1) == "PerpetualOptions_BelowMinimum"
    p = preview(desk)
    desk.withdraw(p.equityAfter - p.initialMarginAfter + 1)
    assert check_open(desk) == "PerpetualOptions_InsufficientMargin"
    desk.add_margin(desk.who.trader, 1)
    assert check_open(desk) == ""


def test_the_reserves_and_the_sides(desk):
    desk.add_margin(desk.who.trader, 10_000 * ONE)
    assert check_open(desk, notional=900 * ONE) == "PerpetualOptions_SideLimit"
    assert check_open(desk, notional=2_100 * ONE) == "PerpetualOptions_InsufficientReserve"  # both pools'
    desk.fund_pool(MAIN, 10_000 * ONE)
    assert check_open(desk, notional=2_100 * ONE) == "PerpetualOptions_InsufficientReserve"  # the insurance pool's
    desk.add_margin(desk.who.trader, UINT112_MAX)
    assert check_open(desk, notional=2**88 - 1) == "PerpetualOptions_InsufficientReserve"
    assert check_open(desk, notional=2**88) == "PerpetualOptions_NotionalTooLarge"
    assert check_open(desk, notional=UINT112_MAX) == "PerpetualOptions_NotionalTooLarge"
    desk.open(notional=ONE)
    assert check_open(desk, notional=2**88 - 1) == "PerpetualOptions_NotionalTooLarge"
    assert check_open(desk, 0, False, notional=2**88 - 1) == "PerpetualOptions_InsufficientReserve"


def test_a_seventeenth_position(desk):
    for strike in range(-8, 8):
        desk.open(strike, True, ONE)
    assert check_open(desk, 8) == "PerpetualOptions_TooManyPositions"
    assert check_open(desk, 7) == ""


def test_a_thirty_third_strike_and_a_sixty_fifth(desk):
    desk.at_thirty_two_strikes()
    desk.add_margin(desk.who.lp, MARGIN)
    assert check_open(desk, 21, owner=desk.who.lp) == "PerpetualOptions_TooManyStrikes"
    assert check_open(desk, 20, False, owner=desk.who.lp) == ""
    assert check_open(desk.with_market("BTC-30D"), 21, owner=desk.who.lp) == ""

    others = [desk.with_token(token) for token in (desk.system.token("CRCL.M"), add_token(desk.system, "THIRD.M"))]
    for other in others:
        other.fund_pool(MAIN, MAIN_CASH)
        other.fund_pool(INSURANCE, INSURANCE_CASH)
        for owner in (desk.who.trader, desk.who.rival, desk.who.keeper):
            other.add_margin(owner, MARGIN)
    for price, strikes in ((104_000, range(21, 36)), (141_000, range(36, 53))):
        desk.move(price)
        for strike in strikes:
            others[0].open(strike, True, 2 * ONE, owner=desk.who.trader if strike < 36 else desk.who.rival)
            if strike == 51:
                break
    others[0].open(52, True, 2 * ONE, owner=desk.who.keeper)
    assert desk.market.contract.liveCount() == 64
    desk.move(150_000)
    assert check_open(others[1], 53) == "OptionMarket_TooManyLiveStrikes"
    assert check_open(others[1], 50) == ""


def test_a_ninth_market(desk):
    for index in range(5):
        add_market(desk.system, f"extra-{index}")
    desks = [desk.with_market(name) for name in desk.system.markets]
    for each in desks[:8]:
        each.open(0, True, ONE)
    assert check_open(desks[8]) == "PerpetualOptions_TooManyMarkets"
    assert check_open(desks[7], 1) == ""


def test_the_lens_fits_the_size_limit_and_knows_its_book(desk):
    assert desk.system.artifacts["OptionsLens"].runtime_size < 24_576
    assert desk.system.lens.book() == desk.options.address
