"""Faults of media types, and of what is read as JSON."""

import gzip
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
import yaml

from .. import seams, usual
from ..fault import Apply, Planted, fault, plain, rows
from ..scene import Body, Scene, first, needed
from ..seams import Answer, Answering, Api, Decode, Operation, Refusal, Request, by, curried, maker
from ..usual import ITEM, Shown, change, change_and_read, error, failed, success, wrong
from ..witness import Witness, with_header

JSON, TYPES = "strict_json", "strict_media_types"
PLAIN, FORM = (b"content-type", b"text/plain"), "application/x-www-form-urlencoded"
WINDOW = 4096
NO_JSON = (ValueError, TypeError, SyntaxError, yaml.YAMLError, RecursionError)


# -- Media types ------------------------------------------------------------------------------------------------------


def _further(beginning: bytes) -> Apply:
    is_json = lambda rule, said: rule(said) or (said is not None and re.match(beginning, said.lower()) is not None)
    return lambda api: seams.wrap(api, "bodies.is_json", is_json)


def _fewer(is_refused: Callable[[bytes], bool]) -> Apply:
    return lambda api: seams.wrap(api, "bodies.is_json", lambda rule, said: rule(said) and not is_refused(said or b""))


@curried
def _sent_as(content_type: str, scene: Scene) -> Witness:
    needed(scene.contract.operation("update").body_type == "application/json")
    return (scene.update(change(scene), content_type=content_type), scene.read())


rows("media_types", (TYPES,), {
    "plain_text_read_as_json": ("Reads a body of the type text/plain as JSON.", _further(b"text/plain"), _sent_as("text/plain")),
    "media_type_ignored": ("Reads any body as JSON, whatever its type.", _further(b""), _sent_as("application/xml")),
    "media_type_by_its_beginning": (
        "Reads as JSON what is of a type that begins with application/json.",
        _further(b"application/json"), _sent_as("application/jsonp")),
    "media_type_by_its_suffix": (
        "Reads as JSON what is of a type that ends in +json.",
        _further(rb"[^;]*\+json\b"), _sent_as("application/vnd.api+json")),
    "media_type_of_an_older_name": (
        "Reads as JSON what is of a type that JSON had before it was registered.",
        _further(rb"text/(x-)?json\b|application/x-json\b"), _sent_as("text/json")),
    "charset_refused": (
        "Refuses application/json with a charset.",
        _fewer(lambda said: b";" in said), _sent_as("application/json; charset=utf-8")),
    "charset_in_quotes_refused": (
        "Takes the quotes around a charset for a part of its name.",
        _fewer(lambda said: b'"' in said), _sent_as('application/json; charset="utf-8"')),
    "media_type_in_capitals_refused": (
        "Compares the media type with its case.",
        _fewer(lambda said: not said.startswith(b"application/json")), _sent_as("Application/JSON")),
})  # fmt: skip


def _empty(text: str, **headers: str) -> Shown:
    """Return what sends a text where an empty object would be a valid update."""
    return lambda scene: (scene.update(text, **headers),) if scene.contract.accepts("update", {}) else ()


@plain("media_types", TYPES, shown=usual.without_a_type)
@by(seams.wrap, "bodies.is_json")
def body_without_a_type_answered_500(api: Api, rule: Callable[[Any], bool], said: bytes | None) -> bool:
    """Fails on a body that comes without a Content-Type."""
    return rule(said) if said is not None else failed()


@plain("media_types", TYPES, shown=usual.without_a_type)
@by(seams.around, "update")
async def body_without_a_type_passed_over(api: Api, request: Request, handle: Operation) -> Answer:
    """Answers a body that comes without a Content-Type with success, and takes it for an empty object."""
    if b"content-type" in request.headers:
        return await handle(request)
    return seams.succeed(api, "update", api.resource.store.find(request.item_id))


@plain("media_types", TYPES, shown=_empty("{}", content_type="text/plain"))
def empty_object_of_any_type_accepted(api: Api) -> None:
    """Reads an empty object of any media type."""
    last: list[bytes] = []

    async def read(right: Any, *arguments: Any) -> bytes:
        last[:] = [await right(*arguments)]
        return last[0]

    seams.wrap(api, "bodies.read", read)
    seams.wrap(api, "bodies.is_json", lambda rule, said: rule(said) or last == [b"{}"])


