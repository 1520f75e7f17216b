"""Any sequence of operations: conservation, cover and books hold after every step."""

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from model_scene import BTC_USD, KEEPER, TOKEN, UNIT, build_scene

from everstock.model.book import Layer
from everstock.model.checks import check_all, circulating
from everstock.model.errors import ModelRevert
from everstock.model.market import ScheduledEvent
from everstock.model.primitives import DAY, WAD
from everstock.model.system import PositionId, Side

TRADERS = ("first trader", "second trader")
PROVIDERS = ("provider", "second provider")
OTHER_TOKEN = "other margin"


class Player:
    """Acts at random on two tokens; counts what succeeded, so that no rule is vacuous."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.scene = build_scene()
        self.system = self.scene.system
        self.usd = float(BTC_USD)
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.system.list_token(OTHER_TOKEN, 100)
        for token, unit in ((TOKEN, UNIT), (OTHER_TOKEN, 10**6)):
            for owner in (*TRADERS, *PROVIDERS):
                self.system.fund(token, owner, 2000 * unit)
            for trader in TRADERS:
                self.system.deposit_margin(token, trader, 30 * unit)
            for layer in Layer:
                self.system.pool_deposit(token, layer, PROVIDERS[1], 300 * unit)
        self.supply = {token: circulating(self.system, token) for token in (TOKEN, OTHER_TOKEN)}

    def step(self) -> None:
        rules = [self.pass_time] * 6 + [self.open] * 4 + [self.close, self.settle, self.withdraw, self.deposit_margin]
        rules += [self.keep] * 3 + [self.deposit, self.request, self.execute, self.claim, self.schedule]
        rule = self.rng.choice(rules)
        try:
            rule()
        except ModelRevert as revert:
            self.refused[revert.error] += 1
        else:
            self.done[rule.__name__] += 1

    def token(self) -> tuple[str, int]:
        return self.rng.choice(((TOKEN, UNIT), (OTHER_TOKEN, 10**6)))

    def amount(self, unit: int, most: int) -> int:
        return self.rng.choice((1, unit // 7, self.rng.randint(1, most * unit)))

    def held(self) -> tuple[str, str, PositionId]:
        choices = [(o, t, p) for (o, t), each in self.system.options.accounts.items() for p in each.positions]
        if not choices:
            raise ModelRevert("nothing held")
        return self.rng.choice(choices)

    # ── rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def pass_time(self) -> None:
        self.usd *= 1 + self.rng.choice((0, 0.001, 0.001, 0.01, 0.02, 0.04, 0.06, 0.12)) * self.rng.choice((1, -1))
        self.usd = min(max(self.usd, 500.0), 5e6)
        self.system.warp(self.rng.choice((1, 60, 900, 3600, DAY)))
        if self.rng.random() < 0.95:
            self.scene.price(self.usd)
        if self.rng.random() < 0.8:
            self.system.poke(0)

    def open(self) -> None:
        token, unit = self.token()
        cell = self.system.options.markets[0].cell
        strike = max(-164, min(164, cell + self.rng.randint(-9, 9)))
        position_id = PositionId(0, strike, self.rng.choice(list(Side)))
        self.system.open(self.rng.choice(TRADERS), token, position_id, self.amount(unit, 60))

    def close(self) -> None:
        owner, token, position_id = self.held()
        held = self.system.options.account(owner, token).positions[position_id].notional
        self.system.close(owner, token, position_id, self.rng.choice((held, held // 2, self.rng.randint(1, held))))

    def keep(self) -> None:
        owner, token, position_id = self.held()
        keepers = (self.system.liquidate, self.system.exercise)
        self.rng.choice(keepers)(owner, token, position_id, KEEPER)

    def settle(self) -> None:
        self.system.settle(self.rng.choice(TRADERS), self.token()[0])

    def withdraw(self) -> None:
        token, unit = self.token()
        trader = self.rng.choice(TRADERS)
        health = self.system.health(trader, token)
        most = max(1, health.equity - health.initial_margin)
        self.system.withdraw_margin(trader, token, self.rng.choice((most, self.amount(unit, 10))))

    def deposit_margin(self) -> None:
        token, unit = self.token()
        self.system.deposit_margin(token, self.rng.choice(TRADERS), self.amount(unit, 10))

    def deposit(self) -> None:
        token, unit = self.token()
        self.system.pool_deposit(token, self.rng.choice(list(Layer)), self.rng.choice(PROVIDERS), self.amount(unit, 50))

    def request(self) -> None:
        token, _ = self.token()
        layer, provider = self.rng.choice(list(Layer)), self.rng.choice(PROVIDERS)
        shares = self.system.pools[token, layer].shares_of(provider)
        self.system.request_redeem(token, layer, provider, self.rng.randint(1, max(1, shares)))

    def execute(self) -> None:
        token, layer, provider = self.rng.choice((TOKEN, OTHER_TOKEN)), self.rng.choice(list(Layer)), PROVIDERS[0]
        requests = self.system.pools[token, layer].requests
        self.system.execute_redemption(token, layer, next(iter(requests), provider))

    def claim(self) -> None:
        claims = [(*key, owner) for key, pool in self.system.pools.items() for owner in pool.claims]
        if not claims:
            raise ModelRevert("nothing to claim")
        token, layer, owner = self.rng.choice(claims)
        claim = self.system.pools[token, layer].claims[owner]
        if self.rng.random() < 0.5:
            self.system.redeem(token, layer, owner, self.rng.randint(1, claim.shares))
        else:
            self.system.withdraw_claim(token, layer, owner, self.rng.randint(1, claim.assets))

    def schedule(self) -> None:
        at = self.system.now + 2 * DAY + self.rng.randint(0, DAY)
        if len(self.system.options.markets[0].events) < 3:
            self.system.schedule_event(0, ScheduledEvent(at, 15 * WAD // 10 * 6, WAD // 10))

    def check(self) -> None:
        check_all(self.system)
        for token, supply in self.supply.items():
            assert circulating(self.system, token) == supply, "X3"


@given(st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_invariants_hold_after_every_operation(seed: int) -> None:
    player = Player(seed)
    for _ in range(120):
        player.step()
        player.check()


def test_every_rule_succeeds_sometimes() -> None:
    done: Counter[str] = Counter()
    for seed in range(4):
        player = Player(seed)
        for _ in range(500):
            player.step()
        player.check()
        done += player.done
    rules = {"pass_time", "open", "close", "keep", "settle", "withdraw", "deposit_margin", "deposit", "request"}
    assert rules | {"execute", "claim", "schedule"} <= set(done)


@given(st.integers(0, 2**32))
@settings(max_examples=8, deadline=None)
def test_x8_after_a_wind_down_everyone_can_leave(seed: int) -> None:
    player = Player(seed)
    system = player.system
    for _ in range(100):
        player.step()
    system.announce_wind_down(0, int(player.usd) * WAD * 6 // 5, system.now + 3 * DAY)
    for _ in range(40):
        player.step()
        player.check()
    system.warp(3 * DAY)
    for owner, token in list(system.options.accounts):
        for position_id in list(system.options.accounts[owner, token].positions):
            system.close_frozen(owner, token, position_id)
            player.check()
    for token, layer in system.pools:
        book = system.options.books[token]
        assert book.reserved(layer) == 0
        assert system.nav(token, layer, for_deposit=False).nav == book.cash(layer)
