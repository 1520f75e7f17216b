"""Contracts as Python objects: attributes are functions, values go in and come out as Python values."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from everstock.chain.codec import Codec, Param, address_of
from everstock.chain.errors import AmbiguousFunction, BadArgument, ChainError, Reverted
from everstock.chain.receipt import Receipt, Tx

if TYPE_CHECKING:
    from everstock.artifacts import Artifact
    from everstock.chain.base import Chain

_NOBODY = "0x0000000000000000000000000000000000000000"


class FunctionSpec:
    """One function of an ABI: its selector and codecs."""

    def __init__(self, entry: Param) -> None:
        self.name: str = entry["name"]
        self.inputs = Codec(entry.get("inputs", ()))
        self.outputs = Codec(entry.get("outputs", ()))
        self.signature = self.name + self.inputs.signature
        self.selector: bytes = keccak(text=self.signature)[:4]
        self.is_view = entry.get("stateMutability") in ("view", "pure")
        self.is_payable = entry.get("stateMutability") == "payable"

    def encode(self, args: tuple[Any, ...]) -> bytes:
        """Selector and arguments.

        Raises:
            BadArgument: an argument does not fit.
        """
        try:
            return self.selector + self.inputs.encode(args)
        except BadArgument as error:
            raise BadArgument(f"{self.name}{error}") from error

    def decode(self, data: bytes) -> Any:
        """The return value: None, one value, or a tuple of several.

        Raises:
            ChainError: the data does not fit; usually the address holds no code, or another contract.
        """
        try:
            values = self.outputs.decode(data)
        except DecodingError as error:
            raise ChainError(f"{self.signature} returned {len(data)} bytes that do not fit: is it deployed?") from error
        return values[0] if len(values) == 1 else values or None


class Interface:
    """The functions of an ABI, by name and by signature."""

    def __init__(self, artifact: Artifact) -> None:
        self.by_name: dict[str, tuple[FunctionSpec, ...]] = {}
        self.by_signature: dict[str, FunctionSpec] = {}
        self.by_selector: dict[bytes, FunctionSpec] = {}
        for entry in artifact.abi:
            if entry.get("type") == "function":
                spec = FunctionSpec(entry)
                self.by_name[spec.name] = (*self.by_name.get(spec.name, ()), spec)
                self.by_signature[spec.signature] = spec
                self.by_selector[spec.selector] = spec

    def decode_call(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """The function's name and arguments that call data stand for.

        Raises:
            KeyError: the ABI has no such selector.
        """
        spec = self.by_selector[data[:4]]
        return spec.name, dict(zip(spec.inputs.names, spec.inputs.decode(data[4:]), strict=True))


@cache
def interface(artifact: Artifact) -> Interface:
    """The artifact's functions, prepared once."""
    return Interface(artifact)


