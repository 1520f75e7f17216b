"""Quotes, margins, strikes that come and go, and prices out of range."""

from __future__ import annotations

import pytest

from everstock.chain.testing import reverts
from everstock.model.pricing import SHIFT_WAD, Side
from support.market_bench import (
    ASK,
    BID,
    BTC_7D,
    CLOSED,
    DAY,
    HALTED,
    MARK,
    MAX_AGE,
    OPEN,
    STALE,
    TSLA_7D,
    WAD,
    YEAR,
    MarketBench,
)

R = BTC_7D.reference
LIMIT = 164


def jump(bench: MarketBench, price: int) -> None:
    """However far: the breaker lets it through when a second print confirms it."""
    bench.tick(price)
    bench.chain.warp(300)
    bench.tick(price)
    assert bench.state.price == price


# ---------------------------------------------------------------------------------------------- quotes


@pytest.mark.parametrize("strike", [-9, -1, 0, 1, 9])
@pytest.mark.parametrize("is_call", [True, False])
def test_a_quote_is_the_value_within_the_band(crypto, pricing_of, strike, is_call):
    pricing, price = pricing_of(BTC_7D), R * 101 // 100 + 12_345
    crypto.print(price)
    expected = pricing.quote(Side.CALL if is_call else Side.PUT, price, pricing.strike_wad(strike), 2 * WAD // 1_000)
    constants = crypto.market.constants()
    for kind, value in ((ASK, expected.ask_wad), (BID, expected.bid_wad), (MARK, expected.mark_wad)):
        foreseen = crypto.market.quote(strike, is_call, kind)
        quote = crypto.trade(strike, is_call, kind)
        assert quote == foreseen
        assert (quote.price, quote.strikePrice, quote.value) == (price, pricing.strike_wad(strike), value)
        assert (quote.initialMargin, quote.maintenanceMargin) == (
            constants.initialMargin,
            constants.maintenanceMargin,
        )
    assert expected.bid_wad < expected.mark_wad < expected.ask_wad


def test_asks_and_bids_lie_a_band_and_a_hundredth_apart(crypto):
    """At the money, by hand: the ask is the call at S·1.002 and 1% of 1/u on top, up."""
    crypto.tick(R)
    peak = crypto.market.constants().peak
    at_high = crypto.market.quote(0, True, MARK)
    crypto.tick(R * 1002 // 1000)
    at_high = crypto.market.quote(0, True, MARK).value
    crypto.tick(R)
    assert crypto.market.quote(0, True, ASK).value == at_high + -(-peak // 100)
    assert crypto.market.quote(0, False, MARK).value == peak


def test_a_far_option_is_never_bid_below_zero(crypto):
    crypto.tick(R)
    assert crypto.market.quote(LIMIT, True, BID).value == 0
    assert crypto.market.quote(-LIMIT, False, BID).value == 0
    assert crypto.market.quote(-LIMIT, True, BID).value > 20 * WAD


@pytest.mark.parametrize("kind", [ASK, BID, MARK])
def test_nothing_is_quoted_unless_open(stock, kind):
    def refused(status: int) -> None:
        with reverts("OptionMarket_NotOpen", status):
            stock.market.quote(0, True, kind)
        with reverts("OptionMarket_NotOpen", status):
            stock.trade(0, True, kind)

    price = TSLA_7D.reference
    stock.tick(price)
    stock.chain.warp(100)
    stock.print(price * 13 // 10)
    refused(HALTED)
    stock.break_feed()
    refused(HALTED)
    stock.mend_feed()
    stock.poke()
    stock.chain.warp(MAX_AGE + 1)
    refused(STALE)
    stock.chain.set_time(stock.chain.now - stock.chain.now % DAY + 21 * 3_600)
    refused(CLOSED)


@pytest.mark.parametrize("strike", [LIMIT + 1, -LIMIT - 1, 2**15 - 1, -(2**15)])
def test_strikes_off_the_grid_are_refused(crypto, strike):
    crypto.tick(R)
    for ask in (
        lambda: crypto.market.quote(strike, True, MARK),
        lambda: crypto.trade(strike),
        lambda: crypto.market.strikePrice(strike),
        lambda: crypto.market.isLive(strike),
    ):
        with reverts("OptionMarket_StrikeOutOfGrid", strike, LIMIT):
            ask()


def test_strike_prices(crypto, pricing_of):
    pricing = pricing_of(BTC_7D)
    for strike in (-LIMIT, -1, 0, 1, LIMIT):
        assert crypto.market.strikePrice(strike) == pricing.strike_wad(strike)


def test_only_the_book_may_take_quotes_and_mark_strikes(crypto):
    for caller in (crypto.governor, crypto.stranger):
        with reverts("OptionMarket_NotBook", caller):
            crypto.market.pokeAndQuote(MARK, 0, True, sender=caller)
        with reverts("OptionMarket_NotBook", caller):
            crypto.market.setLive(0, True, sender=caller)


def test_a_refused_quote_leaves_the_market_as_it_was(crypto):
    crypto.tick(R)
    crypto.chain.warp(100)
    before = crypto.state
    crypto.print(R * 2)
    with reverts("OptionMarket_NotOpen", HALTED):
        crypto.trade(0)
    assert crypto.state == before


# ---------------------------------------------------------------------------------------------- what may be opened


@pytest.mark.parametrize(("strike", "above"), [(9, False), (10, False), (-11, True), (-12, True)])
def test_opening_is_limited_to_a_fifth_around_the_index_edges_included(crypto, pricing_of, strike, above):
    """The last price at which the strike may be opened, and the wei beyond."""
    strike_wad = pricing_of(BTC_7D).strike_wad(strike)
    if above:  # K ≥ ⌊0.8 S⌋: the highest S that still holds
        edge = next(s for s in range(strike_wad * 5 // 4 + 4, 0, -1) if s * 8 // 10 <= strike_wad)
        beyond = edge + 1
    else:  # K ≤ ⌈1.2 S⌉: the lowest
        edge = next(s for s in range(strike_wad * 5 // 6 - 4, 2**96) if -(-s * 12 // 10) >= strike_wad)
        beyond = edge - 1
    for price in (edge, beyond):
        crypto.market.poke(sender=crypto.stranger)
        jump(crypto, price) if abs(price - crypto.state.price) > R // 11 else crypto.tick(price)
        lowest, highest = price * 8 // 10, -(-price * 12 // 10)
        if price == edge:
            assert crypto.trade(strike, True, ASK).value > 0
        else:
            with reverts("OptionMarket_StrikeOutOfBand", strike_wad, lowest, highest):
                crypto.trade(strike, True, ASK)
        for kind in (BID, MARK):
            assert crypto.trade(strike, True, kind).strikePrice == strike_wad, "closing has no such limit"


@pytest.mark.parametrize("factor", [30, 200, 4_000])
@pytest.mark.parametrize("up", [True, False])
def test_a_price_out_of_range_clamps_the_accrual_and_never_reverts_a_poke(crypto, pricing_of, up, factor):
    pricing = pricing_of(BTC_7D)
    crypto.live(0)
    price = R * factor if up else R // factor
    jump(crypto, price)
    before, funding = crypto.state, crypto.funding(0)
    assert crypto.state.cell == (LIMIT if up else -LIMIT - 1)
    crypto.chain.warp(600)
    crypto.tick(price)
    loaded = before.variance * 12 // 10
    powers = pricing.price_powers(price)
    edge = pricing.max_ln_wad if up else -pricing.max_ln_wad
    assert powers == tuple(
        pricing.primitives.exp_wad((-1 if b * edge < 0 else 1) * (abs(b * edge) // WAD) + SHIFT_WAD)
        for b in (pricing.b_wad, pricing.b1_wad)
    )
    run = 600 * WAD * loaded
    assert crypto.state.a - before.a == powers[0] * run // (BTC_7D.c * YEAR * WAD)
    assert crypto.state.b - before.b == powers[1] * run // (BTC_7D.c * YEAR * WAD)
    assert crypto.funding(0) >= funding
    for strike in (0, LIMIT if up else -LIMIT):
        with reverts("OptionMarket_OutOfRange", price, pricing.strike_wad(strike)):
            crypto.trade(strike, True, ASK)
        assert crypto.trade(strike, True, BID).price == price
    jump(crypto, R)
    assert crypto.trade(0, True, ASK).value > 0, "back in range, opened again"


@pytest.mark.parametrize("price", [10**12, 309_485_009 * WAD])
def test_the_farthest_prices_that_the_oracle_knows(crypto, price):
    crypto.tick(R)
    crypto.live(-100, 0, 100)
    jump(crypto, price)
    crypto.chain.warp(3_000)
    assert crypto.tick(price).return_value[0] == OPEN
    crypto.chain.warp(1_000)
    crypto.accrue()
    for mark in crypto.market.marks([-100, 0, 100], True):
        assert mark.call - mark.put == mark.call or mark.put > 0


def test_a_strike_out_of_range_is_refused_at_a_price_within_it(kit):
    """A narrow budget: e^(65/b) is less than the grid."""
    with kit.chain.anchor():
        bench = MarketBench(kit.chain, BTC_7D)
        bench.market = bench.deploy(BTC_7D, c_override=25 * 10**14)
        bench.tick(R)
        reach = bench.market.constants().maxLn // 19_802627296179713
        price = bench.market.strikePrice(reach) * 99 // 100
        jump(bench, price)
        assert bench.trade(reach, True, ASK).value > 0
        with reverts("OptionMarket_OutOfRange", price, bench.market.strikePrice(reach + 1)):
            bench.trade(reach + 1, True, ASK)


# ---------------------------------------------------------------------------------------------- live strikes


def test_going_live_and_dying(crypto):
    crypto.tick(R)
    receipt = crypto.market.setLive(5, True, sender=crypto.book)
    assert receipt.event("SetLive").args == {"strike": 5, "live": True}
    assert (crypto.market.isLive(5), crypto.market.isLive(4), crypto.market.liveCount()) == (True, False, 1)
    receipt = crypto.market.setLive(5, False, sender=crypto.book)
    assert receipt.event("SetLive").args == {"strike": 5, "live": False}
    assert (crypto.market.isLive(5), crypto.market.liveCount()) == (False, 0)


def test_a_strike_lives_until_its_last_holder_lets_go(crypto):
    crypto.tick(R)
    crypto.live(5)
    crypto.chain.warp(1_000)
    crypto.accrue()
    gathered = crypto.funding(5)
    assert gathered > 0
    receipt = crypto.market.setLive(5, True, sender=crypto.book)
    assert (receipt.events, crypto.market.liveCount(), crypto.funding(5)) == ([], 1, gathered)
    receipt = crypto.market.setLive(5, False, sender=crypto.book)
    assert (receipt.events, crypto.market.isLive(5), crypto.funding(5)) == ([], True, gathered)
    crypto.die(5)
    assert not crypto.market.isLive(5)


@pytest.mark.parametrize("strike", [-7, 0, 1, 9])
def test_a_strike_that_is_not_live_has_the_index_that_going_live_gives_it(crypto, strike):
    """A first position takes its index from the quote before it makes the strike live: both must be the same."""
    crypto.tick(R)
    crypto.chain.warp(2_000)
    crypto.tick(R * 105 // 100)
    quoted = crypto.trade(strike).fundingIndex
    crypto.live(strike)
    assert quoted == crypto.funding(strike) == 0
    crypto.chain.warp(1_000)
    assert crypto.trade(strike).fundingIndex == crypto.market.fundingAndMargin(strike)[0] > 0


@pytest.mark.parametrize("strike", [-7, 9])
def test_a_reborn_strike_starts_again(crypto, strike):
    crypto.tick(R)
    crypto.live(strike)
    crypto.chain.warp(1_000)
    crypto.tick(R * 108 // 100)
    assert crypto.funding(strike) > 0
    crypto.die(strike)
    assert crypto.funding(strike) == 0
    crypto.chain.warp(1_000)
    jump(crypto, R * 3 // 4 if strike < 0 else R * 5 // 4)  # crossed while dead
    crypto.live(strike)
    assert crypto.funding(strike) == 0
    crypto.chain.warp(1_000)
    crypto.tick(crypto.state.price)
    assert crypto.funding(strike) > 0


def test_a_market_holds_64_live_strikes(crypto):
    crypto.tick(R)
    crypto.live(*range(-32, 32))
    assert crypto.market.liveCount() == 64
    with reverts("OptionMarket_TooManyLiveStrikes", 64):
        crypto.live(32)
    crypto.live(31)  # one that lives already may have another holder
    crypto.die(-32)
    crypto.live(32)
    assert crypto.market.liveCount() == 64
    crypto.chain.warp(100)
    jump(crypto, R * 2)  # crosses all that lie above
    assert [mark.fundingIndex > 0 for mark in crypto.market.marks(list(range(-31, 33)), False)] == [True] * 64


def test_a_strike_without_holders_cannot_die(crypto):
    with reverts("Panic", 0x11):
        crypto.die(3)


# ---------------------------------------------------------------------------------------------- marks


@pytest.mark.parametrize("asks", [False, True])
def test_marks_value_both_sides_with_the_band_at_the_stored_price(crypto, pricing_of, asks):
    pricing, price, strikes = pricing_of(BTC_7D), R * 103 // 100, [-3, 0, 1, 2, 40]
    crypto.tick(price)
    crypto.live(*strikes)
    crypto.chain.warp(1_500)
    crypto.print(R)  # never asked for
    for strike, mark in zip(strikes, crypto.market.marks(strikes, asks), strict=True):
        assert mark.fundingIndex == crypto.funding(strike) > 0
        for side, value in ((Side.CALL, mark.call), (Side.PUT, mark.put)):
            quote = pricing.quote(side, price, pricing.strike_wad(strike), 2 * WAD // 1_000)
            assert value == (quote.ask_wad if asks else quote.bid_wad)
    assert crypto.market.marks([], asks) == []


def sold(strike: int, calls: int, puts: int) -> int:
    """A `StrikeNotional`."""
    return (strike % 2**16) << 224 | puts << 112 | calls


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("asks", [False, True])
def test_the_value_of_a_book_is_the_sum_of_its_marks_layer_by_layer(kit, crypto, asks, frozen):
    crypto.tick(R)
    notionals = {
        -80: (3, 0),
        -40: (2**112 - 1, 0),
        -1: (5 * WAD, 7 * WAD),
        0: (0, 11),
        35: (0, 10**30),
        60: (0, 2**112 - 1),
    }
    crypto.live(*notionals)
    at = crypto.chain.now + 3 * DAY
    crypto.wind_down(R * 99 // 100, at)
    crypto.chain.warp(1_000)
    jump(crypto, R * 103 // 100)
    crypto.chain.set_time(at if frozen else crypto.chain.now + 500)
    notional = funding = main = insurance = 0
    for (calls, puts), mark in zip(notionals.values(), crypto.market.marks(list(notionals), asks), strict=True):
        notional += calls + puts
        funding += (calls + puts) * mark.fundingIndex
        for amount, value in ((calls, mark.call), (puts, mark.put)):
            layers = kit.math.layers(value)
            main, insurance = main + amount * layers[0], insurance + amount * layers[1]
    assert insurance > 0
    assert funding > 0
    book = crypto.market.valueBook([sold(strike, *both) for strike, both in notionals.items()], asks)
    assert tuple(book) == (notional, funding, main, insurance)
    assert tuple(crypto.market.valueBook([], asks)) == (0, 0, 0, 0)


# ---------------------------------------------------------------------------------------------- margins: rule 13


def due(bench: MarketBench, lumps: int = 0) -> int:
    """By hand: (ΔΛ + lumps)/u and 60% a year of rent until the reopening, each rounded up."""
    listing, now, u = bench.listing, bench.chain.now, bench.market.constants().u
    reopening = bench.sessions.next_open_after_close(now)
    state = bench.state
    v = max(listing.min_variance, min(listing.max_variance, state.variance))
    loaded = v * 13 // 10
    reached = min(now, state.updatedAt + state.maxAge) if state.running else 0
    accrued = max(state.accruedAt, reached)  # what is pending is in the index already
    run = loaded * bench.sessions.weighted_seconds_wad(accrued, reopening) * WAD
    clock = run // (listing.c * bench.sessions.year_seconds_wad) + lumps
    return -(-clock * WAD // u) + -(-(6 * WAD // 10) * (reopening - now) // YEAR)


MONDAY = 1_767_623_400


@pytest.mark.parametrize(
    ("at", "reopening"),
    [
        (0, 1),  # Monday's opening: Tuesday's
        (5 * 3_600, 1),
        (7 * 3_600, 2),  # after Monday's close: the next close is Tuesday's
        (4 * DAY + 5 * 3_600, 7),  # Friday's session: over the weekend
        (5 * DAY, 8),  # Saturday: the next close is Monday's
    ],
)
def test_margins_last_until_the_open_after_the_next_close(stock, at, reopening):
    stock.tick(TSLA_7D.reference)
    stock.chain.warp(at)
    stock.print(TSLA_7D.reference)
    stock.poke()
    constants = stock.market.constants()
    assert stock.sessions.next_open_after_close(stock.chain.now) == MONDAY + reopening * DAY
    need = due(stock)
    rates = stock.market.fundingAndMargin(0)[1:]
    assert rates == (max(constants.initialMargin, need), max(constants.maintenanceMargin, need))


def test_a_weekend_ahead_by_hand(stock):
    """Friday 19:30: 1.5 open hours and 65.5 closed ones at a fifth, at 55%² and 30% loading; rent for 67 hours."""
    price = TSLA_7D.reference
    stock.chain.warp(4 * DAY + 5 * 3_600)
    stock.tick(price)
    initial, maintenance = stock.market.fundingAndMargin(0)[1:]
    clock = 0.3025 * 1.3 * (1.5 + 65.5 / 5) * 3_600 / (0.005801369863 * 11_024_640)
    expected = clock * stock.market.constants().peak / WAD + 0.6 * 67 / 8_760
    assert initial / WAD == pytest.approx(expected, rel=1e-9)
    assert initial == maintenance > stock.market.constants().initialMargin
    quote = stock.trade(0)
    assert (quote.initialMargin, quote.maintenanceMargin) == (initial, maintenance)


def test_margins_count_from_the_last_accrual(stock):
    stock.chain.warp(4 * DAY + 3 * 3_600)
    stock.tick(TSLA_7D.reference)
    charged = stock.state.accruedAt
    stock.print(TSLA_7D.reference * 13 // 10)
    stock.poke()  # halted by the breaker: the clock stands, the closure comes nearer
    stock.chain.warp(3_600)
    assert stock.state.accruedAt == charged
    assert stock.market.fundingAndMargin(0)[1] == due(stock)


def test_margins_hold_every_lump_until_the_reopening(stock):
    """A lump at the reopening counts; one a second later does not; one that fell due counts in the index instead."""
    stock.tick(TSLA_7D.reference)
    stock.live(0)
    reopening = MONDAY + 7 * DAY
    stock.schedule(reopening, lump=WAD)
    stock.schedule(reopening + 1, lump=2 * WAD)
    stock.schedule(MONDAY + 4 * DAY + 3_600, lump=WAD // 2)
    stock.chain.set_time(MONDAY + 4 * DAY + 60)
    stock.tick(TSLA_7D.reference)
    assert stock.market.fundingAndMargin(0)[1] == due(stock, WAD + WAD // 2)
    before = stock.funding(0)
    stock.chain.set_time(MONDAY + 4 * DAY + 3_600)
    stock.print(TSLA_7D.reference)
    funding, initial, maintenance = stock.market.fundingAndMargin(0)
    assert funding - before > WAD // 2 * 10**9 * stock.market.constants().peak // WAD
    quote = stock.market.quote(0, True, MARK)
    with stock.chain.anchor():
        stock.accrue()
        assert initial == maintenance == due(stock, WAD)
    assert stock.trade(0) == quote
    assert len(stock.market.events()) == 2
    assert quote.initialMargin == quote.maintenanceMargin == due(stock, WAD), "at the variance just sampled"


def test_a_market_that_never_closes_keeps_its_rates(crypto):
    crypto.tick(R)
    crypto.schedule(crypto.chain.now + 2 * DAY, lump=50 * WAD)
    constants = crypto.market.constants()
    assert crypto.market.fundingAndMargin(0) == (0, constants.initialMargin, constants.maintenanceMargin)
