"""openapi.yaml against the published page, line by line; the page wins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from contract_tests.spec.contract import CONTRACT_FILE, load_contract

CONTRACT = load_contract()
DOCUMENT: Any = CONTRACT.document.tree
FIELDS = CONTRACT.fields("updatePersona")
UPDATE = CONTRACT.operation("updatePersona")

SOUNDS = """off, office, lounge, crowd, airport, bus, playground, doorbell, train-arrival,
portable-air-conditioner, skatepark, small-dog-bark, cafe, ferry-and-announcement, heavy-rain, moderate-wind,
newborn-baby-crying, office-with-alarm, street-with-sirens, construction-work"""


@dataclass(frozen=True)
class Fact:
    """One line of the page, what it means, and what openapi.yaml makes of it."""

    quote: str
    expected: Any
    actual: Any


def _schema(name: str) -> Any:
    return FIELDS[name].schema


def _nullable(name: str) -> tuple[str, bool, bool]:
    return FIELDS[name].json_type, FIELDS[name].is_nullable, FIELDS[name].is_required


PAGE_PERSONA = DOCUMENT["components"]["examples"]["PersonaOfThePage"]["value"]
FACTS = [
    Fact("PATCH / personas / {persona_id}", ("PATCH", "/personas/{persona_id}"), (UPDATE.method, UPDATE.path)),
    Fact("Update persona", "Update persona", UPDATE.definition["summary"]),
    Fact("https://api.coval.dev/v1/personas/{persona_id}", "https://api.coval.dev/v1", DOCUMENT["servers"][0]["url"]),
    Fact("Content-Type: application/json", ["application/json"], list(UPDATE.definition["requestBody"]["content"])),
    Fact(
        "Authorizations: X-API-Key, string, header, required",
        ("apiKey", "header", "X-API-Key", [{"ApiKeyAuth": []}]),
        (*(DOCUMENT["components"]["securitySchemes"]["ApiKeyAuth"][key] for key in ("type", "in", "name")),
         DOCUMENT["security"]),
    ),
    Fact(
        '--data {"voice_name": "aria", "language_code": "en-US", "wait_seconds": 0.8}',
        {"voice_name": "aria", "language_code": "en-US", "wait_seconds": 0.8},
        UPDATE.definition["requestBody"]["content"]["application/json"]["examples"]["page"]["value"],
    ),
    Fact(
        "Path Parameters: persona_id, string, required",
        ("persona_id", "path", True, {"type": "string"}),
        tuple(DOCUMENT["components"]["parameters"]["PersonaId"][key] for key in ("name", "in", "required", "schema")),
    ),
    Fact("All fields are optional.", [], DOCUMENT["components"]["schemas"]["PersonaUpdate"].get("required", [])),
    Fact(
        "Body: name, persona_prompt, voice_name, language_code, background_sound, wait_seconds, "
        "conversation_initiation, hold_music_timeout_seconds",
        ["name", "persona_prompt", "voice_name", "language_code", "background_sound", "wait_seconds",
         "conversation_initiation", "hold_music_timeout_seconds"],
        list(FIELDS),
    ),
    Fact("name: string | null", ("string", True, False), _nullable("name")),
    Fact("name: Required string length: 1 - 200", (1, 200), (_schema("name")["minLength"], _schema("name")["maxLength"])),
    Fact("persona_prompt: string | null", ("string", True, False), _nullable("persona_prompt")),
    Fact("persona_prompt: no limit on the page", set(), {"minLength", "maxLength", "pattern"} & set(_schema("persona_prompt"))),
    Fact("voice_name: string | null", ("string", True, False), _nullable("voice_name")),
    Fact("language_code: string | null", ("string", True, False), _nullable("language_code")),
    Fact("background_sound: enum<string> | null", ("string", True, False), _nullable("background_sound")),
    Fact(f"Available options: {SOUNDS}", SOUNDS.replace("\n", " ").split(", "), _schema("background_sound")["enum"]),
    Fact("Maximum string length: 100", 100, _schema("background_sound")["maxLength"]),
    Fact("wait_seconds: number<float> | null", ("number", True, False), _nullable("wait_seconds")),
    Fact("number<float>", ("float", "float"), (_schema("wait_seconds")["format"], _schema("hold_music_timeout_seconds")["format"])),
    Fact("Required range: 0.1 <= x <= 2", (0.1, 2), (_schema("wait_seconds")["minimum"], _schema("wait_seconds")["maximum"])),
    Fact("conversation_initiation: enum<string> | null", ("string", True, False), _nullable("conversation_initiation")),
    Fact("Available options: speak_first, wait_for_user", ["speak_first", "wait_for_user"], _schema("conversation_initiation")["enum"]),
    Fact("hold_music_timeout_seconds: number<float> | null", ("number", True, False), _nullable("hold_music_timeout_seconds")),
    Fact(
        "Required range: 5 <= x <= 300",
        (5, 300),
        (_schema("hold_music_timeout_seconds")["minimum"], _schema("hold_music_timeout_seconds")["maximum"]),
    ),
    Fact("Response: persona, object, required", ["persona"], DOCUMENT["components"]["schemas"]["PersonaResponse"]["required"]),
    Fact('"resource_name": "personas/3zfmuDbVQsi4GaseDtiVcS"', "personas/3zfmuDbVQsi4GaseDtiVcS", PAGE_PERSONA["persona"]["resource_name"]),
    Fact(
        "the persona of the page",
        {
            "resource_name": "personas/3zfmuDbVQsi4GaseDtiVcS",
            "id": "3zfmuDbVQsi4GaseDtiVcS",
            "name": "Friendly Customer",
            "create_time": "2025-01-24T10:00:00Z",
            "persona_prompt": "You are a friendly customer calling for technical support...",
            "voice_name": "aria",
            "language_code": "en-US",
            "background_sound": "office",
            "wait_seconds": 0.5,
            "conversation_initiation": "speak_first",
            "hold_music_timeout_seconds": 15,
            "update_time": "2025-01-24T12:30:00Z",
        },
        PAGE_PERSONA["persona"],
    ),
]  # fmt: skip

# The vendor's SDK 0.9.7: what null does in an update.
ON_NULL = {
    "name": "keep",
    "persona_prompt": "clear",
    "voice_name": "keep",
    "language_code": "keep",
    "background_sound": "clear",
    "wait_seconds": "clear",
    "conversation_initiation": "clear",
    "hold_music_timeout_seconds": "clear",
}

# The vendor's SDK 0.2.0, with 415 and 429 from x-promises and 409 from its newer releases.
STATUSES = {
    "updatePersona": {200, 400, 401, 404, 415, 429, 500},
    "getPersona": {200, 401, 404, 429, 500},
    "createPersona": {201, 400, 401, 415, 429, 500},
    "deletePersona": {200, 401, 404, 409, 429, 500},
    "listPersonas": {200, 400, 401, 429, 500},
    "listVoices": {200, 401, 429, 500},
}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.quote[:60])
def test_line_of_the_page_is_in_the_contract(fact: Fact) -> None:
    """What the page says of updatePersona, openapi.yaml says too, exactly."""
    assert fact.actual == fact.expected, f"the page: {fact.quote!r}; openapi.yaml: {fact.actual!r}"


@pytest.mark.parametrize("name", ON_NULL)
def test_null_rule_of_the_sdk_is_in_the_contract(name: str) -> None:
    """x-on-null says what the vendor's SDK says of each field."""
    assert FIELDS[name].on_null == ON_NULL[name]


