"""The stock layer's parameters: who acts for the issuer, custody, and the desk's settlement."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from everstock.params.fields import Address, Name, Strict

DAY = 86_400


class Desk(Strict):
    """Terms of every issuance desk. The cash token and the calendar come with each desk."""

    settlement_sessions: Annotated[int, Field(ge=1, le=5)] = 1
    cutoff_minutes: Annotated[int, Field(ge=0, le=360)] = 30
    settlement_window_hours: Annotated[int, Field(ge=1, le=48)] = 6
    penalty_bps: Annotated[int, Field(ge=0, le=500)] = 100
    fee_bps: Annotated[int, Field(ge=0, le=100)] = 10


class Window(Strict):
    """An issuance desk: of a stock token, against a pay token of the quotes, by a calendar of the parameters."""

    cash: Name
    calendar: Name
    settlement_account: Address | None = None
    """Receives the cash of settled mints. Without it the treasury does."""


class Stock(Strict):
    """What holds for every stock token of the deployment. A role without a holder is the issuer's, with its delay."""

    attestor: Address | None = None
    compliance: Address | None = None
    transfer_agent: Address | None = None
    corporate_actions: Address | None = None
    settlement: Address | None = None

    custody_max_age_days: Annotated[int, Field(ge=1, le=400)]
    custody_shares: Annotated[Decimal, Field(gt=0, le=Decimal(10) ** 30)] | None = None
    """Attested by the deployer for each token it deploys. Local chains only: elsewhere the attestor does."""

    desk: Desk = Desk()
    desks: dict[Name, Window] = Field(default_factory=dict)

    @property
    def custody_max_age_seconds(self) -> int:
        return self.custody_max_age_days * DAY
