"""reports/boundaries.html: where each limit really lies, drawn beside where the contract says that it lies."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contract_tests.report import number_line
from contract_tests.report.number_line import NumberLine, Point, between, draw
from contract_tests.report.page import Fact, Page, Tone, links, write_page
from contract_tests.report.stored import Row, as_json, as_number, as_rows, read_json
from contract_tests.report.wording import counted, duration, moment, whole

NAME = "boundaries.html"
RUN = "boundaries.run.json"

LOWER = ("minimum", "exclusiveMinimum", "minLength")
UPPER = ("maximum", "exclusiveMaximum", "maxLength")
LENGTHS = ("minLength", "maxLength")
TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")

# The first are findings: what a reader came for stands first.
ORDER = ("looser", "tighter", "altered", "inconclusive", "no_limit", "holds")
FINDINGS = ("looser", "tighter", "altered")
TONES: dict[str, Tone] = {"holds": "good", "no_limit": "none", "inconclusive": "doubt"}
WORDS = {"no_limit": "No limit"}
WORDS_WITHOUT_DEPARTURES = {"holds": "as declared", "inconclusive": "unknown"}

# Each has a mark and a filling of its own; whatever else a row says is unknown.
OUTCOMES = ("accepted", "refused", "altered")
UNKNOWN = "unknown"

UNITS = {
    "double": "doubles",
    "single": "single-precision numbers",
    "integer": "whole numbers",
    "code_points": "code points",
    "bytes": "bytes of UTF-8",
    "utf16": "UTF-16 units",
    "composed": "composed characters",
    "trimmed": "characters after trimming",
}
# Units in which the limit of a text lies elsewhere in each alphabet.
BY_ALPHABET = ("bytes", "utf16", "composed", "trimmed")


@dataclass(frozen=True)
class Curl:
    """A shell line that repeats a request."""

    label: str
    """What came of it."""
    line: str
    what: str
    """What the copy button says that it copies."""


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
class Limit:
    """One row of boundaries.json."""

    row: Row
    index: int

    @property
    def anchor(self) -> str:
        """Where the page shows it."""
        return f"limit-{self.index}"

    @property
    def operation(self) -> str:
        """Which operation it belongs to."""
        return self.row.text("operation")

    @property
    def field(self) -> str:
        """The body field or query parameter."""
        return self.row.text("field")

    @property
    def constraint(self) -> str:
        """The keyword of JSON Schema."""
        return self.row.text("constraint")

    @property
    def verdict(self) -> str:
        """holds, looser, tighter, altered, no_limit or inconclusive."""
        return self.row.text("verdict")

    @property
    def is_finding(self) -> bool:
        """Whether the API is not where the contract says."""
        return self.verdict in FINDINGS

    @property
    def word(self) -> str:
        """The verdict for a reader."""
        return WORDS.get(self.verdict, self.verdict.capitalize() or "Unknown")

    @property
    def tone(self) -> Tone:
        """How it is marked."""
        return TONES.get(self.verdict, "bad" if self.is_finding else "doubt")

    @property
    def is_drawn(self) -> bool:
        """Whether it lies on a number line."""
        return self.constraint in LOWER + UPPER

    @property
    def is_placed(self) -> bool:
        """Whether the page shows more of it than a line of the table."""
        return self.is_drawn or bool(self.row.rows("values") or self.row.rows("types"))

    @property
    def declared(self) -> str:
        """What the contract says."""
        value = self.row.raw("declared")
        if isinstance(value, bool):
            return "null allowed" if value else "null refused"
        if isinstance(value, str):
            return value
        return (
            counted(len(value), "value")
            if isinstance(value, list)
            else "nothing"
            if value is None
            else self._exact(value)
        )

    @property
    def observed(self) -> str:
        """What was found: for a limit the last value that is accepted."""
        accepted = self.row.raw("last_accepted")
        if not self.is_drawn:
            return (
                self.row.text("altered") or self._departures or WORDS_WITHOUT_DEPARTURES.get(self.verdict, self.verdict)
            )
        if accepted is not None:
            return self._exact(accepted)
        return "no limit found" if self.verdict == "no_limit" else "nothing accepted"

    @property
    def _departures(self) -> str:
        """Which JSON types, or how many values, are not treated as declared."""
        types = [row for row in self.row.rows("types") if _departs(row.raw("declared"), _outcome(row))]
        values = [row for row in self.row.rows("values") if _departs(row.raw("declared"), _outcome(row))]
        if values:
            return f"{counted(len(values), 'value')} not as declared"
        return ", ".join(dict.fromkeys(f"{row.text('type')} {row.text('outcome')}" for row in types))

    @property
    def beyond(self) -> str:
        """What lies next to it, for a limit."""
        beyond = [
            (self.row.raw(key), word) for key, word in (("first_altered", "altered"), ("first_rejected", "refused"))
        ]
        found = [f"{self._exact(value)} {word}" for value, word in beyond if value is not None]
        return ", ".join(found) if self.is_drawn else ""

    def _exact(self, value: object) -> str:
        """Write a limit at full precision, a length with its thousands apart."""
        is_whole = self.constraint in LENGTHS and isinstance(value, int)
        return f"{value:,}" if is_whole else as_json(value)

    @property
    def text(self) -> str:
        """What was found, in a sentence."""
        return self.row.text("text")

    @property
    def unit(self) -> str:
        """What the limit counts."""
        return UNITS.get(self.row.text("unit"), self.row.text("unit"))

    @property
    def requests(self) -> str:
        """How many requests the search took."""
        return whole(self.row.count("requests"))

    @property
    def problem(self) -> str:
        """Why nothing follows."""
        return self.row.text("problem")

    @property
    def confidence(self) -> str:
        """How sure it is that there is no hole."""
        return self.row.text("confidence")

    @property
    def curls(self) -> list[Curl]:
        """What repeats it."""
        name = f"{self.operation} {self.field} {self.constraint}"
        is_altered = self.row.raw("first_altered") is not None and self.row.raw("first_rejected") is None
        beyond = "altered" if is_altered else "refused"
        pairs = (("accepted", self.row.text("curl_accepted")), (beyond, self.row.text("curl_rejected")))
        return [Curl(label, line, f"curl line, {label}: {name}") for label, line in pairs if line]

    @property
    def points(self) -> list[Point]:
        """Every value whose outcome is known."""
        tried = [(row.number("value"), _outcome(row), row.text("alphabet")) for row in self.row.rows("points")]
        alphabet = next((alphabet for _, _, alphabet in tried if alphabet), "")
        ends = (("last_accepted", "accepted"), ("first_altered", "altered"), ("first_rejected", "refused"))
        tried += [(self.row.number(key), outcome, alphabet) for key, outcome in ends]
        for hole in self.row.rows("holes"):
            inside, outside = _hole_outcomes(hole)
            places = (("before", outside), ("first", inside), ("last", inside), ("after", outside))
            tried += [(hole.number(key), outcome, alphabet) for key, outcome in places]
        return [Point(value, outcome, alphabet) for value, outcome, alphabet in tried if value is not None]


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


@dataclass(frozen=True)
class Value:
    """One value of an enum or a format, and what became of it."""

    text: str
    declared: bool | None
    outcome: str
    reads: str

    @property
    def shown(self) -> str:
        """The value, in quotes where its ends would not be seen."""
        return as_json(self.text) if self.text != self.text.strip() or not self.text else self.text

    @property
    def is_departure(self) -> bool:
        """Whether the contract says otherwise."""
        return _departs(self.declared, self.outcome)

    @property
    def about(self) -> str:
        """What the contract says of it."""
        return {True: "declared", False: "not declared", None: "either is lawful"}[self.declared]


@dataclass(frozen=True)
class Grid:
    """The values of one enum or format."""

    limit: Limit
    values: tuple[Value, ...]

    @property
    def departures(self) -> list[Value]:
        """The values that are not treated as the contract says."""
        return [value for value in self.values if value.is_departure]

    @property
    def declared(self) -> list[Value]:
        """The values that are allowed, and are accepted."""
        return [value for value in self.values if not value.is_departure and value.declared]

    @property
    def undeclared(self) -> list[Value]:
        """What is not allowed, and refused."""
        return [value for value in self.values if not value.is_departure and value.declared is False]

    @property
    def free(self) -> list[Value]:
        """What the contract leaves open."""
        return [value for value in self.values if value.declared is None]

    @property
    def undeclared_title(self) -> str:
        """How many values are not allowed."""
        return counted(len(self.undeclared), "value that is not declared", "values that are not declared")


@dataclass(frozen=True)
class Cell:
    """What became of the values of one JSON type in one field."""

    outcomes: tuple[str, ...]
    is_departure: bool
    sent: str
    """The values, as JSON."""

    @property
    def outcome(self) -> str:
        """How it is marked."""
        return self.outcomes[0] if len(self.outcomes) == 1 else "mixed"

    @property
    def word(self) -> str:
        """What became of them."""
        return " and ".join(self.outcomes)


@dataclass(frozen=True)
class MatrixRow:
    """The JSON types of one field."""

    field: str
    cells: tuple[Cell | None, ...]
    anchors: tuple[str, ...]
    """Of the clauses that need no words of their own."""


@dataclass(frozen=True)
class Matrix:
    """The fields and JSON types of one operation."""

    operation: str
    types: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    limits: tuple[Limit, ...]
    """Those that depart from the contract, or of which nothing is known."""


@dataclass(frozen=True)
class Moved:
    """A limit that lies elsewhere while other fields are at their limits."""

    where: str
    others: str
    value: str
    alone: str
    together: str


@dataclass(frozen=True)
class Map:
    """All that the page shows below its head."""

    limits: tuple[Limit, ...]
    drawings: tuple[Drawing, ...]
    grids: tuple[Grid, ...]
    matrices: tuple[Matrix, ...]
    moved: tuple[Moved, ...]
    together: int
    """How many values were tried while other fields were at their limits."""

    @property
    def findings(self) -> list[Limit]:
        """The limits that are not where the contract says."""
        return [limit for limit in self.limits if limit.is_finding]


def write_boundaries(rows: Any, folder: Path) -> Path:
    """
    Write reports/boundaries.html.

    Args:
        rows: What edge_search keeps in boundaries.json: one object for each limit.
        folder: Where reports are kept; boundaries.run.json, if it is there, says what was searched.

    Returns:
        The page.
    """
    found = read_map(rows)
    return write_page(folder, _head(found, folder), report=found)


def read_map(rows: Any) -> Map:
    """Sort the rows of a boundary map into what is drawn, differences first."""
    limits = [Limit(row, index) for index, row in enumerate(as_rows(rows), 1)]
    limits.sort(key=lambda limit: ORDER.index(limit.verdict) if limit.verdict in ORDER else len(FINDINGS))
    grids = (Grid(limit, tuple(_values(limit))) for limit in limits)
    together = [(limit, row) for limit in limits for row in limit.row.rows("cross_field")]
    return Map(
        limits=tuple(limits),
        drawings=tuple(_drawings(limits)),
        grids=tuple(grid for grid in grids if grid.values),
        matrices=tuple(_matrices(limits)),
        moved=tuple(_moved(limit, row) for limit, row in together if row.text("alone") != row.text("together")),
        together=len(together),
    )


def summary(found: Map) -> tuple[Tone, str]:
    """Say in a few words what a map shows."""
    unknown = sum(limit.verdict == "inconclusive" for limit in found.limits)
    if found.findings:
        return "bad", f"{len(found.findings)} of {counted(len(found.limits), 'clause')} not where the contract says"
    if unknown:
        return "doubt", f"{unknown} of {counted(len(found.limits), 'clause')} could not be found"
    if not found.limits:
        return "none", "No limit was searched"
    return "good", "Every limit lies where the contract says"


def _head(found: Map, folder: Path) -> Page:
    tone, headline = summary(found)
    stored = read_json(folder / RUN)
    run = Row(stored.value)
    counts = [
        (word, sum(limit.verdict == verdict for limit in found.limits)) for verdict, word in _VERDICT_WORDS.items()
    ]
    facts = (
        Fact("Under test", run.text("target")),
        Fact("Found", ", ".join(f"{count} {word}" for word, count in counts if count)),
        Fact("Searched", moment(run.text("started"))),
        Fact("Took", duration(run.number("seconds"))),
        Fact("Requests", whole(run.count("requests") or sum(limit.row.count("requests") for limit in found.limits))),
        Fact("Seed", run.text("seed")),
    )
    problems = [stored.problem] if stored.problem else []
    if run.raw("finished") is False:
        problems.append("The search did not come to its end; the next run goes on from here.")
    sentence = (
        "Each limit was searched from both sides until the last accepted and the first refused value were neighbours."
    )
    shown = tuple(fact for fact in facts if fact.value)
    return Page(NAME, headline, tone, sentence, shown, tuple(problems), links(folder, NAME))


_VERDICT_WORDS = {
    "looser": "looser",
    "tighter": "tighter",
    "altered": "altered",
    "inconclusive": "inconclusive",
    "no_limit": "without a limit",
    "holds": "as declared",
}


def _drawings(limits: Iterable[Limit]) -> Iterable[Drawing]:
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


def _flips(limit: Limit) -> Iterable[tuple[float, Flip]]:
    """Yield each change of acceptance at a limit, with the place on the line that its letter stands at."""
    accepted = limit.row.number("last_accepted")
    for key, outcome in (("first_altered", "altered"), ("first_rejected", "refused")):
        beyond = limit.row.number(key)
        if accepted is not None and beyond is not None:
            is_second = outcome == "refused" and limit.row.number("first_altered") is not None
            inside = _before(limit, beyond) if is_second else (accepted, "accepted")
            yield between(inside[0], beyond), _flip(limit, limit.constraint, inside, (beyond, outcome))
    for hole in limit.row.rows("holes"):
        within, around = _hole_outcomes(hole)
        name = "hole" if within == "refused" else "island"
        for outer, inner, word in (("before", "first", "begins"), ("after", "last", "ends")):
            outside, inside_value = hole.number(outer), hole.number(inner)
            if outside is not None and inside_value is not None:
                pair = (outside, around), (inside_value, within)
                yield between(outside, inside_value), _flip(limit, f"a {name} {word}", *pair)


def _outcome(row: Row) -> str:
    outcome = row.text("outcome")
    return outcome if outcome in OUTCOMES else UNKNOWN


def _hole_outcomes(hole: Row) -> tuple[str, str]:
    """Return how values in a hole are treated, and how those around it are."""
    within = _outcome(hole)
    return within, "refused" if within == "accepted" else "accepted"


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
        apart = f"the declared limit, {as_json(declared)}, lies {'below' if declared < low[0] else 'above'}"
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


def _values(limit: Limit) -> Iterable[Value]:
    for row in limit.row.rows("values"):
        declared = row.raw("declared")
        reads = "" if row.raw("reads") is None else as_json(row.raw("reads"))
        yield Value(row.text("value"), declared if isinstance(declared, bool) else None, _outcome(row), reads)


def _departs(declared: object, outcome: str) -> bool:
    return (declared is True and outcome != "accepted") or (declared is False and outcome in ("accepted", "altered"))


def _matrices(limits: Iterable[Limit]) -> Iterable[Matrix]:
    by_operation: dict[str, dict[str, list[Limit]]] = defaultdict(lambda: defaultdict(list))
    for limit in limits:
        if limit.row.rows("types"):
            by_operation[limit.operation][limit.field].append(limit)
    for operation, fields in by_operation.items():
        every = [row.text("type") for mine in fields.values() for limit in mine for row in limit.row.rows("types")]
        types = tuple(dict.fromkeys([name for name in TYPES if name in every] + every))
        told = [limit for mine in fields.values() for limit in mine if limit.is_finding or limit.problem]
        rows = [
            MatrixRow(
                field,
                tuple(_cell(mine, name) for name in types),
                tuple(limit.anchor for limit in mine if limit not in told),
            )
            for field, mine in fields.items()
        ]
        yield Matrix(operation, types, tuple(rows), tuple(told))


def _cell(limits: Iterable[Limit], name: str) -> Cell | None:
    rows = [row for limit in limits for row in limit.row.rows("types") if row.text("type") == name]
    if not rows:
        return None
    departing = [row for row in rows if _departs(row.raw("declared"), _outcome(row))]
    outcomes = tuple(dict.fromkeys(_outcome(row) for row in departing or rows))
    return Cell(outcomes, bool(departing), ", ".join(dict.fromkeys(row.text("sent") for row in departing or rows)))


def _moved(limit: Limit, row: Row) -> Moved:
    where = f"{limit.operation} {limit.field} {limit.constraint}"
    return Moved(where, row.text("others"), row.text("value"), row.text("alone"), row.text("together"))
