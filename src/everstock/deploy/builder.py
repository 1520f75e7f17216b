"""Deploys the whole system from parameters, in the order of dependency, and wires its roles.

Every step has a name. The roles go to their holders last, so that a half-built system trusts nobody but its deployer.
"""

from __future__ import annotations

from typing import Any

from everstock.artifacts import Artifacts
from everstock.artifacts import load as load_artifacts
from everstock.chain.accounts import address as named_address
from everstock.chain.base import Chain
from everstock.chain.contract import Contract
from everstock.client.system import Asset, MarginToken, Market, System
from everstock.deploy.checks import check
from everstock.deploy.handover import hand_over
from everstock.deploy.lending import deploy_lending
from everstock.deploy.prices import deploy_calendars, guard_asset
from everstock.deploy.quotes import deploy_quotes
from everstock.deploy.roles import GRANTS, GUARDED, ISSUER_ROLES, Role
from everstock.deploy.stock import deploy_desks, deploy_stock_token, protect
from everstock.params import Params
from everstock.params import Token as TokenParams

WAD = 10**18
ZERO_ADDRESS = "0x" + "00" * 20


class Builder:
    """Holds what the steps share. `sender` deploys, and is the authority's admin until it hands over."""

    def __init__(self, chain: Chain, params: Params, sender: str, artifacts: Artifacts | None = None) -> None:
        self.chain = chain
        self.params = params
        self.sender = sender
        self.artifacts = artifacts or load_artifacts()
        check(chain, params, sender)
        self.authority = self.deploy("Authority", sender)

    def deploy(self, artifact: str, *args: Any) -> Contract:
        return self.chain.deploy(self.artifacts[artifact], *args, sender=self.sender)

    def wire_roles(self, contract: Contract, kind: str) -> None:
        """Let each role call its functions of `contract`, as the table in `roles` says."""
        for role, functions in GRANTS[kind].items():
            selectors = [getattr(contract, name).selector for name in functions]
            self.authority.setTargetFunctionRole(contract.address, selectors, int(role), sender=self.sender)

    def grant(self, role: Role, account: Any, delay_seconds: int = 0) -> None:
        self.authority.grantRole(int(role), account, delay_seconds, sender=self.sender)

    # ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def build(self) -> System:
        params = self.params
        treasury = params.treasury or named_address("treasury")
        vault = self.deploy("CollateralVault", self.authority.address)
        oracle = self.deploy("PriceOracle", self.authority.address)
        deployers = [self.deploy(name).address for name in ("MainPoolDeployer", "InsurancePoolDeployer")]
        built_with = (self.authority.address, vault.address, treasury, *deployers)
        extension = self.deploy("OptionsExtension", *built_with)
        options = self.deploy("PerpetualOptions", *built_with, extension.address)
        factory = self.deploy("PoolFactory", self.authority.address, options.address, *deployers)
        lens = self.deploy("OptionsLens", options.address)
        custody = self.deploy("CustodyAttestation", self.authority.address)
        compliance = self.deploy("ComplianceRegistry", self.authority.address)
        holdings = self.deploy("BeneficialHoldings", self.authority.address, vault.address, factory.address)
        dividends = self.deploy("DividendDistributor", self.authority.address, holdings.address)
        voting = self.deploy("ProxyVoting", self.authority.address, holdings.address)
        for contract, kind in (
            (vault, "CollateralVault"),
            (oracle, "PriceOracle"),
            (options, "PerpetualOptions"),
            (factory, "PoolFactory"),
            (custody, "CustodyAttestation"),
            (compliance, "ComplianceRegistry"),
            (holdings, "BeneficialHoldings"),
            (dividends, "DividendDistributor"),
            (voting, "ProxyVoting"),
        ):
            self.wire_roles(contract, kind)
        for role in GUARDED:
            self.authority.setRoleGuardian(int(role), int(Role.GUARDIAN), sender=self.sender)
        self.grant(Role.FACTORY, factory.address)
        # The deployer does the governor's work until the roles are handed over.
        self.grant(Role.GOVERNOR, self.sender)
        self.grant(Role.ISSUER, self.sender)
        self.grant(Role.GUARDIAN, self.sender)
        for issuer_role in ISSUER_ROLES:
            self.grant(issuer_role, self.sender)
        vault.setModule(options.address, True, sender=self.sender)

        system = System(
            chain=self.chain,
            params=params,
            artifacts=self.artifacts,
            governor=self.sender,
            treasury=treasury,
            authority=self.authority,
            vault=vault,
            oracle=oracle,
            options=options,
            factory=factory,
            lens=lens,
            custody=custody,
            compliance=compliance,
            holdings=holdings,
            dividends=dividends,
            voting=voting,
        )
        protect(system, vault)
        deploy_calendars(self, system)
        for name in params.assets:
            system.assets[name] = self.asset(system, name)
        for name in params.markets:
            system.markets[name] = self.market(system, name)
        for symbol, token in params.tokens.items():
            list_token(system, symbol, token)
        deploy_quotes(self, system)
        deploy_desks(system)
        deploy_lending(self, system)
        if params.roles.governor is not None:
            hand_over(system, self.sender)
            system.governor = params.roles.governor
        return system

    def asset(self, system: System, name: str) -> Asset:
        """A feed adapter over the asset's aggregator, known to the oracle."""
        spec = self.params.assets[name]
        if spec.aggregator is None:
            assert spec.initial_price_usd is not None  # the schema's doing
            aggregator = self.deploy(
                "MockAggregator", spec.feed_decimals, int(spec.initial_price_usd * 10**spec.feed_decimals)
            )
        else:
            aggregator = self.chain.contract(self.artifacts["MockAggregator"], spec.aggregator)
        feed = self.deploy("ChainlinkFeed", aggregator.address)
        asset_id = name.encode().ljust(32, b"\0")
        calendar = system.calendars[spec.calendar] if spec.calendar else None
        sessions = calendar.address if calendar else ZERO_ADDRESS
        config = (feed.address, spec.max_age_seconds, int(spec.deviation * WAD), sessions)
        system.oracle.setAsset(asset_id, config, sender=self.sender)
        guard_asset(self, system, asset_id, spec.guards)
        return Asset(system, name, asset_id, feed, aggregator, spec.feed_decimals, calendar)

    def market(self, system: System, name: str) -> Market:
        spec = self.params.markets[name]
        config = (
            system.assets[spec.asset].id,
            int(spec.reference_price_usd * WAD),
            spec.variance_budget_wad,
            spec.initial_variance_wad,
            int(self.params.sigma_min**2 * WAD),
            int(self.params.sigma_max**2 * WAD),
            int(spec.loading * WAD),
        )
        calendar = system.assets[spec.asset].calendar
        contract = self.deploy(
            "OptionMarket",
            self.authority.address,
            system.oracle.address,
            calendar.address if calendar else ZERO_ADDRESS,
            system.options.address,
            config,
        )
        self.wire_roles(contract, "OptionMarket")
        contract.poke(sender=self.sender)
        receipt = system.options.addMarket(contract.address, sender=self.sender)
        market_id = int(receipt.event("AddMarket")["marketId"])
        return Market(system, name, market_id, contract, system.assets[spec.asset])


