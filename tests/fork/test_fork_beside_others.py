"""Everstock on a forked chain, beside Chainlink, Circle's dollar, Uniswap and Morpho. `make fork` runs this."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from everstock.chain.base import ZERO_ADDRESS
from everstock.chain.testing import reverts
from everstock.client import MarginToken, Side
from everstock.client.system import PriceStatus, QuoteKind
from everstock.deploy.checks import check_feeds
from support.fork_town import DAY, HOUR, Town
from support.neighbours import vendors, wallet

LARGE = 1_000_000


@pytest.fixture
def stock(town: Town) -> MarginToken:
    """TSLA.M with liquidity in both pools."""
    lp, token = town.chain.account("lp"), town.system.token("TSLA.M")
    town.give_stock(lp, 15_000)
    token.main.deposit(lp, 10_000)
    token.insurance.deposit(lp, 5_000)
    return token


@pytest.fixture
def dollars(town: Town) -> MarginToken:
    """The whale's USDC as margin, with liquidity in both pools."""
    token = town.list("USDC", town.usdc)
    whale = town.near.whale
    token.main.deposit(whale, LARGE)
    token.insurance.deposit(whale, LARGE // 2)
    return token


def at_the_money(town: Town) -> int:
    market = town.system.market("BTC-7D")
    return market.nearest_strike(market.price_usd)


# ---------------------------------------------------------------------------------------------- Chainlink


def test_the_feeds_fit_the_parameters(town):
    check_feeds(town.chain, town.system.params, town.system.artifacts)


def test_prices_come_through_chainlinks_proxies(town):
    for name, feed in town.feeds.items():
        asset = town.system.asset(name)
        assert asset.aggregator.address == feed.proxy.address
        assert town.system.oracle.read(asset.id).price == feed.price * 10**10


def test_a_change_of_aggregator_behind_a_proxy_goes_unnoticed(town):
    """The proxy's phase changes, its round ids jump by 2^64: a print is a print."""
    feed, market = town.feeds["BTC"], town.system.market("BTC-7D")
    assert feed.proxy.phaseId() > 1
    feed.move(1.04)
    market.poke(sender=town.chain.account("keeper"))
    assert market.price_usd == Decimal(feed.price) / 10**8


def test_a_jump_halts_until_a_second_print(town, stock):
    feed, market, trader = town.feeds["BTC"], town.system.market("BTC-7D"), town.chain.account("trader")
    strike = at_the_money(town)
    town.give_stock(trader, 50)
    account = stock.trader(trader)
    account.deposit(50)
    feed.move(1.2)
    market.poke(sender=trader)
    with reverts("OptionMarket_NotOpen"):
        account.open(market, strike, Side.CALL, 100)
    town.chain.warp(301)
    feed.repeat()
    market.poke(sender=trader)
    account.open(market, market.nearest_strike(market.price_usd), Side.CALL, 100)


# ---------------------------------------------------------------------------------------------- Pyth


def test_prices_come_through_pyth(town):
    """Our adapter over the Pyth that is there: the oracle answers with its price, and with nothing once that is old."""
    chain, system, near = town.chain, town.system, town.near
    governor = chain.account("the governor")
    feed = chain.deploy(system.artifacts["PythFeed"], near.pyth, near.pyth_bitcoin, sender=governor)
    said = feed.latest()
    assert said.price > 10_000 * 10**18
    assert said.publishedAt <= chain.now
    max_age = chain.now - said.publishedAt + HOUR
    asset = b"BTC.PYTH".ljust(32, b"\0")
    system.oracle.setAsset(asset, (feed, max_age, 10**15, ZERO_ADDRESS), sender=governor)
    system.oracle.poke(asset, sender=governor)
    reading = system.oracle.read(asset)
    assert (reading.price, PriceStatus(reading.status)) == (said.price, PriceStatus.OPEN)
    chain.warp(2 * HOUR)
    assert PriceStatus(system.oracle.read(asset).status) is PriceStatus.STALE


# ---------------------------------------------------------------------------------------------- trading


def test_a_put_on_bitcoin_pays_in_the_stock_to_the_last_unit(town, stock):
    system, trader = town.system, town.chain.account("trader")
    market, strike = system.market("BTC-7D"), at_the_money(town)
    town.give_stock(trader, 50)
    account = stock.trader(trader)
    account.deposit(50)
    account.open(market, strike, Side.PUT, 100, max_premium=4)
    for _ in range(3):
        town.pass_time(2 * HOUR)
        town.feeds["BTC"].move(0.97)
        market.poke(sender=trader)
    account.close(market, strike, Side.PUT)
    account.withdraw()
    held = stock.balance(trader)
    assert held > 52
    # Nothing else holds the token: what the trader gained, the pools lost, and the treasury got its part of the fees.
    assert stock.contract.totalSupply() == stock.units(15_050)
    assert stock.contract.balanceOf(trader) + stock.contract.balanceOf(system.vault) == stock.units(15_050)


def below_maintenance(health: Any) -> bool:
    return bool(health.equity < health.maintenanceMargin)


def test_a_thin_account_is_liquidated(town, stock):
    trader, keeper = town.chain.account("trader"), town.chain.account("keeper")
    market, strike = town.system.market("BTC-7D"), at_the_money(town)
    town.give_stock(trader, 5)
    account = stock.trader(trader)
    account.deposit("4.45")
    account.open(market, strike, Side.CALL, 100)
    options, position = town.system.options, (market.id, strike, True)
    with reverts("PerpetualOptions_Healthy"):
        options.liquidate(trader, stock.address, position, sender=keeper)
    days = 0
    while not below_maintenance(options.accountHealth(trader, stock.address)) and days < 14:
        town.pass_time(DAY)
        days += 1
    receipt = options.liquidate(trader, stock.address, position, sender=keeper)
    assert receipt.events
    assert 0 < days < 14


def test_an_lp_redeems_after_the_cooldown(town, stock):
    lp = town.chain.account("lp")
    before = stock.balance(lp)
    pool = stock.main_contract
    shares = pool.balanceOf(lp) // 10
    pool.requestRedeem(shares, lp, lp, sender=lp)
    town.pass_time(DAY + HOUR)
    pool.executeRedemption(lp, sender=town.chain.account("keeper"))
    pool.redeem(shares, lp, lp, sender=lp)
    assert stock.balance(lp) - before == pytest.approx(Decimal(1_000), rel=Decimal("0.001"))


# ---------------------------------------------------------------------------------------------- dollars


def test_a_whales_dollars_are_margin(town, dollars):
    trader = town.chain.account("trader")
    town.give_usdc(trader, 10_000)
    account = dollars.trader(trader)
    account.deposit(10_000)
    market, strike = town.system.market("ETH-7D"), None
    strike = market.nearest_strike(market.price_usd)
    account.open(market, strike, Side.CALL, 20_000, max_premium=1_000)
    town.feeds["ETH"].move(1.06)
    account.close(market, strike, Side.CALL)
    account.withdraw()
    assert dollars.balance(trader) > 10_000


def test_a_blacklisted_trader_harms_nobody_else(town, dollars):
    blocked, other = town.chain.account("blocked"), town.chain.account("other")
    for who in (blocked, other):
        town.give_usdc(who, 1_000)
        dollars.trader(who).deposit(1_000)
    issuer = town.usdc.blacklister()
    town.usdc.blacklist(blocked, sender=issuer)
    options = town.system.options
    with pytest.raises(Exception, match=r"lacklist"):
        options.withdraw(dollars.address, 10**6, blocked, sender=blocked)
    dollars.trader(other).withdraw()
    assert dollars.balance(other) == 1_000
    town.usdc.unBlacklist(blocked, sender=issuer)
    dollars.trader(blocked).withdraw()
    assert dollars.balance(blocked) == 1_000


def test_a_paused_dollar_stops_the_edge_and_not_the_book(town, dollars):
    trader = town.chain.account("trader")
    town.give_usdc(trader, 10_000)
    account = dollars.trader(trader)
    account.deposit(10_000)
    market, strike = town.system.market("BTC-7D"), at_the_money(town)
    pauser = town.usdc.pauser()
    town.usdc.pause(sender=pauser)
    account.open(market, strike, Side.CALL, 20_000)
    account.close(market, strike, Side.CALL)
    with pytest.raises(Exception, match=r"[Pp]ause"):
        account.withdraw()
    town.usdc.unpause(sender=pauser)
    account.withdraw()
    assert 9_000 < dollars.balance(trader) < 10_000


def test_a_token_that_returns_nothing_works(town):
    whale, trader = town.chain.account("silent whale"), town.chain.account("trader")
    contract = town.chain.deploy(town.system.artifacts["SilentDollar"], whale, 10**13, sender=whale)
    token = town.list("USDT", contract)
    contract.approve(token.main_contract, 10**12, sender=whale)
    token.main_contract.deposit(10**12, whale, sender=whale)
    contract.approve(token.insurance_contract, 10**12, sender=whale)
    token.insurance_contract.deposit(5 * 10**11, whale, sender=whale)
    contract.transfer(trader, 10**10, sender=whale)
    account = token.trader(trader)
    vault, options = town.system.vault, town.system.options
    contract.approve(vault, 10**10, sender=trader)
    vault.deposit(token.address, options.address, trader, 10**10, sender=trader)
    market, strike = town.system.market("BTC-7D"), at_the_money(town)
    account.open(market, strike, Side.PUT, 20_000)
    account.close(market, strike, Side.PUT)
    account.withdraw()
    assert 9 * 10**9 < contract.balanceOf(trader) < 10**10


# ---------------------------------------------------------------------------------------------- Uniswap


def test_prices_of_automated_market_makers_are_never_read(town, stock):
    """A pool that prints the stock at a hundred times its price changes no mark, no margin and no share."""
    chain, system, artifacts = town.chain, town.system, town.system.artifacts
    maker = chain.account("maker")
    town.give_stock(maker, 10)
    town.give_usdc(maker, 250_000)
    market, strike = system.market("BTC-7D"), at_the_money(town)
    before = (market.quote(strike, Side.CALL, QuoteKind.ASK), stock.main.share_price, market.price_usd)

    v2 = chain.contract(vendors()["UniswapV2Factory"], town.near.v2_factory)
    pair_address = v2.createPair(stock.address, town.usdc, sender=maker).event("PairCreated")["pair"]
    pair = chain.contract(vendors()["UniswapV2Pair"], pair_address)
    stock.contract.transfer(pair, stock.units(10), sender=maker)
    wallet(chain, artifacts, town.near.usdc).transfer(pair, 250_000 * 10**6, sender=maker)
    pair.mint(maker, sender=maker)
    reserves = sorted(pair.getReserves()[:2])
    assert reserves == [250_000 * 10**6, stock.units(10)]  # 25,000 USD a share

    v3 = chain.contract(vendors()["UniswapV3Factory"], town.near.v3_factory)
    pool_address = v3.createPool(stock.address, town.usdc, 3_000, sender=maker).event("PoolCreated")["pool"]
    pool = chain.contract(vendors()["UniswapV3Pool"], pool_address)
    pool.initialize(2**96, sender=maker)
    assert pool.slot0()[0] == 2**96

    # And a trade that moves the pool: half of its dollars for the next share that comes.
    dollars_first = pair.token0() == town.usdc.address
    stock.contract.mint(pair, stock.units(10), sender=chain.account("the issuer"))
    out = 124_000 * 10**6
    pair.swap(*((out, 0) if dollars_first else (0, out)), maker, b"", sender=maker)
    assert town.usdc.balanceOf(maker) == out

    market.poke(sender=maker)
    assert (market.quote(strike, Side.CALL, QuoteKind.ASK), stock.main.share_price, market.price_usd) == before


# ---------------------------------------------------------------------------------------------- lending, Morpho


def test_a_holder_borrows_a_whales_dollars_and_repays(town):
    borrower, whale = town.chain.account("borrower"), town.near.whale
    market = town.system.lending_market("TSLA.M/USDC")
    contract, stock = market.contract, town.system.token("TSLA.M")
    town.usdc.approve(contract, LARGE * 10**6, sender=whale)
    contract.deposit(LARGE * 10**6, whale, sender=whale)
    town.give_stock(borrower, 100)
    stock.contract.approve(town.system.vault, stock.units(100), sender=borrower)
    town.system.vault.deposit(stock.address, contract, borrower, stock.units(100), sender=borrower)
    contract.borrow(10_000 * 10**6, borrower, borrower, sender=borrower)
    assert town.usdc.balanceOf(borrower) == 10_000 * 10**6
    with reverts("LendingMarket_InsufficientCollateral", ..., ...):
        contract.borrow(10_000 * 10**6, borrower, borrower, sender=borrower)
    town.pass_time(DAY)
    owed = contract.debtOf(borrower)
    assert owed > 10_000 * 10**6
    town.give_usdc(borrower, 100)
    town.usdc.approve(contract, 2**255, sender=borrower)
    contract.repay(2**256 - 1, borrower, sender=borrower)
    assert contract.debtOf(borrower) == 0
    contract.withdrawCollateral(stock.units(100), borrower, borrower, sender=borrower)
    assert stock.balance(borrower) == 100


def test_a_borrower_is_liquidated_when_the_stock_falls(town):
    borrower, whale, liquidator = town.chain.account("borrower"), town.near.whale, town.chain.account("liquidator")
    market, stock = town.system.lending_market("TSLA.M/USDC"), town.system.token("TSLA.M")
    market.supply(whale, LARGE)
    town.give_stock(borrower, 100)
    owner = market.borrower(borrower)
    owner.deposit(100)
    owner.borrow(13_600)  # of at most 55% of 25,000, less the band of the price
    town.give_usdc(liquidator, 20_000)
    with reverts("LendingMarket_Healthy", ..., ...):
        market.liquidate(borrower, liquidator)
    for _ in range(3):  # below 65% at 81% of the price, in steps that the breaker lets pass
        town.chain.warp(21 * 60)
        town.feeds["TSLA"].move(0.935)
        town.system.oracle.poke(market.asset.id, sender=liquidator)
    debt = owner.debt
    receipt = market.liquidate(borrower, liquidator)
    event = receipt.event("Liquidate")
    assert event["repaid"] > 0
    assert stock.balance(liquidator) == stock.amount(event["seized"])
    assert owner.debt == debt - market.loan.amount(event["repaid"])
    assert owner.health.factor > 1


def test_a_market_on_the_real_morpho_takes_our_prices(town):
    """Listed with our adapter as its oracle: it lends against the stock token, and stops when our price is not Open."""
    chain, stock, near = town.chain, town.system.token("TSLA.M"), town.near
    morpho = chain.contract(vendors()["Morpho"], near.morpho)
    asset = town.system.asset("TSLA").id
    arguments = (town.system.oracle, stock.address, asset, town.usdc, bytes(32))
    oracle = chain.deploy(town.system.artifacts["MorphoOracle"], *arguments, sender=chain.account("lister"))
    assert oracle.price() == town.feeds["TSLA"].price * 10 ** (36 + 6 - 18 - 8)
    market = (town.usdc.address, stock.address, oracle.address, near.irm, 86 * 10**16)
    morpho.createMarket(market, sender=chain.account("lister"))
    town.usdc.approve(morpho, LARGE * 10**6, sender=near.whale)
    morpho.supply(market, LARGE * 10**6, 0, near.whale, b"", sender=near.whale)
    borrower = chain.account("borrower")
    town.give_stock(borrower, 100)
    stock.contract.approve(morpho, stock.units(100), sender=borrower)
    morpho.supplyCollateral(market, stock.units(100), borrower, b"", sender=borrower)
    most = 100 * 250 * 86 // 100
    with reverts("Error", "insufficient collateral"):
        morpho.borrow(market, (most + 1) * 10**6, 0, borrower, borrower, sender=borrower)
    morpho.borrow(market, most * 10**6 - 1, 0, borrower, borrower, sender=borrower)
    chain.warp(DAY + 1)
    with reverts("MorphoOracle_NotOpen", asset, ...):
        morpho.borrow(market, 1, 0, borrower, borrower, sender=borrower)
    town.usdc.approve(morpho, 2**255, sender=borrower)
    morpho.repay(market, 1_000 * 10**6, 0, borrower, b"", sender=borrower)
