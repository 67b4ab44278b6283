"""The test file that a red run leaves: red where the fault is, green where it is not, alone, without a trace or a secret."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract_tests.checks.findings import Finding
from contract_tests.mock_api.process import RunningMock
from contract_tests.report.folder import Reports
from contract_tests.report.regressions import FILE, regressions, write_regressions
from contract_tests.report.run_record import IssueRecord, RunRecord
from contract_tests.runner.configuration import Configuration, foreign_environment
from contract_tests.self_tests.forked_run import forked_run
from contract_tests.self_tests.planted_mock import planted_mock
from contract_tests.spec.contract import Contract, load_contract
from contract_tests.transport.exchange import Exchange

CONTRACT = load_contract()
OTHERS = Path(__file__).parents[1] / "contracts"
HOSTILE = 'a\n"""\nimport os  # \u2028 \x1b[31m\ndef test_of_theirs(): ...\n\\'
# A fault of each kind, and the tests that find it.
FAULTS = {
    "wait_seconds_maximum_exclusive": "first_look",
    "wait_seconds_maximum_one_wider": "first_look",
    "name_length_in_bytes": "first_look",
    "update_forgotten": "update_rules",
    "refused_value_stored": "update_rules",
    "list_is_oldest_first": "orders",
    "page_size_ignored": "pages",
    "answers_as_plain_text": "update_rules",
    "error_without_code": "errors",
    "update_without_a_key": "authentication",
    "removed_item_can_be_updated": "deletion",
    "update_answered_201": "update_rules",
    "create_time_renewed_by_updates": "identity",
    "key_echoed_in_errors": "errors",
}


def found(contract: Contract, fault: str, promise: str, folder: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Run the suite on a mock with a fault, and the file that it leaves on the same; both."""
    with planted_mock(contract, "fault", fault) as mock:
        asked = Configuration(
            contract=contract.document.file, base_url=mock.url, api_key=mock.api_key, key_name=contract.key.env, seed=7,
            max_requests=2_000, requests_per_second=0, reports=folder / "reports", journal_folder=folder / "journal",
        )  # fmt: skip
        ended = forked_run(asked, folder, (promise,), "--maxfail=2")
        file = folder / "reports" / FILE
        assert file.exists(), ended.text
        return file, alone(file, mock, contract)


def alone(file: Path, mock: RunningMock, contract: Contract) -> subprocess.CompletedProcess[str]:
    """Run a file as somebody who has pytest and httpx: in isolation, with nothing of this repository."""
    known = {name: value for name, value in foreign_environment().items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--tb=line", str(file)]
    known |= {"BASE_URL": mock.url, contract.key.env: mock.api_key}
    return subprocess.run(command, cwd=file.parent, env=known, capture_output=True, text=True, check=False)


def listed(mock: RunningMock) -> list[Any]:
    """List what is there, whoever made it."""
    answer = httpx.get(f"{mock.url}/personas", headers={"x-api-key": mock.api_key})
    return [each["id"] for each in answer.raise_for_status().json()["personas"]]


@pytest.mark.parametrize("fault", FAULTS)
def test_file_is_red_where_the_fault_is_and_green_where_it_is_not(fault: str, tmp_path: Path) -> None:
    """Each test fails on the API that was found out; all pass on one that keeps its contract, and leave nothing there."""
    file, red = found(CONTRACT, fault, FAULTS[fault], tmp_path)
    text = file.read_text("utf-8")
    count = text.count("\ndef test_")
    assert (count > 0, f"{count} failed" in red.stdout, " passed" in red.stdout) == (True, True, False), red.stdout
    with planted_mock(CONTRACT) as mock:
        before = listed(mock)
        green = alone(file, mock, CONTRACT)
        assert (green.returncode, listed(mock)) == (0, before), green.stdout
        assert mock.api_key not in text


@pytest.mark.parametrize(
    ("contract", "fault"),
    [("tickets", "estimateHours_maximum_one_wider"), ("devices", "update_forgotten"), ("bookings", "update_forgotten")],
)
def test_file_follows_any_contract(contract: str, fault: str, tmp_path: Path) -> None:
    """Whatever its key, its ids and the place of its items are."""
    other = load_contract(OTHERS / f"{contract}.yaml")
    file, red = found(other, fault, "first_look", tmp_path)
    assert (red.returncode, " passed" in red.stdout) == (1, False), red.stdout
    with planted_mock(other) as mock:
        green = alone(file, mock, other)
    assert green.returncode == 0, green.stdout


def test_file_needs_pytest_and_httpx_only() -> None:
    """All else that it imports comes with Python."""
    tree = ast.parse(regressions(RunRecord(), CONTRACT))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in names} - {*sys.stdlib_module_names} == {"httpx", "pytest"}


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A violation that takes more than a few requests stands in the file as such."""
    file, run = found(CONTRACT, "create_makes_two", "creation", tmp_path)
    assert ("\ndef test_" in file.read_text("utf-8"), run.returncode) == (
        False,
        int(pytest.ExitCode.NO_TESTS_COLLECTED),
    )
    assert "# Not written as tests" in file.read_text("utf-8")


def test_request_that_is_too_long_is_not_written() -> None:
    """A body that no reader would follow is named, as what needs more than a few requests is."""
    long = "".join(map(str, range(3_000))).encode()
    for body, is_written in ((b"a" * 100_000, True), (long, False)):
        exchange = Exchange("POST", "/x", (), body, 400, {}, b"")
        finding = Finding("broken", "a", "b", "#/x", exchange, expects="answer.status_code in [200]")
        assert bool(finding.lines()) == is_written
        assert not replace(finding, expects="").lines()


def test_text_of_an_api_is_no_code() -> None:
    """What an API says stays in its comment."""
    issue = IssueRecord("broken", HOSTILE, HOSTILE, HOSTILE, HOSTILE, lines=("assert True",), test=HOSTILE)
    text = regressions(RunRecord(HOSTILE, started=HOSTILE, violations=(issue, replace(issue, lines=()))), CONTRACT)
    tree = ast.parse(text)
    tests = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assert tests == ["test_1_a_import_os_31m_def_test_of_theirs"]
    assert "\u2028" not in text
    assert "\x1b" not in text


def test_run_that_holds_leaves_the_file_of_another_alone(tmp_path: Path) -> None:
    """What was found stays until something else is."""
    reports = Reports(tmp_path)
    write_regressions(reports, RunRecord(violations=(IssueRecord("broken", "a"),)), CONTRACT)
    text = (tmp_path / FILE).read_text("utf-8")
    write_regressions(reports, RunRecord(), CONTRACT)
    assert ((tmp_path / FILE).read_text("utf-8"), reports.unwritten) == (text, {})
