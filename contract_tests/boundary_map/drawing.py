"""
Draws a limit as a line of text: where values are accepted, altered and refused, and where the contract draws its line.

    declared    ═════════════════════════╡
    observed    ●●●━●━●━●━●●━●━●━●━●━●━●━●●●━●━━━━●━━━━━●━━━●┃○··○···○·········○
                1.3825                   2                  2.5              2.95
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rich.text import Text

from contract_tests.boundary_map.alphabets import ASCII
from contract_tests.boundary_map.limit_result import OTHER_UNITS, UPPER, LimitResult, Point

COLUMNS = 64
TITLE = 12
POINTS = {"accepted": "●", "altered": "◆", "refused": "○"}
STRETCHES = {"accepted": "━", "altered": "~", "refused": "·"}
STYLES = {"accepted": "green", "altered": "yellow", "refused": "red"}
FLIP = "┃"
# What lies further out than this share of the interesting part is left out.
MARGIN = 0.6
LABEL_GAP = 2


@dataclass(frozen=True)
class _Window:
    """The part of a line that is drawn."""

    low: float
    high: float

    def column(self, value: float) -> int:
        """Return the column of a value, beyond the ends for one that is not drawn."""
        place = (value - self.low) / (self.high - self.low)
        return round(min(max(place, -1.0), 2.0) * (COLUMNS - 1))


def number_line(result: LimitResult) -> list[Text]:
    """Draw a result that is a limit of a number or a length; no line where there is nothing to draw."""
    by_lane: dict[str, list[Point]] = {}
    for point in result.points:
        by_lane.setdefault(point.alphabet or ASCII, []).append(point)
    lanes = {name: sorted(points, key=_size) for name, points in by_lane.items()}
    pairs = [pair for points in lanes.values() for pair in pairwise(points) if pair[0].outcome != pair[1].outcome]
    changes = [_size(each) for pair in pairs for each in pair]
    has_other_unit = result.unit in OTHER_UNITS
    window = _window(result, changes, has_other_unit=has_other_unit)
    if window is None:
        return []
    if not has_other_unit:
        lanes = dict(list(lanes.items())[:1])
    drawn = {} if result.declared is None else {"declared": _declared_lane(result, window)}
    drawn |= {"observed" if len(lanes) == 1 else name: _observed_lane(each, window) for name, each in lanes.items()}
    found = changes if has_other_unit else [result.last_accepted, result.first_altered]
    telling = [result.declared, *found, *(hole.first for hole in result.holes), *(hole.last for hole in result.holes)]
    drawn[""] = _labels([*telling, window.low, window.high], window)
    return [*(Text(f"  {title:<{TITLE}}") + lane for title, lane in drawn.items()), *_flips(result)]


def _size(point: Point) -> float:
    return float(point.value or 0)


def _window(result: LimitResult, changes: list[float], *, has_other_unit: bool) -> _Window | None:
    """Choose the part of the line that shows everything of interest."""
    ends = [] if has_other_unit else [result.last_accepted, result.first_rejected, result.first_altered]
    edges = [edge for edge in (result.declared, *ends, *changes) if isinstance(edge, (int, float)) and abs(edge) < 1e12]
    if not edges or not result.points:
        return None
    low, high = min(edges), max(edges)
    margin = max((high - low) * MARGIN, abs(high) * 0.25, 0.1 if result.unit in ("double", "single") else 2)
    inside = [size for size in map(_size, result.points) if low - margin <= size <= high + margin]
    window = _Window(min(*inside, low), max(*inside, high)) if inside else None
    return window if window and window.high > window.low else None


def _declared_lane(result: LimitResult, window: _Window) -> Text:
    """Draw the side of the declared limit on which values are to be accepted."""
    at = window.column(result.declared)
    return Text("═" * at + "╡" if result.constraint in UPPER else " " * at + "╞" + "═" * (COLUMNS - at - 1), "bold")


def _observed_lane(points: Sequence[Point], window: _Window) -> Text:
    """Draw what became of the values that were tried, and between two that met the same fate, the same."""
    cells: list[tuple[str, str]] = [(" ", "")] * COLUMNS
    shown = [(window.column(_size(each)), each.outcome) for each in points if window.low <= _size(each) <= window.high]
    for (start, outcome), (end, other) in pairwise(shown):
        if outcome == other:
            cells[start:end] = [(STRETCHES[outcome], STYLES[outcome])] * (end - start)
    for column in {column for column, _ in shown}:
        outcomes = {outcome for at, outcome in shown if at == column}
        outcome = next(iter(outcomes))
        cells[column] = (FLIP, "bold") if len(outcomes) > 1 else (POINTS[outcome], STYLES[outcome])
    return Text.assemble(*cells)


def _labels(values: Iterable[Any], window: _Window) -> Text:
    """Write values below their columns, the most telling first, as many as there is room for."""
    line = [" "] * (COLUMNS + TITLE)
    for value in values:
        if isinstance(value, (int, float)) and window.low <= value <= window.high:
            text = f"{value:.6g}"
            start = max(0, min(window.column(value) - len(text) // 2, len(line) - len(text)))
            if not "".join(line[max(0, start - LABEL_GAP) : start + len(text) + LABEL_GAP]).strip():
                line[start : start + len(text)] = text
    return Text("".join(line).rstrip())


def _flips(result: LimitResult) -> Iterator[Text]:
    note = {"double": "   neighbouring doubles", "single": "   where single precision rounds to the next number"}
    beyond = (result.first_rejected, "refused") if result.first_altered is None else (result.first_altered, "altered")
    yield _magnified("flip", [(result.last_accepted, "accepted"), beyond], note.get(result.unit or "", ""))
    for hole in result.holes:
        yield _magnified("hole", [(hole.before, hole.outcome_around), (hole.first, hole.outcome)])
        yield _magnified("", [(hole.last, hole.outcome), (hole.after, hole.outcome_around)])


def _magnified(title: str, pair: Iterable[tuple[Any, str]], note: str = "") -> Text:
    shown = sorted(((value, outcome) for value, outcome in pair if value is not None), key=lambda each: float(each[0]))
    parts = [Text(f"{value!r} {POINTS[outcome]} {outcome}", STYLES[outcome]) for value, outcome in shown]
    return Text(f"  {title:<{TITLE}}") + Text(" │ ").join(parts) + Text(note)
