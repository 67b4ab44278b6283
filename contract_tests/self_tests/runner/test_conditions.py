"""The decorators with which a test says what it takes from the contract."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from contract_tests.checks.conditions import MARKS
from contract_tests.runner.selection import Collection

TESTS = """
    import pytest

    from contract_tests.checks.conditions import for_each, needs


    @for_each("field", lambda contract: contract.names, ids=str.upper)
    def test_field(field):
        assert field in ("age", "size")


    @for_each("field, size", lambda contract: [(name, len(name)) for name in contract.names])
    @pytest.mark.parametrize("times", [1, 2])
    def test_pair(field, size, times):
        assert len(field) == size


    @for_each("value", lambda contract: [])
    def test_without_cases(value):
        raise AssertionError


    @needs("create", "remove")
    @for_each("value", lambda contract: contract.fields("remove"))
    def test_without_operation():
        raise AssertionError


    @needs("create")
    @needs("atomic", lambda contract: contract.names)
    def test_with_all():
        pass


    @needs("atomic", "isolation")
    class TestPromise:
        def test_isolation(self):
            raise AssertionError


    @needs(lambda contract: contract.paging)
    def test_pages():
        raise AssertionError
"""


class _Contract:
    """As much of a contract as the decorators ask for."""

    names = ("age", "size")
    paging = None

    def has(self, role: str) -> bool:
        return role == "create"

    def promises_that(self, name: str) -> bool:
        return name == "atomic"


class _Run:
    """Runs no test of this repository: only those of the file, and notes what they came to."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        for name, meaning in MARKS.items():
            config.addinivalue_line("markers", f"{name}: {meaning}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid.partition("::")[2]] = report.outcome


def _collected(folder: Path, text: str, contract: Any) -> dict[str, str]:
    file = folder / "test_some.py"
    file.write_text(textwrap.dedent(text), "utf-8")
    run = _Run()
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        "-c",
        "/dev/null",
        "--strict-markers",
        "--import-mode=importlib",
    ]
    pytest.main([*options, str(file)], plugins=[Collection(contract), run])
    return run.outcomes


def test_tests_are_tried_with_the_cases_of_the_contract(tmp_path: Path) -> None:
    """Each case is a test with a readable id; other parameters multiply them."""
    outcomes = _collected(tmp_path, TESTS, _Contract())
    assert {name for name in outcomes if name.startswith("test_field")} == {"test_field[AGE]", "test_field[SIZE]"}
    assert len([name for name in outcomes if name.startswith("test_pair")]) == 4
    assert set(outcomes.values()) == {"passed"}


def test_tests_with_nothing_to_do_are_left_out(tmp_path: Path) -> None:
    """None of them is run, skipped or in error, and no case of a test is asked for whose conditions are not met."""
    outcomes = _collected(tmp_path, TESTS, _Contract())
    assert "test_with_all" in outcomes
    left_out = {"test_without_cases", "test_without_operation", "TestPromise", "test_pages"}
    assert all(name in TESTS for name in left_out)
    assert not left_out & {name.partition("[")[0].partition("::")[0] for name in outcomes}
