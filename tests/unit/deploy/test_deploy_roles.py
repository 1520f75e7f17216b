"""Every restricted function × every role: only the role of the table in `everstock.deploy.roles` may call."""

from __future__ import annotations

import re
from typing import Any

import pytest

from everstock.artifacts import find_root
from everstock.chain.contract import Contract
from everstock.chain.errors import Reverted
from everstock.chain.testing import reverts
from everstock.deploy.roles import GRANTS, Role
from everstock.deploy.stock import deploy_stock_token
from support.desk import DAY, ONE, WAD, Desk

CASES = [(kind, role, name) for kind, roles in GRANTS.items() for role, names in roles.items() for name in names]
IDS = [f"{kind}.{name}" for kind, _, name in CASES]
WHOLES = {"PoolBook": "PerpetualOptions", "OptionsExtension": "PerpetualOptions", "MarketClock": "OptionMarket"}
"""Contracts that are parts of one address."""
REFUSALS = {"AccessManagedUnauthorized", "AccessManagedRequiredDelay"}


def target(desk: Desk, kind: str) -> Contract:
    system = desk.system
    return {
        "CollateralVault": system.vault,
        "PriceOracle": system.oracle,
        "MarketCalendar": system.calendars["NYSE"],
        "OptionMarket": desk.market.contract,
        "PerpetualOptions": system.options,
        "PoolFactory": system.factory,
        "QuoteSettlement": system.quotes,
        "LendingMarket": system.lending_market("TSLA.M/USDX").contract,
        "StockToken": desk.token.contract,
        "CustodyAttestation": system.custody,
        "ComplianceRegistry": system.compliance,
        "IssuanceDesk": system.desks["TSLA.M"],
        "BeneficialHoldings": system.holdings,
        "DividendDistributor": system.dividends,
        "ProxyVoting": system.voting,
    }[kind]


