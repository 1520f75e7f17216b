"""Parameter files: what is wrong with one is said by field, before anything is sent."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from everstock.artifacts import find_root
from everstock.chain.base import LOCAL_CHAIN_ID
from everstock.params import UnknownNetwork, fields_of, load, named_for

CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
ROLES = ("admin", "governor", "guardian", "issuer")
HOLDERS = {
    role: "0x" + f"{index:02x}" * 20 for index, role in enumerate(("admin", "governor", "guardian", "issuer"), 1)
}
LOCAL = (find_root() / "params" / "local.yaml").read_text()


@pytest.fixture
def raw() -> dict[str, Any]:
    return yaml.load(LOCAL, Loader=yaml.BaseLoader)


def written(folder: Path, raw: dict[str, Any]) -> Path:
    (folder / "local.yaml").write_text(yaml.safe_dump(raw))
    return folder


def put(raw: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split("/")
    for each in parents:
        raw = raw[each]
    if value is None:
        del raw[last]
    else:
        raw[last] = value


def test_the_local_file_is_good():
    params = load("local")
    assert params.network == "local"
    assert params.markets["BTC-7D"].variance_budget_wad == 36 * 7 * 10**18 // (100 * 365)
    assert params.markets["BTC-7D"].initial_variance_wad == 36 * 10**16
    assert params.tokens["TSLA.M"].min_notional_units == 10**18


@pytest.mark.parametrize("path", sorted((find_root() / "params").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_in_the_repository_is_good(path):
    local = "chain_id" not in fields_of(path.stem)
    overrides = {} if local else {"roles": HOLDERS, "treasury": HOLDERS["admin"]}
    assert load(path.stem, overrides=overrides).network == ("local" if local else path.stem)


def test_a_strategy_is_tried_on_the_local_parameters_and_more():
    """They stand in a file of their own, which repeats what it extends and must not come to differ from it."""
    local, more = load("local"), load("strategies")
    for table in ("assets", "markets", "tokens"):
        below, above = getattr(local, table), getattr(more, table)
        assert {name: above[name] for name in below} == below
        assert {name for name in above if name not in below} == {n for n in above if n.startswith("NVDA")} != set()
    assert named_for(LOCAL_CHAIN_ID) == "local", "what a local chain is deployed with by default"


def test_numbers_are_read_as_decimals_not_as_floats():
    params = load("local")
    assert params.assets["BTC"].deviation == Decimal("0.001")
    assert params.markets["BTC-7D"].sigma_ref == Decimal("0.60")


def test_an_unknown_network_names_those_there_are():
    with pytest.raises(UnknownNetwork, match=r"no parameters for 'mars'.*local"):
        load("mars")


def test_an_empty_folder_says_so(tmp_path):
    with pytest.raises(UnknownNetwork, match="there are none"):
        load("local", tmp_path)


BAD = {
    "a field that nobody knows": ("assets/BTC/max_age", "4200"),
    "a section that nobody knows": ("fees", {}),
    "a missing section": ("markets", None),
    "a missing field": ("markets/BTC-7D/loading", None),
    "text for a number": ("markets/BTC-7D/loading", "much"),
    "not a number": ("markets/BTC-7D/loading", "nan"),
    "an infinite number": ("assets/BTC/initial_price_usd", "inf"),
    "a fraction of a second": ("assets/BTC/max_age_seconds", "4200.5"),
    "a loading over 50%": ("markets/BTC-7D/loading", "0.51"),
    "a loading below 0": ("markets/BTC-7D/loading", "-0.1"),
    "a print that is too old too soon": ("assets/BTC/max_age_seconds", "59"),
    "a print that is good for too long": ("assets/BTC/max_age_seconds", "259201"),
    "a deviation over 5%": ("assets/BTC/deviation", "0.051"),
    "too many feed decimals": ("assets/BTC/feed_decimals", "19"),
    "a price of nothing": ("assets/BTC/initial_price_usd", "0"),
    "a negative price": ("assets/BTC/initial_price_usd", "-5"),
    "a reference price out of bounds": ("markets/BTC-7D/reference_price_usd", "10000001"),
    "a volatility of nothing": ("markets/BTC-7D/sigma_ref", "0"),
    "a volatility over 200%": ("markets/BTC-7D/sigma_ref", "2.01"),
    "a volatility under the smallest": ("markets/BTC-30D/sigma_ref", "0.19"),
    "a tenor of nothing": ("markets/BTC-7D/tenor_days", "0"),
    "a tenor over a year": ("markets/BTC-7D/tenor_days", "366"),
    "a variance budget that is too small": ("markets/BTC-7D/tenor_days", "2"),
    "an asset that is not there": ("markets/BTC-7D/asset", "DOGE"),
    "too few decimals of a token": ("tokens/TSLA.M/decimals", "5"),
    "too many decimals of a token": ("tokens/TSLA.M/decimals", "19"),
    "a minimum of nothing": ("tokens/TSLA.M/min_notional", "0"),
    "a minimum of less than a unit": ("tokens/TSLA.M/min_notional", "0.0000000000000000001"),
    "a minimum that does not fit": ("tokens/TSLA.M/min_notional", "309485010"),
    "a negative delay": ("roles/governor_delay_seconds", "-1"),
    "a guardian that is too slow": ("roles/guardian_delay_seconds", "3601"),
    "a delay over a month": ("roles/issuer_delay_seconds", "2592001"),
    "a largest volatility over 200%": ("sigma_max", "2.01"),
    "a smallest volatility of nothing": ("sigma_min", "0"),
    "a smallest volatility under 1%": ("sigma_min", "0.0099"),
    "a smallest volatility that is the largest": ("sigma_min", "2"),
    "an address that is too short": ("treasury", "0x" + "11" * 19),
    "an address that is too long": ("treasury", "0x" + "11" * 21),
    "an address without 0x": ("treasury", "11" * 20),
    "an address that is a name": ("tokens/TSLA.M/address", "TSLA"),
    "an address with a digit of another alphabet": ("tokens/TSLA.M/address", "0x" + "1g" * 20),
    "an address with a wrong checksum": ("treasury", CHECKSUMMED.replace("aA", "Aa", 1)),
    "the zero address": ("treasury", "0x" + "00" * 20),
    "an admin that is no address": ("roles/admin", "me"),
    "an empty name": ("tokens/TSLA.M/name", ""),
    "a blank name": ("tokens/TSLA.M/name", "  "),
    "a name that is too long": ("tokens/TSLA.M/name", "T" * 32),
    "a delay without holders": ("roles/governor_delay_seconds", "1"),
    "a delay of an admin that is not named": ("roles/admin_delay_seconds", "172800"),
}


@pytest.mark.parametrize(("path", "value"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_named_by_its_field(raw, tmp_path, path, value):
    put(raw, path, value)
    with pytest.raises(ValidationError) as caught:
        load("local", written(tmp_path, raw))
    named = path.split("/")
    text = str(caught.value)
    assert named[-1] in text or named[-2] in text


def test_all_mistakes_are_named_at_once(raw, tmp_path):
    put(raw, "markets/BTC-7D/loading", "7")
    put(raw, "assets/ETH/deviation", "1")
    with pytest.raises(ValidationError) as caught:
        load("local", written(tmp_path, raw))
    assert {error["loc"] for error in caught.value.errors()} == {
        ("markets", "BTC-7D", "loading"),
        ("assets", "ETH", "deviation"),
    }


@pytest.mark.parametrize("sources", [{}, {"initial_price_usd": "60000", "aggregator": "0x" + "11" * 20}])
def test_an_asset_has_one_source_of_prices(raw, tmp_path, sources):
    asset = raw["assets"]["BTC"]
    del asset["initial_price_usd"]
    asset |= sources
    with pytest.raises(ValidationError, match="give either `aggregator`"):
        load("local", written(tmp_path, raw))


@pytest.mark.parametrize("section", ["assets", "markets", "tokens"])
@pytest.mark.parametrize(("name", "why"), [("B" * 32, "longer than 31 bytes"), ("é" * 16, "longer"), ("", "is empty")])
def test_names_fit_31_bytes(raw, tmp_path, section, name, why):
    raw[section][name] = next(iter(raw[section].values()))
    with pytest.raises(ValidationError, match=why):
        load("local", written(tmp_path, raw))


@pytest.mark.parametrize("section", ["assets", "markets", "tokens"])
def test_a_name_of_31_bytes_fits(raw, tmp_path, section):
    raw[section]["B" * 31] = next(iter(raw[section].values()))
    load("local", written(tmp_path, raw))


@pytest.mark.parametrize("text", [CHECKSUMMED, CHECKSUMMED.lower(), "0x" + CHECKSUMMED[2:].upper()])
def test_addresses_come_out_with_their_checksum(raw, tmp_path, text):
    put(raw, "treasury", text)
    put(raw, "tokens/TSLA.M/address", text)
    del raw["assets"]["BTC"]["initial_price_usd"]
    put(raw, "assets/BTC/aggregator", text)
    params = load("local", written(tmp_path, raw))
    assert params.treasury == params.tokens["TSLA.M"].address == params.assets["BTC"].aggregator == CHECKSUMMED


def test_holders_are_named_for_every_role_or_for_none(raw, tmp_path):
    raw["roles"] |= HOLDERS | {"governor_delay_seconds": "172800", "admin_delay_seconds": "172800"}
    roles = load("local", written(tmp_path, raw)).roles
    assert roles.handed_over
    assert (roles.governor, roles.governor_delay_seconds) == (HOLDERS["governor"], 172_800)
    del raw["roles"]["issuer"], raw["roles"]["admin"]
    with pytest.raises(ValidationError, match=r"of every role or of none: admin, issuer missing"):
        load("local", written(tmp_path, raw))


def test_a_delay_without_holders_says_why_not(raw, tmp_path):
    put(raw, "roles/governor_delay_seconds", "1")
    with pytest.raises(ValidationError, match="without holders the deployer keeps every role"):
        load("local", written(tmp_path, raw))


def test_only_on_local_the_deployer_keeps_the_roles(raw, tmp_path):
    put(raw, "network", "sepolia")
    with pytest.raises(ValidationError, match="roles: name their holders"):
        load("local", written(tmp_path, raw))
    raw["roles"] |= HOLDERS
    with pytest.raises(ValidationError, match="chain_id: name it"):
        load("local", written(tmp_path, raw))
    raw["chain_id"] = "11155111"
    with pytest.raises(ValidationError, match="treasury: name it"):
        load("local", written(tmp_path, raw))
    raw["treasury"] = HOLDERS["admin"]
    with pytest.raises(ValidationError, match="mocks are for local chains"):
        load("local", written(tmp_path, raw))
    for asset in raw["assets"].values():
        del asset["initial_price_usd"]
        asset["aggregator"] = HOLDERS["admin"]
    raw["quotes"] = {}  # its mocks have tests of their own
    with pytest.raises(ValidationError, match="stock: custody_shares: only on local does the deployer attest"):
        load("local", written(tmp_path, raw))
    del raw["stock"]["custody_shares"], raw["stock"]["desks"]
    load("local", written(tmp_path, raw))


def test_the_bounds_themselves_are_good(raw, tmp_path):
    put(raw, "assets/BTC/max_age_seconds", "60")
    put(raw, "assets/BTC/deviation", "0.05")
    put(raw, "assets/ETH/max_age_seconds", "259200")
    put(raw, "markets/BTC-7D/loading", "0.5")
    put(raw, "markets/ETH-7D/loading", "0")
    put(raw, "sigma_max", "2")
    put(raw, "sigma_min", "0.01")
    put(raw, "tokens/TSLA.M/decimals", "6")
    load("local", written(tmp_path, raw))


def test_parameters_do_not_change():
    params = load("local")
    with pytest.raises(ValidationError, match="frozen"):
        params.network = "elsewhere"
