"""The shape and the bounds of a parameter file. Bounds repeat the contracts' hard bounds, so that a mistake costs no gas."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from everstock.artifacts import find_root

WAD = 10**18
DAYS_PER_YEAR = 365

PriceUsd = Annotated[Decimal, Field(gt=Decimal("0.000001"), le=10_000_000)]


class UnknownNetwork(Exception):
    """No parameter file of that name; the message lists those that exist."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Roles(_Strict):
    """Execution delays of the roles, in seconds."""

    governor_delay_seconds: Annotated[int, Field(ge=0, le=30 * 86400)]
    guardian_delay_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    issuer_delay_seconds: Annotated[int, Field(ge=0, le=30 * 86400)] = 0


class Asset(_Strict):
    """An underlying and its feed. Without `aggregator` a Chainlink mock aggregator is deployed (local chains only)."""

    max_age_seconds: Annotated[int, Field(ge=60, le=3 * 86400)]
    deviation: Annotated[Decimal, Field(ge=0, le=Decimal("0.05"))]
    aggregator: str | None = None
    initial_price_usd: PriceUsd | None = None
    feed_decimals: Annotated[int, Field(ge=0, le=18)] = 8

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if (self.aggregator is None) == (self.initial_price_usd is None):
            raise ValueError("give either `aggregator` (an address) or `initial_price_usd` (deploys a mock)")
        return self


class Market(_Strict):
    """One underlying and one variance budget."""

    asset: str
    reference_price_usd: PriceUsd
    sigma_ref: Annotated[Decimal, Field(gt=0, le=3)]
    tenor_days: Annotated[Decimal, Field(gt=0, le=365)]
    loading: Annotated[Decimal, Field(ge=0, le=Decimal("0.5"))]

    @property
    def variance_budget_wad(self) -> int:
        """c = σ_ref² · T_ref, floored."""
        return int(self.sigma_ref**2 * self.tenor_days * WAD / DAYS_PER_YEAR)

    @property
    def initial_variance_wad(self) -> int:
        return int(self.sigma_ref**2 * WAD)

    @model_validator(mode="after")
    def _budget_in_bounds(self) -> Self:
        if not 25 * 10**14 <= self.variance_budget_wad <= WAD:
            raise ValueError(f"variance budget {self.variance_budget_wad / WAD:.6f} is outside [0.0025, 1]")
        return self


class Token(_Strict):
    """A margin token. Without `address` a stock token is deployed (local chains and testnets)."""

    name: str
    decimals: Annotated[int, Field(ge=6, le=18)] = 18
    min_notional: Annotated[Decimal, Field(gt=0)]
    price_usd: PriceUsd | None = None
    address: str | None = None

    @property
    def min_notional_units(self) -> int:
        return int(self.min_notional * 10**self.decimals)

    @model_validator(mode="after")
    def _minimum_in_bounds(self) -> Self:
        if not 1 <= self.min_notional_units <= min(10**27, 2**88 - 1):
            raise ValueError(f"min_notional {self.min_notional} is outside the contract's bounds")
        return self


class Params(_Strict):
    """A whole deployment."""

    network: str
    treasury: str | None = None
    roles: Roles
    assets: dict[str, Asset]
    markets: dict[str, Market]
    sigma_min: Annotated[Decimal, Field(gt=0)]
    sigma_max: Annotated[Decimal, Field(le=2)]
    tokens: dict[str, Token]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, market in self.markets.items():
            if market.asset not in self.assets:
                raise ValueError(f"market {name} names an unknown asset {market.asset}")
            if not self.sigma_min <= market.sigma_ref <= self.sigma_max:
                raise ValueError(
                    f"market {name}: sigma_ref {market.sigma_ref} is outside [{self.sigma_min}, {self.sigma_max}]"
                )
        for name in self.assets:
            if len(name.encode()) > 31:
                raise ValueError(f"asset name {name} is longer than 31 bytes")
        return self


def load(network: str = "local", folder: Path | None = None) -> Params:
    """Read and check `params/<network>.yaml`. Raises `UnknownNetwork`, or pydantic's error naming each bad field."""
    folder = folder or find_root() / "params"
    path = folder / f"{network}.yaml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or "none"
        raise UnknownNetwork(f"no parameters for {network!r} in {folder.name}/: there are {known}")
    # Numbers come in as text, so that 0.1 is a tenth and not the nearest binary fraction.
    return Params.model_validate(yaml.load(path.read_text(), Loader=yaml.BaseLoader))
