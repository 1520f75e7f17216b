"""The session policy: LTVs before a close, grace and auction after an opening, and the deployment's bounds."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from everstock.chain.testing import reverts
from support.lending_desk import DOLLAR, MAX, WAD, LendingDesk

SESSION = 23_400
TIGHTENING, GRACE, AUCTION = 7_200, 900, 1_800
NEXT_OPENING = 86_400


def percent(share: int) -> int:
    return share * WAD // 100


@pytest.mark.parametrize(
    ("after", "borrow", "liquidation"),
    [
        (0, percent(55), percent(65)),
        (SESSION - TIGHTENING, percent(55), percent(65)),
        (SESSION - TIGHTENING // 2, percent(50), percent(125) // 2),
        (SESSION - 1, percent(45) + percent(10) // 7_200, percent(60) + percent(5) // 7_200),
        (SESSION, percent(45), percent(60)),
        (NEXT_OPENING - 1, percent(45), percent(60)),
        (NEXT_OPENING, percent(55), percent(65)),
    ],
)
def test_ltvs_come_down_before_the_close(session, after, borrow, liquidation):
    """The chain starts at an opening."""
    foretold = session.market.termsAt(session.chain.now + after)
    session.warp(after)
    terms = session.market.termsAt(session.chain.now)
    assert foretold == terms
    assert (terms.borrowLtv, terms.liquidationLtv) == (borrow, liquidation)


@pytest.mark.parametrize(
    ("after", "bonus"),
    [
        (0, percent(1)),
        (GRACE, percent(1)),
        (GRACE + AUCTION // 2, percent(9) // 2),
        (GRACE + AUCTION, percent(8)),
        (SESSION - 1, percent(8)),
        (SESSION, percent(1)),
    ],
)
def test_the_bonus_rises_after_the_grace(session, after, bonus):
    terms = session.market.termsAt(session.chain.now + after)
    assert terms.bonus == bonus
    assert terms.liquidatableFrom == (MAX if after == SESSION else session.chain.now + GRACE)


def test_collateral_without_sessions_has_one_set_of_terms(lending):
    for after in (0, 86_400, 10**7):
        terms = lending.market.termsAt(lending.chain.now + after)
        assert tuple(terms) == (percent(55), percent(65), percent(8), 0)


def test_borrowing_follows_the_schedule(session):
    session.warp(SESSION - TIGHTENING // 2, 250)
    limit = session.health().borrowLimit
    assert limit == 1_000 * 250 * DOLLAR * 997 // 1000 // 2
    with session.refused("LendingMarket_InsufficientCollateral", limit + 1, limit):
        session.borrow(limit + 1)
    session.borrow(limit)


def test_a_debt_within_the_open_borrow_limit_survives_the_close(session):
    session.borrow(session.health().borrowLimit)
    session.warp(SESSION - 1, 250)
    with session.refused("LendingMarket_Healthy"):
        session.liquidate()


def test_what_price_has_brought_above_the_closed_limit_is_called_in_before_it(session):
    session.borrow(137_000 * DOLLAR)
    session.move(220)
    session.warp(3_600, 220)
    with session.refused("LendingMarket_Healthy"):
        session.liquidate()
    session.chain.set_time(session.chain.now + SESSION - 3_900 - 600)
    session.publish(220)
    session.liquidate()


def test_after_a_gap_there_is_grace_and_then_an_auction(session):
    session.borrow(130_000 * DOLLAR)
    opening = session.chain.now + NEXT_OPENING
    session.chain.set_time(opening + 1)
    session.publish(175)
    session.chain.set_time(opening + 302)
    session.publish(175)
    with session.refused("LendingMarket_GracePeriod", opening + GRACE):
        session.liquidate()
    session.chain.set_time(opening + GRACE + AUCTION // 2)
    session.publish(175)
    with session.chain.anchor():
        assert session.liquidate().event("Liquidate").args["bonus"] == percent(9) // 2


def test_the_first_to_liquidate_after_a_gap_gets_the_smallest_bonus(session):
    session.borrow(130_000 * DOLLAR)
    opening = session.chain.now + NEXT_OPENING
    session.chain.set_time(opening + 1)
    session.publish(175)
    session.chain.set_time(opening + 302)
    session.publish(175)
    session.chain.set_time(opening + GRACE)
    assert session.liquidate().event("Liquidate").args["bonus"] == percent(1)


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("field", "value", "low", "high"),
    [
        ("minDebt", 10**5 - 1, 10**5, 10**12),
        ("minDebt", 10**12 + 1, 10**5, 10**12),
        ("reserveShare", WAD // 2 + 1, 0, WAD // 2),
        ("reserveCap", WAD // 2 + 1, 0, WAD // 2),
        ("closedBorrowLtv", percent(1) - 1, percent(1), percent(55)),
        ("closedBorrowLtv", percent(55) + 1, percent(1), percent(55)),
        ("closedLiquidationLtv", percent(56) - 1, percent(56), percent(65)),
        ("closedLiquidationLtv", percent(65) + 1, percent(56), percent(65)),
        ("openLiquidationLtv", percent(95) + 1, percent(1), percent(95)),
        ("minBonus", percent(8) + 1, 0, percent(8)),
        ("maxBonus", percent(25) + 1, 0, percent(25)),
        ("tightening", 899, 900, 21_600),
        ("tightening", 21_601, 900, 21_600),
        ("grace", 3_601, 0, 3_600),
        ("auction", 59, 60, 14_400),
        ("auction", 14_401, 60, 14_400),
    ],
)
def test_parameters_have_hard_bounds(session, field, value, low, high):
    with reverts("LendingMarket_OutOfBounds", field.encode().ljust(32, b"\0"), value, low, high):
        LendingDesk.create(session.system, session.market.config(), **{field: value})


def test_collateral_at_the_limit_pays_for_the_bonus(session):
    changes = {"openLiquidationLtv": percent(92), "maxBonus": percent(8)}
    name = b"openLiquidationLtv with bonus".ljust(32, b"\0")
    with reverts("LendingMarket_OutOfBounds", name, percent(92) * 108 // 100, 0, percent(99)):
        LendingDesk.create(session.system, session.market.config(), **changes)


def test_a_market_needs_two_tokens_and_its_parts(session):
    system, config = session.system, session.market.config()
    with reverts("LendingMarket_OutOfBounds", b"loanToken".ljust(32, b"\0"), 0, 0, 0):
        LendingDesk.create(system, config, loanToken=config.collateralToken)
    with reverts("LendingMarket_ZeroAddress"):
        LendingDesk.create(system, config, rateModel="0x" + "00" * 20)
    with reverts("PriceOracle_UnknownAsset", b"\x01" * 32):
        LendingDesk.create(system, config, collateralAsset=b"\x01" * 32)
    with reverts("PriceOracle_UnknownAsset", b"\x01" * 32):
        LendingDesk.create(system, config, loanAsset=b"\x01" * 32)


def test_a_calendar_must_weigh_closed_hours_less(session):
    system = session.system
    flat = system.chain.deploy(system.artifacts["TestCalendar"], WAD, WAD, sender=system.governor)
    with reverts("LendingMarket_OutOfBounds", b"closedWeight".ljust(32, b"\0"), WAD, 0, 9 * WAD // 10):
        LendingDesk.create(system, session.market.config(), calendar=flat.address)


def test_the_factory_knows_its_markets_and_its_own_vault_and_oracle(session):
    system, config = session.system, session.market.config()
    factory = system.lending_factory
    assert factory is not None
    count = factory.marketCount()
    assert factory.marketAt(count - 1) == session.market.address
    assert factory.isMarket(session.market)
    assert not factory.isMarket(system.vault)
    for field, expected in (("vault", system.vault), ("oracle", system.oracle)):
        with reverts("LendingFactory_Foreign", session.stranger, expected):
            LendingDesk.create(system, config, **{field: session.stranger})
    market = LendingDesk.create(system, config)
    assert market.config() == config
    with reverts("CollateralVault_NotModule", market):
        system.vault.deposit(config.collateralToken, market, session.borrower, 1, sender=session.borrower)


def test_the_factory_carries_the_markets_own_code(session):
    system = session.system
    assert system.lending_factory is not None
    assert system.lending_factory.creationCodeHash() == keccak(system.artifacts["LendingMarket"].bytecode)
