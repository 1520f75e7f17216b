"""Stock tokens as collateral: their dividends and votes, their splits, and who may not hold them."""

from __future__ import annotations

import pytest

from everstock.deploy.stock import deploy_issuance_desk, deploy_stock_token
from support.desk import Desk
from support.issuer import Issuer, weekday_calendar
from support.lending_desk import DOLLAR, REDEMPTION, VAULT, WAD, LendingDesk

DAY = 86_400
HOUR = 3_600
SPLIT = 0


@pytest.fixture
def lending(desk: Desk) -> LendingDesk:
    return LendingDesk.open(desk.system).funded()


def test_dividends_and_votes_of_collateral_are_the_borrowers(lending, desk):
    """The vault's entries with every module are the owner's at a record day."""
    lending.borrow(50_000 * DOLLAR)
    system, token = lending.system, lending.stock
    day = lending.chain.now // DAY + 2
    token.announceRecordDate(day, sender=system.governor)
    lending.chain.set_time(day * DAY)
    assert lending.vault.holdingAt(token, lending.borrower, day) == 1_000 * WAD
    assert system.holdings.holdingOf(token, lending.borrower, day) == 1_000 * WAD
    assert system.holdings.holdingOf(token, lending.market, day) == 0


def test_across_a_split_nothing_is_borrowed_or_liquidated(lending):
    lending.borrow(120_000 * DOLLAR)
    at = lending.chain.now + 2 * DAY
    lending.stock.announceAction(SPLIT, 3 * WAD, at, sender=lending.system.governor)
    lending.chain.set_time(at - HOUR)
    lending.publish(250)
    lending.borrow(100 * DOLLAR)
    for moment in (at - HOUR + 1, at, at + HOUR - 1):
        lending.chain.set_time(moment)
        lending.publish(250)
        for act in (
            lambda: lending.borrow(100 * DOLLAR),
            lambda: lending.withdraw_collateral(WAD),
            lambda: lending.liquidate(),
        ):
            with lending.refused("LendingMarket_CorporateAction", at):
                act()
    lending.repay(100 * DOLLAR)
    lending.top_up(WAD)
    lending.chain.set_time(at + HOUR)
    lending.publish(250)
    lending.borrow(100 * DOLLAR)


def test_a_collateral_without_a_multiplier_has_no_window(lending):
    """A market of a plain token: another dollar."""
    system = lending.system
    plain = system.chain.deploy(system.artifacts["MockDollar"], 18, sender=system.governor)
    desk = LendingDesk.open(system, stock=plain).funded()
    desk.borrow(1_000 * DOLLAR)
    assert desk.collateral() == 1_000 * WAD


# ── who may not hold the stock ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def closed_loop(desk: Desk) -> LendingDesk:
    """A token of allowlisted holders, its desk, and a market whose borrower is under water."""
    system, governor = desk.system, desk.system.governor
    token = deploy_stock_token(system, "Closed", "CLSD.M", closed_loop=True)
    cash = system.lending_market("TSLA.M/USDX").loan.contract
    account = system.chain.account
    window = deploy_issuance_desk(
        system, "CLSD.M", token, cash, weekday_calendar(system), settlement_account=account("custodian")
    )
    lending = LendingDesk.open(system, stock=token, desk=window.address)
    holders = [each.address for each in (lending.vault, window, lending.market)]
    system.compliance.setAllowed([*holders, lending.borrower], True, [token.address], sender=governor)
    lending.funded()
    lending.borrow(130_000 * DOLLAR)
    lending.move(190)
    return lending


def test_a_liquidator_who_may_not_hold_the_stock_redeems_it(closed_loop):
    lending = closed_loop
    window = lending.chain.contract(lending.system.artifacts["IssuanceDesk"], lending.market.config().desk)
    with lending.refused("ERC7943CannotReceive", lending.liquidator):
        lending.liquidate()
    receipt = lending.liquidate(payout=REDEMPTION)
    _, seized = receipt.return_value
    request = receipt.event("RequestRedeem").args
    assert (request["controller"], request["tokens"]) == (lending.liquidator, seized)
    assert window.pendingRedeemRequest(request["requestId"], lending.liquidator) == seized
    assert lending.stock.balanceOf(window) == seized
    assert lending.stock.balanceOf(lending.market) == 0
    assert lending.stock.allowance(lending.market, window) == 0


def test_or_keeps_it_in_the_vault(closed_loop):
    _, seized = closed_loop.liquidate(payout=VAULT).return_value
    free = closed_loop.vault.balanceOf(closed_loop.stock.address, "0x" + "00" * 20, closed_loop.liquidator)
    assert free == seized


def test_without_a_desk_there_is_no_queue(lending):
    lending.borrow(130_000 * DOLLAR)
    lending.move(190)
    with lending.refused("LendingMarket_NoDesk"):
        lending.liquidate(payout=REDEMPTION)


def test_the_desk_must_be_the_collaterals(desk, closed_loop):
    issuer = Issuer.of(desk)
    with closed_loop.refused("LendingMarket_OutOfBounds", b"desk".ljust(32, b"\0"), 0, 0, 0):
        LendingDesk.create(closed_loop.system, closed_loop.market.config(), desk=issuer.window.address)
