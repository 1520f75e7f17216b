"""StockToken: what the issuer may do, what holders may do, and what nobody may do."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from eth_account import Account

from everstock import artifacts
from everstock.chain import ZERO_ADDRESS, accounts
from everstock.chain.evm import EvmChain
from everstock.chain.testing import reverts

ONE = 10**18
DAY = 86_400
UINT_MAX = 2**256 - 1
LARGEST = 2**184 - 1
CUSTODY = 2**185
TRANSFER, MINT, BURN = range(3)
ISSUER, PAUSER, UNPAUSER = 1, 2, 3


@pytest.fixture(scope="module")
def deployed() -> SimpleNamespace:
    built = artifacts.load()
    chain = EvmChain()
    names = ("governor", "issuer", "pauser", "unpauser", "holder", "receiver", "stranger")
    who = SimpleNamespace(**{name: chain.account(name) for name in names})
    authority = chain.deploy(built["Authority"], who.governor, sender=who.governor)
    custody = chain.deploy(built["CustodyAttestation"], authority, sender=who.governor)
    compliance = chain.deploy(built["ComplianceRegistry"], authority, sender=who.governor)
    wired = (authority, custody, compliance, False)
    token = chain.deploy(built["StockToken"], "Tesla (Everstock)", "TSLA.M", 18, *wired, sender=who.governor)
    custody.setSource(token, ZERO_ADDRESS, 7 * DAY, sender=who.governor)
    custody.attest(token, CUSTODY, chain.now, b"\0" * 32, sender=who.governor)
    for role, account, functions in (
        (ISSUER, who.issuer, [token.mint, token.burnFrom]),
        (PAUSER, who.pauser, [token.pause]),
        (UNPAUSER, who.unpauser, [token.unpause]),
    ):
        authority.grantRole(role, account, 0, sender=who.governor)
        authority.setTargetFunctionRole(token, [function.selector for function in functions], role, sender=who.governor)
    token.mint(who.holder, 100 * ONE, sender=who.issuer)
    parts = {"authority": authority, "custody": custody, "compliance": compliance, "token": token}
    return SimpleNamespace(chain=chain, built=built, wired=wired, **parts, **vars(who))


@pytest.fixture
def it(deployed: SimpleNamespace) -> Iterator[SimpleNamespace]:
    with deployed.chain.anchor():
        yield deployed


def test_it_is_called_what_it_was_given(it):
    assert (it.token.name(), it.token.symbol(), it.token.decimals()) == ("Tesla (Everstock)", "TSLA.M", 18)


@pytest.mark.parametrize("decimals", [0, 6, 8])
def test_other_decimals(it, decimals):
    token = it.chain.deploy(it.built["StockToken"], "N", "S", decimals, *it.wired, sender=it.governor)
    assert token.decimals() == decimals


@pytest.mark.parametrize("decimals", [19, 255])
def test_more_than_18_decimals_are_refused(it, decimals):
    with reverts("StockToken_DecimalsOutOfBounds", decimals, 18):
        it.chain.deploy(it.built["StockToken"], "N", "S", decimals, *it.wired, sender=it.governor)


def test_mint_issues(it):
    receipt = it.token.mint(it.receiver, ONE, sender=it.issuer)
    assert it.token.balanceOf(it.receiver) == ONE
    assert it.token.totalSupply() == 101 * ONE
    assert receipt.event("Transfer").args == {"from": ZERO_ADDRESS, "to": it.receiver, "value": ONE}


def test_mint_refuses(it):
    with reverts("StockToken_ZeroAmount"):
        it.token.mint(it.receiver, 0, sender=it.issuer)
    with reverts("ERC20InvalidReceiver", ZERO_ADDRESS):
        it.token.mint(ZERO_ADDRESS, 1, sender=it.issuer)
    with reverts("RecordedBalance_TooLarge", LARGEST + 1, LARGEST):
        it.token.mint(it.receiver, LARGEST + 1 - 100 * ONE, sender=it.issuer)
    with reverts("RecordedBalance_TooLarge", UINT_MAX, LARGEST):
        it.token.mint(it.receiver, UINT_MAX, sender=it.issuer)


def test_a_holder_burns_its_own(it):
    it.token.burn(40 * ONE, sender=it.holder)
    assert it.token.balanceOf(it.holder) == 60 * ONE == it.token.totalSupply()
    with reverts("ERC20InsufficientBalance", it.holder, 60 * ONE, 60 * ONE + 1):
        it.token.burn(60 * ONE + 1, sender=it.holder)
    with reverts("StockToken_ZeroAmount"):
        it.token.burn(0, sender=it.holder)


def test_the_issuer_burns_what_was_approved_to_it(it):
    it.token.approve(it.issuer, 5 * ONE, sender=it.holder)
    it.token.burnFrom(it.holder, 3 * ONE, sender=it.issuer)
    assert it.token.allowance(it.holder, it.issuer) == 2 * ONE
    assert it.token.totalSupply() == 97 * ONE
    with reverts("ERC20InsufficientAllowance", it.issuer, 2 * ONE, 3 * ONE):
        it.token.burnFrom(it.holder, 3 * ONE, sender=it.issuer)
    with reverts("StockToken_ZeroAmount"):
        it.token.burnFrom(it.holder, 0, sender=it.issuer)


def test_the_issuer_burns_nothing_that_was_not_approved(it):
    with reverts("ERC20InsufficientAllowance", it.issuer, 0, 1):
        it.token.burnFrom(it.holder, 1, sender=it.issuer)


@pytest.mark.parametrize("role", ["issuer", "pauser", "unpauser", "holder", "stranger"])
def test_every_restricted_function_serves_its_own_role_only(it, role):
    """G1: every role's call by everyone else."""
    caller = getattr(it, role)
    calls = {"mint": (it.receiver, 1), "burnFrom": (it.holder, 1), "pause": (), "unpause": ()}
    allowed = {"issuer": {"mint", "burnFrom"}, "pauser": {"pause"}, "unpauser": {"unpause"}}.get(role, set())
    it.token.approve(it.issuer, 1, sender=it.holder)
    for name, args in calls.items():
        with it.chain.anchor():
            if name == "unpause":
                it.token.pause(sender=it.pauser)
            if name in allowed:
                getattr(it.token, name)(*args, sender=caller)
            else:
                with reverts("AccessManagedUnauthorized", caller):
                    getattr(it.token, name)(*args, sender=caller)


