"""The shape and the bounds of a parameter file. They repeat the contracts' bounds: a mistake costs no gas."""

from __future__ import annotations

from collections.abc import Container, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, model_validator

from everstock.chain.base import LOCAL_CHAIN_ID
from everstock.home import params_folder
from everstock.params.fields import Address, Name, PriceUsd, Strict
from everstock.params.lending import Lending
from everstock.params.prices import Calendar, Guards
from everstock.params.quotes import Orders, Quotes
from everstock.params.stock import Stock

WAD = 10**18
DAYS_PER_YEAR = 365

LOCAL = "local"


class UnknownNetwork(Exception):
    """No parameter file of that name; the message lists those that exist."""


class Roles(Strict):
    """Who holds the roles, and after how many seconds they act. Without holders the deployer keeps them all."""

    admin: Address | None = None
    governor: Address | None = None
    guardian: Address | None = None
    issuer: Address | None = None
    admin_delay_seconds: Annotated[int, Field(ge=0, le=30 * 86400)] = 0
    governor_delay_seconds: Annotated[int, Field(ge=0, le=30 * 86400)]
    guardian_delay_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    issuer_delay_seconds: Annotated[int, Field(ge=0, le=30 * 86400)] = 0

    @property
    def handed_over(self) -> bool:
        """The deployer gives its roles away when it is done."""
        return self.admin is not None

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        names = ("admin", "governor", "guardian", "issuer")
        missing = [name for name in names if getattr(self, name) is None]
        if 0 < len(missing) < len(names):
            raise ValueError(f"name a holder of every role or of none: {', '.join(missing)} missing")
        delayed = [field for field in (f"{name}_delay_seconds" for name in names) if getattr(self, field)]
        if missing and delayed:
            raise ValueError(
                f"{', '.join(delayed)}: without holders the deployer keeps every role, and could not act at once "
                "to deploy; name `admin`, `governor`, `guardian` and `issuer`, or set the delays to 0"
            )
        return self


class Asset(Strict):
    """An underlying and its feed. Without `aggregator` a Chainlink mock aggregator is deployed (local chains only)."""

    max_age_seconds: Annotated[int, Field(ge=60, le=3 * 86400)]
    deviation: Annotated[Decimal, Field(ge=0, le=Decimal("0.05"))]
    aggregator: Address | None = None
    initial_price_usd: PriceUsd | None = None
    feed_decimals: Annotated[int, Field(ge=0, le=18)] = 8
    calendar: Name | None = None
    guards: Guards = Guards()

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if (self.aggregator is None) == (self.initial_price_usd is None):
            raise ValueError("give either `aggregator` (an address) or `initial_price_usd` (deploys a mock)")
        return self


class Market(Strict):
    """One underlying and one variance budget."""

    asset: Name
    reference_price_usd: PriceUsd
    sigma_ref: Annotated[Decimal, Field(gt=0, le=2)]
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


class Token(Strict):
    """A margin token. Without `address` a stock token is deployed (local chains and testnets)."""

    name: Name
    decimals: Annotated[int, Field(ge=6, le=18)] = 18
    min_notional: Annotated[Decimal, Field(gt=0)]
    price_usd: PriceUsd | None = None
    address: Address | None = None

    @property
    def min_notional_units(self) -> int:
        return int(self.min_notional * 10**self.decimals)

    @model_validator(mode="after")
    def _minimum_in_bounds(self) -> Self:
        if not 1 <= self.min_notional_units <= min(10**27, 2**88 - 1):
            raise ValueError(f"min_notional {self.min_notional} is outside the contract's bounds")
        return self


