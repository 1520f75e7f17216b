"""X8 on a chain that counts gas: the fullest account there can be, sixteen positions over eight markets, can leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from everstock.chain.anvil import anvil_chain
from everstock.testing.lockstep import KEEPER, LAYERS, Layout, Lockstep

GAS_LIMIT = 3_000_000
DAY = 86_400
TOKEN, ONE = "TSLA.M", 10**18
TRADER, PROVIDER = "trader0", "provider0"
UINT112 = 2**112 - 1
EIGHT_MARKETS = Layout(
    markets=("BTC-7D", "ETH-7D", "BTC-30D", "TSLA-7D"), copies=4, tokens=((TOKEN, 18, 1),), with_sessions=("TSLA-7D",)
)


@pytest.fixture(scope="module")
def full_account() -> Iterator[Lockstep]:
    with anvil_chain() as chain:
        world = Lockstep(chain, EIGHT_MARKETS, every=0)
        for actor in (TRADER, PROVIDER):
            world.run("fund", token=TOKEN, owner=actor, amount=100_000 * ONE)
        for layer in LAYERS:
            world.run("pool_deposit", token=TOKEN, layer=layer, provider=PROVIDER, assets=10_000 * ONE)
        world.run("deposit_margin", token=TOKEN, owner=TRADER, amount=50 * ONE)
        for market in range(8):
            for side in ("call", "put"):
                where = {"owner": TRADER, "token": TOKEN, "market": market, "strike": 0, "side": side}
                assert not world.run("open", **where, notional=10 * ONE).refused
        world.compare()
        assert len(world.options.positions(world.addresses[TRADER], world.token(TOKEN).address)) == 16
        world.run("warp", seconds=900)
        yield world


def test_X8_the_fullest_account_leaves_within_the_gas_limit(
    full_account: Lockstep, capsys: pytest.CaptureFixture[str]
) -> None:
    world = full_account
    options, trader, token = world.options, world.addresses[TRADER], world.token(TOKEN).address
    keeper, last = world.addresses[KEEPER], (7, 0, True)
    gas: dict[str, int] = {}

    def measure(name: str, act: Callable[[], Any]) -> None:
        with world.chain.anchor():
            gas[name] = act().gas_used

    order = (trader, token, *last, UINT112, 0, world.chain.now)
    measure("close", lambda: options.close(order, sender=trader))
    measure("settle", lambda: options.settle(trader, token, sender=keeper))
    measure("withdraw", lambda: options.withdraw(token, 1, trader, sender=trader))
    with world.chain.anchor():
        health = options.accountHealth(trader, token)
        options.withdraw(token, health.equity - health.initialMargin, trader, sender=trader)
        world.chain.warp(3 * DAY)  # Thursday afternoon: stocks trade; all feeds print
        for asset in world.system.assets.values():
            asset.publish(world.system.params.assets[asset.name].initial_price_usd)
        for market in world.market_contracts:
            market.poke(sender=keeper)
        world.chain.warp(900)
        measure("liquidate", lambda: options.liquidate(trader, token, last, sender=keeper))
    with world.chain.anchor():
        market = world.market(7)
        market.announceWindDown(60_000 * 10**18, world.chain.now + 3 * DAY, sender=world.system.governor)
        world.chain.warp(3 * DAY)
        measure("closeFrozen", lambda: options.closeFrozen(trader, token, last, sender=keeper))
    with capsys.disabled():
        print("\nX8 gas:", ", ".join(f"{name} {used:,}" for name, used in gas.items()))
    assert max(gas.values()) <= GAS_LIMIT
