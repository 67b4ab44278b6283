"""
What a person reads in the terminal when a run is over: what was tried, what broke, what goes beyond the contract.

A pytest plugin, of the process that reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contract_tests.contract import load_contract
from contract_tests.findings import Matter
from contract_tests.foreign_text import LONGEST_LINE, shown
from contract_tests.report.entries import Rank, plainness
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.repeating import ADVICE, making_line, needs_item
from contract_tests.report.snippets import drift_snippet

# What the contract expects of a value, and how the summary says it.
KINDS = {"accepted": "valid", "refused": "invalid", "generated": "generated"}
MOST_REASONS = 20


class Summary:
    """
    Tells what a run came to.

    Args:
        outcomes: What its tests came to.
    """

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Any:
        """Show the plainest failure of each matter, then say what was tried and what was found."""
        failed = terminalreporter.stats.get("failed", [])
        told_first = terminalreporter.stats["failed"] = _plainest_of_each(failed)
        yield
        terminalreporter.stats["failed"] = failed
        if not self.outcomes.requests:
            return
        if len(told_first) < len(failed):
            terminalreporter.write_line(f"{len(failed) - len(told_first)} further tests failed for the same reasons")
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
                terminalreporter.write_line(shown(line, LONGEST_LINE))
        for reason in self.outcomes.inconclusive[:MOST_REASONS]:
            terminalreporter.write_line(shown(f"inconclusive: {reason}"))

    def _tried(self) -> Iterator[str]:
        requests, tally = self.outcomes.requests, self.outcomes.tally
        names = list(dict.fromkeys(name for name, _ in tally))
        width = max((len(name) for name in names), default=0)
        for name in names:
            counts = [f"{tally[name, kind]:>5} {word}" for kind, word in KINDS.items() if tally[name, kind]]
            groups = [f"{kind} {n}" for (tried, kind), n in tally.items() if tried == name and kind not in KINDS]
            yield f"{name:<{width}}  {'  '.join(counts)}" + (f"   ({', '.join(groups)})" if groups else "")
        yield ""
        for operation, count in requests.most_common():
            yield f"{count:>6}  {operation}"
        if self.outcomes.silent_workers:
            yield f"{self.outcomes.silent_workers} workers were broken off before they said what they had sent and made"
            return
        left = self.outcomes.left
        removal = f"{len(left)} left behind: {', '.join(left)}" if left else "all removed"
        yield f"{requests.total():>6}  requests in all; {self.outcomes.made} personas made, {removal}"

    def _broken(self) -> Iterator[str]:
        for entry in self.outcomes.violations():
            yield f"{entry.kind}: {self.outcomes.title(entry)}{_times(entry.count)}"
            yield f"        {entry.clause}"
            yield from _indented(self.outcomes.snippet(entry))
        if needs_item(entry.curl for entry in self.outcomes.violations()):
            yield from (ADVICE, f"  {making_line(load_contract())}")
        for divergence in self.outcomes.stale():
            yield f"known_divergences.yaml: {divergence}, no longer occurs; remove it"

    def _drifted(self) -> Iterator[str]:
        for drift in self.outcomes.drifts():
            examples = f", such as {', '.join(drift.examples)}" if drift.examples else ""
            types = f": {', '.join(drift.types)}" if drift.types else ""
            yield f"drift: {drift.headline}{types}{examples}{_times(drift.count)}"
            yield from _indented(drift_snippet(drift))

    def _lived_with(self) -> Iterator[str]:
        for divergence in self.outcomes.known:
            entries = self.outcomes.met.get(divergence.number, {}).values()
            drifts = [drift for drift in self.outcomes.known_drifts() if self.outcomes.known_drift(drift) is divergence]
            titles = [self.outcomes.title(entry) for entry in entries] + [drift.headline for drift in drifts]
            for title in titles:
                yield f"{divergence.kind}: {title}"
            if titles:
                yield f"        since {divergence.date}: {divergence.reason}"
        if not self.outcomes.stale():
            yield from (f"not met by this run: {divergence}" for divergence in self.outcomes.unmet())


def _plainest_of_each(reports: list[Any]) -> list[Any]:
    """Leave out the reports that tell of nothing but what another one tells more plainly."""
    plainest: dict[Matter, tuple[Rank, int]] = {}
    for number, report in enumerate(reports):
        for told in getattr(report, "findings", ()):
            matter = told["kind"], told["clause"], told["topic"]
            plainest[matter] = min(plainest.get(matter, (plainness(told), number)), (plainness(told), number))
    kept = {number for _, number in plainest.values()}
    return [each for number, each in enumerate(reports) if number in kept or not getattr(each, "findings", ())]


def _times(count: int) -> str:
    return f"  ({count:,} times)" if count > 1 else ""


def _indented(text: str | None) -> Iterator[str]:
    yield from (f"        {line}" for line in (text or "").splitlines())
