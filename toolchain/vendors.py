"""Compile third-party contracts that our own compiler cannot: `.build/vendors.json`, for `make fork`.

Their sources stay in `node_modules`; the compilers are the versions they were written for, from npm. A second run does
nothing. What ships bytecode (Uniswap) is used as it comes.
"""

import json
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
OUT = ROOT / ".build/vendors.json"

# Package, compiler, settings, and file by contract. The settings are those of the vendors' own releases.
VENDORS: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    (
        "chainlink-contracts-0.8",
        "solc-0.6.6",
        {"optimizer": {"enabled": True, "runs": 1_000_000}, "evmVersion": "istanbul"},
        {"FluxAggregator": "src/v0.6/FluxAggregator.sol", "EACAggregatorProxy": "src/v0.6/EACAggregatorProxy.sol"},
    ),
    (
        "@morpho-org/morpho-blue",
        "solc-0.8.19",
        {"optimizer": {"enabled": True, "runs": 999_999}, "viaIR": True, "evmVersion": "paris"},
        {"Morpho": "src/Morpho.sol", "IrmMock": "src/mocks/IrmMock.sol"},
    ),
]

IMPORT = re.compile(r"""^\s*import\b[^;"']*["'](\.[^"']+)["'][^;]*;""", re.MULTILINE)
COMPILER = """
const solc = require(process.argv[1]);
process.stdout.write(solc.compile(require("fs").readFileSync(0, "utf8")));
"""


def closure(package: Path, files: list[str]) -> dict[str, str]:
    """The files and all that they import, by path below the package."""
    found: dict[str, str] = {}
    todo = list(files)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found[name] = (package / name).read_text()
        for path in IMPORT.findall(found[name]):
            parts: list[str] = []
            for part in PurePosixPath(name).parent.joinpath(path).parts:
                if part == "..":
                    parts.pop()
                elif part != ".":
                    parts.append(part)
            todo.append("/".join(parts))
    return found


def build(package: str, compiler: str, settings: dict[str, Any], contracts: dict[str, str]) -> dict[str, Any]:
    wanted = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]
    selection = {file: {name: wanted} for name, file in contracts.items()}
    request = {
        "language": "Solidity",
        "sources": {n: {"content": text} for n, text in closure(MODULES / package, list(contracts.values())).items()},
        "settings": settings | {"outputSelection": selection},
    }
    done = subprocess.run(
        ["node", "-e", COMPILER, compiler],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    answer = json.loads(done.stdout)
    errors = [each["formattedMessage"] for each in answer.get("errors", []) if each["severity"] == "error"]
    if errors:
        sys.exit("\n".join(errors))
    return {
        name: {
            "contractName": name,
            "abi": answer["contracts"][file][name]["abi"],
            "bytecode": "0x" + answer["contracts"][file][name]["evm"]["bytecode"]["object"],
            "deployedBytecode": "0x" + answer["contracts"][file][name]["evm"]["deployedBytecode"]["object"],
        }
        for name, file in contracts.items()
    }


def main() -> None:
    inputs = [Path(__file__), *(MODULES / package / "package.json" for package, *_ in VENDORS)]
    if missing := [str(path.relative_to(ROOT)) for path in inputs if not path.exists()]:
        sys.exit(f"error: {', '.join(missing)} missing: run 'make setup'")
    if OUT.exists() and OUT.stat().st_mtime > max(path.stat().st_mtime for path in inputs):
        print("vendors: up to date")
        return
    built = {name: contract for vendor in VENDORS for name, contract in build(*vendor).items()}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(built))
    print(f"vendors: compiled {', '.join(built)}")


if __name__ == "__main__":
    main()
