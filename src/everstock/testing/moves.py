"""What actors may do next, by construction mostly valid: each move reads the model, chooses, and runs operations.

A `Chooser` makes every choice, so that the same moves serve a seeded random walk and a property machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol, TypeVar

from everstock.model.accounts import AccountModel, PositionId
from everstock.model.book import BookModel, Layer
from everstock.model.market import MAX_EVENTS, MarketModel, Phase
from everstock.model.oracle import PriceStatus
from everstock.model.pool import Claim
from everstock.model.pricing import KAPPA_MAIN_WAD, MAX_STRIKE, Side
from everstock.model.system import ALL
from everstock.model.vault import FREE
from everstock.testing.lockstep import (
    ACTORS,
    BREAKER_UNIT_WAD,
    KEEPER,
    LAYERS,
    PROVIDERS,
    STRANGER,
    TRADERS,
    WAD,
    Lockstep,
)

T = TypeVar("T")

HOUR = 3_600
DAY = 86_400
MIN_ANSWER = 100  # 1e-6 USD: the oracle's lowest price
UINT112 = 2**112 - 1


class Chooser(Protocol):
    """Makes the choices."""

    def integer(self, low: int, high: int) -> int: ...

    def choice(self, options: Sequence[T]) -> T: ...

    def chance(self, percent: int) -> bool: ...


@dataclass
class RandomChooser:
    """From a seed."""

    random: Random

    def integer(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def choice(self, options: Sequence[T]) -> T:
        return self.random.choice(options)

    def chance(self, percent: int) -> bool:
        return self.random.random() * 100 < percent


Move = Callable[[Lockstep, Chooser], None]


def amount_between(pick: Chooser, low: int, high: int) -> int:
    """An end of the range, or anything between, small ones as often as large ones."""
    if high <= low:
        return low
    kind = pick.integer(0, 9)
    if kind == 0:
        return low
    if kind == 1:
        return high
    if kind < 5:
        return pick.integer(low, high)
    ratio = pick.integer(0, 10**6) / 10**6
    return min(high, max(low, int(math.exp(math.log(low + 1) * (1 - ratio) + math.log(high + 1) * ratio)) - 1))


# ── what there is ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True)
class Held:
    """A position and whose it is."""

    owner: str
    token: str
    id: PositionId
    notional: int

    @property
    def where(self) -> dict[str, Any]:
        """As operations take it."""
        market_id, strike, side = self.id
        named = {"owner": self.owner, "token": self.token}
        return {**named, "market": market_id, "strike": strike, "side": side.value}


def _of(account: AccountModel) -> list[Held]:
    owner, token = account.owner, account.book.token
    return [Held(owner, token, position_id, each.notional) for position_id, each in account.positions.items()]


def held(world: Lockstep) -> list[Held]:
    return [each for account in world.model.options.accounts.values() for each in _of(account)]


def market_of(world: Lockstep, market_id: int) -> MarketModel:
    return world.model.options.markets[market_id]


def is_tradable(world: Lockstep, market_id: int) -> bool:
    return market_of(world, market_id).status_at(world.model.now) is PriceStatus.OPEN


def book_of(world: Lockstep, token: str) -> BookModel:
    return world.model.options.books[token]


def answer_of(world: Lockstep, asset: str) -> int:
    last = world.model.oracles[asset].print
    assert last is not None
    return max(MIN_ANSWER, last.price_wad // BREAKER_UNIT_WAD)


def shares_of(world: Lockstep, token: str, layer: str, owner: str) -> int:
    return world.model.pools[token, LAYERS[layer]].shares_of(owner)


def unit(world: Lockstep, token: str) -> int:
    return int(10 ** world.system.tokens[token].decimals)


def assets(world: Lockstep) -> list[str]:
    return list(world.model.oracles)


def random_pool(world: Lockstep, pick: Chooser) -> tuple[str, str]:
    return pick.choice(world.tokens), pick.choice(list(LAYERS))


# ── the world ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def begin(world: Lockstep) -> None:
    """Everybody has tokens; pools have cash, traders margin."""
    for token in world.tokens:
        one = unit(world, token)
        for actor in ACTORS:
            world.run("fund", token=token, owner=actor, amount=1_000_000 * one)
        for provider, share in zip(PROVIDERS, (5, 3, 1), strict=True):
            world.run("pool_deposit", token=token, layer="main", provider=provider, assets=share * 1_000 * one)
            world.run("pool_deposit", token=token, layer="insurance", provider=provider, assets=share * 400 * one)
        for trader in TRADERS:
            world.run("deposit_margin", token=token, owner=trader, amount=100 * one)


def publish_all(world: Lockstep, pick: Chooser, most_bps: int) -> None:
    for asset in assets(world):
        bps = pick.integer(-most_bps, most_bps)
        answer = max(MIN_ANSWER, answer_of(world, asset) * (10_000 + bps) // 10_000)
        world.run("publish", asset=asset, answer=answer)


def poke_some(world: Lockstep, pick: Chooser, percent: int = 60) -> None:
    for market_id in world.model.options.markets:
        if pick.chance(percent):
            world.run("poke", market=market_id)


def tick(world: Lockstep, pick: Chooser) -> None:
    """Time passes, prices move a little, keepers poke."""
    seconds = pick.choice((2, 12, 60, 599, 600, 900, 1_200, 3_600))
    world.run("warp", seconds=seconds)
    publish_all(world, pick, 100)
    poke_some(world, pick)


def night(world: Lockstep, pick: Chooser) -> None:
    """A long time passes, then prices come back."""
    world.run("warp", seconds=pick.integer(HOUR, 3 * DAY))
    if pick.chance(80):
        publish_all(world, pick, 300)
        poke_some(world, pick, 90)


def morning(world: Lockstep, pick: Chooser) -> None:
    """To some minutes after the next opening of the stock market, with fresh prices."""
    calendar = next((each.calendar for each in world.model.oracles.values() if not each.calendar.always_open), None)
    if calendar is None:
        return
    now = world.model.now
    opening = now
    while not calendar.session_at(opening)[0]:
        opening += HOUR // 2
    world.run("warp", seconds=opening - now + pick.choice((0, 600, HOUR)))
    publish_all(world, pick, 100)
    poke_some(world, pick, 80)


def pass_silently(world: Lockstep, pick: Chooser) -> None:
    """Time passes and nobody prints."""
    world.run("warp", seconds=pick.choice((2, 60, 600, 4_199, 4_200, 4_201, DAY)))
    if pick.chance(50):
        poke_some(world, pick)


def jump(world: Lockstep, pick: Chooser) -> None:
    """A price at the edge of the breaker, or beyond it and confirmed or not."""
    asset = pick.choice(assets(world))
    world.run("warp", seconds=pick.choice((2, 30, 600, 1_200)))
    now = answer_of(world, asset)
    factor = pick.choice((8_000, 8_900, 8_999, 9_000, 9_001, 9_500, 10_500, 10_999, 11_000, 11_001, 11_200, 12_000))
    there = max(MIN_ANSWER, now * factor // 10_000)
    world.run("publish", asset=asset, answer=there)
    poke_some(world, pick)
    if pick.chance(70):
        world.run("warp", seconds=pick.choice((299, 300, 301, 600)))
        nearby = pick.choice((9_499, 9_500, 10_000, 10_400, 10_501))
        world.run("publish", asset=asset, answer=max(MIN_ANSWER, there * nearby // 10_000))
        poke_some(world, pick, 80)


def walk(world: Lockstep, pick: Chooser) -> None:
    """Far in one direction, as fast as the breaker lets one go; out of the market's range at times."""
    asset = pick.choice(assets(world))
    market_id = next(i for i, each in enumerate(world.market_assets) if each == asset)
    reference = market_of(world, market_id).config.reference_price_wad // BREAKER_UNIT_WAD
    away = math.log(answer_of(world, asset) / reference)
    outwards = 1 if away > 0 else -1
    towards = outwards if pick.chance(70 if abs(away) < math.log(30) else 0) else -outwards
    for _ in range(pick.integer(3, 14)):
        world.run("warp", seconds=pick.choice((1_200, 1_260)))
        answer = answer_of(world, asset) * (10_950 if towards > 0 else 9_060) // 10_000
        world.run("publish", asset=asset, answer=max(MIN_ANSWER, answer))
        for market, its in enumerate(world.market_assets):
            if its == asset:
                world.run("poke", market=market)
        if pick.chance(30):
            keep(world, pick)


