"""IssuanceDesk: request, fulfil, claim; and reclaim when the issuer is late. T4."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from everstock.chain.testing import reverts
from support.desk import DAY, HOUR, ONE
from support.issuer import ANY_PRICE, DOLLAR, Issuer

UNKNOWN, ENDED, LIMIT, AMOUNT = range(4)
MINT, REDEEM = range(2)
MINUTE = 60


@pytest.fixture
def holder(issuer: Issuer) -> str:
    return issuer.account("holder")


def balances(issuer: Issuer, who: str) -> tuple[int, int]:
    return issuer.cash.balanceOf(who), issuer.token.balanceOf(who)


# ---------------------------------------------------------------------------------------------- mint


def test_a_mint_is_requested_fulfilled_and_claimed(issuer, holder):
    request = issuer.request_mint(holder, 1_000)
    assert issuer.window.pendingMintRequest(request, holder) == 1_000 * DOLLAR
    assert balances(issuer, holder) == (0, 0)
    supply = issuer.token.totalSupply()

    receipt = issuer.fulfil_mints((request, 1_000 * DOLLAR), dollars=250)
    tokens = 999 * DOLLAR * ONE // (250 * DOLLAR)  # a fee of 0.1%
    event = receipt.event("Fulfil")
    assert (event["settled"], event["claimable"], event["fee"]) == (1_000 * DOLLAR, tokens, DOLLAR)
    assert issuer.token.totalSupply() == supply + tokens
    assert issuer.cash.balanceOf(issuer.account("custodian")) == 999 * DOLLAR
    assert issuer.cash.balanceOf(issuer.desk.who.treasury) == DOLLAR
    assert issuer.window.claimableMintRequest(request, holder) == tokens

    issuer.window.claim(request, holder, sender=holder)
    assert balances(issuer, holder) == (0, tokens)
    with reverts("IssuanceDesk_NothingClaimable", request):
        issuer.window.claim(request, holder, sender=holder)


def test_a_redemption_burns_nothing_before_its_cash_has_come(issuer, holder):
    request = issuer.request_redeem(holder, 4 * ONE)
    supply = issuer.token.totalSupply()
    assert issuer.token.balanceOf(issuer.window) == 4 * ONE
    issuer.fulfil_redemptions((request, 4 * ONE), dollars=250)
    assert issuer.token.totalSupply() == supply - 4 * ONE
    assert issuer.window.claimableRedeemRequest(request, holder) == 999 * DOLLAR
    issuer.window.claim(request, holder, sender=holder)
    assert balances(issuer, holder) == (999 * DOLLAR, 0)


def test_parts_are_settled_at_their_own_prices_and_the_rest_is_reclaimed(issuer, holder):
    request = issuer.request_redeem(holder, 10 * ONE)
    issuer.fulfil_redemptions((request, 3 * ONE), dollars=250)
    issuer.fulfil_redemptions((request, 2 * ONE), dollars=260)
    cash = (750 + 520) * DOLLAR * 999 // 1000
    assert issuer.window.claimableRedeemRequest(request, holder) == cash
    issuer.chain.set_time(issuer.window.requestOf(request).deadline)
    issuer.window.reclaim(request, holder, sender=holder)
    issuer.window.claim(request, holder, sender=holder)
    assert balances(issuer, holder) == (cash, 5 * ONE)


def test_an_unfilled_surplus_stays_the_holders(issuer, holder):
    """A settlement below the limit leaves nothing with the issuer: the holder pays what was dealt."""
    request = issuer.request_mint(holder, 1_000, limit=Issuer.price(300))
    issuer.fulfil_mints((request, 500 * DOLLAR), dollars=240)
    assert issuer.window.pendingMintRequest(request, holder) == 500 * DOLLAR


# ---------------------------------------------------------------------------------------------- deadlines


@pytest.mark.parametrize(
    ("hours", "minutes", "days"),
    [
        (0, 0, 1),  # Monday at the opening: Tuesday's opening
        (5, 59, 1),  # a minute before the cut-off at 20:30
        (6, 0, 2),  # the cut-off itself: counts on Tuesday
        (9, 0, 2),  # Monday night
        (24 * 3 + 6, 0, 7),  # Thursday past the cut-off: Friday's session, settled on Monday
        (24 * 4, 0, 7),  # Friday at the opening: over the weekend
        (24 * 4 + 6, 0, 8),  # Friday past the cut-off: Monday's session
        (24 * 5, 0, 8),  # Saturday
        (24 * 6 + 23, 0, 8),  # Monday before the opening counts on Monday
    ],
)
def test_the_deadline_counts_sessions_from_the_cut_off(issuer, hours, minutes, days):
    opening = issuer.chain.now - issuer.chain.now % DAY + 14 * HOUR + 30 * MINUTE
    at = opening + hours * HOUR + minutes * MINUTE
    assert issuer.window.deadlineOf(at) == opening + days * DAY + 6 * HOUR


def test_more_sessions_are_counted_one_by_one(issuer):
    built, authority = issuer.desk.system.artifacts, issuer.desk.system.authority
    accounts = (issuer.account("custodian"), issuer.account("treasury"))
    wired = (issuer.token.address, issuer.cash.address, issuer.window.calendar())
    desk = issuer.chain.deploy(
        built["IssuanceDesk"], authority, (*wired, 2, 0, HOUR, 0, 0, *accounts), sender=issuer.governor
    )
    opening = issuer.chain.now - issuer.chain.now % DAY + 14 * HOUR + 30 * MINUTE
    assert desk.deadlineOf(opening) == opening + 2 * DAY + HOUR
    assert desk.deadlineOf(opening + 3 * DAY) == opening + 7 * DAY + HOUR  # Thursday, T+2: Monday


# ---------------------------------------------------------------------------------------------- reclaim


@pytest.mark.parametrize("side", [MINT, REDEEM])
def test_the_holder_alone_takes_it_back_once_the_deadline_has_passed(issuer, holder, side):
    """F: nobody's help is needed."""
    amount = 1_000 * DOLLAR if side == MINT else 4 * ONE
    request = issuer.request_mint(holder, 1_000) if side == MINT else issuer.request_redeem(holder, amount)
    deadline = issuer.window.requestOf(request).deadline
    issuer.chain.set_time(deadline - 1)
    with reverts("IssuanceDesk_NotOverdue", request, deadline):
        issuer.window.reclaim(request, holder, sender=holder)
    issuer.chain.warp(1)
    with reverts("IssuanceDesk_NotOperator", holder, issuer.governor):
        issuer.window.reclaim(request, holder, sender=issuer.governor)
    assert issuer.window.reclaim.call(request, holder, sender=holder) == (amount, 0)
    issuer.window.reclaim(request, holder, sender=holder)
    assert balances(issuer, holder)[side] == amount
    with reverts("IssuanceDesk_NothingPending", request):
        issuer.window.reclaim(request, holder, sender=holder)


