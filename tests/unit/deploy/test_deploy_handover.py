"""The hand-over: roles with their holders, after their delays, and a deployer that can do nothing any more."""

from __future__ import annotations

import pytest

from everstock.chain.evm import EvmChain
from everstock.chain.testing import reverts
from everstock.client import System
from everstock.deploy import HandOverFailed, NotDeployable, deploy_system
from everstock.deploy.handover import verify
from everstock.deploy.roles import GRANTS, GUARDED, ISSUER_ROLES, Role
from everstock.params import Params, load
from support.desk import DAY, ONE, WAD

NOBODY = "0x" + "77" * 20
DELAYS = {Role.ADMIN: 3 * DAY, Role.GOVERNOR: 2 * DAY, Role.GUARDIAN: 0, Role.ISSUER: DAY}


def holder(role: Role) -> str:
    return EvmChain.account(f"the {role.name}")


def changed(**changes: object) -> Params:
    """The local parameters with some of them replaced, and checked again."""
    return Params.model_validate(load("local").model_dump() | changes)


def with_holders(**changes: object) -> Params:
    roles: dict[str, object] = {}
    for role, delay in DELAYS.items():
        roles |= {role.name.lower(): holder(role), f"{role.name.lower()}_delay_seconds": delay}
    return changed(roles=roles | changes)


@pytest.fixture(scope="module")
def built() -> System:
    return deploy_system(EvmChain(), with_holders())


@pytest.fixture
def system(built: System):
    with built.chain.anchor():
        yield built


@pytest.fixture
def deployer(system: System) -> str:
    return system.chain.account("deployer")


# ---------------------------------------------------------------------------------------------- who holds what


def test_every_holder_has_its_role_with_its_delay(system):
    for role, delay in DELAYS.items():
        assert system.authority.hasRole(int(role), holder(role)) == (True, delay)
    assert system.authority.hasRole(int(Role.FACTORY), system.factory.address) == (True, 0)
    assert system.governor == holder(Role.GOVERNOR)


def test_a_role_granted_later_begins_after_the_admins_delay_but_the_guardians_at_once(system):
    system.chain.warp(5 * DAY)
    for role in Role:
        assert system.authority.getRoleGrantDelay(int(role)) == (0 if role is Role.GUARDIAN else 3 * DAY)


def test_the_issuer_has_the_roles_that_are_not_named(system):
    for role in ISSUER_ROLES:
        assert system.authority.hasRole(int(role), holder(Role.ISSUER)) == (True, DELAYS[Role.ISSUER])


def test_nobody_holds_another_role(system, deployer):
    for role in Role:
        owner = Role.ISSUER if role in ISSUER_ROLES else role
        others = [holder(other) for other in DELAYS if other is not owner]
        for account in (deployer, system.chain.account("stranger"), *others):
            assert system.authority.hasRole(int(role), account) == (False, 0)


def test_the_markets_and_tokens_were_listed_before(system):
    params = load("local")
    assert system.options.marketCount() == len(params.markets)
    assert system.factory.tokenCount() == len(params.tokens)


# ---------------------------------------------------------------------------------------------- the guardian


@pytest.mark.parametrize("role", GUARDED, ids=lambda role: role.name)
def test_the_guardian_watches_over_every_role_that_can_be_delayed(system, role):
    assert system.authority.getRoleGuardian(int(role)) == Role.GUARDIAN


def test_the_guardian_cancels_what_the_governor_has_scheduled(system):
    authority, governor, guardian = system.authority, holder(Role.GOVERNOR), holder(Role.GUARDIAN)
    data = system.vault.setModule.encode(governor, True)
    operation = authority.hashOperation(governor, system.vault, data)
    authority.schedule(system.vault, data, 0, sender=governor)
    stranger = system.chain.account("stranger")
    selector = system.vault.setModule.selector
    with reverts("AccessManagerUnauthorizedCancel", stranger, governor, system.vault, selector):
        authority.cancel(governor, system.vault, data, sender=stranger)
    authority.cancel(governor, system.vault, data, sender=guardian)
    system.chain.warp(2 * DAY)
    with reverts("AccessManagerNotScheduled", operation):
        authority.execute(system.vault, data, sender=governor)
    assert not system.vault.isModule(governor)


