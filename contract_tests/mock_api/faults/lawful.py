"""Lawful variants: ways in which an API may differ from the mock and keep the contract. Each must stay green."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import uuid
from collections.abc import Iterable
from datetime import timedelta, timezone
from typing import Any

import orjson

from ..app import Answer, Api, Request, Send
from ..errors import Refusal
from ..listing import Condition, Page
from ..rules import Fields
from ..store import Persona, voice_refusal
from ..voices import VOICES, Voices
from . import seams
from .fault import variant
from .seams import Operation
from .witness import delete, get, listed, patch, put

SLOW_SECONDS = 0.3
FURTHER_VOICES = 54
SINGLE = struct.Struct("f")


@variant(patch({"wait_seconds": None}), get())
def cleared_fields_left_out(api: Api) -> None:
    """Leaves out what is not set instead of answering null."""
    needed = ("resource_name", "id", "name", "create_time")
    seams.show_as(api, lambda persona, shown: {n: v for n, v in shown.items() if v is not None or n in needed})


@variant(get(), patch({}), listed())
def further_fields_answered(api: Api) -> None:
    """Answers a persona with fields that the contract does not name, as newer releases do."""
    further = {"tags": ["vip"], "voice_volume": 1.0, "authorship": {"author": None}, "silent_mode": False}
    seams.show_as(api, lambda persona, shown: {**shown, **further})


@variant(get("/personas/voices"), listed(), patch({"wait_seconds": 9}))
def further_fields_beside_the_persona(api: Api) -> None:
    """Answers every object with a field that the contract does not name."""
    give = api.give
    seams.replace(
        api, "give", lambda status, body, headers=(): give(status, {**body, "request_id": "4f6c1d20"}, headers)
    )


@variant(patch({"wait_seconds": 0.123456789}), get())
def numbers_in_single_precision(api: Api) -> None:
    """Stores numbers in single precision and prints them shortest, so that 0.8 stays 0.8."""
    seams.store_number_as(api, shortest_single, "wait_seconds", "hold_music_timeout_seconds")


@variant(get(), patch({}))
def numbers_always_with_a_fraction(api: Api) -> None:
    """Answers 15 as 15.0."""
    seams.show_as(api, lambda persona, shown: {n: float(v) if isinstance(v, int) else v for n, v in shown.items()})


@variant(get())
def ids_are_uuids(api: Api) -> None:
    """Gives ids with dashes."""
    new_id = api.store.new_id
    seams.replace(api.store, "new_id", lambda: str(uuid.uuid5(uuid.NAMESPACE_URL, new_id())))


@variant(delete(), delete())
def second_delete_answered_200(api: Api) -> None:
    """Answers 200 to a removal of what is not there."""

    async def run(request: Request, handle: Operation) -> Answer:
        return await handle(request) if request.persona_id in api.store.personas else api.give(200, {})

    seams.around(api, "deletePersona", run)


@variant(patch({"wait_seconds": 9}))
def details_left_out(api: Api) -> None:
    """Does not name the fields at fault in errors."""
    seams.refuse_as(api, lambda refusal, answer: error_answer(api, refusal))


@variant(patch({"wait_seconds": 9}), get("/personas/unknown"), never_with=("details_left_out",))
def details_null(api: Api) -> None:
    """Answers every error with details that are null."""
    seams.refuse_as(api, lambda refusal, answer: error_answer(api, refusal, details=None))


@variant(get(), patch({"wait_seconds": 1}))
def times_with_an_offset(api: Api) -> None:
    """Answers times in a zone two hours ahead of UTC."""
    zone = timezone(timedelta(hours=2))
    seams.show_as(api, lambda persona, shown: {n: v.astimezone(zone) if is_time(v) else v for n, v in shown.items()})


@variant(get(), patch({"wait_seconds": 1}))
def times_without_fractions(api: Api) -> None:
    """Answers times to the second, though it keeps them more exactly."""
    seams.show_as(
        api, lambda persona, shown: {n: v.replace(microsecond=0) if is_time(v) else v for n, v in shown.items()}
    )


@variant(get())
def update_time_set_at_creation(api: Api) -> None:
    """Sets update_time when a persona is created."""
    create = api.store.create

    def made(body: Fields) -> Persona:
        persona = create(body)
        return api.store.write(persona._replace(update_time=persona.create_time))

    seams.replace(api.store, "create", made)


@variant(patch({}), patch({"wait_seconds": 0.5}))
def update_time_moves_on_every_update(api: Api) -> None:
    """Moves update_time on every update that it accepts, also where nothing changes."""

    def update(before: Persona, changes: Fields) -> None:
        now = api.store.find(before.id)
        if now.update_time == before.update_time:
            api.store.write(now._replace(update_time=api.store.touch(now)))

    seams.update_as(api, update)


@variant(patch({"wait_seconds": 1}, content_type="text/plain"))
def wrong_media_type_answered_400(api: Api) -> None:
    """Answers 400 instead of 415 to a body of another media type."""
    seams.refuse_as(
        api, lambda refusal, answer: Answer(400, answer.body, answer.headers) if answer.status == 415 else answer
    )


@variant(put({}))
def wrong_method_answered_404(api: Api) -> None:
    """Answers 404 instead of 405 to a method that the path does not have."""
    seams.replace(api.routes, "wrong_method", lambda methods: Refusal(404, "Nothing is at this path."))


@variant(patch({"persona_prompt": ""}), get())
def empty_prompt_read_as_null(api: Api) -> None:
    """Stores an empty prompt as not set."""
    seams.store_as(api, lambda _, fields: {n: v or None if n == "persona_prompt" else v for n, v in fields.items()})


@variant(patch({"wait_seconds": 9}, "/personas/unknown"))
def unknown_persona_before_the_body(api: Api) -> None:
    """Looks for the persona before it reads the body: 404 where both are wrong."""

    async def run(request: Request, handle: Operation) -> Answer:
        api.store.find(request.persona_id)
        return await handle(request)

    seams.around(api, "updatePersona", run)


@variant(listed("page_token=made-up"))
def made_up_token_finds_nothing(api: Api) -> None:
    """Answers a made-up page_token with an empty page."""
    page = api.listing.page

    def empty(personas: Iterable[Persona], query: Fields) -> Page:
        known = list(personas)
        try:
            return page(known, query)
        except Refusal:
            if "page_token" not in query:
                raise
            return Page([], None)

    seams.replace(api.listing, "page", empty)


@variant(get("/personas/voices"))
def sixty_voices(api: Api) -> None:
    """Has sixty voices."""
    spoken = list(VOICES.values())
    further = {f"voice-{number:02d}": spoken[number % len(spoken)] for number in range(FURTHER_VOICES)}
    voices = Voices({**VOICES, **further})
    api.voices = voices
    api.store.voices = voices


@variant(patch({"wait_seconds": 1, "tags": ["vip"]}))
def unnamed_fields_refused(api: Api) -> None:
    """Refuses a body with a field that the contract does not name."""

    def verdict(body: Fields) -> bool | None:
        return None if body.keys() <= api.rules.fields[seams.UPDATE].keys() else False

    seams.judge_body(api, verdict, seams.UPDATE, seams.CREATE)


@variant(listed('filter=name="wit"'))
def filter_matches_a_part_of_the_name(api: Api) -> None:
    """Finds personas by a part of their name, in any case."""
    matches = api.listing.matches

    def partly(condition: Condition, persona: Persona) -> bool:
        if condition.field != "name":
            return matches(condition, persona)
        return condition.value.casefold() in str(persona.fields.get("name", "")).casefold()

    seams.replace(api.listing, "matches", partly)


@variant(get(), patch({"wait_seconds": 9}))
def answers_name_their_charset(api: Api) -> None:
    """Answers as application/json; charset=utf-8, with further headers."""
    give = api.give
    head = (
        (b"content-type", b"application/json; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-request-id", b"4f6c1d20"),
    )

    def named(*arguments: Any) -> Answer:
        answer = give(*arguments)
        return Answer(answer.status, answer.body, (*head, *answer.headers[1:]))

    seams.replace(api, "give", named)


@variant(get(), listed())
def answers_indented_and_sorted(api: Api) -> None:
    """Answers JSON with white space, its fields in another order."""
    give = api.give

    def spread(*arguments: Any) -> Answer:
        answer = give(*arguments)
        option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        return Answer(answer.status, orjson.dumps(orjson.loads(answer.body), option=option), answer.headers)

    seams.replace(api, "give", spread)


@variant(get())
def connections_closed(api: Api) -> None:
    """Closes the connection after every answer, as HTTP/1.0 did."""
    send = api.send

    async def closing(answer: Answer, out: Send) -> None:
        await send(Answer(answer.status, answer.body, (*answer.headers, (b"connection", b"close"))), out)

    seams.replace(api, "send", closing)


@variant(get())
def answers_in_chunks(api: Api) -> None:
    """Sends answers in chunks, without their length."""

    async def chunked(answer: Answer, out: Send) -> None:
        await out({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
        middle = len(answer.body) // 2
        await out({"type": "http.response.body", "body": answer.body[:middle], "more_body": True})
        await out({"type": "http.response.body", "body": answer.body[middle:]})

    seams.replace(api, "send", chunked)


@variant(patch({"language_code": "EN-us"}), get())
def language_in_any_case(api: Api) -> None:
    """Compares language codes without case, as BCP 47 does."""
    speaks = api.voices.speaks
    seams.replace(
        api.voices,
        "speaks",
        lambda voice, language: any(
            speaks(voice, known) and known.lower() == language.lower() for known in api.voices.languages[voice]
        ),
    )


@variant(patch({"voice_name": "jonas"}))
def mismatch_blamed_on_the_language(api: Api) -> None:
    """Blames the language where it and the voice do not go together, whichever was sent."""
    _blame(api, "language_code")


@variant(patch({"language_code": "fr-FR"}), never_with=("mismatch_blamed_on_the_language",))
def mismatch_blamed_on_the_voice(api: Api) -> None:
    """Blames the voice where it and the language do not go together, whichever was sent."""
    _blame(api, "voice_name")


@variant(get())
def slow_answers(api: Api) -> None:
    """Takes 300 milliseconds for every answer."""
    send = api.send

    async def late(answer: Answer, out: Send) -> None:
        await asyncio.sleep(SLOW_SECONDS)
        await send(answer, out)

    seams.replace(api, "send", late)


@variant(patch('{"wait_seconds": 1, "wait_seconds": 2}'))
def first_of_duplicate_names_wins(api: Api) -> None:
    """Takes the first value where a body names a field twice."""
    decode = api.bodies.decode

    def first(body: bytes) -> Any:
        document = decode(body)
        with contextlib.suppress(RecursionError):  # what is nested too deep for this decoder is refused all the same
            return json.loads(body, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
        return document

    seams.replace(api.bodies, "decode", first)


def _blame(api: Api, name: str) -> None:
    check = api.store.check_voice

    def check_and_blame(fields: Fields, sent: Fields) -> None:
        try:
            check(fields, sent)
        except Refusal as refusal:
            if not api.voices.is_known(fields["voice_name"]):
                raise
            raise voice_refusal({name}, refusal.message) from None

    seams.replace(api.store, "check_voice", check_and_blame)


def shortest_single(value: float) -> float:
    """Round to single precision, and return the double that the shortest decimal of it names."""
    single = SINGLE.unpack(SINGLE.pack(value))[0]
    spelled = (float(f"{single:.{digits}g}") for digits in range(1, 10))
    return next((each for each in spelled if SINGLE.unpack(SINGLE.pack(each))[0] == single), single)


def is_time(value: Any) -> bool:
    """Say whether *value* is a time that an answer will print."""
    return hasattr(value, "astimezone")


def error_answer(api: Api, refusal: Refusal, **further: Any) -> Answer:
    """Write an error with no details but those that are given."""
    error = {"code": api.error_codes.get(refusal.status, "INTERNAL"), "message": refusal.message, **further}
    return api.give(refusal.status, {"error": error}, refusal.headers)
