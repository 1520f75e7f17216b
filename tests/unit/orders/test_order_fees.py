"""Execution fees, the tight band, and a trader who never sends a transaction."""

from __future__ import annotations

import pytest

from everstock import signing
from everstock.chain import accounts
from support.desk import DAY, FREE, ONE, WAD

ASK, BID = 0, 1


def test_the_fee_goes_from_the_owners_margin_to_the_payee(pit):
    desk = pit.desk
    order = pit.order(execution_fee=ONE // 100)
    before = desk.balance(pit.trader)
    pit.commit(order)
    assert desk.balance(pit.trader) == before, "nothing is escrowed"
    pit.print()
    receipt = pit.book.execute(order.struct, desk.who.stranger, sender=pit.keeper)
    opened = desk.event(receipt, "Open")
    assert desk.balance(desk.who.stranger, FREE) == ONE // 100
    assert desk.balance(pit.trader) == before - opened["premium"] - opened["fee"] - ONE // 100
    assert receipt.event("Execute")["executionFee"] == ONE // 100


@pytest.mark.parametrize("closing_last", [True, False])
def test_an_order_of_several_legs_pays_once(pit, closing_last):
    desk = pit.desk
    desk.open(0, True, 10 * ONE)
    legs = [pit.buy(), pit.sell()] if closing_last else [pit.sell(), pit.buy()]
    order = pit.order(*legs, execution_fee=ONE // 100)
    pit.commit(order)
    pit.print()
    receipt = pit.execute(order)
    assert len(desk.events(receipt, "Open")) == len(desk.events(receipt, "Close")) == 1
    assert desk.balance(pit.keeper, FREE) == ONE // 100


def test_a_fee_that_the_account_cannot_pay_stops_all_of_it(pit):
    order = pit.order(execution_fee=100 * ONE - 32 * ONE // 100)
    pit.commit(order)
    pit.print()
    with pit.refused(order, "PerpetualOptions_InsufficientMargin"):
        pit.execute(order)


def test_a_fee_beyond_the_balance(pit):
    order = pit.order(execution_fee=101 * ONE)
    pit.commit(order)
    pit.print()
    with pit.refused(order, "PerpetualOptions_InsufficientBalance"):
        pit.execute(order)


@pytest.mark.parametrize("end", ["cancelled", "expired"])
def test_an_unused_fee_never_left(pit, end):
    desk = pit.desk
    before = desk.balance(pit.trader)
    order = pit.order(execution_fee=ONE, deadline=pit.now + 60)
    pit.commit(order)
    if end == "cancelled":
        pit.book.cancel([pit.hash(order)], sender=pit.trader)
        pit.print()
    else:
        desk.chain.warp(61)
        desk.publish()
    error = "OrderBook_Cancelled" if end == "cancelled" else "OrderBook_Expired"
    with pit.refused(order, error):
        pit.execute(order)
    desk.withdraw(before)
    assert desk.wallet(pit.trader) == before


def test_a_halt_between_commitment_and_execution_costs_nothing(pit):
    desk = pit.desk
    before = desk.balance(pit.trader)
    order = pit.order(execution_fee=ONE)
    pit.commit(order)
    pit.print(70_000)
    with pit.refused(order, "OptionMarket_NotOpen", 3):
        pit.execute(order)
    pit.book.cancel([pit.hash(order)], sender=pit.trader)
    desk.withdraw(before)
    assert desk.wallet(pit.trader) == before


def test_nobody_else_takes_a_fee(pit):
    desk = pit.desk
    with desk.refused("PerpetualOptions_NotExecutor", pit.keeper):
        desk.options.payExecutor(pit.trader, desk.token.address, 1, pit.keeper, sender=pit.keeper)


def test_orders_are_priced_in_the_tight_band(pit):
    """0.05% and the feed's confidence, instead of the deviation threshold and 0.1%."""
    desk = pit.desk
    order = pit.order()
    pit.commit(order)
    pit.print()
    wide = desk.quote(0, True, ASK).value
    premium = desk.event(pit.execute(order), "Open")["premium"]
    mark = desk.quote(0, True, 2).value
    tight = premium * WAD // (10 * ONE)
    assert mark < tight < wide
    # At the money the value moves by half the index: four times the band, a quarter of the distance from the mark.
    spread = mark // 100
    assert (tight - mark - spread) * 4 == pytest.approx(wide - mark - spread, rel=0.05)


def test_an_instant_trade_keeps_the_wide_band(pit):
    desk = pit.desk
    wide = desk.quote(0, True, ASK).value
    premium = desk.event(desk.open(0, True, 10 * ONE), "Open")["premium"]
    assert premium == -(-10 * ONE * wide // WAD)


def test_selling_is_tight_too(pit):
    desk = pit.desk
    desk.open(0, True, 10 * ONE)
    order = pit.order(pit.sell())
    pit.commit(order)
    pit.print()
    wide = desk.quote(0, True, BID).value
    closed = desk.event(pit.execute(order), "Close")["closed"]
    assert closed.payoutMain * WAD // (10 * ONE) > wide


def test_a_trader_who_never_sends_a_transaction(pit):
    """Signatures alone: operator, permit, deposit, order. The keeper pays the gas, and is paid in the margin token."""
    desk, newcomer = pit.desk, pit.desk.chain.account("newcomer")
    desk.give(newcomer, 10 * ONE)
    deadline, chain_id = pit.now + DAY, desk.chain.chain_id

    types = {
        "SetOperator": signing.fields(
            owner="address", operator="address", approved="bool", nonce="uint256", deadline="uint256"
        )
    }
    message = {"owner": newcomer, "operator": pit.book.address, "approved": True, "nonce": 0, "deadline": deadline}
    contract = desk.options.address
    document = signing.typed_data("Everstock Options", chain_id, contract, "SetOperator", types, message)
    approval = signing.sign(document, accounts.key("newcomer"))
    desk.options.setOperatorBySig(newcomer, pit.book, True, deadline, approval, sender=pit.keeper)

    token, uint = desk.token.contract, "uint256"
    types = {"Permit": signing.fields(owner="address", spender="address", value=uint, nonce=uint, deadline=uint)}
    message = {"owner": newcomer, "spender": pit.book.address, "value": 10 * ONE, "nonce": 0, "deadline": deadline}
    name = token.eip712Domain()[1]
    document = signing.typed_data(name, chain_id, token.address, "Permit", types, message)
    signed = signing.sign(document, accounts.key("newcomer"))
    permit = (10 * ONE, deadline, signed[64], signed[:32], signed[32:64])

    order = pit.order(owner=newcomer, deposit=10 * ONE, execution_fee=ONE // 100)
    pit.book.commitWithPermit(order.struct, pit.sign(order, "newcomer"), permit, sender=pit.keeper)
    pit.print()
    pit.execute(order)
    assert desk.chain.nonce(newcomer) == 0
    assert desk.position(0, True, owner=newcomer).notional == 10 * ONE
    assert desk.balance(pit.keeper, FREE) == ONE // 100