def misprint(world: Lockstep, pick: Chooser) -> None:
    """A print that is stale, from the future, zero or negative; a good one follows at times."""
    asset = pick.choice(assets(world))
    good = answer_of(world, asset)
    answer, age = pick.choice(((good, 4_300), (good, -5), (0, 0), (-1, 0), (good, 4_200), (99, 0), (good, 90_000)))
    world.run("publish", asset=asset, answer=answer, age=age)
    poke_some(world, pick)
    if pick.chance(80):
        world.run("warp", seconds=pick.choice((2, 600)))
        world.run("publish", asset=asset, answer=good)
        poke_some(world, pick)


def poke(world: Lockstep, pick: Chooser) -> None:
    market_id = pick.choice(list(world.model.options.markets))
    world.run(pick.choice(("poke", "accrue")), market=market_id)


# ── traders ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def capacity(world: Lockstep, owner: str, token: str, position: PositionId) -> int:
    """About the largest notional that could be opened: by the account's margin, the pools' cash and the side limit."""
    model = world.model
    book, market = book_of(world, token), market_of(world, position.market_id)
    ask_wad = market.quote(position.strike, position.side).ask_wad
    health = model.health(owner, token)
    rate_wad = ask_wad + WAD // 2000 + market.margin_rates(model.now).initial_wad
    by_margin = max(0, health.equity - health.initial_margin) * WAD // rate_wad
    sold = book.call_notional if position.side is Side.CALL else book.put_notional
    by_side = book.cash(Layer.MAIN) * 8 // 10 - sold
    by_insurance = book.cash(Layer.INSURANCE) * 4 - book.notional
    by_main = book.cash(Layer.MAIN) * 4 // 3 - book.notional
    return max(0, min(by_margin, by_side, by_insurance, by_main))


