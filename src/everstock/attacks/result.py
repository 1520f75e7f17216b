"""What an attack was, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everstock.attacks.stage import Stage

Figure = Decimal | float

BP = "bp of notional"
NOTIONAL = "% of notional"
POOL = "% of the pool"

SCALES: dict[str, int] = {BP: 10_000, NOTIONAL: 100, POOL: 100}
"""What a fraction is multiplied by, for each unit; any other unit is taken to be per cent."""


class Verdict(Enum):
    LOSES = "loses"
    REFUSED = "refused"
    BOUNDED = "bounded"


@dataclass(frozen=True)
class Line:
    """One way of trying it.

    ``before`` is what the attacker gained under the rule of an earlier draft, ``now`` what the contracts give; both are
    formatted. ``holds``: it loses (or gains nothing), is refused, or stays within what was said.
    """

    case: str
    before: str
    now: str
    verdict: Verdict
    holds: bool


@dataclass(frozen=True)
class Attack:
    """``story`` is how it went, ``defence`` the rule that ended it."""

    number: int
    title: str
    story: str
    defence: str
    play: Callable[[Stage], Iterable[Line]]

    @property
    def name(self) -> str:
        return self.play.__name__


ATTACKS: dict[int, Attack] = {}


def attack(
    number: int, title: str, story: str, defence: str
) -> Callable[[Callable[[Stage], Iterable[Line]]], Callable[[Stage], Iterable[Line]]]:
    """Register an attack."""

    def register(play: Callable[[Stage], Iterable[Line]]) -> Callable[[Stage], Iterable[Line]]:
        assert number not in ATTACKS, number
        ATTACKS[number] = Attack(number, title, story, defence, play)
        return play

    return register


def shown(value: Figure | str | None, unit: str) -> str:
    """A fraction in its unit, with its sign; text as it is; None a dash."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    scaled = float(value) * SCALES.get(unit, 100)
    if scaled == 0:
        return f"0 {unit}"
    size = abs(scaled)
    places = "+.1f" if unit == BP and size >= 0.05 else "+.2f" if size >= 0.05 else "+.4f" if size >= 0.0005 else "+.0e"
    return f"{scaled:{places}} {unit}".replace("-", "−")


def loses(case: str, gain: Figure, unit: str, before: Figure | str | None = None) -> Line:
    """The attacker's gain, as a fraction, must not be above zero."""
    return Line(case, shown(before, unit), shown(gain, unit), Verdict.LOSES, gain <= 0)


def refused(case: str, stage: Stage, error: str, act: Callable[[], object], before: str | None = None) -> Line:
    """The attempt must revert with this error."""
    met = stage.refusal(act)
    return Line(case, before or "–", met or "went through", Verdict.REFUSED, met == error)


def bounded(case: str, gain: Figure, bound: Figure, unit: str, before: Figure | str | None = None) -> Line:
    """Something is gained, but no more than the bound."""
    now = f"{shown(gain, unit)}, at most {shown(bound, unit).removeprefix('+').split(' ')[0]}"
    return Line(case, shown(before, unit), now, Verdict.BOUNDED, gain <= bound)
