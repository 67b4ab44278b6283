"""The wheel in an empty environment and an empty folder: the command, and the tests in another repository's own pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract_tests.runner.configuration import foreign_environment
from contract_tests.spec.contract import ROOT

UV = (sys.executable, "-m", "uv")
A_TEST = """
def test_of_another_suite(request):
    manager = request.config.pluginmanager
    assert manager.hasplugin("contract_tests.runner.plugin")
    assert not manager.hasplugin("contract_tests.runner.hooks")
"""


@dataclass(frozen=True)
class Installed:
    """An environment that knows the package from its wheel alone."""

    programs: Path
    """Where its commands are."""
    folder: Path
    """An empty folder, elsewhere."""

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        """Run one of its commands in the folder; its exit code and its output."""
        clean = {name: value for name, value in foreign_environment().items() if name != "PYTHONPATH"}
        finished = subprocess.run(
            [self.programs / words[0], *words[1:]], cwd=self.folder, env=clean | environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
        )  # fmt: skip
        return finished.returncode, finished.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, installed with the versions of the lock."""
    place = tmp_path_factory.mktemp("installed")
    programs = place / "venv" / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([*UV, "build", "-q", "--wheel", "-o", place, ROOT], check=True)
    venv.create(place / "venv", with_pip=False)
    (wheel,) = place.glob("*.whl")
    pins = re.sub(r" \\\n( +--hash=\S+( \\)?\n)+", "\n", (ROOT / "requirements.lock").read_text("utf-8"))
    (place / "pins.txt").write_text(pins, "utf-8")
    python = ["--python", str(programs / "python")]
    subprocess.run([*UV, "pip", "install", "-q", *python, "-c", place / "pins.txt", wheel], check=True)
    (place / "empty").mkdir()
    return Installed(programs, place / "empty")


def test_empty_folder_is_told_what_to_do(installed: Installed) -> None:
    """Without a contract nothing is tried, and the line says how to come to one."""
    code, output = installed.run("contract-tests", "run")
    assert (code, "has no openapi.yaml; name a contract with --contract, or write one" in output) == (4, True), output
    assert {path.name for path in installed.folder.iterdir()} <= {"reports"}


def test_new_contract_holds_against_its_own_mock(installed: Installed) -> None:
    """`new`, then `run`: green, its reports in the folder and nothing written beside the package."""
    assert installed.run("contract-tests", "new", "agents")[0] == 0
    code, output = installed.run("contract-tests", "run", "--contract", "agents.yaml", "--seed", "7")
    assert (code, output.rstrip().splitlines()[-1].startswith("verdict: holds.")) == (0, True), output
    assert (installed.folder / "reports" / "index.html").exists()
    package = next(installed.programs.parent.rglob("site-packages/contract_tests"))
    assert not (package.parent / "reports").exists()
    assert not (package.parent / ".pytest_cache").exists()


def test_tests_run_in_the_pytest_of_another_repository(installed: Installed) -> None:
    """`pytest --pyargs contract_tests.promises --contract ...` needs nothing of ours but the package."""
    installed.run("contract-tests", "new", "tools")
    code, output = installed.run(
        "python", "-m", "pytest", "-q", "--pyargs", "contract_tests.promises.test_deletion", "--contract", "tools.yaml"
    )
    assert code == 0, output
    assert "verdict: holds." in output


def test_other_test_suites_are_left_alone(installed: Installed) -> None:
    """pytest loads the plugin everywhere; it does nothing where nobody asks for it."""
    (installed.folder / "test_other.py").write_text(A_TEST, "utf-8")
    code, output = installed.run("python", "-m", "pytest", "-q", "-W", "error", "test_other.py")
    assert (code, "1 passed" in output) == (0, True), output
