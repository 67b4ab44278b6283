"""reports/index.html: what the last contract run came to, and the way to the other pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from contract_tests.report import boundary_page, fault_page
from contract_tests.report.page import PAGES, Fact, Page, Tone, links, write_page
from contract_tests.report.stored import Row, Stored, as_rows, read_json, read_lines
from contract_tests.report.wording import counted, duration, moment, whole

NAME = "index.html"
RUN = "run.json"
HISTORY = "history.jsonl"
BOUNDARIES = "boundaries.json"
FAULTS = "faults.json"

# Runs of the history that are shown; doubts that are shown at once, and folded; personas that are named.
LAST_RUNS = 20
MOST_SHOWN = 5
MOST_FOLDED = 200
MOST_NAMED = 10

TONES: dict[str, Tone] = {"holds": "good", "violated": "bad", "inconclusive": "doubt", "refused": "doubt"}
HEADLINES = {
    "holds": "The contract holds",
    "violated": "The contract is violated",
    "inconclusive": "The run is inconclusive",
    "refused": "The run could not begin",
}
NO_RUN = "No contract run yet"

# How the counts of values are named, in the order of their columns; other kinds say why a value was tried.
SIDES = {"accepted": "valid", "refused": "invalid", "generated": "generated"}

SHORT_HASH = 12
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

    @property
    def tone(self) -> Tone:
        """How it is marked."""
        return TONES.get(self.verdict, "none")


@dataclass(frozen=True)
class Neighbour:
    """Another page in short."""

    title: str
    href: str
    tone: Tone
    headline: str
    sentence: str


@dataclass(frozen=True)
class ContractRun:
    """All that the page shows below its head."""

    row: Row
    neighbours: tuple[Neighbour, ...]
    history: tuple[PastRun, ...]

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
            ("violations", "Violations", len(self.violations)),
            ("known", "Known divergences", len(self.known)),
            ("drift", "Drift", len(self.drift)),
            *((each.anchor, each.title, len(each.texts)) for each in self.doubts),
            ("clauses", "Clauses", len(self.clauses)),
            ("tried", "Values tried", len(self.tried)),
            ("promises", "Promises", len(self.promises)),
            ("requests", "Requests", len(self.sent)),
            ("history", "Last runs", len(self.history)),
        ]
        return [(anchor, f"{title} {count}") for anchor, title, count in found if count]


def write_index(folder: Path) -> Path:
    """
    Write reports/index.html from what lies beside it.

    Args:
        folder: Where reports are kept; each file that is missing leaves its part of the page out.

    Returns:
        The page.
    """
    stored = read_json(folder / RUN)
    history = read_lines(folder / HISTORY, LAST_RUNS)
    others = read_json(folder / BOUNDARIES), read_json(folder / FAULTS)
    problems = [each.problem for each in (stored, history, *others) if each.problem]
    if left := Row(stored.value).row("personas").texts("left"):
        problems.append(f"Personas left behind: {', '.join(left[:MOST_NAMED])}. make sweep removes them.")
    if stored.value is not None and not isinstance(stored.value, dict):
        problems.append(f"{RUN} does not hold the report of a run")
    run = ContractRun(Row(stored.value), tuple(_neighbours(folder, *others)), tuple(_history(history)))
    return write_page(folder, _head(run, folder, tuple(problems)), report=run)


def _head(run: ContractRun, folder: Path, problems: tuple[str, ...]) -> Page:
    row = run.row
    verdict = row.text("verdict")
    headline = HEADLINES.get(verdict, verdict.capitalize() if verdict else NO_RUN)
    sentence = row.text("sentence") or ("" if verdict else "make contract writes it.")
    contract, personas = row.row("contract"), row.row("personas")
    tests = [f"{whole(count)} {name.replace('_', ' ')}" for name, count in row.counts("tests") if count]
    made = f"{whole(personas.count('made'))} made, {whole(personas.count('removed'))} removed"
    requests = sum(count for _, count in row.counts("requests"))
    facts = (
        Fact("Under test", row.text("target")),
        Fact("Contract", " ".join(filter(None, (contract.text("title"), contract.text("version"))))),
        Fact("openapi.yaml, SHA-256", contract.text("sha256")[:SHORT_HASH]),
        Fact("Started", moment(row.text("started"))),
        Fact("Took", duration(row.number("seconds"))),
        Fact("Seed", row.text("seed")),
        Fact("Selection", row.text("selection")),
        Fact("Tests", ", ".join(tests)),
        Fact("Requests", whole(requests) if requests else ""),
        Fact("Personas", made if personas.has("made") else ""),
    )
    shown = tuple(fact for fact in facts if fact.value)
    return Page(NAME, headline, TONES.get(verdict, "none"), sentence, shown, problems, links(folder, NAME))


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


def _neighbours(folder: Path, boundaries: Stored, faults: Stored) -> Iterable[Neighbour]:
    if isinstance(boundaries.value, list):
        found = boundary_page.read_map(boundaries.value)
        tone, headline = boundary_page.summary(found)
        first = " ".join(f"{limit.field}, {limit.constraint}: {limit.text}" for limit in found.findings[:2])
        first = first or f"{counted(len(found.limits), 'clause')} searched."
        yield _neighbour(folder, boundary_page.NAME, tone, headline, first)
    if isinstance(faults.value, list):
        trials = fault_page.read_trials(faults.value)
        tone, headline = fault_page.summary(trials)
        lawful = f"{len(trials.lawful) - len(trials.alarms)} of {counted(len(trials.lawful), 'lawful run')} green"
        yield _neighbour(
            folder,
            fault_page.NAME,
            tone,
            headline,
            ". ".join(filter(None, (trials.bars_text.rstrip("."), lawful))) + ".",
        )


def _neighbour(folder: Path, name: str, tone: Tone, headline: str, sentence: str) -> Neighbour:
    return Neighbour(PAGES[name], name if (folder / name).exists() else "", tone, headline, sentence)


def _history(stored: Stored) -> Iterable[PastRun]:
    for row in reversed(as_rows(stored.value)):
        violations = row.raw("violations")
        count = len(violations) if isinstance(violations, (list, dict)) else row.count("violations")
        yield PastRun(
            moment(row.text("started")),
            row.text("target"),
            row.text("verdict"),
            whole(count),
            whole(row.count("requests")),
            duration(row.number("seconds")),
            row.text("seed"),
        )
