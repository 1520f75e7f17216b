"""QuoteSettlement.fill: what changes hands."""

from __future__ import annotations

import pytest

from everstock import signing
from everstock.chain import accounts
from everstock.chain.testing import reverts
from everstock.rfq import QuoteSide
from support.desk import ONE, WAD
from unit.rfq.conftest import PRICE, USD, Room

START = (1_000 * ONE, 1_000_000 * USD)


def test_a_taker_buys_exactly_at_the_quote(room):
    quote = room.quote()
    receipt = room.fill(quote)
    assert receipt.return_value == quote.payment
    assert room.holdings() | {room.stranger: (0, 0)} == {
        room.maker: (START[0] - 10 * ONE, START[1] + quote.payment),
        room.taker: (START[0] + 10 * ONE, START[1] - quote.payment),
        room.issuer: (0, START[1]),
        room.stranger: (0, 0),
        room.quotes.address: (0, 0),
    }
    event = receipt.event("Fill")
    assert event.args == {
        "quoteHash": room.quotes.hashQuote(quote.struct),
        "signer": room.maker,
        "taker": room.taker,
        "asset": room.stock.address,
        "side": QuoteSide.BUY,
        "issuance": False,
        "quantity": 10 * ONE,
        "payment": quote.payment,
        "oraclePrice": PRICE * WAD,
    }
    assert room.quotes.remaining(quote.struct) == 0


def test_a_taker_sells_exactly_at_the_quote(room):
    quote = room.quote(QuoteSide.SELL)
    room.fill(quote)
    assert room.holdings()[room.taker] == (START[0] - 10 * ONE, START[1] + quote.payment)
    assert room.holdings()[room.maker] == (START[0] + 10 * ONE, START[1] - quote.payment)


def test_what_was_bought_goes_to_the_receiver(room):
    room.fill(room.quote(receiver=room.stranger))
    assert room.holdings()[room.stranger] == (10 * ONE, 0)
    room.fill(room.quote(QuoteSide.SELL, receiver=room.stranger, nonce=8))
    assert room.holdings()[room.stranger] == (10 * ONE, 2_500 * USD)


@pytest.mark.parametrize("side", QuoteSide)
def test_parts_cost_their_share_rounded_against_the_taker(room, side):
    quote = room.quote(side, quantity=3 * ONE, payment=750 * USD + 1)
    third = 250 * USD + (1 if side is QuoteSide.BUY else 0)
    assert [room.fill(quote, ONE).return_value for _ in range(3)] == [third] * 3
    assert room.quotes.remaining(quote.struct) == 0


def test_the_issuer_mints_what_it_sells(room):
    before = room.stock.totalSupply()
    room.fill(room.quote(signer=room.issuer, issuance=True))
    assert room.stock.totalSupply() == before + 10 * ONE
    assert room.holdings()[room.issuer] == (0, START[1] + 2_500 * USD)
    assert room.holdings()[room.taker] == (START[0] + 10 * ONE, START[1] - 2_500 * USD)


def test_the_issuer_burns_what_it_buys(room):
    before = room.stock.totalSupply()
    room.fill(room.quote(QuoteSide.SELL, signer=room.issuer, issuance=True))
    assert room.stock.totalSupply() == before - 10 * ONE
    assert room.holdings()[room.issuer] == (0, START[1] - 2_500 * USD)
    assert room.holdings()[room.taker] == (START[0] - 10 * ONE, START[1] + 2_500 * USD)


def test_only_an_issuer_issues(room):
    with reverts("QuoteSettlement_NotIssuer", room.maker):
        room.fill(room.quote(issuance=True))


def test_redeeming_takes_an_allowance_of_the_holder(room):
    room.stock.approve(room.quotes, 0, sender=room.taker)
    with reverts("ERC20InsufficientAllowance"):
        room.fill(room.quote(QuoteSide.SELL, signer=room.issuer, issuance=True))


def test_a_contract_quotes_by_erc1271(room):
    system, owner = room.desk.system, room.desk.chain.account("wallet owner")
    wallet = system.chain.deploy(system.artifacts["TestWallet"], owner, sender=owner)
    system.quotes.setSigner(wallet, (10**24, False), sender=system.governor)
    room.desk.give(wallet.address, 10 * ONE)
    wallet.run(room.stock, room.stock.approve.encode(room.quotes, 10 * ONE), sender=owner)
    quote = room.quote(signer=wallet.address)
    signature = room.sign(quote, "wallet owner")
    for mood in (1, 2):
        wallet.setMood(mood, sender=owner)
        with reverts("Signed_RefusedByContract", wallet.address):
            room.fill(quote, signature=signature)
    wallet.setMood(0, sender=owner)
    room.fill(quote, signature=signature)
    assert room.dollar.balanceOf(wallet) == quote.payment


def permit_for(room: Room, token, value: int, deadline: int):
    uint = "uint256"
    types = {"Permit": signing.fields(owner="address", spender="address", value=uint, nonce=uint, deadline=uint)}
    message = {
        "owner": room.taker,
        "spender": room.quotes.address,
        "value": value,
        "nonce": token.nonces(room.taker),
        "deadline": deadline,
    }
    name = token.eip712Domain()[1]
    document = signing.typed_data(name, room.desk.chain.chain_id, token.address, "Permit", types, message)
    signed = signing.sign(document, accounts.key("taker"))
    return (value, deadline, signed[64], signed[:32], signed[32:64])


def test_a_permit_stands_for_the_allowance_even_if_it_was_used_before(room):
    room.stock.approve(room.quotes, 0, sender=room.taker)
    quote = room.quote(QuoteSide.SELL)
    permit = permit_for(room, room.stock, 10 * ONE, room.now)
    value, deadline, *signature = permit
    room.stock.permit(room.taker, room.quotes, value, deadline, *signature, sender=room.stranger)
    room.quotes.fillWithPermit(quote.struct, room.sign(quote), 10 * ONE, permit, sender=room.taker)
    assert room.holdings()[room.taker][0] == START[0] - 10 * ONE


def test_a_permit_that_fails_leaves_the_allowance_to_decide(room):
    room.stock.approve(room.quotes, 0, sender=room.taker)
    quote = room.quote(QuoteSide.SELL)
    permit = permit_for(room, room.stock, 10 * ONE, room.now - 1)
    with reverts("ERC20InsufficientAllowance"):
        room.quotes.fillWithPermit(quote.struct, room.sign(quote), 10 * ONE, permit, sender=room.taker)
    permit = permit_for(room, room.stock, 10 * ONE, room.now)
    room.quotes.fillWithPermit(quote.struct, room.sign(quote), 10 * ONE, permit, sender=room.taker)


def test_without_a_permit_the_allowance_is_enough(room):
    quote = room.quote()
    none = (0, 0, 0, b"\0" * 32, b"\0" * 32)
    room.quotes.fillWithPermit(quote.struct, room.sign(quote), ONE, none, sender=room.taker)
    assert room.quotes.remaining(quote.struct) == 9 * ONE
