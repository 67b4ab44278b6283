"""README and docs/ against the repository: the commands, files, promises and clauses that they name are there, and none is missing."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from contract_tests.runner.command_line import COMMANDS
from contract_tests.runner.configuration import VARIABLES
from contract_tests.runner.selection import PROMISES
from contract_tests.spec.contract import ROOT, load_contract
from contract_tests.spec.promises import PROMISES as PROMISE_NAMES
from contract_tests.trials.faults import catalogue

PAGES = {path.name: path.read_text("utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
README = PAGES["README.md"]
ALL_PAGES = "\n".join(PAGES.values())
BUILT = PAGES["how-it-is-built.md"]
# A contract of its own, and the report of runs against the servers of others, point into other files.
ABOUT_THIS_CONTRACT = [name for name in PAGES if name not in ("writing-a-contract.md", "field-report.md")]

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
OF_A_CONTRIBUTOR = {"help", "clean", "lock", "install", "lint", "types", "self-test"}
TEST_FILES = sorted(path.name for path in (ROOT / "contract_tests" / "promises").rglob("test_*.py"))
LONGEST_README = 170
LONGEST_WAY = 15
SCREEN = (140, 45)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists(page: str) -> None:
    """Each `make x` is a target of the Makefile, each `contract-tests x` a command."""
    assert set(re.findall(r"(?:`|\$ )make ([a-z][a-z-]*)", PAGES[page])) <= TARGETS
    assert set(re.findall(r"(?:`|\$ )contract-tests ([a-z-]+)", PAGES[page])) <= {command.name for command in COMMANDS}


@pytest.mark.parametrize("target", sorted(TARGETS - OF_A_CONTRIBUTOR))
def test_every_target_is_in_readme(target: str) -> None:
    """A target that README does not name is not found by anybody."""
    assert f"`make {target}" in README


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_is_in_readme(command: object) -> None:
    """Each command stands in README's table."""
    assert f"| `{getattr(command, 'name', '')}` |" in README


def test_every_variable_that_a_page_sets_exists() -> None:
    """Each `NAME=` on the line of a command is one that a command, make or a contract reads."""
    known = {*VARIABLES, "ARGS", "NAME", "SERVER", load_contract().key.env}
    lines = re.findall(r"(?:`|\$ )(?:make|export) [^`\n]*", ALL_PAGES)
    assert {name for line in lines for name in re.findall(r"\b([A-Z][A-Z_]+)=", line)} <= known


def test_every_fault_that_a_page_plants_exists() -> None:
    """Each `FAULT=name` is one of the catalogue."""
    named = set(re.findall(r"FAULT=([a-z]\w+)", ALL_PAGES)) - {"name"}
    assert named
    assert named <= set(catalogue(load_contract()))


@pytest.mark.parametrize("name", TEST_FILES)
def test_every_test_file_is_listed(name: str) -> None:
    """Each file of contract tests stands in the table of promises."""
    assert f"| `{name}` |" in BUILT


@pytest.mark.parametrize("name", sorted(PROMISE_NAMES))
def test_every_promise_is_listed(name: str) -> None:
    """Each name of x-promises has its tests in the table, and its meaning in the language of contracts."""
    assert f"`{name}`" in BUILT
    assert f"| `{name}` |" in PAGES["writing-a-contract.md"]


def test_every_test_file_is_run() -> None:
    """A file that the run does not name would never turn red."""
    assert {f"test_{promise}.py" for promise in PROMISES} == set(TEST_FILES)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page: str) -> None:
    """Each path in backquotes from the root, and each link, leads to a file or a folder."""
    named = re.findall(r"`((?:contract_tests|docs|codegen|generated_client)/[\w/.-]*)`", PAGES[page])
    folder = ROOT if page == "README.md" else ROOT / "docs"
    linked = [target for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", PAGES[page]) if "://" not in target]
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [name for name in linked if not (folder / name).exists()] == []


def test_every_page_is_reached_from_readme() -> None:
    """README links to each page of docs/."""
    assert [name for name in PAGES if name != "README.md" and f"(docs/{name})" not in README] == []


@pytest.mark.parametrize("page", ABOUT_THIS_CONTRACT)
def test_pointers_lead_somewhere(page: str) -> None:
    """Each JSON pointer is one of openapi.yaml's."""
    document = load_contract().document
    pointers = re.findall(r"#/(?:paths|components|x-promises)/[\w/~{}-]+", PAGES[page])
    assert [pointer for pointer in pointers if not document.has(pointer)] == []


def test_readme_can_be_read_at_a_sitting() -> None:
    """What only a contributor needs stands in docs/."""
    assert len(README.splitlines()) <= LONGEST_README


def test_no_output_is_missing() -> None:
    """Each output was printed and put in its place."""
    assert re.findall(r"^@[A-Z]+@$", ALL_PAGES, re.MULTILINE) == []


def test_way_of_a_value_is_short_and_leads_through_modules() -> None:
    """From the contract to the page, each module has its line."""
    way = re.findall(r"^(\d+)\. `([^`]+\.py)`", BUILT, re.MULTILINE)
    assert [int(number) for number, _ in way] == list(range(1, len(way) + 1))
    assert 0 < len(way) <= LONGEST_WAY
    assert [name for _, name in way if not Path(ROOT, name).is_file()] == []


def test_make_alone_lists_every_command_on_one_screen() -> None:
    """Each target with a sentence, and the variables that every run takes."""
    said = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    columns, rows = SCREEN
    assert len(said.splitlines()) <= rows
    assert [line for line in said.splitlines() if len(line) > columns] == []
    assert [target for target in TARGETS if f"make {target} " not in said] == []
    assert [name for name in ("CONTRACT", "RESOURCE", "OVERLAY", "OUT", "BASE_URL") if f"{name}=" not in said] == []
