"""
Keeps the key out of what a test leaves behind: its traceback, with locals or without, and what it has printed.

A pytest plugin, of the process that reports and of xdist's workers. Reports are cleared where they are made, so that
whoever writes them down, in a terminal or in a file, has nothing to hide.
"""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.secrecy import Secrecy


class Redaction:
    """Clears the reports of a run of its key."""

    def __init__(self, api_key: str) -> None:
        self._secrecy = Secrecy([api_key])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Any:
        """Clear the report of one phase of a test."""
        report: Any = yield
        return self._cleared(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Any:
        """Clear the report of a file that could not be read."""
        report: Any = yield
        return self._cleared(report)

    def _cleared(self, report: Any) -> Any:
        clear = self._secrecy.text
        if isinstance(report.longrepr, tuple):
            path, line, reason = report.longrepr
            report.longrepr = (path, line, clear(reason))
        elif report.longrepr is not None:
            shown = str(report.longrepr)
            report.longrepr = report.longrepr if clear(shown) is shown else clear(shown)
        report.sections = [(name, clear(text)) for name, text in report.sections]
        return report
