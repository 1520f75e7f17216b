"""Loading what was compiled."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from everstock import artifacts
from everstock.artifacts import Artifact
from everstock.chain import NotCompiled, UnknownContract
from everstock.chain.registry import KNOWN

ERROR = {"type": "error", "name": "Test_OnlyHere", "inputs": [{"name": "a", "type": "uint8"}]}


def _write(root: Path, names: list[str]) -> Path:
    manifest = root / ".build" / "__local__.json"
    manifest.parent.mkdir(exist_ok=True)
    types = {
        name: {
            "abi": [ERROR],
            "deploymentBytecode": {"bytecode": "0x6001"},
            "runtimeBytecode": {"bytecode": "0x600160"},
        }
        for name in names
    }
    manifest.write_text(json.dumps({"contractTypes": types}))
    return manifest


def test_reads_code_and_sizes(tmp_path: Path) -> None:
    _write(tmp_path, ["Vault"])
    vault = artifacts.load(tmp_path)["Vault"]
    assert (vault.name, vault.bytecode, vault.runtime_size, vault.creation_size) == ("Vault", b"\x60\x01", 3, 2)


def test_errors_of_all_contracts_become_known(tmp_path: Path) -> None:
    _write(tmp_path, ["Vault"])
    artifacts.load(tmp_path)
    assert any(spec.signature == "Test_OnlyHere(uint8)" for spec in KNOWN.errors.values())


def test_is_cached_until_compiled_again(tmp_path: Path) -> None:
    manifest = _write(tmp_path, ["Vault"])
    first = artifacts.load(tmp_path)
    assert artifacts.load(tmp_path) is first
    _write(tmp_path, ["Vault", "Market"])
    os.utime(manifest, ns=(1, 1))
    assert set(artifacts.load(tmp_path)) == {"Vault", "Market"}


@pytest.mark.parametrize("content", [None, "{}", '{"contractTypes": {}}'])
def test_not_compiled_says_what_to_do(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        _write(tmp_path, []).write_text(content)
    with pytest.raises(NotCompiled, match="ape compile"):
        artifacts.load(tmp_path)


def test_unknown_contract_suggests_a_near_one(tmp_path: Path) -> None:
    _write(tmp_path, ["OptionMarket"])
    with pytest.raises(UnknownContract, match="did you mean OptionMarket"):
        artifacts.load(tmp_path)["OptionsMarket"]


def test_root_is_found_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, ["Vault"])
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert "Vault" in artifacts.load()


def test_third_party_build_file(tmp_path: Path) -> None:
    path = tmp_path / "Pair.json"
    path.write_text(json.dumps({"abi": [], "bytecode": "0x60", "deployedBytecode": {"object": "0x6060"}}))
    pair = Artifact.from_json(path)
    assert (pair.name, pair.bytecode, pair.runtime_size) == ("Pair", b"\x60", 2)
