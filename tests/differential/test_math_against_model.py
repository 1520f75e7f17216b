"""VarianceSampler and PoolMath against the model, bit for bit, on whatever Hypothesis thinks of."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from everstock.model.book import Split, funding_split, rent_rate_wad
from everstock.model.calendar import AlwaysOpen
from everstock.model.journal import Journal
from everstock.model.market import MarketConfig, MarketModel
from everstock.model.options import fee_of
from everstock.model.oracle import OracleModel
from everstock.model.pricing import KAPPA_INSURANCE_WAD, KAPPA_MAIN_WAD, insurance_layer_wad, main_layer_wad
from everstock.model.primitives import INDEX, ceil_div
from support.market_bench import BTC_7D, DAY, SESSION_YEAR, WAD, YEAR

PRICE = st.one_of(st.integers(10**12, 309_485_009 * WAD), st.integers(1, 10**6).map(lambda usd: usd * WAD))
AMOUNT = st.one_of(st.integers(0, 100), st.integers(0, 2**112 - 1), st.integers(0, 10**6).map(lambda n: n * WAD))
VALUE = st.one_of(st.integers(0, 2 * WAD), st.sampled_from([75 * WAD // 100 + n for n in (-1, 0, 1)]), st.just(WAD))
# a step that is small as often as it is large: both sides of the clip
STEP = st.one_of(st.integers(-(10**17), 10**17), st.integers(-(10**16), 10**16))

thorough = settings(max_examples=400, deadline=None)


class YearOf(AlwaysOpen):
    def __init__(self, year_seconds_wad: int) -> None:
        self.year_seconds_wad = year_seconds_wad


@thorough
@given(
    v=st.integers(0, 225 * WAD),
    anchor=PRICE,
    step=st.one_of(STEP, PRICE),
    elapsed=st.one_of(st.integers(600, 4_000), st.integers(600, 30 * DAY), st.integers(600, 10 * YEAR)),
    year=st.sampled_from([YEAR * WAD, SESSION_YEAR]),
)
@example(v=0, anchor=WAD, step=0, elapsed=600, year=YEAR * WAD)
def test_samples(kit, v, anchor, step, elapsed, year):
    price = step if step > 10**17 else max(10**12, anchor * (WAD + step) // WAD)
    config = MarketConfig(BTC_7D.reference, BTC_7D.c, v)
    calendar = YearOf(year)
    journal = Journal()
    model = MarketModel(journal, config, OracleModel(journal, calendar, 60, 0), calendar, kit.primitives)
    model.sample_price_wad, model.price_wad, model.sampled_at = anchor, price, 0
    clamped = model.clamped_variance_wad
    model._sample_variance(elapsed)
    assert model.sampled_at == elapsed
    assert tuple(kit.math.sample(v, clamped, anchor, price, elapsed * WAD, year)) == (
        model.variance_wad,
        model.sample_price_wad,
    )


@thorough
@given(utilisation=st.integers(0, WAD))
def test_rent(kit, utilisation):
    assert kit.math.rentRate(utilisation) == rent_rate_wad(utilisation)


@thorough
@given(notional=AMOUNT, main=AMOUNT, insurance=AMOUNT, seconds=st.integers(0, 10 * YEAR))
def test_rent_growth(kit, notional, main, insurance, seconds):
    reserved = [ceil_div(notional * kappa, WAD) for kappa in (KAPPA_MAIN_WAD, KAPPA_INSURANCE_WAD)]
    used = [min(WAD, need * WAD // cash) if cash else 0 for need, cash in zip(reserved, (main, insurance), strict=True)]
    assert [kit.math.reserved(notional, layer) for layer in (True, False)] == reserved
    assert [kit.math.utilisation(*each) for each in zip(reserved, (main, insurance), strict=True)] == used
    assert kit.math.rentGrowth(notional, main, insurance, seconds) == rent_rate_wad(max(used)) * seconds // YEAR


@thorough
@given(value=VALUE)
def test_layers(kit, value):
    assert tuple(kit.math.layers(value)) == (main_layer_wad(value), insurance_layer_wad(value))


@thorough
@given(notional=AMOUNT, consideration=AMOUNT)
def test_fees(kit, notional, consideration):
    fee = fee_of(notional, consideration)
    assert kit.math.fee(notional, consideration) == fee
    main, insurance, treasury = kit.math.splitFee(fee)
    assert (treasury, insurance) == (fee * 30 // 100, fee * 20 // 100)
    assert main + insurance + treasury == fee


@thorough
@given(main=AMOUNT, insurance=AMOUNT, share=st.integers(0, WAD))
def test_payments_are_shared_alike(kit, main, insurance, share):
    payment = (main + insurance) * share // WAD
    if main + insurance:
        expected = Split(main, insurance).share_of(payment)
        assert tuple(kit.math.split(payment, main, insurance)) == (expected.main, expected.insurance)


@thorough
@given(notional=AMOUNT, growth=st.integers(0, 10**32))
def test_owed_and_its_parts(kit, notional, growth):
    owed = kit.math.fundingOwed(notional, growth)
    assert owed == ceil_div(notional * growth, INDEX)
    assert kit.math.rentOwed(notional, growth) == ceil_div(notional * growth, WAD)
    parts = funding_split(owed, 0)
    assert parts.main + parts.insurance == owed
