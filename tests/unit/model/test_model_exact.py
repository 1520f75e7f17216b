"""The check table of docs/mechanism.md §8, and the integer pricing against it."""

import pytest

from everstock.model.exact import ExactOption, real, variance_budget
from everstock.model.pricing import Pricing, Side
from everstock.model.primitives import WAD, ExactPrimitives

TABLE = [
    # S, K, σ, T in days: time value, call, Δ of the call, Γ
    (60000, 60000, "0.6", 7, "1761.86559462", "1761.86559462", "0.514682213289", "1.41772694453e-4"),
    (54000, 60000, "0.6", 7, "277.947441631", "277.947441631", "0.0902166209332", "2.76119755796e-5"),
    (60000, 50000, "1", 7, "415.267344601", "10415.2673446", "0.932697131142", "1.20295699031e-5"),
    (250, 245, "0.55", 1, "0.933607330681", "5.93360733068", "0.818405486800", "0.0360480450326"),
]


@pytest.mark.parametrize(("price", "strike", "sigma", "days", "time_value", "call", "delta", "gamma"), TABLE)
def test_check_table(
    price: int, strike: int, sigma: str, days: int, time_value: str, call: str, delta: str, gamma: str
) -> None:
    option = ExactOption(variance_budget(sigma, days))
    x = real(price) / strike
    computed = (
        option.time_value(x) * strike,
        option.call(x) * strike,
        option.call_delta(price, strike),
        option.gamma(price, strike),
    )
    for value, expected in zip(computed, (time_value, call, delta, gamma), strict=True):
        assert abs(value / real(expected) - 1) < 1e-11
    assert abs(option.call(x) - option.put(x) - (x - 1)) < 1e-45


@pytest.mark.parametrize(
    ("c", "premium_percent"),
    [
        ("0.006904109589", "2.936"),
        ("0.012273972603", "3.914"),
        ("0.029589041096", "6.070"),
        ("0.005801369863", "2.692"),
    ],
)
def test_premium_at_the_money(c: str, premium_percent: str) -> None:
    assert abs(100 / ExactOption(real(c)).u - real(premium_percent)) < 0.0006


@pytest.mark.parametrize("c_wad", [6904109589041095, 12273972602739726, 29589041095890410, 5801369863013698])
def test_integer_prices_are_the_exact_ones(c_wad: int) -> None:
    reference_wad = 60_000 * WAD
    pricing = Pricing(ExactPrimitives(), c_wad, reference_wad)
    option = ExactOption(real(c_wad) / WAD)
    for j in range(-20, 21):
        strike_wad = pricing.strike_wad(j)
        for price_wad in (reference_wad, reference_wad * 11 // 10, reference_wad * 7 // 10, strike_wad):
            x = real(price_wad) / strike_wad
            for side, exact in ((Side.CALL, option.call(x)), (Side.PUT, option.put(x))):
                assert abs(pricing.value_wad(side, price_wad, strike_wad) - exact * WAD) < 50
            assert pricing.time_value_wad(price_wad, strike_wad) <= pricing.peak_wad


def test_margin_constants_of_the_seven_day_market() -> None:
    pricing = Pricing(ExactPrimitives(), 6904109589041095, 60_000 * WAD)
    assert abs(pricing.peak_wad / WAD - 0.029364) < 1e-6
    assert abs(pricing.initial_rate_wad / WAD - 0.45 * 0.029364) < 1e-6
    assert pricing.u_wad % 2 == 0
