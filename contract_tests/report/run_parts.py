"""The parts of a contract run's page: run.json read one section at a time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from contract_tests.report.page import Fact, Tone
from contract_tests.report.repeating import ADVICE, needs_item
from contract_tests.report.stored import Row
from contract_tests.report.wording import counted, moment, whole

# Doubts that are shown at once, and folded.
MOST_SHOWN = 5
MOST_FOLDED = 200

TONES: dict[str, Tone] = {"holds": "good", "violated": "bad", "inconclusive": "doubt", "refused": "doubt"}

HEADLINES = {
    "holds": "The contract holds",
    "violated": "The contract is violated",
    "inconclusive": "The run is inconclusive",
    "refused": "The run was refused",
}
NO_RUN = "No contract run yet"

# How the counts of values are named, in the order of their columns; other kinds say why a value was tried.
SIDES = {"accepted": "valid", "refused": "invalid", "generated": "generated"}

# Stands where a clause has but one side, such as null where it is allowed.
NO_SIDE = "–"


@dataclass(frozen=True)
class Copied:
    """A text with a button that copies it."""

    text: str
    what: str
    label: str


@dataclass(frozen=True)
class Finding:
    """One entry of violations, of known divergences or of drift."""

    row: Row

    @property
    def kind(self) -> str:
        """broken, looser or drift."""
        return self.row.text("kind") or "drift"

    @property
    def tone(self) -> Tone:
        """How it is marked."""
        return "none" if self.kind == "drift" or self.row.has("reason") else "bad"

    @property
    def headline(self) -> str:
        """What happened."""
        return self.row.text("headline")

    @property
    def lines(self) -> list[Fact]:
        """What is known of it, each under its name."""
        count = self.row.count("count")
        examples = [text for text in self.row.texts("examples") if text != self.headline]
        named = [
            ("Contract", self.row.text("promise")),
            ("Clause", self.row.text("clause") or self.row.text("where")),
            ("Sent", self.row.text("sent")),
            ("Received", self.row.text("received")),
            ("Types", ", ".join(self.row.texts("types"))),
            ("Examples", ", ".join(examples)),
            ("Seen", counted(count, "time") if count > 1 else ""),
            ("Test", self.row.text("test")),
            ("Decided", self.row.text("date")),
            ("Reason", self.row.text("reason")),
        ]
        return [Fact(name, text) for name, text in named if text]

    @property
    def copied(self) -> list[Copied]:
        """What repeats it, and what would bring openapi.yaml up to date."""
        found = [
            Copied(self.row.text("curl"), "curl line", "Repeat it"),
            Copied(self.row.text("snippet"), "YAML", "Would bring openapi.yaml up to date"),
        ]
        return [Copied(each.text, f"{each.what}: {self.headline}", each.label) for each in found if each.text]


@dataclass(frozen=True)
class Doubts:
    """Sentences of which each says why something is not known."""

    anchor: str
    title: str
    texts: list[str]

    @property
    def shown(self) -> list[str]:
        """Those that everybody sees."""
        return self.texts[:MOST_SHOWN]

    @property
    def folded(self) -> list[str]:
        """Those that one opens."""
        return self.texts[MOST_SHOWN:MOST_FOLDED]

    @property
    def rest(self) -> int:
        """How many there are besides."""
        return max(len(self.texts) - MOST_FOLDED, 0)


@dataclass(frozen=True)
class Tried:
    """How many values of one field were tried."""

    what: str
    sides: tuple[str, ...]
    """As many as SIDES; empty where there were none."""
    reasons: str
    """Why they were tried."""


@dataclass(frozen=True)
class Clause:
    """How many values were tried on each side of one clause."""

    name: str
    field: str
    accepted: str
    refused: str

    @property
    def is_gap(self) -> bool:
        """Whether a side of it was not tried."""
        return not (self.accepted and self.refused) or self.accepted == self.refused == NO_SIDE


@dataclass(frozen=True)
class Promise:
    """The tests of one promise."""

    name: str
    title: str
    tests: str
    passed: str
    violated: int

    @property
    def tone(self) -> Tone:
        """How it is marked."""
        return "bad" if self.violated else "good" if self.passed not in ("", "0") else "none"


@dataclass(frozen=True)
class Sent:
    """How many requests one operation got."""

    operation: str
    count: str
    share: float
    """In percent of the most."""


@dataclass(frozen=True)
class PastRun:
    """One line of the history."""

    started: str
    target: str
    verdict: str
    violations: str
    requests: str
    took: str
    seed: str
    is_shown: bool = False
    """Whether it is the run that the page shows."""

    @property
    def tone(self) -> Tone:
        """How it is marked."""
        return TONES.get(self.verdict, "none")


@dataclass(frozen=True)
class Neighbour:
    """What another command has left, and of what it tells."""

    title: str
    href: str
    headline: str
    sentence: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class ContractRun:
    """All that the page shows below its head."""

    row: Row
    neighbours: tuple[Neighbour, ...] = ()
    history: tuple[PastRun, ...] = ()
    facts: tuple[Fact, ...] = ()
    earlier: ContractRun | None = None
    """The run before, where this one came to no test."""

    @property
    def tone(self) -> Tone:
        """How its verdict is marked."""
        return TONES.get(self.row.text("verdict"), "none")

    @property
    def headline(self) -> str:
        """Its verdict, in a few words."""
        verdict = self.row.text("verdict")
        return HEADLINES.get(verdict, verdict.capitalize() if verdict else NO_RUN)

    @property
    def sentence(self) -> str:
        """Its verdict's sentence."""
        return self.row.text("sentence") or ("" if self.row.text("verdict") else "make contract writes it.")

    @property
    def label(self) -> str:
        """Of what API it tells, since when, and with which seed."""
        row = self.row
        told = (row.text("target"), moment(row.text("started")), f"seed {row.text('seed')}" if row.has("seed") else "")
        return ", ".join(text for text in told if text)

    @property
    def repeating(self) -> Copied | None:
        """What comes before a line that repeats something, where one is about a persona."""
        line = self.row.text("repeating")
        shown = (found.row.text("curl") for found in (*self.violations, *self.known))
        return Copied(line, "line that makes a persona", ADVICE) if line and needs_item(shown) else None

    @property
    def violations(self) -> list[Finding]:
        """What the API broke, what hurts first."""
        return sorted(_findings(self.row, "violations"), key=lambda finding: finding.kind != "broken")

    @property
    def known(self) -> list[Finding]:
        """What the API broke and a person has decided to live with."""
        return _findings(self.row, "known")

    @property
    def drift(self) -> list[Finding]:
        """What the API does beyond the contract."""
        return _findings(self.row, "drift")

    @property
    def doubts(self) -> list[Doubts]:
        """What nothing follows from."""
        found = (
            Doubts("inconclusive", "Inconclusive", self.row.texts("inconclusive")),
            Doubts("not-tried", "Not tried", self.row.texts("not_tried")),
        )
        return [each for each in found if each.texts]

    @property
    def clauses(self) -> list[Clause]:
        """Every clause, gaps first."""
        rows = self.row.rows("clauses")
        found = (Clause(r.text("clause"), r.text("field"), _side(r, "accepted"), _side(r, "refused")) for r in rows)
        return sorted(found, key=lambda clause: not clause.is_gap)

    @property
    def gaps(self) -> int:
        """How many clauses were not tried on both sides."""
        return sum(clause.is_gap for clause in self.clauses)

    @property
    def tried(self) -> list[Tried]:
        """The values of each field."""
        by_field: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for row in self.row.rows("tried"):
            by_field[row.text("what")][row.text("kind")] += row.count("count")
        return [
            Tried(
                what,
                tuple(whole(counts[side]) if counts.get(side) else "" for side in SIDES),
                ", ".join(f"{kind} {whole(count)}" for kind, count in counts.items() if kind not in SIDES),
            )
            for what, counts in by_field.items()
        ]

    @property
    def sides(self) -> list[str]:
        """The heads of the columns of what was tried."""
        return list(SIDES.values())

    @property
    def promises(self) -> list[Promise]:
        """The promises, broken ones first."""
        found = [
            Promise(r.text("promise"), r.text("title"), r.text("tests"), r.text("passed"), r.count("violated"))
            for r in self.row.rows("promises")
        ]
        return sorted(found, key=lambda promise: not promise.violated)

    @property
    def sent(self) -> list[Sent]:
        """The requests of each operation, the most first."""
        counts = self.row.counts("requests")
        most = max((count for _, count in counts), default=0)
        return [Sent(name, whole(count), round(100 * count / most, 1)) for name, count in counts if count > 0]

    @property
    def jumps(self) -> list[tuple[str, str]]:
        """The parts of the page that hold something, with how much."""
        found = [
            ("earlier", "Earlier run", 1 if self.earlier else 0),
            ("violations", "Violations", len(self.violations)),
            ("known", "Known divergences", len(self.known)),
            ("drift", "Drift", len(self.drift)),
            *((each.anchor, each.title, len(each.texts)) for each in self.doubts),
            ("clauses", "Clauses", len(self.clauses)),
            ("tried", "Values tried", len(self.tried)),
            ("promises", "Promises", len(self.promises)),
            ("requests", "Requests", len(self.sent)),
            ("others", "Other reports", len(self.neighbours)),
            ("history", "Last runs", len(self.history)),
        ]
        return [(anchor, f"{title} {count}") for anchor, title, count in found if count]


def _findings(row: Row, key: str) -> list[Finding]:
    return [Finding(each) for each in row.rows(key)]


def _side(row: Row, key: str) -> str:
    """Return how much was tried on one side of a clause; empty for nothing, and a dash for null: it has no such side."""
    value = row.raw(key)
    if value is None and isinstance(row.value, dict) and key in row.value:
        return NO_SIDE
    if isinstance(value, bool):
        return "tried" if value else ""
    if isinstance(value, list):
        return whole(len(value)) if value else ""
    number = row.number(key)
    return whole(number) if number else value if isinstance(value, str) else ""
