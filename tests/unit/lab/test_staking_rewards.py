"""StakingRewards: a rate that halves, shares by stake, and every refusal with its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from random import Random

import pytest

from everstock.chain.contract import Contract
from everstock.chain.evm import EvmChain
from everstock.chain.testing import reverts
from everstock.client import System

RATE, EPOCH, EPOCHS = 1_000_003, 1_000, 3
TOTAL = sum((RATE >> n) * EPOCH for n in range(EPOCHS))


@dataclass
class Farm:
    chain: EvmChain
    staked: Contract
    reward: Contract
    staking: Contract
    sponsor: str

    def account(self, name: str, amount: int = 10**24) -> str:
        who = self.chain.account(name)
        self.staked.mint(who, amount, sender=who)
        self.staked.approve(self.staking, 2**256 - 1, sender=who)
        return who

    def paid(self, who: str) -> int:
        return int(self.reward.balanceOf(who))


@pytest.fixture
def farm(system: System) -> Farm:
    chain, artifacts = system.chain, system.artifacts
    sponsor = chain.account("sponsor")
    staked = chain.deploy(artifacts["MockDollar"], 18, sender=sponsor)
    reward = chain.deploy(artifacts["RewardToken"], sponsor, 10 * TOTAL, sender=sponsor)
    staking = chain.deploy(artifacts["StakingRewards"], staked, reward, sponsor, RATE, EPOCH, EPOCHS, sender=sponsor)
    reward.approve(staking, 2**256 - 1, sender=sponsor)
    return Farm(chain, staked, reward, staking, sponsor)


@pytest.fixture
def begun(farm: Farm) -> Farm:
    farm.staking.begin(sender=farm.sponsor)
    return farm


# ── the schedule ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_beginning_pays_in_everything_that_will_be_emitted(farm):
    event = farm.staking.begin(sender=farm.sponsor).event("Begin")
    assert (event["total"], event["endsAt"]) == (TOTAL, farm.chain.now + EPOCH * EPOCHS)
    assert farm.staking.totalEmission() == TOTAL
    assert farm.reward.balanceOf(farm.staking) == TOTAL


def test_the_rate_halves_each_epoch_and_ends(begun):
    began = begun.staking.beganAt()
    rates = [begun.staking.rateAt(began + at) for at in (0, EPOCH - 1, EPOCH, 2 * EPOCH, 3 * EPOCH - 1, 3 * EPOCH)]
    assert rates == [RATE, RATE, RATE >> 1, RATE >> 2, RATE >> 2, 0]
    assert begun.staking.rateAt(began - 1) == 0


def test_emission_is_the_rates_sum(begun):
    began = begun.staking.beganAt()
    emitted = [begun.staking.emittedAt(began + at) for at in range(0, EPOCH * EPOCHS + 200, 100)]
    for at, (before, after) in zip(range(0, EPOCH * EPOCHS + 100, 100), pairwise(emitted), strict=True):
        assert after - before == 100 * begun.staking.rateAt(began + at)
    assert emitted[-1] == TOTAL
    assert begun.staking.emittedAt(began - 1) == begun.staking.emittedAt(began) == 0


def test_before_the_beginning_nothing_is_emitted_and_nothing_ends(farm):
    now = farm.chain.now
    assert (farm.staking.rateAt(now), farm.staking.emittedAt(now), farm.staking.endsAt()) == (0, 0, 0)


# ── shares ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_rewards_are_shared_by_stake_and_time(begun):
    early, late = begun.account("early"), begun.account("late")
    begun.staking.stake(3_000, sender=early)
    begun.chain.warp(100)
    begun.staking.stake(1_000, sender=late)
    begun.chain.warp(100)
    exact = 100 * RATE + 100 * RATE * 3 // 4
    assert exact - 1 <= begun.staking.earned(early) <= exact  # the index and the part of it are both rounded down
    mine = begun.staking.earned(late)
    assert 100 * RATE // 4 - 1 <= mine <= 100 * RATE // 4
    event = begun.staking.claim(sender=late).event("Reward")
    assert (event["account"], event["amount"]) == (late, mine)
    assert begun.paid(late) == mine
    assert begun.staking.earned(late) == 0


def test_unstaking_keeps_what_was_earned_and_ends_earning(begun):
    who = begun.account("who")
    begun.staking.stake(500, sender=who)
    begun.chain.warp(50)
    begun.staking.unstake(500, sender=who)
    begun.chain.warp(50)
    assert begun.staking.earned(who) == 50 * RATE
    assert begun.staked.balanceOf(who) == 10**24
    assert (begun.staking.totalStaked(), begun.staking.stakeOf(who)) == (0, 0)


def test_claiming_nothing_is_no_error(begun):
    who = begun.account("who")
    assert begun.staking.claim(sender=who).events_named("Reward") == []


def test_what_nobody_earned_goes_back_to_the_sponsor(begun):
    who = begun.account("who")
    begun.chain.warp(200)
    begun.staking.stake(10, sender=who)
    begun.chain.warp(EPOCH * EPOCHS)
    before = begun.paid(begun.sponsor)
    event = begun.staking.recover(sender=begun.sponsor).event("Recover")
    assert event["amount"] == begun.paid(begun.sponsor) - before == 200 * RATE
    begun.staking.claim(sender=who)
    assert begun.paid(who) == TOTAL - 200 * RATE
    assert begun.reward.balanceOf(begun.staking) == 0


@pytest.mark.parametrize("seed", range(3))
def test_together_they_earn_what_was_emitted_to_a_unit_each(begun, seed):
    random, staking = Random(seed), begun.staking
    people = [begun.account(f"person {n}") for n in range(4)]
    for _ in range(60):
        begun.chain.warp(random.randrange(0, 120))
        who = random.choice(people)
        held = staking.stakeOf(who)
        deed = random.randrange(3)
        if deed == 0 or not held:
            staking.stake(random.randrange(1, 10 ** random.randrange(1, 22)), sender=who)
        elif deed == 1:
            staking.unstake(random.randrange(1, held + 1), sender=who)
        else:
            staking.claim(sender=who)
    begun.chain.warp(EPOCH * EPOCHS)
    owed = sum(staking.earned(who) for who in people)
    for who in people:
        staking.claim(sender=who)
    staking.recover(sender=begun.sponsor)
    assert sum(map(begun.paid, people)) >= owed - len(people)
    left = begun.reward.balanceOf(staking)
    assert 0 <= left <= 100, f"{left} units of rounding"
    assert begun.staked.balanceOf(staking) == sum(map(staking.stakeOf, people)) == staking.totalStaked()


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("schedule", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 65)])
def test_schedules_that_are_none_are_refused(farm, schedule):
    with reverts("StakingRewards_BadSchedule", *schedule):
        farm.chain.deploy(farm.staking.artifact, farm.staked, farm.reward, farm.sponsor, *schedule, sender=farm.sponsor)


def test_only_the_sponsor_begins_and_recovers(farm):
    stranger = farm.account("stranger")
    for call in (farm.staking.begin, farm.staking.recover):
        with reverts("StakingRewards_NotSponsor", farm.sponsor, stranger):
            call(sender=stranger)


def test_it_begins_once(begun):
    with reverts("StakingRewards_BegunAlready", begun.staking.beganAt()):
        begun.staking.begin(sender=begun.sponsor)


def test_nobody_stakes_before_the_beginning(farm):
    with reverts("StakingRewards_NotBegun"):
        farm.staking.stake(1, sender=farm.account("who"))


def test_recovering_waits_for_the_end(begun):
    begun.chain.warp(EPOCH * EPOCHS - 1)
    with reverts("StakingRewards_NotOver", begun.staking.endsAt()):
        begun.staking.recover(sender=begun.sponsor)


def test_recovering_before_the_beginning_is_refused(farm):
    with reverts("StakingRewards_NotOver", 0):
        farm.staking.recover(sender=farm.sponsor)


def test_nothing_is_neither_staked_nor_unstaked(begun):
    who = begun.account("who")
    for call in (begun.staking.stake, begun.staking.unstake):
        with reverts("StakingRewards_ZeroAmount"):
            call(0, sender=who)


def test_more_than_the_stake_cannot_be_taken(begun):
    who = begun.account("who")
    begun.staking.stake(7, sender=who)
    with reverts("StakingRewards_Overdraft", 8, 7):
        begun.staking.unstake(8, sender=who)
