"""Corporate actions: announced ahead, cancellable, in force by time alone. T3."""

from __future__ import annotations

import pytest

from everstock.chain.testing import reverts
from support.desk import DAY, ONE, WAD
from support.issuer import Issuer

SPLIT, REVERSE, REINVESTED = range(3)


def text(value: str) -> bytes:
    return value.encode().ljust(32, b"\0")


def announce(issuer: Issuer, multiplier: int, kind: int = SPLIT, ahead: int = DAY):
    return issuer.token.announceAction(kind, multiplier, issuer.chain.now + ahead, sender=issuer.governor)


def test_a_split_takes_effect_by_time_alone(issuer):
    """T3: no balance moves, and no transaction is needed."""
    token, trader = issuer.token, issuer.desk.who.trader
    issuer.desk.give(trader, 7 * ONE)
    assert (token.uiMultiplier(), token.newUIMultiplier(), token.effectiveAt()) == (WAD, WAD, 0)
    receipt = announce(issuer, 3 * WAD)
    at = issuer.chain.now + DAY
    assert receipt.event("AnnounceAction").args == {
        "actionId": 0, "kind": SPLIT, "oldMultiplier": WAD, "newMultiplier": 3 * WAD, "effectiveAt": at,
    }  # fmt: skip
    assert receipt.event("UIMultiplierUpdated").args == {
        "oldMultiplier": WAD, "newMultiplier": 3 * WAD, "setAtTimestamp": issuer.chain.now, "effectiveAtTimestamp": at,
    }  # fmt: skip
    assert (token.uiMultiplier(), token.newUIMultiplier(), token.effectiveAt()) == (WAD, 3 * WAD, at)
    issuer.chain.set_time(at - 1)
    assert (token.uiMultiplier(), token.balanceOfUI(trader)) == (WAD, 7 * ONE)
    issuer.chain.set_time(at)
    assert (token.uiMultiplier(), token.balanceOfUI(trader), token.balanceOf(trader)) == (3 * WAD, 21 * ONE, 7 * ONE)
    assert token.totalSupplyUI() == 3 * token.totalSupply()
    assert (token.toUIAmount(ONE), token.fromUIAmount(ONE)) == (3 * ONE, ONE // 3)


def test_the_effect_is_told_once_by_anybody(issuer):
    token, stranger = issuer.token, issuer.account("stranger")
    with reverts("StockToken_NothingToActivate"):
        token.activate(sender=stranger)
    announce(issuer, 3 * WAD)
    with reverts("StockToken_NothingToActivate"):
        token.activate(sender=stranger)
    issuer.chain.warp(DAY)
    event = token.activate(sender=stranger).event("ActivateAction")
    assert event.args == {"actionId": 0, "multiplier": 3 * WAD, "effectiveAt": issuer.chain.now}
    with reverts("StockToken_NothingToActivate"):
        token.activate(sender=stranger)


def test_an_action_is_cancelled_until_it_takes_effect(issuer):
    token = issuer.token
    with reverts("StockToken_NoActionPending"):
        token.cancelAction(sender=issuer.governor)
    announce(issuer, 2 * WAD)
    issuer.chain.warp(DAY)
    announce(issuer, 6 * WAD)
    receipt = token.cancelAction(sender=issuer.governor)
    assert receipt.event("CancelAction")["multiplier"] == 6 * WAD
    assert (token.uiMultiplier(), token.newUIMultiplier(), token.actionCount()) == (2 * WAD, 2 * WAD, 1)
    assert token.effectiveAt() == issuer.chain.now
    issuer.chain.warp(2 * DAY)
    assert token.uiMultiplier() == 2 * WAD
    announce(issuer, WAD, REVERSE)
    issuer.chain.warp(DAY)
    with reverts("StockToken_NoActionPending"):
        token.cancelAction(sender=issuer.governor)
    assert token.uiMultiplier() == WAD


def test_the_first_action_cancelled_leaves_no_trace(issuer):
    announce(issuer, 2 * WAD)
    issuer.token.cancelAction(sender=issuer.governor)
    assert (issuer.token.effectiveAt(), issuer.token.actionCount()) == (0, 0)
    issuer.chain.warp(3 * DAY)
    assert issuer.token.uiMultiplier() == WAD == issuer.token.multiplierAt(issuer.chain.now + DAY)


def test_history_answers_for_every_time(issuer):
    start, token, seen = issuer.chain.now, issuer.token, []
    steps = [(SPLIT, 3 * WAD), (REVERSE, 3 * WAD // 10), (REINVESTED, 303 * WAD // 1000)]
    for kind, multiplier in steps:
        announce(issuer, multiplier, kind)
        seen.append((issuer.chain.now + DAY, multiplier, kind))
        issuer.chain.warp(2 * DAY)
    for actionId, (at, multiplier, kind) in enumerate(seen):
        action = token.actionAt(actionId)
        assert (action.multiplier, action.effectiveAt, action.kind) == (multiplier, at, kind)
        assert token.multiplierAt(at) == multiplier
        assert token.multiplierAt(at - 1) == ([WAD] + [m for _, m, _ in seen])[actionId]
    assert token.multiplierAt(start) == WAD == token.multiplierAt(0)
    assert token.actionCount() == 3


def test_setUIMultiplier_calls_it_by_its_sense(issuer):
    for multiplier, kind in ((4 * WAD, SPLIT), (2 * WAD, REVERSE)):
        issuer.token.setUIMultiplier(multiplier, issuer.chain.now + DAY, sender=issuer.governor)
        issuer.chain.warp(DAY)
        assert issuer.token.actionAt(issuer.token.actionCount() - 1).kind == kind


def test_announcements_out_of_bounds_are_refused(issuer):
    now, earliest = issuer.chain.now, issuer.chain.now + DAY
    with reverts("StockToken_NoticeTooShort", earliest - 1, earliest):
        announce(issuer, 3 * WAD, ahead=DAY - 1)
    latest = earliest + 180 * DAY
    with reverts("StockToken_OutOfBounds", text("effectiveAt"), latest + 1, earliest, latest):
        announce(issuer, 3 * WAD, ahead=latest + 1 - now)
    for kind, value, low, high in (
        (SPLIT, WAD, WAD + 1, 1_000 * WAD),
        (SPLIT, 1_000 * WAD + 1, WAD + 1, 1_000 * WAD),
        (REVERSE, WAD, WAD // 1_000, WAD - 1),
        (REVERSE, WAD // 1_000 - 1, WAD // 1_000, WAD - 1),
        (REINVESTED, WAD, WAD + 1, WAD + WAD // 2),
        (REINVESTED, WAD + WAD // 2 + 1, WAD + 1, WAD + WAD // 2),
    ):
        with reverts("StockToken_OutOfBounds", text("multiplier"), value, low, high):
            announce(issuer, value, kind)
    announce(issuer, 3 * WAD)
    with reverts("StockToken_ActionPending", earliest):
        announce(issuer, 4 * WAD)


def test_multipliers_have_a_floor_and_a_ceiling(issuer):
    for multiplier in (10**21, 10**24, 10**27):
        announce(issuer, multiplier)
        issuer.chain.warp(DAY)
    with reverts("StockToken_OutOfBounds", text("multiplier"), 10**27 + 1, 10**9, 10**27):
        announce(issuer, 10**27 + 1)


def test_the_notice_can_be_longer_and_never_shorter_than_a_day(issuer):
    token, governor = issuer.token, issuer.governor
    for value in (DAY - 1, 30 * DAY + 1):
        with reverts("StockToken_OutOfBounds", text("minNotice"), value, DAY, 30 * DAY):
            token.setMinNotice(value, sender=governor)
    token.setMinNotice(30 * DAY, sender=governor)
    assert token.minNotice() == 30 * DAY
    with reverts("StockToken_NoticeTooShort"):
        announce(issuer, 3 * WAD)
    announce(issuer, 3 * WAD, ahead=30 * DAY)


def test_it_says_which_interfaces_it_has(issuer):
    ids = {"01ffc9a7", "3edbb4c4", "ffffffff"}
    assert {each: issuer.token.supportsInterface(bytes.fromhex(each)) for each in ids} == {
        "01ffc9a7": True, "3edbb4c4": True, "ffffffff": False,
    }  # fmt: skip
    assert issuer.token.supportsInterface(_interface_id(issuer, "IERC8056"))
    assert issuer.token.supportsInterface(_interface_id(issuer, "IERC8056Pending"))


def _interface_id(issuer: Issuer, name: str) -> bytes:
    contract = issuer.chain.contract(issuer.desk.system.artifacts[name], issuer.token)
    words = [int.from_bytes(spec.selector, "big") for spec in contract.abi_functions.by_signature.values()]
    result = 0
    for word in words:
        result ^= word
    return result.to_bytes(4, "big")


# ---------------------------------------------------------------------------------------------- custody


def test_issues_stop_at_what_custody_backs(issuer):
    """T2"""
    token, custody, governor = issuer.token, issuer.desk.system.custody, issuer.governor
    issuer.chain.warp(1)
    supply = token.totalSupply()
    custody.attest(token, supply + 5 * ONE, issuer.chain.now, b"\1" * 32, sender=governor)
    issuer.desk.give(issuer.account("holder"), 5 * ONE)
    with reverts("StockToken_SupplyAboveCustody", supply + 5 * ONE + 1, supply + 5 * ONE):
        issuer.desk.give(issuer.account("holder"), 1)


def test_a_stale_count_stops_issues_and_nothing_else(issuer):
    token, custody, governor = issuer.token, issuer.desk.system.custody, issuer.governor
    holder = issuer.account("holder")
    issuer.desk.give(holder, ONE)
    custody.setSource(token, "0x" + "00" * 20, 3600, sender=governor)
    asOf = custody.attestationOf(token).asOf
    issuer.chain.set_time(asOf + 3600)
    issuer.desk.give(holder, ONE)
    issuer.chain.warp(1)
    with reverts("StockToken_CustodyStale", asOf):
        issuer.desk.give(holder, ONE)
    token.transfer(issuer.account("receiver"), ONE, sender=holder)
    token.burn(ONE, sender=holder)


def test_a_reverse_split_backs_no_further_token(issuer):
    """Shares were counted before it: their number is divided by the multiplier of that time."""
    token, custody = issuer.token, issuer.desk.system.custody
    before = custody.backingOf(token)
    announce(issuer, WAD // 10, REVERSE)
    issuer.chain.warp(DAY)
    assert custody.backingOf(token) == before
    custody.attest(token, 10**20, issuer.chain.now, b"\1" * 32, sender=issuer.governor)
    assert custody.backingOf(token)[0] == 10**21


def test_attestations_are_in_order_and_not_from_the_future(issuer):
    token, custody, governor = issuer.token, issuer.desk.system.custody, issuer.governor
    now, last = issuer.chain.now, custody.attestationOf(token).asOf
    with reverts("CustodyAttestation_FromFuture", now + 1, now):
        custody.attest(token, 1, now + 1, b"\0" * 32, sender=governor)
    with reverts("CustodyAttestation_TooOld", last, last + 1):
        custody.attest(token, 1, last, b"\0" * 32, sender=governor)
    issuer.chain.warp(401 * DAY)
    earliest = issuer.chain.now - 400 * DAY
    with reverts("CustodyAttestation_TooOld", earliest - 1, earliest):
        custody.attest(token, 1, earliest - 1, b"\0" * 32, sender=governor)
    for age in (3599, 400 * DAY + 1):
        with reverts("CustodyAttestation_OutOfBounds", text("maxAge"), age, 3600, 400 * DAY):
            custody.setSource(token, "0x" + "00" * 20, age, sender=governor)


def test_a_proof_of_reserve_feed_counts_instead(issuer):
    token, custody, governor = issuer.token, issuer.desk.system.custody, issuer.governor
    feed = issuer.chain.deploy(issuer.desk.system.artifacts["MockAggregator"], 2, 5_000_000_00, sender=governor)
    custody.setSource(token, feed, DAY, sender=governor)
    assert custody.sourceOf(token).feed == feed.address
    assert custody.backingOf(token) == (5_000_000 * ONE, issuer.chain.now, True)
    issuer.chain.warp(DAY + 1)
    assert custody.backingOf(token)[2] is False
    feed.updateAnswer(0, sender=governor)
    assert custody.backingOf(token) == (0, 0, False)


# ---------------------------------------------------------------------------------------------- compliance


@pytest.fixture
def people(issuer):
    holder, receiver = issuer.account("holder"), issuer.account("receiver")
    issuer.desk.give(holder, 10 * ONE)
    return holder, receiver


def test_the_denied_neither_send_nor_receive(issuer, people):
    token, (holder, receiver) = issuer.token, people
    issuer.deny(receiver)
    assert (token.canSend(receiver), token.canReceive(receiver), token.canTransfer(holder, receiver, 1)) == (False,) * 3
    with reverts("ERC7943CannotReceive", receiver):
        token.transfer(receiver, 1, sender=holder)
    with reverts("ERC7943CannotReceive", receiver):
        issuer.desk.give(receiver, 1)
    issuer.deny(holder)
    for call in (lambda: token.transfer(issuer.governor, 1, sender=holder), lambda: token.burn(1, sender=holder)):
        with reverts("ERC7943CannotSend", holder):
            call()
    for each in people:
        issuer.deny(each, False)
    assert token.canTransfer(holder, receiver, 1)
    token.transfer(receiver, 1, sender=holder)


def test_anyone_brings_a_tokens_copy_up_to_date(issuer, people):
    compliance, token, (holder, receiver) = issuer.desk.system.compliance, issuer.token, people
    compliance.setDenied([receiver], True, [], sender=issuer.governor)
    assert compliance.isDenied(receiver)
    assert token.canReceive(receiver)
    token.syncCompliance([receiver, holder], sender=issuer.account("stranger"))
    assert not token.canReceive(receiver)
    assert token.canSend(holder)


def test_a_closed_loop_is_for_the_allowed(issuer):
    """Row 2."""
    from everstock.deploy.stock import deploy_stock_token

    system, compliance = issuer.desk.system, issuer.desk.system.compliance
    token = deploy_stock_token(system, "Closed", "CL.M", closed_loop=True)
    member, outsider = issuer.account("member"), issuer.account("outsider")
    assert token.closedLoop()
    with reverts("ERC7943CannotReceive", member):
        token.mint(member, ONE, sender=issuer.governor)
    compliance.setAllowed([member], True, [token], sender=issuer.governor)
    assert compliance.isAllowed(member)
    token.mint(member, ONE, sender=issuer.governor)
    with reverts("ERC7943CannotReceive", outsider):
        token.transfer(outsider, 1, sender=member)
    compliance.setAllowed([member], False, [token], sender=issuer.governor)
    with reverts("ERC7943CannotSend", member):
        token.transfer(member, 1, sender=member)


def test_frozen_amounts_stay(issuer, people):
    token, (holder, receiver) = issuer.token, people
    receipt = token.setFrozenTokens(holder, 8 * ONE, sender=issuer.governor)
    assert receipt.event("Frozen").args == {"account": holder, "amount": 8 * ONE}
    assert token.getFrozenTokens(holder) == 8 * ONE
    assert token.canTransfer(holder, receiver, 2 * ONE)
    assert not token.canTransfer(holder, receiver, 2 * ONE + 1)
    with reverts("ERC7943InsufficientUnfrozenBalance", holder, 2 * ONE + 1, 2 * ONE):
        token.transfer(receiver, 2 * ONE + 1, sender=holder)
    with reverts("ERC20InsufficientBalance", holder, 10 * ONE, 10 * ONE + 1):
        token.transfer(receiver, 10 * ONE + 1, sender=holder)
    token.transfer(receiver, 2 * ONE, sender=holder)
    token.setFrozenTokens(holder, 0, sender=issuer.governor)
    token.transfer(receiver, 8 * ONE, sender=holder)


def test_flags_do_not_touch_each_other(issuer, people):
    token, (holder, _) = issuer.token, people
    token.setFrozenTokens(holder, 10 * ONE, sender=issuer.governor)
    issuer.deny(holder)
    issuer.deny(holder, False)
    with reverts("ERC7943InsufficientUnfrozenBalance", holder, 1, 0):
        token.transfer(issuer.governor, 1, sender=holder)


def test_a_forced_transfer_waits_two_days_and_not_longer_than_sixteen(issuer, people):
    token, governor, (holder, receiver) = issuer.token, issuer.governor, people
    order = (holder, receiver, 4 * ONE)
    with reverts("StockToken_ForcedTransferNotDue", 0, issuer.chain.now):
        token.forcedTransfer(*order, sender=governor)
    token.announceForcedTransfer(*order, sender=governor)
    due = issuer.chain.now + 2 * DAY
    assert token.forcedTransferAt(*order) == due
    with reverts("StockToken_AlreadyAnnounced", due):
        token.announceForcedTransfer(*order, sender=governor)
    issuer.chain.set_time(due - 1)
    with reverts("StockToken_ForcedTransferNotDue", due, due - 1):
        token.forcedTransfer(*order, sender=governor)
    issuer.chain.set_time(due + 14 * DAY + 1)
    with reverts("StockToken_ForcedTransferNotDue", due, due + 14 * DAY + 1):
        token.forcedTransfer(*order, sender=governor)
    token.announceForcedTransfer(*order, sender=governor)
    issuer.chain.warp(2 * DAY)
    token.setFrozenTokens(holder, 9 * ONE, sender=governor)
    token.pause(sender=governor)
    receipt = token.forcedTransfer(*order, sender=governor)
    assert receipt.event("ForcedTransfer").args == {"from": holder, "to": receiver, "amount": 4 * ONE}
    assert (token.balanceOf(receiver), token.getFrozenTokens(holder)) == (4 * ONE, 6 * ONE)
    with reverts("StockToken_ForcedTransferNotDue", 0, issuer.chain.now):
        token.forcedTransfer(*order, sender=governor)


def test_an_announced_forced_transfer_is_cancelled(issuer, people):
    token, governor, order = issuer.token, issuer.governor, (*people, ONE)
    with reverts("StockToken_ForcedTransferNotDue", 0, issuer.chain.now):
        token.cancelForcedTransfer(*order, sender=governor)
    token.announceForcedTransfer(*order, sender=governor)
    token.cancelForcedTransfer(*order, sender=governor)
    issuer.chain.warp(2 * DAY)
    with reverts("StockToken_ForcedTransferNotDue", 0, issuer.chain.now):
        token.forcedTransfer(*order, sender=governor)


def test_forced_transfers_refuse(issuer, people):
    token, governor, nobody = issuer.token, issuer.governor, "0x" + "00" * 20
    with reverts("StockToken_ZeroAmount"):
        token.announceForcedTransfer(*people, 0, sender=governor)
    with reverts("ERC20InvalidSender", nobody):
        token.announceForcedTransfer(nobody, people[1], 1, sender=governor)
    for amount, to in ((11 * ONE, people[1]), (1, nobody), (2, people[1])):
        token.announceForcedTransfer(people[0], to, amount, sender=governor)
    issuer.chain.warp(2 * DAY)
    with reverts("ERC20InsufficientBalance", people[0], 10 * ONE, 11 * ONE):
        token.forcedTransfer(people[0], people[1], 11 * ONE, sender=governor)
    with reverts("ERC20InvalidReceiver", nobody):
        token.forcedTransfer(people[0], nobody, 1, sender=governor)
    issuer.deny(people[1])
    with reverts("ERC7943CannotReceive", people[1]):
        token.forcedTransfer(*people, 2, sender=governor)


def test_custodians_of_many_are_neither_seized_from_nor_frozen_nor_denied(issuer):
    """V1: the vault's ledger adds up whatever happens to one owner."""
    system, token, governor = issuer.desk.system, issuer.token, issuer.governor
    for custodian in (system.vault, issuer.desk.main, issuer.desk.insurance, issuer.window):
        assert system.compliance.isProtected(custodian)
        with reverts("StockToken_Protected", custodian):
            token.announceForcedTransfer(custodian, governor, 1, sender=governor)
        with reverts("StockToken_Protected", custodian):
            token.setFrozenTokens(custodian, 1, sender=governor)
        with reverts("ComplianceRegistry_Protected", custodian):
            issuer.deny(custodian)
    with reverts("ComplianceRegistry_ZeroAddress"):
        system.compliance.protect("0x" + "00" * 20, sender=governor)


def test_whoever_was_protected_since_the_announcement_is_safe(issuer, people):
    token, governor = issuer.token, issuer.governor
    token.announceForcedTransfer(*people, 1, sender=governor)
    issuer.deny(people[0])
    issuer.desk.system.compliance.protect(people[0], sender=governor)
    assert not issuer.desk.system.compliance.isDenied(people[0])
    issuer.chain.warp(2 * DAY)
    with reverts("StockToken_Protected", people[0]):
        token.forcedTransfer(*people, 1, sender=governor)


# ---------------------------------------------------------------------------------------------- pause


@pytest.mark.parametrize("feature", range(3), ids=["transfer", "mint", "burn"])
def test_features_are_paused_each_for_itself(issuer, people, feature):
    token, governor, (holder, receiver) = issuer.token, issuer.governor, people
    token.pauseFeature(feature, sender=governor)
    calls = (
        lambda: token.transfer(receiver, 1, sender=holder),
        lambda: issuer.desk.give(receiver, 1),
        lambda: token.burn(1, sender=holder),
    )
    for number, call in enumerate(calls):
        assert token.isPaused(number) is (number == feature)
        if number == feature:
            with reverts("StockToken_Paused", feature):
                call()
        else:
            call()
    assert token.paused() is (feature == 0)
    assert token.canTransfer(holder, receiver, 1) is (feature != 0)
    token.unpauseFeature(feature, sender=governor)
    calls[feature]()
