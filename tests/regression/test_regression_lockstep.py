"""What lock-step runs found, each reduced to its shortest story; contracts and model are compared after every step."""

from __future__ import annotations

from typing import Any

import pytest

from everstock.chain.evm import EvmChain
from everstock.testing.invariants import Watch
from everstock.testing.lockstep import LAYERS, Lockstep

TOKEN, ONE = "TSLA.M", 10**18
TRADER, RIVAL, PROVIDER = "trader0", "trader1", "provider0"
DAY = 86_400
ALL = 2**112 - 1
BTC_USD = 60_000


@pytest.fixture
def world() -> Lockstep:
    """Funded pools and two traders with margin."""
    world = Lockstep(EvmChain(), every=1)
    Watch(world)
    for actor in (TRADER, RIVAL, PROVIDER):
        world.run("fund", token=TOKEN, owner=actor, amount=100_000 * ONE)
    for layer in LAYERS:
        world.run("pool_deposit", token=TOKEN, layer=layer, provider=PROVIDER, assets=10_000 * ONE)
    for trader in (TRADER, RIVAL):
        world.run("deposit_margin", token=TOKEN, owner=trader, amount=100 * ONE)
    return world


def where(market: int = 0, strike: int = 0, side: str = "call", owner: str = TRADER) -> dict[str, Any]:
    return {"owner": owner, "token": TOKEN, "market": market, "strike": strike, "side": side}


def pass_time(world: Lockstep, seconds: int) -> None:
    """Bitcoin prints the same price again, and its markets are poked."""
    world.run("warp", seconds=seconds)
    world.run("publish", asset="BTC", answer=BTC_USD * 10**8)
    for market in (0, 1):
        world.run("poke", market=market)


def test_the_first_position_at_a_strike_owes_nothing_for_the_past(world: Lockstep) -> None:
    """It was settled at the index of a strike that was not live yet, and could then never be closed."""
    pass_time(world, DAY)
    assert not world.run("open", **where(strike=1), notional=10 * ONE).refused
    assert not world.run("close", **where(strike=1), notional=ALL).refused


def test_a_market_that_cannot_be_valued_closes_the_pool_to_deposits_and_says_so(world: Lockstep) -> None:
    """`maxDeposit` promised what `deposit` refused while a large market was stale."""
    pool = world.pool(TOKEN, "main")
    world.run("open", **where(), notional=2_000 * ONE)
    assert pool.maxDeposit(world.addresses[PROVIDER]) > 0
    world.run("warp", seconds=4_201)
    deposit = world.run("pool_deposit", token=TOKEN, layer="main", provider=PROVIDER, assets=ONE)
    assert deposit.refused == "UnderwritingPool_MarketNotOpen"
    assert pool.maxDeposit(world.addresses[PROVIDER]) == pool.maxMint(world.addresses[PROVIDER]) == 0


def test_old_debt_is_collected_before_another_position_opens(world: Lockstep) -> None:
    """The model left it standing when the position was a new one."""
    world.run("open", **where(), notional=1_000 * ONE)
    health = world.model.health(TRADER, TOKEN)
    amount = health.equity - health.initial_margin
    world.run("withdraw_margin", token=TOKEN, owner=TRADER, amount=amount)
    pass_time(world, 10 * DAY)
    world.run("settle", owner=TRADER, token=TOKEN)
    assert world.model.options.account(TRADER, TOKEN).debt.total > 0
    world.run("deposit_margin", token=TOKEN, owner=TRADER, amount=200 * ONE)
    assert world.model.options.account(TRADER, TOKEN).debt.total > 0, "a top-up pays no debt"
    assert not world.run("open", **where(strike=1), notional=ONE).refused
    assert world.options.debtOf(world.addresses[TRADER], world.token(TOKEN).address) == (0, 0)


def test_settling_an_account_without_positions_changes_nothing(world: Lockstep) -> None:
    """The model accrued rent there, one more rounding."""
    world.run("open", **where(owner=RIVAL), notional=10 * ONE)
    world.run("warp", seconds=7)
    world.run("settle", owner=TRADER, token=TOKEN)
    world.run("warp", seconds=7)
    world.run("settle", owner=RIVAL, token=TOKEN)


def test_nav_follows_the_oracle_of_now_and_not_of_the_last_poke(world: Lockstep) -> None:
    """The model kept valuing a market whose price had gone stale since."""
    world.run("open", **where(), notional=100 * ONE)
    world.run("warp", seconds=4_201)
    assert world.pool(TOKEN, "main").nav(True).liability == 0


def test_of_two_events_at_one_time_one_is_called_off(world: Lockstep) -> None:
    at = world.model.now + 3 * DAY
    for lump in (ONE // 10, ONE // 5):
        world.run("schedule_event", market=0, at=at, lump=lump, move=ONE // 20)
    world.run("cancel_event", market=0, at=at)
    assert [each.lump_wad for each in world.model.options.markets[0].events] == [ONE // 5]


def test_a_frozen_market_refuses_trades_as_halted_and_no_second_announcement(world: Lockstep) -> None:
    world.run("open", **where(), notional=10 * ONE)
    price = BTC_USD * 10**18
    world.run("announce_wind_down", market=0, final_price=price, freeze_at=world.model.now + 3 * DAY)
    world.run("warp", seconds=3 * DAY)
    assert world.run("close", **where(), notional=ALL).refused == "OptionMarket_NotOpen"
    again = world.run("announce_wind_down", market=0, final_price=price, freeze_at=world.model.now + 3 * DAY)
    assert again.refused == "OptionMarket_Frozen"
    assert not world.run("freeze", token=TOKEN, market=0).refused
    assert not world.run("close_frozen", **where()).refused


def test_only_a_market_with_positions_can_be_frozen_for_a_token(world: Lockstep) -> None:
    world.run("announce_wind_down", market=0, final_price=ONE, freeze_at=world.model.now + 3 * DAY)
    world.run("warp", seconds=3 * DAY)
    assert world.run("freeze", token=TOKEN, market=0).refused == "PerpetualOptions_NotFreezable"


def test_a_claim_of_less_than_a_unit_is_refused(world: Lockstep) -> None:
    """Shares are finer than tokens: the model burned some for nothing."""
    world.run("request_redeem", token=TOKEN, layer="main", owner=PROVIDER, shares=10**24)
    pass_time(world, DAY)
    world.run("execute_redemption", token=TOKEN, layer="main", controller=PROVIDER)
    claim = world.run("redeem", token=TOKEN, layer="main", controller=PROVIDER, shares=1)
    assert claim.refused == "UnderwritingPool_ZeroAmount"
