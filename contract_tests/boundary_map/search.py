"""
The search itself: where a yes turns into a no, and where it does so unexpectedly.

Asks as little as it can: it tries the likely places, then narrows each change down to two neighbours. Knows nothing
of what is asked.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from contract_tests.boundary_map.axis import Axis

Ask = Callable[[int], bool]

# An end of the bracket that has stood for so many halvings is likely to be the limit itself: its neighbour tells.
PATIENCE = 4
# A search that finds more changes than this describes noise, not limits.
MOST_FLIPS = 12
SURE = 0.95


@dataclass(frozen=True)
class Flip:
    """Two neighbours that are treated differently."""

    inner: int
    outer: int
    is_end: bool
    """Whether the inner one is accepted, so that an accepted stretch ends here."""


@dataclass(frozen=True)
class Stretch:
    """Neighbouring values that are all treated alike, as far as they were tried."""

    first: int
    last: int
    is_accepted: bool


def find_flips(axis: Axis, ask: Ask, samples: Iterable[int]) -> list[Flip]:
    """List the changes between neighbouring samples, inside first; of more than MOST_FLIPS the outermost."""
    known = [(sample, ask(sample)) for sample in sorted(set(samples))]
    changing = [(one, other) for (one, yes), (other, also) in pairwise(known) if yes != also]
    return [pin(axis, ask, one, other) for one, other in changing[-MOST_FLIPS:]]


def pin(axis: Axis, ask: Ask, inner: int, outer: int) -> Flip:
    """Narrow a change between two values of which *outer* is the greater down to two neighbours; to one of several."""
    is_end = ask(inner)
    stood = [0, 0]
    while outer - inner > 1:
        middle = axis.between(inner, outer)
        if ask(middle) == is_end:
            inner, stood = middle, [0, stood[1] + 1]
        else:
            outer, stood = middle, [stood[0] + 1, 0]
        if stood[0] == PATIENCE and outer - inner > 1:
            if ask(inner + 1) != is_end:
                return Flip(inner, inner + 1, is_end)
            inner += 1
        if stood[1] == PATIENCE and outer - inner > 1:
            if ask(outer - 1) == is_end:
                return Flip(outer - 1, outer, is_end)
            outer -= 1
    return Flip(inner, outer, is_end)


def limit_among(flips: list[Flip], start: int, *, is_accepted: bool) -> Flip | None:
    """Pick the first end of acceptance outwards of an accepted start, inwards of a refused one."""
    ends = [flip for flip in flips if flip.is_end]
    if is_accepted:
        return next((flip for flip in ends if flip.inner >= start), None)
    return next((flip for flip in reversed(ends) if flip.outer <= start), None)


def holes(flips: list[Flip], limit: Flip | None, first: int, last: int) -> list[Stretch]:
    """List the refused stretches inside the limit, which all are without one, and the accepted ones outside of it."""
    starts = [first, *(flip.outer for flip in flips)]
    ends = [*(flip.inner for flip in flips), last]
    kinds = [*(flip.is_end for flip in flips), not flips[-1].is_end] if flips else []
    stretches = [Stretch(*of) for of in zip(starts, ends, kinds, strict=False)]
    return [each for each in stretches if each.is_accepted != (limit is None or each.last <= limit.inner)]


def width_found(size: float, regular: int, random: int) -> tuple[float, float]:
    """
    Return the width from which on a hole is certain to have been hit, and the one from which on it is so with 95 %, where
    a width of *size* was divided into *regular* equal steps, and *random* further values were drawn from it.
    """
    step = size / max(regular, 1)
    low, high = 0.0, step
    for _ in range(40 if size else 0):
        width = (low + high) / 2
        missed = (1 - width / step) * math.pow(1 - width / size, random)
        low, high = (low, width) if missed <= 1 - SURE else (width, high)
    return step, high
