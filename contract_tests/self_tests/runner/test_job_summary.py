"""What a CI job shows of a run: the verdict and each violation, at the line of the contract, and no text of an API raw."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from contract_tests.errors import Refused
from contract_tests.report.run_record import ContractLabel, IssueRecord, RunRecord
from contract_tests.runner.configuration import Configuration
from contract_tests.runner.job_summary import annotation_lines, summarise, summary
from contract_tests.spec.contract import ROOT, load_contract

GOLDEN = Path(__file__).with_name("red_run.golden")
# What differs from run to run, and how many requests a run takes.
PASSING = {
    r"contract-test-[0-9a-f]{8}": "contract-test-00000000", r"/tickets/\d+": "/tickets/ID", r'"id":\d+': '"id":ID',
    r"\d{4}-\d\d-\d\dT[\d:.]+Z": "TIME", r"after \d+ requests": "after N requests",
}  # fmt: skip

CLAUSE = "#/components/schemas/PersonaName/maxLength"
ISSUE = IssueRecord(
    "broken", "a name of 199 is refused", clause=CLAUSE, count=2, sent="PATCH /x", received="400", test="test_x.py::test_y",
    curl='curl "$BASE_URL"/x/"$ITEM_ID"',
)  # fmt: skip
RED = RunRecord(
    "the mock", 7, verdict="violated", sentence="1 broken, after 9 requests.", exit_code=1, violations=(ISSUE,),
    contract=ContractLabel("An API"), repeating="export ITEM_ID=$(curl ...)",
)  # fmt: skip


def _left(folder: Path, run: RunRecord) -> Configuration:
    (folder / "run.json").write_text(json.dumps(asdict(run)), "utf-8")
    return Configuration(reports=folder)


def test_summary_has_verdict_and_each_violation_with_its_lines() -> None:
    """A reader of the job's page needs no artifact to repeat what failed."""
    text = summary(RED)
    assert text.startswith("## violated: An API at the mock\n\n1 broken, after 9 requests.\n\n")
    for part in ("### broken: a name of 199 is refused", ISSUE.curl, RED.repeating, "2 times"):
        assert part in text


def test_annotation_stands_at_the_line_of_the_clause() -> None:
    """The violation is shown in the contract where it says what is broken."""
    contract = load_contract()
    _, line = annotation_lines(RED, contract)
    number = int(line.partition("line=")[2].partition(",")[0])
    assert "maxLength: 200" in contract.document.file.read_text("utf-8").splitlines()[number - 1]
    assert line.startswith("::error file=")
    assert "openapi.yaml,line=" in line


def test_contract_that_cannot_be_read_costs_the_place_alone() -> None:
    """A refused contract has no lines; the violation is told all the same."""
    verdict, violation = annotation_lines(RED, None)
    assert (verdict[:8], "file=" in violation) == ("::error ", False)


@pytest.mark.parametrize(
    ("verdict", "level"), [("violated", "error"), ("inconclusive", "warning"), ("refused", "error")]
)
def test_inconclusive_is_a_warning(verdict: str, level: str) -> None:
    """What says nothing about the API is not red."""
    (line,) = annotation_lines(replace(RED, verdict=verdict, violations=()), None)
    assert line.startswith(f"::{level} ")
    assert not list(annotation_lines(RunRecord(verdict="holds"), None))


def test_text_of_an_api_is_neither_markdown_nor_a_command() -> None:
    """Nothing that an API sends can draw on the page of a job, or tell its runner anything."""
    nasty = "a\n::set-env name=X::1\r<img src=x> [l](http://x) `c` 100%\u202e"
    issue = replace(ISSUE, headline=nasty, received=nasty, clause=f"#/{nasty}")
    run = replace(RED, violations=(issue,), drift=(issue,), inconclusive=(nasty,))
    lines = list(annotation_lines(run, None))
    assert not [line for line in "\n".join(lines).splitlines() if not line.startswith("::error ")]
    told = [line for line in summary(run).splitlines() if not line.startswith("    ")]
    assert not [line for line in told if line.startswith("::") or "<img" in line.replace("\\<", "") or "\u202e" in line]
    assert not [line for line in told if "](" in line.replace("\\]", "")]


@pytest.mark.parametrize("code", [0, 1, 2, 4])
def test_report_exits_as_its_run_did(tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int) -> None:
    """make turns every failure into 2; the report tells them apart again."""
    assert summarise(_left(tmp_path, replace(RED, exit_code=code)), []) == code
    assert "violated" in capsys.readouterr().out


def test_job_page_is_added_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On GitHub the summary goes to the file that the runner names, behind what is there; annotations are printed."""
    page = tmp_path / "page.md"
    page.write_text("before\n", "utf-8")
    summarise(replace(_left(tmp_path, RED), job_summary=page), [])
    assert page.read_text("utf-8") == f"before\n{summary(RED)}\n"
    assert capsys.readouterr().out.startswith("::error title=verdict%3A violated::")


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_report_of_no_run_is_refused(tmp_path: Path, text: str | None) -> None:
    """The line names the file, and the command that writes it or what is wrong with it."""
    if text is not None:
        (tmp_path / "run.json").write_text(text, "utf-8")
    with pytest.raises(Refused, match=r"run\.json"):
        summarise(Configuration(reports=tmp_path), [])


def red_run(folder: Path) -> str:
    """Run a contract with a planted fault; return the page of the job, its annotations, and the exit code of the report."""
    command = [sys.executable, "-m", "contract_tests"]
    place = ["--contract", "contract_tests/self_tests/contracts/tickets.yaml", "--folder", str(folder)]
    environment = {**os.environ, "FAULT": "estimateHours_maximum_one_wider", "SEED": "7"}
    tests = ["-k", "field_limits and estimateHours", "-n0"]
    subprocess.run([*command, "run", *place, "--", *tests], cwd=ROOT, env=environment, capture_output=True)
    environment["GITHUB_STEP_SUMMARY"] = str(folder / "page.md")
    told = subprocess.run([*command, "report", *place], cwd=ROOT, env=environment, capture_output=True, text=True)
    text = f"{(folder / 'page.md').read_text('utf-8')}\n{told.stdout}\nexit code {told.returncode}\n"
    for passing, stays in PASSING.items():
        text = re.sub(passing, stays, text)
    return text


def test_red_run_shows_what_is_kept(tmp_path: Path) -> None:
    """The page of a job and its annotations are those of red_run.golden; `python -m` this module writes it anew."""
    assert GOLDEN.read_text("utf-8") == red_run(tmp_path)


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        GOLDEN.write_text(red_run(Path(made)), "utf-8")
