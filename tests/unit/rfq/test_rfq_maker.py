"""The maker and its server: quotes that settle, refusals, restarts, receipts."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from aiohttp.test_utils import TestClient, TestServer

from everstock.chain import accounts
from everstock.rfq import ExecutionReceipt, Maker, MakerPolicy, QuoteRefused, QuoteSide, Server, SignedQuote
from support.desk import ONE
from unit.rfq.conftest import USD


def maker_of(room, name="maker", policy=None, **rest) -> Maker:
    return Maker(room.desk.system, accounts.key(name), "USDX", policy, **rest)


def settle(room, signed: SignedQuote):
    return room.quotes.fill(signed.quote.struct, signed.signature, signed.quote.quantity, sender=room.taker)


def test_both_sides_settle_at_the_spread_and_the_receipt_says_so(room):
    maker = maker_of(room)  # holds its target: no skew
    for side, price in ((QuoteSide.BUY, "250.25"), (QuoteSide.SELL, "249.75")):
        signed = maker.quote("TSLA.M", side, Decimal(4), room.taker)
        assert (signed.mid_usd, signed.price_usd) == (250, Decimal(price))
        assert signed.quote.deadline == room.now + 15
        fill = settle(room, signed).event("Fill")
        receipt = ExecutionReceipt.of(room.desk.system, fill)
        assert (receipt.quantity, receipt.payment, receipt.mid_usd) == (4, Decimal(price) * 4, 250)
        assert receipt.cost_bps == Decimal("10.00")
        room.stock.transfer(room.maker, 4 * ONE, sender=room.taker) if side is QuoteSide.BUY else None


def test_more_in_stock_is_sold_cheaper(room):
    maker = maker_of(room, policy=MakerPolicy(target=Decimal(500)))
    assert maker.quote("TSLA.M", QuoteSide.BUY, Decimal(1)).price_usd == Decimal("250.125")
    maker = maker_of(room, policy=MakerPolicy(target=Decimal(2_000)))
    assert maker.quote("TSLA.M", QuoteSide.BUY, Decimal(1)).price_usd == Decimal("250.3125")


def test_the_issuer_quotes_what_it_does_not_hold(room):
    signed = maker_of(room, "issuer", issuance=True).quote("TSLA.M", QuoteSide.BUY, Decimal(4))
    supply = room.stock.totalSupply()
    settle(room, signed)
    assert room.stock.totalSupply() == supply + 4 * ONE


def test_rounding_is_against_the_taker(room):
    maker = maker_of(room)
    quantity = Decimal("0.333333333333333333")
    assert maker.quote("TSLA.M", QuoteSide.BUY, quantity).quote.payment == 83_416_667
    assert maker.quote("TSLA.M", QuoteSide.SELL, quantity).quote.payment == 83_249_999


def test_later_lives_use_later_nonces(room):
    first = maker_of(room, clock=lambda: 1_000.0)
    nonces = [first.quote("TSLA.M", QuoteSide.BUY, Decimal(1)).quote.nonce for _ in range(3)]
    reborn = maker_of(room, clock=lambda: 1_000.001)
    assert nonces == sorted(set(nonces))
    assert reborn.quote("TSLA.M", QuoteSide.BUY, Decimal(1)).quote.nonce > nonces[-1]


@pytest.mark.parametrize(
    ("symbol", "quantity", "why"),
    [
        ("NVDA.M", "1", "NVDA.M is not quoted: there are"),
        ("CRCL.M", "1", "CRCL.M is not quoted"),
        ("TSLA.M", "0", "more than nothing"),
        ("TSLA.M", "401", "at most 100,000 USD a quote"),
    ],
)
def test_what_it_does_not_quote(room, symbol, quantity, why):
    with pytest.raises(QuoteRefused, match=why):
        maker_of(room).quote(symbol, QuoteSide.BUY, Decimal(quantity))


def test_what_could_not_settle_is_not_quoted(room):
    maker = maker_of(room)
    room.stock.approve(room.quotes, ONE, sender=room.maker)
    with pytest.raises(QuoteRefused, match=f"at most {ONE} units of TSLA.M"):
        maker.quote("TSLA.M", QuoteSide.BUY, Decimal(2))
    room.dollar.transfer(room.taker, 1_000_000 * USD, sender=room.maker)
    with pytest.raises(QuoteRefused, match="at most 0 units of USDX"):
        maker.quote("TSLA.M", QuoteSide.SELL, Decimal(2))
    room.quotes.setSigner(room.maker, (100 * ONE, False), sender=room.desk.who.governor)
    with pytest.raises(QuoteRefused, match="daily limit"):
        maker.quote("TSLA.M", QuoteSide.BUY, Decimal(1))
    room.stock.pause(sender=room.desk.who.governor)
    with pytest.raises(QuoteRefused, match="cannot issue that much now"):
        maker_of(room, "issuer", issuance=True).quote("TSLA.M", QuoteSide.BUY, Decimal(2))


def test_a_halted_price_is_not_quoted(room):
    room.desk.system.asset("TSLA").publish(500)
    with pytest.raises(QuoteRefused, match="no price now: halted"):
        maker_of(room).quote("TSLA.M", QuoteSide.BUY, Decimal(1))


def test_a_share_that_no_session_has_priced_yet_is_not_quoted(room):
    """Closed, and without a price: a quote at nothing would be given, and could never settle."""
    system, chain, governor = room.desk.system, room.desk.chain, room.desk.who.governor
    chain.warp(9 * 3600)
    aggregator = chain.deploy(system.artifacts["MockAggregator"], 8, 250 * 10**8, sender=governor)
    feed = chain.deploy(system.artifacts["ChainlinkFeed"], aggregator, sender=governor)
    fresh, known = b"NEW".ljust(32, b"\0"), system.oracle.assetConfig(system.asset("TSLA").id)
    system.oracle.setAsset(fresh, tuple(known._replace(feed=feed.address)), sender=governor)
    bands = system.quotes.assetConfig(room.stock)
    system.quotes.setQuotedAsset(room.stock, tuple(bands._replace(priceId=fresh)), sender=governor)
    with pytest.raises(QuoteRefused, match="has no price yet"):
        maker_of(room).quote("TSLA.M", QuoteSide.BUY, Decimal(1))


def test_a_quote_survives_json(room):
    signed = maker_of(room).quote("TSLA.M", QuoteSide.SELL, Decimal(4))
    assert SignedQuote.of(signed.json) == signed


def test_closed_hours_cost_a_wider_spread(room):
    room.desk.chain.warp(9 * 3600)
    signed = maker_of(room).quote("TSLA.M", QuoteSide.BUY, Decimal(1))
    assert signed.price_usd == Decimal("252.5")
    settle(room, signed)


# ── server ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def served(room, talk, **rest):
    """Run `talk(client)` against a server of its own."""

    async def run():
        async with TestClient(TestServer(Server(maker_of(room), interval_seconds=0.01, **rest).app)) as client:
            return await talk(client)

    return asyncio.run(run())


def test_a_taker_asks_and_settles(room):
    async def talk(client):
        answer = await client.post(
            "/quote", json={"asset": "TSLA.M", "side": "buy", "quantity": "4", "taker": room.taker}
        )
        assert answer.status == 200
        return await answer.json()

    body = served(room, talk)
    assert body["distance_bps"] == "10.00"
    settle(room, SignedQuote.of(body))


def test_a_stream_goes_on_after_a_restart_and_a_refusal(room):
    async def talk(client):
        async with client.ws_connect("/stream", params={"asset": "TSLA.M", "quantity": "4"}) as socket:
            return [await socket.receive_json() for _ in range(4)]

    first, second = served(room, talk), served(room, talk)
    sides = [body["quote"]["side"] for body in first + second]
    assert sides == ["0", "1"] * 4
    assert len({body["quote"]["nonce"] for body in first + second}) == 8
    settle(room, SignedQuote.of(first[0]))
    settle(room, SignedQuote.of(second[3]))
    room.desk.system.asset("TSLA").publish(500)
    assert [body["refused"] for body in served(room, talk)] == ["TSLA.M has no price now: halted"] * 4


def test_what_is_wrong_is_said(room):
    async def talk(client):
        answers = [
            await client.post("/quote", data="?"),
            await client.post("/quote", json={"asset": "TSLA.M", "side": "hold", "quantity": "1"}),
            await client.post("/quote", json={"asset": "TSLA.M", "side": "buy", "quantity": "many"}),
            await client.post("/quote", json={"asset": "TSLA.M", "side": "buy", "quantity": "NaN"}),
            await client.post("/quote", json={"asset": "TSLA.M", "side": "buy", "quantity": "1", "taker": "me"}),
            await client.post("/quote", json={"asset": "CRCL.M", "side": "buy", "quantity": "1"}),
            await client.get("/receipt/0x00"),
        ]
        return [(answer.status, (await answer.json())["refused"]) for answer in answers]

    statuses, reasons = zip(*served(room, talk), strict=True)
    assert set(statuses) == {422}
    assert [reason.split()[0] for reason in reasons] == ["send", "send", "many", "NaN", "me", "CRCL.M", "this"]


def test_assets_and_health(room):
    async def talk(client):
        return [await (await client.get(path)).json() for path in ("/assets", "/health")]

    assets, health = served(room, talk)
    assert assets == {"TSLA.M": "250.000000000000000000"}
    assert health == {"block": room.desk.chain.block_number, "maker": room.maker}


def test_a_node_that_fails_is_503(room, monkeypatch):
    from everstock.chain.errors import NodeUnreachable

    def fail(self, symbol, side, quantity, taker):
        raise NodeUnreachable("http://node.example", "gone")

    monkeypatch.setattr(Maker, "quote", fail)

    async def talk(client):
        answer = await client.post("/quote", json={"asset": "TSLA.M", "side": "buy", "quantity": "1"})
        async with client.ws_connect("/stream", params={"asset": "TSLA.M", "quantity": "4"}) as socket:
            return answer.status, await socket.receive_json()

    status, message = served(room, talk)
    assert status == 503
    assert message == {"side": "buy", "refused": "the node does not answer: NodeUnreachable"}