def open_position(world: Lockstep, pick: Chooser) -> None:
    tradable = [i for i in world.model.options.markets if is_tradable(world, i)]
    in_range = [i for i in tradable if market_of(world, i).pricing.price_in_range(market_of(world, i).price_wad)]
    market_id = pick.choice((in_range if pick.chance(90) else tradable) or list(world.model.options.markets))
    market = market_of(world, market_id)
    openable = [token for token in world.tokens if not book_of(world, token).close_only]
    token = pick.choice(openable if openable and pick.chance(90) else world.tokens)
    owner, side = pick.choice(TRADERS), pick.choice((Side.CALL, Side.PUT))
    latest = answer_of(world, world.market_assets[market_id]) * BREAKER_UNIT_WAD
    strike = market.pricing.cell(latest) + pick.choice((-9, -5, -2, -1, 0, 0, 1, 2, 5, 9))
    strike = max(-MAX_STRIKE, min(MAX_STRIKE, strike))
    mine = world.model.options.account(owner, token).positions
    again = [each for each in mine if each.market_id == market_id]
    if again and pick.chance(30):
        _, strike, side = pick.choice(again)
    position = PositionId(market_id, strike, side)
    minimum = book_of(world, token).min_notional
    most = capacity(world, owner, token, position) * 97 // 100
    args: dict[str, Any] = {"notional": amount_between(pick, minimum, max(minimum, most))}
    if pick.chance(6):
        args.update(
            pick.choice(
                (
                    {"notional": 0},
                    {"notional": minimum - 1},
                    {"notional": most * 2 + 1},
                    {"notional": UINT112},
                    {"notional": UINT112 - 1},
                    {"deadline": world.model.now - 1},
                    {"deadline": world.model.now},
                    {"caller": STRANGER},
                    {"limit": 0},
                    {"strike": min(MAX_STRIKE, strike + 20)},
                    {"strike": max(-MAX_STRIKE, strike - 20)},
                    {"strike": MAX_STRIKE + 1},
                    {"strike": -MAX_STRIKE - 1},
                    {"market": 99},
                )
            )
        )
    where = {"owner": owner, "token": token, "market": market_id, "strike": strike, "side": side.value}
    world.run("open", **{**where, **args})


