"""Compile the contracts, and only what changed: `make compile`.

Plain `ape compile` works too and gives the same code. But it doesn't recompile a contract whose *imports* changed,
its metadata hash (the last bytes of the code) depends on which remappings the batch happened to use, it generates code
for every library on the way and it uses one processor. So this asks the same compiler, with the settings of
`ape-config.yaml`, for the stale contracts alone, and keeps the result where ape keeps its own,
`.build/__local__.json`. Ape then finds everything up to date.

A source is stale when anything it imports, directly or not, the settings or the compiler changed.

    python toolchain/compile.py [PATH...]     only the sources below these paths, when others are half written
"""

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
MANIFEST = BUILD / "__local__.json"
FINGERPRINTS = BUILD / "fingerprints.json"
CODE_OUTPUTS = [
    "abi",
    "devdoc",
    "userdoc",
    "evm.bytecode.object",
    "evm.bytecode.sourceMap",
    "evm.deployedBytecode.object",
    "evm.methodIdentifiers",
]

IMPORT = re.compile(r"""^\s*import\b[^;"']*["']([^"']+)["'][^;]*;""", re.MULTILINE)

Json = dict[str, Any]


class CompileError(Exception):
    """Something to tell the person who asked for the compilation."""


@dataclass(frozen=True)
class Config:
    folder: str
    version: str
    settings: Json
    remappings: dict[str, str]

    @classmethod
    def read(cls) -> "Config":
        config = yaml.safe_load((ROOT / "ape-config.yaml").read_text())
        solidity = config["solidity"]
        remappings = dict(entry.split("=", 1) for entry in solidity["import_remapping"])
        settings = {
            "optimizer": {"enabled": solidity["optimize"], "runs": solidity["optimization_runs"]},
            "evmVersion": solidity["evm_version"],
            "viaIR": solidity["via_ir"],
            "remappings": sorted(f"{key}={value}" for key, value in remappings.items()),
        }
        return cls(config["contracts_folder"], str(solidity["version"]), settings, remappings)


class Sources:
    """The contracts and all they import, by path below the project."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.text: dict[str, str] = {}
        self._imports: dict[str, set[str]] = {}
        self._missing: dict[str, str] = {}  # what is imported but not there: by whom
        folder = ROOT / config.folder
        self.own = sorted(
            path.relative_to(ROOT).as_posix()
            for path in folder.rglob("*.sol")
            if not any(part.startswith(".") for part in path.relative_to(folder).parts)
        )
        for source in self.own:
            self._load(source, "")

    def _load(self, source: str, importer: str) -> None:
        if source in self.text:
            return
        try:
            self.text[source] = (ROOT / source).read_text()
        except FileNotFoundError:
            self._missing[source] = importer
            return
        self._imports[source] = {self._resolve(source, match) for match in IMPORT.findall(self.text[source])}
        for imported in self._imports[source]:
            self._load(imported, source)

    def _resolve(self, importer: str, path: str) -> str:
        if path.startswith("."):
            return PurePosixPath(os.path.normpath(PurePosixPath(importer).parent / path)).as_posix()
        key = max((k for k in self.config.remappings if path.startswith(k + "/")), key=len, default=None)
        return path if key is None else self.config.remappings[key] + path.removeprefix(key)

    def closure(self, *roots: str) -> set[str]:
        found: set[str] = set()
        todo = list(roots)
        while todo:
            source = todo.pop()
            if source in self._missing:
                raise CompileError(f"{self._missing[source]} imports {source}, which is not there")
            if source not in found:
                found.add(source)
                todo.extend(self._imports[source])
        return found

    def fingerprint(self, source: str) -> str | None:
        """A digest of all that decides what the source compiles to. None if it can't compile."""
        try:
            parts = sorted(self.closure(source))
        except CompileError:
            return None
        digest = hashlib.sha256(json.dumps([self.config.version, self.config.settings], sort_keys=True).encode())
        for part in parts:
            digest.update(f"\0{part}\0{self.text[part]}".encode())
        return digest.hexdigest()


def run_solc(config: Config, sources: Sources, targets: list[str], outputs: Json | None = None) -> Json:
    folder = Path(os.environ.get("SOLCX_BINARY_PATH") or Path(sys.prefix) / "solcx")
    solc = folder / f"solc-v{config.version}"
    if not solc.exists():
        raise CompileError(f"{solc} is missing: run 'make setup'")
    request = {
        "language": "Solidity",
        "sources": {source: {"content": sources.text[source]} for source in sorted(sources.closure(*targets))},
        "settings": {**config.settings, "outputSelection": dict.fromkeys(targets, outputs or {"*": CODE_OUTPUTS})},
    }
    done = subprocess.run([solc, "--standard-json"], input=json.dumps(request), capture_output=True, text=True)
    if done.returncode:
        raise CompileError(f"solc failed ({done.returncode}): {done.stderr.strip()[-2000:]}")
    answer: Json = json.loads(done.stdout)
    return answer


def batches(sources: Sources, targets: list[str], count: int) -> list[list[str]]:
    """Split the work: longest first, each to the batch with the least to do. Interfaces cost next to nothing."""
    loads: list[tuple[int, list[str]]] = [(0, []) for _ in range(max(1, min(count, len(targets))))]
    for target in sorted(targets, key=lambda t: (-cost(sources, t), t)):
        at = min(range(len(loads)), key=lambda i: loads[i][0])
        loads[at] = (loads[at][0] + cost(sources, target), [*loads[at][1], target])
    return [batch for _, batch in loads if batch]


