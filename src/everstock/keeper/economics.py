"""Whether a duty pays for its gas."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from everstock.chain.rpc import RpcChain
from everstock.client import System
from everstock.client.system import PriceStatus, from_wad

GAS_OF_A_DUTY = 350_000
"""What one takes at most, by the gas snapshot, where the node is not asked."""

GAS_ASSET = "ETH"


@dataclass
class Economics:
    """Rewards in USD against gas in USD. Without `min_profit_usd` every duty is done, and nothing is asked.

    A token is worth the oracle's price of its quoted asset, else its price when it was listed. A token without either
    is worth nothing here.
    """

    system: System
    min_profit_usd: Decimal | None = None

    def pays(self, token: str, reward_units: int, gas: int = GAS_OF_A_DUTY) -> bool:
        """Whether the reward leaves the wanted profit."""
        if self.min_profit_usd is None:
            return True
        cost = self.gas_usd(gas)
        return cost is not None and self.worth_usd(token, reward_units) - cost >= self.min_profit_usd

    def gas_usd(self, gas: int) -> Decimal | None:
        """Today's price of that much gas; None without a price of ether."""
        chain = self.system.chain
        if not isinstance(chain, RpcChain):
            return Decimal(0)
        tip, most = chain.fees()
        price = self._price_usd(GAS_ASSET)
        return None if price is None else from_wad(gas * (most + tip) // 2) * price

    def worth_usd(self, token: str, units: int) -> Decimal:
        """What an amount of a margin token is worth."""
        for symbol, margin in self.system.tokens.items():
            if margin.address == token:
                quoted = self.system.params.quotes.assets.get(symbol)
                price = None if quoted is None else self._price_usd(quoted.asset)
                if price is None and (listed := self.system.params.tokens.get(symbol)) is not None:
                    price = listed.price_usd
                return margin.amount(units) * (price or 0)
        return Decimal(0)

    def _price_usd(self, asset: str) -> Decimal | None:
        known = self.system.assets.get(asset)
        if known is None:
            return None
        answer = self.system.oracle.read(known.id)
        good = answer.status in (PriceStatus.OPEN, PriceStatus.CLOSED)
        return from_wad(answer.price) if good else None
