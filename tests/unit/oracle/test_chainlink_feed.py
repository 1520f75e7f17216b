"""ChainlinkFeed over Chainlink's own mock aggregator, and over one that answers anything."""

from __future__ import annotations

import pytest

from everstock.chain.testing import reverts

WAD = 10**18


def adapter(it, decimals: int, answer: int):
    aggregator = it.chain.deploy(it.built["MockAggregator"], decimals, answer, sender=it.governor)
    return aggregator, it.chain.deploy(it.built["ChainlinkFeed"], aggregator, sender=it.governor)


@pytest.mark.parametrize("decimals", range(19))
def test_the_price_does_not_depend_on_the_decimals(it, decimals):
    """O2"""
    _, feed = adapter(it, decimals, 61_234 * 10**decimals)
    print_ = feed.latest()
    assert print_.price == 61_234 * WAD
    assert (print_.round, print_.publishedAt, print_.confidence, print_.halted) == (1, it.chain.now, 0, False)
    assert feed.decimals() == decimals


@pytest.mark.parametrize("decimals", [19, 27, 36])
def test_more_decimals_than_wad_are_floored(it, decimals):
    _, feed = adapter(it, decimals, 5 * 10**decimals + 10 ** (decimals - 18) - 1)
    assert feed.latest().price == 5 * WAD


def test_an_answer_below_one_wad_unit_is_no_price(it):
    _, feed = adapter(it, 20, 99)
    assert feed.latest().price == 0


@pytest.mark.parametrize("decimals", [37, 255])
def test_absurd_decimals_are_refused(it, decimals):
    aggregator = it.chain.deploy(it.built["MockAggregator"], decimals, 1, sender=it.governor)
    with reverts("ChainlinkFeed_DecimalsOutOfBounds", decimals, 36):
        it.chain.deploy(it.built["ChainlinkFeed"], aggregator, sender=it.governor)


def test_an_address_without_an_aggregator_is_refused(it):
    with reverts("Empty"):
        it.chain.deploy(it.built["ChainlinkFeed"], it.stranger, sender=it.governor)


def test_what_has_decimals_but_no_rounds_gives_no_answer(it):
    token = it.chain.deploy(it.built["MockDollar"], 8, sender=it.governor)
    feed = it.chain.deploy(it.built["ChainlinkFeed"], token, sender=it.governor)
    with reverts("ChainlinkFeed_NoAnswer", token):
        feed.latest()


@pytest.mark.parametrize("decimals", [8, 18, 36])
@pytest.mark.parametrize("answer", [0, -1, -(2**255)])
def test_zero_and_negative_answers_are_no_price(it, decimals, answer):
    _, feed = adapter(it, decimals, answer)
    print_ = feed.latest()
    assert (print_.price, print_.publishedAt, print_.round) == (0, it.chain.now, 1)


def test_decimals_that_change_are_found_by_verify(it):
    aggregator, feed = adapter(it, 8, 100 * 10**8)
    feed.verify()
    aggregator.setDecimals(18, sender=it.governor)
    with reverts("ChainlinkFeed_DecimalsChanged", 18, 8):
        feed.verify()
    aggregator.setDecimals(8, sender=it.governor)
    feed.verify()


def test_new_rounds_are_followed(it):
    aggregator, feed = adapter(it, 8, 100 * 10**8)
    it.chain.warp(60)
    aggregator.updateAnswer(101 * 10**8, sender=it.governor)
    print_ = feed.latest()
    assert (print_.price, print_.round, print_.publishedAt) == (101 * WAD, 2, it.chain.now)


LARGE = 2**80 - 1


@pytest.mark.parametrize(
    ("round_", "expected"),
    [
        ((7, 10**8, 1, 1_000, 7), (WAD, 7, 1_000)),
        ((7, 10**8, 1, 1_000, 8), (WAD, 7, 1_000)),  # answered later: complete
        ((7, 10**8, 1, 1_000, 6), (0, 7, 1_000)),  # carried over from an earlier round
        ((7, 10**8, 1, 0, 7), (0, 7, 0)),  # not finished
        ((7, 10**8, 0, 1_000, 7), (WAD, 7, 1_000)),  # no start time: aggregators of the newest kind give none
        ((0, 10**8, 1, 1_000, 0), (WAD, 0, 1_000)),
        ((LARGE, 10**8, 1, 2**40 - 1, LARGE), (WAD, LARGE, 2**40 - 1)),
        ((7, 10**8, 1, 2**40, 7), (0, 7, 0)),  # a stamp beyond 40 bits is unknown, not truncated
        ((7, 10**8, 1, 2**256 - 1, 7), (0, 7, 0)),
        ((7, 2**255 - 1, 1, 1_000, 7), (10**10 * (2**255 - 1), 7, 1_000)),
    ],
)
def test_any_round(it, round_, expected):
    aggregator = it.chain.deploy(it.built["HostileAggregator"], 8, sender=it.governor)
    aggregator.set(round_, sender=it.governor)
    feed = it.chain.deploy(it.built["ChainlinkFeed"], aggregator, sender=it.governor)
    print_ = feed.latest()
    price = expected[0] if expected[0] < 2**256 else 0  # beyond a word: no price
    assert (print_.price, print_.round, print_.publishedAt) == (price, *expected[1:])


def test_through_the_oracle_a_change_of_decimals_halts_until_it_is_undone(it):
    """A change of unit is a jump, and a jump is never confirmed while the unit is another."""
    aggregator, feed = adapter(it, 8, 100 * 10**8)
    asset = b"CL".ljust(32, b"\0")
    it.oracle.setAsset(asset, (feed, 3_600, 0, "0x" + "00" * 20), sender=it.governor)
    assert it.oracle.poke(asset, sender=it.governor).return_value.status == 0
    aggregator.setDecimals(10, sender=it.governor)
    for _ in range(3):  # the same price in the new unit: to the adapter, a hundred times the last one
        it.chain.warp(400)
        aggregator.updateAnswer(100 * 10**10, sender=it.governor)
        answer = it.oracle.poke(asset, sender=it.governor).return_value
        assert (answer.status, answer.breakerHalt, answer.price) == (3, False, 100 * WAD)
    aggregator.setDecimals(8, sender=it.governor)
    aggregator.updateAnswer(100 * 10**8, sender=it.governor)
    assert it.oracle.poke(asset, sender=it.governor).return_value.status == 0
