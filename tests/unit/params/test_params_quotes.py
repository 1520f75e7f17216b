"""The sections `orders` and `quotes` of a parameter file."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from everstock.params.quotes import Orders, Quotes, QuoteSigner
from everstock.params.schema import load

ADDRESS = "0x" + "11" * 20


def quotes(**changes: Any) -> dict[str, Any]:
    local = load("local")
    return local.model_dump() | {"quotes": local.quotes.model_dump() | changes}


def test_the_local_sections():
    local = load("local")
    assert local.orders.max_price_age_seconds == 60
    assert local.quotes.assets["TSLA.M"].bands_wad == (2 * 10**16, 5 * 10**16)
    assert local.quotes.signers["issuer"].may_issue
    assert not local.quotes.signers["maker"].may_issue


@pytest.mark.parametrize("age", [4, 301])
def test_the_age_of_a_price_is_bounded(age):
    with pytest.raises(ValidationError, match="max_price_age_seconds"):
        Orders(max_price_age_seconds=age)


@pytest.mark.parametrize("who", [{}, {"account": "maker", "address": ADDRESS}])
def test_a_signer_is_an_address_or_an_actor(who):
    with pytest.raises(ValidationError, match="either `address` or `account`"):
        QuoteSigner(daily_limit_usd=1, **who)


@pytest.mark.parametrize(("symbol", "asset"), [("NVDA.M", "TSLA"), ("TSLA.M", "NVDA")])
def test_a_quoted_asset_is_known(symbol, asset):
    changed = quotes(assets={symbol: {"asset": asset, "open_band": "0.02"}})
    with pytest.raises(ValidationError, match=f"quotes/assets/{symbol}: an unknown token, or an unknown asset {asset}"):
        type(load("local")).model_validate(changed)


@pytest.mark.parametrize(
    ("section", "match"),
    [
        ({"pay_tokens": {"USDX": {"decimals": 6}}}, "quotes/pay_tokens/USDX: name the address"),
        ({"signers": {"maker": {"account": "maker", "daily_limit_usd": 1}}}, "quotes/signers/maker: only on local"),
    ],
)
def test_mocks_and_actors_are_for_local_chains(section, match):
    local = load("local").model_dump()
    for asset in local["assets"].values():
        asset |= {"aggregator": ADDRESS, "initial_price_usd": None}
    for name in ("admin", "governor", "guardian", "issuer"):
        local["roles"][name] = ADDRESS
    local["stock"]["custody_shares"] = None
    public = {"network": "base", "chain_id": 8453, "treasury": ADDRESS, "quotes": section}
    with pytest.raises(ValidationError, match=match):
        type(load("local")).model_validate(local | public)
    assert Quotes().signers == {}
