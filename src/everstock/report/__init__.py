"""Ledgers that add up, and the tables that show them."""

from everstock.report.ledger import Check, Party, Role, TokenLedger, build

__all__ = ["Check", "Party", "Role", "TokenLedger", "build"]
