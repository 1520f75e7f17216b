"""The ABIs of this version as one package: `dist/everstock-abi-<version>.zip`, for those who build on the contracts.

One JSON file a contract and interface, without test doubles, and `index.json` with version, commit and hashes. The same
sources give the same bytes.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from everstock import __version__
from everstock.artifacts import MANIFEST, find_root, load
from everstock.deploy.record import abi_hash
from everstock.home import commit_of

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time stamps would make two packages of the same sources differ."""


def contents(root: Path) -> dict[str, str]:
    """File name → text."""
    artifacts = load(root)
    types: dict[str, Any] = json.loads((root / MANIFEST).read_text())["contractTypes"]
    own = {
        name: list(artifacts[name].abi)
        for name, raw in sorted(types.items())
        if not raw["sourceId"].startswith("contracts/mocks/") and raw.get("abi")
    }
    index = {
        "name": "everstock-abi",
        "version": __version__,
        "commit": commit_of(root),
        "contracts": {name: abi_hash(abi) for name, abi in own.items()},
    }
    files = {f"{name}.json": abi for name, abi in own.items()} | {"index.json": index}
    return {name: json.dumps(value, indent=2) + "\n" for name, value in files.items()}


def write(root: Path, folder: Path) -> Path:
    """Write the package and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"everstock-abi-{__version__}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in sorted(contents(root).items()):
            package.writestr(zipfile.ZipInfo(f"everstock-abi-{__version__}/{name}", EPOCH), text)
    return path


def main() -> None:
    root = find_root()
    path = write(root, Path(sys.argv[1]) if len(sys.argv) > 1 else root / "dist")
    print(f"abi: {len(contents(root)) - 1} contracts in {path}")


if __name__ == "__main__":
    main()
