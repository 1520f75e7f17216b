"""Deploys the stock layer: custody and compliance once, a stock token as often as there are stocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from everstock.chain.base import ZERO_ADDRESS
from everstock.chain.contract import Contract
from everstock.deploy.roles import GRANTS, Role

if TYPE_CHECKING:
    from everstock.client.system import System

NO_REPORT = b"\0" * 32


def wire(system: System, contract: Contract, kind: str, sender: str | None = None) -> Contract:
    """Let each role call its functions of `contract`, as the table in `roles` says."""
    for role, functions in GRANTS[kind].items():
        selectors = [getattr(contract, name).selector for name in functions]
        system.authority.setTargetFunctionRole(contract, selectors, int(role), sender=sender or system.governor)
    return contract


def deploy_stock_token(
    system: System, name: str, symbol: str, decimals: int = 18, *, closed_loop: bool = False
) -> Contract:
    """A stock token of the system's issuer, with its source of custody. Locally its custody is attested, too."""
    governor, params = system.governor, system.params.stock
    wired = (system.authority, system.custody, system.compliance, closed_loop)
    token = system.chain.deploy(system.artifacts["StockToken"], name, symbol, decimals, *wired, sender=governor)
    wire(system, token, "StockToken")
    system.custody.setSource(token, ZERO_ADDRESS, params.custody_max_age_seconds, sender=governor)
    if params.custody_shares is not None:
        shares = int(params.custody_shares * 10**decimals)
        system.custody.attest(token, shares, system.chain.now, NO_REPORT, sender=governor)
    return token


def deploy_issuance_desk(
    system: System, symbol: str, token: Contract, cash: Contract, calendar: Contract, *, settlement_account: str
) -> Contract:
    """A desk that issues and redeems `token` for `cash`: it gets the issuer's role, and holdings look through it."""
    governor, terms = system.governor, system.params.stock.desk
    config = (
        token.address,
        cash.address,
        calendar.address,
        terms.settlement_sessions,
        terms.cutoff_minutes * 60,
        terms.settlement_window_hours * 3600,
        terms.penalty_bps,
        terms.fee_bps,
        settlement_account,
        system.treasury,
    )
    desk = system.chain.deploy(system.artifacts["IssuanceDesk"], system.authority, config, sender=governor)
    wire(system, desk, "IssuanceDesk")
    system.authority.grantRole(int(Role.ISSUER), desk, 0, sender=governor)
    system.holdings.addDesk(desk, sender=governor)
    protect(system, desk)
    system.desks[symbol] = desk
    return desk


def deploy_desks(system: System) -> None:
    """The desks that the parameters name. After tokens and pay tokens."""
    for symbol, spec in system.params.stock.desks.items():
        where = (system.tokens[symbol].contract, system.pay_tokens[spec.cash], system.calendars[spec.calendar])
        deploy_issuance_desk(system, symbol, *where, settlement_account=spec.settlement_account or system.treasury)


def protect(system: System, *custodians: Contract) -> None:
    """Nobody seizes from, freezes or denies what keeps many owners' tokens. Governor."""
    for custodian in custodians:
        system.compliance.protect(custodian, sender=system.governor)
