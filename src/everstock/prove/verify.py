"""`make verify`: what needs no run. Slither reads the contracts, halmos proves properties of arithmetic and ledger.

Every finding of slither of medium impact or above has its explanation in `toolchain/verify/triage.yaml`, or the command
fails. Every `check_…` function in `tests/verify` is a property, in the words of its `@notice`, that halmos proves for
all arguments by symbolic execution of the compiled code.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click
import yaml
from rich import box
from rich.console import Console
from rich.table import Table

from everstock.artifacts import find_root
from everstock.prove.tree import compiler

TRIAGE = Path("toolchain") / "verify" / "triage.yaml"
DRIVER = Path("toolchain") / "verify" / "static.py"
PROOFS = Path("tests") / "verify"
SERIOUS = ("High", "Medium")
LOOPS = 16
"""Iterations that halmos follows: more than any loop of a proof has."""

PROOF_OUTPUTS = {
    "*": ["abi", "metadata", "userdoc", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.methodIdentifiers"],
    "": ["ast"],
}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
VERDICT = re.compile(r"^\[(\w+)\] (check_\w+)\((.*?)\) \(paths: (\d+), time: ([\d.]+)s", re.MULTILINE)
PLACE = re.compile(r"\b([A-Za-z]\w*)\.(\w+)\(")
INCOMPLETE = "not been fully explored"


class VerifierMissing(Exception):
    """The verifying tools are not installed: run `make verify`."""


# ── slither ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True)
class Finding:
    """One finding in the project's own contracts; `where` is `Contract.function`."""

    check: str
    impact: str
    where: str
    place: str
    text: str


