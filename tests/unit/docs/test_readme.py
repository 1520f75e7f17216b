"""What pages show is what happens: Python blocks run and print what follows, links and commands lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account

from everstock.artifacts import find_root
from everstock.chain.accounts import key
from everstock.chain.anvil import AnvilNode
from everstock.deploy.record import Store
from everstock.node import deploy, seed

ROOT = find_root()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")
MAKE = re.compile(r"(?:^    |`)make ([a-z-]+)", re.MULTILINE)
APE = re.compile(r"ape run ([a-z-]+)([^`\n]*)")
OPTION = re.compile(r"(--[a-z-]+)")
NODE = "http://127.0.0.1:8545"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "contracts").rglob("*.md")]
WITH_CODE = [page for page in PAGES if any(kind == "python" for kind, _ in BLOCK.findall(page.read_text()))]
BUILT_IN = {"--network", "--account", "--help"}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def node(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What `make node` runs, on a port of its own; for the pages that speak of it."""
    if NODE not in request.getfixturevalue("page").read_text():
        yield ""
        return
    monkeypatch.setenv("EVERSTOCK_DEPLOYMENTS", str(tmp_path))
    with AnvilNode() as running:
        system, _ = deploy(running.chain(signer=Account.from_key(key("deployer"))), Store())
        seed(system)
        yield running.uri


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_the_examples_print_what_the_page_says(page, node, capsys):
    """The blocks of a page run one after the other; what one prints is the text block right after it."""
    names: dict[str, object] = {"__name__": "example"}
    blocks = BLOCK.findall(page.read_text())
    ran = 0
    for (kind, code), (following, text) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "python":
            exec(compile(code.replace(NODE, node or NODE), name_of(page), "exec"), names)
            assert capsys.readouterr().out == (text if following == "text" else "")
            ran += 1
    assert ran


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    dead = [to for to in LINK.findall(page.read_text()) if not (page.parent / to).exists()]
    assert not dead


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_is_there(page):
    """Targets of make, scripts of ape, and the options that a page gives them."""
    makefile = (ROOT / "Makefile").read_text()
    text = page.read_text()
    for target in MAKE.findall(text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"
    for script, rest in APE.findall(text):
        path = ROOT / "scripts" / f"{script}.py"
        assert path.exists(), f"ape run {script}"
        code = path.read_text()
        if "everstock.lab.command" in code:  # experiments have their options there
            code += (ROOT / "src" / "everstock" / "lab" / "command.py").read_text()
        missing = {option for option in OPTION.findall(rest) if option not in code} - BUILT_IN
        assert not missing, f"ape run {script} has no {missing}"
