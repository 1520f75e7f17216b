"""What can be told from the chain before the first transaction."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from everstock.artifacts import Artifacts
from everstock.chain.base import Chain
from everstock.chain.errors import ChainError
from everstock.deploy.handover import holders
from everstock.params import Params


class NotDeployable(Exception):
    """The parameters do not fit the chain. Nothing was sent; the message names every field."""


def check(chain: Chain, params: Params, sender: str) -> None:
    """Raises `NotDeployable` when a given contract has no code, or the deployer would hand its roles to itself."""
    faults = list(_faults(chain, params, sender))
    if faults:
        raise NotDeployable("; ".join(faults))


def check_feeds(chain: Chain, params: Params, artifacts: Artifacts) -> None:
    """What may be true of a feed today and not tomorrow: so it is asked once, before the first transaction.

    Raises:
        NotDeployable: a feed answers in another unit, for something else, not at all, or far from a market's reference.
    """
    faults = list(_feed_faults(chain, params, artifacts))
    if faults:
        raise NotDeployable("; ".join(faults))


def _feed_faults(chain: Chain, params: Params, artifacts: Artifacts) -> Iterator[str]:
    prices: dict[str, Decimal] = {}
    for name, asset in params.assets.items():
        if asset.aggregator is None or not chain.code(asset.aggregator):
            continue
        field = f"assets/{name}"
        feed = chain.contract(artifacts["MockAggregator"], asset.aggregator)
        try:
            described, decimals = feed.description(), feed.decimals()
            _, answer, _, stamp, _ = feed.latestRoundData()
        except ChainError as error:
            yield f"{field}/aggregator: {asset.aggregator} does not answer as a Chainlink aggregator: {error}"
            continue
        pair = [part.strip() for part in described.split("/")]
        if len(pair) == 2 and pair[0] != name:
            yield f"{field}/aggregator: {asset.aggregator} says it is {described}"
        if decimals != asset.feed_decimals:
            yield f"{field}/feed_decimals: {asset.feed_decimals}, and the feed has {decimals}"
        if answer <= 0:
            yield f"{field}/aggregator: its answer is {answer}"
        elif chain.now - stamp > asset.max_age_seconds:
            age = chain.now - stamp
            yield f"{field}/max_age_seconds: {asset.max_age_seconds}, and the feed's last print is {age} s old"
        else:
            prices[name] = Decimal(answer).scaleb(-decimals)
    for name, market in params.markets.items():
        price = prices.get(market.asset)
        if price is not None and not price / 2 <= market.reference_price_usd <= price * 2:
            reference = market.reference_price_usd
            yield f"markets/{name}/reference_price_usd: {reference} is far from the feed's {price:.2f}"


def _faults(chain: Chain, params: Params, sender: str) -> Iterator[str]:
    given = {f"assets/{name}/aggregator": asset.aggregator for name, asset in params.assets.items()}
    given |= {f"tokens/{symbol}/address": token.address for symbol, token in params.tokens.items()}
    given |= {f"assets/{n}/guards/check_aggregator": a.guards.check_aggregator for n, a in params.assets.items()}
    given |= {f"assets/{n}/guards/sequencer": a.guards.sequencer for n, a in params.assets.items()}
    for field, address in given.items():
        if address is not None and not chain.code(address):
            yield f"{field}: there is no contract at {address}: is it of another network?"
    for role, (holder, _) in holders(params).items():
        if holder == sender:
            yield f"roles/{role.name.lower()}: {holder} is the deployer, who gives its roles away"
