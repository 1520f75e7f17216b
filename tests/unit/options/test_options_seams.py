"""Who else may act on an account: executors and their tight band, operators by signature, pledgees."""

from __future__ import annotations

from typing import Any

import pytest

from everstock import signing
from everstock.chain import ZERO_ADDRESS, accounts
from everstock.chain.contract import Contract
from support.desk import (
    ASK,
    BID,
    DAY,
    MARGIN,
    ONE,
    TIGHT_ASK,
    TIGHT_BID,
    UINT256_MAX,
    Desk,
)

N = 100 * ONE
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
NEVER = 2**255 - 1
"""A floor that no equity reaches: the pledgee refuses everything."""


@pytest.fixture
def holder(desk: Desk) -> Desk:
    """`trader` holds 100 calls at the money."""
    desk.open(0, True, N)
    return desk


@pytest.fixture
def executed(holder: Desk) -> Desk:
    """`operator` is `trader`'s operator, and an executor."""
    desk = holder
    desk.options.setOperator(desk.who.operator, True, sender=desk.who.trader)
    desk.options.setExecutor(desk.who.operator, True, sender=desk.who.governor)
    return desk


@pytest.fixture
def pledgee(holder: Desk) -> Contract:
    """`trader`'s account backs something that it keeps."""
    desk = holder
    contract = desk.chain.deploy(desk.system.artifacts["TestPledgee"], desk.options, sender=desk.who.stranger)
    desk.options.pledge(desk.token.address, contract, sender=desk.who.trader)
    return contract


def account(desk: Desk) -> tuple[str, str]:
    return desk.who.trader, desk.token.address


def by(pledgee: Contract, function: Any, *args: Any) -> Any:
    """The pledgee calls."""
    return pledgee.run(function._contract.address, function.encode(*args), sender=pledgee.chain.account("keeper"))


# ---------------------------------------------------------------------------------------------- executors


def test_governance_names_executors_and_unnames_them(desk):
    for enabled in (True, False):
        receipt = desk.options.setExecutor(desk.who.operator, enabled, sender=desk.who.governor)
        assert desk.event(receipt, "SetExecutor").args == {"executor": desk.who.operator, "enabled": enabled}
        assert desk.options.isExecutor(desk.who.operator) is enabled
    with desk.refused("AccessManagedUnauthorized", desk.who.operator):
        desk.options.setExecutor(desk.who.operator, True, sender=desk.who.operator)


def test_an_executor_buys_at_the_tight_ask_and_sells_at_the_tight_bid(executed):
    desk = executed
    tight, wide = desk.quote(0, True, TIGHT_ASK).value, desk.quote(0, True, ASK).value
    assert tight < wide
    premium, _ = desk.open(0, True, 10 * ONE, sender=desk.who.operator).return_value
    assert premium == 10 * tight
    tight, wide = desk.quote(0, True, TIGHT_BID).value, desk.quote(0, True, BID).value
    assert tight > wide
    assert desk.close(0, True, 10 * ONE, sender=desk.who.operator).return_value.payoutMain == 10 * tight
    assert desk.open(0, True, 10 * ONE).return_value[0] == 10 * desk.quote(0, True, ASK).value, "the owner does not"


def test_an_operator_that_is_no_executor_trades_at_the_wide_band(holder):
    desk = holder
    desk.options.setOperator(desk.who.operator, True, sender=desk.who.trader)
    premium, _ = desk.open(0, True, 10 * ONE, sender=desk.who.operator).return_value
    assert premium == 10 * desk.quote(0, True, ASK).value
    closed = desk.close(0, True, 10 * ONE, sender=desk.who.operator).return_value
    assert closed.payoutMain == 10 * desk.quote(0, True, BID).value


def test_an_executor_that_trades_for_itself_trades_at_the_wide_band(executed):
    desk = executed
    desk.add_margin(desk.who.operator, MARGIN)
    premium, _ = desk.open(0, True, 10 * ONE, owner=desk.who.operator).return_value
    assert premium == 10 * desk.quote(0, True, ASK).value


def test_an_executor_that_is_no_operator_cannot_trade(holder):
    desk = holder
    desk.options.setExecutor(desk.who.operator, True, sender=desk.who.governor)
    for trade in (desk.open, desk.close):
        with desk.refused("PerpetualOptions_NotOperator", desk.who.trader, desk.who.operator):
            trade(sender=desk.who.operator)


