"""Whether a duty pays for its gas."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from everstock.chain.errors import Rejected, Reverted
from everstock.chain.receipt import Tx
from everstock.chain.rpc import RpcChain
from everstock.client import System
from everstock.client.system import PriceStatus, from_wad

GAS_OF_A_DUTY = 350_000
"""What one takes at most, by the gas snapshot, where the node is not asked."""

GAS_ASSET = "ETH"

L1_FEE_ORACLE = "0x420000000000000000000000000000000000000F"
"""Predeploy of rollups of the OP stack."""

L1_FEE_UPPER_BOUND = bytes.fromhex("f1c7a58b")  # getL1FeeUpperBound(uint256)

DATA_BYTES = 600
"""Of a duty's signed transaction: an order of one leg."""


@dataclass
class Economics:
    """Rewards in USD against gas in USD. Without `min_profit_usd` every duty is done, and nothing is asked.

    A token is worth the oracle's price of its quoted asset, else its price when it was listed. A token without either
    is worth nothing here.
    """

    system: System
    min_profit_usd: Decimal | None = None
    prices: dict[str, Decimal | None] = field(default_factory=dict)
    """Of assets, as asked in this pass, which clears them: many accounts are weighed at the same few."""
    _is_rollup: bool | None = None

    def pays(self, token: str, reward_units: int, gas: int = GAS_OF_A_DUTY) -> bool:
        """Whether the reward leaves the wanted profit."""
        if self.min_profit_usd is None:
            return True
        return self.profits(self.worth_usd(token, reward_units), gas)

    def profits(self, gain_usd: Decimal, gas: int) -> bool:
        """Whether a gain is one, after gas: for what the keeper puts its own money into. Without a wanted profit any is
        enough.
        """
        cost = self.gas_usd(gas)
        if cost is None or gain_usd <= cost:
            return False
        return gain_usd - cost >= (self.min_profit_usd or 0)

    def worth_gas(self, moved_usd: Decimal, multiple: int = 1) -> bool:
        """Whether an unpaid duty moves so much more than its gas costs that somebody should do it."""
        cost = self.gas_usd(GAS_OF_A_DUTY)
        return cost is not None and moved_usd >= multiple * cost

    def gas_of(self, tx: Tx) -> int:
        """What the node thinks a transaction takes; what a duty takes at most where it is not asked or will not say."""
        chain = self.system.chain
        if not isinstance(chain, RpcChain):
            return GAS_OF_A_DUTY
        try:
            return chain.estimate(tx._replace(gas=None))
        except (Reverted, Rejected):
            return GAS_OF_A_DUTY

    def gas_usd(self, gas: int) -> Decimal | None:
        """Today's price of that much gas, on a rollup with the data's; None without a price of ether."""
        chain = self.system.chain
        if not isinstance(chain, RpcChain):
            return Decimal(0)
        tip, most = chain.fees()
        if not most and chain.is_local:
            return Decimal(0)  # free, whether ether has a price now or not
        price = self._price_usd(GAS_ASSET)
        return None if price is None else from_wad(gas * (most + tip) // 2 + self._data_fee(chain)) * price

    def _data_fee(self, chain: RpcChain) -> int:
        """What a rollup of the OP stack charges at most for a duty's data on Ethereum, in wei."""
        if self._is_rollup is None:
            self._is_rollup = bool(chain.code(L1_FEE_ORACLE))
        if not self._is_rollup:
            return 0
        return int.from_bytes(chain.call(L1_FEE_ORACLE, L1_FEE_UPPER_BOUND + DATA_BYTES.to_bytes(32, "big")), "big")

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
        if asset not in self.prices:
            answer = self.system.oracle.read(known.id)
            good = answer.status in (PriceStatus.OPEN, PriceStatus.CLOSED)
            self.prices[asset] = from_wad(answer.price) if good else None
        return self.prices[asset]
