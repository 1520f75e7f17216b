"""One small abstraction over a chain: in process (pyrevm), Anvil, or any JSON-RPC node."""

from everstock.chain.base import DEFAULT_GAS, LOCAL_CHAIN_ID, START_TIME, ZERO_ADDRESS, Chain
from everstock.chain.contract import Contract, Function
from everstock.chain.errors import (
    AmbiguousFunction,
    AnvilFailed,
    AnvilNotFound,
    BadArgument,
    BatchFailed,
    ChainError,
    NodeUnreachable,
    NotCompiled,
    Rejected,
    Reverted,
    RpcError,
    TimeBackwards,
    TransactionTimeout,
    UnknownContract,
    UnknownEvent,
    UnknownSnapshot,
    Unsupported,
)
from everstock.chain.receipt import Receipt, Tx
from everstock.chain.registry import Event, Log, Registry

__all__ = [
    "DEFAULT_GAS",
    "LOCAL_CHAIN_ID",
    "START_TIME",
    "ZERO_ADDRESS",
    "AmbiguousFunction",
    "AnvilFailed",
    "AnvilNotFound",
    "BadArgument",
    "BatchFailed",
    "Chain",
    "ChainError",
    "Contract",
    "Event",
    "Function",
    "Log",
    "NodeUnreachable",
    "NotCompiled",
    "Receipt",
    "Registry",
    "Rejected",
    "Reverted",
    "RpcError",
    "TimeBackwards",
    "TransactionTimeout",
    "Tx",
    "UnknownContract",
    "UnknownEvent",
    "UnknownSnapshot",
    "Unsupported",
]
