"""Lawful variants: what openapi.yaml leaves open, in its schemas or in so many words in x-decisions."""

from __future__ import annotations

import contextlib
import gzip
import json
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta, timezone
from itertools import count, cycle
from typing import Any

import orjson

from ..app import Answer, Api, Request, Send
from ..errors import Refusal
from ..listing import DEFAULT_ORDER, Order, Page, decode_token, encode_token
from ..routes import decoded_path
from ..rules import Fields
from ..store import Persona
from . import seams
from .fault import variant
from .lawful import error_answer, is_time, shortest_single
from .seams import Operation
from .witness import Step, delete, get, listed, patch, post, put, stranger

SHORT_PAGE = 3
BUSY_SECONDS = 0.3
LAG_SECONDS = 1.0
NEW: dict[str, Any] = {"name": "New", "voice_name": "aria", "language_code": "en-US"}
DEFAULTS = {"wait_seconds": 0.5, "background_sound": "off", "conversation_initiation": "speak_first"}
FURTHER_HEADERS = (
    (b"x-request-id", b"4f6c1d20"), (b"etag", b'W/"7"'), (b"vary", b"accept-encoding"), (b"server", b"gateway"),
    (b"set-cookie", b"lb=7; Path=/; HttpOnly"), (b"x-ratelimit-remaining", b"9999"), (b"cache-control", b"no-store"),
    (b"link", b'</v1/personas>; rel="collection"'), (b"strict-transport-security", b"max-age=31536000"),
)  # fmt: skip


# -- Answers ----------------------------------------------------------------------------------------------------------


@variant(get(), get("/personas/voices"), get("/personas/unknown"))
def request_ids_in_every_answer(api: Api) -> None:
    """Names each request in its answer, beside the documented fields, and no two alike."""
    give, numbers = api.give, count(1)
    seams.replace(
        api, "give", lambda status, body, headers=(): give(status, {**body, "request_id": f"r{next(numbers)}"}, headers)
    )


@variant(get(), patch({"wait_seconds": 9}))
def further_headers(api: Api) -> None:
    """Sends headers that the contract does not name."""
    give = api.give

    def adorned(*arguments: Any) -> Answer:
        answer = give(*arguments)
        return Answer(answer.status, answer.body, (*answer.headers, *FURTHER_HEADERS))

    seams.replace(api, "give", adorned)


@variant(get())
def answers_compressed(api: Api) -> None:
    """Compresses every answer with gzip."""
    send = api.send

    async def compressed(answer: Answer, out: Send) -> None:
        headers = (*answer.headers, (b"content-encoding", b"gzip"))
        await send(Answer(answer.status, gzip.compress(answer.body, 1), headers), out)

    seams.replace(api, "send", compressed)


@variant(patch({"persona_prompt": "é 😀"}), listed())
def answers_in_ascii(api: Api) -> None:
    """Escapes what is beyond ASCII, and puts white space between tokens."""
    give = api.give

    def escaped(*arguments: Any) -> Answer:
        answer = give(*arguments)
        text = json.dumps(orjson.loads(answer.body), separators=(" ,\t", " :\n"))
        return Answer(answer.status, text.encode(), answer.headers)

    seams.replace(api, "give", escaped)


@variant(get(), patch({"wait_seconds": 1}))
def times_to_the_nanosecond(api: Api) -> None:
    """Answers times with nine digits after the second."""
    _print_times(api, iter(lambda: lambda t: f"{t:%Y-%m-%dT%H:%M:%S.%f}417Z", None))


@variant(get(), get(), get())
def times_spelled_in_turn(api: Api) -> None:
    """Answers the same time in another zone and to another number of digits each time."""
    zone = timezone(-timedelta(hours=5, minutes=30))
    spellings = (
        lambda t: t.isoformat(timespec="microseconds"),
        lambda t: t.astimezone(zone).isoformat(timespec="microseconds"),
        lambda t: f"{t:%Y-%m-%dT%H:%M:%S.%f}000Z",
    )
    _print_times(api, cycle(spellings))


@variant(post(NEW), get("/personas/{new}"), listed())
def update_time_told_by_reads_only(api: Api) -> None:
    """Shows no update_time in the answer to a creation, and the time of the creation in every read after it."""
    seams.show_as(api, lambda persona, shown: {**shown, "update_time": shown["update_time"] or shown["create_time"]})

    async def run(request: Request, handle: Operation) -> Answer:
        answer = await handle(request)
        persona = orjson.loads(answer.body)["persona"]
        return api.give(answer.status, {"persona": {**persona, "update_time": None}})

    seams.around(api, "createPersona", run)


@variant(delete())
def removal_shows_what_is_gone(api: Api) -> None:
    """Answers a removal with the persona that was removed."""

    async def run(request: Request, handle: Operation) -> Answer:
        persona = api.store.find(request.persona_id)
        answer = await handle(request)
        return api.give(answer.status, {"persona": api.show(persona), "is_deleted": True})

    seams.around(api, "deletePersona", run)


