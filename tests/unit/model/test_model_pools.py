"""Shares, deposits and redemptions."""

import pytest
from model_scene import BTC_USD, PROVIDER, TOKEN, TRADER, UNIT, Scene, build_scene

from everstock.model.book import Layer
from everstock.model.checks import check_all, share_price
from everstock.model.errors import ModelRevert
from everstock.model.oracle import Print
from everstock.model.primitives import DAY
from everstock.model.system import Side

MAIN = Layer.MAIN


def refused(error: str) -> "pytest.RaisesExc[ModelRevert]":
    return pytest.raises(ModelRevert, match=error)


def join_pool(scene: Scene, provider: str, assets: int, layer: Layer = MAIN) -> int:
    scene.system.fund(TOKEN, provider, assets)
    return scene.system.pool_deposit(TOKEN, layer, provider, assets)


def test_the_first_deposit_sets_six_decimals_more(scene: Scene) -> None:
    assert scene.system.pools[TOKEN, MAIN].shares_of(PROVIDER) == 1000 * UNIT * 10**6


def test_attack_17_a_donation_is_nobodys_and_the_first_depositor_takes_nothing() -> None:
    scene = build_scene(main=1, insurance=1)
    system = scene.system
    system.fund(TOKEN, "attacker", 1000 * UNIT)
    with refused("SealedEntry"):
        system.deposit_margin(TOKEN, system.pools[TOKEN, MAIN].name, 100 * UNIT, payer="attacker")
    system.vault.donate(TOKEN, "attacker", 100 * UNIT)
    shares = join_pool(scene, "second", 10 * UNIT)
    nav, supply = share_price(system, TOKEN, MAIN, for_deposit=False)
    assert shares * nav // supply >= 10 * UNIT - 1
    check_all(system)


def test_p3_a_deposit_and_redemption_leave_the_others_no_poorer(scene: Scene) -> None:
    system = scene.system
    system.open(TRADER, TOKEN, scene.option(), 100 * UNIT)
    scene.pass_time(1800, BTC_USD * 1.02)
    system.poke(0)
    nav, supply = share_price(system, TOKEN, MAIN, for_deposit=False)
    shares = join_pool(scene, "joiner", 50 * UNIT)
    later_nav, later_supply = share_price(system, TOKEN, MAIN, for_deposit=False)
    assert later_nav * supply >= nav * later_supply
    system.request_redeem(TOKEN, MAIN, "joiner", shares)
    with refused("AlreadyRequested"):
        system.request_redeem(TOKEN, MAIN, "joiner", 1)
    with refused("CoolingDown"):
        system.execute_redemption(TOKEN, MAIN, "joiner")
    for _ in range(24):
        scene.pass_time(3600, BTC_USD * 1.02)
        system.poke(0)
    nav, supply = share_price(system, TOKEN, MAIN, for_deposit=True)
    claim = system.execute_redemption(TOKEN, MAIN, "joiner")
    later_nav, later_supply = share_price(system, TOKEN, MAIN, for_deposit=True)
    assert later_nav * supply >= nav * later_supply
    assert claim.shares == shares
    assert system.redeem(TOKEN, MAIN, "joiner", claim.shares) == claim.assets
    assert system.vault.wallet(TOKEN, "joiner") == claim.assets
    check_all(system)


def test_a_same_moment_round_trip_of_shares_gains_nothing(scene: Scene) -> None:
    system = scene.system
    system.open(TRADER, TOKEN, scene.option(), 100 * UNIT)
    shares = join_pool(scene, "joiner", 50 * UNIT)
    nav, supply = share_price(system, TOKEN, MAIN, for_deposit=False)
    assert shares * nav // supply < 50 * UNIT


def test_attack_12_redemption_stops_at_the_kink(scene: Scene) -> None:
    system = scene.system
    scene.join("whale", 100 * UNIT)
    system.open("whale", TOKEN, scene.option(), 500 * UNIT)
    system.open("whale", TOKEN, scene.option(0, Side.PUT), 500 * UNIT)
    system.request_redeem(TOKEN, MAIN, PROVIDER, system.pools[TOKEN, MAIN].shares_of(PROVIDER))
    for _ in range(25):
        scene.pass_time(3600)
        system.poke(0)
    claim = system.execute_redemption(TOKEN, MAIN, PROVIDER)
    book = system.options.books[TOKEN]
    assert 0 <= book.cash(MAIN) - (book.reserved(MAIN) * 10 + 7) // 8 < 10**6
    assert system.pools[TOKEN, MAIN].requests[PROVIDER].shares > 0
    assert system.pools[TOKEN, MAIN].claims[PROVIDER] == claim
    with refused("NothingFree"):
        system.execute_redemption(TOKEN, MAIN, PROVIDER)
    check_all(system)


def test_redemption_needs_a_print_from_after_the_cooldown(scene: Scene) -> None:
    system = scene.system
    system.open(TRADER, TOKEN, scene.option(), UNIT)
    system.request_redeem(TOKEN, MAIN, PROVIDER, UNIT)
    system.warp(DAY - 10)
    scene.price(BTC_USD)
    system.poke(0)
    system.warp(10)
    with refused("PriceTooOld"):
        system.execute_redemption(TOKEN, MAIN, PROVIDER)
    scene.pass_time(0)
    assert system.execute_redemption(TOKEN, MAIN, PROVIDER).shares == UNIT


def test_attack_14_dust_in_a_halted_market_blocks_nobody(scene: Scene) -> None:
    system = scene.system
    system.open(TRADER, TOKEN, scene.option(), UNIT)
    system.set_print("BTC", Print(0, 99, system.now))
    cash = system.options.books[TOKEN].cash(MAIN)
    shares = join_pool(scene, "joiner", UNIT)
    value = shares * (cash + 1) // (1000 * UNIT * 10**6 + 10**6)
    assert abs(value - UNIT) <= 1  # liability at 0, nothing accrued
    scene.price(BTC_USD)
    system.open(TRADER, TOKEN, scene.option(), 200 * UNIT)
    system.set_print("BTC", Print(0, 199, system.now))
    system.fund(TOKEN, "joiner", UNIT)
    with refused("MarketNotOpen"):
        system.pool_deposit(TOKEN, MAIN, "joiner", UNIT)


def test_an_impaired_pool_takes_no_deposits() -> None:
    scene = build_scene(insurance=201 * UNIT)
    system = scene.system
    scene.join("whale", 200 * UNIT)
    system.open("whale", TOKEN, scene.option(), 800 * UNIT)
    scene.walk_to(BTC_USD * 2.5)
    system.fund(TOKEN, "joiner", UNIT)
    with refused("UnderwritingPool_Impaired"):
        system.pool_deposit(TOKEN, Layer.INSURANCE, "joiner", UNIT)
    insurance = system.nav(TOKEN, Layer.INSURANCE, for_deposit=True)
    assert insurance.liability == 200 * UNIT
