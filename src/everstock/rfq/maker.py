"""A market maker that quotes a stock token around the oracle's price.

It keeps nothing: prices, inventory and limits are read from the chain each time, and nonces grow with time. So it can
be restarted at any moment.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from eth_account import Account

from everstock import signing
from everstock.chain.base import ZERO_ADDRESS
from everstock.chain.contract import Contract
from everstock.chain.errors import Reverted
from everstock.chain.registry import Event
from everstock.client import MarginToken, System
from everstock.client.system import PriceStatus, from_wad
from everstock.rfq.quote import Quote, QuoteSide

BPS = Decimal(10_000)
WAD = 10**18


class QuoteRefused(Exception):
    """The maker does not quote this now; the message says why."""


@dataclass(frozen=True)
class MakerPolicy:
    """Half-spreads and skew are shares of the price. `skew` moves both sides at an inventory of nothing, or of twice
    the `target`: a maker that holds much sells cheaper. `max_value_usd` bounds one quote."""

    half_spread: Decimal = Decimal("0.001")
    closed_half_spread: Decimal = Decimal("0.01")
    skew: Decimal = Decimal("0.0005")
    target: Decimal = Decimal(1_000)
    max_value_usd: Decimal = Decimal(100_000)
    validity_seconds: int = 15


@dataclass(frozen=True)
class SignedQuote:
    """A quote, its signature, and the mid that it was made around."""

    quote: Quote
    signature: bytes
    mid_usd: Decimal
    price_usd: Decimal

    @property
    def json(self) -> dict[str, Any]:
        """As the server sends it: integers as text, so that no client rounds them."""
        message = {
            k: str(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in self.quote.message.items()
        }
        return {
            "quote": message,
            "signature": "0x" + self.signature.hex(),
            "mid_usd": str(self.mid_usd),
            "price_usd": str(self.price_usd),
            "distance_bps": str(distance_bps(self.price_usd, self.mid_usd, self.quote.side)),
        }

    @classmethod
    def of(cls, body: dict[str, Any]) -> SignedQuote:
        """From the server's answer."""
        message = {k: int(v) if isinstance(v, str) and v.isdigit() else v for k, v in body["quote"].items()}
        mid, price = Decimal(body["mid_usd"]), Decimal(body["price_usd"])
        return cls(Quote.of(message), bytes.fromhex(body["signature"][2:]), mid, price)


@dataclass(frozen=True)
class ExecutionReceipt:
    """Best execution: what was paid, against the oracle's price when it settled. From the chain's event alone.

    `cost_bps` is what the taker paid beyond mid; below 0 it did better than mid.
    """

    quote_hash: bytes
    side: QuoteSide
    quantity: Decimal
    payment: Decimal
    price_usd: Decimal
    mid_usd: Decimal
    cost_bps: Decimal

    @classmethod
    def of(cls, system: System, fill: Event) -> ExecutionReceipt:
        """From a `Fill`, of a pay token with the decimals of the system's first."""
        token = next(t for t in system.tokens.values() if t.address == fill["asset"])
        decimals = next(iter(system.pay_tokens.values())).decimals()
        quantity, payment = token.amount(fill["quantity"]), Decimal(fill["payment"]).scaleb(-decimals)
        price, mid, side = payment / quantity, from_wad(fill["oraclePrice"]), QuoteSide(fill["side"])
        return cls(fill["quoteHash"], side, quantity, payment, price, mid, distance_bps(price, mid, side))


def distance_bps(price: Decimal, mid: Decimal, side: QuoteSide) -> Decimal:
    """How much worse than mid a price is for the taker, in hundredths of a per cent."""
    worse = price - mid if side is QuoteSide.BUY else mid - price
    return (worse / mid * BPS).quantize(Decimal("0.01"))