def test_operations_and_statuses_are_those_of_the_sdk() -> None:
    """No operation and no status is promised that is not known."""
    assert {name: set(operation.statuses) for name, operation in CONTRACT.operations.items()} == STATUSES


def test_response_requires_what_the_sdk_requires() -> None:
    """resource_name, id, name and create_time are always there; nothing else is."""
    required = DOCUMENT["components"]["schemas"]["Persona"]["required"]
    assert set(required) == {"resource_name", "id", "name", "create_time"}


def test_update_has_no_defaults() -> None:
    """A default on a field of an update would be sent by a generated client."""
    text = yaml.safe_dump(DOCUMENT["components"]["schemas"]["PersonaUpdate"])
    assert "default:" not in text
    assert all("default" not in tried.schema for tried in FIELDS.values())


def test_created_id_flows_into_the_other_operations() -> None:
    """The links of createPersona name the operations that take the new id."""
    links = CONTRACT.operation("createPersona").definition["responses"]["201"]["links"]
    assert {link["operationId"] for link in links.values()} == {"getPersona", "updatePersona", "deletePersona"}
    assert {link["parameters"]["persona_id"] for link in links.values()} == {"$response.body#/persona/id"}


def test_each_limit_stands_once() -> None:
    """A limit that stood twice could be changed in one place only."""
    text = CONTRACT_FILE.read_text("utf-8")
    for limit in (
        "maximum: 2\n",
        "minimum: 0.1\n",
        "minimum: 5\n",
        "maximum: 300\n",
        "maxLength: 200\n",
        "maxLength: 100\n",
    ):
        assert text.count(limit) == 1, f"{limit.strip()!r} stands {text.count(limit)} times"
    assert text.count("- doorbell\n") == 1


def test_document_is_valid_openapi() -> None:
    """openapi.yaml is an OpenAPI 3.1 document."""
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def _examples(node: Any, pointer: str = "#") -> Iterator[tuple[str, Any, Any]]:
    """Yield every example of the document with the schema that it belongs to."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _examples(item, f"{pointer}/{index}")
    if not isinstance(node, dict):
        return
    for value in node.get("examples", ()) if isinstance(node.get("examples"), list) else ():
        yield pointer, {key: item for key, item in node.items() if key != "examples"}, value
    if "schema" in node:
        named = node.get("examples", {})
        for example in [*named.values(), *([{"value": node["example"]}] if "example" in node else [])]:
            target = example
            if "$ref" in example:
                target = DOCUMENT["components"]["examples"][example["$ref"].rsplit("/", 1)[-1]]
            yield pointer, node["schema"], target["value"]
    for key, item in node.items():
        if key not in ("examples", "example", "value"):
            yield from _examples(item, f"{pointer}/{key}")


EXAMPLES = list(_examples(DOCUMENT))


def test_examples_are_found() -> None:
    """Bodies, answers, parameters and fields all carry examples."""
    assert len(EXAMPLES) > 30


@pytest.mark.parametrize(("pointer", "schema", "value"), EXAMPLES, ids=[pointer for pointer, _, _ in EXAMPLES])
def test_example_is_valid(pointer: str, schema: Any, value: Any) -> None:
    """Every example of the document is valid against its own schema."""
    validator = jsonschema_rs.Draft202012Validator(
        {**schema, "components": DOCUMENT["components"]}, validate_formats=True
    )
    assert [error.message for error in validator.iter_errors(value)] == []
