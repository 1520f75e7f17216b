"""Sessions and guards of prices in a parameter file."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from everstock.params.fields import Address, Strict

EPOCH = date(1970, 1, 1)
OPENING = time(9, 30)
WEEKDAYS = 5

SpecialDay = Literal["closed"] | time


class Calendar(Strict):
    """New York sessions. The exchange's rules are computed on chain; `special_days` are those that no rule foresees."""

    closed_weight: Annotated[Decimal, Field(ge=Decimal("0.01"), le=1)] = Decimal("0.2")
    special_days: dict[date, SpecialDay] = Field(default_factory=dict)

    @property
    def closed_weight_wad(self) -> int:
        return int(self.closed_weight * 10**18)

    @property
    def history(self) -> list[tuple[int, int]]:
        """The special days in order: days since 1970, and for how many seconds they trade."""
        return [((day - EPOCH).days, _open_seconds(closing)) for day, closing in sorted(self.special_days.items())]

    @model_validator(mode="after")
    def _special_days_fit(self) -> Self:
        for day, closing in self.special_days.items():
            if day.weekday() >= WEEKDAYS:
                raise ValueError(f"special day {day} is no weekday")
            if closing != "closed" and not OPENING < closing < time(16):
                raise ValueError(f"special day {day}: say `closed`, or when trading ends in New York, 09:31 to 15:59")
        return self


class Guards(Strict):
    """What is asked besides an asset's feed; without a field, nothing is."""

    check_aggregator: Address | None = None
    check_max_age_seconds: Annotated[int, Field(ge=60, le=3 * 86400)] = 3600
    check_deviation: Annotated[Decimal, Field(ge=Decimal("0.001"), le=Decimal("0.05"))] = Decimal("0.02")
    sequencer: Address | None = None
    sequencer_grace_seconds: Annotated[int, Field(ge=60, le=86400)] = 3600
    max_jump: Annotated[Decimal, Field(ge=Decimal("0.2"), le=9)] | None = None

    @property
    def max_jump_wad(self) -> int | None:
        return None if self.max_jump is None else int(self.max_jump * 10**18)


def _open_seconds(closing: SpecialDay) -> int:
    if closing == "closed":
        return 0
    return (closing.hour - OPENING.hour) * 3600 + (closing.minute - OPENING.minute) * 60 + closing.second
