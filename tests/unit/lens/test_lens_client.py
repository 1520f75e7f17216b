"""The lens through the typed client: tokens and USD in, tokens and USD out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from everstock.client import Side
from support.desk import MARGIN, ONE, Desk


@pytest.fixture
def trader(desk: Desk):
    return desk.token.trader(desk.who.trader)


def test_a_preview_of_an_open(desk, trader):
    p = trader.preview_open(desk.market, 0, Side.CALL, 10)
    raw = desk.system.lens.previewOpen(desk.order(0, True, 10 * ONE, limit=10 * ONE))
    assert p.refusal is None
    assert (p.premium, p.fee) == (Decimal(raw.premium) / ONE, Decimal(raw.fee) / ONE)
    assert (p.price_usd, p.strike_price_usd) == (60_000, 60_000)
    assert p.equity_after == 100 - p.premium - p.fee
    assert (p.main_reserved_after, p.insurance_reserved_after) == (Decimal("7.5"), Decimal("2.5"))
    assert p.main_cash_after == 1_000 + p.premium + p.fee / 2
    assert p.insurance_cash_after == 500 + p.fee / 5
    assert 0 < p.rent_per_day < p.funding_per_day < p.initial_margin_after
    trader.open(desk.market, 0, Side.CALL, 10)
    assert trader.health.equity == p.equity_after


def test_a_refusal_is_named(desk, trader):
    assert trader.preview_open(desk.market, 0, Side.CALL, 10, "0.1").refusal == "PerpetualOptions_PremiumAboveLimit"
    assert trader.preview_open(desk.market, 0, Side.CALL, 10, deadline=1).refusal == "PerpetualOptions_Expired"
    assert trader.preview_close(desk.market, 0, Side.CALL).refusal == "PerpetualOptions_NoPosition"
    assert trader._refusal(b"\x12\x34\x56\x78") == "0x12345678"


def test_a_preview_of_a_close(desk, trader):
    trader.open(desk.market, 0, Side.PUT, 10)
    for notional in (4, None):
        p = trader.preview_close(desk.market, 0, Side.PUT, notional)
        assert p.refusal is None
        assert p.notional == (notional or 10)
        assert p.to_owner == p.payout_main + p.payout_insurance - p.fee - p.debt_paid
    trader.close(desk.market, 0, Side.PUT)
    assert trader.balance == p.balance_after


def test_the_limits(desk, trader):
    assert trader.max_withdraw() == Decimal(MARGIN) / ONE
    found = trader.max_open(desk.market, 0, Side.CALL)
    trader.open(desk.market, 0, Side.CALL, found)
    assert trader.max_open(desk.market, 0, Side.CALL) < Decimal("1e-15")
    trader.withdraw(trader.max_withdraw())
    assert trader.max_withdraw() == 0
