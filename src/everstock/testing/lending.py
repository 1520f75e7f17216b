"""A lending market and its model, operation by operation, with the invariants L1 to L5 watched.

Like `everstock.testing.lockstep`, and apart from it: a market of its own needs no options. Every operation is done to
both; results, refusals with their arguments, and the whole state must agree to the last unit. The oracle's answers are
read from the chain (the oracle has its own lock-step).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol, TypeVar

from everstock.artifacts import load as load_artifacts
from everstock.chain.base import ZERO_ADDRESS, Chain
from everstock.chain.contract import Contract
from everstock.chain.errors import Reverted
from everstock.client.system import System
from everstock.deploy import deploy_system
from everstock.model.calendar import AlwaysOpen, Calendar, WeekdaySessions
from everstock.model.errors import ModelRevert
from everstock.model.lending import PRICE_SCALE, Answer, Curve, LendingModel, Listing, Policy
from everstock.params import load
from everstock.testing.lockstep import ChainPrimitives, Disagreement

WAD = 10**18
MAX = 2**256 - 1
YEAR_SECONDS_WAD = 11_024_640 * WAD
MAX_AGE = 4_200
LENDERS = ("lender0", "lender1")
BORROWERS = ("borrower0", "borrower1", "borrower2")
LIQUIDATOR = "liquidator"
ACTORS = (*LENDERS, *BORROWERS, LIQUIDATOR)
STOCK = b"LENT".ljust(32, b"\0")
DOLLAR = b"DOLLAR".ljust(32, b"\0")
PASSIVE = frozenset({"warp", "price", "revalue"})
"""What changes health without a call to the market."""

T = TypeVar("T")


class Chooser(Protocol):
    """Who decides: Hypothesis, or a seed."""

    def integer(self, low: int, high: int) -> int: ...

    def choice(self, options: Sequence[T]) -> T: ...

    def chance(self, percent: int) -> bool: ...


class Dice:
    """A seeded chooser."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def choice(self, options: Sequence[T]) -> T:
        return self.random.choice(options)

    def chance(self, percent: int) -> bool:
        return self.random.random() * 100 < percent


