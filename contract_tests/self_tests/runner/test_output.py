"""A run whose output goes nowhere: its verdict's code and its clean-up are the same as ever."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from contract_tests.self_tests.live_command import Command, require_untouched, verdict_of
from contract_tests.spec.contract import ROOT

HOLDS, VIOLATED, INCONCLUSIVE = 0, 1, 2
FULL = Path("/dev/full")


@pytest.mark.parametrize(
    "lost", [">&-", "2>&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", "| head -1"]
)
@pytest.mark.skipif(not FULL.exists(), reason="no disk is full here")
def test_lost_output_changes_nothing(command: Command, lost: str, tmp_path: Path) -> None:
    """Where stdout, stderr or stdin is closed, full or broken, the run tests, cleans up and exits as it would."""
    line = f"{shlex.quote(sys.executable)} -m contract_tests run -- contract_tests/promises/test_deletion.py"
    said = tmp_path / "stderr.txt"
    script = f"set -o pipefail; {line} {lost}" if "2>" in lost else f"set -o pipefail; {line} 2>{said} {lost}"
    environment = command.environment()
    run = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    stderr = said.read_text("utf-8") if said.exists() else ""
    assert (run.returncode, stderr) == (HOLDS, ""), run.stdout
    assert len(command.server.made) > 0
    require_untouched(command, stderr)


def shown(tmp_path: Path, test: str, redirection: str = "") -> tuple[int, str]:
    """Run one test that is written for it; the exit code and what was printed."""
    file = tmp_path / "test_written.py"
    file.write_text(test, "utf-8")
    line = f"{shlex.quote(sys.executable)} -m contract_tests run -- {file} -p no:cacheprovider {redirection}"
    run = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout


def test_violation_keeps_its_code_on_a_full_disk(tmp_path: Path) -> None:
    """That nothing can be printed makes a verdict neither better nor worse."""
    assert shown(tmp_path, "def test_it():\n    assert False\n", ">/dev/full")[0] == VIOLATED


def test_odd_characters_are_no_error(tmp_path: Path) -> None:
    """Text that the terminal's encoding has no characters for is escaped."""
    code, output = shown(tmp_path, "def test_it():\n    assert 'a' == '\\ud800\\u20ac'\n", "2>&1")
    assert (code, verdict_of(output).startswith("verdict: violated.")) == (VIOLATED, True), output


ERRORS = {
    "test": "def test_it():\n    {}['name']\n",
    "fixture": "import pytest\n@pytest.fixture\ndef broken():\n    raise OSError\ndef test_it(broken):\n    pass\n",
    "teardown": "import pytest\n@pytest.fixture\ndef broken():\n    yield\n    raise OSError\ndef test_it(broken):\n    pass\n",
}


@pytest.mark.parametrize("test", ERRORS.values(), ids=ERRORS)
def test_error_of_the_suite_is_inconclusive(tmp_path: Path, test: str) -> None:
    """An error in a test or a fixture says nothing about the API, and the verdict says whose it is and what to do."""
    code, output = shown(tmp_path, test)
    assert code == INCONCLUSIVE, output
    assert "1 test ended in an error of the suite itself" in verdict_of(output)
    assert "report it with reports/junit.xml and the seed" in verdict_of(output)


def test_error_beside_a_violation_is_mentioned(tmp_path: Path) -> None:
    """A violation stays one, whatever else goes wrong."""
    code, output = shown(tmp_path, ERRORS["test"] + "def test_other():\n    assert False, 'it breaks'\n")
    assert code == VIOLATED, output
    assert "1 broken, 1 test ended in an error of the suite itself" in verdict_of(output)


def test_file_that_cannot_be_collected_is_wrong_usage(tmp_path: Path) -> None:
    """A file of the user's own that ends in an error before any test is refused."""
    code, output = shown(tmp_path, "import nothing_that_is_there\n")
    assert (code, verdict_of(output).startswith("verdict: refused. ")) == (4, True), output
    assert "which ARGS names, could not be collected" in verdict_of(output)


def test_error_of_a_hook_is_inconclusive(tmp_path: Path) -> None:
    """An error in a plugin ends pytest, and says nothing about the API."""
    plugin = "import sys\ndef pytest_runtest_logreport():\n    raise KeyError('hook')\n"
    test = f"{plugin}def test_it(request):\n    request.config.pluginmanager.register(sys.modules[__name__])\n"
    code, output = shown(tmp_path, test)
    assert (code, "pytest ended in an error of the suite itself" in verdict_of(output)) == (INCONCLUSIVE, True), output


def test_error_outside_of_pytest_is_inconclusive(tmp_path: Path) -> None:
    """An error of the command itself has a verdict too; its traceback is kept, without the key."""
    key = "Key-that-nobody-reads-4711"
    program = (
        "import contract_tests.runner.contract_run as command, os, sys\n"
        f"sys.argv[1:] = ['run', '--contract', {str(ROOT / 'openapi.yaml')!r}, '--folder', 'kept']\n"
        "def fail(*_): raise KeyError(os.environ['COVAL_API_KEY'])\n"
        "command.run = fail\n"
        "from contract_tests.runner.process.entry import main\n"
        "main()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"COVAL_API_KEY": key, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (INCONCLUSIVE, ""), run.stdout
    assert run.stdout.splitlines()[-1].startswith("verdict: inconclusive. KeyError in the suite itself")
    assert "report it with kept/suite-error.txt" in run.stdout
    kept = (tmp_path / "kept" / "suite-error.txt").read_text("utf-8")
    assert ("KeyError" in kept, key in kept + run.stdout) == (True, False)
