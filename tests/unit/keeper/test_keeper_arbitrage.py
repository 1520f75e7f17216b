"""Arbitrage between the issuer's desk and a Uniswap v2 pair: the real pair and router, the desk's T+1, one wallet."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everstock.chain.contract import Contract
from everstock.client import System
from everstock.client.issuer import SettlementSide
from everstock.keeper import Arbitrage, ArbitragePolicy, DrySender, Keeper, Kind
from everstock.keeper.venue import Reserves
from support.neighbours import uniswap
from support.uniswap_venue import UniswapVenue

DOLLAR = 10**6
TOKEN = 10**18
CASH = 100_000
DEPTH = 4_000
PRICE = 250


# ── a pair's arithmetic ───────────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(10**3, 10**9), st.integers(10**3, 10**9), st.integers(-50, 200), st.integers(0, 100))
def test_the_best_trade_is_where_the_last_unit_pays(tokens, cash, percent, fee_bps):
    reserves = Reserves(tokens, cash, fee_bps)
    price = reserves.price * Fraction(100 + percent, 100)
    keeps = Fraction(10_000 - fee_bps, 10_000)
    sale = reserves.best_sale(price)
    marginal = keeps * tokens * cash / (tokens + keeps * sale) ** 2
    assert sale == 0 or marginal >= price
    beyond = keeps * tokens * cash / (tokens + keeps * (sale + 2)) ** 2
    assert beyond <= price
    bought = reserves.best_purchase(price)
    assert bought == 0 or keeps * tokens * cash / (cash + keeps * bought) ** 2 * price >= 1


# ── a venue ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(eq=False)
class Venue:
    system: System
    market: UniswapVenue
    born: partial

    def __getattr__(self, name: str):
        return getattr(self.market, name)

    @property
    def token(self) -> Contract:
        return self.system.token("TSLA.M").contract

    def keeper(self, name: str = "keeper", cash: int = 0, sender=None, **changes) -> Keeper:
        policy = ArbitragePolicy("TSLA.M", self.pair.address, self.router.address, Decimal(CASH))
        policy = ArbitragePolicy(**{**vars(policy), **changes})
        keeper = self.born(name, duties=[partial(Arbitrage, policy=policy)], sender=sender)
        if cash:
            self.cash.mint(keeper.account, cash * DOLLAR, sender=self.system.governor)
        return keeper

    def pass_time(self, seconds: int) -> None:
        self.system.chain.warp(seconds)
        self.system.asset("TSLA").publish(PRICE)
        self.system.oracle.poke(self.system.asset("TSLA").id, sender=self.system.governor)

    def settle(self, side: SettlementSide, price: int = PRICE) -> None:
        self.cash.mint(self.system.governor, 10**12, sender=self.system.governor)
        self.issuer.settle_batch(side, price)

    def wealth(self, keeper: Keeper) -> float:
        """Cash and tokens at the share's price, in dollars."""
        return self.cash.balanceOf(keeper.account) / DOLLAR + self.token.balanceOf(keeper.account) / TOKEN * PRICE


@pytest.fixture
def venue(system: System, born) -> Venue:
    """4,000 TSLA.M and a million dollars, at the share's price."""
    market = UniswapVenue.open(system.token("TSLA.M"), DEPTH, PRICE)
    system.asset("TSLA").publish(PRICE)
    return Venue(system, market, born)


def kinds(keeper: Keeper) -> list[Kind]:
    return [action.kind for action in keeper.tick() if action.kind is not Kind.APPROVE]


def test_at_the_shares_price_there_is_nothing_to_do(venue):
    keeper = venue.keeper(cash=CASH)
    for _ in range(3):
        assert kinds(keeper) == []
        venue.pass_time(120)
    assert venue.wealth(keeper) == CASH


