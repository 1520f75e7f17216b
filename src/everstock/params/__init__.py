"""Deployment parameters: commented YAML under `params/`, checked in full before the first transaction."""

from everstock.params.prices import Calendar, Guards
from everstock.params.schema import (
    LOCAL,
    Asset,
    Market,
    Params,
    Roles,
    Token,
    UnknownNetwork,
    fields_of,
    load,
    named_for,
)

__all__ = [
    "LOCAL",
    "Asset",
    "Calendar",
    "Guards",
    "Market",
    "Params",
    "Roles",
    "Token",
    "UnknownNetwork",
    "fields_of",
    "load",
    "named_for",
]
