"""
Keeps the key out of what a test leaves behind, and what moves a terminal: its traceback, its output, what it found.

A pytest plugin, of the process that reports and of xdist's workers. Reports are cleared where they are made, so that
whoever writes them down, in a terminal or in a file, has nothing to hide.
"""

from typing import Any

import pytest

from contract_tests.foreign_text import LAYOUT, shown
from contract_tests.transport.redaction import Redactor

# Characters of a traceback, or of what a test has printed.
LONGEST_TEXT = 200_000
# What the other plugins of a run add to a report.
REASONS = ("inconclusive", "ended", "forbidden")


class Redaction:
    """Clears the reports of a run of its key."""

    def __init__(self, api_key: str) -> None:
        self._redactor = Redactor([api_key])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Any:
        """Clear the report of one phase of a test."""
        report: Any = yield
        if isinstance(report.longrepr, tuple):
            path, line, reason = report.longrepr
            report.longrepr = (path, line, self._clear(reason))
        elif report.longrepr is not None:
            text = str(report.longrepr)
            report.longrepr = report.longrepr if self._clear(text) is text else self._clear(text)
        report.sections = [(name, self._clear(text)) for name, text in report.sections]
        for name in REASONS:
            if hasattr(report, name):
                setattr(report, name, shown(self._clear(getattr(report, name))))
        for data in (*getattr(report, "findings", ()), *(data for _, data in getattr(report, "met", ()))):
            data.update({name: self._clear(text) for name, text in data.items() if isinstance(text, str)})
        return report

    # That of a file that could not be read, too.
    pytest_make_collect_report = pytest_runtest_makereport

    def _clear(self, text: str) -> str:
        return shown(self._redactor.text(text), LONGEST_TEXT, keep=LAYOUT)
