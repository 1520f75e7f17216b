"""What reading a price costs in a trade, and what each guard adds: `python -m everstock.report.price_gas`.

Figures are of `PriceOracle.poke` on Anvil with every slot and account cold, the call itself included as another
contract pays it, the transaction's base cost and calldata left out. The feed is Chainlink's mock aggregator, read
directly, as markets read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from everstock.artifacts import load
from everstock.chain.anvil import anvil_chain
from everstock.chain.base import ZERO_ADDRESS, Chain

WAD = 10**18
ASSET = b"ASSET".ljust(32, b"\0")
BASE_COST = 21_000
COLD_CALL = 2_600
DAY = 86_400
TWO_BUCKETS = 1_500
NONE = (ZERO_ADDRESS, 0, 0)
LIMIT = 25_000
"""What reading an accepted round of one Chainlink feed may cost in a trade."""


@dataclass
class Bench:
    """One asset whose guards change from case to case."""

    chain: Chain

    def __post_init__(self) -> None:
        self.built = load()
        self.governor = self.chain.account("governor")
        authority = self.deploy("Authority", self.governor)
        self.oracle = self.deploy("PriceOracle", authority.address)
        self.aggregator = self.deploy("MockAggregator", 8, 250 * 10**8)
        self.feed = self.deploy("ChainlinkFeed", self.aggregator.address)
        self.second = self.deploy("MockAggregator", 8, 250 * 10**8)
        self.check = self.deploy("ChainlinkFeed", self.second.address)
        self.uptime = self.deploy("MockSequencerUptime", False)
        self.uptime.disableAccessCheck(sender=self.governor)
        self.calendar = self.deploy("MarketCalendar", authority.address, WAD // 5, [])
        self.chain.set_time(self.calendar.nextOpenAfterClose(self.chain.now + DAY) + 3_600)

    def deploy(self, name: str, *args: Any) -> Any:
        return self.chain.deploy(self.built[name], *args, sender=self.governor)

    def cost(self, *, check: bool = False, sequencer: bool = False, calendar: bool = False) -> tuple[int, int]:
        """Gas of a poke that finds the accepted round again, and of one that accepts a new print."""
        sessions = self.calendar.address if calendar else ZERO_ADDRESS
        with self.chain.anchor():
            self.oracle.setAsset(ASSET, (self.feed.address, DAY, WAD // 1_000, sessions), sender=self.governor)
            second = (self.check.address, DAY, WAD // 50) if check else NONE
            uptime = (self.uptime.address, 3_600) if sequencer else (ZERO_ADDRESS, 0)
            self.oracle.setGuards(ASSET, (*second, *uptime, 0), sender=self.governor)
            self.publish(250)
            self.poke()
            again = self.poke()
            self.chain.warp(TWO_BUCKETS)
            self.publish(251)
            return again, self.poke()

    def publish(self, usd: int) -> None:
        for aggregator in (self.aggregator, self.second):
            aggregator.updateAnswer(usd * 10**8, sender=self.governor)

    def poke(self) -> int:
        receipt = self.oracle.poke(ASSET, sender=self.governor)
        calldata = self.oracle.poke.encode(ASSET)
        payload = sum(16 if byte else 4 for byte in calldata)
        assert self.oracle.read(ASSET).status == 0, "a price that is not Open would measure something else"
        return receipt.gas_used - BASE_COST - payload + COLD_CALL  # type: ignore[no-any-return]


def measure() -> dict[str, tuple[int, int]]:
    """(accepted round again, new print) by configuration."""
    with anvil_chain() as chain:
        bench = Bench(chain)
        return {
            "one Chainlink feed": bench.cost(),
            "+ check source": bench.cost(check=True),
            "+ sequencer feed": bench.cost(sequencer=True),
            "+ calendar": bench.cost(calendar=True),
            "all three": bench.cost(check=True, sequencer=True, calendar=True),
        }


def main() -> None:
    figures = measure()
    plain = figures["one Chainlink feed"]
    table = Table("configuration", title="Gas of reading a price in a trade")
    for column in ("accepted round", "extra", "new print", "extra"):
        table.add_column(column, justify="right")
    for name, (again, new) in figures.items():
        extra = [f"{gas - base:+,}" if gas != base else "" for gas, base in zip((again, new), plain, strict=True)]
        table.add_row(name, f"{again:,}", extra[0], f"{new:,}", extra[1])
    Console().print(table)


if __name__ == "__main__":
    main()
