"""Faults of authentication, and of what a stranger learns."""

from __future__ import annotations

import contextlib
from typing import Any

from ..app import Answer, Api
from ..bodies import Headers
from ..errors import Refusal
from ..routes import decoded_path
from . import seams
from .fault import fault
from .witness import delete, get, listed, patch, post, stranger, with_header

KEY = "#/components/securitySchemes/ApiKeyAuth"
EXACT = "#/x-decisions/exact"
FIRST = "#/x-decisions/precedence"

CHANGE = patch({"wait_seconds": 1})
WRONG = patch({"wait_seconds": 9})
NEW = {"name": "New", "voice_name": "aria", "language_code": "en-US"}


def _authorize(api: Api, is_right: Any) -> None:
    """Accept further keys: *is_right* is told the key that was sent and the right one."""
    rule = api.is_authorized

    def is_authorized(headers: Headers) -> bool:
        sent = headers.get(api.contract.key_header)
        return rule(headers) or (sent is not None and is_right(sent.decode("latin-1"), api.api_key.decode()))

    seams.replace(api, "is_authorized", is_authorized)


def _open_operation(api: Api, method: str, tail: str) -> None:
    """Ask for no key where the method and the end of the path match; `*` stands for an id."""
    answer = api.answer

    async def run(scope: Any, receive: Any) -> Answer:
        path = decoded_path(scope)
        is_open = scope["method"] == method and (
            path.endswith(tail) or (tail == "*" and path.count("/") == 3 and not path.endswith("/voices"))
        )
        if is_open:
            others = [pair for pair in scope["headers"] if pair[0] != api.contract.key_header]
            scope = {**scope, "headers": [*others, (api.contract.key_header, api.api_key)]}
        return await answer(scope, receive)

    seams.replace(api, "answer", run)


@fault("authentication", "#/security", stranger(get("/personas/voices"), lambda key: None))
def voices_without_a_key(api: Api) -> None:
    """Lists the voices to anyone."""
    _open_operation(api, "GET", "/personas/voices")


@fault("authentication", "#/security", stranger(get(), lambda key: None))
def reading_without_a_key(api: Api) -> None:
    """Shows a persona to anyone."""
    _open_operation(api, "GET", "*")


@fault("authentication", "#/security", stranger(listed(), lambda key: None))
def listing_without_a_key(api: Api) -> None:
    """Lists the personas to anyone."""
    _open_operation(api, "GET", "/personas")


@fault("authentication", "#/security", stranger(delete(), lambda key: None), get())
def deleting_without_a_key(api: Api) -> None:
    """Lets anyone remove a persona."""
    _open_operation(api, "DELETE", "*")


@fault("authentication", "#/security", stranger(CHANGE, lambda key: None), get())
def updating_without_a_key(api: Api) -> None:
    """Lets anyone update a persona."""
    _open_operation(api, "PATCH", "*")


@fault("authentication", "#/security", stranger(post(NEW), lambda key: None))
def creating_without_a_key(api: Api) -> None:
    """Lets anyone create a persona."""
    _open_operation(api, "POST", "/personas")


@fault("authentication", EXACT, stranger(CHANGE))
def any_key_accepted(api: Api) -> None:
    """Asks only that a key is there."""
    _authorize(api, lambda sent, right: bool(sent))


@fault("authentication", EXACT, stranger(CHANGE, lambda key: ""))
def empty_key_accepted(api: Api) -> None:
    """Takes an empty key for no check at all."""
    _authorize(api, lambda sent, right: not sent)


@fault("authentication", EXACT, stranger(CHANGE, str.swapcase))
def key_in_any_case(api: Api) -> None:
    """Compares keys without case."""
    _authorize(api, lambda sent, right: sent.lower() == right.lower())


