"""A chain behind JSON-RPC: Anvil with all its powers, or any other node with a signer.

Time on Anvil, as tried on 1.7.1. ``anvil_setBlockTimestampInterval 0`` lets each block repeat its parent's timestamp,
and ``evm_setNextBlockTimestamp`` accepts an equal one: so transactions share a timestamp exactly. After a warp no block
is mined: calls get the new time as a block override (the fourth parameter of ``eth_call``), and the next transaction
sets it for its block.

Anvil answers with a receipt a moment before it takes the transaction out of its pool, and takes out whatever has its
sender and nonce. After a revert the next transaction may be that: it would vanish, and its block be empty. So a revert
waits until the pool is empty.

Under load Anvil now and then mines at the last block's time although the next one was set. Whoever sends is promised
the time of ``now``: such a block is rolled back and sent again, at most three times.

A failed transaction is mined, and its reason is read from its trace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from eth_utils.crypto import keccak

from everstock.chain.base import DEFAULT_GAS, ZERO_ADDRESS, Chain
from everstock.chain.codec import address_of, checksum
from everstock.chain.errors import (
    BatchFailed,
    ChainError,
    Rejected,
    Reverted,
    RpcError,
    TransactionTimeout,
    UnknownSnapshot,
    Unsupported,
    WrongTime,
)
from everstock.chain.failover import FailoverRpc
from everstock.chain.receipt import Receipt, Tx
from everstock.chain.registry import Log, Registry, halted
from everstock.chain.signer import signer_for
from everstock.chain.transport import Client, Rpc, in_order

_METHOD_NOT_FOUND = -32601
_SENDINGS = 3
_POOL_PATIENCE_SECONDS = 1.0

CALLS_A_MESSAGE = 100
"""Public nodes refuse longer batches."""


@dataclass(frozen=True, slots=True)
class _Point:
    """A snapshot: the node's id and what Python keeps beside it."""

    id: int
    node_id: str
    head: tuple[int, int]
    pending: int | None


