"""The same option in real numbers: docs/mechanism.md §2 at fifty digits, sharing nothing with `pricing`.

Values are per unit of notional; `call_delta` and `gamma` are per USD of the underlying, for a notional of one
underlying (whose option is worth K · value).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import mpmath

_mp = mpmath.MPContext()
_mp.dps = 50

# mpmath carries no types
Real: TypeAlias = Any
Number: TypeAlias = Any


def real(value: Number) -> Real:
    return _mp.mpf(value)


def variance_budget(sigma: Number, days: Number) -> Real:
    """c = σ²·T, with a year of 365 days."""
    return real(sigma) ** 2 * real(days) / 365


@dataclass(frozen=True)
class ExactOption:
    c: Real

    @property
    def u(self) -> Real:
        return _mp.sqrt(1 + 8 / self.c)

    @property
    def b(self) -> Real:
        return (1 + self.u) / 2

    def time_value(self, x: Number) -> Real:
        x = real(x)
        return x ** (self.b if x < 1 else 1 - self.b) / self.u

    def call(self, x: Number) -> Real:
        return max(real(x) - 1, 0) + self.time_value(x)

    def put(self, x: Number) -> Real:
        return max(1 - real(x), 0) + self.time_value(x)

    def funding(self, steps: Iterable[tuple[Number, Number]], strike_usd: Number) -> Real:
        """∫ tv(S/K) dΛ of one strike by brute force: a sum over (price, ΔΛ), without accumulators or crossings."""
        return sum((self.time_value(real(price) / real(strike_usd)) * real(step) for price, step in steps), real(0))

    def call_delta(self, price_usd: Number, strike_usd: Number) -> Real:
        x = real(price_usd) / real(strike_usd)
        if x < 1:
            return self.b * x ** (self.b - 1) / self.u
        return 1 + (1 - self.b) * x**-self.b / self.u

    def gamma(self, price_usd: Number, strike_usd: Number) -> Real:
        strike_usd = real(strike_usd)
        x = real(price_usd) / strike_usd
        power = self.b - 2 if x < 1 else -self.b - 1
        return self.b * (self.b - 1) * x**power / self.u / strike_usd