@fault("authentication", EXACT, stranger(CHANGE, lambda key: key[: len(key) // 2]))
def beginning_of_the_key_accepted(api: Api) -> None:
    """Compares only as many characters as were sent."""
    _authorize(api, lambda sent, right: bool(sent) and right.startswith(sent))


@fault("authentication", EXACT, stranger(CHANGE, lambda key: f"{key}x"))
def key_with_a_tail_accepted(api: Api) -> None:
    """Compares only as many characters as the key has."""
    _authorize(api, lambda sent, right: sent.startswith(right))


@fault("authentication", EXACT, stranger(CHANGE, lambda key: f"Bearer {key}"))
def bearer_before_the_key_accepted(api: Api) -> None:
    """Strips a scheme in front of the key."""
    _authorize(api, lambda sent, right: sent.partition(" ")[2] == right)


@fault("authentication", EXACT, stranger(CHANGE, lambda key: f'"{key}"'))
def quoted_key_accepted(api: Api) -> None:
    """Strips quotes around the key."""
    _authorize(api, lambda sent, right: sent.strip('"') == right)


@fault("authentication", f"{KEY}/in", stranger(get("/personas/{id}?api_key={key}"), lambda key: None))
def key_in_the_query_accepted(api: Api) -> None:
    """Accepts the key as a query parameter."""
    answer = api.answer

    async def run(scope: Any, receive: Any) -> Answer:
        if b"key=" + api.api_key in scope["query_string"].replace(b"-", b"_"):
            scope = {**scope, "headers": [*scope["headers"], (api.contract.key_header, api.api_key)]}
        return await answer(scope, receive)

    seams.replace(api, "answer", run)


@fault("authentication", f"{KEY}/name",
       with_header(stranger(get(), lambda key: None), "authorization", "Bearer {key}"))  # fmt: skip
def key_in_authorization_accepted(api: Api) -> None:
    """Accepts the key as a bearer token."""
    rule = api.is_authorized
    bearer = b"Bearer " + api.api_key
    seams.replace(api, "is_authorized", lambda headers: rule(headers) or headers.get(b"authorization") == bearer)


@fault("authentication", "#/components/responses/Unauthenticated/x-error-code", stranger(CHANGE), stranger(get()))
def wrong_key_answered_403(api: Api) -> None:
    """Answers 403 to a wrong key."""

    def change(refusal: Refusal, answer: Answer) -> Answer:
        if refusal.status != 401:
            return answer
        return api.give(403, {"error": {"code": "PERMISSION_DENIED", "message": refusal.message}})

    seams.refuse_as(api, change)


@fault("authentication", FIRST, stranger(get("/personas/unknown")), stranger(get()))
def unknown_persona_before_the_key(api: Api) -> None:
    """Looks for the persona before it checks the key, and answers 404 to a stranger."""

    async def check(scope: Any, operation: str, persona_id: str, receive: Any) -> Any:
        if persona_id:
            api.store.find(persona_id)
        return receive

    _look_first(api, check)


@fault("authentication", FIRST, stranger(WRONG), stranger(CHANGE))
def body_before_the_key(api: Api) -> None:
    """Checks the body before the key, and answers 400 to a stranger."""

    async def check(scope: Any, operation: str, persona_id: str, receive: Any) -> Any:
        if operation in api.rules.bodies:
            message = await receive()
            headers = dict(scope["headers"])
            if message.get("more_body") or not api.bodies.is_json(headers.get(b"content-type")):
                raise Refusal(400, "The request body is not valid.")
            if not api.rules.is_valid(operation, api.bodies.decode(message["body"])):
                raise Refusal(400, "The request body is not valid.")
        return receive

    _look_first(api, check)


@fault("authentication", FIRST, stranger(listed("page_size=0")))
def query_before_the_key(api: Api) -> None:
    """Checks the query before the key, and answers 400 to a stranger."""

    async def check(scope: Any, operation: str, persona_id: str, receive: Any) -> Any:
        api.rules.query(operation, scope["query_string"])
        return receive

    _look_first(api, check)


@fault("authentication", FIRST, stranger(get()), stranger(get("/personas/unknown")))
def stranger_is_told_which_personas_exist(api: Api) -> None:
    """Answers 401 with other words where the persona exists."""
    answer = api.answer

    async def run(scope: Any, receive: Any) -> Answer:
        try:
            return await answer(scope, receive)
        except Refusal as refusal:
            persona_id = decoded_path(scope).rpartition("/")[2]
            if refusal.status == 401 and persona_id in api.store.personas:
                raise Refusal(401, "This persona belongs to another account.") from None
            raise

    seams.replace(api, "answer", run)


@fault("authentication", "#/components/responses/Unauthenticated/description", stranger(CHANGE), get())
def stranger_is_refused_after_the_update(api: Api) -> None:
    """Carries out the update of a stranger and then answers 401."""
    answer = api.answer

    async def run(scope: Any, receive: Any) -> Answer:
        if api.is_authorized(dict(scope["headers"])) or scope["method"] != "PATCH":
            return await answer(scope, receive)
        others = [pair for pair in scope["headers"] if pair[0] != api.contract.key_header]
        with contextlib.suppress(Refusal):
            await answer({**scope, "headers": [*others, (api.contract.key_header, api.api_key)]}, receive)
        raise Refusal(401, "The API key is missing or wrong.")

    seams.replace(api, "answer", run)


def _look_first(api: Api, check: Any) -> None:
    """Run *check* before the key is looked at."""
    answer = api.answer

    async def run(scope: Any, receive: Any) -> Answer:
        if not api.is_authorized(dict(scope["headers"])):
            operation, persona_id = api.routes.find(scope["method"], decoded_path(scope))
            receive = await check(scope, operation, persona_id, receive)
        return await answer(scope, receive)

    seams.replace(api, "answer", run)
