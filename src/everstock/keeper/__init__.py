"""The keeper: pokes markets, liquidates, exercises and executes redemptions, for the fees the contracts pay."""

from everstock.keeper.book import AccountBook, PositionKey
from everstock.keeper.events import EventLog, EventSource
from everstock.keeper.keeper import Action, Keeper, Kind, Policy
from everstock.keeper.lending import LendingAction, LendingKeeper

__all__ = [
    "AccountBook",
    "Action",
    "EventLog",
    "EventSource",
    "Keeper",
    "Kind",
    "LendingAction",
    "LendingKeeper",
    "Policy",
    "PositionKey",
]
