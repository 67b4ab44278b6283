"""Numbers in single precision."""

from __future__ import annotations

import math
import struct


def nearest_single(value: float) -> float:
    """
    Round to single precision and print the shortest decimal that names it.

    Args:
        value: Any finite double.

    Returns:
        The double that this decimal stands for: 0.8 for 0.8, never 0.800000011920929.

    Source: the promise exact_numbers of a contract.
    """
    single = to_single(value)
    decimals = (float(f"{single:.{digits}g}") for digits in range(1, 10))
    return next((decimal for decimal in decimals if to_single(decimal) == single), single)


def to_single(value: float) -> float:
    """Round to single precision; infinite beyond it."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def next_single(value: float, direction: float) -> float:
    """Return the closest single-precision number on that side of *value*, never *value* itself."""
    single = to_single(value)
    if (single > value) if direction > 0 else (single < value):
        return single
    bits: int = struct.unpack("i", struct.pack("f", single))[0]
    if single == 0:
        return math.copysign(1.401298464324817e-45, direction)
    step = 1 if (direction > 0) == (single > 0) else -1
    return float(struct.unpack("f", struct.pack("i", bits + step))[0])
