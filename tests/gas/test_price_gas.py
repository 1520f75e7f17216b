"""What reading a price costs, and that a guard costs nothing to who has none."""

from __future__ import annotations

from everstock.report.price_gas import LIMIT, measure


def test_one_feed_stays_within_its_limit_and_every_guard_has_its_price():
    figures = measure()
    plain, new = figures.pop("one Chainlink feed")
    assert plain <= LIMIT
    assert new <= LIMIT + 2_000, "a new print writes a slot and an event"
    everything = figures.pop("all three")
    extras = [again - plain for again, _ in figures.values()]
    assert all(extra > 0 for extra in extras)
    assert abs(everything[0] - plain - sum(extras)) < 1_000, "they add up"
