"""Lawful variants of answers: ways in which an API may answer otherwise than the mock and keep its contract."""

import asyncio
import gzip
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import count, cycle, repeat
from random import choice
from types import SimpleNamespace
from typing import Any

import orjson

from contract_tests.mock_api.app import Send
from contract_tests.mock_api.wire.routes import decoded_path
from contract_tests.singles import nearest_single

from .. import seams, usual
from ..fault import LAWFUL, Apply, Planted, fault, plain, rows
from ..scene import NoPlace, Scene, first, needed
from ..seams import Answer, Api, Create, Fields, Give, Item, Refusal, by, curried
from ..state.identity import of_kind
from ..usual import ITEM, change, further
from ..witness import Step, Witness

SLOW_SECONDS = 0.3
FURTHER = {"tags": ["vip"], "volume": 1.0, "authorship": {"author": None}, "silent_mode": False}
FURTHER_VALUES = 200
HEADERS = (
    (b"x-request-id", b"4f6c1d20"), (b"etag", b'W/"7"'), (b"vary", b"accept-encoding"), (b"server", b"gateway"),
    (b"x-ratelimit-remaining", b"9999"), (b"cache-control", b"no-store"), (b"link", b'</v1>; rel="collection"'),
    (b"strict-transport-security", b"max-age=31536000"),
)  # fmt: skip
COOKIES = ((b"set-cookie", b"lb=7; HttpOnly"), (b"set-cookie", b"a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"))


# -- Items ------------------------------------------------------------------------------------------------------------


@fault(LAWFUL, needs=ITEM)
def cleared_fields_left_out(scene: Scene) -> Planted:
    """Leaves out what is not set instead of answering null."""
    required = scene.contract.document.required(scene.contract.resource.item_pointer)
    needed(any(tried.name not in {*required, *scene.smallest} for tried in scene.nullable))

    show = lambda item, shown: {n: v for n, v in shown.items() if v is not None or n in required}
    return Planted(lambda api: seams.show_as(api, show), usual.make_and_read(scene, scene.smallest))


@fault(LAWFUL, needs=ITEM)
def further_fields_answered(scene: Scene) -> Planted:
    """Answers an item with fields that the contract does not name, as newer releases do."""
    status = scene.contract.operation("read").successes[0]
    needed(not usual.is_closed(scene, "read", status, scene.contract.item_at("read")))
    needed(not FURTHER.keys() & scene.contract.item_fields)
    return Planted(lambda api: seams.show_as(api, lambda item, shown: {**FURTHER, **shown}), (scene.read(),))


def _beside(scene: Scene) -> Witness:
    """Read an item and an error, where their documents may hold more than the contract names."""
    read = scene.contract.operation("read")
    statuses = [read.successes[0], *(status for status in read.statuses if status >= 400)]
    needed(not any(usual.is_closed(scene, "read", status) for status in statuses))
    return (*usual.just_read(scene), *usual.optional(usual.read_unknown, scene))


def _beside_each(ids: Callable[[], Iterator[str]]) -> Apply:
    @by(seams.wrap, "give", memory=lambda api: ids())
    def apply(api: Api, ids: Iterator[str], right: Give, status: int, body: Any, headers: Any = ()) -> Answer:
        return right(status, {"request_id": next(ids), **body} if isinstance(body, dict) else body, headers)

    return apply


rows(LAWFUL, (), {
    "further_fields_beside_the_item": (
        "Answers every object with a field that the contract does not name.", _beside_each(lambda: repeat("4f6c1d20")), _beside),
    "request_ids_in_every_answer": (
        "Names each request in its answer, beside the documented fields, and no two alike.",
        _beside_each(lambda: (f"r{n}" for n in count(1))), _beside),
}, ITEM)  # fmt: skip


def singles(scene: Scene) -> list[str]:
    """Name the numbers that need not be kept more exactly than in single precision."""
    return [tried.name for tried in scene.fractions if tried.schema.get("format") == "float"]


