"""Typed objects over the contracts. Amounts are `Decimal` tokens, prices `Decimal` USD, times seconds."""

from everstock.client.lending import Borrower, BorrowerHealth, LendingMarket, LoanToken, Payout
from everstock.client.orders import Leg, Order, OrderDesk, Trigger, buy, sell
from everstock.client.pool import Pool
from everstock.client.system import Asset, MarginToken, Market, System
from everstock.client.trader import ClosePreview, Health, OpenPreview, Side, Trader

__all__ = [
    "Asset",
    "Borrower",
    "BorrowerHealth",
    "ClosePreview",
    "Health",
    "Leg",
    "LendingMarket",
    "LoanToken",
    "MarginToken",
    "Market",
    "OpenPreview",
    "Order",
    "OrderDesk",
    "Payout",
    "Pool",
    "Side",
    "System",
    "Trader",
    "Trigger",
    "buy",
    "sell",
]
