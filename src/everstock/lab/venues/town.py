"""One chain with the whole system on it, Uniswap v2 beside it, and a clock: the ground that the venues stand on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from everstock.artifacts import Artifact, find_root
from everstock.chain.contract import Contract
from everstock.chain.receipt import Tx
from everstock.chain.rpc import RpcChain
from everstock.client import MarginToken, Market, System
from everstock.client.lending import LendingMarket
from everstock.deploy import deploy_system
from everstock.params import Params, fields_of
from everstock.scenarios.world import align

UNISWAP = ("node_modules", "@uniswap", "v2-core", "build")
FOREVER = 2**256 - 1
HOUR, DAY = 3_600, 86_400
PRINT_GAS = 300_000
POKE_GAS = 3_000_000
DOLLAR = "USDX"
DOLLAR_DECIMALS = 6
CALENDAR = "NYSE"


@dataclass(frozen=True)
class Stock:
    """The stock that the lab is about: its asset, the token's symbol and name."""

    asset: str = "TSLA"
    symbol: str = "TSLA.M"
    name: str = "Tesla (stock token)"

    @property
    def market(self) -> str:
        return f"{self.asset}-7D"

    @property
    def loans(self) -> str:
        return f"{self.symbol}/{DOLLAR}"


class WrongDate(Exception):
    """The chain cannot be set to the story's date: its calendar would not be the story's. Play on a fresh chain."""


def lab_params(stock: Stock, share_usd: Decimal, bitcoin_usd: Decimal) -> Params:
    """The local parameters with this one stock as margin, underlying, quoted asset, collateral, and with its desk."""
    fields: dict[str, Any] = fields_of("local")
    shares, tokens = {"initial_price_usd": str(share_usd)}, fields["tokens"]["TSLA.M"]
    fields["assets"] = {
        "BTC": fields["assets"]["BTC"] | {"initial_price_usd": str(bitcoin_usd)},
        stock.asset: fields["assets"]["TSLA"] | shares,
    }
    fields["markets"] = {
        "BTC-7D": fields["markets"]["BTC-7D"] | {"reference_price_usd": str(bitcoin_usd)},
        stock.market: fields["markets"]["TSLA-7D"] | {"asset": stock.asset, "reference_price_usd": str(share_usd)},
    }
    fields["tokens"] = {stock.symbol: tokens | {"name": stock.name, "price_usd": str(share_usd)}}
    fields["stock"] = fields["stock"] | {"desks": {stock.symbol: fields["stock"]["desks"]["TSLA.M"]}}
    quoted = fields["quotes"]["assets"]["TSLA.M"] | {"asset": stock.asset}
    fields["quotes"] = fields["quotes"] | {"assets": {stock.symbol: quoted}}
    loans = fields["lending"]["markets"]["TSLA.M/USDX"] | {"collateral": stock.symbol, "asset": stock.asset}
    fields["lending"] = fields["lending"] | {"markets": {stock.loans: loans}}
    return Params.model_validate(fields)