@dataclass
class LendingLockstep:
    """One market and its model. `sessions`: its collateral closes; `loan_feed`: the loan token has a price."""

    chain: Chain
    sessions: bool = True
    loan_feed: bool = False
    succeeded: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.system: System = deploy_system(self.chain, load("local"))
        self.governor = self.system.governor
        built = load_artifacts()
        self.who = {name: self.chain.account(name) for name in ACTORS}
        self.price, self.dollar_price, self.donated = 250 * 10**8, 10**8, 0
        self.liquidated = ""
        self.aggregator = self._deploy(built, "MockAggregator", 8, self.price)
        self.dollar_aggregator = self._deploy(built, "MockAggregator", 8, self.dollar_price)
        calendar = self._deploy(built, "TestCalendar", WAD // 5, YEAR_SECONDS_WAD)
        where = calendar.address if self.sessions else ZERO_ADDRESS
        for asset, aggregator, place in (
            (STOCK, self.aggregator, where),
            (DOLLAR, self.dollar_aggregator, ZERO_ADDRESS),
        ):
            feed = self._deploy(built, "ChainlinkFeed", aggregator)
            config = (feed.address, MAX_AGE, WAD // 500, place)
            self.system.oracle.setAsset(asset, config, sender=self.governor)
            self.system.oracle.poke(asset, sender=self.governor)
        self.market = self._create(built, where)
        harness = self._deploy(built, "MathHarness")
        self.model = LendingModel(self._listing(), ChainPrimitives(harness), self.chain.now)
        self._fund()

    def _deploy(self, built: Any, name: str, *args: Any) -> Contract:
        return self.chain.deploy(built[name], *args, sender=self.governor)

    def _create(self, built: Any, calendar: str) -> Contract:
        system = self.system
        listed = system.lending_market("TSLA.M/USDX")
        self.loan, self.stock = listed.loan.contract, listed.collateral.contract
        self.valuer = self._deploy(built, "TestValuer")
        self.worth: dict[str, tuple[int, int]] = {}
        config = listed.contract.config()._replace(
            pledges=self.valuer.address,
            collateralAsset=STOCK,
            calendar=calendar,
            loanAsset=DOLLAR if self.loan_feed else bytes(32),
        )
        self.config = config
        assert system.lending_factory is not None
        receipt = system.lending_factory.createMarket(tuple(config), sender=self.governor)
        address = receipt.event("CreateMarket")["market"]
        system.vault.setModule(address, True, sender=self.governor)
        market = self.chain.contract(built["LendingMarket"], address)
        system.authority.setTargetFunctionRole(market, [market.pauseBorrowing.selector], 2, sender=self.governor)
        return market

    def _listing(self) -> Listing:
        c, params = self.config, self.system.params.lending
        assert params is not None
        calendar: Calendar = WeekdaySessions(year_seconds_wad=YEAR_SECONDS_WAD) if self.sessions else AlwaysOpen()
        return Listing(
            Curve(*params.rate_model.config),
            Policy(*c.policy),
            calendar,
            18,
            6,
            c.minDebt,
            c.reserveShare,
            c.reserveCap,
            c.pledgeHaircut,
        )

    def _fund(self) -> None:
        for name, who in self.who.items():
            self.loan.mint(who, 10**18, sender=self.governor)
            self.loan.approve(self.market.address, MAX, sender=who)
            if name in BORROWERS:
                self.stock.mint(who, 10**30, sender=self.governor)
                self.stock.approve(self.system.vault.address, MAX, sender=who)

    # ── both ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def answers(self) -> tuple[Answer, Answer | None]:
        """What the oracle would answer now."""
        stock = self._answer(STOCK)
        return stock, self._answer(DOLLAR) if self.loan_feed else None

    def pledge_of(self, owner: str) -> tuple[int, int]:
        """What the pledge of an account is worth, and how many positions it holds; nothing unless it counts."""
        return self.worth.get(owner, (0, 0)) if self.model.account(owner).pledged else (0, 0)

    def _answer(self, asset: bytes) -> Answer:
        a = self.system.oracle.read(asset)
        return Answer(asset, a.price, a.band, a.status)

    def run(self, name: str, on_chain: Callable[[], Any], in_model: Callable[[LendingModel], Any]) -> bool:
        """Do it to both and compare. True when it was not refused."""
        before = {owner: self._factor(owner) for owner in BORROWERS}
        supply_price = self._share_price()
        self.model.now = self.chain.now
        kept = deepcopy(self.model.__dict__ | {"primitives": None})
        refused: tuple[str, dict[str, Any]] | None = None
        result: Any = None
        try:
            result = in_model(self.model)
        except ModelRevert as error:
            refused = error.error, error.details
            self.model.__dict__.update(kept | {"primitives": self.model.primitives})
        try:
            got = on_chain()
        except Reverted as error:
            if refused is None or error.name != refused[0]:
                raise Disagreement(f"{name}: chain {error}, model {refused or result}") from error
            for key, value in refused[1].items():
                if key in error.args_ and error.args_[key] != value:
                    raise Disagreement(f"{name}: chain {error}, model {refused}") from error
            self.refused[f"{name}: {error.name}"] += 1
            return False
        if refused is not None:
            raise Disagreement(f"{name}: the chain did it, the model: {refused}")
        if result is not None and got != result:
            raise Disagreement(f"{name}: chain {got}, model {result}")
        self.succeeded[name] += 1
        self.compare()
        self._watch(name, before, supply_price)
        return True

    def compare(self) -> None:
        """The whole state, and every view of it."""
        model = deepcopy(self.model.__dict__ | {"primitives": None})
        now = LendingModel(**(model | {"primitives": self.model.primitives}))
        now.now = self.chain.now
        now.accrue()
        c, s = self.market, self.market.state()
        pairs: list[tuple[str, Any, Any]] = [
            ("supply", s.supplyAssets, now.supply),
            ("debt", s.debtAssets, now.debt),
            ("debt shares", s.debtShares, now.debt_shares),
            ("reserve", s.reserve, now.reserve),
            ("cash", s.cash, now.cash),
            ("rate at target", s.rateAtTarget, now.rate_at_target),
            ("shares", c.totalSupply(), now.share_supply),
            ("dollars held", self.loan.balanceOf(c) - self.donated, self.model.cash),
        ]
        t, terms = c.termsAt(self.chain.now), now.terms_at(now.now)
        mine = (terms.borrow_ltv, terms.liquidation_ltv, terms.bonus, terms.liquidatable_from)
        pairs.append(("terms", tuple(t), mine))
        answers = self.answers()
        vault = self.system.vault
        for name, who in self.who.items():
            account = now.account(name)
            pairs += [
                (f"{name}'s shares", c.balanceOf(who), account.shares),
                (f"{name}'s debt shares", c.debtSharesOf(who), account.debt_shares),
                (f"{name}'s debt", c.debtOf(who), now.debt_of(name)),
                (f"{name}'s collateral", vault.balanceOf(self.stock.address, c, who), account.collateral),
            ]
            h, pledge = c.health(who), self.pledge_of(name)[0]
            pairs += [
                (f"{name}'s pledge", (c.isPledged(who), h.pledged), (account.pledged, now.counted(pledge))),
                (f"{name}'s limits", (h.borrowLimit, h.liquidationLimit), now.limits(name, *answers, pledge)),
            ]
        for what, chain, model_value in pairs:
            if chain != model_value:
                raise Disagreement(f"{what}: chain {chain}, model {model_value}")

    def remember(self) -> tuple[int, Any]:
        """Chain and model as they are."""
        kept = deepcopy(self.model.__dict__ | {"primitives": None})
        return self.chain.snapshot(), (kept, self.price, self.dollar_price, self.donated, dict(self.worth))

    def return_to(self, anchor: tuple[int, Any]) -> None:
        self.chain.revert(anchor[0])
        kept, self.price, self.dollar_price, self.donated, self.worth = anchor[1]
        self.model.__dict__.update(kept | {"primitives": self.model.primitives})

    # ── invariants ────────────────────────────────────────────────────────────────────────────────────────────────
    def _factor(self, owner: str) -> tuple[int, int]:
        """Liquidation limit and debt, at the oracle's last price."""
        self.model.now = self.chain.now
        held = LendingModel(**self.model.__dict__)
        held.accounts = {owner: self.model.account(owner)}
        probe = deepcopy(held.__dict__ | {"primitives": None})
        now = LendingModel(**(probe | {"primitives": self.model.primitives}))
        now.accrue()
        return now.limits(owner, *self.answers(), self.pledge_of(owner)[0])[1], now.debt_of(owner)

    def _share_price(self) -> tuple[int, int]:
        return self.model.supply + 1, self.model.share_supply + 10**6

    def _watch(self, name: str, before: dict[str, tuple[int, int]], price: tuple[int, int]) -> None:
        model = self.model
        total = sum(account.debt_shares for account in model.accounts.values())
        assert total == model.debt_shares, f"L1: Σ debt shares {total}, total {model.debt_shares}"
        self.checked["L1"] += 1
        if name == "warp":
            self._watch_schedule()
        if name not in PASSIVE:
            for owner, (limit, debt) in before.items():
                limit_now, debt_now = self._factor(owner)
                if name == "liquidate" and owner == self.liquidated:
                    continue
                healthy = debt_now <= limit_now
                assert healthy or limit_now * debt >= limit * debt_now, f"L2: {name} worsened {owner}"
                self.checked["L2"] += 1
        for owner in BORROWERS:
            account = model.account(owner)
            if account.debt_shares:
                self.market.repay.call(MAX, self.who[owner], sender=self.who[LIQUIDATOR])
                self.checked["L3"] += 1
            behind = account.collateral or (account.pledged and (name != "liquidate" or any(self.pledge_of(owner))))
            if owner == self.liquidated or not account.pledged:
                assert behind or not account.debt_shares, f"L4: {owner} owes, and nothing is behind it"
            self.checked["L4"] += 1
        if name != "liquidate":
            (a, b), (c, d) = price, self._share_price()
            assert c * b >= a * d, f"{name} lowered the lenders' share price"
            self.checked["share price"] += 1

    def _watch_schedule(self) -> None:
        """L2, while only time passes: whoever is within the closed session's limit is never above the one in force."""
        p, (_, mid) = self.model.listing.policy, self.model.prices(*self.answers())
        for owner in BORROWERS:
            limit, debt = self._factor(owner)
            value = self.model.account(owner).collateral * mid // PRICE_SCALE
            if debt <= value * p.closed_liquidation_ltv // WAD:
                assert debt <= limit, f"L2: the schedule surprised {owner}"
                self.checked["L2"] += 1

    # ── operations ────────────────────────────────────────────────────────────────────────────────────────────────
    def deposit(self, owner: str, assets: int) -> bool:
        who = self.who[owner]
        return self.run(
            "deposit",
            lambda: self.market.deposit(assets, who, sender=who).return_value,
            lambda m: m.deposit(owner, assets),
        )

    def mint(self, owner: str, shares: int) -> bool:
        who = self.who[owner]
        return self.run(
            "mint", lambda: self.market.mint(shares, who, sender=who).return_value, lambda m: m.mint(owner, shares)
        )

    def withdraw(self, owner: str, assets: int) -> bool:
        who = self.who[owner]
        return self.run(
            "withdraw",
            lambda: self.market.withdraw(assets, who, who, sender=who).return_value,
            lambda m: m.withdraw(owner, assets),
        )

    def redeem(self, owner: str, shares: int) -> bool:
        who = self.who[owner]
        return self.run(
            "redeem",
            lambda: self.market.redeem(shares, who, who, sender=who).return_value,
            lambda m: m.redeem(owner, shares),
        )

    def top_up(self, owner: str, amount: int) -> bool:
        who, vault = self.who[owner], self.system.vault
        return self.run(
            "top up",
            lambda: vault.deposit(self.stock.address, self.market, who, amount, sender=who).return_value,
            lambda m: m.top_up(owner, amount),
        )

    def borrow(self, owner: str, assets: int) -> bool:
        who, answers = self.who[owner], self.answers()
        return self.run(
            "borrow",
            lambda: self.market.borrow(assets, who, who, sender=who).return_value,
            lambda m: m.borrow(owner, assets, *answers, self.pledge_of(owner)[0]),
        )

    def repay(self, owner: str, assets: int, payer: str = LIQUIDATOR) -> bool:
        who = self.who[payer]
        return self.run(
            "repay",
            lambda: self.market.repay(assets, self.who[owner], sender=who).return_value,
            lambda m: m.repay(owner, assets),
        )

    def withdraw_collateral(self, owner: str, amount: int, release: bool = False) -> bool:
        who, answers = self.who[owner], self.answers()
        function = self.market.releaseCollateral if release else self.market.withdrawCollateral
        return self.run(
            "release collateral" if release else "withdraw collateral",
            lambda: function(amount, who, who, sender=who).return_value,
            lambda m: m.withdraw_collateral(owner, amount, *answers, self.pledge_of(owner)[0]),
        )

    def liquidate(self, owner: str, max_repay: int = MAX, min_seized: int = 0, payout: int = 0) -> bool:
        who, answers = self.who[LIQUIDATOR], self.answers()
        order = (self.who[owner], max_repay, min_seized, payout, who)
        bonus = self.model.terms_at(self.chain.now).bonus
        self.liquidated = owner

        def act(model: LendingModel) -> tuple[int, int]:
            repaid, seized = model.liquidate(owner, max_repay, min_seized, *answers, *self.pledge_of(owner))
            mid = model.prices(*answers)[1]
            assert seized * mid * WAD <= repaid * (WAD + bonus) * PRICE_SCALE, "L5: more was seized than paid for"
            self.checked["L5"] += 1
            return repaid, seized

        return self.run("liquidate", lambda: self.market.liquidate(order, b"", sender=who).return_value, act)

    def pledge(self, owner: str) -> bool:
        """Pledge and count."""
        who = self.who[owner]
        self.valuer.pledge(self.stock.address, self.market, sender=who)
        return self.run(
            "pledge", lambda: self.market.countPledge(sender=who).return_value, lambda m: m.count_pledge(owner)
        )

    def release_pledge(self, owner: str) -> bool:
        who, answers = self.who[owner], self.answers()
        return self.run(
            "release pledge",
            lambda: self.market.releasePledge(self.stock.address, sender=who).return_value,
            lambda m: m.release_pledge(owner, *answers),
        )

    def revalue(self, owner: str, value: int, positions: int) -> bool:
        """The options of an account gain or lose, or are closed."""
        self.worth[owner] = (value, positions)
        return self.run(
            "revalue",
            lambda: self.valuer.set(self.who[owner], value, positions, sender=self.governor).return_value,
            lambda m: None,
        )

    def accrue(self) -> bool:
        who = self.who[LIQUIDATOR]
        return self.run("accrue", lambda: self.market.accrue(sender=who).return_value, lambda m: m.accrue())

    def pause(self, seconds: int) -> bool:
        until = self.chain.now + seconds

        def set_pause(model: LendingModel) -> None:
            model.paused_until = until

        return self.run(
            "pause", lambda: self.market.pauseBorrowing(until, sender=self.governor).return_value, set_pause
        )

    def donate(self, amount: int) -> bool:
        """Dollars sent to the market change nothing."""
        self.donated += amount
        who = self.who[LIQUIDATOR]
        return self.run("donate", lambda: self.loan.transfer(self.market, amount, sender=who) and None, lambda m: None)

    def warp(self, seconds: int) -> bool:
        self.chain.warp(seconds)
        return self.run("warp", lambda: None, lambda m: None)

    def publish(self, price: int) -> bool:
        """A new print of the stock, and the oracle sees it."""
        self.price = price
        oracle, who = self.system.oracle, self.governor
        self.aggregator.updateAnswer(price, sender=who)
        self.dollar_aggregator.updateAnswer(self.dollar_price, sender=who)

        def see() -> None:
            oracle.poke(STOCK, sender=who)
            oracle.poke(DOLLAR, sender=who)

        return self.run("price", see, lambda m: None)


# ── moves ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def some_amount(choose: Chooser, most: int) -> int:
    """Now and then the edges."""
    if choose.chance(10):
        return choose.choice((0, 1, 2, max(0, most), most + 1))
    return choose.integer(1, max(1, most))


def lend(world: LendingLockstep, choose: Chooser) -> None:
    owner = choose.choice(LENDERS)
    if choose.chance(70):
        world.deposit(owner, some_amount(choose, 10**12))
    else:
        world.mint(owner, some_amount(choose, 10**18))


def leave(world: LendingLockstep, choose: Chooser) -> None:
    owner = choose.choice(LENDERS)
    who = world.who[owner]
    if choose.chance(50):
        world.withdraw(owner, some_amount(choose, world.market.maxWithdraw(who)))
    else:
        world.redeem(owner, some_amount(choose, world.market.maxRedeem(who)))


def leave_with_all(world: LendingLockstep, choose: Chooser) -> None:
    """What `maxRedeem` says can be redeemed."""
    owner = choose.choice(LENDERS)
    shares = world.market.maxRedeem(world.who[owner])
    if shares:
        assert world.redeem(owner, shares), "P5: maxRedeem cannot be redeemed"


def top_up(world: LendingLockstep, choose: Chooser) -> None:
    world.top_up(choose.choice(BORROWERS), choose.integer(1, 2_000 * WAD))


def borrow(world: LendingLockstep, choose: Chooser) -> None:
    owner = choose.choice(BORROWERS)
    health = world.market.health(world.who[owner])
    most = max(0, health.borrowLimit - health.debt)
    world.borrow(owner, min(most, world.market.state().cash) if choose.chance(50) else some_amount(choose, most))


def repay(world: LendingLockstep, choose: Chooser) -> None:
    owing = [owner for owner in BORROWERS if world.model.account(owner).debt_shares]
    owner = choose.choice(owing or BORROWERS)
    debt = world.market.debtOf(world.who[owner])
    world.repay(owner, MAX if choose.chance(30) else some_amount(choose, debt))


def withdraw_collateral(world: LendingLockstep, choose: Chooser) -> None:
    owner = choose.choice(BORROWERS)
    held = world.model.account(owner).collateral
    world.withdraw_collateral(owner, some_amount(choose, held), release=choose.chance(30))


def liquidate(world: LendingLockstep, choose: Chooser) -> None:
    owing = [owner for owner in BORROWERS if world.model.account(owner).debt_shares]
    owner = choose.choice(owing or BORROWERS)
    debt = world.model.debt_of(owner)
    least = 1 if choose.chance(90) else 10**22
    world.liquidate(owner, MAX if choose.chance(60) else some_amount(choose, debt), least, choose.integer(0, 1))


def fall(world: LendingLockstep, choose: Chooser) -> None:
    """A fall that the breaker lets pass, after the time it takes."""
    world.warp(choose.integer(1_201, 1_500))
    world.publish(max(10**8, world.price * choose.integer(90, 97) // 100))


def rise(world: LendingLockstep, choose: Chooser) -> None:
    world.warp(choose.integer(1_201, 1_500))
    world.publish(min(10**12, world.price * choose.integer(103, 109) // 100))


def jump(world: LendingLockstep, choose: Chooser) -> None:
    """A halt, and now and then its confirmation."""
    world.publish(min(10**12, max(10**8, world.price * choose.choice((55, 70, 130)) // 100)))
    if choose.chance(80):
        world.warp(301)
        world.publish(world.price)


def pass_time(world: LendingLockstep, choose: Chooser) -> None:
    world.warp(choose.choice((1, 60, 900, 3_600, 7_200, 20_000, 86_400, 400_000)))
    if choose.chance(70):
        world.publish(world.price)


def crash(world: LendingLockstep, choose: Chooser) -> None:
    """Somebody borrows all that it may, the session opens far below, and everybody is liquidated."""
    reopen(world)
    owner = choose.choice(BORROWERS)
    world.deposit(LENDERS[0], 10**12)
    world.top_up(owner, 100 * WAD)
    health = world.market.health(world.who[owner])
    world.borrow(owner, max(0, health.borrowLimit - health.debt))
    fallen = max(10**8, world.price * choose.choice((35, 55, 65, 75)) // 100)
    if world.sessions:
        world.warp(86_400)
        reopen(world, fallen)
        world.liquidate(owner)
    else:
        world.publish(fallen)
        world.warp(301)
        world.publish(fallen)
    world.warp(choose.integer(600, 2_000))
    for each in BORROWERS:
        if world.model.account(each).debt_shares and choose.chance(70):
            world.liquidate(each, MAX if choose.chance(70) else some_amount(choose, world.model.debt_of(each)))
    world.publish(250 * 10**8)
    world.warp(301)
    world.publish(world.price)


def reopen(world: LendingLockstep, price: int = 0) -> None:
    """The beginning of the next session, at a price that a second print confirms."""
    if world.sessions:
        opening = world.model.listing.calendar.next_open_after_close(world.chain.now)
        world.warp(opening - world.chain.now + 60)
        world.publish(price or world.price)
        world.warp(301)
        world.publish(world.price)


def pause(world: LendingLockstep, choose: Chooser) -> None:
    world.pause(choose.integer(0, 3_600))


def donate(world: LendingLockstep, choose: Chooser) -> None:
    world.donate(choose.integer(1, 10**9))


def accrue(world: LendingLockstep, choose: Chooser) -> None:
    world.accrue()


def pledge(world: LendingLockstep, choose: Chooser) -> None:
    """Pledge options worth something, or take them back."""
    owner = choose.choice(BORROWERS)
    if world.model.account(owner).pledged and choose.chance(40):
        world.release_pledge(owner)
    else:
        world.revalue(owner, choose.integer(0, 200 * WAD), choose.integer(0, 16))
        world.pledge(owner)


def revalue(world: LendingLockstep, choose: Chooser) -> None:
    """Options gain and lose, or all of an account's are closed."""
    owner = choose.choice(BORROWERS)
    if choose.chance(30):
        world.revalue(owner, 0, 0)
    else:
        world.revalue(owner, choose.integer(0, 300 * WAD), choose.integer(1, 16))


MOVES: tuple[Callable[[LendingLockstep, Chooser], None], ...] = (
    lend,
    leave,
    leave_with_all,
    top_up,
    borrow,
    repay,
    withdraw_collateral,
    liquidate,
    fall,
    rise,
    jump,
    pass_time,
    crash,
    pause,
    donate,
    accrue,
    pledge,
    revalue,
)


def begin(world: LendingLockstep) -> None:
    """Money to lend and three borrowers."""
    world.deposit(LENDERS[0], 10**12)
    for owner in BORROWERS:
        world.top_up(owner, 1_000 * WAD)
        world.borrow(owner, 80_000 * 10**6)
