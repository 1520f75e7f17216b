"""The contract on docs/integrating.md compiles with the project's settings, and does what the page says."""

from __future__ import annotations

import importlib.util
import re
import sys
from types import ModuleType

import pytest

from everstock.artifacts import Artifact, find_root
from everstock.chain.contract import Contract
from everstock.chain.receipt import Receipt
from everstock.chain.testing import reverts
from support.desk import Desk

ROOT = find_root()
SOURCE = "contracts/Hedge.sol"


def toolchain() -> ModuleType:
    spec = importlib.util.spec_from_file_location("everstock_compile", ROOT / "toolchain" / "compile.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    (text,) = re.findall(r"^```solidity\n(.*?)^```$", (ROOT / "docs/integrating.md").read_text(), re.M | re.S)
    tools = toolchain()
    config = tools.Config.read()
    sources = tools.Sources(config)
    sources.text[SOURCE] = text
    sources._imports[SOURCE] = {sources._resolve(SOURCE, path) for path in tools.IMPORT.findall(text)}
    answer = tools.run_solc(config, sources, [SOURCE])
    assert not [fault["formattedMessage"] for fault in answer.get("errors", [])]
    output = answer["contracts"][SOURCE]["Hedge"]
    return Artifact("Hedge", output["abi"], bytes.fromhex(output["evm"]["bytecode"]["object"]))


@pytest.fixture
def hedge(desk: Desk, artifact: Artifact) -> Contract:
    terms = (desk.options.address, desk.system.oracle.address, desk.system.asset("BTC").id)
    return desk.chain.deploy(artifact, *terms, sender=desk.who.trader)


def buy(desk: Desk, hedge: Contract, limit: int | None = None) -> Receipt:
    strike = desk.market.nearest_strike(60_000)
    notional = desk.token.units(10)
    terms = (desk.token.address, desk.market.id, strike, notional, notional if limit is None else limit)
    return hedge.buyPut(*terms, desk.chain.now + 60, sender=desk.who.trader)  # type: ignore[no-any-return]


def test_it_buys_for_who_made_it_an_operator(desk: Desk, hedge: Contract) -> None:
    desk.options.setOperator(hedge.address, True, sender=desk.who.trader)
    premium = buy(desk, hedge).event("Open")["premium"]
    ((market, _, is_call),) = desk.options.positions(desk.who.trader, desk.token.address)
    assert (market, is_call) == (desk.market.id, False)
    with reverts("PerpetualOptions_PremiumAboveLimit"):
        buy(desk, hedge, premium // 2)


def test_it_acts_for_nobody_else(desk: Desk, hedge: Contract) -> None:
    with reverts("PerpetualOptions_NotOperator", desk.who.trader, hedge.address):
        buy(desk, hedge)


def test_what_is_not_open_is_no_price(desk: Desk, hedge: Contract) -> None:
    desk.options.setOperator(hedge.address, True, sender=desk.who.trader)
    desk.chain.warp(desk.system.params.assets["BTC"].max_age_seconds + 1)
    with reverts("NoPrice", 2):
        buy(desk, hedge)
