"""The same random prints through PriceOracle and through `everstock.model.oracle`, in lock-step."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from everstock.model.calendar import AlwaysOpen, WeekdaySessions
from everstock.model.journal import Journal
from everstock.model.oracle import Guards, OracleModel, PriceStatus, Print

WAD = 10**18
UNIT = 10**10
MAX_AGE = 4_200
DEVIATION = WAD // 1_000
PARTS = 10**9

# Steps that lie on, and one unit beside, the edges of the rules; and small ones, or nothing would ever be accepted.
EDGES = st.sampled_from([PARTS * percent // 100 for percent in (80, 90, 95, 105, 110, 120)])
STEP = st.one_of(
    st.integers(-PARTS // 50, PARTS // 50).map(lambda part: PARTS + part),
    st.integers(-PARTS // 8, PARTS // 8).map(lambda part: PARTS + part),
    EDGES,
    st.sampled_from([PARTS // 2, 2 * PARTS]),
)
WAIT = st.one_of(
    st.sampled_from([0, 1, 299, 300, 301, 599, 600, 601, 1_200, MAX_AGE, MAX_AGE + 1, 23_400, 63_000, 86_400]),
    st.integers(0, 900),
)
CHECK_MAX_AGE = 2_000
GRACE = 900
GUARDS = Guards(WAD // 20, CHECK_MAX_AGE, GRACE, 3 * WAD // 10)
AGE = st.one_of(st.just(0), st.integers(0, 400), st.sampled_from([-1, MAX_AGE, MAX_AGE + 1]))
TICK = st.fixed_dictionaries(
    {
        "wait": WAIT,
        "from": st.sampled_from(
            ["accepted", "accepted", "accepted", "printed", "low", "high", "low before", "high before"]
        ),
        "step": STEP,
        "nudge": st.sampled_from([0, 0, 0, 1, -1, 7 * UNIT, UNIT, -UNIT]),
        "age": AGE,
        "round": st.sampled_from([1, 1, 1, 1, 0, -1]),
        "fault": st.sampled_from([None] * 20 + ["fails", "halted", "zero", "huge", "no stamp"]),
        "confidence": st.sampled_from([0, 0, WAD // 1_000, WAD // 20, WAD // 20 + 1]),
        "new feed": st.sampled_from([False] * 15 + [True]),
        "check": st.sampled_from([PARTS] * 6 + [PARTS * 100 // 105, PARTS * 100 // 105 - 1, PARTS * 2]),
        "check age": st.sampled_from([0, 0, 0, 0, CHECK_MAX_AGE, CHECK_MAX_AGE + 1, -1]),
        "check fault": st.sampled_from([None] * 12 + ["fails", "halted"]),
        "sequencer": st.sampled_from(["up"] * 12 + ["down", "back", "just in time", "too early"]),
    }
)


PLAIN = {
    "wait": 0,
    "from": "accepted",
    "step": PARTS,
    "nudge": 0,
    "age": 0,
    "round": 1,
    "fault": None,
    "confidence": 0,
    "new feed": False,
    "check": PARTS,
    "check age": 0,
    "check fault": None,
    "sequencer": "up",
}


@pytest.mark.parametrize("kind", ["crypto", "stock", "guarded crypto", "guarded stock"])
def test_contract_and_model_agree_on_any_prints(deployed, kind):
    seen: Counter[str] = Counter()

    @settings(max_examples=100, deadline=None)
    @given(ticks=st.lists(TICK, min_size=10, max_size=40))
    def run(ticks):
        with deployed.chain.anchor():
            compare(deployed, kind, ticks, seen)

    guarded = "guarded" in kind
    if guarded:  # rare by chance: a doubling that persists, beyond the limit
        doubled = PLAIN | {"from": "printed", "wait": 300}
        run = example(ticks=[PLAIN, PLAIN | {"step": 2 * PARTS}, doubled, doubled])(run)
    run()
    missing = {"OPEN", "STALE", "HALTED", "breaker"}
    missing |= {"CLOSED"} if "stock" in kind else set()
    missing |= {"disagree", "limit"} if guarded else {"confirmed"}
    assert not missing - set(seen), f"never reached: {missing - set(seen)}"


def compare(it, kind, ticks, seen):
    chain = it.chain
    sessions, guarded = "stock" in kind, "guarded" in kind
    bench = it.bench(it, b"X", it.calendar) if sessions else it.bench(it, b"X")
    calendar = WeekdaySessions() if sessions else AlwaysOpen()
    model = OracleModel(Journal(), calendar, MAX_AGE, DEVIATION, GUARDS if guarded else None)
    if guarded:
        check = chain.deploy(it.built["HostileFeed"], sender=it.governor)
        uptime = chain.deploy(it.built["HostileAggregator"], 0, sender=it.governor)
        words = (check, CHECK_MAX_AGE, GUARDS.check_deviation_wad, uptime, GRACE, GUARDS.max_jump_wad)
        it.oracle.setGuards(bench.asset, words, sender=it.governor)
    printed, round_ = 250 * WAD, 1_000
    for tick in ticks:
        chain.warp(tick["wait"])
        memory = model.breaker
        anchors = {
            "accepted": memory.price_wad,
            "printed": printed,
            "low": memory.current.lowest * UNIT,
            "high": memory.current.highest * UNIT,
            "low before": memory.previous.lowest * UNIT,
            "high before": memory.previous.highest * UNIT,
        }
        anchor = anchors[tick["from"]] or printed
        price = max(1, anchor * tick["step"] // PARTS + tick["nudge"])
        round_ += tick["round"]
        stamp = chain.now - tick["age"]
        fault = tick["fault"]
        if tick["new feed"]:
            bench.feed = chain.deploy(it.built["HostileFeed"], sender=it.governor)
            bench.configure()
            model.set_feed(MAX_AGE, DEVIATION)
            memory = model.breaker
        if guarded:
            guard(it, model, tick, check, uptime, max(1, price * tick["check"] // PARTS))
        confidence = tick["confidence"] if guarded else 0
        price = {"zero": 0, "huge": 309_485_009 * WAD + 1}.get(fault, price)
        stamp = 0 if fault == "no stamp" else stamp
        if fault == "fails":
            bench.feed.setMode(1, sender=it.governor)
            model.print = None
        else:
            bench.feed.set((price, round_, stamp, confidence, fault == "halted"), sender=it.governor)
            model.print = Print(price, round_, stamp, confidence, fault == "halted")
        if fault is None:
            printed = price
        expected = model.poke(chain.now)
        actual = bench.poke()
        note(f"{chain.now} {price} round {round_} stamp {stamp} {fault}: {expected}")
        assert actual.status.upper() == expected.status.name
        assert actual.price == expected.price_wad
        assert actual.breaker == expected.breaker_halt
        assert actual.stamp == expected.published_at
        assert (actual.band, actual.max_age) == (expected.band_wad, expected.max_age)
        if expected.status is PriceStatus.OPEN and model.breaker.price_wad == price and memory.candidate:
            seen["confirmed"] += 1
        if expected.breaker_halt and guarded:
            agrees = model._status(chain.now)[0] is PriceStatus.OPEN
            seen["limit" if agrees and model.breaker == memory else "disagree"] += 1
        seen["breaker" if expected.breaker_halt else expected.status.name] += 1


def guard(it, model, tick, check, uptime, price):
    """The check source's print and the sequencer's word, to both."""
    now = it.chain.now
    if tick["check fault"] == "fails":
        check.setMode(1, sender=it.governor)
        model.check_print = None
    else:
        other = Print(price, 1, now - tick["check age"], 0, tick["check fault"] == "halted")
        check.set((other.price_wad, 1, other.published_at, 0, other.halted), sender=it.governor)
        model.check_print = other
    since = {"back": now, "just in time": now - GRACE, "too early": now - GRACE + 1}.get(tick["sequencer"], 1)
    down = tick["sequencer"] == "down"
    model.sequencer_up_since = None if down else since
    uptime.set((1, int(down), since, since, 1), sender=it.governor)
