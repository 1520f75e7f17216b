"""Measures what operations cost on Anvil and writes `snapshots/gas.json` and `snapshots/size.json`.

`python -m everstock.gas` rewrites both; a diff in git then shows every change. Figures are of whole transactions, base
cost and calldata included, with Chainlink's mock aggregator as the feed. A case's name says what differs from the plain
one: a repeat user, the feed's round unchanged, eight live strikes in the pool; pokes come fifteen minutes after the
last one, so that they also sample variance, everything else five minutes after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from everstock.artifacts import find_root, load
from everstock.chain import ZERO_ADDRESS
from everstock.chain.anvil import anvil_chain
from everstock.chain.base import Chain
from everstock.chain.receipt import Receipt
from everstock.client import MarginToken, Market, OrderDesk, Side, System, buy
from everstock.deploy import deploy_system, list_token
from everstock.deploy.stock import deploy_stock_token
from everstock.params import Token
from everstock.params import load as load_params

POKE_INTERVAL_SECONDS = 900
TRADE_DELAY_SECONDS = 300
LIVE_STRIKES = 8
CODE_SIZE_LIMIT = 24_576
GAS_KEY_SAME_PRINT = "poke (same print)"


class WrongTime(Exception):
    """The node did not mine at the time it was given."""


class Bench:
    """A seeded system, and the means to measure one transaction in it without leaving a trace."""

    def __init__(self, chain: Chain, others: int = 16, tokens: int = 1) -> None:
        self.chain = chain
        self.system: System = deploy_system(chain, load_params("local"))
        self.token: MarginToken = self.system.token("TSLA.M")
        self.market: Market = self.system.market("BTC-7D")
        self.price = Decimal(60000)
        self.lp, self.trader, self.keeper = (chain.account(n) for n in ("lp", "trader", "keeper"))
        for i in range(tokens - 1):
            list_token(self.system, f"T{i}.M", Token(name=f"Token {i}", min_notional=Decimal(1)))
        self._seed(others)

    def _seed(self, others: int) -> None:
        token, chain = self.token, self.chain
        chain.warp(POKE_INTERVAL_SECONDS)
        self.market.poke()
        token.mint(self.lp, 10_000_000)
        token.main.deposit(self.lp, 1_000_000)
        token.insurance.deposit(self.lp, 500_000)
        for i in range(max(others, LIVE_STRIKES)):
            holder = chain.account(f"holder{i}")
            token.mint(holder, 1_000)
            account = token.trader(holder)
            account.deposit(500)
            account.open(self.market, i % LIVE_STRIKES - 3, Side.CALL if i % 2 else Side.PUT, 100)
        token.mint(self.trader, 100_000)
        self.account = token.trader(self.trader)
        self.account.deposit(10_000)
        self.account.open(self.market, 0, Side.PUT, 1_000)
        token.mint(self.keeper, 2)
        token.trader(self.keeper).deposit(1)
        token.contract.approve(self.system.vault.address, 2**256 - 1, sender=self.trader)
        token.contract.approve(token.main.address, 2**256 - 1, sender=self.lp)
        token.contract.approve(self.system.vault.address, 2**256 - 1, sender=self.lp)
        self.system.vault.deposit(token.address, ZERO_ADDRESS, self.lp, token.units(1_000), sender=self.lp)
        self.publish("1.001")
        chain.warp(POKE_INTERVAL_SECONDS)
        self.market.poke()
        # One settlement, so that no sum of the book is written for the first time in a measured transaction.
        self.account.settle()
        # A keeper has been paid before.
        self.system.vault.deposit(token.address, ZERO_ADDRESS, self.keeper, 1, sender=self.trader)

    def publish(self, factor: str) -> None:
        self.price *= Decimal(factor)
        self.system.asset("BTC").publish(self.price)

    def measure(
        self, act: Callable[[], Receipt], *before: Callable[[], object], wait: int = TRADE_DELAY_SECONDS
    ) -> int:
        """Gas of `act` after `before`, then undo everything.

        Under load Anvil now and then mines at the last block's time instead of the one it was given. No time has then
        passed and less is written: another case than the one named, so it is measured again.

        Raises:
            WrongTime: that happened three times in a row.
        """
        price = self.price
        for _ in range(3):
            with self.chain.anchor():
                for step in before:
                    step()
                self.chain.warp(wait)
                due = self.chain.now
                receipt = act()
            self.price = price
            if receipt.timestamp == due:
                return receipt.gas_used
        raise WrongTime(f"mined at {receipt.timestamp} instead of {due}")

    # ── situations ────────────────────────────────────────────────────────────────────────────────────────────────
    def new_print(self) -> None:
        """A print 0.3% higher: no strike is crossed, variance is sampled."""
        self.publish("1.003")

    def one_crossing(self) -> None:
        """A print 2.5% higher: exactly one live strike is crossed."""
        self.publish("1.025")

    def exhausted(self) -> None:
        """The trader keeps its margin requirement and no more, and rent and funding take it below maintenance."""
        health = self.account.health
        self.account.withdraw(health.equity - health.initial_margin)
        for _ in range(200):
            self.chain.warp(12 * 3600)
            self.publish("1.0001")
            self.market.poke()
            health = self.account.health
            if health.equity < health.maintenance_margin:
                # The day's first movement asks for record dates: not this case's affair.
                self.account.settle()
                return

    def next_day(self) -> None:
        self.chain.warp(24 * 3600)
        self.publish("1.0001")
        self.market.poke()

    def rallied(self) -> None:
        """The price has risen until a call at the money is worth its cap."""
        self.account.open(self.market, 3, Side.CALL, 1_000)
        while self.market.quote(3, Side.CALL, 2).value < 75 * 10**16:  # type: ignore[arg-type]
            self.chain.warp(1200)
            self.publish("1.09")
            self.market.poke()

    def requested(self) -> None:
        shares = self.token.main.shares_of(self.lp)
        self.token.main.request_redeem(self.lp, shares // 10)
        self.chain.warp(24 * 3600)
        self.publish("1.0001")

    def executed(self) -> None:
        self.requested()
        self.token.main.execute_redemption(self.lp, self.keeper)

    def recorded(self) -> None:
        """A record date has passed since both parties of a transfer moved: both balances are remembered."""
        day = self.chain.now // 86_400 + 2
        self.token.contract.announceRecordDate(day, sender=self.system.governor)
        self.chain.set_time(day * 86_400)

    def orders(self) -> dict[str, int]:
        """A two-step order that adds to a position, executed at a print published after it.

        The order book has served this owner, and this keeper has been paid, before.
        """
        desk, found = OrderDesk(self.token, self.trader), {}
        leg = buy(self.token, self.market, 0, Side.PUT, 100, 100)
        fee = "0.01"

        price = self.price
        with self.chain.anchor():
            desk.authorise()
            first = desk.order(leg, execution_fee=fee, salt=1)
            desk.commit(first)
            self.chain.warp(5)
            self.publish("1.0001")
            desk.execute(first, self.keeper)
            self.chain.warp(TRADE_DELAY_SECONDS)
            order = desk.order(leg, execution_fee=fee, salt=2)
            found["order commit"] = desk.commit(order).gas_used
            self.chain.warp(5)
            self.publish("1.003")
            self.chain.warp(1)
            found["order execute (one leg)"] = desk.execute(order, self.keeper).gas_used
        self.price = price
        return found | {"order commit + execute": sum(found.values())}

    # ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────
    def core(self) -> dict[str, int]:
        """The figures that must not depend on how many positions and tokens there are."""
        account, market, m, token = self.account, self.market, self.measure, self.token
        return {
            "open (add)": m(lambda: account.open(market, 0, Side.PUT, 100)),
            "open (fresh)": m(lambda: account.open(market, 1, Side.PUT, 100)),
            "close (partial)": m(lambda: account.close(market, 0, Side.PUT, 100)),
            "close (full)": m(lambda: account.close(market, 0, Side.PUT)),
            GAS_KEY_SAME_PRINT: m(market.poke, wait=POKE_INTERVAL_SECONDS),
            "poke (new print)": m(market.poke, self.new_print, wait=POKE_INTERVAL_SECONDS),
            "pool deposit (8 strikes)": m(lambda: token.main.fund(self.lp, 100)),
            "pool deposit (8 strikes, from the wallet)": m(self._deposit),
        }

    def all(self) -> dict[str, int]:
        account, market, m, token, vault = self.account, self.market, self.measure, self.token, self.system.vault
        figures = self.core() | {
            "open (add, new print)": m(lambda: account.open(market, 0, Side.PUT, 100), self.new_print),
            "close (full, new print)": m(lambda: account.close(market, 0, Side.PUT), self.new_print),
            "poke (one crossing)": m(market.poke, self.one_crossing, wait=POKE_INTERVAL_SECONDS),
            "poke (same print, no sample)": m(market.poke),
            "open (add, variance sample)": m(
                lambda: account.open(market, 0, Side.PUT, 100), wait=POKE_INTERVAL_SECONDS
            ),
            "settle": m(account.settle),
            "liquidate": m(lambda: account.liquidate(market, 0, Side.PUT, self.keeper), self.exhausted, wait=1),
            "liquidate (first movement of a day)": m(
                lambda: account.liquidate(market, 0, Side.PUT, self.keeper), self.exhausted, self.next_day, wait=1
            ),
            "exercise": m(lambda: account.exercise(market, 3, Side.CALL, self.keeper), self.rallied, wait=1),
            "pool request redeem": m(lambda: token.main.request_redeem(self.lp, 10**18)),
            "pool execute redemption (8 strikes)": m(
                lambda: token.main.execute_redemption(self.lp, self.keeper), self.requested, wait=1
            ),
            "pool claim (8 strikes)": m(lambda: token.main.claim(self.lp), self.executed),
            "vault deposit": m(lambda: self._vault_deposit()),
            "vault withdraw": m(lambda: token.trader(self.keeper).withdraw(Decimal("0.5"))),
            "vault withdraw (free balance)": m(
                lambda: vault.withdraw(token.address, 1, self.trader, sender=self.keeper)
            ),
            "withdraw margin (one position)": m(lambda: account.withdraw(1)),
            "list token": m(self._list),
            "token transfer": m(lambda: token.contract.transfer(self.lp, 1, sender=self.trader)),
            "token transfer (first after a record date)": m(
                lambda: token.contract.transfer(self.lp, 1, sender=self.trader), self.recorded, wait=1
            ),
        }
        return figures | self.orders()

    def _deposit(self) -> Receipt:
        units = self.token.units(100)
        return self.token.main_contract["deposit(uint256,address)"](units, self.lp, sender=self.lp)  # type: ignore[no-any-return]

    def _vault_deposit(self) -> Receipt:
        system, token = self.system, self.token
        where = (token.address, system.options.address, self.trader)
        return system.vault.deposit(*where, token.units(1), sender=self.trader)  # type: ignore[no-any-return]

    def _list(self) -> Receipt:
        system = self.system
        stock = deploy_stock_token(system, "X", "X.M")
        return system.factory.listToken(stock.address, 10**18, sender=system.governor)  # type: ignore[no-any-return]


def measure_all() -> dict[str, int]:
    """Every figure of the snapshot, on one Anvil."""
    with anvil_chain() as chain:
        return Bench(chain).all()


def code_sizes() -> dict[str, int]:
    """Runtime size in bytes of every contract that is deployed to a network."""
    root = find_root()
    folder = root / "contracts"
    own = {p.stem for p in folder.rglob("*.sol") if p.relative_to(folder).parts[0] not in ("mocks", "lab")} | {
        "MainPoolDeployer",
        "InsurancePoolDeployer",
    }
    artifacts = load()
    return {n: artifacts[n].runtime_size for n in sorted(own & artifacts.keys()) if artifacts[n].runtime_size > 100}


def write(folder: Path, name: str, figures: dict[str, int]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    console = Console()
    folder = find_root() / "snapshots"
    old = json.loads(path.read_text()) if (path := folder / "gas.json").exists() else {}
    gas, sizes = measure_all(), code_sizes()
    table = Table("operation (case)", "gas", "change", title="Whole transactions on Anvil")
    for key, value in gas.items():
        change = value - old[key] if key in old else 0
        table.add_row(key, f"{value:,}", f"{change:+,}" if change else "")
    console.print(table)
    write(folder, "gas.json", gas)
    write(folder, "size.json", sizes)
    largest = max(sizes.values())
    console.print(f"Wrote gas.json and size.json; largest contract {largest:,} of {CODE_SIZE_LIMIT:,} bytes.")


if __name__ == "__main__":
    main()
