"""The in-process chain, on pyrevm: some ten thousand transactions a second.

pyrevm keeps one journal for its whole life instead of closing it after each transaction. What follows from that:

- transient storage would leak from one transaction into the next: it is reset before each;
- storage slots and accounts stay warm, and a slot's "original" value stays that of its first load: **gas and refunds
  are not those of a chain**, mostly too low. Measure gas on Anvil. Nothing else depends on it, as gas is free here;
- a message call does not raise the sender's nonce, a creation does: predict a contract's address right before creating;
- ``set_balance`` is not journaled, so ``revert`` would not undo it: ``fund`` sends from a faucet through a contract
  that destroys itself in its own constructor, which runs no code of the receiver;
- a contract may not send (EIP-3607), which tests want to let it: while it does, its code hash reads as that of an empty
  account, which is all that pyrevm checks; its code stays;
- a snapshot is one journal checkpoint: cheap, but each that is alive takes one of the EVM's 1,024 call levels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from eth_utils.crypto import keccak
from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env, JournalCheckpoint

from everstock.chain.base import DEFAULT_GAS, LOCAL_CHAIN_ID, START_TIME, ZERO_ADDRESS, Chain
from everstock.chain.codec import address_of, checksum
from everstock.chain.errors import BatchFailed, ChainError, Rejected, Reverted, TooManySnapshots, UnknownSnapshot
from everstock.chain.receipt import Receipt, Tx
from everstock.chain.registry import Log, Registry, halted

T = TypeVar("T")

MAX_SNAPSHOTS = 256
"""Snapshots that may be alive at once."""

BLOCK_GAS_LIMIT = 1_000_000_000

_ANALYSIS_PADDING = 33
_FAUCET = checksum("0x" + "fa" * 20)
_REVERT = re.compile(r"Revert \{ gas_used: \d+, output: 0x([0-9a-f]*) \}")
_HALT = re.compile(r"Halt \{ reason: (.+), gas_used: \d+ \}")


@dataclass(frozen=True, slots=True)
class _Point:
    """A snapshot: pyrevm's checkpoint and what Python keeps beside it."""

    id: int
    checkpoint: JournalCheckpoint
    now: int
    block_number: int


