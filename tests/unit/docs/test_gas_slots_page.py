"""docs/gas-slots.md is what was recorded, and what was recorded adds up."""

from __future__ import annotations

import json

import pytest

from everstock.artifacts import find_root
from everstock.report import gas_slots, gas_table

RECORDED = json.loads((find_root() / gas_slots.RECORD).read_text())


def test_the_page_is_up_to_date():
    told = "docs/gas-slots.md is out of date: run `python -m everstock.report.gas_slots`"
    assert (find_root() / gas_slots.PAGE).read_text() == gas_slots.page(RECORDED), told


@pytest.mark.parametrize("operation", RECORDED)
def test_an_operation_is_the_one_that_the_gas_page_measures(operation):
    gas = json.loads((find_root() / gas_table.GAS).read_text())
    assert RECORDED[operation]["gas"] == pytest.approx(gas[operation], rel=0.005)


@pytest.mark.parametrize("operation", RECORDED)
def test_every_unit_has_its_place(operation):
    found = RECORDED[operation]
    parts = sum(s["read"] + s["write"] for s in found["slots"]) + sum(call["gas"] for call in found["calls"])
    parts += sum(found["events"].values()) + sum(found["computation"].values())
    assert parts + found["transaction"] - found["refund"] == found["gas"]
    assert found["refund"] % 100 == 0, "what clearing slots gives back comes in hundreds"
    assert found["refund"] == 0 or "close" in operation
