"""Loans in the keeper's pass: who is liquidated, when it pays, what a restart knows, what a pledge takes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from everstock.client import Side, System
from everstock.client.lending import Borrower, LendingMarket
from everstock.keeper import DrySender, Keeper, Kind, Policy

HOUR = 3_600
DAY = 86_400


@pytest.fixture
def market(system: System, born) -> LendingMarket:
    """With 100,000 lent to nobody yet. The log has begun."""
    market = system.lending_market("TSLA.M/USDX")
    lender = system.chain.account("lender")
    market.loan.contract.mint(lender, market.loan.units(100_000), sender=system.governor)
    market.supply(lender, 100_000)
    return market


@pytest.fixture
def borrower(system: System, market: LendingMarket) -> Borrower:
    """300 TSLA.M, and 40,000 owed."""
    return borrow(system, market, "borrower", 300, 40_000)


def borrow(system: System, market: LendingMarket, name: str, tokens: int, dollars: int) -> Borrower:
    borrower = market.borrower(system.chain.account(name))
    market.collateral.mint(borrower.owner, tokens)
    borrower.deposit(tokens)
    borrower.borrow(dollars)
    return borrower


def give(market: LendingMarket, keeper: Keeper, dollars: int) -> None:
    market.loan.contract.mint(keeper.account, market.loan.units(dollars), sender=market.system.governor)


def fall(system: System, *prices: int) -> None:
    for price in prices:
        system.chain.warp(1_201)
        system.asset("TSLA").publish(price)
        system.oracle.poke(system.asset("TSLA").id, sender=system.governor)


def kinds(keeper: Keeper) -> list[Kind]:
    return [action.kind for action in keeper.tick() if action.kind is not Kind.APPROVE]


def test_a_loan_over_its_limit_is_liquidated_once(system, market, borrower, born):
    keeper, other = born(), born("another keeper")
    for each in (keeper, other):
        give(market, each, 100_000)
    assert kinds(keeper) == []
    fall(system, 228, 208, 195)
    assert market.liquidatable(borrower.owner)
    assert kinds(keeper) == [Kind.LIQUIDATE_LOAN]
    assert not market.liquidatable(borrower.owner)
    assert kinds(other) == []
    seized = market.collateral.balance(keeper.account)
    spent = 100_000 - market.loan.amount(market.loan.contract.balanceOf(keeper.account))
    assert seized * 195 > spent > 0
    assert keeper.metrics.value("actions_total", kind="liquidate loan") == 1
    assert keeper.metrics.value("loans") == 1


def test_a_reborn_keeper_knows_who_borrows(system, market, borrower, born):
    repaid = borrow(system, market, "careful borrower", 100, 5_000)
    repaid.repay(4_000)
    market.loan.contract.mint(repaid.owner, market.loan.units(5_000), sender=system.governor)
    repaid.repay()
    fall(system, 228, 208, 195)
    reborn = born("reborn")
    give(market, reborn, 100_000)
    assert kinds(reborn) == [Kind.LIQUIDATE_LOAN]
    assert [key.owner for key in reborn.book.borrowers] == [borrower.owner]


def test_it_waits_until_the_auction_pays(system, market, borrower, born):
    """The bonus begins at 1%, and a way out that costs 4% takes more."""
    # Monday's opening is the chain's beginning; the next is Tuesday's.
    fall(system, 228, 208)
    system.chain.warp(DAY - 2 * 1_201 + 60)
    for _ in range(2):
        system.asset("TSLA").publish(192)
        system.oracle.poke(system.asset("TSLA").id, sender=system.governor)
        system.chain.warp(300)
    keeper = born(policy=Policy(loan_exit_cost=Decimal("0.04"), unpaid=False))
    give(market, keeper, 100_000)
    assert kinds(keeper) == [], "in the grace nobody is liquidated"
    found = []
    for _ in range(40):
        system.chain.warp(60)
        bonus = market.terms().bonus
        if kinds(keeper):
            found.append(bonus)
            break
    assert len(found) == 1
    assert Decimal("0.04") < found[0] < Decimal("0.05"), "as soon as the bonus is above the cost"
    assert keeper.metrics.value("unprofitable_total", kind="liquidate loan") > 3


def test_it_repays_no_more_than_it_has(system, market, borrower, born):
    keeper = born()
    give(market, keeper, 3_000)
    fall(system, 228, 208, 195)
    assert kinds(keeper) == [Kind.LIQUIDATE_LOAN]
    assert market.loan.contract.balanceOf(keeper.account) < market.loan.units(1)
    assert borrower.debt < 37_100


def test_without_capital_it_does_nothing(system, market, borrower, born):
    fall(system, 228, 208, 195)
    keeper = born()
    assert kinds(keeper) == []
    give(market, keeper, 50_000)
    assert kinds(keeper) == [Kind.LIQUIDATE_LOAN]


def test_a_dry_run_moves_nothing(system, market, borrower, born):
    said = []
    keeper = born(sender=DrySender(said.append))
    give(market, keeper, 100_000)
    fall(system, 228, 208, 195)
    assert kinds(keeper) == []
    assert {tx.to for tx in said} == {market.loan.contract.address}, "it stops at the allowance"


def test_a_pledge_is_realised_step_by_step(system, market, born):
    """The debt outlives its collateral: options stand behind the rest."""
    token = market.collateral
    lp = system.chain.account("lp")
    token.mint(lp, 3_000)
    token.main.deposit(lp, 2_000)
    token.insurance.deposit(lp, 1_000)
    borrower = market.borrower(system.chain.account("borrower"))
    token.mint(borrower.owner, 60)
    borrower.deposit(10)
    trader = token.trader(borrower.owner)
    trader.deposit(50)
    trader.open(system.market("TSLA-7D"), 0, Side.PUT, 20)
    borrower.pledge()
    borrower.borrow(5_000)
    keeper = born()
    give(market, keeper, 100_000)
    done: list[Kind] = []
    for price in (228, 208, 190, 172, 156, 142, 130, 118, 108, 98, 89, 81, 74, 67):
        fall(system, price)
        for _ in range(4):
            done += [kind for kind in kinds(keeper) if kind.value.endswith(("loan", "pledge"))]
        if borrower.debt == 0:
            break
    assert Kind.REALISE_PLEDGE in done
    assert done.index(Kind.LIQUIDATE_LOAN) < done.index(Kind.REALISE_PLEDGE)
    assert done[-1] is Kind.LIQUIDATE_LOAN
    assert trader.positions == []


def test_interest_is_charged_once_a_day_where_nobody_comes(system, market, borrower, born):
    keeper = born(policy=Policy(sweep_every_seconds=HOUR))
    assert kinds(keeper) == []
    before = market.contract.state().accruedAt
    system.chain.warp(DAY + 60)
    assert Kind.ACCRUE_LOANS in kinds(keeper)
    assert market.contract.state().accruedAt > before
    system.chain.warp(HOUR + 60)
    assert Kind.ACCRUE_LOANS not in kinds(keeper)
    paid_only = born("paid", policy=Policy(unpaid=False))
    system.chain.warp(2 * DAY)
    assert kinds(paid_only) == []
