"""What an oracle asks besides the feed: a check source, the sequencer, a limit on jumps."""

from __future__ import annotations

from typing import Any

import pytest

from everstock.chain import ZERO_ADDRESS, Reverted
from everstock.chain.testing import reverts

WAD = 10**18
MAX_AGE = 4_200
CHECK_MAX_AGE = 1_800
CHECK_DEVIATION = WAD // 50
GRACE = 3_600
NONE = (ZERO_ADDRESS, 0, 0, ZERO_ADDRESS, 0, 0)
HALF = WAD // 2
REVERT, BURN_GAS = 1, 2


def guard(bench: Any, **changes: Any) -> Any:
    names = ("check", "check_max_age", "check_deviation", "sequencer", "grace", "max_jump")
    guards = {**dict(zip(names, NONE, strict=True)), **changes}
    return bench.oracle.setGuards(bench.asset, tuple(guards[name] for name in names), sender=bench.governor)


class Second:
    """The check source."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self.feed = bench.chain.deploy(bench.feed.artifact, sender=bench.governor)

    def print(self, usd: float, *, stamp: int | None = None, confidence: int = 0, halted: bool = False) -> None:
        at = self.bench.chain.now if stamp is None else stamp
        self.feed.set((int(usd * 10**8) * 10**10, 1, at, confidence, halted), sender=self.bench.governor)


@pytest.fixture
def checked(crypto):
    crypto.second = Second(crypto)
    guard(crypto, check=crypto.second.feed, check_max_age=CHECK_MAX_AGE, check_deviation=CHECK_DEVIATION)
    return crypto


# ---------------------------------------------------------------------------------------------- the check source


@pytest.mark.parametrize(
    ("usd", "status"),
    [(102, "Open"), (102.00000001, "Halted"), (98, "Open"), (97.99999999, "Halted"), (200, "Halted")],
)
def test_two_sources_agree_within_the_deviation_and_not_a_unit_more(checked, usd, status):
    checked.second.print(100)
    answer = checked.tick(usd)
    assert (answer.status, answer.breaker) == (status, status == "Halted")
    assert answer.usd == (0 if status == "Halted" else usd)
    assert answer.events == []


def test_a_disagreement_is_no_candidate_and_ends_with_it(checked):
    checked.second.print(100)
    checked.tick(100)
    assert checked.tick(150).breaker
    checked.chain.warp(300)
    checked.second.print(100)
    assert checked.tick(150).events == [], "nothing is remembered of it, so nothing confirms it"
    answer = checked.tick(101)
    assert (answer.status, answer.usd) == ("Open", 101)


def test_both_sources_jumping_together_is_the_breakers_business(checked):
    checked.second.print(100)
    checked.tick(100)
    checked.second.print(150)
    assert checked.tick(150).events == ["HaltAsset"]
    checked.chain.warp(300)
    checked.second.print(150)
    assert checked.tick(150).usd == 150


def test_an_accepted_round_is_checked_again_each_time(checked):
    """A feed that stands still while the market moves is not good until its heartbeat."""
    checked.second.print(100)
    checked.tick(100)
    checked.chain.warp(60)
    checked.second.print(103)
    answer = checked.poke()
    assert (answer.status, answer.breaker, answer.usd) == ("Halted", True, 100)
    checked.second.print(101)
    assert checked.poke().status == "Open"


@pytest.mark.parametrize("mode", [REVERT, BURN_GAS])
def test_a_check_source_that_fails_halts(checked, mode):
    checked.second.print(100)
    checked.tick(100)
    checked.second.feed.setMode(mode, sender=checked.governor)
    answer = checked.poke()
    assert (answer.status, answer.breaker) == ("Halted", False)


@pytest.mark.parametrize(
    "fault", [{"usd": 0}, {"stamp": 0}, {"stamp": 2**39}, {"halted": True}, {"confidence": WAD // 20 + 1}]
)
def test_a_check_print_that_is_no_print_halts(checked, fault):
    checked.second.print(100)
    checked.tick(100)
    checked.second.print(**{"usd": 100, **fault})
    answer = checked.poke()
    assert (answer.status, answer.breaker) == ("Halted", False)


def test_a_check_source_ages_by_its_own_limit(checked):
    checked.second.print(100)
    checked.tick(100)
    checked.chain.warp(CHECK_MAX_AGE)
    assert checked.poke().status == "Open"
    checked.chain.warp(1)
    assert checked.poke().status == "Stale"


def test_the_check_source_too_must_have_printed_in_the_session(stock):
    stock.second = Second(stock)
    guard(stock, check=stock.second.feed, check_max_age=CHECK_MAX_AGE, check_deviation=CHECK_DEVIATION)
    stock.second.print(250)
    assert stock.tick(250).status == "Open"
    stock.chain.warp(86_400 + 10)
    assert stock.tick(251).status == "Closed", "the check source still says yesterday's"
    stock.second.print(251)
    assert stock.poke().status == "Open"
    stock.chain.warp(86_400 + CHECK_MAX_AGE + 1)
    assert stock.tick(251).status == "Stale", "overdue"


def test_the_check_source_is_read_directly_when_it_is_an_aggregator(it, crypto):
    aggregator = it.chain.deploy(it.built["MockAggregator"], 6, 100 * 10**6, sender=it.governor)
    feed = it.chain.deploy(it.built["ChainlinkFeed"], aggregator, sender=it.governor)
    guard(crypto, check=feed, check_max_age=CHECK_MAX_AGE, check_deviation=CHECK_DEVIATION)
    assert crypto.tick(101.9).status == "Open"
    assert crypto.tick(102.1).status == "Halted"
    assert tuple(crypto.oracle.assetGuards(crypto.asset))[:3] == (feed.address, CHECK_MAX_AGE, CHECK_DEVIATION)


# ---------------------------------------------------------------------------------------------- the sequencer


@pytest.fixture
def layer_two(it, crypto):
    """A market on Base: Chainlink's uptime feed says that the sequencer has been up for a day."""
    uptime = it.chain.deploy(it.built["MockSequencerUptime"], False, sender=it.governor)
    uptime.disableAccessCheck(sender=it.governor)
    it.chain.warp(86_400)
    guard(crypto, sequencer=uptime, grace=GRACE)
    crypto.uptime = uptime
    crypto.says = lambda down: uptime.updateStatus(down, it.chain.now, sender=it.governor)
    return crypto