class Params(Strict):
    """A whole deployment."""

    network: Name
    chain_id: Annotated[int, Field(gt=0)] | None = None
    """None: a local chain's."""
    treasury: Address | None = None
    roles: Roles
    calendars: dict[Name, Calendar] = Field(default_factory=dict)
    assets: dict[Name, Asset]
    markets: dict[Name, Market]
    sigma_min: Annotated[Decimal, Field(ge=Decimal("0.01"))]
    sigma_max: Annotated[Decimal, Field(le=2)]
    tokens: dict[Name, Token]
    stock: Stock
    orders: Orders = Orders(max_price_age_seconds=60)
    quotes: Quotes = Quotes()
    lending: Lending | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.network != LOCAL and not self.roles.handed_over:
            raise ValueError(f"roles: name their holders; only on {LOCAL} does the deployer keep them")
        if (self.network == LOCAL) != (self.chain_id is None):
            raise ValueError("chain_id: name it, except on a local chain")
        if self.network != LOCAL and self.treasury is None:
            raise ValueError(f"treasury: name it; only on {LOCAL} is there an account for it")
        if self.network != LOCAL and (mocked := [n for n, asset in self.assets.items() if asset.aggregator is None]):
            raise ValueError(f"assets {', '.join(mocked)}: name the aggregator; mocks are for {LOCAL} chains")
        if self.network != LOCAL and self.stock.custody_shares is not None:
            raise ValueError(
                f"stock: custody_shares: only on {LOCAL} does the deployer attest; elsewhere the attestor does"
            )
        for symbol, quoted in self.quotes.assets.items():
            if symbol not in self.tokens or quoted.asset not in self.assets:
                raise ValueError(f"quotes/assets/{symbol}: an unknown token, or an unknown asset {quoted.asset}")
        for name, pay_token in self.quotes.pay_tokens.items():
            if pay_token.address is None and self.network != LOCAL:
                raise ValueError(f"quotes/pay_tokens/{name}: name the address; mocks are for {LOCAL} chains")
        for name, signer in self.quotes.signers.items():
            if signer.account is not None and self.network != LOCAL:
                raise ValueError(f"quotes/signers/{name}: only on {LOCAL} is an actor's key a secret of nobody's")
        for symbol, desk in self.stock.desks.items():
            known: dict[str, Container[str]] = {
                "token": self.tokens,
                "cash": self.quotes.pay_tokens,
                "calendar": self.calendars,
            }
            for kind, name in (("token", symbol), ("cash", desk.cash), ("calendar", desk.calendar)):
                if name not in known[kind]:
                    raise ValueError(f"stock/desks/{symbol}: an unknown {kind} {name}")
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min {self.sigma_min} is not below sigma_max {self.sigma_max}")
        for name, asset in self.assets.items():
            if asset.calendar is not None and asset.calendar not in self.calendars:
                raise ValueError(f"asset {name} names an unknown calendar {asset.calendar}")
        for name, market in self.markets.items():
            if market.asset not in self.assets:
                raise ValueError(f"market {name} names an unknown asset {market.asset}")
            if not self.sigma_min <= market.sigma_ref <= self.sigma_max:
                raise ValueError(
                    f"market {name}: sigma_ref {market.sigma_ref} is outside [{self.sigma_min}, {self.sigma_max}]"
                )
        for name, lent in self.lending.markets.items() if self.lending else ():
            if lent.collateral not in self.tokens or lent.asset not in self.assets:
                raise ValueError(f"lending market {name}: {lent.collateral} or {lent.asset} is unknown")
        return self


def load(network: str = "local", folder: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Params:
    """Read and check `params/<network>.yaml`. `overrides` replace fields: of `roles` one by one, others whole.

    Raises `UnknownNetwork`, or pydantic's error naming each bad field.
    """
    fields = _read(network, folder or params_folder())
    for name, value in (overrides or {}).items():
        fields[name] = {**fields[name], **value} if name == "roles" else value
    return Params.model_validate(fields)


def named_for(chain_id: int, folder: Path | None = None) -> str:
    """The parameter file of a chain. Raises `UnknownNetwork`."""
    folder = folder or params_folder()
    chains = {path.stem: _read(path.stem, folder).get("chain_id") for path in sorted(folder.glob("*.yaml"))}
    for name, found in chains.items():
        if int(found or LOCAL_CHAIN_ID) == chain_id:
            return name
    known = ", ".join(f"{name} ({found or LOCAL_CHAIN_ID})" for name, found in chains.items())
    raise UnknownNetwork(f"no parameters for chain {chain_id} in {folder.name}/: there are {known}")


def fields_of(network: str, folder: Path | None = None) -> dict[str, Any]:
    """What a file says, unchecked. Raises `UnknownNetwork`."""
    return _read(network, folder or params_folder())


def _read(network: str, folder: Path) -> dict[str, Any]:
    """A file's fields, over those of the file that it `extends`: each field replaces the other's as a whole."""
    path = folder / f"{network}.yaml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or "none"
        raise UnknownNetwork(f"no parameters for {network!r} in {folder.name}/: there are {known}")
    # Numbers come in as text, so that 0.1 is a tenth and not the nearest binary fraction.
    fields: dict[str, Any] = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
    below = fields.pop("extends", None)
    return fields if below is None else _read(below, folder) | fields
