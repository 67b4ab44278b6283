"""README against the repository: the commands, files and clauses that it names are there, and none is missing."""

from __future__ import annotations

import re

import pytest

from contract_tests.contract import ROOT
from contract_tests.selection import PROMISES

README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
TEST_FILES = sorted(path.name for path in (ROOT / "contract_tests").glob("test_*.py"))


def test_every_command_that_readme_names_exists() -> None:
    """Each `make x` of README is a target of the Makefile."""
    assert set(re.findall(r"(?:`|\$ )make ([a-z][a-z-]*)", README)) <= TARGETS


@pytest.mark.parametrize("target", sorted(TARGETS - {"help", "clean", "lock", "install", "lint", "types", "self-test"}))
def test_every_command_is_in_readme(target: str) -> None:
    """A command that README does not name is not found by anybody."""
    assert f"make {target}" in README


@pytest.mark.parametrize("name", TEST_FILES)
def test_every_promise_is_in_readme(name: str) -> None:
    """Each file of contract tests stands in README's table of promises."""
    assert f"`{name}`" in README


def test_every_test_file_is_run() -> None:
    """A file that the run does not name would never turn red."""
    assert {f"test_{promise}.py" for promise in PROMISES} == set(TEST_FILES)


def test_every_path_in_readme_exists() -> None:
    """Each file that README names in backquotes is there."""
    named = set(re.findall(r"`([\w/.-]+\.(?:py|yaml|toml|md|lock))`", README))
    missing = [name for name in named if not (ROOT / name).exists() and not (ROOT / "contract_tests" / name).exists()]
    assert missing == []


def test_pointers_in_readme_lead_somewhere() -> None:
    """Each pointer of the table of promises is one of openapi.yaml's."""
    from contract_tests.contract import load_contract

    document = load_contract().document
    for pointer in re.findall(r"`(#/[^`]+)`", README):
        node = document
        for step in pointer.removeprefix("#/").split("/"):
            node = node[step.replace("~1", "/").replace("~0", "~")]
