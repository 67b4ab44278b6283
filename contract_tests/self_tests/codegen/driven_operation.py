"""One operation of a contract: what to send and to answer, by the contract alone, and what its client must make of both."""

from __future__ import annotations

import email
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx

from codegen.resource_layout import Spelling, read_spellings
from contract_tests.generation.instances import good_values
from contract_tests.generation.places import Place
from contract_tests.spec.document import Document, escape
from contract_tests.spec.extensions import error_code_place
from contract_tests.spec.operation import Operation, every_operation, is_json_type
from contract_tests.spec.resource import find_schema
from contract_tests.spec.security import read_key
from contract_tests.transport.resource_shape import at

KEY = "user:Self-Test-Key"
PLACES = ("path", "query", "header", "cookie")
# What answers a range or a default; no class of errors is made for these alone.
ANY_OF = {"2XX": 200, "3XX": 300, "4XX": 418, "5XX": 507, "default": 418}


@dataclass(frozen=True)
class Call:
    """What a call brings: values of parameters by place and name, and a body."""

    parameters: Mapping[tuple[str, str], Any]
    has_body: bool
    body: Any = None


@dataclass(frozen=True)
class Answer:
    """An answer as the contract allows it."""

    status: int
    kind: str
    """Its media type; empty without a body."""
    value: Any = None

    @property
    def response(self) -> httpx.Response:
        """The answer as it goes over the wire."""
        text = json.dumps(self.value) if is_json_type(self.kind) else str(self.value)
        return httpx.Response(self.status, content=text if self.kind else b"", headers={"content-type": self.kind})


@dataclass(frozen=True)
class DrivenOperation:
    """An operation, and the values that are tried with it."""

    operation: Operation = field(repr=False)
    spelling: Spelling = field(repr=False)
    answered: Document = field(repr=False)
    """The document as a maker of answers must read it: what only the server sets is sent, and what it never shows is not."""

    @property
    def document(self) -> Document:
        """The contract."""
        return self.operation.document

    # -- What is sent -------------------------------------------------------------------------------------------------

    @cached_property
    def body(self) -> tuple[str, str] | None:
        """The media type of the body that a client sends, and where its schema stands; None without one."""
        has_one = "requestBody" in self.operation.definition
        return self._content(self.document.resolve(f"{self.operation.pointer}/requestBody")[0]) if has_one else None

    def _content(self, carrier: str) -> tuple[str, str] | None:
        kinds = [*self.document.at(carrier).get("content", {})]
        kind = next((each for each in kinds if is_json_type(each)), next(iter(kinds), None))
        return None if kind is None else (kind, f"{carrier}/content/{escape(kind)}/schema")

    def calls(self) -> Iterator[Call]:
        """Yield calls with every argument and every value on trial, then one with nothing but what is required."""
        pointers = self.operation.parameters
        values = {key: _distinct(self.document, f"{pointer}/schema") for key, pointer in pointers.items()}
        bodies = _with_nulls(self.document, self.body[1]) if self.body else []
        for turn in range(max([1, len(bodies), *map(len, values.values())])):
            given = {key: found[turn % len(found)] for key, found in values.items()}
            yield Call(given, bool(bodies), bodies[turn % len(bodies)] if bodies else None)
        required = {
            key: found[0]
            for key, found in values.items()
            if key[0] == "path" or self.document.at(pointers[key]).get("required")
        }
        yield Call(required, bool(bodies), min(bodies, key=lambda each: len(json.dumps(each)), default=None))

    def check_request(self, request: httpx.Request, call: Call) -> None:
        """Hold a request to the contract, and to what it was made from."""
        assert request.method == self.operation.method
        self._check_path(request, call)
        key = read_key(self.document, every_operation(self.document))
        query = parse_qsl(request.url.query.decode(), keep_blank_values=True)
        expected = {**call.parameters, (key.kind, key.name): KEY}
        assert sorted(query) == sorted(_pairs(expected, "query"))
        cookies = [tuple(each.split("=", 1)) for each in request.headers.get("cookie", "").split("; ") if each]
        assert sorted(cookies) == sorted(_pairs(expected, "cookie"))
        named = {name.lower() for place, name in self.operation.parameters if place == "header"}
        sent = [(name, request.headers[name]) for name in named if name in request.headers]
        assert sorted(sent) == sorted((name.lower(), value) for name, value in _pairs(call.parameters, "header"))
        authorization = {"bearer": f"Bearer {KEY}", "basic": httpx.BasicAuth(*KEY.split(":"))._auth_header}
        assert request.headers.get("authorization") == authorization.get(key.kind)
        if key.kind == "header":
            assert request.headers.get_list(key.name) == [KEY]
        self._check_body(request, call)

    def _check_path(self, request: httpx.Request, call: Call) -> None:
        path = httpx.URL(self.document.tree["servers"][0]["url"]).raw_path.decode().rstrip("/") + self.operation.path
        sent, wanted = request.url.raw_path.decode().partition("?")[0].split("/"), path.split("/")
        values = {f"{{{name}}}": str(value) for (place, name), value in call.parameters.items() if place == "path"}
        assert [unquote(part) for part in sent] == [values.get(part, part) for part in wanted]

    def _check_body(self, request: httpx.Request, call: Call) -> None:
        kind = request.headers.get("content-type", "")
        is_empty = call.body == {} and kind == ""  # of a form without fields no part is made
        if self.body is None or (is_empty and not is_json_type(self.body[0])):
            assert (request.content, kind) == (b"", "")
            return
        assert kind.partition(";")[0] == self.body[0]
        if is_json_type(self.body[0]):
            sent = json.loads(request.content)
            found = [error.message for error in self.document.validator(self.body[1], "readOnly").iter_errors(sent)]
            assert found == [], f"{sent} breaks the contract"
            assert sent == call.body
        else:
            assert kind.startswith("multipart/form-data"), f"nothing reads {kind} here"
            whole = email.message_from_bytes(b"content-type: %b\r\n\r\n%b" % (kind.encode(), request.content))
            held = [part for part in whole.walk() if part is not whole]
            parts = {part.get_param("name", header="content-disposition"): part.get_payload() for part in held}
            assert parts == call.body

    # -- What is answered ---------------------------------------------------------------------------------------------

    def answers(self) -> Iterator[Answer]:
        """Yield each success and each error that the contract describes, with each value on trial."""
        for key in self.operation.definition["responses"]:
            status = self._status(str(key))
            carrier = self.document.resolve(f"{self.operation.pointer}/responses/{key}")[0]
            content = self._content(carrier)
            if content is None:
                yield Answer(status, "")
            elif not is_json_type(content[0]):
                yield Answer(status, content[0], "text")
            else:
                for value in _with_nulls(self.answered, content[1]):
                    is_right = self.document.validator(content[1], "writeOnly").is_valid(value)
                    assert is_right, f"{value} is made as an answer, and breaks the contract"
                    yield Answer(status, content[0], value)

    def _status(self, key: str) -> int:
        if key == "default" and not any(str(each).startswith("2") for each in self.operation.definition["responses"]):
            return 200
        return int(key) if key.isdigit() else ANY_OF[key if key == "default" else key.upper()]

    def shown(self, answer: Answer) -> Any:
        """Return what a client must return for a success: the body without its envelope."""
        pointer = self.operation.answer_pointer(answer.status)
        if pointer is None or self._is_void(pointer):
            return None if is_json_type(answer.kind) or not answer.kind else answer.value
        envelope = self.spelling.envelope
        has_one = find_schema(self.document, pointer, envelope) is not None
        return at(answer.value, envelope) if has_one else answer.value

    def _is_void(self, pointer: str) -> bool:
        """Whether a body is an object that may hold anything: nothing is promised of it."""
        schema = self.document.resolve(pointer)[1]
        is_open = not isinstance(schema.get("additionalProperties"), dict)
        return schema.get("type") == "object" and is_open and not self.document.properties(pointer)

    def next_page(self, call: Call, answer: Answer) -> Any:
        """Return what the page after an answer is asked for with; None where it is the last."""
        turning = self.spelling.turning
        assert turning is not None, "the list has no pages"
        if turning.kind == "token":
            return at(answer.value, turning.token_at) or None
        shown, asked = self.shown(answer), call.parameters.get(("query", turning.parameter))
        schema = self.document.at(self.operation.parameters["query", turning.parameter])["schema"]
        by_page = turning.kind == "page_number"
        first = schema.get("minimum", 1) if by_page else 0
        start = int(str(asked)) if str(asked).isdecimal() else first
        return start + (1 if by_page else len(shown)) if shown else None

    def code(self, answer: Answer) -> Any:
        """Return the code that an error shows; None where it shows none."""
        place = error_code_place(self.operation, answer.status)
        return None if place is None else _first(answer.value, place)