def test_a_premium_is_minted_away(venue):
    keeper = venue.keeper(cash=CASH)
    venue.push(dollars=50_000)  # 10% up
    assert kinds(keeper) == [], "it must have stood for a minute"
    venue.pass_time(61)
    assert kinds(keeper) == [Kind.REQUEST_MINT]
    for _ in range(3):
        venue.pass_time(60)
        assert kinds(keeper) == [], "what is on its way counts as sold"
    assert keeper.metrics.value("requests") == 1
    venue.pass_time(86_400)
    venue.settle(SettlementSide.MINT)
    assert kinds(keeper) == [Kind.CLAIM, Kind.SELL]
    assert venue.token.balanceOf(keeper.account) == 0
    assert venue.wealth(keeper) > CASH + 1_000
    assert PRICE < venue.price() < PRICE * 1.01
    assert kinds(keeper) == []


def test_a_discount_is_redeemed_away(venue):
    keeper = venue.keeper(cash=CASH)
    venue.push(tokens=250)  # 12% down
    assert kinds(keeper) == [Kind.BUY, Kind.REQUEST_REDEEM], "both in one pass: nothing is held"
    assert venue.token.balanceOf(keeper.account) == 0
    assert kinds(keeper) == []
    assert PRICE * 0.99 < venue.price() < PRICE
    venue.pass_time(86_400)
    venue.settle(SettlementSide.REDEEM)
    assert kinds(keeper) == [Kind.CLAIM]
    assert venue.wealth(keeper) > CASH + 1_000


def test_a_reborn_keeper_goes_on_from_the_chain(venue):
    first = venue.keeper(cash=CASH)
    venue.push(dollars=50_000)
    kinds(first)
    venue.pass_time(61)
    assert kinds(first) == [Kind.REQUEST_MINT]
    second = venue.keeper()  # the same account
    assert kinds(second) == []
    venue.pass_time(61)
    assert kinds(second) == [], "the request of its earlier life counts"
    assert len(second.book.requests) == 1
    venue.pass_time(86_400)
    venue.settle(SettlementSide.MINT)
    # It dies between claim and sale: the next finds the tokens in the wallet.
    ((number, _),) = [(key.number, request) for key, request in second.book.requests.items()]
    venue.issuer.desk.claim(number, second.account, sender=second.account)
    third = venue.keeper()
    assert kinds(third) == [Kind.SELL]
    assert third.book.requests == {}
    assert venue.wealth(third) > CASH + 1_000


def test_one_that_died_after_buying_redeems(venue):
    keeper = venue.keeper(cash=CASH)
    venue.push(tokens=250)
    who = keeper.account
    venue.swap(who, venue.cash, venue.token, 20_000 * DOLLAR)
    assert kinds(venue.keeper())[-1] is Kind.REQUEST_REDEEM
    assert venue.token.balanceOf(who) == 0


def test_no_more_than_the_limit_is_under_way(venue):
    keeper = venue.keeper(cash=CASH, cash_limit=Decimal(5_000))
    venue.push(tokens=250)
    assert kinds(keeper) == [Kind.BUY, Kind.REQUEST_REDEEM]
    assert venue.cash.balanceOf(keeper.account) == (CASH - 5_000) * DOLLAR
    for _ in range(3):
        venue.pass_time(600)
        assert kinds(keeper) == []
    assert venue.cash.allowance(keeper.account, venue.router) <= 5_000 * DOLLAR


def test_an_issuer_who_is_late_pays(venue):
    issuer = venue.issuer
    venue.token.mint(issuer.sender, 10 * TOKEN, sender=issuer.sender)
    venue.token.approve(issuer.desk, 10 * TOKEN, sender=issuer.sender)
    issuer.desk.postBond(venue.token, 10 * TOKEN, sender=issuer.sender)
    keeper = venue.keeper(cash=CASH)
    venue.push(tokens=250)
    assert kinds(keeper) == [Kind.BUY, Kind.REQUEST_REDEEM]
    (request,) = keeper.book.requests.values()
    venue.pass_time(request.deadline - venue.system.chain.now - 10)
    assert kinds(keeper) == []
    venue.pass_time(20)
    assert Kind.RECLAIM in kinds(keeper)
    held = venue.token.balanceOf(keeper.account) + sum(r.pending for r in keeper.book.requests.values())
    assert held > request.pending, "the penalty comes with it"


