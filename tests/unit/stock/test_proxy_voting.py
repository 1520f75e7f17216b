"""Votes of those behind the tokens, by record date, and how the custodian votes in proportion. H."""

from __future__ import annotations

import pytest
from eth_account import Account

from everstock.chain import accounts
from everstock.chain.testing import reverts
from support.desk import DAY, FREE, ONE
from support.issuer import Issuer

NONE, FOR, AGAINST, ABSTAIN = range(4)
PAPERS = b"\7" * 32


@pytest.fixture
def holder(issuer: Issuer) -> str:
    account = issuer.account("holder")
    issuer.desk.give(account, 100 * ONE)
    return account


def post(issuer: Issuer, items: int = 2, days: int = 10) -> int:
    day = issuer.record()
    closes = issuer.chain.now + days * DAY
    return int(issuer.voting.post(issuer.token, day, closes, items, PAPERS, sender=issuer.governor).return_value)


def tally(issuer: Issuer, ballot: int, item: int = 0) -> tuple[int, int, int]:
    return tuple(issuer.voting.tallyOf(ballot, item))


def test_wallet_vault_and_pool_vote_alike(issuer, holder):
    """H: the trader votes with its margin, the LP with its part of the pools."""
    desk, vault, voting = issuer.desk, issuer.desk.vault, issuer.voting
    issuer.give(holder, 7 * ONE, spender=vault)
    vault.deposit(issuer.token, FREE, holder, 7 * ONE, sender=holder)
    ballot = post(issuer)
    lp, trader = desk.who.lp, desk.who.trader
    assert voting.weightOf(ballot, holder) == 107 * ONE
    assert voting.weightOf(ballot, trader) == desk.balance(trader)
    assert voting.weightOf(ballot, lp) == 1_500 * ONE  # alone in both pools
    voting.cast(ballot, [FOR, ABSTAIN], sender=holder)
    voting.cast(ballot, [AGAINST, FOR], sender=trader)
    receipt = voting.cast(ballot, [FOR, FOR], sender=lp)
    assert receipt.event("Cast")["weight"] == 1_500 * ONE
    assert tally(issuer, ballot) == (1_607 * ONE, 100 * ONE, 0)
    assert tally(issuer, ballot, 1) == (1_600 * ONE, 0, 107 * ONE)
    for custodian in (vault, desk.main, desk.insurance, issuer.window):
        assert voting.weightOf(ballot, custodian) == 0


def test_a_later_vote_replaces_the_earlier(issuer, holder):
    ballot = post(issuer, 3)
    issuer.voting.cast(ballot, [FOR, AGAINST, ABSTAIN], sender=holder)
    assert [issuer.voting.choiceOf(ballot, holder, item) for item in range(4)] == [FOR, AGAINST, ABSTAIN, NONE]
    issuer.voting.cast(ballot, [AGAINST, ABSTAIN, FOR], sender=holder)
    assert [tally(issuer, ballot, item).index(100 * ONE) for item in range(3)] == [1, 2, 0]
    assert sum(sum(tally(issuer, ballot, item)) for item in range(3)) == 300 * ONE
    assert issuer.voting.choiceOf(ballot, holder, 64) == NONE


def test_tokens_sold_after_the_record_day_vote_for_their_seller(issuer, holder):
    ballot, buyer = post(issuer), issuer.account("buyer")
    issuer.token.transfer(buyer, 100 * ONE, sender=holder)
    with reverts("ProxyVoting_NothingHeld", buyer, issuer.voting.ballotOf(ballot).recordDay):
        issuer.voting.cast(ballot, [FOR, FOR], sender=buyer)
    issuer.voting.cast(ballot, [FOR, FOR], sender=holder)


def test_the_custodian_votes_its_shares_in_proportion(issuer, holder):
    ballot = post(issuer, 1)
    assert issuer.voting.instruct(ballot, 0, 1_000) == (0, 0, 0)
    issuer.voting.cast(ballot, [FOR], sender=holder)
    issuer.voting.cast(ballot, [AGAINST], sender=issuer.desk.who.trader)
    issuer.voting.cast(ballot, [ABSTAIN], sender=issuer.desk.who.rival)
    assert issuer.voting.instruct(ballot, 0, 1_000) == (333, 333, 333)


