"""Faults of secrets in answers and errors."""

from __future__ import annotations

import traceback
from typing import Any

import orjson

from ..app import Answer, Api
from ..bodies import Headers
from ..errors import Refusal
from . import seams
from .fault import fault
from .witness import get, patch, stranger

SECRECY = "#/x-decisions/secrecy"

CHANGE = patch({"wait_seconds": 1})
WRONG = patch({"wait_seconds": 9})


def _add_to_errors(api: Api, text: Any, *statuses: int) -> None:
    """Add what *text* returns for a request to the message of errors with one of *statuses*."""
    answer = api.answer

    async def run(scope: Any, receive: Any) -> Answer:
        try:
            return await answer(scope, receive)
        except Refusal as refusal:
            if refusal.status in statuses:
                message = f"{refusal.message} {text(dict(scope['headers']))}"
                raise Refusal(refusal.status, message, refusal.details, refusal.headers) from None
            raise

    seams.replace(api, "answer", run)


def _sent_key(headers: Headers) -> str:
    return headers.get(b"x-api-key", b"").decode("latin-1")


@fault("secrets", SECRECY, stranger(CHANGE))
def wrong_key_echoed(api: Api) -> None:
    """Repeats a wrong key in the message of the 401."""
    _add_to_errors(api, lambda headers: f"Got {_sent_key(headers)}.", 401)


@fault("secrets", SECRECY, WRONG)
def key_echoed_in_errors(api: Api) -> None:
    """Repeats the caller's key in the message of a 400."""
    _add_to_errors(api, lambda headers: f"Request of {_sent_key(headers)}.", 400)


@fault("secrets", SECRECY, get("/personas/unknown"))
def key_echoed_where_nothing_is_found(api: Api) -> None:
    """Repeats the caller's key in the message of a 404."""
    _add_to_errors(api, lambda headers: f"Not in the account of {_sent_key(headers)}.", 404)


@fault("secrets", SECRECY, get())
def key_in_an_answer_header(api: Api) -> None:
    """Sends the caller's key back in a header."""
    give = api.give
    seams.replace(
        api, "give", lambda status, body, headers=(): give(status, body, (*headers, (b"x-request-key", api.api_key)))
    )


@fault("secrets", SECRECY, get(), CHANGE)
def key_in_the_persona(api: Api) -> None:
    """Answers a persona with the key that it belongs to."""
    seams.show_as(api, lambda persona, shown: {**shown, "owner_key": api.api_key.decode()})


@fault("secrets", SECRECY, WRONG)
def stack_trace_in_errors(api: Api) -> None:
    """Answers a refused body with a stack trace."""
    trace = "".join(traceback.format_list(traceback.extract_stack()[-2:]))
    _add_to_errors(api, lambda headers: f"Traceback (most recent call last):\n{trace}", 400)


@fault("secrets", SECRECY, get("/personas/unknown"))
def sql_in_errors(api: Api) -> None:
    """Answers the text of a query where nothing is found."""
    query = "sqlalchemy.exc.NoResultFound: SELECT personas.id FROM personas WHERE personas.id = %(id_1)s"
    _add_to_errors(api, lambda headers: query, 404)


@fault("secrets", SECRECY, patch("{"))
def parser_in_errors(api: Api) -> None:
    """Answers the message of its JSON parser, with the name of the module and the line."""

    def decode(body: bytes) -> Any:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            message = f'File "/app/src/personas/handlers.py", line 88: json.decoder.JSONDecodeError: {error}'
            raise Refusal(400, message) from None

    seams.replace(api.bodies, "decode", decode)
