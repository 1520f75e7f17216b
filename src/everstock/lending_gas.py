"""Lending, operation by operation, beside the real Morpho Blue on one Anvil: `make lending-gas`.

Both lend the same dollar against the same stock token, read the same Chainlink mock aggregator through the same
`PriceOracle` (Morpho through our `MorphoOracle`), and have the same lenders, borrowers and history. Morpho is measured
twice: with the constant-time rate model that its own tests use, and with the adaptive curve that its markets use. Ours
runs the adaptive curve always; "with sessions" is the market of a stock that closes, which Morpho has nothing like.
Writes `snapshots/lending_gas.json` and `docs/lending-gas.md`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from rich.console import Console
from rich.table import Table

from everstock.artifacts import Artifact, Artifacts, find_root
from everstock.artifacts import load as load_artifacts
from everstock.chain.anvil import anvil_chain
from everstock.chain.base import ZERO_ADDRESS, Chain
from everstock.chain.contract import Contract
from everstock.chain.receipt import Receipt
from everstock.client import System
from everstock.client.lending import LendingMarket
from everstock.deploy import deploy_system
from everstock.gas import WrongTime
from everstock.params import load as load_params

MORPHO = Path(".build") / "morpho.json"
SNAPSHOT = Path("snapshots") / "lending_gas.json"
PAGE = Path("docs") / "lending-gas.md"
LIMIT = 1.25
WAIT_SECONDS = 300
WAD = 10**18
MAX = 2**256 - 1
DOLLAR = 10**6
PRICE = 250

HEAD = """# Lending gas

Written by `make lending-gas` from one run on one Anvil. Whole transactions, base cost and calldata included, five
minutes after the last operation, with accounts that have been there before. The same dollar, stock token, aggregator,
oracle and history on both sides; Morpho Blue 1.0.0 is compiled from its own sources by solc 0.8.19 with the settings of
its release.

*Morpho (mock rates)* runs with the rate model of Morpho's own tests, the cheapest there is; *Morpho (curve)* with an
adaptive curve, as Morpho's markets do and as ours does always. The ratios are ours to each. *With sessions* is the same
operation in a market whose collateral has trading hours, which Morpho does not know.

Collateral of ours lies in the common vault, where the same tokens can be options margin; ours also writes an ERC-20
share for every lender, checks what a transfer really moved and rejects stale, closed or jumping prices with a band.

