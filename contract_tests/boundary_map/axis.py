"""
The axes that are searched: doubles, multiples of a step and lengths, each mapped to whole numbers without gaps.

A search thinks in these numbers only: two that differ by one are neighbours, and a greater one lies further out.
"""

import math
import struct
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

Number = int | float
Side = Literal[1, -1]

SIGN_BIT = 1 << 63


@dataclass(frozen=True)
class Doubles:
    """The finite IEEE doubles; 0 and -0 are one."""

    side: Side = 1
    """1 where greater values lie further out, as beyond a maximum; -1 where smaller ones do."""

    unit: str = "double"

    def ordinal(self, value: Number) -> int:
        """Return the number of a double."""
        bits: int = struct.unpack("<Q", struct.pack("<d", value))[0]
        return self.side * (-(bits - SIGN_BIT) if bits >= SIGN_BIT else bits)

    def value(self, ordinal: int) -> float:
        """Return the double of a number."""
        ordinal *= self.side
        bits = SIGN_BIT - ordinal if ordinal < 0 else ordinal
        return float(struct.unpack("<d", struct.pack("<Q", bits))[0])

    def between(self, low: int, high: int) -> int:
        """Return the double with the fewest decimal digits in the middle quarter, or the middle itself."""
        eighth = (high - low) // 8
        ends = sorted((self.value(low + 3 * eighth), self.value(high - 3 * eighth)))
        plain = self.ordinal(plainest(*ends))
        return plain if low < plain < high else (low + high) // 2


@dataclass(frozen=True)
class Integers:
    """Whole numbers, lengths, or the multiples of any step."""

    side: Side = 1
    unit: str = "integer"
    step: Decimal = Decimal(1)

    def ordinal(self, value: Number) -> int:
        """Return the number of a multiple; of what lies between two, that of the inner one."""
        if self.step == 1 and isinstance(value, int):
            return self.side * value
        return math.floor(self.side * Decimal(repr(value)) / self.step)

    def value(self, ordinal: int) -> Number:
        """Return the multiple of a number."""
        if self.step == 1:
            return self.side * ordinal
        value = self.side * ordinal * self.step
        return int(value) if value == value.to_integral_value() else float(value)

    def between(self, low: int, high: int) -> int:
        """Return the middle."""
        return (low + high) // 2


Axis: TypeAlias = Doubles | Integers


def plainest(low: float, high: float) -> float:
    """Return the number with the fewest decimal digits from *low* to *high*, both included: 2.5 for 2.45 and 2.57."""
    if low <= 0 <= high:
        return 0.0
    exponent = math.floor(math.log10(max(abs(low), abs(high), sys.float_info.min)))
    least, greatest = Decimal(low), Decimal(high)
    for digits in range(18):
        step = Decimal(1).scaleb(exponent - digits)
        plain = float((least / step).to_integral_value(rounding="ROUND_CEILING") * step)
        if low <= plain <= high and Decimal(plain) <= greatest:
            return plain
    return low
