"""What a two-step order costs on Anvil: commit and execute together, the execution at a new print that it takes."""

from __future__ import annotations

import pytest

from everstock.chain.anvil import anvil_chain
from everstock.client import OrderDesk, Side, buy
from everstock.client.orders import AT_THE_MONEY, sell
from everstock.gas import Bench

BUDGET = {"add to a position": 271_000, "open a position": 298_000, "close a position": 258_000, "roll": 345_000}


@pytest.fixture(scope="module")
def costs() -> dict[str, int]:
    """Each executes at a new print, which it takes itself."""
    with anvil_chain() as chain:
        bench = Bench(chain, others=8)
        desk = OrderDesk(bench.token, bench.trader)
        desk.authorise()
        # The order book has served this owner, and this keeper has been paid, before.
        first = desk.order(buy(bench.token, bench.market, 0, Side.PUT, 100, 100), execution_fee="0.01", salt=99)
        desk.commit(first)
        chain.warp(5)
        bench.publish("1.0001")
        desk.execute(first, bench.keeper)
        found = {}
        orders = {
            "add to a position": (buy(bench.token, bench.market, 0, Side.PUT, 100, 100),),
            "open a position": (buy(bench.token, bench.market, 1, Side.PUT, 100, 100),),
            "close a position": (sell(bench.token, bench.market, 0, Side.PUT),),
            "roll": (
                sell(bench.token, bench.market, 0, Side.PUT),
                buy(bench.token, bench.market, AT_THE_MONEY, Side.PUT, None, 500),
            ),
        }
        for salt, (name, legs) in enumerate(orders.items()):
            with chain.anchor():
                order = desk.order(*legs, execution_fee="0.01", salt=salt)
                chain.warp(5)
                commit = desk.commit(order)
                chain.warp(5)
                price = bench.price
                bench.publish("1.0003")
                chain.warp(1)
                execute = desk.execute(order, bench.keeper)
                bench.price = price
                found[name] = commit.gas_used + execute.gas_used
                print(f"{name:20} commit {commit.gas_used:>8,}  execute {execute.gas_used:>8,}  {found[name]:>8,}")
        return found


@pytest.mark.parametrize("name", BUDGET)
def test_an_order_stays_within_its_budget(costs: dict[str, int], name: str) -> None:
    assert costs[name] <= BUDGET[name]
