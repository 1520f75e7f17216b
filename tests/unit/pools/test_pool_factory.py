"""Listing a margin token: bounds, wiring, and tokens that should not be one."""

from __future__ import annotations

import pytest
import rlp
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak

from everstock.chain import ZERO_ADDRESS
from everstock.chain.errors import ChainError, Reverted
from everstock.chain.testing import reverts
from everstock.deploy.stock import deploy_stock_token
from support.desk import INSURANCE, MAIN, ONE, Desk, add_token
from support.hostile import hostile_contract

KINDS = pytest.mark.parametrize(("kind", "layer"), [("MainPoolDeployer", MAIN), ("InsurancePoolDeployer", INSURANCE)])
PROXY_CODE_HASH = keccak(bytes.fromhex("67363d3d37363d34f03d5260086018f3"))
"""Of the creation code that every library of CREATE3 uses."""
DEPLOYMENT_FAILED = bytes.fromhex("30116425")  # Solady's DeploymentFailed(), which no ABI lists


def text(value: str) -> bytes:
    return value.encode().ljust(32, b"\0")


def stock(desk: Desk, decimals: int):
    return deploy_stock_token(desk.system, "New", "NEW.M", decimals)


def listed(desk: Desk, token, minimum: int = ONE):
    return desk.system.factory.listToken(token, minimum, sender=desk.who.governor)


def test_listing_deploys_and_seals_both_pools_and_opens_the_book(desk):
    token, factory = stock(desk, 18), desk.system.factory
    count = factory.tokenCount()
    desk.chain.warp(1_000)
    receipt = listed(desk, token, 5 * ONE)
    main, insurance = receipt.return_value
    assert factory.poolsOf(token) == (main, insurance)
    assert factory.tokenCount() == count + 1
    assert factory.tokenAt(count) == token.address
    book = desk.options.tokenBook(token)
    assert (book.mainPool, book.insurancePool, book.minNotional, book.closeOnly) == (main, insurance, 5 * ONE, False)
    assert (book.rentIndex, book.rentAccruedAt) == (0, desk.chain.now)
    for pool in (main, insurance):
        assert desk.vault.isSealed(token, desk.options, pool)
    assert receipt.event("CreatePools").args == {"token": token.address, "mainPool": main, "insurancePool": insurance}
    assert receipt.event("ListToken").args == {
        "token": token.address,
        "mainPool": main,
        "insurancePool": insurance,
        "minNotional": 5 * ONE,
    }


@pytest.mark.parametrize("decimals", [6, 8, 17, 18])
def test_decimals_from_six_to_eighteen_are_listed(desk, decimals):
    listed(desk, hostile_contract(desk.system, decimals))


@pytest.mark.parametrize("decimals", [0, 5, 19, 255])
def test_other_decimals_are_refused(desk, decimals):
    token = hostile_contract(desk.system, decimals)
    with desk.refused("PoolFactory_Decimals", decimals, 6, 18):
        listed(desk, token)


@pytest.mark.parametrize("address", [ZERO_ADDRESS, "0x" + "77" * 20])
def test_what_has_no_code_is_no_token(desk, address):
    with desk.refused("PoolFactory_NotAToken", address):
        listed(desk, address)


def test_what_does_not_answer_like_a_token_is_refused(desk):
    for contract in (desk.vault, desk.options):
        with desk.refused("Empty"):
            listed(desk, contract)
    without_symbol = desk.chain.deploy(desk.system.artifacts["HostileToken"], 18, sender=desk.who.governor)
    with desk.refused("Unknown", DEPLOYMENT_FAILED):  # the pool's constructor asks for one, behind CREATE3's proxy
        listed(desk, without_symbol)


def test_a_token_is_listed_once(desk):
    count = desk.system.factory.tokenCount()
    with desk.refused("PerpetualOptions_AlreadyListed", desk.token.address):
        listed(desk, desk.token.address)
    assert desk.system.factory.tokenCount() == count


def test_a_minimum_of_nothing_is_refused(desk):
    with desk.refused("PerpetualOptions_OutOfBounds", text("minNotional"), 0, 1, 2**88 - 1):
        listed(desk, stock(desk, 18), 0)


