"""Every command that a page names is there, with the options and arguments that the page gives it.

Commands stand in indented blocks, in fenced ones without a language or with `sh`, and in the text between backticks.
Those in blocks run, in `test_blocks.py`. Here those run that are cheap and change nothing; of the others make says what
it would do, ape's commands and the package's modules show their help, and files exist.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from everstock.artifacts import find_root

ROOT = find_root()
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "contracts").rglob("*.md")]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELLS = {"", "sh", "shell", "bash", "console"}
INDENTED = re.compile(r"^ {4,}(\S.*)$", re.MULTILINE)
QUOTED = re.compile(r"`([^`\n]+)`")
WORDS = {"make", "ape", "python", "pytest", "pip", "npm", "git", ".", "cd", "env"}
PLACEHOLDER = re.compile(r"[…<>]|^NAME$|^COMMAND$|^n$|path/to/")
CHEAP = {"make", "make help", "ape run scenario --list", "ape accounts list"}


@dataclass(frozen=True)
class Command:
    page: str
    line: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line, comments=True)


def commands() -> Iterator[Command]:
    for page in PAGES:
        name, text = page.relative_to(ROOT).as_posix(), page.read_text()
        blocks = FENCED.findall(text)
        rest = FENCED.sub("", text)
        lines = [line for kind, block in blocks if kind in SHELLS for line in block.splitlines()]
        lines += INDENTED.findall(rest) + QUOTED.findall(rest)
        for line in lines:
            first = line.split(maxsplit=1)[0] if line.strip() else ""
            if first in WORDS and (first != "." or line.startswith(". .venv")):
                yield Command(name, line.split("  #")[0].strip())


ALL = list(dict.fromkeys(commands()))


def parts(command: Command) -> list[str]:
    return [word for word in command.words if not PLACEHOLDER.search(word)]


@cache
def script(name: str) -> click.Command:
    """The command in `scripts/`."""
    path = ROOT / "scripts" / f"{name}.py"
    assert path.exists(), f"there is no ape run {name}"
    spec = importlib.util.spec_from_file_location(f"script_{name.replace('-', '_')}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: click.Command = module.cli
    return found


def help_of(name: str, words: list[str]) -> str:
    """What `ape run name … --help` prints, for as many of the words as name subcommands."""
    command, way = script(name), []
    for word in words:
        if not isinstance(command, click.Group) or word.startswith("-"):
            break
        assert word in command.commands, f"ape run {name} has no {word}: there are {', '.join(command.commands)}"
        command = command.commands[word]
        way.append(word)
    done = CliRunner().invoke(script(name), [*way, "--help"])
    assert done.exit_code == 0, done.output
    return done.output


def check_ape(words: list[str]) -> None:
    if words[:1] == ["run"]:
        if len(words) == 1:
            return
        told = help_of(words[1], words[2:])
        for option in (word.partition("=")[0] for word in words[2:] if word.startswith("--")):
            assert re.search(rf"{option}\b", told), f"ape run {words[1]} has no {option}"
    else:
        from ape._cli import cli

        done = CliRunner().invoke(cli, [*(word for word in words if not word.startswith("-")), "--help"])
        assert done.exit_code == 0, done.output


def check_make(words: list[str]) -> None:
    for word in words:
        name, assigned, _ = word.partition("=")
        if assigned:
            assert f"$({name}" in (ROOT / "Makefile").read_text() or f",{name}" in (ROOT / "Makefile").read_text(), name
    # `-n` says what would be done; what is up to date is not asked for, so that it stays cheap.
    done = subprocess.run(
        ["make", "-n", "-o", "setup", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def check_python(words: list[str]) -> None:
    if words[0] == "-m":
        if words[1].startswith("everstock"):
            assert importlib.util.find_spec(words[1]) is not None, words[1]
    else:
        for word in words:
            assert word.startswith("-") or (ROOT / word).exists(), word


@pytest.mark.parametrize("command", ALL, ids=lambda command: f"{command.page}: {command.line}"[:110])
def test_a_named_command_is_there(command: Command) -> None:
    tool, *words = parts(command)
    if tool == "ape":
        check_ape(words)
    elif tool == "make":
        check_make(words)
    elif tool == "python":
        check_python(words)
    elif tool == "pytest":
        for word in words:
            assert word.startswith("-") or "/" not in word or (ROOT / word).exists(), word


def test_commands_are_found_at_all() -> None:
    lines = {command.line for command in ALL if command.page == "README.md"}
    assert {"make setup", "make demo", "make node", "make test", "make fork"} <= lines
    assert len(ALL) > 60


@pytest.mark.parametrize("line", sorted(CHEAP))
def test_what_is_cheap_runs(line: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        line, shell=True, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "make nothing-of-the-kind",
        "make fuzz HOURS=3",
        "ape run deploy --sideways",
        "ape run scenario no-such-story",
        "ape run nothing",
        "ape nothing",
        "python -m everstock.nothing",
        "python toolchain/nothing.py",
        "pytest tests/nothing",
    ],
)
def test_a_command_that_is_not_there_is_found_out(line: str) -> None:
    with pytest.raises(AssertionError):
        test_a_named_command_is_there(Command("a page", line))
