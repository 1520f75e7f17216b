"""Which role may call which function: one table, for the deployment and for the role tests."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """Role ids in the authority. ADMIN is OpenZeppelin's own."""

    ADMIN = 0
    GOVERNOR = 1
    GUARDIAN = 2
    ISSUER = 3
    FACTORY = 4
    ATTESTOR = 5
    COMPLIANCE = 6
    TRANSFER_AGENT = 7
    CORPORATE_ACTIONS = 8
    SETTLEMENT = 9


ISSUER_ROLES = (Role.ATTESTOR, Role.COMPLIANCE, Role.TRANSFER_AGENT, Role.CORPORATE_ACTIONS, Role.SETTLEMENT)
"""Fall to the issuer unless the parameters name another holder."""


GUARDED = tuple(role for role in Role if role not in (Role.ADMIN, Role.GUARDIAN))
"""What these have scheduled, the guardian may cancel. The authority lets nobody but the admin cancel the admin's."""

GRANTS: dict[str, dict[Role, tuple[str, ...]]] = {
    "CollateralVault": {Role.GOVERNOR: ("setModule",)},
    "PriceOracle": {Role.GOVERNOR: ("setAsset", "setGuards")},
    "MarketCalendar": {Role.GOVERNOR: ("declareDay", "revokeDay")},
    "OptionMarket": {Role.GOVERNOR: ("scheduleEvent", "cancelEvent", "announceWindDown", "cancelWindDown")},
    "PerpetualOptions": {
        Role.GOVERNOR: ("addMarket", "setToken", "setExecutor"),
        Role.GUARDIAN: ("pauseOpening",),
        Role.FACTORY: ("listToken",),
    },
    "QuoteSettlement": {Role.GOVERNOR: ("setQuotedAsset", "setPayToken", "setSigner")},
    "PoolFactory": {Role.GOVERNOR: ("listToken",)},
    "LendingMarket": {Role.GUARDIAN: ("pauseBorrowing",)},
    "StockToken": {
        Role.ISSUER: ("mint", "burnFrom", "pause", "pauseFeature"),
        Role.GOVERNOR: ("unpause", "unpauseFeature", "setMinNotice"),
        Role.COMPLIANCE: ("setFrozenTokens",),
        Role.TRANSFER_AGENT: ("announceForcedTransfer", "cancelForcedTransfer", "forcedTransfer"),
        Role.CORPORATE_ACTIONS: ("announceAction", "setUIMultiplier", "cancelAction", "announceRecordDate"),
    },
    "CustodyAttestation": {Role.ATTESTOR: ("attest",), Role.GOVERNOR: ("setSource",)},
    "IssuanceDesk": {
        Role.SETTLEMENT: ("fulfilMints", "fulfilRedemptions"),
        Role.ISSUER: ("withdrawBond",),
        Role.GOVERNOR: ("setFee",),
        Role.GUARDIAN: ("pauseRequests",),
    },
    "BeneficialHoldings": {Role.GOVERNOR: ("addDesk",)},
    "DividendDistributor": {Role.CORPORATE_ACTIONS: ("declare", "sweep"), Role.COMPLIANCE: ("setWithholding",)},
    "ProxyVoting": {Role.CORPORATE_ACTIONS: ("post",)},
    "ComplianceRegistry": {Role.COMPLIANCE: ("setDenied", "setAllowed"), Role.GOVERNOR: ("protect",)},
}