def read_driven(document: Document) -> dict[str, DrivenOperation]:
    """Return the operations of a document, by method and path."""
    operations, answered = list(every_operation(document)), Document(document.file, _turned_round(document.tree))
    return {
        f"{each.operation.method} {each.operation.path}": DrivenOperation(each.operation, each, answered)
        for each in read_spellings(operations)
    }


def _first(value: Any, way: tuple[str, ...]) -> Any:
    for step in way:
        value = next(iter(value or ()), None) if step == "*" else (value or {}).get(step)
    return value


def _turned_round(node: Any) -> Any:
    if isinstance(node, list):
        return [_turned_round(each) for each in node]
    if not isinstance(node, dict):
        return node
    names = {"readOnly": "writeOnly", "writeOnly": "readOnly"}
    return {names.get(key, key): _turned_round(value) for key, value in node.items()}


def _distinct(document: Document, pointer: str) -> list[Any]:
    found = good_values(Place(document, (pointer,)))
    assert found, f"no value is found for {pointer}"
    return [value for value in found if value not in ("", ".", "..")]


def _with_nulls(document: Document, pointer: str) -> list[Any]:
    """Return values of a body, then the largest of them with each null that it may hold: first where a plain value was."""
    place, found = Place(document, (pointer,)), _distinct(document, pointer)
    values, whole = list(found), found[0]
    for is_plain in (True, False):
        for way in _ways(whole):
            if isinstance(at(whole, way), (dict, list)) is not is_plain and place.is_valid(bare := _nulled(whole, way)):
                whole = bare
        values.append(whole)
    return [value for number, value in enumerate(values) if value not in values[:number]]


def _ways(value: Any) -> Iterator[tuple[str, ...]]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield from ((name, *way) for way in _ways(inner))
        yield (name,)


def _nulled(value: Any, way: tuple[str, ...]) -> Any:
    return {**value, way[0]: _nulled(value[way[0]], way[1:])} if way else None


def _pairs(values: Mapping[tuple[str, str], Any], wanted: str) -> list[tuple[str, str]]:
    return [
        (name, json.dumps(each) if not isinstance(each, str) else each)
        for (place, name), value in values.items()
        if place == wanted
        for each in (value if isinstance(value, list) else [value])
    ]