class EvmChain(Chain):
    """A chain inside this process: Cancun rules, code size limit enforced, free gas."""

    def __init__(
        self,
        *,
        start: int = START_TIME,
        chain_id: int = LOCAL_CHAIN_ID,
        registry: Registry | None = None,
        default_sender: str | None = None,
    ) -> None:
        super().__init__(registry, default_sender)
        self._chain_id = chain_id
        self._now = start
        self._number = 0
        self._points: list[_Point] = []
        self._next_id = 1
        self._evm = EVM(
            env=Env(cfg=CfgEnv(chain_id=chain_id), block=self._block(0)), gas_limit=BLOCK_GAS_LIMIT, spec_id="CANCUN"
        )
        self._evm.set_balance(_FAUCET, 1 << 200)

    # ------------------------------------------------------------------------------------------ transactions

    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS, value: int = 0, gas: int | None = None) -> bytes:
        evm = self._evm
        self._begin(self._number)
        limit = DEFAULT_GAS if gas is None else gas
        checkpoint = evm.snapshot()
        try:
            return self._execute(sender, lambda: evm.message_call(sender, to, data, value, limit))
        except RuntimeError as error:
            raise self._failure(error) from None
        finally:
            evm.revert(checkpoint)

    def send(self, sender: str, to: str | None, data: bytes = b"", value: int = 0, gas: int | None = None) -> Receipt:
        evm = self._evm
        gas = DEFAULT_GAS if gas is None else gas
        self._begin(self._number + 1)
        created: str | None = None
        output = b""
        try:
            if to is None:
                created = checksum(self._execute(sender, lambda: evm.deploy(sender, data, value, gas)))
            else:
                output = self._execute(sender, lambda: evm.message_call(sender, to, data, value, gas))
        except RuntimeError as error:
            failure = self._failure(error)
            if not isinstance(failure, Rejected):
                self._number += 1
            raise failure from None
        self._number += 1
        result = evm.result
        assert result is not None
        return Receipt(
            sender=sender,
            to=to,
            gas_used=result.gas_used,
            block_number=self._number,
            timestamp=self._now,
            registry=self.registry,
            logs=lambda: [_log(entry) for entry in result.logs],
            return_data=lambda: output,
            contract_address=created,
        )

    def send_many(self, txs: Sequence[Tx]) -> list[Receipt]:
        before, number = self._evm.snapshot(), self._number
        receipts: dict[int, Receipt] = {}
        failures: dict[int, Reverted] = {}
        try:
            for index, tx in enumerate(txs):
                self._number = number
                try:
                    receipts[index] = self.send(*tx)
                except Reverted as error:
                    failures[index] = error
        except BaseException:
            self._evm.revert(before)
            self._number = number
            raise
        self._evm.commit()
        if failures:
            raise BatchFailed(receipts, failures)
        return list(receipts.values())

    def _execute(self, sender: str, run: Callable[[], T]) -> T:
        try:
            return run()
        except RuntimeError as error:
            if "RejectCallerWithCode" not in str(error):
                raise
        code = self.code(sender)
        self._set_code(sender, code, keccak(b""))
        try:
            return run()
        finally:
            self._set_code(sender, code, keccak(code))

    def _set_code(self, address: str, code: bytes, code_hash: bytes) -> None:
        now = self._evm.basic(address)
        info = AccountInfo(  # type: ignore[call-arg]  # pyrevm's stub forgets the balance
            balance=now.balance, nonce=now.nonce, code=code, code_hash=code_hash
        )
        self._evm.insert_account_info(address, info)

    def _begin(self, number: int) -> None:
        self._evm.reset_transient_storage()
        self._evm.set_block_env(self._block(number))

    def _block(self, number: int) -> BlockEnv:
        return BlockEnv(number=number, timestamp=self._now, basefee=0, gas_limit=BLOCK_GAS_LIMIT)

    def _failure(self, error: RuntimeError) -> ChainError:
        """pyrevm tells what happened only in the exception's text."""
        text = str(error)
        if match := _REVERT.search(text):
            return self.registry.reverted(bytes.fromhex(match.group(1)))
        if match := _HALT.search(text):
            return halted(match.group(1))
        return Rejected(text)

    # ------------------------------------------------------------------------------------------ clock and height

    @property
    def now(self) -> int:
        return self._now

    def _set_now(self, timestamp: int) -> None:
        self._now = timestamp

    @property
    def block_number(self) -> int:
        return self._number

    def mine(self, blocks: int = 1) -> None:
        self._number += blocks

    @property
    def chain_id(self) -> int:
        return self._chain_id

    # ------------------------------------------------------------------------------------------ snapshots

    def snapshot(self) -> int:
        if len(self._points) >= MAX_SNAPSHOTS:
            raise TooManySnapshots(f"{MAX_SNAPSHOTS} snapshots are alive: revert to one of them first")
        point = _Point(self._next_id, self._evm.snapshot(), self._now, self._number)
        self._next_id += 1
        self._points.append(point)
        return point.id

    def revert(self, snapshot: int) -> None:
        if not any(point.id == snapshot for point in self._points):
            raise UnknownSnapshot(snapshot)
        while True:
            point = self._points.pop()
            self._evm.revert(point.checkpoint)
            if point.id == snapshot:
                self._now, self._number = point.now, point.block_number
                return

    # ------------------------------------------------------------------------------------------ accounts

    def balance(self, address: Any) -> int:
        return self._evm.get_balance(address_of(address))

    def fund(self, address: Any, wei: int) -> None:
        push20, selfdestruct = b"\x73", b"\xff"
        self._evm.deploy(_FAUCET, push20 + bytes.fromhex(address_of(address)[2:]) + selfdestruct, wei)

    def code(self, address: Any) -> bytes:
        account = self._evm.basic(address_of(address))
        code = bytes(account.code or b"")
        # Code that ran comes back with the padding of revm's jump analysis: the hash tells.
        return code if not code or keccak(code) == account.code_hash else code[:-_ANALYSIS_PADDING]

    def nonce(self, address: Any) -> int:
        return self._evm.basic(address_of(address)).nonce


def _log(entry: Any) -> Log:
    topics, data = entry.data
    return Log(checksum(entry.address), tuple(bytes(topic) for topic in topics), bytes(data))