| operation | ours | Morpho (mock rates) | ratio | Morpho (curve) | ratio | ours, with sessions |
|---|---:|---:|---:|---:|---:|---:|"""


class NoMorpho(Exception):
    """Morpho is not compiled."""


def morpho_artifacts(root: Path) -> Artifacts:
    """What `toolchain/morpho.py` has compiled.

    Raises:
        NoMorpho: it has not run.
    """
    if not (root / MORPHO).exists():
        raise NoMorpho("run `python toolchain/morpho.py`, or `make lending-gas`")
    built = json.loads((root / MORPHO).read_text())["contracts"]
    return Artifacts(
        {
            name: Artifact(name, raw["abi"], bytes.fromhex(raw["bytecode"][2:]), len(raw["deployedBytecode"]) // 2 - 1)
            for name, raw in built.items()
        }
    )


class Ours:
    """A market of ours, in the verbs of Morpho."""

    def __init__(self, market: LendingMarket) -> None:
        self.market = market
        self.c = market.contract

    def supply(self, lender: str, units: int) -> Receipt:
        return self.c.deposit(units, lender, sender=lender)  # type: ignore[no-any-return]

    def withdraw(self, lender: str, units: int) -> Receipt:
        return self.c.withdraw(units, lender, lender, sender=lender)  # type: ignore[no-any-return]

    def supply_collateral(self, owner: str, units: int) -> Receipt:
        vault, token = self.market.system.vault, self.market.collateral.address
        return vault.deposit(token, self.c.address, owner, units, sender=owner)  # type: ignore[no-any-return]

    def withdraw_collateral(self, owner: str, units: int) -> Receipt:
        return self.c.withdrawCollateral(units, owner, owner, sender=owner)  # type: ignore[no-any-return]

    def borrow(self, owner: str, units: int) -> Receipt:
        return self.c.borrow(units, owner, owner, sender=owner)  # type: ignore[no-any-return]

    def repay(self, owner: str, units: int) -> Receipt:
        return self.c.repay(units, owner, sender=owner)  # type: ignore[no-any-return]

    def repay_all(self, owner: str) -> Receipt:
        return self.repay(owner, MAX)

    def liquidate(self, owner: str, liquidator: str, units: int) -> Receipt:
        return self.c.liquidate((owner, units, 0, 0, liquidator), b"", sender=liquidator)  # type: ignore[no-any-return]


class Morphos:
    """A market on Morpho Blue."""

    def __init__(self, morpho: Contract, params: tuple[Any, ...], market: bytes) -> None:
        self.c, self.params, self.id = morpho, params, market

    def supply(self, lender: str, units: int) -> Receipt:
        return self.c.supply(self.params, units, 0, lender, b"", sender=lender)  # type: ignore[no-any-return]

    def withdraw(self, lender: str, units: int) -> Receipt:
        return self.c.withdraw(self.params, units, 0, lender, lender, sender=lender)  # type: ignore[no-any-return]

    def supply_collateral(self, owner: str, units: int) -> Receipt:
        return self.c.supplyCollateral(self.params, units, owner, b"", sender=owner)  # type: ignore[no-any-return]

    def withdraw_collateral(self, owner: str, units: int) -> Receipt:
        return self.c.withdrawCollateral(self.params, units, owner, owner, sender=owner)  # type: ignore[no-any-return]

    def borrow(self, owner: str, units: int) -> Receipt:
        return self.c.borrow(self.params, units, 0, owner, owner, sender=owner)  # type: ignore[no-any-return]

    def repay(self, owner: str, units: int) -> Receipt:
        return self.c.repay(self.params, units, 0, owner, b"", sender=owner)  # type: ignore[no-any-return]

    def repay_all(self, owner: str) -> Receipt:
        shares = self.c.position(self.id, owner)[1]
        return self.c.repay(self.params, 0, shares, owner, b"", sender=owner)  # type: ignore[no-any-return]

    def liquidate(self, owner: str, liquidator: str, units: int) -> Receipt:
        shares = units * 10**6 * 999 // 1000
        return self.c.liquidate(self.params, owner, 0, shares, b"", sender=liquidator)  # type: ignore[no-any-return]


class Bench:
    """All markets on one chain, seeded alike."""

    def __init__(self, chain: Chain, root: Path) -> None:
        self.chain = chain
        self.system: System = deploy_system(chain, load_params("local"))
        self.governor = self.system.governor
        names = ("lender", "early lender", "borrower", "holder", "liquidator", "newcomer")
        self.lender, self.early, self.borrower, self.holder, self.liquidator, self.newcomer = map(chain.account, names)
        self.asset = self.system.asset("TSLA")
        self.token = self.system.token("TSLA.M")
        self._deploy(root)
        self._seed()

    def _deploy(self, root: Path) -> None:
        system, chain, params = self.system, self.chain, self.system.params
        assert params.lending is not None

        def deploy(name: str, *args: Any) -> Contract:
            return chain.deploy(load_artifacts()[name], *args, sender=self.governor)

        listed = system.lending_market("TSLA.M/USDX")
        self.dollar = listed.loan.contract
        config = listed.contract.config()
        calendar = system.calendars["NYSE"]
        # One asset without sessions, one with, over the same aggregator.
        feed = deploy("ChainlinkFeed", self.asset.aggregator.address)
        ids = {False: b"PLAIN".ljust(32, b"\0"), True: b"SESSION".ljust(32, b"\0")}
        for has_sessions, asset_id in ids.items():
            where = calendar.address if has_sessions else ZERO_ADDRESS
            system.oracle.setAsset(asset_id, (feed.address, 86_400, 5 * WAD // 1000, where), sender=self.governor)
        self.asset_ids = tuple(ids.values())
        self.markets: dict[str, Ours | Morphos] = {}
        for name, has_sessions in (("ours", False), ("sessions", True)):
            changed = config._replace(
                collateralAsset=ids[has_sessions], calendar=calendar.address if has_sessions else ZERO_ADDRESS
            )
            assert system.lending_factory is not None
            receipt = system.lending_factory.createMarket(tuple(changed), sender=self.governor)
            address = receipt.event("CreateMarket")["market"]
            system.vault.setModule(address, True, sender=self.governor)
            contract = chain.contract(load_artifacts()["LendingMarket"], address)
            self.markets[name] = Ours(LendingMarket(system, name, contract, self.token, listed.loan, self.asset))
        built = morpho_artifacts(root)
        morpho = chain.deploy(built["Morpho"], self.governor, sender=self.governor)
        oracle = deploy("MorphoOracle", system.oracle, self.token.address, ids[False], self.dollar, bytes(32))
        lltv = int(config.policy.openLiquidationLtv)
        morpho.enableLltv(lltv, sender=self.governor)
        irms = {
            "mock rates": chain.deploy(built["IrmMock"], sender=self.governor),
            "curve": deploy("MorphoCurve", params.lending.rate_model.config),
        }
        self.morpho = morpho
        for name, irm in irms.items():
            morpho.enableIrm(irm, sender=self.governor)
            key = (self.dollar.address, self.token.address, oracle.address, irm.address, lltv)
            morpho.createMarket(key, sender=self.governor)
            market_id = keccak(encode(["address"] * 4 + ["uint256"], key))
            self.markets[name] = Morphos(morpho, key, market_id)

    def _seed(self) -> None:
        """The same money and the same history everywhere."""
        stock, dollar, vault = self.token.contract, self.dollar, self.system.vault
        spenders = [vault.address, self.morpho.address, *(m.c.address for m in self.markets.values())]
        for who in (self.lender, self.early, self.borrower, self.holder, self.liquidator, self.newcomer):
            dollar.mint(who, 10**9 * DOLLAR, sender=self.governor)
            self.token.mint(who, 1_000_000)
            for spender in spenders:
                stock.approve(spender, MAX, sender=who)
                dollar.approve(spender, MAX, sender=who)
        for asset_id in self.asset_ids:
            self.system.oracle.poke(asset_id, sender=self.governor)
        for market in self.markets.values():
            market.supply(self.early, 1_000_000 * DOLLAR)
            market.supply(self.lender, 1_000_000 * DOLLAR)
            for owner in (self.borrower, self.holder):
                market.supply_collateral(owner, 1_000 * WAD)
                market.borrow(owner, 130_000 * DOLLAR)
        self.chain.warp(3600)
        self.asset.publish(PRICE)
        for asset_id in self.asset_ids:
            self.system.oracle.poke(asset_id, sender=self.governor)
        for market in self.markets.values():  # interest has been charged before
            market.repay(self.holder, 1_000 * DOLLAR)

    def measure(self, act: Callable[[], Receipt], *before: Callable[[], object]) -> int:
        """Gas of `act` after `before`, then undo everything."""
        receipt = None
        for _ in range(3):
            with self.chain.anchor():
                for step in before:
                    step()
                self.chain.warp(WAIT_SECONDS)
                due = self.chain.now
                receipt = act()
            if receipt.timestamp == due:
                return receipt.gas_used
        raise WrongTime(f"mined at {receipt.timestamp if receipt else 0}, not when it was told to")

    def fall(self) -> None:
        """The price falls below the liquidation limit, and the oracle has seen it."""
        for price in (PRICE * 92 // 100, PRICE * 84 // 100, PRICE * 77 // 100):
            self.chain.warp(1_300)
            self.asset.publish(price)
            for asset_id in self.asset_ids:
                self.system.oracle.poke(asset_id, sender=self.governor)

    def figures(self, market: Ours | Morphos) -> dict[str, int]:
        m, part = self.measure, 10_000 * DOLLAR
        return {
            "supply": m(lambda: market.supply(self.lender, part)),
            "supply (first time)": m(lambda: market.supply(self.newcomer, part)),
            "withdraw": m(lambda: market.withdraw(self.lender, part)),
            "supply collateral": m(lambda: market.supply_collateral(self.borrower, WAD)),
            "supply collateral (first time)": m(lambda: market.supply_collateral(self.newcomer, WAD)),
            "withdraw collateral (with debt)": m(lambda: market.withdraw_collateral(self.borrower, WAD)),
            "borrow": m(lambda: market.borrow(self.borrower, 1_000 * DOLLAR)),
            "borrow (first time)": m(
                lambda: market.borrow(self.newcomer, part), lambda: market.supply_collateral(self.newcomer, 100 * WAD)
            ),
            "repay": m(lambda: market.repay(self.borrower, part)),
            "repay (all)": m(lambda: market.repay_all(self.borrower)),
            "liquidate": m(lambda: market.liquidate(self.borrower, self.liquidator, part), self.fall),
        }


def measure(root: Path) -> dict[str, dict[str, int]]:
    """Operation → market → gas."""
    with anvil_chain() as chain:
        bench = Bench(chain, root)
        by_market = {name: bench.figures(market) for name, market in bench.markets.items()}
    return {op: {name: figures[op] for name, figures in by_market.items()} for op in by_market["ours"]}


def page(figures: dict[str, dict[str, int]]) -> str:
    """docs/lending-gas.md."""
    rows = [
        f"| {op} | {g['ours']:,} | {g['mock rates']:,} | {g['ours'] / g['mock rates']:.2f} | {g['curve']:,} "
        f"| {g['ours'] / g['curve']:.2f} | {g['sessions']:,} |"
        for op, g in figures.items()
    ]
    return "\n".join([HEAD, *rows, ""])


def main() -> None:
    root, console = find_root(), Console()
    figures = measure(root)
    (root / SNAPSHOT).write_text(json.dumps(figures, indent=2) + "\n")
    (root / PAGE).write_text(page(figures))
    columns = ("operation", "ours", "Morpho (mock rates)", "ratio", "Morpho (curve)", "ratio", "ours, with sessions")
    table = Table(*columns, title="Gas of whole transactions on one Anvil")
    for op, g in figures.items():
        ratios = [g["ours"] / g[name] for name in ("mock rates", "curve")]
        mock, curve = (f"[{'green' if ratio <= LIMIT else 'red'}]{ratio:.2f}" for ratio in ratios)
        cells = (f"{g['ours']:,}", f"{g['mock rates']:,}", mock, f"{g['curve']:,}", curve, f"{g['sessions']:,}")
        table.add_row(op, *cells)
    console.print(table)
    console.print(f"Wrote {SNAPSHOT} and {PAGE}.")


if __name__ == "__main__":
    main()
