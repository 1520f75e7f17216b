"""What the pages show is what happens: Python blocks run and print the block that follows, links lead somewhere."""

from __future__ import annotations

import re

import pytest

from everstock.artifacts import find_root

ROOT = find_root()
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "contracts" / "README.md"]


@pytest.mark.parametrize("page", ["README.md", "docs/mechanism.md"])
def test_the_example_prints_what_the_page_says(page, capsys):
    blocks = dict(BLOCK.findall((ROOT / page).read_text()))
    exec(compile(blocks["python"], page, "exec"), {"__name__": "example"})
    assert capsys.readouterr().out == blocks["text"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    dead = [to for to in LINK.findall(page.read_text()) if not (page.parent / to).exists()]
    assert not dead
