"""The lending section of a parameter file. Bounds repeat the contracts'."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from everstock.params.fields import Address, Name, Strict

WAD = 10**18
Share = Annotated[Decimal, Field(ge=0, le=1)]


class RateModel(Strict):
    """The adaptive curve: annual rates."""

    target_utilisation: Annotated[Decimal, Field(ge=Decimal("0.5"), le=Decimal("0.95"))]
    steepness: Annotated[Decimal, Field(ge=Decimal("1.5"), le=10)]
    adjustment_speed: Annotated[Decimal, Field(ge=0, le=100)]
    initial_rate: Annotated[Decimal, Field(gt=0, le=2)]
    min_rate: Annotated[Decimal, Field(ge=Decimal("0.0001"), le=2)]
    max_rate: Annotated[Decimal, Field(le=2)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min_rate <= self.initial_rate <= self.max_rate:
            raise ValueError(f"initial_rate {self.initial_rate} is outside [{self.min_rate}, {self.max_rate}]")
        return self

    @property
    def config(self) -> tuple[int, ...]:
        """The contract's struct."""
        fields = ("target_utilisation", "steepness", "adjustment_speed", "initial_rate", "min_rate", "max_rate")
        return tuple(int(getattr(self, field) * WAD) for field in fields)


class LoanToken(Strict):
    """What is lent. Without `address` a mock dollar is deployed (local chains and testnets)."""

    decimals: Annotated[int, Field(ge=6, le=18)] = 6
    asset: Name | None = None
    address: Address | None = None


class LendingMarket(Strict):
    """One stock token against one loan token."""

    collateral: Name
    asset: Name
    loan: Name
    min_debt: Annotated[Decimal, Field(gt=0, le=1_000_000)]
    reserve_share: Annotated[Decimal, Field(ge=0, le=Decimal("0.5"))]
    reserve_cap: Annotated[Decimal, Field(ge=0, le=Decimal("0.5"))]
    pledge_haircut: Annotated[Decimal, Field(ge=Decimal("0.1"), le=1)]
    open_borrow_ltv: Share
    open_liquidation_ltv: Annotated[Decimal, Field(le=Decimal("0.95"))]
    closed_borrow_ltv: Annotated[Decimal, Field(ge=Decimal("0.01"))]
    closed_liquidation_ltv: Share
    min_bonus: Share
    max_bonus: Annotated[Decimal, Field(ge=0, le=Decimal("0.25"))]
    tightening_seconds: Annotated[int, Field(ge=900, le=6 * 3600)]
    grace_seconds: Annotated[int, Field(ge=0, le=3600)]
    auction_seconds: Annotated[int, Field(ge=60, le=4 * 3600)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.closed_borrow_ltv > self.open_borrow_ltv:
            raise ValueError("closed_borrow_ltv is above open_borrow_ltv")
        if not self.open_borrow_ltv + Decimal("0.01") <= self.closed_liquidation_ltv <= self.open_liquidation_ltv:
            raise ValueError(
                "closed_liquidation_ltv lies between open_borrow_ltv + 0.01 and open_liquidation_ltv: "
                "a debt at the borrow limit survives the close"
            )
        if self.min_bonus > self.max_bonus:
            raise ValueError("min_bonus is above max_bonus")
        if self.open_liquidation_ltv * (1 + self.max_bonus) > Decimal("0.99"):
            raise ValueError("open_liquidation_ltv · (1 + max_bonus) is above 0.99: collateral must pay for the bonus")
        return self

    @property
    def policy(self) -> tuple[int, ...]:
        """The contract's session policy."""
        shares = (
            self.open_borrow_ltv,
            self.open_liquidation_ltv,
            self.closed_borrow_ltv,
            self.closed_liquidation_ltv,
            self.min_bonus,
            self.max_bonus,
        )
        return (*(int(x * WAD) for x in shares), self.tightening_seconds, self.grace_seconds, self.auction_seconds)


class Lending(Strict):
    """All lending markets, and what they have in common."""

    rate_model: RateModel
    loan_tokens: dict[Name, LoanToken]
    markets: dict[Name, LendingMarket]

    @model_validator(mode="after")
    def _known_loans(self) -> Self:
        for name, market in self.markets.items():
            if market.loan not in self.loan_tokens:
                raise ValueError(f"lending market {name} names an unknown loan token {market.loan}")
        return self
