"""TightAsk and TightBid: 0.05% and the feed's own confidence, instead of deviation, 0.1% and confidence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from everstock.chain.testing import reverts
from support.market_bench import ASK, BID, BTC_7D, DAY, DEVIATION, HALTED, MARK, WAD, MarketBench

R = BTC_7D.reference
TIGHT_ASK, TIGHT_BID = 3, 4
TIGHT = WAD // 2_000
CONFIDENCE = WAD // 300


def value_at(kit: SimpleNamespace, bench: MarketBench, strike: int, is_call: bool, ask: bool, band: int) -> int:
    """By hand: the value at the dearer or the cheaper end of a band, and the spread."""
    constants, upper = bench.market.constants(), is_call == ask
    end = -(-R * (WAD + band) // WAD) if upper else R * (WAD - band) // WAD
    value = kit.math.value(end, bench.market.strikePrice(strike), is_call, constants.u, constants.b)
    spread = kit.math.spread(value, constants.peak)
    return value + spread if ask else value - spread


@pytest.mark.parametrize("confidence", [0, CONFIDENCE])
@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("strike", [-3, 0, 5])
def test_the_band_holds_half_a_tenth_of_a_per_cent_and_the_confidence(kit, strike, is_call, confidence):
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, BTC_7D, hostile=True)
        bench.feed.set((R, 1, kit.chain.now, confidence, False), sender=bench.governor)
        bench.poke()
        assert bench.state.band == DEVIATION + WAD // 1_000 + confidence
        for kind, ask in ((TIGHT_ASK, True), (TIGHT_BID, False)):
            expected = value_at(kit, bench, strike, is_call, ask, TIGHT + confidence)
            assert bench.trade(strike, is_call, kind).value == expected
            assert bench.market.quote(strike, is_call, kind).value == expected
        bid, low, mark, high, ask = (
            bench.trade(strike, is_call, kind).value for kind in (BID, TIGHT_BID, MARK, TIGHT_ASK, ASK)
        )
        assert bid < low < mark < high < ask


def test_the_deviation_that_counts_is_the_assets_now(kit, crypto):
    crypto.tick(R)
    crypto.configure(deviation=WAD // 100)
    assert crypto.trade(0, True, ASK).value == value_at(kit, crypto, 0, True, True, WAD // 100 + WAD // 1_000)
    assert crypto.trade(0, True, TIGHT_ASK).value == value_at(kit, crypto, 0, True, True, TIGHT)
    crypto.configure(deviation=DEVIATION)
    assert crypto.trade(0, True, TIGHT_BID).value == value_at(kit, crypto, 0, True, False, TIGHT)


def test_a_tight_ask_opens_only_where_an_ask_does(crypto):
    crypto.tick(R)
    lowest, highest = R * 8 // 10, R * 12 // 10
    with reverts("OptionMarket_StrikeOutOfBand", crypto.market.strikePrice(20), lowest, highest):
        crypto.trade(20, True, TIGHT_ASK)
    assert crypto.trade(20, True, TIGHT_BID).value > 0
    freeze_at = crypto.chain.now + 3 * DAY
    crypto.wind_down(R, freeze_at)
    with reverts("OptionMarket_WindingDown", freeze_at):
        crypto.trade(0, True, TIGHT_ASK)
    assert crypto.trade(0, True, TIGHT_BID).value > 0
    crypto.print(R * 2)
    for kind in (TIGHT_ASK, TIGHT_BID):
        with reverts("OptionMarket_NotOpen", HALTED):
            crypto.trade(0, True, kind)