def list_token(system: System, symbol: str, spec: TokenParams) -> MarginToken:
    """Deploy a stock token unless it exists, list it as margin, and add it to the system."""
    chain, artifacts, sender = system.chain, system.artifacts, system.governor
    if spec.address is None:
        contract = deploy_stock_token(system, spec.name, symbol, spec.decimals)
    else:
        contract = chain.contract(artifacts["StockToken"], spec.address)
    receipt = system.factory.listToken(contract.address, spec.min_notional_units, sender=sender)
    created = receipt.event("CreatePools")
    token = MarginToken(
        system,
        symbol,
        contract,
        spec.decimals,
        chain.contract(artifacts["MainPool"], created["mainPool"]),
        chain.contract(artifacts["InsurancePool"], created["insurancePool"]),
    )
    protect(system, token.main_contract, token.insurance_contract)
    system.tokens[symbol] = token
    return token


def deploy_system(
    chain: Chain, params: Params, sender: str | None = None, artifacts: Artifacts | None = None
) -> System:
    """Deploy everything `params` names. `sender` defaults to the chain's account `deployer`.

    Raises:
        NotDeployable: a given contract is not there; nothing was sent.
        HandOverFailed: the roles did not end up with their holders.
    """
    return Builder(chain, params, sender or chain.account("deployer"), artifacts).build()
