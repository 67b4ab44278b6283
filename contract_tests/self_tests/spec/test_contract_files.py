"""The contracts in this repository are valid OpenAPI 3.1, and each example in them satisfies its own schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from contract_tests.spec.contract import load_contract

ROOT = Path(__file__).parents[3]
OTHERS = ROOT / "contract_tests/self_tests/contracts"
FILES = [ROOT / "openapi.yaml", *sorted(OTHERS.glob("*.yaml"))]

Tree = dict[str, Any]


def read(file: Path) -> Tree:
    document: Tree = yaml.safe_load(file.read_text("utf-8"))
    return document


def follow(document: Tree, node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def validator(document: Tree, pointer: str) -> jsonschema_rs.Draft202012Validator:
    reference = quote(pointer, safe="#/~")
    return jsonschema_rs.Draft202012Validator({**document, "$ref": reference}, validate_formats=True)


def schemas_with_examples(document: Tree, node: Any, pointer: str = "#") -> Iterator[tuple[str, Any]]:
    """Yield where each schema stands that has an example, and the example: of a body, an answer or a property."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from schemas_with_examples(document, item, f"{pointer}/{index}")
    if not isinstance(node, dict) or pointer.endswith(("/value", "/x-promises")):
        return
    if "schema" in node:
        named = [follow(document, example)["value"] for example in node.get("examples", {}).values()]
        yield from ((f"{pointer}/schema", value) for value in [*named, *[node[k] for k in ("example",) if k in node]])
    elif isinstance(node.get("examples"), list) and not pointer.endswith("/properties"):
        yield from ((pointer, value) for value in node["examples"])
    for name, item in node.items():
        yield from schemas_with_examples(document, item, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_contract_is_valid_openapi(file: Path) -> None:
    assert [fault.message for fault in OpenAPIV31SpecValidator(read(file)).iter_errors()] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_examples_satisfy_their_schemas(file: Path) -> None:
    document = read(file)
    examples = list(schemas_with_examples(document, document))
    wrong = [
        (pointer, fault.message)
        for pointer, value in examples
        for fault in validator(document, pointer).iter_errors(value)
    ]
    assert len(examples) >= 4
    assert wrong == []


def test_tickets_are_read_as_they_are_meant() -> None:
    """Whole answers are items, the list is an array, the update answers without a body, and 422 refuses."""
    contract = load_contract(OTHERS / "tickets.yaml")
    assert (contract.resource.item_at, contract.resource.list_at, contract.resource.id_name) == ((), (), "id")
    assert contract.operation("update").successes[0] == 204
    assert contract.operation("update").refusals == (422,)
    assert contract.error_fields_at("update", 422) == ("errors", "*", "pointer")
    assert contract.error_code_at("update", 422) == ("type",)
    fields = contract.fields("update")
    assert {name: field.on_null for name, field in fields.items() if field.is_nullable} == {
        "description": "clear",
        "priority": "keep",
        "assigneeId": None,
        "dueDate": "clear",
    }
    assert contract.listing.paging.page_number == "page"
    assert set(contract.listing.filters) == {"title", "priority"}


def test_bookings_are_read_as_they_are_meant() -> None:
    """A foreign key, two rules across fields, pages by offset, and no null."""
    contract = load_contract(OTHERS / "bookings.yaml")
    fields = contract.fields("update")
    assert not any(field.is_nullable for field in fields.values())
    assert [name for name, field in fields.items() if not field.is_free] == ["room_id", "bed_type"]
    assert fields["bed_type"].values_from is not None
    assert set(fields["bed_type"].values_from.given) == {"room_id"}
    assert [rule.is_met({"payment": {"method": "invoice"}, "nights": 15}) for rule in contract.constraints] == [
        False,
        True,
    ]
    assert contract.listing.paging.offset == "skip"
    assert (contract.key.kind, contract.key.env) == ("query", "BOOKINGS_KEY")


def test_devices_are_read_as_they_are_meant() -> None:
    """No removal, no list, a PUT, a secret that is only written, and basic authentication."""
    contract = load_contract(OTHERS / "devices.yaml")
    assert contract.resource.missing == ("remove", "list")
    assert contract.operation("update").method == "PUT"
    assert contract.fields("create")["secret"].is_write_only
    assert contract.run_name == "name"
    assert contract.key.kind == "basic"
