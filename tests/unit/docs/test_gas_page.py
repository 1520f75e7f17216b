"""docs/gas.md is what the snapshots say."""

from __future__ import annotations

import json

from everstock.artifacts import find_root
from everstock.report import gas_table


def test_the_page_is_up_to_date():
    root = find_root()
    told = "docs/gas.md is out of date: run `python -m everstock.report.gas_table`"
    assert (root / gas_table.PAGE).read_text() == gas_table.page(root), told


def test_every_peer_stands_beside_a_measured_case():
    gas = json.loads((find_root() / gas_table.GAS).read_text())
    assert {peer.case for peer in gas_table.PEERS} <= gas.keys()


def test_a_case_that_is_gone_leaves_the_comparison(tmp_path):
    (tmp_path / "snapshots").mkdir()
    (tmp_path / gas_table.GAS).write_text('{"liquidate": 100000}')
    (tmp_path / gas_table.SIZE).write_text('{"MainPool": 12288}')
    page = gas_table.page(tmp_path)
    assert "| liquidate | 100,000 | Shield V1 | liquidation | 306,125 | 0.33 |" in page
    assert "Hegic" not in page
    assert "| `MainPool` | 12,288 | 50% |" in page
