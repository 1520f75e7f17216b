"""The gas page, from the snapshot: `python -m everstock.report.gas_table` rewrites docs/gas.md. `make gas` runs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from everstock.artifacts import find_root

PAGE = Path("docs") / "gas.md"
GAS = Path("snapshots") / "gas.json"
SIZE = Path("snapshots") / "size.json"
CODE_SIZE_LIMIT = 24_576

HEAD = """# Gas

Written by `python -m everstock.report.gas_table` from `snapshots/gas.json` and `snapshots/size.json`; `make gas`
measures, and writes all three. A test fails when this page and the snapshots differ.

Figures are gas of whole transactions on Anvil: base cost and calldata included, Chainlink's mock aggregator as the
feed, a repeat user, fifteen minutes after the last poke, the feed's round unchanged unless the case says otherwise.
"""

PEERS_HEAD = """## Beside others

The peers' own contracts, all measured on one Anvil. This was done once; no command here repeats it. The products
differ, so read it as an order of magnitude.

| operation | here | peer | what it does | gas | here / peer |
|---|---:|---|---|---:|---:|"""

SIZE_HEAD = f"""## Code size

Bytes of deployed code; the limit is {CODE_SIZE_LIMIT:,}.

| contract | bytes | of the limit |
|---|---:|---:|"""


@dataclass(frozen=True)
class Peer:
    """A peer's figure, and the case of ours that stands beside it."""

    name: str
    operation: str
    gas: int
    case: str
    about: bool = False


PEERS = (
    Peer("Shield V1", "open", 758_837, "open (fresh)"),
    Peer("Shield V1", "close", 243_230, "close (full)"),
    Peer("Shield V1", "liquidation", 306_125, "liquidate"),
    Peer("Shield V1", "LP deposit", 82_666, "pool deposit (8 strikes)"),
    Peer("Hegic", "buy", 332_656, "open (fresh)"),
    Peer("Hegic", "exercise", 126_588, "exercise"),
    Peer("Panoptic v1", "buy a long", 364_843, "open (fresh)"),
    Peer("Panoptic v1", "burn", 265_296, "close (full)"),
    Peer("Deri v4", "open, in two transactions", 890_000, "open (fresh)", about=True),
    Peer("Squeeth", "mint", 275_884, "open (fresh)"),
    Peer("Morpho Blue", "borrow", 93_048, "withdraw margin (one position)"),
)


def page(root: Path | None = None) -> str:
    """The page as the snapshots have it. A case that the snapshot lacks is left out of the comparison."""
    root = root or find_root()
    gas: dict[str, int] = json.loads((root / GAS).read_text())
    sizes: dict[str, int] = json.loads((root / SIZE).read_text())
    own = ["| operation (case) | gas |\n|---|---:|", *(f"| {case} | {used:,} |" for case, used in gas.items())]
    code = (f"| `{name}` | {size:,} | {size * 100 // CODE_SIZE_LIMIT}% |" for name, size in sizes.items())
    return "\n".join([HEAD, *own, "", PEERS_HEAD, *_peers(gas), "", SIZE_HEAD, *code, ""])


def _peers(gas: dict[str, int]) -> Iterator[str]:
    for peer in PEERS:
        if used := gas.get(peer.case):
            about = "about " if peer.about else ""
            ratio = f"{used / peer.gas:.2f}"
            yield f"| {peer.case} | {used:,} | {peer.name} | {peer.operation} | {about}{peer.gas:,} | {ratio} |"


def main() -> None:
    root = find_root()
    (root / PAGE).write_text(page(root))
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
