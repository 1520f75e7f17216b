"""The keeper: does what a live network needs done, for the fees the contracts pay. One class a duty, in `duties`."""

from everstock.keeper.book import AccountBook, PositionKey
from everstock.keeper.duties import STANDARD, Arbitrage, Duty
from everstock.keeper.duties.arbitrage import ArbitragePolicy
from everstock.keeper.economics import Economics
from everstock.keeper.events import EventLog, EventSource, NodeLogs
from everstock.keeper.keeper import Action, Keeper, Kind, Policy
from everstock.keeper.metrics import JsonLines, Metrics
from everstock.keeper.runner import Runner
from everstock.keeper.sender import DirectSender, DrySender, Outbox, Sender

__all__ = [
    "STANDARD",
    "AccountBook",
    "Action",
    "Arbitrage",
    "ArbitragePolicy",
    "DirectSender",
    "DrySender",
    "Duty",
    "Economics",
    "EventLog",
    "EventSource",
    "JsonLines",
    "Keeper",
    "Kind",
    "Metrics",
    "NodeLogs",
    "Outbox",
    "Policy",
    "PositionKey",
    "Runner",
    "Sender",
]
