"""What block explorers ask for to verify a contract: the compiler's standard JSON input, and constructor arguments."""

from __future__ import annotations

import importlib.util
import json
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from everstock.artifacts import Artifacts, find_root
from everstock.artifacts import load as load_artifacts
from everstock.chain.codec import Codec
from everstock.deploy.record import Record


def write_inputs(record: Record, folder: Path, artifacts: Artifacts | None = None) -> int:
    """One file per kind of contract, `<Contract>.json`, and `contracts.json` with addresses and arguments.

    Returns how many contracts `contracts.json` lists.
    """
    artifacts = artifacts or load_artifacts()
    folder.mkdir(parents=True, exist_ok=True)
    listed: dict[str, Any] = {}
    for name, contract in record.contracts.items():
        if contract.external:
            continue
        path = folder / f"{contract.contract}.json"
        if not path.exists():
            path.write_text(json.dumps(standard_json(contract.contract), indent=2) + "\n")
        compiler = _toolchain().Config.read()
        listed[name] = {
            "address": contract.address,
            "contract": f"{source_of(contract.contract)}:{contract.contract}",
            "compiler": compiler.version,
            "input": path.name,
            "constructor_arguments": None
            if contract.constructor is None
            else encode(artifacts[contract.contract].abi, contract.constructor),
        }
    (folder / "contracts.json").write_text(json.dumps(listed, indent=2) + "\n")
    return len(listed)


def standard_json(contract: str) -> dict[str, Any]:
    """The compiler's input that gives exactly the recorded code: all its sources, and the settings."""
    toolchain = _toolchain()
    config = toolchain.Config.read()
    sources = toolchain.Sources(config)
    source = source_of(contract)
    closure = sorted(sources.closure(source))
    return {
        "language": "Solidity",
        "sources": {path: {"content": sources.text[path]} for path in closure},
        "settings": {**config.settings, "outputSelection": {source: {contract: ["abi", "evm.bytecode.object"]}}},
    }


def encode(abi: Any, arguments: dict[str, Any]) -> str:
    """The constructor's arguments, as hexadecimal text without 0x."""
    inputs = next((entry.get("inputs", ()) for entry in abi if entry.get("type") == "constructor"), ())
    values = [_parsed(each, value) for each, value in zip(inputs, arguments.values(), strict=True)]
    return Codec(inputs).encode(values).hex()


def source_of(contract: str) -> str:
    """Path of the file that a contract of the build stands in."""
    return str(_manifest()["contractTypes"][contract]["sourceId"])


def _parsed(param: Any, value: Any) -> Any:
    """From the record's text back to a value."""
    kind: str = param["type"]
    if kind.endswith("]"):
        element = {**param, "type": kind[: kind.rindex("[")]}
        return [_parsed(element, each) for each in value]
    if kind == "tuple":
        return [_parsed(each, part) for each, part in zip(param["components"], value.values(), strict=True)]
    return int(value) if "int" in kind else value


@cache
def _manifest() -> dict[str, Any]:
    return dict(json.loads((find_root() / ".build" / "__local__.json").read_text()))


@cache
def _toolchain() -> ModuleType:
    """The compile step knows sources and settings; it belongs to the checkout and not to the package."""
    path = find_root() / "toolchain" / "compile.py"
    spec = importlib.util.spec_from_file_location("everstock_toolchain_compile", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module
