"""A property machine over issue and redemption, dividends and corporate actions, beside a model in plain Python.

The model knows tokens, cash and requests as sums of integers, written from the interfaces' notices. Rules only act;
T1, T2, T4 and T5 are read after each. A run in which a rule never succeeded fails.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any, ClassVar

from hypothesis import HealthCheck, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from everstock.chain.errors import Reverted
from everstock.model.stock import DeskModel, RequestModel
from support.desk import DAY, ONE, WAD, Desk, deploy_local
from support.issuer import DOLLAR, Issuer

SEED = int(os.environ.get("EVERSTOCK_SEED", "20260105"))
EXAMPLES = int(os.environ.get("EVERSTOCK_EXAMPLES", "12"))
ROUNDS = 12
HOLDERS = ("holder", "second holder", "third holder")

whose = st.sampled_from(HOLDERS)
picks = st.integers(0, 999)
prices = st.integers(100, 400)


class StockMachine(RuleBasedStateMachine):
    done: ClassVar[Counter[str]] = Counter()
    refused: ClassVar[Counter[str]] = Counter()
    base: ClassVar[Issuer | None] = None

    @initialize()
    def begin(self) -> None:
        if StockMachine.base is None:
            StockMachine.base = Issuer.of(Desk.empty(deploy_local()))
        self.issuer = StockMachine.base
        self.snapshot = self.issuer.chain.snapshot()
        window = self.issuer.window
        self.model = DeskModel(fee_bps=10, penalty_bps=100, deadline_of=window.deadlineOf)
        self.model.tokens = dict.fromkeys(HOLDERS, 0)
        for name in HOLDERS:
            self.issuer.give(self.issuer.account(name), 1_000 * ONE)
            self.issuer.token.approve(window, 2**256 - 1, sender=self.issuer.account(name))
            self.issuer.cash.approve(window, 2**256 - 1, sender=self.issuer.account(name))
            self.issuer.cash.mint(self.issuer.account(name), 10**12, sender=self.issuer.governor)
            self.model.tokens[name], self.model.cash[name] = 1_000 * ONE, 10**12
        self.attested = self.issuer.desk.system.custody.backingOf(self.issuer.token)[0]
        self.dividends: dict[int, Counter[str]] = {}

    def teardown(self) -> None:
        if hasattr(self, "snapshot"):
            self.issuer.chain.revert(self.snapshot)

    def both(self, name: str, act: Any, expected: str | None) -> Any:
        """Do it on the chain; the model has said how it ends."""
        try:
            result = act()
        except Reverted as error:
            note(f"{name}: {error}")
            if error.name != expected:
                raise AssertionError(f"{name}: expected {expected or 'success'}") from error
            StockMachine.refused[name] += 1
            return None
        assert expected is None, f"{name} succeeded, expected {expected}"
        StockMachine.done[name] += 1
        return result

    # ── issue and redeem ──────────────────────────────────────────────────────────────────────────────────────────────
    @rule(name=whose, dollars=st.integers(0, 400_000), limit=st.one_of(st.just(2**128 - 1), prices))
    def request_mint(self, name: str, dollars: int, limit: int) -> None:
        who, limit = self.issuer.account(name), limit if limit > 1_000 else Issuer.price(limit)
        request = RequestModel(name, True, dollars * DOLLAR, limit)
        expected = self.model.refusal_of_request(request)
        act = lambda: self.issuer.window.requestMint(dollars * DOLLAR, limit, who, who, sender=who)  # noqa: E731
        if self.both("request mint", act, expected):
            self.model.request(request, self.issuer.chain.now)

    @rule(
        name=whose, tokens=st.one_of(st.integers(0, 300 * ONE), st.integers(0, 10)), limit=st.one_of(st.just(0), prices)
    )
    def request_redeem(self, name: str, tokens: int, limit: int) -> None:
        who, limit = self.issuer.account(name), Issuer.price(limit)
        request = RequestModel(name, False, tokens, limit)
        expected = self.model.refusal_of_request(request)
        act = lambda: self.issuer.window.requestRedeem(tokens, limit, who, who, sender=who)  # noqa: E731
        if self.both("request redeem", act, expected):
            self.model.request(request, self.issuer.chain.now)

    def pick(self, pick: int, wanted: Any) -> int | None:
        """Mostly a request that is wanted, now and then any."""
        numbers = range(len(self.model.requests))
        good = [number for number in numbers if wanted(self.model.requests[number])]
        pool = good if good and pick % 4 else list(numbers)
        return pool[pick // 4 % len(pool)] if pool else None

    @rule(chosen=st.lists(picks, min_size=1, max_size=4), part=st.integers(1, 4), dollars=prices, is_mint=st.booleans())
    def fulfil(self, chosen: list[int], part: int, dollars: int, is_mint: bool) -> None:
        found = [self.pick(each, lambda request: request.pending and request.is_mint is is_mint) for each in chosen]
        ids = [99 if number is None else number for number in found]
        fills = [(number, self.model.pending_of(number) // part + (part == 1)) for number in ids]
        settle = self.issuer.fulfil_mints if is_mint else self.issuer.fulfil_redemptions
        self.both("fulfil mints" if is_mint else "fulfil redemptions", lambda: settle(*fills, dollars=dollars), None)
        self.model.fulfil(is_mint, fills, Issuer.price(dollars))

    @rule(pick=picks)
    def claim(self, pick: int) -> None:
        if (number := self.pick(pick, lambda request: request.claimable)) is not None:
            who = self.issuer.account(self.model.requests[number].holder)
            expected = None if self.model.requests[number].claimable else "IssuanceDesk_NothingClaimable"
            if self.both("claim", lambda: self.issuer.window.claim(number, who, sender=who), expected):
                self.model.claim(number)

    @rule(pick=picks)
    def reclaim(self, pick: int) -> None:
        if (number := self.pick(pick, lambda request: request.pending)) is not None:
            who = self.issuer.account(self.model.requests[number].holder)
            expected = self.model.refusal_of_reclaim(number, self.issuer.chain.now)
            if self.both("reclaim", lambda: self.issuer.window.reclaim(number, who, sender=who), expected):
                self.model.reclaim(number)

    @rule(dollars=st.integers(1, 500), in_tokens=st.booleans())
    def post_bond(self, dollars: int, in_tokens: bool) -> None:
        issuer, sponsor = self.issuer, self.issuer.account("sponsor")
        asset, amount = (issuer.token, dollars * ONE // 250) if in_tokens else (issuer.cash, dollars * DOLLAR)
        if in_tokens:
            if issuer.token.totalSupply() + amount > self.backed:
                return
            issuer.give(sponsor, amount)
            self.model.bonded_tokens += amount
        else:
            issuer.pay(sponsor, dollars)
        self.both("post bond", lambda: issuer.window.postBond(asset, amount, sender=sponsor), None)
        self.model.bonds[not in_tokens] += amount

    # ── custody and corporate actions ─────────────────────────────────────────────────────────────────────────────────
    @property
    def backed(self) -> int:
        return int(self.issuer.desk.system.custody.backingOf(self.issuer.token)[0])

    @rule(spare=st.integers(0, 100), over=st.integers(0, 1))
    def mint_at_the_edge_of_custody(self, spare: int, over: int) -> None:
        issuer, custody = self.issuer, self.issuer.desk.system.custody
        with issuer.chain.anchor():
            issuer.chain.warp(1)
            supply, multiplier = issuer.token.totalSupply(), issuer.token.uiMultiplier()
            shares = -(-(supply + spare) * multiplier // WAD)
            custody.attest(issuer.token, shares, issuer.chain.now, b"\0" * 32, sender=issuer.governor)
            backed = shares * WAD // multiplier
            room = backed - supply + over
            expected = "StockToken_SupplyAboveCustody" if over else None
            if room:
                mint = lambda: issuer.token.mint(issuer.governor, room, sender=issuer.governor)  # noqa: E731
                self.both("mint past custody" if over else "mint to custody", mint, expected)
                assert issuer.token.totalSupply() <= backed

    @rule(kind=st.integers(0, 2), number=st.integers(2, 20))
    def corporate_action(self, kind: int, number: int) -> None:
        issuer = self.issuer
        old = issuer.token.newUIMultiplier()
        new = (old * number, old // number, old + old // (2 * number))[kind]
        pending = issuer.token.effectiveAt() > issuer.chain.now
        expected = "StockToken_ActionPending" if pending else None
        if not 10**9 <= new <= 10**27:
            return
        at = issuer.chain.now + DAY
        self.both("announce", lambda: issuer.token.announceAction(kind, new, at, sender=issuer.governor), expected)

    # ── dividends ─────────────────────────────────────────────────────────────────────────────────────────────────────
    @rule(amount=st.integers(1, 10**9))
    def declare(self, amount: int) -> None:
        day = self.issuer.record()
        self.both("declare", lambda: self.dividends.setdefault(self.issuer.declare(day, amount), Counter()), None)

    @rule(pick=picks, name=whose)
    def claim_dividend(self, pick: int, name: str) -> None:
        if not self.dividends:
            return
        number = list(self.dividends)[pick % len(self.dividends)]
        issuer, who, claimed = self.issuer, self.issuer.account(name), self.dividends[number]
        day = issuer.dividends.dividendOf(number).recordDay
        held = issuer.desk.system.holdings.holdingOf(issuer.token, who, day)
        expected = "DividendDistributor_AlreadyClaimed" if name in claimed else None
        if held == 0:
            expected = expected or "DividendDistributor_NothingHeld"
        before = issuer.cash.balanceOf(who)
        if self.both(
            "claim dividend", lambda: issuer.dividends.claimFor(number, who, sender=issuer.governor), expected
        ):
            claimed[name] = issuer.cash.balanceOf(who) - before
            self.model.cash[name] += claimed[name]
            fund, supply = issuer.dividends.dividendOf(number).amount, issuer.token.totalSupplyAt(day)
            assert abs(claimed[name] * supply - fund * held) < supply

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        self.issuer.chain.warp(hours * 3600)

    # ── what must hold ────────────────────────────────────────────────────────────────────────────────────────────────
    @invariant()
    def t1_and_the_model_agree_on_every_balance(self) -> None:
        if not hasattr(self, "model"):
            return
        issuer, model, token = self.issuer, self.model, self.issuer.token
        for name in HOLDERS:
            who = issuer.account(name)
            assert (token.balanceOf(who), issuer.cash.balanceOf(who)) == (model.tokens[name], model.cash[name]), "T1"
        parties = [*(issuer.account(name) for name in (*HOLDERS, "sponsor")), issuer.window]
        assert token.totalSupply() == sum(token.balanceOf(each) for each in parties), "T1"

    @invariant()
    def t2_supply_is_backed(self) -> None:
        if hasattr(self, "model"):
            assert self.issuer.token.totalSupply() <= self.backed, "T2"

    @invariant()
    def t4_escrow_is_what_is_pending_claimable_and_bonded(self) -> None:
        if not hasattr(self, "model"):
            return
        issuer, model = self.issuer, self.model
        assert issuer.token.balanceOf(issuer.window) == model.escrow(is_cash=False), "T4"
        assert issuer.cash.balanceOf(issuer.window) == model.escrow(is_cash=True), "T4"
        for number, request in enumerate(model.requests):
            seen = issuer.window.requestOf(number)
            assert (seen.pending, seen.claimable) == (request.pending, request.claimable), "T4"
            assert request.ended_once(), "T4"

    @invariant()
    def t5_dividends_are_never_overdrawn(self) -> None:
        if not hasattr(self, "model"):
            return
        issuer = self.issuer
        funded = sum(issuer.dividends.dividendOf(number).amount for number in self.dividends)
        paid = sum(sum(claimed.values()) for claimed in self.dividends.values())
        assert issuer.cash.balanceOf(issuer.dividends) == funded - paid, "T5"
        for number, claimed in self.dividends.items():
            dividend = issuer.dividends.dividendOf(number)
            claimable = sum(issuer.dividends.claimableOf(number, issuer.account(name))[0] for name in HOLDERS)
            assert dividend.claimed == sum(claimed.values()), "T5"
            assert dividend.claimed + claimable <= dividend.amount + len(HOLDERS), "T5"


ACTS = {"request mint", "request redeem", "fulfil mints", "fulfil redemptions", "claim", "reclaim", "post bond"}
ACTS |= {"mint to custody", "announce", "declare", "claim dividend"}
REFUSALS = {"request mint", "claim", "reclaim", "mint past custody", "announce", "claim dividend"}


def test_the_stock_layer_keeps_its_promises() -> None:
    """Rounds until every rule has succeeded and every refusal was met: an example uses a part of the rules only."""
    options = settings(
        max_examples=EXAMPLES,
        stateful_step_count=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    for number in range(ROUNDS):
        run_state_machine_as_test(seed(SEED + number)(StockMachine), settings=options)
        if StockMachine.done.keys() >= ACTS and StockMachine.refused.keys() >= REFUSALS:
            return
    lacking = (ACTS - StockMachine.done.keys(), REFUSALS - StockMachine.refused.keys())
    raise AssertionError(f"never succeeded, never refused: {lacking}")
