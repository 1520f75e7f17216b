"""The ledger, where the story does not go: an account that nobody liquidates, and what it leaves behind."""

from __future__ import annotations

from decimal import Decimal

import pytest

from everstock.chain.evm import EvmChain
from everstock.client import MarginToken, Side, System
from everstock.deploy import deploy_system
from everstock.keeper import EventLog
from everstock.params import load
from everstock.report import Party, Role, TokenLedger, build
from everstock.report.ledger import Cause


class Desk:
    """Seeded pools and one trader, without a keeper."""

    def __init__(self) -> None:
        self.chain = EvmChain()
        self.log = EventLog(self.chain)
        self.system: System = deploy_system(self.chain, load("local"))
        self.token: MarginToken = self.system.token("TSLA.M")
        for name, amount in (("lp", 2_000), ("trader", 20)):
            self.token.mint(self.chain.account(name), amount)
        self.token.main.deposit(self.chain.account("lp"), 1_000)
        self.token.insurance.deposit(self.chain.account("lp"), 400)
        self.trader = self.token.trader(self.chain.account("trader"))

    def let_days_pass(self, days: int, price_usd: int = 60_000) -> None:
        for _ in range(24 * days):
            self.chain.warp(3600)
            self.system.asset("BTC").publish(price_usd)
            self.system.market("BTC-7D").poke()

    def ledger(self, *names: str) -> TokenLedger:
        roles = {"lp": Role.LP, "trader": Role.TRADER}
        parties = [Party(name, roles[name], self.chain.account(name)) for name in names or roles]
        parties.append(Party("treasury", Role.TREASURY, self.system.treasury))
        addresses = [self.system.options.address, self.system.vault.address, self.token.address]
        addresses += [self.token.main.address, self.token.insurance.address]
        return build(self.system, self.token, parties, self.log.source(addresses).poll())


@pytest.fixture
def desk() -> Desk:
    return Desk()


def wrong(ledger: TokenLedger) -> dict[str, int]:
    return {check.name: check.difference for check in ledger.checks if not check.ok}


def test_nothing_happened(desk: Desk) -> None:
    assert wrong(desk.ledger()) == {}


def test_debt_that_is_paid_forgiven_and_still_open(desk: Desk) -> None:
    market = desk.system.market("BTC-7D")
    strike = market.nearest_strike(60_000)
    desk.trader.deposit("10")
    desk.trader.open(market, strike, Side.CALL, 200)
    desk.let_days_pass(20)
    desk.trader.settle()
    owing = desk.ledger()
    assert owing.entries["trader"][Cause.UNPAID] == desk.token.units(desk.trader.health.debt) > 0
    # The position is still there: a pool's value is not yet its cash, which the last check is about.
    assert set(wrong(owing)) == {"every position is closed", "results of all parties and what pools keep: Σ"}

    closed = desk.trader.close(market, strike, Side.CALL, 100).event("Close")["closed"]
    assert closed.debtPaid > 0
    assert desk.ledger().entries["trader"][Cause.UNPAID] < owing.entries["trader"][Cause.UNPAID]
    while desk.trader.health.equity > -1:
        desk.let_days_pass(10)
    for price in (56_000, 52_000, 48_000, 45_000):
        desk.let_days_pass(1, price)
    desk.trader.close(market, strike, Side.CALL)  # worth next to nothing: the rest of the debt is forgiven
    ledger = desk.ledger()
    assert wrong(ledger) == {}
    assert ledger.entries["trader"][Cause.UNPAID] == 0
    assert ledger.entries["trader"][Cause.FORGIVEN] > 0
    assert Cause.UNPAID not in ledger.causes


def test_a_forgotten_party_shows(desk: Desk) -> None:
    market = desk.system.market("BTC-7D")
    desk.trader.deposit(10)
    desk.trader.open(market, 0, Side.PUT, 50)
    desk.trader.close(market, 0, Side.PUT)
    desk.trader.withdraw()
    assert wrong(desk.ledger()) == {}
    assert wrong(desk.ledger("lp"))["nobody else took part"] > 0


def test_a_donation_to_the_vault_shows(desk: Desk) -> None:
    desk.token.contract.transfer(desk.system.vault.address, desk.token.units(Decimal(1)), sender=desk.trader.owner)
    assert wrong(desk.ledger())["vault: Σ entries = tokens it holds"] == -desk.token.units(1)
