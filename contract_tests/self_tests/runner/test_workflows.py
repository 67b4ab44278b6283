"""The workflows of CI: what `make lint` asks of them finds a mistake that would show only on GitHub."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contract_tests.spec.contract import ROOT

LINE = next(line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if "jactionlint" in line)
OPTIONS = LINE.rpartition("jactionlint ")[2].split()
PROGRAM = Path(sys.executable).with_name("jactionlint")


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
