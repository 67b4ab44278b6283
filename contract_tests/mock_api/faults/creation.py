"""Faults of creation."""

from __future__ import annotations

from typing import Any

from ..app import Answer, Api, Request
from ..errors import Refusal
from ..rules import Fields
from ..store import Persona
from . import seams
from .fault import fault
from .seams import Operation
from .witness import get, listed, post

CREATED = "#/paths/~1personas/post/responses/201"
REQUIRED = "#/components/schemas/PersonaCreate/required"

NEW: dict[str, Any] = {"name": "New", "voice_name": "aria", "language_code": "en-US"}
FULL_NEW: dict[str, Any] = {**NEW, "persona_prompt": "Ask.", "wait_seconds": 1}


@fault("creation", CREATED)
def create_answered_200(api: Api) -> None:
    """Answers a creation with 200."""

    async def run(request: Request, handle: Operation) -> Answer:
        answer = await handle(request)
        return Answer(200, answer.body, answer.headers)

    seams.around(api, "createPersona", run)


@fault("creation", CREATED)
def create_answered_with_the_id_alone(api: Api) -> None:
    """Answers a creation with nothing but the id."""

    async def run(request: Request, handle: Operation) -> Answer:
        persona = api.store.create(await api.valid_body(request))
        return api.give(201, {"persona": {"id": persona.id}})

    seams.around(api, "createPersona", run)


@fault("creation", CREATED, post(NEW), get("/personas/{new}"))
def created_persona_not_stored(api: Api) -> None:
    """Answers a creation with 201 and stores nothing from the third persona of a name on."""
    create = api.store.create

    def made(body: Fields) -> Persona:
        persona = create(body)
        if sum(each.fields.get("voice_name") == persona.fields.get("voice_name") for each in api.store.all()) > 3:
            api.store.delete(persona.id)
        return persona

    seams.replace(api.store, "create", made)


@fault("creation", REQUIRED, post(NEW))
def create_requires_a_prompt(api: Api) -> None:
    """Refuses a new persona without a prompt."""
    seams.judge_body(api, lambda body: None if body.get("persona_prompt") else False, seams.CREATE)


@fault("creation", REQUIRED, post({"voice_name": "aria", "language_code": "en-US"}))
def create_names_the_nameless(api: Api) -> None:
    """Makes up a name for a new persona that has none."""
    _fill_in(api, "name", "Untitled")


@fault("creation", REQUIRED, post({"name": "New", "voice_name": "aria"}))
def create_makes_up_a_language(api: Api) -> None:
    """Takes en-US for a new persona without a language."""
    _fill_in(api, "language_code", "en-US")


@fault("creation", "#/components/schemas/PersonaCreate/properties/name", post({**NEW, "name": None}))
def create_accepts_a_null_name(api: Api) -> None:
    """Takes null for the name of a new persona and stores the text None."""

    def verdict(value: Any) -> bool | None:
        return True if value is None else None

    def read(body: Any) -> Any:
        is_new = isinstance(body, dict) and body.keys() >= {"name", "voice_name", "language_code"}
        return {**body, "name": "None"} if is_new and verdict(body["name"]) else body

    seams.read_as(api, read)


@fault("creation", "#/components/schemas/PersonaCreate", post({**NEW, "wait_seconds": 9}))
def create_checks_no_numbers(api: Api) -> None:
    """Checks the limits of numbers in updates only."""
    _unchecked_by_create(api, lambda value: isinstance(value, (int, float)) and not isinstance(value, bool))


@fault("creation", "#/components/schemas/BackgroundSound/enum", post({**NEW, "background_sound": "silence"}))
def create_checks_no_sound(api: Api) -> None:
    """Accepts any text as the background sound of a new persona."""
    seams.judge_body(
        api,
        lambda body: (
            _is_valid_without(api, body, "background_sound") if isinstance(body.get("background_sound"), str) else None
        ),
        seams.CREATE,
    )


