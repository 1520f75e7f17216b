"""The last accepted print in one word: prices to the last digit, and what both of the breaker's buckets have seen."""

from __future__ import annotations

from itertools import permutations

import pytest

WAD = 10**18
UNIT = 10**10
BUCKET = 600
DAY = 86_400
LEAST, MOST = 10**12, 309_485_009 * WAD
FINE = 7
"""Digits below the breaker's unit, which the price keeps and the breaker does not see."""


def next_bucket(bench) -> None:
    bench.chain.set_time((bench.chain.now // BUCKET + 1) * BUCKET)


def status(bench, price: int) -> str:
    """Of a print of that price now; undone."""
    with bench.chain.anchor():
        return bench.tick(price).status


def assert_range(bench, seen: list[int]) -> None:
    """Prints pass up to 10% from both ends of what was seen, and not one unit farther."""
    top, bottom = min(seen) * 110 // 100, max(seen) * 90 // 100
    assert [status(bench, price) for price in (bottom, top)] == ["Open", "Open"], seen
    assert [status(bench, price) for price in (bottom - UNIT, top + UNIT)] == ["Halted", "Halted"], seen


@pytest.mark.parametrize("price", [LEAST, 250 * WAD, MOST - UNIT])
@pytest.mark.parametrize("digits", [0, 1, UNIT - 1])
def test_a_price_comes_back_to_the_last_digit(crypto, price, digits):
    found = crypto.tick(price + digits)
    assert (found.status, found.price, found.stamp) == ("Open", price + digits, crypto.chain.now)
    crypto.chain.warp(60)
    again = crypto.poke()
    assert (again.price, again.stamp) == (price + digits, found.stamp), "from the word"
    assert not again.events
    crypto.feed.set((0, 0, 0, 0, False), sender=crypto.governor)
    assert crypto.poke().price == price + digits, "and when the feed has nothing to say"


@pytest.mark.parametrize("fine", [(0, 0, 0), (0, 0, FINE), (0, FINE, 0), (FINE, 0, 0), (FINE, FINE, FINE)])
@pytest.mark.parametrize("order", permutations((95, 100, 104)))
def test_both_buckets_count_and_then_only_the_later_one(crypto, order, fine):
    """One price a bucket; the one in force when a bucket begins counts as accepted in it."""
    before, between, last = (usd * WAD for usd in order)
    next_bucket(crypto)
    for price, digits in zip((before, between, last), fine, strict=True):
        assert crypto.tick(price + digits).price == price + digits
        if price != last:
            next_bucket(crypto)
    assert_range(crypto, [before, between, last])
    next_bucket(crypto)
    assert_range(crypto, [between, last])
    next_bucket(crypto)
    assert_range(crypto, [last])


@pytest.mark.parametrize("fine", [0, FINE])
@pytest.mark.parametrize("order", permutations((95, 100, 104)))
def test_all_that_one_bucket_saw_counts_in_it_and_in_the_next(crypto, order, fine):
    next_bucket(crypto)
    for usd in order:
        crypto.tick(usd * WAD + fine)
    seen = [usd * WAD for usd in order]
    assert_range(crypto, seen)
    next_bucket(crypto)
    assert_range(crypto, seen)
    next_bucket(crypto)
    assert_range(crypto, seen[-1:])


@pytest.mark.parametrize("late", [0, 3_600, 3 * DAY])
def test_the_bucket_is_that_of_the_acceptance_however_old_the_stamp(crypto, late):
    """The word keeps how many ten minutes later than its stamp a print was accepted: three days' at most."""
    crypto.configure(max_age=3 * DAY)
    next_bucket(crypto)
    stamp = crypto.chain.now - late
    for usd in (100, 109):
        assert crypto.tick(usd * WAD, stamp=stamp).stamp == stamp
    assert_range(crypto, [100 * WAD, 109 * WAD])
    next_bucket(crypto)
    assert_range(crypto, [100 * WAD, 109 * WAD])
    next_bucket(crypto)
    assert_range(crypto, [109 * WAD])
