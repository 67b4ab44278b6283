"""
What a run has not tried: because its budget or its patience ended, or because the account may not do it.

A pytest plugin, of the process that reports and of xdist's workers. It stops the run when no further request is sent.
"""

from collections import Counter
from collections.abc import Sized
from pathlib import Path
from typing import Any

import pytest

from contract_tests.errors import NotAllowed, RunEnded

SELF_TESTS = Path(__file__).parents[1] / "self_tests"
# A report names so many files.
MOST_FILES = 6


class NotRun:
    """The tests of a run that came to nothing for want of requests or rights."""

    def __init__(self) -> None:
        self.reason = ""
        """Why the run stopped before its end."""
        self.forbidden: dict[str, str] = {}
        """Why the account does not allow a test, by the test."""
        self._planned: list[str] = []
        self._tried: set[str] = set()

    @property
    def not_tried(self) -> list[str]:
        """The tests that were not begun, or not finished, when the run stopped."""
        if not self.reason:
            return []
        return [test for test in self._planned if test not in self._tried and test not in self.forbidden]

    def join(self, reason: str, forbidden: dict[str, str], not_tried: list[str]) -> None:
        """Take over what another process has not tried."""
        self.reason = self.reason or reason
        self.forbidden |= forbidden
        self._planned += not_tried

    def sentence(self) -> str:
        """Say what was not tried; empty where all was."""
        parts = []
        if not_tried := self.not_tried:
            files = Counter(test.partition("::")[0].rpartition("/")[2] for test in not_tried)
            named = ", ".join(f"{name} {count}" for name, count in list(files.items())[:MOST_FILES])
            more = f" and {len(files) - MOST_FILES} files more" if len(files) > MOST_FILES else ""
            parts.append(f"{_count(not_tried)} not tried: {named}{more}")
        if self.forbidden:
            parts.append(f"{_count(self.forbidden)} not tried: {next(iter(self.forbidden.values()))}")
        return "; ".join(parts)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Turn what the account does not allow into a skip, and stop the run once no further request is sent."""
        report: Any = yield
        if is_self_test(item):
            return report
        error = call.excinfo.value if call.excinfo else None
        if isinstance(error, NotAllowed):
            report.outcome = "skipped"
            report.longrepr = (str(report.fspath), 0, f"not tried: {error}")
            report.forbidden = str(error)
        run = (getattr(item, "funcargs", None) or {}).get("run")
        ended = run.api.transport.ended if run is not None else ""
        if not ended and isinstance(error, RunEnded):
            ended = str(error)
        if ended:
            report.ended = ended
            item.session.shouldstop = ended
        return report

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what is planned."""
        self._planned = [item.nodeid for item in session.items]

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """Note what is planned, where xdist's workers collect."""
        self._planned = list(ids)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note what was tried."""
        if hasattr(report, "ended"):
            self.reason = report.ended
        if hasattr(report, "forbidden"):
            self.forbidden[report.nodeid] = report.forbidden
        elif report.when == "call" or not report.passed:
            is_cut_off = hasattr(report, "ended") and hasattr(report, "inconclusive")
            self._tried |= set() if is_cut_off else {report.nodeid}


def _count(tests: Sized) -> str:
    return "1 test was" if len(tests) == 1 else f"{len(tests):,} tests were"


def is_self_test(item: pytest.Item) -> bool:
    """Whether a test is about this suite: there an exception is an error, whatever it says of an API."""
    return SELF_TESTS in item.path.parents
