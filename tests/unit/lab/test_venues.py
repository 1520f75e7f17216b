"""The venues' own arithmetic on a chain: what they quote is what they take, and arbitrage ends where it says."""

from __future__ import annotations

import pytest

from everstock.chain.anvil import anvil_chain
from everstock.chain.rpc import RpcChain
from everstock.lab.venues import (
    Amm,
    DeskMaker,
    IncentivePool,
    IssuerDesk,
    OptionsVenue,
    QuotesVenue,
    Refused,
    Stock,
    Town,
)
from everstock.lab.venues.town import DAY, HOUR, WrongDate
from everstock.lab.venues.venue import both_ways, curve, depth

TUESDAY_NOON = 1_767_718_800  # 6 January 2026, 17:00 UTC: New York trades


@pytest.fixture(scope="module")
def town():
    with anvil_chain() as chain:
        yield Town(chain, Stock(), TUESDAY_NOON, 250.0, 60_000.0)


@pytest.fixture(scope="module")
def quotes(town: Town) -> QuotesVenue:
    return QuotesVenue(town, tokens=400, usd=100_000)


@pytest.fixture
def trader(town: Town) -> str:
    who = town.account("a trader")
    town.give(who, 1_000)
    town.pay(who, 1_000_000)
    return who


def pool(town: Town, name: str, usd: float = 100_000.0) -> Amm:
    amm = Amm(town, name, town.token.contract, town.token.decimals, suffix=name)
    lp = town.account("an lp")
    town.give(lp, usd / 250)
    town.pay(lp, usd)
    amm.provide(lp, usd / 250, usd)
    return amm


@pytest.mark.parametrize("buy", [True, False])
def test_each_venue_takes_at_its_quote(town, quotes, trader, buy):
    options = OptionsVenue(town, town.bitcoin_market)
    options.provide(town.account("an lp"), 1_000)
    options.margin(trader, 50)
    for venue in (pool(town, f"takes {buy}"), quotes, options):
        quoted = venue.quote(trader, 1_000, buy=buy)
        taken = venue.take(trader, 1_000, buy=buy)
        assert taken.cost == pytest.approx(quoted.cost, abs=2e-4), venue.name
        assert 0 < taken.cost < 0.02


def test_arbitrage_sizes_end_at_their_price(town, trader):
    amm = pool(town, "sizes")
    amm.buy(trader, amm.usd_to(300.0))
    base, quote = amm.reserves
    assert quote / base / 0.997 == pytest.approx(300.0, rel=2e-3)
    assert amm.usd_to(290.0) == 0.0
    amm.sell(trader, amm.tokens_to(200.0))
    base, quote = amm.reserves
    assert quote / base * 0.997 == pytest.approx(200.0, rel=2e-3)
    assert amm.tokens_to(210.0) == 0.0


def test_depth_is_where_the_cost_meets_the_limit(town, trader):
    amm = pool(town, "depth")
    found = depth(amm, trader, 0.02, 50_000)
    assert amm.quote(trader, found, buy=True).cost <= 0.02
    assert amm.quote(trader, found * 1.02, buy=True).cost > 0.02
    assert depth(amm, trader, 0.001, 50_000) == 0.0, "the fee alone is more"
    assert depth(amm, trader, 0.9, 1_000) == 1_000
    assert both_ways(amm, trader, 0.02, 50_000) == pytest.approx(found, rel=0.08)
    costs = curve(amm, trader, [100, 1_000, 10_000])
    assert costs == sorted(costs)


def test_a_taker_without_the_money_is_refused(town):
    with pytest.raises(Refused, match="does not hold"):
        pool(town, "poor").take(town.account("a pauper"), 10, buy=True)


def test_a_maker_with_the_desk_waits_for_the_session_and_gains(town, trader):
    amm, desk = pool(town, "desk"), IssuerDesk(town, 2)
    maker = DeskMaker(town, amm, desk, town.account("a maker"))
    town.pay(maker.who, 10_000)
    amm.buy(trader, 10_000)
    start, high = maker.worth(), amm.spot
    maker.act()
    assert len(maker.waiting) == 1
    assert maker.worth() == pytest.approx(start)
    due = desk.open[0].due
    assert due == town.next_open(town.next_open(town.chain.now) + 1)
    town.chain.set_time(due - 60)
    assert desk.settle() == []
    town.chain.set_time(due)
    town.publish()
    assert len(desk.settle()) == 1
    maker.act()
    assert amm.spot < high
    assert maker.worth() > start


def test_a_maker_does_nothing_while_new_york_is_closed(town, trader):
    amm, desk = pool(town, "closed"), IssuerDesk(town, 1)
    maker = DeskMaker(town, amm, desk, town.account("a sleeper"))
    town.give(maker.who, 50)
    amm.buy(trader, 20_000)
    day = town.chain.now // DAY
    town.chain.set_time(town.session(day)[1] + HOUR)
    spot = amm.spot
    maker.act()
    assert amm.spot == spot


def test_the_incentive_pool_pays_what_was_emitted_and_its_price_falls_with_sales(town):
    farm = IncentivePool(town, rewards_per_day=100, epoch_days=1, epochs=2, token_usd=2.0, market_usd=5_000)
    farm.begin()
    farmer = town.account("a farmer")
    farm.join(farmer, 50_000)
    assert farm.reward_apr(town.chain.now) == pytest.approx(100 * 365 * 2 / 50_000, rel=0.01)
    town.chain.warp(DAY)
    received = farm.harvest(farmer)
    assert received == pytest.approx(100 * 2 * 0.997, rel=0.05)
    assert farm.reward_market.spot < 2.0
    farm.leave(farmer)
    assert int(farm.staking.totalStaked()) == 0


def test_a_chain_that_is_past_the_date_is_refused(town):
    assert isinstance(town.chain, RpcChain)
    with pytest.raises(WrongDate):
        Town(town.chain, Stock(), TUESDAY_NOON, 250.0, 60_000.0)
