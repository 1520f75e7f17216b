"""The ABI package: what is in it, and that the same sources give the same bytes."""

from __future__ import annotations

import json
import zipfile

from everstock import __version__
from everstock.artifacts import find_root, load
from everstock.deploy.record import abi_hash
from everstock.report.abi import write


def test_it_holds_every_contract_with_its_hash_and_no_test_double(tmp_path):
    path = write(find_root(), tmp_path)
    with zipfile.ZipFile(path) as package:
        files = {name.split("/")[1]: json.loads(package.read(name)) for name in package.namelist()}
    index = files.pop("index.json")
    assert index["version"] == __version__
    assert set(index["contracts"]) == {name.removesuffix(".json") for name in files}
    assert {"PerpetualOptions", "IPerpetualOptions", "MainPool", "StockToken"} <= set(index["contracts"])
    assert not [name for name in files if name.startswith(("Mock", "Hostile", "Test"))]
    for name, abi in files.items():
        assert abi == load()[name.removesuffix(".json")].abi
        assert index["contracts"][name.removesuffix(".json")] == abi_hash(abi)


def test_it_is_the_same_each_time(tmp_path):
    first, second = (write(find_root(), tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first == second
