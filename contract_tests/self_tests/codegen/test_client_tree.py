"""The generated client is what openapi.yaml gives: judged by `make client-check`, on copies where it must not hold too."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.generate import write_client
from contract_tests.errors import Refused

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "generated_client"
CODEGEN_CACHES = shutil.ignore_patterns("__pycache__")


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_client_is_what_the_contract_gives(hash_seed: str, tmp_path: Path) -> None:
    """The committed client is byte for byte what openapi.yaml gives, whatever the hash seed, PATH and ruff settings."""
    hostile = "line-length = 40\n[format]\nquote-style = 'single'\n"
    for folder in (tmp_path, tmp_path / "ruff"):
        folder.mkdir(exist_ok=True)
        (folder / "ruff.toml").write_text(hostile, "utf-8")
    (tmp_path / ".gitignore").write_text("*\n", "utf-8")
    surroundings = {"PATH": "", "TMPDIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PYTHONHASHSEED": hash_seed}
    finished = run_codegen(ROOT, "--check", **surroundings)
    assert (0, "") == (finished.returncode, finished.stderr)


def test_client_holds_no_cache(tmp_path: Path) -> None:
    """Generation leaves no cache folder in the client, and removes what an earlier generation left behind."""
    project = copy_of_project(tmp_path)
    (project / "generated_client/coval_personas/renamed_since.py").touch()
    (project / "generated_client/.ruff_cache").mkdir()
    assert 0 == run_codegen(project).returncode
    assert files_of(CLIENT) == files_of(project / "generated_client")
    assert [] == [path.name for path in project.iterdir() if path.name.startswith(".")]


def test_what_is_no_client_is_not_replaced(tmp_path: Path) -> None:
    """A client takes the place of an earlier client or of nothing: what else stands there is left as it is."""
    own = tmp_path / "own.py"
    own.write_text("# mine", "utf-8")
    for place in (own, tmp_path, own / "below"):
        with pytest.raises(Refused, match="OUT: "):
            write_client(ROOT / "openapi.yaml", place)
    assert {"own.py": b"# mine"} == files_of(tmp_path)


def test_check_names_each_file_that_differs(tmp_path: Path) -> None:
    """A file that was edited, that is missing, or that nobody generated makes the check fail, which changes nothing."""
    project = copy_of_project(tmp_path)
    package = project / "generated_client/coval_personas"
    (package / "client.py").write_text((package / "client.py").read_text("utf-8") + "\n", "utf-8")
    (package / "py.typed").unlink()
    (package / "build").mkdir()
    (package / "build/extra.py").touch()
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__/ignored.pyc").touch()
    before = files_of(project)
    finished = run_codegen(project, "--check")
    assert 1 == finished.returncode
    assert [
        "  extra    generated_client/coval_personas/build/extra.py",
        "  differs  generated_client/coval_personas/client.py",
        "  missing  generated_client/coval_personas/py.typed",
    ] == finished.stderr.splitlines()[1:]
    assert before == files_of(project)


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        ("        - construction-work\n", "        - construction-work\n        - new-noise\n", ["models.py"]),
        ("      maximum: 2\n", "      maximum: 1.9\n", ["models.py", "resources.py"]),
        ("maximum: 100}", "maximum: 99}", ["resources.py"]),
        ("  idempotent_update: ", "  isolation2: ", ["client.py", "resources.py"]),
    ],
    ids=["enum", "limit", "parameter", "promise"],
)
def test_check_finds_a_stale_client(old: str, new: str, stale: list[str], tmp_path: Path) -> None:
    """A contract that was changed without `make client`, be it by a limit, makes the check fail and name what is stale."""
    project = copy_of_project(tmp_path)
    change_contract(project, old, new)
    before = files_of(project)
    finished = run_codegen(project, "--check")
    assert 1 == finished.returncode
    named = re.findall(r"  differs  generated_client/coval_personas/(.*)", finished.stderr)
    assert ["__init__.py", *stale] == named
    assert before == files_of(project)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("openapi: 3.1.0", "openapi: [", "is no valid YAML"),
        ("schemas/WaitSeconds'}", "schemas/Wait'}", "#/components/schemas/PersonaUpdate/properties/wait_seconds"),
        ("  - url: https://api.coval.dev/v1", "  - url: /v1", "#/servers/0/url"),
        ("minimum: 0.1", "minimum: low", "components.schemas.WaitSeconds.minimum"),
    ],
    ids=["yaml", "reference", "server", "limit"],
)
def test_broken_contract_keeps_the_old_client(old: str, new: str, named: str, tmp_path: Path) -> None:
    """A contract that cannot be used is refused with one line that names the field, and the old client stays."""
    project = copy_of_project(tmp_path)
    change_contract(project, old, new)
    before = files_of(project)
    finished = run_codegen(project)
    assert (4, 1) == (finished.returncode, len(finished.stdout.splitlines()))
    assert "verdict: refused. openapi.yaml" in finished.stdout and named in finished.stdout
    assert before == files_of(project)


def run_codegen(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "contract_tests", "client", "--", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )


def copy_of_project(folder: Path) -> Path:
    for name in ("codegen", "generated_client"):
        shutil.copytree(ROOT / name, folder / name, ignore=CODEGEN_CACHES)
    shutil.copy(ROOT / "openapi.yaml", folder)
    return folder


def change_contract(project: Path, old: str, new: str) -> None:
    contract = (project / "openapi.yaml").read_text("utf-8")
    assert old in contract
    (project / "openapi.yaml").write_text(contract.replace(old, new, 1), "utf-8")


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
