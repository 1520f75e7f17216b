"""Signed quotes: what they are, who makes them, and how they are served."""

from everstock.rfq.maker import ExecutionReceipt, Maker, MakerPolicy, QuoteRefused, SignedQuote
from everstock.rfq.quote import Quote, QuoteSide
from everstock.rfq.server import Server

__all__ = [
    "ExecutionReceipt",
    "Maker",
    "MakerPolicy",
    "Quote",
    "QuoteRefused",
    "QuoteSide",
    "Server",
    "SignedQuote",
]
