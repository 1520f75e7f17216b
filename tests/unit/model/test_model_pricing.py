"""X5 and the grid: properties of values at any price and strike."""

from hypothesis import given
from hypothesis import strategies as st

from everstock.model.pricing import BELOW_ALL_STRIKES, MAX_STRIKE, Pricing, Side
from everstock.model.primitives import WAD, ExactPrimitives, ceil_div, truncating_div

REFERENCE_WAD = 60_000 * WAD
PRICING = Pricing(ExactPrimitives(), 6904109589041095, REFERENCE_WAD)
BAND_WAD = WAD // 500

prices_wad = st.integers(REFERENCE_WAD // 30, REFERENCE_WAD * 30)
strikes = st.integers(-MAX_STRIKE, MAX_STRIKE)


@given(prices_wad, strikes)
def test_x5_parity_and_bounds(price_wad: int, j: int) -> None:
    strike_wad = PRICING.strike_wad(j)
    call_wad = PRICING.value_wad(Side.CALL, price_wad, strike_wad)
    put_wad = PRICING.value_wad(Side.PUT, price_wad, strike_wad)
    assert call_wad - put_wad == price_wad * WAD // strike_wad - WAD
    assert 0 <= PRICING.time_value_wad(price_wad, strike_wad) <= PRICING.peak_wad


@given(prices_wad, st.integers(-MAX_STRIKE, MAX_STRIKE - 2))
def test_x5_monotone_and_convex_in_the_strike(price_wad: int, j: int) -> None:
    k0, k1, k2 = (PRICING.strike_wad(j + step) for step in range(3))
    calls, puts = (
        [PRICING.value_wad(side, price_wad, k) * k // WAD for k in (k0, k1, k2)] for side in (Side.CALL, Side.PUT)
    )
    slack = 200 * k2 // WAD  # a value is good to some 1e-17 of notional
    assert calls[0] + slack >= calls[1] >= calls[2] - slack
    assert puts[0] - slack <= puts[1] <= puts[2] + slack
    for values in (calls, puts):
        assert values[1] * (k2 - k0) <= values[0] * (k2 - k1) + values[2] * (k1 - k0) + slack * (k2 - k0)


@given(prices_wad, strikes, st.sampled_from(list(Side)))
def test_the_spread_is_around_the_mark(price_wad: int, j: int, side: Side) -> None:
    quote = PRICING.quote(side, price_wad, PRICING.strike_wad(j), BAND_WAD)
    assert quote.bid_wad <= quote.mark_wad <= quote.ask_wad


@given(prices_wad)
def test_the_cell_is_the_largest_strike_at_or_below_the_price(price_wad: int) -> None:
    cell = PRICING.cell(price_wad)
    assert cell == BELOW_ALL_STRIKES or PRICING.strike_wad(cell) <= price_wad
    assert cell == MAX_STRIKE or PRICING.strike_wad(cell + 1) > price_wad


def test_cells_at_the_strikes_themselves() -> None:
    for j in (-MAX_STRIKE, -1, 0, 1, MAX_STRIKE):
        assert PRICING.cell(PRICING.strike_wad(j)) == j
        assert PRICING.cell(PRICING.strike_wad(j) - 1) == j - 1
    assert PRICING.strike_in_range(MAX_STRIKE)


def test_the_range_narrows_for_small_variance_budgets() -> None:
    narrow = Pricing(ExactPrimitives(), 10**15, REFERENCE_WAD)
    assert narrow.max_ln_wad == 65 * 10**36 // narrow.b_wad
    assert not narrow.strike_in_range(MAX_STRIKE)
    assert not narrow.price_in_range(REFERENCE_WAD * 5)


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**20))
def test_division_rounds_as_the_evm_does(numerator: int, denominator: int) -> None:
    quotient = truncating_div(numerator, denominator)
    assert abs(quotient) == abs(numerator) // denominator
    assert quotient * numerator >= 0
    assert ceil_div(numerator, denominator) * denominator >= numerator
