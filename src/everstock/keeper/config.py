"""A keeper's own settings: `ape run keeper --config keeper.yaml`. The deployment's are in its record."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from everstock.keeper.duties.arbitrage import ArbitragePolicy
from everstock.keeper.work import Policy
from everstock.params.fields import Address, Name, Strict

Share = Annotated[Decimal, Field(ge=0, lt=1)]


class BadConfig(ValueError):
    """The file does not read; the message says where."""


class VenueConfig(Strict):
    """A stock token with an issuance desk, and the pair of the desk's cash in which it trades."""

    token: Name
    pair: Address
    router: Address
    cash_limit: Annotated[Decimal, Field(gt=0)]
    wait_cost: Share = Decimal("0.001")
    slippage: Share = Decimal("0.005")
    limit_slack: Share = Decimal("0.05")
    min_trade: Annotated[Decimal, Field(gt=0)] = Decimal(100)
    confirm_seconds: Annotated[int, Field(ge=0)] = 60
    fee_bps: Annotated[int, Field(ge=0, le=1_000)] = 30

    @property
    def policy(self) -> ArbitragePolicy:
        return ArbitragePolicy(**self.model_dump())


class KeeperConfig(Strict):
    """Everything has a default. See `bots/keeper.example.yaml` for what each field means."""

    poke_every_seconds: Annotated[int, Field(ge=1)] = 900
    poke_on_move: Share = Decimal("0.005")
    sweep_every_seconds: Annotated[int, Field(ge=1)] = 3_600
    min_profit_usd: Decimal | None = None
    unpaid: bool = True
    orders_a_pass: Annotated[int, Field(ge=1)] = 64
    settle_above_usd: Annotated[Decimal, Field(ge=0)] = Decimal(250)
    loan_exit_cost: Share = Decimal("0.005")
    arbitrage: list[VenueConfig] = Field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> KeeperConfig:
        """Raises BadConfig."""
        try:
            return cls.model_validate(yaml.load(path.read_text(), Loader=_Exact) or {})
        except (OSError, yaml.YAMLError, ValidationError) as error:
            raise BadConfig(f"{path}: {error}") from error

    @property
    def policy(self) -> Policy:
        return Policy(**self.model_dump(exclude={"arbitrage"}))

    def but(self, **changes: Any) -> KeeperConfig:
        """With what the command line says; None says nothing."""
        return self.model_copy(update={name: value for name, value in changes.items() if value is not None})


class _Exact(yaml.SafeLoader):
    """Reads numbers with a point as text: money is no float."""


def _as_text(loader: Any, node: Any) -> str:
    return str(loader.construct_scalar(node))


_Exact.add_constructor("tag:yaml.org,2002:float", _as_text)