@fault(LAWFUL)
def numbers_in_single_precision(scene: Scene) -> Planted:
    """Stores numbers in single precision and prints them shortest, so that 0.8 stays 0.8."""
    names = singles(scene)
    odd = ((f, v + 3.456789e-9) for f in scene.fractions if f.name in names for v in scene.good(f)[:1])
    tried, value = first((f, v) for f, v in odd if scene.contract.accepts_value(f, v))
    apply = lambda api: seams.store_values_as(api, seams.of_numbers(nearest_single), *names)
    return Planted(apply, scene.shows(scene.lawful({tried.name: value})))


def _spelling_numbers(spell: Callable[[float], Any], never_with: tuple[str, ...], scene: Scene) -> Planted:
    names = {tried.name for tried in scene.fractions}
    whole = ((tried, value) for tried in scene.fractions for value in range(1, 100))
    tried, value = first((f, v) for f, v in whole if scene.contract.accepts_value(f, v))
    apply = lambda api: seams.show_values_as(api, seams.of_numbers(spell), *names)
    return Planted(apply, scene.shows(scene.lawful({tried.name: value})), never_with=never_with)


rows(LAWFUL, (), {
    "numbers_always_with_a_fraction": ("Answers 15 as 15.0.", float, ()),
    "numbers_with_an_exponent": (
        "Answers 15 as 1.5e1.", lambda number: orjson.Fragment(f"{Decimal(repr(number)).normalize():e}".replace("+", "")),
        ("numbers_always_with_a_fraction",)),
}, make=_spelling_numbers)  # fmt: skip


# -- Ids and times ----------------------------------------------------------------------------------------------------


def _new_ids(change_id: Callable[[str], str], scene: Scene) -> Planted:
    is_valid = scene.api.contract.validator(usual.id_schema(scene)).is_valid
    needed(not usual.has_number_ids(scene) and is_valid(change_id("1")))
    apply = by(seams.wrap, "resource.store.new_id")(lambda api, new_id: change_id(new_id()))
    return Planted(apply, usual.make_and_read(scene, scene.item))


rows(LAWFUL, (), {
    "ids_are_uuids": ("Gives ids that are UUIDs.", lambda known: str(uuid.uuid5(uuid.NAMESPACE_URL, known))),
    "ids_of_odd_characters": ("Gives ids that have to be escaped in a URL.", lambda known: f"per:{known[:20]}+é %7E"),
    "ids_of_two_hundred_characters": ("Gives ids of 200 characters.", lambda known: f"{known:0>200}"),
}, ITEM, make=_new_ids)  # fmt: skip


Spell = Callable[[datetime], Any]
BEHIND = timezone(-timedelta(hours=5, minutes=30))


def _spelling(*spellings: Spell) -> Apply:
    @by(seams.show_as, memory=lambda api: cycle(spellings))
    def apply(api: Api, turns: Iterator[Spell], item: Item, shown: Fields) -> Fields:
        spell = next(turns)
        return {n: spell(v) if isinstance(v, datetime) else v for n, v in shown.items()}

    return apply


def _read_times(scene: Scene) -> Witness:
    needed(list(of_kind(scene, "created_at", "updated_at")))
    return (*usual.change_or_read(scene), scene.read())


rows(LAWFUL, (), {
    "times_with_an_offset": (
        "Answers times in a zone two hours ahead of UTC.",
        _spelling(lambda t: t.astimezone(timezone(timedelta(hours=2)))), _read_times),
    "times_without_fractions": (
        "Answers times to the second, though it keeps them more exactly.",
        _spelling(lambda t: t.replace(microsecond=0)), _read_times),
    # Nine digits of a time that is cut to the second would be the digits of no time.
    "times_to_the_nanosecond": (
        "Answers times with nine digits after the second.",
        _spelling(lambda t: f"{t:%Y-%m-%dT%H:%M:%S.%f}417Z"), _read_times, ("times_without_fractions", "times_with_an_offset")),
    "times_spelled_in_turn": (
        "Answers the same time in another zone and to another number of digits each time.",
        _spelling(lambda t: t.isoformat(timespec="microseconds"),
                  lambda t: t.astimezone(BEHIND).isoformat(timespec="microseconds"),
                  lambda t: f"{t:%Y-%m-%dT%H:%M:%S.%f}000Z"), _read_times, ("times_with_an_offset",)),
}, ITEM)  # fmt: skip


