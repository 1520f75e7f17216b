"""The last step of a deployment: the roles go to their holders, and the deployer is left with nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from everstock.chain.contract import Contract
from everstock.deploy.roles import GRANTS, GUARDED, ISSUER_ROLES, Role
from everstock.params import Params

if TYPE_CHECKING:
    from everstock.client.system import System


class HandOverFailed(Exception):
    """Read back after the hand-over: somebody may do what they should not, or may not do what they should."""


def holders(params: Params) -> dict[Role, tuple[str, int]]:
    """Each role's holder and execution delay. Empty: the deployer keeps the roles."""
    roles = params.roles
    named = {
        Role.ADMIN: (roles.admin, roles.admin_delay_seconds),
        Role.GOVERNOR: (roles.governor, roles.governor_delay_seconds),
        Role.GUARDIAN: (roles.guardian, roles.guardian_delay_seconds),
        Role.ISSUER: (roles.issuer, roles.issuer_delay_seconds),
    }
    for role in ISSUER_ROLES:
        named[role] = (getattr(params.stock, role.name.lower()) or roles.issuer, roles.issuer_delay_seconds)
    return {role: (holder, delay) for role, (holder, delay) in named.items() if holder is not None}


def hand_over(system: System, deployer: str) -> None:
    """Grant, revoke, and verify by reading.

    A role that the admin grants later begins after the admin's delay: so it stands in the open for as long again as the
    grant itself did. Not so the guardian's, who is replaced in an emergency. (The authority lets a changed grant delay
    take effect five days after it was set.)

    Raises:
        HandOverFailed: the deployer is not powerless, or a holder lacks its role.
    """
    authority, roles = system.authority, holders(system.params)
    for role in Role:
        if role is not Role.GUARDIAN:
            authority.setGrantDelay(int(role), system.params.roles.admin_delay_seconds, sender=deployer)
    for role, (holder, delay) in roles.items():
        authority.grantRole(int(role), holder, delay, sender=deployer)
    for role in sorted(roles, reverse=True):  # ADMIN, which is 0, revokes the others and itself last
        authority.revokeRole(int(role), deployer, sender=deployer)
    if not system.chain.replaying:
        verify(system, deployer)


def verify(system: System, deployer: str) -> None:
    """Read from the authority who may do what, and compare.

    Raises:
        HandOverFailed: naming everything that is not as it should be.
    """
    faults = list(_faults(system, deployer))
    if faults:
        raise HandOverFailed("; ".join(faults))


def _faults(system: System, deployer: str) -> Iterator[str]:
    authority = system.authority
    for role, expected in holders(system.params).items():
        if tuple(authority.hasRole(int(role), expected[0])) != (True, expected[1]):
            yield f"{expected[0]} is not {role.name} with a delay of {expected[1]} seconds"
    for role in GUARDED:
        if authority.getRoleGuardian(int(role)) != Role.GUARDIAN:
            yield f"the guardian cannot cancel what {role.name} has scheduled"
    for role in Role:
        if authority.hasRole(int(role), deployer)[0]:
            yield f"the deployer {deployer} is still {role.name}"
    for kind, contract in restricted(system):
        for name in (name for names in GRANTS[kind].values() for name in names):
            immediate, delay = authority.canCall(deployer, contract.address, getattr(contract, name).selector)
            if immediate or delay:
                yield f"the deployer {deployer} may still call {kind}.{name} at {contract.address}"


def restricted(system: System) -> Iterator[tuple[str, Contract]]:
    """Every contract that asks the authority who may call, by its name in `GRANTS`."""
    yield "CollateralVault", system.vault
    yield "PriceOracle", system.oracle
    yield "PerpetualOptions", system.options
    yield "PoolFactory", system.factory
    yield "CustodyAttestation", system.custody
    yield "ComplianceRegistry", system.compliance
    yield "BeneficialHoldings", system.holdings
    yield "DividendDistributor", system.dividends
    yield "ProxyVoting", system.voting
    for desk in system.desks.values():
        yield "IssuanceDesk", desk
    yield "QuoteSettlement", system.quotes
    for calendar in system.calendars.values():
        yield "MarketCalendar", calendar
    for market in system.markets.values():
        yield "OptionMarket", market.contract
    for lent in system.lending.values():
        yield "LendingMarket", lent.contract
    for symbol, token in system.tokens.items():
        spec = system.params.tokens.get(symbol)
        if spec is None or spec.address is None:  # somebody else's token answers to somebody else
            yield "StockToken", token.contract
