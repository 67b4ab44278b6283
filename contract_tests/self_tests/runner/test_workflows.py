"""The workflows of CI: a mistake that would show only on GitHub is found, and the steps of a night do what they are for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from contract_tests.runner.configuration import foreign_environment
from contract_tests.spec.contract import ROOT

LINE = next(line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if "jactionlint" in line)
OPTIONS = LINE.rpartition("jactionlint ")[2].split()
PROGRAM = Path(sys.executable).with_name("jactionlint")
NIGHT = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text("utf-8"))["jobs"]["fuzz"]["steps"]


@pytest.mark.parametrize(
    ("file", "text", "mistake"),
    [
        ("", "", ""),
        ("test.yml", "fail-fast", "fail_fast"),
        ("test.yml", "matrix.python }}", "matrix.pyton }}"),
        ("nightly.yml", "17 3 * * *", "77 3 * * *"),
        ("release.yml", "    needs: build\n", "    needs: built\n"),
    ],
    ids=["none", "key", "expression", "cron", "job"],
)
def test_mistake_in_a_workflow_is_found(tmp_path: Path, file: str, text: str, mistake: str) -> None:
    """A key, an expression, a cron line or a job that GitHub does not know; the files as they are have none."""
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    if file:
        workflow = tmp_path / ".github/workflows" / file
        assert text in workflow.read_text("utf-8")
        workflow.write_text(workflow.read_text("utf-8").replace(text, mistake), "utf-8")
    said = subprocess.run([PROGRAM, *OPTIONS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (said.returncode, file in said.stdout) == (1 if file else 0, True), said.stdout + said.stderr


def _step(folder: Path, words: str, **environment: str) -> int:
    """Run the step of a night that holds some words, as GitHub does, with the programs in *folder*; its exit code."""
    (script,) = (step["run"] for step in NIGHT if words in step.get("run", ""))
    path = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "GITHUB_REPOSITORY": "o/r"}
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={**foreign_environment(), **path, **environment},
        capture_output=True,
    ).returncode


def _program(file: Path, script: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    file.chmod(0o755)


def _left(file: Path, code: int) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"exit_code": code}), "utf-8")


@pytest.mark.parametrize(("code", "is_red"), [(0, False), (1, True), (2, False), (4, True), (None, True)])
def test_night_has_the_colour_of_its_live_run(tmp_path: Path, code: int | None, is_red: bool) -> None:
    """Violated and refused are red, inconclusive is not; a live run that is killed has not come to what the fuzzing did."""
    _left(tmp_path / "reports/run.json", 0)  # of the fuzzing before
    if code is not None:
        _left(tmp_path / "live.json", code)
    _program(tmp_path / "bin/make", "test ! -e live.json || mv live.json reports/run.json; exit 2")
    _program(tmp_path / ".venv/bin/python", f'exec {sys.executable} "$@"')
    assert _step(tmp_path, "$LIVE", LIVE="https://api.example.com", COVAL_API_KEY="Self-Test-Key-4711") == 0
    assert (_step(tmp_path, "contract_tests report") != 0) == is_red


@pytest.mark.parametrize("missing", ["LIVE", "COVAL_API_KEY"])
def test_night_without_a_key_or_an_address_sends_nothing(tmp_path: Path, missing: str) -> None:
    """What a repository has not set reaches the step as an empty text."""
    _program(tmp_path / "bin/make", "touch called")
    given = {"LIVE": "https://api.example.com", "COVAL_API_KEY": "Self-Test-Key-4711", missing: ""}
    assert (_step(tmp_path, "$LIVE", **given), (tmp_path / "called").exists()) == (0, False)


@pytest.mark.parametrize(("open_issue", "asked"), [("", "issue create"), ("17", "issue comment -R o/r 17")])
def test_failing_night_opens_one_issue(tmp_path: Path, open_issue: str, asked: str) -> None:
    """It adds to the issue that is open."""
    _program(tmp_path / "bin/gh", f'echo "$@" >> asked; test "$2" != list || echo "{open_issue}"')
    assert _step(tmp_path, "gh issue", RUN="https://example.com/run/1") == 0
    _, second = (tmp_path / "asked").read_text("utf-8").splitlines()
    assert second.startswith(asked)
    assert "https://example.com/run/1" in second