def _moving(scene: Scene) -> list[str]:
    """Name the times of the last update that are null until the first."""
    times = [own for own in of_kind(scene, "updated_at") if own.changes == "on-update"]
    return [own.name for own in times if scene.contract.document.validator(own.pointer).is_valid(None)]


def _new(scene: Scene) -> Witness:
    needed(_moving(scene))
    return (*usual.make_and_read(scene, scene.item), scene.read("{new}"))


@plain(LAWFUL, needs=ITEM, shown=_new)
@by(seams.wrap, "resource.store.create")
def update_time_set_at_creation(api: Api, create: Create, body: Fields) -> Item:
    """Sets the time of the last update when an item is created."""
    item = create(body)
    return api.resource.store.write(item._replace(updated_at=item.created_at))


@fault(LAWFUL, needs=ITEM)
def update_time_told_by_reads_only(scene: Scene) -> Planted:
    """Shows no time of an update in the answer to a creation, and that of the creation in every read after it."""
    names, item_at = _moving(scene), scene.api.resource.layout.item_at["create"]
    blank = lambda item: {**item, **dict.fromkeys(names)}

    def apply(api: Api) -> None:
        seams.show_as(api, lambda item, shown: {**shown, **dict.fromkeys(names, item.last_change)})
        usual.body_as(api, "create", lambda body: usual.changed_at(body, item_at, blank))
        # What is shown orders the list, too.
        told = lambda right, item, name: item.last_change if name in names else right(item, name)
        seams.wrap(api, "resource.listing.value", told)

    return Planted(apply, _new(scene))


def _same_twice(scene: Scene) -> Witness:
    needed([own for own in of_kind(scene, "updated_at") if own.changes == "on-update"])
    return scene.shows(change(scene), change(scene))


@plain(LAWFUL, shown=_same_twice)
@by(seams.update_as)
def update_time_moves_on_every_update(api: Api, before: Item, changes: Fields) -> None:
    """Moves the time of the last update on every update that it accepts, also where nothing changes."""
    store = api.resource.store
    now = store.find(before.id)
    if now.updated_at == before.updated_at:
        store.write(now._replace(updated_at=store.touch(now)))


# -- Errors -----------------------------------------------------------------------------------------------------------

Rewrite = Callable[[Any, tuple[str, ...]], Any]
"""Makes another body of that of an error; it is told where the body names the fields at fault."""
_left_out: Rewrite = lambda body, fields_at: usual.without_at(body, _list_at(fields_at) or ("",))


def _errors_otherwise(rewrite: Rewrite, never_with: tuple[str, ...], scene: Scene) -> Planted:
    witness, mock = usual.refused(scene), scene.api.resource.layout.operations["update"]
    status = scene.api.errors.status(mock, 400)
    body = scene.api.errors.body(mock, Refusal(status, "A message.", [{"field": "x", "description": "Is wrong."}]))
    needed(isinstance(body, dict) and _rewritten(scene, rewrite, "update", status, body) != body)

    @by(seams.refuse_as)
    def apply(api: Api, refusal: Refusal, answer: Answer) -> Answer:
        if refusal.operation is None or not answer.body.startswith(b"{"):
            return answer
        body = _rewritten(scene, rewrite, refusal.operation.name, answer.status, orjson.loads(answer.body))
        return replace(answer, body=orjson.dumps(body))

    return Planted(apply, witness, never_with=never_with)


def _rewritten(scene: Scene, rewrite: Rewrite, operation: str, status: int, body: Any) -> Any:
    other = rewrite(body, scene.contract.error_fields_at(operation, status) or ())
    return body if scene.contract.answer_faults(operation, status, other) else other


def _list_at(fields_at: tuple[str, ...]) -> tuple[str, ...]:
    return fields_at[: fields_at.index("*")] if "*" in fields_at else fields_at


