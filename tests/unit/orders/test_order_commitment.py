"""Committing and cancelling: an order does only what its owner sent or signed, until it is taken back."""

from __future__ import annotations

import random

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from everstock import signing
from everstock.chain import accounts
from everstock.chain.testing import reverts
from everstock.client import Side
from everstock.client.orders import Leg, Order, OrderDesk, Trigger, buy, sell
from support.desk import DAY, ONE

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
NO_PERMIT = (0, 0, 0, b"\0" * 32, b"\0" * 32)


def test_only_the_owner_sends(pit):
    order = pit.order()
    with pit.refused(order, "OrderBook_NotOwner", pit.trader, pit.keeper):
        pit.book.commit(order.struct, sender=pit.keeper)


@pytest.mark.parametrize("count", [0, 9])
def test_one_to_eight_legs(pit, count):
    order = Order(pit.trader, pit.desk.token.address, (pit.buy(),) * count, pit.now + 60)
    with pit.refused(order, "OrderBook_OutOfBounds", b"legs".ljust(32, b"\0"), count, 1, 8):
        pit.commit(order)


def test_the_deadline_lies_ahead_and_within_ninety_days(pit):
    late = pit.order(deadline=pit.now - 1)
    with pit.refused(late, "OrderBook_Expired", pit.now - 1, pit.now):
        pit.commit(late)
    most = pit.now + 90 * DAY
    far = pit.order(deadline=most + 1)
    with pit.refused(far, "OrderBook_OutOfBounds", b"deadline".ljust(32, b"\0"), most + 1, pit.now, most):
        pit.commit(far)
    pit.commit(pit.order(deadline=most))


@pytest.mark.parametrize("word", [*range(9), *range(11, 17)])
def test_a_word_beyond_its_type_is_no_order(pit, word):
    """The hash is of the words as they stand in the calldata: one with more than its type holds never commits."""
    order = pit.order(execution_fee=1, salt=5)
    data = bytearray(pit.book.commit.encode(order.struct))
    at = 4 + 32 + 32 * word
    data[at] ^= 0x80
    with pit.refused(order, "Empty"):
        pit.desk.chain.send(pit.trader, pit.book.address, bytes(data))
    data[at] ^= 0x80
    pit.desk.chain.send(pit.trader, pit.book.address, bytes(data))
    assert pit.book.commitmentOf(pit.trader, pit.hash(order)).committedAt == pit.now


# ── signed ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_anyone_commits_what_the_owner_signed(pit):
    order = pit.order()
    pit.book.commitSigned(order.struct, pit.sign(order), sender=pit.keeper)
    pit.print()
    pit.execute(order)
    assert pit.held() == 10 * ONE


def test_a_signature_is_used_once(pit):
    order = pit.order()
    signature = pit.sign(order)
    pit.book.commitSigned(order.struct, signature, sender=pit.keeper)
    with pit.refused(order, "OrderBook_AlreadyCommitted", pit.hash(order), pit.now):
        pit.book.commitSigned(order.struct, signature, sender=pit.keeper)


def refuse_signature(pit, order, signature, error, *args):
    for call, rest in ((pit.book.commitSigned, ()), (pit.book.commitWithPermit, (NO_PERMIT,))):
        with pit.refused(order, error, *args):
            call(order.struct, signature, *rest, sender=pit.keeper)


def signer_of(document, signature):
    return Account.recover_message(encode_typed_data(full_message=document), signature=signature)


@pytest.mark.parametrize("field", ["chainId", "verifyingContract"])
def test_wrong_chain_and_wrong_contract(pit, field):
    """R2"""
    order = pit.order()
    document = order.document(pit.book)
    document["domain"][field] = 1 if field == "chainId" else pit.desk.options.address
    signature = signing.sign(document, accounts.key("trader"))
    recovered = signer_of(order.document(pit.book), signature)
    refuse_signature(pit, order, signature, "Signed_WrongSigner", pit.trader, recovered)


