"""Mint and redeem: the issuer's side of the real `IssuanceDesk`, and market makers that arbitrage a pool through it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field

from everstock.chain.contract import Contract
from everstock.client.issuer import ANY_PRICE, SettlementSide
from everstock.deploy.stock import deploy_issuance_desk
from everstock.lab.venues.pair import Amm
from everstock.lab.venues.town import CALENDAR, FOREVER, Town

DUST_TOKENS = 0.01
DUST_USD = 5.0


@dataclass
class _Open:
    id: int
    side: SettlementSide
    price: float  # of the day of the trade
    due: int  # T+N's opening


class IssuerDesk:
    """Settles at the share's price of the request, N sessions later; with N = 0 within the step, in session."""

    def __init__(self, town: Town, sessions: int) -> None:
        self.town, self.sessions = town, sessions
        self.contract = desk_of(town, max(1, sessions))
        self.window = int(self.contract.settlementWindow())
        town.cash.approve(self.contract, FOREVER, sender=town.issuer)
        self.open: list[_Open] = []

    def request(self, who: str, side: SettlementSide, amount: int) -> int:
        """Put cash (a mint) or tokens (a redemption) in escrow, at any price."""
        self.town.allow(who, self.contract)
        if side is SettlementSide.MINT:
            receipt = self.contract.requestMint(amount, ANY_PRICE, who, who, sender=who, gas=600_000)
            event = receipt.event("RequestMint")
        else:
            receipt = self.contract.requestRedeem(amount, 0, who, who, sender=who, gas=600_000)
            event = receipt.event("RequestRedeem")
        due = int(event["deadline"]) - self.window
        if self.sessions == 0:
            due = self.town.chain.now
        number = int(event["requestId"])
        self.open.append(_Open(number, side, self.town.share, due))
        return number

    def settle(self) -> list[int]:
        """The issuer's work of this moment, in session only; the requests that were settled."""
        now = self.town.chain.now
        if not self.town.is_open(now):
            return []
        due = [each for each in self.open if each.due <= now]
        for each in due:
            price = round(each.price * 10**6)  # cash units per 10^18 token units
            fills = [(each.id, 2**128 - 1)]
            if each.side is SettlementSide.MINT:
                self.contract.fulfilMints(fills, price, sender=self.town.issuer, gas=1_000_000)
            else:
                cost = int(self.contract.requestOf(each.id).pending) * price // 10**18
                self.town.cash.mint(self.town.issuer, cost + 1, sender=self.town.issuer)
                self.contract.fulfilRedemptions(fills, price, sender=self.town.issuer, gas=1_000_000)
            self.open.remove(each)
        return [each.id for each in due]


def desk_of(town: Town, sessions: int) -> Contract:
    """The desk that settles at T+N, deployed at the first call; T+1 is the deployment's own. At most four a token."""
    name = f"T+{sessions}"
    desks, params = town.system.desks, town.system.params
    own = desks[town.stock.symbol]
    if int(own.settlementSessions()) == sessions:
        return own
    if name not in desks:
        view = copy(town.system)  # the same deployment, with other terms for one desk
        terms = params.stock.desk.model_copy(update={"settlement_sessions": sessions})
        view.params = params.model_copy(update={"stock": params.stock.model_copy(update={"desk": terms})})
        where = (town.token.contract, town.cash, town.system.calendars[CALENDAR])
        deploy_issuance_desk(view, name, *where, settlement_account=town.account("custodian"))
    return desks[name]


@dataclass
class DeskMaker:
    """Finite capital, market hours, and a desk that takes its time.

    Sells into the pool above the share and mints what it sold; buys below and redeems. It acts only while New York is
    open, when it can hedge, and while the pool is farther from the share than the fees and its `edge`.
    """

    town: Town
    amm: Amm
    desk: IssuerDesk | None
    who: str
    edge: float = 0.002
    stock_target: float = 0.0  # tokens it wants to hold
    around_the_clock: bool = False
    waiting: list[int] = field(default_factory=list)
    acted: int = 0

    def act(self) -> None:
        self.collect()
        if not (self.around_the_clock or self.town.is_open()):
            return
        share, spot = self.town.share, self.amm.spot
        if spot > share * (1 + self.edge):
            self._sell_above(share * (1 + self.edge))
        elif spot < share * (1 - self.edge):
            self._buy_below(share * (1 - self.edge))
        self._restock(share)

    def collect(self) -> None:
        """Claim what the issuer has settled."""
        if self.desk is None or not self.waiting:
            return
        opened = {each.id for each in self.desk.open}
        for number in [each for each in self.waiting if each not in opened]:
            self.desk.contract.claim(number, self.who, sender=self.who, gas=400_000)
            self.waiting.remove(number)

    def _sell_above(self, price: float) -> None:
        tokens = min(self.amm.tokens_to(price), self.town.holds(self.who)[0] - 1e-9)
        if tokens > DUST_TOKENS:
            self.amm.sell(self.who, tokens)
            self.acted += 1

    def _buy_below(self, price: float) -> None:
        usd = min(self.amm.usd_to(price), self.town.holds(self.who)[1] - 1e-6)
        if usd > DUST_USD:
            self.amm.buy(self.who, usd)
            self.acted += 1

    def _restock(self, share: float) -> None:
        """Back toward its target through the desk: mint what was sold, and more while the pool is above the share."""
        if self.desk is None or not self.town.is_open():
            return
        held, cash = self.town.holds(self.who)
        wanted = self.stock_target + self.amm.tokens_to(share * (1 + self.edge)) - held - self._coming()
        usd = min(cash, wanted * share)
        if usd > max(DUST_USD, share * DUST_TOKENS):
            self._ask(SettlementSide.MINT, self.town.cash_units(usd * (1 - 1e-9)))
        elif wanted < -DUST_TOKENS and self.amm.spot < share * (1 + self.edge):
            surplus = min(held, -wanted)
            if surplus > DUST_TOKENS:
                self._ask(SettlementSide.REDEEM, self.town.units(surplus * (1 - 1e-9)))

    def _ask(self, side: SettlementSide, amount: int) -> None:
        assert self.desk is not None
        self.waiting.append(self.desk.request(self.who, side, amount))

    def _coming(self) -> float:
        """Tokens that mints under way will bring."""
        if self.desk is None:
            return 0.0
        total = 0.0
        for each in self.desk.open:
            if each.id in self.waiting and each.side is SettlementSide.MINT:
                total += self.town.usd(int(self.desk.contract.requestOf(each.id).pending)) / each.price
        return total

    def worth(self) -> float:
        """USD at the share's price, what is under way included."""
        tokens, cash = self.town.holds(self.who)
        total = tokens * self.town.share + cash
        for number in self.waiting if self.desk else ():
            assert self.desk is not None
            request = self.desk.contract.requestOf(number)
            is_mint = SettlementSide(request.side) is SettlementSide.MINT
            pending, done = int(request.pending), int(request.claimable)
            if is_mint:
                total += self.town.usd(pending) + self.town.tokens(done) * self.town.share
            else:
                total += self.town.tokens(pending) * self.town.share + self.town.usd(done)
        return total