def test_the_guardian_cancels_what_the_issuer_has_scheduled(system):
    authority, issuer = system.authority, holder(Role.ISSUER)
    token = system.token("TSLA.M").contract
    data = token.mint.encode(issuer, ONE)
    authority.schedule(token, data, 0, sender=issuer)
    authority.cancel(issuer, token, data, sender=holder(Role.GUARDIAN))
    system.chain.warp(DAY)
    with reverts("AccessManagerNotScheduled"):
        authority.execute(token, data, sender=issuer)


def test_a_guardian_without_the_power_to_cancel_is_found(system, deployer):
    data = system.authority.setRoleGuardian.encode(int(Role.GOVERNOR), int(Role.ADMIN))
    system.authority.schedule(system.authority, data, 0, sender=holder(Role.ADMIN))
    system.chain.warp(3 * DAY)
    system.authority.execute(system.authority, data, sender=holder(Role.ADMIN))
    with pytest.raises(HandOverFailed, match="the guardian cannot cancel what GOVERNOR has scheduled"):
        verify(system, deployer)


# ---------------------------------------------------------------------------------------------- the deployer


def test_the_deployer_can_do_nothing_any_more(system, deployer):
    authority, token = system.authority, system.token("TSLA.M")
    for act in (
        lambda: system.vault.setModule(deployer, True, sender=deployer),
        lambda: system.options.pauseOpening(0, system.chain.now + DAY, sender=deployer),
        lambda: system.options.setToken(token.address, ONE, True, sender=deployer),
        lambda: system.factory.listToken(token.address, ONE, sender=deployer),
        lambda: token.contract.mint(deployer, ONE, sender=deployer),
    ):
        with reverts("AccessManagedUnauthorized", deployer):
            act()
    for act in (
        lambda: authority.grantRole(int(Role.ADMIN), deployer, 0, sender=deployer),
        lambda: authority.revokeRole(int(Role.ADMIN), holder(Role.ADMIN), sender=deployer),
        lambda: authority.setTargetFunctionRole(system.vault, [b"1234"], 0, sender=deployer),
        lambda: authority.setTargetClosed(system.options, True, sender=deployer),
        lambda: authority.updateAuthority(system.vault, deployer, sender=deployer),
    ):
        with reverts("AccessManagerUnauthorizedAccount", deployer, int(Role.ADMIN)):
            act()


def test_the_deployer_cannot_schedule_either(system, deployer):
    data = system.vault.setModule.encode(deployer, True)
    with reverts("AccessManagerUnauthorizedCall", deployer, system.vault, data[:4]):
        system.authority.schedule(system.vault, data, 0, sender=deployer)


# ---------------------------------------------------------------------------------------------- the holders


def test_the_governor_schedules_waits_and_executes(system):
    governor, authority = holder(Role.GOVERNOR), system.authority
    data = system.vault.setModule.encode(NOBODY, True)
    operation = authority.hashOperation(governor, system.vault, data)
    with reverts("AccessManagerNotScheduled", operation):
        system.vault.setModule(NOBODY, True, sender=governor)
    authority.schedule(system.vault, data, 0, sender=governor)
    system.chain.warp(2 * DAY - 1)
    with reverts("AccessManagerNotReady", operation):
        authority.execute(system.vault, data, sender=governor)
    system.chain.warp(1)
    authority.execute(system.vault, data, sender=governor)
    assert system.vault.isModule(NOBODY)


def test_the_guardian_acts_at_once(system):
    until = system.chain.now + DAY
    system.options.pauseOpening(0, until, sender=holder(Role.GUARDIAN))
    assert system.options.openingPausedUntil(0) == until


def test_the_issuer_mints_after_its_delay(system):
    issuer, token = holder(Role.ISSUER), system.token("TSLA.M").contract
    data = token.mint.encode(NOBODY, ONE)
    system.authority.schedule(token, data, 0, sender=issuer)
    system.chain.warp(DAY)
    token.mint(NOBODY, ONE, sender=issuer)
    assert token.balanceOf(NOBODY) == ONE