class Function:
    """A function of a deployed contract; several overloads share one object and are told apart by argument count."""

    __slots__ = ("_contract", "_specs")

    def __init__(self, contract: Contract, specs: tuple[FunctionSpec, ...]) -> None:
        self._contract = contract
        self._specs = specs

    def __call__(self, *args: Any, sender: Any = None, value: int = 0, gas: int | None = None) -> Any:
        """Read, for a view or pure function: the decoded value. Otherwise send: the :class:`Receipt`.

        Raises:
            Reverted, Rejected: as the chain's ``call`` and ``send``.
            BadArgument: an argument does not fit its type.
        """
        spec = self._specs[0] if len(self._specs) == 1 else self._pick(len(args))
        if spec.is_view:
            return self._call(spec, args, sender, value, gas)
        return self._send(spec, args, sender, value, gas)

    def call(self, *args: Any, sender: Any = None, value: int = 0, gas: int | None = None) -> Any:
        """Simulate any function: the decoded return value; nothing is kept."""
        return self._call(self._pick(len(args)), args, sender, value, gas)

    def read_many(self, many: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Read it with each of these arguments, at once where the node allows it.

        Raises:
            Reverted: one of them fails.
        """
        answers = self.call_many(many)
        for answer in answers:
            if isinstance(answer, Reverted):
                raise answer
        return answers

    def call_many(self, many: Sequence[tuple[Any, ...]], sender: Any = None) -> list[Any]:
        """Simulate it with each of these arguments, at once where possible; a :class:`Reverted` where one fails."""
        chain, to = self._contract.chain, self._contract.address
        origin = chain.default_sender or _NOBODY if sender is None else address_of(sender)
        answers = chain.call_many([Tx(origin, to, self.encode(*args)) for args in many])
        specs = [self._pick(len(args)) for args in many]
        return [a if isinstance(a, Reverted) else spec.decode(a) for spec, a in zip(specs, answers, strict=True)]

    def send(self, *args: Any, sender: Any = None, value: int = 0, gas: int | None = None) -> Receipt:
        """Send any function, views too, as a transaction."""
        return self._send(self._pick(len(args)), args, sender, value, gas)

    def tx(self, *args: Any, sender: Any = None, value: int = 0, gas: int | None = None) -> Tx:
        """The transaction, unsent: for the chain's ``send_many``."""
        chain, to = self._contract.chain, self._contract.address
        return Tx(chain.sender_of(sender), to, self.encode(*args), value, gas)

    def encode(self, *args: Any) -> bytes:
        """The call data."""
        return self._pick(len(args)).encode(args)

    @property
    def spec(self) -> FunctionSpec:
        """The ABI's description of a function that is not overloaded."""
        if len(self._specs) != 1:
            raise AmbiguousFunction(self._specs[0].name, [spec.signature for spec in self._specs])
        return self._specs[0]

    @property
    def selector(self) -> bytes:
        """The four bytes that call data start with."""
        return self.spec.selector

    def _pick(self, count: int) -> FunctionSpec:
        if len(self._specs) == 1:
            return self._specs[0]
        fitting = [spec for spec in self._specs if len(spec.inputs.types) == count]
        if len(fitting) != 1:
            raise AmbiguousFunction(self._specs[0].name, [spec.signature for spec in fitting or self._specs])
        return fitting[0]

    def _call(self, spec: FunctionSpec, args: tuple[Any, ...], sender: Any, value: int, gas: int | None) -> Any:
        contract = self._contract
        origin = contract.chain.default_sender or _NOBODY if sender is None else address_of(sender)
        return spec.decode(contract.chain.call(contract.address, spec.encode(args), origin, value, gas))

    def _send(self, spec: FunctionSpec, args: tuple[Any, ...], sender: Any, value: int, gas: int | None) -> Receipt:
        chain, to = self._contract.chain, self._contract.address
        receipt = chain.send(chain.sender_of(sender), to, spec.encode(args), value, gas)
        receipt.decode_return = spec.decode
        return receipt

    def __repr__(self) -> str:
        return f"<Function {self._contract!r}: {' | '.join(spec.signature for spec in self._specs)}>"


class Contract:
    """A deployed contract.

    ``contract.name(…)`` reads or sends; ``contract["name(type,…)"]`` picks an overload, or a function whose name an
    attribute of this class hides. Two contracts are equal when chain and address are.
    """

    def __init__(self, chain: Chain, address: str, artifact: Artifact, deployment: Receipt | None = None) -> None:
        self.chain = chain
        self.address = address_of(address)
        self.artifact = artifact
        self.deployment = deployment
        self._interface = interface(artifact)
        chain.registry.add(artifact.abi)

    def __getattr__(self, name: str) -> Function:
        if name.startswith("__") or name == "_interface":  # not there yet while copying or unpickling
            raise AttributeError(name)
        specs = self._interface.by_name.get(name)
        if specs is None:
            raise AttributeError(f"{self.artifact.name} has no function {name}")
        function = Function(self, specs)
        self.__dict__[name] = function
        return function

    def __getitem__(self, signature: str) -> Function:
        signature = signature.replace(" ", "")
        spec = self._interface.by_signature.get(signature)
        specs = self._interface.by_name.get(signature) if spec is None else (spec,)
        if specs is None:
            raise KeyError(f"{self.artifact.name} has no function {signature}")
        return Function(self, specs)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._interface.by_name})

    @property
    def abi_functions(self) -> Interface:
        """The functions by name, signature and selector; also decodes call data."""
        return self._interface

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contract) and other.chain is self.chain and other.address == self.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"<{self.artifact.name} {self.address}>"
