"""How a keeper's transactions get mined: directly on a local chain, or through an outbox that lives with public ones.

The outbox keeps nothing that matters. A nonce is taken from the chain, not from memory: what an earlier life of the
same keeper left in the pool is replaced. Whatever happens to a transaction, the next pass looks and decides anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from everstock.chain.base import Chain
from everstock.chain.errors import BatchFailed, ChainError, Rejected, Reverted, TransactionTimeout
from everstock.chain.receipt import Receipt, Tx
from everstock.chain.rpc import RpcChain

BUMP_PERCENT = 113
"""Nodes replace a transaction for fees that are at least a tenth higher; some ask for an eighth."""

UNKNOWN_FEES_PERCENT = 200
LEAST_FEE_WEI = 10**9
"""What an earlier life offered is not known: fees double from a gwei until the node takes them."""


class Superseded(ChainError):
    """The nonce was used by another transaction: of an earlier life of this keeper, or of somebody with its key."""

    def __init__(self, nonce: int) -> None:
        self.nonce = nonce
        super().__init__(f"nonce {nonce} was used by another transaction")


@dataclass(frozen=True)
class Outcome:
    """What became of a transaction: a receipt, or why there is none."""

    tx: Tx
    receipt: Receipt | None = None
    error: ChainError | None = None


class Sender(Protocol):
    """Gets transactions mined, in order. Fails only when the node does: what became of each stands in its outcome."""

    def send_all(self, txs: Sequence[Tx]) -> list[Outcome]:
        """One outcome for each transaction."""
        ...


class DirectSender:
    """For local chains: one block together where possible, else one after the other."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    def send_all(self, txs: Sequence[Tx]) -> list[Outcome]:
        """One outcome for each transaction."""
        if len(txs) > 1 and getattr(self.chain, "is_local", True) and all(tx.gas is not None for tx in txs):
            try:
                return [Outcome(*each) for each in zip(txs, self.chain.send_many(txs), strict=True)]
            except BatchFailed as error:
                return [Outcome(tx, error.receipts.get(i), error.failures.get(i)) for i, tx in enumerate(txs)]
        return [self._send(tx) for tx in txs]

    def _send(self, tx: Tx) -> Outcome:
        try:
            return Outcome(tx, self.chain.send(*tx))
        except (Reverted, Rejected) as error:
            return Outcome(tx, error=error)


class DrySender:
    """Sends nothing; says what would be sent."""

    def __init__(self, say: Callable[[Tx], None]) -> None:
        self.say = say

    def send_all(self, txs: Sequence[Tx]) -> list[Outcome]:
        """Outcomes without receipts or errors."""
        for tx in txs:
            self.say(tx)
        return [Outcome(tx) for tx in txs]


@dataclass
class _Flight:
    """One nonce, and everything that was sent under it."""

    tx: Tx
    nonce: int
    tip: int
    most: int
    sent_at: float
    signed: bytes = b""
    hashes: list[str] = field(default_factory=list)
    bumps: int = 0


