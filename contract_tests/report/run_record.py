"""What stands in run.json, a line of history.jsonl and faults.json: one typed model, written and read back."""

import json
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from contract_tests.report.wording import counted
from contract_tests.spec.extensions import Untried

MOST_RUNS = 200
# Clauses that a sentence names.
MOST_NAMED = 3


@dataclass(frozen=True)
class Start:
    """When a run began, and with what."""

    target: str
    """The address of the API under test, or the mock."""
    seed: int | None
    """None where the run ended before it had one."""
    selection: str
    """whole or live."""
    started: str
    """In UTC, as ISO 8601."""
    moment: float
    """On the monotonic clock, in seconds."""

    @classmethod
    def now(cls, target: str, seed: int | None, selection: str = "whole") -> "Start":
        """Note what is asked for, at this moment."""
        return cls(target, seed, selection, datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic())


@dataclass(frozen=True)
class ContractLabel:
    """Which contract a run held the API to."""

    title: str = ""
    version: str = ""
    sha256: str = ""
    """Of the file."""
    resource: str = ""
    """The resource under contract; empty where nothing was read."""


@dataclass(frozen=True)
class ItemCounts:
    """The items of the resource that a run has made."""

    made: int = 0
    removed: int = 0
    left: tuple[str, ...] = ()
    """Those that could not be removed or restored, and why."""


@dataclass(frozen=True)
class TriedCount:
    """How many values of one field were tried for one reason."""

    what: str = ""
    kind: str = ""
    """accepted, refused or generated, which say what the contract expects; anything else is a reason."""
    count: int = 0


@dataclass(frozen=True)
class ClauseCount:
    """How many values were tried on each side of one clause; None for a side that it does not have."""

    clause: str = ""
    field: str = ""
    accepted: int | None = 0
    refused: int | None = 0

    @property
    def is_gap(self) -> bool:
        """Whether a side that it has was not tried."""
        return 0 in (self.accepted, self.refused) or self.accepted is self.refused is None


@dataclass(frozen=True)
class PairCount:
    """How many pairs of contexts an operation was tried in, of those that there are."""

    operation: str = ""
    covered: int = 0
    possible: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """By field: how many pairs of its values were not tried."""

    @property
    def sentence(self) -> str:
        """Say it, with the fields of which most is left out."""
        most = sorted(self.left_out.items(), key=lambda each: -each[1])
        named = ", ".join(f"{name} {count:,}" for name, count in most[:MOST_NAMED] if count)
        more = f" and {counted(len(most) - MOST_NAMED, 'field')} more" if len(most) > MOST_NAMED else ""
        share = f"{100 * self.covered // max(self.possible, 1)} %"
        said = f"{self.operation}: {self.covered:,} of {self.possible:,} pairs of contexts tried, {share}"
        return said + (f"; left out: {named}{more}" if named else "")


@dataclass(frozen=True)
class PromiseCount:
    """The tests of one promise."""

    promise: str = ""
    title: str = ""
    tests: int = 0
    passed: int = 0
    violated: int = 0


@dataclass(frozen=True)
class IssueRecord:
    """One entry of violations, of known divergences or of drift."""

    kind: str = ""
    """broken, looser, stale or drift."""
    headline: str = ""
    about: str = ""
    """The headline without the values that showed it."""
    promise: str = ""
    clause: str = ""
    count: int = 0
    sent: str = ""
    received: str = ""
    curl: str = ""
    snippet: str = ""
    """The lines that would bring the contract up to date; empty where no change of it is a cure."""
    test: str = ""
    lines: tuple[str, ...] = ()
    """Of a test that repeats it; empty where none can be written."""
    examples: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """Of a field that the contract does not name."""
    date: str = ""
    """When a person decided to live with it."""
    reason: str = ""


@dataclass(frozen=True)
class UntriedParts:
    """What a run says nothing about, whatever its verdict."""

    promises: tuple[str, ...] = ()
    """The names of the list of promises that the contract does not make."""
    clauses: tuple[Untried, ...] = ()
    """What the suite cannot try."""
    operations: tuple[str, ...] = ()
    """The roles for which the resource has no operation."""

    def sentence(self) -> str:
        """Say how much it is; empty for nothing."""
        clauses = ", ".join(each.pointer for each in self.clauses[:MOST_NAMED])
        more = f" and {len(self.clauses) - MOST_NAMED} more" if len(self.clauses) > MOST_NAMED else ""
        parts = [
            f"{counted(len(self.clauses), 'clause')} not tried: {clauses}{more}" if self.clauses else "",
            f"the contract has no operation to {' or '.join(self.operations)}" if self.operations else "",
            f"{counted(len(self.promises), 'promise')} not made, so not tried" if self.promises else "",
        ]
        return "; ".join(part for part in parts if part)

    def lines(self) -> list[str]:
        """Name each part, with why it is not tried."""
        lines = [f"{each.pointer}: {each.why}" for each in self.clauses]
        lines += [f"no operation to {role}" for role in self.operations]
        return [*lines, f"not promised: {', '.join(self.promises)}"] if self.promises else lines


