"""The number line of each field that has a limit, and the places where acceptance changes, magnified."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from contract_tests.boundary_map.limit_result import COUNTS, LOWER, OTHER_UNITS, UPPER, LimitResult, known
from contract_tests.report.html.limits import Limit
from contract_tests.report.html.number_line import NumberLine, Point, between, draw, letter
from contract_tests.report.records import as_json, as_number

UNITS = {
    "double": "doubles", "single": "single-precision numbers", "integer": "whole numbers",
    "code_points": "code points", "bytes": "bytes of UTF-8", "utf16": "UTF-16 units",
    "composed": "composed characters", "trimmed": "characters after trimming",
}  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One of the two neighbours between which acceptance flips."""

    value: str
    outcome: str
    is_declared: bool


@dataclass(frozen=True)
class Flip:
    """A place where acceptance changes, magnified."""

    place: float
    """Where its letter stands on the line."""
    title: str
    """What is magnified: the limit itself, or an end of a hole."""
    left: Side
    right: Side
    about: str
    """What lies between the two, and where the declared limit lies, if it is neither of the two."""
    letter: str = ""


@dataclass(frozen=True)
class Drawing:
    """The number line of one field, and its flips magnified."""

    operation: str
    field: str
    limits: list[tuple[Limit, list[Flip]]]
    """Each limit with the places where acceptance changes there."""
    line: NumberLine | None
    text: str
    """What the drawing shows, in words."""


def drawings(limits: Iterable[Limit]) -> Iterator[Drawing]:
    """Yield a number line for each field of each operation that has limits."""
    by_field: dict[tuple[str, str], list[Limit]] = defaultdict(list)
    for limit in limits:
        if limit.is_drawn:
            by_field[limit.result.operation, limit.result.field].append(limit)
    for (operation, field), mine in by_field.items():
        yield _drawing(operation, field, sorted(mine, key=lambda limit: limit.result.constraint in UPPER))


def _drawing(operation: str, field: str, limits: list[Limit]) -> Drawing:
    results = [limit.result for limit in limits]
    found = sorted(((limit, flip) for limit in limits for flip in _flips(limit.result)), key=lambda pair: pair[1].place)
    lettered = [(limit, replace(flip, letter=letter(index))) for index, (limit, flip) in enumerate(found)]
    points = {(point.value, point.alphabet): point for result in results for point in _points(result)}
    is_length = any(result.constraint in COUNTS for result in results)
    line = draw(
        list(points.values()), minimum=_declared(results, LOWER), maximum=_declared(results, UPPER),
        flips=[flip.place for _, flip in found], is_length=is_length,
        grain=is_length or any(result.unit == "integer" for result in results),
        has_open_end=any(result.constraint in UPPER and result.first_rejected is result.first_altered is None for result in results),
        by_alphabet=any(result.unit in OTHER_UNITS for result in results),
    )  # fmt: skip
    text = " ".join(f"{limit.result.constraint}, declared {limit.declared}: {limit.result.text}" for limit in limits)
    magnified = [(limit, [flip for of, flip in lettered if of is limit]) for limit in limits]
    return Drawing(operation, field, magnified, line, text)


def _declared(results: Iterable[LimitResult], constraints: tuple[str, ...]) -> float | None:
    found = (as_number(result.declared) for result in results if result.constraint in constraints)
    return next((value for value in found if value is not None), None)


def _ends(result: LimitResult) -> list[float | None]:
    return [as_number(value) for value in (result.last_accepted, result.first_altered, result.first_rejected)]


def _points(result: LimitResult) -> list[Point]:
    tried = [(each.value, known(each.outcome), each.alphabet) for each in result.points]
    alphabet = next((alphabet for _, _, alphabet in tried if alphabet), "")
    places = list(zip(_ends(result), ("accepted", "altered", "refused"), strict=True))
    for hole in result.holes:
        within, around = known(hole.outcome), hole.outcome_around
        places += [(hole.before, around), (hole.first, within), (hole.last, within), (hole.after, around)]
    tried += [(value, outcome, alphabet) for value, outcome in places]
    return [Point(value, outcome, alphabet) for value, outcome, alphabet in tried if value is not None]


def _flips(result: LimitResult) -> Iterator[Flip]:
    accepted, altered, refused = _ends(result)
    if accepted is not None and altered is not None:
        yield _flip(result, result.constraint, (accepted, "accepted"), (altered, "altered"))
    if accepted is not None and refused is not None:
        inside = (accepted, "accepted")
        if altered is not None:
            kept = [point.value for point in result.points if point.outcome == "altered" and point.value is not None]
            inside = (min(kept, key=lambda value: abs(value - refused), default=refused), "altered")
        yield _flip(result, result.constraint, inside, (refused, "refused"))
    for hole in result.holes:
        within, around = known(hole.outcome), hole.outcome_around
        name = "a hole" if within == "refused" else "an island"
        for outside, inner, word in ((hole.before, hole.first, "begins"), (hole.after, hole.last, "ends")):
            if outside is not None and inner is not None:
                yield _flip(result, f"{name} {word}", (outside, around), (inner, within))


def _flip(result: LimitResult, title: str, one: tuple[float, str], other: tuple[float, str]) -> Flip:
    declared = as_number(result.declared)
    (low, _), (high, _) = pair = sorted((one, other))
    left, right = (Side(as_json(value), outcome, value == declared) for value, outcome in pair)
    about = _distance(result.unit, low, high)
    if declared is not None and declared not in (low, high) and title == result.constraint:
        where = "below" if declared < low else "above" if declared > high else "between them"
        about = f"{about}; the declared limit, {as_json(declared)}, lies {where}"
    return Flip(between(low, high), title, left, right, about)


def _distance(unit: str | None, low: float, high: float) -> str:
    if unit == "double" and math.nextafter(low, math.inf) == high:
        return "neighbouring doubles: no number lies between them"
    if unit == "single":
        return "neighbours in single precision"
    words = UNITS.get(unit or "", unit or "")
    if high - low == 1:
        return f"neighbours, counted in {words}" if words else "neighbours"
    return f"nothing was tried between them ({words})" if words else "nothing was tried between them"
