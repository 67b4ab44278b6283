"""
Gathers what a run found: what was tried, what broke, what is known, and the verdict that follows.

A pytest plugin. Results of xdist's workers come in through their reports and their last message.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import pytest

from contract_tests.contract import load_contract
from contract_tests.divergences import Divergence
from contract_tests.drift import Drift, Notes
from contract_tests.errors import Inconclusive
from contract_tests.findings import KNOWN, Matter, Violation
from contract_tests.foreign_text import shown
from contract_tests.ledger import Ledger
from contract_tests.report.causes import failed_assertions, members, told_assertion
from contract_tests.report.entries import Entry, Told, gather, tell
from contract_tests.report.remainder import Remainder, is_self_test
from contract_tests.report.snippets import entry_snippet

# The order in which kinds are told.
ORDER = ("looser", "broken")
# What the ids of the suite's own tests begin with.
OWN_FOLDER = "contract_tests/"


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
        target: What the verdict calls the API under test; empty leaves it out.
    """

    def __init__(self, known: tuple[Divergence, ...] = (), *, is_whole: bool = False, target: str = "") -> None:
        self.known = known
        self.target = target
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
        self.counted = 0
        """How many requests all processes of the run have sent together, also those that were broken off."""
        self.silent_workers = 0
        """How many workers of xdist have begun, and have not said what they have done."""
        self.uncollected: list[str] = []
        """The files that could not be collected."""
        self.tally: Counter[tuple[str, str]] = Counter()
        self.made = 0
        self.removed = 0
        self.left: list[str] = []
        self.most_alive = 0
        self.remainder = Remainder()
        self.deselected = 0
        self.is_interrupted = False
        self.unwritten: dict[str, OSError] = {}
        """Why a report could not be written, by its name."""
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
    def sent(self) -> int:
        """How many requests the run has sent."""
        return max(self.counted, self.requests.total())

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
        self.left += [shown(sentence) for sentence in left]
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

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be collected."""
        if report.failed:
            self.uncollected.append(report.nodeid or "the tests")

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Count the tests that the run leaves out."""
        self.deselected += len(items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Show a violation as its message alone, and keep an inconclusive answer apart from both outcomes."""
        if is_self_test(item):
            plain: Any = yield
            return plain
        violations = members(call.excinfo.value, Violation) if call.excinfo is not None else []
        if violations and call.excinfo is not None:
            call.excinfo.traceback = call.excinfo.traceback[-1:]  # the message replaces it, and writing it takes long
        report: Any = yield
        doubts = self._new_doubts(item)
        met = [(entry.number, tell(finding)) for entry, finding in KNOWN.drain()]
        if call.excinfo is not None:
            if violations:
                report.findings = [tell(finding) for violation in violations for finding in violation.findings]
                report.longrepr = "\n\n".join(dict.fromkeys(str(violation) for violation in violations))
            elif _is_told(assertions := failed_assertions(call.excinfo.value), call.excinfo.value, doubts):
                told = told_assertion(item, assertions[0])
                entry = next((each for each in self.known if _covers(each, told)), None)
                met += [(entry.number, told)] if entry is not None else []
                report.findings = [told] if entry is None else []
            elif doubts := doubts or [str(doubt) for doubt in members(call.excinfo.value, Inconclusive)]:
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
                "notes": json.dumps(self.notes.as_json()),  # as no other text it may hold half a surrogate
                "deselected": self.deselected,
            }

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        """Expect an xdist worker to say what it has counted."""
        self.silent_workers += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what an xdist worker has counted."""
        told = getattr(node, "workeroutput", {}).get("coval")
        if told is None:
            return
        self.silent_workers -= 1
        self.requests += Counter(told["requests"])
        self.tally += Counter({(name, kind): count for name, kind, count in told["tally"]})
        self.made += told["made"]
        self.removed += told["removed"]
        self.left += told["left"]
        self.notes.merge(json.loads(told["notes"]))
        self.deselected += told["deselected"]
        self.most_alive += told["most_alive"]

    def violations(self) -> list[Entry]:
        """List what the API breaks, what is known left out; looser first, as it is the contract that may be behind."""
        return sorted(self.entries.values(), key=lambda entry: ORDER.index(entry.kind))

    def drifts(self) -> list[Drift]:
        """List what goes beyond the contract, what is known left out."""
        return [drift for drift in self.notes.drifts.values() if self.known_drift(drift) is None]

    def known_drifts(self) -> list[Drift]:
        """List what goes beyond the contract and is known."""
        return [drift for drift in self.notes.drifts.values() if self.known_drift(drift) is not None]

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
        if is_cut or self.entries or self.errors or not self.is_whole:
            return []
        return [entry for entry in self.unmet() if not entry.documented]

    def title(self, entry: Entry) -> str:
        """Return what an entry says, with the range of its values."""
        return entry.title(self.notes.refusals.get(entry.clause, ()))

    def snippet(self, entry: Entry) -> str | None:
        """Return the lines that would make an entry lawful, where that is a cure."""
        return entry_snippet(load_contract(), entry, self.notes.refusals.get(entry.clause, ()))

    def verdict(self, exit_code: int) -> tuple[str, int]:
        """
        Return the last line of a run, and its exit code.

        Args:
            exit_code: What pytest came to.
        """
        number = f"{self.sent:,} requests"
        sent = f"{number} to {self.target}" if self.target else number
        missing = self.remainder.sentence()
        also = f" {missing[:1].upper()}{missing[1:]}." if missing else ""
        left = f"{len(self.left)} personas could not be removed or restored: {', '.join(self.left)}"
        stale = self.stale()
        if self.entries or stale:
            kinds = Counter(entry.kind for entry in self.violations())
            parts = [f"{kinds[kind]} {kind}" for kind in ORDER if kinds[kind]]
            parts += [f"{_plural(len(stale), 'known divergence')} no longer there"] if stale else []
            parts += [f"{_plural(self.errors, 'test')} ended in an error of the suite itself"] if self.errors else []
            return f"verdict: violated. {', '.join(parts)}, after {sent}.{also}", 1
        if exit_code == 2 and not self.remainder.reason and not self.uncollected:
            rest = f"; {left}; the next run or make sweep puts that right" if self.left else ""
            return f"verdict: inconclusive. The run was interrupted after {sent}{rest}.", 2
        if failure := self._own_failure(exit_code):
            report = "which says nothing about the API; report it with reports/junit.xml and the seed of this run"
            return f"verdict: inconclusive. After {sent} {failure}, {report}.{also}", 2
        if self.remainder.reason:
            return f"verdict: inconclusive. After {sent} {self.remainder.reason}.{also}", 2
        if self.inconclusive:
            return f"verdict: inconclusive. {len(self.inconclusive)} tests got no answer that says anything.", 2
        if self.left:
            return f"verdict: inconclusive. {left}.", 2
        if exit_code == 0 and self.passed:
            tests = f"{self.passed:,} tests"
            against = f" against {self.target}" if self.target else ""
            said = f"{tests}{against} sent {number}, and every answer is as openapi.yaml says{self._beside()}"
            return f"verdict: holds. {said}.{also}", 0
        if self.uncollected:
            return (
                f"verdict: refused. {', '.join(self.uncollected)}, which ARGS names, could not be collected; see above.",
                4,
            )
        return "verdict: refused. No test was run; see the lines above and the ARGS that were given.", 4

    def _own_failure(self, exit_code: int) -> str:
        """Say what went wrong in the suite itself; empty where nothing did."""
        if exit_code == pytest.ExitCode.INTERNAL_ERROR:
            return "pytest ended in an error of the suite itself"
        own = [file for file in self.uncollected if file.startswith(OWN_FOLDER)]
        if own:
            return f"{', '.join(own)} could not be collected, an error of the suite itself"
        return f"{_plural(self.errors, 'test')} ended in an error of the suite itself" if self.errors else ""

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

    def _new_doubts(self, item: pytest.Item) -> list[str]:
        """Return the requests without a useful answer since this was asked last."""
        run = getattr(item, "funcargs", {}).get("run")
        if run is None:
            return []
        doubts: list[str] = run.api.ledger.doubts[self._doubts_seen :]
        self._doubts_seen = len(run.api.ledger.doubts)
        return doubts


def short_name(nodeid: str) -> str:
    """Return a test's id without the folders that its file is in; what stands in brackets may hold slashes too."""
    file, _, name = nodeid.partition("::")
    return f"{file.rpartition('/')[2]}::{name}"


def _covers(entry: Divergence, told: Told) -> bool:
    return entry.covers(told["kind"], told["clause"], told["headline"], told["promise"])


def _is_told(assertions: list[BaseException], error: BaseException, doubts: list[str]) -> bool:
    """Whether an assertion says something of the API: hypothesis calls a test flaky that meets a time-out once."""
    return bool(assertions) and (assertions[0] is error or not doubts)


def _expect(report: Any, call: pytest.CallInfo[None]) -> None:
    """Let a test that met what is known, and nothing else, count as pytest counts an expected failure."""
    if call.excinfo is None or hasattr(report, "findings"):
        report.outcome = "skipped"
        report.wasxfail = "a known divergence"


def _plural(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
