"""Deployment parameters: commented YAML under `params/`, checked in full before the first transaction."""

from everstock.params.schema import Asset, Market, Params, Roles, Token, UnknownNetwork, load

__all__ = ["Asset", "Market", "Params", "Roles", "Token", "UnknownNetwork", "load"]
