"""Record days: announced ahead, remembered by the first movement after them, in wallets, vault and pools alike."""

from __future__ import annotations

import random

import pytest

from everstock.chain.testing import reverts
from support.desk import DAY, FREE, MAIN, ONE
from support.issuer import Issuer


@pytest.fixture
def holder(issuer: Issuer) -> str:
    return issuer.account("holder")


# ---------------------------------------------------------------------------------------------- announcing


def test_a_record_day_is_announced_a_day_ahead_at_least(issuer):
    token, today = issuer.token, issuer.today
    with reverts("RecordDates_NoticeTooShort", today + 1, today + 2):  # it is 14:30
        token.announceRecordDate(today + 1, sender=issuer.governor)
    receipt = token.announceRecordDate(today + 2, sender=issuer.governor)
    assert receipt.event("AnnounceRecordDate").args == {"recordDay": today + 2}
    assert token.isRecordDay(today + 2)
    assert not token.isRecordDay(today + 3)
    assert token.latestRecordDay() == 0
    issuer.to_midnight(today + 2)
    assert token.latestRecordDay() == today + 2
    token.announceRecordDate(today + 3, sender=issuer.governor)  # at midnight, tomorrow's is a day ahead


def test_announcing_again_changes_nothing(issuer):
    day = issuer.announce_record()
    receipt = issuer.token.announceRecordDate(day, sender=issuer.governor)
    assert not receipt.events
    issuer.to_midnight(day)
    issuer.token.announceRecordDate(day, sender=issuer.governor)


def test_six_may_be_ahead_in_any_order(issuer):
    today, token = issuer.today, issuer.token
    first = today + 2
    token.announceRecordDate(first, sender=issuer.governor)
    issuer.to_midnight(first)
    days = [first + n for n in (9, 3, 30, 5, 2, 12)]
    for day in days:
        token.announceRecordDate(day, sender=issuer.governor)
    for extra in (first + 4, first + 40, first + 1):
        with reverts("RecordDates_TooManyPending", 6):
            token.announceRecordDate(extra, sender=issuer.governor)
    latest = first
    for day in sorted(days):
        issuer.to_midnight(day - 1, DAY - 1)
        assert token.latestRecordDay() == latest
        issuer.to_midnight(day)
        assert token.latestRecordDay() == (latest := day)
    token.announceRecordDate(first + 31, sender=issuer.governor)


# ---------------------------------------------------------------------------------------------- wallets


def test_the_balance_before_midnight_counts(issuer, holder):
    token, receiver = issuer.token, issuer.account("receiver")
    issuer.desk.give(holder, 5 * ONE)
    day = issuer.announce_record()
    with reverts("RecordDates_NotReached", day, issuer.today):
        token.balanceOfAt(holder, day)
    with reverts("RecordDates_NotRecordDay", day - 1):
        token.totalSupplyAt(day - 1)
    issuer.to_midnight(day - 1, DAY - 1)
    token.transfer(receiver, ONE, sender=holder)  # a second before
    issuer.to_midnight(day)
    supply = token.totalSupply()
    token.transfer(receiver, ONE, sender=holder)  # at the instant: after it
    token.burn(ONE, sender=holder)
    assert (token.balanceOfAt(holder, day), token.balanceOfAt(receiver, day)) == (4 * ONE, ONE)
    assert (token.balanceOf(holder), token.balanceOf(receiver)) == (2 * ONE, 2 * ONE)
    assert (token.totalSupplyAt(day), token.totalSupply()) == (supply, supply - ONE)
    assert token.balanceOfAt("0x" + "00" * 20, day) == 0 == token.balanceOf("0x" + "00" * 20)


def test_who_comes_later_held_nothing_before(issuer, holder):
    day = issuer.record()
    late = issuer.account("late holder")
    issuer.desk.give(late, ONE)
    assert issuer.token.balanceOfAt(late, day) == 0
    second = issuer.record()
    issuer.token.transfer(holder, ONE, sender=late)
    assert [issuer.token.balanceOfAt(late, each) for each in (day, second)] == [0, ONE]
    third = issuer.record()
    issuer.desk.give(late, 2 * ONE)
    fourth = issuer.record()
    assert [issuer.token.balanceOfAt(late, each) for each in (day, second, third, fourth)] == [0, ONE, 0, 2 * ONE]


def test_one_memory_serves_all_the_days_since(issuer, holder):
    issuer.desk.give(holder, ONE)
    days = [issuer.record() for _ in range(4)]
    issuer.token.burn(ONE, sender=holder)
    assert [issuer.token.balanceOfAt(holder, day) for day in days] == [ONE] * 4


