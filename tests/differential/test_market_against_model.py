"""OptionMarket and PriceOracle against the reference model in lock-step, bit for bit.

Every seed plays some markets one after the other, each with its own parameters: prints at the edges of every rule,
waits from nothing to three days, pokes, accruals, strikes that come and go, events, and at the end a wind-down.
After every step state, funding, margins, values and quotes are compared. A failure names the seed and the steps.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from everstock.chain import Reverted
from everstock.chain.contract import Contract
from everstock.model.errors import ModelRevert
from everstock.model.journal import Journal
from everstock.model.market import MarketConfig, MarketModel, Phase, ScheduledEvent
from everstock.model.oracle import OracleModel, Print
from everstock.model.pricing import LN_GRID_STEP_WAD, Side
from support.market_bench import (
    ASK,
    BID,
    BTC_7D,
    BTC_30D,
    DAY,
    DEVIATION,
    ETH_7D,
    MARK,
    MAX_AGE,
    TSLA_7D,
    WAD,
    Listing,
    MarketBench,
)

MARKETS_PER_SEED = 8
STEPS_PER_MARKET = 360
SEEDS = [("crypto", seed) for seed in range(5)] + [("stock", seed) for seed in (0, 2, 3)]
MAX_LIVE = 10

WIDE = replace(BTC_7D, name="WIDE", c_override=WAD, min_variance=WAD // 10**4, max_variance=4 * WAD, loading=WAD // 2)
NARROW = replace(BTC_7D, name="NARROW", c_override=25 * WAD // 10**4, loading=0, reference=10**25)
SMALL = replace(ETH_7D, name="SMALL", reference=10**14)
LISTINGS = {"crypto": [BTC_7D, ETH_7D, BTC_30D, WIDE, NARROW, SMALL], "stock": [TSLA_7D]}

WAITS = [0, 2, 12, 60, 299, 300, 301, 599, 600, 601, 900, 1_800, 3_600, MAX_AGE, MAX_AGE + 1]
LONG_WAITS = [DAY // 2, DAY, DAY + 8 * 3_600, 2 * DAY, 3 * DAY]
STEPS = [0.8, 0.9, 0.899, 0.95, 1.05, 1.1, 1.101, 1.2, 1.25, 1 / 1.3]
LEAPS = [26, 1 / 26, 3, 1 / 3, 200, 1 / 200]


class Pair:
    """One market twice."""

    def __init__(self, kit: SimpleNamespace, kind: str, listing: Listing, seed: str) -> None:
        self.chain, self.listing = kit.chain, listing
        self.bench = MarketBench(kit.chain, listing, sessions=kind == "stock", hostile=True)
        journal = Journal()
        self.feed = OracleModel(journal, self.bench.sessions, MAX_AGE, DEVIATION)
        self.model = MarketModel(
            journal,
            MarketConfig(
                listing.reference,
                listing.c,
                listing.initial_variance,
                listing.min_variance,
                listing.max_variance,
                listing.loading,
            ),
            self.feed,
            self.bench.sessions,
            kit.primitives,
        )
        self.journal = journal
        self.draw = random.Random(seed)
        self.holders: Counter[int] = Counter()
        self.printed = listing.reference
        self.round = 0
        self.log: list[str] = []
        self.seen: Counter[str] = Counter()

    # ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def step(self) -> None:
        draw = self.draw
        actions = [self.wait, self.print_, self.poke, self.follow, self.accrue, self.come, self.go, self.event]
        action = draw.choices(actions, [20, 14, 18, 22, 8, 8, 5, 3])[0]
        self.log.append(f"{action.__name__} at {self.chain.now}")
        self.seen[action.__name__] += 1
        action()
        self.compare()

    def wait(self) -> None:
        self.chain.warp(self.draw.choice(LONG_WAITS if self.draw.random() < 0.08 else WAITS))

    def next_price(self) -> int:
        draw, model = self.draw, self.model
        last = self.feed.breaker.price_wad or self.listing.reference
        kind = draw.choices(["walk", "strike", "step", "leap", "again", "home"], [30, 22, 12, 5, 20, 8])[0]
        if kind == "walk":
            price = int(last * draw.uniform(0.98, 1.02))
        elif kind == "strike":  # at a strike, or a unit beside it
            near = max(-164, min(164, model.cell + draw.randint(-2, 3)))
            price = model.pricing.strike_wad(near) + draw.choice([-1, 0, 1])
        elif kind == "step":
            price = int(last * draw.choice(STEPS))
        elif kind == "leap":
            price = int(last * draw.choice(LEAPS))
        elif kind == "again":
            price = int(self.printed * draw.uniform(0.999, 1.001))
        else:  # back towards the reference, where strikes may be opened
            price = int(self.listing.reference * draw.uniform(0.9, 1.1))
        return max(10**12, min(price, 309_485_009 * WAD))

    def print_(self) -> None:
        draw, now = self.draw, self.chain.now
        price, confidence, halted = self.next_price(), draw.choice([0, 0, 0, 10**15, WAD // 20]), False
        stamp = now - draw.choices([0, draw.randint(0, 300), MAX_AGE, MAX_AGE + 1, -1], [60, 20, 2, 2, 1])[0]
        self.round += draw.random() < 0.95
        fault = draw.choices([None, "fails", "halted", "zero", "unstamped"], [95, 1.5, 1.5, 1, 1])[0]
        if fault == "fails":
            self.bench.feed.setMode(1, sender=self.bench.governor)
            self.feed.print = None
        else:
            if fault is None:
                self.printed = price
            price, halted = 0 if fault == "zero" else price, fault == "halted"
            stamp = 0 if fault == "unstamped" else stamp
            self.bench.feed.set((price, self.round, stamp, confidence, halted), sender=self.bench.governor)
            self.feed.print = Print(price, self.round, stamp, confidence, halted)
        self.log.append(f"  {price} round {self.round} stamp {stamp} confidence {confidence} {fault or ''}")

    def poke(self) -> None:
        model, now = self.model, self.chain.now
        before = (model.cell, model.variance_wad, model.running, len(model.events))
        frozen = model.phase(now) is Phase.FROZEN
        was_clamped = bool(model.price_wad) and not model.pricing.price_in_range(model.price_wad)
        status = model.poke(now)
        found = self.bench.poke().return_value[0]
        assert found == status.value
        kind = "FROZEN" if frozen else status.name
        halt = " breaker" if kind == "HALTED" and not model.reset_anchor else ""
        self.seen[f"{'running' if before[2] else 'stopped'} {kind}{halt}"] += 1
        crossed = sum(min(before[0], model.cell) < j <= max(before[0], model.cell) for j in model.outside)
        self.seen["crossings"] += crossed
        self.seen["samples"] += model.variance_wad != before[1]
        self.seen["lumps"] += len(model.events) != before[3]
        self.seen["clamped"] += was_clamped and before[2]

    def follow(self) -> None:
        """What a keeper does: a print of now, and a poke."""
        self.chain.warp(self.draw.choice([2, 60, 300, 600, 900]))
        self.print_()
        self.poke()

    def accrue(self) -> None:
        self.model.accrue(self.chain.now)
        self.bench.accrue()

    def come(self) -> None:
        draw, model = self.draw, self.model
        known = [j for j, count in self.holders.items() if count]
        if known and (len(known) >= MAX_LIVE or draw.random() < 0.2):
            strike = draw.choice(known)
        else:
            near = model.cell + draw.randint(-4, 5) if draw.random() < 0.8 else draw.randint(-164, 164)
            reach = min(164, model.pricing.max_ln_wad // LN_GRID_STEP_WAD)  # no other strike can be opened
            strike = max(-reach, min(reach, near))
        if not self.holders[strike]:
            model.set_live(strike, True, self.chain.now)
        self.holders[strike] += 1
        self.bench.live(strike)

    def go(self) -> None:
        known = [j for j, count in self.holders.items() if count]
        if not known:
            return
        strike = self.draw.choice(known)
        self.holders[strike] -= 1
        if not self.holders[strike]:
            self.model.set_live(strike, False, self.chain.now)
            self.seen["died"] += 1
        self.bench.die(strike)

    def event(self) -> None:
        draw, model, now = self.draw, self.model, self.chain.now
        coming = [event.at for event in model.events if event.at > now]
        if coming and draw.random() < 0.3:
            at = draw.choice(coming)
            model.cancel_event(at, now)
            self.bench.market.cancelEvent(at, sender=self.bench.governor)
            self.seen["cancelled"] += 1
        elif len(model.events) < 16:
            at = now + 2 * DAY + draw.choice([0, 1, draw.randint(0, 2 * DAY)])
            if any(event.at == at for event in model.events):
                return
            lump, move = draw.choice([1, WAD // 10, 3 * WAD, 100 * WAD]), draw.choice([5, 50, 300]) * WAD // 1_000
            model.schedule_event(ScheduledEvent(at, lump, move), now)
            self.bench.schedule(at, lump, move)

    def wind_down(self) -> None:
        at = self.chain.now + 3 * DAY + self.draw.randint(0, DAY)
        final = int(self.listing.reference * self.draw.uniform(0.3, 3))
        if self.draw.random() < 0.5:
            self.bench.wind_down(final // 2, at + 7)
            self.model.announce_wind_down(final // 2, at + 7, self.chain.now)
            self.bench.market.cancelWindDown(sender=self.bench.governor)
            self.model.cancel_wind_down(self.chain.now)
        self.bench.wind_down(final, at)
        self.model.announce_wind_down(final, at, self.chain.now)

    # ── what must agree ───────────────────────────────────────────────────────────────────────────────────────────────
    def compare(self) -> None:
        chain, model, market, now, draw = self.chain, self.model, self.bench.market, self.chain.now, self.draw
        s = market.state()
        frozen = model.phase(now) is Phase.FROZEN
        assert (s.a, s.b, s.accruedAt, s.running) == (model.a, model.b, model.accrued_at, model.running)
        assert (s.price, s.updatedAt, s.maxAge, s.band) == (
            model.price_wad,
            model.updated_at,
            model.max_age,
            model.band_wad,
        )
        assert (s.variance, s.samplePrice, s.sampledAt) == (
            model.variance_wad,
            model.sample_price_wad,
            model.sampled_at,
        )
        assert s.resetAnchor == model.reset_anchor or frozen
        if not model.price_wad:
            return
        assert s.cell == model.cell
        if draw.random() < 0.25:  # what rarely changes
            assert market.phase() == model.phase(now).value
            assert market.liveCount() == len(model.outside)
            assert [tuple(event) for event in market.events()] == [
                (event.at, event.lump_wad, event.move_wad) for event in model.events
            ]
        strikes, asks = sorted(model.outside), draw.random() < 0.5
        clock = model.clock_at(now)
        for j, (funding, call, put) in zip(strikes, marks(market, strikes, asks), strict=True):
            assert funding == model.funding_index(j, clock), f"F of {j}"
            for side, value in ((Side.CALL, call), (Side.PUT, put)):
                if frozen:
                    assert value == model.frozen_payoff_wad(j, side)
                else:
                    quote = model.quote(j, side)
                    assert value == (quote.ask_wad if asks else quote.bid_wad), f"{side} {j}"
        rates = model.margin_rates(now)
        expected = (rates.initial_wad, rates.maintenance_wad)
        for j in [draw.choice(strikes or [0])]:
            funding = model.funding_index(j, clock) if j in model.outside else 0
            assert market.fundingAndMargin(j) == (funding, *expected)
            if frozen:
                side = draw.choice(list(Side))
                assert market.frozenPayoff(j, side is Side.CALL) == (model.frozen_payoff_wad(j, side), funding)
        strike = max(-166, min(166, model.cell + draw.randint(-14, 14)))
        self.compare_quote(strike, draw.choice(list(Side)), draw.choice([ASK, BID, MARK]))
        assert chain.now == now

    def compare_quote(self, strike: int, side: Side, kind: int) -> None:
        assert self.outcome(lambda: tuple(self.bench.market.quote(strike, side is Side.CALL, kind))) == self.outcome(
            lambda: self.foreseen(strike, side, kind)
        ), f"quote {strike} {side} {kind}"

    def foreseen(self, strike: int, side: Side, kind: int) -> tuple[int, ...]:
        """What the model quotes after a poke that is taken back."""
        model, now = self.model, self.chain.now
        with self.journal.dry_run():
            model.poke(now)
            model.require_open()
            model.require_strike_on_grid(strike)
            if kind == ASK:
                model.require_openable(strike, now)
            funding = model.funding_index(strike, model.clock_at(now)) if strike in model.outside else 0
            quote, rates = model.quote(strike, side), model.margin_rates(now)
            value = {ASK: quote.ask_wad, BID: quote.bid_wad, MARK: quote.mark_wad}[kind]
            strike_wad = model.pricing.strike_wad(strike)
            rates_wad = rates.initial_wad, rates.maintenance_wad
            answer = (funding, model.price_wad, strike_wad, value, *rates_wad, model.updated_at)
        return answer

    def outcome(self, ask: Any) -> Any:
        try:
            answer = ask()
        except Reverted as error:
            return error.name, list(error.values)
        except ModelRevert as error:
            self.seen[error.error] += 1
            return error.error, list(error.details.values())
        self.seen["quotes"] += 1
        return answer


def marks(market: Contract, strikes: list[int], asks: bool) -> list[tuple[int, int, int]]:
    """`market.marks`, read word by word: the general decoder takes longer than all else together."""
    data = market.chain.call(market.address, market.marks.encode(strikes, asks))[64:]
    words = [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]
    return list(zip(words[::3], words[1::3], words[2::3], strict=True))


EXPECTED = {
    "running OPEN",
    "stopped OPEN",
    "running STALE",
    "stopped STALE",
    "running HALTED",
    "stopped HALTED",
    "running HALTED breaker",
    "crossings",
    "samples",
    "lumps",
    "died",
    "cancelled",
    "quotes",
    "OptionMarket_NotOpen",
    "OptionMarket_StrikeOutOfBand",
    "OptionMarket_WindingDown",
}


@pytest.mark.parametrize(("kind", "seed"), SEEDS)
def test_the_market_is_the_models_bit_for_bit(kit, kind, seed):
    seen: Counter[str] = Counter()
    for number in range(MARKETS_PER_SEED):
        listings = LISTINGS[kind]
        with kit.chain.anchor():
            pair = Pair(kit, kind, listings[(seed + number) % len(listings)], f"{kind} {seed} {number}")
            try:
                for _ in range(STEPS_PER_MARKET * 5 // 6):
                    pair.step()
                pair.wind_down()
                for _ in range(STEPS_PER_MARKET // 6):
                    pair.step()
            except BaseException:
                print(f"{kind} seed {seed}, market {number} ({pair.listing.name}), step {len(pair.log)}:")
                print("\n".join(pair.log[-40:]))
                raise
        seen += pair.seen
    print(f"{kind} seed {seed}: {dict(seen)}")
    expected = EXPECTED | ({"running CLOSED", "stopped CLOSED"} if kind == "stock" else {"clamped"})
    assert not expected - set(seen), f"never reached: {expected - set(seen)}"
