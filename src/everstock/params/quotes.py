"""The sections `orders` and `quotes` of a parameter file. Bounds repeat the contracts'."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from everstock.params.fields import Address, Name, Strict

WAD = 10**18


class Orders(Strict):
    """Two-step orders."""

    max_price_age_seconds: Annotated[int, Field(ge=5, le=300)]


class QuotedAsset(Strict):
    """A stock token that may be quoted, against a price of the oracle."""

    asset: Name
    open_band: Annotated[Decimal, Field(ge=Decimal("0.001"), le=Decimal("0.2"))]
    closed_band: Annotated[Decimal, Field(ge=0, le=Decimal("0.2"))] = Decimal(0)

    @property
    def bands_wad(self) -> tuple[int, int]:
        """Open and closed."""
        return int(self.open_band * WAD), int(self.closed_band * WAD)


class PayToken(Strict):
    """What quotes are paid in. Without `address` a mock dollar is deployed (local chains and testnets)."""

    decimals: Annotated[int, Field(ge=0, le=18)] = 6
    address: Address | None = None


class QuoteSigner(Strict):
    """Who may sign quotes. `account` is a local actor's name, `address` anybody's."""

    address: Address | None = None
    account: Name | None = None
    daily_limit_usd: Annotated[Decimal, Field(gt=0, le=1_000_000_000)]
    may_issue: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.address is None) == (self.account is None):
            raise ValueError("give either `address` or `account` (a local actor's name)")
        return self


class Quotes(Strict):
    """Signed quotes."""

    assets: dict[Name, QuotedAsset] = Field(default_factory=dict)
    pay_tokens: dict[Name, PayToken] = Field(default_factory=dict)
    signers: dict[Name, QuoteSigner] = Field(default_factory=dict)
