"""`make contract BASE=`: the same API held to what callers know and to the new contract, each on its own record, with one verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from contract_tests.report.html.run_page import RUN
from contract_tests.report.records import read_as
from contract_tests.report.run_record import Beside, RunRecord
from contract_tests.runner.configuration import foreign_environment
from contract_tests.self_tests.live_command import Command, require_untouched, verdict_of, wait_for
from contract_tests.self_tests.runner.test_interruption import interrupted
from contract_tests.self_tests.spec.test_edits import CONTRACT_TEXT
from contract_tests.spec.contract import ROOT

HOLDS, VIOLATED, REFUSED = 0, 1, 4
LIMIT = "      maximum: 2\n"
LIMITS = ("-k", "field_limits and wait_seconds")


@dataclass(frozen=True)
class Both:
    """What a run on both contracts came to."""

    code: int
    output: str
    run: RunRecord
    page: str

    @property
    def beside(self) -> Beside:
        """What its record says of both."""
        assert self.run.beside is not None
        return self.run.beside


def edited(folder: Path, limit: str) -> None:
    """Write what callers know, and the contract with another limit."""
    (folder / "old.yaml").write_text(CONTRACT_TEXT, "utf-8")
    assert CONTRACT_TEXT.count(LIMIT) == 1
    (folder / "openapi.yaml").write_text(CONTRACT_TEXT.replace(LIMIT, f"      maximum: {limit}\n"), "utf-8")


def ran(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
    """Run the command in a folder; its exit code and its output."""
    known = foreign_environment() | {"PYTHONPATH": str(ROOT), "SEED": "7"} | environment
    told = [sys.executable, "-m", "contract_tests", "run", *words]
    done = subprocess.run(told, cwd=folder, env=known, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def held(folder: Path, limit: str, *words: str) -> Both:
    """Hold the mock of the edited contract to both."""
    edited(folder, limit)
    code, output = ran(folder, "--base", "old.yaml", "--", *words)
    told = read_as(RunRecord, json.loads((folder / "reports" / RUN).read_text("utf-8")))
    return Both(code, output, told, (folder / "reports/index.html").read_text("utf-8"))


def test_edit_that_tightens_a_limit_shows_that_the_old_contract_is_not_honoured(tmp_path: Path) -> None:
    """The API follows the new maximum: the verdict holds, and what callers know is told to be broken, in each report."""
    both = held(tmp_path, "1.5", *LIMITS)
    assert (both.code, both.output.count("verdict: ")) == (HOLDS, 1), both.output
    assert (both.run.verdict, both.beside.run.verdict) == ("holds", "violated"), both.output
    assert [each.clause for each in both.beside.run.violations] == ["#/components/schemas/WaitSeconds/maximum"]
    assert both.beside.moved[0].startswith(
        "wait_seconds: maximum tightened from 2 to 1.5 (POST /personas body wait_seconds, PATCH"
    )
    assert any("wait_seconds-maximum-spelled-1.50-" in test for test in both.beside.new_tests)
    assert any("wait_seconds-maximum-spelled-2.0-" in test for test in both.beside.gone_tests)
    assert not {*both.beside.new_tests} & {*both.beside.gone_tests}
    for text in (both.output, both.page):
        assert "old.yaml: the API does not honour it" in text
        assert "maximum tightened from 2 to 1.5" in text
    own = read_as(RunRecord, json.loads((tmp_path / "reports/base" / RUN).read_text("utf-8")))
    assert own == both.beside.run
    assert "The contract is violated" in (tmp_path / "reports/base/index.html").read_text("utf-8")


def test_what_callers_know_is_still_honoured(tmp_path: Path) -> None:
    """Where the two say the same, no test is new or gone, and both hold."""
    both = held(tmp_path, "2", *LIMITS)
    assert (both.run.verdict, both.beside.run.verdict) == ("holds", "holds"), both.output
    assert (both.beside.moved, both.beside.new_tests, both.beside.gone_tests) == ((), (), ())
    assert "old.yaml: the API still honours it" in both.output


def live(command: Command, folder: Path) -> Command:
    """Aim a run on both contracts at an API that has not followed the edit."""
    edited(folder, "1.5")
    return replace(command, root=folder)


def test_live_runs_share_the_budget_and_the_verdict_is_about_the_new_contract(command: Command, tmp_path: Path) -> None:
    """Both together send no more than MAX_REQUESTS, each removes what it made, and the journal is empty."""
    begun = live(command, tmp_path)
    code, output = begun.run(PYTHONPATH=str(ROOT), BASE="old.yaml", MAX_REQUESTS="700", SEED="7")
    assert (code, verdict_of(output)[:19]) == (VIOLATED, "verdict: violated. "), output
    require_untouched(begun, output, 700)
    runs = [json.loads((tmp_path / "reports" / name / RUN).read_text("utf-8")) for name in ("base", "")]
    assert [run["verdict"] for run in runs] == ["inconclusive", "violated"], output
    sent = [sum(run["requests"].values()) for run in runs]
    assert (sum(sent), max(sent) <= 350, min(sent) > 0) == (len(begun.server.seen), True, True), sent


def test_interruption_of_the_first_run_begins_no_second(command: Command, tmp_path: Path) -> None:
    """What the run on the old contract has made is removed, and nothing is sent any more."""
    begun = live(command, tmp_path)
    with begun.start(PYTHONPATH=str(ROOT), BASE="old.yaml") as process:
        wait_for(lambda: len(begun.server.seen) > 40)
        output = interrupted(process, 1)
    require_untouched(begun, output)
    assert output.count("under test: ") == 1, output


def test_dry_run_shows_both_plans(command: Command, tmp_path: Path) -> None:
    """Each with its half of the budget; nothing is sent."""
    code, output = live(command, tmp_path).run(
        *LIMITS, PYTHONPATH=str(ROOT), BASE="old.yaml", DRY_RUN="1", MAX_REQUESTS="160"
    )
    assert (code, output.count("at most 80 requests (MAX_REQUESTS)"), command.server.seen) == (HOLDS, 2, []), output


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"SHARD": "1/2"}, "BASE compares whole runs"),
        ({"BASE_URL": "http://127.0.0.1:1", "MAX_REQUESTS": "19", "COVAL_API_KEY": "a-key-of-nobody"}, "at least 20"),
        ({"BASE": "v9"}, "BASE 'v9' is no file, and no commit"),
    ],
    ids=["in shards", "too small a budget", "no contract"],
)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, environment: dict[str, str], says: str) -> None:
    """A line says why; nothing is sent."""
    edited(tmp_path, "1.5")
    base = environment.get("BASE", "old.yaml")
    code, output = ran(tmp_path, "--base", base, **environment)
    assert (code, says in verdict_of(output)) == (REFUSED, True), output
