"""The lines of a report that repeat a request: they work in a shell, on an item that the reader makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract_tests.checks.findings import Finding
from contract_tests.mock_api.process import running_mock
from contract_tests.report.issues import FindingData, finding_data
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.recording import record
from contract_tests.report.repeating import ADVICE, making_line, needs_item
from contract_tests.report.summary import Summary
from contract_tests.self_tests.transport.shapes import PERSONAS
from contract_tests.spec.contract import CONTRACT_FILE, Contract, load_contract
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.redaction import OWN_KEY

CONTRACT = load_contract()
CONTRACTS = sorted((Path(__file__).parents[1] / "contracts").glob("*.yaml"))
REQUIRED = "required: [name, voice_name, language_code]"
MAXIMUM = "#/components/schemas/WaitSeconds/maximum"
USUAL = (("content-type", "application/json"), ("x-api-key", OWN_KEY))


def _finding(body: bytes = b'{"wait_seconds": 1.5}') -> Finding:
    headers = httpx.Headers({"content-type": "application/json"})
    exchange = Exchange("PATCH", "/personas/gone", USUAL, body, 200, headers, b"{}", "gone", shape=PERSONAS)
    return Finding("broken", "it broke", "it holds", MAXIMUM, exchange)


@pytest.mark.skipif(not shutil.which("curl"), reason="the lines are for curl")
def test_lines_work_one_after_the_other() -> None:
    """The line that makes an item puts its id where the line that repeats a request finds it."""
    lines = f"{making_line(CONTRACT)}\n{_finding().exchange.curl()}"
    with running_mock() as mock:
        given = {"BASE_URL": mock.url, "COVAL_API_KEY": mock.api_key}
        finished = subprocess.run(
            ["sh", "-e"],
            input=lines,
            env={"PATH": os.environ["PATH"]} | given,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["persona"]["wait_seconds"] == 1.5


def test_line_is_for_those_that_name_an_item() -> None:
    """A list or a create is repeated without one."""
    named = _finding().exchange
    assert needs_item([named.curl()])
    assert not needs_item([replace(named, path="/personas", item_id=None).curl(), ""])


@pytest.mark.parametrize("required", ["", "required: [name, voice_name, language_code]"], ids=["free", "listed"])
def test_contract_without_an_example_makes_a_body_where_it_can(tmp_path: Path, required: str) -> None:
    """Without an example the body holds the required fields; where another operation lists their values there is no line."""
    text = CONTRACT_FILE.read_text("utf-8")
    for old, new in (
        ("            examples:\n              smallest", "            x-e:\n              smallest"),
        (REQUIRED, required),
    ):
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "openapi.yaml"
    path.write_text(text, "utf-8")
    assert ("--data-binary '{}'" in making_line(load_contract(path))) is (required == "")
    assert bool(making_line(load_contract(path))) is (required == "")


@pytest.mark.skipif(not shutil.which("curl"), reason="the lines are for curl")
@pytest.mark.parametrize("path", [CONTRACT_FILE, *CONTRACTS], ids=lambda path: str(path.stem))
def test_line_carries_key_and_body_as_the_contract_says(path: Path) -> None:
    """Whatever key, path and envelope a contract has, the line sends a valid body with the key and exports the id."""
    contract = load_contract(path)
    with _recording(contract) as (url, requests):
        given = {"BASE_URL": url, contract.key.env: "a:secret", "PATH": os.environ["PATH"]}
        lines = f'{making_line(contract)}\necho "$ITEM_ID"'
        finished = subprocess.run(["sh", "-e"], input=lines, env=given, capture_output=True, text=True, timeout=60)
    assert (finished.returncode, finished.stdout.strip()) == (0, "4711"), finished.stderr
    ((method, target, headers, body),) = requests
    assert (method, target.partition("?")[0]) == ("POST", contract.resource.create.path)
    assert contract.accepts("create", json.loads(body))
    sent = {**headers, **dict(pair.split("=") for pair in target.partition("?")[2].split("&") if pair)}
    value = {"bearer": "Bearer a:secret", "basic": "Basic YTpzZWNyZXQ="}.get(contract.key.kind, "a:secret")
    assert contract.key.kind == "none" or value in sent[contract.key.name]


@contextmanager
def _recording(contract: Contract) -> Iterator[tuple[str, list[tuple[str, str, dict[str, str], bytes]]]]:
    """Serve one answer that has an id where the contract says, and note what was asked."""
    requests = []
    answer: Any = {contract.resource.id_name: 4711}
    for step in reversed(contract.resource.item_at):
        answer = {step: answer}

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            requests.append((self.command, self.path, {n.lower(): v for n, v in self.headers.items()}, body))
            self.send_response(201)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_terminal_tells_how_to_get_an_item_once() -> None:
    """However much was found, the line that makes an item stands there once."""
    outcomes = Outcomes(CONTRACT)
    summary = Summary(outcomes)
    assert ADVICE not in list(summary._broken(record(outcomes)))
    for number in range(3):
        told: FindingData = {**finding_data(_finding()), "topic": str(number)}
        report = pytest.TestReport(f"test_x.py::test_{number}", ("", 0, ""), {}, "failed", "no", "call")
        report.findings = [told]  # type: ignore[attr-defined]
        outcomes.pytest_runtest_logreport(report)
    lines = list(summary._broken(record(outcomes)))
    assert lines.count(ADVICE) == 1
    assert lines[lines.index(ADVICE) + 1].strip() == making_line(CONTRACT)
