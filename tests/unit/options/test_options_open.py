"""PerpetualOptions.open, branch by branch: what it refuses beside what it does."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from everstock.chain.errors import BadArgument
from everstock.chain.testing import reverts
from support.desk import (
    ASK,
    CLOSED,
    DAY,
    FREE,
    HALTED,
    HOUR,
    INSURANCE,
    INSURANCE_CASH,
    MAIN,
    MAIN_CASH,
    MARGIN,
    ONE,
    STALE,
    UINT112_MAX,
    UINT256_MAX,
    WAD,
    Desk,
    add_market,
    add_session_market,
    add_token,
    fee_of,
    up,
)

N = 10 * ONE


def premium_of(desk: Desk, notional: int, strike: int = 0, is_call: bool = True) -> int:
    return up(notional * desk.quote(strike, is_call, ASK).value, WAD)


def initial_margin_of(desk: Desk, notional: int) -> int:
    return up(notional * desk.market.contract.constants().initialMargin, WAD)


# ---------------------------------------------------------------------------------------------- what it does


@pytest.mark.parametrize("is_call", [True, False])
def test_open_moves_premium_and_fee_and_nothing_else(desk, is_call):
    premium = premium_of(desk, N, 0, is_call)
    fee = N // 2000
    supply = desk.token.contract.totalSupply()
    receipt = desk.open(0, is_call, N)
    assert receipt.return_value == (premium, fee)
    assert desk.balance(desk.who.trader) == MARGIN - premium - fee
    assert desk.cash(MAIN) == MAIN_CASH + premium + fee // 2
    assert desk.cash(INSURANCE) == INSURANCE_CASH + fee // 5
    assert desk.fees == fee * 3 // 10
    assert desk.token.contract.totalSupply() == supply


def test_open_rounds_the_fees_parts_down_and_gives_main_the_rest(desk):
    notional = N + 1_999 * 7  # fee 5e15 + 7: treasury 0.3, insurance 0.2, both floored
    fee = up(notional, 2000)
    premium = premium_of(desk, notional)
    desk.open(0, True, notional)
    treasury, insurance = fee * 3 // 10, fee // 5
    assert fee % 10 != 0
    assert desk.fees == treasury
    assert desk.cash(INSURANCE) - INSURANCE_CASH == insurance
    assert desk.cash(MAIN) - MAIN_CASH == premium + fee - treasury - insurance


def test_open_charges_at_most_an_eighth_of_a_small_premium(desk):
    premium, fee = desk.open(9, True, N).return_value
    assert fee == up(premium, 8) < N // 2000


def test_open_records_position_book_and_event(desk):
    desk.pass_time(HOUR)
    receipt = desk.open(-3, False, N)
    position = desk.position(-3, False)
    assert position == (N, desk.funding_index(-3), desk.book.rentIndex)
    assert desk.positions() == [(desk.market.id, -3, False)]
    assert (desk.book.callNotional, desk.book.putNotional, desk.book.marketIds) == (0, N, [desk.market.id])
    assert desk.market.contract.isLive(-3)
    premium, fee = receipt.return_value
    assert receipt.event("Open").args == {
        "owner": desk.who.trader,
        "token": desk.token.address,
        "marketId": desk.market.id,
        "id": (desk.market.id, -3, False),
        "notional": N,
        "premium": premium,
        "fee": fee,
        "price": 60_000 * WAD,
    }


def test_open_again_adds_to_the_position_after_settling_it(desk):
    desk.open(0, True, N)
    before = desk.position()
    desk.pass_time(6 * HOUR)
    receipt = desk.open(0, True, 2 * N)
    after = desk.position()
    assert after.notional == 3 * N
    settled = desk.event(receipt, "Settle")
    assert settled["funding"] == up(N * (after.fundingIndex - before.fundingIndex), 10**27) > 0
    assert settled["rent"] == up(N * (after.rentIndex - before.rentIndex), WAD) > 0
    assert desk.health().owed == 0


def test_open_both_sides_of_a_strike_are_two_positions_at_one_live_strike(desk):
    desk.open(0, True, N)
    desk.open(0, False, 2 * N)
    assert desk.sold() == {0: (N, 2 * N)}
    assert len(desk.positions()) == 2
    assert desk.market.contract.liveCount() == 1


def test_open_by_an_operator_charges_the_owner(desk):
    desk.options.setOperator(desk.who.operator, True, sender=desk.who.trader)
    premium, fee = desk.open(0, True, N, sender=desk.who.operator).return_value
    assert desk.balance(desk.who.trader) == MARGIN - premium - fee
    assert desk.position().notional == N
    assert desk.positions(desk.who.operator) == []


def test_open_leaves_every_other_tokens_book_alone(desk):
    """P6"""
    before = {k: v for k, v in desk.statement().items() if k[0] == "CRCL.M"}
    desk.open(0, True, N)
    assert {k: v for k, v in desk.statement().items() if k[0] == "CRCL.M"} == before


def test_open_is_worth_the_same_in_two_tokens_of_other_decimals(desk):
    small = desk.with_token(add_token(desk.system, "SIX.M", decimals=6))
    small.fund_pool(MAIN, 1_000 * 10**6)
    small.fund_pool(INSURANCE, 500 * 10**6)
    small.add_margin(small.who.trader, 10 * 10**6)
    premium, fee = desk.open(0, True, N).return_value
    premium_small, fee_small = small.open(0, True, 10 * 10**6).return_value
    assert premium_small == up(premium, 10**12)
    assert fee_small == up(fee, 10**12)


# ---------------------------------------------------------------------------------------------- the order itself


def test_open_at_the_deadline_works_and_a_second_later_expires(desk):
    deadline = desk.chain.now
    desk.open(0, True, N, deadline=deadline)
    desk.chain.warp(1)
    with desk.refused("PerpetualOptions_Expired", deadline, deadline + 1):
        desk.open(0, True, N, deadline=deadline)


def test_open_for_somebody_else_needs_to_be_an_operator(desk):
    with desk.refused("PerpetualOptions_NotOperator", desk.who.trader, desk.who.stranger):
        desk.open(0, True, N, sender=desk.who.stranger)


def test_an_operator_of_one_owner_is_none_of_another(desk):
    desk.options.setOperator(desk.who.operator, True, sender=desk.who.rival)
    with desk.refused("PerpetualOptions_NotOperator", desk.who.trader, desk.who.operator):
        desk.open(0, True, N, sender=desk.who.operator)


def test_a_dismissed_operator_is_refused(desk):
    for approved in (True, False):
        receipt = desk.options.setOperator(desk.who.operator, approved, sender=desk.who.trader)
        assert receipt.event("SetOperator").args == {
            "owner": desk.who.trader,
            "operator": desk.who.operator,
            "approved": approved,
        }
        assert desk.options.isOperator(desk.who.trader, desk.who.operator) is approved
    with desk.refused("PerpetualOptions_NotOperator", desk.who.trader, desk.who.operator):
        desk.open(0, True, N, sender=desk.who.operator)


def test_open_of_nothing_is_refused(desk):
    with desk.refused("PerpetualOptions_ZeroNotional"):
        desk.open(0, True, 0)


@pytest.mark.parametrize("token", ["vault", ZERO_ADDRESS, "stranger"])
def test_open_on_a_token_that_is_not_listed_is_refused(desk, token):
    address = {"vault": desk.vault.address, "stranger": desk.who.stranger}.get(token, token)
    with desk.refused("PerpetualOptions_UnknownToken", address):
        desk.open(0, True, N, token=address)


@pytest.mark.parametrize("market_id", [4, 16_384, 2**16 - 1])
def test_open_in_an_unknown_market_is_refused(desk, market_id):
    with desk.refused("PerpetualOptions_UnknownMarket", market_id):
        desk.open(0, True, N, market=market_id)


def test_open_on_a_close_only_token_is_refused_while_closing_works(desk):
    desk.open(0, True, N)
    desk.options.setToken(desk.token.address, ONE, True, sender=desk.who.governor)
    with desk.refused("PerpetualOptions_CloseOnly", desk.token.address):
        desk.open(0, True, N)
    desk.close()
    desk.options.setToken(desk.token.address, ONE, False, sender=desk.who.governor)
    desk.open(0, True, N)


def test_open_while_opening_is_paused_is_refused_until_the_pause_ends_by_itself(desk):
    desk.open(0, True, N)
    until = desk.chain.now + 7 * DAY
    desk.options.pauseOpening(desk.market.id, until, sender=desk.who.governor)
    with desk.refused("PerpetualOptions_OpeningPaused", desk.market.id, until):
        desk.open(0, True, N)
    desk.close(0, True, 5 * ONE)  # leaving is never paused
    desk.with_market("ETH-7D").open(0, True, N)  # nor other markets
    desk.pass_time(7 * DAY - 1)
    with desk.refused("PerpetualOptions_OpeningPaused", desk.market.id, until):
        desk.open(0, True, N)
    desk.pass_time(1)
    desk.open(0, True, N)


def test_open_at_the_premium_limit_works_and_a_unit_below_it_is_refused(desk):
    premium = premium_of(desk, N)
    with desk.refused("PerpetualOptions_PremiumAboveLimit", premium, premium - 1):
        desk.open(0, True, N, limit=premium - 1)
    desk.open(0, True, N, limit=premium)


def test_open_of_the_largest_notional_is_above_any_sane_limit(desk):
    premium = premium_of(desk, UINT112_MAX)
    with desk.refused("PerpetualOptions_PremiumAboveLimit", premium, 1_000 * ONE):
        desk.open(0, True, UINT112_MAX, limit=1_000 * ONE)


def test_open_of_the_largest_notional_without_a_limit_is_beyond_the_balance(desk):
    premium = premium_of(desk, UINT112_MAX)
    with desk.refused("PerpetualOptions_InsufficientBalance", MARGIN, premium + fee_of(UINT112_MAX, premium)):
        desk.open(0, True, UINT112_MAX)


@pytest.mark.parametrize("is_call", [True, False])
def test_a_side_of_the_book_holds_88_bits_and_not_a_unit_more(desk, is_call):
    for layer in (MAIN, INSURANCE):
        desk.fund_pool(layer, desk.pool(layer).maxDeposit(desk.who.lp))
    for owner in (desk.who.trader, desk.who.rival):
        desk.add_margin(owner, 2**89)
    largest = 2**88 - 1
    for notional in (largest + 1, UINT112_MAX):
        desk.add_margin(desk.who.trader, notional)
        with desk.refused("PerpetualOptions_NotionalTooLarge", notional, largest):
            desk.open(0, is_call, notional)
    desk.open(0, is_call, largest)
    assert desk.position(0, is_call).notional == largest
    assert (desk.book.callNotional, desk.book.putNotional) == ((largest, 0) if is_call else (0, largest))
    for owner, strike in ((desk.who.trader, 0), (desk.who.rival, 3)):
        with desk.refused("PerpetualOptions_NotionalTooLarge", largest + ONE, largest):
            desk.open(strike, is_call, ONE, owner=owner)
    desk.open(0, not is_call, largest, owner=desk.who.rival)
    assert desk.book.callNotional == desk.book.putNotional == largest
    assert desk.sold() == {0: (largest, largest)}
    desk.pass_time(HOUR)
    desk.settle()
    state = desk.options.marketState(desk.token.address, desk.market.id)
    held = [desk.position(0, is_call), desk.position(0, not is_call, owner=desk.who.rival)]
    assert state.rentEntry == sum(p.notional * p.rentIndex for p in held) > 2**88
    desk.close(0, is_call)
    desk.close(0, not is_call, owner=desk.who.rival)
    assert desk.sold() == {}


def test_a_notional_beyond_112_bits_does_not_decode(desk):
    with pytest.raises(BadArgument):
        desk.open(0, True, UINT112_MAX + 1)
    data = bytearray(desk.options.open.encode(desk.order(0, True, UINT112_MAX, limit=UINT256_MAX)))
    data[4 + 5 * 32 : 4 + 6 * 32] = (2**112).to_bytes(32, "big")
    with desk.refused("Empty"):
        desk.chain.send(desk.who.trader, desk.options.address, bytes(data))


# ---------------------------------------------------------------------------------------------- strike, price, status


@pytest.mark.parametrize("strike", [165, -165, 255, 256, -256, -257, 2**15 - 1, -(2**15)])
def test_open_off_the_grid_is_refused(desk, strike):
    with desk.refused("OptionMarket_StrikeOutOfGrid", strike, 164):
        desk.open(strike, True, N)


@pytest.mark.parametrize(("strike", "inside"), [(9, True), (10, False), (-11, True), (-12, False), (164, False)])
def test_open_is_for_strikes_within_a_fifth_of_the_index(desk, strike, inside):
    if inside:
        desk.open(strike, True, N)
        return
    price = desk.market.contract.strikePrice(strike)
    with desk.refused("OptionMarket_StrikeOutOfBand", price, 48_000 * WAD, 72_000 * WAD):
        desk.open(strike, True, N)


def test_open_beyond_the_range_of_exact_accrual_is_refused(desk):
    desk.move(60_000 * 26 + 1)
    desk.publish()
    with desk.refused("OptionMarket_OutOfRange", (60_000 * 26 + 1) * WAD, desk.market.contract.strikePrice(164)):
        desk.open(164, True, N)


def test_open_before_a_known_event_is_limited_to_the_expected_move(desk):
    event = (desk.chain.now + 3 * DAY, WAD // 10, WAD // 20)
    desk.market.contract.scheduleEvent(event, sender=desk.who.governor)
    desk.open(5, True, N)  # more than 48 hours ahead
    desk.pass_time(DAY)
    desk.open(2, True, N)
    with desk.refused("OptionMarket_StrikeOutOfBand", ..., 57_000 * WAD, 63_000 * WAD):
        desk.open(3, True, N)


def test_open_on_a_stale_price_is_refused(desk):
    desk.chain.warp(4_200)
    desk.open(0, True, N)
    desk.chain.warp(1)
    with desk.refused("OptionMarket_NotOpen", STALE):
        desk.open(0, True, N)


def test_open_while_the_breaker_halts_is_refused(desk):
    desk.publish(66_001)
    with desk.refused("OptionMarket_NotOpen", HALTED):
        desk.open(0, True, N)


@pytest.mark.parametrize("answer", [0, -1])
def test_open_on_a_feed_that_answers_no_price_is_refused(desk, answer):
    desk.market.asset.aggregator.updateAnswer(answer, sender=desk.who.governor)
    with desk.refused("OptionMarket_NotOpen", HALTED):
        desk.open(0, True, N)


def test_open_outside_the_session_is_refused(desk):
    market = add_session_market(desk.system)
    closing = desk.with_market(market.name)
    closing.open(0, True, N)
    desk.pass_time(6 * HOUR + HOUR // 2 - 1)
    closing.open(0, True, N)
    desk.chain.warp(1)
    with desk.refused("OptionMarket_NotOpen", CLOSED):
        closing.open(0, True, N)


def test_open_in_a_market_being_wound_down_is_refused_while_closing_works(desk):
    desk.open(0, True, N)
    freeze_at = desk.wind_down(60_000)
    with desk.refused("OptionMarket_WindingDown", freeze_at):
        desk.open(0, True, N)
    desk.close()


def test_open_in_a_frozen_market_is_refused(desk):
    desk.wind_down(60_000)
    desk.pass_time(3 * DAY)
    with desk.refused("OptionMarket_NotOpen", HALTED):
        desk.open(0, True, N)


# ---------------------------------------------------------------------------------------------- balance, margin, size


def test_open_with_a_unit_too_little_for_premium_and_fee_is_refused(desk):
    premium = premium_of(desk, N)
    cost = premium + fee_of(N, premium)
    desk.withdraw(MARGIN - cost + 1)
    with desk.refused("PerpetualOptions_InsufficientBalance", cost - 1, cost):
        desk.open(0, True, N)


def test_open_without_any_margin_is_refused(desk):
    premium = premium_of(desk, N)
    with desk.refused("PerpetualOptions_InsufficientBalance", 0, premium + fee_of(N, premium)):
        desk.open(0, True, N, owner=desk.who.stranger)


def test_open_needs_its_initial_margin_to_the_unit(desk):
    premium = premium_of(desk, N)
    needed = initial_margin_of(desk, N)
    desk.withdraw(MARGIN - premium - fee_of(N, premium) - needed + 1)
    with desk.refused("PerpetualOptions_InsufficientMargin", needed - 1, needed):
        desk.open(0, True, N)
    desk.add_margin(desk.who.trader, 1)
    desk.open(0, True, N)
    assert desk.health().equity == needed == desk.health().initialMargin


def test_open_counts_what_other_positions_owe_and_need(desk):
    desk.with_market("ETH-7D").open(0, False, N)
    desk.pass_time(12 * HOUR)
    health = desk.health()
    assert health.owed > 0
    premium = premium_of(desk, N)
    needed = health.initialMargin + initial_margin_of(desk, N)
    desk.withdraw(health.equity - premium - fee_of(N, premium) - needed + 1)
    with desk.refused("PerpetualOptions_InsufficientMargin", needed - 1, needed):
        desk.open(0, True, N)


def test_open_below_the_minimum_is_refused_and_a_unit_more_of_a_position_is_not(desk):
    with desk.refused("PerpetualOptions_BelowMinimum", ONE - 1, ONE):
        desk.open(0, True, ONE - 1)
    desk.open(0, True, ONE)
    desk.open(0, True, 1)
    assert desk.position().notional == ONE + 1


def test_open_of_one_unit_is_dust(desk):
    with desk.refused("PerpetualOptions_BelowMinimum", 1, ONE):
        desk.open(0, True, 1)


def test_a_raised_minimum_holds_for_what_is_opened_from_then_on(desk):
    desk.open(0, True, ONE)
    desk.options.setToken(desk.token.address, 3 * ONE, False, sender=desk.who.governor)
    with desk.refused("PerpetualOptions_BelowMinimum", 2 * ONE, 3 * ONE):
        desk.open(0, True, ONE)
    desk.open(0, True, 2 * ONE)


# ---------------------------------------------------------------------------------------------- reserves and sides


def largest(fits) -> int:
    """The largest notional that fits, by bisection."""
    low, high = ONE, 10_000 * ONE
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def cash_after(desk: Desk, layer: int, notional: int, strike: int = 0, is_call: bool = True) -> int:
    premium = premium_of(desk, notional, strike, is_call)
    fee = fee_of(notional, premium)
    insurance = fee // 5
    return desk.cash(INSURANCE) + insurance if layer else desk.cash(MAIN) + premium + fee - insurance - fee * 3 // 10


@pytest.mark.parametrize("is_call", [True, False])
def test_open_up_to_the_side_limit_and_not_a_unit_more(desk, is_call):
    ask = desk.quote(0, is_call, ASK).value

    def side(notional: int) -> tuple[int, int]:
        premium = up(notional * ask, WAD)
        fee = fee_of(notional, premium)
        cash = MAIN_CASH + premium + fee - fee // 5 - fee * 3 // 10
        return up(notional * 3, 4), cash * 6 // 10

    most = largest(lambda n: side(n)[0] <= side(n)[1])
    assert most > 800 * ONE
    with desk.refused("PerpetualOptions_SideLimit", is_call, *side(most + 1)):
        desk.open(0, is_call, most + 1)
    desk.open(0, is_call, most)
    desk.open(0, not is_call, ONE, owner=desk.who.rival)  # the other side is free


def test_open_up_to_mains_reserve_and_not_a_unit_more(desk):
    desk.open(0, True, 800 * ONE)
    ask, cash = desk.quote(0, False, ASK).value, desk.cash(MAIN)

    def main(notional: int) -> tuple[int, int]:
        premium = up(notional * ask, WAD)
        fee = fee_of(notional, premium)
        return cash + premium + fee - fee // 5 - fee * 3 // 10, up((800 * ONE + notional) * 3, 4)

    most = largest(lambda n: main(n)[0] >= main(n)[1])
    with desk.refused("PerpetualOptions_InsufficientReserve", MAIN, *main(most + 1)):
        desk.open(0, False, most + 1, owner=desk.who.rival)
    desk.open(0, False, most, owner=desk.who.rival)
    assert desk.options.poolState(desk.token.address, MAIN).reserved == main(most)[1]


def test_open_up_to_insurances_reserve_and_not_a_unit_more(system):
    desk = Desk.empty(system)
    desk.fund_pool(MAIN, MAIN_CASH)
    desk.fund_pool(INSURANCE, 10 * ONE)
    desk.add_margin(desk.who.trader, MARGIN)

    def insurance(notional: int) -> tuple[int, int]:
        return 10 * ONE + up(notional, 2000) // 5, up(notional, 4)

    most = largest(lambda n: insurance(n)[0] >= insurance(n)[1])
    with desk.refused("PerpetualOptions_InsufficientReserve", INSURANCE, *insurance(most + 1)):
        desk.open(0, True, most + 1)
    desk.open(0, True, most)


def test_open_against_empty_pools_is_refused(system):
    desk = Desk.empty(system)
    desk.add_margin(desk.who.trader, MARGIN)
    with desk.refused("PerpetualOptions_InsufficientReserve", MAIN, cash_after(desk, MAIN, N), up(N * 3, 4)):
        desk.open(0, True, N)


def test_premium_and_fee_count_towards_the_reserve_they_come_with(system):
    desk = Desk.empty(system)
    desk.fund_pool(MAIN, 13 * ONE)
    desk.fund_pool(INSURANCE, ONE)
    desk.add_margin(desk.who.trader, MARGIN)
    needed = up(4 * ONE, 4)
    assert desk.cash(INSURANCE) == needed
    desk.open(0, True, 4 * ONE)


# ---------------------------------------------------------------------------------------------- how many


def test_open_a_seventeenth_position_is_refused(desk):
    for strike in range(-8, 8):
        desk.open(strike, True, ONE)
    assert len(desk.positions()) == 16
    with desk.refused("PerpetualOptions_TooManyPositions", 16):
        desk.open(8, True, ONE)
    desk.open(7, True, ONE)  # more of one it has
    desk.close(-8)
    desk.open(8, True, ONE)


def test_open_at_a_thirty_third_strike_of_a_market_is_refused(desk):
    desk.at_thirty_two_strikes()
    desk.add_margin(desk.who.lp, MARGIN)
    with desk.refused("PerpetualOptions_TooManyStrikes", 32):
        desk.open(21, True, ONE, owner=desk.who.lp)
    desk.open(20, False, ONE, owner=desk.who.lp)  # the other side of one that is live
    desk.with_market("BTC-30D").open(21, True, ONE, owner=desk.who.lp)  # another market


def test_open_in_a_ninth_market_is_refused(desk):
    for index in range(5):
        add_market(desk.system, f"extra-{index}")
    desks = [desk.with_market(name) for name in desk.system.markets]
    for each in desks[:8]:
        each.open(0, True, ONE)
    with desk.refused("PerpetualOptions_TooManyMarkets", 8):
        desks[8].open(0, True, ONE)
    desks[3].close()
    desks[8].open(0, True, ONE)
    assert sorted(desk.book.marketIds) == [0, 1, 2, 4, 5, 6, 7, 8]


def test_open_at_a_sixty_fifth_strike_of_a_market_over_all_tokens_is_refused(system):
    desks = [Desk.empty(system, token) for token in (*system.tokens.values(), add_token(system, "THIRD.M"))]
    owners = [system.chain.account(f"holder{i}") for i in range(3)]
    for desk in desks:
        desk.fund_pool(MAIN, MAIN_CASH)
        desk.fund_pool(INSURANCE, INSURANCE_CASH)
        for owner in owners:
            desk.add_margin(owner, MARGIN)
    # −11 … 20 in one token, 21 … 52 in another: 64 in all.
    for price, strikes in (
        (60_000, range(-11, 10)),
        (90_000, range(10, 21)),
        (104_000, range(21, 36)),
        (141_000, range(36, 53)),
    ):
        desk.move(price)
        for strike in strikes:
            at = desks[0] if strike <= 20 else desks[1]
            at.open(strike, True, 2 * ONE, owner=owners[(strike + 11) % 32 // 11])
    assert desks[0].market.contract.liveCount() == 64
    desks[2].move(150_000)
    with desks[2].refused("OptionMarket_TooManyLiveStrikes", 64):
        desks[2].open(53, True, ONE, owner=owners[0])
    desks[2].open(50, True, ONE, owner=owners[0])  # live through another token


def test_free_and_locked_balances_are_apart(desk):
    desk.give(desk.who.stranger, MARGIN)
    desk.token.contract.approve(desk.vault, MARGIN, sender=desk.who.stranger)
    desk.vault.deposit(desk.token.address, FREE, desk.who.stranger, MARGIN, sender=desk.who.stranger)
    with reverts("PerpetualOptions_InsufficientBalance"):
        desk.open(0, True, N, owner=desk.who.stranger)
    desk.vault.lock(desk.token.address, desk.options, MARGIN, sender=desk.who.stranger)
    desk.open(0, True, N, owner=desk.who.stranger)
