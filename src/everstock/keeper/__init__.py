"""The keeper: pokes markets, liquidates, exercises, executes orders and redemptions, for the fees the contracts pay."""

from everstock.keeper.book import AccountBook, PositionKey
from everstock.keeper.economics import Economics
from everstock.keeper.events import EventLog, EventSource, NodeLogs
from everstock.keeper.keeper import Action, Keeper, Kind, Policy
from everstock.keeper.lending import LendingAction, LendingKeeper
from everstock.keeper.metrics import JsonLines, Metrics
from everstock.keeper.runner import Runner
from everstock.keeper.sender import DirectSender, DrySender, Outbox, Sender

__all__ = [
    "AccountBook",
    "Action",
    "DirectSender",
    "DrySender",
    "Economics",
    "EventLog",
    "EventSource",
    "JsonLines",
    "Keeper",
    "Kind",
    "LendingAction",
    "LendingKeeper",
    "Metrics",
    "NodeLogs",
    "Outbox",
    "Policy",
    "PositionKey",
    "Runner",
    "Sender",
]