def test_sixty_four_items_fit_one_slot(issuer, holder):
    ballot = post(issuer, 64)
    choices = [1 + n % 3 for n in range(64)]
    issuer.voting.cast(ballot, choices, sender=holder)
    assert [issuer.voting.choiceOf(ballot, holder, item) for item in range(64)] == choices


def test_ballots_refuse(issuer, holder):
    voting, governor, day = issuer.voting, issuer.governor, issuer.record()
    now = issuer.chain.now
    word = {name: name.encode().ljust(32, b"\0") for name in ("items", "closesAt")}
    for refusal, args in (
        (("ProxyVoting_NotRecordDay", issuer.token, day + 1), (day + 1, now + 2 * DAY, 1)),
        (("ProxyVoting_OutOfBounds", word["items"], 0, 1, 64), (day, now + 2 * DAY, 0)),
        (("ProxyVoting_OutOfBounds", word["items"], 65, 1, 64), (day, now + 2 * DAY, 65)),
        (
            ("ProxyVoting_OutOfBounds", word["closesAt"], now + DAY - 1, now + DAY, now + 90 * DAY),
            (day, now + DAY - 1, 1),
        ),
    ):
        with reverts(*refusal):
            voting.post(issuer.token, *args, PAPERS, sender=governor)
    ahead = issuer.announce_record(3)
    ballot = voting.post(issuer.token, ahead, (ahead + 2) * DAY, 2, PAPERS, sender=governor).return_value
    refusal = ("ProxyVoting_NotOpen", ballot, ahead * DAY, (ahead + 2) * DAY)
    with reverts(*refusal):
        voting.cast(ballot, [FOR, FOR], sender=holder)
    issuer.to_midnight(ahead)
    with reverts("ProxyVoting_WrongItems", 1, 2):
        voting.cast(ballot, [FOR], sender=holder)
    with reverts("ProxyVoting_NoChoice", 1):
        voting.cast(ballot, [FOR, NONE], sender=holder)
    with reverts("ProxyVoting_Unknown", ballot + 1):
        voting.cast(ballot + 1, [FOR, FOR], sender=holder)
    issuer.to_midnight(ahead + 2)
    with reverts(*refusal):
        voting.cast(ballot, [FOR, FOR], sender=holder)
    assert voting.ballotCount() == ballot + 1


def signed(issuer: Issuer, ballot: int, choices: list[int], *, nonce: int = 0, deadline: int, signer: str = "holder"):
    fields = (("ballotId", "uint256"), ("holder", "address"), ("choices", "uint8[]"), ("nonce", "uint256"))
    types = {"Vote": [{"name": name, "type": kind} for name, kind in (*fields, ("deadline", "uint256"))]}
    domain = {
        "name": "Everstock ProxyVoting",
        "version": "1",
        "chainId": issuer.chain.chain_id,
        "verifyingContract": issuer.voting.address,
    }
    data = {"ballotId": ballot, "holder": issuer.account("holder"), "choices": choices}
    data |= {"nonce": nonce, "deadline": deadline}
    return Account.sign_typed_data(accounts.key(signer), domain, types, data).signature


def test_a_signed_vote_is_handed_in_by_anyone_once(issuer, holder):
    ballot, relayer, deadline = post(issuer), issuer.account("relayer"), issuer.chain.now + DAY
    signature = signed(issuer, ballot, [FOR, AGAINST], deadline=deadline)
    with reverts("ProxyVoting_BadSignature", holder):
        issuer.voting.castBySig(ballot, holder, [FOR, FOR], deadline, signature, sender=relayer)
    with reverts("ProxyVoting_BadSignature", holder):
        foreign = signed(issuer, ballot, [FOR, AGAINST], deadline=deadline, signer="relayer")
        issuer.voting.castBySig(ballot, holder, [FOR, AGAINST], deadline, foreign, sender=relayer)
    issuer.voting.castBySig(ballot, holder, [FOR, AGAINST], deadline, signature, sender=relayer)
    assert tally(issuer, ballot) == (100 * ONE, 0, 0)
    issuer.voting.cast(ballot, [AGAINST, AGAINST], sender=holder)
    with reverts("ProxyVoting_BadSignature", holder):
        issuer.voting.castBySig(ballot, holder, [FOR, AGAINST], deadline, signature, sender=relayer)
    issuer.chain.set_time(deadline + 1)
    with reverts("ProxyVoting_Expired", deadline):
        issuer.voting.castBySig(ballot, holder, [FOR, AGAINST], deadline, signature, sender=relayer)
