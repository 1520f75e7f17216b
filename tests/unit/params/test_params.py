"""Parameter files: what is wrong with one is said by field, before anything is sent."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from everstock.artifacts import find_root
from everstock.params import UnknownNetwork, load

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
    assert load(path.stem).network == path.stem


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
    "a volatility over 300%": ("markets/BTC-7D/sigma_ref", "3.01"),
    "a volatility over the largest": ("markets/BTC-7D/sigma_ref", "2.01"),
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


def test_an_assets_name_fits_its_id(raw, tmp_path):
    raw["assets"]["B" * 32] = raw["assets"]["BTC"]
    with pytest.raises(ValidationError, match="longer than 31 bytes"):
        load("local", written(tmp_path, raw))


def test_the_bounds_themselves_are_good(raw, tmp_path):
    put(raw, "assets/BTC/max_age_seconds", "60")
    put(raw, "assets/BTC/deviation", "0.05")
    put(raw, "assets/ETH/max_age_seconds", "259200")
    put(raw, "markets/BTC-7D/loading", "0.5")
    put(raw, "markets/ETH-7D/loading", "0")
    put(raw, "sigma_max", "2")
    put(raw, "tokens/TSLA.M/decimals", "6")
    load("local", written(tmp_path, raw))


def test_parameters_do_not_change():
    params = load("local")
    with pytest.raises(ValidationError, match="frozen"):
        params.network = "elsewhere"
