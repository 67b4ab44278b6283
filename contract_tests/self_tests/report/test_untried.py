"""What a run says nothing about stands in its verdict, its terminal summary, run.json and the page."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from contract_tests.report.folder import Reports
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.pages import report_run
from contract_tests.report.recording import record
from contract_tests.report.records import read_as
from contract_tests.report.run_record import RunRecord, UntriedParts
from contract_tests.report.verdict import verdict
from contract_tests.spec.contract import CONTRACT_FILE, Contract, load_contract
from contract_tests.spec.extensions import Untried

REMOVAL = "            DeleteCreatedPersona:\n              operationId: "
DELETION = "#/paths/~1personas~1{persona_id}/delete"
FORMAT = "#/components/schemas/WaitSeconds/format"


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    """A contract that does not promise exact ids, has a format that nobody knows, and cannot remove an item."""
    text = CONTRACT_FILE.read_text("utf-8")
    for old, new in (
        ("  exact_ids: ", "  x-exact_ids: "),
        ("      format: float\n      minimum: 0.1", "      format: shoe-size\n      minimum: 0.1"),
        (f"{REMOVAL}deletePersona\n", f"{REMOVAL}getPersona\n"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("  x-exact_ids")]
    path = tmp_path / "ours.yaml"
    path.write_text("".join(lines), "utf-8")
    return load_contract(path)


def _passed(contract: Contract) -> Outcomes:
    outcomes = Outcomes(contract)
    outcomes.tests["test_x.py::test_y"] = "passed"
    outcomes.requests["GET /x"] = 1
    return outcomes


def test_whole_contract_leaves_nothing_untried() -> None:
    """The contract of this repository makes every promise, and the suite knows every keyword of it."""
    outcomes = _passed(load_contract())
    assert outcomes.untried == UntriedParts()
    assert verdict(outcomes, 0)[0].endswith("every answer is as openapi.yaml says.")


def test_unknown_keyword_of_a_whole_body_is_named(tmp_path: Path) -> None:
    """What a body as a whole is held to, beside its fields, is tried or named."""
    text = CONTRACT_FILE.read_text("utf-8")
    path = tmp_path / "ours.yaml"
    old = "    PersonaUpdate:\n"
    assert text.count(old) == 1
    path.write_text(text.replace(old, f"{old}      unevaluatedProperties: true\n"), "utf-8")
    pointer = "#/components/schemas/PersonaUpdate/unevaluatedProperties"
    assert [clause.pointer for clause in _passed(load_contract(path)).untried.clauses] == [pointer]


def test_verdict_names_what_is_not_tried(contract: Contract) -> None:
    """The last line of a run that holds says for how much of the contract that is no statement."""
    line, code = verdict(_passed(contract), 0)
    assert code == 0
    assert (
        f"as ours.yaml says. 2 clauses not tried: {DELETION}, {FORMAT}; the contract has no operation to remove" in line
    )
    assert line.endswith("1 promise not made, so not tried.")


def test_summary_and_reports_list_what_is_not_tried(contract: Contract, tmp_path: Path) -> None:
    """Each clause with its reason, each missing operation and each promise that is not made, in one section."""
    outcomes = _passed(contract)
    lines = outcomes.untried.lines()
    assert lines[0] == f"{DELETION}: deletePersona is not called: no link leads to it"
    assert lines[1].startswith(f"{FORMAT}: ")
    assert lines[2:] == ["no operation to remove", "not promised: exact_ids"]
    line, code = verdict(outcomes, 0)
    run = record(outcomes, line, code)
    report_run(Reports(tmp_path), run)
    told = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert told["untried"]["promises"] == ["exact_ids"]
    assert told["untried"]["operations"] == ["remove"]
    assert [each["pointer"] for each in told["untried"]["clauses"]] == [DELETION, FORMAT]
    page = (tmp_path / "index.html").read_text("utf-8")
    assert 'id="untried"' in page
    assert "not promised: exact_ids" in page
    assert read_as(RunRecord, told) == run


def test_many_clauses_are_counted_and_some_are_named() -> None:
    """A sentence stays a sentence."""
    parts = UntriedParts(clauses=tuple(Untried(f"#/x/{number}", "not known") for number in range(9)))
    assert parts.sentence() == "9 clauses not tried: #/x/0, #/x/1, #/x/2 and 6 more"
    assert asdict(parts)["clauses"][8] == {"pointer": "#/x/8", "why": "not known"}
