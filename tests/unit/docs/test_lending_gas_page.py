"""docs/lending-gas.md is what the snapshot says, and says that we cost no more than a quarter above Morpho Blue."""

from __future__ import annotations

import json

import pytest

from everstock import lending_gas
from everstock.artifacts import find_root

FIGURES = json.loads((find_root() / lending_gas.SNAPSHOT).read_text())


def test_the_page_is_up_to_date():
    told = "docs/lending-gas.md is out of date: run `make lending-gas`"
    assert (find_root() / lending_gas.PAGE).read_text() == lending_gas.page(FIGURES), told


@pytest.mark.parametrize("operation", FIGURES)
def test_an_operation_costs_at_most_a_quarter_more_than_morphos(operation):
    gas = FIGURES[operation]
    assert gas["ours"] <= lending_gas.LIMIT * min(gas["mock rates"], gas["curve"])
