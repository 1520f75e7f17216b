"""QuoteSettlement.fill: each refusal by name, and nothing moves."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from everstock import signing
from everstock.chain import accounts
from everstock.chain.testing import reverts
from everstock.rfq import QuoteSide
from support.desk import DAY, ONE, WAD
from unit.rfq.conftest import PRICE, USD

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@contextmanager
def refused(room, error, *args):
    before = room.holdings()
    with reverts(error, *args):
        yield
    assert room.holdings() == before


def test_replay(room):
    """R1"""
    quote = room.quote()
    room.fill(quote)
    with refused(room, "QuoteSettlement_Overfilled", 1, 0):
        room.fill(quote, 1)


def test_overfilled(room):
    """R1"""
    quote = room.quote()
    room.fill(quote, 4 * ONE)
    with refused(room, "QuoteSettlement_Overfilled", 6 * ONE + 1, 6 * ONE):
        room.fill(quote, 6 * ONE + 1)
    room.fill(quote, 6 * ONE)


def test_nothing(room):
    with refused(room, "QuoteSettlement_ZeroQuantity"):
        room.fill(room.quote(), 0)


def test_cancelled(room):
    """R1: also after a part was filled, and for good."""
    quote = room.quote(nonce=256 + 7)
    room.fill(quote, ONE)
    receipt = room.quotes.cancelNonces(1, 1 << 7, sender=room.maker)
    assert receipt.event("CancelNonces").args == {"signer": room.maker, "word": 1, "mask": 1 << 7}
    with refused(room, "QuoteSettlement_NonceUsed", room.maker, 256 + 7):
        room.fill(quote, ONE)
    assert room.quotes.remaining(quote.struct) == 0
    room.quotes.cancelNonces(1, 0, sender=room.maker)
    assert room.quotes.usedNonces(room.maker, 1) == 1 << 7


def test_many_cancelled_at_once(room):
    room.quotes.cancelNonces(0, 2**256 - 1, sender=room.maker)
    for nonce in (0, 7, 255):
        with refused(room, "QuoteSettlement_NonceUsed", room.maker, nonce):
            room.fill(room.quote(nonce=nonce))
    room.fill(room.quote(nonce=256))


def test_nobody_cancels_anothers(room):
    room.quotes.cancelNonces(0, 2**256 - 1, sender=room.stranger)
    room.fill(room.quote())


def test_a_filled_quote_voids_its_twin_with_the_same_nonce(room):
    room.fill(room.quote())
    with refused(room, "QuoteSettlement_NonceUsed", room.maker, 7):
        room.fill(room.quote(quantity=9 * ONE, payment=9 * PRICE * USD))


def test_expired_and_too_early(room):
    quote = room.quote(not_before=room.now + 10)
    with refused(room, "QuoteSettlement_TooEarly", room.now + 10, room.now):
        room.fill(quote)
    room.desk.chain.warp(10)
    room.fill(quote, ONE)
    room.desk.chain.warp(20)
    room.fill(quote, ONE)
    room.desk.chain.warp(1)
    with refused(room, "QuoteSettlement_Expired", quote.deadline, room.now):
        room.fill(quote, ONE)


def test_somebody_elses_quote(room):
    quote = room.quote(taker=room.taker)
    with refused(room, "QuoteSettlement_NotTaker", room.taker, room.stranger):
        room.fill(quote, sender=room.stranger)
    room.fill(quote)


def recovered(document, signature):
    from eth_account import Account
    from eth_account.messages import encode_typed_data

    return Account.recover_message(encode_typed_data(full_message=document), signature=signature)


def test_wrong_chain(room):
    """R2"""
    quote = room.quote()
    document = quote.document(room.quotes)
    document["domain"]["chainId"] = 1
    signature = signing.sign(document, accounts.key("maker"))
    with refused(room, "Signed_WrongSigner", room.maker, recovered(quote.document(room.quotes), signature)):
        room.fill(quote, signature=signature)


def test_wrong_contract(room):
    """R2"""
    quote = room.quote()
    document = quote.document(room.quotes)
    document["domain"]["verifyingContract"] = room.stock.address
    signature = signing.sign(document, accounts.key("maker"))
    with refused(room, "Signed_WrongSigner", room.maker, recovered(quote.document(room.quotes), signature)):
        room.fill(quote, signature=signature)


@pytest.mark.parametrize(
    "change",
    [
        {"signer": "issuer"},
        {"receiver": "stranger"},
        {"taker": "taker"},
        {"side": QuoteSide.SELL},
        {"quantity": 10 * ONE + 1},
        {"payment": 2_500 * USD - 1},
        {"deadline": 31},
        {"not_before": 1},
        {"nonce": 8},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_other_field(room, change):
    """R2: a signature is good for one quote only."""
    signature = room.sign(room.quote())
    names = {"issuer": room.issuer, "stranger": room.stranger, "taker": room.taker, 31: room.now + 31}
    changed = room.quote().but(**{key: names.get(value, value) for key, value in change.items()})
    signer = recovered(changed.document(room.quotes), signature)
    with refused(room, "Signed_WrongSigner", changed.signer, signer):
        room.fill(changed, signature=signature)


def test_high_s(room):
    quote = room.quote()
    signature = room.sign(quote)
    s = N - int.from_bytes(signature[32:64])
    twin = signature[:32] + s.to_bytes(32) + bytes([27 + 28 - signature[64]])
    with refused(room, "Signed_HighS", s.to_bytes(32)):
        room.fill(quote, signature=twin)


@pytest.mark.parametrize("length", [0, 64, 66])
def test_of_another_length(room, length):
    quote = room.quote()
    with refused(room, "Signed_WrongLength", length):
        room.fill(quote, signature=(room.sign(quote) + b"\0")[:length])


def test_no_signature_at_all(room):
    with refused(room, "Signed_WrongSigner", room.maker, "0x" + "00" * 20):
        room.fill(room.quote(), signature=b"\x01" * 64 + b"\x05")


def test_unknown_parties(room):
    governor = room.desk.who.governor
    with refused(room, "QuoteSettlement_UnknownSigner", room.stranger):
        room.fill(room.quote(signer=room.stranger), signature=b"\0" * 65)
    other = room.desk.system.token("CRCL.M").address
    with refused(room, "QuoteSettlement_UnknownAsset", other):
        room.fill(room.quote(asset=other))
    room.quotes.setPayToken(room.dollar, False, sender=governor)
    with refused(room, "QuoteSettlement_UnknownPayToken", room.dollar.address):
        room.fill(room.quote())


# ── price ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("side", QuoteSide)
def test_outside_the_band_either_way(room, side):
    lowest, highest = 245 * WAD, 255 * WAD
    for payment, price in ((2_450 * USD - 1, lowest - 10**11), (2_550 * USD + 1, highest + 10**11)):
        with refused(room, "QuoteSettlement_OutsideBand", price, lowest, highest):
            room.fill(room.quote(side, payment=payment))
    room.fill(room.quote(side, payment=2_450 * USD))
    room.fill(room.quote(side, payment=2_550 * USD, nonce=8))


def test_a_thin_print_of_a_hundred_times_the_share(room):
    with refused(room, "QuoteSettlement_OutsideBand", 23_781 * WAD, 245 * WAD, 255 * WAD):
        room.fill(room.quote(quantity=ONE, payment=23_781 * USD))


def test_a_stale_price(room):
    """Without sessions: with them a price of yesterday is Closed."""
    desk, asset = room.desk, room.desk.system.asset("TSLA")
    config = (asset.feed.address, 86_400, WAD // 200, "0x" + "00" * 20)
    desk.system.oracle.setAsset(asset.id, config, sender=desk.who.governor)
    desk.chain.warp(2 * DAY)
    with refused(room, "QuoteSettlement_NoPrice", room.stock.address):
        room.fill(room.quote())


def test_closed_hours_have_a_band_of_their_own(room):
    desk, governor = room.desk, room.desk.who.governor
    asset = desk.system.asset("TSLA")
    calendar = desk.chain.deploy(desk.system.artifacts["TestCalendar"], WAD // 5, 11_024_640 * WAD, sender=governor)
    desk.system.oracle.setAsset(asset.id, (asset.feed.address, 86_400, WAD // 200, calendar.address), sender=governor)
    asset.publish(PRICE)
    desk.system.oracle.poke(asset.id, sender=governor)
    desk.chain.warp(9 * 3600)  # the session has ended
    assert desk.system.oracle.read(asset.id).status == 1
    with refused(room, "QuoteSettlement_OutsideBand", 263 * WAD, 2375 * WAD // 10, 2625 * WAD // 10):
        room.fill(room.quote(payment=2_630 * USD))
    room.fill(room.quote(payment=2_620 * USD))
    room.quotes.setQuotedAsset(room.stock, (asset.id, WAD // 50, 0), sender=governor)
    with refused(room, "QuoteSettlement_NoPrice", room.stock.address):
        room.fill(room.quote(nonce=9))


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signers_bucket_empties_and_refills_over_a_day(room):
    room.quotes.setSigner(room.maker, (2_400 * WAD, False), sender=room.desk.who.governor)
    with refused(room, "QuoteSettlement_SignerLimit", 2_500 * WAD, 2_400 * WAD):
        room.fill(room.quote())
    room.fill(room.quote(quantity=8 * ONE, payment=2_000 * USD))
    assert room.quotes.limitLeft(room.maker) == 400 * WAD
    room.desk.chain.warp(DAY // 4)
    room.desk.system.asset("TSLA").publish(PRICE)
    assert room.quotes.limitLeft(room.maker) == 1_000 * WAD
    room.fill(room.quote(quantity=4 * ONE, payment=1_000 * USD, nonce=8))
    with refused(room, "QuoteSettlement_SignerLimit", 250 * WAD, 0):
        room.fill(room.quote(quantity=ONE, payment=250 * USD, nonce=9))
    room.desk.chain.warp(2 * DAY)
    assert room.quotes.limitLeft(room.maker) == 2_400 * WAD


def test_a_signer_without_a_limit_is_out(room):
    room.quotes.setSigner(room.maker, (0, False), sender=room.desk.who.governor)
    with refused(room, "QuoteSettlement_UnknownSigner", room.maker):
        room.fill(room.quote())


# ── corporate actions ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_multiplier_that_changed(room):
    """R2, and no trade at a price from before a split."""
    current = 10**18
    with refused(room, "QuoteSettlement_MultiplierChanged", 2 * current, current):
        room.fill(room.quote(multiplier=2 * current))


# ── governance ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_bounds_of_an_asset(room):
    governor, asset = room.desk.who.governor, room.desk.system.asset("TSLA").id
    call = room.quotes.setQuotedAsset
    for band in (WAD // 1000 - 1, WAD // 5 + 1):
        with reverts("QuoteSettlement_OutOfBounds", b"openBand".ljust(32, b"\0"), band, WAD // 1000, WAD // 5):
            call(room.stock, (asset, band, 0), sender=governor)
    with reverts("QuoteSettlement_OutOfBounds", b"closedBand".ljust(32, b"\0"), WAD // 5 + 1, 0, WAD // 5):
        call(room.stock, (asset, WAD // 100, WAD // 5 + 1), sender=governor)
    with reverts("PriceOracle_UnknownAsset", b"?".ljust(32, b"\0")):
        call(room.stock, (b"?".ljust(32, b"\0"), WAD // 100, 0), sender=governor)
    with reverts("QuoteSettlement_ZeroAddress"):
        call("0x" + "00" * 20, (asset, WAD // 100, 0), sender=governor)
    receipt = call(room.stock, (asset, WAD // 5, WAD // 5), sender=governor)
    assert receipt.event("SetQuotedAsset").args["openBand"] == WAD // 5
    assert tuple(room.quotes.assetConfig(room.stock)) == (asset, WAD // 5, WAD // 5)


def test_bounds_of_a_signer_and_of_a_pay_token(room):
    governor, most = room.desk.who.governor, 10**27
    with reverts("QuoteSettlement_OutOfBounds", b"dailyLimit".ljust(32, b"\0"), most + 1, 0, most):
        room.quotes.setSigner(room.maker, (most + 1, False), sender=governor)
    for call, rest in ((room.quotes.setSigner, (most, True)), (room.quotes.setPayToken, True)):
        with reverts("QuoteSettlement_ZeroAddress"):
            call("0x" + "00" * 20, rest, sender=governor)
    receipt = room.quotes.setSigner(room.maker, (most, True), sender=governor)
    assert receipt.event("SetSigner").args == {"signer": room.maker, "dailyLimit": most, "mayIssue": True}
    assert tuple(room.quotes.signerConfig(room.maker)) == (most, True)
    deep = room.desk.chain.deploy(room.desk.system.artifacts["MockDollar"], 19, sender=governor)
    config = (room.desk.system.asset("TSLA").id, WAD // 100, 0)
    for call, rest in ((room.quotes.setPayToken, True), (room.quotes.setQuotedAsset, config)):
        with reverts("QuoteSettlement_OutOfBounds", b"decimals".ljust(32, b"\0"), 19, 0, 18):
            call(deep, rest, sender=governor)


def test_it_needs_an_oracle(room):
    system = room.desk.system
    with reverts("QuoteSettlement_ZeroAddress"):
        system.chain.deploy(system.artifacts["QuoteSettlement"], system.authority, "0x" + "00" * 20, sender=room.taker)
    assert room.quotes.oracle() == system.oracle.address