# -- What is read as JSON ---------------------------------------------------------------------------------------------


def _pairs(document: Any) -> Any:
    is_pairs = isinstance(document, list) and document and all(isinstance(p, list) and len(p) == 2 for p in document)
    return dict(document) if is_pairs and all(isinstance(name, str) for name, _ in document) else document


def _number(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _form(body: bytes) -> Any:
    return {name: _number(value) for name, value in parse_qsl(body.decode(), strict_parsing=True)}


Write = Callable[[Body], str]


@maker(seams.wrap, "bodies.decode")
def _forgiving(api: Api, read: Decode, decode: Decode, body: bytes) -> Any:
    """Read with *read* what is no JSON object; what it cannot read either stays refused."""
    with suppress(Refusal):
        document = decode(body)
        if isinstance(document, dict):
            return document
    with suppress(*NO_JSON):
        document = read(body)
        orjson.dumps(document)
        if isinstance(document, dict):
            return document
    return decode(body)


def _forgives(read: Decode, write: Write, scene: Scene) -> Planted:
    body = scene.whole(change(scene))
    needed(read(write(body).encode()) == body)
    return Planted(_forgiving(read), (scene.update(write(body)), scene.read()))


# By the name of the fault: what it does, how it reads what is no JSON object, and how a body is written so.
rows("media_types", (JSON,), {
    "trailing_comma_accepted": (
        "Accepts a comma before the end of an object.",
        lambda body: orjson.loads(re.sub(rb",\s*}", b"}", body)), lambda body: json.dumps(body)[:-1] + ",}"),
    "trailing_comma_accepted_behind_two_fields": (
        "Accepts a comma before the end of an object that has one between its fields, too.",
        lambda body: orjson.loads(re.sub(rb",\s*}", b"}", body) if body.count(b'": ') > 1 else body),
        lambda body: f"{json.dumps(body)[:-1]}, {json.dumps(body)[1:-1]},}}"),
    "yaml_accepted": ("Reads bodies as YAML.", lambda body: yaml.safe_load(body.decode()), yaml.safe_dump),
    "text_after_the_object_ignored": (
        "Reads the first JSON value of a body and ignores what follows.",
        lambda body: json.JSONDecoder().raw_decode(body.decode())[0], lambda body: json.dumps(body) + " x"),
    "comment_before_the_object_ignored": (
        "Skips a comment before the object.",
        lambda body: orjson.loads(re.sub(rb"^/\*.*?\*/", b"", body)), lambda body: f"/* x */ {json.dumps(body)}"),
    "comment_after_the_object_ignored": (
        "Skips a comment behind the object.",
        lambda body: orjson.loads(re.sub(rb"/\*.*?\*/$", b"", body)), lambda body: f"{json.dumps(body)} /* x */"),
    "pairs_read_as_an_object": (
        "Makes an object of a list of pairs.",
        lambda body: _pairs(orjson.loads(body)), lambda body: json.dumps([*map(list, body.items())])),
    "json_in_text_accepted": (
        "Reads JSON that was written into a JSON text.",
        lambda body: orjson.loads(str(orjson.loads(body))), lambda body: json.dumps(json.dumps(body))),
}, make=_forgives)  # fmt: skip


@fault("media_types", TYPES)
def form_accepted(scene: Scene) -> Planted:
    """Accepts a form, its fields converted; JSON under that name too."""
    body = scene.whole(change(scene))
    form = urlencode(body)
    needed(_form(form.encode()) == body)

    def apply(api: Api) -> None:
        _further(FORM.encode())(api)
        _forgiving(_form)(api)

    return Planted(apply, (scene.update(form, content_type=FORM), scene.read()))


def _in_text(scene: Scene, text: str, mark: str, written: bytes) -> Witness:
    tried = first(tried for tried in scene.texts if scene.contract.accepts_value(tried, text))
    step = scene.update(scene.lawful({tried.name: text.replace(mark, "MARK")}))
    return (replace(step, body=(step.body or b"").replace(b"MARK", written)), scene.read())


async def _filled(api: Api, read: Any, *arguments: Any) -> bytes:
    return await read(*arguments) or b"{}"


rows("media_types", (JSON,), {
    "raw_newline_accepted": (
        "Accepts control characters in JSON text.",
        _forgiving(lambda body: json.loads(body.decode(), strict=False)),
        lambda scene: _in_text(scene, "a\nb", "\n", b"\n")),
    "wrong_utf8_replaced": (
        "Replaces bytes that are no UTF-8 and accepts the body.",
        _forgiving(lambda body: orjson.loads(body.decode("utf-8", "replace"))),
        lambda scene: _in_text(scene, "café", "é", b"\xe9")),
    "null_body_accepted": (
        "Takes null for an empty object.",
        lambda api: seams.read_as(api, lambda body: {} if body is None else body), _empty("null")),
    "byte_order_mark_answered_500": (
        "Fails on a body that begins with a byte order mark.",
        by(seams.wrap, "bodies.decode")(lambda api, read, body: failed() if body[:1] == b"\xef" else read(body)),
        lambda scene: (scene.update("\ufeff" + json.dumps(scene.whole(change(scene)))),)),
    "missing_body_accepted": (
        "Takes a missing body for an empty object.", by(seams.wrap, "bodies.read")(_filled), _empty("")),
})  # fmt: skip


@plain("media_types", clause=success("update"), shown=lambda s: (replace(s.update(change(s)), in_parts=True), s.read()))
@by(seams.replace, "bodies.gather")
async def second_half_of_a_body_lost(api: Api, message: Any, receive: Any) -> bytes:
    """Reads of a body only what arrives first."""
    return bytes(message["body"])


@maker(seams.wrap, "bodies.read")
async def _body_lost_beside(api: Api, header: bytes, right: Any, headers: Any, receive: Any) -> bytes:
    return b"" if header in headers else await right(headers, receive)


@by(seams.wrap, "answer")
async def _answer_cut(api: Api, answer: Answering, scope: Any, receive: Any) -> Answer:
    right = await answer(scope, receive)
    if b"gzip" not in dict(scope["headers"]).get(b"accept-encoding", b"") or len(right.body) < WINDOW:
        return right
    headers = (*right.headers, (b"content-encoding", b"gzip"))
    return replace(right, body=gzip.compress(right.body[:WINDOW]), headers=headers)


@curried
def _with(name: str, value: str, scene: Scene) -> Witness:
    texts = {tried.name: "a" * WINDOW * 2 for tried in scene.long_texts[:1]}
    needed(texts or name != "accept-encoding")
    step = scene.update(scene.lawful(texts) if texts else change(scene))
    return (replace(with_header(step, name, value), in_parts=True), scene.read())


rows("media_types", (), {
    "chunked_body_lost": (
        "Reads no body whose length is not said.", _body_lost_beside(b"transfer-encoding"), _with("transfer-encoding", "chunked")),
    "expected_body_lost": (
        "Reads no body before which 100 is expected.", _body_lost_beside(b"expect"), _with("expect", "100-continue")),
    "last_body_of_a_connection_lost": (
        "Reads no body where the connection is to be closed.", _body_lost_beside(b"connection"), _with("connection", "close")),
    "packed_answer_cut": (
        "Packs the first kilobytes of an answer where it may be packed.", _answer_cut, _with("accept-encoding", "gzip")),
}, clause=success("update"))  # fmt: skip


@plain(
    "media_types", needs=("create", "list"), clause=success("list"),
    shown=lambda s: (with_header(s.list(), "accept-encoding", "gzip"),),
)  # fmt: skip
@by(seams.around, "list")
async def list_said_to_be_packed(api: Api, request: Request, handle: Operation) -> Answer:
    """Labels a list as gzip where it may be packed, and does not pack it."""
    answer = await handle(request)
    is_met = b"gzip" in request.headers.get(b"accept-encoding", b"")
    return replace(answer, headers=(*answer.headers, (b"content-encoding", b"gzip"))) if is_met else answer


@plain("media_types", shown=lambda scene: _in_text(scene, "aéb", "é", b"\\u00E9"), clause=success("update"))
@by(seams.wrap, "bodies.decode")
def capital_escapes_refused(api: Api, right: Decode, body: bytes) -> Any:
    """Refuses escapes with capital digits."""
    if re.search(rb"(?<!\\)\\u[0-9A-Fa-f]{0,3}[A-F]", body):
        raise Refusal(400, "The request body is not valid JSON.")
    return right(body)


# -- Names that stand twice -------------------------------------------------------------------------------------------


def _twice(scene: Scene) -> Witness:
    tried = first(tried for tried in usual.changed(scene) if tried in scene.numbers)
    body = (scene.update(scene.change(tried)).body or b"").decode()
    again = f"{json.dumps(tried.name)}: {json.dumps(scene.good(tried)[0])}"
    return (scene.update(f"{body[:-1]}, {again}}}"), scene.read())


def _added(pairs: list[tuple[str, Any]]) -> Body:
    found: Body = {}
    for name, value in pairs:
        is_twice = name in found and seams.is_number(value) and seams.is_number(found[name])
        found[name] = found[name] + value if is_twice else value
    return found


rows("media_types", (JSON,), {
    "duplicate_names_answered_500": (
        "Fails on a body that names a field twice.", lambda api: seams.read_twice_named_as(api, failed), _twice),
    "duplicate_names_added_up": (
        "Adds up the numbers of a field that a body names twice.", lambda api: seams.read_twice_named_as(api, _added), _twice),
})  # fmt: skip


# -- Answers ----------------------------------------------------------------------------------------------------------


@fault("media_types")
def malformed_json_answered_as_text(scene: Scene) -> Planted:
    """Answers malformed JSON with a line of plain text."""
    needed(scene.contract.operation("update").answer_pointer(usual.refusal_status(scene)) and wrong(scene))
    text = lambda refusal, given: Answer(given.status, b"Bad Request", (PLAIN,)) if "JSON" in refusal.message else given
    return Planted(lambda api: seams.refuse_as(api, text), (scene.update("{"),), error("update", 400)(scene))


NOT_FOUND = b"<!doctype html><title>404 Not Found</title><h1>Not Found</h1>"
HTML = Answer(404, NOT_FOUND, ((b"content-type", b"text/html; charset=utf-8"),))


@by(seams.refuse_request_as)
def _html_unless_json_is_asked_for(api: Api, scope: Any, refusal: Refusal) -> Answer:
    is_json = b"json" in dict(scope["headers"]).get(b"accept", b"json")
    return HTML if refusal.status == 404 and not is_json else api.refuse(refusal)


@curried
def _unknown(accept: str, scene: Scene) -> Witness:
    needed(scene.contract.operation("read").answer_pointer(404))
    return (with_header(scene.read(usual.unknown(scene)), "accept", accept),)


rows("media_types", (), {
    "error_as_html": (
        "Answers 404 with an HTML page.",
        lambda api: seams.refuse_as(api, lambda refusal, answer: HTML if refusal.status == 404 else answer),
        _unknown("application/json")),
    "error_as_html_unless_json_is_asked_for": (
        "Answers 404 with an HTML page where Accept does not name JSON.", _html_unless_json_is_asked_for, _unknown("*/*")),
}, ITEM, error("read", 404))  # fmt: skip


@plain("media_types", shown=change_and_read, clause=success("read"))
@by(seams.give_as)
def answers_as_plain_text(api: Api, answer: Answer) -> Answer:
    """Sends JSON under the name text/plain."""
    return replace(answer, headers=(PLAIN, *(pair for pair in answer.headers if pair[0] != PLAIN[0])))


@fault("media_types")
def answers_in_latin_1(scene: Scene) -> Planted:
    """Sends answers in Latin-1."""
    tried = first(tried for tried in scene.texts if scene.contract.accepts_value(tried, "café"))
    spelled = lambda api, answer: replace(answer, body=answer.body.decode().encode("latin-1", "replace"))
    return Planted(by(seams.give_as)(spelled), scene.shows(scene.lawful({tried.name: "café"})), success("read")(scene))
