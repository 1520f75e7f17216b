"""What the lens says against what the book does, in the same block; nothing is kept."""

from __future__ import annotations

from typing import Any

from everstock.chain.errors import Reverted
from support.desk import ASK, INSURANCE, MAIN, UINT112_MAX, UINT256_MAX, WAD, Desk

BOUNDS = {
    "PerpetualOptions_InsufficientBalance",
    "PerpetualOptions_InsufficientMargin",
    "PerpetualOptions_InsufficientReserve",
    "PerpetualOptions_SideLimit",
    "PerpetualOptions_NotionalTooLarge",
}
ACCEPTED = bytes(4)


def name_of(desk: Desk, selector: bytes) -> str:
    """The error's name; empty for none."""
    if selector == ACCEPTED:
        return ""
    return desk.chain.registry.errors[selector].name


def revert_of(call: Any, *args: Any, sender: Any) -> Reverted | None:
    """What the operation would revert with now."""
    try:
        call.call(*args, sender=sender)
    except Reverted as error:
        return error
    return None


def refused(call: Any, *args: Any, sender: Any) -> bytes:
    """The selector that the operation would revert with now; zero for none."""
    error = revert_of(call, *args, sender=sender)
    return ACCEPTED if error is None else error.data[:4]


def check_open(desk: Desk, *args: Any, limit: int = UINT256_MAX, **order: Any) -> str:
    """Preview and open agree to the unit; the refusal's name."""
    filled = desk.order(*args, limit=limit, **order)
    owner = filled["owner"]
    p = desk.system.lens.previewOpen(filled)
    assert name_of(desk, p.refusal) == name_of(desk, refused(desk.options.open, filled, sender=owner))
    if p.refusal != ACCEPTED:
        return name_of(desk, p.refusal)
    with desk.chain.anchor():
        receipt = desk.options.open(filled, sender=owner)
        assert receipt.return_value == (p.premium, p.fee)
        assert receipt.event("Open")["price"] == p.price
        health = desk.health(owner)
        assert (health.equity, health.initialMargin) == (p.equityAfter, p.initialMarginAfter)
        for layer, cash, reserved in (
            (MAIN, p.cashMainAfter, p.reservedMainAfter),
            (INSURANCE, p.cashInsuranceAfter, p.reservedInsuranceAfter),
        ):
            state = desk.options.poolState(desk.token.address, layer)
            assert (state.cash, state.reserved) == (cash, reserved)
    return ""


def check_close(
    desk: Desk, strike: int = 0, is_call: bool = True, notional: int = UINT112_MAX, token: Any = None, **order: Any
) -> str:
    """Preview and close agree to the unit; the refusal's name."""
    filled = desk.order(strike, is_call, notional, limit=0, token=token, **order)
    owner, position = filled["owner"], (filled["marketId"], strike, is_call)
    p = desk.system.lens.previewClose(owner, filled["token"], position, notional)
    assert name_of(desk, p.refusal) == name_of(desk, refused(desk.options.close, filled, sender=owner))
    if p.refusal == ACCEPTED:
        with desk.chain.anchor():
            closed = desk.options.close(filled, sender=owner).return_value
            assert closed == (p.notional, p.payoutMain, p.payoutInsurance, p.fee, p.debtPaid)
            assert desk.balance(owner) == p.balanceAfter
            assert p.payoutMain + p.payoutInsurance == p.debtPaid + p.fee + p.toOwner
    return name_of(desk, p.refusal)


def check_liquidation(desk: Desk, *position: Any, owner: Any = None) -> str:
    """Preview and liquidation agree to the unit; the refusal's name."""
    owner = owner or desk.who.trader
    p = desk.system.lens.previewLiquidation(owner, desk.token.address, desk.id(*position))
    error = revert_of(desk.options.liquidate, owner, desk.token.address, desk.id(*position), sender=desk.who.liquidator)
    if error is not None:
        assert not p.liquidatable
        assert p.notional == p.reward == 0
        assert p.refusal == error.data[:4]
        if error.name == "PerpetualOptions_Healthy":
            assert error.values == (p.equity, p.maintenanceMargin)
        return name_of(desk, p.refusal)
    assert p.liquidatable
    assert p.refusal == ACCEPTED
    assert p.equity < p.maintenanceMargin
    with desk.chain.anchor():
        closed = desk.liquidate(*position, owner=owner).return_value
        assert (closed.notional, closed.fee) == (p.notional, p.reward)
        assert desk.free(desk.who.liquidator) == p.reward
    return ""


def check_max_open(desk: Desk, strike: int = 0, is_call: bool = True, owner: Any = None) -> int:
    """`open` takes the largest notional, and no more than rounding above it."""
    owner = owner or desk.who.trader
    found = desk.system.lens.maxOpen(owner, desk.token.address, desk.market.id, strike, is_call)
    if found:
        assert attempt(desk, strike, is_call, found, owner) == ""
    try:
        quote = desk.quote(strike, is_call, ASK)
    except Reverted:
        assert found == 0
        return 0
    # A few units of the checked amount, and a unit of the fee's rate.
    slope = min(quote.value + quote.initialMargin, WAD // 5)
    more = found + (10 * WAD // slope + 1) * (1 + found // WAD)
    held = desk.options.position(owner, desk.token.address, desk.id(strike, is_call)).notional
    if found:
        assert attempt(desk, strike, is_call, more, owner) in BOUNDS
    else:
        least = desk.book.minNotional - held
        assert attempt(desk, strike, is_call, max(more, least), owner) != ""
    return int(found)


def attempt(desk: Desk, strike: int, is_call: bool, notional: int, owner: Any) -> str:
    """The name of the error that opening raises now; empty for none."""
    order = desk.order(strike, is_call, notional, limit=UINT256_MAX, owner=owner)
    return name_of(desk, refused(desk.options.open, order, sender=owner))


def check_max_withdraw(desk: Desk, owner: Any = None) -> int:
    """`withdraw` takes the largest amount, and not a unit more."""
    owner = owner or desk.who.trader
    found = int(desk.system.lens.maxWithdraw(owner, desk.token.address))
    if found:
        assert refused(desk.options.withdraw, desk.token.address, found, owner, sender=owner) == ACCEPTED
    assert refused(desk.options.withdraw, desk.token.address, found + 1, owner, sender=owner) != ACCEPTED
    return found
