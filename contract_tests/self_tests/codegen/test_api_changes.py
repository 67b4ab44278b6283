"""What callers of the client meet after an edit of its contract: in the report of spec-diff and in the draft of a changelog."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codegen.api_changes import client_changes
from codegen.generate import write_client
from contract_tests.checks.typed_client import find_client
from contract_tests.self_tests.runner.test_spec_diff import git, run
from contract_tests.spec.contract import CONTRACT_FILE, load_contract

CONTRACT = CONTRACT_FILE.read_text("utf-8")
SHOWN_WAIT = "        wait_seconds: {type: [number, 'null'], format: float}\n"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a contract and its client, released as v1.0.0; and a test that uses the client."""
    folder = tmp_path_factory.mktemp("released")
    (folder / "openapi.yaml").write_text(CONTRACT, "utf-8")
    write_client(folder / "openapi.yaml", folder / "generated_client")
    package = next((folder / "generated_client").glob("*/resources.py")).parent.name
    (folder / "test_calls.py").write_text(
        f"import {package} as client\n\n"
        "def test_wait() -> None:\n"
        "    print((client.CLIENT().personas.get('a').wait_seconds or 0) + 1)\n",
        "utf-8",
    )
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Release")
    git(folder, "tag", "v1.0.0")
    return folder


def after(released: Path, folder: Path, *edits: tuple[str, str]) -> Path:
    """Edit the contract in a copy of a repository, write its client, and return the contract."""
    shutil.copytree(released, folder, dirs_exist_ok=True)
    text = CONTRACT
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    (folder / "openapi.yaml").write_text(text, "utf-8")
    write_client(folder / "openapi.yaml", folder / "generated_client")
    return folder / "openapi.yaml"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (SHOWN_WAIT, "", ["models.Persona.wait_seconds: Public object was removed", 'test_calls.py:4: "Persona" has no']),
        (SHOWN_WAIT, SHOWN_WAIT.replace("number", "string").replace(", format: float", ""), ["test_calls.py:4: Unsup"]),
        ("        - construction-work\n", "", ["models.BackgroundSound.CONSTRUCTION_WORK: Public object was", "README, `"]),
        ("required: [name, voice_name, language_code]", "required: [name, voice_name, language_code, wait_seconds]",
         ["PersonasResource.create(wait_seconds): Parameter is now required", "README, `"]),
        ("      maximum: 2\n", "      maximum: 1.5\n", []),
        ("        - construction-work\n", "        - construction-work\n        - new-noise\n", []),
    ],
    ids=["field", "type", "value", "required", "limit", "new-value"],
)  # fmt: skip
def test_broken_calls_are_told(old: str, new: str, told: list[str], released: Path, tmp_path: Path) -> None:
    """Names that are gone, and lines of the old README and of old tests that no longer type-check; else nothing."""
    found = client_changes(after(released, tmp_path, (old, new)), "v1.0.0")
    assert all(any(part in line for line in found) for part in told), found
    assert bool(told) == bool(found)


def test_report_and_changelog_hold_them(released: Path, tmp_path: Path) -> None:
    """spec-diff, its files and the draft of the changelog have a part for the client."""
    after(released, tmp_path, (SHOWN_WAIT, ""), ("  version: 1.0.0\n", "  version: 2.0.0\n"))
    code, _, output = run(tmp_path)
    assert code == 0 and "\nThe generated client\n  " in output and ".models.Persona.wait_seconds: Public obj" in output
    for name in ("spec-diff.md", "spec-diff.html", "spec-diff.json"):
        assert "models.Persona.wait_seconds: Public object" in (tmp_path / "reports" / name).read_text("utf-8")
    assert "### The generated client\n\n- " in run(tmp_path, "--changelog")[2]


def test_nothing_is_told_where_no_client_stands(released: Path, tmp_path: Path) -> None:
    """Of a commit without a client, and of a contract without one."""
    contract = after(released, tmp_path)
    assert client_changes(contract, "v1.0.0") == [] == client_changes(contract, "no-such-commit")
    shutil.rmtree(tmp_path / "generated_client")
    assert client_changes(contract, "v1.0.0") == []


def test_client_of_another_contract_is_refused(tmp_path: Path) -> None:
    """Its tests are left out after an edit, until the client is written anew; a comment is no edit."""
    for text, is_of_it in (
        (f"# A comment.\n{CONTRACT}", True),
        (CONTRACT.replace("maximum: 2\n", "maximum: 1.5\n"), False),
    ):
        file = tmp_path / f"{is_of_it}.yaml"
        file.write_text(text, "utf-8")
        assert (find_client(load_contract(file), CONTRACT_FILE.parent / "generated_client") is not None) == is_of_it
