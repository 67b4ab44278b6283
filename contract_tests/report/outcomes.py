"""
Gathers what a run found and tells it in the terminal: what was tried, what broke, the verdict.

A pytest plugin. Results of xdist's workers come in through their reports and their last message.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from contract_tests.ledger import Ledger
from contract_tests.report.remainder import Remainder
from contract_tests.verdict import Violation

# What the contract expects of a value, and how the summary says it.
KINDS = {"accepted": "valid", "refused": "invalid", "generated": "generated"}

ErrorType = TypeVar("ErrorType", bound=BaseException)


@dataclass(frozen=True)
class FirstRed:
    """The test that turned a run red."""

    test: str
    moment: float
    """On the monotonic clock, in seconds."""


class Outcomes:
    """What the tests of a run came to."""

    def __init__(self) -> None:
        self.findings: dict[tuple[str, str, str], int] = {}
        self.inconclusive: list[str] = []
        self.errors = 0
        self.passed = 0
        self.first_red: FirstRed | None = None
        self.requests: Counter[str] = Counter()
        self.tally: Counter[tuple[str, str]] = Counter()
        self.made = 0
        self._doubts_seen = 0
        self.left: list[str] = []
        self.most_alive = 0
        self.remainder = Remainder()

    def note_end(self, ledger: Ledger, tally: Counter[tuple[str, str]], *, left: list[str]) -> None:
        """Take over what a finished run has counted."""
        self.requests += ledger.requests
        self.tally += tally
        self.made += len(ledger.made)
        self.most_alive += ledger.most_alive
        self.left += left

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Show a violation as its message alone, and keep an inconclusive answer apart from both outcomes."""
        report: Any = yield
        doubts = self._new_doubts(item)
        if call.excinfo is None:
            return report
        violations = _members(call.excinfo.value, Violation)
        if violations:
            found = [finding for violation in violations for finding in violation.findings]
            report.findings = [[finding.kind, finding.problem, finding.clause] for finding in found]
            report.longrepr = "\n\n".join(dict.fromkeys(str(violation) for violation in violations))
        elif isinstance(call.excinfo.value, AssertionError):
            first_line = (str(call.excinfo.value).splitlines() or ["an assertion failed"])[0]
            report.findings = [["broken", first_line, report.nodeid.rpartition("/")[2]]]
        elif doubts:
            # Whatever the test made of it: hypothesis, for one, calls a test flaky that meets a time-out once.
            report.outcome = "skipped"
            report.inconclusive = doubts[0]
            report.longrepr = (str(report.fspath), 0, f"inconclusive: {doubts[0]}")
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count what one test came to."""
        for kind, problem, clause in getattr(report, "findings", ()):
            key = (kind, problem, clause)
            self.findings[key] = self.findings.get(key, 0) + 1
        if hasattr(report, "inconclusive"):
            self.inconclusive.append(f"{report.nodeid.rpartition('/')[2]}: {report.inconclusive}")
        elif report.failed and not hasattr(report, "findings"):
            self.errors += 1
        if report.failed and self.first_red is None:
            self.first_red = FirstRed(report.nodeid.rpartition("/")[2], time.monotonic())
        if report.passed and report.when == "call":
            self.passed += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send what an xdist worker has counted to the process that reports."""
        worker = getattr(session.config, "workeroutput", None)
        if worker is not None:
            tally = [[*key, count] for key, count in self.tally.items()]
            worker["coval"] = [dict(self.requests), tally, self.made, self.left, self.most_alive]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what an xdist worker has counted."""
        told = getattr(node, "workeroutput", {}).get("coval", ({}, [], 0, [], 0))
        requests, tally, made, left, most_alive = told
        self.requests += Counter(requests)
        self.tally += Counter({(name, kind): count for name, kind, count in tally})
        self.made += made
        self.left += left
        self.most_alive += most_alive

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was tried."""
        if not self.requests:
            return
        write = terminalreporter.write_line
        terminalreporter.section("what was tried")
        names = list(dict.fromkeys(name for name, _ in self.tally))
        width = max((len(name) for name in names), default=0)
        for name in names:
            counts = [f"{self.tally[name, kind]:>5} {word}" for kind, word in KINDS.items() if self.tally[name, kind]]
            groups = [f"{kind} {n}" for (tried, kind), n in self.tally.items() if tried == name and kind not in KINDS]
            write(f"{name:<{width}}  {'  '.join(counts)}" + (f"   ({', '.join(groups)})" if groups else ""))
        write("")
        for operation, count in sorted(self.requests.items(), key=lambda item: -item[1]):
            write(f"{count:>6}  {operation}")
        write(f"{sum(self.requests.values()):>6}  requests in all; {self.made} personas made, {self._removal()}")
        if self.findings:
            terminalreporter.section("what the API breaks")
            for (kind, problem, clause), count in self.findings.items():
                write(f"{kind}: {problem}" + (f"  ({count} times)" if count > 1 else ""))
                write(f"        {clause}")
        for reason in self.inconclusive[:20]:
            write(f"inconclusive: {reason}")

    def verdict(self, exit_code: int) -> tuple[str, int]:
        """
        Return the last line of a run, and its exit code.

        Args:
            exit_code: What pytest came to.
        """
        sent = f"{sum(self.requests.values()):,} requests"
        missing = self.remainder.sentence()
        also = f" {missing[:1].upper()}{missing[1:]}." if missing else ""
        if self.findings or self.errors:
            kinds = Counter(kind for kind, _, _ in self.findings)
            parts = [f"{count} {kind}" for kind, count in sorted(kinds.items())]
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
            return (
                f"verdict: holds. {self.passed:,} tests sent {sent}, and every answer is as openapi.yaml says.{also}",
                0,
            )
        return "verdict: refused. No test was run; see the lines above and the ARGS that were given.", 4

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


def _members(error: BaseException | None, kind: type[ErrorType]) -> list[ErrorType]:
    """Return the exceptions of a kind in *error*, its groups and its causes: hypothesis wraps what it finds."""
    if error is None:
        return []
    if isinstance(error, kind):
        return [error]
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else (error.__cause__ or error.__context__,)
    return [found for member in inner for found in _members(member, kind)]