def test_a_sequencer_outage_halts_until_the_grace_is_over(layer_two):
    assert layer_two.tick(100).status == "Open"
    layer_two.says(True)
    answer = layer_two.tick(101)
    assert (answer.status, answer.breaker, answer.events) == ("Halted", False, [])
    layer_two.chain.warp(7_200)
    layer_two.says(False)
    assert layer_two.tick(101).status == "Halted", "users have not had the time to act"
    layer_two.chain.warp(GRACE - 1)
    assert layer_two.tick(102).status == "Halted"
    layer_two.chain.warp(1)
    assert layer_two.tick(103).usd == 103


def test_a_sequencer_feed_that_fails_or_knows_nothing_halts(it, crypto):
    uptime = it.chain.deploy(it.built["HostileAggregator"], 0, sender=it.governor)
    now = it.chain.now
    up = (1, 0, now - GRACE, now, 1)
    uptime.set(up, sender=it.governor)
    guard(crypto, sequencer=uptime, grace=GRACE)
    assert crypto.tick(100).status == "Open"
    for bad in ((1, 0, 0, now, 1), (1, 1, now - GRACE, now, 1), (1, 2, 1, now, 1), (1, 0, now + 1, now, 1)):
        uptime.set(bad, sender=it.governor)
        assert crypto.poke().status == "Halted", bad
    uptime.set((1, 0, now - GRACE + 1, now, 1), sender=it.governor)
    assert crypto.poke().status == "Halted", "a second too early"
    uptime.set(up, sender=it.governor)
    assert crypto.poke().status == "Open"


def test_a_sequencer_feed_that_shuts_readers_out_halts(layer_two):
    layer_two.tick(100)
    layer_two.uptime.enableAccessCheck(sender=layer_two.governor)
    assert layer_two.poke().status == "Halted"


# ---------------------------------------------------------------------------------------------- the limit on jumps


@pytest.mark.parametrize(("usd", "passes"), [(150, True), (150.00000001, False), (50, True), (49.99999999, False)])
def test_a_jump_beyond_the_limit_is_never_confirmed_by_the_feed_alone(crypto, usd, passes):
    guard(crypto, max_jump=HALF)
    crypto.tick(100)
    assert crypto.tick(usd).breaker
    for _ in range(3):
        crypto.chain.warp(300)
        answer = crypto.tick(usd)
        assert (answer.status, answer.usd) == (("Open", usd) if passes else ("Halted", 100))
        assert answer.breaker is not passes
    if not passes:
        assert answer.events == [], "the candidate stands as it was"