class Town:
    """Prices are floats in USD here. On chain all is in smallest units, and what must be exact is compared there."""

    def __init__(self, chain: RpcChain, stock: Stock, start: int, share_usd: float, bitcoin_usd: float) -> None:
        self.chain, self.stock = chain, stock
        if align(chain, start):
            raise WrongDate(f"the chain is at {chain.now}, after {start}")
        self.start, self.share, self.bitcoin = start, share_usd, bitcoin_usd
        params = lab_params(stock, Decimal(f"{share_usd:.8f}"), Decimal(f"{bitcoin_usd:.8f}"))
        self.system: System = deploy_system(chain, params)
        self.token: MarginToken = self.system.token(stock.symbol)
        self.cash: Contract = self.system.pay_tokens[DOLLAR]
        self.issuer = self.system.governor
        self._sessions: dict[int, tuple[int, int]] = {}
        self._approved: set[tuple[str, str, str]] = set()

    @classmethod
    def before(cls, chain: RpcChain, stock: Stock, start: int, share_usd: float, bitcoin_usd: float) -> Town:
        """Deployed some days ahead, so that at `start`, a midnight, a session's last price is known on any day."""
        town = cls(chain, stock, start - 5 * DAY + HOUR, share_usd, bitcoin_usd)
        for day in range(start // DAY - 5, start // DAY):
            opens, closes = town.session(day)
            if opens:
                town.go((opens + closes) // 2)
        town.go(start)
        return town

    # ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def stock_market(self) -> Market:
        return self.system.market(self.stock.market)

    @property
    def bitcoin_market(self) -> Market:
        return self.system.market("BTC-7D")

    @property
    def loans(self) -> LendingMarket:
        return self.system.lending_market(self.stock.loans)

    @cached_property
    def factory(self) -> Contract:
        """Uniswap v2's factory, from its own package's bytecode."""
        owner = self.account("uniswap")
        return self.chain.deploy(uniswap("UniswapV2Factory"), owner, sender=owner)

    @cached_property
    def router(self) -> Contract:
        return self.chain.deploy(self.system.artifacts["PairRouter"], sender=self.account("uniswap"))

    def account(self, name: str) -> str:
        return self.chain.account(name)

    # ── money ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def cash_units(self, usd: float | Decimal) -> int:
        return int(round(Decimal(str(usd)), DOLLAR_DECIMALS).scaleb(DOLLAR_DECIMALS))

    def usd(self, units: int) -> float:
        return float(units / 10**DOLLAR_DECIMALS)

    def units(self, tokens: float | Decimal) -> int:
        return self.token.units(round(Decimal(str(tokens)), 12))

    def tokens(self, units: int) -> float:
        return float(units / 10**self.token.decimals)

    def pay(self, who: str, usd: float) -> None:
        """Dollars in a wallet."""
        self.cash.mint(who, self.cash_units(usd), sender=self.issuer)

    def give(self, who: str, tokens: float, token: MarginToken | None = None) -> None:
        """Stock tokens in a wallet, issued against custody; of the town's stock unless told."""
        (token or self.token).contract.mint(who, self.units(tokens), sender=self.issuer)

    def allow(self, who: str, spender: Any, *tokens: Contract) -> None:
        """Let `spender` take what it needs, once and for all; of the stock token and the dollar unless told."""
        address = getattr(spender, "address", spender)
        txs = []
        for token in tokens or (self.token.contract, self.cash):
            key = (who, address, token.address)
            if key not in self._approved:
                txs.append(token.approve.tx(address, FOREVER, sender=who, gas=200_000))
                self._approved.add(key)
        if txs:
            self.chain.send_many(txs)

    def holds(self, who: str) -> tuple[float, float]:
        """Stock tokens and dollars in a wallet."""
        held = self.chain.call_many([token_balance(self.token.contract, who), token_balance(self.cash, who)])
        tokens, dollars = (int.from_bytes(each, "big") for each in held if isinstance(each, bytes))
        return self.tokens(tokens), self.usd(dollars)

    # ── time and prices ───────────────────────────────────────────────────────────────────────────────────────────────
    def session(self, day: int) -> tuple[int, int]:
        """When New York opens and closes on a day since 1970; both 0 when it does not."""
        if day not in self._sessions:
            opens, closes = self.system.calendars[CALENDAR].sessionOf(day)
            self._sessions[day] = (int(opens), int(closes))
        return self._sessions[day]

    def is_open(self, at: int | None = None) -> bool:
        """Whether New York trades."""
        at = self.chain.now if at is None else at
        opens, closes = self.session(at // DAY)
        return opens <= at < closes

    def next_open(self, at: int) -> int:
        """The next opening at or after `at`."""
        day = at // DAY
        while not (opens := self.session(day)[0]) or opens < at:
            day += 1
        return opens

    def go(self, at: int, share: float | None = None, bitcoin: float | None = None) -> None:
        """Let it be `at`, with these prices: bitcoin's feed prints at once, the stock's in its session only."""
        self.chain.set_time(at)
        if bitcoin is not None:
            self.bitcoin = bitcoin
        if share is not None and self.is_open(at):
            self.share = share
        self.publish()

    def publish(self) -> None:
        """A new round of each feed whose market trades, and a poke of its option market."""
        prices = {"BTC": (self.bitcoin, self.bitcoin_market)}
        if self.is_open():
            prices[self.stock.asset] = (self.share, self.stock_market)
        txs: list[Tx] = []
        for name, (price, market) in prices.items():
            asset = self.system.asset(name)
            answer = round(price * 10**asset.feed_decimals)
            txs.append(asset.aggregator.updateAnswer.tx(answer, sender=self.issuer, gas=PRINT_GAS))
            txs.append(market.contract.poke.tx(sender=self.issuer, gas=POKE_GAS))
        self.chain.send_many(txs)


def token_balance(token: Contract, who: str) -> Tx:
    """The call that asks for a balance."""
    return token.balanceOf.tx(who, sender=who)


def uniswap(name: str) -> Artifact:
    """A contract of `@uniswap/v2-core`, compiled by its authors."""
    return Artifact.from_json(find_root().joinpath(*UNISWAP, f"{name}.json"), name)
