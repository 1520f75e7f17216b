"""A quote as the settlement contract knows it."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from enum import IntEnum
from typing import Any

from everstock import signing
from everstock.chain.base import ZERO_ADDRESS
from everstock.chain.codec import address_of
from everstock.chain.contract import Contract

DOMAIN = "Everstock Quotes"
TYPES = {
    "Quote": signing.fields(
        signer="address",
        taker="address",
        receiver="address",
        asset="address",
        payToken="address",
        side="uint8",
        issuance="bool",
        quantity="uint128",
        payment="uint128",
        multiplier="uint128",
        notBefore="uint40",
        deadline="uint40",
        nonce="uint256",
    )
}


class QuoteSide(IntEnum):
    """What the taker does."""

    BUY = 0
    SELL = 1


@dataclass(frozen=True)
class Quote:
    """Amounts in smallest units, times in Unix seconds; the fields are the contract's, in its order."""

    signer: str
    asset: str
    pay_token: str
    side: QuoteSide
    quantity: int
    payment: int
    deadline: int
    nonce: int
    taker: str = ZERO_ADDRESS
    receiver: str = ZERO_ADDRESS
    issuance: bool = False
    multiplier: int = 10**18
    not_before: int = 0

    @property
    def message(self) -> dict[str, Any]:
        """By the names that are signed."""
        values = (
            *(address_of(self.signer), address_of(self.taker), address_of(self.receiver)),
            *(address_of(self.asset), address_of(self.pay_token), int(self.side), self.issuance),
            *(self.quantity, self.payment, self.multiplier, self.not_before, self.deadline, self.nonce),
        )
        return dict(zip((field["name"] for field in TYPES["Quote"]), values, strict=True))

    @property
    def struct(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return tuple(self.message.values())

    @classmethod
    def of(cls, message: dict[str, Any]) -> Quote:
        """From the names that are signed, e.g. JSON's."""
        names = {"payToken": "pay_token", "notBefore": "not_before"}
        known = {names.get(key, key): value for key, value in message.items()}
        return cls(**known | {"side": QuoteSide(known["side"])})

    def document(self, settlement: Contract) -> dict[str, Any]:
        """What the signer's wallet signs."""
        return signing.typed_data(DOMAIN, settlement.chain.chain_id, settlement.address, "Quote", TYPES, self.message)

    def but(self, **changes: Any) -> Quote:
        """The same quote with other fields."""
        return replace(self, **changes)

    def __iter__(self) -> Any:
        return iter(astuple(self))
