"""The number line of each field that has a limit, and the places where acceptance changes, magnified."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from contract_tests.report import number_line
from contract_tests.report.limits import LENGTHS, LOWER, UPPER, Limit, hole_outcomes
from contract_tests.report.number_line import NumberLine, between, draw
from contract_tests.report.stored import as_json, as_number

# Units in which the limit of a text lies elsewhere in each alphabet.
BY_ALPHABET = ("bytes", "utf16", "composed", "trimmed")


@dataclass(frozen=True)
class Side:
    """One of the two neighbours between which acceptance flips."""

    value: str
    outcome: str
    is_declared: bool


@dataclass(frozen=True)
class Flip:
    """A place where acceptance changes, magnified."""

    letter: str
    title: str
    """What is magnified: the limit itself, or an end of a hole."""
    left: Side
    right: Side
    distance: str
    """What lies between the two."""
    declared: str
    """Where the declared limit lies, if it is neither of the two."""


@dataclass(frozen=True)
class Drawing:
    """The number line of one field, and its flips magnified."""

    operation: str
    field: str
    limits: tuple[tuple[Limit, tuple[Flip, ...]], ...]
    """Each limit with the places where acceptance changes there."""
    line: NumberLine | None
    text: str
    """What the drawing shows, for whoever cannot see it."""
    identity: str


def drawings(limits: Iterable[Limit]) -> Iterator[Drawing]:
    """Yield a number line for each field of each operation that has limits."""
    by_field: dict[tuple[str, str], list[Limit]] = defaultdict(list)
    for limit in limits:
        if limit.is_drawn:
            by_field[limit.operation, limit.field].append(limit)
    for index, ((operation, field), mine) in enumerate(by_field.items(), 1):
        yield _drawing(f"line-{index}", operation, field, sorted(mine, key=lambda limit: limit.constraint in UPPER))


def _drawing(identity: str, operation: str, field: str, limits: list[Limit]) -> Drawing:
    found = sorted(
        ((value, limit, flip) for limit in limits for value, flip in _flips(limit)), key=lambda item: item[0]
    )
    lettered = [
        (limit, replace(flip, letter=number_line.letter(index))) for index, (_, limit, flip) in enumerate(found)
    ]
    points = {(point.value, point.alphabet): point for limit in limits for point in limit.points}
    line = draw(
        list(points.values()),
        minimum=_declared(limits, LOWER),
        maximum=_declared(limits, UPPER),
        flips=[value for value, _, _ in found],
        is_length=any(limit.constraint in LENGTHS for limit in limits),
        grain=any(limit.constraint in LENGTHS or limit.row.text("unit") == "integer" for limit in limits),
        has_open_end=any(limit.constraint in UPPER and _is_open(limit) for limit in limits),
        by_alphabet=any(limit.row.text("unit") in BY_ALPHABET for limit in limits),
    )
    text = " ".join(f"{limit.constraint}, declared {limit.declared}: {limit.text}" for limit in limits)
    magnified = tuple((limit, tuple(flip for of, flip in lettered if of is limit)) for limit in limits)
    return Drawing(operation, field, magnified, line, text, identity)


def _is_open(limit: Limit) -> bool:
    return limit.row.raw("first_rejected") is None and limit.row.raw("first_altered") is None


def _declared(limits: Iterable[Limit], constraints: tuple[str, ...]) -> float | None:
    found = (as_number(limit.row.raw("declared")) for limit in limits if limit.constraint in constraints)
    return next((value for value in found if value is not None), None)


def _flips(limit: Limit) -> Iterator[tuple[float, Flip]]:
    """Yield each change of acceptance at a limit, with the place on the line that its letter stands at."""
    accepted = limit.row.number("last_accepted")
    for key, outcome in (("first_altered", "altered"), ("first_rejected", "refused")):
        beyond = limit.row.number(key)
        if accepted is not None and beyond is not None:
            is_second = outcome == "refused" and limit.row.number("first_altered") is not None
            inside = _before(limit, beyond) if is_second else (accepted, "accepted")
            yield between(inside[0], beyond), _flip(limit, limit.constraint, inside, (beyond, outcome))
    for hole in limit.row.rows("holes"):
        within, around = hole_outcomes(hole)
        name = "hole" if within == "refused" else "island"
        for outer, inner, word in (("before", "first", "begins"), ("after", "last", "ends")):
            outside, inside_value = hole.number(outer), hole.number(inner)
            if outside is not None and inside_value is not None:
                pair = (outside, around), (inside_value, within)
                yield between(outside, inside_value), _flip(limit, f"a {name} {word}", *pair)


def _before(limit: Limit, beyond: float) -> tuple[float, str]:
    """Return the tried value next to one that was refused, on the side of what was altered."""
    altered = [point.value for point in limit.points if point.outcome == "altered"]
    return (min(altered, key=lambda value: abs(value - beyond), default=beyond), "altered")


def _flip(limit: Limit, title: str, one: tuple[float, str], other: tuple[float, str]) -> Flip:
    declared = limit.row.number("declared")
    low, high = sorted((one, other))
    left, right = (Side(as_json(value), outcome, value == declared) for value, outcome in (low, high))
    apart = ""
    if declared is not None and declared not in (low[0], high[0]) and title == limit.constraint:
        where = "below" if declared < low[0] else "above" if declared > high[0] else "between them"
        apart = f"the declared limit, {as_json(declared)}, lies {where}"
    return Flip("", title, left, right, _distance(limit, low[0], high[0]), apart)


def _distance(limit: Limit, low: float, high: float) -> str:
    unit = limit.row.text("unit")
    if unit == "double" and math.nextafter(low, math.inf) == high:
        return "neighbouring doubles: no number lies between them"
    if unit == "single":
        return "neighbours in single precision"
    if high - low == 1:
        return f"neighbours, counted in {limit.unit}" if limit.unit else "neighbours"
    return f"nothing was tried between them ({limit.unit})" if limit.unit else "nothing was tried between them"