def crowd(world: Lockstep, pick: Chooser) -> None:
    """One trader takes as many strikes as it may, at the minimum."""
    market_id = pick.choice(list(world.model.options.markets))
    if not is_tradable(world, market_id):
        return
    market, owner, token = market_of(world, market_id), pick.choice(TRADERS), pick.choice(world.tokens)
    minimum = book_of(world, token).min_notional
    cell = market.pricing.cell(answer_of(world, world.market_assets[market_id]) * BREAKER_UNIT_WAD)
    side = pick.choice((Side.CALL, Side.PUT))
    start = pick.integer(-10, -1)
    for offset in range(start, start + 17):
        strike = max(-MAX_STRIKE, min(MAX_STRIKE, cell + offset))
        if capacity(world, owner, token, PositionId(market_id, strike, side)) < minimum:
            world.run("deposit_margin", token=token, owner=owner, amount=10 * minimum)
        where = {"owner": owner, "token": token, "market": market_id, "strike": strike, "side": side.value}
        if world.run("open", **where, notional=minimum).refused:
            return


def pick_held(world: Lockstep, pick: Chooser, wanted: Callable[[Held], bool] | None = None) -> Held | None:
    options = [each for each in held(world) if wanted is None or wanted(each)]
    return pick.choice(options) if options else None


def close_position(world: Lockstep, pick: Chooser) -> None:
    each = pick_held(world, pick, lambda one: is_tradable(world, one.id.market_id)) or pick_held(world, pick)
    if each is None:
        return
    minimum = book_of(world, each.token).min_notional
    kind = pick.integer(0, 9)
    notional = each.notional if kind < 3 else ALL
    if kind >= 6 and each.notional > minimum:
        notional = amount_between(pick, 1, each.notional - minimum)
    args: dict[str, Any] = {"notional": notional}
    if pick.chance(5):
        args.update(
            pick.choice(
                (
                    {"notional": 0},
                    {"notional": each.notional + 1},
                    {"notional": max(1, each.notional - 1)},
                    {"deadline": world.model.now - 1},
                    {"caller": STRANGER},
                    {"limit": 2 * each.notional},
                    {"strike": each.id.strike + 1},
                    {"market": 99},
                )
            )
        )
    world.run("close", **{**each.where, **args})


def settle(world: Lockstep, pick: Chooser) -> None:
    each = pick_held(world, pick)
    owner, token = (each.owner, each.token) if each else (pick.choice(TRADERS), pick.choice(world.tokens))
    world.run("settle", owner=owner, token=token, caller=pick.choice((owner, KEEPER, STRANGER)))


def top_up(world: Lockstep, pick: Chooser) -> None:
    token, owner = pick.choice(world.tokens), pick.choice(TRADERS)
    amount = amount_between(pick, 1, 200 * unit(world, token))
    if pick.chance(4):
        amount = pick.choice((0, world.model.vault.wallet(token, owner) + 1))
    if pick.chance(3):
        owner = f"{token}:main"  # a sealed entry
        world.run("deposit_margin", token=token, owner=owner, amount=amount, payer=STRANGER)
        return
    world.run("deposit_margin", token=token, owner=owner, amount=amount, payer=pick.choice((owner, owner, STRANGER)))


def withdraw(world: Lockstep, pick: Chooser) -> None:
    token, owner = pick.choice(world.tokens), pick.choice(TRADERS)
    health = world.model.health(owner, token)
    most = max(0, min(health.balance, health.equity - health.initial_margin))
    amount = amount_between(pick, 1, most)
    if pick.chance(8):
        amount = pick.choice((0, most + 1, health.balance, health.balance + 1, UINT112))
    world.run("withdraw_margin", token=token, owner=owner, amount=amount)


def let_operate(world: Lockstep, pick: Chooser) -> None:
    """An operator is named, trades, and is dismissed at times."""
    owner, operator = pick.choice(TRADERS), pick.choice((KEEPER, STRANGER))
    world.run("set_operator", owner=owner, operator=operator, approved=True)
    each = pick_held(world, pick, lambda one: one.owner == owner)
    if each:
        world.run("close", **each.where, notional=ALL, caller=operator)
    if pick.chance(90):
        world.run("set_operator", owner=owner, operator=operator, approved=False)


# ── keepers ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def keep(world: Lockstep, pick: Chooser) -> None:
    """Whatever is due: liquidations, exercises, frozen closes, evictions; at times something that is not."""
    due = [*_liquidations(world), *_exercises(world), *_frozen(world)]
    if due and pick.chance(90):
        name, each = pick.choice(due)
        world.run(name, **each.where, keeper=pick.choice((KEEPER, KEEPER, STRANGER, each.owner)))
        return
    each_ = pick_held(world, pick)
    if each_ is None:
        return
    name = pick.choice(("liquidate", "exercise", "evict", "close_frozen"))
    where = each_.where
    if pick.chance(10):
        where["strike"] += 1
    world.run(name, **where)


