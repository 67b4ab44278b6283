"""The contract run as a command: its refusals, its last line, its exit codes."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from contract_tests.mock_api.process import RunningMock, running_mock
from contract_tests.spec.contract import CONTRACT_FILE, ROOT, ContractError, load_contract

KEY = "Self-Test-Key-4711"
ONE_TEST = "contract_tests/promises/test_deletion.py::test_removed_item_is_gone"


def _run(*arguments: str, before: Iterable[str] = (), **environment: str) -> tuple[int, str, str]:
    """Run the command and return its exit code, its last line and all of its output."""
    clean = {name: value for name, value in os.environ.items() if name not in ("BASE_URL", "COVAL_API_KEY", "SEED")}
    finished = subprocess.run(
        [sys.executable, "-m", "contract_tests", "run", *before, "--", *arguments],
        cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True,
    )  # fmt: skip
    lines = finished.stdout.rstrip().splitlines() or [""]
    return finished.returncode, lines[-1], finished.stdout + finished.stderr


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    """An API to aim at."""
    with running_mock() as mock:
        yield mock


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SEED": "many"}, "SEED must be a whole number"),
        ({"KNOWN_DIVERGENCES": "/nowhere/known.yaml"}, "known.yaml cannot be read: [Errno 2]"),
        ({"BASE_URL": "api.coval.dev/v1", "COVAL_API_KEY": KEY}, "must begin with http:// or https://"),
        ({"BASE_URL": "http://example.invalid/v1", "COVAL_API_KEY": KEY}, "unencrypted; use https"),
        ({"BASE_URL": "http://127.0.0.1:9/v1"}, "COVAL_API_KEY is not set"),
        ({"PERSONA_ID": "abc"}, "ITEM_ID lends an item of the API at BASE_URL; set BASE_URL"),
        ({"ITEM_ID": "abc", "DRY_RUN": "1"}, "ITEM_ID lends an item of the API at BASE_URL; set BASE_URL"),
        ({"BASE_URL": "http://127.0.0.1:9/v1", "COVAL_API_KEY": f"{KEY}\n"}, "a space or a line break"),
    ],
)
def test_wrong_usage_is_refused_in_one_line(environment: dict[str, str], words: str) -> None:
    """What is wrong with the call is said in the verdict, with exit code 4 and no traceback."""
    code, last, output = _run(**environment)
    assert (code, last.startswith("verdict: refused.")) == (4, True), output
    assert words in last
    assert "Traceback" not in output
    assert KEY not in output


def test_variable_that_comes_after_the_command_is_refused() -> None:
    """What make takes after its target is an option here, and the line says which."""
    code, last, output = _run("SEED=7")
    assert (code, "Traceback" in output) == (4, False), output
    assert last == "verdict: refused. SEED=7 is no argument of run; say --seed 7, or SEED=7 before the command"


def test_wrong_key_is_refused_before_anything_is_sent(mock: RunningMock) -> None:
    """A key that the API does not know ends the run at its first request."""
    code, last, output = _run(BASE_URL=mock.url, COVAL_API_KEY=KEY)
    assert (code, "the key in COVAL_API_KEY is not valid there" in last) == (4, True), output
    assert KEY not in output


def test_wrong_path_is_refused(mock: RunningMock) -> None:
    """A base URL without the API's path is noticed at the first request."""
    code, last, output = _run(BASE_URL=mock.url.removesuffix("/v1"), COVAL_API_KEY=mock.api_key)
    assert (code, "correct BASE_URL; it is what comes before /personas" in last) == (4, True), output


def test_host_that_does_not_answer_is_inconclusive() -> None:
    """Nothing follows from an API that is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code, last, output = _run(BASE_URL=f"http://127.0.0.1:{port}/v1", COVAL_API_KEY=KEY)
    assert (code, last.startswith("verdict: inconclusive.")) == (2, True), output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-k", "no_such_test"), "No test was run"),
        (("-k", "("), "pytest: Wrong expression passed to '-k': ("),
        (("--no-such-option",), "pytest: unrecognized arguments: --no-such-option; correct ARGS"),
        (("no_such_file.py",), "pytest: file or directory not found: no_such_file.py; correct ARGS"),
    ],
)
def test_arguments_with_which_no_test_is_run_are_refused(arguments: tuple[str, ...], words: str) -> None:
    """ARGS that select no test do not make a green run, and the last line says what is wrong with them."""
    code, last, output = _run(*arguments)
    assert (code, last.startswith("verdict: refused."), words in last) == (4, True, True), output
    assert output.rstrip().endswith(last)


def test_run_against_a_url_holds_and_leaves_nothing(mock: RunningMock) -> None:
    """A run against BASE_URL says what was tried, holds, and removes what it made."""
    code, last, output = _run(ONE_TEST, BASE_URL=mock.url, COVAL_API_KEY=mock.api_key, SEED="7", RATE="0")
    assert (code, last.startswith("verdict: holds.")) == (0, True), output
    assert f"under test: {mock.url}   seed: 7" in output
    assert "all removed" in output
    assert mock.api_key not in output


def test_report_is_written(tmp_path: Path) -> None:
    """A run leaves junit.xml, in which each test stands."""
    _run(ONE_TEST, before=("--folder", str(tmp_path)))
    assert "test_removed_item_is_gone" in (tmp_path / "junit.xml").read_text("utf-8")


def test_as_many_tests_are_collected_as_are_run() -> None:
    """A test that only stands for others where few requests may be sent is not counted where those are run."""
    code, _, output = _run("contract_tests/promises/test_identity.py")
    assert code == 0, output
    (collected,) = re.findall(r"^collected (\d+) items$", output, re.MULTILINE)
    assert re.findall(r"(\d+) passed in", output) == [collected], output


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (("openapi: 3.1.0", "openapi: 3.0.3"), "must be 3.1.x"),
        ((CONTRACT_FILE.read_text("utf-8"), ""), "openapi.yaml:1 #: is empty; write an OpenAPI 3.1 document"),
        (
            (CONTRACT_FILE.read_text("utf-8"), "- openapi"),
            "openapi.yaml:1 #: is no mapping; write an OpenAPI 3.1 document",
        ),
        (("paths:", "paths: ["), "is no valid YAML"),
        (("x-on-null: keep", "x-on-null: maybe"), "write clear or keep"),
        (("minLength: 1\n", "minLength: one\n"), "#/components/schemas/PersonaName/minLength"),
    ],
)
def test_unreadable_contract_names_the_place(tmp_path: Path, edit: tuple[str, str], words: str) -> None:
    """A mistake in openapi.yaml is one line that names the place."""
    text = CONTRACT_FILE.read_text("utf-8")
    assert edit[0] in text
    path = tmp_path / "openapi.yaml"
    path.write_text(text.replace(*edit, 1), "utf-8")
    with pytest.raises(ContractError) as error:
        load_contract(path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
