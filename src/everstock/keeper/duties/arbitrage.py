"""Mint/redeem arbitrage: what keeps a stock token at its share's price, with the T+N delay and the keeper's money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from everstock.chain.contract import Contract
from everstock.client import Asset, MarginToken
from everstock.client.issuer import Issuer
from everstock.keeper.duties.duty import Duty
from everstock.keeper.venue import BPS, Reserves, Venue
from everstock.keeper.work import Action, Kind, Look, Work

MINT, REDEEM = 0, 1
DAY = 86_400
WAD = 10**18

MINT_GAS = 450_000
"""Of a mint request, its claim and the sale."""

REDEEM_GAS = 450_000
"""Of a purchase, a redemption request and its claim."""

SWAP_GAS = 150_000
REQUEST_GAS = 300_000


@dataclass(frozen=True)
class ArbitragePolicy:
    """Where, how much, and at what edge.

    `cash_limit`: cash that may be under way at a time: in requests, and in tokens held or being redeemed. `wait_cost`:
    what having it under way costs a day, as a share: interest, and the risk that the price has come back by then.
    `slippage`: how far a swap may end from its simulation. `limit_slack`: how far below the share's price a redemption
    may be settled. `confirm_seconds`: for so long a premium must have stood before cash goes into a mint.
    """

    token: str
    pair: str
    router: str
    cash_limit: Decimal
    wait_cost: Decimal = Decimal("0.001")
    slippage: Decimal = Decimal("0.005")
    limit_slack: Decimal = Decimal("0.05")
    min_trade: Decimal = Decimal(100)
    confirm_seconds: int = 60
    fee_bps: int = 30


class Arbitrage(Duty):
    """One token at one venue.

    Above the share's price and the costs: request a mint at the desk, sell on fulfilment. Below: buy, and request a
    redemption. What the keeper's wallet holds of the token leaves by the better of the two ways, so that a keeper that
    begins again only has to look: at its wallet, and at its requests, which the desk keeps. What is on its way to
    the venue counts as sold there already. Requests past their deadline are taken back, with the penalty.
    """

    def __init__(self, work: Work, policy: ArbitragePolicy) -> None:
        super().__init__(work)
        self.policy = policy
        self.token: MarginToken = work.system.token(policy.token)
        issuer = Issuer(self.token, work.account)
        self.desk: Contract = issuer.desk
        self.cash: Contract = issuer.cash
        quoted = work.system.params.quotes.assets.get(policy.token)
        self.asset: Asset = work.system.asset(policy.token if quoted is None else quoted.asset)
        where = (work.system.chain, policy.pair, policy.router, self.token.address, self.cash.address)
        self.venue = Venue(*where, policy.fee_bps)
        self._premium_since: int | None = None

    def check(self) -> None:
        """Raises ValueError: the configuration does not fit the chain."""
        self.venue.check()

    def assets(self) -> list[Asset]:
        """The share."""
        return [self.asset]

    def due(self, look: Look) -> bool:
        """In every pass: the venue's price is not ours to hear of."""
        return True

    def run(self) -> list[Action]:
        """Collect, sell, buy, request: each step from what the chain says then."""
        actions = self._collect()
        price = self.work.prices[self.asset.name]
        if not price.is_open or not price.price:
            self._premium_since = None
            return actions
        market = _Moment.of(self, price.price)
        for step in (self._sell, self._buy, self._mint, self._redeem):
            done = step(market)
            if done:
                market = _Moment.of(self, price.price)
            actions += done
        self.work.metrics.premium.labels(self.policy.token).set(float(market.reserves.price / market.share - 1))
        return actions

    # ── requests of before ───────────────────────────────────────────────────────────────────────────────────────────
    @property
    def requests(self) -> list[tuple[int, Any]]:
        """The keeper's own, that hold something."""
        known = self.work.book.requests.items()
        return [(key.number, request) for key, request in known if key.desk == self.desk.address]

    def _collect(self) -> list[Action]:
        work, me, actions = self.work, self.work.account, list[Action]()
        for number, request in self.requests:
            if request.claimable:
                actions += work.act(Kind.CLAIM, me, self.desk.address, self.desk.claim, number, me)
            if request.pending and work.system.chain.now >= request.deadline:
                actions += work.act(Kind.RECLAIM, me, self.desk.address, self.desk.reclaim, number, me)
        return actions

    # ── ways out for tokens ──────────────────────────────────────────────────────────────────────────────────────────
    def _sell(self, now: _Moment) -> list[Action]:
        """As much of what is held as brings more at the venue than at the desk."""
        amount = min(now.tokens, now.reserves.best_sale(now.redeem_value))
        brings = now.reserves.sell(amount)
        else_worth = _up(amount * now.redeem_value)
        if not self._profits(brings - else_worth, SWAP_GAS):
            return []
        return self._swap(Kind.SELL, amount, max(else_worth, self._slip(brings)), self.token.contract, self.cash)

    def _redeem(self, now: _Moment) -> list[Action]:
        """The rest of what is held."""
        worth = int(now.tokens * now.redeem_value)
        if worth < now.smallest or not self._profits(worth, REQUEST_GAS):
            return []
        limit = int(now.share * (1 - Fraction(self.policy.limit_slack)) * WAD)
        return self._request(Kind.REQUEST_REDEEM, self.token.contract, self.desk.requestRedeem, now.tokens, limit)

    # ── ways in ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _buy(self, now: _Moment) -> list[Action]:
        """At the venue, below what the desk will pay."""
        spend = min(now.reserves.best_purchase(now.redeem_value), now.free)
        brings = now.reserves.buy(spend)
        gain = int(brings * now.redeem_value) - spend
        if spend < now.smallest or not self._profits(gain, REDEEM_GAS):
            return []
        at_least = max(_up(spend / now.redeem_value), self._slip(brings))
        return self._swap(Kind.BUY, spend, at_least, self.cash, self.token.contract)

    def _mint(self, now: _Moment) -> list[Action]:
        """At the desk, below what the venue will pay once all that is on its way has been sold there."""
        depth = now.reserves.after_sale(now.tokens + now.coming)
        cash = min(int(depth.best_sale(now.mint_cost) * now.mint_price), now.free)
        tokens = int(cash / now.mint_price)
        brings = depth.sell(tokens)
        gain = brings - _up(tokens * now.mint_cost)
        if cash < now.smallest or not self._profits(gain, MINT_GAS):
            self._premium_since = None
            return []
        if self._premium_since is None:
            self._premium_since = now.at
        if now.at - self._premium_since < self.policy.confirm_seconds:
            return []
        limit = int(Fraction(brings, tokens) * now.mint_price / now.mint_cost * (1 - now.fee) * WAD)
        return self._request(Kind.REQUEST_MINT, self.cash, self.desk.requestMint, cash, limit)

    # ── within ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _request(self, kind: Kind, paid: Contract, function: Any, amount: int, limit: int) -> list[Action]:
        work, me = self.work, self.work.account
        actions = work.allow(paid, self.desk.address, amount, self._room(paid))
        return actions + work.act(kind, me, self.desk.address, function, amount, limit, me, me)

    def _swap(self, kind: Kind, amount: int, at_least: int, given: Contract, taken: Contract) -> list[Action]:
        work, me, router = self.work, self.work.account, self.venue.router
        actions = work.allow(given, router.address, amount, self._room(given))
        return actions + work.act(kind, me, router.address, *self.venue.swap(amount, at_least, given, taken, me))

    def _room(self, paid: Contract) -> int:
        """An allowance is worth no more than the limit."""
        return self.limit if paid == self.cash else 0

    def _profits(self, gain: int, gas: int) -> bool:
        return gain > 0 and self.work.economics.profits(self._dollars(gain), gas)

    def _dollars(self, cash: int) -> Decimal:
        """The cash token counts as a dollar, as in quotes."""
        return Decimal(cash).scaleb(-self.cash_decimals)

    def _slip(self, brings: int) -> int:
        return int(brings * (1 - Fraction(self.policy.slippage)))

    @cached_property
    def cash_decimals(self) -> int:
        return int(self.cash.decimals())

    @cached_property
    def limit(self) -> int:
        """In smallest units."""
        return int(self.policy.cash_limit.scaleb(self.cash_decimals))


