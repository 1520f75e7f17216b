"""The typed client: amounts that come back as they went in, and errors with names."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from everstock.chain.testing import reverts
from everstock.client import Side, System
from everstock.client.system import PriceStatus, QuoteKind, UnknownName, from_wad, to_wad
from everstock.client.trader import Health
from support.desk import DAY, ONE, UINT112_MAX, add_token

AMOUNTS = ["0", "1", "0.1", "0.000000000000000001", "123456789.123456789012345678", "9999999999.999999999999999999"]


@pytest.fixture
def funded(system: System) -> System:
    """Liquidity in both pools of TSLA.M and margin for the trader, all through the client."""
    token = system.token("TSLA.M")
    lp, trader = system.chain.account("lp"), system.chain.account("trader")
    token.mint(lp, 1_500)
    token.mint(trader, 100)
    token.main.deposit(lp, 1_000)
    token.insurance.deposit(lp, 500)
    token.trader(trader).deposit(100)
    return system


@pytest.fixture
def trader(funded: System):
    return funded.token("TSLA.M").trader(funded.chain.account("trader"))


# ---------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("text", AMOUNTS)
def test_an_amount_comes_back_as_it_went_in(system, text):
    token = system.token("TSLA.M")
    assert token.amount(token.units(text)) == Decimal(text)
    assert token.units(token.amount(token.units(text))) == token.units(text)


@pytest.mark.parametrize("amount", [1, Decimal(1), "1", "1.0"])
def test_an_amount_may_be_given_in_several_ways(system, amount):
    assert system.token("TSLA.M").units(amount) == ONE


def test_fractions_of_a_unit_are_cut_off(system):
    token = add_token(system, "SIX.M", decimals=6)
    assert token.units("1.9999999") == 1_999_999
    assert token.amount(1_999_999) == Decimal("1.999999")


def test_units_do_not_depend_on_the_callers_context(system):
    token = system.token("TSLA.M")
    with localcontext() as context:
        context.prec = 5
        assert token.units("123456.123456789012345678") == 123456123456789012345678
        assert to_wad("123456.123456789012345678") == 123456123456789012345678


@pytest.mark.parametrize("units", [10**29 + 1, 10**47 + 1, UINT112_MAX, 2**256 - 1], ids=["1e29", "1e47", "112", "256"])
def test_every_amount_that_fits_a_word_is_exact(system, units):
    token = system.token("TSLA.M")
    with localcontext() as context:
        for context.prec in (5, 28):
            for amount in (token.amount(units), from_wad(units)):
                text = str(units).rjust(19, "0")
                assert f"{amount:f}" == f"{text[:-18]}.{text[-18:]}"
            assert token.units(token.amount(units)) == units
            assert to_wad(from_wad(units)) == units


def test_wad_conversions_are_exact():
    assert to_wad("60000.000000000000000001") == 60_000 * ONE + 1
    assert from_wad(60_000 * ONE + 1) == Decimal("60000.000000000000000001")
    assert to_wad("0.0000000000000000019") == 1


# ---------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(("kind", "name"), [("market", "BTC-8D"), ("asset", "DOGE"), ("token", "GOOG.M")])
def test_an_unknown_name_lists_those_there_are(system, kind, name):
    with pytest.raises(UnknownName, match=rf"no .*{kind} '{name}': there are ") as caught:
        getattr(system, kind)(name)
    known = {"market": system.markets, "asset": system.assets, "token": system.tokens}[kind]
    assert all(each in str(caught.value) for each in known)


def test_an_unknown_name_in_an_empty_system_says_so(system):
    system.tokens = {}
    with pytest.raises(UnknownName, match="there are none"):
        system.token("TSLA.M")


# ---------------------------------------------------------------------------------------------- markets and prices


def test_prices_come_back_as_published(system):
    market = system.market("BTC-7D")
    assert market.price_usd == 60_000
    market.asset.publish("60123.45678901")
    market.poke()
    assert market.price_usd == Decimal("60123.45678901")


def test_a_markets_strikes_and_volatility(system):
    market = system.market("BTC-7D")
    assert market.strike_price_usd(0) == 60_000
    assert abs(market.strike_price_usd(1) - 61_200) < Decimal("1e-9")
    assert market.volatility == pytest.approx(0.6)
    for strike in (-164, -11, -1, 0, 1, 9, 164):
        assert market.nearest_strike(market.strike_price_usd(strike)) == strike


def test_quotes_are_ordered(system):
    market = system.market("BTC-7D")
    for side in Side:
        ask, bid, mark = (market.quote(0, side, kind).value for kind in (QuoteKind.ASK, QuoteKind.BID, QuoteKind.MARK))
        assert 0 < bid < mark < ask


def test_a_status_has_a_name(system):
    market = system.market("BTC-7D")
    system.chain.warp(DAY)
    assert PriceStatus(market.contract.peek()[1]) is PriceStatus.STALE


# ---------------------------------------------------------------------------------------------- a trader


def test_margin_in_and_out(trader):
    token = trader.token
    assert trader.balance == 100
    assert token.balance(trader.owner) == 0
    trader.withdraw("0.5")
    assert token.balance(trader.owner) == Decimal("0.5")
    trader.withdraw(to=token.system.chain.account("stranger"))
    assert trader.balance == 0
    assert token.balance(token.system.chain.account("stranger")) == Decimal("99.5")


@pytest.mark.parametrize("side", list(Side))
def test_open_and_close(trader, side):
    market = trader.token.system.market("BTC-7D")
    premium, fee = trader.open(market, 0, side, "10").return_value
    assert trader.balance == 100 - trader.token.amount(premium + fee)
    assert trader.positions == [(market.id, 0, side is Side.CALL)]
    trader.close(market, 0, side, "4")
    trader.close(market, 0, side)
    assert trader.positions == []


def test_limits_are_in_tokens(trader):
    market = trader.token.system.market("BTC-7D")
    with reverts("PerpetualOptions_PremiumAboveLimit", limit=3 * 10**17):
        trader.open(market, 0, Side.CALL, 10, max_premium="0.3")
    trader.open(market, 0, Side.CALL, 10, max_premium="0.31")
    with reverts("PerpetualOptions_ProceedsBelowLimit", limit=3 * 10**17):
        trader.close(market, 0, Side.CALL, min_proceeds="0.3")


def test_a_deadline_is_ten_minutes_by_default(trader):
    market = trader.token.system.market("BTC-7D")
    order = trader.order(market, 0, Side.CALL, None, None, None)
    assert order[-1] == trader.token.system.chain.now + 600
    assert order[5] == UINT112_MAX
    with reverts("PerpetualOptions_Expired"):
        trader.open(market, 0, Side.CALL, 10, deadline=1)


def test_health_is_in_tokens(trader):
    market = trader.token.system.market("BTC-7D")
    trader.open(market, 0, Side.CALL, 100)
    health = trader.health
    assert isinstance(health, Health)
    assert health.balance == health.equity == trader.balance
    assert (health.debt, health.owed) == (0, 0)
    assert health.initial_margin == pytest.approx(Decimal("1.3214"), rel=Decimal("1e-4"))
    assert health.maintenance_margin == pytest.approx(health.initial_margin / 3, rel=Decimal("1e-9"))


def test_negative_equity_is_negative(trader):
    system = trader.token.system
    market = system.market("BTC-7D")
    trader.open(market, 0, Side.CALL, 100)
    trader.withdraw(trader.health.equity - trader.health.initial_margin)
    system.chain.warp(10 * DAY)
    market.asset.publish(60_000)
    market.poke()
    trader.settle()
    assert trader.health.equity == -trader.health.debt < 0
    trader.settle(sender=system.chain.account("keeper"))


def test_keepers(trader):
    system = trader.token.system
    market, keeper = system.market("BTC-7D"), system.chain.account("keeper")
    trader.open(market, 0, Side.CALL, 100)
    with reverts("PerpetualOptions_Healthy"):
        trader.liquidate(market, 0, Side.CALL, keeper)
    with reverts("PerpetualOptions_BelowCap"):
        trader.exercise(market, 0, Side.CALL, keeper)
    trader.withdraw(trader.health.equity - trader.health.initial_margin)
    system.chain.warp(2 * DAY)
    market.asset.publish(60_000)
    trader.liquidate(market, 0, Side.CALL, keeper)
    market.asset.publish(120_000)
    market.poke()
    system.chain.warp(300)
    market.asset.publish(120_000)
    trader.exercise(market, 0, Side.CALL, keeper)
    assert trader.positions == []


# ---------------------------------------------------------------------------------------------- a pool


def test_a_pool_from_deposit_to_claim(funded):
    token, chain = funded.token("TSLA.M"), funded.chain
    lp, keeper = chain.account("lp"), chain.account("keeper")
    for pool, cash, cooldown in ((token.main, 1_000, DAY), (token.insurance, 500, 7 * DAY)):
        assert pool.cash == cash
        assert pool.share_price == 1
        assert pool.shares_of(lp) == cash * ONE * 10**6
        pool.request_redeem(lp, pool.shares_of(lp) // 4)
        chain.warp(cooldown)
        pool.execute_redemption(lp, keeper)
        pool.claim(lp)
        pool.request_redeem(lp)
        assert pool.shares_of(lp) == 0
        assert pool.nav().nav == cash * ONE * 3 // 4
        assert pool.address == pool.contract.address
    assert token.balance(lp) == 375


def test_a_pools_minimum_of_shares(funded):
    token, lp = funded.token("TSLA.M"), funded.chain.account("lp")
    token.mint(lp, 1)
    with reverts("UnderwritingPool_SharesBelowLimit", ONE * 10**6, ONE * 10**6 + 1):
        token.main.deposit(lp, 1, min_shares=ONE * 10**6 + 1)


def test_a_share_is_worth_more_after_a_trade(trader):
    pool, market = trader.token.main, trader.token.system.market("BTC-7D")
    trader.open(market, 0, Side.CALL, 100)
    trader.close(market, 0, Side.CALL)
    assert 1 < pool.share_price < Decimal("1.01")
    assert pool.nav(for_deposit=True).nav >= pool.nav().nav
