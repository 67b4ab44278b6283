"""
Prints the summary of a run in the terminal: what was tried and what was not, what broke, what goes beyond the contract.

A pytest plugin, of the process that reports.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest

from contract_tests.foreign_text import LONGEST_LINE, shown
from contract_tests.report.issues import IssueKey, Rank, key_of, plainness
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.recording import STALE, record
from contract_tests.report.repeating import ADVICE, needs_item
from contract_tests.report.run_record import IssueRecord, RunRecord

# What the contract expects of a value, and how the summary says it.
KINDS = {"accepted": "valid", "refused": "invalid", "generated": "generated"}
MOST_REASONS = 20


class Summary:
    """Prints what a run came to."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Any:
        """Show the plainest failure of each issue, then say what was tried and what was found."""
        failed = terminalreporter.stats.get("failed", [])
        plainest = terminalreporter.stats["failed"] = _plainest_of_each(failed)
        yield
        terminalreporter.stats["failed"] = failed
        if not self.outcomes.requests:
            return
        if len(plainest) < len(failed):
            terminalreporter.write_line(f"{len(failed) - len(plainest)} further tests failed for the same reasons")
        run = record(self.outcomes)
        for heading, lines in (
            ("what was tried", self._tried(run)),
            ("what was not tried", [*run.untried.lines(), *run.skipped]),
            ("what the API breaks", self._broken(run)),
            ("beyond the contract", _drifted(run)),
            ("known divergences", self._lived_with(run)),
        ):
            shown_lines = list(lines)
            if shown_lines:
                terminalreporter.section(heading)
            for line in shown_lines:
                terminalreporter.write_line(shown(line, LONGEST_LINE))
        for reason in self.outcomes.inconclusive[:MOST_REASONS]:
            terminalreporter.write_line(shown(f"inconclusive: {reason}"))

    def _tried(self, run: RunRecord) -> Iterator[str]:
        by_field = run.tried_by_field
        width = max(map(len, by_field), default=0)
        for name, counts in by_field.items():
            sides = [f"{counts[kind]:>5} {word}" for kind, word in KINDS.items() if counts.get(kind)]
            groups = ", ".join(f"{kind} {count}" for kind, count in counts.items() if kind not in KINDS)
            yield f"{name:<{width}}  {'  '.join(sides)}" + (f"   ({groups})" if groups else "")
        yield from (each.sentence for each in run.pairs)
        yield ""
        yield from (f"{count:>6}  {operation}" for operation, count in run.requests.items())
        if self.outcomes.silent_workers:
            yield f"{self.outcomes.silent_workers} workers were broken off before they said what they had sent and made"
            return
        left, all_sent = run.items.left, sum(run.requests.values())
        removal = f"{len(left)} left behind: {', '.join(left)}" if left else "all removed"
        yield f"{all_sent:>6}  requests in all; {run.items.made} {run.contract.resource} made, {removal}"

    def _broken(self, run: RunRecord) -> Iterator[str]:
        violations = [issue for issue in run.violations if issue.kind != STALE]
        for issue in violations:
            yield f"{issue.kind}: {issue.headline}{_times(issue)}"
            yield from _indented(f"{issue.clause}\n{issue.snippet}")
        if needs_item(issue.curl for issue in violations):
            yield from (ADVICE, f"  {run.repeating}")
        for divergence in self.outcomes.stale():
            yield f"known_divergences.yaml: {divergence}, no longer occurs; remove it"

    def _lived_with(self, run: RunRecord) -> Iterator[str]:
        for (date, reason), issues in groupby(run.known, key=lambda issue: (issue.date, issue.reason)):
            yield from (f"{issue.kind}: {issue.headline}" for issue in issues)
            yield f"        since {date}: {reason}"
        if not self.outcomes.stale():
            yield from (f"not met by this run: {divergence}" for divergence in self.outcomes.unmet())


def _drifted(run: RunRecord) -> Iterator[str]:
    for drift in run.drift:
        examples = f", such as {', '.join(drift.examples)}" if drift.examples else ""
        types = f": {', '.join(drift.types)}" if drift.types else ""
        yield f"drift: {drift.headline}{types}{examples}{_times(drift)}"
        yield from _indented(drift.snippet)


def _plainest_of_each(reports: list[Any]) -> list[Any]:
    """Leave out the reports whose every finding another report shows more plainly."""
    plainest: dict[IssueKey, tuple[Rank, int]] = {}
    for number, report in enumerate(reports):
        for data in getattr(report, "findings", ()):
            key, ranked = key_of(data), (plainness(data), number)
            plainest[key] = min(plainest.get(key, ranked), ranked)
    kept = {number for _, number in plainest.values()}
    return [each for number, each in enumerate(reports) if number in kept or not getattr(each, "findings", ())]


def _times(issue: IssueRecord) -> str:
    return f"  ({issue.count:,} times)" if issue.count > 1 else ""


def _indented(text: str) -> Iterator[str]:
    yield from (f"        {line}" for line in text.splitlines())