@variant(get("/personas/voices"), get("/personas/voices"))
def voices_in_another_order_each_time(api: Api) -> None:
    """Lists the voices, and the languages of each, in another order each time."""
    steps = cycle((-1, 1))

    def shown() -> list[dict[str, object]]:
        step = next(steps)
        voices = list(api.voices.languages.items())[::step]
        return [{"voice_name": name, "supported_languages": spoken[::step]} for name, spoken in voices]

    seams.replace(api.voices, "show", shown)


@variant(post(NEW))
def ids_of_odd_characters(api: Api) -> None:
    """Gives ids that have to be escaped in a URL."""
    new_id = api.store.new_id
    seams.replace(api.store, "new_id", lambda: f"per:{new_id()}+é %7E")


# -- Errors -----------------------------------------------------------------------------------------------------------


@variant(patch({"wait_seconds": 9}), get("/personas/unknown"), never_with=("details_null", "details_left_out"))
def errors_say_nothing(api: Api) -> None:
    """Answers errors with an empty message, and details that are null."""
    seams.refuse_as(api, lambda refusal, answer: error_answer(api, Refusal(refusal.status, ""), details=None))


@variant(patch({"wait_seconds": 9}), never_with=("details_null", "details_left_out", "errors_say_nothing"))
def details_spell_fields_as_paths(api: Api) -> None:
    """Names the field at fault as a path in one of several notations, or among the names of what surrounds it."""
    notations = cycle(("body.{}", "/{}", "$.{}", "body/{}", "#/{}", "body, {}", "['{}']"))

    def change(refusal: Refusal, answer: Answer) -> Answer:
        if not refusal.details:
            return answer
        notation = next(notations)
        details = [{**detail, "field": notation.format(detail["field"])} for detail in refusal.details]
        return error_answer(api, refusal, details=details)

    seams.refuse_as(api, change)


@variant(get("/personas/unknown"), stranger(get()))
def errors_name_the_request(api: Api) -> None:
    """Says in every error which address was asked, and gives the request a number."""
    answer, numbers = api.answer, count(1)

    async def run(scope: Any, receive: Any) -> Answer:
        try:
            return await answer(scope, receive)
        except Refusal as refusal:
            host = dict(scope["headers"]).get(b"host", b"").decode()
            message = f"{refusal.message} (request {next(numbers)}, http://{host}{decoded_path(scope)})"
            raise Refusal(refusal.status, message, refusal.details, refusal.headers) from None

    seams.replace(api, "answer", run)


@variant(put({}))
def wrong_method_answered_as_text(api: Api) -> None:
    """Answers a method that the path does not have with a line of text."""
    text = Answer(405, b"Method Not Allowed", ((b"content-type", b"text/plain"),))
    seams.refuse_as(api, lambda refusal, answer: text if refusal.status == 405 else answer)


# -- Requests ---------------------------------------------------------------------------------------------------------


@variant(Step("HEAD", "/personas/{id}"))
def head_answered(api: Api) -> None:
    """Answers HEAD as GET, without the body."""
    find = api.routes.find
    seams.replace(api.routes, "find", lambda method, path: find("GET" if method == "HEAD" else method, path))


@variant(stranger(put({})), stranger(patch("wait", content_type="text/plain")))
def method_and_media_type_before_the_key(api: Api) -> None:
    """Answers 405 and 415 to a stranger."""
    answer = api.answer

    async def run(scope: Any, receive: Any) -> Answer:
        headers, path = dict(scope["headers"]), decoded_path(scope)
        if not api.is_page(path) and not api.is_authorized(headers):
            api.routes.find(scope["method"], path)
            if scope["method"] in ("PATCH", "POST") and not api.bodies.is_json(headers.get(b"content-type")):
                raise Refusal(415, "The body must be application/json in UTF-8.")
        return await answer(scope, receive)

    seams.replace(api, "answer", run)


@variant(patch('{"wait_seconds": 1, "wait_seconds": 2}'), never_with=("first_of_duplicate_names_wins",))
def duplicate_names_refused(api: Api) -> None:
    """Answers 400 where a body names a field twice."""
    decode = api.bodies.decode

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise Refusal(400, "The request body names a field twice.")
        return dict(pairs)

    def strict(body: bytes) -> Any:
        document = decode(body)
        with contextlib.suppress(RecursionError):  # what is nested too deep for this decoder is refused all the same
            json.loads(body, object_pairs_hook=once)
        return document

    seams.replace(api.bodies, "decode", strict)


@variant(Step("PATCH", "/personas/{id}", b'{"wait_seconds": 1}'), get())
def body_without_a_type_read_as_json(api: Api) -> None:
    """Reads a body that comes without a Content-Type as JSON."""
    rule = api.bodies.is_json
    seams.replace(api.bodies, "is_json", lambda said: said is None or rule(said))


