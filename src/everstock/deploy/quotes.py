"""Deploys the order book and the settlement of signed quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from everstock.chain.accounts import address as named_address
from everstock.client.system import System
from everstock.deploy.roles import Role

if TYPE_CHECKING:
    from everstock.deploy.builder import Builder


def deploy_quotes(builder: Builder, system: System) -> None:
    """After assets and tokens: quotes name both."""
    sender, params = builder.sender, builder.params
    system.orders = builder.deploy("OrderBook", system.options.address, params.orders.max_price_age_seconds)
    # What an owner lets it do, it does in the tight band.
    system.options.setExecutor(system.orders.address, True, sender=sender)
    system.quotes = builder.deploy("QuoteSettlement", system.authority.address, system.oracle.address)
    builder.wire_roles(system.quotes, "QuoteSettlement")
    # Issuers' quotes mint and burn through it; it has no other code that uses the role.
    builder.grant(Role.ISSUER, system.quotes.address)
    for symbol, quoted in params.quotes.assets.items():
        config = (system.assets[quoted.asset].id, *quoted.bands_wad)
        system.quotes.setQuotedAsset(system.tokens[symbol].address, config, sender=sender)
    for name, token in params.quotes.pay_tokens.items():
        if token.address is None:
            contract = builder.deploy("MockDollar", token.decimals)
        else:
            contract = builder.chain.contract(builder.artifacts["MockDollar"], token.address)
        system.pay_tokens[name] = contract
        system.quotes.setPayToken(contract.address, True, sender=sender)
    for signer in params.quotes.signers.values():
        address = signer.address or named_address(signer.account or "")
        limit = int(signer.daily_limit_usd * 10**18)
        system.quotes.setSigner(address, (limit, signer.may_issue), sender=sender)
