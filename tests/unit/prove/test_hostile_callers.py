"""Strangers at doors that are not meant for them: code that runs on another contract's storage, called directly; every
function of the core, called by one who holds nothing."""

from __future__ import annotations

from typing import Any

import pytest

from everstock.artifacts import load
from everstock.chain.errors import BadArgument, Reverted
from support.desk import ONE, Desk

CORE = ("PerpetualOptions", "OptionsExtension", "CollateralVault", "MainPool", "OptionMarket", "PriceOracle")


def functions(kind: str) -> list[str]:
    """Signatures of what may change something."""
    return [
        f"{each['name']}({','.join(_type(part) for part in each['inputs'])})"
        for each in load()[kind].abi
        if each.get("type") == "function" and each["stateMutability"] not in ("view", "pure")
    ]


def _type(part: Any) -> str:
    if not part["type"].startswith("tuple"):
        return str(part["type"])
    inner = ",".join(_type(each) for each in part["components"])
    return f"({inner}){part['type'].removeprefix('tuple')}"


def values(desk: Desk, kind: str, signature: str, amount: int) -> list[Any]:
    """Of each argument's type, such as a thief would try: the trader's address, and amounts of his."""
    (entry,) = [
        each
        for each in load()[kind].abi
        if each.get("type") == "function"
        and f"{each['name']}({','.join(_type(part) for part in each['inputs'])})" == signature
    ]
    return [_value(desk, part, amount) for part in entry["inputs"]]


def _value(desk: Desk, part: Any, amount: int) -> Any:
    kind, name = part["type"], part.get("name", "")
    if kind.endswith("]"):
        inside = {**part, "type": kind[: kind.rindex("[")]}
        size = kind[kind.rindex("[") + 1 : -1]
        return [_value(desk, inside, amount)] * int(size or 1)
    if kind == "tuple":
        return tuple(_value(desk, each, amount) for each in part["components"])
    if kind == "address":
        if name in ("token", "asset"):
            return desk.token.address
        if name in ("to", "receiver", "payee", "operator", "executor"):
            return desk.who.stranger
        return desk.options.address if name == "module" else desk.who.trader
    if kind == "bool":
        return True
    if kind.startswith("bytes"):
        return b"\1" * int(kind[5:] or 65)
    if name == "deadline":
        return desk.chain.now + 60
    if name in ("marketId", "layer", "strike"):
        return 0
    return amount if int(kind.lstrip("uint") or 256) > 64 else 1


@pytest.fixture
def funded(desk: Desk) -> Desk:
    """The trader has a position, the LP a request and the treasury fees to come."""
    desk.open(0, True, 10 * ONE)
    desk.main.requestRedeem(10**18, desk.who.lp, desk.who.lp, sender=desk.who.lp)
    return desk


def money(desk: Desk) -> dict[Any, Any]:
    """What is owned; times, indices and prices may move when anybody pokes."""
    keep = ("trader", "rival", "lp")
    owners = [getattr(desk.who, name) for name in keep] + [desk.main.address, desk.insurance.address]
    it: dict[Any, Any] = {}
    for owner in owners:
        it[owner] = (desk.balance(owner), desk.free(owner), desk.wallet(owner), desk.main.balanceOf(owner))
    it["positions"] = [desk.position(*each[1:], owner=desk.who.trader).notional for each in desk.positions()]
    it["operator"] = desk.options.isOperator(desk.who.trader, desk.who.stranger)
    it["request"] = desk.main.redemptionOf(desk.who.lp)
    it["book"] = desk.options.tokenBook(desk.token.address)[:5]
    return it


@pytest.mark.parametrize("signature", functions("OptionsExtension"))
def test_the_extension_called_directly_reaches_nobodys_account(funded: Desk, signature: str) -> None:
    desk = funded
    extension = desk.chain.contract(load()["OptionsExtension"], desk.options.extension())
    before = desk.statement()
    for amount in (0, 1, ONE, 2**256 - 1):
        for caller in (desk.who.stranger, desk.who.trader, desk.who.governor):
            try:
                extension[signature](*values(desk, "OptionsExtension", signature, amount), sender=caller)
            except (Reverted, BadArgument):
                continue
    assert desk.statement() == before


@pytest.mark.parametrize("kind", CORE)
def test_a_stranger_takes_nothing_through_any_function(funded: Desk, kind: str) -> None:
    desk = funded
    where = {
        "PerpetualOptions": desk.options,
        "OptionsExtension": desk.chain.contract(load()["OptionsExtension"], desk.options.address),
        "CollateralVault": desk.vault,
        "MainPool": desk.main,
        "OptionMarket": desk.market.contract,
        "PriceOracle": desk.system.oracle,
    }[kind]
    before = money(desk)
    tried = 0
    for signature in functions(kind):
        if signature.startswith(("settle(address,address)", "accrueRent", "valuePool", "collectFees", "poke")):
            continue  # anybody's business: they charge what is due, and pay nobody who calls
        for amount in (0, 1, ONE, 2**256 - 1):
            with desk.chain.anchor():
                try:
                    where[signature](*values(desk, kind, signature, amount), sender=desk.who.stranger)
                except BadArgument:
                    continue
                except Reverted:
                    pass
                tried += 1
                assert desk.wallet(desk.who.stranger) == 0, signature
                assert desk.free(desk.who.stranger) == desk.balance(desk.who.stranger) == 0, signature
                assert money(desk) == before, signature
    assert tried > 0
