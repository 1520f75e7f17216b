"""What a keeper does, one class a duty, all of the same shape: whether it is due in this pass, and doing it.

A duty keeps nothing that it could not read from the chain again. It simulates before it sends, and weighs what it is
paid against gas.
"""

from everstock.keeper.duties.arbitrage import Arbitrage
from everstock.keeper.duties.duty import Duty
from everstock.keeper.duties.endings import CloseFrozen, Evict
from everstock.keeper.duties.loans import AccrueLoans, LiquidateLoans
from everstock.keeper.duties.orders import ExecuteOrders
from everstock.keeper.duties.poke import Poke
from everstock.keeper.duties.pools import CollectFees, ExecuteRedemptions
from everstock.keeper.duties.positions import Exercise, Liquidate, Settle

STANDARD: tuple[type[Duty], ...] = (
    Exercise,
    Liquidate,
    Settle,
    ExecuteRedemptions,
    CloseFrozen,
    Evict,
    CollectFees,
    ExecuteOrders,
    LiquidateLoans,
    AccrueLoans,
)
"""In the order of a pass, after the poke. Arbitrage needs capital and a venue, and comes with a configuration."""

__all__ = [
    "STANDARD",
    "AccrueLoans",
    "Arbitrage",
    "CloseFrozen",
    "CollectFees",
    "Duty",
    "Evict",
    "ExecuteOrders",
    "ExecuteRedemptions",
    "Exercise",
    "Liquidate",
    "LiquidateLoans",
    "Poke",
    "Settle",
]