def test_only_the_governor_lists(desk):
    token = stock(desk, 18)
    for caller in (desk.who.stranger, desk.who.trader):
        with desk.refused("AccessManagedUnauthorized", caller):
            desk.system.factory.listToken(token, ONE, sender=caller)


def test_the_book_lists_for_the_factory_only(desk):
    token = stock(desk, 18)
    for caller in (desk.who.stranger, desk.who.governor):
        with desk.refused("AccessManagedUnauthorized", caller):
            desk.options.listToken(token, ONE, sender=caller)


def test_a_pool_of_another_deployer_is_none(desk):
    deployer = desk.chain.deploy(desk.system.artifacts["MainPoolDeployer"], sender=desk.who.stranger)
    address = deployer.deploy(desk.options, desk.token.address, sender=desk.who.stranger).return_value
    assert address not in desk.system.factory.poolsOf(desk.token.address)
    fake = desk.chain.contract(desk.system.artifacts["MainPool"], address)
    desk.give(desk.who.late_lp, ONE)
    desk.token.contract.approve(fake, ONE, sender=desk.who.late_lp)
    with desk.refused("CollateralVault_NotSealed", desk.token.address, desk.options, fake):
        fake["deposit(uint256,address)"](ONE, desk.who.late_lp, sender=desk.who.late_lp)
    with desk.refused("PerpetualOptions_NotPool", fake):
        desk.options.payRedemption(desk.token.address, MAIN, ONE, sender=fake)


# ---------------------------------------------------------------------------------------------- where the pools are


def deployer_of(desk: Desk, kind: str):
    """The system's own deployer of pools, found among what the builder created: no contract names it."""
    artifact = desk.system.artifacts[kind]
    pool = desk.pool(MAIN if kind == "MainPoolDeployer" else INSURANCE).address
    for nonce in range(desk.chain.nonce(desk.who.governor)):
        address = to_checksum_address(keccak(rlp.encode([to_canonical_address(desk.who.governor), nonce]))[12:])
        deployer = desk.chain.contract(artifact, address)
        try:
            if deployer.deploy.call(desk.options, desk.token.address) == pool:
                return deployer
        except ChainError:
            continue
    raise AssertionError(f"the builder deployed no {kind}")


def create3(deployer: str, salt: bytes) -> str:
    """What a factory of CREATE3 creates: a proxy by CREATE2, whose first contract it is."""
    proxy = keccak(b"\xff" + to_canonical_address(deployer) + salt + PROXY_CODE_HASH)[12:]
    return str(to_checksum_address(keccak(rlp.encode([proxy, 1]))[12:]))


@KINDS
def test_a_pools_address_follows_from_its_deployer_the_book_and_the_token(desk, kind, layer):
    deployer = deployer_of(desk, kind)
    for token in (desk.token.address, desk.system.token("CRCL.M").address, stock(desk, 18).address, desk.who.stranger):
        words = (to_canonical_address(each).rjust(32, b"\0") for each in (desk.options.address, token))
        salt = keccak(b"".join(words))
        book = desk.options.tokenBook(token)
        foretold = create3(deployer.address, salt)
        assert desk.system.factory.poolsOf(token)[layer] == foretold
        assert (book.mainPool, book.insurancePool)[layer] == foretold
    assert desk.pool(layer).address == desk.system.factory.poolsOf(desk.token.address)[layer]


def test_the_pools_of_an_unlisted_token_are_where_they_will_be(desk):
    token = stock(desk, 18)
    foretold = desk.system.factory.poolsOf(token)
    book = desk.options.tokenBook(token)
    assert (book.mainPool, book.insurancePool, book.minNotional) == (*foretold, 0)
    assert [desk.chain.code(each) for each in foretold] == [b"", b""]
    assert not any(desk.vault.isSealed(token, desk.options, each) for each in foretold)
    assert listed(desk, token).return_value == foretold
    assert desk.system.factory.poolsOf(token) == foretold
    assert all(desk.chain.code(each) for each in foretold)