def test_flags_do_not_move_the_day(issuer, holder):
    issuer.desk.give(holder, ONE)
    day = issuer.record()
    issuer.deny(holder)
    issuer.deny(holder, False)
    issuer.token.setFrozenTokens(holder, 1, sender=issuer.governor)
    issuer.token.transfer(issuer.governor, ONE // 2, sender=holder)
    assert issuer.token.balanceOfAt(holder, day) == ONE


def test_random_movements_against_a_ledger_kept_beside(issuer):
    """T1, and every balance at every record day."""
    rng, token = random.Random(7), issuer.token
    wallets = [issuer.account(f"wallet{n}") for n in range(6)]
    for wallet in wallets[:4]:
        issuer.desk.give(wallet, 1_000)
    pending: list[int] = []
    ledger: dict[int, tuple[int, ...]] = {}
    for _ in range(300):
        if rng.random() < 0.12 and len(pending) < 6:
            day = issuer.today + rng.randint(2, 9)
            token.announceRecordDate(day, sender=issuer.governor)
            pending = sorted({*pending, day})
        target = issuer.chain.now + rng.choice((0, 0, 60, DAY // 3, DAY, 2 * DAY))
        for day in [day for day in pending if day * DAY <= target]:
            ledger[day] = (*(token.balanceOf(wallet) for wallet in wallets), token.totalSupply())
            pending.remove(day)
        issuer.chain.set_time(target)
        source, target_wallet = rng.choice(wallets), rng.choice(wallets)
        action = rng.random()
        if action < 0.8:
            token.transfer(target_wallet, rng.randint(0, token.balanceOf(source)), sender=source)
        elif action < 0.9:
            issuer.desk.give(target_wallet, rng.randint(1, 500))
        elif held := token.balanceOf(source):
            token.burn(rng.randint(1, held), sender=source)
    assert len(ledger) > 15
    for day, held in ledger.items():
        assert (*(token.balanceOfAt(wallet, day) for wallet in wallets), token.totalSupplyAt(day)) == held


# ---------------------------------------------------------------------------------------------- vault


def test_every_entry_in_the_vault_is_known(issuer):
    desk, vault, trader = issuer.desk, issuer.desk.vault, issuer.desk.who.trader
    issuer.give(trader, 3 * ONE, spender=vault)
    vault.deposit(issuer.token, FREE, trader, 3 * ONE, sender=trader)
    margin, day = desk.balance(trader), issuer.announce_record()
    with reverts("RecordDates_NotReached", day, issuer.today):
        vault.holdingAt(issuer.token, trader, day)
    with reverts("RecordDates_NotRecordDay", day + 1):
        vault.balanceOfAt(issuer.token, FREE, trader, day + 1)
    issuer.to_midnight(day)
    desk.publish()
    vault.withdraw(issuer.token, 3 * ONE, trader, sender=trader)
    desk.open(notional=10 * ONE)
    assert vault.balanceOfAt(issuer.token, FREE, trader, day) == 3 * ONE
    assert vault.balanceOfAt(issuer.token, desk.options, trader, day) == margin
    assert vault.holdingAt(issuer.token, trader, day) == margin + 3 * ONE
    assert desk.balance(trader) < margin


def test_the_vault_lists_its_modules_once(issuer):
    vault, module = issuer.desk.vault, issuer.account("module")
    known = list(vault.modules())
    assert issuer.desk.options.address in known
    for enabled in (True, False, True):
        vault.setModule(module, enabled, sender=issuer.governor)
    assert list(vault.modules()) == [*known, module]


def test_a_token_without_record_days_has_none_in_the_vault(issuer):
    """A plain ERC-20 (no such function), and one whose answer lies ahead or burns gas, move all the same."""
    cash, vault, payer = issuer.cash, issuer.desk.vault, issuer.account("payer")
    issuer.pay(payer, 10, spender=vault)
    vault.deposit(cash, FREE, payer, 6, sender=payer)
    issuer.chain.warp(3 * DAY)
    vault.withdraw(cash, 1, payer, sender=payer)
    with reverts("Empty"):
        vault.balanceOfAt(cash, FREE, payer, issuer.today)


def test_a_movement_with_too_little_gas_to_ask_is_refused(issuer):
    """Else the mover would choose what is remembered."""
    vault, trader = issuer.desk.vault, issuer.desk.who.trader
    issuer.give(trader, ONE, spender=vault)
    vault.deposit(issuer.token, FREE, trader, ONE, sender=trader)
    day = issuer.record()
    refused = set()
    for gas in range(40_000, 140_000, 1_500):
        with issuer.chain.anchor():
            try:
                vault.lock(issuer.token, issuer.desk.options, ONE, sender=trader, gas=gas)
            except Exception as error:
                refused.add(getattr(error, "name", type(error).__name__))
                continue
            assert vault.balanceOfAt(issuer.token, FREE, trader, day) == ONE
    assert "RecordDates_TooLittleGas" in refused


# ---------------------------------------------------------------------------------------------- pools


def test_shares_escrow_and_claims_of_a_pool_are_known(issuer):
    desk, main, lp = issuer.desk, issuer.desk.main, issuer.desk.who.lp
    shares = main.balanceOf(lp)
    main.requestRedeem(shares // 4, lp, lp, sender=lp)
    first = issuer.announce_record()
    with reverts("RecordDates_NotReached", first, issuer.today):
        main.positionOfAt(lp, first)
    issuer.to_midnight(first, 16 * 3600)
    desk.publish()
    main.executeRedemption(lp, sender=desk.who.keeper)
    second = issuer.record()
    claimed = main.maxWithdraw(lp)
    main.redeem(main.maxRedeem(lp), lp, lp, sender=lp)
    third = issuer.record()
    assert main.positionOfAt(lp, first) == (shares, 0)
    assert main.positionOfAt(lp, second) == (shares - shares // 4, claimed)
    assert main.positionOfAt(lp, third) == (shares - shares // 4, 0)
    assert main.positionOfAt(main, first) == (0, 0)
    assert main.totalSupplyAt(first) == shares
    assert main.totalSupplyAt(second) == shares - shares // 4
    assert main.latestRecordDay() == third
    assert main.isRecordDay(first)
    assert (
        desk.vault.balanceOfAt(issuer.token, desk.options, main, first)
        == desk.vault.balanceOfAt(issuer.token, desk.options, main, second) + claimed
    )
    assert MAIN == 0
