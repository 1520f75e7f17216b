"""`ape run scenario` itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from everstock.artifacts import find_root


def scenario(*args: str) -> subprocess.CompletedProcess[str]:
    ape = Path(sys.executable).parent / "ape"
    command = [str(ape), "run", "scenario", *args]
    return subprocess.run(command, capture_output=True, text=True, cwd=find_root(), timeout=60, check=False)


def test_list_names_the_scenarios() -> None:
    done = scenario("--list")
    assert done.returncode == 0
    assert "tsla-shorts-btc" in done.stdout
    assert done.stderr == ""


def test_a_bad_price_file_ends_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    file.write_text("date,asset,open\n")
    done = scenario("tsla-shorts-btc", "--prices", str(file))
    assert done.returncode == 1
    assert "no column high, low, close" in done.stderr
    assert "Traceback" not in done.stderr
