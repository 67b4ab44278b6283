"""The mock follows contracts that it has never seen, from the file alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from contract_tests.mock_api.process import running_mock

CONTRACTS = Path(__file__).resolve().parents[1] / "contracts"

# Bearer, no envelope, integer ids, PUT, 204, no paging, {message}.
NOTES = """
openapi: 3.1.0
info: {title: Notes, version: 1.0.0}
servers: [{url: 'http://localhost/v2'}]
security: [{token: []}]
paths:
  /notes:
    get:
      operationId: listNotes
      responses: {'200': {content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Note'}}}}}}
    post:
      operationId: createNote
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Body'}}}}
      responses:
        '201':
          content: {application/json: {schema: {$ref: '#/components/schemas/Note'}}}
          links:
            read: {operationId: getNote, parameters: {id: '$response.body#/id'}}
            update: {operationId: putNote, parameters: {id: '$response.body#/id'}}
            remove: {operationId: dropNote, parameters: {id: '$response.body#/id'}}
        '422': {$ref: '#/components/responses/Wrong'}
  /notes/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: getNote
      responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Note'}}}}, '404': {$ref: '#/components/responses/Wrong'}}
    put:
      operationId: putNote
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Body'}}}}
      responses: {'204': {description: Changed.}, '422': {$ref: '#/components/responses/Wrong'}}
    delete:
      operationId: dropNote
      responses: {'204': {description: Gone.}}
components:
  securitySchemes: {token: {type: http, scheme: bearer}}
  schemas:
    Body:
      type: object
      required: [text]
      additionalProperties: false
      properties:
        text: {type: string, maxLength: 5}
        pin: {type: string, writeOnly: true}
        tags: {type: array, items: {type: string}, default: [new]}
        mood: {anyOf: [{type: string}, {type: 'null'}]}
        place: {type: object, properties: {city: {type: string}, zip: {type: string}}}
      x-constraints:
        - title: A pinned note is tagged.
          if: {required: [pin]}
          then: {properties: {tags: {minItems: 1}}}
    Note:
      type: object
      required: [id, text, revision]
      properties:
        id: {type: integer, readOnly: true}
        text: {type: string}
        tags: {type: array, items: {type: string}}
        mood: {type: [string, 'null']}
        place: {type: object}
        revision: {type: integer, readOnly: true, x-changes: on-update}
        self: {type: string, readOnly: true, x-template: 'notes/{id}'}
  responses:
    Wrong: {content: {application/json: {schema: {type: object, required: [message], properties: {message: {type: string}}}}}}
"""

# No key, problem details, UUIDs, pages by offset, values of another operation.
CARS = """
openapi: 3.1.0
info: {title: Cars, version: 1.0.0}
paths:
  /models:
    get:
      operationId: listModels
      responses:
        '200':
          content:
            application/json:
              schema:
                type: object
                required: [models]
                properties:
                  models:
                    type: array
                    items:
                      type: object
                      required: [name, colours]
                      properties: {name: {type: string}, colours: {type: array, items: {type: string}}}
  /cars:
    get:
      operationId: listCars
      parameters:
        - {name: offset, in: query, schema: {type: integer, minimum: 0}}
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 10, default: 3}}
        - {name: sort, in: query, schema: {type: string, enum: [doors, -doors]}}
        - {name: colour, in: query, schema: {type: string}}
      responses:
        '200':
          content:
            application/json:
              schema: {type: object, required: [items], properties: {items: {type: array, items: {$ref: '#/components/schemas/Car'}}}}
        '400': {$ref: '#/components/responses/Problem'}
    post:
      operationId: createCar
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Body'}}}}
      responses:
        '201':
          content: {application/json: {schema: {type: object, required: [data], properties: {data: {$ref: '#/components/schemas/Car'}}}}}
          links:
            read: {operationId: getCar, parameters: {car: '$response.body#/data/uid'}}
            update: {operationId: patchCar, parameters: {car: '$response.body#/data/uid'}}
        '400': {$ref: '#/components/responses/Problem'}
  /cars/{car}:
    parameters: [{name: car, in: path, required: true, schema: {type: string, format: uuid}}]
    get:
      operationId: getCar
      responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Car'}}}}, '404': {$ref: '#/components/responses/Problem'}}
    patch:
      operationId: patchCar
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Body'}}}}
      responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Car'}}}}, '400': {$ref: '#/components/responses/Problem'}}
components:
  schemas:
    Body:
      type: object
      properties:
        model: {type: string, x-values-from: {operationId: listModels, value: '#/models/*/name'}}
        colour:
          type: string
          x-values-from: {operationId: listModels, value: '#/models/*/colours/*', given: {model: '#/models/*/name'}}
        doors: {type: integer, minimum: 2, maximum: 5}
    Car:
      type: object
      required: [uid]
      properties:
        uid: {type: string, format: uuid, readOnly: true}
        model: {type: string}
        colour: {type: string}
        doors: {type: integer}
        changed: {type: string, format: date-time, readOnly: true, x-changes: on-update}
    Problem:
      type: object
      required: [type, title, status]
      properties:
        type: {type: string}
        title: {type: string}
        status: {type: integer}
        detail: {type: string}
        errors: {type: array, items: {type: object, required: [pointer], properties: {pointer: {type: string}, detail: {type: string}}}}
  responses:
    Problem:
      x-error-fields: '#/errors/*/pointer'
      content: {application/problem+json: {schema: {$ref: '#/components/schemas/Problem'}}}