def test_a_premium_that_has_gone_costs_little(venue):
    keeper = venue.keeper(cash=CASH)
    venue.push(dollars=50_000)
    kinds(keeper)
    venue.pass_time(61)
    assert kinds(keeper) == [Kind.REQUEST_MINT]
    venue.push(tokens=190)
    assert venue.price() < PRICE * 1.001
    venue.pass_time(86_400)
    venue.settle(SettlementSide.MINT)
    assert kinds(keeper) == [Kind.CLAIM, Kind.REQUEST_REDEEM], "the desk pays more than the pair"
    venue.pass_time(86_400)
    venue.settle(SettlementSide.REDEEM)
    kinds(keeper)
    assert venue.wealth(keeper) > CASH * 0.997


def test_a_mint_is_settled_at_no_price_that_loses(venue):
    keeper = venue.keeper(cash=CASH)
    venue.push(dollars=50_000)
    kinds(keeper)
    venue.pass_time(61)
    kinds(keeper)
    venue.pass_time(86_400)
    venue.settle(SettlementSide.MINT, price=275)  # above what the venue pays
    assert kinds(keeper) == []
    (request,) = keeper.book.requests.values()
    assert request.pending
    assert not request.claimable


@pytest.mark.parametrize("what", ["closed", "halted"])
def test_without_an_open_price_nothing_is_risked(venue, what):
    keeper = venue.keeper(cash=CASH)
    venue.push(tokens=250)
    if what == "closed":
        venue.system.chain.warp(8 * 3_600)
    else:
        venue.system.chain.warp(60)
        venue.system.asset("TSLA").publish(400)
    assert kinds(keeper) == []


def test_a_print_of_one_block_moves_nobody(venue):
    """A crowd's 100x print, and gone before a minute is over."""
    keeper = venue.keeper(cash=CASH)
    venue.push(dollars=9_000_000)
    assert venue.price() > 20_000
    assert kinds(keeper) == []
    venue.pass_time(30)
    who = venue.system.chain.account("crowd")
    venue.swap(who, venue.token, venue.cash, venue.token.balanceOf(who))
    venue.pass_time(31)
    assert kinds(keeper) == []
    assert venue.wealth(keeper) == CASH


def test_costs_that_exceed_the_edge_stop_it(venue):
    keeper = venue.keeper(cash=CASH, wait_cost=Decimal("0.2"))
    venue.push(tokens=250)
    assert kinds(keeper) == []


def test_a_dry_run_stops_at_the_allowance(venue):
    said = []
    keeper = venue.keeper(cash=CASH, sender=DrySender(said.append))
    venue.push(tokens=250)
    assert kinds(keeper) == []
    assert [tx.to for tx in said] == [venue.cash.address]


def test_a_wrong_venue_is_noticed(venue, system):
    keeper = venue.keeper()
    (duty,) = keeper.at_work
    duty.check()
    other = venue.router.factory()
    (duty,) = venue.keeper(pair=other).at_work
    with pytest.raises(ValueError, match="is no pair"):
        duty.check()
    (duty,) = venue.keeper(pair=system.chain.account("nobody")).at_work
    with pytest.raises(ValueError, match="there is no pair"):
        duty.check()
    crcl = system.token("CRCL.M").contract
    factory = system.chain.contract(uniswap()["UniswapV2Factory"], other)
    factory.createPair(crcl, venue.cash, sender=system.governor)
    (duty,) = venue.keeper(pair=factory.getPair(crcl, venue.cash)).at_work
    with pytest.raises(ValueError, match=r"the pair .* is of"):
        duty.check()
