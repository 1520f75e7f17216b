"""Field types that every part of a parameter file shares."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from eth_utils.address import is_checksum_address, to_checksum_address
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_NAME_BYTES = 31


def _address(value: str) -> str:
    if not re.fullmatch("0x[0-9a-fA-F]{40}", value):
        raise ValueError(f"{value!r} is no address: it takes 0x and 40 hexadecimal digits")
    digits = value[2:]
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(value):
        raise ValueError(f"{value} has a wrong checksum: a digit is mistyped, or its case is")
    if int(digits, 16) == 0:
        raise ValueError("the zero address is nobody's")
    return str(to_checksum_address(value))


def _name(value: str) -> str:
    if not value.strip():
        raise ValueError("the name is empty")
    if len(value.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"the name {value} is longer than {MAX_NAME_BYTES} bytes")
    return value


Address = Annotated[str, AfterValidator(_address)]
Name = Annotated[str, AfterValidator(_name)]
PriceUsd = Annotated[Decimal, Field(gt=Decimal("0.000001"), le=10_000_000)]


class Strict(BaseModel):
    """Unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
