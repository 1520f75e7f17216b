"""The one builder: what a deployment consists of, and what it trusts."""

from __future__ import annotations

from everstock.chain.evm import EvmChain
from everstock.deploy import deploy_system
from everstock.deploy.roles import Role
from everstock.params import load
from support.desk import MAIN, ONE, WAD, Desk, add_token, deploy_local

LIMIT = 24_576


def test_the_builder_deploys_what_the_file_names(system):
    params = load("local")
    assert list(system.assets) == list(params.assets)
    assert list(system.markets) == list(params.markets)
    assert list(system.tokens) == list(params.tokens)
    assert system.options.marketCount() == len(params.markets)
    assert system.factory.tokenCount() == len(params.tokens)


def test_markets_carry_the_files_numbers(system):
    params = load("local")
    for name, spec in params.markets.items():
        market = system.market(name)
        config = market.contract.config()
        assert system.options.market(market.id) == market.contract.address
        assert config.assetId == system.asset(spec.asset).id
        assert config.referencePrice == int(spec.reference_price_usd) * WAD
        assert config.varianceBudget == spec.variance_budget_wad
        assert config.initialVariance == spec.initial_variance_wad
        assert (config.minVariance, config.maxVariance) == (4 * WAD // 100, 4 * WAD)
        assert config.loading == int(spec.loading * WAD)
        assert market.contract.book() == system.options.address
        assert market.contract.state().price == int(params.assets[spec.asset].initial_price_usd) * WAD


def test_assets_carry_the_files_numbers(system):
    for name, spec in load("local").assets.items():
        config = system.oracle.assetConfig(system.asset(name).id)
        assert config.feed == system.asset(name).feed.address
        assert (config.maxAge, config.deviation) == (spec.max_age_seconds, int(spec.deviation * WAD))


def test_tokens_carry_the_files_numbers(system):
    for symbol, spec in load("local").tokens.items():
        token = system.token(symbol)
        book = system.options.tokenBook(token.address)
        assert book.minNotional == spec.min_notional_units
        assert (book.mainPool, book.insurancePool) == (token.main_contract.address, token.insurance_contract.address)
        assert (token.contract.symbol(), token.contract.decimals()) == (symbol, spec.decimals)


def test_the_options_are_the_vaults_only_module(system):
    assert system.vault.isModule(system.options)
    assert not system.vault.isModule(system.governor)
    assert system.options.vault() == system.vault.address
    assert system.options.treasury() == system.treasury


def test_roles_go_to_whom_they_should(system):
    member = system.authority.hasRole
    assert member(int(Role.FACTORY), system.factory.address) == (True, 0)
    for role in (Role.ADMIN, Role.GOVERNOR, Role.GUARDIAN, Role.ISSUER):
        assert member(int(role), system.governor) == (True, 0)
    assert member(int(Role.FACTORY), system.governor) == (False, 0)
    for name in ("stranger", "treasury", "trader"):
        for role in Role:
            assert member(int(role), system.chain.account(name)) == (False, 0)


def test_another_sender_is_the_governor():
    chain = EvmChain()
    system = deploy_system(chain, load("local"), sender=chain.account("somebody"))
    assert system.governor == chain.account("somebody")
    assert system.authority.hasRole(int(Role.ADMIN), chain.account("deployer")) == (False, 0)


def test_two_deployments_know_nothing_of_each_other():
    first, second = deploy_local(), deploy_local()
    desk = Desk.empty(first)
    desk.fund_pool(MAIN, ONE)
    assert Desk.empty(second).cash(MAIN) == 0


def test_a_token_can_be_listed_later(system):
    token = add_token(system, "LATE.M", decimals=8, min_notional="0.5")
    assert system.token("LATE.M") is token
    assert system.options.tokenBook(token.address).minNotional == 5 * 10**7


def test_every_contract_fits_the_size_limit(system):
    for name in ("Authority", "CollateralVault", "PriceOracle", "PerpetualOptions", "PoolFactory", "OptionMarket"):
        assert 0 < system.artifacts[name].runtime_size <= LIMIT
    for name in ("MainPool", "InsurancePool", "MainPoolDeployer", "InsurancePoolDeployer"):
        assert 0 < system.artifacts[name].runtime_size <= LIMIT
