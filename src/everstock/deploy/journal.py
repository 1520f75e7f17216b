"""A chain that remembers: each transaction is written down before it is sent, and a second run does only what is left.

The builder is ordinary code. It runs from its first line each time; what the record holds already is answered from the
chain, after a check, and nothing is sent for it. So a deployment may be cut off anywhere: run it again.

What makes this safe: a transaction's number (nonce) and its signed bytes are on disk before the node sees it. Either
those bytes are mined, or, by that number, nothing of ours ever is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from eth_utils.crypto import keccak

from everstock.artifacts import Artifact
from everstock.chain.base import ZERO_ADDRESS, Chain
from everstock.chain.codec import Codec, address_of, checksum
from everstock.chain.contract import Contract, interface
from everstock.chain.errors import Rejected, Reverted, TimeBackwards, UnknownContract, Unsupported
from everstock.chain.receipt import Receipt, Tx
from everstock.chain.rpc import RpcChain
from everstock.deploy.record import Record, Step, abi_hash, digest, plain

FACTORY = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
"""The canonical CREATE2 factory: its input is a 32-byte salt and init code."""


class Mode(Enum):
    """How steps that the record lacks are done."""

    SIGN = "sign"
    """Signed by the chain's signer, written down, sent."""
    REHEARSE = "rehearse"
    """On a local chain that lets anybody send. Nothing is signed."""
    READ = "read"
    """Not at all."""
    PASS = "pass"
    """The deployment is over: everything goes to the chain behind."""


class DeploymentChanged(Exception):
    """The builder asks for something else than the record holds. Nothing was sent."""


class DeploymentIncomplete(Exception):
    """The record ends before the builder does."""


class RecordMismatch(Exception):
    """The chain does not hold what the record says: it is another chain, or blocks were taken back."""


class AddressTaken(Exception):
    """There is a contract already where this one would go."""


