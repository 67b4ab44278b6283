"""`schemathesis run` is run as it comes, its key stays off the command line, and its false alarms count for nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract_tests.mock_api.process import running_mock
from contract_tests.runner.under_test import FAULTY_MOCK
from contract_tests.spec.contract import load_contract
from contract_tests.trials import baseline
from contract_tests.trials.baseline import Alarm, BaselineRun, baseline_outcome, run_baseline
from contract_tests.trials.faults import ALWAYS_FAILS

REFUSED_VALID = Alarm("PATCH /personas/{persona_id}", "positive_data_acceptance", "fuzzing")
SERVER_ERROR = Alarm("GET /personas", "not_a_server_error", "examples")
UNREACHABLE = "http://127.0.0.1:9/v1"
KEY = "a-key-that-nobody-may-see"


def pretend(monkeypatch: pytest.MonkeyPatch, code: int, events: str, stderr: str = "") -> list[Any]:
    """Let nothing be run, and note with what it would have been."""
    calls: list[Any] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        calls.append((command, options))
        Path(command[command.index("--report-ndjson-path") + 1]).write_text(events, "utf-8")
        return subprocess.CompletedProcess(command, code, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def test_alarm_that_the_clean_mock_raises_too_catches_nothing() -> None:
    """What `schemathesis run` says of the mock as it should be says nothing about a fault."""
    assert baseline_outcome(BaselineRun((REFUSED_VALID,), 6.0), [REFUSED_VALID]).result == baseline.MISSED


def test_first_alarm_of_its_own_names_what_caught_a_fault() -> None:
    """A fault is caught by the first alarm that the mock as it should be does not raise."""
    outcome = baseline_outcome(BaselineRun((REFUSED_VALID, SERVER_ERROR), 6.0), [REFUSED_VALID])
    assert outcome.result == baseline.CAUGHT
    assert outcome.by == "GET /personas: not_a_server_error (examples)"


def test_run_that_was_kept_from_judging_is_neither_caught_nor_missed() -> None:
    """A run that was disturbed and found nothing proves nothing; what it found before counts."""
    assert (
        baseline_outcome(BaselineRun((REFUSED_VALID,), 6.0, "took too long"), [REFUSED_VALID]).result == baseline.ERROR
    )
    assert baseline_outcome(BaselineRun((SERVER_ERROR,), 6.0, "took too long"), []).result == baseline.CAUGHT


def test_key_is_in_the_environment_and_not_among_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody on a machine sees the arguments of its processes."""
    calls = pretend(monkeypatch, 0, "")
    run_baseline(load_contract(), UNREACHABLE, KEY, 1)
    command, options = calls[0]
    assert not any(KEY in argument for argument in command)
    assert options["env"][baseline.KEY_VARIABLE] == KEY


def test_exit_code_of_wrong_usage_is_an_error_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only 0 and 1 come from a run that reached its end."""
    pretend(monkeypatch, 2, "", stderr="Usage: run\nError: no such option")
    assert run_baseline(load_contract(), UNREACHABLE, KEY, 1).error == "exit code 2: Error: no such option"


def test_request_without_an_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report names the first request that was not answered."""
    pretend(monkeypatch, 1, '{"NonFatalError": {"label": "GET /personas", "value": {"type": "ConnectionError"}}}\n')
    run = run_baseline(load_contract(), UNREACHABLE, KEY, 1)
    assert (run.alarms, run.error) == ((), "GET /personas: ConnectionError")


def test_mock_that_always_fails_is_caught_by_a_real_run() -> None:
    """The installed schemathesis runs, reads its key, and its report is understood."""
    with running_mock("--fault", ALWAYS_FAILS, module=FAULTY_MOCK) as mock:
        run = run_baseline(
            load_contract(), mock.url, mock.api_key, 1, "--phases=examples", "--include-operation-id=listPersonas"
        )
    outcome = baseline_outcome(run, [REFUSED_VALID])
    assert outcome.result == baseline.CAUGHT
    assert outcome.by.startswith("GET /personas: not_a_server_error")
