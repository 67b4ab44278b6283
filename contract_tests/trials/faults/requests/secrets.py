"""Faults of secrets in answers and errors."""

import traceback
from dataclasses import replace
from typing import Any

import orjson

from .. import seams
from ..fault import Planted, fault, rows
from ..scene import Scene, first, needed
from ..seams import Answer, Api, Refusal, by
from ..usual import Shown, change_alone, changed_at, optional, read_unknown, refused, text_places
from ..witness import stranger
from .authentication import guarded

Place = tuple[str, ...]

SECRECY = "no_leaks"
TRACE = "Traceback (most recent call last):\n" + "".join(traceback.format_list(traceback.extract_stack()[-2:]))
PARSER = 'File "/app/src/items/handlers.py", line 88: json.decoder.JSONDecodeError: Expecting value'
QUERY = "sqlalchemy.exc.NoResultFound: SELECT items.id FROM items WHERE items.id = %(id_1)s"

# What is answered with a status.
ASKED: dict[int, Shown] = {400: refused, 401: lambda scene: (stranger(guarded(scene)),), 404: read_unknown}


def _telling(status: int, text: str, scene: Scene) -> Planted:
    needed(scene.contract.key.kind != "none" or "{key}" not in text)
    witness = ASKED[status](scene)
    place = first(text_places(scene, {400: "update", 404: "read"}.get(status), status))

    @by(seams.refuse_request_as)
    def apply(api: Api, scope: Any, refusal: Refusal) -> Answer:
        is_meant, answer = refusal.status == status, api.refuse(refusal)
        key = api.key_scheme.sent(dict(scope["headers"]), scope["query_string"]) or b""
        return _told(answer, place, text.replace("{key}", key.decode("latin-1"))) if is_meant else answer

    return Planted(apply, witness)


def _told(answer: Answer, place: Place, text: str) -> Answer:
    tell = lambda known: f"{known} {text}" if isinstance(known, str) else known
    return replace(answer, body=orjson.dumps(changed_at(orjson.loads(answer.body), place, tell)))


# By the name of the fault: what it does, the status of the errors, and what it adds to their message: {key} is the
# caller's key.
rows("secrets", (SECRECY,), {
    "wrong_key_echoed": ("Repeats a wrong key in the message of the 401.", 401, "Got {key}."),
    "key_echoed_in_errors": ("Repeats the caller's key where it refuses a body.", 400, "Request of {key}."),
    "key_echoed_where_nothing_is_found": ("Repeats the caller's key in the message of a 404.", 404, "Not in the account of {key}."),
    "stack_trace_in_errors": ("Answers a refused body with a stack trace.", 400, TRACE),
    "sql_in_errors": ("Answers the text of a query where nothing is found.", 404, QUERY),
}, make=_telling)  # fmt: skip


@fault("secrets", SECRECY)
def key_in_an_answer_header(scene: Scene) -> Planted:
    """Sends the caller's key back in a header."""
    needed(scene.contract.key.kind != "none")
    told = lambda api, answer: replace(answer, headers=(*answer.headers, (b"x-request-key", api.api_key)))
    return Planted(by(seams.give_as)(told), (scene.read(),))


@fault("secrets", SECRECY)
def key_in_the_item(scene: Scene) -> Planted:
    """Answers an item with the key that it belongs to."""
    needed(scene.contract.key.kind != "none")

    apply = by(seams.show_as)(lambda api, item, shown: {**shown, "owner_key": api.api_key.decode()})
    return Planted(apply, (scene.read(), *optional(change_alone, scene)))


@fault("secrets", SECRECY)
def parser_in_errors(scene: Scene) -> Planted:
    """Answers the message of its JSON parser, with the name of the module and the line."""
    place = first(text_places(scene, "update", 400))
    told = lambda refusal, answer: _told(answer, place, PARSER) if "valid JSON" in refusal.message else answer
    return Planted(lambda api: seams.refuse_as(api, told), (scene.update("{"),))