class JournalChain(Chain):
    """Wraps an `RpcChain` for the time of a deployment. `save` puts the record on disk."""

    def __init__(
        self,
        inner: RpcChain,
        record: Record,
        mode: Mode,
        save: Callable[[Record], None] = lambda record: None,
        on_step: Callable[[Step], None] = lambda step: None,
    ) -> None:
        super().__init__(inner.registry, record.deployer)
        self.inner = inner
        self.record = record
        self.mode = mode
        self._save = save
        self._on_step = on_step
        self.data_sizes: list[int] = []
        """Of the transactions that were not on the record, in bytes."""
        self._next = 0
        self._last_time = record.started_at
        self._artifacts: dict[str, Artifact] = {}
        self._created: dict[bytes, int] = {}
        self._has_factory = bool(inner.code(FACTORY))

    def end(self) -> None:
        """The deployment is over. Contracts that came of it are used like any other from now on."""
        self.mode = Mode.PASS

    @property
    def replaying(self) -> bool:
        return self.mode is Mode.READ

    @property
    def steps_done(self) -> int:
        return self._next

    # ── what the builder does ─────────────────────────────────────────────────────────────────────────────────────────
    def deploy(
        self, artifact: Artifact, *args: Any, sender: Any = None, value: int = 0, gas: int | None = None
    ) -> Contract:
        if self.mode is Mode.PASS:
            return self.inner.deploy(artifact, *args, sender=sender, value=value, gas=gas)
        if not artifact.bytecode:
            raise UnknownContract(f"{artifact.name} (an interface or abstract contract)", [])
        self.registry.add(artifact.abi)
        codec = Codec(next((e.get("inputs", ()) for e in artifact.abi if e.get("type") == "constructor"), ()))
        init_code = artifact.bytecode + codec.encode(args)
        origin = self.sender_of(sender)
        step = Step(
            kind="create2" if self._has_factory else "create",
            contract=artifact.name,
            address=ZERO_ADDRESS,
            arguments=_arguments(codec, init_code[len(artifact.bytecode) :]),
            data_hash=digest(init_code),
            code_digest=digest(artifact.bytecode),
            abi_hash=abi_hash(artifact.abi),
            value_wei=value,
        )
        if self._has_factory:
            salt = self._salt(init_code)
            step.salt, step.address = "0x" + salt.hex(), create2_address(salt, init_code)
            tx = Tx(origin, FACTORY, salt + init_code, value, gas)
        else:
            known = self._known()
            nonce = known.nonce if known is not None and known.nonce is not None else self.inner.nonce(origin)
            step.address = create_address(origin, nonce)
            tx = Tx(origin, None, init_code, value, gas)
        try:
            receipt = self._do(step, tx)
        except Reverted as error:
            raise self._constructor_failure(init_code, value, error) from None
        receipt.contract_address = step.address
        self._artifacts[step.address] = artifact
        return Contract(self, step.address, artifact, receipt)

    def send(self, sender: str, to: str | None, data: bytes = b"", value: int = 0, gas: int | None = None) -> Receipt:
        if self.mode is Mode.PASS:
            return self.inner.send(sender, to, data, value, gas)
        if to is None:
            raise Unsupported("a deployment creates contracts through `deploy` only")
        contract, function = to, "0x" + data[:4].hex()
        arguments: dict[str, Any] = {}
        if (artifact := self._artifacts.get(to)) is not None:
            contract = artifact.name
            function, arguments = interface(artifact).decode_call(data)
        step = Step(
            kind="call",
            contract=contract,
            address=to,
            function=function,
            arguments=plain(arguments),
            data_hash=digest(data),
            value_wei=value,
        )
        return self._do(step, Tx(sender, to, data, value, gas))

    def contract(self, artifact: Artifact, address: Any) -> Contract:
        found = super().contract(artifact, address)
        self._artifacts[found.address] = artifact
        return found

    def send_many(self, txs: Sequence[Tx]) -> list[Receipt]:
        if self.mode is Mode.PASS:
            return self.inner.send_many(txs)
        return [self.send(*tx) for tx in txs]

    # ── one step ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _known(self) -> Step | None:
        return self.record.steps[self._next] if self._next < len(self.record.steps) else None

    def _do(self, step: Step, tx: Tx) -> Receipt:
        known = self._known()
        if known is None:
            receipt = self._begin(step, tx)
        else:
            self._compare(known, step)
            step = known
            receipt = self._recorded(step) if step.transaction is not None else self._recover(step, tx)
        self._next += 1
        self._last_time = receipt.timestamp
        self._on_step(step)
        return receipt

    def _compare(self, known: Step, asked: Step) -> None:
        if known.identity != asked.identity:
            fields = [name for name, value in asked.identity.items() if known.identity[name] != value]
            if known.contract == asked.contract and known.function == asked.function:
                fields += [name for name, value in asked.arguments.items() if known.arguments.get(name) != value]
            raise DeploymentChanged(
                f"step {self._next + 1} was {known.title} and is {asked.title}; {', '.join(fields)} changed. "
                f"Continue with commit {self.record.commit} and its parameters, or start anew under another label"
            )

    def _begin(self, step: Step, tx: Tx) -> Receipt:
        if self.mode is Mode.READ:
            raise DeploymentIncomplete(
                f"the record of {self.record.network} ends before step {self._next + 1}, {step.title}: "
                "run the deployment again to finish it"
            )
        self.data_sizes.append(len(tx.data))
        if step.kind == "create2" and self.inner.code(step.address):
            raise AddressTaken(f"{step.contract} would go to {step.address}, where there is code: use another label")
        if self.mode is Mode.REHEARSE:
            step.nonce = self.inner.nonce(tx.sender)
            receipt = self.inner.send(*tx)
            self.record.steps.append(step)
            return self._finish(step, receipt)
        self._sign(step, tx, self.inner.nonce(tx.sender, pending=True))
        self.record.steps.append(step)
        return self._send(step)

    def _sign(self, step: Step, tx: Tx, nonce: int) -> None:
        signed = self.inner.sign(tx, nonce)
        step.nonce, step.signed, step.after_block = nonce, "0x" + signed.hex(), self.inner.block_number
        step.sent = [*step.sent, digest(signed)]

    def _send(self, step: Step) -> Receipt:
        assert step.signed is not None
        self._save(self.record)
        return self._finish(step, self.inner.wait(self.inner.broadcast(bytes.fromhex(step.signed[2:]))))

    def _finish(self, step: Step, receipt: Receipt) -> Receipt:
        step.transaction, step.block, step.gas_used = receipt.tx_hash, receipt.block_number, receipt.gas_used
        step.signed, step.sent, step.after_block = None, [], None
        if step.kind != "call":
            code = self.inner.code(step.address)
            if not code:
                raise RecordMismatch(f"{step.contract} was to be created at {step.address}: there is no code")
            step.code_hash = digest(code)
        self._save(self.record)
        return receipt

    # ── what was done, or begun, before ───────────────────────────────────────────────────────────────────────────────
    def _recorded(self, step: Step) -> Receipt:
        assert step.transaction is not None
        receipt = self.inner.receipt(step.transaction)
        where = f"step {self._next + 1}, {step.title}"
        if receipt is None:
            raise RecordMismatch(f"{where}: the chain does not know its transaction {step.transaction}")
        if receipt.block_number != step.block:
            raise RecordMismatch(f"{where}: mined in block {receipt.block_number}, recorded in {step.block}")
        if step.kind != "call" and (found := digest(self.inner.code(step.address))) != step.code_hash:
            raise RecordMismatch(f"{where}: the code at {step.address} has hash {found}, recorded {step.code_hash}")
        return receipt

    def _recover(self, step: Step, tx: Tx) -> Receipt:
        """A step that was written down, and perhaps sent."""
        assert step.nonce is not None
        for tx_hash in step.sent:
            try:
                receipt = self.inner.receipt(tx_hash)
            except Reverted:
                if step.kind == "create2" and self.inner.code(step.address):
                    raise AddressTaken(
                        f"{step.contract}: somebody else created it at {step.address} first: use another label"
                    ) from None
                break  # it failed for good, and its number is used up
            if receipt is not None:
                return self._finish(step, receipt)
        if self.mode is not Mode.SIGN:
            if self.mode is Mode.READ:
                raise DeploymentIncomplete(f"step {self._next + 1}, {step.title}, was begun and is not mined")
            return self._finish(step, self.inner.send(*tx))
        if self.inner.nonce(tx.sender) > step.nonce:
            if (receipt := self._replacement(step, tx)) is not None:
                return self._finish(step, receipt)
            return self._again(step, tx)
        try:
            return self._send(step)
        except Rejected:  # the fees of that day are too low for the node
            self._sign(step, tx, step.nonce)
            return self._send(step)

    def _again(self, step: Step, tx: Tx) -> Receipt:
        """Its number was used by another transaction: the signed one can never be mined."""
        if step.kind == "create":
            raise DeploymentChanged(
                f"step {self._next + 1}: number {step.nonce} of {tx.sender}, and with it the address {step.address}, "
                "went to another transaction: start anew, and send nothing else from this account meanwhile"
            )
        step.sent = []
        self._sign(step, tx, self.inner.nonce(tx.sender, pending=True))
        return self._send(step)

    def _replacement(self, step: Step, tx: Tx) -> Receipt | None:
        """Wallets can replace a transaction by the same one at a higher fee: look for it by sender and number."""
        assert step.after_block is not None
        for height in range(step.after_block, self.inner.block_number + 1):
            block = self.inner.rpc("eth_getBlockByNumber", hex(height), True)
            for each in block["transactions"]:
                if checksum(each["from"]) == tx.sender and int(each["nonce"], 16) == step.nonce:
                    to = checksum(each["to"]) if each.get("to") else None
                    same = (to, each["input"]) == (tx.to, "0x" + tx.data.hex())
                    try:
                        return self.inner.receipt(each["hash"]) if same else None
                    except Reverted:
                        return None
        raise RecordMismatch(
            f"number {step.nonce} of {tx.sender} is used, and no block since {step.after_block} shows by what: "
            "the node lags behind; try again"
        )

    def _constructor_failure(self, init_code: bytes, value: int, error: Reverted) -> Reverted:
        """The factory swallows a constructor's reason: ask for it without the factory."""
        if error.data:
            return error
        request = {"from": FACTORY, "data": "0x" + init_code.hex(), "value": hex(value)}
        return self.inner.reason(request) or error

    # ── addresses ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def _salt(self, init_code: bytes) -> bytes:
        """The same code with the same arguments may be created more than once: they are counted."""
        code = keccak(init_code)
        count = self._created[code] = self._created.get(code, 0) + 1
        return keccak(text=f"everstock {self.record.label} {self.record.deployer} {count}")

    # ── the rest of a chain ───────────────────────────────────────────────────────────────────────────────────────────
    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS, value: int = 0, gas: int | None = None) -> bytes:
        return self.inner.call(to, data, sender, value, gas)

    @property
    def now(self) -> int:
        """During the deployment the time of its last step: the same in every run."""
        return self.inner.now if self.mode is Mode.PASS else self._last_time

    def _set_now(self, timestamp: int) -> None:
        self._over("travel in time").set_time(timestamp)

    def set_time(self, timestamp: int) -> None:
        if timestamp < self.now:
            raise TimeBackwards(timestamp, self.now)
        self._set_now(timestamp)

    @property
    def block_number(self) -> int:
        return self.inner.block_number

    def mine(self, blocks: int = 1) -> None:
        self._over("mine").mine(blocks)

    @property
    def chain_id(self) -> int:
        return self.inner.chain_id

    def snapshot(self) -> int:
        return self._over("take snapshots").snapshot()

    def revert(self, snapshot: int) -> None:
        self._over("take snapshots").revert(snapshot)

    def balance(self, address: Any) -> int:
        return self.inner.balance(address)

    def fund(self, address: Any, wei: int) -> None:
        self._over("create money").fund(address, wei)

    def code(self, address: Any) -> bytes:
        return self.inner.code(address)

    def nonce(self, address: Any) -> int:
        return self.inner.nonce(address)

    def _over(self, what: str) -> RpcChain:
        if self.mode is not Mode.PASS:
            raise Unsupported(f"a deployment cannot {what}")
        return self.inner


def create2_address(salt: bytes, init_code: bytes) -> str:
    """Where the canonical factory creates."""
    return checksum("0x" + keccak(b"\xff" + bytes.fromhex(FACTORY[2:]) + salt + keccak(init_code))[12:].hex())


def create_address(sender: str, nonce: int) -> str:
    """Where a plain creation goes: keccak of the RLP list (sender, nonce)."""
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    encoded = number if nonce and nonce < 0x80 else bytes([0x80 + len(number)]) + number
    body = b"\x94" + bytes.fromhex(address_of(sender)[2:]) + encoded
    return checksum("0x" + keccak(bytes([0xC0 + len(body)]) + body)[12:].hex())


def _arguments(codec: Codec, data: bytes) -> dict[str, Any]:
    values = codec.decode(data) if codec.types else ()
    return {name: plain(value) for name, value in zip(codec.names, values, strict=True)}
