"""What stands in reports/boundaries.json and boundaries.run.json: one typed model, written and read back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["holds", "looser", "tighter", "altered", "no_limit", "inconclusive", "not_tried"]
FINDINGS = ("looser", "tighter", "altered")
# What a reader came for stands first.
ORDER = (*FINDINGS, "inconclusive", "not_tried", "no_limit", "holds")

# The keywords of JSON Schema that end an interval, and what those count that do not compare a number.
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
COUNTS = {
    "minLength": "characters", "maxLength": "characters", "minItems": "items", "maxItems": "items",
    "minProperties": "properties", "maxProperties": "properties",
}  # fmt: skip
# Units in which the limit of a text lies elsewhere in each alphabet.
OTHER_UNITS = ("utf16", "bytes", "composed", "trimmed")

OUTCOMES = ("accepted", "refused", "altered")


def known(outcome: str) -> str:
    """Return what became of a value, in a word that a drawing can mark: a file may hold any."""
    return outcome if outcome in OUTCOMES else "unknown"


@dataclass(frozen=True)
class Point:
    """A number or a length that was tried at a limit."""

    value: float | None = None
    outcome: str = ""
    """accepted, altered or refused."""
    reads: Any = None
    """How an altered value reads back."""
    alphabet: str = ""
    """What a text was made of; empty for a number."""


@dataclass(frozen=True)
class Hole:
    """Values inside of the limits that are refused, or outside of them that are accepted."""

    outcome: str = ""
    """What becomes of the values in it."""
    before: float | None = None
    """The last value in front of it that is treated otherwise."""
    first: float | None = None
    last: float | None = None
    after: float | None = None

    @property
    def outcome_around(self) -> str:
        """What becomes of the values beside it."""
        return "refused" if self.outcome == "accepted" else "accepted"


class _Judged:
    """What became of a single value, and what the contract says of it."""

    declared: bool | None
    """Whether the contract allows it; None where it may be treated either way."""
    outcome: str

    @property
    def departs(self) -> bool:
        """Whether it was treated otherwise than declared; an outcome that nobody knows is no acceptance."""
        is_accepted = self.outcome in ("accepted", "altered")
        return (self.declared is True and self.outcome != "accepted") or (self.declared is False and is_accepted)

    @property
    def known_outcome(self) -> str:
        """What became of it, in a word that a page can mark."""
        return known(self.outcome)


@dataclass(frozen=True)
class TriedValue(_Judged):
    """A value of an enum, a format or another clause that is judged by single values."""

    value: Any = None
    declared: bool | None = None
    outcome: str = ""
    reads: Any = None


@dataclass(frozen=True)
class TriedType(_Judged):
    """A value of one JSON type."""

    type: str = ""
    sent: str = ""
    """The value as JSON."""
    declared: bool | None = None
    outcome: str = ""
    reads: Any = None


@dataclass(frozen=True)
class TriedTogether:
    """A value that was tried again while other fields were at their limits."""

    others: str = ""
    value: Any = None
    alone: str = ""
    together: str = ""


@dataclass
class Counts:
    """The requests of one result, by what they were for."""

    requests: int = 0
    controls: int = 0
    read_backs: int = 0


@dataclass(frozen=True)
class LimitResult:
    """One clause of one field: what the contract declares, and what was found."""

    operation: str = ""
    field: str = ""
    """The name of the field, and the JSON pointer of the value inside it where one is on trial."""
    constraint: str = ""
    """The keyword of JSON Schema or of the contract."""
    verdict: str = ""
    """holds, looser, tighter, altered, no_limit, inconclusive, or not_tried where the contract gives nothing to try."""
    text: str = ""
    """What was found, in a sentence or two."""
    declared: Any = None
    last_accepted: Any = None
    """The outermost value that is accepted and reads back as it was sent, or its length in *unit*."""
    first_rejected: Any = None
    """The first that is refused; None where nothing is."""
    first_altered: Any = None
    """The first that is accepted and reads back otherwise, where those lie beyond the others."""
    unit: str | None = None
    altered: str | None = None
    requests: int = 0
    controls: int = 0
    read_backs: int = 0
    holes: tuple[Hole, ...] = ()
    problem: str | None = None
    """Why nothing follows, where nothing does."""
    confidence: str | None = None
    points: tuple[Point, ...] = ()
    values: tuple[TriedValue, ...] = ()
    types: tuple[TriedType, ...] = ()
    cross_field: tuple[TriedTogether, ...] = ()
    curl_accepted: str | None = None
    curl_rejected: str | None = None
    target: str = ""
    started: str = ""
    seed: int | None = None

    @property
    def key(self) -> str:
        """What tells this result from all others."""
        return f"{self.operation} {self.field} {self.constraint}"

    @property
    def is_finding(self) -> bool:
        """Whether the API is not as the contract says."""
        return self.verdict in FINDINGS

    @property
    def rank(self) -> int:
        """Where it stands in a list, differences first."""
        return ORDER.index(self.verdict) if self.verdict in ORDER else len(FINDINGS)


@dataclass(frozen=True)
class MapRun:
    """Which API and which contract a map is of, and how far it has come."""

    target: str = ""
    contract: str = ""
    """The SHA-256 of the file."""
    scope: str = ""
    """The field that the map is limited to, or everything."""
    seed: int | None = None
    started: str = ""
    seconds: float | None = None
    requests: int = 0
    finished: bool | None = None
    """Whether every limit was tried; None where it is not known."""
    verdict: str = ""
    """The last line that was printed."""
    exit_code: int = 2
    repeating: str = ""
    """The shell line that comes before one that repeats a request."""


def run_of(results: Sequence[LimitResult], state: MapRun) -> MapRun:
    """
    Return what is known of the run that made a map: its results say which it is, and *state* is what boundaries.run.json
    says. Two maps that are made at the same time leave results and a state that do not belong together; such a state is
    not used.
    """
    if not results or not results[0].started:
        return state
    first = results[0]
    own = MapRun(target=first.target, started=first.started, seed=first.seed)
    is_same = (state.target, state.started, state.seed) == (own.target, own.started, own.seed)
    return state if is_same else own
