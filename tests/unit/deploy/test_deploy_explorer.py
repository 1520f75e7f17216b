"""What is handed to block explorers: compiled again from that input alone it gives the code that was deployed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from everstock.artifacts import find_root
from everstock.artifacts import load as load_artifacts
from everstock.deploy.explorer import write_inputs
from everstock.deploy.record import Record, digest
from support.public_node import PublicNode, finish

SOLCX = Path(os.environ.get("SOLCX_BINARY_PATH") or find_root() / ".venv" / "solcx")
KINDS = os.environ.get("EXPLORER_CONTRACTS", "CollateralVault,OptionMarket").split(",")
"""A contract without and one with a struct as argument. The variable names others; all of them take minutes."""


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    node, folder = PublicNode(), tmp_path_factory.mktemp("explorer")
    yield finish(node, folder, node.release(folder).plan())
    node.close()


@pytest.fixture(scope="module")
def inputs(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    assert write_inputs(record, folder) == sum(not each.external for each in record.contracts.values())
    return folder


def compiled(inputs: Path, source: str, contract: str, version: str) -> bytes:
    """As an explorer compiles it: the file as it is, and nothing of this checkout but the compiler."""
    standard = (inputs / f"{contract}.json").read_text()
    solc = SOLCX / f"solc-v{version.removeprefix('v').split('+')[0]}"
    done = subprocess.run(
        [solc, "--standard-json"], input=standard, capture_output=True, text=True, check=True, cwd=inputs, timeout=300
    )
    output: dict[str, Any] = json.loads(done.stdout)
    assert not [error for error in output.get("errors", ()) if error["severity"] == "error"]
    return bytes.fromhex(output["contracts"][source][contract]["evm"]["bytecode"]["object"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_input_compiles_to_what_was_sent(record: Record, inputs: Path, kind: str) -> None:
    listed = json.loads((inputs / "contracts.json").read_text())
    entries = {name: each for name, each in listed.items() if each["contract"].endswith(f":{kind}")}
    assert entries
    source, compiler = next((each["contract"].split(":")[0], each["compiler"]) for each in entries.values())
    code = compiled(inputs, source, kind, compiler)
    assert code == load_artifacts()[kind].bytecode
    sent = {step.address: step.data_hash for step in record.steps if step.kind != "call"}
    for each in entries.values():
        if each["address"] in sent:
            assert digest(code + bytes.fromhex(each["constructor_arguments"])) == sent[each["address"]]


def test_every_contract_of_the_system_is_listed_with_its_address(record: Record, inputs: Path) -> None:
    listed = json.loads((inputs / "contracts.json").read_text())
    assert {name: each["address"] for name, each in listed.items()} == {
        name: each.address for name, each in record.contracts.items() if not each.external
    }
    assert all((inputs / each["input"]).exists() for each in listed.values())
