"""
Writes reports/junit.xml, as pytest's own --junitxml does, and never at the cost of the run.

pytest opens its file while it ends the session: where that fails, nothing after it is done, the clean-up included. And
two runs that share the folder would write into one file.
"""

from pathlib import Path

import pytest
from _pytest.junitxml import LogXML

from contract_tests.report.folder import Reports, discard, draft_of

NAME = "junit.xml"


class JUnitReport:
    """Leaves a junit.xml."""

    def __init__(self, reports: Reports) -> None:
        self.reports = reports

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take the place of pytest's own report; a path that the arguments name is kept."""
        named, config.option.xmlpath = config.option.xmlpath, None
        config.pluginmanager.register(_Log(self.reports, named, config.option.junitprefix), "junit_report")


class _Log(LogXML):  # the only way to say where the file is opened
    """pytest's report, written under a name of its own and then put in its place."""

    def __init__(self, reports: Reports, named: str | None, prefix: str | None) -> None:
        self._reports = reports
        self._path = Path(named) if named else reports.path / NAME
        # What a person names may be a device, which nothing may take the place of.
        self._draft = self._path if named else draft_of(self._path)
        super().__init__(str(self._draft), prefix)

    def pytest_sessionfinish(self) -> None:
        """Write the file, or note why it cannot be written."""
        with self._reports.attempt(self._path.name):
            try:
                super().pytest_sessionfinish()
                if self._draft != self._path:
                    self._draft.replace(self._path)
            finally:
                if self._draft != self._path:
                    discard(self._draft)

    def pytest_terminal_summary(self) -> None:  # type: ignore[override]  # pytest would name the draft
        """Say nothing: README says where it is."""
