"""What a deployment leaves behind: `deployments/<network>.json`, written before and after every transaction.

The file is the memory of a deployment: whoever continues one that was cut off, opens it, or checks it, starts here.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from eth_utils.crypto import keccak
from pydantic import BaseModel, ConfigDict

from everstock.artifacts import Abi
from everstock.home import deployments_folder
from everstock.params import Params

FORMAT = 1

Kind = Literal["create2", "create", "call"]


class NoRecord(Exception):
    """There is no deployment of that name; the message lists those there are."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Step(_Model):
    """One transaction of a deployment. `data_hash` is keccak of the call data, or of init code with its arguments."""

    kind: Kind
    contract: str
    """Name of the contract that is created or called."""
    address: str
    """Of that contract."""
    function: str = "constructor"
    arguments: dict[str, Any] = {}
    data_hash: str
    code_digest: str | None = None
    """A creation's: keccak of the init code without arguments."""
    abi_hash: str | None = None
    salt: str | None = None
    value_wei: int = 0

    # While it is in flight: what was signed, under which nonce, and after which block.
    nonce: int | None = None
    signed: str | None = None
    sent: list[str] = []
    after_block: int | None = None

    # Once it is mined.
    transaction: str | None = None
    block: int | None = None
    gas_used: int | None = None
    code_hash: str | None = None
    """A creation's: keccak of the code at `address`."""

    @property
    def title(self) -> str:
        return f"{self.contract}.{self.function}" if self.kind == "call" else self.contract

    @property
    def identity(self) -> dict[str, Any]:
        """What may not differ when a deployment is continued."""
        names = ("kind", "contract", "address", "function", "data_hash", "salt", "value_wei")
        return {name: getattr(self, name) for name in names}


class Deployed(_Model):
    """A contract of the finished system."""

    contract: str
    address: str
    abi_hash: str
    code_hash: str
    external: bool = False
    """Named by the parameters: it was there before."""
    constructor: dict[str, Any] | None = None
    """None: it was there before, or another contract of the system created it."""
    transaction: str | None = None
    block: int | None = None


class Record(_Model):
    """A deployment, finished or not."""

    format: int = FORMAT
    network: str
    chain_id: int
    deployer: str
    version: str
    commit: str
    """Of the checkout; `-dirty` follows when files were changed."""
    label: str
    """Goes into every salt: another label gives other addresses."""
    started_at: int
    """Timestamp of the block that the deployment began on."""
    plan_digest: str
    """Of what is created and called, in order."""
    complete: bool = False
    parameters: dict[str, Any]
    contracts: dict[str, Deployed] = {}
    """By its name in the system, once complete."""
    steps: list[Step] = []

    @property
    def params(self) -> Params:
        return Params.model_validate(self.parameters)

    @property
    def first_block(self) -> int:
        return min((step.block for step in self.steps if step.block is not None), default=0)


def as_parameters(params: Params) -> dict[str, Any]:
    """The parameters as JSON holds them: decimals as text."""
    return dict(json.loads(params.model_dump_json()))


def plain(value: Any) -> Any:
    """A decoded argument as JSON holds it: integers as text, for those who read JSON into doubles."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value)


def digest(data: bytes) -> str:
    return "0x" + keccak(data).hex()


def abi_hash(abi: Abi) -> str:
    """Keccak of the ABI as compact JSON with sorted keys."""
    return digest(json.dumps(list(abi), sort_keys=True, separators=(",", ":")).encode())


class Store:
    """The records of a folder: by default what `EVERSTOCK_DEPLOYMENTS` names, `deployments` of the project,
    or of the working directory where the wheel is installed."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or deployments_folder()

    def path(self, network: str) -> Path:
        return self.folder / f"{network}.json"

    def find(self, network: str) -> Record | None:
        path = self.path(network)
        return Record.model_validate_json(path.read_text()) if path.exists() else None

    def load(self, network: str) -> Record:
        """Raises `NoRecord`."""
        record = self.find(network)
        if record is None:
            known = ", ".join(sorted(path.stem for path in self.folder.glob("*.json"))) or "none"
            raise NoRecord(f"no deployment {network!r} in {self.folder.name}/: there are {known}")
        return record

    def save(self, record: Record) -> None:
        """Write the whole file or nothing: a crash leaves the old one or the new one, on disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(record.model_dump(exclude_defaults=True) | {"format": record.format}, indent=2) + "\n"
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=f".{record.network}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, self.path(record.network))
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)  # the new name too
            finally:
                os.close(folder)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
