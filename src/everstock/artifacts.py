"""The compiled contracts, read from the manifest that ``ape compile`` leaves in ``.build/__local__.json``, or from the
copy that the wheel carries.

Nothing here imports ape: a test that runs in process starts in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from everstock.chain.errors import NotCompiled, UnknownContract
from everstock.chain.registry import KNOWN
from everstock.home import MANIFEST, contracts_file, find_root

__all__ = ["MANIFEST", "Abi", "Artifact", "Artifacts", "find_root", "load"]

EXTENSIONS = {"PerpetualOptions": "OptionsExtension"}

Abi = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Artifact:
    """One compiled contract.

    ``bytecode`` is the creation code without constructor arguments, ``runtime_size`` the deployed size in bytes
    (limit 24,576). Two artifacts are equal only when they are the same object, so they can key caches.
    """

    name: str
    abi: Abi
    bytecode: bytes = b""
    runtime_size: int = 0

    @property
    def creation_size(self) -> int:
        """Size of the creation code in bytes, without constructor arguments (limit 49,152)."""
        return len(self.bytecode)

    @classmethod
    def from_json(cls, path: Path, name: str | None = None) -> Artifact:
        """Read a third party's build file: Hardhat, Foundry or Truffle style (``abi`` and ``bytecode``)."""
        raw = json.loads(path.read_text())
        runtime = _hex_bytes(raw.get("deployedBytecode", ""))
        return cls(name or raw.get("contractName") or path.stem, raw["abi"], _hex_bytes(raw["bytecode"]), len(runtime))


class Artifacts(dict[str, Artifact]):
    """Artifacts by contract name; a missing name raises :class:`UnknownContract` with the nearest names."""

    def __missing__(self, name: str) -> Artifact:
        raise UnknownContract(name, sorted(self))


_loaded: dict[Path, tuple[int, Artifacts]] = {}


def load(project_root: Path | str | None = None) -> Artifacts:
    """All contracts of the project, read once per compilation (the manifest's modification time decides).

    Without ``project_root`` it is the wheel's own copy, or else that of the nearest folder above the working directory
    that holds an ``ape-config.yaml`` or a manifest. Every error and event found is made known to
    :data:`everstock.chain.registry.KNOWN`.

    Raises:
        NotCompiled: there is no manifest, or it holds no contract.
    """
    manifest = contracts_file() if project_root is None else Path(project_root).resolve() / MANIFEST
    try:
        stamp = manifest.stat().st_mtime_ns
    except FileNotFoundError:
        raise NotCompiled(manifest.parents[1]) from None
    cached = _loaded.get(manifest)
    if cached and cached[0] == stamp:
        return cached[1]
    types: dict[str, Any] = json.loads(manifest.read_text()).get("contractTypes") or {}
    if not types:
        raise NotCompiled(manifest.parents[1])
    artifacts = Artifacts({name: _artifact(name, raw) for name, raw in types.items()})
    _extend(artifacts)
    for artifact in artifacts.values():
        KNOWN.add(artifact.abi)
    _loaded[manifest] = (stamp, artifacts)
    return artifacts


def _extend(artifacts: Artifacts) -> None:
    """What a contract does not know itself its extension answers: one address, one ABI."""
    for name, extension in EXTENSIONS.items():
        if name in artifacts and extension in artifacts:
            own = artifacts[name]
            known = [json.dumps(entry, sort_keys=True) for entry in own.abi]
            more = [
                entry
                for entry in artifacts[extension].abi
                if entry["type"] != "constructor" and json.dumps(entry, sort_keys=True) not in known
            ]
            artifacts[name] = replace(own, abi=[*own.abi, *more])


def _artifact(name: str, raw: Mapping[str, Any]) -> Artifact:
    creation = _hex_bytes(raw.get("deploymentBytecode") or "")
    runtime = _hex_bytes(raw.get("runtimeBytecode") or "")
    return Artifact(name, raw.get("abi") or [], creation, len(runtime))


def _hex_bytes(value: Any) -> bytes:
    if isinstance(value, Mapping):
        value = value.get("bytecode") or value.get("object") or ""
    return bytes.fromhex(str(value).removeprefix("0x"))