@fault("creation", "#/components/schemas/PersonaName/maxLength", post({**NEW, "name": "a" * 201}))
def create_cuts_the_name(api: Api) -> None:
    """Cuts the name of a new persona to 200 characters and accepts it."""

    def read(body: Any) -> Any:
        is_new = isinstance(body, dict) and {"name", "voice_name", "language_code"} <= body.keys()
        return {**body, "name": body["name"][:200]} if is_new and isinstance(body["name"], str) else body

    seams.read_as(api, read)


@fault("creation", "#/components/schemas/LanguageCode/description", post({**NEW, "language_code": "de-DE"}))
def create_ignores_what_the_voice_speaks(api: Api) -> None:
    """Does not ask whether the voice of a new persona speaks its language."""
    check = api.store.check_voice

    def lenient(fields: Fields, sent: Fields) -> None:
        is_new = {"name", "voice_name", "language_code"} <= sent.keys() and None not in (
            sent["name"],
            sent["voice_name"],
            sent["language_code"],
        )
        check({**fields, "language_code": None} if is_new else fields, sent)

    seams.replace(api.store, "check_voice", lenient)


@fault("creation", CREATED, post(FULL_NEW), post({**FULL_NEW, "wait_seconds": 2}), listed())
def same_body_creates_no_second_persona(api: Api) -> None:
    """Answers a creation with the persona that has the same prompt already, where there is one."""
    create = api.store.create

    def made(body: Fields) -> Persona:
        prompt = body.get("persona_prompt")
        known = [each for each in api.store.all() if prompt and each.fields.get("persona_prompt") == prompt]
        return known[-1] if known else create(body)

    seams.replace(api.store, "create", made)


@fault("creation", "#/components/schemas/Persona/properties/id", post(NEW), post({**NEW, "name": "Second"}), listed())
def id_made_of_the_voice(api: Api) -> None:
    """Derives the id from voice and language, so that a persona takes the place of another."""
    create = api.store.create
    new_id = api.store.new_id
    pending: Fields = {}

    def made(body: Fields) -> Persona:
        pending.clear()
        pending.update(body)
        return create(body)

    def derived() -> str:
        stem = f"{pending['voice_name']}{pending['language_code']}".replace("-", "")
        return stem if pending else new_id()

    seams.replace(api.store, "create", made)
    seams.replace(api.store, "new_id", derived)


@fault("creation", "#/x-decisions/creation", post(NEW), listed())
def create_makes_two(api: Api) -> None:
    """Stores a new persona twice, and answers with the second."""
    create = api.store.create

    def twice(body: Fields) -> Persona:
        create(body)
        return create(body)

    seams.replace(api.store, "create", twice)


@fault("creation", "#/x-decisions/creation", post(NEW), post(NEW))
def second_persona_of_a_name_refused(api: Api) -> None:
    """Refuses a new persona with the name of one that is there."""
    create = api.store.create

    def unique(body: Fields) -> Persona:
        if any(persona.fields.get("name") == body["name"] for persona in api.store.all()):
            raise Refusal(400, "The name is taken.")
        return create(body)

    seams.replace(api.store, "create", unique)


def _fill_in(api: Api, name: str, value: str) -> None:
    """Complete the body of a creation; an update has no voice with a name."""

    async def run(request: Request, handle: Operation) -> Answer:
        decode = api.bodies.decode
        seams.read_as(api, lambda body: {name: value, **body} if isinstance(body, dict) else body)
        try:
            return await handle(request)
        finally:
            seams.replace(api.bodies, "decode", decode)

    seams.around(api, "createPersona", run)


def _unchecked_by_create(api: Api, is_free: Any) -> None:
    rule = api.rules.is_valid

    def is_valid(operation: str, body: Any) -> bool:
        if operation == seams.CREATE and isinstance(body, dict):
            optional = ("wait_seconds", "hold_music_timeout_seconds")
            body = {n: v for n, v in body.items() if n not in optional or not is_free(v)}
        return rule(operation, body)

    seams.replace(api.rules, "is_valid", is_valid)


def _is_valid_without(api: Api, body: Fields, name: str) -> bool:
    return api.rules.bodies[seams.CREATE].is_valid({n: v for n, v in body.items() if n != name})