def _say_nothing(body: Any, fields_at: tuple[str, ...]) -> Any:
    for path in list(usual.places(str, body)):
        if path[-1] in ("message", "detail", "title", "description"):
            body = usual.changed_at(body, path, lambda text: "")
    return _left_out(body, fields_at)


@curried
def _spelled_as(notations: Iterator[str], body: Any, fields_at: tuple[str, ...]) -> Any:
    notation = next(notations)
    spell = lambda text: notation.format(text) if isinstance(text, str) else text
    return usual.changed_at(body, fields_at, spell) if "*" in fields_at else body


rows(LAWFUL, (), {
    "details_left_out": ("Does not name the fields at fault in errors.", _left_out, ()),
    "details_null": (
        "Answers errors with details that are null.",
        lambda body, fields_at: usual.changed_at(body, _list_at(fields_at), lambda value: None) if fields_at else body,
        ("details_left_out",)),
    "errors_say_nothing": ("Answers errors with empty messages.", _say_nothing, ("details_null", "details_left_out")),
    "details_spell_fields_as_paths": (
        "Names the field at fault as a path in one of several notations.",
        _spelled_as(cycle(("body.{}", "/{}", "body/{}", "#/{}"))),
        ("details_null", "details_left_out", "errors_say_nothing")),
}, make=_errors_otherwise)  # fmt: skip


@plain(LAWFUL, needs=ITEM, shown=lambda s: usual.read_unknown(s) if usual.has_room(s, "read", 404) else ())
@by(seams.refuse_request_as)
def errors_name_the_request(api: Api, scope: Any, refusal: Refusal) -> Answer:
    """Says in every error which address was asked, a random word and a random id of the request."""
    host = dict(scope["headers"]).get(b"host", b"").decode()
    word = choice(("Sorry", "Alas", "Oops"))
    refusal.message += f" {word}! (request {uuid.uuid4()}, http://{host}{decoded_path(scope)})"
    return api.refuse(refusal)


# -- Spelling and transport -------------------------------------------------------------------------------------------


def _given_as(change_answer: Callable[[Answer], Answer]) -> Apply:
    return lambda api: seams.give_as(api, lambda answer: change_answer(answer) if answer.body else answer)


def _sent_as(change_answer: Callable[[Answer], Answer]) -> Apply:
    return by(seams.wrap, "send")(lambda api, send, answer, out: send(change_answer(answer), out))


def _adorned(*headers: tuple[bytes, bytes]) -> Apply:
    return _sent_as(lambda answer: replace(answer, headers=(*answer.headers, *headers)))


def _with_charset(answer: Answer) -> Answer:
    head = tuple((n, v + b"; charset=utf-8" if n == b"content-type" else v) for n, v in answer.headers)
    return replace(answer, headers=(*head, (b"x-request-id", b"4f6c1d20")))


def _indented(answer: Answer) -> Answer:
    option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return replace(answer, body=orjson.dumps(orjson.loads(answer.body), option=option))


def _in_ascii(answer: Answer) -> Answer:
    return replace(answer, body=json.dumps(orjson.loads(answer.body), separators=(" ,\t", " :\n")).encode())


def _compressed(answer: Answer) -> Answer:
    if not answer.body:
        return answer
    return Answer(answer.status, gzip.compress(answer.body, 1), (*answer.headers, (b"content-encoding", b"gzip")))


