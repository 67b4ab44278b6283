"""
The ordered spaces that are searched: doubles, integers and lengths, each mapped to whole numbers without gaps.

A search thinks in these numbers only: two that differ by one are neighbours, and a greater one lies further out.
"""

from __future__ import annotations

import math
import struct
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from contract_tests.boundaries import nearest_single

Number = int | float
Side = Literal[1, -1]

SIGN_BIT = 1 << 63


class Space(Protocol):
    """Values in order, each with a whole number of its own."""

    @property
    def unit(self) -> str:
        """What the values are, in a word."""

    def ordinal(self, value: Number) -> int:
        """Return the number of a value."""

    def value(self, ordinal: int) -> Number:
        """Return the value of a number."""

    def between(self, low: int, high: int) -> int:
        """Return the plainest number near the middle of *low* and *high*, neither of which it is."""


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
    """Whole numbers, or lengths."""

    side: Side = 1
    unit: str = "integer"

    def ordinal(self, value: Number) -> int:
        """Return the number of a whole number."""
        return self.side * int(value)

    def value(self, ordinal: int) -> int:
        """Return the whole number of a number."""
        return self.side * ordinal

    def between(self, low: int, high: int) -> int:
        """Return the middle."""
        return (low + high) // 2


def plainest(low: float, high: float) -> float:
    """
    Return the number with the fewest decimal digits.

    Args:
        low: The least that may be returned.
        high: The greatest that may be returned.

    Returns:
        A number in between, both ends included: 2.5 for 2.45 and 2.57.
    """
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


def flips_in_single_precision(one: float, other: float) -> bool:
    """Whether two neighbouring doubles are different numbers in single precision, so that rounding parts them there."""
    return nearest_single(one) != nearest_single(other)