def test_an_unannounced_split_halts_until_the_price_is_per_token_again(crypto):
    """Ten for one: the share falls to a tenth, the token's multiplier has not moved."""
    guard(crypto, max_jump=HALF)
    crypto.tick(250)
    for _ in range(12):
        crypto.chain.warp(600)
        answer = crypto.tick(25)
        assert (answer.status, answer.usd, answer.breaker) == ("Halted", 250, True)
    assert crypto.tick(251).usd == 251


def test_governance_lets_an_exceptional_jump_pass_by_raising_the_limit(crypto):
    guard(crypto, max_jump=HALF)
    crypto.tick(100)
    crypto.tick(30)
    crypto.chain.warp(300)
    assert crypto.tick(30).status == "Halted"
    guard(crypto, max_jump=8 * WAD // 10)
    assert crypto.tick(30).usd == 30
    guard(crypto, max_jump=HALF)
    assert crypto.tick(31).usd == 31


# ---------------------------------------------------------------------------------------------- configuration


def test_setting_guards_is_restricted(it, crypto):
    with reverts("AccessManagedUnauthorized", it.stranger):
        it.oracle.setGuards(crypto.asset, NONE, sender=it.stranger)


def test_guards_belong_to_a_configured_asset(it):
    unknown = b"unknown".ljust(32, b"\0")
    with reverts("PriceOracle_UnknownAsset", unknown):
        it.oracle.setGuards(unknown, NONE, sender=it.governor)
    with reverts("PriceOracle_UnknownAsset", unknown):
        it.oracle.assetGuards(unknown)


@pytest.mark.parametrize(
    ("name", "field", "bad", "low", "high"),
    [
        ("checkMaxAge", "check_max_age", 59, 60, 3 * 86_400),
        ("checkMaxAge", "check_max_age", 3 * 86_400 + 1, 60, 3 * 86_400),
        ("checkDeviation", "check_deviation", WAD // 1_000 - 1, WAD // 1_000, WAD // 20),
        ("checkDeviation", "check_deviation", WAD // 20 + 1, WAD // 1_000, WAD // 20),
        ("sequencerGrace", "grace", 59, 60, 86_400),
        ("sequencerGrace", "grace", 86_401, 60, 86_400),
        ("maxJump", "max_jump", WAD // 5 - 1, WAD // 5, 9 * WAD),
        ("maxJump", "max_jump", 9 * WAD + 1, WAD // 5, 9 * WAD),
    ],
)
def test_every_guard_is_bounded(it, crypto, name, field, bad, low, high):
    uptime = it.chain.deploy(it.built["HostileAggregator"], 0, sender=it.governor)
    whole = {
        "check": Second(crypto).feed,
        "check_max_age": CHECK_MAX_AGE,
        "check_deviation": CHECK_DEVIATION,
        "sequencer": uptime,
        "grace": GRACE,
        "max_jump": HALF,
    }
    with reverts("PriceOracle_OutOfBounds", name.encode().ljust(32, b"\0"), bad, low, high):
        guard(crypto, **whole | {field: bad})
    assert tuple(crypto.oracle.assetGuards(crypto.asset)) == NONE
    for edge in (low, high):
        guard(crypto, **whole | {field: edge})


def test_sources_must_answer_when_they_are_configured(it, crypto):
    for silent in (it.stranger, it.calendar):
        with reverts("PriceOracle_NoAnswer", silent):
            guard(crypto, check=silent, check_max_age=CHECK_MAX_AGE, check_deviation=CHECK_DEVIATION)
        with reverts("PriceOracle_NoAnswer", silent):
            guard(crypto, sequencer=silent, grace=GRACE)


def test_a_source_cannot_check_itself(it, crypto):
    with reverts("PriceOracle_SameSource", crypto.feed):
        guard(crypto, check=crypto.feed, check_max_age=CHECK_MAX_AGE, check_deviation=CHECK_DEVIATION)
    second = Second(crypto).feed
    guard(crypto, check=second, check_max_age=CHECK_MAX_AGE, check_deviation=CHECK_DEVIATION)
    with reverts("PriceOracle_SameSource", second):
        crypto.configure(feed=second)
    aggregator = it.chain.deploy(it.built["MockAggregator"], 8, 10**10, sender=it.governor)
    one, other = (it.chain.deploy(it.built["ChainlinkFeed"], aggregator, sender=it.governor) for _ in range(2))
    guard(crypto, check=one, check_max_age=CHECK_MAX_AGE, check_deviation=CHECK_DEVIATION)
    with reverts("PriceOracle_SameSource", aggregator):
        crypto.configure(feed=other)  # another adapter over the same aggregator


def test_guards_are_replaced_as_a_whole_and_outlive_a_change_of_feed(it, crypto):
    second = Second(crypto)
    event = guard(
        crypto, check=second.feed, check_max_age=CHECK_MAX_AGE, check_deviation=CHECK_DEVIATION, max_jump=HALF
    ).event("SetGuards")
    assert event.args == {
        "assetId": crypto.asset,
        "check": second.feed.address,
        "checkMaxAge": CHECK_MAX_AGE,
        "checkDeviation": CHECK_DEVIATION,
        "sequencer": ZERO_ADDRESS,
        "sequencerGrace": 0,
        "maxJump": HALF,
    }
    crypto.configure(max_age=600)
    assert crypto.tick(100).status == "Halted", "the check source has not printed"
    guard(crypto)
    assert tuple(crypto.oracle.assetGuards(crypto.asset)) == NONE
    assert crypto.poke().status == "Open"
    assert tuple(crypto.oracle.assetConfig(crypto.asset)) == (crypto.feed.address, 600, WAD // 1_000, ZERO_ADDRESS)


# ---------------------------------------------------------------------------------------------- sessions and vendors


def test_a_vendors_halt_counts_in_a_session_and_not_outside(stock):
    """Vendors flag closed markets too: that must not stop the variance clock every night."""
    stock.tick(250)
    assert stock.tick(250, halted=True).status == "Halted"
    stock.chain.warp(8 * 3_600)
    assert stock.tick(250, halted=True).status == "Closed"
    stock.feed.setMode(REVERT, sender=stock.governor)
    answer = stock.poke()
    assert (answer.status, answer.stamp) == ("Closed", 0)
    stock.chain.set_time(stock.chain.now + 16 * 3_600)
    assert stock.poke().status == "Halted", "open, and the feed is dead"


@pytest.mark.parametrize("flag", [{"halted": True}, {"confidence": WAD // 10}])
def test_a_night_print_that_is_unfit_waits_for_the_sessions_first(stock, flag):
    stock.tick(250)
    stock.chain.warp(86_400 - 60)
    stock.print(252, **flag)
    stock.chain.warp(120)
    assert stock.poke().status == "Closed"
    assert stock.tick(252).status == "Open"


def test_too_little_gas_reverts_for_every_source(it, crypto):
    second = Second(crypto)
    uptime = it.chain.deploy(it.built["HostileAggregator"], 0, sender=it.governor)
    uptime.set((1, 0, it.chain.now - GRACE, 1, 1), sender=it.governor)
    guard(
        crypto,
        check=second.feed,
        check_max_age=CHECK_MAX_AGE,
        check_deviation=CHECK_DEVIATION,
        sequencer=uptime,
        grace=GRACE,
    )
    second.print(100)
    crypto.tick(100)
    outcomes = set()
    for gas in range(300_000, 345_000, 500):
        outcomes.add(_outcome(crypto, gas))
    assert outcomes == {"PriceOracle_GasTooLow", 0}


def _outcome(bench: Any, gas: int) -> Any:
    try:
        return bench.oracle.read(bench.asset, gas=gas).status
    except Reverted as refused:
        return refused.name


def test_rounds_are_told_apart_by_phase_and_by_thirty_four_bits(crypto):
    """A Chainlink proxy's round is its phase, 16 bits, above the aggregator's own."""
    first = (3 << 64) | 7
    crypto.tick(100, round=first)
    assert crypto.poke().events == []
    assert crypto.tick(100.25, round=first).usd == 100
    for usd, other in ((100.5, (4 << 64) | 7), (100.75, (3 << 64) | 8), (101, 2**34 - 1)):
        assert crypto.tick(usd, round=other).usd == usd
        assert crypto.tick(100, round=other).usd == usd