# Stands before what goes around `send`, which it replaces.
@plain(LAWFUL, needs=ITEM, shown=usual.just_read)
@by(seams.replace, "send")
async def answers_in_chunks(api: Api, answer: Answer, out: Send) -> None:
    """Sends answers in chunks, without their length."""
    await out({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    middle = len(answer.body) // 2
    await out({"type": "http.response.body", "body": answer.body[:middle], "more_body": True})
    await out({"type": "http.response.body", "body": answer.body[middle:]})


def _respelled(answer: Answer) -> Answer:
    return replace(answer, headers=tuple((name.title().swapcase(), value) for name, value in answer.headers))


rows(LAWFUL, (), {
    "answers_name_their_charset": ("Answers with a charset, and further headers.", _given_as(_with_charset), usual.just_read),
    "answers_indented_and_sorted": ("Answers JSON with white space, its fields sorted.", _given_as(_indented), usual.just_read),
    "answers_in_ascii": ("Escapes what is beyond ASCII, and puts white space between tokens.", _given_as(_in_ascii), usual.just_read),
    "answers_compressed": ("Compresses every answer with gzip.", _sent_as(_compressed), usual.just_read),
    "further_headers": ("Sends headers that the contract does not name.", _adorned(*HEADERS), usual.just_read),
    "cookies_set": ("Sets cookies with every answer.", _adorned(*COOKIES), usual.just_read),
    "header_names_in_another_case": ("Spells the names of headers as in cONTENT-tYPE.", _sent_as(_respelled), usual.just_read),
    "connections_closed": ("Closes the connection after every answer.", _adorned((b"connection", b"close")), usual.just_read),
}, ITEM)  # fmt: skip


@plain(LAWFUL, needs=ITEM, shown=usual.just_read, never_with=("answers_in_chunks",))
@by(seams.wrap, "send")
async def answers_of_http_1_0(api: Api, send: Any, answer: Answer, out: Send) -> None:
    """Answers in HTTP/1.0, and closes the connection."""
    if server := getattr(out, "__self__", None):  # none where the application is called directly
        way = server.transport
        write = lambda data: way.write(b"HTTP/1.0" + data[8:] if data.startswith(b"HTTP/1.1 ") else data)
        server.transport = SimpleNamespace(write=write, close=way.close, is_closing=way.is_closing)
    await send(replace(answer, headers=(*answer.headers, (b"connection", b"close"))), out)


@plain(LAWFUL, needs=ITEM, shown=usual.just_read)
@by(seams.wrap, "send")
async def slow_answers(api: Api, send: Any, answer: Answer, out: Send) -> None:
    """Takes 300 milliseconds for every answer."""
    await asyncio.sleep(SLOW_SECONDS)
    await send(answer, out)


# -- Listed values ----------------------------------------------------------------------------------------------------


def _sliced(node: Any, part: slice) -> Any:
    if isinstance(node, list):
        return [_sliced(each, part) for each in node[part]]
    return {n: _sliced(v, part) for n, v in node.items()} if isinstance(node, dict) else node


@plain(LAWFUL, needs=ITEM, shown=lambda s: tuple(Step("GET", s.contract.operation(n).path) for n in further(s) * 2))
def listed_values_in_another_order_each_time(api: Api) -> None:
    """Lists the values of fields in another order each time."""
    turns = cycle((slice(None, None, -1), slice(None)))
    for name in [name for name, answer in api.answers.items() if answer]:
        usual.body_as(api, name, lambda body: _sliced(body, next(turns)))


def _listing(list_as: Callable[[Any, tuple[str, ...]], Any], never_with: tuple[str, ...], scene: Scene) -> Planted:
    for source in [tried.values_from for tried in scene.listed if tried.values_from is not None]:
        name, answer = source.operation_id, scene.api.answers.get(source.operation_id)
        operation, body = scene.contract.operation(name), list_as(answer, source.value)
        if body != answer and not scene.contract.answer_faults(name, operation.successes[0], body):
            apply = lambda api, name=name, body=body: api.answers.update({name: body})
            return Planted(apply, (Step("GET", operation.path),), never_with=never_with)
    raise NoPlace


def _more(answer: Any, value_at: tuple[str, ...]) -> Any:
    """Return an answer that lists further values, where the values stand in objects of an array."""
    further = [{value_at[-1]: f"further-{n:02d}"} for n in range(FURTHER_VALUES)]
    grown = lambda known: [*known, *({**one, **other} for one, other in zip(cycle(known), further))]
    return usual.changed_at(answer, value_at[:-2], grown) if answer and value_at[-2:-1] == ("*",) else answer


rows(LAWFUL, (), {
    "many_more_listed_values": ("Lists two hundred further values.", _more, ()),
    "one_listed_value": ("Lists a single value.", lambda answer, value_at: _sliced(answer, slice(1)), ("many_more_listed_values",)),
}, ITEM, make=_listing)  # fmt: skip