@dataclass(frozen=True)
class RunRecord:
    """What a run came to."""

    target: str = ""
    seed: int | None = None
    selection: str = ""
    started: str = ""
    seconds: float | None = None
    verdict: str = ""
    sentence: str = ""
    exit_code: int = 0
    contract: ContractLabel = ContractLabel()
    repeating: str = ""
    """The shell line that comes before one that repeats a request."""
    requests: dict[str, int] = field(default_factory=dict)
    tests: dict[str, int] = field(default_factory=dict)
    items: ItemCounts = ItemCounts()
    tried: tuple[TriedCount, ...] = ()
    clauses: tuple[ClauseCount, ...] = ()
    pairs: tuple[PairCount, ...] = ()
    promises: tuple[PromiseCount, ...] = ()
    violations: tuple[IssueRecord, ...] = ()
    known: tuple[IssueRecord, ...] = ()
    drift: tuple[IssueRecord, ...] = ()
    inconclusive: tuple[str, ...] = ()
    not_tried: tuple[str, ...] = ()
    """The tests that the run left out because it ended early, or because the account does not allow them."""
    untried: UntriedParts = UntriedParts()
    skipped: tuple[str, ...] = ()
    """The tests that found nothing to try once they were begun, each with the reason."""
    earlier: "RunRecord | None" = None
    """The last run that came to a test, where this one came to none."""
    beside: "Beside | None" = None
    """The run before, on the contract that callers know."""

    @property
    def came_to_a_test(self) -> bool:
        """Whether some test was begun."""
        return any(self.tests.values())

    @property
    def tried_by_field(self) -> dict[str, dict[str, int]]:
        """How many values were tried of each field, by what the contract says of them or why they were tried."""
        found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for each in self.tried:
            found[each.what][each.kind] += each.count
        return found


@dataclass(frozen=True)
class Beside:
    """The same run on the contract that callers know, on the same API, and what tells the two apart."""

    base: str = ""
    """The commit or the file."""
    moved: tuple[str, ...] = ()
    """What the new contract says otherwise, per field, with the operations."""
    new_tests: tuple[str, ...] = ()
    gone_tests: tuple[str, ...] = ()
    run: RunRecord = RunRecord()

    @property
    def sentence(self) -> str:
        """Whether the API honours what callers know."""
        said = {"holds": "the API still honours it", "violated": "the API does not honour it"}
        return f"{self.base}: {said.get(self.run.verdict, self.run.sentence)}"

    def rows(self, new: RunRecord) -> list[tuple[str, ...]]:
        """Return what each run came to, side by side."""
        return [
            ("", f"{self.base} {self.run.contract.version}", f"new {new.contract.version}"),
            ("verdict", self.run.verdict, new.verdict),
            ("passed", *(f"{each.tests.get('passed', 0):,}" for each in (self.run, new))),
            ("only there", f"{len(self.gone_tests):,}", f"{len(self.new_tests):,}"),
            ("requests", *(f"{sum(each.requests.values()):,}" for each in (self.run, new))),
            ("violations", *(str(len(each.violations)) for each in (self.run, new))),
        ]


@dataclass(frozen=True)
class HistoryLine:
    """One run in history.jsonl."""

    started: str = ""
    target: str = ""
    seed: int | None = None
    verdict: str = ""
    seconds: float | None = None
    requests: int = 0
    violations: int = 0

    @classmethod
    def of(cls, run: RunRecord) -> "HistoryLine":
        """Sum up a run."""
        requests, violations = sum(run.requests.values()), len(run.violations)
        return cls(run.started, run.target, run.seed, run.verdict, run.seconds, requests, violations)


@dataclass(frozen=True)
class TrialRun:
    """One run of the suite against a mock with a planted fault, or against one that must stay green."""

    name: str = ""
    """The fault, or the lawful variants; empty for a clean run."""
    kind: str = ""
    """fault, variant, clean or forced."""
    seed: int | None = None
    is_right: bool = False
    """Whether a fault was caught, and anything lawful stayed green."""
    caught_by: str = ""
    """The first test that turned red; empty where none did."""
    seconds: float | None = None
    """From the moment the mock answers to the first red, or to the end of the run."""
    requests: int = 0
    exit_code: int = 0
    verdict: str = ""
    group: str = ""
    summary: str = ""
    clause: str = ""
    target: str = ""
    started: str = ""
    baseline: str = ""
    """What another tool made of the fault: caught, missed or its own words; empty where none was asked."""
    baseline_by: str = ""


def history_with(history: Path, run: RunRecord) -> str:
    """
    Return the lines of the file *history*, that of a run the last of them; OSError where the file is there and cannot be
    read, so it must not be written anew.
    """
    lines = history.read_text("utf-8", "replace").splitlines() if history.exists() else []
    line = json.dumps(asdict(HistoryLine.of(run)), ensure_ascii=False)
    return "\n".join([*lines, line][-MOST_RUNS:]) + "\n"


def bare_record(start: Start, line: str, exit_code: int) -> RunRecord:
    """Return what a run came to, as far as its last line tells: all there is of one that ended before its tests."""
    verdict, _, sentence = line.removeprefix("verdict: ").partition(". ")
    seconds = round(time.monotonic() - start.moment, 1)
    return RunRecord(start.target, start.seed, start.selection, start.started, seconds, verdict, sentence, exit_code)
