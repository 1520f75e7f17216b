"""Typed objects over the contracts. Amounts are `Decimal` tokens, prices `Decimal` USD, times `timedelta` or seconds."""

from everstock.client.pool import Pool
from everstock.client.system import Asset, MarginToken, Market, System
from everstock.client.trader import Health, Side, Trader

__all__ = ["Asset", "Health", "MarginToken", "Market", "Pool", "Side", "System", "Trader"]