@KINDS
def test_a_stranger_may_deploy_the_pool_first(desk, kind, layer):
    """It is the pool that listing would deploy, and takes no deposit until then."""
    token, deployer = stock(desk, 18), deployer_of(desk, kind)
    foretold = desk.system.factory.poolsOf(token)
    address = deployer.deploy(desk.options, token, sender=desk.who.stranger).return_value
    assert address == foretold[layer]
    pool = desk.chain.contract(desk.system.artifacts["MainPool"], address)
    assert (pool.book(), pool.asset(), pool.layer()) == (desk.options.address, token.address, layer)
    token.mint(desk.who.lp, ONE, sender=desk.who.governor)
    token.approve(pool, ONE, sender=desk.who.lp)
    with pytest.raises(Reverted):
        pool["deposit(uint256,address)"](ONE, desk.who.lp, sender=desk.who.lp)
    assert desk.vault.balanceOf(token, desk.options, pool) == 0
    assert listed(desk, token).return_value == foretold
    pool["deposit(uint256,address)"](ONE, desk.who.lp, sender=desk.who.lp)
    assert desk.vault.balanceOf(token, desk.options, pool) == ONE


@KINDS
def test_deploying_again_changes_nothing(desk, kind, layer):
    deployer, code = deployer_of(desk, kind), desk.chain.code(desk.pool(layer).address)
    before = desk.statement()
    for _ in range(2):
        receipt = deployer.deploy(desk.options, desk.token.address, sender=desk.who.stranger)
        assert receipt.return_value == desk.pool(layer).address
        assert receipt.logs == []
    assert desk.statement() == before
    assert desk.chain.code(desk.pool(layer).address) == code


def test_a_pool_that_was_credited_before_its_listing_costs_nobody_more_than_a_millionth_of_that(desk):
    """Its address can be foretold, and an entry is sealed at the listing only: whoever pays in before loses it."""
    token = stock(desk, 18)
    foretold, _ = desk.system.factory.listToken.call(token, ONE, sender=desk.who.governor)
    donation = 1_000 * ONE
    token.mint(desk.who.stranger, donation, sender=desk.who.governor)
    token.approve(desk.vault, donation, sender=desk.who.stranger)
    desk.vault.deposit(token, desk.options, foretold, donation, sender=desk.who.stranger)
    main, _ = listed(desk, token).return_value
    assert main == foretold
    pool = desk.chain.contract(desk.system.artifacts["MainPool"], main)
    for amount in (ONE, 3 * ONE // 1_000 - 1, 500 * ONE):
        token.mint(desk.who.lp, amount, sender=desk.who.governor)
        token.approve(pool, amount, sender=desk.who.lp)
        shares = pool["deposit(uint256,address)"](amount, desk.who.lp, sender=desk.who.lp).return_value
        assert amount - donation // 10**6 - 1 <= pool.convertToAssets(shares) <= amount
    token.mint(desk.who.lp, 10**14, sender=desk.who.governor)
    token.approve(pool, 10**14, sender=desk.who.lp)
    with desk.refused("UnderwritingPool_ZeroAmount"):  # too little for a share, and kept
        pool["deposit(uint256,address)"](10**14, desk.who.lp, sender=desk.who.lp)


def test_a_token_beyond_the_last_is_refused(desk):
    with reverts("Panic", 0x32):
        desk.system.factory.tokenAt(desk.system.factory.tokenCount())


def test_a_six_decimal_token_works_from_end_to_end(system):
    unit = 10**6
    desk = Desk.empty(system, add_token(system, "SIX.M", decimals=6))
    main = desk.fund_pool(MAIN, 1_000 * unit)
    desk.fund_pool(INSURANCE, 500 * unit)
    desk.add_margin(desk.who.trader, 100 * unit)
    desk.open(0, True, 50 * unit)
    desk.open(-3, False, 20 * unit + 1)
    desk.pass_time(86_400)
    desk.settle()
    desk.close(-3, False)
    desk.move(110_000)
    desk.exercise()
    assert desk.positions() == []
    desk.withdraw(desk.balance(desk.who.trader))
    desk.main.requestRedeem(main, desk.who.lp, desk.who.lp, sender=desk.who.lp)
    desk.pass_time(86_400)
    desk.main.executeRedemption(desk.who.lp, sender=desk.who.keeper)
    desk.main.redeem(main, desk.who.lp, desk.who.lp, sender=desk.who.lp)
    owners = [desk.who.trader, desk.who.lp]
    held = sum(map(desk.wallet, owners)) + desk.cash(MAIN) + desk.cash(INSURANCE)
    assert held + desk.fees + desk.free(desk.who.keeper) == 1_600 * unit
    assert desk.cash(MAIN) <= 1
