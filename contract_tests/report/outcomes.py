"""
Gathers what a run found and tells it in the terminal: what was tried, what broke, the verdict.

A pytest plugin. Results of xdist's workers come in through their reports and their last message.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import pytest

from contract_tests.contract import load_contract
from contract_tests.divergences import Divergence
from contract_tests.drift import Drift, Notes
from contract_tests.findings import KNOWN, Matter, Violation
from contract_tests.ledger import Ledger
from contract_tests.report.entries import Entry, Told, gather, tell, tell_assertion
from contract_tests.report.remainder import Remainder
from contract_tests.report.snippets import drift_snippet, entry_snippet

# What the contract expects of a value, and how the summary says it.
KINDS = {"accepted": "valid", "refused": "invalid", "generated": "generated"}
# The order in which kinds are told.
ORDER = ("looser", "broken")
MOST_REASONS = 20

ErrorType = TypeVar("ErrorType", bound=BaseException)


@dataclass(frozen=True)
class FirstRed:
    """The test that turned a run red."""

    test: str
    moment: float
    """On the monotonic clock, in seconds."""


class Outcomes:
    """
    What the tests of a run came to.

    Args:
        known: The divergences that the run lives with.
        is_whole: Whether every test is to run, so that a known divergence that does not occur is gone.
    """

    def __init__(self, known: tuple[Divergence, ...] = (), *, is_whole: bool = False) -> None:
        self.known = known
        self.is_whole = is_whole
        self.entries: dict[Matter, Entry] = {}
        self.met: dict[int, dict[Matter, Entry]] = {}
        """What was found of each known divergence, by the number of its entry."""
        self.notes = Notes()
        self.tests: dict[str, str] = {}
        """What each test came to: passed, violated, inconclusive, skipped or errors."""
        self.inconclusive: list[str] = []
        self.first_red: FirstRed | None = None
        self.requests: Counter[str] = Counter()
        self.tally: Counter[tuple[str, str]] = Counter()
        self.made = 0
        self.removed = 0
        self.left: list[str] = []
        self.most_alive = 0
        self.remainder = Remainder()
        self.deselected = 0
        self.is_interrupted = False
        self._doubts_seen = 0

    @property
    def passed(self) -> int:
        """How many tests passed, with what is known or without."""
        return self._came_to("passed")

    @property
    def not_tried(self) -> list[str]:
        """The tests that the run has left out because it ended early, or because the account does not allow them."""
        return [short_name(test) for test in (*self.remainder.not_tried, *self.remainder.forbidden)]

    @property
    def errors(self) -> int:
        """How many tests ended in an error of their own."""
        return self._came_to("errors")

    def note_end(self, ledger: Ledger, tally: Counter[tuple[str, str]], *, left: list[str], notes: Notes) -> None:
        """Take over what a finished run has counted."""
        self.requests += ledger.requests
        self.tally += tally
        self.made += len(ledger.made)
        self.most_alive += ledger.most_alive
        self.removed += len(ledger.removed & set(ledger.made))
        self.left += left
        self.notes.merge(notes.as_json())

    def pytest_configure(self, config: pytest.Config) -> None:
        """Let every `require` know what the run lives with."""
        told = getattr(config, "workerinput", {}).get("coval", [])
        self.known = self.known or tuple(Divergence(**entry) for entry in told)
        KNOWN.entries = self.known

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker what the run lives with."""
        node.workerinput["coval"] = [asdict(entry) for entry in self.known]

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Count the tests that the run leaves out."""
        self.deselected += len(items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Show a violation as its message alone, and keep an inconclusive answer apart from both outcomes."""
        violations = _members(call.excinfo.value, Violation) if call.excinfo is not None else []
        if violations and call.excinfo is not None:
            call.excinfo.traceback = call.excinfo.traceback[-1:]  # the message replaces it, and writing it takes long
        report: Any = yield
        doubts = self._new_doubts(item)
        met = [(entry.number, tell(finding)) for entry, finding in KNOWN.drain()]
        if call.excinfo is not None:
            if violations:
                report.findings = [tell(finding) for violation in violations for finding in violation.findings]
                report.longrepr = "\n\n".join(dict.fromkeys(str(violation) for violation in violations))
            elif isinstance(call.excinfo.value, (AssertionError, pytest.fail.Exception)):
                told = _told_assertion(item, call.excinfo.value)
                entry = next((each for each in self.known if _covers(each, told)), None)
                met += [(entry.number, told)] if entry is not None else []
                report.findings = [told] if entry is None else []
            elif doubts:
                # Whatever the test made of it: hypothesis, for one, calls a test flaky that meets a time-out once.
                report.outcome = "skipped"
                report.inconclusive = doubts[0]
                report.longrepr = (str(report.fspath), 0, f"inconclusive: {doubts[0]}")
        if met:
            report.met = met
            if call.when == "call" and not getattr(report, "findings", ()) and not hasattr(report, "inconclusive"):
                _expect(report, call)
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count what one test came to."""
        test = short_name(report.nodeid)
        for told in getattr(report, "findings", ()):
            gather(self.entries, told, test)
        for number, told in getattr(report, "met", ()):
            gather(self.met.setdefault(number, {}), told, test)
        if hasattr(report, "inconclusive"):
            self.inconclusive.append(f"{test}: {report.inconclusive}")
        self._count(test, report)
        if report.failed and self.first_red is None:
            self.first_red = FirstRed(test, time.monotonic())

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Note whether the tests came to their end; send what an xdist worker has counted to the process that reports."""
        self.is_interrupted = bool(session.shouldstop or session.shouldfail)
        worker = getattr(session.config, "workeroutput", None)
        if worker is not None:
            worker["coval"] = {
                "requests": dict(self.requests),
                "tally": [[*key, count] for key, count in self.tally.items()],
                "made": self.made,
                "removed": self.removed,
                "left": self.left,
                "most_alive": self.most_alive,
                "notes": self.notes.as_json(),
                "deselected": self.deselected,
            }

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what an xdist worker has counted."""
        told = getattr(node, "workeroutput", {}).get("coval")
        if told is None:
            return
        self.requests += Counter(told["requests"])
        self.tally += Counter({(name, kind): count for name, kind, count in told["tally"]})
        self.made += told["made"]
        self.removed += told["removed"]
        self.left += told["left"]
        self.notes.merge(told["notes"])
        self.deselected += told["deselected"]
        self.most_alive += told["most_alive"]

    def violations(self) -> list[Entry]:
        """List what the API breaks, what is known left out; looser first, as it is the contract that may be behind."""
        return sorted(self.entries.values(), key=lambda entry: ORDER.index(entry.kind))

    def drifts(self) -> list[Drift]:
        """List what goes beyond the contract, what is known left out."""
        return [drift for drift in self.notes.drifts.values() if self.known_drift(drift) is None]

    def known_drift(self, drift: Drift) -> Divergence | None:
        """Return the entry that covers a drift."""
        return next((entry for entry in self.known if entry.covers("drift", drift.where, drift.headline)), None)

    def unmet(self) -> list[Divergence]:
        """List the known divergences that did not occur."""
        drifts = {entry.number for drift in self.notes.drifts.values() if (entry := self.known_drift(drift))}
        return [entry for entry in self.known if entry.number not in self.met and entry.number not in drifts]

    def stale(self) -> list[Divergence]:
        """List the known divergences that a run which tried everything did not meet: they are gone."""
        # A test that ends at a new violation may end before it meets an old one.
        is_cut = self.is_interrupted or self.deselected or self.inconclusive or self.not_tried
        return self.unmet() if self.is_whole and not (is_cut or self.entries or self.errors) else []

    def title(self, entry: Entry) -> str:
        """Return what an entry says, with the range of its values."""
        return entry.title(self.notes.refusals.get(entry.clause, ()))

    def snippet(self, entry: Entry) -> str | None:
        """Return the lines that would make an entry lawful, where that is a cure."""
        return entry_snippet(load_contract(), entry, self.notes.refusals.get(entry.clause, ()))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Any:
        """Show the first failure of each matter, then say what was tried and what was found."""
        failed = terminalreporter.stats.get("failed", [])
        shown = terminalreporter.stats["failed"] = _first_of_each(failed)
        yield
        terminalreporter.stats["failed"] = failed
        if not self.requests:
            return
        if len(shown) < len(failed):
            terminalreporter.write_line(f"{len(failed) - len(shown)} further tests failed for the same reasons")
        for heading, lines in (
            ("what was tried", self._tried()),
            ("what the API breaks", self._broken()),
            ("beyond the contract", self._drifted()),
            ("known divergences", self._lived_with()),
        ):
            told = list(lines)
            if told:
                terminalreporter.section(heading)
            for line in told:
                terminalreporter.write_line(line)
        for reason in self.inconclusive[:MOST_REASONS]:
            terminalreporter.write_line(f"inconclusive: {reason}")

    def verdict(self, exit_code: int) -> tuple[str, int]:
        """
        Return the last line of a run, and its exit code.

        Args:
            exit_code: What pytest came to.
        """
        sent = f"{sum(self.requests.values()):,} requests"
        missing = self.remainder.sentence()
        also = f" {missing[:1].upper()}{missing[1:]}." if missing else ""
        stale = self.stale()
        if self.entries or self.errors or stale:
            kinds = Counter(entry.kind for entry in self.violations())
            parts = [f"{kinds[kind]} {kind}" for kind in ORDER if kinds[kind]]
            parts += [f"{_plural(len(stale), 'known divergence')} no longer there"] if stale else []
            parts += [f"{self.errors} tests ended in an error"] if self.errors else []
            return f"verdict: violated. {', '.join(parts)}, after {sent}.{also}", 1
        if self.remainder.reason:
            return f"verdict: inconclusive. After {sent} {self.remainder.reason}.{also}", 2
        if exit_code == 2:
            return f"verdict: inconclusive. The run was interrupted after {sent}.", 2
        if self.inconclusive:
            return f"verdict: inconclusive. {len(self.inconclusive)} tests got no answer that says anything.", 2
        if self.left:
            return f"verdict: inconclusive. {len(self.left)} personas could not be removed: {', '.join(self.left)}.", 2
        if exit_code == 0 and self.passed:
            tests = f"{self.passed:,} tests"
            said = f"{tests} sent {sent}, and every answer is as openapi.yaml says{self._beside()}"
            return f"verdict: holds. {said}.{also}", 0
        return "verdict: refused. No test was run; see the lines above and the ARGS that were given.", 4

    def _beside(self) -> str:
        lived_with = len(self.known) - len(self.unmet())
        known = f" but for {_plural(lived_with, 'known divergence')}" if lived_with else ""
        return known + (f"; {_plural(len(self.drifts()), 'drift')}" if self.drifts() else "")

    def _came_to(self, what: str) -> int:
        return sum(came == what for came in self.tests.values())

    def _count(self, test: str, report: Any) -> None:
        if hasattr(report, "forbidden"):
            return  # the remainder tells of it
        if getattr(report, "findings", ()):
            self.tests[test] = "violated"
        elif hasattr(report, "inconclusive"):
            self.tests.setdefault(test, "inconclusive")
        elif report.failed:
            self.tests[test] = "errors"
        elif report.skipped and not hasattr(report, "wasxfail"):
            self.tests.setdefault(test, "skipped")
        elif report.when == "call":
            self.tests.setdefault(test, "passed")

    def _tried(self) -> Iterator[str]:
        names = list(dict.fromkeys(name for name, _ in self.tally))
        width = max((len(name) for name in names), default=0)
        for name in names:
            counts = [f"{self.tally[name, kind]:>5} {word}" for kind, word in KINDS.items() if self.tally[name, kind]]
            groups = [f"{kind} {n}" for (tried, kind), n in self.tally.items() if tried == name and kind not in KINDS]
            yield f"{name:<{width}}  {'  '.join(counts)}" + (f"   ({', '.join(groups)})" if groups else "")
        yield ""
        for operation, count in sorted(self.requests.items(), key=lambda item: -item[1]):
            yield f"{count:>6}  {operation}"
        yield f"{sum(self.requests.values()):>6}  requests in all; {self.made} personas made, {self._removal()}"

    def _broken(self) -> Iterator[str]:
        for entry in self.violations():
            yield f"{entry.kind}: {self.title(entry)}{_times(entry.count)}"
            yield f"        {entry.clause}"
            yield from _indented(self.snippet(entry))
        for divergence in self.stale():
            yield f"known_divergences.yaml: {divergence}, no longer occurs; remove it"

    def _drifted(self) -> Iterator[str]:
        for drift in self.drifts():
            examples = f", such as {', '.join(drift.examples)}" if drift.examples else ""
            types = f": {', '.join(drift.types)}" if drift.types else ""
            yield f"drift: {drift.headline}{types}{examples}{_times(drift.count)}"
            yield from _indented(drift_snippet(drift))

    def _lived_with(self) -> Iterator[str]:
        for divergence in self.known:
            entries = self.met.get(divergence.number, {}).values()
            drifts = [drift for drift in self.notes.drifts.values() if self.known_drift(drift) is divergence]
            titles = [self.title(entry) for entry in entries] + [drift.headline for drift in drifts]
            for title in titles:
                yield f"{divergence.kind}: {title}"
            if titles:
                yield f"        since {divergence.date}: {divergence.reason}"
        if not self.stale():
            yield from (f"not met by this run: {divergence}" for divergence in self.unmet())

    def _new_doubts(self, item: pytest.Item) -> list[str]:
        """Return the requests without a useful answer since this was asked last."""
        run = getattr(item, "funcargs", {}).get("run")
        if run is None:
            return []
        doubts: list[str] = run.api.ledger.doubts[self._doubts_seen :]
        self._doubts_seen = len(run.api.ledger.doubts)
        return doubts

    def _removal(self) -> str:
        return f"{len(self.left)} left behind: {', '.join(self.left)}" if self.left else "all removed"


def short_name(nodeid: str) -> str:
    """Return a test's id without the folders that its file is in; what stands in brackets may hold slashes too."""
    file, _, name = nodeid.partition("::")
    return f"{file.rpartition('/')[2]}::{name}"


