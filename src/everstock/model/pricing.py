"""What an everlasting option is worth per unit of notional: docs/arithmetic.md §1 and §2."""

from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from math import isqrt

from .primitives import WAD, Primitives, ceil_div, clamp, mul_div, mul_div_up, truncating_div

LN_GRID_STEP_WAD = 19_802627296179713  # ln 1.02
MAX_STRIKE = 164
BELOW_ALL_STRIKES = -MAX_STRIKE - 1
SHIFT_WAD = 59_299658727801298018  # C
DESCALE = 2**201  # D

KAPPA_MAIN_WAD = 75 * WAD // 100
KAPPA_INSURANCE_WAD = 25 * WAD // 100
KAPPA_WAD = KAPPA_MAIN_WAD + KAPPA_INSURANCE_WAD


class Side(Enum):
    CALL = "call"
    PUT = "put"


class Pricing:
    """The constants of a market with variance budget `c` and reference price R, and the values that follow."""

    def __init__(self, primitives: Primitives, c_wad: int, reference_wad: int) -> None:
        self.primitives = primitives
        self.c_wad = c_wad
        self.reference_wad = reference_wad
        u0_wad = isqrt(WAD**2 + 8 * 10**54 // c_wad)
        self.b_wad = (u0_wad + WAD) // 2
        self.b1_wad = WAD - self.b_wad  # negative
        self.u_wad = 2 * self.b_wad - WAD
        self.max_ln_wad = min(65 * 10**36 // self.b_wad, primitives.ln_wad(26 * WAD))  # L
        self.peak_wad = WAD**2 // self.u_wad
        self.initial_rate_wad = 45 * WAD**2 // 100 // self.u_wad
        self.maintenance_rate_wad = 15 * WAD**2 // 100 // self.u_wad
        self._strike_powers: dict[int, tuple[int, int]] = {}

    # ── the grid ──────────────────────────────────────────────────────────────────────────────────────────────────────
    @cached_property
    def _strikes_wad(self) -> list[int]:
        return [
            mul_div(self.reference_wad, self.primitives.exp_wad(j * LN_GRID_STEP_WAD), WAD)
            for j in range(-MAX_STRIKE, MAX_STRIKE + 1)
        ]

    def strike_wad(self, j: int) -> int:
        assert abs(j) <= MAX_STRIKE, j
        return self._strikes_wad[j + MAX_STRIKE]

    def strike_in_range(self, j: int) -> bool:
        return abs(j) <= MAX_STRIKE and abs(j * LN_GRID_STEP_WAD) <= self.max_ln_wad

    def price_in_range(self, price_wad: int) -> bool:
        return abs(self._ln_ratio_wad(price_wad, self.reference_wad)) <= self.max_ln_wad

    def cell(self, price_wad: int) -> int:
        """The largest strike at or below the price; -165 when it is below them all."""
        return BELOW_ALL_STRIKES + bisect_right(self._strikes_wad, price_wad)

    # ── powers of the price and of the strikes, shifted by C ──────────────────────────────────────────────────────────
    def price_powers(self, price_wad: int) -> tuple[int, int]:
        """(eA, eB): s^b and s^(1−b) at the price clamped into the range."""
        ln_wad = clamp(self._ln_ratio_wad(price_wad, self.reference_wad), -self.max_ln_wad, self.max_ln_wad)
        return self._shifted_power(self.b_wad * ln_wad), self._shifted_power(self.b1_wad * ln_wad)

    def strike_powers(self, j: int) -> tuple[int, int]:
        """(kA, kB): k^(−b) and k^(b−1)."""
        if j not in self._strike_powers:
            ln_wad = j * LN_GRID_STEP_WAD
            self._strike_powers[j] = (
                self._shifted_power(-self.b_wad * ln_wad),
                self._shifted_power(-self.b1_wad * ln_wad),
            )
        return self._strike_powers[j]

    def funding_index(self, j: int, below_a: int, above_b: int) -> int:
        """F of a strike from the parts of A and B gathered below and above it; scale 1e27."""
        k_a, k_b = self.strike_powers(j)
        return (mul_div(below_a, k_a, DESCALE) + mul_div(above_b, k_b, DESCALE)) * WAD // self.u_wad

    # ── values per unit of notional, WAD ──────────────────────────────────────────────────────────────────────────────
    def time_value_wad(self, price_wad: int, strike_wad: int) -> int:
        x_wad = mul_div(price_wad, WAD, strike_wad)
        exponent_wad = self.b_wad if x_wad < WAD else self.b1_wad
        power_wad = self.primitives.exp_wad(truncating_div(exponent_wad * self.primitives.ln_wad(x_wad), WAD))
        return power_wad * WAD // self.u_wad

    def value_wad(self, side: Side, price_wad: int, strike_wad: int) -> int:
        return intrinsic_wad(side, price_wad, strike_wad) + self.time_value_wad(price_wad, strike_wad)

    def quote(self, side: Side, price_wad: int, strike_wad: int, band_wad: int) -> "Quote":
        """Mark, bid and ask within the band of what the true price may be."""
        price_low_wad = mul_div(price_wad, WAD - band_wad, WAD)
        price_high_wad = mul_div_up(price_wad, WAD + band_wad, WAD)
        if side is Side.PUT:
            price_low_wad, price_high_wad = price_high_wad, price_low_wad
        low_wad = self.value_wad(side, price_low_wad, strike_wad)
        high_wad = self.value_wad(side, price_high_wad, strike_wad)
        return Quote(
            mark_wad=self.value_wad(side, price_wad, strike_wad),
            bid_wad=max(0, low_wad - ceil_div(min(low_wad, self.peak_wad), 100)),
            ask_wad=high_wad + ceil_div(min(high_wad, self.peak_wad), 100),
        )

    def _ln_ratio_wad(self, price_wad: int, over_wad: int) -> int:
        return self.primitives.ln_wad(mul_div(price_wad, WAD, over_wad))

    def _shifted_power(self, exponent_times_ln: int) -> int:
        return self.primitives.exp_wad(truncating_div(exponent_times_ln, WAD) + SHIFT_WAD)


@dataclass(frozen=True)
class Quote:
    mark_wad: int
    bid_wad: int
    ask_wad: int


def intrinsic_wad(side: Side, price_wad: int, strike_wad: int) -> int:
    x_wad = mul_div(price_wad, WAD, strike_wad)
    return max(0, x_wad - WAD if side is Side.CALL else WAD - x_wad)


def main_layer_wad(value_wad: int) -> int:
    """What the main pool pays of a value: up to κ_m."""
    return min(value_wad, KAPPA_MAIN_WAD)


def insurance_layer_wad(value_wad: int) -> int:
    """What insurance pays of a value: from κ_m up to κ_m + κ_i."""
    return min(value_wad, KAPPA_WAD) - main_layer_wad(value_wad)
