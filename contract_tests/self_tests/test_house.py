"""The house itself: rooms, arrows, sizes, and that the engine knows nothing of the resource under contract here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract_tests.spec.contract import load_contract

PACKAGE = Path(__file__).parents[1]
LEAVES = {"api_key", "errors", "foreign_text", "singles", "__main__", "conftest"}

# Who may import whom, besides itself and the leaves.
ARROWS = {
    "spec": set(),
    "generation": {"spec"},
    "transport": set(),
    "checks": {"spec", "generation", "transport"},
    "promises": {"spec", "generation", "transport", "checks"},
    "boundary_map": {"spec", "generation", "transport", "checks"},
    "report": {"spec", "generation", "transport", "checks", "boundary_map"},
    "mock_api": set(),
    "runner": {"spec", "generation", "transport", "checks", "boundary_map", "report", "mock_api"},
    "trials": {"spec", "generation", "transport", "checks", "boundary_map", "report", "mock_api", "runner"},
}

MOST_FILES = 20
# The goal is 25,000; what is above it is to become less with each change.
MOST_LINES = 42_132

# Fields of openapi.yaml that are words of OpenAPI, JSON Schema or Python, too.
COMMON_WORDS = {"name", "id", "code", "message", "details", "field", "description", "error", "filter"}
# Names that many contracts have: of errors, and of the parameters that docs/writing-a-contract.md takes for what they say.
USUAL_NAMES = {"Error", "NotFound", "Internal", "Unauthenticated", "Deleted", "page_size", "page_token", "order_by"}
# Of the resource and its owner, anywhere in an identifier or a text.
OWN_WORDS = re.compile(r"persona(?!l)|voice(?!s? of)|coval", re.IGNORECASE)


def engine_files() -> Iterator[Path]:
    """Yield every source of the suite but the tests of the suite itself."""
    for file in sorted(PACKAGE.rglob("*.py")):
        if "self_tests" not in file.relative_to(PACKAGE).parts:
            yield file


def own_names() -> set[str]:
    """Return the operationIds, paths, parameters, components and fields of openapi.yaml, common words left out."""
    contract = load_contract()
    tree: Any = contract.document.tree
    names = {*contract.operations, *tree["paths"], *tree["components"]["schemas"], *tree["components"]["responses"]}
    for operation in contract.operations.values():
        names |= {name for _, name in operation.parameters}
    for schema in tree["components"]["schemas"].values():
        names |= set(schema.get("properties", ()))
    return names - COMMON_WORDS - USUAL_NAMES


def mentions(file: Path) -> list[str]:
    """List the places at which a source names something of openapi.yaml, in an identifier or a text."""
    names, found = own_names(), []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        said = []
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            said = [node.value]
        elif isinstance(
            node, (ast.Name, ast.Attribute, ast.arg, ast.FunctionDef, ast.ClassDef, ast.keyword, ast.alias)
        ):
            word = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
            said = [str(word or getattr(node, "arg", "") or "")]
        for text in said:
            is_name = text in names or any(
                name in text.split() or f"{name}/" in text for name in names if len(name) > 5
            )
            if OWN_WORDS.search(text) or is_name:
                found.append(f"{file.relative_to(PACKAGE.parent)}:{getattr(node, 'lineno', 0)} {text[:60]!r}")
    return found


def imports(file: Path) -> Iterator[str]:
    """Yield the modules of the suite that a source imports."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "contract_tests" else []
            yield from names or [node.module]
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_engine_names_nothing_of_the_resource_under_contract() -> None:
    """What is true of one API stands in its contract: no text and no identifier of it in the engine."""
    found = [place for file in engine_files() for place in mentions(file)]
    assert not found, f"{len(found)} places name something of openapi.yaml:\n" + "\n".join(found[:40])


@pytest.mark.parametrize("room", ARROWS)
def test_room_imports_only_what_its_arrows_allow(room: str) -> None:
    """The arrows go one way; nothing imports a test, and the mock imports nothing of the suite."""
    wrong = []
    for file in sorted((PACKAGE / room).rglob("*.py")):
        # conftest.py is the part of the runner's plugin that pytest looks for in the folder of the tests.
        for module in imports(file) if file.name != "conftest.py" else ():
            parts = module.split(".")
            if parts[0] != "contract_tests" or len(parts) < 2:
                continue
            is_leaf = parts[1] in LEAVES and room != "mock_api"
            if not is_leaf and parts[1] not in ARROWS[room] | {room}:
                wrong.append(f"{file.relative_to(PACKAGE)} imports {module}")
            if parts[-1].startswith("test_"):
                wrong.append(f"{file.relative_to(PACKAGE)} imports a test, {module}")
    assert not wrong, "\n".join(wrong)


def test_every_room_has_its_arrows() -> None:
    """A room that nobody drew arrows for would be held to none."""
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert rooms - {"self_tests"} == set(ARROWS)


def test_no_folder_is_too_full() -> None:
    """A newcomer reads a folder at a glance."""
    folders = {file.parent for file in engine_files()}
    counts = {str(folder.relative_to(PACKAGE)): len([*folder.glob("*.py")]) for folder in folders}
    assert not {name: count for name, count in counts.items() if count > MOST_FILES and name != "promises"}


def test_suite_stays_small() -> None:
    """The suite, the tests of itself apart, is at most so many lines of Python."""
    lines = sum(len(file.read_text("utf-8").splitlines()) for file in engine_files())
    assert lines <= MOST_LINES, f"{lines} lines"
