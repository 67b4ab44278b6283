"""One row of boundaries.json, read for a page: what is declared, what was found, and how to say it."""

from __future__ import annotations

from dataclasses import dataclass

from contract_tests.report.number_line import Point
from contract_tests.report.page import Tone
from contract_tests.report.stored import Row, as_json
from contract_tests.report.wording import counted, whole

LOWER = ("minimum", "exclusiveMinimum", "minLength")
UPPER = ("maximum", "exclusiveMaximum", "maxLength")
LENGTHS = ("minLength", "maxLength")
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


@dataclass(frozen=True)
class Curl:
    """A shell line that repeats a request."""

    label: str
    """What came of it."""
    line: str
    what: str
    """What the copy button says that it copies."""


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
        types = [row for row in self.row.rows("types") if departs(row.raw("declared"), outcome(row))]
        values = [row for row in self.row.rows("values") if departs(row.raw("declared"), outcome(row))]
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
        none = "none refused" if self.verdict == "no_limit" else ""
        return ", ".join(found) or none if self.is_drawn else ""

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
        tried = [(row.number("value"), outcome(row), row.text("alphabet")) for row in self.row.rows("points")]
        alphabet = next((alphabet for _, _, alphabet in tried if alphabet), "")
        ends = (("last_accepted", "accepted"), ("first_altered", "altered"), ("first_rejected", "refused"))
        tried += [(self.row.number(key), outcome, alphabet) for key, outcome in ends]
        for hole in self.row.rows("holes"):
            inside, outside = hole_outcomes(hole)
            places = (("before", outside), ("first", inside), ("last", inside), ("after", outside))
            tried += [(hole.number(key), outcome, alphabet) for key, outcome in places]
        return [Point(value, outcome, alphabet) for value, outcome, alphabet in tried if value is not None]


def outcome(row: Row) -> str:
    """Return what became of a value, in a word that a page can mark."""
    outcome = row.text("outcome")
    return outcome if outcome in OUTCOMES else UNKNOWN


def hole_outcomes(hole: Row) -> tuple[str, str]:
    """Return how values in a hole are treated, and how those around it are."""
    within = outcome(hole)
    return within, "refused" if within == "accepted" else "accepted"


def departs(declared: object, outcome: str) -> bool:
    """Whether a value was treated otherwise than declared; None is a value that may be treated either way."""
    return (declared is True and outcome != "accepted") or (declared is False and outcome in ("accepted", "altered"))
