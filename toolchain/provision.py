"""Finish the virtual environment: the steps of `make setup` that neither pip nor npm does.

Run by the environment's own Python, after `pip install` and `npm ci`. Safe to repeat. It puts

* the sources of the Solidity packages into `lib`, where `ape-config.yaml` looks for them;
* `anvil` into the environment's `bin`, as a link to the binary in `node_modules` (npm's launcher hides exit codes);
* solc into `.venv/solcx`: the native compiler if it can be downloaded, otherwise the WebAssembly one from npm;
* a `.pth` file into `site-packages`, so that every Python of the environment finds both, activated or not.
"""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

SOLC_VERSION = "0.8.30"
SOLC_COMMIT = "73712a01"
DOWNLOAD_LIMIT = 15  # seconds in all: a filtered network must not stall the set-up

# Folder below lib: folder below node_modules. Add one here and, for a new package, its remapping in ape-config.yaml.
SOLIDITY_SOURCES = {
    "@chainlink/contracts/src/v0.8/l2ep": "@chainlink/contracts/src/v0.8/l2ep",
    "@chainlink/contracts/src/v0.8/llo-feeds": "@chainlink/contracts/src/v0.8/llo-feeds",
    "@chainlink/contracts/src/v0.8/shared": "@chainlink/contracts/src/v0.8/shared",
    "@chainlink/local/src": "@chainlink/local/src",
    "@openzeppelin/contracts": "@openzeppelin/contracts",
    "@pythnetwork/pyth-sdk-solidity": "@pythnetwork/pyth-sdk-solidity",
    "@solady/src": "solady/src",
}

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sysconfig.get_path("scripts"))
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
SOLCX = Path(sys.prefix) / "solcx"

PTH = """\
import os, sys; \
os.environ.setdefault("SOLCX_BINARY_PATH", os.path.join(sys.prefix, "solcx")); \
b = os.path.join(sys.prefix, "bin"); p = os.environ.get("PATH", os.defpath); \
os.environ.__setitem__("PATH", p if b in p.split(os.pathsep) else b + os.pathsep + p)
"""


def link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(os.path.relpath(target, path.parent))


def version_of(program: Path) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=True)
    return " ".join(done.stdout.split())


def provide_sources() -> str:
    fresh = ROOT / "lib.new"
    shutil.rmtree(fresh, ignore_errors=True)
    count = 0
    for folder, package in SOLIDITY_SOURCES.items():
        origin = ROOT / "node_modules" / package
        sources = sorted(origin.rglob("*.sol"))
        if not sources:
            sys.exit(f"error: no Solidity sources in {origin.relative_to(ROOT)} (npm ci)")
        for source in sources:
            copy = fresh / folder / source.relative_to(origin)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        count += len(sources)
    shutil.rmtree(ROOT / "lib", ignore_errors=True)
    fresh.rename(ROOT / "lib")
    return f"{count} third-party Solidity sources"


def provide_anvil() -> str:
    system = platform.system().lower()
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    binary = ROOT / f"node_modules/@foundry-rs/anvil-{system}-{machine}/bin/anvil"
    if not binary.is_file():
        sys.exit(f"error: no anvil for {system} {platform.machine()}: expected {binary.relative_to(ROOT)} (npm ci)")
    binary.chmod(binary.stat().st_mode | 0o111)
    link(BIN / "anvil", binary)
    return version_of(BIN / "anvil").split(" Build", 1)[0].removeprefix("anvil Version: ")


def provide_solc() -> str:
    SOLCX.mkdir(exist_ok=True)
    solc = SOLCX / f"solc-v{SOLC_VERSION}"
    if not is_native(solc):
        solc.unlink(missing_ok=True)
        if not download(solc):
            solc.unlink(missing_ok=True)  # perhaps half a file
            link(solc, ROOT / "toolchain/solc.cjs")
    found = version_of(solc)
    if f"{SOLC_VERSION}+commit.{SOLC_COMMIT}" not in found:
        sys.exit(f"error: {solc} says it is '{found}', wanted {SOLC_VERSION}+commit.{SOLC_COMMIT}")
    return ("native" if is_native(solc) else "WebAssembly from npm") + ", " + found.rpartition(" ")[2]


def is_native(solc: Path) -> bool:
    return solc.is_file() and not solc.is_symlink()


def download(solc: Path) -> bool:
    """Let py-solc-x install the native compiler. False if it can't, for whatever reason, within the limit."""
    script = f"import solcx; solcx.install_solc('{SOLC_VERSION}')"
    try:
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "SOLCX_BINARY_PATH": str(SOLCX)},
            capture_output=True,
            timeout=DOWNLOAD_LIMIT,
            check=True,
        )
        version_of(solc)  # a binary for another processor installs, but doesn't run
    except (subprocess.SubprocessError, OSError):
        return False
    return True


def main() -> None:
    if sys.prefix == sys.base_prefix:
        sys.exit("error: run this with the Python of a virtual environment")
    (SITE_PACKAGES / "everstock-toolchain.pth").write_text(PTH)
    print("lib:  ", provide_sources())
    print("anvil:", provide_anvil())
    print("solc: ", provide_solc())


if __name__ == "__main__":
    main()
