"""The limits of a boundary map as a page words them, and what becomes of each JSON type."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contract_tests.boundary_map.limit_result import COUNTS, LOWER, UPPER, LimitResult
from contract_tests.report.html.page import Tone
from contract_tests.report.records import as_json
from contract_tests.report.wording import counted

TONES: dict[str, Tone] = {"holds": "good", "no_limit": "none", "inconclusive": "doubt", "not_tried": "doubt"}
WORDS = {"no_limit": "No limit", "not_tried": "Not tried"}
WORDS_WITHOUT_DEPARTURES = {"holds": "as declared", "inconclusive": "unknown", "not_tried": "not tried"}
TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")


@dataclass(frozen=True)
class Limit:
    """One limit of the map."""

    result: LimitResult
    anchor: str
    """Where the page shows it."""

    @property
    def word(self) -> str:
        """The verdict for a reader."""
        return WORDS.get(self.result.verdict, self.result.verdict.capitalize() or "Unknown")

    @property
    def tone(self) -> Tone:
        """How it is marked."""
        return TONES.get(self.result.verdict, "bad" if self.result.is_finding else "doubt")

    @property
    def is_drawn(self) -> bool:
        """Whether it lies on a number line."""
        return self.result.constraint in LOWER + UPPER

    @property
    def declared(self) -> str:
        """What the contract says."""
        value = self.result.declared
        if value is None:
            return "nothing"
        if isinstance(value, bool):
            return "null allowed" if value else "null refused"
        if isinstance(value, list):
            return counted(len(value), "value")
        return value if isinstance(value, str) else self._exact(value)

    @property
    def observed(self) -> str:
        """What was found: for a limit the last value that is accepted."""
        found = self.result
        if not self.is_drawn:
            return found.altered or self._departures or WORDS_WITHOUT_DEPARTURES.get(found.verdict, found.verdict)
        if found.last_accepted is not None:
            return self._exact(found.last_accepted)
        return "no limit found" if found.verdict == "no_limit" else "nothing accepted"

    @property
    def _departures(self) -> str:
        """Which JSON types, or how many values, are not treated as declared."""
        values = [each for each in self.result.values if each.departs]
        types = dict.fromkeys(f"{each.type} {each.outcome}" for each in self.result.types if each.departs)
        return f"{counted(len(values), 'value')} not as declared" if values else ", ".join(types)

    @property
    def beyond(self) -> str:
        """What lies next to it, for a limit."""
        if not self.is_drawn:
            return ""
        ends = ((self.result.first_altered, "altered"), (self.result.first_rejected, "refused"))
        found = [f"{self._exact(value)} {word}" for value, word in ends if value is not None]
        return ", ".join(found) or ("none refused" if self.result.verdict == "no_limit" else "")

    def _exact(self, value: object) -> str:
        """Write a limit at full precision, a length with its thousands apart."""
        is_length = self.result.constraint in COUNTS and isinstance(value, int)
        return f"{value:,}" if is_length else as_json(value)

    @property
    def curls(self) -> list[tuple[str, str]]:
        """What came of the requests that a person repeats, each with its shell line."""
        is_altered = self.result.first_altered is not None and self.result.first_rejected is None
        beyond = "altered" if is_altered else "refused"
        pairs = (("accepted", self.result.curl_accepted), (beyond, self.result.curl_rejected))
        return [(label, line) for label, line in pairs if line]


@dataclass(frozen=True)
class Cell:
    """What became of the values of one JSON type in one field."""

    outcomes: tuple[str, ...]
    is_departure: bool
    sent: str
    """The values, as JSON."""


@dataclass(frozen=True)
class Matrix:
    """The fields and JSON types of one operation."""

    operation: str
    types: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...], tuple[str, ...]], ...]
    """Each field with a cell for each type, and the anchors of the clauses that need no words of their own."""
    limits: tuple[Limit, ...]
    """Those that depart from the contract, or of which nothing is known."""


def matrices(limits: Iterable[Limit]) -> Iterator[Matrix]:
    """Yield what each operation does with each JSON type in each field."""
    by_operation: dict[str, dict[str, list[Limit]]] = defaultdict(lambda: defaultdict(list))
    for limit in limits:
        if limit.result.types:
            by_operation[limit.result.operation][limit.result.field].append(limit)
    for operation, fields in by_operation.items():
        every = [each.type for mine in fields.values() for limit in mine for each in limit.result.types]
        types = tuple(dict.fromkeys([name for name in TYPES if name in every] + every))
        told = [each for mine in fields.values() for each in mine if each.result.is_finding or each.result.problem]
        rows = [
            (field, tuple(_cell(mine, name) for name in types), tuple(each.anchor for each in mine if each not in told))
            for field, mine in fields.items()
        ]
        yield Matrix(operation, types, tuple(rows), tuple(told))


def _cell(limits: Iterable[Limit], name: str) -> Cell | None:
    tried = [each for limit in limits for each in limit.result.types if each.type == name]
    if not tried:
        return None
    departing = [each for each in tried if each.departs]
    # Some values of a number type are beyond a limit: where nothing departs, the allowed values stand for the type.
    shown = departing or [each for each in tried if each.declared is True] or tried
    outcomes = tuple(dict.fromkeys(each.known_outcome for each in shown))
    return Cell(outcomes, bool(departing), ", ".join(dict.fromkeys(each.sent for each in shown)))
