"""Every code block of the pages runs: here those for the shell, each line as it stands, in a copy of the checkout.

Python blocks and what they print are for `test_readme.py`, Solidity for `test_solidity.py`, README's story for
`tests/scenario/test_story.py`. A block of a kind that nobody runs fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from everstock.artifacts import find_root
from everstock.artifacts import load as load_artifacts
from everstock.chain.accounts import address
from everstock.lab.registry import EXPERIMENTS
from everstock.params import fields_of
from support.checkout import Checkout
from support.commands import PASSPHRASE, free_port, key_file
from support.printer import printing
from support.public_node import ETHER
from support.release_desk import SAFE, TREASURY, node_of

ROOT = find_root()
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "contracts").rglob("*.md")),
]
SHELL = {"", "sh"}
FORMULAS = {"docs/arithmetic.md", "docs/mechanism.md"}
STORY = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d [A-Z]\w\w \d\d:\d\d  ")

SHORTER = {
    "make fuzz": "MINUTES=0.02",
    "make report": "ONLY=amznx-print QUICK=1",
    "pytest tests/unit/vault": "-k settle_of_nothing",
    "python -m everstock.lab.bulk": "--agents 40 --rounds 2",
    "ape run scenario crash --prices": "--window 2025-04-03:2025-04-04 --quick",
    **{f"ape run scenario {name}": "--quick" for name in EXPERIMENTS},
}
"""What is added so that a command takes seconds: its own options for that."""

ELSEWHERE = {
    "coverage": ".github/workflows/nightly.yml",
    "demo": ".github/workflows/ci.yml",
    "fork": ".github/workflows/ci.yml",
    "mutants": ".github/workflows/nightly.yml",
    "node": "tests/unit/docs/test_node.py",
    "test": ".github/workflows/ci.yml",
    "verify": ".github/workflows/ci.yml",
}
"""Targets that take minutes, or run for good, and where they are run. Here make says what it would do."""

STARTED = {"ape run keeper --network base:mainnet:node --account": '"started"'}
"""What runs until it is stopped, and what it says before."""

SAYS = {
    "ape run scenario --list": ["Experiments of the liquidity lab", *EXPERIMENTS],
    **{
        f"ape run strategy pair {options}": [
            f"buy {up} call",
            f"buy {down} put",
            "margin to bring",
            "funding and rent per day",
            f"break-even in {up} now",
            f"break-even in {down} now",
            "●" * 3,
            "A dry run: nothing was traded.",
        ]
        for options, up, down in (("--market TSLA", "TSLA-7D", "BTC-7D"), ("--margin NVDA", "NVDA-7D", "ETH-7D"))
    },
    "ape run strategy straddle": ["A dry run: nothing was traded."],
    "make fuzz": ["end in the same state on Anvil"],
}
"""What some print, at any hour: stocks have a price on a local chain also when New York is closed."""


@dataclass(frozen=True)
class Block:
    page: str
    kind: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Commands, without comments."""
        return [line.partition("  #")[0].strip() for line in self.text.splitlines() if line.strip()]

    @property
    def is_shell(self) -> bool:
        return self.kind in SHELL and not self.is_formula and not self.is_story

    @property
    def is_formula(self) -> bool:
        commands = re.search(r"^(make|ape|python|pytest|pip|npm|git|\.) ", self.text, re.MULTILINE)
        return self.page in FORMULAS and re.search("[=≤≥←]", self.text) is not None and commands is None

    @property
    def is_story(self) -> bool:
        return self.page == "README.md" and all(map(STORY.match, self.text.splitlines()))


def blocks(name: str, text: str) -> Iterator[Block]:
    for token in MarkdownIt().parse(text):
        if token.type in ("fence", "code_block"):
            yield Block(name, token.info.strip(), token.content)


def unaccounted(found: list[Block]) -> list[Block]:
    """Those that no test runs."""
    known = {"python", "mermaid"}
    wrong = [block for block in found if not (block.kind in known or block.kind in SHELL)]
    after = dict(zip(found[1:], found, strict=False))
    for block in list(wrong):
        printed = block.kind == "text" and block in after and after[block].kind == "python"
        if printed or (block.kind == "solidity" and block.page == "docs/integrating.md"):
            wrong.remove(block)
    return wrong


ALL = [list(blocks(page.relative_to(ROOT).as_posix(), page.read_text())) for page in PAGES]
LINES = list(dict.fromkeys(line for page in ALL for block in page if block.is_shell for line in block.lines))
ON_NETWORKS = [line for line in LINES if "--network" in line]
AT_HOME = [line for line in LINES if line not in ON_NETWORKS]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = Checkout(tmp_path_factory.mktemp("copy"))
    for name in ("daily.csv", "path/to/daily.csv"):
        write_bars(made.folder / name)
    return made