def test_a_grant_by_the_admin_waits_twice(system):
    """Once to be executed, and once to begin."""
    admin, authority = holder(Role.ADMIN), system.authority
    system.chain.warp(5 * DAY)
    data = authority.grantRole.encode(int(Role.GOVERNOR), NOBODY, 2 * DAY)
    with reverts("AccessManagerNotScheduled"):
        authority.grantRole(int(Role.GOVERNOR), NOBODY, 2 * DAY, sender=admin)
    authority.schedule(authority, data, 0, sender=admin)
    system.chain.warp(3 * DAY)
    authority.execute(authority, data, sender=admin)
    assert authority.hasRole(int(Role.GOVERNOR), NOBODY) == (False, 2 * DAY)
    system.chain.warp(3 * DAY)
    assert authority.hasRole(int(Role.GOVERNOR), NOBODY) == (True, 2 * DAY)


# ---------------------------------------------------------------------------------------------- what is verified


def test_a_system_that_was_handed_over_is_verified(system, deployer):
    verify(system, deployer)


def test_a_deployer_that_kept_a_role_is_found():
    chain = EvmChain()
    kept = deploy_system(chain, load("local"))
    kept.params = with_holders()
    deployer = chain.account("deployer")
    with pytest.raises(HandOverFailed) as caught:
        verify(kept, deployer)
    text = str(caught.value)
    for role in DELAYS:
        assert f"the deployer {deployer} is still {role.name}" in text
        assert f"{holder(role)} is not {role.name} with a delay of {DELAYS[role]} seconds" in text
    for kind, roles in GRANTS.items():
        for role, names in roles.items():
            for name in names:
                assert (f"may still call {kind}.{name}" in text) is (role is not Role.FACTORY)


def test_a_function_that_was_left_public_is_found(system, deployer):
    """Whoever may call what the table restricts: the deployer may, too."""
    public, selector = 2**64 - 1, system.vault.setModule.selector
    data = system.authority.setTargetFunctionRole.encode(system.vault, [selector], public)
    system.authority.schedule(system.authority, data, 0, sender=holder(Role.ADMIN))
    system.chain.warp(3 * DAY)
    system.authority.execute(system.authority, data, sender=holder(Role.ADMIN))
    with pytest.raises(HandOverFailed, match=r"may still call CollateralVault\.setModule at 0x"):
        verify(system, deployer)


# ------------------------------------------------------------------------------------- before the first transaction


def refused_unsent(params: Params, match: str) -> None:
    chain = EvmChain()
    deployer = chain.account("deployer")
    height = chain.block_number
    with pytest.raises(NotDeployable, match=match):
        deploy_system(chain, params)
    assert (chain.block_number, chain.nonce(deployer)) == (height, 0)


def test_an_aggregator_without_code_is_refused():
    assets = load("local").model_dump()["assets"]
    assets["BTC"] |= {"aggregator": NOBODY, "initial_price_usd": None}
    refused_unsent(changed(assets=assets), rf"assets/BTC/aggregator: there is no contract at {NOBODY}")


def test_a_token_without_code_is_refused_and_all_faults_are_named():
    tokens = load("local").model_dump()["tokens"]
    for symbol in tokens:
        tokens[symbol]["address"] = NOBODY
    refused_unsent(changed(tokens=tokens), r"tokens/TSLA\.M/address: .*; tokens/CRCL\.M/address: ")


def test_a_deployer_who_would_keep_a_role_is_refused():
    refused_unsent(with_holders(issuer=EvmChain.account("deployer")), r"roles/issuer: 0x\w+ is the deployer")


def test_an_aggregator_that_is_there_is_used():
    chain = EvmChain()
    other = deploy_system(chain, load("local"), sender=chain.account("somebody"))
    assets = load("local").model_dump()["assets"]
    assets["BTC"] |= {"aggregator": other.asset("BTC").aggregator.address, "initial_price_usd": None}
    system = deploy_system(chain, changed(assets=assets))
    assert system.asset("BTC").aggregator == other.asset("BTC").aggregator
    assert system.market("BTC-7D").contract.state().price == 60_000 * WAD