def arguments(desk: Desk, name: str) -> list[Any]:
    """Such that the function does something when it may be called."""
    now, token = desk.chain.now, desk.token.address
    asset = desk.market.asset
    return {
        "setModule": [desk.who.stranger, True],
        "setGuards": [asset.id, ("0x" + "00" * 20, 0, 0, "0x" + "00" * 20, 0, 0)],
        "setAsset": [asset.id, (asset.feed.address, 4_200, WAD // 1000, "0x" + "00" * 20)],
        "declareDay": [(now // DAY + 9, 0)],
        "revokeDay": [now // DAY + 8],
        "scheduleEvent": [(now + 3 * DAY, WAD // 10, WAD // 20)],
        "cancelEvent": [now + 5 * DAY],
        "announceWindDown": [60_000 * WAD, now + 3 * DAY],
        "cancelWindDown": [],
        "addMarket": [desk.market.contract.address],
        "setExecutor": [desk.who.stranger, True],
        "setToken": [token, ONE, False],
        "pauseOpening": [desk.market.id, now + DAY],
        "setQuotedAsset": [token, (asset.id, WAD // 100, 0)],
        "setPayToken": [token, True],
        "setSigner": [desk.who.trader, (ONE, False)],
        "pauseBorrowing": [now + DAY],
        "mint": [desk.who.trader, ONE],
        "burnFrom": [desk.who.trader, ONE],
        "pause": [],
        "unpause": [],
        "pauseFeature": [0],
        "unpauseFeature": [0],
        "setMinNotice": [2 * DAY],
        "setFrozenTokens": [desk.who.trader, ONE],
        "announceForcedTransfer": [desk.who.trader, desk.who.lp, ONE],
        "cancelForcedTransfer": [desk.who.trader, desk.who.lp, 2],
        "forcedTransfer": [desk.who.trader, desk.who.lp, 1],
        "announceAction": [0, 3 * WAD, now + 9 * DAY],
        "setUIMultiplier": [3 * WAD, now + 9 * DAY],
        "cancelAction": [],
        "announceRecordDate": [now // DAY + 9],
        "attest": [token, ONE, now, b"\0" * 32],
        "setSource": [token, "0x" + "00" * 20, 2 * DAY],
        "setDenied": [[desk.who.stranger], True, [token]],
        "setAllowed": [[desk.who.stranger], True, [token]],
        "protect": [desk.who.stranger],
        "fulfilMints": [[], ONE],
        "fulfilRedemptions": [[], ONE],
        "withdrawBond": [token, 0, desk.who.stranger],
        "setFee": [5],
        "pauseRequests": [now + DAY],
        "declare": [token, now // DAY, token, ONE, 0, "0x" + "00" * 20, 0, 0],
        "sweep": [0, desk.who.stranger],
        "setWithholding": [desk.who.stranger, 1500],
        "post": [token, now // DAY, now + 9 * DAY, 3, b"\0" * 32],
    }[name]


def arguments_of(desk: Desk, name: str) -> list[Any]:
    if name == "addDesk":
        return [issuance_desk(desk)]
    if name != "listToken":
        return arguments(desk, name)
    return [deploy_stock_token(desk.system, "N", "N.M").address, ONE]


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """A holder of each role and of no other, beside the deployer, and something for each function to work on."""
    governor = desk.who.governor
    desk.token.contract.announceRecordDate(desk.chain.now // DAY + 2, sender=governor)
    for role in Role:
        if role is not Role.ADMIN:
            desk.system.authority.grantRole(int(role), holder(desk, role), 0, sender=governor)
    for amount in (1, 2):
        token = desk.token.contract
        token.announceForcedTransfer(desk.who.trader, desk.who.lp, amount, sender=governor)
    desk.chain.warp(2 * DAY)
    desk.publish()
    event = (desk.chain.now + 5 * DAY, WAD // 10, WAD // 20)
    desk.market.contract.scheduleEvent(event, sender=governor)
    desk.give(desk.who.trader, ONE)
    for each in (governor, *(holder(desk, role) for role in Role)):
        desk.token.contract.approve(each, ONE, sender=desk.who.trader)
    return desk


def issuance_desk(desk: Desk) -> Contract:
    """One that nobody knows yet."""
    system = desk.system
    deploy = system.chain.deploy
    calendar = deploy(system.artifacts["TestCalendar"], WAD // 5, 11_024_640 * WAD, sender=system.governor)
    cash = deploy(system.artifacts["MockDollar"], 6, sender=system.governor)
    config = (desk.token.address, cash.address, calendar.address, 1, 0, 3600, 0, 0, "0x" + "11" * 20, "0x" + "11" * 20)
    return deploy(system.artifacts["IssuanceDesk"], system.authority, config, sender=system.governor)


def prepare(desk: Desk, contract: Contract, name: str) -> None:
    """What must be so that the function has something to undo."""
    if name == "unpause":
        contract.pause(sender=desk.who.governor)
    if name == "revokeDay":
        contract.declareDay((desk.chain.now // DAY + 8, 0), sender=desk.who.governor)
    if name == "cancelAction":
        contract.announceAction(0, 3 * WAD, desk.chain.now + 9 * DAY, sender=desk.who.governor)
    if name == "declare":
        for payer in (holder(desk, Role.CORPORATE_ACTIONS), desk.chain.account("slow")):
            desk.give(payer, ONE)
            desk.token.contract.approve(contract, ONE, sender=payer)
    if name == "sweep":
        now, token = desk.chain.now, desk.token
        desk.give(desk.who.governor, ONE)
        token.contract.approve(contract, ONE, sender=desk.who.governor)
        terms = (token.address, now // DAY, token.address, ONE, 0, "0x" + "00" * 20, 0, now + 366 * DAY)
        contract.declare(*terms, sender=desk.who.governor)
        desk.chain.warp(366 * DAY)


def holder(desk: Desk, role: Role) -> str:
    return desk.chain.account(f"a {role.name}")


# ---------------------------------------------------------------------------------------------- the table


def test_every_restricted_function_of_the_contracts_stands_in_the_table():
    """Read from the sources, so that a new one cannot be forgotten."""
    restricted = set()
    for path in sorted((find_root() / "contracts").rglob("*.sol")):
        if "mocks" in path.parts:
            continue
        source = path.read_text()
        for name in re.findall(r"function (\w+)\([^)]*\)[^{;]*\brestricted\b", source):
            restricted.add((WHOLES.get(path.stem, path.stem), name))
    assert restricted, "no restricted function found: has the modifier another name?"
    tabled = {(kind, name) for kind, _, name in CASES}
    assert restricted == tabled


@pytest.mark.parametrize(("kind", "role", "name"), CASES, ids=IDS)
def test_the_authority_holds_the_table(desk, kind, role, name):
    contract = target(desk, kind)
    selector = getattr(contract, name).selector
    assert desk.system.authority.getTargetFunctionRole(contract, selector) == role
    assert contract.authority() == desk.system.authority.address


# ---------------------------------------------------------------------------------------------- who may call


@pytest.mark.parametrize(("kind", "role", "name"), CASES, ids=IDS)
def test_only_the_tables_role_may_call(desk, kind, role, name):
    contract, args = target(desk, kind), arguments_of(desk, name)
    prepare(desk, contract, name)
    others = [holder(desk, other) for other in Role if other is not role]
    for caller in (desk.who.stranger, desk.who.trader, desk.options.address, *others):
        with reverts("AccessManagedUnauthorized", caller):
            getattr(contract, name)(*args, sender=caller)
    getattr(contract, name)(*args, sender=holder(desk, role))


def test_functions_outside_the_table_are_open_or_guarded_by_name(desk):
    """Whatever the table does not name must not need a role: no function is left to the admin alone by mistake."""
    for kind in GRANTS:
        contract = target(desk, kind)
        tabled = {name for _, names in GRANTS[kind].items() for name in names}
        for spec in contract.abi_functions.by_signature.values():
            if spec.is_view or spec.name in tabled | {"setAuthority"}:
                continue
            name = refusal_of(desk, contract, spec.selector + b"\0" * 512)
            assert name not in REFUSALS, f"{kind}.{spec.name}"


def refusal_of(desk: Desk, contract: Contract, data: bytes) -> str | None:
    try:
        desk.chain.send(desk.who.stranger, contract.address, data)
    except Reverted as error:
        return error.name
    return None


@pytest.mark.parametrize("kind", GRANTS)
def test_nobody_but_the_authority_replaces_the_authority(desk, kind):
    contract = target(desk, kind)
    for caller in (desk.who.stranger, desk.who.governor):
        with reverts("AccessManagedUnauthorized", caller):
            contract.setAuthority(caller, sender=caller)


def test_only_the_admin_grants_and_wires(desk):
    authority, stranger = desk.system.authority, desk.who.stranger
    refusal = ("AccessManagerUnauthorizedAccount", stranger, int(Role.ADMIN))
    selector = desk.vault.setModule.selector
    with reverts(*refusal):
        authority.grantRole(int(Role.GOVERNOR), stranger, 0, sender=stranger)
    with reverts(*refusal):
        authority.revokeRole(int(Role.GOVERNOR), desk.who.governor, sender=stranger)
    with reverts(*refusal):
        authority.setTargetFunctionRole(desk.vault, [selector], int(Role.GUARDIAN), sender=stranger)
    with reverts(*refusal):
        authority.setTargetClosed(desk.vault, True, sender=stranger)
    with reverts(*refusal):
        authority.updateAuthority(desk.vault, stranger, sender=stranger)


def test_a_role_taken_away_calls_no_more(desk):
    governor = holder(desk, Role.GOVERNOR)
    desk.vault.setModule(desk.who.stranger, True, sender=governor)
    desk.system.authority.revokeRole(int(Role.GOVERNOR), governor, sender=desk.who.governor)
    with reverts("AccessManagedUnauthorized", governor):
        desk.vault.setModule(desk.who.stranger, False, sender=governor)


# ---------------------------------------------------------------------------------------------- delays


@pytest.mark.parametrize(("kind", "role", "name"), CASES, ids=IDS)
def test_a_role_with_a_delay_schedules_first(desk, kind, role, name):
    """G1"""
    delay = 2 * DAY
    slow = desk.chain.account("slow")
    authority, contract = desk.system.authority, target(desk, kind)
    authority.grantRole(int(role), slow, delay, sender=desk.who.governor)
    if name == "burnFrom":
        desk.token.contract.approve(slow, ONE, sender=desk.who.trader)
    prepare(desk, contract, name)
    call = getattr(contract, name)
    args = arguments_of(desk, name)
    if name in ("scheduleEvent", "announceWindDown"):
        at = desk.chain.now + 6 * DAY
        args = [(at, WAD // 10, WAD // 20)] if name == "scheduleEvent" else [60_000 * WAD, at]
    if name == "pauseOpening":
        args = [desk.market.id, desk.chain.now + 3 * DAY]
    data = call.encode(*args)
    operation = authority.hashOperation(slow, contract, data)
    with reverts("AccessManagerNotScheduled", operation):
        call(*args, sender=slow)
    authority.schedule(contract, data, 0, sender=slow)
    desk.chain.warp(delay - 1)
    with reverts("AccessManagerNotReady", operation):
        authority.execute(contract, data, sender=slow)
    desk.chain.warp(1)
    with reverts("AccessManagedUnauthorized", desk.who.stranger):
        call(*args, sender=desk.who.stranger)
    call(*args, sender=slow)
    with reverts("AccessManagerNotScheduled", operation):  # once
        call(*args, sender=slow)


def test_a_scheduled_call_expires(desk):
    slow, authority = desk.chain.account("slow"), desk.system.authority
    authority.grantRole(int(Role.GOVERNOR), slow, DAY, sender=desk.who.governor)
    data = desk.vault.setModule.encode(slow, True)
    authority.schedule(desk.vault, data, 0, sender=slow)
    desk.chain.warp(DAY + authority.expiration())
    with reverts("AccessManagerExpired"):
        authority.execute(desk.vault, data, sender=slow)
    assert not desk.vault.isModule(slow)


def test_a_delay_cannot_be_cut_short_at_once(desk):
    """A shorter delay takes effect after the difference has passed."""
    slow, authority = desk.chain.account("slow"), desk.system.authority
    authority.grantRole(int(Role.GOVERNOR), slow, 10 * DAY, sender=desk.who.governor)
    authority.grantRole(int(Role.GOVERNOR), slow, 0, sender=desk.who.governor)
    with reverts("AccessManagerNotScheduled"):
        desk.vault.setModule(slow, True, sender=slow)
    desk.chain.warp(10 * DAY)
    desk.vault.setModule(slow, True, sender=slow)


# ---------------------------------------------------------------------------------------------- nothing twice


def test_nothing_has_an_initialiser(desk):
    """G1: everything is set in constructors, in one transaction each."""
    for kind in GRANTS:
        names = target(desk, kind).abi_functions.by_name
        assert not [name for name in names if "init" in name.lower() and name != "initialMargin"]


def test_what_a_constructor_set_has_no_setter(desk):
    for contract, fixed in (
        (desk.options, ("vault", "treasury")),
        (desk.main, ("book", "layer", "cooldown", "asset")),
        (desk.market.contract, ("book", "oracle", "calendar", "config")),
    ):
        for name in fixed:
            assert f"set{name.capitalize()}" not in contract.abi_functions.by_name


def test_one_seal_is_for_good(desk):
    assert "unseal" not in desk.vault.abi_functions.by_name
    with desk.refused("CollateralVault_NotModule", desk.who.governor):
        desk.vault.seal(desk.token.address, desk.main, sender=desk.who.governor)
