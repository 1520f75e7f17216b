"""Price per token over a real stock token: splits announced, unannounced, and on one side only (O3, T3)."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from everstock.chain.testing import reverts

WAD = 10**18
DAY = 86_400
DESCRIPTION = "v0.8/tests/MockV3Aggregator.sol"
ASSET = b"TSLA/TOKEN".ljust(32, b"\0")
SPLIT, REVERSE_SPLIT, DIVIDEND = 0, 1, 2
HALF = WAD // 2


class Token:
    """TSLA.M priced by its share: one oracle, one aggregator, one token that can announce."""

    def __init__(self, system) -> None:
        self.system, self.chain, self.governor = system, system.chain, system.governor
        self.token = system.token("TSLA.M").contract
        self.aggregator = self.deploy("MockAggregator", 8, 250 * 10**8)
        self.share = self.deploy("ChainlinkFeed", self.aggregator)
        self.feed = self.derive(self.share)
        config = (self.feed, 3_600, WAD // 1_000, ZERO_ADDRESS)
        system.oracle.setAsset(ASSET, config, sender=self.governor)
        system.oracle.setGuards(ASSET, (ZERO_ADDRESS, 0, 0, ZERO_ADDRESS, 0, HALF), sender=self.governor)
        assert self.poke() == (0, 250 * WAD)

    def deploy(self, name, *args):
        return self.chain.deploy(self.system.artifacts[name], *args, sender=self.governor)

    def derive(self, feed, description=DESCRIPTION):
        return self.deploy("DerivedFeed", feed, self.token, description)

    def announce(self, multiplier, kind=SPLIT) -> int:
        at = self.chain.now + 9 * DAY
        self.token.announceAction(kind, multiplier, at, sender=self.governor)
        return at

    def publish(self, usd) -> None:
        self.aggregator.updateAnswer(int(usd * 10**8), sender=self.governor)

    def poke(self):
        answer = self.system.oracle.poke(ASSET, sender=self.governor).return_value
        return answer.status, answer.price

    def tick(self, usd):
        self.publish(usd)
        return self.poke()


@pytest.fixture
def token(system):
    return Token(system)


@pytest.mark.parametrize(
    ("multiplier", "kind", "after"),
    [
        (10 * WAD, SPLIT, 25),
        (3 * WAD // 2, SPLIT, 250 / 1.5),
        (WAD // 8, REVERSE_SPLIT, 2_000),
        (WAD * 102 // 100, DIVIDEND, 250 / 1.02),
    ],
)
def test_an_announced_action_is_no_jump(token, multiplier, kind, after):
    at = token.announce(multiplier, kind)
    token.chain.set_time(at - 60)
    assert token.tick(250) == (0, 250 * WAD)
    token.chain.set_time(at)
    assert token.poke() == (0, 250 * WAD), "the share's last print is of before: it keeps the old multiplier"
    token.chain.warp(60)
    status, price = token.tick(after)
    assert status == 0
    assert abs(price - 250 * WAD) < 10**13, "to the feed's last digit"


def test_an_unannounced_split_halts_for_good(token):
    for _ in range(4):
        token.chain.warp(400)
        assert token.tick(25) == (3, 250 * WAD)
    assert token.tick(249) == (0, 249 * WAD)


@pytest.mark.parametrize("early", [True, False], ids=["the feed first", "the token first"])
def test_a_split_on_one_side_only_halts_until_the_other_follows(token, early):
    """Every ordering: the price is 250 or there is none."""
    at = token.announce(10 * WAD)
    token.chain.set_time(at - 1_200 if early else at)
    for _ in range(3):
        token.chain.warp(350)
        assert token.tick(25 if early else 250) == (3, 250 * WAD)
    token.chain.set_time(at + 1_200)
    assert token.tick(25.1) == (0, 251 * WAD)


def test_rounds_and_stamps_are_the_shares(token):
    share, derived = token.share.latest(), token.feed.latest()
    assert (derived.round, derived.publishedAt, derived.halted) == (share.round, share.publishedAt, share.halted)
    assert tuple(token.feed.direct()) == (ZERO_ADDRESS, 0)


def test_no_price_stays_no_price(token):
    token.publish(0)
    assert token.feed.latest().price == 0


def test_a_change_of_the_shares_decimals_is_found_beneath(token):
    token.aggregator.setDecimals(10, sender=token.governor)
    with reverts("ChainlinkFeed_DecimalsChanged", 10, 8):
        token.feed.verify()


def test_a_feed_that_is_per_token_already_is_refused(token):
    assert token.feed.includesMultiplier()
    with reverts("DerivedFeed_AlreadyMultiplied", token.feed):
        token.derive(token.feed)
    proxy = token.deploy("MockDataStreams").configuration()[3]
    tokenised, stock = (version.to_bytes(2, "big") + b"\x77" * 30 for version in (10, 8))
    feed = token.deploy("DataStreamsFeed", proxy, tokenised, 18)
    with reverts("DerivedFeed_AlreadyMultiplied", feed):
        token.derive(feed)
    token.derive(token.deploy("DataStreamsFeed", proxy, stock, 18))


def test_an_aggregator_of_another_name_is_refused(token):
    with reverts("DerivedFeed_WrongDescription", DESCRIPTION, "TSLA / USD"):
        token.derive(token.share, "TSLA / USD")


def test_a_token_without_a_multiplier_is_refused(token):
    with reverts("Empty"):
        token.deploy("DerivedFeed", token.share, token.system.vault, DESCRIPTION)
