"""One address, two pieces of code: they agree on where everything is, and the second alone is an empty shell."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import pytest

from everstock import signing
from everstock.artifacts import find_root
from everstock.chain import ZERO_ADDRESS, accounts
from everstock.chain.contract import Contract
from support.desk import DAY, HOUR, INSURANCE, MAIN, ONE, TIGHT_ASK, Desk, add_market, add_token

N = 100 * ONE


@pytest.fixture
def extension(desk: Desk) -> Contract:
    """The second piece of code, called directly."""
    return Contract(desk.chain, desk.options.extension(), desk.system.artifacts["OptionsExtension"])


# ---------------------------------------------------------------------------------------------- called directly


def test_whatever_is_written_to_the_extension_itself_nobody_reads(desk, extension):
    desk.open(0, True, N)
    trader, operator, token = desk.who.trader, desk.who.operator, desk.token.address
    before = desk.statement()
    types = signing.fields(owner="address", operator="address", approved="bool", nonce="uint256", deadline="uint256")
    terms = {"owner": trader, "operator": operator, "approved": True, "nonce": 0, "deadline": desk.chain.now}
    where = ("Everstock Options", desk.chain.chain_id, extension.address, "SetOperator", {"SetOperator": types})
    signature = signing.sign(signing.typed_data(*where, terms), accounts.key("trader"))
    extension.setOperatorBySig(trader, operator, True, desk.chain.now, signature, sender=desk.who.stranger)
    extension.setOperator(desk.who.rival, True, sender=trader)
    extension.setExecutor(operator, True, sender=desk.who.governor)
    extension.pledge(token, desk.vault, sender=trader)
    assert extension.isExecutor(operator)
    assert (extension.nonces(trader), extension.pledgeeOf(trader, token)) == (1, desk.vault.address)
    assert desk.statement() == before
    options = desk.options
    assert not any(options.isOperator(trader, each) for each in (operator, desk.who.rival))
    assert not options.isExecutor(operator)
    assert (options.nonces(trader), options.pledgeeOf(trader, token)) == (0, ZERO_ADDRESS)


def test_the_extension_itself_has_no_token_no_market_and_no_margin(desk, extension):
    desk.open(0, True, N)
    trader, token, governor = desk.who.trader, desk.token.address, desk.who.governor
    assert (extension.marketCount(), extension.market(0), extension.tokenBook(token).minNotional) == (
        0,
        ZERO_ADDRESS,
        0,
    )
    assert (extension.positions(trader, token), extension.debtOf(trader, token)) == ([], (0, 0))
    for call in (
        lambda: extension.settle(trader, token, sender=trader),
        lambda: extension.freeze(token, 0, sender=trader),
        lambda: extension.accrueRent(token, MAIN, sender=trader),
        lambda: extension.collectFees(token, sender=trader),
        lambda: extension.setToken(token, ONE, True, sender=governor),
        lambda: extension.accountHealth(trader, token),
        lambda: extension.poolState(token, MAIN),
        lambda: extension.storedPoolValue(token, MAIN, True),
    ):
        with desk.refused("PerpetualOptions_UnknownToken", token):
            call()
    with desk.refused("PerpetualOptions_UnknownMarket", 0):
        extension.pauseOpening(0, 0, sender=governor)
    with desk.refused("PerpetualOptions_ForeignMarket", desk.market.contract, desk.options):
        extension.addMarket(desk.market.contract, sender=governor)
    with desk.refused("AccessManagedUnauthorized", desk.who.stranger):
        extension.setExecutor(desk.who.stranger, True, sender=desk.who.stranger)


def test_the_extension_itself_moves_nobodys_tokens(desk, extension):
    """The vault knows it as no module: what it takes, it would take from a book of its own, which is empty."""
    trader, operator, token = desk.who.trader, desk.who.operator, desk.token.address
    extension.setOperator(operator, True, sender=trader)
    extension.setExecutor(operator, True, sender=desk.who.governor)
    nothing = (token, extension.address, trader, 0, 1)
    with desk.refused("CollateralVault_InsufficientBalance", *nothing):
        extension.payExecutor(trader, token, 1, operator, sender=operator)
    pledgee = desk.chain.deploy(desk.system.artifacts["TestPledgee"], desk.options, sender=desk.who.stranger)
    extension.pledge(token, pledgee, sender=trader)
    take = extension.withdrawPledged.encode(trader, token, 1, operator)
    with desk.refused("CollateralVault_InsufficientBalance", *nothing):
        pledgee.run(extension, take, sender=operator)
    with desk.refused("CollateralVault_NotModule", extension):
        extension.listToken(desk.who.stranger, ONE, sender=desk.who.governor)


@pytest.mark.parametrize("data", [b"", b"\x01", b"\xde\xad\xbe\xef", b"\xde\xad\xbe\xef" + bytes(64)])
def test_what_neither_piece_knows_is_refused(desk, extension, data):
    for target in (desk.options, extension):
        with desk.refused("Empty"):
            desk.chain.send(desk.who.stranger, target.address, data)


def test_neither_piece_takes_ether(desk):
    desk.chain.fund(desk.who.stranger, 10)
    for data in (b"", desk.options.treasury.encode(), desk.options.vault.encode()):
        with desk.refused("Empty"):
            desk.chain.send(desk.who.stranger, desk.options.address, data, value=1)


def test_both_pieces_were_built_alike(desk, extension):
    assert extension.treasury() == desk.options.treasury() == desk.who.treasury
    assert extension.authority() == desk.options.authority() == desk.system.authority.address
    for token in desk.system.tokens.values():
        here, there = (each.tokenBook(token.address) for each in (desk.options, extension))
        assert (here.mainPool, here.insurancePool) == (token.main_contract.address, token.insurance_contract.address)
        assert here.mainPool != there.mainPool, "pools' addresses follow from the book's"


# ---------------------------------------------------------------------------------------------- one storage


Layout = list[tuple[int, int, str, str]]
"""Slot, offset, name and type of every state variable, structs spelled out, as the compiler lays them out."""


def layouts(*names: str) -> list[Layout]:
    spec = importlib.util.spec_from_file_location("everstock_compile", find_root() / "toolchain" / "compile.py")
    assert spec is not None
    assert spec.loader is not None
    toolchain = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toolchain)
    config = toolchain.Config.read()
    targets = [f"contracts/options/{name}.sol" for name in names]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toolchain, "CODE_OUTPUTS", ["storageLayout"])
        compiled = toolchain.run_solc(config, toolchain.Sources(config), targets)["contracts"]
    found = [compiled[target][name]["storageLayout"] for target, name in zip(targets, names, strict=True)]
    return [
        [(int(each["slot"]), each["offset"], each["label"], spell(layout, each["type"])) for each in layout["storage"]]
        for layout in found
    ]


def spell(layout: dict[str, Any], type_id: str) -> str:
    told = layout["types"][type_id]
    parts = [spell(layout, told[key]) for key in ("key", "value", "base") if key in told]
    for member in told.get("members", []):
        parts.append(f"{member['label']}@{member['slot']}.{member['offset']}:{spell(layout, member['type'])}")
    return told["label"] + (f"<{', '.join(parts)}>" if parts else "")


def test_the_extensions_storage_begins_with_all_of_the_books():
    book, extension = layouts("PerpetualOptions", "OptionsExtension")
    names = [name for _, _, name, _ in book]
    assert {"_authority", "markets", "_marketCount", "books", "accounts", "operators", "executors", "pledgees"} <= {
        *names
    }
    assert extension[: len(book)] == book
    beyond = [(slot, name) for slot, _, name, _ in extension[len(book) :]]
    assert [name for _, name in beyond] == ["_nameFallback", "_versionFallback", "_nonces"]
    assert min(slot for slot, _ in beyond) > max(slot for slot, *_ in book)


def test_what_the_extension_writes_trading_reads(desk):
    options, token, trader = desk.options, desk.token.address, desk.who.trader
    # a new market and its pause; a token's terms
    market = add_market(desk.system, "one-more")
    desk.open(0, True, N, market=market.id)
    until = desk.chain.now + DAY
    options.pauseOpening(market.id, until, sender=desk.who.governor)
    with desk.refused("PerpetualOptions_OpeningPaused", market.id, until):
        desk.open(0, True, N, market=market.id)
    options.setToken(token, 2 * N, False, sender=desk.who.governor)
    with desk.refused("PerpetualOptions_BelowMinimum", N, 2 * N):
        desk.open(1, True, N)
    options.setToken(token, ONE, True, sender=desk.who.governor)
    with desk.refused("PerpetualOptions_CloseOnly", token):
        desk.open(1, True, N)
    options.setToken(token, ONE, False, sender=desk.who.governor)
    # a token listed
    other = desk.with_token(add_token(desk.system, "NEW.M", min_notional="3"))
    for layer in (MAIN, INSURANCE):
        other.fund_pool(layer, N)
    other.add_margin(trader, N)
    with desk.refused("PerpetualOptions_BelowMinimum", 2 * ONE, 3 * ONE):
        other.open(0, True, 2 * ONE)
    # operators and executors
    options.setOperator(desk.who.operator, True, sender=trader)
    assert options.isOperator(trader, desk.who.operator)
    options.setExecutor(desk.who.operator, True, sender=desk.who.governor)
    tight = desk.quote(1, True, TIGHT_ASK).value
    assert desk.open(1, True, N, sender=desk.who.operator).return_value[0] == 100 * tight
    # the rent index; positions and debts as settled
    desk.pass_time(HOUR)
    index = options.accrueRent(token, MAIN, sender=desk.who.stranger).return_value.rentIndex
    desk.settle()
    settled = desk.event(desk.close(1, True), "Settle")
    assert (settled["funding"], settled["rent"], desk.book.rentIndex) == (0, 0, index)
    health = options.accountHealth(trader, token)
    desk.withdraw(health.equity - health.initialMargin)
    desk.pass_time(5 * DAY)
    desk.poke()
    market.contract.poke(sender=desk.who.keeper)
    desk.settle()
    debt = sum(desk.debt())
    assert debt == desk.book.debtMain + desk.book.debtInsurance > 0
    options.pauseOpening(market.id, 0, sender=desk.who.governor)
    assert desk.close(0, True, market=market.id).return_value.debtPaid == debt


def test_what_trading_writes_the_extension_reads(desk):
    options, token, trader = desk.options, desk.token.address, desk.who.trader
    desk.open(0, True, N)
    desk.open(-2, False, 2 * N)
    assert desk.positions() == [desk.id(0, True), desk.id(-2, False)]
    assert [desk.position(0, True).notional, desk.position(-2, False).notional] == [N, 2 * N]
    assert (desk.book.callNotional, desk.book.putNotional, desk.book.marketIds) == (N, 2 * N, [desk.market.id])
    assert desk.sold() == {0: (N, 0), -2: (0, 2 * N)}
    assert options.collectFees(token, sender=desk.who.keeper).return_value == 3 * N // 2000 * 3 // 10
    health = desk.health()
    desk.withdraw(health.equity - health.initialMargin)
    desk.wind_down(60_000, notice=30 * DAY)
    desk.pass_time(20 * DAY)
    desk.poke()
    desk.liquidate(0, True)
    main, insurance = options.debtOf(trader, token)
    assert (main, insurance) == (desk.book.debtMain, desk.book.debtInsurance)
    assert main > 0
    desk.pass_time(10 * DAY)
    desk.close_frozen(-2, False)
    state = options.marketState(token, desk.market.id)
    assert (state.strikes, state.frozen, state.frozenRentIndex) == ([], True, desk.book.rentIndex)
    assert desk.book.forgiven > 0
    assert options.poolState(token, MAIN).debt == 0


def test_a_market_frozen_through_one_is_frozen_through_the_other(desk):
    desk.open(0, True, N)
    desk.wind_down(60_000)
    desk.pass_time(3 * DAY)
    desk.options.freeze(desk.token.address, desk.market.id, sender=desk.who.keeper)
    index = desk.options.marketState(desk.token.address, desk.market.id).frozenRentIndex
    desk.pass_time(DAY)
    rent = desk.event(desk.close_frozen(), "Settle")["rent"]
    assert rent == -(-N * index // 10**18)


def test_a_new_authority_holds_for_both(desk):
    system, governor = desk.system, desk.who.governor
    successor = system.chain.deploy(system.artifacts["Authority"], desk.who.rival, sender=desk.who.rival)
    system.authority.updateAuthority(desk.options, successor, sender=governor)
    assert desk.options.authority() == successor.address
    with desk.refused("AccessManagedUnauthorized", governor):
        desk.options.setExecutor(desk.who.operator, True, sender=governor)
    desk.options.setExecutor(desk.who.operator, True, sender=desk.who.rival)
    assert desk.options.isExecutor(desk.who.operator)
