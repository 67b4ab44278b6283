"""
The number line of one field: which stretches were accepted, altered and refused, and where each flip lies.

Positions are in percent, so that a drawing fits any width without shrinking its letters.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest

# Room beside the outermost limit, as a part of the distance between the limits.
MARGIN = 0.28
# Where some value lies this many times further out than the limits lie apart, the line is compressed towards its ends.
COMPRESSED_FROM = 20
# Values of unlike outcomes that stand further apart than this, in percent, leave a stretch of which nothing is known.
WIDE = 1.5
NOT_TRIED = "unknown"
# Distances between greater values are beyond a double.
LINEAR_UP_TO = 1e300
# In percent of a narrow drawing: words closer than this are set apart, and half of what a letter takes.
CLOSE = 6
LETTER = 1.2


@dataclass(frozen=True)
class Point:
    """One value that was tried."""

    value: float
    outcome: str
    """accepted, altered or refused."""
    alphabet: str = ""
    """What a text was made of; empty for a number."""


@dataclass(frozen=True)
class Stretch:
    """A part of the line whose values were all treated alike."""

    x: float
    width: float
    outcome: str


@dataclass(frozen=True)
class Lane:
    """One bar of the drawing."""

    label: str
    """What its texts are made of; empty where that makes no difference."""
    stretches: list[Stretch]
    ticks: list[float]
    """Where a value was tried."""
    departures: list[Stretch]
    """The parts that are not treated as the contract says."""


@dataclass(frozen=True)
class Marker:
    """A place on the line with a word."""

    x: float
    word: str
    anchor: str
    """Which end of the word stands at the place: start, middle or end."""


@dataclass(frozen=True)
class NumberLine:
    """All that is drawn of one field."""

    lanes: list[Lane]
    declared: list[Marker]
    """The limits that the contract names."""
    interval: tuple[float, float]
    """From where to where the contract allows values."""
    flips: list[Marker]
    """Where acceptance changes, named by letters."""
    is_compressed: bool
    open_end: str
    """How far the search went where nothing ended the accepted values; empty where something did."""


@dataclass(frozen=True)
class _Scale:
    """Where a value stands; *unit* is what a compressed line counts as near, 0 for a line that is not compressed."""

    low: float
    high: float
    unit: float

    def position(self, value: float) -> float:
        """Return the place of a value in percent, inside the drawing."""
        low, high, here = (math.asinh(each / self.unit) if self.unit else each for each in (self.low, self.high, value))
        share = (here - low) / (high - low) if high > low else 0.5
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def stretch(self, begin: float, end: float, outcome: str) -> Stretch:
        """Return what is drawn from one value to another."""
        x = self.position(begin)
        return Stretch(x, round(max(self.position(end) - x, 0), 2), outcome)


def draw(
    points: Sequence[Point], *, minimum: float | None, maximum: float | None, flips: Sequence[float], is_length: bool,
    grain: float, has_open_end: bool, by_alphabet: bool,
) -> NumberLine | None:  # fmt: skip
    """
    Lay out the number line of a field, its flips in the order of their letters; None where nothing was tried. *grain* is
    how far apart neighbours are, such as 1 between whole numbers; *by_alphabet* draws each alphabet by itself, because
    the limit lies elsewhere in each.
    """
    if not points:
        return None
    limits = [limit for limit in (minimum, maximum) if limit is not None]
    scale = _scale([point.value for point in points], [*limits, *flips], is_length=is_length, has_open_end=has_open_end)
    low, high = (scale.low if minimum is None else minimum, scale.high if maximum is None else maximum)
    allowed = scale.stretch(low, high, "")
    declared = (-math.inf if minimum is None else minimum, math.inf if maximum is None else maximum)
    alphabets = dict.fromkeys(point.alphabet for point in points if point.alphabet and by_alphabet) or {"": None}
    words = "{:,}" if is_length else "{!r}"
    return NumberLine(
        lanes=[_lane(name, points, scale, declared, grain) for name in alphabets],
        declared=_markers([(scale.position(limit), words.format(limit)) for limit in limits]),
        interval=(allowed.x, allowed.width),
        flips=_markers([(scale.position(flip), letter(index)) for index, flip in enumerate(flips)]),
        is_compressed=bool(scale.unit),
        open_end=words.format(max(point.value for point in points)) if has_open_end else "",
    )


def letter(index: int) -> str:
    """Return the name of a flip: A, B, ... Z, A1, ..."""
    rounds, place = divmod(index, 26)
    return chr(ord("A") + place) + (str(rounds) if rounds else "")


def between(one: float, other: float) -> float:
    """Return the middle of two numbers, however great they are."""
    return one / 2 + other / 2


def _scale(values: list[float], edges: list[float], *, is_length: bool, has_open_end: bool) -> _Scale:
    """Choose the part of the line that shows each limit and each flip with room beside it."""
    low, high = (min(edges), max(edges)) if edges else (min(values), max(values))
    if has_open_end:
        high = max(values)
    if high - low <= 1:  # one limit alone, or two that are all but the same
        reach = max(abs(low), abs(high), 1)
        low, high = max(low - reach, -sys.float_info.max), min(high + reach, sys.float_info.max)
    if is_length:
        low = 0
    unit = max(1.0, *(abs(edge) for edge in edges[:2])) if edges else 1.0
    farthest = max(abs(low), abs(high))
    if farthest > COMPRESSED_FROM * unit or farthest > LINEAR_UP_TO:
        return _Scale(low, high, min(unit, LINEAR_UP_TO))
    room = MARGIN * (high - low) or 1.0
    bottom = max(low - room, 0.0) if is_length else low - room
    return _Scale(bottom, high if has_open_end else high + room, 0.0)


def _lane(alphabet: str, points: Sequence[Point], scale: _Scale, declared: tuple[float, float], grain: float) -> Lane:
    mine = sorted((p for p in points if not alphabet or p.alphabet in ("", alphabet)), key=lambda point: point.value)
    runs = [(outcome, [point.value for point in run]) for outcome, run in groupby(mine, key=lambda p: p.outcome)]
    stretches, departures = [], []
    begin = scale.low
    for (outcome, values), following in zip_longest(runs, runs[1:]):
        end = next_begin = scale.high
        if following is not None:
            last, first = values[-1], following[1][0]
            end = next_begin = between(last, first)
            if first - last > grain and scale.position(first) - scale.position(last) > WIDE:
                end, next_begin = last, first  # nothing was tried on the way there
        stretches += [scale.stretch(begin, end, outcome), scale.stretch(end, next_begin, NOT_TRIED)]
        departures += [scale.stretch(*part, outcome) for part in _departures(outcome, values, (begin, end), declared)]
        begin = next_begin
    inside = [point.value for point in mine if scale.low <= point.value <= scale.high]
    ticks = list(dict.fromkeys(scale.position(value) for value in inside))
    return Lane(alphabet, [part for part in stretches if part.width], ticks, departures)


def _departures(
    outcome: str, values: list[float], ends: tuple[float, float], declared: tuple[float, float]
) -> Iterator[tuple[float, float]]:
    """Yield the parts of a run of like outcomes that the contract would have otherwise."""
    (begin, end), (minimum, maximum) = ends, declared
    if outcome != "accepted" and any(minimum <= value <= maximum for value in values):
        yield max(begin, minimum), min(end, maximum)
    if outcome != "refused" and values[0] < minimum:
        yield begin, min(end, minimum)
    if outcome != "refused" and values[-1] > maximum:
        yield max(begin, maximum), end


def _markers(placed: list[tuple[float, str]]) -> list[Marker]:
    """Anchor words so that they stay inside the drawing, and those that stand close do not cover one another."""
    markers = []
    for index, (x, word) in enumerate(placed):
        is_near_last = index > 0 and x - placed[index - 1][0] < CLOSE
        is_near_next = index + 1 < len(placed) and placed[index + 1][0] - x < CLOSE
        room = len(word) * LETTER
        starts = is_near_last or x < room
        anchor = "start" if starts else "end" if is_near_next or x > 100 - room else "middle"
        markers.append(Marker(x, word, anchor))
    return markers
