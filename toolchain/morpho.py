"""Compile the real Morpho Blue, the yardstick of our lending market's gas: `.build/morpho.json`.

The sources stay in `node_modules/@morpho-org/morpho-blue` (their licence lets us test with them, not ship them); the
compiler is solc 0.8.19 from npm, with the settings of Morpho's own release build. A second run does nothing.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "node_modules/@morpho-org/morpho-blue"
OUT = ROOT / ".build/morpho.json"
CONTRACTS = {"Morpho": "src/Morpho.sol", "IrmMock": "src/mocks/IrmMock.sol"}
SETTINGS = {"optimizer": {"enabled": True, "runs": 999_999}, "viaIR": True, "evmVersion": "paris"}
COMPILER = """
const solc = require("solc-0.8.19");
const answer = solc.compile(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify({ version: solc.version(), answer: JSON.parse(answer) }));
"""


def main() -> None:
    sources = {str(path.relative_to(PACKAGE)): path for path in sorted((PACKAGE / "src").rglob("*.sol"))}
    if not sources:
        sys.exit(f"error: no sources in {PACKAGE.relative_to(ROOT)} (npm ci)")
    newest = max(path.stat().st_mtime for path in (*sources.values(), Path(__file__)))
    if OUT.exists() and OUT.stat().st_mtime > newest:
        print("morpho: up to date")
        return
    wanted = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]
    selection = {file: {"*": wanted} for file in CONTRACTS.values()}
    request = {
        "language": "Solidity",
        "sources": {name: {"content": path.read_text()} for name, path in sources.items()},
        "settings": SETTINGS | {"outputSelection": selection},
    }
    done = subprocess.run(
        ["node", "-e", COMPILER], input=json.dumps(request), capture_output=True, text=True, check=True, cwd=ROOT
    )
    result = json.loads(done.stdout)
    errors = [e["formattedMessage"] for e in result["answer"].get("errors", []) if e["severity"] == "error"]
    if errors:
        sys.exit("\n".join(errors))
    built = {}
    for name, file in CONTRACTS.items():
        contract = result["answer"]["contracts"][file][name]
        built[name] = {
            "abi": contract["abi"],
            "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
            "deployedBytecode": "0x" + contract["evm"]["deployedBytecode"]["object"],
        }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"compiler": result["version"], "contracts": built}))
    print(f"morpho: compiled by solc {result['version']}")


if __name__ == "__main__":
    main()