class Outbox:
    """Signed transactions of one account, a window at a time, without waiting for one before the next.

    One that is not mined after ``stuck_after`` seconds is sent again at higher fees, at most ``max_bumps`` times; one
    that a reorganisation or a full pool dropped is sent again as it was. ``on_event`` hears of replacements and losses.
    """

    def __init__(
        self,
        chain: RpcChain,
        *,
        window: int = 16,
        stuck_after: float = 30.0,
        max_bumps: int = 6,
        poll: float = 0.25,
        on_event: Callable[[str], None] = lambda event: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if chain.signer is None:
            raise ValueError("an outbox signs: give the chain its signer")
        self.chain, self.address = chain, chain.signer.address
        self.window, self.stuck_after, self.max_bumps, self.poll = window, stuck_after, max_bumps, poll
        self.on_event = on_event
        self._clock, self._sleep = clock, sleep

    def send_all(self, txs: Sequence[Tx]) -> list[Outcome]:
        """One outcome for each transaction.

        Raises:
            NodeUnreachable: no node answers. What was sent may be mined: the next pass will see.
        """
        left = iter(txs)
        outcomes: list[Outcome] = []
        while window := list(islice(left, self.window)):
            outcomes += self._send_window(window)
        return outcomes

    def _send_window(self, txs: list[Tx]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        flights: dict[int, _Flight] = {}
        nonce = self.chain.nonce(self.address)
        tip, most = self.chain.fees()
        for index, tx in enumerate(txs):
            flight = _Flight(tx, nonce, tip, most, self._clock())
            try:
                self._launch(flight)
            except (Reverted, Rejected) as error:  # it took no nonce
                outcomes[index] = Outcome(tx, error=error)
                continue
            flights[index] = flight
            nonce += 1
        pause = 0.0
        while flights:
            self._sleep(pause)
            pause = self.poll
            landed = dict(self._landed(flights))
            outcomes |= landed
            flights = {index: flight for index, flight in flights.items() if index not in landed}
        return [outcomes[index] for index in range(len(txs))]

    def _landed(self, flights: dict[int, _Flight]) -> Iterator[tuple[int, Outcome]]:
        """Those of which the end is known. Of the others the first is what the rest waits for."""
        used: int | None = None
        first = True
        for index, flight in flights.items():
            if outcome := self._look(flight):
                yield index, outcome
                continue
            used = self.chain.nonce(self.address) if used is None else used
            if flight.nonce < used:
                # Mined between the two questions, or not ours.
                yield index, self._look(flight) or self._lost(flight)
            elif first:
                first = False
                if self._clock() - flight.sent_at > self.stuck_after:
                    if flight.bumps == self.max_bumps:
                        yield index, Outcome(flight.tx, error=TransactionTimeout(flight.hashes[-1], self.stuck_after))
                        continue
                    self._bump(flight)
                else:
                    self._resend(flight)

    def _look(self, flight: _Flight) -> Outcome | None:
        for tx_hash in reversed(flight.hashes):
            try:
                receipt = self.chain.receipt(tx_hash)
            except Reverted as error:
                return Outcome(flight.tx, error=error)
            if receipt is not None:
                return Outcome(flight.tx, receipt)
        return None

    def _lost(self, flight: _Flight) -> Outcome:
        self.on_event("superseded")
        return Outcome(flight.tx, error=Superseded(flight.nonce))

    def _launch(self, flight: _Flight) -> None:
        """Sign and send, at fees that replace what is in the pool under this nonce."""
        while True:
            flight.signed = self.chain.sign(flight.tx, flight.nonce, (flight.tip, flight.most))
            try:
                flight.hashes.append(self.chain.broadcast(flight.signed))
                return
            except Rejected as error:
                message = str(error).lower()
                if "nonce too low" in message:  # mined meanwhile: by whom, `_landed` finds out
                    flight.hashes.append(self.chain.hash_of(flight.signed))
                    return
                if "underpriced" not in message or flight.bumps == self.max_bumps:
                    raise
            self._raise_fees(flight, UNKNOWN_FEES_PERCENT, LEAST_FEE_WEI)

    def _bump(self, flight: _Flight) -> None:
        self.on_event("replaced")
        self._raise_fees(flight)
        self._launch(flight)

    def _raise_fees(self, flight: _Flight, percent: int = BUMP_PERCENT, least: int = 0) -> None:
        tip, most = self.chain.fees()
        flight.bumps += 1
        flight.tip = max(tip, flight.tip * percent // 100 + 1, least)
        flight.most = max(most, flight.most * percent // 100 + 1, flight.tip)
        flight.sent_at = self._clock()

    def _resend(self, flight: _Flight) -> None:
        """Pools forget; a node that still knows it says so, and no harm is done."""
        try:
            self.chain.broadcast(flight.signed)
        except Rejected:
            return  # mined, or replaced: the next look tells
