"""
Draws a limit as a line of text: where values are accepted, altered and refused, and where the contract draws its line.

    declared    ═════════════════════════╡
    observed    ●●●━●━●━●━●●━●━●━●━●━●━●━●●●━●━━━━●━━━━━●━━━●┃○··○···○·········○
                1.3825                   2                  2.5              2.95
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rich.text import Text

from contract_tests.edge_search.alphabets import ASCII
from contract_tests.edge_search.line import UPPER
from contract_tests.edge_search.row import Row

COLUMNS = 64
TITLE = 12
POINTS = {"accepted": "●", "altered": "◆", "refused": "○"}
STRETCHES = {"accepted": "━", "altered": "~", "refused": "·"}
STYLES = {"accepted": "green", "altered": "yellow", "refused": "red"}
FLIP = "┃"
# What lies further out than this share of the interesting part is left out.
MARGIN = 0.6
LABEL_GAP = 2
# Units in which each alphabet has a limit of its own.
OTHER_UNITS = ("utf16", "bytes", "composed", "trimmed")


@dataclass(frozen=True)
class Window:
    """The part of a line that is drawn."""

    low: float
    high: float

    def column(self, value: float) -> int:
        """Return the column of a value, beyond the ends for one that is not drawn."""
        place = (value - self.low) / (self.high - self.low)
        return round(min(max(place, -1.0), 2.0) * (COLUMNS - 1))

    def holds(self, value: float) -> bool:
        """Whether a value is drawn."""
        return self.low <= value <= self.high


def number_line(row: Row) -> list[Text]:
    """
    Draw a row that is a limit of a number or a length.

    Returns:
        The lines, without a newline; empty where there is nothing to draw.
    """
    window = window_of(row)
    if window is None:
        return []
    lanes = list(dict.fromkeys(point.get("alphabet", ASCII) for point in row.points))
    if row.unit not in OTHER_UNITS:
        lanes = lanes[:1]
    drawn = [Text(f"  {'declared':<{TITLE}}") + declared_lane(row, window)] if row.declared is not None else []
    for lane in lanes:
        points = sorted(
            (p for p in row.points if p.get("alphabet", ASCII) == lane), key=lambda point: float(point["value"])
        )
        drawn.append(Text(f"  {'observed' if len(lanes) == 1 else lane:<{TITLE}}") + observed_lane(points, window))
    drawn.append(Text(" " * (TITLE + 2)) + labels(row, window))
    return [*drawn, *flips(row)]


def window_of(row: Row) -> Window | None:
    """Choose the part of the line that shows everything of interest."""
    sizes = [float(point["value"]) for point in row.points]
    edges = [
        row.declared,
        *([] if row.unit in OTHER_UNITS else [row.last_accepted, row.first_rejected, row.first_altered]),
    ]
    edges += changes(row.points)
    edges = [edge for edge in edges if isinstance(edge, (int, float)) and abs(edge) < 1e12]
    if not edges or not sizes:
        return None
    is_whole = row.unit not in ("double", "single")
    low, high = min(edges), max(edges)
    margin = max((high - low) * MARGIN, abs(high) * 0.25, 2 if is_whole else 0.1)
    inside = [size for size in sizes if low - margin <= size <= high + margin]
    return Window(min(*inside, low), max(*inside, high)) if inside and max(*inside, high) > min(*inside, low) else None


def changes(points: Iterable[dict[str, Any]]) -> list[float]:
    """List the values between which something changes, in any alphabet."""
    lanes: dict[str, list[dict[str, Any]]] = {}
    for point in sorted(points, key=lambda point: float(point["value"])):
        lanes.setdefault(point.get("alphabet", ASCII), []).append(point)
    pairs = [pair for lane in lanes.values() for pair in pairwise(lane)]
    return [float(each["value"]) for pair in pairs if pair[0]["outcome"] != pair[1]["outcome"] for each in pair]


def declared_lane(row: Row, window: Window) -> Text:
    """Draw the side of the declared limit on which values are to be accepted."""
    at = window.column(row.declared)
    if row.constraint in (*UPPER, "maxLength"):
        return Text("═" * at + "╡", "bold")
    return Text(" " * at + "╞" + "═" * (COLUMNS - at - 1), "bold")


def observed_lane(points: Sequence[dict[str, Any]], window: Window) -> Text:
    """Draw what became of the values that were tried, and between two that met the same fate, the same."""
    cells: list[tuple[str, str]] = [(" ", "")] * COLUMNS
    shown = [point for point in points if window.holds(point["value"])]
    for one, other in pairwise(shown):
        if one["outcome"] == other["outcome"]:
            for column in range(window.column(one["value"]), window.column(other["value"])):
                cells[column] = (STRETCHES[one["outcome"]], STYLES[one["outcome"]])
    for column in range(COLUMNS):
        outcomes = {point["outcome"] for point in shown if window.column(point["value"]) == column}
        if len(outcomes) > 1:
            cells[column] = (FLIP, "bold")
        elif outcomes:
            outcome = outcomes.pop()
            cells[column] = (POINTS[outcome], STYLES[outcome])
    return Text.assemble(*cells)


def labels(row: Row, window: Window) -> Text:
    """Write values below their columns, the most telling first, as many as there is room for."""
    found = changes(row.points) if row.unit in OTHER_UNITS else [row.last_accepted, row.first_altered]
    telling = [row.declared, *found, *(hole["first"] for hole in row.holes)]
    telling += [*(hole["last"] for hole in row.holes), window.low, window.high]
    line = [" "] * (COLUMNS + TITLE)
    for value in telling:
        if isinstance(value, (int, float)) and window.holds(value):
            write(line, window.column(value), f"{value:.6g}")
    return Text("".join(line).rstrip())


def write(line: list[str], column: int, text: str) -> None:
    """Put a text into a line of characters, unless something stands there or too close."""
    start = max(0, min(column - len(text) // 2, len(line) - len(text)))
    around = line[max(0, start - LABEL_GAP) : start + len(text) + LABEL_GAP]
    if all(character == " " for character in around):
        line[start : start + len(text)] = text


def flips(row: Row) -> Iterator[Text]:
    """Name the neighbours between which acceptance flips, in full."""
    unit = {"double": "neighbouring doubles", "single": "where single precision rounds to the next number"}.get(
        row.unit or "", ""
    )
    note = f"   {unit}" if unit else ""
    if row.first_altered is not None:
        pair = [(row.last_accepted, "accepted"), (row.first_altered, "altered")]
    else:
        pair = [(row.last_accepted, "accepted"), (row.first_rejected, "refused")]
    yield magnified("flip", pair, note)
    for hole in row.holes:
        other = "refused" if hole["outcome"] == "accepted" else "accepted"
        yield magnified("hole", [(hole["before"], other), (hole["first"], hole["outcome"])], "")
        yield magnified("", [(hole["last"], hole["outcome"]), (hole["after"], other)], "")


def magnified(title: str, pair: Iterable[tuple[Any, str]], note: str) -> Text:
    """Write two neighbours side by side."""
    shown = sorted(((value, outcome) for value, outcome in pair if value is not None), key=lambda each: float(each[0]))
    parts = [Text(f"{value!r} {POINTS[outcome]} {outcome}", STYLES[outcome]) for value, outcome in shown]
    return Text(f"  {title:<{TITLE}}") + Text(" │ ").join(parts) + Text(note)
