"""Operations on accounts, with amounts worked out by hand."""

import pytest
from model_scene import BTC_USD, KEEPER, START, TOKEN, TRADER, UNIT, Scene

from everstock.model.book import Indices, Layer, Split, funding_split, rent_rate_wad
from everstock.model.checks import check_all, circulating
from everstock.model.errors import ModelRevert
from everstock.model.options import fee_of, payout_of
from everstock.model.primitives import DAY, INDEX, WAD
from everstock.model.system import ALL, Side

DUST = ("dust", "more dust")


def refused(error: str) -> "pytest.RaisesExc[ModelRevert]":
    return pytest.raises(ModelRevert, match=error)


# ── rounding, by hand ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_settlement_parts() -> None:
    assert funding_split(199, 29) == Split(199 + 29 - (1 + 2), 1 + 2)
    assert funding_split(99, 9) == Split(108, 0)


def test_a_payment_is_split_pro_rata_and_rounded_to_main() -> None:
    assert Split(7, 3).share_of(5) == Split(4, 1)
    assert Split(7, 3).share_of(10) == Split(7, 3)
    assert Split(0, 3).share_of(2) == Split(0, 2)
    assert Split(0, 0).share_of(0) == Split(0, 0)


def test_payouts_are_layered_and_floored() -> None:
    assert payout_of(10, WAD // 2) == Split(5, 0)
    assert payout_of(10, 9 * WAD // 10) == Split(7, 1)
    assert payout_of(10, 5 * WAD) == Split(7, 2)


def test_fees_are_capped_by_deribits_rule() -> None:
    assert fee_of(10_000, 1_000) == 5
    assert fee_of(10_001, 1_000) == 6
    assert fee_of(10_000, 17) == 3


def test_rent_rates() -> None:
    assert rent_rate_wad(0) == 5 * WAD // 100
    assert rent_rate_wad(8 * WAD // 10) == 12 * WAD // 100
    assert rent_rate_wad(WAD) == 60 * WAD // 100
    assert rent_rate_wad(9 * WAD // 10) == 36 * WAD // 100


def test_what_a_balance_cannot_pay_joins_the_debt_and_old_debt_comes_first(scene: Scene) -> None:
    system = scene.system
    account, option = system.options.account(TRADER, TOKEN), scene.option()
    system.open(TRADER, TOKEN, option, 100 * UNIT)
    # leave 10 units of margin and no rent, and let 1 unit of funding per 1e19 of notional fall due
    system.vault.ledger[TOKEN, "options", TRADER] = 10
    position = account.positions[option]
    market_book = system.options.books[TOKEN].market_book(0)

    def owe(funding: int) -> None:
        last = Indices(position.settled_at.funding - funding * INDEX // (100 * UNIT), position.settled_at.rent)
        market_book.funding_entry += 100 * UNIT * (last.funding - account.positions[option].settled_at.funding)
        account.positions[option] = type(position)(100 * UNIT, last)

    account.debt = system.options.books[TOKEN].debt = Split(5, 2)
    owe(1000)
    assert account.settle((option,), system.now) == Split(5, 2) + Split(3, 0)
    assert account.debt == Split(990 - 3, 10)
    assert account.balance == 0
    owe(200)
    assert account.settle((option,), system.now) == Split(0, 0)
    assert account.debt == Split(987 + 198, 12)
    assert system.options.books[TOKEN].debt == account.debt


# ── trading ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_open_charges_ask_and_fee(scene: Scene) -> None:
    system = scene.system
    opened = system.open(TRADER, TOKEN, scene.option(), 100 * UNIT)
    assert opened.fee == 100 * UNIT // 2000
    assert 0.0293 < opened.premium / (100 * UNIT) < 0.0320
    assert system.balance(TOKEN, TRADER) == 20 * UNIT - opened.premium - opened.fee
    book = system.options.books[TOKEN]
    assert book.reserved(Layer.MAIN) == 75 * UNIT
    assert book.reserved(Layer.INSURANCE) == 25 * UNIT
    assert book.treasury_due == opened.fee * 3 // 10
    assert system.collect_fees(TOKEN) == opened.fee * 3 // 10
    assert (system.vault.balance(TOKEN, "free", "treasury"), book.treasury_due) == (opened.fee * 3 // 10, 0)
    check_all(system)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("strike", [-9, -3, 0, 3, 9])
def test_x6_a_round_trip_in_one_block_loses_money(scene: Scene, side: Side, strike: int) -> None:
    system, option = scene.system, scene.option(strike, side)
    system.open(TRADER, TOKEN, option, 50 * UNIT)
    system.close(TRADER, TOKEN, option)
    assert system.balance(TOKEN, TRADER) < 20 * UNIT
    assert not system.options.account(TRADER, TOKEN).positions
    check_all(system)


def test_a_winning_call_is_paid_and_tokens_are_conserved(scene: Scene) -> None:
    system, option = scene.system, scene.option()
    before = circulating(system, TOKEN)
    system.open(TRADER, TOKEN, option, 50 * UNIT)
    scene.walk_to(66_000)
    closed = system.close(TRADER, TOKEN, option)
    assert 0.10 < closed.payout / (50 * UNIT) < 0.11
    assert system.balance(TOKEN, TRADER) > 20 * UNIT
    assert circulating(system, TOKEN) == before
    check_all(system)


def test_refusals_leave_nothing_behind(scene: Scene) -> None:
    system, option = scene.system, scene.option()
    system.open(TRADER, TOKEN, option, 50 * UNIT)
    ledger, supply = dict(system.vault.ledger), system.options.books[TOKEN].notional
    clock = system.options.markets[0].clock
    scene.pass_time(600)
    cases = [
        ("ZeroNotional", lambda: system.open(TRADER, TOKEN, option, 0)),
        ("BelowMinimum", lambda: system.open(TRADER, TOKEN, scene.option(1), UNIT // 10 - 1)),
        ("PremiumAboveLimit", lambda: system.open(TRADER, TOKEN, option, UNIT, max_premium=1)),
        ("Expired", lambda: system.open(TRADER, TOKEN, option, UNIT, deadline=START)),
        ("NotOperator", lambda: system.open(TRADER, TOKEN, option, UNIT, caller=KEEPER)),
        ("InsufficientBalance", lambda: system.open(KEEPER, TOKEN, option, UNIT)),
        ("StrikeOutOfBand", lambda: system.open(TRADER, TOKEN, scene.option(10), UNIT)),
        ("StrikeOutOfGrid", lambda: system.open(TRADER, TOKEN, scene.option(165), UNIT)),
        ("UnknownToken", lambda: system.open(TRADER, "other", option, UNIT)),
        ("NoPosition", lambda: system.close(KEEPER, TOKEN, option)),
        ("CloseTooLarge", lambda: system.close(TRADER, TOKEN, option, 50 * UNIT + 1)),
        ("BelowMinimum", lambda: system.close(TRADER, TOKEN, option, 50 * UNIT - 1)),
        ("ProceedsBelowLimit", lambda: system.close(TRADER, TOKEN, option, min_proceeds=50 * UNIT)),
        ("Healthy", lambda: system.liquidate(TRADER, TOKEN, option, KEEPER)),
        ("BelowCap", lambda: system.exercise(TRADER, TOKEN, option, KEEPER)),
        ("NotEvictable", lambda: system.evict(TRADER, TOKEN, option)),
        ("NotFrozen", lambda: system.close_frozen(TRADER, TOKEN, option)),
        ("NotFreezable", lambda: system.freeze(TOKEN, 0)),
        ("InsufficientMargin", lambda: system.withdraw_margin(TRADER, TOKEN, system.balance(TOKEN, TRADER))),
    ]
    for error, refuse in cases:
        with refused(error):
            refuse()
    assert dict(system.vault.ledger) == ledger
    assert system.options.books[TOKEN].notional == supply
    assert system.options.markets[0].clock == clock


def test_side_limit_and_reserves(scene: Scene) -> None:
    scene.join("whale", 500 * UNIT)
    with refused("SideLimit"):
        scene.system.open("whale", TOKEN, scene.option(), 850 * UNIT)
    scene.system.open("whale", TOKEN, scene.option(), 800 * UNIT)
    scene.system.open("whale", TOKEN, scene.option(0, Side.PUT), 500 * UNIT)
    with refused("InsufficientReserve"):
        scene.system.open("whale", TOKEN, scene.option(0, Side.PUT), 310 * UNIT)
    check_all(scene.system)


def test_paused_delisted_and_winding_down_end_opening_only(scene: Scene) -> None:
    system, option = scene.system, scene.option()
    system.open(TRADER, TOKEN, option, 10 * UNIT)
    system.pause_opening(0, system.now + 100)
    with refused("OpeningPaused"):
        system.open(TRADER, TOKEN, option, 10 * UNIT)
    scene.pass_time(100)
    system.set_token(TOKEN, UNIT // 10, close_only=True)
    with refused("CloseOnly"):
        system.open(TRADER, TOKEN, option, 10 * UNIT)
    system.set_token(TOKEN, UNIT // 10, close_only=False)
    system.announce_wind_down(0, BTC_USD * WAD, system.now + 3 * DAY)
    with refused("WindingDown"):
        system.open(TRADER, TOKEN, option, 10 * UNIT)
    system.close(TRADER, TOKEN, option, ALL)


def test_a_frozen_market_closes_at_its_final_price_and_owes_no_more_rent(scene: Scene) -> None:
    system, option = scene.system, scene.option()
    system.open(TRADER, TOKEN, option, 50 * UNIT)
    system.announce_wind_down(0, BTC_USD * WAD * 11 // 10, system.now + 3 * DAY)
    for _ in range(3 * 24):
        scene.pass_time(3600)
        system.poke(0)
    system.freeze(TOKEN, 0)
    owed = system.health(TRADER, TOKEN).owed
    with refused("NotFreezable"):
        system.freeze(TOKEN, 0)
    system.warp(30 * DAY)
    assert system.health(TRADER, TOKEN).owed == owed
    with refused("NotOpen"):
        system.close(TRADER, TOKEN, option)
    check_all(system)
    closed = system.close_frozen(TRADER, TOKEN, option)
    assert closed.payout == 50 * UNIT // 10
    assert closed.fee == 0
    check_all(system)


# ── keepers ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def run_down(scene: Scene, notional: int) -> None:
    """Open with just the initial margin and let funding eat it."""
    system = scene.system
    system.open(TRADER, TOKEN, scene.option(), notional)
    health = system.health(TRADER, TOKEN)
    system.withdraw_margin(TRADER, TOKEN, health.equity - health.initial_margin)
    while health.equity >= health.maintenance_margin:
        scene.pass_time(3600)
        system.poke(0)
        health = system.health(TRADER, TOKEN)


def test_x7_liquidation_restores_the_initial_margin(scene: Scene) -> None:
    system, option = scene.system, scene.option()
    run_down(scene, 50 * UNIT)
    closed = system.liquidate(TRADER, TOKEN, option, KEEPER)
    assert 0 < closed.notional < 50 * UNIT
    assert system.vault.balance(TOKEN, "free", KEEPER) == closed.fee == closed.notional // 1000
    health = system.health(TRADER, TOKEN)
    assert -1 <= health.equity - health.initial_margin < 50  # the payout is rounded down, the requirement up
    with refused("Healthy"):
        system.liquidate(TRADER, TOKEN, option, KEEPER)
    check_all(system)


def test_attack_6_debt_stays_owed_and_proceeds_pay_it_first(scene: Scene) -> None:
    system, option = scene.system, scene.option()
    run_down(scene, 50 * UNIT)
    while not system.options.books[TOKEN].debt.total:
        scene.pass_time(3600)
        system.poke(0)
        system.settle(TRADER, TOKEN)
    debt = system.health(TRADER, TOKEN).debt
    assert system.balance(TOKEN, TRADER) == 0
    check_all(system)
    closed = system.close(TRADER, TOKEN, option)
    assert closed.debt_paid == debt
    assert system.options.books[TOKEN].debt == Split()
    assert system.options.books[TOKEN].forgiven == Split()
    check_all(system)


def test_a_worthless_last_close_forgives_and_insurance_pays_the_keeper(scene: Scene) -> None:
    system, option = scene.system, scene.option()
    run_down(scene, 50 * UNIT)
    while system.health(TRADER, TOKEN).equity >= 0:
        scene.pass_time(3600)
        system.poke(0)
    scene.walk_to(30_000)
    insurance = system.options.books[TOKEN].cash(Layer.INSURANCE)
    closed = system.liquidate(TRADER, TOKEN, option, KEEPER)
    assert closed.notional == 50 * UNIT
    assert closed.fee == 50 * UNIT // 1000
    assert system.options.books[TOKEN].forgiven.total > 0
    assert system.options.books[TOKEN].cash(Layer.INSURANCE) < insurance
    check_all(system)


def test_exercise_at_the_cap_pays_the_mark_less_the_reward(scene: Scene) -> None:
    system, option = scene.system, scene.option()
    system.open(TRADER, TOKEN, option, 20 * UNIT)
    scene.walk_to(106_000)
    closed = system.exercise(TRADER, TOKEN, option, KEEPER)
    assert closed.fee == 20 * UNIT // 2000
    assert 0.75 <= closed.payout / (20 * UNIT) < 0.78
    check_all(system)


def test_eviction_frees_a_slot_from_dust_at_far_strikes(scene: Scene) -> None:
    system = scene.system
    for owner in DUST:
        scene.join(owner, 20 * UNIT)
    for usd, strikes in ((BTC_USD, range(-11, 10)), (BTC_USD * 1.3, range(10, 21))):
        scene.walk_to(usd)
        for strike in strikes:
            system.open(DUST[strike % 2], TOKEN, scene.option(strike), UNIT // 10)
    system.open(TRADER, TOKEN, scene.option(20), 100 * UNIT)
    with refused("TooManyStrikes"):
        system.open(TRADER, TOKEN, scene.option(21, Side.PUT), UNIT)
    with refused("NotEvictable"):
        system.evict(DUST[1], TOKEN, scene.option(9))
    closed = system.evict(DUST[1], TOKEN, scene.option(-9))
    assert closed.payout > 0
    assert closed.fee == 0
    with refused("NotEvictable"):
        system.evict(DUST[0], TOKEN, scene.option(-8))
    check_all(system)


def test_attack_16_liquidating_oneself_does_not_pay(scene: Scene) -> None:
    system, option = scene.system, scene.option()
    run_down(scene, 50 * UNIT)
    while system.health(TRADER, TOKEN).equity >= 0:
        scene.pass_time(3600)
        system.poke(0)
    scene.walk_to(48_000)
    system.liquidate(TRADER, TOKEN, option, KEEPER)
    wealth = system.balance(TOKEN, TRADER) + system.vault.wallet(TOKEN, TRADER)
    reward = system.vault.balance(TOKEN, "free", KEEPER)
    assert 0 < reward <= 50 * UNIT // 1000
    assert wealth + reward < 20 * UNIT - 50 * UNIT * 13 // 1000


def test_an_announced_wind_down_can_be_called_off_until_it_freezes(scene: Scene) -> None:
    system = scene.system
    system.announce_wind_down(0, BTC_USD * WAD, system.now + 3 * DAY)
    system.cancel_wind_down(0)
    system.open(TRADER, TOKEN, scene.option(), UNIT)
    system.announce_wind_down(0, BTC_USD * WAD, system.now + 3 * DAY)
    system.warp(3 * DAY)
    with refused("OptionMarket_Frozen"):
        system.cancel_wind_down(0)
