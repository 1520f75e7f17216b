"""Our prices in Morpho's form."""

from __future__ import annotations

from everstock.chain.testing import reverts
from support.lending_desk import DOLLAR_ID, STOCK_ID, LendingDesk

STALE = 2


def adapter(desk: LendingDesk, loan_asset: bytes = bytes(32)):
    system = desk.system
    args = (system.oracle, desk.stock, STOCK_ID, desk.dollar, loan_asset)
    return system.chain.deploy(system.artifacts["MorphoOracle"], *args, sender=system.governor)


def test_the_price_is_loan_units_per_collateral_unit(lending):
    assert adapter(lending).price() == 250 * 10**24


def test_a_loan_token_with_a_feed_divides(lending):
    lending.warp(1_300)
    lending.publish(250, dollar=99 * 10**6)
    assert adapter(lending, DOLLAR_ID).price() == 250 * 10**26 // 99


def test_without_an_open_price_there_is_none(lending):
    oracle = adapter(lending)
    lending.warp(4_201)
    with reverts("MorphoOracle_NotOpen", STOCK_ID, STALE):
        oracle.price()