def write_bars(path: Path) -> None:
    """The daily bars that pages say a reader has: April 2025."""
    rows = ["date,asset,open,high,low,close"]
    for day in range(1, 31):
        for asset, price in (("BTC", 80_000), ("ETH", 1_800), ("TSLA", 250)):
            rows.append(f"2025-04-{day:02},{asset},{price},{price * 1.02},{price * 0.97},{price * 0.99}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n")


def target(line: str) -> str:
    return line.split()[1] if line.startswith("make ") else ""


def shortened(line: str) -> str:
    more = next((more for start, more in SHORTER.items() if f"{line} ".startswith(f"{start} ")), "")
    return f"{line} {more}".strip()


def test_every_block_is_accounted_for() -> None:
    assert [block for page in ALL for block in unaccounted(page)] == []
    assert len(LINES) > 30
    assert len(ON_NETWORKS) == 5
    assert all(any(line.startswith(start) for line in LINES) for start in STARTED)
    assert ELSEWHERE.keys() <= {target(line) for line in LINES}


@pytest.mark.parametrize(
    "text", ["```ruby\nputs 1\n```", "```text\nwho printed this\n```", "```solidity\ncontract A {}\n```"]
)
def test_a_block_of_an_unknown_kind_is_found_out(text: str) -> None:
    assert unaccounted(list(blocks("docs/lab.md", text)))


def test_an_unknown_command_is_found_out(checkout: Checkout) -> None:
    (block,) = blocks("docs/lab.md", "So:\n\n    frobnicate --all  # everything\n")
    assert block.is_shell
    assert block.lines == ["frobnicate --all"]
    with pytest.raises(AssertionError, match="ended with 127"):
        checkout.run(*block.lines)


@pytest.mark.parametrize("line", AT_HOME)
def test_a_line_runs(line: str, checkout: Checkout) -> None:
    where = ELSEWHERE.get(target(line))
    if where is None:
        told = checkout.run(shortened(line))
        assert all(text in told for start, texts in SAYS.items() if line.startswith(start) for text in texts), told
    else:
        assert re.search(rf"make[\", ]+{target(line)}\b", (ROOT / where).read_text())
        assert checkout.run(f"make -n {line.removeprefix('make ')}")


def test_the_lines_for_a_network_run_on_one(checkout: Checkout) -> None:
    """A plain node with Base Sepolia's chain id stands for it, and for Base. Key files have the names on the page."""
    actors = {
        "NAME": "deployer",
        "issuer": "first issuer",
        "lp": "first lp",
        "trader": "first trader",
        "keeper": "keeper",
    }
    (checkout.home / ".ape").mkdir(exist_ok=True)
    for alias, actor in actors.items():
        key_file(checkout.home / ".ape", alias, actor)
        checkout.env[f"APE_ACCOUNTS_{alias}_PASSPHRASE"] = PASSPHRASE
    node = node_of("testnet")
    try:
        for actor in actors.values():
            node.admin().rpc("anvil_setBalance", address(actor), hex(ETHER))
        aggregator = load_artifacts()["MockAggregator"]
        bitcoin = node.chain("feeds").contract(aggregator, fields_of("testnet")["assets"]["BTC"]["aggregator"])
        dollar = node.chain("feeds").deploy(load_artifacts()["MockDollar"], 6)
        dollar.mint(address("holder"), 10**12)
        told = ""
        with printing(lambda: bitcoin.updateAnswer(60_000 * 10**8)):
            for line in ON_NETWORKS:
                told += on_network(line, checkout, node.uri, dollar.address)
    finally:
        node.close()
    for text in ("A dry run: nothing was sent.", "checks, 0 differences.", "no loan.", "calls for the governor"):
        assert text in told


def on_network(line: str, checkout: Checkout, uri: str, token: str) -> str:
    """Run it with what a reader puts in; after a rehearsal also what was rehearsed, as the page says."""
    stand_ins = {
        "base:sepolia:node": f"base:sepolia:{uri}",
        "base:mainnet:node": f"base:sepolia:{uri}",
        "--safe 0x…": f"--safe {SAFE}",
        "--treasury 0x…": f"--treasury {TREASURY}",
        "--token 0x…": f"--token {token}",
        "--holder 0x…": f"--holder {address('holder')}",
        "--metrics-port 9100": f"--metrics-port {free_port()}",
    }
    filled = line
    for shown, meant in stand_ins.items():
        filled = filled.replace(shown, meant)
    assert "…" not in filled
    said = next((said for start, said in STARTED.items() if line.startswith(start)), None)
    if said is not None:
        return checkout.run_until(filled, said)
    told = checkout.run(filled, typed="y\n")
    if line.startswith("ape run deploy"):
        issuer = f"--holder issuer={address('first issuer')}"
        told += checkout.run(f"{filled.replace(' --dry-run', '')} {issuer}", typed="y\n")
        told += checkout.run(f"ape run verify-deployment --network base:sepolia:{uri}")
    return told
