"""Lending: the rate model, the factory, and the markets that the parameters name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from everstock.chain.base import ZERO_ADDRESS
from everstock.client.lending import LendingMarket, LoanToken
from everstock.params.lending import LendingMarket as Spec

if TYPE_CHECKING:
    from everstock.chain.contract import Contract
    from everstock.client.system import System
    from everstock.deploy.builder import Builder

WAD = 10**18


def deploy_lending(builder: Builder, system: System) -> None:
    """Deploy what the section names, and let the vault keep the markets' collateral."""
    params = builder.params.lending
    if params is None:
        return
    model = builder.deploy("AdaptiveCurveRateModel", params.rate_model.config)
    code = builder.artifacts["LendingMarket"].bytecode
    factory = builder.deploy(
        "LendingFactory", system.authority.address, system.vault.address, system.oracle.address, code
    )
    system.lending_factory = factory
    valuer = builder.deploy("OptionsValuer", system.options.address)
    loans: dict[str, LoanToken] = {}
    for symbol, spec in params.loan_tokens.items():
        if spec.address is None and symbol in system.pay_tokens:
            contract = system.pay_tokens[symbol]
        elif spec.address is None:
            contract = builder.deploy("MockDollar", spec.decimals)
        else:
            contract = builder.chain.contract(builder.artifacts["MockDollar"], spec.address)
        asset = b"" if spec.asset is None else system.asset(spec.asset).id
        loans[symbol] = LoanToken(symbol, contract, spec.decimals, asset.ljust(32, b"\0"))
    for name, market in params.markets.items():
        create_lending_market(builder, system, name, market, model, loans[market.loan], valuer)


def create_lending_market(
    builder: Builder,
    system: System,
    name: str,
    spec: Spec,
    model: Contract,
    loan: LoanToken,
    valuer: Contract | None = None,
) -> LendingMarket:
    """Deploy one market through the factory, enable it in the vault, and add it to the system."""
    assert system.lending_factory is not None
    token, asset = system.token(spec.collateral), system.asset(spec.asset)
    config = (
        system.vault.address,
        system.oracle.address,
        system.oracle.assetConfig(asset.id).calendar,
        model.address,
        ZERO_ADDRESS if valuer is None else valuer.address,
        system.desks[spec.collateral].address if spec.collateral in system.desks else ZERO_ADDRESS,
        token.address,
        loan.contract.address,
        asset.id,
        loan.asset_id,
        int(spec.min_debt * 10**loan.decimals),
        int(spec.reserve_share * WAD),
        int(spec.reserve_cap * WAD),
        int(spec.pledge_haircut * WAD),
        spec.policy,
    )
    receipt = system.lending_factory.createMarket(config, sender=builder.sender)
    created = receipt.event("CreateMarket")["market"]
    contract = builder.chain.contract(builder.artifacts["LendingMarket"], created)
    builder.wire_roles(contract, "LendingMarket")
    system.vault.setModule(contract.address, True, sender=builder.sender)
    market = LendingMarket(system, name, contract, token, loan, asset)
    system.lending[name] = market
    return market
