"""Faults of status codes, and of the shapes of answers and errors."""

from __future__ import annotations

from typing import Any

import orjson

from ..app import Answer, Api, Request
from . import seams
from .fault import fault
from .seams import Operation
from .witness import Moment, get, patch

PATCH = "#/paths/~1personas~1{persona_id}/patch/responses"
GET = "#/paths/~1personas~1{persona_id}/get/responses"
INVALID = "#/components/responses/InvalidArgument"
NOT_FOUND = "#/components/responses/NotFound"
ERROR = "#/components/schemas/Error"
ERROR_BODY = "#/components/schemas/ErrorBody"

CHANGE = patch({"wait_seconds": 1})
WRONG = patch({"wait_seconds": 9})
ERRORS: tuple[Moment, ...] = (WRONG, get("/personas/unknown"))


def _success_as(api: Api, operation: str, change: Any) -> None:
    """Change the successful answers of an operation."""

    async def run(request: Request, handle: Operation) -> Answer:
        answer: Answer = change(await handle(request))
        return answer

    seams.around(api, operation, run)


def _body_as(api: Api, operation: str, change: Any) -> None:
    """Change the document in the successful answers of an operation."""
    _success_as(
        api, operation, lambda answer: api.give(answer.status, change(orjson.loads(answer.body)), answer.headers[1:])
    )


def _errors_as(api: Api, change: Any) -> None:
    """Change the document in every error; *change* is told the refusal and the document."""
    seams.refuse_as(
        api,
        lambda refusal, answer: api.give(answer.status, change(refusal, orjson.loads(answer.body)), refusal.headers),
    )


def _status_as(api: Api, status: int, other: int) -> None:
    """Answer *other* instead of the error *status*, in the same shape."""
    seams.refuse_as(
        api,
        lambda refusal, answer: Answer(
            other if answer.status == status else answer.status, answer.body, answer.headers
        ),
    )


@fault("statuses", f"{PATCH}/400", WRONG)
def refusal_answered_422(api: Api) -> None:
    """Answers 422 to a body that is not valid."""
    _status_as(api, 400, 422)


@fault("statuses", f"{PATCH}/400", WRONG)
def refusal_answered_500(api: Api) -> None:
    """Answers 500 to a body that is not valid."""
    _status_as(api, 400, 500)


@fault("statuses", INVALID, WRONG)
def refusal_answered_200(api: Api) -> None:
    """Answers 200 with an error in the body to a body that is not valid."""
    _status_as(api, 400, 200)


@fault("statuses", f"{GET}/404", *ERRORS)
def unknown_persona_answered_400(api: Api) -> None:
    """Answers 400 where no persona has the id."""
    _status_as(api, 404, 400)


@fault("statuses", f"{GET}/404", get("/personas/unknown"))
def unknown_persona_answered_with_null(api: Api) -> None:
    """Answers 200 and a persona that is null where no persona has the id."""

    async def run(request: Request, handle: Operation) -> Answer:
        if request.persona_id not in api.store.personas:
            return api.give(200, {"persona": None})
        return await handle(request)

    seams.around(api, "getPersona", run)


@fault("statuses", f"{PATCH}/200", CHANGE)
def update_answered_204(api: Api) -> None:
    """Answers an update with 204 and nothing."""
    _success_as(api, "updatePersona", lambda answer: Answer(204, b"", ()))


@fault("statuses", f"{PATCH}/200", CHANGE)
def update_answered_201(api: Api) -> None:
    """Answers an update with 201, as if something had been created."""
    _success_as(api, "updatePersona", lambda answer: Answer(201, answer.body, answer.headers))


@fault("statuses", "#/components/schemas/PersonaResponse/required", get())
def persona_not_wrapped(api: Api) -> None:
    """Answers a persona by itself instead of as persona."""
    _body_as(api, "getPersona", lambda document: document["persona"])


@fault("statuses", f"{PATCH}/200", CHANGE)
def update_answered_with_what_was_sent(api: Api) -> None:
    """Answers an update with those fields alone that it changed, and the id."""

    async def run(request: Request, handle: Operation) -> Answer:
        before = dict(getattr(api.store.personas.get(request.persona_id), "fields", {}))
        persona = orjson.loads((await handle(request)).body)["persona"]
        needed = ("id", "resource_name", "name", "create_time", "update_time")
        shown = {n: v for n, v in persona.items() if n in needed or before.get(n) != v}
        return api.give(200, {"persona": shown})

    seams.around(api, "updatePersona", run)


@fault("statuses", "#/components/schemas/Persona/required", get(), CHANGE)
def resource_name_missing(api: Api) -> None:
    """Leaves resource_name out of every answer."""
    seams.show_as(api, lambda persona, shown: {n: v for n, v in shown.items() if n != "resource_name"})


@fault("statuses", "#/components/schemas/Persona/required", get(), CHANGE)
def fields_in_camel_case(api: Api) -> None:
    """Answers the names of fields in camel case."""
    seams.show_as(api, lambda persona, shown: {_camel(n): v for n, v in shown.items()})


@fault("statuses", ERROR, *ERRORS)
def error_as_detail(api: Api) -> None:
    """Answers errors as detail, as a framework does by itself."""
    _errors_as(api, lambda refusal, document: {"detail": refusal.message})


@fault("statuses", f"{ERROR}/properties/error", *ERRORS)
def error_as_text(api: Api) -> None:
    """Answers error as text instead of an object."""
    _errors_as(api, lambda refusal, document: {"error": refusal.message})


@fault("statuses", f"{ERROR_BODY}/required", *ERRORS)
def error_without_code(api: Api) -> None:
    """Leaves the code out of errors."""
    _errors_as(api, lambda refusal, document: {"error": {"message": refusal.message}})


@fault("statuses", f"{ERROR_BODY}/required", *ERRORS)
def error_without_message(api: Api) -> None:
    """Leaves the message out of errors."""
    _errors_as(api, lambda refusal, document: {"error": {"code": document["error"]["code"]}})


@fault("statuses", f"{ERROR_BODY}/properties/code/type", *ERRORS)
def error_code_is_the_status(api: Api) -> None:
    """Answers the status as the code of an error."""
    _errors_as(api, lambda refusal, document: {"error": {**document["error"], "code": refusal.status}})


@fault("statuses", f"{INVALID}/x-error-code", *ERRORS)
def error_code_in_small_letters(api: Api) -> None:
    """Answers the codes of errors in small letters."""
    _errors_as(
        api, lambda refusal, document: {"error": {**document["error"], "code": document["error"]["code"].lower()}}
    )


@fault("statuses", f"{NOT_FOUND}/x-error-code", *ERRORS)
def error_code_of_a_404_is_internal(api: Api) -> None:
    """Answers 404 with the code INTERNAL."""
    api.error_codes[404] = "INTERNAL"


@fault("statuses", "#/components/schemas/VoiceList/properties/voices/type", get("/personas/voices"))
def voices_by_name(api: Api) -> None:
    """Answers the voices as an object by name."""
    _body_as(
        api,
        "listVoices",
        lambda document: {"voices": {v["voice_name"]: v["supported_languages"] for v in document["voices"]}},
    )


@fault("statuses", "#/components/schemas/Voice/required", get("/personas/voices"))
def voices_without_languages(api: Api) -> None:
    """Answers the names of the voices alone."""
    _body_as(
        api, "listVoices", lambda document: {"voices": [{"voice_name": v["voice_name"]} for v in document["voices"]]}
    )


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
