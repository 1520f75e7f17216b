"""What is asked of a feed before the first transaction; and the parameters of the networks."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from everstock.artifacts import load as load_artifacts
from everstock.chain.evm import EvmChain
from everstock.deploy.checks import NotDeployable, check_feeds
from everstock.params import Params, UnknownNetwork, fields_of, load, named_for

HOLDERS = dict.fromkeys(("admin", "governor", "guardian", "issuer"), "0x" + "11" * 20)
TREASURY = "0x" + "22" * 20
NETWORKS = {"testnet": 84_532, "ethereum-sepolia": 11_155_111, "mainnet": 8_453}


def public(name: str) -> Params:
    return load(name, overrides={"roles": HOLDERS, "treasury": TREASURY})


# ---------------------------------------------------------------------------------------------- feeds


@pytest.fixture
def chain() -> EvmChain:
    return EvmChain()


@pytest.fixture
def feed(chain: EvmChain) -> Any:
    return chain.deploy(load_artifacts()["MockAggregator"], 8, 60_000 * 10**8, sender=chain.account("feeds"))


def params_of(feed: Any, **changes: object) -> Params:
    local = load("local").model_dump()
    bitcoin = local["assets"]["BTC"] | {"aggregator": feed.address, "initial_price_usd": None} | changes
    return Params.model_validate(local | {"assets": local["assets"] | {"BTC": bitcoin}})


def test_a_feed_that_fits_is_accepted(chain, feed):
    check_feeds(chain, params_of(feed), load_artifacts())


@pytest.mark.parametrize("price", [29_999, 120_001])
def test_a_feed_far_from_a_markets_reference_is_refused(chain, feed, price):
    feed.updateAnswer(price * 10**8, sender=chain.account("feeds"))
    with pytest.raises(NotDeployable, match=rf"BTC-7D/reference_price_usd: 60000 is far from the feed's {price}\.00"):
        check_feeds(chain, params_of(feed), load_artifacts())


@pytest.mark.parametrize("price", [30_000, 120_000])
def test_a_factor_of_two_is_near_enough(chain, feed, price):
    feed.updateAnswer(price * 10**8, sender=chain.account("feeds"))
    check_feeds(chain, params_of(feed), load_artifacts())


def test_a_feed_in_another_unit_is_refused(chain, feed):
    with pytest.raises(NotDeployable, match="assets/BTC/feed_decimals: 18, and the feed has 8"):
        check_feeds(chain, params_of(feed, feed_decimals=18), load_artifacts())


def test_a_feed_without_an_answer_is_refused(chain, feed):
    feed.updateAnswer(0, sender=chain.account("feeds"))
    with pytest.raises(NotDeployable, match="assets/BTC/aggregator: its answer is 0"):
        check_feeds(chain, params_of(feed), load_artifacts())


def test_a_feed_that_prints_no_more_is_refused(chain, feed):
    chain.warp(4_200)
    check_feeds(chain, params_of(feed), load_artifacts())
    chain.warp(1)
    with pytest.raises(NotDeployable, match="max_age_seconds: 4200, and the feed's last print is 4201 s old"):
        check_feeds(chain, params_of(feed), load_artifacts())


def test_a_contract_that_is_no_feed_is_refused(chain, feed):
    authority = chain.deploy(load_artifacts()["Authority"], chain.account("feeds"), sender=chain.account("feeds"))
    with pytest.raises(NotDeployable, match="does not answer as a Chainlink aggregator"):
        check_feeds(chain, params_of(authority), load_artifacts())


def test_a_feed_of_another_pair_is_refused(chain, feed):
    """Chainlink's proxies say what they print, as `ETH / USD`; the mock says where its source lies."""
    text = b"ETH / USD"
    answer = b"\x20".rjust(32, b"\0") + bytes([len(text)]).rjust(32, b"\0") + text.ljust(32, b"\0")
    call = chain.call

    def described(to: str, data: bytes, *rest: Any) -> bytes:
        return answer if data == feed.description.selector else call(to, data, *rest)

    chain.call = described  # type: ignore[method-assign]
    with pytest.raises(NotDeployable, match=r"assets/BTC/aggregator: 0x.* says it is ETH / USD"):
        check_feeds(chain, params_of(feed), load_artifacts())


# ---------------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize(("name", "chain_id"), NETWORKS.items())
def test_each_network_has_a_file(name, chain_id):
    params = public(name)
    assert params.chain_id == chain_id
    assert named_for(chain_id) == name
    assert params.roles.guardian_delay_seconds == 0
    assert all(asset.aggregator for asset in params.assets.values())


def test_a_local_chain_has_its_file():
    assert named_for(31_337) == "local"


def test_mainnet_delays_are_days():
    roles = public("mainnet").roles
    assert roles.admin_delay_seconds > roles.governor_delay_seconds >= 2 * 86_400


def test_an_unknown_chain_is_named():
    with pytest.raises(UnknownNetwork, match=r"no parameters for chain 10 in params/: there are .*testnet \(84532\)"):
        named_for(10)


def test_a_file_replaces_whole_fields_of_the_one_it_extends():
    below, above = fields_of("testnet"), fields_of("ethereum-sepolia")
    assert "extends" not in above
    assert {name for name in below if above[name] != below[name]} == {"network", "chain_id", "assets"}


def test_a_public_network_names_its_holders_treasury_and_feeds():
    with pytest.raises(ValidationError, match="without holders the deployer keeps every role"):
        load("testnet", overrides={"treasury": TREASURY})
    with pytest.raises(ValidationError, match="treasury: name it"):
        load("testnet", overrides={"roles": HOLDERS})
    mocked = {"BTC": fields_of("local")["assets"]["BTC"], "ETH": fields_of("local")["assets"]["ETH"]}
    with pytest.raises(ValidationError, match="assets BTC, ETH: name the aggregator"):
        load("testnet", overrides={"roles": HOLDERS, "treasury": TREASURY, "assets": mocked})
    with pytest.raises(ValidationError, match="chain_id: name it, except on a local chain"):
        load("local", overrides={"chain_id": "1"})
