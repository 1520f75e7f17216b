"""The issuance desk in plain integers: escrow, partial fulfilment, fees, deadlines and penalties.

Written from the interface's words: a request ends exactly once, by being settled in full or by being reclaimed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

BPS = 10_000
PRICE_UNIT = 10**18


@dataclass
class RequestModel:
    """`asked` is in cash for a mint and in tokens for a redemption."""

    holder: str
    is_mint: bool
    asked: int
    limit_price: int
    deadline: int = 0
    settled: int = 0
    reclaimed: int = 0
    claimable: int = 0

    @property
    def pending(self) -> int:
        return self.asked - self.settled - self.reclaimed

    def ended_once(self) -> bool:
        """What was asked for is settled, reclaimed or pending: never twice, and never both for the same part."""
        return self.pending >= 0 and (self.reclaimed == 0 or self.pending == 0)


@dataclass
class DeskModel:
    """Wallets by name; `bonds` by whether they are cash."""

    fee_bps: int
    penalty_bps: int
    deadline_of: Callable[[int], int]
    tokens: dict[str, int] = field(default_factory=dict)
    cash: dict[str, int] = field(default_factory=dict)
    requests: list[RequestModel] = field(default_factory=list)
    bonds: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    bonded_tokens: int = 0

    def refusal_of_request(self, request: RequestModel) -> str | None:
        """The error's name, or nothing."""
        if request.asked == 0:
            return "IssuanceDesk_ZeroAmount"
        if request.is_mint:
            return "HostileToken_InsufficientBalance" if request.asked > self.cash[request.holder] else None
        return "ERC20InsufficientBalance" if request.asked > self.tokens[request.holder] else None

    def request(self, request: RequestModel, now: int) -> None:
        wallet = self.cash if request.is_mint else self.tokens
        wallet[request.holder] -= request.asked
        request.deadline = self.deadline_of(now)
        self.requests.append(request)

    def pending_of(self, number: int) -> int:
        return self.requests[number].pending if number < len(self.requests) else 0

    def fulfil(self, is_mint: bool, fills: Sequence[tuple[int, int]], price: int) -> None:
        """One batch; what cannot be settled is passed over."""
        for number, amount in fills:
            if number >= len(self.requests) or self.requests[number].is_mint is not is_mint:
                continue
            request = self.requests[number]
            beyond = price > request.limit_price if is_mint else price < request.limit_price
            part = min(amount, request.pending)
            if part == 0 or beyond:
                continue
            value = part if is_mint else part * price // PRICE_UNIT
            net = value + (-value * self.fee_bps // BPS)  # the fee is rounded up
            bought = net * PRICE_UNIT // price if is_mint else net
            if bought:
                request.settled += part
                request.claimable += bought

    def claim(self, number: int) -> None:
        request = self.requests[number]
        wallet = self.tokens if request.is_mint else self.cash
        wallet[request.holder] += request.claimable
        request.claimable = 0

    def refusal_of_reclaim(self, number: int, now: int) -> str | None:
        request = self.requests[number]
        if request.pending == 0:
            return "IssuanceDesk_NothingPending"
        return "IssuanceDesk_NotOverdue" if now < request.deadline else None

    def reclaim(self, number: int) -> None:
        request = self.requests[number]
        amount = request.pending
        penalty = min(amount * self.penalty_bps // BPS, self.bonds[request.is_mint])
        self.bonds[request.is_mint] -= penalty
        wallet = self.cash if request.is_mint else self.tokens
        wallet[request.holder] += amount + penalty
        request.reclaimed = amount

    def escrow(self, *, is_cash: bool) -> int:
        """What the desk must hold of cash, or of tokens."""
        pending = sum(request.pending for request in self.requests if request.is_mint is is_cash)
        claimable = sum(request.claimable for request in self.requests if request.is_mint is not is_cash)
        return pending + claimable + self.bonds[is_cash]
