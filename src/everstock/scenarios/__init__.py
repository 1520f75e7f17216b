"""Scripted stories on a local chain. Each ends with a ledger that adds up."""

from everstock.scenarios.registry import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Scenario"]
