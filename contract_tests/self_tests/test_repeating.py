"""The lines of a report that repeat a request: they work in a shell, on a persona that the reader makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from contract_tests.contract import CONTRACT_FILE, load_contract
from contract_tests.exchange import Exchange
from contract_tests.findings import Finding
from contract_tests.mock_api.process import running_mock
from contract_tests.report.entries import tell
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.repeating import ADVICE, making_line, needs_item
from contract_tests.report.summary import Summary

CONTRACT = load_contract()
MAXIMUM = "#/components/schemas/WaitSeconds/maximum"
USUAL = (("content-type", "application/json"), ("x-api-key", "$COVAL_API_KEY"))


def _finding(body: bytes = b'{"wait_seconds": 1.5}') -> Finding:
    headers = httpx.Headers({"content-type": "application/json"})
    exchange = Exchange("PATCH", "/personas/gone", USUAL, body, 200, headers, b"{}", "gone")
    return Finding("broken", "it broke", "it holds", MAXIMUM, exchange)


@pytest.mark.skipif(not shutil.which("curl"), reason="the lines are for curl")
def test_lines_work_one_after_the_other() -> None:
    """The line that makes a persona puts its id where the line that repeats a request finds it."""
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


def test_line_is_for_those_that_name_a_persona() -> None:
    """A list or a create is repeated without one."""
    named = _finding().exchange
    assert needs_item([named.curl()])
    assert not needs_item([replace(named, path="/personas", persona_id=None).curl(), ""])


@pytest.mark.parametrize(
    "cut",
    [
        ("          links:", "          x-links:"),
        ("            examples:\n              smallest", "            x-e:\n              smallest"),
    ],
)
def test_contract_without_an_example_or_a_link_has_no_line(tmp_path: Path, cut: tuple[str, str]) -> None:
    """What the contract does not say is left out, and nothing breaks."""
    text = CONTRACT_FILE.read_text("utf-8")
    assert cut[0] in text
    path = tmp_path / "openapi.yaml"
    path.write_text(text.replace(*cut), "utf-8")
    assert making_line(load_contract(path)) == ""


def test_terminal_tells_how_to_get_a_persona_once() -> None:
    """However much was found, the line that makes a persona stands there once."""
    outcomes = Outcomes()
    summary = Summary(outcomes)
    assert ADVICE not in list(summary._broken())
    for number in range(3):
        told = tell(_finding()) | {"topic": str(number)}
        report = pytest.TestReport(f"test_x.py::test_{number}", ("", 0, ""), {}, "failed", "no", "call")
        report.findings = [told]  # type: ignore[attr-defined]
        outcomes.pytest_runtest_logreport(report)
    lines = list(summary._broken())
    assert lines.count(ADVICE) == 1
    assert lines[lines.index(ADVICE) + 1].strip() == making_line(CONTRACT)