"""


@contextmanager
def mock_of(text: str, folder: Path) -> Iterator[httpx.Client]:
    file = folder / "contract.yaml"
    file.write_text(text)
    with (
        running_mock("--contract", str(file)) as mock,
        httpx.Client(base_url=mock.url, headers={"authorization": f"Bearer {mock.api_key or 1}"}) as client,
    ):
        yield client


def test_notes_are_kept(tmp_path: Path) -> None:
    """Integer ids, a PUT of the whole item, answers without a body, counted revisions and fields that are only written."""
    with mock_of(NOTES, tmp_path) as api:
        made = api.post("/notes", json={"text": "a", "pin": "1234", "mood": None, "place": {"city": "Ulm", "zip": "1"}})
        note = made.json()
        assert (made.status_code, note["tags"], note["mood"], note["revision"]) == (201, ["new"], None, 1)
        assert isinstance(note["id"], int) and "pin" not in note and note["self"] == f"notes/{note['id']}"
        path = f"/notes/{note['id']}"
        changed = api.put(path, json={"text": "b", "place": {"city": "Bonn"}})
        assert (changed.status_code, changed.content, "content-length" in changed.headers) == (204, b"", False)
        after = api.get(path).json()
        assert (after["text"], after["revision"], after["place"], "tags" in after) == ("b", 2, {"city": "Bonn"}, False)
        assert api.get("/notes").json()[0] == after
        refused = [{"text": "longer"}, {}, {"text": "a", "more": 1}, {"text": "a", "pin": "1", "tags": []}]
        answers = [api.put(path, json=body) for body in refused]
        assert [answer.status_code for answer in answers] == [422] * 4
        assert all(list(answer.json()) == ["message"] for answer in answers)
        assert "A pinned note is tagged." in answers[-1].text
        assert api.get(path).json() == after
        assert (api.delete(path).status_code, api.delete(path).status_code) == (204, 404)
        assert api.post("/notes", json={"text": "c"}).json()["id"] > note["id"]
        assert api.get("/notes", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_cars_are_kept(tmp_path: Path) -> None:
    """Problem details in their own media type, UUIDs, pages by offset, order, a filter by a field, listed values."""
    with mock_of(CARS, tmp_path) as api:
        models = {each["name"]: each["colours"] for each in api.get("/models").json()["models"]}
        assert len(models) >= 4 and all(len(colours) >= 2 for colours in models.values())
        (one, first), *_, (other, last) = models.items()
        assert not set(first) & set(last)
        assert any(set(a) & set(b) for a in models.values() for b in models.values() if a is not b)
        cars = [
            api.post("/cars", json={"model": one, "colour": first[0], "doors": doors}).json()["data"]
            for doors in (3, 5, 2, 4)
        ]
        assert len({car["uid"] for car in cars}) == 4 and all(len(car["uid"]) == 36 for car in cars)
        path = f"/cars/{cars[0]['uid']}"
        refused = api.patch(path, json={"model": other})
        assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
        assert [each["pointer"] for each in refused.json()["errors"]] == ["model"]
        assert (refused.json()["status"], refused.json()["title"]) == (400, "Bad Request")
        assert [e["pointer"] for e in api.patch(path, json={"doors": 9}).json()["errors"]] == ["doors"]
        moved = api.patch(path, json={"model": other, "colour": last[0]}).json()
        assert moved["changed"] > cars[0]["changed"]
        query: dict[str, Any] = {"sort": "-doors", "colour": first[0], "limit": 2}
        found = [api.get("/cars", params={**query, "offset": offset}).json()["items"] for offset in (0, 2)]
        assert [car["doors"] for car in found[0]] == [5, 4] and found[1][0]["doors"] == 2
        assert len(api.get("/cars").json()["items"]) == 3
        assert api.get("/cars", params={"limit": 11}).status_code == 400
        assert api.get("/cars/none").headers["content-type"] == "application/problem+json"


def test_paths_that_end_in_a_slash_are_served(tmp_path: Path) -> None:
    """A list and an item are found below paths that end in a slash, and not without it."""
    with mock_of(
        NOTES.replace("  /notes:", "  /notes/:").replace("  /notes/{id}:", "  /notes/{id}/:"), tmp_path
    ) as api:
        note = api.post("/notes/", json={"text": "a"}).json()
        assert [api.get("/notes/").json()[0], api.get(f"/notes/{note['id']}/").json()] == [note, note]
        assert [api.get(path).status_code for path in ("/notes", f"/notes/{note['id']}")] == [404, 404]


@pytest.mark.parametrize("name", sorted(file.name for file in CONTRACTS.glob("*.yaml")))
def test_written_contracts_are_followed(name: str) -> None:
    """The mock starts with every contract of the self-tests and answers the list or the read of its first item."""
    document = yaml.safe_load((CONTRACTS / name).read_text())
    assert document["openapi"].startswith("3.1")
    with running_mock("--contract", str(CONTRACTS / name)) as mock:
        assert mock.url.startswith("http://127.0.0.1:")
