"""What became of single values: the grid of an enum or a format, and the matrix of fields and JSON types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contract_tests.report.limits import Limit, departs, outcome
from contract_tests.report.stored import as_json
from contract_tests.report.wording import counted

TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")


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
        return departs(self.declared, self.outcome)

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


def grids(limits: Iterable[Limit]) -> Iterator[Grid]:
    """Yield the values of each enum and each format that was tried."""
    for limit in limits:
        if values := tuple(_values(limit)):
            yield Grid(limit, values)


def _values(limit: Limit) -> Iterator[Value]:
    for row in limit.row.rows("values"):
        declared = row.raw("declared")
        reads = "" if row.raw("reads") is None else as_json(row.raw("reads"))
        yield Value(row.text("value"), declared if isinstance(declared, bool) else None, outcome(row), reads)


def matrices(limits: Iterable[Limit]) -> Iterator[Matrix]:
    """Yield what each operation does with each JSON type in each field."""
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
    departing = [row for row in rows if departs(row.raw("declared"), outcome(row))]
    # Of a number some values are beyond a limit: where nothing departs, the values that are allowed speak for the type.
    telling = departing or [row for row in rows if row.raw("declared") is True] or rows
    outcomes = tuple(dict.fromkeys(outcome(row) for row in telling))
    return Cell(outcomes, bool(departing), ", ".join(dict.fromkeys(row.text("sent") for row in telling)))
