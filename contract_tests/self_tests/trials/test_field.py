"""The field trial installs nothing here: its files are read, and its machinery is tried with Python's own file server."""

import sys
from pathlib import Path

import httpx
import pytest

from contract_tests.errors import Refused
from contract_tests.runner.configuration import Configuration
from contract_tests.spec.contract import load_contract
from contract_tests.trials import field


@pytest.fixture
def file_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> field.FieldServer:
    """A server whose environment is the one of these tests."""
    server = field.FieldServer(
        name="files",
        python="requirements.txt",
        start=["python", "-m", "http.server", "{port}", "--bind", "127.0.0.1"],
        ready="http://127.0.0.1:{port}/",
        base_url="http://127.0.0.1:{port}/v1",
        contract="contract.yaml",
        before=[["python", "-c", "open('made-before', 'w')"]],
    )
    monkeypatch.setattr(field, "CACHE", tmp_path)
    server.programs.mkdir(parents=True)
    (server.programs / "python").symlink_to(sys.executable)
    return server


@pytest.mark.parametrize("name", field.names())
def test_server_is_pinned_and_its_contract_is_read(name: str) -> None:
    server = field.read_server(name)
    pins = (server.folder / server.python).read_text("utf-8").splitlines()
    assert all("==" in line for line in pins) and len(pins) > 1
    contract = load_contract(server.folder / server.contract)
    assert set(contract.resource.missing) <= {"list"}


def test_server_answers_for_as_long_as_the_block_lasts(file_server: field.FieldServer) -> None:
    with field.running(file_server) as base_url:
        root = base_url.removesuffix("/v1")
        assert "made-before" in httpx.get(root).text
    with pytest.raises(httpx.ConnectError):
        httpx.get(root)


def test_server_is_stopped_when_the_run_fails(file_server: field.FieldServer) -> None:
    with pytest.raises(KeyboardInterrupt), field.running(file_server) as base_url:
        raise KeyboardInterrupt
    with pytest.raises(httpx.ConnectError):
        httpx.get(base_url)


def test_server_that_ends_at_once_is_refused(file_server: field.FieldServer) -> None:
    file_server.start[1:] = ["-c", "raise SystemExit(3)"]
    with pytest.raises(Refused, match=r"before it was ready; see .*server\.log"), field.running(file_server):
        pass


def test_unknown_server_is_refused() -> None:
    with pytest.raises(Refused, match="no field server is called nothing"):
        field.field_trial(Configuration(), ["nothing"])


@pytest.mark.parametrize(
    ("printed", "verdict", "violations"),
    [
        ("verdict: holds. 5 tests sent 100 requests, and every answer is right.", "holds", 0),
        ("text\nverdict: violated. 3 broken, 2 looser, after 1,000 requests.\n", "violated", 5),
        ("verdict: violated. 4 of 60 limits lie not where openapi.yaml says: 4 looser.", "violated", 4),
        ("Traceback", "none", 0),
    ],
)
def test_verdict_is_read_from_what_was_printed(printed: str, verdict: str, violations: int) -> None:
    outcome = field.outcome("files", "contract", printed, 1, 0)
    assert (outcome.verdict, outcome.violations) == (verdict, violations)