class RpcChain(Chain):
    """A chain over JSON-RPC.

    On Anvil every sender may send, gas is free, and the clock is exact. On any other node only ``signer`` may send; gas
    is estimated with a fifth to spare and paid for by EIP-1559, and a transaction is awaited for ``timeout`` seconds.

    ``exclusive`` promises that nothing else mines on the node: then the head need not be asked for again and again.
    ``public`` asks for a public network's rules even on Anvil: none of its powers is used.

    Several ``uri`` are endpoints of one network: requests that may be repeated go to the next one when one fails.
    ``rpc`` is a client to use instead of one for ``uri``.
    """

    def __init__(
        self,
        uri: str | Sequence[str],
        *,
        signer: Any = None,
        exclusive: bool = False,
        public: bool = False,
        timeout: float = 120.0,
        registry: Registry | None = None,
        default_sender: str | None = None,
        on_close: Callable[[], None] | None = None,
        rpc: Client | None = None,
    ) -> None:
        self.signer = None if signer is None else signer_for(signer)
        super().__init__(registry, default_sender or (self.signer.address if self.signer else None))
        self.rpc: Client = rpc or (Rpc(uri) if isinstance(uri, str) else FailoverRpc(uri))
        self.uri = uri if isinstance(uri, str) else uri[0]
        self.timeout = timeout
        self.is_local = not public and "anvil" in str(self.rpc("web3_clientVersion")).lower()
        self._exclusive = exclusive and self.is_local
        self._on_close = on_close
        self._chain_id = int(self.rpc("eth_chainId"), 16)
        self._pending: int | None = None  # time of the next block, where it is not the head's
        self._points: list[_Point] = []
        self._next_id = 1
        self._sync_send = True  # whether the node has eth_sendTransactionSync
        if self.is_local:
            self._take_over()
        self._head = self._fetch_head()

    @classmethod
    def from_ape(cls, provider: Any, *, signer: Any = None, **options: Any) -> RpcChain:
        """The node that a connected ape provider talks to; ``signer`` may be an ape account.

        Ape and this chain may then both send and mine. ``ape``'s own view of the chain is not told of snapshots.
        """
        if signer is not None:
            signer = signer_for(signer, provider)
        uri = getattr(provider, "http_uri", None) or provider.uri
        return cls(str(uri), signer=signer, **options)

    def _take_over(self) -> None:
        self.rpc.batch(
            [
                ("anvil_autoImpersonateAccount", [True]),
                ("anvil_setBlockTimestampInterval", [0]),
                ("anvil_setNextBlockBaseFeePerGas", ["0x0"]),
            ]
        )

    # ------------------------------------------------------------------------------------------ calls

    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS, value: int = 0, gas: int | None = None) -> bytes:
        try:
            return _unhex(self.rpc("eth_call", *self._call_params(Tx(sender, to, data, value, gas))))
        except RpcError as error:
            raise self._failure(error) from None

    def call_many(self, txs: Sequence[Tx]) -> list[bytes | Reverted]:
        answers: list[bytes | Reverted] = []
        for start in range(0, len(txs), CALLS_A_MESSAGE):
            calls = [("eth_call", self._call_params(tx)) for tx in txs[start : start + CALLS_A_MESSAGE]]
            for found in self.rpc.batch(calls, keep_errors=True):
                if not isinstance(found, RpcError):
                    answers.append(_unhex(found))
                    continue
                failure = self._failure(found)
                if not isinstance(failure, Reverted):
                    raise failure
                answers.append(failure)
        return answers

    def _call_params(self, tx: Tx) -> list[Any]:
        request = _request(tx)
        if tx.gas is None and not self.is_local:
            del request["gas"]
        if self.is_local and self._pending is not None:
            return [request, "latest", None, {"time": hex(self._pending)}]
        return [request, "latest"]

    def _failure(self, error: RpcError) -> ChainError:
        """What a node's error stands for: a revert with its data, a halt, or a refusal to execute."""
        message = error.message
        data = _revert_data(error.data)
        if data is not None:
            return self.registry.reverted(data)
        if error.code == 3 or "revert" in message.lower():
            return self.registry.reverted(b"")
        if message.startswith("EVM error "):
            return halted(message.removeprefix("EVM error "))
        if error.code in (-32000, -32003):
            return Rejected(message)
        return error

    # ------------------------------------------------------------------------------------------ transactions

    def send(self, sender: str, to: str | None, data: bytes = b"", value: int = 0, gas: int | None = None) -> Receipt:
        if not self.is_local or (self.signer is not None and sender == self.signer.address):
            return self._send_signed(Tx(sender, to, data, value, gas))
        request = _request(Tx(sender, to, data, value, gas))
        try:
            raw = self._on_time(lambda: self._send_unlocked(request))
        except RpcError as error:
            raise self._failure(error) from None
        self._mined(raw)
        return self._checked(raw)

    def _on_time(self, mine: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `mine` brought into the next block, at the time that was promised for it."""
        due = self._pending
        stamp = 0
        for _ in range(_SENDINGS):
            self._set_next_time()
            raw = mine()
            stamp = self._timestamp(raw)
            if due is None or stamp == due:
                return raw
            self._roll_back(int(raw["blockNumber"], 16))
        self._head = self._fetch_head()
        raise WrongTime(stamp, due or 0)

    def _roll_back(self, number: int) -> None:
        head = self._fetch_head()[0]
        if head != number:  # something else mined on top of it: not ours to undo
            return
        self._await_pool()
        self.rpc("anvil_rollback", 1)

    def _send_unlocked(self, request: dict[str, str]) -> dict[str, Any]:
        if self._sync_send:
            try:
                return dict(self.rpc("eth_sendTransactionSync", request))
            except RpcError as error:
                if error.code != _METHOD_NOT_FOUND:
                    raise
                self._sync_send = False
        return self._await(self.rpc("eth_sendTransaction", request))

    def _send_signed(self, tx: Tx) -> Receipt:
        if self.is_local:
            self._set_next_time()
        return self.wait(self.broadcast(self.sign(tx)))

    def sign(self, tx: Tx, nonce: int | None = None, fees: tuple[int, int] | None = None) -> bytes:
        """The signed transaction, unsent. ``nonce`` defaults to the sender's next, ``fees`` to today's.

        Raises:
            Unsupported: the chain's signer is not ``tx.sender``.
            Reverted: it would fail now.
            Rejected: it could not start, or its signer declined.
        """
        signer = self.signer
        if signer is None or tx.sender != signer.address:
            raise Unsupported(f"{tx.sender} cannot send here: give the chain its signer")
        tip, most = fees or self.fees()
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": self.nonce(tx.sender, pending=True) if nonce is None else nonce,
            "value": tx.value,
            "data": "0x" + tx.data.hex(),
            "gas": self.estimate(tx) * 6 // 5 if tx.gas is None else tx.gas,
            "maxPriorityFeePerGas": tip,
            "maxFeePerGas": most,
        }
        if tx.to is not None:
            fields["to"] = tx.to
        return signer.sign(fields)

    def estimate(self, tx: Tx) -> int:
        """The gas that the node thinks it takes.

        Raises:
            Reverted, Rejected: it would fail now.
        """
        plain = _request(tx)
        for field in ("gas", "gasPrice"):
            del plain[field]
        try:
            return int(self.rpc("eth_estimateGas", plain), 16)
        except RpcError as error:
            raise self._failure(error) from None

    def reason(self, request: dict[str, str]) -> Reverted | None:
        """Why a call or creation, as JSON-RPC writes it, would fail now. None if it would not."""
        try:
            self.rpc("eth_call", request, "latest")
        except RpcError as error:
            failure = self._failure(error)
            return failure if isinstance(failure, Reverted) else None
        return None

    def broadcast(self, signed: bytes) -> str:
        """Send a signed transaction; its hash, at once. Sending it again does no harm.

        Raises:
            Rejected: the node refuses it: the nonce was used, the balance is too low, the fee is.
        """
        try:
            return str(self.rpc("eth_sendRawTransaction", "0x" + signed.hex()))
        except RpcError as error:
            if "already" in error.message.lower():  # "already known", "already imported"
                return self.hash_of(signed)
            raise self._failure(error) from None

    @staticmethod
    def hash_of(signed: bytes) -> str:
        """By which a signed transaction is known."""
        return "0x" + keccak(signed).hex()

    def wait(self, tx_hash: str) -> Receipt:
        """Await a transaction.

        Raises:
            Reverted: it failed.
            TransactionTimeout: it was not mined in time.
        """
        raw = self._await(tx_hash)
        self._mined(raw)
        return self._checked(raw)

    def receipt(self, tx_hash: str) -> Receipt | None:
        """The receipt of a transaction, None while it is not mined.

        Raises:
            Reverted: it failed.
        """
        raw = self.rpc("eth_getTransactionReceipt", tx_hash)
        return None if raw is None or raw.get("blockNumber") is None else self._checked(dict(raw))

    def fees(self) -> tuple[int, int]:
        """Priority fee and highest fee per gas, in wei: room for the base fee to double."""
        base = int(self.rpc("eth_getBlockByNumber", "latest", False).get("baseFeePerGas", "0x0"), 16)
        if self.is_local:
            return 0, 2 * base
        try:
            tip = int(self.rpc("eth_maxPriorityFeePerGas"), 16)
        except RpcError:
            tip = max(int(self.rpc("eth_gasPrice"), 16) - base, 0)
        return tip, 2 * base + tip

    def _await(self, tx_hash: str) -> dict[str, Any]:
        deadline = time.monotonic() + self.timeout
        pause = 0.001 if self.is_local else 0.005
        while True:
            raw = self.rpc("eth_getTransactionReceipt", tx_hash)
            if raw is not None and raw.get("blockNumber") is not None:
                return dict(raw)
            if time.monotonic() > deadline:
                raise TransactionTimeout(tx_hash, self.timeout)
            time.sleep(pause)
            pause = min(2 * pause, 2.0)

    def send_many(self, txs: Sequence[Tx]) -> list[Receipt]:
        if not self.is_local:
            raise Unsupported("only a local chain can be told what to put into one block")
        if not txs:
            return []
        raws: list[dict[str, Any]] = []

        def mine() -> dict[str, Any]:
            raws[:] = self._mine_together(txs)
            return raws[-1]

        self._mined(self._on_time(mine))
        receipts: dict[int, Receipt] = {}
        failures: dict[int, Reverted] = {}
        for index, raw in enumerate(raws):
            try:
                receipts[index] = self._checked(raw)
            except Reverted as error:
                failures[index] = error
        if failures:
            raise BatchFailed(receipts, failures)
        return list(receipts.values())

    def _mine_together(self, txs: Sequence[Tx]) -> list[dict[str, Any]]:
        self.rpc("evm_setAutomine", False)
        try:
            senders = list(dict.fromkeys(tx.sender for tx in txs))
            counts = self.rpc.batch([("eth_getTransactionCount", [sender, "pending"]) for sender in senders])
            nonces = {sender: count(int(first, 16)) for sender, first in zip(senders, counts, strict=True)}
            # Anvil works on a batch in any order, so that each transaction is a message of its own.
            requests = [{**_request(tx), "nonce": hex(next(nonces[tx.sender]))} for tx in txs]
            hashes = in_order(self.rpc, [("eth_sendTransaction", [request]) for request in requests])
            self.rpc("evm_mine")
            raws = self._receipts_of(hashes)
        except RpcError as error:
            self.rpc("anvil_dropAllTransactions")
            raise self._failure(error) from None
        finally:
            self.rpc("evm_setAutomine", True)
        found = [raw for raw in raws if raw is not None]
        if missing := len(txs) - len(found):
            self.rpc("anvil_dropAllTransactions")
            self._head, self._pending = self._fetch_head(), None
            raise ChainError(f"{missing} of {len(txs)} transactions did not fit the block: give them less gas")
        return found

    def _receipts_of(self, hashes: Sequence[str]) -> list[dict[str, Any] | None]:
        """Of transactions of the last block, all at once: asked for one by one they take longer than the block does."""
        block = {raw["transactionHash"]: raw for raw in self.rpc("eth_getBlockReceipts", "latest") or ()}
        if block:
            stamp = hex(self._timestamp(next(iter(block.values()))))
            for raw in block.values():
                raw["blockTimestamp"] = stamp
        return [block.get(tx_hash) or self.rpc("eth_getTransactionReceipt", tx_hash) for tx_hash in hashes]

    # ------------------------------------------------------------------------------------------ receipts

    def _checked(self, raw: dict[str, Any]) -> Receipt:
        """The receipt of a success; a failure is raised with its reason."""
        if int(raw["status"], 16) != 1:
            raise self._why(raw)
        created = raw.get("contractAddress")
        return Receipt(
            sender=checksum(raw["from"]),
            to=checksum(raw["to"]) if raw.get("to") else None,
            gas_used=int(raw["gasUsed"], 16),
            block_number=int(raw["blockNumber"], 16),
            timestamp=self._timestamp(raw),
            registry=self.registry,
            logs=lambda: [_log(entry) for entry in raw["logs"]],
            return_data=partial(self._returned, raw["transactionHash"]),
            contract_address=checksum(created) if created else None,
            tx_hash=raw["transactionHash"],
        )

    def _why(self, raw: dict[str, Any]) -> Reverted:
        try:
            trace = self._trace(raw["transactionHash"])
        except Unsupported:
            return self._why_by_replay(raw)
        if output := _unhex(trace.get("output") or "0x"):
            return self.registry.reverted(output)
        reason = str(trace.get("error") or "")
        return self.registry.reverted(b"") if "revert" in reason else halted(reason)

    def _why_by_replay(self, raw: dict[str, Any]) -> Reverted:
        """Without traces, repeat it on the parent block: right unless earlier transactions of its block matter."""
        tx = self.rpc("eth_getTransactionByHash", raw["transactionHash"])
        request = {key: tx[key] for key in ("from", "to", "value", "gas") if tx.get(key)} | {"data": tx["input"]}
        try:
            self.rpc("eth_call", request, hex(int(raw["blockNumber"], 16) - 1))
        except RpcError as error:
            failure = self._failure(error)
            if isinstance(failure, Reverted):
                return failure
        return halted(f"transaction {raw['transactionHash']} failed; the node does not say why")

    def _returned(self, tx_hash: str) -> bytes:
        return _unhex(self._trace(tx_hash).get("output") or "0x")

    def _trace(self, tx_hash: str) -> dict[str, Any]:
        options = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}
        try:
            return dict(self.rpc("debug_traceTransaction", tx_hash, options))
        except RpcError as error:
            raise Unsupported(f"the node does not trace transactions: {error.message}") from error

    def _timestamp(self, raw: dict[str, Any]) -> int:
        stamp = raw.get("blockTimestamp")
        if stamp is None:
            block = self.rpc("eth_getBlockByNumber", raw["blockNumber"], False)
            stamp = raw["blockTimestamp"] = block["timestamp"]
        return int(stamp, 16) if isinstance(stamp, str) else int(stamp)

    def _mined(self, raw: dict[str, Any]) -> None:
        self._head, self._pending = (int(raw["blockNumber"], 16), self._timestamp(raw)), None

    # ------------------------------------------------------------------------------------------ clock and height

    @property
    def now(self) -> int:
        """On a public network the latest block's timestamp: the next one's cannot be known."""
        return self._latest()[1] if self._pending is None else self._pending

    def _set_now(self, timestamp: int) -> None:
        self._local("travel in time")
        self._pending = timestamp if timestamp != self._latest()[1] else None

    @property
    def block_number(self) -> int:
        return self._latest()[0]

    def mine(self, blocks: int = 1) -> None:
        self._local("mine")
        if blocks:
            self._set_next_time()
            self.rpc("anvil_mine", hex(blocks), "0x0")
            self._head, self._pending = self._fetch_head(), None

    @property
    def chain_id(self) -> int:
        return self._chain_id

    def _set_next_time(self) -> None:
        if self._pending is not None:
            self.rpc("evm_setNextBlockTimestamp", self._pending)

    def _latest(self) -> tuple[int, int]:
        if not self._exclusive:
            self._head = self._fetch_head()
        return self._head

    def _fetch_head(self) -> tuple[int, int]:
        block = self.rpc("eth_getBlockByNumber", "latest", False)
        return int(block["number"], 16), int(block["timestamp"], 16)

    # ------------------------------------------------------------------------------------------ snapshots

    def snapshot(self) -> int:
        self._local("take snapshots")
        point = _Point(self._next_id, self.rpc("evm_snapshot"), self._latest(), self._pending)
        self._next_id += 1
        self._points.append(point)
        return point.id

    def revert(self, snapshot: int) -> None:
        for index, point in enumerate(self._points):
            if point.id == snapshot:
                del self._points[index:]
                self._await_pool()
                if not self.rpc("evm_revert", point.node_id):
                    break  # something else on the node reverted beyond it
                self._head, self._pending = point.head, point.pending
                return
        raise UnknownSnapshot(snapshot)

    def _await_pool(self) -> None:
        """Wait until Anvil has taken out of its pool what it has mined. What others left there does not hold us up."""
        deadline = time.monotonic() + _POOL_PATIENCE_SECONDS
        while int(self.rpc("txpool_status")["pending"], 16) and time.monotonic() < deadline:
            time.sleep(0.0002)

    # ------------------------------------------------------------------------------------------ accounts

    def balance(self, address: Any) -> int:
        return int(self.rpc("eth_getBalance", address_of(address), "latest"), 16)

    def fund(self, address: Any, wei: int) -> None:
        self._local("create money")
        self.rpc("anvil_setBalance", address_of(address), hex(self.balance(address) + wei))

    def code(self, address: Any) -> bytes:
        return _unhex(self.rpc("eth_getCode", address_of(address), "latest"))

    def nonce(self, address: Any, *, pending: bool = False) -> int:
        """The account's nonce; ``pending`` counts what it has sent and is not mined yet."""
        return int(self.rpc("eth_getTransactionCount", address_of(address), "pending" if pending else "latest"), 16)

    # ------------------------------------------------------------------------------------------ life

    def close(self) -> None:
        self.rpc.close()
        if self._on_close is not None:
            self._on_close()

    def _local(self, what: str) -> None:
        if not self.is_local:
            raise Unsupported(f"a public network cannot {what}")


def _request(tx: Tx) -> dict[str, str]:
    request = {
        "from": tx.sender,
        "data": "0x" + tx.data.hex(),
        "value": hex(tx.value),
        "gas": hex(DEFAULT_GAS if tx.gas is None else tx.gas),
        "gasPrice": "0x0",
    }
    if tx.to is not None:
        request["to"] = tx.to
    return request


def _unhex(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def _revert_data(data: Any) -> bytes | None:
    """Nodes put revert data into ``data`` bare, in an object, or after the word ``Reverted``."""
    if isinstance(data, dict):
        data = data.get("data") or data.get("result")
    if isinstance(data, str):
        data = data.removeprefix("Reverted ")
        if data.startswith("0x"):
            return _unhex(data)
    return None


def _log(entry: dict[str, Any]) -> Log:
    return Log(checksum(entry["address"]), tuple(map(_unhex, entry["topics"])), _unhex(entry["data"]))
