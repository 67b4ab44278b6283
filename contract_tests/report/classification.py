"""
Sorts the end of each test into what it says: the API broke a promise, an answer was inconclusive, or the test is wrong.

A pytest plugin, of the process that reports and of xdist's workers. What it adds to a test's report is plain data.
"""

from typing import Any

import pytest

from contract_tests.checks.findings import KNOWN, Violation
from contract_tests.checks.known_divergences import Divergence
from contract_tests.errors import Inconclusive
from contract_tests.report.issues import assertion_data, failed_assertions, finding_data, members
from contract_tests.report.not_run import is_self_test
from contract_tests.spec.contract import Contract


class Classification:
    """Adds `findings`, `met` or `inconclusive` to the reports of tests."""

    def __init__(self, contract: Contract, known: tuple[Divergence, ...]) -> None:
        self.contract = contract
        self.known = known
        self._doubts_seen = 0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Show a violation as its message alone, and keep an inconclusive answer apart from both outcomes."""
        error = call.excinfo.value if call.excinfo is not None and not is_self_test(item) else None
        violations = members(error, Violation)
        if call.excinfo is not None and (violations or isinstance(error, Inconclusive)):
            call.excinfo.traceback = call.excinfo.traceback[-1:]  # the message replaces it, and writing it takes long
        report: Any = yield
        if is_self_test(item):
            return report
        doubts = self._new_doubts(item)
        report.met = [(entry.number, finding_data(finding)) for entry, finding in KNOWN.drain()]
        if violations:
            report.findings = [finding_data(finding) for violation in violations for finding in violation.findings]
            report.longrepr = "\n\n".join(dict.fromkeys(str(violation) for violation in violations))
        elif error is not None:
            self._classify(report, item, error, doubts)
        # A test that met what is known, and nothing else, counts as pytest counts an expected failure.
        found = getattr(report, "findings", None if error is not None else [])
        if report.met and call.when == "call" and found == [] and not hasattr(report, "inconclusive"):
            report.outcome, report.wasxfail = "skipped", "a known divergence"
        return report

    def _classify(self, report: Any, item: pytest.Item, error: BaseException, doubts: list[str]) -> None:
        """Tell a failed assertion about the API from an answer that says nothing, and both from an error of a test."""
        assertions = failed_assertions(error)
        # hypothesis calls a test flaky that meets a time-out once: the assertion is its own.
        if assertions and (assertions[0] is error or not doubts):
            data = assertion_data(self.contract, item, assertions[0])
            about = (data["kind"], data["clause"], data["headline"], data["promise"])
            entry = next((each for each in self.known if each.covers(*about)), None)
            report.met += [(entry.number, data)] if entry is not None else []
            report.findings = [data] if entry is None else []
        elif doubts := doubts or [str(doubt) for doubt in members(error, Inconclusive)]:
            report.outcome = "skipped"
            report.inconclusive = doubts[0]
            report.longrepr = (str(report.fspath), 0, f"inconclusive: {doubts[0]}")

    def _new_doubts(self, item: pytest.Item) -> list[str]:
        """Return the requests without a useful answer since this was asked last."""
        run = getattr(item, "funcargs", {}).get("run")
        if run is None:
            return []
        doubts: list[str] = run.api.created.doubts[self._doubts_seen :]
        self._doubts_seen = len(run.api.created.doubts)
        return doubts