def _liquidations(world: Lockstep) -> list[tuple[str, Held]]:
    found = []
    tradable = [i for i in world.model.options.markets if is_tradable(world, i)]
    for (owner, token), account in world.model.options.accounts.items():
        if account.positions:
            health = world.model.health(owner, token)
            if health.equity < health.maintenance_margin:
                found += [("liquidate", each) for each in _of(account) if each.id.market_id in tradable]
    return found


def _exercises(world: Lockstep) -> list[tuple[str, Held]]:
    return [
        ("exercise", each)
        for each in held(world)
        if is_tradable(world, each.id.market_id)
        and market_of(world, each.id.market_id).quote(each.id.strike, each.id.side).mark_wad >= KAPPA_MAIN_WAD
    ]


def _frozen(world: Lockstep) -> list[tuple[str, Held]]:
    now = world.model.now
    return [
        ("close_frozen", each) for each in held(world) if market_of(world, each.id.market_id).phase(now) is Phase.FROZEN
    ]


def liquidate(world: Lockstep, pick: Chooser) -> None:
    due = _liquidations(world)
    if due:
        _, each = pick.choice(due)
        world.run("liquidate", **each.where, keeper=pick.choice((KEEPER, STRANGER, each.owner)))
    elif any_ := pick_held(world, pick):
        world.run("liquidate", **any_.where)


