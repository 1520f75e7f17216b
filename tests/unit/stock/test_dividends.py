"""Dividends by record date: through vault, pools and desk to those whose tokens they are, to the unit. T5, H."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction

import pytest

from everstock.chain import ZERO_ADDRESS
from everstock.chain.testing import reverts
from support.desk import DAY, FREE, INSURANCE, MAIN, ONE
from support.issuer import DOLLAR, Issuer

YEAR = 365 * DAY


@dataclass
class Crowd:
    """Holders of every kind at one record day."""

    day: int
    holders: list[str]


def crowd(issuer: Issuer, count: int = 300, seed: int = 3) -> Crowd:
    """`count` holders beside the desk's own: of each six three with tokens in a wallet only, one in the vault (free or
    margin), one in a pool, one in all of them; odd amounts; some with shares in escrow, in the vault, or claimable,
    some with tokens at the issuance desk."""
    rng, desk, vault = random.Random(seed), issuer.desk, issuer.desk.vault
    holders = [issuer.account(f"holder {n}") for n in range(count)]
    claimants = []
    for n, holder in enumerate(holders):
        kind = n % 6
        amount = rng.randint(1, 10**20)
        if kind in (0, 1, 2, 5):
            desk.give(holder, amount)
        if kind in (3, 5):
            issuer.give(holder, amount + 1, spender=vault)
            vault.deposit(issuer.token, FREE if n % 4 else desk.options, holder, amount + 1, sender=holder)
        if kind in (4, 5):
            layer = MAIN if n % 4 else INSURANCE
            shares = desk.fund_pool(layer, amount + 2, holder)
            pool = desk.pool(layer)
            if n % 7 == 0:
                pool.requestRedeem(shares // 3 + 1, holder, holder, sender=holder)
                claimants.append((pool, holder))
            if n % 7 == 1:
                pool.approve(vault, shares // 2, sender=holder)
                vault.deposit(pool, FREE, holder, shares // 2, sender=holder)
        if n % 25 == 0:
            issuer.request_redeem(holder, amount + 3)
    issuer.chain.warp(8 * DAY)
    desk.publish()
    for pool, holder in claimants[::2]:
        pool.executeRedemption(holder, sender=desk.who.keeper)
    day = issuer.record()
    everybody = [*holders, desk.who.lp, desk.who.trader, desk.who.rival]
    return Crowd(day, everybody)


def outsiders(issuer: Issuer) -> list[str]:
    return [
        issuer.desk.system.vault.address,
        issuer.desk.main.address,
        issuer.desk.insurance.address,
        issuer.window.address,
    ]


# ---------------------------------------------------------------------------------------------- to the unit


def test_three_hundred_holders_share_a_dividend_to_the_unit(issuer):
    """Σ claims = the dividend; a third of the holders sit in the vault and the pools. Afterwards everybody moves."""
    people = crowd(issuer)
    token, dividends, holdings = issuer.token, issuer.dividends, issuer.desk.system.holdings
    supply = token.totalSupplyAt(people.day)
    amount = 1_234_567_891  # 1,234.567891 dollars: no multiple of anything
    dividend = issuer.declare(people.day, amount)
    for holder in people.holders[::9]:
        if balance := token.balanceOf(holder):
            token.transfer(issuer.account("buyer"), balance, sender=holder)
    issuer.chain.warp(DAY)
    issuer.desk.publish()
    issuer.desk.fund_pool(MAIN, 10**21, issuer.account("late lp"))

    order = random.Random(5).sample(people.holders, len(people.holders))
    exact = {holder: Fraction(amount * holdings.holdingOf(token, holder, people.day), supply) for holder in order}
    for start in range(0, len(order), 60):
        receipt = dividends.claimMany(dividend, order[start : start + 60], sender=issuer.account("stranger"), gas=10**9)
        assert not [event for event in receipt.events if event.name == "SkipClaim"]
    paid = {holder: issuer.cash.balanceOf(holder) for holder in order}
    assert sum(paid.values()) == amount
    assert issuer.cash.balanceOf(dividends) == 0
    assert all(abs(paid[holder] - exact[holder]) < 1 + Fraction(2 * amount, supply) for holder in order)
    assert dividends.dividendOf(dividend).holdingClaimed == supply
    through = [holder for n, holder in enumerate(people.holders[:300]) if n % 6 in (3, 4)]
    assert len(through) == 100
    assert all(token.balanceOfAt(holder, people.day) == 0 < exact[holder] for holder in through)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_claims_moves_a_part_by_less_than_a_unit(issuer, seed):
    people = crowd(issuer, 24, seed)
    amount = 10**6 + seed
    dividend = issuer.declare(people.day, amount)
    order = random.Random(seed).sample(people.holders, len(people.holders))
    seen = {}
    for _ in range(2):
        with issuer.chain.anchor():
            for holder in order:
                told = issuer.dividends.claimableOf(dividend, holder)
                if told[0]:
                    net = issuer.dividends.claimFor(dividend, holder, sender=issuer.governor).return_value
                    assert net == told[0]
                seen.setdefault(holder, []).append(told[0])
            assert sum(each[-1] for each in seen.values()) <= amount
        order.reverse()
    assert all(abs(first - second) <= 1 for first, second in seen.values())


# ---------------------------------------------------------------------------------------------- rules of a claim


@pytest.fixture
def holder(issuer: Issuer) -> str:
    account = issuer.account("holder")
    issuer.desk.give(account, 100 * ONE)
    return account


def test_a_claim_is_idempotent(issuer, holder):
    """T5"""
    dividend = issuer.declare(issuer.record(), 1_000 * DOLLAR)
    issuer.dividends.claim(dividend, holder, sender=holder)
    for call in (
        lambda: issuer.dividends.claim(dividend, holder, sender=holder),
        lambda: issuer.dividends.claimFor(dividend, holder, sender=issuer.governor),
    ):
        with reverts("DividendDistributor_AlreadyClaimed", dividend, holder):
            call()
    assert issuer.dividends.hasClaimed(dividend, holder)
    assert issuer.dividends.claimableOf(dividend, holder) == (0, 0)


def test_who_buys_after_the_record_day_has_no_part(issuer, holder):
    day, buyer = issuer.record(), issuer.account("buyer")
    dividend = issuer.declare(day, 1_000 * DOLLAR)
    issuer.token.transfer(buyer, 100 * ONE, sender=holder)
    with reverts("DividendDistributor_NothingHeld", buyer, day):
        issuer.dividends.claim(dividend, buyer, sender=buyer)
    assert issuer.dividends.claim(dividend, issuer.account("wallet"), sender=holder).return_value > 0
    assert issuer.cash.balanceOf(issuer.account("wallet")) > 0


def test_custodians_have_no_part(issuer, holder):
    day = issuer.record()
    dividend = issuer.declare(day, 1_000 * DOLLAR)
    for custodian in outsiders(issuer):
        assert issuer.desk.system.holdings.holdingOf(issuer.token, custodian, day) == 0
        with reverts("DividendDistributor_NothingHeld", custodian, day):
            issuer.dividends.claimFor(dividend, custodian, sender=issuer.governor)


def test_withholding_is_taken_and_paid_to_the_tax_account(issuer, holder):
    """The ledger of gross, withheld and net."""
    relieved, dividends = issuer.account("relieved"), issuer.dividends
    issuer.desk.give(relieved, 100 * ONE)
    receipt = dividends.setWithholding(relieved, 1_500, sender=issuer.governor)
    assert receipt.event("SetWithholding")["fromRecordDay"] == issuer.today + 1
    day = issuer.record()
    dividend = issuer.declare(day, 2_100 * DOLLAR, withholding=3_000)
    dividends.setWithholding(holder, 0, sender=issuer.governor)  # too late for this one
    assert (dividends.withholdingOf(dividend, holder), dividends.withholdingOf(dividend, relieved)) == (3_000, 1_500)
    total = 0
    for who, bps in ((holder, 3_000), (relieved, 1_500)):
        gross, withheld = dividends.claimableOf(dividend, who)
        assert withheld == gross * bps // 10_000
        dividends.claimFor(dividend, who, sender=issuer.governor)
        assert tuple(dividends.paymentOf(dividend, who)) == (gross, withheld)
        assert issuer.cash.balanceOf(who) == gross - withheld
        total += withheld
    assert dividends.payWithheld(dividend, sender=issuer.account("stranger")).return_value == total
    assert issuer.cash.balanceOf(issuer.account("tax office")) == total
    with reverts("DividendDistributor_ZeroAmount"):
        dividends.payWithheld(dividend, sender=issuer.governor)


def test_a_holder_who_elected_so_gets_a_mint_request(issuer, holder):
    dividends, window = issuer.dividends, issuer.window
    stranger = issuer.account("stranger")
    with reverts("DividendDistributor_ForeignDesk", stranger):
        dividends.elect(issuer.token, stranger, 0, sender=holder)
    dividends.elect(issuer.token, window, Issuer.price(300), sender=holder)
    assert tuple(dividends.electionOf(holder, issuer.token)) == (window.address, Issuer.price(300))
    dividend = issuer.declare(issuer.record(), 1_000 * DOLLAR)
    receipt = dividends.claimFor(dividend, holder, sender=stranger)
    request, net = receipt.event("Reinvest")["requestId"], receipt.event("Reinvest")["net"]
    assert window.pendingMintRequest(request, holder) == net > 0
    assert issuer.cash.balanceOf(holder) == 0
    issuer.fulfil_mints((request, net), dollars=250)
    window.claim(request, holder, sender=holder)
    assert issuer.token.balanceOf(holder) > 100 * ONE
    dividends.elect(issuer.token, ZERO_ADDRESS, 0, sender=holder)
    dividend = issuer.declare(issuer.record(), 1_000 * DOLLAR)
    dividends.claimFor(dividend, holder, sender=stranger)
    assert issuer.cash.balanceOf(holder) > 0


def test_another_cash_than_the_desks_is_paid_out(issuer, holder):
    issuer.dividends.elect(issuer.token, issuer.window, 2**128 - 1, sender=holder)
    euro = issuer.chain.deploy(issuer.desk.system.artifacts["HostileToken"], 6, sender=issuer.governor)
    dividend = issuer.declare(issuer.record(), 1_000 * DOLLAR, cash=euro)
    issuer.dividends.claimFor(dividend, holder, sender=issuer.governor)
    assert euro.balanceOf(holder) > 0


def test_a_blocked_payee_is_skipped_and_keeps_its_part(issuer, holder):
    other = issuer.account("other holder")
    issuer.desk.give(other, ONE)
    dividend = issuer.declare(issuer.record(), 1_000 * DOLLAR)
    issuer.cash.setBlocked(holder, True, sender=issuer.governor)
    receipt = issuer.dividends.claimMany(dividend, [holder, other], sender=issuer.governor)
    (skipped,) = [event for event in receipt.events if event.name == "SkipClaim"]
    assert skipped["holder"] == holder
    assert issuer.cash.balanceOf(other) > 0
    assert issuer.dividends.claimableOf(dividend, holder)[0] > 0
    issuer.dividends.claim(dividend, other, sender=holder)


def test_the_part_of_a_denied_holder_waits(issuer, holder):
    dividend = issuer.declare(issuer.record(), 1_000 * DOLLAR)
    issuer.deny(holder)
    with reverts("DividendDistributor_HolderDenied", holder):
        issuer.dividends.claim(dividend, issuer.account("friend"), sender=holder)
    issuer.deny(holder, False)
    issuer.dividends.claim(dividend, holder, sender=holder)


def test_claims_open_at_the_record_day_or_later(issuer, holder):
    day = issuer.announce_record(3)
    dividend = issuer.declare(day, 1_000 * DOLLAR)
    with reverts("DividendDistributor_NotClaimable", dividend, day * DAY):
        issuer.dividends.claim(dividend, holder, sender=holder)
    assert issuer.dividends.claimableOf(dividend, holder) == (0, 0)
    later = (day + 5) * DAY
    other = issuer.declare(
        day, 10, claimable_from=later, cash=issuer.chain.deploy(
            issuer.desk.system.artifacts["HostileToken"], 6, sender=issuer.governor
        )
    )  # fmt: skip
    issuer.to_midnight(day)
    issuer.dividends.claim(dividend, holder, sender=holder)
    with reverts("DividendDistributor_NotClaimable", other, later):
        issuer.dividends.claim(other, holder, sender=holder)


def test_without_an_end_claims_never_expire_and_nothing_is_swept(issuer, holder):
    dividend = issuer.declare(issuer.record(), 1_000 * DOLLAR)
    issuer.chain.warp(20 * YEAR)
    with reverts("DividendDistributor_NotExpired", dividend, 0):
        issuer.dividends.sweep(dividend, issuer.governor, sender=issuer.governor)
    issuer.dividends.claim(dividend, holder, sender=holder)


def test_what_is_left_at_the_announced_end_goes_back(issuer, holder):
    other = issuer.account("other holder")
    issuer.desk.give(other, ONE)
    day = issuer.record()
    expires = issuer.chain.now + YEAR
    with reverts("DividendDistributor_OutOfBounds", b"expiresAt".ljust(32, b"\0"), expires - 1, expires, 2**40 - 1):
        issuer.declare(day, 1_000 * DOLLAR, expires_at=expires - 1)
    dividend = issuer.declare(day, 1_000 * DOLLAR, expires_at=expires, withholding=1_000)
    issuer.dividends.claim(dividend, holder, sender=holder)
    issuer.chain.set_time(expires - 1)
    with reverts("DividendDistributor_NotExpired", dividend, expires):
        issuer.dividends.sweep(dividend, issuer.governor, sender=issuer.governor)
    issuer.chain.warp(1)
    with reverts("DividendDistributor_Expired", dividend, expires):
        issuer.dividends.claim(dividend, other, sender=other)
    assert issuer.dividends.claimableOf(dividend, other) == (0, 0)
    left = issuer.dividends.sweep(dividend, issuer.account("safe"), sender=issuer.governor).return_value
    payment = issuer.dividends.paymentOf(dividend, holder)
    assert left + payment.gross == 1_000 * DOLLAR
    assert issuer.cash.balanceOf(issuer.dividends) == payment.withheld
    with reverts("DividendDistributor_ZeroAmount"):
        issuer.dividends.sweep(dividend, issuer.governor, sender=issuer.governor)


def test_declarations_refuse(issuer, holder):
    day, dividends, nobody = issuer.record(), issuer.dividends, ZERO_ADDRESS
    token, cash, governor, now = issuer.token, issuer.cash, issuer.governor, issuer.chain.now
    limit = 2**128
    for refusal, args in (
        (("DividendDistributor_ZeroAmount",), (token, day, cash, 0, 0, nobody, 0, 0)),
        (("DividendDistributor_AmountTooLarge", limit, limit - 1), (token, day, cash, limit, 0, nobody, 0, 0)),
        (("DividendDistributor_ZeroAddress",), (token, day, cash, 1, 1, nobody, 0, 0)),
        (("DividendDistributor_NotRecordDay", token, day + 1), (token, day + 1, cash, 1, 0, nobody, 0, 0)),
        (("DividendDistributor_OutOfBounds", b"withholdingBps".ljust(32, b"\0"), 5_001, 0, 5_000),
         (token, day, cash, 1, 5_001, governor, 0, 0)),
        (("DividendDistributor_OutOfBounds", b"claimableFrom".ljust(32, b"\0"), now + YEAR + 1, 0, now + YEAR),
         (token, day, cash, 1, 0, nobody, now + YEAR + 1, 0)),
    ):  # fmt: skip
        with reverts(*refusal):
            dividends.declare(*args, sender=governor)
    first = issuer.declare(day, 10)
    with reverts("DividendDistributor_Duplicate", first):
        issuer.declare(day, 11)
    with reverts("DividendDistributor_Unknown", first + 1):
        dividends.claim(first + 1, holder, sender=holder)
    with reverts("DividendDistributor_ZeroAddress"):
        dividends.claim(first, nobody, sender=holder)
    with reverts("DividendDistributor_OutOfBounds", b"bps".ljust(32, b"\0"), 5_001, 0, 5_000):
        dividends.setWithholding(holder, 5_001, sender=governor)
    second = issuer.record()
    cash.setFees(100, 0, sender=governor)
    with reverts("DividendDistributor_TransferMismatch", cash, 1_000, 990):
        issuer.declare(second, 1_000)
    assert dividends.dividendCount() == first + 1


def test_desks_are_looked_through_once_and_four_at_most(issuer):
    system, holdings = issuer.desk.system, issuer.desk.system.holdings
    with reverts("BeneficialHoldings_AlreadyAdded", issuer.window):
        holdings.addDesk(issuer.window, sender=issuer.governor)
    accounts = (issuer.account("custodian"), issuer.account("treasury"))
    config = (issuer.token.address, issuer.cash.address, issuer.window.calendar(), 1, 0, 3600, 0, 0, *accounts)
    more = [
        issuer.chain.deploy(system.artifacts["IssuanceDesk"], system.authority, config, sender=issuer.governor)
        for _ in range(3)
    ]
    for desk in more[:2]:
        holdings.addDesk(desk, sender=issuer.governor)
    with reverts("BeneficialHoldings_TooManyDesks", 4):
        holdings.addDesk(more[2], sender=issuer.governor)
    assert list(holdings.desksOf(issuer.token))[1:] == [issuer.window.address, *(desk.address for desk in more[:2])]


def test_a_token_without_pools_has_holders_too(issuer):
    from everstock.deploy.stock import deploy_stock_token

    token, holder = deploy_stock_token(issuer.desk.system, "Unlisted", "UN.M"), issuer.account("holder")
    token.mint(holder, ONE, sender=issuer.governor)
    day = issuer.today + 2
    token.announceRecordDate(day, sender=issuer.governor)
    issuer.to_midnight(day)
    assert issuer.desk.system.holdings.holdingOf(token, holder, day) == ONE
    assert not issuer.desk.system.holdings.isCustodian(token, holder)