class Maker:
    """Signs with `key`. With `issuance` it is the issuer: it mints what it sells, and burns what it buys."""

    def __init__(
        self,
        system: System,
        key: bytes,
        pay_token: str,
        policy: MakerPolicy | None = None,
        *,
        issuance: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.system, self.policy, self.issuance = system, policy or MakerPolicy(), issuance
        self._key, self._clock = key, clock
        self.address = str(Account.from_key(key).address)
        self.pay_token: Contract = system.pay_tokens[pay_token]
        self._pay_decimals = int(self.pay_token.decimals())
        self._counter = itertools.count()

    def quote(self, symbol: str, side: QuoteSide, quantity: Decimal, taker: str = ZERO_ADDRESS) -> SignedQuote:
        """A firm price for `quantity` tokens, good for a few seconds.

        Raises:
            QuoteRefused: no price, not listed, or more than inventory, limit or policy allow.
        """
        token, mid, half_spread = self._market(symbol)
        if quantity <= 0:
            raise QuoteRefused("ask for more than nothing")
        if quantity * mid > self.policy.max_value_usd:
            raise QuoteRefused(f"at most {self.policy.max_value_usd:,.0f} USD a quote")
        shift = self._shift(token)
        distance = half_spread if side is QuoteSide.BUY else -half_spread
        price = mid * (1 + distance + shift)
        units = token.units(quantity)
        payment = self._payment(quantity * price, side)
        self._check(token, side, units, payment)
        chain_now = self.system.chain.now
        quote = Quote(
            signer=self.address,
            taker=taker,
            asset=token.address,
            pay_token=self.pay_token.address,
            side=side,
            issuance=self.issuance,
            quantity=units,
            payment=payment,
            multiplier=self._multiplier(token),
            not_before=0,
            deadline=chain_now + self.policy.validity_seconds,
            nonce=self._nonce(),
        )
        signature = signing.sign(quote.document(self.system.quotes), self._key)
        return SignedQuote(quote, signature, mid, Decimal(payment).scaleb(-self._pay_decimals) / quantity)

    def mid(self, symbol: str) -> Decimal:
        """The oracle's price.

        Raises:
            QuoteRefused: there is none now.
        """
        return self._market(symbol)[1]

    def _market(self, symbol: str) -> tuple[MarginToken, Decimal, Decimal]:
        token = self.system.tokens.get(symbol)
        if token is None:
            raise QuoteRefused(f"{symbol} is not quoted: there are {', '.join(self.system.tokens)}")
        config = self.system.quotes.assetConfig(token.address)
        if not config.openBand:
            raise QuoteRefused(f"{symbol} is not quoted")
        answer = self.system.oracle.read(config.priceId)
        if not answer.price:  # no session has had a print yet
            raise QuoteRefused(f"{symbol} has no price yet")
        if answer.status == PriceStatus.OPEN:
            return token, from_wad(answer.price), self.policy.half_spread
        if answer.status == PriceStatus.CLOSED and config.closedBand:
            return token, from_wad(answer.price), self.policy.closed_half_spread
        raise QuoteRefused(f"{symbol} has no price now: {PriceStatus(answer.status).name.lower()}")

    def _shift(self, token: MarginToken) -> Decimal:
        """Cheaper with more in stock than wanted, dearer with less; an issuer has no stock to mind."""
        if self.issuance:
            return Decimal(0)
        held = token.balance(self.address)
        tilt = (self.policy.target - held) / self.policy.target
        return self.policy.skew * max(Decimal(-1), min(Decimal(1), tilt))

    def _payment(self, usd: Decimal, side: QuoteSide) -> int:
        """In the pay token's smallest unit: up when the taker pays, down when the maker does."""
        units = usd.scaleb(self._pay_decimals)
        whole = int(units)
        return whole + (side is QuoteSide.BUY and units != whole)

    def _check(self, token: MarginToken, side: QuoteSide, units: int, payment: int) -> None:
        """A quote that could not settle is not given."""
        settlement = self.system.quotes
        value = payment * 10 ** (18 - self._pay_decimals)
        if value > settlement.limitLeft(self.address):
            raise QuoteRefused("the signer's daily limit is used up")
        if side is QuoteSide.SELL:
            self._check_holds(self.pay_token, payment)
        elif not self.issuance:
            self._check_holds(token.contract, units)
        else:
            self._check_custody(token, units)

    def _check_holds(self, contract: Contract, units: int) -> None:
        held = min(contract.balanceOf(self.address), contract.allowance(self.address, self.system.quotes.address))
        if held < units:
            raise QuoteRefused(f"the maker can give at most {held} units of {contract.symbol()} now")

    def _check_custody(self, token: MarginToken, units: int) -> None:
        try:
            token.contract.mint.call(self.address, units, sender=self.system.quotes.address)
        except Reverted as error:
            raise QuoteRefused(f"the issuer cannot issue that much now: {error.name}") from error

    def _multiplier(self, token: MarginToken) -> int:
        if "uiMultiplier" not in token.contract.abi_functions.by_name:
            return WAD
        return int(token.contract.uiMultiplier())

    def _nonce(self) -> int:
        """Milliseconds and a counter: later lives never meet earlier ones."""
        return int(self._clock() * 1000) << 16 | next(self._counter) & 0xFFFF