def cost(sources: Sources, target: str) -> int:
    if not re.search(r"^\s*(contract|library)\b", sources.text[target], re.MULTILINE):
        return 1
    return sum(len(sources.text[part]) for part in sources.closure(target))


def contract_type(name: str, source: str, output: Json) -> Json:
    """One contract in the form in which ape (ethpm) keeps it."""
    creation = output["evm"]["bytecode"]["object"]
    runtime = output["evm"]["deployedBytecode"]["object"]
    if "__$" in creation:
        raise CompileError(f"{source}: {name} needs a linked library: make the library's functions internal")
    return {
        "abi": output["abi"],
        "contractName": name,
        "deploymentBytecode": {"bytecode": "0x" + creation},
        "devdoc": output["devdoc"],
        "methodIdentifiers": output["evm"]["methodIdentifiers"],
        "runtimeBytecode": {"bytecode": "0x" + runtime},
        "sourceId": source,
        "sourcemap": output["evm"]["bytecode"]["sourceMap"],
        "userdoc": output["userdoc"],
    }


def read_json(path: Path) -> Json:
    try:
        loaded: Json = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return loaded


def write_json(path: Path, data: Json) -> None:
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(data, separators=(",", ":"), sort_keys=True))
    scratch.replace(path)


def compile_stale(only: list[str]) -> str:
    started = time.monotonic()
    config = Config.read()
    sources = Sources(config)
    manifest = read_json(MANIFEST)
    kept: dict[str, Json] = manifest.get("contractTypes", {})
    known: dict[str, Json] = read_json(FINGERPRINTS)
    wanted = {source: sources.fingerprint(source) for source in sources.own}

    def bytecodes(contracts: dict[str, Json], source: str) -> dict[str, str]:
        return {name: bytecode_digest(c) for name, c in contracts.items() if c["sourceId"] == source}

    def is_fresh(source: str) -> bool:
        entry = known.get(source)
        # The bytecodes tell whether ape has compiled the source since, on its own terms.
        return entry is not None and entry == {"fingerprint": wanted[source], "contracts": bytecodes(kept, source)}

    stale = [source for source in sources.own if not is_fresh(source)]
    chosen = [source for source in stale if not only or any(PurePosixPath(source).is_relative_to(p) for p in only)]
    contracts = {name: c for name, c in kept.items() if c["sourceId"] in wanted and c["sourceId"] not in chosen}
    for name, contract in compile_sources(config, sources, chosen):
        if name in contracts:
            both = f"{contracts[name]['sourceId']} and {contract['sourceId']}"
            raise CompileError(f"two contracts are named {name}, in {both}: ape keeps one of each name")
        contracts[name] = contract

    if chosen or set(known) - set(wanted):
        left = set(stale) - set(chosen)
        old_texts = manifest.get("sources", {})
        compiler = {
            "name": "solidity",
            "version": config.version,
            "contractTypes": sorted(contracts),
            "settings": config.settings,
        }
        texts = {source: {"content": sources.text[source], "urls": []} for source in wanted if source not in left}
        prints = {s: {"fingerprint": wanted[s], "contracts": bytecodes(contracts, s)} for s in wanted if s not in left}
        write_json(
            MANIFEST,
            {
                "compilers": [compiler],
                "contractTypes": contracts,
                "manifest": "ethpm/3",
                "sources": texts | {s: old_texts[s] for s in left if s in old_texts},
            },
        )
        write_json(FINGERPRINTS, prints | {s: known[s] for s in left if s in known})
    took = time.monotonic() - started
    return f"{len(sources.own)} sources, {len(contracts)} contracts; {len(chosen)} sources compiled in {took:.1f} s"


def compile_sources(config: Config, sources: Sources, targets: list[str]) -> Iterator[tuple[str, Json]]:
    groups = batches(sources, targets, os.cpu_count() or 1)
    if not groups:
        return
    with ThreadPoolExecutor(len(groups)) as pool:
        answers = list(pool.map(lambda group: run_solc(config, sources, group), groups))
    report([message for answer in answers for message in answer.get("errors", [])], config)
    for answer in answers:
        for source, outputs in answer.get("contracts", {}).items():
            for name, output in outputs.items():
                if source in targets:
                    yield name, contract_type(name, source, output)


def bytecode_digest(contract: Json) -> str:
    return hashlib.sha256(contract["deploymentBytecode"]["bytecode"].encode()).hexdigest()[:16]


def report(messages: list[Json], config: Config) -> None:
    """Show each message about our own sources once, and fail if there is an error anywhere."""
    failed = False
    shown: set[str] = set()
    for message in messages:
        is_error = message["severity"] == "error"
        failed |= is_error
        file = message.get("sourceLocation", {}).get("file", "")
        text = message["formattedMessage"].rstrip()
        if text not in shown and (is_error or file.startswith(config.folder + "/")):
            shown.add(text)
            print(text, end="\n\n", file=sys.stderr)
    if failed:
        raise CompileError("the contracts do not compile")


def main() -> None:
    only = [Path(path).resolve().relative_to(ROOT).as_posix() for path in sys.argv[1:]]
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may both want to compile
        try:
            print("compile:", compile_stale(only))
        except CompileError as error:
            sys.exit(f"compile: error: {error}")


if __name__ == "__main__":
    main()
