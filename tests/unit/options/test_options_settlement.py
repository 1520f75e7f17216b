"""Settlement: what accounts owe, what they pay, and what becomes of the rest."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from support.desk import (
    DAY,
    HOUR,
    INDEX,
    INSURANCE,
    MAIN,
    MARGIN,
    ONE,
    WAD,
    YEAR,
    Desk,
    fee_of,
    up,
)

N = 100 * ONE


@pytest.fixture
def holder(desk: Desk) -> Desk:
    """`trader` holds 100 calls at the money, opened now at index 0."""
    desk.open(0, True, N)
    return desk


@pytest.fixture
def indebted(holder: Desk) -> Desk:
    """`trader` could pay less than it owed, five days after it kept no more than its initial margin."""
    desk = holder
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(5 * DAY)
    desk.poke()
    desk.settle()
    assert sum(desk.debt()) > 0
    return desk


def due(desk: Desk, notional: int, funding_growth: int, rent_growth: int) -> tuple[int, int]:
    """What a position owes main and insurance."""
    funding, rent = up(notional * funding_growth, INDEX), up(notional * rent_growth, WAD)
    insurance = funding // 100 + rent // 10
    return funding + rent - insurance, insurance


def rent_growth(desk: Desk, seconds: int) -> int:
    """At the utilisation that stands, below the kink."""
    used = max(desk.options.poolState(desk.token.address, layer).reserved * WAD // desk.cash(layer) for layer in (0, 1))
    assert used < 8 * WAD // 10
    rate = 5 * WAD // 100 + (7 * WAD // 100) * used // (8 * WAD // 10)
    return rate * seconds // YEAR


# ---------------------------------------------------------------------------------------------- paid from balance


def test_settle_takes_what_is_owed_from_the_balance(holder):
    desk = holder
    growth = rent_growth(desk, HOUR)
    balance, main, insurance = desk.balance(desk.who.trader), desk.cash(MAIN), desk.cash(INSURANCE)
    desk.pass_time(HOUR)
    assert desk.funding_index(0) > 0
    owed = due(desk, N, desk.funding_index(0), growth)
    assert desk.health().owed == sum(owed)
    receipt = desk.settle()
    assert desk.book.rentIndex == growth
    assert desk.balance(desk.who.trader) == balance - sum(owed)
    assert (desk.cash(MAIN), desk.cash(INSURANCE)) == (main + owed[0], insurance + owed[1])
    assert desk.position() == (N, desk.funding_index(0), growth)
    assert desk.debt() == (0, 0)
    assert desk.health().owed == 0
    assert desk.event(receipt, "Settle").args == {
        "owner": desk.who.trader,
        "token": desk.token.address,
        "marketId": desk.market.id,
        "id": desk.id(),
        "funding": up(N * desk.funding_index(0), INDEX),
        "rent": up(N * growth, WAD),
    }
    assert desk.events(receipt, "Owe") == desk.events(receipt, "Repay") == []


def test_settle_keeps_the_books_sums_of_entries_exact(holder):
    desk = holder
    desk.open(3, False, 7 * ONE + 1, owner=desk.who.rival)
    desk.pass_time(5 * HOUR)
    desk.settle()
    desk.settle(desk.who.rival)
    state = desk.options.marketState(desk.token.address, desk.market.id)
    held = [desk.position(), desk.position(3, False, owner=desk.who.rival)]
    assert state.fundingEntry == sum(p.notional * p.fundingIndex for p in held) > 0
    assert state.rentEntry == sum(p.notional * p.rentIndex for p in held) > 0


def test_settle_again_at_once_moves_nothing(holder):
    desk = holder
    desk.pass_time(HOUR)
    desk.settle()
    before = desk.statement()
    receipt = desk.settle()
    assert desk.statement() == before
    assert desk.events(receipt, "Owe") == desk.events(receipt, "Repay") == []


def test_settle_of_an_account_without_positions_does_nothing(desk):
    before = desk.statement()
    desk.settle(desk.who.stranger)
    desk.settle(desk.who.trader)
    assert desk.statement() == before


def test_settle_on_an_unlisted_token_is_refused(desk):
    with desk.refused("PerpetualOptions_UnknownToken", ZERO_ADDRESS):
        desk.options.settle(desk.who.trader, ZERO_ADDRESS, sender=desk.who.keeper)


def test_settle_covers_every_position_of_every_market(desk):
    owed = 0
    eth = desk.with_market("ETH-7D")
    desk.open(0, True, N)
    desk.open(-4, False, 2 * ONE)
    eth.open(3, True, 5 * ONE)
    desk.pass_time(HOUR)
    owed = desk.health().owed
    balance = desk.balance(desk.who.trader)
    receipt = desk.settle(sender=desk.who.stranger)
    assert len(desk.events(receipt, "Settle")) == 3
    assert desk.balance(desk.who.trader) == balance - owed
    assert desk.health().owed == 0
    for each in (desk.position(), desk.position(-4, False), eth.position(3)):
        assert each.fundingIndex > 0
        assert each.rentIndex == desk.book.rentIndex


def test_settle_needs_no_price_and_runs_no_further_than_the_last_one_carries(holder):
    desk = holder
    desk.chain.warp(3 * DAY)
    market = desk.market.contract
    stored = market.state()
    desk.settle()
    assert market.state() == stored, "the interval stays pending"
    market.accrue(sender=desk.who.stranger)
    assert market.state().accruedAt == stored.updatedAt + 4_200
    assert desk.position().fundingIndex == desk.funding_index(0) > 0
    desk.publish()
    desk.poke()
    assert desk.health().owed > 0  # the rest


def test_n_settlements_charge_the_funding_of_one_to_a_unit_each(holder):
    """X4: between samples of the variance. (Rent falls a little: what is paid lowers the pools' utilisation.)"""
    desk = holder
    with desk.chain.anchor():
        desk.chain.warp(590)
        desk.settle()
        once, index = desk.balance(desk.who.trader), desk.position().fundingIndex
    for _ in range(10):
        desk.chain.warp(59)
        desk.settle()
    assert index - 10 <= desk.position().fundingIndex <= index
    assert once <= desk.balance(desk.who.trader) <= once + ONE // 10**9


# ---------------------------------------------------------------------------------------------- debt


def test_what_the_balance_cannot_pay_becomes_debt_in_two_buckets(holder):
    desk = holder
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    balance, main, insurance = desk.balance(desk.who.trader), desk.cash(MAIN), desk.cash(INSURANCE)
    growth = rent_growth(desk, 5 * DAY)
    desk.pass_time(5 * DAY)
    desk.poke()
    owed = due(desk, N, desk.funding_index(0), growth)
    assert sum(owed) > balance
    receipt = desk.settle()
    to_insurance = balance * owed[1] // sum(owed)
    to_main = balance - to_insurance
    debt = (owed[0] - to_main, owed[1] - to_insurance)
    assert desk.balance(desk.who.trader) == 0
    assert (desk.cash(MAIN), desk.cash(INSURANCE)) == (main + to_main, insurance + to_insurance)
    assert desk.debt() == debt
    assert (desk.book.debtMain, desk.book.debtInsurance) == debt
    assert desk.position() == (N, desk.funding_index(0), growth)
    health = desk.health()
    assert (health.balance, health.debt, health.owed, health.equity) == (0, sum(debt), sum(debt), -sum(debt))
    assert desk.event(receipt, "Owe").args == {
        "owner": desk.who.trader,
        "token": desk.token.address,
        "main": debt[0],
        "insurance": debt[1],
    }
    assert desk.events(receipt, "Repay") == []


def test_debt_by_numbers(holder):
    """Funding 2 and rent 1 owed, 1.5 there: insurance gets 1.5 · (0.02 + 0.1) / 3, main the rest; half stays owed."""
    desk = holder
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(5 * DAY)
    desk.poke()
    balance = desk.balance(desk.who.trader)
    funding, rent = desk.funding_index(0) / INDEX * 100, rent_growth(desk, 5 * DAY) / WAD * 100
    assert 2.4 < funding < 2.6  # 100 · 2.936% · 5 days · 0.1714 a day
    assert 0.074 < rent < 0.082  # 100 · 5 days of 5.7% a year
    desk.settle()
    main, insurance = (each / ONE for each in desk.debt())
    unpaid = funding + rent - balance / ONE
    assert main + insurance == pytest.approx(unpaid, rel=1e-9)
    assert insurance == pytest.approx(unpaid * (funding / 100 + rent / 10) / (funding + rent), rel=1e-9)


def test_debt_bears_no_interest(indebted):
    desk = indebted
    debt = desk.debt()
    desk.pass_time(DAY)
    assert desk.debt() == debt
    assert desk.health().debt == sum(debt)


def test_adding_margin_pays_no_debt(indebted):
    desk = indebted
    debt, cash = desk.debt(), desk.cash(MAIN)
    desk.add_margin(desk.who.trader, 50 * ONE)
    assert desk.debt() == debt
    assert desk.cash(MAIN) == cash
    assert desk.balance(desk.who.trader) == 50 * ONE
    assert desk.health().equity == 50 * ONE - sum(debt)


def test_old_debt_is_paid_before_what_fell_due_now(indebted):
    desk = indebted
    old = desk.debt()
    payment = sum(old) // 2
    desk.add_margin(desk.who.trader, payment)
    before = desk.position()
    growth = rent_growth(desk, HOUR)
    main, insurance = desk.cash(MAIN), desk.cash(INSURANCE)
    desk.pass_time(HOUR)
    new = due(desk, N, desk.funding_index(0) - before.fundingIndex, growth)
    receipt = desk.settle()
    to_insurance = payment * old[1] // sum(old)
    account = {"owner": desk.who.trader, "token": desk.token.address}
    assert desk.event(receipt, "Repay").args == account | {"main": payment - to_insurance, "insurance": to_insurance}
    assert desk.event(receipt, "Owe").args == account | {"main": new[0], "insurance": new[1]}
    assert desk.cash(INSURANCE) == insurance + to_insurance
    assert desk.cash(MAIN) == main + payment - to_insurance
    assert desk.debt() == (old[0] - (payment - to_insurance) + new[0], old[1] - to_insurance + new[1])


def test_enough_margin_pays_all_debt_and_what_fell_due(indebted):
    desk = indebted
    old, main, insurance = desk.debt(), desk.cash(MAIN), desk.cash(INSURANCE)
    desk.add_margin(desk.who.trader, MARGIN)
    before = desk.position()
    growth = rent_growth(desk, HOUR)
    desk.pass_time(HOUR)
    new = due(desk, N, desk.funding_index(0) - before.fundingIndex, growth)
    receipt = desk.settle()
    account = {"owner": desk.who.trader, "token": desk.token.address}
    assert desk.event(receipt, "Repay").args == account | {"main": old[0], "insurance": old[1]}
    assert desk.events(receipt, "Owe") == []
    assert desk.debt() == (0, 0) == (desk.book.debtMain, desk.book.debtInsurance)
    assert desk.balance(desk.who.trader) == MARGIN - sum(old) - sum(new)
    assert (desk.cash(MAIN), desk.cash(INSURANCE)) == (main + old[0] + new[0], insurance + old[1] + new[1])
    assert desk.book.forgiven == 0


def test_debts_of_several_accounts_add_up_in_the_book(indebted):
    desk = indebted
    desk.open(0, False, N, owner=desk.who.rival)
    desk.withdraw(desk.health(desk.who.rival).equity - desk.health(desk.who.rival).initialMargin, desk.who.rival)
    desk.pass_time(60 * DAY)
    desk.poke()
    for owner in (desk.who.trader, desk.who.rival):
        desk.settle(owner)
    debts = [desk.debt(owner) for owner in (desk.who.trader, desk.who.rival)]
    assert all(main > 0 and insurance > 0 for main, insurance in debts)
    assert (desk.book.debtMain, desk.book.debtInsurance) == tuple(map(sum, zip(*debts, strict=True)))


def test_opening_with_debt_pays_it_first(indebted):
    desk = indebted
    desk.add_margin(desk.who.trader, MARGIN)
    main_debt, insurance_debt = desk.debt()
    main, insurance = desk.cash(MAIN), desk.cash(INSURANCE)
    premium, fee = desk.open(1, True, ONE).return_value
    assert desk.debt() == (0, 0)
    assert desk.cash(INSURANCE) == insurance + insurance_debt + fee // 5
    assert desk.cash(MAIN) == main + main_debt + premium + fee - fee // 5 - fee * 3 // 10
    assert desk.position(0).notional == N  # its own settlement waits


def test_opening_with_debt_and_no_margin_is_refused(indebted):
    desk = indebted
    with desk.refused("PerpetualOptions_InsufficientBalance", 0, ...):
        desk.open(1, True, ONE)


# ---------------------------------------------------------------------------------------------- debt and proceeds


def test_the_proceeds_of_a_close_pay_debt_before_the_fee_and_the_owner(indebted):
    desk = indebted
    debt, main, insurance = desk.debt(), desk.cash(MAIN), desk.cash(INSURANCE)
    closed = desk.close(0, True, 90 * ONE).return_value
    proceeds = closed.payoutMain
    assert proceeds > sum(debt)
    assert closed.debtPaid == sum(debt)
    assert closed.fee == fee_of(90 * ONE, proceeds)
    assert desk.debt() == (0, 0)
    assert desk.balance(desk.who.trader) == proceeds - sum(debt) - closed.fee
    assert desk.cash(INSURANCE) == insurance + debt[1] + closed.fee // 5
    fee_to_main = closed.fee - closed.fee // 5 - closed.fee * 3 // 10
    assert desk.cash(MAIN) == main + debt[0] - proceeds + fee_to_main


def test_proceeds_smaller_than_the_debt_pay_a_part_and_no_fee(indebted):
    desk = indebted
    debt = desk.debt()
    treasury = desk.fees
    closed = desk.close(0, True, 2 * ONE).return_value
    assert 0 < closed.payoutMain < sum(debt)
    assert (closed.debtPaid, closed.fee) == (closed.payoutMain, 0)
    to_insurance = closed.debtPaid * debt[1] // sum(debt)
    assert desk.debt() == (debt[0] - closed.debtPaid + to_insurance, debt[1] - to_insurance)
    assert desk.balance(desk.who.trader) == 0
    assert desk.fees == treasury


def test_the_fee_is_taken_as_far_as_the_proceeds_go_after_the_debt(indebted):
    desk = indebted
    notional = up(sum(desk.debt()) * WAD, desk.quote(0, True, 1).value) + 10**12  # a little more than pays the debt
    closed = desk.close(0, True, notional).return_value
    rest = closed.payoutMain - closed.debtPaid
    assert 0 < rest < fee_of(notional, closed.payoutMain)
    assert closed.fee == rest
    assert desk.balance(desk.who.trader) == 0


def worthless(indebted: Desk) -> Desk:
    """The indebted account's calls have lost all value."""
    indebted.move(20_000)
    indebted.publish()
    return indebted


def test_a_full_close_of_the_last_position_forgives_the_rest_of_the_debt(indebted):
    desk = worthless(indebted)
    desk.settle()
    debt, supply = desk.debt(), desk.token.contract.totalSupply()
    receipt = desk.close()
    closed = receipt.return_value
    to_insurance = closed.debtPaid * debt[1] // sum(debt)
    left = (debt[0] - closed.debtPaid + to_insurance, debt[1] - to_insurance)
    assert sum(left) > 0
    assert desk.debt() == (0, 0) == (desk.book.debtMain, desk.book.debtInsurance)
    assert desk.book.forgiven == sum(left)
    assert desk.event(receipt, "Forgive").args == {
        "owner": desk.who.trader,
        "token": desk.token.address,
        "main": left[0],
        "insurance": left[1],
    }
    assert desk.token.contract.totalSupply() == supply
    desk.add_margin(desk.who.trader, ONE)  # a clean slate
    desk.withdraw(ONE)


def test_a_partial_close_forgives_nothing(indebted):
    desk = worthless(indebted)
    receipt = desk.close(0, True, N - ONE)
    assert desk.events(receipt, "Forgive") == []
    assert sum(desk.debt()) > 0
    assert desk.book.forgiven == 0


def test_a_full_close_of_one_of_two_positions_forgives_nothing(desk):
    desk.open(0, True, N)
    desk.open(-1, False, ONE)
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    desk.pass_time(5 * DAY)
    desk.poke()
    desk.move(20_000)
    desk.publish()
    desk.settle()
    debt = sum(desk.debt())
    closed = desk.close(0, True).return_value
    assert closed.debtPaid == closed.payoutMain
    assert sum(desk.debt()) == debt - closed.debtPaid > 0
    assert desk.book.forgiven == 0
    desk.close(-1, False)  # worth two thirds of a token: still not enough
    assert desk.debt() == (0, 0)
    assert desk.book.forgiven > 0


def test_a_full_close_with_margin_left_forgives_nothing_as_nothing_is_owed(holder):
    desk = holder
    desk.pass_time(DAY)
    desk.close()
    assert desk.book.forgiven == 0
    assert desk.debt() == (0, 0)


def test_a_position_that_was_added_to_owes_from_then_on_only(holder):
    desk = holder
    desk.pass_time(DAY)
    desk.poke()
    desk.open(0, True, N)
    assert desk.health().owed == 0
    assert desk.position().notional == 2 * N


def test_the_clock_never_runs_backwards_for_a_position(holder):
    """X4"""
    desk = holder
    last = (0, 0)
    for price in (61_000, 59_000, 60_000, 62_000, 58_500):
        desk.pass_time(HOUR)
        desk.publish(price)
        desk.settle()
        desk.poke()
        now = desk.position()[1:]
        assert now[0] >= last[0]
        assert now[1] > last[1]
        last = now
