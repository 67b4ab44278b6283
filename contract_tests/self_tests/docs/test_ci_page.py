"""The scripts of docs/ci.md, run as they stand there: each colour is that of the verdict."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from contract_tests.runner.configuration import foreign_environment
from contract_tests.spec.contract import ROOT

PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
JOB = yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[-1])["contract"]
PLAIN = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[-1]
SCRIPTS = {"gitlab": (["bash", "-eo", "pipefail"], "\n".join(JOB["script"])), "plain": (["sh", "-e"], PLAIN)}
ASKED = {
    "holds": {"ARGS": "-k values_beyond_each_limit -n0"},
    "violated": {"ARGS": "-x -k values_beyond_each_limit -n0", "FAULT": "wait_seconds_maximum_one_wider", "SEED": "7"},
    "inconclusive": {"BASE_URL": "http://127.0.0.1:1", "COVAL_API_KEY": "Self-Test-Key-4711"},
}
CODES = {
    ("gitlab", "holds"): 0, ("gitlab", "violated"): 1, ("gitlab", "inconclusive"): 2,
    ("plain", "holds"): 0, ("plain", "violated"): 1, ("plain", "inconclusive"): 0,
}  # fmt: skip


def _program(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {line} "$@"\n', "utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize(("name", "verdict"), CODES)
def test_script_of_the_page_has_the_colour_of_the_verdict(tmp_path: Path, name: str, verdict: str) -> None:
    """A pipeline that is copied from the page is red for what is violated alone; the text says which verdict it is."""
    shell, script = SCRIPTS[name]
    _program(tmp_path / "bin/make", f"{shutil.which('make')} -f {ROOT / 'Makefile'} -o install RUN={sys.executable}")
    _program(tmp_path / ".venv/bin/python", sys.executable)
    clean = {name: value for name, value in foreign_environment().items() if not name.startswith(("MAKE", "MFLAGS"))}
    clean |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    said = subprocess.run(
        [*shell, "-c", script], cwd=tmp_path, env=clean | ASKED[verdict], capture_output=True, text=True, check=False
    )
    summary = tmp_path / "summary.md"
    text = summary.read_text("utf-8") if name == "plain" else said.stdout
    assert (said.returncode, f"## {verdict}: " in text) == (CODES[name, verdict], True), said.stdout + said.stderr


def test_gitlab_shows_inconclusive_as_a_warning() -> None:
    """The exit code that the script ends with then is the one that the job may fail with."""
    assert JOB["allow_failure"] == {"exit_codes": [CODES["gitlab", "inconclusive"]]}
