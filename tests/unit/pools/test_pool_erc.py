"""What the pools tell the outside: ERC-20, ERC-165, ERC-4626, ERC-7540, ERC-7575."""

from __future__ import annotations

from functools import reduce
from operator import xor

import pytest
from eth_utils.crypto import keccak

from everstock.chain.testing import reverts
from support.desk import INSURANCE, MAIN, ONE

BOTH = pytest.mark.parametrize("layer", [MAIN, INSURANCE])

OPERATORS = ("setOperator(address,bool)", "isOperator(address,address)")
ASYNCHRONOUS_REDEMPTION = (
    "requestRedeem(uint256,address,address)",
    "pendingRedeemRequest(uint256,address)",
    "claimableRedeemRequest(uint256,address)",
)
VAULT = (
    "asset()",
    "convertToAssets(uint256)",
    "convertToShares(uint256)",
    "deposit(uint256,address)",
    "maxDeposit(address)",
    "maxMint(address)",
    "maxRedeem(address)",
    "maxWithdraw(address)",
    "mint(uint256,address)",
    "previewDeposit(uint256)",
    "previewMint(uint256)",
    "previewRedeem(uint256)",
    "previewWithdraw(uint256)",
    "redeem(uint256,address,address)",
    "share()",
    "totalAssets()",
    "withdraw(uint256,address,address)",
)


def interface_id(*signatures: str) -> bytes:
    selectors = (int.from_bytes(keccak(text=each)[:4], "big") for each in signatures)
    return reduce(xor, selectors).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("signatures", "expected"),
    [
        (("supportsInterface(bytes4)",), "01ffc9a7"),
        (OPERATORS, "e3bc4e65"),
        (ASYNCHRONOUS_REDEMPTION, "620ee8e4"),
        (VAULT, "2f0a18c5"),
    ],
)
@BOTH
def test_supported_interfaces_are_those_whose_functions_are_there(desk, layer, signatures, expected):
    pool = desk.pool(layer)
    assert interface_id(*signatures).hex() == expected
    assert pool.supportsInterface(interface_id(*signatures))
    for signature in signatures:
        assert pool[signature] is not None


@BOTH
def test_other_interfaces_are_not_supported(desk, layer):
    asynchronous_deposit = bytes.fromhex("ce3bbe50")
    for other in (asynchronous_deposit, b"\xff" * 4, b"\0" * 4):
        assert not desk.pool(layer).supportsInterface(other)


@pytest.mark.parametrize(
    ("layer", "name", "symbol"),
    [(MAIN, "Everstock Main Pool TSLA.M", "emTSLA.M"), (INSURANCE, "Everstock Insurance Pool TSLA.M", "eiTSLA.M")],
)
def test_a_pool_names_itself(desk, layer, name, symbol):
    pool = desk.pool(layer)
    assert (pool.name(), pool.symbol(), pool.decimals()) == (name, symbol, 24)
    assert pool.asset() == desk.token.address
    assert pool.share() == pool.address
    assert pool.book() == desk.options.address
    assert pool.layer() == layer


@BOTH
def test_shares_move_like_any_token(desk, layer):
    pool, lp, other = desk.pool(layer), desk.who.lp, desk.who.late_lp
    pool.transfer(other, ONE, sender=lp)
    assert pool.balanceOf(other) == ONE
    pool.approve(desk.who.operator, ONE, sender=other)
    pool.transferFrom(other, lp, ONE, sender=desk.who.operator)
    assert pool.balanceOf(other) == 0
    with reverts("ERC20InsufficientAllowance", desk.who.operator, 0, 1):
        pool.transferFrom(lp, other, 1, sender=desk.who.operator)


@BOTH
def test_an_operator_moves_no_shares(desk, layer):
    """ERC-7540 operators request and claim; transfers need an allowance."""
    pool = desk.pool(layer)
    pool.setOperator(desk.who.operator, True, sender=desk.who.lp)
    with reverts("ERC20InsufficientAllowance", desk.who.operator, 0, ONE):
        pool.transferFrom(desk.who.lp, desk.who.operator, ONE, sender=desk.who.operator)


@BOTH
def test_shares_that_changed_hands_are_redeemed_by_the_new_holder(desk, layer):
    pool = desk.pool(layer)
    pool.transfer(desk.who.late_lp, ONE, sender=desk.who.lp)
    pool.requestRedeem(ONE, desk.who.late_lp, desk.who.late_lp, sender=desk.who.late_lp)
    desk.chain.warp(pool.cooldown())
    pool.executeRedemption(desk.who.late_lp, sender=desk.who.stranger)
    pool.redeem(ONE, desk.who.late_lp, desk.who.late_lp, sender=desk.who.late_lp)
    assert desk.wallet(desk.who.late_lp) == ONE // 10**6


@BOTH
def test_views_never_fail_whatever_the_markets_do(desk, layer):
    """P5"""
    desk.open(0, True, 100 * ONE)
    pool, lp = desk.pool(layer), desk.who.lp
    for price in (60_000, 1_000_000, 1, -5):
        desk.market.asset.aggregator.updateAnswer(price * 10**8, sender=desk.who.governor)
        desk.poke()
        desk.chain.warp(1_000)
        for limit in (pool.maxDeposit, pool.maxMint, pool.maxRedeem, pool.maxWithdraw):
            assert limit(lp) >= 0
        assert pool.totalAssets() >= 0
        assert pool.convertToAssets(ONE) >= 0
        assert pool.convertToShares(ONE) > 0
        assert pool.previewDeposit(ONE) > 0
        assert pool.previewMint(ONE) >= 0
