"""What governance may change of the book, and within which bounds. Who may: see the tests of the roles."""

from __future__ import annotations

import pytest

from everstock.chain import ZERO_ADDRESS
from everstock.chain.testing import reverts
from support.desk import DAY, ONE, Desk, add_market

MAX_PAUSE = 7 * DAY
MAX_MINIMUM = 2**88 - 1


def text(value: str) -> bytes:
    return value.encode().ljust(32, b"\0")


# ---------------------------------------------------------------------------------------------- markets


def test_add_market_gives_the_next_id(desk):
    count = desk.options.marketCount()
    market = add_market(desk.system, "one-more")
    assert (market.id, desk.options.marketCount()) == (count, count + 1)
    assert desk.options.market(market.id) == market.contract.address
    assert desk.options.market(count + 1) == ZERO_ADDRESS


def test_add_market_of_another_book_is_refused(desk):
    system = desk.system
    config = tuple(system.market("BTC-7D").contract.config())
    wired = (system.authority, system.oracle, ZERO_ADDRESS, desk.who.stranger)
    foreign = system.chain.deploy(system.artifacts["OptionMarket"], *wired, config, sender=desk.who.stranger)
    with desk.refused("PerpetualOptions_ForeignMarket", foreign, desk.who.stranger):
        desk.options.addMarket(foreign, sender=desk.who.governor)


def test_add_market_of_what_is_no_market_is_refused(desk):
    for address in (desk.who.stranger, desk.vault.address):
        with desk.refused("Empty"):
            desk.options.addMarket(address, sender=desk.who.governor)


def test_market_ids_end_where_position_keys_do(desk):
    last = 2**14 - 1
    market = desk.market.contract
    for _ in range(desk.options.marketCount(), last + 1):
        desk.options.addMarket(market, sender=desk.who.governor, gas=200_000)
    with desk.refused("PerpetualOptions_OutOfBounds", text("marketId"), last + 1, 0, last):
        desk.options.addMarket(market, sender=desk.who.governor)
    desk.open(-11, True, ONE, market=last)
    desk.open(9, False, ONE, market=last)
    assert desk.positions() == [(last, -11, True), (last, 9, False)]


# ---------------------------------------------------------------------------------------------- tokens


def test_list_token_twice_is_refused(desk):
    with desk.refused("PerpetualOptions_AlreadyListed", desk.token.address):
        desk.system.factory.listToken(desk.token.address, ONE, sender=desk.who.governor)


def test_a_minimum_of_nothing_is_refused(desk):
    with desk.refused("PerpetualOptions_OutOfBounds", text("minNotional"), 0, 1, MAX_MINIMUM):
        desk.options.setToken(desk.token.address, 0, False, sender=desk.who.governor)


def test_a_minimum_at_its_bounds_is_taken(desk):
    for minimum in (1, MAX_MINIMUM):  # the largest that fits
        receipt = desk.options.setToken(desk.token.address, minimum, True, sender=desk.who.governor)
        assert (desk.book.minNotional, desk.book.closeOnly) == (minimum, True)
        assert receipt.event("SetToken").args == {
            "token": desk.token.address,
            "minNotional": minimum,
            "closeOnly": True,
        }


def test_a_minimum_of_one_unit_makes_dust_tradable_and_harmless(desk):
    desk.options.setToken(desk.token.address, 1, False, sender=desk.who.governor)
    premium, fee = desk.open(0, True, 1).return_value
    assert (premium, fee) == (1, 1)
    closed = desk.close().return_value
    assert closed == (1, 0, 0, 0, 0)


def test_set_token_that_is_not_listed_is_refused(desk):
    with desk.refused("PerpetualOptions_UnknownToken", desk.who.stranger):
        desk.options.setToken(desk.who.stranger, ONE, False, sender=desk.who.governor)


# ---------------------------------------------------------------------------------------------- pause


def test_a_pause_of_seven_days_and_not_a_second_longer(desk):
    latest = desk.chain.now + MAX_PAUSE
    with desk.refused("PerpetualOptions_OutOfBounds", text("until"), latest + 1, 0, latest):
        desk.options.pauseOpening(desk.market.id, latest + 1, sender=desk.who.governor)
    receipt = desk.options.pauseOpening(desk.market.id, latest, sender=desk.who.governor)
    assert desk.options.openingPausedUntil(desk.market.id) == latest
    assert receipt.event("PauseOpening").args == {"marketId": desk.market.id, "until": latest}


def test_a_pause_can_be_ended_early_and_renewed(desk):
    desk.options.pauseOpening(desk.market.id, desk.chain.now + MAX_PAUSE, sender=desk.who.governor)
    desk.options.pauseOpening(desk.market.id, 0, sender=desk.who.governor)
    desk.open(0, True, ONE)
    desk.options.pauseOpening(desk.market.id, desk.chain.now + 1, sender=desk.who.governor)
    with reverts("PerpetualOptions_OpeningPaused"):
        desk.open(0, True, ONE)


def test_pause_of_an_unknown_market_is_refused(desk):
    with desk.refused("PerpetualOptions_UnknownMarket", 4):
        desk.options.pauseOpening(4, desk.chain.now, sender=desk.who.governor)


# ---------------------------------------------------------------------------------------------- views of nothing


def test_views_of_what_is_not_there_are_empty(desk: Desk):
    book = desk.options.tokenBook(desk.who.stranger)
    assert (book.minNotional, book.closeOnly, book.marketIds) == (0, False, [])
    state = desk.options.marketState(desk.who.stranger, 3)
    assert (state.strikes, state.fundingEntry, state.frozen) == ([], 0, False)
    assert desk.options.positions(desk.who.stranger, desk.who.stranger) == []
    assert desk.options.debtOf(desk.who.stranger, desk.token.address) == (0, 0)
    assert desk.options.openingPausedUntil(99) == 0
    assert desk.options.treasury() == desk.who.treasury
    assert desk.options.vault() == desk.vault.address


# ---------------------------------------------------------------------------------------------- construction


PARTS = ("vault", "treasury", "main deployer", "insurance deployer")


@pytest.mark.parametrize("contract", ["PerpetualOptions", "OptionsExtension"])
@pytest.mark.parametrize("missing", PARTS)
def test_the_book_is_not_built_without_its_parts(desk, contract, missing):
    parts = {name: desk.chain.account(name) for name in PARTS} | {missing: ZERO_ADDRESS}
    extension = [desk.options.extension()] if contract == "PerpetualOptions" else []
    with reverts("PerpetualOptions_ZeroAddress"):
        desk.chain.deploy(
            desk.system.artifacts[contract],
            desk.system.authority,
            *parts.values(),
            *extension,
            sender=desk.who.stranger,
        )


@pytest.mark.parametrize("extension", [ZERO_ADDRESS, "0x" + "77" * 20])
def test_the_book_is_not_built_on_an_extension_without_code(desk, extension):
    parts = [desk.chain.account(name) for name in PARTS]
    with reverts("PerpetualOptions_ZeroAddress"):
        desk.chain.deploy(
            desk.system.artifacts["PerpetualOptions"],
            desk.system.authority,
            *parts,
            extension,
            sender=desk.who.stranger,
        )
