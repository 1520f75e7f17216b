"""Pyth and Data Streams adapters over the vendors' own mocks: Pyth's MockPyth, Chainlink's Data Streams simulator."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak

from everstock.chain import ZERO_ADDRESS
from everstock.chain.testing import reverts

WAD = 10**18
DAY = 86_400
PRICE_ID = b"\x07" * 32
FEE = 10**9
REGULAR, CLOSED, UNKNOWN, OVERNIGHT = 2, 1, 0, 4


def configured(it: Any, feed: Any, calendar: Any = ZERO_ADDRESS) -> bytes:
    asset = b"VENDOR".ljust(32, b"\0")
    it.oracle.setAsset(asset, (feed, 4_200, WAD // 1_000, calendar), sender=it.governor)
    return asset


# ---------------------------------------------------------------------------------------------- Pyth


class Pyth:
    def __init__(self, it: Any) -> None:
        self.it = it
        self.chain = it.chain
        self.network = it.chain.deploy(it.built["MockPythNetwork"], FEE, sender=it.governor)
        it.chain.fund(it.governor, WAD)
        self.say(100 * 10**8)
        self.feed = it.chain.deploy(it.built["PythFeed"], self.network, PRICE_ID, sender=it.governor)

    def update(self, price: int, conf: int = 0, expo: int = -8, at: int | None = None) -> bytes:
        at = self.chain.now if at is None else at
        data: bytes = self.network.createPriceFeedUpdateData(PRICE_ID, price, conf, expo, price, conf, at, 0)
        return data

    def say(self, *args: Any, **kwargs: Any) -> None:
        self.network.updatePriceFeeds([self.update(*args, **kwargs)], sender=self.it.governor, value=FEE)


@pytest.fixture
def pyth(it):
    return Pyth(it)


@pytest.mark.parametrize("decimals", range(19))
def test_pyths_exponent_does_not_matter(pyth, decimals):
    """O2"""
    pyth.chain.warp(1)
    price, confidence = (1_234 * 10**decimals, 10**decimals) if decimals < 16 else (9 * 10**decimals // 10, 0)
    if decimals == 18:
        price = 9 * 10**17
    pyth.say(price, confidence, -decimals)
    print_ = pyth.feed.latest()
    assert print_.price == price * 10 ** (18 - decimals)
    assert (print_.round, print_.publishedAt, print_.halted) == (pyth.chain.now, pyth.chain.now, False)
    assert print_.confidence == (-(-WAD // 1_234) if confidence else 0)


@pytest.mark.parametrize(
    ("price", "expo", "expected"),
    [
        (5, 2, 500 * WAD),
        (5, 18, 5 * 10**36),
        (5, 19, 0),
        (10**18, -20, 10**16),
        (99, -20, 0),
        (10**18, -36, 1),
        (1, -37, 0),
    ],
)
def test_any_exponent(pyth, price, expo, expected):
    pyth.chain.warp(1)
    pyth.say(price, 0, expo)
    assert pyth.feed.latest().price == expected


@pytest.mark.parametrize("price", [0, -1, -(2**63)])
def test_a_pyth_price_that_is_none(pyth, price):
    pyth.chain.warp(1)
    pyth.say(price)
    assert (pyth.feed.latest().price, pyth.feed.latest().publishedAt) == (0, pyth.chain.now)


def test_confidence_widens_the_band_and_refuses_when_too_wide(it, pyth):
    asset = configured(it, pyth.feed)
    it.chain.warp(1)
    pyth.say(100 * 10**8, 10**8)
    answer = it.oracle.poke(asset, sender=it.governor).return_value
    assert (answer.status, answer.band) == (0, WAD // 500 + WAD // 100)
    it.chain.warp(1)
    pyth.say(100 * 10**8, 5 * 10**8 + 1)
    assert it.oracle.read(asset).status == 3


def test_a_confidence_beyond_its_field_is_too_wide_and_not_cut_off(pyth):
    pyth.chain.warp(1)
    pyth.say(1, 2**64 - 1)
    assert pyth.feed.latest().confidence == 2**64 - 1


def test_an_update_is_pulled_in_the_transaction_that_uses_it_and_change_comes_back(it, pyth):
    asset = configured(it, pyth.feed)
    it.chain.warp(60)
    it.chain.fund(it.stranger, WAD)
    before = it.chain.balance(it.stranger)
    receipt = pyth.feed.updateAndPoke([pyth.update(101 * 10**8)], it.oracle, asset, sender=it.stranger, value=5 * FEE)
    answer = receipt.return_value
    assert (answer.status, answer.price, answer.publishedAt) == (0, 101 * WAD, it.chain.now)
    assert it.chain.balance(it.stranger) == before - FEE
    assert it.chain.balance(pyth.feed) == 0


def test_too_small_a_fee_is_refused(it, pyth):
    asset = configured(it, pyth.feed)
    it.chain.warp(60)
    it.chain.fund(it.stranger, WAD)
    with reverts("PythFeed_FeeTooLow", FEE - 1, FEE):
        pyth.feed.updateAndPoke([pyth.update(10**10)], it.oracle, asset, sender=it.stranger, value=FEE - 1)


def test_an_older_pyth_update_changes_nothing(it, pyth):
    asset = configured(it, pyth.feed)
    it.chain.warp(60)
    pyth.say(101 * 10**8)
    pyth.say(90 * 10**8, at=it.chain.now - 30)
    assert it.oracle.poke(asset, sender=it.governor).return_value.price == 101 * WAD


def test_a_pyth_price_from_the_future_or_beyond_forty_bits_is_no_stamp(it, pyth):
    asset = configured(it, pyth.feed)
    pyth.say(101 * 10**8, at=it.chain.now + 60)
    assert (it.oracle.read(asset).status, it.oracle.read(asset).publishedAt) == (3, 0)
    pyth.say(101 * 10**8, at=2**40)
    assert tuple(pyth.feed.latest()) == (0, 0, 0, 0, False)


def test_a_price_that_pyth_does_not_know_is_refused(it, pyth):
    with reverts("PriceFeedNotFound"):
        it.chain.deploy(it.built["PythFeed"], pyth.network, b"\x08" * 32, sender=it.governor)
    pyth.feed.verify()
    assert tuple(pyth.feed.direct()) == (ZERO_ADDRESS, 0)


@pytest.mark.parametrize(("exponent", "readable"), [(-37, False), (-36, True), (18, True), (19, False)])
def test_a_price_whose_exponent_cannot_be_read_is_refused(it, pyth, exponent, readable):
    pyth.chain.warp(1)
    pyth.say(1, 0, exponent)
    if readable:
        it.chain.deploy(it.built["PythFeed"], pyth.network, PRICE_ID, sender=it.governor)
        return
    with reverts("PythFeed_BadExponent", exponent):
        it.chain.deploy(it.built["PythFeed"], pyth.network, PRICE_ID, sender=it.governor)


# ---------------------------------------------------------------------------------------------- Data Streams

DON = keccak(text="Mock Data Streams DON")
COMMON = ["bytes32", "uint32", "uint32", "uint192", "uint192", "uint32"]
SIMULATORS_ERRORS = ("BadVerification", "InvalidDeposit")
SCHEMAS = {
    8: [*COMMON, "uint64", "int192", "uint32"],
    10: [*COMMON, "uint64", "int192", "uint32", "int192", "int192", "uint32", "int192"],
    11: [*COMMON, "int192", "uint64", "int192", "int192", "int192", "int192", "int192", "uint32"],
}


class Streams:
    """One stream of a schema, and the simulator's oracle network that signs its reports."""

    def __init__(self, it: Any, version: int, decimals: int = 18, *, on_chain_billing: bool = False) -> None:
        self.it, self.chain, self.version, self.decimals = it, it.chain, version, decimals
        self.id = version.to_bytes(2, "big") + b"\x77" * 30
        it.chain.registry.add([{"type": "error", "name": name, "inputs": []} for name in SIMULATORS_ERRORS])
        self.simulator = it.chain.deploy(it.built["MockDataStreams"], sender=it.governor)
        if not on_chain_billing:
            self.simulator.enableOffChainBilling(sender=it.governor)
        proxy = self.simulator.configuration()[3]
        self.feed = it.chain.deploy(it.built["DataStreamsFeed"], proxy, self.id, decimals, sender=it.governor)

    def report(self, usd: float = 250, **changes: Any) -> bytes:
        """A signed report; stamps in nanoseconds, as Chainlink's schemas have them."""
        now = self.chain.now
        unit = 10**self.decimals
        price = changes.pop("price", int(usd * 10**6) * unit // 10**6)
        observed = changes.pop("observed", now)
        updated = changes.pop("updated", observed) * 10**9
        status = changes.pop("status", REGULAR)
        common = [
            changes.pop("id", self.id),
            observed,
            observed,
            changes.pop("fee", 0),
            0,
            changes.pop("expires", now + DAY),
        ]
        multiplier = changes.pop("multiplier", WAD)
        bid, ask = changes.pop("quote", (price - abs(price) // 1_000, price + abs(price) // 1_000))
        tail = {
            8: [updated, price, status],
            10: [
                updated,
                price,
                status,
                multiplier,
                changes.pop("next", 0),
                changes.pop("activation", 0),
                9 * max(price, 0),
            ],
            11: [price, updated, bid, 0, ask, 0, price, status],
        }[self.version]
        assert not changes, changes
        return sign(encode(SCHEMAS[self.version], [*common, *tail]))

    def push(self, *args: Any, value: int = 0, **changes: Any) -> Any:
        return self.feed.push(self.report(*args, **changes), sender=self.it.stranger, value=value)


def sign(report: bytes, key: bytes = DON) -> bytes:
    context = [DON, b"\0" * 32, b"\0" * 32]
    digest = keccak(keccak(report) + b"".join(context))
    signature = Account.unsafe_sign_hash(digest, key)
    words = [[each.to_bytes(32, "big")] for each in (signature.r, signature.s)]
    return encode(
        ["bytes32[3]", "bytes", "bytes32[]", "bytes32[]", "bytes32"],
        [context, report, *words, signature.v.to_bytes(32, "big")],
    )


@pytest.fixture(params=[8, 10, 11])
def streams(it, request):
    return Streams(it, request.param)


def test_a_verified_report_becomes_a_price(it, streams):
    streams.push(250)
    print_ = streams.feed.latest()
    assert (print_.price, print_.round, print_.publishedAt) == (250 * WAD, it.chain.now, it.chain.now)
    assert (print_.confidence, print_.halted) == (WAD // 1_000 if streams.version == 11 else 0, False)
    asset = configured(it, streams.feed)
    assert it.oracle.poke(asset, sender=it.governor).return_value.price == 250 * WAD


@pytest.mark.parametrize("version", [8, 10, 11])
@pytest.mark.parametrize("decimals", range(19))
def test_a_streams_decimals_do_not_matter(it, version, decimals):
    """O2"""
    streams = Streams(it, version, decimals)
    streams.push(250)
    assert streams.feed.latest().price == 250 * WAD


def test_only_the_networks_signature_counts(it, streams):
    proxyless = encode(SCHEMAS[streams.version], [streams.id, *[0] * (len(SCHEMAS[streams.version]) - 1)])
    with reverts("BadVerification"):
        streams.feed.push(sign(proxyless, keccak(text="somebody else")), sender=it.stranger)
    assert streams.feed.latest().price == 0


def test_reports_come_in_order(it, streams):
    now = it.chain.now
    streams.push(250)
    for observed in (now, now - 60):
        with reverts("DataStreamsFeed_OutOfOrder", observed, now):
            streams.push(251, observed=observed)
    it.chain.warp(1)
    streams.push(252)
    assert streams.feed.latest().price == 252 * WAD


def test_a_report_from_the_future_or_expired_is_refused(it, streams):
    now = it.chain.now
    with reverts("DataStreamsFeed_FromTheFuture", now + 1, now):
        streams.push(250, observed=now + 1)
    with reverts("DataStreamsFeed_Expired", now - 1, now):
        streams.push(250, expires=now - 1)
    streams.push(250, expires=now)


def test_another_streams_report_is_refused(it, streams):
    other = streams.version.to_bytes(2, "big") + b"\x78" * 30
    with reverts("DataStreamsFeed_WrongStream", other, streams.id):
        streams.push(250, id=other)


def test_a_report_shorter_than_its_schema_is_refused(it, streams):
    words = len(SCHEMAS[streams.version])
    short = streams.id + b"\0" * 32 * (words - 2)
    with reverts("DataStreamsFeed_TooShort", 32 * (words - 1), 32 * words):
        streams.feed.push(sign(short), sender=it.stranger)


@pytest.mark.parametrize("status", [UNKNOWN, CLOSED, 3, OVERNIGHT, 5])
def test_every_status_but_regular_trading_is_a_halt(it, streams, status):
    asset = configured(it, streams.feed)
    streams.push(250)
    it.oracle.poke(asset, sender=it.governor)
    it.chain.warp(1)
    streams.push(250, status=status)
    answer = it.oracle.poke(asset, sender=it.governor).return_value
    assert (answer.status, answer.breakerHalt) == (3, False)


def test_at_night_the_calendar_speaks_and_the_morning_waits_for_a_regular_print(it, streams):
    asset = configured(it, streams.feed, it.calendar)
    streams.push(250)
    it.oracle.poke(asset, sender=it.governor)
    it.chain.warp(8 * 3_600)
    streams.push(251, status=OVERNIGHT)
    assert it.oracle.read(asset).status == 1
    it.chain.warp(16 * 3_600)  # the opening: the last report is last night's
    assert it.oracle.read(asset).status == 1
    streams.push(253)
    answer = it.oracle.poke(asset, sender=it.governor).return_value
    assert (answer.status, answer.price) == (0, 253 * WAD)


def test_the_price_is_as_old_as_its_source(it, streams):
    it.chain.warp(10_000)
    streams.push(250, updated=it.chain.now - 5_000)
    assert streams.feed.latest().publishedAt == it.chain.now - 5_000
    asset = configured(it, streams.feed)
    assert it.oracle.read(asset).status == 2, "observed now, but nothing has moved for longer than the limit"


@pytest.mark.parametrize("price", [0, -1, -(2**190)])
def test_a_report_without_a_price(it, streams, price):
    streams.push(price=price)
    assert streams.feed.latest().price == 0


def test_a_price_beyond_its_field_is_none(it, streams):
    streams.push(price=2**96)
    assert streams.feed.latest().price == 0


@pytest.mark.parametrize(
    ("quote", "confidence"),
    [
        ((249, 252), 8 * 10**15),
        ((250, 250), 0),
        ((0, 0), 0),
        ((0, 251), 2**64 - 1),
        ((251, 252), 2**64 - 1),  # the price is below its bid
        ((240, 249), 2**64 - 1),
    ],
)
def test_v11_takes_the_wider_side_of_the_quote_for_confidence(it, quote, confidence):
    streams = Streams(it, 11)
    streams.push(250, quote=tuple(side * WAD for side in quote))
    assert streams.feed.latest().confidence == confidence


def test_v10_answers_per_token_and_never_reads_the_exchanges(it):
    streams = Streams(it, 10)
    streams.push(50, multiplier=5 * WAD)
    assert streams.feed.latest().price == 250 * WAD, "the report's tokenised price was 450"
    assert streams.feed.includesMultiplier()
    assert not Streams(it, 8).feed.includesMultiplier()


def test_v10_waits_when_price_and_multiplier_are_of_two_times(it):
    """A split takes effect: the last price is of before, the multiplier may be of after."""
    streams, now = Streams(it, 10), it.chain.now
    streams.push(250, next=5 * WAD, activation=now + 60)
    assert not streams.feed.latest().halted
    it.chain.warp(120)
    streams.push(250, updated=now, multiplier=5 * WAD, next=5 * WAD, activation=now + 60)
    assert streams.feed.latest().halted
    it.chain.warp(60)
    streams.push(50, multiplier=5 * WAD, next=5 * WAD, activation=now + 60)
    assert (streams.feed.latest().halted, streams.feed.latest().price) == (False, 250 * WAD)


def test_reports_are_paid_in_native_token_and_change_comes_back(it):
    streams = Streams(it, 8, on_chain_billing=True)
    it.chain.fund(it.stranger, WAD)
    before = it.chain.balance(it.stranger)
    streams.push(250, fee=10**15, value=3 * 10**15)
    assert it.chain.balance(it.stranger) == before - 10**15
    assert it.chain.balance(streams.feed) == 0
    it.chain.warp(1)
    with reverts("InvalidDeposit"):
        streams.push(250, fee=10**15, value=10**15 - 1)


def test_value_sent_where_nothing_is_billed_comes_back(it, streams):
    it.chain.fund(it.stranger, WAD)
    before = it.chain.balance(it.stranger)
    streams.push(250, value=10**15)
    assert it.chain.balance(it.stranger) == before


@pytest.mark.parametrize("version", [3, 9, 12])
def test_other_schemas_are_refused(it, version):
    with reverts("DataStreamsFeed_UnknownSchema", version):
        Streams(it, version)


def test_decimals_beyond_wad_are_refused(it):
    with reverts("DataStreamsFeed_DecimalsOutOfBounds", 19, 18):
        Streams(it, 8, 19)


def test_a_stream_has_no_aggregator_and_no_unit_to_change(it, streams):
    assert tuple(streams.feed.direct()) == (ZERO_ADDRESS, 0)
    streams.feed.verify()


# ---------------------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("decimals", range(9))
def test_adapters_agree_on_the_same_price_at_every_decimals_setting(it, decimals):
    """O2: one price, told by every vendor, is one price."""
    pyth = Pyth(it)
    it.chain.warp(1)
    usd = 223
    pyth.say(usd * 10**decimals, 0, -decimals)
    aggregator = it.chain.deploy(it.built["MockAggregator"], decimals, usd * 10**decimals, sender=it.governor)
    feeds = [pyth.feed, it.chain.deploy(it.built["ChainlinkFeed"], aggregator, sender=it.governor)]
    for version in (8, 10, 11):
        streams = Streams(it, version, decimals)
        streams.push(usd)
        feeds.append(streams.feed)
    answers = set()
    for feed in feeds:
        it.oracle.setAsset(b"SAME".ljust(32, b"\0"), (feed, 4_200, 0, ZERO_ADDRESS), sender=it.governor)
        answer = it.oracle.poke(b"SAME".ljust(32, b"\0"), sender=it.governor).return_value
        answers.add((answer.status, answer.price, answer.publishedAt))
    assert answers == {(0, usd * WAD, it.chain.now)}
