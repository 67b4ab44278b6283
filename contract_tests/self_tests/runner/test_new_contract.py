"""`make new-contract NAME=agents` writes a valid contract, and never over another file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from contract_tests.errors import Refused
from contract_tests.runner.new_contract import new_contract, singular, write_new_contract
from contract_tests.spec.contract import load_contract

ROOT = Path(__file__).parents[3]


def run_new_contract(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "contract_tests", "new", "--", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["agents", "workPools", "work-pools", "x", "null", "on", "yes", "e1", "class", "True"])
def test_new_contract_is_valid(name: str) -> None:
    """Also where the name is a word of YAML or of Python."""
    document = yaml.safe_load(new_contract(name))
    assert list(document["paths"]) == [f"/{name}", f"/{name}/{{id}}"]
    assert [fault.message for fault in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_new_contract_loads(tmp_path: Path) -> None:
    contract = load_contract(write_new_contract("agents", tmp_path))
    assert contract.resource.name == "agents"
    assert set(contract.fields("update")) == {"name", "note", "kind", "size", "rate"}
    assert contract.fields("update")["note"].on_null == "clear"
    assert contract.run_name == "name"
    assert contract.listing.paging.offset == "offset"


def test_command_writes_into_the_current_folder(tmp_path: Path) -> None:
    result = run_new_contract(tmp_path, "agents")
    assert (result.returncode, result.stderr) == (0, "")
    assert "agents.yaml" in result.stdout
    assert (tmp_path / "agents.yaml").read_text("utf-8") == new_contract("agents")


def test_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "agents.yaml").write_text("mine", "utf-8")
    result = run_new_contract(tmp_path, "agents")
    assert result.returncode == 4
    assert result.stdout.startswith("verdict: refused. agents.yaml exists")
    assert "choose another NAME" in result.stdout
    assert (tmp_path / "agents.yaml").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    "name", ["", " ", "two words", "a/b", "../a", "-a", "a-", "1a", "a.yaml", "$(x)", "ä", "a\n", "{{ 7 }}", "a" * 51]
)
def test_name_that_is_no_word_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="NAME=agents"):
        write_new_contract(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_missing_name_is_refused(tmp_path: Path) -> None:
    result = run_new_contract(tmp_path)
    assert (result.returncode, "NAME is missing" in result.stdout) == (4, True)


def test_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"agents.yaml cannot be written: No such file"):
        write_new_contract("agents", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("agents", "agent"),
        ("replies", "reply"),
        ("boxes", "box"),
        ("addresses", "address"),
        ("glass", "glass"),
        ("status", "status"),
    ],
)
def test_singular(many: str, one: str) -> None:
    assert singular(many) == one
