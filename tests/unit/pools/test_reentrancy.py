"""A margin token that calls back from inside its transfers: every function and every view of options, pools and vault.

A function that is called back is refused, or the outcome is that of the two calls one after the other. A view answers
what it answers before or after the transfer, nothing in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from everstock.chain.contract import Contract, FunctionSpec
from everstock.chain.errors import Reverted
from support.desk import DAY, FREE, INSURANCE, MAIN, ONE, UINT112_MAX, Desk
from support.hostile import list_hostile

REENTRANT = bytes.fromhex("3ee5aeb5")
N = 10 * ONE


@dataclass
class Scene:
    """The token is an account of its own: it holds margin, a position, shares, a request and a claim."""

    desk: Desk
    me: str

    @property
    def contracts(self) -> dict[str, Contract]:
        desk = self.desk
        return {
            "options": desk.options,
            "main": desk.main,
            "insurance": desk.insurance,
            "vault": desk.vault,
            "market": desk.market.contract,
        }

    def outer(self) -> dict[str, Callable[[], Any]]:
        desk, who = self.desk, self.desk.who
        return {
            "margin": lambda: desk.vault.deposit(desk.token.address, desk.options, who.trader, ONE, sender=who.trader),
            "enter main": lambda: desk.main["deposit(uint256,address)"](ONE, who.lp, sender=who.lp),
            "mint insurance": lambda: desk.insurance.mint(10**24, who.lp, sender=who.lp),
            "withdraw": lambda: desk.withdraw(ONE),
            "claim": lambda: desk.main.redeem(10**23, who.lp, who.lp, sender=who.lp),
            "leave": lambda: desk.vault.withdraw(desk.token.address, ONE, who.trader, sender=who.trader),
        }

    def arm(self, to: Contract, data: bytes, before: bool) -> None:
        self.desk.token.contract.setHook(to, data, before, sender=self.desk.who.governor)

    def answer(self) -> tuple[bool, bytes]:
        token = self.desk.token.contract
        assert token.hookCount() >= 1
        return token.hookSucceeded(), token.hookResult()

    def arguments(self, contract: str, spec: FunctionSpec) -> list[Any]:
        desk, me, token = self.desk, self.me, self.desk.token.address
        pool = desk.main.address
        order = desk.order(0, True, ONE, limit=10**30, owner=me)
        mine = (desk.market.id, 0, True)
        special: dict[str, list[Any]] = {
            "options.open": [order],
            "options.close": [order | {"notional": UINT112_MAX, "limit": 0}],
            "options.payRedemption": [token, MAIN, 1],
            "options.withdraw": [token, 1, me],
            "vault.deposit": [token, desk.options.address, me, 1],
            "vault.depositSealed": [token, desk.options.address, me, 1],
            "vault.withdraw": [token, 1, me],
            "vault.lock": [token, desk.options.address, 1],
            "vault.fund": [token, desk.options.address, pool, 1, me, 0],
            "vault.settle": [token, FREE, 0, [(me, -1), (me, 1), (FREE, 0)]],
            "vault.isSealed": [token, desk.options.address, pool],
            "vault.balanceOf": [token, FREE, desk.who.trader],
            "vault.balancesOf": [token, desk.options.address, [desk.who.trader, pool, desk.insurance.address]],
            "market.marks": [[0, 1], True],
            "market.scheduleEvent": [(desk.chain.now + 3 * DAY, 10**16, 10**16)],
            "main.requestRedeem": [10**18, me, me],
            "insurance.requestRedeem": [10**18, me, me],
        }
        if f"{contract}.{spec.name}" in special:
            return special[f"{contract}.{spec.name}"]
        if spec.is_view and contract in ("main", "insurance"):
            me = desk.who.lp
        values: list[Any] = []
        for kind, name in zip(spec.inputs.types, spec.inputs.names, strict=True):
            name = name.strip("_").lower()
            if kind == "address":
                values.append(token if name == "token" else me if name != "module" else desk.options.address)
            elif kind == "(uint16,int16,bool)":
                values.append(mine)
            elif kind.startswith("(address"):
                values.append(order)
            elif kind == "bool":
                values.append(True)
            elif kind == "bytes":
                values.append(b"")
            elif kind == "bytes4":
                values.append(b"\x01\xff\xc9\xa7")
            elif kind.endswith("[]"):
                values.append([])
            else:
                values.append(0 if name in ("strike", "marketid", "layer", "kind", "requestid", "reason", "at") else 1)
        return values

    def specs(self, views: bool) -> Iterator[tuple[str, Contract, FunctionSpec]]:
        for label, contract in self.contracts.items():
            for spec in contract.abi_functions.by_signature.values():
                if spec.is_view is views:
                    yield label, contract, spec


@pytest.fixture
def scene(system) -> Scene:
    desk = Desk.funded_with(system, list_hostile(system))
    token, who = desk.token.contract, desk.who
    me = token.address
    desk.add_margin(me, 50 * ONE)
    desk.give(me, 50 * ONE)
    for owner in (who.trader, who.lp, me):
        desk.give(owner, 20 * ONE)
        for spender in (desk.vault, desk.main, desk.insurance):
            token.approve(spender, 2**255, sender=owner)
        desk.vault.deposit(desk.token.address, FREE, owner, 5 * ONE, sender=owner)
    for owner in (who.trader, me):
        desk.open(0, True, N, owner=owner)
    for pool in (desk.main, desk.insurance):
        for owner in (me, who.lp):
            pool["deposit(uint256,address)"](5 * ONE, owner, sender=owner)
            pool.requestRedeem(10**24, owner, owner, sender=owner)
    desk.pass_time(7 * DAY)
    desk.poke()
    for pool in (desk.main, desk.insurance):
        pool.executeRedemption(who.lp, sender=who.keeper)
    # The token has an executed claim and a pending request: it asks for each again.
    desk.main.executeRedemption(me, sender=who.keeper)
    desk.main.requestRedeem(10**24, me, me, sender=me)
    desk.pass_time(8 * DAY)
    desk.poke()
    desk.options.accrueRent(desk.token.address, MAIN, sender=who.keeper)
    return Scene(desk, me)


OUTER = ["margin", "enter main", "mint insurance", "withdraw", "claim", "leave"]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("outer", OUTER)
def test_every_view_answers_as_before_or_after_the_transfer(scene, outer, before):
    desk = scene.desk
    read = {}
    for label, contract, spec in scene.specs(views=True):
        data = spec.encode(tuple(scene.arguments(label, spec)))
        read[f"{label}.{spec.signature}"] = (contract, data)

    def answers() -> dict[str, Any]:
        found = {}
        for key, (contract, data) in read.items():
            try:
                found[key] = desk.chain.call(contract.address, data, scene.me)
            except Reverted as error:
                found[key] = error.data
        return found

    seen = {}
    first = answers()
    for key, (contract, data) in read.items():
        with desk.chain.anchor():
            scene.arm(contract, data, before)
            scene.outer()[outer]()
            seen[key] = scene.answer()[1]
    scene.outer()[outer]()
    last = answers()
    odd = {key for key in read if seen[key] not in (first[key], last[key])}
    assert odd == set()
    # All of one moment: no view shows the state after the transfer while another shows the one before.
    moved = {key for key in read if first[key] != last[key]}
    assert moved
    assert all(seen[key] == first[key] for key in moved) or all(seen[key] == last[key] for key in moved)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("outer", OUTER)
def test_every_function_is_refused_or_harmless(scene, outer, before):
    desk = scene.desk
    refused, let_in = set(), set()
    with desk.chain.anchor():
        scene.outer()[outer]()
        alone = totals(scene)
    for label, contract, spec in scene.specs(views=False):
        name = f"{label}.{spec.signature}"
        data = spec.encode(tuple(scene.arguments(label, spec)))
        with desk.chain.anchor():
            scene.arm(contract, data, before)
            try:
                scene.outer()[outer]()
            except Reverted:
                continue  # the whole of it is undone
            succeeded, _ = scene.answer()
            outcome = totals(scene)
        if not succeeded:
            assert outcome == alone, name
            refused.add(spec.name)
            continue
        let_in.add(spec.name)
        assert outcome in serial(scene, outer, contract, data), name
    assert refused >= {"payRedemption", "withdrawFrom", "release", "addMarket"}
    guarded = {
        "margin": {"deposit", "withdrawFrom", "depositSealed"},
        "enter main": {"deposit", "mint", "executeRedemption", "requestRedeem"},
        "mint insurance": {"deposit", "mint"},
        "withdraw": {"open", "close", "settle", "liquidate", "exercise", "evict", "withdraw", "payRedemption"},
        "claim": {"deposit", "redeem", "withdraw"},
        "leave": {"deposit", "withdraw"},
    }[outer]
    assert refused >= guarded
    assert let_in >= {"approve", "setOperator", "accrue"}


def serial(scene: Scene, outer: str, contract: Contract, data: bytes) -> list[Any]:
    """The outcomes of the two calls one after the other, in both orders."""
    outcomes = []
    desk = scene.desk
    for inner_first in (True, False):
        with desk.chain.anchor():
            try:
                if inner_first:
                    desk.chain.send(scene.me, contract.address, data)
                scene.outer()[outer]()
                if not inner_first:
                    desk.chain.send(scene.me, contract.address, data)
            except Reverted:
                continue
            outcomes.append(totals(scene))
    return outcomes


def totals(scene: Scene) -> Any:
    """The desk's statement, and the same of the token as an account; without the hook's own memory."""
    desk, me = scene.desk, scene.me
    entries = [
        desk.balance(me),
        desk.free(me),
        desk.wallet(me),
        *(pool.balanceOf(me) for pool in (desk.main, desk.insurance)),
    ]
    values = [pool.nav(each) for pool in (desk.main, desk.insurance) for each in (True, False)]
    return desk.statement(), entries, values, desk.positions(me), desk.position(owner=me)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("layer", [MAIN, INSURANCE])
def test_a_share_is_worth_the_same_inside_a_deposit(scene, layer, before):
    """Neither cash without shares nor shares without cash."""
    desk, pool = scene.desk, scene.desk.pool(layer)
    outer = scene.outer()["enter main" if layer == MAIN else "mint insurance"]
    price = pool.convertToAssets(10**30)
    scene.arm(pool, pool.convertToAssets.encode(10**30), before)
    outer()
    assert int.from_bytes(scene.answer()[1], "big") == price
    assert price <= desk.pool(layer).convertToAssets(10**30) <= price * (10**6 + 1) // 10**6


def test_the_guards_own_error_names_the_refusal(scene):
    desk = scene.desk
    again = desk.main["deposit(uint256,address)"].encode(1, scene.me)
    scene.arm(desk.main, again, True)
    scene.outer()["enter main"]()
    assert scene.answer() == (False, REENTRANT)
