"""Option strategies: what they consist of, what they cost, where they break even, and how they are traded at once."""

from everstock.strategies.catalogue import STRATEGIES, Recipe, Request
from everstock.strategies.report import chart, figure, summary_table
from everstock.strategies.strategy import Leg, Strategy, Valuation

__all__ = ["STRATEGIES", "Leg", "Recipe", "Request", "Strategy", "Valuation", "chart", "figure", "summary_table"]
