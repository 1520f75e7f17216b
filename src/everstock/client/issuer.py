"""The issuer of a stock token: corporate actions, custody, settlement, dividends and ballots, in its own units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal, localcontext
from enum import IntEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from everstock.client.system import EXACT, MarginToken, System

if TYPE_CHECKING:
    from everstock.chain.contract import Contract
    from everstock.chain.receipt import Receipt

WAD = 10**18
DAY = 86_400
ANY_PRICE = 2**128 - 1
ZERO_ADDRESS = "0x" + "00" * 20
EPOCH = date(1970, 1, 1)


class ActionKind(IntEnum):
    SPLIT = 0
    REVERSE_SPLIT = 1
    REINVESTED_DIVIDEND = 2


class SettlementSide(IntEnum):
    MINT = 0
    REDEEM = 1


class NoDesk(LookupError):
    """The token has no issuance desk in this deployment: name one under `stock/desks` in the parameters."""


@dataclass(frozen=True)
class Request:
    """Of a holder at the desk. `pending` is cash of a mint and tokens of a redemption."""

    id: int
    controller: str
    side: SettlementSide
    pending: Decimal
    claimable: Decimal
    deadline: datetime


def record_day(day: date) -> int:
    """The day whose first midnight UTC is the record instant, as the contracts count."""
    return (day - EPOCH).days


@dataclass(frozen=True, eq=False)
class Issuer:
    """Acts as `sender` for one token. Shares and tokens are decimal; prices are cash per token."""

    token: MarginToken
    sender: str

    @property
    def system(self) -> System:
        return self.token.system

    @property
    def contract(self) -> Contract:
        return self.token.contract

    @property
    def desk(self) -> Contract:
        """The issuance desk.

        Raises:
            NoDesk: there is none.
        """
        try:
            return self.system.desks[self.token.symbol]
        except KeyError:
            raise NoDesk(f"{self.token.symbol} has no issuance desk: name one under stock/desks") from None

    # ── corporate actions ─────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def multiplier(self) -> Decimal:
        """Shares that a whole token stands for now."""
        return Decimal(self.contract.uiMultiplier()).scaleb(-18, EXACT)

    def announce_split(self, new: int, old: int = 1, at: datetime | None = None) -> Receipt:
        """`new` shares for `old`: 3 for 1 splits, 1 for 10 is a reverse split. At the notice's end unless told."""
        kind = ActionKind.SPLIT if new > old else ActionKind.REVERSE_SPLIT
        return self._announce(kind, Fraction(new, old), at)

    def announce_reinvestment(self, part: Decimal, at: datetime | None = None) -> Receipt:
        """A dividend of `part` of the share's price (0.004 is 0.4%), put into more shares."""
        return self._announce(ActionKind.REINVESTED_DIVIDEND, 1 + Fraction(part), at)

    def _announce(self, kind: ActionKind, factor: Fraction, at: datetime | None) -> Receipt:
        multiplier = int(self.contract.newUIMultiplier() * factor)
        effective = int(at.timestamp()) if at else self.system.chain.now + self.contract.minNotice()
        return self.contract.announceAction(kind, multiplier, effective, sender=self.sender)  # type: ignore[no-any-return]

    def cancel_action(self) -> Receipt:
        """Take back what has been announced and is not in force yet."""
        return self.contract.cancelAction(sender=self.sender)  # type: ignore[no-any-return]

    def announce_record_date(self, day: date | int) -> int:
        """Balances will be known at the midnight UTC that begins `day`. Returns the record day."""
        number = day if isinstance(day, int) else record_day(day)
        self.contract.announceRecordDate(number, sender=self.sender)
        return number

    # ── custody ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def attest(self, shares: Decimal | int, as_of: datetime | None = None, report: bytes = bytes(32)) -> Receipt:
        """So many shares are in custody. `report` is the hash of the custodian's statement."""
        at = int(as_of.timestamp()) if as_of else self.system.chain.now
        return self.system.custody.attest(self.contract, self.token.units(shares), at, report, sender=self.sender)  # type: ignore[no-any-return]

    @property
    def backed(self) -> Decimal:
        """Tokens that the last count backs."""
        return self.token.amount(self.system.custody.backingOf(self.contract)[0])

    # ── settlement ────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def cash_decimals(self) -> int:
        return int(self.cash.decimals())

    @property
    def cash(self) -> Contract:
        """What the desk takes and pays."""
        return self.system.chain.contract(self.system.artifacts["MockDollar"], self.desk.cash())

    def cash_units(self, amount: Decimal | int) -> int:
        with localcontext(EXACT):
            return int((Decimal(amount) * 10**self.cash_decimals).to_integral_value(ROUND_DOWN))

    def cash_amount(self, units: int) -> Decimal:
        return Decimal(units).scaleb(-self.cash_decimals, EXACT)

    def price(self, cash_per_token: Decimal | int) -> int:
        """As the desk takes it: cash units per 10^18 token units."""
        with localcontext(EXACT):
            return int(Decimal(cash_per_token) * 10 ** (18 + self.cash_decimals - self.token.decimals))

    def requests(self, side: SettlementSide | None = None, *, pending: bool = True) -> list[Request]:
        """What has been asked for, oldest first."""
        found = []
        for number in range(self.desk.requestCount()):
            raw = self.desk.requestOf(number)
            its = SettlementSide(raw.side)
            if (side is None or its is side) and (raw.pending or not pending):
                scales = (self.cash_amount, self.token.amount)
                given, taken = scales if its is SettlementSide.MINT else scales[::-1]
                deadline = datetime.fromtimestamp(raw.deadline, UTC)
                found.append(Request(number, raw.controller, its, given(raw.pending), taken(raw.claimable), deadline))
        return found

    def settle_batch(
        self, side: SettlementSide, cash_per_token: Decimal | int, requests: Sequence[int] | None = None
    ) -> Receipt:
        """Settle requests in full at one price, all pending unless told. The sender pays for redemptions."""
        numbers = [each.id for each in self.requests(side)] if requests is None else list(requests)
        fills = [(number, ANY_PRICE) for number in numbers]
        if side is SettlementSide.MINT:
            return self.desk.fulfilMints(fills, self.price(cash_per_token), sender=self.sender)  # type: ignore[no-any-return]
        self.cash.approve(self.desk, 2**256 - 1, sender=self.sender)
        receipt = self.desk.fulfilRedemptions(fills, self.price(cash_per_token), sender=self.sender)
        self.cash.approve(self.desk, 0, sender=self.sender)
        return receipt  # type: ignore[no-any-return]

    # ── dividends and votes ───────────────────────────────────────────────────────────────────────────────────────────
    def declare_dividend(
        self,
        day: int,
        amount: Decimal | int,
        *,
        withholding: Decimal = Decimal(0),
        tax_account: str | None = None,
        expires_at: int = 0,
    ) -> int:
        """Fund a dividend in the desk's cash for a record day that was announced. Returns its id."""
        units = self.cash_units(amount)
        self.cash.approve(self.system.dividends, units, sender=self.sender)
        terms = (int(withholding * 10_000), tax_account or ZERO_ADDRESS, 0, expires_at)
        call = self.system.dividends.declare
        return int(
            call(self.contract, day, self.cash, units, *terms, sender=self.sender).event("Declare")["dividendId"]
        )

    def pay_dividend(self, dividend: int, holders: Sequence[Any], batch: int = 50) -> list[Receipt]:
        """Deliver to holders, who need do nothing. Anyone may."""
        call = self.system.dividends.claimMany
        starts = range(0, len(holders), batch)
        return [call(dividend, list(holders[start : start + batch]), sender=self.sender) for start in starts]

    def post_ballot(self, day: int, closes_at: int, items: int, documents: bytes = bytes(32)) -> int:
        """Open a ballot for those behind the tokens at a record day. Returns its id."""
        call = self.system.voting.post
        return int(call(self.contract, day, closes_at, items, documents, sender=self.sender).event("Post")["ballotId"])
