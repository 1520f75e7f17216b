"""A lending market of its own for tests: one stock, one dollar, one feed each, and everybody who touches them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from everstock.chain.base import ZERO_ADDRESS
from everstock.chain.contract import Contract
from everstock.chain.evm import EvmChain
from everstock.chain.receipt import Receipt
from everstock.chain.testing import reverts
from everstock.client import System
from everstock.deploy.roles import GRANTS

WAD = 10**18
DOLLAR = 10**6
MAX = 2**256 - 1
STOCK_ID = b"LENT".ljust(32, b"\0")
DOLLAR_ID = b"DOLLAR".ljust(32, b"\0")
MAX_AGE = 4_200
BAND = WAD // 500 + WAD // 1000
PRICE = 250
CONFIRMATION = 300
YEAR_SECONDS_WAD = 11_024_640 * WAD
WALLET, VAULT, REDEMPTION = range(3)
ROLES = ("lender", "borrower", "holder", "liquidator", "operator", "stranger")


@dataclass(eq=False)
class LendingDesk:
    """Amounts are in smallest units, prices whole USD. The chain starts at an opening, on a Monday."""

    system: System
    stock: Contract
    dollar: Contract
    aggregator: Contract
    dollar_aggregator: Contract
    calendar: Contract
    market: Contract

    @classmethod
    def open(cls, system: System, **changes: Any) -> LendingDesk:
        """Deploy it. `changes` are fields of the config, or of its policy; `sessions` and `loan_feed` say what closes
        and what has a price."""
        chain, owner = system.chain, system.governor

        def deploy(name: str, *args: Any) -> Contract:
            return chain.deploy(system.artifacts[name], *args, sender=owner)

        listed = system.lending_market("TSLA.M/USDX")
        stock = changes.pop("stock", None) or listed.collateral.contract
        dollar = changes.pop("dollar", None) or listed.loan.contract
        calendar = deploy("TestCalendar", WAD // 5, YEAR_SECONDS_WAD)
        aggregator, dollar_aggregator = deploy("MockAggregator", 8, PRICE * 10**8), deploy("MockAggregator", 8, 10**8)
        where = calendar.address if changes.pop("sessions", False) else ZERO_ADDRESS
        for asset, source, place in (
            (STOCK_ID, aggregator, where),
            (DOLLAR_ID, dollar_aggregator, ZERO_ADDRESS),
        ):
            feed = deploy("ChainlinkFeed", source)
            system.oracle.setAsset(asset, (feed.address, MAX_AGE, WAD // 500, place), sender=owner)
            system.oracle.poke(asset, sender=owner)
        config = listed.contract.config()._replace(
            collateralToken=stock.address,
            loanToken=dollar.address,
            collateralAsset=STOCK_ID,
            calendar=where,
            desk=ZERO_ADDRESS,
            loanAsset=DOLLAR_ID if changes.pop("loan_feed", False) else bytes(32),
        )
        market = cls.create(system, config, **changes)
        desk = cls(system, stock, dollar, aggregator, dollar_aggregator, calendar, market)
        system.vault.setModule(market, True, sender=owner)
        for function in GRANTS["LendingMarket"].items():
            selectors = [getattr(market, name).selector for name in function[1]]
            system.authority.setTargetFunctionRole(market, selectors, int(function[0]), sender=owner)
        return desk

    @staticmethod
    def create(system: System, config: Any, **changes: Any) -> Contract:
        """A market through the factory, with some fields of its config changed."""
        policy = config.policy._replace(**{k: v for k, v in changes.items() if k in config.policy._fields})
        rest = {k: v for k, v in changes.items() if k not in config.policy._fields}
        config = config._replace(**({"policy": policy} | rest))
        assert system.lending_factory is not None
        receipt = system.lending_factory.createMarket(tuple(config), sender=system.governor)
        return system.chain.contract(system.artifacts["LendingMarket"], receipt.event("CreateMarket")["market"])

    def funded(self) -> LendingDesk:
        """A million lent, and 1,000 tokens of collateral behind nothing yet."""
        self.supply(1_000_000 * DOLLAR)
        self.top_up(1_000 * WAD)
        return self

    # ── who and when ──────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def chain(self) -> EvmChain:
        assert isinstance(self.system.chain, EvmChain)
        return self.system.chain

    @property
    def vault(self) -> Contract:
        return self.system.vault

    def __getattr__(self, name: str) -> str:
        if name not in ROLES:
            raise AttributeError(name)
        return self.chain.account(name)

    # ── acts ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def give_dollars(self, who: str, amount: int) -> None:
        self.dollar.mint(who, amount, sender=self.system.governor)
        self.dollar.approve(self.market, MAX, sender=who)

    def give_stock(self, who: str, amount: int) -> None:
        self.stock.mint(who, amount, sender=self.system.governor)
        self.stock.approve(self.vault, MAX, sender=who)

    def supply(self, amount: int, who: str | None = None) -> Receipt:
        who = who or self.lender
        self.give_dollars(who, amount)
        return self.market.deposit(amount, who, sender=who)

    def top_up(self, amount: int, owner: str | None = None) -> Receipt:
        owner = owner or self.borrower
        self.give_stock(owner, amount)
        return self.vault.deposit(self.stock.address, self.market, owner, amount, sender=owner)

    def borrow(
        self, amount: int, owner: str | None = None, to: str | None = None, sender: str | None = None
    ) -> Receipt:
        owner = owner or self.borrower
        return self.market.borrow(amount, owner, to or owner, sender=sender or owner)

    def repay(self, amount: int = MAX, owner: str | None = None, payer: str | None = None) -> Receipt:
        owner = owner or self.borrower
        payer = payer or owner
        self.give_dollars(payer, 10**15)
        return self.market.repay(amount, owner, sender=payer)

    def withdraw_collateral(self, amount: int, owner: str | None = None, sender: str | None = None) -> Receipt:
        owner = owner or self.borrower
        return self.market.withdrawCollateral(amount, owner, owner, sender=sender or owner)

    def liquidate(
        self,
        max_repay: int = MAX,
        *,
        owner: str | None = None,
        min_seized: int = 0,
        payout: int = WALLET,
        to: str | None = None,
        data: bytes = b"",
        sender: str | None = None,
    ) -> Receipt:
        sender = sender or self.liquidator
        if not self.chain.code(sender):
            self.give_dollars(sender, 10**15)
        order = (owner or self.borrower, max_repay, min_seized, payout, to or self.liquidator)
        return self.market.liquidate(order, data, sender=sender)

    # ── prices ────────────────────────────────────────────────────────────────────────────────────────────────────
    def publish(self, price: int | float, dollar: int = 10**8) -> None:
        """A print of both, seen by the oracle."""
        self.aggregator.updateAnswer(int(price * 10**8), sender=self.system.governor)
        self.dollar_aggregator.updateAnswer(dollar, sender=self.system.governor)
        for asset in (STOCK_ID, DOLLAR_ID):
            self.system.oracle.poke(asset, sender=self.system.governor)

    def move(self, price: int | float) -> None:
        """Bring the price there, by a confirmed jump when the breaker asks for one."""
        self.publish(price)
        self.chain.warp(CONFIRMATION)
        self.publish(price)

    def warp(self, seconds: int, price: int | float | None = None) -> None:
        """Let time pass, with a fresh print at its end."""
        self.chain.warp(seconds)
        if price is not None:
            self.publish(price)

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────
    def collateral(self, owner: str | None = None) -> int:
        return int(self.vault.balanceOf(self.stock.address, self.market, owner or self.borrower))

    def debt(self, owner: str | None = None) -> int:
        return int(self.market.debtOf(owner or self.borrower))

    def health(self, owner: str | None = None) -> Any:
        return self.market.health(owner or self.borrower)

    def statement(self) -> Any:
        """Everything that money and debts consist of."""
        accounts = [self.chain.account(role) for role in ROLES]
        market, stock, dollar = self.market, self.stock, self.dollar
        held = [
            (
                market.balanceOf(who),
                market.debtSharesOf(who),
                self.vault.balanceOf(stock.address, market, who),
                self.vault.balanceOf(stock.address, ZERO_ADDRESS, who),
                stock.balanceOf(who),
            )
            for who in accounts
        ]
        return held, market.state(), market.totalSupply(), dollar.balanceOf(market), stock.balanceOf(self.vault)

    @contextmanager
    def refused(self, error: str, *args: Any, **named: Any) -> Iterator[None]:
        """The block reverts with exactly this error, and nothing has changed."""
        for who in (self.lender, self.borrower, self.liquidator):
            self.give_dollars(who, 10**15)
        before = self.statement()
        with reverts(error, *args, **named):
            yield
        assert self.statement() == before
