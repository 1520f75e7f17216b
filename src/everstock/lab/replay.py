"""Replays a path of the simulation through the contracts: the same prices, the same trades, the same hours."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from everstock.chain.receipt import Tx
from everstock.chain.rpc import RpcChain
from everstock.client import MarginToken, Market, Side, System
from everstock.client.system import QuoteKind
from everstock.lab.simulation import INSURANCE_LAYER, MAIN_LAYER, Trade

MARKET, TOKEN, ASSET = "BTC-7D", "TSLA.M", "BTC"
HOUR_SECONDS = 3600
CONFIRM_SECONDS = 301
LARGEST_STEP = 0.095
"""A jump of 10% halts the market until a second print confirms it, five minutes later."""

WAD = 10**18
TRADE_GAS, PRINT_GAS, POKE_GAS = 900_000, 300_000, 900_000


@dataclass(frozen=True)
class Replayed:
    """The pools at the end, in tokens at the mark, and the least cash above reserves on the way."""

    main: float
    insurance: float
    lowest_free: int  # smallest units, of the pool that had less
    transactions: int


class Replay:
    """A seeded system at the simulation's first hour; `run` leaves no trace, so that one serves many paths."""

    def __init__(self, chain: RpcChain, system: System, main: int, insurance: Decimal) -> None:
        self.chain, self.system = chain, system
        self.token: MarginToken = system.token(TOKEN)
        self.market: Market = system.market(MARKET)
        self.reference = self.market.strike_price_usd(0)
        lp, holder = chain.account("lab year LP"), chain.account("lab year holder")
        self.token.mint(lp, main + insurance)
        self.token.main.deposit(lp, main)
        self.token.insurance.deposit(lp, insurance)
        self.token.mint(holder, 10 * main)
        self.account = self.token.trader(holder)
        self.account.deposit(10 * main)
        chain.warp(HOUR_SECONDS)
        system.asset(ASSET).publish(self.reference)
        self.market.poke()
        self.variance = self.market.volatility**2
        """Annualised, as the market has it now: where the simulation of a path must start."""

    def run(self, returns: Sequence[float], trades: Sequence[Trade], note: Callable[[float], None]) -> Replayed:
        """`returns`: hourly log returns of one path, whose simulation made these trades."""
        with self.chain.anchor():
            return self._run(returns, trades, note)

    def _run(self, returns: Sequence[float], trades: Sequence[Trade], note: Callable[[float], None]) -> Replayed:
        by_hour: dict[int, list[Trade]] = defaultdict(list)
        for trade in trades:
            by_hour[trade.hour].append(trade)
        start, log_price, sent, free = self.chain.now, 0.0, 0, 2**256
        held: dict[tuple[int, bool], int] = defaultdict(int)
        for hour in range(len(returns) + 1):
            if hour:
                step = float(returns[hour - 1])
                log_price += step
                if abs(step) > LARGEST_STEP:
                    self.chain.set_time(start + hour * HOUR_SECONDS - CONFIRM_SECONDS)
                    sent += self._mine([self._print(log_price), self._poke()])
            self.chain.set_time(start + hour * HOUR_SECONDS)
            orders = [self._order(trade, held) for trade in by_hour[hour]]
            sent += self._mine([self._print(log_price), *(orders or [self._poke()])])
            if orders:
                free = min(free, self._free())
                note(hour / max(len(returns), 1))
        self.account.settle()
        main, insurance = self._marked(held)
        return Replayed(main, insurance, free, sent)

    def _mine(self, txs: list[Tx]) -> int:
        return len(self.chain.send_many(txs))

    def _print(self, log_price: float) -> Tx:
        asset = self.system.asset(ASSET)
        answer = int(self.reference * Decimal(math.exp(log_price)) * 10**asset.feed_decimals)
        return asset.aggregator.updateAnswer.tx(answer, sender=self.system.governor, gas=PRINT_GAS)

    def _poke(self) -> Tx:
        return self.market.contract.poke.tx(sender=self.system.governor, gas=POKE_GAS)

    def _order(self, trade: Trade, held: dict[tuple[int, bool], int]) -> Tx:
        """The last part of a position is closed whole: floats do not add up to the unit."""
        key = (trade.strike, trade.is_call)
        units = int(Decimal(trade.notional) * WAD)
        if not trade.opened and held[key] - units < WAD:
            units = held[key]
        held[key] += units if trade.opened else -units
        notional = Decimal(units).scaleb(-18)
        side = Side.CALL if trade.is_call else Side.PUT
        order = self.account.order(self.market, trade.strike, side, notional, notional if trade.opened else 0, None)
        act = self.system.options.open if trade.opened else self.system.options.close
        return act.tx(order, sender=self.account.owner, gas=TRADE_GAS)

    def _free(self) -> int:
        """Cash above reserves, of the pool that has less."""
        values = [pool.nav() for pool in (self.token.main, self.token.insurance)]
        return min(int(value.cash) - int(value.reserved) for value in values)

    def _marked(self, held: dict[tuple[int, bool], int]) -> tuple[float, float]:
        main, insurance = float(self.token.main.cash), float(self.token.insurance.cash)
        for (strike, is_call), units in held.items():
            if units:
                side = Side.CALL if is_call else Side.PUT
                value = self.market.quote(strike, side, QuoteKind.MARK).value / WAD
                main -= units / WAD * min(value, MAIN_LAYER)
                insurance -= units / WAD * min(max(value - MAIN_LAYER, 0.0), INSURANCE_LAYER)
        return main, insurance
