"""A fork, with Everstock deployed on it beside third parties by the one builder."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from everstock.chain.base import Chain
from everstock.chain.contract import Contract
from everstock.chain.rpc import RpcChain
from everstock.client import MarginToken, System
from everstock.deploy.builder import list_token
from everstock.params import Params, Token, fields_of, load
from support.neighbours import Feed, Neighbours, vendors

ROLES = ("admin", "governor", "guardian", "issuer")
HOUR, DAY = 3_600, 86_400


@dataclass
class Town:
    """The system and its neighbours on the fork."""

    chain: RpcChain
    system: System
    near: Neighbours
    feeds: dict[str, Feed]
    usdc: Contract

    def give_usdc(self, to: str, dollars: int) -> None:
        self.usdc.transfer(to, dollars * 10**6, sender=self.near.whale)

    def give_stock(self, to: str, amount: int) -> None:
        token = self.system.token("TSLA.M")
        token.contract.mint(to, token.units(amount), sender=Chain.account("the issuer"))

    def list(self, symbol: str, contract: Contract, minimum: str = "250") -> MarginToken:
        spec = Token(name=symbol, decimals=contract.decimals(), min_notional=Decimal(minimum), address=contract.address)
        return list_token(self.system, symbol, spec)

    def pass_time(self, seconds: int) -> None:
        """By the hour: feeds print the same price again, markets are poked."""
        for _ in range(seconds // HOUR):
            self.chain.warp(HOUR)
            for feed in self.feeds.values():
                feed.repeat()
            for market in self.system.markets.values():
                market.poke(sender=Chain.account("keeper"))


def parameters(near: Neighbours, chain: RpcChain, tesla: str) -> Params:
    """Those of mainnet, with this chain's feeds, markets about their prices, actors in the roles, a stock token with a
    feed `tesla`, and a lending market against the neighbours' USDC."""
    fields = fields_of("mainnet")
    prices = {name: answer(chain, feed) for name, feed in near.feeds.items()}
    assets = {name: fields["assets"][name] | {"aggregator": feed} for name, feed in near.feeds.items()}
    assets["TSLA"] = {"aggregator": tesla, "max_age_seconds": "86400", "deviation": "0.005"}
    lending = fields_of("local")["lending"]
    market = lending["markets"]["TSLA.M/USDX"] | {"loan": "USDC"}
    lending |= {"loan_tokens": {"USDC": {"address": near.usdc}}, "markets": {"TSLA.M/USDC": market}}
    markets = {
        name: spec | {"reference_price_usd": str(round(prices[spec["asset"]] / 10**8))}
        for name, spec in fields["markets"].items()
    }
    roles: dict[str, Any] = {name: Chain.account(f"the {name}") for name in ROLES}
    roles |= {f"{name}_delay_seconds": "0" for name in ROLES}
    tokens = {"TSLA.M": {"name": "Tesla (stock token)", "decimals": "18", "min_notional": "1", "price_usd": "250"}}
    overrides = {"assets": assets, "markets": markets, "roles": roles, "tokens": tokens, "lending": lending}
    return load("mainnet", overrides=overrides | {"treasury": Chain.account("treasury")})


def answer(chain: RpcChain, feed: str) -> int:
    return int(chain.contract(vendors()["EACAggregatorProxy"], feed).latestAnswer())


def attest(system: System) -> None:
    """The attestor counts enough shares of each stock token that was deployed."""
    for token in system.tokens.values():
        system.custody.attest(token, 10**30, system.chain.now, bytes(32), sender=Chain.account("the issuer"))