def test_an_executor_is_paid_down_to_maintenance_and_not_a_unit_further(executed):
    desk = executed
    desk.pass_time(DAY // 2)
    desk.poke()
    health = desk.health()
    assert health.owed > 0
    spare = health.equity - health.maintenanceMargin
    pay = desk.options.payExecutor
    required = health.maintenanceMargin
    with desk.refused("PerpetualOptions_InsufficientMargin", required - 1, required):
        pay(*account(desk), spare + 1, desk.who.keeper, sender=desk.who.operator)
    balance = desk.balance(desk.who.trader)
    pay(*account(desk), spare, desk.who.keeper, sender=desk.who.operator)
    assert desk.free(desk.who.keeper) == spare
    assert desk.balance(desk.who.trader) == balance - spare
    assert desk.health().equity == required < health.initialMargin
    with desk.refused("PerpetualOptions_InsufficientMargin", required - 1, required):
        pay(*account(desk), 1, desk.who.keeper, sender=desk.who.operator)
    with desk.refused("PerpetualOptions_InsufficientBalance", balance - spare, UINT256_MAX):
        pay(*account(desk), UINT256_MAX, desk.who.keeper, sender=desk.who.operator)
    with desk.refused("PerpetualOptions_Healthy", required, required):
        desk.liquidate()


def test_an_executor_is_paid_everything_of_an_account_without_positions(executed):
    desk = executed
    desk.close()
    balance = desk.balance(desk.who.trader)
    entry = (desk.token.address, desk.options.address, desk.who.trader)
    with desk.refused("CollateralVault_InsufficientBalance", *entry, balance, balance + 1):
        desk.options.payExecutor(*account(desk), balance + 1, desk.who.keeper, sender=desk.who.operator)
    desk.options.payExecutor(*account(desk), balance, desk.who.keeper, sender=desk.who.operator)
    assert (desk.balance(desk.who.trader), desk.free(desk.who.keeper)) == (0, balance)


def test_only_an_executor_that_is_an_operator_is_paid(executed):
    desk = executed
    pay, operator = desk.options.payExecutor, desk.who.operator
    with desk.refused("CollateralVault_ZeroAmount"):
        pay(*account(desk), 0, desk.who.keeper, sender=operator)
    with desk.refused("CollateralVault_ZeroAddress"):
        pay(*account(desk), 1, ZERO_ADDRESS, sender=operator)
    with desk.refused("PerpetualOptions_UnknownToken", ZERO_ADDRESS):
        desk.options.settle(desk.who.trader, ZERO_ADDRESS, sender=operator)
    for caller in (desk.who.trader, desk.who.stranger):
        with desk.refused("PerpetualOptions_NotExecutor", caller):
            pay(*account(desk), 1, desk.who.keeper, sender=caller)
    with desk.refused("PerpetualOptions_NotOperator", desk.who.rival, operator):
        pay(desk.who.rival, desk.token.address, 1, desk.who.keeper, sender=operator)
    desk.options.setExecutor(operator, False, sender=desk.who.governor)
    with desk.refused("PerpetualOptions_NotExecutor", operator):
        pay(*account(desk), 1, desk.who.keeper, sender=operator)


def execute_close(desk: Desk, notional: int, fee: int, *, payee: Any = None, sender: Any = None) -> Any:
    order = desk.order(0, True, notional, limit=0)
    return desk.options.executeClose(order, fee, payee or desk.who.keeper, sender=sender or desk.who.operator)


def execute_open(desk: Desk, notional: int, fee: int, *, payee: Any = None, sender: Any = None) -> Any:
    order = desk.order(0, True, notional, limit=UINT256_MAX)
    return desk.options.executeOpen(order, fee, payee or desk.who.keeper, sender=sender or desk.who.operator)


@pytest.mark.parametrize(("trade", "instead"), [(execute_open, "open"), (execute_close, "close")])
def test_a_fee_within_a_trade_costs_what_it_says_and_changes_nothing_else(executed, trade, instead):
    desk = executed
    pools = (desk.main, desk.insurance)
    with desk.chain.anchor():
        getattr(desk, instead)(0, True, ONE, sender=desk.who.operator)
        balance, cash = desk.balance(desk.who.trader), [desk.balance(pool) for pool in pools]
        fees, book = desk.fees, desk.book
    receipt = trade(desk, ONE, 7)
    assert desk.balance(desk.who.trader) == balance - 7
    assert desk.free(desk.who.keeper) == 7
    assert ([desk.balance(pool) for pool in pools], desk.fees, desk.book) == (cash, fees, book)
    price, updated_at, _ = desk.market.contract.lastPrint()
    assert tuple(receipt.return_value) == ((ONE, price, updated_at) if instead == "close" else (price, updated_at))


@pytest.mark.parametrize("trade", [execute_open, execute_close])
def test_a_fee_within_a_trade_leaves_maintenance_and_not_a_unit_less(executed, trade):
    desk = executed
    with desk.chain.anchor():
        trade(desk, ONE, 0)
        health = desk.health()
    required = health.maintenanceMargin
    spare = health.equity - required
    with desk.refused("PerpetualOptions_InsufficientMargin", required - 1, required):
        trade(desk, ONE, spare + 1)
    with desk.refused("PerpetualOptions_InsufficientBalance", health.balance, UINT256_MAX):
        trade(desk, ONE, UINT256_MAX)
    trade(desk, ONE, spare)
    assert desk.free(desk.who.keeper) == spare
    assert desk.health().equity == required < health.initialMargin


def test_an_opening_must_reach_initial_margin_before_its_fee_and_not_after(executed):
    desk = executed
    with desk.chain.anchor():
        execute_open(desk, ONE, 0)
        health = desk.health()
    desk.withdraw(health.equity - health.initialMargin)
    with desk.chain.anchor():
        execute_open(desk, ONE, 1)
        assert desk.health().equity == health.initialMargin - 1
    desk.options.executeClose(desk.order(0, True, ONE, limit=0), 0, desk.who.keeper, sender=desk.who.operator)


def test_closing_everything_may_spend_everything_on_the_fee(executed):
    desk = executed
    with desk.chain.anchor():
        desk.close(sender=desk.who.operator)
        balance = desk.balance(desk.who.trader)
    held = desk.position(0, True).notional
    with desk.refused("PerpetualOptions_InsufficientBalance", balance, balance + 1):
        execute_close(desk, held, balance + 1)
    execute_close(desk, held, balance)
    assert (desk.balance(desk.who.trader), desk.free(desk.who.keeper)) == (0, balance)


@pytest.mark.parametrize("trade", [execute_open, execute_close])
def test_only_an_executor_that_is_an_operator_takes_a_fee_with_a_trade(executed, pledgee, trade):
    desk, operator = executed, executed.who.operator
    with desk.refused("CollateralVault_ZeroAddress"):
        trade(desk, ONE, 1, payee=ZERO_ADDRESS)
    with desk.refused("PerpetualOptions_NotExecutor", desk.who.trader):
        trade(desk, ONE, 1, sender=desk.who.trader)
    with desk.refused("PerpetualOptions_NotOperator", desk.who.trader, desk.who.stranger):
        trade(desk, ONE, 1, sender=desk.who.stranger)
    desk.options.setExecutor(operator, False, sender=desk.who.governor)
    with desk.refused("PerpetualOptions_NotExecutor", operator):
        trade(desk, ONE, 1)
    trade(desk, ONE, 0)


def test_a_pledgee_that_may_close_takes_no_fee(executed, pledgee):
    desk = executed
    close, order = desk.options.executeClose, desk.order(0, True, ONE, limit=0)
    with desk.refused("PerpetualOptions_NotExecutor", pledgee):
        by(pledgee, close, order, 1, desk.who.keeper)
    by(pledgee, close, order, 0, desk.who.keeper)


# ---------------------------------------------------------------------------------------------- operators by signature


def document(
    desk: Desk, owner: str, *, approved: bool = True, nonce: int = 0, deadline: int | None = None, **domain: Any
) -> dict[str, Any]:
    types = {
        "SetOperator": signing.fields(
            owner="address", operator="address", approved="bool", nonce="uint256", deadline="uint256"
        )
    }
    message = {
        "owner": owner,
        "operator": desk.who.operator,
        "approved": approved,
        "nonce": nonce,
        "deadline": desk.chain.now + 60 if deadline is None else deadline,
    }
    where = {"chain_id": desk.chain.chain_id, "contract": desk.options.address} | domain
    return signing.typed_data("Everstock Options", where["chain_id"], where["contract"], "SetOperator", types, message)


def signed(desk: Desk, name: str = "trader", owner: str | None = None, **terms: Any) -> bytes:
    return signing.sign(document(desk, owner or desk.who.trader, **terms), accounts.key(name))


def submit(desk: Desk, signature: bytes, owner: str | None = None, approved: bool = True, deadline: int = 0) -> Any:
    until = deadline or desk.chain.now + 60
    where = (owner or desk.who.trader, desk.who.operator, approved, until, signature)
    return desk.options.setOperatorBySig(*where, sender=desk.who.stranger)


def test_anyone_may_bring_the_owners_signature(holder):
    desk = holder
    receipt = submit(desk, signed(desk))
    assert desk.event(receipt, "SetOperator").args == {
        "owner": desk.who.trader,
        "operator": desk.who.operator,
        "approved": True,
    }
    assert desk.options.isOperator(desk.who.trader, desk.who.operator)
    assert (desk.options.nonces(desk.who.trader), desk.options.nonces(desk.who.rival)) == (1, 0)
    desk.close(sender=desk.who.operator)
    submit(desk, signed(desk, approved=False, nonce=1), approved=False)
    assert not desk.options.isOperator(desk.who.trader, desk.who.operator)
    assert desk.options.nonces(desk.who.trader) == 2


def test_a_signature_works_once(desk):
    signature = signed(desk)
    submit(desk, signature)
    desk.options.setOperator(desk.who.operator, False, sender=desk.who.trader)
    with desk.refused("PerpetualOptions_InvalidSignature", desk.who.trader):
        submit(desk, signature)
    assert not desk.options.isOperator(desk.who.trader, desk.who.operator)
    assert desk.options.nonces(desk.who.trader) == 1


def test_a_signature_works_until_its_deadline(desk):
    deadline = desk.chain.now + 60
    signature = signed(desk, deadline=deadline)
    desk.chain.warp(61)
    with desk.refused("PerpetualOptions_Expired", deadline, deadline + 1):
        submit(desk, signature, deadline=deadline)
    desk.chain.set_time(deadline + 2)
    later = signed(desk, deadline=deadline + 2)
    submit(desk, later, deadline=deadline + 2)
    assert desk.options.isOperator(desk.who.trader, desk.who.operator)


def test_a_signature_for_other_terms_is_refused(desk):
    others = {
        "another chain": signed(desk, chain_id=desk.chain.chain_id + 1),
        "the extension": signed(desk, contract=desk.options.extension()),
        "a later nonce": signed(desk, nonce=1),
        "the other answer": signed(desk, approved=False),
        "a later deadline": signed(desk, deadline=desk.chain.now + 61),
        "another owner": signed(desk, owner=desk.who.rival),
        "another signer": signed(desk, "rival"),
        "nothing": b"",
        "half": signed(desk)[:32],
    }
    for told, signature in others.items():
        with desk.refused("PerpetualOptions_InvalidSignature", desk.who.trader):
            submit(desk, signature)
        assert desk.options.nonces(desk.who.trader) == 0, told


def test_the_other_half_of_a_signature_is_refused(desk):
    """(r, n − s) recovers the same key: OpenZeppelin takes the low s only."""
    signature = signed(desk)
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    mirrored = r + (SECP256K1_ORDER - s).to_bytes(32, "big") + bytes([55 - v])
    with desk.refused("PerpetualOptions_InvalidSignature", desk.who.trader):
        submit(desk, mirrored)
    submit(desk, signature)


def test_a_contract_signs_by_erc_1271(desk):
    wallet = desk.chain.deploy(desk.system.artifacts["TestWallet"], desk.who.trader, sender=desk.who.trader)
    signature = signed(desk, owner=wallet.address)
    for mood in (1, 2):  # refuses, reverts
        wallet.setMood(mood, sender=desk.who.trader)
        with desk.refused("PerpetualOptions_InvalidSignature", wallet):
            submit(desk, signature, wallet.address)
    wallet.setMood(0, sender=desk.who.trader)
    with desk.refused("PerpetualOptions_InvalidSignature", wallet):
        submit(desk, signed(desk, "rival", wallet.address), wallet.address)
    submit(desk, signature, wallet.address)
    assert desk.options.isOperator(wallet, desk.who.operator)
    assert desk.options.nonces(wallet) == 1


def test_nobody_signs_for_the_zero_address(desk):
    with desk.refused("PerpetualOptions_InvalidSignature", ZERO_ADDRESS):
        submit(desk, signed(desk, owner=ZERO_ADDRESS), ZERO_ADDRESS)
    with desk.refused("PerpetualOptions_InvalidSignature", ZERO_ADDRESS):
        submit(desk, bytes(64) + b"\x1b", ZERO_ADDRESS)


# ---------------------------------------------------------------------------------------------- pledges


def test_an_account_is_pledged_to_a_contract_until_that_lets_go(holder, pledgee):
    desk = holder
    options, (owner, token) = desk.options, account(holder)
    assert options.pledgeeOf(owner, token) == pledgee.address
    assert options.pledgeeOf(desk.who.rival, token) == ZERO_ADDRESS
    assert options.pledgeeOf(owner, desk.system.token("CRCL.M").address) == ZERO_ADDRESS
    with desk.refused("PerpetualOptions_Pledged", owner, token, pledgee):
        options.pledge(token, pledgee, sender=owner)
    for caller in (owner, desk.who.stranger, ZERO_ADDRESS):
        with desk.refused("PerpetualOptions_NotPledgee", owner, token, caller):
            options.releasePledge(owner, token, sender=caller)
    receipt = by(pledgee, options.releasePledge, owner, token)
    assert desk.event(receipt, "Pledge").args == {"owner": owner, "token": token, "pledgee": ZERO_ADDRESS}
    assert options.pledgeeOf(owner, token) == ZERO_ADDRESS
    pledgee.setFloor(NEVER, sender=owner)
    desk.close()
    receipt = options.pledge(token, pledgee, sender=owner)
    assert desk.event(receipt, "Pledge").args == {"owner": owner, "token": token, "pledgee": pledgee.address}


@pytest.mark.parametrize("nobody", [ZERO_ADDRESS, "0x" + "77" * 20])
def test_an_account_cannot_be_pledged_to_what_has_no_code(desk, nobody):
    with desk.refused("PerpetualOptions_ZeroAddress"):
        desk.options.pledge(desk.token.address, nobody, sender=desk.who.trader)


def test_a_pledgee_that_reverts_stops_whatever_the_owner_would_do(holder, pledgee):
    """Refused with what the account would be left with: the check comes last."""
    desk = holder
    desk.options.setOperator(desk.who.operator, True, sender=desk.who.trader)
    steps = {
        "open": lambda: desk.open(0, True, ONE),
        "open by an operator": lambda: desk.open(0, True, ONE, sender=desk.who.operator),
        "close": lambda: desk.close(0, True, ONE),
        "close everything": lambda: desk.close(),
        "close by an operator": lambda: desk.close(sender=desk.who.operator),
        "withdraw": lambda: desk.withdraw(1),
        "pay an executor": lambda: desk.options.payExecutor(
            *account(desk), 2, desk.who.keeper, sender=desk.who.operator
        ),
        "open and pay": lambda: execute_open(desk, ONE, 3),
        "close and pay": lambda: execute_close(desk, ONE, 4),
    }
    desk.options.setExecutor(desk.who.operator, True, sender=desk.system.governor)
    after = {}
    for name, step in steps.items():
        with desk.chain.anchor():
            step()
            after[name] = desk.health().equity
    pledgee.setFloor(NEVER, sender=desk.who.stranger)
    for name, step in steps.items():
        with desk.refused("TestPledgee_BelowFloor", *account(desk), after[name], NEVER):
            step()
    assert len(set(after.values())) == len(steps)


def test_an_account_pledged_without_positions_keeps_its_balance(desk):
    pledgee = desk.chain.deploy(desk.system.artifacts["TestPledgee"], desk.options, sender=desk.who.stranger)
    desk.options.pledge(desk.token.address, pledgee, sender=desk.who.trader)
    pledgee.setFloor(MARGIN - 1, sender=desk.who.stranger)
    with desk.refused("TestPledgee_BelowFloor", *account(desk), MARGIN - 2, MARGIN - 1):
        desk.withdraw(2)
    desk.withdraw(1)
    other = desk.with_token(desk.system.token("CRCL.M"))
    other.add_margin(other.who.trader, ONE)
    other.withdraw(ONE)  # another token's account is another account
    desk.withdraw(ONE, owner=desk.who.rival)


def test_adding_margin_and_settling_ask_no_pledgee(holder, pledgee):
    desk = holder
    pledgee.setFloor(NEVER, sender=desk.who.stranger)
    desk.add_margin(desk.who.trader, ONE)
    desk.pass_time(DAY)
    desk.settle()
    assert desk.health().owed == 0


def test_liquidation_asks_no_pledgee(holder, pledgee):
    desk = holder
    desk.withdraw(desk.health().equity - desk.health().initialMargin)
    pledgee.setFloor(NEVER, sender=desk.who.stranger)
    desk.pass_time(2 * DAY)
    desk.poke()
    closed = desk.liquidate().return_value
    assert 0 < closed.notional < N
    assert desk.options.pledgeeOf(*account(desk)) == pledgee.address


def test_exercise_and_the_close_of_a_frozen_market_ask_no_pledgee(holder, pledgee):
    desk = holder
    pledgee.setFloor(NEVER, sender=desk.who.stranger)
    with desk.chain.anchor():
        desk.move(120_000)
        assert desk.exercise().return_value.payoutInsurance > 0
    desk.wind_down(66_000)
    desk.pass_time(3 * DAY)
    assert desk.close_frozen().return_value.payoutMain > 0


def test_a_pledgee_closes_and_withdraws_without_asking_itself(holder, pledgee):
    desk = holder
    pledgee.setFloor(NEVER, sender=desk.who.stranger)
    options, (owner, token) = desk.options, account(holder)
    bid = desk.quote(0, True, BID).value
    receipt = by(pledgee, options.close, desk.order(0, True, 40 * ONE, limit=0))
    closed = desk.event(receipt, "Close")["closed"]
    assert (closed.notional, closed.payoutMain) == (40 * ONE, 40 * bid), "at the wide band"
    health = desk.health()
    spare, required = health.equity - health.initialMargin, health.initialMargin
    with desk.refused("PerpetualOptions_InsufficientMargin", required - 1, required):
        by(pledgee, options.withdrawPledged, owner, token, spare + 1, desk.who.keeper)
    receipt = by(pledgee, options.withdrawPledged, owner, token, spare, desk.who.keeper)
    assert desk.wallet(desk.who.keeper) == spare
    assert desk.event(receipt, "Withdraw").args == {
        "owner": owner,
        "token": token,
        "amount": spare,
        "to": desk.who.keeper,
    }
    assert desk.health().equity == required


def test_a_pledgee_neither_opens_nor_touches_another_account(holder, pledgee):
    desk = holder
    other, options = desk.system.token("CRCL.M").address, desk.options
    with desk.refused("PerpetualOptions_NotOperator", desk.who.trader, pledgee):
        by(pledgee, options.open, desk.order(0, True, ONE, limit=UINT256_MAX))
    with desk.refused("PerpetualOptions_NotOperator", desk.who.rival, pledgee):
        by(pledgee, options.close, desk.order(0, True, ONE, limit=0, owner=desk.who.rival))
    with desk.refused("PerpetualOptions_NotOperator", desk.who.trader, pledgee):
        by(pledgee, options.close, desk.order(0, True, ONE, limit=0, token=other))
    where = (desk.token.address, ONE, desk.who.keeper)
    with desk.refused("PerpetualOptions_NotPledgee", desk.who.rival, desk.token.address, pledgee):
        by(pledgee, options.withdrawPledged, desk.who.rival, *where)
    for caller in (desk.who.trader, desk.who.stranger):
        with desk.refused("PerpetualOptions_NotPledgee", *account(desk), caller):
            options.withdrawPledged(desk.who.trader, *where, sender=caller)


def test_the_mark_of_a_pledge_survives_every_change_of_the_positions(holder, pledgee):
    """It shares its slot with count, debt flag and the first ten positions."""
    desk = holder
    for strike in range(1, 9):
        desk.open(strike, True, ONE)
    for strike in range(-8, -1):
        desk.open(strike, False, ONE)
    assert len(desk.positions()) == 16
    for strike in range(1, 9):
        desk.close(strike, True)
    for strike in range(-8, -1):
        desk.close(strike, False)
    assert desk.positions() == [(desk.market.id, 0, True)]
    pledgee.setFloor(NEVER, sender=desk.who.stranger)
    with desk.refused("TestPledgee_BelowFloor"):
        desk.close()
    by(pledgee, desk.options.releasePledge, *account(desk))
    desk.close()
    assert desk.positions() == []