@variant(patch({"wait_seconds": 2.0000000000000004}), get(), never_with=("numbers_in_single_precision",))
def numbers_read_in_single_precision(api: Api) -> None:
    """Reads numbers in single precision, so that the double next to a limit is the limit."""

    def single(value: Any) -> Any:
        try:
            return shortest_single(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
        except OverflowError:
            return value

    for name in ("wait_seconds", "hold_music_timeout_seconds"):
        seams.read_field_as(api, name, single)


@variant(post(NEW), post({**NEW, "wait_seconds": None}))
def create_fills_in_defaults(api: Api) -> None:
    """Gives a new persona defaults for what its creation leaves out or sends as null."""

    def filled(operation: str, fields: Fields) -> Fields:
        if operation != seams.CREATE:
            return fields
        return {**DEFAULTS, **{n: v for n, v in fields.items() if v is not None}}

    seams.store_as(api, filled)


@variant(delete())
def in_use_after_a_write(api: Api) -> None:
    """Answers 409 to the removal of a persona that was written a moment ago."""
    written: dict[str, float] = {}
    write = api.store.write

    def noted(persona: Persona) -> Persona:
        written[persona.id] = time.monotonic()
        return write(persona)

    async def run(request: Request, handle: Operation) -> Answer:
        if time.monotonic() - written.get(request.persona_id, 0) < BUSY_SECONDS and api.store.find(request.persona_id):
            return api.give(409, {"error": {"code": "CONFLICT", "message": "The persona is being written."}})
        return await handle(request)

    seams.replace(api.store, "write", noted)
    seams.around(api, "deletePersona", run)


# -- Lists ------------------------------------------------------------------------------------------------------------


@variant(listed("page_size=100"), post(NEW), post(NEW), listed("page_size=100"))
def short_pages(api: Api) -> None:
    """Shows three personas on a page at most, whatever page_size says, and a token that leads on."""
    cut = api.listing.cut

    def shorter(personas: list[Persona], query: Fields) -> Page:
        return cut(personas, {**query, "page_size": min(query.get("page_size", SHORT_PAGE), SHORT_PAGE)})

    seams.replace(api.listing, "cut", shorter)


@variant(listed(), listed("page_token={token}"), never_with=("made_up_token_finds_nothing",))
def first_page_empty(api: Api) -> None:
    """Begins every list with an empty page, whose token leads to the personas."""
    page = api.listing.page

    def later(personas: Iterable[Persona], query: Fields) -> Page:
        found = page(personas, query)
        if "page_token" in query or not found.personas:
            return found
        order = query.get("order_by", DEFAULT_ORDER)
        start = ["\U0010ffff"] if api.listing.order(order).is_descending else [""]
        return Page([], encode_token([order, query.get("filter"), start]))

    seams.replace(api.listing, "page", later)


@variant(listed())
def last_page_without_a_token_member(api: Api) -> None:
    """Leaves next_page_token out of the last page instead of answering null."""
    give = api.give
    seams.replace(
        api,
        "give",
        lambda status, body, headers=(): give(
            status, {n: v for n, v in body.items() if n != "next_page_token" or v is not None}, headers
        ),
    )


@variant(listed(), patch({"name": "Later"}), listed())
def lists_lag(api: Api) -> None:
    """Lists personas as they were up to a second ago."""
    everything = api.store.all
    known: list[Persona] = []
    taken = float("-inf")

    def behind() -> Iterator[Persona]:
        nonlocal taken
        if time.monotonic() - taken > LAG_SECONDS:
            known[:], taken = everything(), time.monotonic()
        return iter(list(known))

    seams.replace(api.store, "all", behind)


@variant(patch({"wait_seconds": 1}), listed("order_by=update_time"), listed("order_by=-update_time"))
def never_updated_listed_last(api: Api) -> None:
    """Lists personas that were never updated last, where the list is ordered by update_time, either way."""
    key = api.listing.key

    def last(persona: Persona, order: Order) -> list[str]:
        if order.field != "update_time" or persona.update_time is not None:
            return key(persona, order)
        return ["" if order.is_descending else "\U0010ffff", persona.id]

    seams.replace(api.listing, "key", last)


@variant(listed("page_size=1&order_by=name"), listed("page_size=1&page_token={token}"))
def token_brings_its_filter_and_order(api: Api) -> None:
    """Goes on with the filter and the order of the page that gave the token, whatever the query says."""
    page = api.listing.page

    def same(personas: Iterable[Persona], query: Fields) -> Page:
        said = decode_token(query.get("page_token", ""))
        if said is None:
            return page(personas, query)
        rest = {n: v for n, v in query.items() if n not in ("order_by", "filter")}
        return page(personas, rest | {n: v for n, v in (("order_by", said[0]), ("filter", said[1])) if v is not None})

    seams.replace(api.listing, "page", same)


def _print_times(api: Api, spellings: Iterator[Any]) -> None:
    def printed(persona: Persona, shown: Fields) -> Fields:
        spelled = next(spellings)
        return {n: spelled(v) if is_time(v) else v for n, v in shown.items()}

    seams.show_as(api, printed)
