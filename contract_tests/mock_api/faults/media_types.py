"""Faults of media types, and of what is read as JSON."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

import orjson
import yaml

from ..app import Answer, Api, Request
from ..errors import Refusal
from . import seams
from .fault import fault
from .seams import Operation
from .witness import Step, get, patch

BODY = "#/x-decisions/body"
CHARSET = "#/x-decisions/charset"
UPDATE_JSON = "#/paths/~1personas~1{persona_id}/patch/requestBody/content/application~1json"
ANSWER_JSON = "#/paths/~1personas~1{persona_id}/patch/responses/200/content/application~1json"
ERROR_JSON = "#/components/responses/NotFound/content/application~1json"

CHANGE = patch({"wait_seconds": 1})
JSON = (("content-type", "application/json"),)


def _forgiving(api: Api, read: Any) -> None:
    """Read with *read* what is no JSON; what it cannot read either stays refused."""
    decode = api.bodies.decode

    def forgiving(body: bytes) -> Any:
        try:
            return decode(body)
        except Refusal:
            try:
                document = read(body)
                orjson.dumps(document)
            except (ValueError, TypeError, SyntaxError, yaml.YAMLError, RecursionError):
                document = None
            if not isinstance(document, dict):
                raise
            return document

    seams.replace(api.bodies, "decode", forgiving)


def _any_type(api: Api, *beginnings: bytes) -> None:
    """Take bodies of further media types for JSON."""
    rule = api.bodies.is_json
    seams.replace(
        api.bodies, "is_json", lambda said: rule(said) or (said is not None and said.lower().startswith(beginnings))
    )


@fault("media_types", BODY, patch({"wait_seconds": 1}, content_type="text/plain"), get())
def plain_text_read_as_json(api: Api) -> None:
    """Reads a body of the type text/plain as JSON."""
    _any_type(api, b"text/plain")


@fault("media_types", BODY, patch({"wait_seconds": 1}, content_type="application/xml"), get())
def media_type_ignored(api: Api) -> None:
    """Reads any body as JSON, whatever its type."""
    _any_type(api, b"")


@fault("media_types", BODY, patch("wait_seconds=1.25", content_type="application/x-www-form-urlencoded"), get())
def form_accepted(api: Api) -> None:
    """Accepts a form, its fields converted; JSON under that name too."""
    _any_type(api, b"application/x-www-form-urlencoded")
    _forgiving(api, lambda body: {n: _number(v) for n, v in parse_qsl(body.decode(), strict_parsing=True)})


@fault("media_types", BODY, patch({"wait_seconds": 1}, content_type="application/jsonp"), get())
def media_type_by_its_beginning(api: Api) -> None:
    """Reads as JSON what is of a type that begins with application/json."""
    _any_type(api, b"application/json")


@fault("media_types", CHARSET, patch({"wait_seconds": 1}, content_type="application/json; charset=utf-8"), get())
def charset_refused(api: Api) -> None:
    """Refuses application/json with a charset."""
    seams.replace(api.bodies, "is_json", lambda said: said is not None and said.lower() == b"application/json")


@fault("media_types", CHARSET, patch({"wait_seconds": 1}, content_type='application/json; charset="utf-8"'), get())
def charset_in_quotes_refused(api: Api) -> None:
    """Takes the quotes around a charset for a part of its name."""
    rule = api.bodies.is_json
    seams.replace(api.bodies, "is_json", lambda said: rule(said) and b'"' not in (said or b""))


@fault("media_types", UPDATE_JSON, patch({"wait_seconds": 1}, content_type="Application/JSON"), get())
def media_type_in_capitals_refused(api: Api) -> None:
    """Compares the media type with its case."""
    rule = api.bodies.is_json
    seams.replace(api.bodies, "is_json", lambda said: rule(said) and said.startswith(b"application/json"))


@fault("media_types", ERROR_JSON, get("/personas/unknown"))
def error_as_html(api: Api) -> None:
    """Answers 404 with an HTML page."""
    page = b"<!doctype html><title>404 Not Found</title><h1>Not Found</h1>"
    html = Answer(404, page, ((b"content-type", b"text/html; charset=utf-8"),))
    seams.refuse_as(api, lambda refusal, answer: html if refusal.status == 404 else answer)


@fault("media_types", ERROR_JSON, patch("{"))
def malformed_json_answered_as_text(api: Api) -> None:
    """Answers malformed JSON with a line of plain text."""
    text = Answer(400, b"Bad Request", ((b"content-type", b"text/plain"),))
    seams.refuse_as(api, lambda refusal, answer: text if "JSON" in refusal.message else answer)


@fault("media_types", ANSWER_JSON, CHANGE, get())
def answers_as_plain_text(api: Api) -> None:
    """Sends JSON under the name text/plain."""
    give = api.give

    def plain(*arguments: Any) -> Answer:
        answer = give(*arguments)
        return Answer(answer.status, answer.body, ((b"content-type", b"text/plain"), *answer.headers[1:]))

    seams.replace(api, "give", plain)


@fault("media_types", ANSWER_JSON, patch({"persona_prompt": "café"}), get())
def answers_in_latin_1(api: Api) -> None:
    """Sends answers in Latin-1."""
    give = api.give

    def latin(*arguments: Any) -> Answer:
        answer = give(*arguments)
        return Answer(answer.status, answer.body.decode().encode("latin-1", "replace"), answer.headers)

    seams.replace(api, "give", latin)


@fault("media_types", BODY, patch('{"wait_seconds": 1.25,}'), get())
def trailing_comma_accepted(api: Api) -> None:
    """Accepts a comma before the end of an object."""
    _forgiving(api, lambda body: orjson.loads(re.sub(rb",\s*}", b"}", body)))


@fault("media_types", BODY, patch("wait_seconds: 1.25"), get())
def yaml_accepted(api: Api) -> None:
    """Reads bodies as YAML."""
    _forgiving(api, lambda body: yaml.safe_load(body.decode()))


@fault("media_types", BODY, patch('{"wait_seconds": 1.25} x'), get())
def text_after_the_object_ignored(api: Api) -> None:
    """Reads the first JSON value of a body and ignores what follows."""
    _forgiving(api, lambda body: json.JSONDecoder().raw_decode(body.decode())[0])


@fault("media_types", BODY, patch('{"persona_prompt": "a\nb"}'), get())
def raw_newline_accepted(api: Api) -> None:
    """Accepts control characters in JSON text."""
    _forgiving(api, lambda body: json.loads(body.decode(), strict=False))


@fault("media_types", BODY, patch(b'{"persona_prompt": "caf\xe9"}'), get())
def wrong_utf8_replaced(api: Api) -> None:
    """Replaces bytes that are no UTF-8 and accepts the body."""
    _forgiving(api, lambda body: orjson.loads(body.decode("utf-8", "replace")))


@fault("media_types", BODY, patch('[["wait_seconds", 1.25]]'), get())
def pairs_read_as_an_object(api: Api) -> None:
    """Makes an object of a list of pairs."""
    seams.read_as(api, _object_of_pairs)


@fault("media_types", BODY, patch("null"))
def null_body_accepted(api: Api) -> None:
    """Takes null for an empty object."""
    seams.read_as(api, lambda body: {} if body is None else body)


@fault("media_types", BODY, patch('"{\\"wait_seconds\\": 1.25}"'), get())
def json_in_text_accepted(api: Api) -> None:
    """Reads JSON that was written into a JSON text."""

    def read(body: Any) -> Any:
        try:
            return orjson.loads(body) if isinstance(body, str) else body
        except orjson.JSONDecodeError:
            return body

    seams.read_as(api, read)


@fault("media_types", BODY, patch(""))
def missing_body_accepted(api: Api) -> None:
    """Takes a missing body for an empty object."""
    read = api.bodies.read

    async def filled(*arguments: Any) -> bytes:
        return await read(*arguments) or b"{}"

    seams.replace(api.bodies, "read", filled)


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _object_of_pairs(body: Any) -> Any:
    is_pairs = isinstance(body, list) and body and all(isinstance(pair, list) and len(pair) == 2 for pair in body)
    return dict(body) if is_pairs and all(isinstance(name, str) for name, _ in body) else body


@fault("media_types", BODY, Step("PATCH", "/personas/{id}", b'{"wait_seconds": 1}'))
def body_without_a_type_answered_500(api: Api) -> None:
    """Fails on a body that comes without a Content-Type."""
    rule = api.bodies.is_json

    def is_json(content_type: bytes | None) -> bool:
        if content_type is None:
            raise Refusal(500, "Something went wrong.")
        return rule(content_type)

    seams.replace(api.bodies, "is_json", is_json)


@fault("media_types", UPDATE_JSON, Step("PATCH", "/personas/{id}", b'{"wait_seconds": 1}', JSON, in_parts=True), get())
def second_half_of_a_body_lost(api: Api) -> None:
    """Reads of a body only what arrives first."""

    async def gather(message: Any, receive: Any) -> bytes:
        return bytes(message["body"])

    seams.replace(api.bodies, "gather", gather)


@fault("media_types", BODY, Step("PATCH", "/personas/{id}", b'{"wait_seconds": 1}'), get())
def body_without_a_type_passed_over(api: Api) -> None:
    """Answers 200 to a body that comes without a Content-Type, and takes it for an empty object."""

    async def run(request: Request, handle: Operation) -> Answer:
        if b"content-type" not in request.headers:
            return api.give(200, {"persona": api.show(api.store.find(request.persona_id))})
        return await handle(request)

    seams.around(api, "updatePersona", run)


@fault("media_types", BODY, patch('{"wait_seconds": 1, "wait_seconds": 2}'))
def duplicate_names_answered_500(api: Api) -> None:
    """Fails on a body that names a field twice."""
    _twice_named(api, lambda pairs: _fail())


@fault("media_types", BODY, patch('{"wait_seconds": 1, "wait_seconds": 2}'), get())
def duplicate_names_added_up(api: Api) -> None:
    """Adds up the numbers of a field that a body names twice."""
    _twice_named(api, lambda pairs: {name: sum(v for n, v in pairs if n == name) for name, _ in pairs})


def _fail() -> None:
    raise Refusal(500, "Something went wrong.")


def _twice_named(api: Api, change: Any) -> None:
    """Put the numbers of a body that names a field twice through *change*."""
    decode = api.bodies.decode

    def read(pairs: list[tuple[str, Any]]) -> Any:
        is_double = len(dict(pairs)) < len(pairs) and all(type(value) in (int, float) for _, value in pairs)
        return change(pairs) if is_double else dict(pairs)

    def careless(body: bytes) -> Any:
        document = decode(body)
        try:
            return json.loads(body, object_pairs_hook=read) if isinstance(document, dict) else document
        except RecursionError:
            return document

    seams.replace(api.bodies, "decode", careless)
