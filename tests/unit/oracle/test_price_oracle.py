"""PriceOracle against docs/arithmetic.md §9: one test per branch, edges exact."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS, Reverted
from everstock.chain.testing import reverts

WAD = 10**18
MAX_AGE = 4_200
DEVIATION = WAD // 1_000
MAX_PRICE = 309_485_009 * WAD
BUCKET = 600
FLOOR = 310_000

ANSWER, REVERT, BURN_GAS, INVALID, BOMB, REVERT_BOMB, EMPTY, SHORT, LONG, RAW, SLOW = range(11)


def at_bucket(crypto, offset: int = 0, ahead: int = 1) -> None:
    """Move to `offset` seconds into a bucket to come."""
    crypto.chain.set_time((crypto.chain.now // BUCKET + ahead) * BUCKET + offset)


# ---------------------------------------------------------------------------------------------- 1: the feed's side


def test_an_asset_without_a_configuration_is_unknown(it):
    for function in (it.oracle.read, it.oracle.poke.call, it.oracle.assetConfig, it.oracle.deviationOf):
        with reverts("PriceOracle_UnknownAsset", b"\x01".ljust(32, b"\0")):
            function(b"\x01".ljust(32, b"\0"))


def test_the_first_print_is_accepted(crypto):
    answer = crypto.tick(100)
    assert (answer.status, answer.price, answer.breaker) == ("Open", 100 * WAD, False)
    assert (answer.stamp, answer.max_age) == (crypto.chain.now, MAX_AGE)
    assert answer.band == DEVIATION + WAD // 1_000
    assert answer.events == [], "ordinary prints are told by those who take them"


@pytest.mark.parametrize("mode", [REVERT, BURN_GAS, INVALID, BOMB, REVERT_BOMB, EMPTY, SHORT, LONG])
def test_a_feed_that_fails_is_a_halt_and_never_a_revert(crypto, mode):
    crypto.tick(100)
    crypto.feed.setMode(mode, sender=crypto.governor)
    answer = crypto.poke()
    assert (answer.status, answer.breaker, answer.stamp, answer.events) == ("Halted", False, 0, [])
    assert answer.price == 100 * WAD
    crypto.feed.setMode(ANSWER, sender=crypto.governor)
    assert crypto.poke().status == "Open"


def test_a_feed_that_was_never_heard_halts_at_price_zero(crypto):
    crypto.feed.setMode(REVERT, sender=crypto.governor)
    answer = crypto.poke()
    assert (answer.status, answer.price) == ("Halted", 0)


@pytest.mark.parametrize(
    ("word", "value"), [(1, 2**80), (1, 2**256 - 1), (2, 2**40), (2, 2**255), (3, 2**64), (4, 2), (4, 2**255)]
)
def test_an_answer_beyond_its_types_is_no_answer(crypto, word, value):
    crypto.tick(100)
    words = [100 * WAD, 7, crypto.chain.now, 0, 0]
    crypto.feed.setRaw(words, sender=crypto.governor)
    assert crypto.poke().status == "Open"
    words[word] = value
    crypto.feed.setRaw(words, sender=crypto.governor)
    answer = crypto.poke()
    assert (answer.status, answer.stamp, answer.price) == ("Halted", 0, 100 * WAD)


@pytest.mark.parametrize("mode", [BURN_GAS, INVALID])
def test_a_feed_burns_no_more_than_its_allowance(crypto, mode):
    crypto.tick(100)
    crypto.feed.setMode(mode, sender=crypto.governor)
    used = crypto.oracle.poke(crypto.asset, sender=crypto.governor).gas_used
    assert 300_000 < used < 345_000


@pytest.mark.parametrize("mode", [ANSWER, SLOW, BURN_GAS])
def test_too_little_gas_reverts_and_never_fakes_a_halt(crypto, mode):
    """At whatever gas, there is the true answer or none: a feed that needs most of its allowance is never starved."""
    crypto.tick(100)
    crypto.feed.setMode(mode, sender=crypto.governor)
    true_status = 3 if mode == BURN_GAS else 0
    outcomes = set()
    for gas in [*range(30_000, FLOOR, 10_000), *range(FLOOR, FLOOR + 40_000, 250), 700_000]:
        try:
            assert crypto.oracle.read(crypto.asset, gas=gas).status == true_status
            outcomes.add("answered")
        except Reverted as refused:
            outcomes.add(refused.name)
    assert {"PriceOracle_GasTooLow", "answered"} <= outcomes
    assert outcomes <= {"PriceOracle_GasTooLow", "answered", "Halt", "Rejected"}


def test_the_refusal_says_how_much_gas_is_needed(crypto):
    with reverts("PriceOracle_GasTooLow", ..., FLOOR) as caught:
        crypto.oracle.read(crypto.asset, gas=250_000)
    assert 0 < caught.error["gasLeft"] < 250_000


@pytest.mark.parametrize(
    ("price", "status"),
    [(0, "Halted"), (10**12 - 1, "Halted"), (10**12, "Open"), (MAX_PRICE, "Open"), (MAX_PRICE + 1, "Halted")],
)
def test_a_price_out_of_range_is_invalid(crypto, price, status):
    crypto.print(1, stamp=crypto.chain.now)
    crypto.feed.set((price, 1, crypto.chain.now, 0, False), sender=crypto.governor)
    answer = crypto.poke()
    assert (answer.status, answer.breaker) == (status, False)
    assert answer.price == (price if status == "Open" else 0)
    assert answer.stamp == crypto.chain.now, "the stamp is usable whatever the price"


def test_a_print_that_the_vendor_halts_is_halted(crypto):
    crypto.tick(100)
    answer = crypto.tick(101, halted=True)
    assert (answer.status, answer.breaker, answer.price) == ("Halted", False, 100 * WAD)


def test_a_stamp_of_zero_or_from_the_future_is_no_stamp(crypto):
    crypto.tick(100)
    for stamp in (0, crypto.chain.now + 1, 2**40 - 1):
        answer = crypto.tick(101, stamp=stamp)
        assert (answer.status, answer.stamp, answer.events) == ("Halted", 0, [])


def test_a_stamp_older_than_the_last_accepted_one_halts(crypto):
    """O4: time is monotone."""
    crypto.tick(100)
    now = crypto.chain.now
    crypto.chain.warp(60)
    answer = crypto.tick(101, stamp=now - 1)
    assert (answer.status, answer.breaker, answer.stamp) == ("Halted", False, now - 1)
    assert crypto.tick(101, stamp=now).usd == 101, "the same stamp will do"


def test_a_round_that_goes_back_with_a_stamp_that_does_not_is_tested_as_any_print(crypto):
    crypto.tick(100, round=10)
    crypto.chain.warp(5)
    assert crypto.tick(101, round=3).usd == 101
    answer = crypto.tick(150, round=2)
    assert (answer.status, answer.breaker) == ("Halted", True)


@pytest.mark.parametrize(
    ("confidence", "status"), [(WAD // 20, "Open"), (WAD // 20 + 1, "Halted"), (2**64 - 1, "Halted")]
)
def test_confidence_widens_the_band_up_to_its_limit(crypto, confidence, status):
    """O1: within its confidence limit."""
    answer = crypto.tick(100, confidence=confidence)
    assert answer.status == status
    assert answer.band == DEVIATION + WAD // 1_000 + (confidence if status == "Open" else 0)


# ---------------------------------------------------------------------------------------------- 2, 3: sessions and age


def test_good_for_max_age_and_not_a_second_longer(crypto):
    crypto.tick(100)
    crypto.chain.warp(MAX_AGE)
    assert crypto.poke().status == "Open"
    crypto.chain.warp(1)
    answer = crypto.poke()
    assert (answer.status, answer.price, answer.breaker) == ("Stale", 100 * WAD, False)
    assert answer.stamp == crypto.chain.now - MAX_AGE - 1


def test_a_stale_first_print_leaves_no_price(crypto):
    crypto.chain.warp(10)
    answer = crypto.tick(100, stamp=crypto.chain.now - MAX_AGE - 1)
    assert (answer.status, answer.price) == ("Stale", 0)


def test_closed_outside_the_session(stock):
    stock.tick(250)
    stock.chain.warp(6 * 3_600 + 1_799)  # 20:59:59
    assert stock.tick(251).status == "Open"
    stock.chain.warp(1)
    answer = stock.tick(252)
    assert (answer.status, answer.usd, answer.events) == ("Closed", 251, [])
    assert answer.stamp == stock.chain.now


def test_closed_until_the_first_print_of_the_session_then_stale(stock):
    stock.tick(250)
    friday_print = stock.chain.now
    stock.chain.warp(86_400)  # Tuesday's opening
    assert stock.poke().status == "Closed"
    assert stock.tick(250, stamp=stock.chain.now - 1).status == "Closed", "a second before the opening is before"
    stock.chain.warp(MAX_AGE)
    assert stock.poke().status == "Closed"
    stock.chain.warp(1)
    answer = stock.poke()
    assert (answer.status, answer.breaker) == ("Stale", False)
    assert answer.stamp == friday_print + 86_399


def test_a_print_stamped_at_the_very_opening_belongs_to_the_session(stock):
    stock.tick(250)
    stock.chain.warp(86_400 + 60)
    assert stock.tick(251, stamp=stock.chain.now - 60).usd == 251


def test_closed_hides_a_stale_print_and_a_standing_candidate(stock):
    stock.tick(250)
    assert stock.tick(290).breaker
    stock.chain.warp(8 * 3_600)
    answer = stock.poke()
    assert (answer.status, answer.breaker) == ("Closed", False)


# ---------------------------------------------------------------------------------------------- 4: rounds


def test_an_accepted_round_is_not_tested_again_and_writes_nothing(crypto):
    crypto.tick(100)
    crypto.chain.warp(60)
    answer = crypto.poke()
    assert (answer.status, answer.usd, answer.events) == ("Open", 100, [])
    # were it tested, this would be a jump
    answer = crypto.tick(150, round=1)
    assert (answer.status, answer.usd, answer.events) == ("Open", 100, [])


def test_round_zero_is_a_round_like_any_other(crypto):
    assert crypto.tick(100, round=0).usd == 100
    assert crypto.tick(101, round=0).usd == 100, "accepted already"
    assert crypto.tick(101, round=1).usd == 101


def test_repeating_the_accepted_round_while_a_candidate_stands_withdraws_the_candidate(crypto):
    crypto.tick(100)
    assert crypto.tick(150).breaker
    answer = crypto.tick(100, round=1)
    assert (answer.status, answer.usd) == ("Open", 100)


# ---------------------------------------------------------------------------------------------- 5: jumps


@pytest.mark.parametrize(
    ("usd", "status"),
    [
        (110, "Open"),
        (110.00000001, "Halted"),
        (90, "Open"),
        (89.99999999, "Halted"),
        (119.9, "Halted"),
        (80.1, "Halted"),
    ],
)
def test_ten_per_cent_and_not_a_unit_more(crypto, usd, status):
    crypto.tick(100)
    answer = crypto.tick(usd)
    assert (answer.status, answer.breaker) == (status, status == "Halted")
    assert answer.usd == (usd if status == "Open" else 100)


def test_digits_below_the_breakers_unit_are_kept_in_the_price_and_ignored_by_the_test(crypto):
    crypto.tick(100)
    exact = 110 * WAD + 10**10 - 1
    answer = crypto.tick(exact)
    assert (answer.status, answer.price) == ("Open", exact)
    assert crypto.tick(121 * WAD + 10**10).status == "Halted"


def test_a_halt_says_what_it_saw(crypto):
    crypto.tick(100)
    halt = crypto.tick(150).receipt.event("HaltAsset")
    assert halt.args == {"assetId": crypto.asset, "round": 2, "price": 150 * WAD, "lastAccepted": 100 * WAD}


def test_steps_within_a_bucket_are_measured_from_its_lowest_and_highest(crypto):
    at_bucket(crypto)
    crypto.tick(100)
    assert crypto.tick(109).status == "Open"
    assert crypto.tick(111).status == "Halted", "11% over the lowest, if only 1.8% over the last"
    assert crypto.tick(105).status == "Open"
    assert crypto.tick(98.1).status == "Open", "10% under 109"
    assert crypto.tick(98.09).status == "Halted"


def test_steps_of_19_9_per_cent_do_not_walk_through(crypto):
    at_bucket(crypto)
    crypto.tick(100)
    price = 100.0
    for _ in range(12):
        crypto.chain.warp(60)
        price *= 1.199
        answer = crypto.tick(price)
        assert (answer.status, answer.usd) == ("Halted", 100)


@pytest.mark.parametrize(
    ("offset", "ahead", "accepted"),
    [
        (BUCKET - 1, 0, False),  # the last second of the same bucket
        (0, 1, False),  # the first second of the next: the bucket before still counts
        (BUCKET - 1, 1, False),  # its last
        (0, 2, True),  # two buckets on, only the price in force counts
    ],
)
def test_a_bucket_is_forgotten_at_its_exact_edge(crypto, offset, ahead, accepted):
    at_bucket(crypto)
    crypto.tick(100)
    crypto.tick(109)
    at_bucket(crypto, offset, ahead)
    assert (crypto.tick(118).status == "Open") is accepted


def test_the_price_in_force_when_a_bucket_begins_counts_as_accepted_in_it(crypto):
    at_bucket(crypto)
    crypto.tick(100)
    at_bucket(crypto)
    crypto.tick(109)  # current bucket: {100, 109}
    at_bucket(crypto)
    assert crypto.tick(110.5).status == "Halted", "100 was in force when the last bucket began"
    at_bucket(crypto)
    assert crypto.tick(110.5).status == "Open", "109 was in force from then on"


def test_rolling_one_bucket_keeps_the_one_before(crypto):
    at_bucket(crypto)
    crypto.tick(100)
    crypto.tick(92)
    at_bucket(crypto, BUCKET - 1)
    crypto.tick(95)  # before: {92..100}, current: {92, 95}
    assert crypto.tick(89.99).status == "Halted", "10.01% under 100"
    assert crypto.tick(101.21).status == "Halted", "10.01% over 92"
    assert crypto.tick(101.2).status == "Open"


@pytest.mark.parametrize(("visited", "usd"), [(95, 104.51), (105, 94.49)])
def test_what_a_bucket_visited_and_left_counts_in_the_next_one(crypto, visited, usd):
    at_bucket(crypto)
    crypto.tick(100)
    crypto.tick(visited)
    crypto.tick(100)
    at_bucket(crypto)
    assert crypto.tick(usd).status == "Halted"
    at_bucket(crypto)
    assert crypto.tick(usd).status == "Open"


def test_after_hours_of_silence_only_the_last_price_counts(crypto):
    at_bucket(crypto)
    crypto.tick(100)
    crypto.tick(109)
    crypto.chain.warp(3_600)
    assert crypto.tick(119.9).status == "Open"


# ---------------------------------------------------------------------------------------------- 6, 7: candidates


@pytest.mark.parametrize(("delay", "status"), [(299, "Halted"), (300, "Open")])
def test_a_candidate_is_confirmed_after_five_minutes(crypto, delay, status):
    crypto.tick(100)
    crypto.tick(150)
    crypto.chain.warp(delay)
    answer = crypto.tick(150)
    assert (answer.status, answer.usd) == (status, 150 if status == "Open" else 100)
    assert answer.events == (["ResumeAsset"] if status == "Open" else [])
    if status == "Open":
        resumed = answer.receipt.event("ResumeAsset")
        assert resumed.args == {"assetId": crypto.asset, "round": 3, "price": 150 * WAD}
        assert crypto.tick(151).events == [], "told once"


@pytest.mark.parametrize(
    ("usd", "status"), [(157.5, "Open"), (157.50000001, "Halted"), (142.5, "Open"), (142.49999999, "Halted")]
)
def test_a_candidate_is_confirmed_within_five_per_cent(crypto, usd, status):
    crypto.tick(100)
    crypto.tick(150)
    crypto.chain.warp(300)
    answer = crypto.tick(usd)
    assert answer.status == status
    assert answer.events == (["ResumeAsset"] if status == "Open" else ["HaltAsset"])


def test_the_stamp_confirms_and_not_the_clock(crypto):
    crypto.tick(100)
    start = crypto.chain.now
    crypto.tick(150)
    crypto.chain.warp(1_000)
    assert crypto.poke().breaker, "the candidate's own round cannot confirm itself"
    assert crypto.tick(151, stamp=start + 299).breaker
    assert crypto.tick(151, stamp=start + 300).usd == 151


def test_a_second_print_too_early_keeps_the_candidate_and_its_stamp(crypto):
    crypto.tick(100)
    crypto.tick(150)
    crypto.chain.warp(200)
    assert crypto.tick(155).events == []
    crypto.chain.warp(100)
    assert crypto.tick(157).usd == 157, "300 s after the candidate, 4.7% from it"


def test_a_print_farther_off_replaces_the_candidate_and_starts_its_time_anew(crypto):
    crypto.tick(100)
    crypto.tick(150)
    crypto.chain.warp(200)
    assert crypto.tick(170).events == ["HaltAsset"]
    crypto.chain.warp(299)
    assert crypto.tick(170).status == "Halted"
    crypto.chain.warp(1)
    assert crypto.tick(170).usd == 170


def test_back_within_ten_per_cent_revokes_the_candidate(crypto):
    crypto.tick(100)
    crypto.tick(150)
    answer = crypto.tick(101)
    assert (answer.status, answer.usd, answer.breaker) == ("Open", 101, False)
    crypto.chain.warp(300)
    assert crypto.tick(150).status == "Halted", "the old candidate confirms nothing"


def test_a_confirmed_candidate_empties_the_buckets(crypto):
    crypto.tick(100)
    crypto.tick(150)
    crypto.chain.warp(300)
    crypto.tick(150)
    assert crypto.tick(164).status == "Open"
    assert crypto.tick(148).status == "Open"
    assert crypto.tick(100).status == "Halted", "what was accepted before is no longer near anything"


def test_feed_side_faults_and_age_leave_the_candidate_standing(crypto):
    crypto.tick(100)
    crypto.tick(150)
    crypto.feed.setMode(REVERT, sender=crypto.governor)
    assert (crypto.poke().status, crypto.poke().breaker) == ("Halted", False)
    crypto.feed.setMode(ANSWER, sender=crypto.governor)
    crypto.chain.warp(MAX_AGE + 1)
    assert crypto.poke().status == "Stale"
    assert crypto.tick(152).usd == 152


def test_reading_never_confirms(crypto):
    crypto.tick(100)
    crypto.print(150)
    for _ in range(3):
        assert crypto.oracle.read(crypto.asset).breakerHalt
    crypto.chain.warp(300)
    crypto.print(150)
    assert crypto.oracle.read(crypto.asset).status == 3, "nobody poked, so no candidate was kept"


# ---------------------------------------------------------------------------------------------- the opening print


@pytest.mark.parametrize(
    ("usd", "status"), [(300, "Open"), (300.00000001, "Halted"), (200, "Open"), (199.99999999, "Halted")]
)
def test_the_opening_print_may_be_twenty_per_cent_from_the_last(stock, usd, status):
    stock.tick(250)
    stock.chain.warp(86_400)
    answer = stock.tick(usd)
    assert (answer.status, answer.breaker) == (status, status == "Halted")


def test_the_opening_print_starts_new_buckets(stock):
    stock.tick(250)
    stock.chain.warp(86_400)
    stock.tick(299)
    assert stock.tick(325).status == "Open", "30% over yesterday, 8.7% over the opening"
    assert stock.tick(270).status == "Halted", "8% over yesterday, but 17% under the highest of the session"


def test_only_the_opening_print_has_the_wider_tolerance(stock):
    stock.tick(250)
    stock.chain.warp(86_400)
    stock.tick(260)
    assert stock.tick(290).status == "Halted"


def test_an_opening_gap_of_thirty_per_cent_needs_a_second_print(stock):
    stock.tick(250)
    stock.chain.warp(7 * 86_400)
    assert stock.tick(175).breaker
    stock.chain.warp(300)
    answer = stock.tick(176)
    assert (answer.status, answer.usd) == ("Open", 176)


def test_a_candidate_of_yesterday_can_be_confirmed_at_the_opening(stock):
    stock.chain.warp(6 * 3_600)
    stock.tick(250)
    assert stock.tick(340).breaker
    stock.chain.warp(86_400 - 6 * 3_600)
    assert stock.tick(345).usd == 345


# ---------------------------------------------------------------------------------------------- configuration


def test_set_asset_is_restricted(it, crypto):
    with reverts("AccessManagedUnauthorized", it.stranger):
        it.oracle.setAsset(crypto.asset, (crypto.feed, MAX_AGE, DEVIATION, ZERO_ADDRESS), sender=it.stranger)


@pytest.mark.parametrize("max_age", [0, 59, 3 * 86_400 + 1, 2**24 - 1])
def test_max_age_is_bounded(crypto, max_age):
    name = b"maxAge".ljust(32, b"\0")
    with reverts("PriceOracle_OutOfBounds", name, max_age, 60, 3 * 86_400):
        crypto.configure(max_age=max_age)


@pytest.mark.parametrize("deviation", [WAD // 20 + 1, 2**64 - 1])
def test_deviation_is_bounded(crypto, deviation):
    with reverts("PriceOracle_OutOfBounds", b"deviation".ljust(32, b"\0"), deviation, 0, WAD // 20):
        crypto.configure(deviation=deviation)


@pytest.mark.parametrize(("max_age", "deviation"), [(60, 0), (3 * 86_400, WAD // 20)])
def test_the_bounds_themselves_are_allowed_and_take_effect(crypto, max_age, deviation):
    event = crypto.configure(max_age=max_age, deviation=deviation).event("SetAsset")
    assert event.args == {
        "assetId": crypto.asset,
        "feed": crypto.feed.address,
        "maxAge": max_age,
        "deviation": deviation,
        "calendar": ZERO_ADDRESS,
    }
    assert tuple(crypto.oracle.assetConfig(crypto.asset)) == (crypto.feed.address, max_age, deviation, ZERO_ADDRESS)
    assert crypto.oracle.deviationOf(crypto.asset) == deviation
    answer = crypto.tick(100)
    assert (answer.max_age, answer.band) == (max_age, deviation + WAD // 1_000)


def test_the_feed_must_answer_when_it_is_configured(it, crypto):
    crypto.feed.setMode(REVERT, sender=it.governor)
    with reverts("PriceOracle_NoAnswer", crypto.feed):
        crypto.configure()
    for nothing in (ZERO_ADDRESS, it.stranger, it.calendar):
        with reverts("PriceOracle_NoAnswer", nothing):
            crypto.configure(feed=nothing)


def test_the_calendar_must_answer_when_it_is_configured(it, crypto):
    crypto.calendar = it.stranger
    with reverts("PriceOracle_NoAnswer", it.stranger):
        crypto.configure()
    crypto.calendar = it.calendar
    crypto.configure()
    assert crypto.oracle.assetConfig(crypto.asset).calendar == it.calendar.address


def test_configuring_the_same_feed_anew_forgets_nothing(crypto):
    crypto.tick(100)
    crypto.configure(max_age=600)
    assert crypto.poke().events == [], "the round is still the last accepted one"
    assert crypto.tick(100, stamp=crypto.chain.now - 1).status == "Halted"
    assert crypto.tick(150).breaker
    crypto.configure()
    crypto.chain.warp(300)
    assert crypto.tick(150).usd == 150, "the candidate still stood"


def test_another_feed_counts_its_own_rounds_and_stamps_and_meets_the_same_prices(it, crypto):
    crypto.tick(100, round=2**79)
    other = it.chain.deploy(it.built["HostileFeed"], sender=it.governor)
    other.set((200 * WAD, 2**79, crypto.chain.now - 600, 0, False), sender=it.governor)
    crypto.configure(feed=other)
    answer = crypto.poke()
    assert (answer.status, answer.breaker, answer.usd) == ("Halted", True, 100), "the same round number says nothing"
    other.set((105 * WAD, 2, crypto.chain.now - 600, 0, False), sender=it.governor)
    answer = crypto.poke()
    assert (answer.status, answer.usd, answer.stamp) == ("Open", 105, crypto.chain.now - 600)


def test_another_feed_does_not_confirm_the_candidate_of_the_one_before(it, crypto):
    crypto.tick(100)
    crypto.tick(150)
    other = it.chain.deploy(it.built["HostileFeed"], sender=it.governor)
    other.set((150 * WAD, 1, crypto.chain.now, 0, False), sender=it.governor)
    crypto.configure(feed=other)
    assert crypto.poke().events == ["HaltAsset"]
    crypto.chain.warp(300)
    other.set((150 * WAD, 2, crypto.chain.now, 0, False), sender=it.governor)
    assert crypto.poke().usd == 150


def test_another_feed_in_mid_session_is_no_opening(it, stock):
    """Else replacing a feed would widen the tolerance to 20%."""
    stock.tick(250)
    stock.chain.warp(1_800)
    other = it.chain.deploy(it.built["HostileFeed"], sender=it.governor)
    other.set((290 * WAD, 1, stock.chain.now, 0, False), sender=it.governor)
    stock.configure(feed=other)
    assert stock.poke().breaker


def test_assets_do_not_touch_each_other(crypto, stock):
    crypto.tick(100)
    stock.tick(250)
    assert stock.tick(400).breaker
    assert crypto.tick(101).status == "Open"