def test_a_late_issuer_pays_out_of_its_bond(issuer, holder):
    sponsor, late = issuer.account("sponsor"), []
    issuer.give(sponsor, ONE // 10)
    issuer.window.postBond(issuer.token, ONE // 10, sender=sponsor)
    for name in ("holder", "second holder"):
        late.append((name, issuer.request_redeem(issuer.account(name), 6 * ONE)))
    assert issuer.window.bondOf(issuer.token) == (ONE // 10, 12 * ONE // 100)
    with reverts("IssuanceDesk_BondLocked", issuer.token, 0):
        issuer.window.withdrawBond(issuer.token, 1, sponsor, sender=issuer.governor)
    issuer.chain.set_time(issuer.window.requestOf(late[1][1]).deadline)
    for (name, request), penalty in zip(late, (6 * ONE // 100, 4 * ONE // 100), strict=True):
        receipt = issuer.window.reclaim(request, issuer.account(name), sender=issuer.account(name))
        assert receipt.event("Reclaim")["penalty"] == penalty  # as far as the bond goes
        assert issuer.token.balanceOf(issuer.account(name)) == 6 * ONE + penalty
    assert issuer.window.bondOf(issuer.token) == (0, 0)


def test_the_bond_that_nothing_pending_needs_goes_back(issuer, holder):
    issuer.pay(issuer.governor, 100)
    issuer.window.postBond(issuer.cash, 100 * DOLLAR, sender=issuer.governor)
    issuer.request_mint(holder, 1_000)  # may need 10
    with reverts("IssuanceDesk_BondLocked", issuer.cash, 90 * DOLLAR):
        issuer.window.withdrawBond(issuer.cash, 90 * DOLLAR + 1, holder, sender=issuer.governor)
    issuer.window.withdrawBond(issuer.cash, 90 * DOLLAR, issuer.account("safe"), sender=issuer.governor)
    assert issuer.cash.balanceOf(issuer.account("safe")) == 90 * DOLLAR
    other = issuer.desk.system.token("CRCL.M").contract
    for call in (
        lambda: issuer.window.postBond(other, 1, sender=holder),
        lambda: issuer.window.withdrawBond(other, 1, holder, sender=issuer.governor),
    ):
        with reverts("IssuanceDesk_NotBondAsset", other):
            call()
    with reverts("IssuanceDesk_ZeroAmount"):
        issuer.window.postBond(issuer.cash, 0, sender=holder)


def test_a_late_settlement_still_counts_until_it_is_reclaimed(issuer, holder):
    request = issuer.request_redeem(holder, ONE)
    issuer.chain.warp(30 * DAY)
    issuer.fulfil_redemptions((request, ONE))
    with reverts("IssuanceDesk_NothingPending", request):
        issuer.window.reclaim(request, holder, sender=holder)


# ---------------------------------------------------------------------------------------------- batches


def test_what_cannot_be_settled_is_skipped_and_told(issuer, holder):
    good = issuer.request_redeem(holder, ONE)
    dear = issuer.request_redeem(holder, ONE, limit=Issuer.price(251))
    mint = issuer.request_mint(holder, 10)
    cheap = issuer.request_mint(holder, 10, limit=Issuer.price(249))
    dust = issuer.request_redeem(holder, 1)
    issuer.fulfil_mints((mint, 10 * DOLLAR))
    receipt = issuer.fulfil_redemptions(
        (dear, ONE), (mint, ONE), (99, ONE), (dust, 1), (good, 0), (good, ONE), (good, ONE)
    )
    told = [(event["requestId"], event["reason"]) for event in receipt.events if event.name == "Skip"]
    assert told == [(dear, LIMIT), (mint, UNKNOWN), (99, UNKNOWN), (dust, AMOUNT), (good, AMOUNT), (good, ENDED)]
    assert issuer.window.claimableRedeemRequest(good, holder) > 0
    receipt = issuer.fulfil_mints((cheap, 10 * DOLLAR))
    assert receipt.event("Skip")["reason"] == LIMIT
    assert receipt.event("SettleBatch")["settled"] == 0


def test_a_fill_above_what_is_pending_settles_all_of_it(issuer, holder):
    request = issuer.request_redeem(holder, ONE)
    issuer.fulfil_redemptions((request, 2**128 - 1))
    assert issuer.window.pendingRedeemRequest(request, holder) == 0


def test_a_blocked_payee_never_stops_the_next(issuer, holder):
    other = issuer.account("other holder")
    first, second = issuer.request_redeem(holder, ONE), issuer.request_redeem(other, ONE)
    issuer.cash.setBlocked(holder, True, sender=issuer.governor)
    issuer.fulfil_redemptions((first, ONE), (second, ONE))
    issuer.window.claim(second, other, sender=other)
    with reverts("HostileToken_Blocked", holder):
        issuer.window.claim(first, holder, sender=holder)
    issuer.window.claim(first, issuer.account("new wallet"), sender=holder)
    assert issuer.cash.balanceOf(issuer.account("new wallet")) == issuer.cash.balanceOf(other)


def test_the_denied_do_not_leave_through_the_desk(issuer, holder):
    request = issuer.request_redeem(holder, ONE)
    issuer.deny(holder)
    issuer.chain.warp(30 * DAY)
    for call in (issuer.window.claim, issuer.window.reclaim):
        with reverts("IssuanceDesk_ControllerDenied", holder):
            call(request, issuer.account("friend"), sender=holder)
    issuer.deny(holder, False)
    issuer.window.reclaim(request, holder, sender=holder)


# ---------------------------------------------------------------------------------------------- who may


def test_operators_request_claim_and_reclaim(issuer, holder):
    operator = issuer.account("operator")
    issuer.give(holder, 2 * ONE)
    with reverts("IssuanceDesk_NotOwner", holder, operator):
        issuer.window.requestRedeem(ONE, 0, holder, holder, sender=operator)
    issuer.window.setOperator(operator, True, sender=holder)
    first = issuer.window.requestRedeem(ONE, 0, holder, holder, sender=operator).return_value
    second = issuer.window.requestRedeem(ONE, 0, holder, holder, sender=operator).return_value
    issuer.fulfil_redemptions((first, ONE))
    issuer.window.claim(first, operator, sender=operator)
    issuer.chain.warp(30 * DAY)
    issuer.window.reclaim(second, operator, sender=operator)
    assert balances(issuer, operator) == (Issuer.price(250) * 999 // 1000, ONE)


def test_anyone_delivers_to_the_controller_and_to_nobody_else(issuer, holder):
    stranger = issuer.account("stranger")
    request = issuer.request_redeem(holder, ONE)
    issuer.fulfil_redemptions((request, ONE))
    with reverts("IssuanceDesk_NotOperator", holder, stranger):
        issuer.window.claim(request, stranger, sender=stranger)
    with reverts("IssuanceDesk_ZeroAddress"):
        issuer.window.claim(request, ZERO_ADDRESS, sender=holder)
    issuer.window.claim(request, holder, sender=stranger)
    assert issuer.cash.balanceOf(holder) > 0


def test_views_know_side_and_controller(issuer, holder):
    request = issuer.request_redeem(holder, ONE)
    window = issuer.window
    assert window.pendingRedeemRequest(request, holder) == ONE
    assert window.pendingMintRequest(request, holder) == 0 == window.claimableMintRequest(request, holder)
    assert window.pendingRedeemRequest(request, issuer.governor) == 0
    assert window.claimableRedeemRequest(request + 1, holder) == 0
    assert window.requestCount() == request + 1


# ---------------------------------------------------------------------------------------------- refusals


def test_requests_refuse(issuer, holder):
    too_much = 2**128
    cases = [
        (("IssuanceDesk_ZeroAmount",), (0, 0, holder, holder)),
        (("IssuanceDesk_ZeroAddress",), (1, 0, ZERO_ADDRESS, holder)),
        (("IssuanceDesk_AmountTooLarge", too_much, too_much - 1), (too_much, 0, holder, holder)),
        (("IssuanceDesk_AmountTooLarge", too_much, too_much - 1), (1, too_much, holder, holder)),
    ]
    for refusal, args in cases:
        for call in (issuer.window.requestMint, issuer.window.requestRedeem):
            with reverts(*refusal):
                call(*args, sender=holder)
    with reverts("ERC20InsufficientAllowance", issuer.window, 0, 1):
        issuer.window.requestRedeem(1, 0, holder, holder, sender=holder)
    with reverts("IssuanceDesk_ZeroAmount"):
        issuer.fulfil_mints(dollars=0)


def test_cash_that_charges_is_refused(issuer, holder):
    units = issuer.pay(holder, 100)
    issuer.cash.setFees(100, 0, sender=issuer.governor)
    with reverts("IssuanceDesk_TransferMismatch", issuer.cash, units, units * 99 // 100):
        issuer.window.requestMint(units, ANY_PRICE, holder, holder, sender=holder)


def test_new_requests_can_be_paused_for_a_week_at_most(issuer, holder):
    until = issuer.chain.now + 7 * DAY
    with reverts("IssuanceDesk_OutOfBounds", b"until".ljust(32, b"\0"), until + 1, 0, until):
        issuer.window.pauseRequests(until + 1, sender=issuer.governor)
    request = issuer.request_redeem(holder, ONE)
    issuer.window.pauseRequests(until, sender=issuer.governor)
    with reverts("IssuanceDesk_RequestsPaused", until):
        issuer.request_redeem(holder, ONE)
    issuer.fulfil_redemptions((request, ONE))
    issuer.window.claim(request, holder, sender=holder)
    issuer.chain.set_time(until)
    issuer.request_redeem(holder, ONE)


def test_the_fee_is_the_one_of_the_request(issuer, holder):
    request = issuer.request_redeem(holder, ONE)
    issuer.window.setFee(100, sender=issuer.governor)
    with reverts("IssuanceDesk_OutOfBounds", b"feeBps".ljust(32, b"\0"), 101, 0, 100):
        issuer.window.setFee(101, sender=issuer.governor)
    issuer.fulfil_redemptions((request, ONE), dollars=1_000)
    assert issuer.window.claimableRedeemRequest(request, holder) == 999 * DOLLAR
    issuer.window.setFee(0, sender=issuer.governor)
    for fill in (issuer.request_redeem(holder, ONE), issuer.request_redeem(holder, ONE)):
        issuer.fulfil_redemptions((fill, ONE), dollars=1_000)
        assert issuer.window.claimableRedeemRequest(fill, holder) == 1_000 * DOLLAR


@pytest.mark.parametrize(
    ("field", "name", "value", "low", "high"),
    [
        (3, "settlementSessions", 0, 1, 5),
        (3, "settlementSessions", 6, 1, 5),
        (4, "cutoff", 6 * HOUR + 1, 0, 6 * HOUR),
        (5, "settlementWindow", HOUR - 1, HOUR, 2 * DAY),
        (5, "settlementWindow", 2 * DAY + 1, HOUR, 2 * DAY),
        (6, "penaltyBps", 501, 0, 500),
        (7, "feeBps", 101, 0, 100),
    ],
)
def test_terms_out_of_bounds_are_refused(issuer, field, name, value, low, high):
    accounts = (issuer.account("custodian"), issuer.account("treasury"))
    config = [issuer.token.address, issuer.cash.address, issuer.window.calendar(), 1, 0, HOUR, 0, 0, *accounts]
    config[field] = value
    artifact, authority = issuer.desk.system.artifacts["IssuanceDesk"], issuer.desk.system.authority
    with reverts("IssuanceDesk_OutOfBounds", name.encode().ljust(32, b"\0"), value, low, high):
        issuer.chain.deploy(artifact, authority, tuple(config), sender=issuer.governor)


@pytest.mark.parametrize("field", [8, 9])
def test_accounts_that_are_nobodys_are_refused(issuer, field):
    accounts = [issuer.account("custodian"), issuer.account("treasury")]
    config = [issuer.token.address, issuer.cash.address, issuer.window.calendar(), 1, 0, HOUR, 0, 0, *accounts]
    config[field] = ZERO_ADDRESS
    artifact, authority = issuer.desk.system.artifacts["IssuanceDesk"], issuer.desk.system.authority
    with reverts("IssuanceDesk_ZeroAddress"):
        issuer.chain.deploy(artifact, authority, tuple(config), sender=issuer.governor)


# ---------------------------------------------------------------------------------------------- record days


def test_tokens_at_the_desk_are_their_controllers_at_a_record_day(issuer, holder):
    day = issuer.announce_record(2)
    with reverts("RecordDates_NotReached", day, issuer.today):
        issuer.window.holdingAt(holder, day)
    with reverts("RecordDates_NotRecordDay", day + 1):
        issuer.window.holdingAt(holder, day + 1)
    redeem = issuer.request_redeem(holder, 3 * ONE)
    mint = issuer.request_mint(holder, 250)
    issuer.fulfil_mints((mint, 250 * DOLLAR))
    claimable = issuer.window.claimableMintRequest(mint, holder)
    issuer.to_midnight(day, 1)
    issuer.window.claim(mint, holder, sender=holder)
    issuer.fulfil_redemptions((redeem, 3 * ONE))
    assert issuer.window.holdingAt(holder, day) == 3 * ONE + claimable
    later = issuer.record()
    assert issuer.window.holdingAt(holder, later) == 0
    assert issuer.window.holdingAt(holder, day) == 3 * ONE + claimable