def test_while_paused_nothing_moves(it):
    it.token.approve(it.issuer, ONE, sender=it.holder)
    it.token.pause(sender=it.pauser)
    assert it.token.paused()
    for feature, call in (
        (TRANSFER, lambda: it.token.transfer(it.receiver, 1, sender=it.holder)),
        (TRANSFER, lambda: it.token.transferFrom(it.holder, it.receiver, 1, sender=it.issuer)),
        (MINT, lambda: it.token.mint(it.receiver, 1, sender=it.issuer)),
        (BURN, lambda: it.token.burn(1, sender=it.holder)),
        (BURN, lambda: it.token.burnFrom(it.holder, 1, sender=it.issuer)),
    ):
        with reverts("StockToken_Paused", feature):
            call()
    it.token.unpause(sender=it.unpauser)
    assert not it.token.paused()
    it.token.transfer(it.receiver, 1, sender=it.holder)


def test_transfer_to_oneself_and_to_nobody(it):
    it.token.transfer(it.holder, 100 * ONE, sender=it.holder)
    assert it.token.balanceOf(it.holder) == 100 * ONE
    with reverts("ERC20InvalidReceiver", ZERO_ADDRESS):
        it.token.transfer(ZERO_ADDRESS, 1, sender=it.holder)
    with reverts("ERC20InsufficientBalance", it.holder, 100 * ONE, UINT_MAX):
        it.token.transfer(it.receiver, UINT_MAX, sender=it.holder)


# ---------------------------------------------------------------------------------------------- permit


def permit(it, *, value: int, deadline: int, nonce: int = 0, chain_id: int | None = None, contract=None):
    """The holder's signature: v, r, s."""
    signed = Account.sign_typed_data(
        accounts.key("holder"),
        domain_data={
            "name": "Tesla (Everstock)",
            "version": "1",
            "chainId": chain_id or it.chain.chain_id,
            "verifyingContract": (contract or it.token).address,
        },
        message_types={
            "Permit": [
                {"name": "owner", "type": "address"},
                {"name": "spender", "type": "address"},
                {"name": "value", "type": "uint256"},
                {"name": "nonce", "type": "uint256"},
                {"name": "deadline", "type": "uint256"},
            ]
        },
        message_data={
            "owner": it.holder,
            "spender": it.receiver,
            "value": value,
            "nonce": nonce,
            "deadline": deadline,
        },
    )
    return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


def test_permit_approves_once(it):
    deadline = it.chain.now
    args = (it.holder, it.receiver, 7, deadline, *permit(it, value=7, deadline=deadline))
    it.token.permit(*args, sender=it.stranger)
    assert it.token.allowance(it.holder, it.receiver) == 7
    assert it.token.nonces(it.holder) == 1
    with reverts("ERC2612InvalidSigner", ..., it.holder):
        it.token.permit(*args, sender=it.stranger)


def test_permit_expires(it):
    deadline = it.chain.now - 1
    with reverts("ERC2612ExpiredSignature", deadline):
        it.token.permit(
            it.holder, it.receiver, 7, deadline, *permit(it, value=7, deadline=deadline), sender=it.stranger
        )


@pytest.mark.parametrize("wrong", [{"chain_id": 1}, {"contract": "authority"}, {"value": 8}, {"nonce": 1}])
def test_permit_binds_chain_contract_amount_and_nonce(it, wrong):
    signed = {"value": 7, "deadline": it.chain.now} | wrong
    if "contract" in wrong:
        signed["contract"] = it.authority
    with reverts("ERC2612InvalidSigner", ..., it.holder):
        it.token.permit(it.holder, it.receiver, 7, it.chain.now, *permit(it, **signed), sender=it.stranger)


def test_permit_refuses_the_other_root_of_a_signature(it):
    v, r, s = permit(it, value=7, deadline=it.chain.now)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = (order - int.from_bytes(s, "big")).to_bytes(32, "big")
    with reverts("ECDSAInvalidSignatureS", high):
        it.token.permit(it.holder, it.receiver, 7, it.chain.now, 55 - v, r, high, sender=it.stranger)