def _members(error: BaseException | None, kind: type[ErrorType]) -> list[ErrorType]:
    """Return the exceptions of a kind in *error*, its groups and its causes: hypothesis wraps what it finds."""
    if error is None:
        return []
    if isinstance(error, kind):
        return [error]
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else (error.__cause__ or error.__context__,)
    return [found for member in inner for found in _members(member, kind)]


def _first_of_each(reports: list[Any]) -> list[Any]:
    """Leave out the reports that tell of nothing which one before them has not told."""
    seen: set[Matter] = set()
    kept = []
    for report in reports:
        matters = {(told["kind"], told["clause"], told["topic"]) for told in getattr(report, "findings", ())}
        if not matters or matters - seen:
            kept.append(report)
        seen |= matters
    return kept


def _told_assertion(item: pytest.Item, error: BaseException) -> Told:
    """Tell an assertion that failed by the clause that the test's docstring begins with."""
    problem = (str(error).splitlines() or ["an assertion failed"])[0]
    promise = " ".join((getattr(getattr(item, "obj", None), "__doc__", None) or item.name).split())
    return tell_assertion(problem, promise, clause_of(promise))


def clause_of(docstring: str) -> str:
    """
    Return the pointer that a test's docstring begins with, in whichever of the ways they begin.

    Args:
        docstring: Such as "#/security: ...", "Decision: ...", "updatePersona: ..." or "createPersona 201: ...".

    Returns:
        A pointer into openapi.yaml; #/x-decisions where the docstring names no place.
    """
    named = re.match(r"#/[^\s:;,]+", docstring)
    if named:
        return named.group()
    word = re.split(r"\W", docstring, maxsplit=1)[0]
    operation = load_contract().operations.get(word)
    return operation.pointer if operation is not None else "#/x-decisions"


def _covers(entry: Divergence, told: Told) -> bool:
    return entry.covers(told["kind"], told["clause"], told["headline"], told["promise"])


def _expect(report: Any, call: pytest.CallInfo[None]) -> None:
    """Let a test that met what is known, and nothing else, count as pytest counts an expected failure."""
    if call.excinfo is None or hasattr(report, "findings"):
        report.outcome = "skipped"
        report.wasxfail = "a known divergence"


def _plural(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _times(count: int) -> str:
    return f"  ({count:,} times)" if count > 1 else ""


def _indented(text: str | None) -> Iterator[str]:
    yield from (f"        {line}" for line in (text or "").splitlines())
