"""
The generated client of every contract of this repository, driven through every operation, sync and async.

A server of the test's own holds each request to the contract, and to the arguments that it was made from; it answers with
what the contract allows. What the client returns must be what was answered, and each error must raise the right class.
Arguments, answers and errors are made from the schemas, so a contract that is added here is driven without a line more.
"""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codegen import generate
from contract_tests.self_tests.codegen.driven_client import DrivenClients, made_client
from contract_tests.self_tests.codegen.every_contract import every_contract
from contract_tests.spec.contract import ROOT
from contract_tests.spec.operation import METHODS

OWN, NOTES = "openapi.yaml", "golden/notes.yaml"
CONTRACTS = every_contract()
OPERATIONS = [
    (name, f"{method.upper()} {path}")
    for name, tree in CONTRACTS.items()
    for path, item in tree["paths"].items()
    for method in METHODS
    if method in item
]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> DrivenClients:
    """The clients of all contracts, each written when it is first asked for."""
    return DrivenClients(tmp_path_factory.mktemp("driven"), CONTRACTS)


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_client_does_what_the_contract_says(clients: DrivenClients, name: str, operation: str) -> None:
    """Each argument is sent where the contract says, each answer is returned whole, each error raises its class."""
    assert clients[name].drive(operation) > 1


def test_no_contract_and_no_operation_is_left_out() -> None:
    """Whoever takes a contract away, or adds one, says so here."""
    assert (16, 86) == (len(CONTRACTS), len(OPERATIONS))


def test_pages_are_counted_from_the_first(tmp_path: Path) -> None:
    """docs/writing-a-contract.md: the first page_number is the minimum of its parameter; none is skipped behind page 0."""
    tree = copy.deepcopy(CONTRACTS[NOTES])
    page = tree["paths"]["/notes"]["get"]["parameters"][0]
    page["schema"]["minimum"] = 0
    assert made_client(tree, tmp_path).drive("GET /notes") > 1


def test_tuples_and_arrays_without_items_are_typed(tmp_path: Path) -> None:
    """A tuple is a list of what it may hold, an array that says nothing of its items a list of anything."""
    tree = copy.deepcopy(CONTRACTS[NOTES])
    pair = [{"type": "integer"}, {"type": "string"}]
    tree["components"]["schemas"]["Note"]["properties"] |= {
        "pair": {"type": "array", "prefixItems": pair, "items": False},
        "rest": {"type": "array", "prefixItems": pair, "items": True},
        "tags": {"type": ["array", "null"]},
    }
    client = made_client(tree, tmp_path)
    assert client.drive("GET /notes/{id}") > 1
    types = client.package.models.Note.__annotations__
    assert types["pair"] == "list[int | str] | Unset"
    assert types["rest"] == "list[Any | int | str] | Unset"
    assert types["tags"] == "list[Any] | None | Unset"
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "-p", client.package.__name__]
    environment = {"PATH": "", "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache/client")}
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout


# What goes wrong: the contract and the operation that show it, the template, what that says, and what it says instead.
BROKEN = {
    "wrong-method": (NOTES, "PATCH /notes/{id}", "resources", '"{{ call.spelling.operation.method }}"', '"PUT"'),
    "query-dropped": (NOTES, "GET /notes", "resources", "{{ query }},", "{},"),
    "query-dropped-async": (OWN, "GET /personas", "resources", "            {{ query }},", "            {{ '{}' if is_async else query }},"),
    "header-dropped": (NOTES, "PATCH /notes/{id}", "resources", "headers={{ given(call.headers) }}, ", ""),
    "null-left-out": (OWN, "PATCH /personas/{persona_id}", "types", "if one is not UNSET}", "if one not in (UNSET, None)}"),
    "envelope-kept": (OWN, "POST /personas", "wire", "found = getattr(found, name)", "pass"),
    "wrong-error": (NOTES, "GET /notes/{id}", "errors", "404: NotFoundError", "404: ConflictError"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_template_that_says_it_wrongly_is_noticed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a template says wrongly turns the operation red that needs it right."""
    contract, operation, template, right, wrong = BROKEN[name]
    templates = shutil.copytree(generate.TEMPLATES, tmp_path / "templates")
    file = templates / f"{template}.py.jinja"
    assert right in file.read_text("utf-8")
    file.write_text(file.read_text("utf-8").replace(right, wrong), "utf-8")
    monkeypatch.setattr(generate, "TEMPLATES", templates)
    with pytest.raises(AssertionError):
        made_client(CONTRACTS[contract], tmp_path).drive(operation)