@dataclass(frozen=True)
class _Moment:
    """What a step decides on. Prices are cash units per token unit."""

    at: int
    reserves: Reserves
    tokens: int
    """In the wallet."""
    share: Fraction
    """The share's price."""
    fee: Fraction
    mint_price: Fraction
    """What the desk takes for a token, fee included."""
    mint_cost: Fraction
    """The same and the wait."""
    redeem_value: Fraction
    """What the desk pays for a token after its fee, less the wait."""
    coming: int
    """Tokens that pending mints will bring."""
    free: int
    """Cash that may go under way."""
    smallest: int

    @classmethod
    def of(cls, duty: Arbitrage, price: int) -> _Moment:
        work, policy, token = duty.work, duty.policy, duty.token
        now = work.system.chain.now
        share = Fraction(price, WAD) * Fraction(10) ** (duty.cash_decimals - token.decimals)
        fee = Fraction(duty.desk.feeBps(), BPS)
        wait = Fraction(policy.wait_cost) * Fraction(max(0, duty.desk.deadlineOf(now) - now), DAY)
        tokens, cash = (int(each.balanceOf(work.account)) for each in (token.contract, duty.cash))
        own = [request for _, request in duty.requests]
        minting = sum(r.pending for r in own if r.side == MINT)
        on_hand = tokens + sum(r.pending if r.side == REDEEM else r.claimable for r in own)
        out = minting + int(on_hand * share)
        return cls(
            at=now,
            reserves=duty.venue.reserves(),
            tokens=tokens,
            share=share,
            fee=fee,
            mint_price=share / (1 - fee),
            mint_cost=share / (1 - fee) * (1 + wait),
            redeem_value=share * (1 - fee) * max(Fraction(0), 1 - wait),
            coming=int(minting * (1 - fee) / share) + sum(r.claimable for r in own if r.side == MINT),
            free=max(0, min(cash, duty.limit - out)),
            smallest=int(policy.min_trade.scaleb(duty.cash_decimals)),
        )


def _up(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