@pytest.mark.parametrize(
    "change",
    [
        {"execution_fee": 1},
        {"deposit": 1},
        {"deadline": 1},
        {"salt": 1},
        {"trigger": Trigger.AT_OR_ABOVE},
        {"trigger_market_id": 1},
        {"trigger_price": 1},
        {"legs": 2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_other_field(pit, change):
    """R2: an order can only do what its owner signed."""
    order = pit.order()
    signature = pit.sign(order)
    ((key, value),) = change.items()
    value = {"deadline": order.deadline + 1, "legs": order.legs * 2}.get(key, value)
    changed = order.but(**{key: value})
    recovered = signer_of(changed.document(pit.book), signature)
    refuse_signature(pit, changed, signature, "Signed_WrongSigner", pit.trader, recovered)


def test_high_s_and_length(pit):
    order = pit.order()
    signature = pit.sign(order)
    s = (N - int.from_bytes(signature[32:64])).to_bytes(32)
    refuse_signature(pit, order, signature[:32] + s + bytes([55 - signature[64]]), "Signed_HighS", s)
    refuse_signature(pit, order, signature[:64], "Signed_WrongLength", 64)


def test_a_contract_signs_by_erc1271(pit):
    desk = pit.desk
    owner = desk.chain.account("wallet owner")
    wallet = desk.chain.deploy(desk.system.artifacts["TestWallet"], owner, sender=owner)
    desk.add_margin(wallet.address, 10 * ONE)
    wallet.run(desk.options, desk.options.setOperator.encode(pit.book, True), sender=owner)
    order = pit.order(owner=wallet.address)
    signature = pit.sign(order, "wallet owner")
    for mood in (1, 2):
        wallet.setMood(mood, sender=owner)
        refuse_signature(pit, order, signature, "Signed_RefusedByContract", wallet.address)
    wallet.setMood(0, sender=owner)
    pit.book.commitSigned(order.struct, signature, sender=pit.keeper)
    pit.print()
    pit.execute(order)
    assert desk.position(0, True, owner=wallet.address).notional == 10 * ONE


def test_a_thousand_random_orders_hash_as_eth_account_does(pit):
    """R2"""
    rng = random.Random(11)

    def number(bits):
        return rng.choice((0, 1, 2**bits - 1, rng.getrandbits(rng.randint(1, bits))))

    def leg():
        strike = rng.choice((-(2**15), 2**15 - 1, rng.randint(-700, 700)))
        return Leg(number(16), strike, rng.random() < 0.5, rng.random() < 0.5, number(112), number(128))

    for _ in range(1_000):
        owner, token = ("0x" + rng.randbytes(20).hex() for _ in range(2))
        order = Order(
            *(Account.from_key(rng.randbytes(32)).address, Account.from_key(accounts.key(owner)).address),
            tuple(leg() for _ in range(rng.randint(0, 8))),
            *(number(40), number(64), number(128), number(128), Trigger(rng.randint(0, 2)), number(16), number(128)),
        )
        assert pit.book.hashOrder(order.struct) == order.digest(pit.book), (order, token)
        assert Order.of(order.struct) == order


# ── cancelling ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cancelled_order_meets_no_later_price(pit):
    """R1"""
    order = pit.order()
    pit.commit(order)
    pit.desk.chain.warp(5)
    receipt = pit.book.cancel([pit.hash(order)], sender=pit.trader)
    assert receipt.event("Cancel").args == {"orderHash": pit.hash(order), "owner": pit.trader}
    cancelled_at = pit.now
    pit.print()
    with pit.refused(order, "OrderBook_Cancelled", pit.hash(order), cancelled_at):
        pit.execute(order)
    pit.book.cancel([pit.hash(order)], sender=pit.trader)
    assert pit.state(order) == (cancelled_at - 5, cancelled_at, False), "the first cancellation stands"


def test_a_cancellation_is_no_way_out_of_a_price_that_is_known(pit):
    order = pit.order()
    pit.commit(order)
    pit.print(59_000)
    pit.desk.chain.warp(5)
    pit.book.cancel([pit.hash(order)], sender=pit.trader)
    pit.execute(order)
    assert pit.held() == 10 * ONE


def test_a_signed_order_is_cancelled_before_anybody_commits_it(pit):
    order = pit.order()
    signature = pit.sign(order)
    pit.book.cancel([pit.hash(order)], sender=pit.trader)
    with pit.refused(order, "OrderBook_Cancelled", pit.hash(order), pit.now):
        pit.book.commitSigned(order.struct, signature, sender=pit.keeper)


def test_nobody_cancels_anothers(pit):
    order = pit.order()
    pit.commit(order)
    pit.book.cancel([pit.hash(order)], sender=pit.keeper)
    pit.print()
    pit.execute(order)


def test_many_at_once_but_none_that_was_executed(pit):
    orders = [pit.order(salt=salt) for salt in range(3)]
    for order in orders:
        pit.commit(order)
    pit.print()
    pit.execute(orders[1])
    with pit.refused(orders[0], "OrderBook_AlreadyExecuted", pit.hash(orders[1])):
        pit.book.cancel([pit.hash(order) for order in orders], sender=pit.trader)
    pit.book.cancel([pit.hash(orders[0]), pit.hash(orders[2])], sender=pit.trader)


# ── deposits and permits ──────────────────────────────────────────────────────────────────────────────────────────────


def permit_of(pit, value, deadline):
    token = pit.desk.token.contract
    uint = "uint256"
    types = {"Permit": signing.fields(owner="address", spender="address", value=uint, nonce=uint, deadline=uint)}
    message = {
        "owner": pit.trader,
        "spender": pit.book.address,
        "value": value,
        "nonce": token.nonces(pit.trader),
        "deadline": deadline,
    }
    name = token.eip712Domain()[1]
    document = signing.typed_data(name, pit.desk.chain.chain_id, token.address, "Permit", types, message)
    signed = signing.sign(document, accounts.key("trader"))
    return (value, deadline, signed[64], signed[:32], signed[32:64])


def test_a_trader_without_gas_deposits_and_trades(pit):
    pit.desk.give(pit.trader, 3 * ONE)
    before = pit.desk.balance(pit.trader)
    order = pit.order(deposit=3 * ONE)
    permit = permit_of(pit, 3 * ONE, pit.now)
    pit.book.commitWithPermit(order.struct, pit.sign(order), permit, sender=pit.keeper)
    assert pit.desk.balance(pit.trader) == before + 3 * ONE
    assert pit.desk.wallet(pit.trader) == pit.desk.wallet(pit.book.address) == 0
    pit.print()
    pit.execute(order)


def test_a_permit_used_before_does_no_harm(pit):
    pit.desk.give(pit.trader, 3 * ONE)
    order = pit.order(deposit=3 * ONE)
    permit = permit_of(pit, 3 * ONE, pit.now)
    value, deadline, *signature = permit
    pit.desk.token.contract.permit(pit.trader, pit.book, value, deadline, *signature, sender=pit.keeper)
    pit.book.commitWithPermit(order.struct, pit.sign(order), permit, sender=pit.keeper)
    assert pit.desk.wallet(pit.trader) == 0


def test_without_an_allowance_nothing_is_committed(pit):
    pit.desk.give(pit.trader, 3 * ONE)
    order = pit.order(deposit=3 * ONE)
    with pit.refused(order, "ERC20InsufficientAllowance"):
        pit.book.commitSigned(order.struct, pit.sign(order), sender=pit.keeper)


def test_an_allowance_is_touched_by_signed_deposits_only(pit):
    pit.desk.give(pit.trader, 3 * ONE)
    pit.desk.token.contract.approve(pit.book, 3 * ONE, sender=pit.trader)
    order = pit.order()
    pit.commit(order)
    pit.print()
    pit.execute(order)
    assert pit.desk.wallet(pit.trader) == 3 * ONE


# ── client ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_client_speaks_tokens_and_dollars(pit):
    token, market = pit.desk.token, pit.desk.market
    desk = OrderDesk(token, pit.trader)
    desk.authorise()
    order = desk.order(buy(token, market, 0, Side.CALL, 10, "0.5"), salt=1)
    signature = desk.sign(order, accounts.key("trader"))
    assert signer_of(order.document(pit.book), signature) == pit.trader
    desk.commit(order)
    pit.print()
    desk.execute(order, pit.keeper)
    roll = desk.roll(market, 0, Side.CALL, max_premium=1, salt=2)
    desk.commit(roll)
    pit.print(62_000)
    desk.execute(roll, pit.keeper)
    assert pit.held(2) == 10 * ONE
    leg = sell(token, market, 2, Side.CALL)
    profit, stop = desk.take_profit(leg, Side.CALL, 63_000), desk.stop(leg, Side.CALL, 61_000, salt=3)
    assert (profit.trigger, stop.trigger) == (Trigger.AT_OR_ABOVE, Trigger.AT_OR_BELOW)
    assert desk.take_profit(leg, Side.PUT, 1).trigger is Trigger.AT_OR_BELOW
    assert desk.stop(leg, Side.PUT, 1).trigger is Trigger.AT_OR_ABOVE
    desk.commit(profit)
    desk.commit(stop)
    desk.cancel(profit)
    pit.print(60_900)
    with reverts("OrderBook_Cancelled"):
        desk.execute(profit, pit.keeper)
    desk.execute(stop, pit.keeper)
    assert pit.held(2) == 0
