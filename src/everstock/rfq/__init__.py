"""Signed quotes: what they are, who makes them, and how they are served."""

from everstock.rfq.quote import Quote, QuoteSide

__all__ = ["Quote", "QuoteSide"]