def findings(raw: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Serious ones about contracts that are deployed: test doubles and third parties' code are left out."""
    found = []
    for each in raw:
        if each["impact"] not in SERIOUS or not each["elements"]:
            continue
        mapping = each["elements"][0]["source_mapping"]
        file = mapping["filename_relative"]
        if not file.startswith("contracts/") or file.startswith("contracts/mocks/"):
            continue
        text = each["description"].strip().splitlines()[0]
        match = PLACE.search(text)
        where = ".".join(match.groups()) if match else Path(file).stem
        place = f"{file}:{mapping['lines'][0]}" if mapping["lines"] else file
        found.append(Finding(each["check"], each["impact"], where, place, text))
    return sorted(found, key=lambda each: (each.check, each.place))


def explanation(finding: Finding, triage: Mapping[str, Mapping[str, str]]) -> str | None:
    """The sentence that explains it, if there is one."""
    for pattern, why in triage.get(finding.check, {}).items():
        if fnmatchcase(finding.where, pattern):
            return why
    return None


def unused(found: Sequence[Finding], triage: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Explanations of what is no longer found."""
    return [
        f"{check} {pattern}"
        for check, entries in triage.items()
        for pattern in entries
        if not any(each.check == check and fnmatchcase(each.where, pattern) for each in found)
    ]


def run_slither(root: Path, tools: Path) -> list[Finding]:
    tool = compiler(root)
    config = tool.Config.read()
    sources = tool.Sources(config)
    own = [source for source in sources.own if not source.startswith("contracts/mocks/")]
    request = {
        "language": "Solidity",
        "sources": {name: {"content": sources.text[name]} for name in sorted(sources.closure(*own))},
        "settings": {**config.settings, "outputSelection": {"*": {"": ["ast"], "*": ["abi", "devdoc", "userdoc"]}}},
    }
    solc = solc_path(config.version)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "input.json"
        path.write_text(json.dumps(request))
        command = [str(tools / "bin" / "python"), str(root / DRIVER), str(path), str(solc), str(root)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"slither failed: {done.stderr[-2_000:]}")
    return findings(json.loads(done.stdout))


def findings_table(found: Sequence[Finding], triage: Mapping[str, Mapping[str, str]]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, title="Slither, medium and above", title_justify="left", title_style="bold")
    for name in ("check", "impact", "where"):
        grid.add_column(name, no_wrap=True)
    grid.add_column("why it is no defect")
    for each in found:
        why = explanation(each, triage)
        grid.add_row(each.check, each.impact, each.where, why or f"[bold red]unexplained[/bold red] {each.place}")
    return grid


# ── halmos ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True)
class Proof:
    """A property and what came of it: PASS, FAIL, TIMEOUT, ERROR, or MISSING."""

    contract: str
    function: str
    words: str
    verdict: str = "MISSING"
    paths: int = 0
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return self.verdict == "PASS"


def properties(contract: str, output: Mapping[str, Any]) -> dict[str, Proof]:
    """The `check_…` functions of a compiled contract, by name."""
    notices = output["userdoc"].get("methods", {})
    found = {}
    for signature in output["evm"]["methodIdentifiers"]:
        name = signature.split("(")[0]
        if name.startswith("check_"):
            found[name] = Proof(contract, name, notices.get(signature, {}).get("notice", ""))
    return found


def read_verdicts(text: str, expected: Mapping[str, Proof]) -> list[Proof]:
    """What halmos printed. A proof that did not follow every path counts as failed."""
    text = COLOUR.sub("", text)
    met = {}
    for verdict, name, _, paths, seconds in VERDICT.findall(text):
        met[name] = (verdict, int(paths), float(seconds))
    partial = INCOMPLETE in re.sub(r"\s+", " ", text)
    proofs = []
    for name, proof in expected.items():
        verdict, paths, seconds = met.get(name, ("MISSING", 0, 0.0))
        if partial and verdict == "PASS" and _is_partial(text, name):
            verdict = "PARTIAL"
        proofs.append(Proof(proof.contract, name, proof.words, verdict, paths, seconds))
    return proofs


def _is_partial(text: str, name: str) -> bool:
    return any(name in warning and INCOMPLETE in warning for warning in _warnings(text))


def _warnings(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", each.split("[", 1)[0]) for each in text.split("WARNING")[1:]]


def build_proofs(root: Path, out: Path) -> dict[str, dict[str, Proof]]:
    """Compile the proofs into the form that forge leaves; not through the IR, whose code is dear to explore."""
    tool = compiler(root)
    config = tool.Config.read()
    config.settings["viaIR"] = False
    sources = tool.Sources(config)
    targets = sorted(path.relative_to(root).as_posix() for path in (root / PROOFS).glob("*.sol"))
    for target in targets:
        sources._load(target, "")
    answer = tool.run_solc(config, sources, targets, PROOF_OUTPUTS)
    errors = [each["formattedMessage"] for each in answer.get("errors", ()) if each["severity"] == "error"]
    if errors:
        raise RuntimeError("\n".join(errors))
    expected = {}
    for target in targets:
        for name, output in answer["contracts"][target].items():
            folder = out / Path(target).name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.json").write_text(json.dumps(_as_forge_does(output, answer["sources"][target]["ast"])))
            if found := properties(name, output):
                expected[name] = found
    return expected


def _as_forge_does(output: Mapping[str, Any], tree: Any) -> dict[str, Any]:
    evm = output["evm"]
    return {
        "abi": output["abi"],
        "bytecode": {"object": "0x" + evm["bytecode"]["object"], "linkReferences": {}},
        "deployedBytecode": {"object": "0x" + evm["deployedBytecode"]["object"], "linkReferences": {}},
        "methodIdentifiers": evm["methodIdentifiers"],
        "metadata": json.loads(output["metadata"]),
        "ast": tree,
        "id": 0,
    }


def run_halmos(tools: Path, folder: Path, contract: str, expected: Mapping[str, Proof], timeout: int) -> list[Proof]:
    """Halmos builds through forge; ours is built already, so that its forge does nothing."""
    shim = folder / "bin"
    shim.mkdir(exist_ok=True)
    (shim / "forge").write_text("#!/bin/sh\nexit 0\n")
    (shim / "forge").chmod(0o755)
    path = os.pathsep.join([str(shim), str(tools / "bin"), os.environ["PATH"]])
    options = ["--root", str(folder), "--contract", contract, "--loop", str(LOOPS)]
    command = [str(tools / "bin" / "halmos"), *options, "--solver-timeout-assertion", f"{timeout}s"]
    done = subprocess.run(command, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    return read_verdicts(done.stdout + done.stderr, expected)


def proofs_table(proofs: Sequence[Proof]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, title="Proofs, for all arguments", title_justify="left", title_style="bold")
    grid.add_column("property")
    grid.add_column("by", no_wrap=True)
    grid.add_column("", no_wrap=True)
    grid.add_column("paths", justify="right")
    grid.add_column("s", justify="right")
    for each in proofs:
        verdict = "[green]proved[/green]" if each.holds else f"[bold red]{each.verdict}[/bold red]"
        by = f"{each.contract}.{each.function.removeprefix('check_')}"
        grid.add_row(each.words, by, verdict, str(each.paths), f"{each.seconds:.1f}")
    return grid


# ── command ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def solc_path(version: str) -> Path:
    return Path(os.environ.get("SOLCX_BINARY_PATH") or Path(sys.prefix) / "solcx") / f"solc-v{version}"


def load_triage(root: Path) -> dict[str, dict[str, str]]:
    triage: dict[str, dict[str, str]] = yaml.safe_load((root / TRIAGE).read_text())
    return triage


@click.command()
@click.option("--tools", type=click.Path(path_type=Path), default=None, help="Environment with slither and halmos.")
@click.option("--only", type=click.Choice(["static", "proofs"]), default=None, help="One half.")
@click.option("--timeout", default=120, show_default=True, help="Seconds that a solver may take for one assertion.")
def main(tools: Path | None, only: str | None, timeout: int) -> None:
    """Static analysis and proofs; fails on an unexplained finding, and on a property that is not proved."""
    root = find_root()
    tools = tools or root / ".venv" / "verify"
    if not (tools / "bin" / "halmos").exists():
        raise VerifierMissing(f"no halmos in {tools}: run `make verify`")
    console = Console()
    console = Console(width=max(console.width, 170))
    failed = False
    if only != "proofs":
        started, triage = time.monotonic(), load_triage(root)
        with console.status("slither"):
            found = run_slither(root, tools)
        console.print(findings_table(found, triage))
        unexplained = [each for each in found if explanation(each, triage) is None]
        for stale in unused(found, triage):
            console.print(f"[yellow]explained, but no longer found:[/yellow] {stale}")
        console.print(
            f"{len(found)} findings, {len(unexplained)} unexplained, in {time.monotonic() - started:.0f} s\n",
            style="bold red" if unexplained else "",
        )
        failed |= bool(unexplained)
    if only != "static":
        proofs: list[Proof] = []
        with tempfile.TemporaryDirectory(prefix="everstock-proofs-") as scratch, console.status("compiling") as status:
            expected = build_proofs(root, Path(scratch) / "out")
            for contract, wanted in expected.items():
                status.update(f"proving {contract}")
                proofs += run_halmos(tools, Path(scratch), contract, wanted, timeout)
        console.print(proofs_table(proofs))
        console.print(f"{sum(each.holds for each in proofs)} of {len(proofs)} properties proved")
        failed |= not proofs or not all(each.holds for each in proofs)
    sys.exit(failed)


if __name__ == "__main__":
    main()
