"""Integers as the chain computes them: WAD scale, truncating division, and the two transcendental functions.

`expWad` and `lnWad` are injected: the lock-step tests pass the chain's own, so that results agree bit for bit;
everything else uses `ExactPrimitives`, the exact value rounded down.
"""

from functools import lru_cache
from typing import Protocol

import mpmath

from .errors import ModelRevert

WAD = 10**18
INDEX = 10**27
YEAR = 31_536_000
DAY = 86_400
LN2_WAD = 693_147_180_559_945_309

EXP_ZERO_AT_WAD = -41_446531673892822313
EXP_OVERFLOW_AT_WAD = 135_305999368893231589


class Primitives(Protocol):
    def exp_wad(self, x_wad: int) -> int: ...

    def ln_wad(self, x_wad: int) -> int: ...


class ExactPrimitives:
    """The exact exponential and logarithm, floored; undefined where Solady's are."""

    def exp_wad(self, x_wad: int) -> int:
        if x_wad <= EXP_ZERO_AT_WAD:
            return 0
        if x_wad >= EXP_OVERFLOW_AT_WAD:
            raise ModelRevert("ExpOverflow", x_wad=x_wad)
        return _exp_wad(x_wad)

    def ln_wad(self, x_wad: int) -> int:
        if x_wad <= 0:
            raise ModelRevert("LnWadUndefined", x_wad=x_wad)
        return _ln_wad(x_wad)


# exp(135) in WAD has 256 bits: 400 leave over 140 behind the point, and only exp(0) and ln(1) are whole.
_context = mpmath.MPContext()
_context.prec = 400


@lru_cache(maxsize=1 << 18)
def _exp_wad(x_wad: int) -> int:
    return WAD if x_wad == 0 else int(_context.floor(_context.exp(_context.mpf(x_wad) / WAD) * WAD))


@lru_cache(maxsize=1 << 18)
def _ln_wad(x_wad: int) -> int:
    return 0 if x_wad == WAD else int(_context.floor(_context.ln(_context.mpf(x_wad) / WAD) * WAD))


def truncating_div(numerator: int, denominator: int) -> int:
    """Signed division as the EVM does it: towards zero."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def mul_div(a: int, b: int, denominator: int) -> int:
    """Floor of a·b/denominator at full precision (512 bits on chain)."""
    return a * b // denominator


def mul_div_up(a: int, b: int, denominator: int) -> int:
    return ceil_div(a * b, denominator)


def clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
