"""The client's verbs in tokens, and the keeper."""

from __future__ import annotations

from decimal import Decimal

import pytest

from everstock.client import Side
from everstock.client.system import UnknownName

NAME = "TSLA.M/USDX"


@pytest.fixture
def market(system):
    """The deployed market, with 100,000 lent to nobody yet."""
    market = system.lending_market(NAME)
    lender = system.chain.account("lender")
    market.loan.contract.mint(lender, market.loan.units(100_000), sender=system.governor)
    market.supply(lender, 100_000)
    return market


@pytest.fixture
def borrower(system, market):
    who = system.chain.account("borrower")
    market.collateral.mint(who, 400)
    borrower = market.borrower(who)
    borrower.deposit(300)
    return borrower


def publish(system, price) -> None:
    system.asset("TSLA").publish(price)
    system.oracle.poke(system.asset("TSLA").id, sender=system.governor)


def fall(system, *prices) -> None:
    for price in prices:
        system.chain.warp(1_201)
        publish(system, price)


def test_the_deployed_market_is_the_files(system, market):
    config, params = market.contract.config(), system.params.lending.markets[NAME]
    assert tuple(config.policy) == params.policy
    assert config.minDebt == 100 * 10**6
    assert system.vault.isModule(market.contract)
    assert config.calendar == system.oracle.assetConfig(system.asset("TSLA").id).calendar
    with pytest.raises(UnknownName, match="no lending market"):
        system.lending_market("NVDA.M/USDX")


def test_a_loan_in_tokens(system, market, borrower):
    borrower.borrow(40_000)
    assert borrower.debt == 40_000
    assert market.utilisation == Decimal("0.4")
    health = borrower.health
    assert health.is_open
    assert health.free == health.borrow_limit - 40_000
    assert health.factor == health.liquidation_limit / 40_000
    borrower.repay(10_000)
    with pytest.raises(Exception, match="InsufficientCollateral"):
        borrower.withdraw(300)
    borrower.repay()
    assert borrower.health.factor is None
    borrower.release(100)
    borrower.lock(50)
    assert borrower.collateral == 250
    borrower.withdraw()
    assert market.collateral.balance(borrower.owner) == 350


def test_lenders_in_tokens(system, market):
    lender = system.chain.account("lender")
    assert market.supplied(lender) == 100_000
    market.withdraw(lender, 40_000)
    market.withdraw(lender)
    assert market.supplied(lender) == 0
    assert market.utilisation == 0
    assert market.borrow_rate == Decimal("0.01")


def test_terms_at_any_time(system, market):
    calendar = market.contract.config().calendar
    terms = market.terms(system.chain.now + 3_600)
    assert terms.borrow_ltv == Decimal("0.55")
    if int(calendar, 16):
        assert market.terms(system.chain.now + 23_400 - 3_600).borrow_ltv == Decimal("0.50")
        closed = market.terms(system.chain.now + 23_400)
        assert (closed.borrow_ltv, closed.liquidatable_from) == (Decimal("0.45"), None)


def test_pledging_from_the_client(system, market, borrower):
    token, lp = market.collateral, system.chain.account("lp")
    token.mint(lp, 1_500)
    token.main.deposit(lp, 1_000)
    token.insurance.deposit(lp, 500)
    trader = token.trader(borrower.owner)
    trader.deposit(50)
    trader.open(system.market("TSLA-7D"), 0, Side.PUT, 100)
    before = borrower.health.borrow_limit
    borrower.pledge()
    assert borrower.health.pledged > 0
    assert borrower.health.borrow_limit > before
    borrower.release_pledge()
    assert borrower.health.pledged == 0