def starve(world: Lockstep, pick: Chooser) -> None:
    """Somebody trades at the edge of margin and time passes: liquidations, or debts, come due."""
    each = pick_held(world, pick)
    if each is None:
        return
    health = world.model.health(each.owner, each.token)
    most = min(health.balance, health.equity - health.initial_margin)
    if most > 0:
        world.run("withdraw_margin", token=each.token, owner=each.owner, amount=most)
    for _ in range(pick.integer(1, 4)):
        world.run("warp", seconds=pick.choice((DAY // 2, DAY, 3 * DAY)))
        publish_all(world, pick, 200)
        poke_some(world, pick, 80)
        if pick.chance(40):
            world.run("settle", owner=each.owner, token=each.token, caller=KEEPER)
        if pick.chance(60):
            liquidate(world, pick)


def overcrowd(world: Lockstep, pick: Chooser) -> None:
    """As many strikes as a pool may have, left behind by the price: dust that anybody may evict."""
    market_id = 0
    if not is_tradable(world, market_id):
        return
    token, asset = pick.choice(world.tokens), world.market_assets[market_id]
    minimum = book_of(world, token).min_notional
    side = pick.choice((Side.CALL, Side.PUT))
    for crowd_of, owner in enumerate(TRADERS[:3]):
        world.run("fund", token=token, owner=owner, amount=1_000 * minimum)
        world.run("deposit_margin", token=token, owner=owner, amount=1_000 * minimum)
        cell = market_of(world, market_id).cell
        notional = 150 * minimum if crowd_of == 0 else minimum
        for strike in [cell] if crowd_of == 0 else range(cell - 8, cell + 8):
            where = {"owner": owner, "token": token, "market": market_id, "side": side.value}
            world.run("open", **where, strike=strike, notional=notional)
        for _ in range(5):
            world.run("warp", seconds=1_200)
            answer = answer_of(world, asset) * 10_950 // 10_000
            world.run("publish", asset=asset, answer=answer)
            world.run("poke", market=market_id)
    evict(world, pick)


def ride(world: Lockstep, pick: Chooser) -> None:
    """Somebody buys at the money, the price runs away, and the position is exercised."""
    market_id = pick.choice([i for i in world.model.options.markets if is_tradable(world, i)] or [0])
    asset, token, owner = world.market_assets[market_id], pick.choice(world.tokens), pick.choice(TRADERS)
    market, minimum = market_of(world, market_id), book_of(world, token).min_notional
    where = {"owner": owner, "token": token, "market": market_id, "strike": market.cell, "side": Side.CALL.value}
    world.run("deposit_margin", token=token, owner=owner, amount=20 * minimum)
    if not -MAX_STRIKE <= market.cell <= MAX_STRIKE or world.run("open", **where, notional=2 * minimum).refused:
        return
    for _ in range(7):
        world.run("warp", seconds=1_200)
        world.run("publish", asset=asset, answer=answer_of(world, asset) * 10_950 // 10_000)
        world.run("poke", market=market_id)
    world.run("exercise", **where)


def evict(world: Lockstep, pick: Chooser) -> None:
    """A far and small strike, if a cap is reached."""
    far = []
    for each in held(world):
        market = market_of(world, each.id.market_id)
        if is_tradable(world, each.id.market_id) and abs(each.id.strike - market.cell) > 11:
            far.append(each)
    if far:
        world.run("evict", **pick.choice(far).where)


def freeze(world: Lockstep, pick: Chooser) -> None:
    market_id, token = pick.choice(list(world.model.options.markets)), pick.choice(world.tokens)
    frozen = [i for i, each in world.model.options.markets.items() if each.phase(world.model.now) is Phase.FROZEN]
    world.run("freeze", token=token, market=pick.choice(frozen) if frozen else market_id)


def accrue_rent(world: Lockstep, pick: Chooser) -> None:
    token, layer = random_pool(world, pick)
    world.run("accrue_rent", token=token, layer=layer)


# ── liquidity providers ───────────────────────────────────────────────────────────────────────────────────────────────
def pool_deposit(world: Lockstep, pick: Chooser) -> None:
    token, layer = random_pool(world, pick)
    amount = amount_between(pick, 1, 3_000 * unit(world, token))
    args: dict[str, Any] = {"assets": amount}
    if pick.chance(6):
        args.update(pick.choice(({"assets": 0}, {"min_shares": 2**200}, {"assets": 10**40})))
    world.run("pool_deposit", token=token, layer=layer, provider=pick.choice((*PROVIDERS, STRANGER)), **args)


def pool_mint(world: Lockstep, pick: Chooser) -> None:
    token, layer = random_pool(world, pick)
    shares = amount_between(pick, 1, 1_000 * unit(world, token) * 10**6)
    if pick.chance(4):
        shares = 0
    world.run("pool_mint", token=token, layer=layer, provider=pick.choice(PROVIDERS), shares=shares)


def transfer_shares(world: Lockstep, pick: Chooser) -> None:
    token, layer = random_pool(world, pick)
    sender, receiver = pick.choice(PROVIDERS), pick.choice((*PROVIDERS, STRANGER))
    most = shares_of(world, token, layer, sender)
    shares = amount_between(pick, 0, most // 4) if pick.chance(95) else most + 1
    world.run("transfer_shares", token=token, layer=layer, sender=sender, receiver=receiver, shares=shares)


def request_redeem(world: Lockstep, pick: Chooser) -> None:
    token, layer = random_pool(world, pick)
    owners = [name for name in (*PROVIDERS, STRANGER) if shares_of(world, token, layer, name)]
    if not owners:
        return
    owner = pick.choice(owners)
    most = shares_of(world, token, layer, owner)
    shares = amount_between(pick, 1, most) if pick.chance(94) else pick.choice((0, most + 1))
    world.run("request_redeem", token=token, layer=layer, owner=owner, shares=shares)


def execute_redemption(world: Lockstep, pick: Chooser) -> None:
    """One that has cooled down if there is any; or wait for one."""
    now = world.model.now
    waiting = [
        (token, layer, owner, request.executable_at)
        for (token, kind), pool in world.model.pools.items()
        for layer in (kind.name.lower(),)
        for owner, request in pool.requests.items()
    ]
    ready = [each for each in waiting if each[3] <= now]
    if ready and pick.chance(90):
        token, layer, owner, _ = pick.choice(ready)
        if pick.chance(70):
            world.run("warp", seconds=2)
            publish_all(world, pick, 10)
    elif waiting:
        token, layer, owner, at = pick.choice(waiting)
        if pick.chance(50) and at > now:
            world.run("warp", seconds=at - now)
            publish_all(world, pick, 200)
    elif pick.chance(50):
        _redeem_something(world, pick)
        return
    else:
        (token, layer), owner = random_pool(world, pick), pick.choice(PROVIDERS)
    world.run("execute_redemption", token=token, layer=layer, controller=owner)


def _claims(world: Lockstep) -> list[tuple[str, str, str, Claim]]:
    return [
        (token, kind.name.lower(), owner, each)
        for (token, kind), pool in world.model.pools.items()
        for owner, each in pool.claims.items()
    ]


def _redeem_something(world: Lockstep, pick: Chooser) -> None:
    """A request, its cooldown, and its execution at fresh prices."""
    token, layer = random_pool(world, pick)
    owner = pick.choice(PROVIDERS)
    pool = world.model.pools[token, LAYERS[layer]]
    if owner not in pool.requests:
        shares = shares_of(world, token, layer, owner) // 8
        if world.run("request_redeem", token=token, layer=layer, owner=owner, shares=shares).refused:
            return
    world.run("warp", seconds=max(0, pool.requests[owner].executable_at - world.model.now))
    morning(world, pick)
    publish_all(world, pick, 50)
    world.run("execute_redemption", token=token, layer=layer, controller=owner)


def claim(world: Lockstep, pick: Chooser) -> None:
    if not _claims(world) and pick.chance(50):
        _redeem_something(world, pick)
    open_claims = _claims(world)
    if not open_claims:
        return
    token, layer, owner, each = pick.choice(open_claims)
    name, key, most = pick.choice((("redeem", "shares", each.shares), ("withdraw_claim", "assets", each.assets)))
    amount = amount_between(pick, 1, most) if pick.chance(93) else pick.choice((0, most + 1))
    world.run(name, token=token, layer=layer, controller=owner, **{key: amount})


def withdraw_free(world: Lockstep, pick: Chooser) -> None:
    """Keepers fetch their rewards, the treasury its fees."""
    owners = [
        (token, name)
        for token in world.tokens
        for name in ("treasury", KEEPER, STRANGER, *TRADERS)
        if world.model.vault.balance(token, FREE, name)
    ]
    if not owners:
        return
    token, owner = pick.choice(owners)
    most = world.model.vault.balance(token, FREE, owner)
    amount = amount_between(pick, 1, most) if pick.chance(93) else pick.choice((0, most + 1))
    world.run("withdraw_free", token=token, owner=owner, amount=amount)


def collect_fees(world: Lockstep, pick: Chooser) -> None:
    world.run("collect_fees", token=pick.choice(world.tokens), caller=STRANGER)


def pool_fund(world: Lockstep, pick: Chooser) -> None:
    """Keepers and the treasury put what they have earned into a pool, for a provider."""
    token, layer = random_pool(world, pick)
    payers = [name for name in ("treasury", KEEPER, *TRADERS) if world.model.vault.balance(token, FREE, name)]
    payer = pick.choice(payers) if payers else KEEPER
    most = world.model.vault.balance(token, FREE, payer)
    args: dict[str, Any] = {"assets": amount_between(pick, 1, most) if most else 1}
    if pick.chance(10):
        args.update(pick.choice(({"assets": 0}, {"assets": most + 1}, {"min_shares": 2**200})))
    world.run("pool_fund", token=token, layer=layer, payer=payer, receiver=pick.choice(PROVIDERS), **args)


def donate(world: Lockstep, pick: Chooser) -> None:
    token = pick.choice(world.tokens)
    target = pick.choice(("vault", f"{token}:main", f"{token}:insurance"))
    amount = amount_between(pick, 0, 1_000 * unit(world, token))
    world.run("donate", token=token, payer=STRANGER, target=target, amount=amount)


# ── governance ────────────────────────────────────────────────────────────────────────────────────────────────────────
def pause_opening(world: Lockstep, pick: Chooser) -> None:
    until = world.model.now + pick.choice((0, 60, HOUR, 7 * DAY, 7 * DAY + 1))
    market_id = pick.choice(list(world.model.options.markets))
    if pick.chance(60):
        until = min(until, world.model.now + HOUR)
    world.run("pause_opening", market=market_id, until=until)


def delist(world: Lockstep, pick: Chooser) -> None:
    """Close-only for a while, or another minimum."""
    token = pick.choice(world.tokens)
    book = book_of(world, token)
    if book.close_only:
        world.run("set_token", token=token, min_notional=book.min_notional, close_only=False)
        return
    minimum = unit(world, token) * pick.choice((1, 1, 2, 3)) // pick.choice((1, 2))
    world.run("set_token", token=token, min_notional=minimum, close_only=pick.chance(30))


def schedule_event(world: Lockstep, pick: Chooser) -> None:
    market_id = pick.choice(list(world.model.options.markets))
    events = market_of(world, market_id).events
    if events and pick.chance(30):
        world.run("cancel_event", market=market_id, at=pick.choice(events).at + pick.choice((0, 0, 0, 1)))
        return
    if len(events) >= MAX_EVENTS - 1 and pick.chance(70):
        return
    at = world.model.now + 2 * DAY + pick.choice((-1, 0, HOUR, DAY, 5 * DAY))
    lump = pick.choice((WAD // 100, WAD // 4, WAD, 3 * WAD))
    world.run("schedule_event", market=market_id, at=at, lump=lump, move=pick.choice((WAD // 50, WAD // 10, WAD // 5)))


def wind_down(world: Lockstep, pick: Chooser) -> None:
    """Announce, call off, or wait for the freeze of a market that is going."""
    now = world.model.now
    market_id = pick.choice(list(world.model.options.markets))
    market = market_of(world, market_id)
    if market.phase(now) is Phase.WINDING_DOWN:
        if pick.chance(40):
            world.run("cancel_wind_down", market=market_id)
        else:
            world.run("warp", seconds=market.freeze_at - now + pick.choice((-1, 0, HOUR)))
            publish_all(world, pick, 200)
        return
    final = max(10**12, market.price_wad * pick.choice((1, 9_000, 10_000, 11_000, 25_000)) // 10_000)
    freeze_at = now + 3 * DAY + pick.choice((-1, 0, 1, DAY))
    world.run("announce_wind_down", market=market_id, final_price=final, freeze_at=freeze_at)


def retire(world: Lockstep, pick: Chooser) -> None:
    """A market is wound down to its freeze, and whoever is in it leaves."""
    now = world.model.now
    active = [i for i, each in world.model.options.markets.items() if each.phase(now) is Phase.ACTIVE]
    busy = [each for each in held(world) if each.id.market_id in active]
    if not busy:
        return
    each = pick.choice(busy)
    market_id = each.id.market_id
    final = market_of(world, market_id).price_wad * pick.choice((8, 10, 12)) // 10
    world.run("announce_wind_down", market=market_id, final_price=final, freeze_at=now + 3 * DAY)
    world.run("warp", seconds=3 * DAY)
    publish_all(world, pick, 100)
    world.run("freeze", token=each.token, market=market_id)
    world.run("close_frozen", **each.where)


# ── mixes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
MOVES: dict[Move, int] = {
    tick: 16,
    night: 2,
    morning: 3,
    pass_silently: 2,
    jump: 2,
    walk: 1,
    misprint: 1,
    poke: 4,
    open_position: 36,
    crowd: 1,
    close_position: 18,
    settle: 5,
    top_up: 5,
    withdraw: 4,
    let_operate: 1,
    keep: 6,
    starve: 1,
    liquidate: 2,
    evict: 1,
    freeze: 1,
    accrue_rent: 2,
    pool_deposit: 4,
    pool_mint: 2,
    transfer_shares: 2,
    request_redeem: 3,
    execute_redemption: 3,
    claim: 3,
    withdraw_free: 2,
    collect_fees: 2,
    pool_fund: 2,
    donate: 1,
    pause_opening: 1,
    delist: 1,
    schedule_event: 1,
    wind_down: 1,
    retire: 1,
    overcrowd: 1,
    ride: 1,
}
RARE: dict[Move, int] = {retire: 0, overcrowd: 0, wind_down: 0}


@dataclass(frozen=True)
class Mix:
    """How often each move comes, as factors over `MOVES`."""

    name: str
    factors: dict[Move, int] = field(default_factory=dict)

    def weights(self) -> list[int]:
        return [weight * self.factors.get(move, 1) for move, weight in MOVES.items()]


MIXES = (
    Mix("everyday", RARE),
    Mix("trending", {**RARE, walk: 8, keep: 4, ride: 4, night: 0}),
    Mix("jumpy", {**RARE, jump: 8, misprint: 5, pass_silently: 3, keep: 3}),
    Mix("starving", {**RARE, starve: 10, liquidate: 6, settle: 3, top_up: 0, night: 5}),
    Mix("crowded", {**RARE, crowd: 12, evict: 12, overcrowd: 3, walk: 3, delist: 0}),
    Mix("leaving", {**RARE, request_redeem: 5, execute_redemption: 6, claim: 5, pool_deposit: 0, morning: 3}),
    Mix("winding down", {wind_down: 4, freeze: 5, keep: 4, schedule_event: 4}),
    Mix("governed", {**RARE, pause_opening: 4, delist: 4, schedule_event: 8, let_operate: 5, donate: 5}),
)
